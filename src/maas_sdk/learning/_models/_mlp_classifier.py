"""The multi-layer perceptron for classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin

from maas_sdk.learning._models._estimator import all_or_nothing
from maas_sdk.learning._models._labels import log_probabilities, probabilities, winners
from maas_sdk.learning._models._mlp import MLP
from maas_sdk.learning._models._targets import Labels
from maas_sdk.learning._nets._losses import BinaryLogLoss, MultinomialLogLoss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.interfaces import Checkpoint
    from maas_sdk.learning._models._targets import Targets
    from maas_sdk.learning._nets._losses import Loss

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, MLP):
    """Multi-layer perceptron for classes, trained by any optimizer on the log loss.

    Minimizes the mean log loss plus ½·alpha·‖weights‖². One output unit for two classes, one for each class
    otherwise. All arithmetic is done in `dtype`, whatever the dtype of `X`, and probabilities come out in it.
    Features are taken as they come: standardize them first, or training is slow or diverges.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` for none.
    activation : {"relu", "tanh", "gelu"}, default="relu"
        Of the hidden layers.
    optimizer : Optimizer, default=None
        None takes ``Adam()``. One with a true attribute `full_batch` gets all of the data in each step.
    alpha : float, default=1e-4
        Strength of the L2 penalty on the weights. It is not divided by the batch size, as scikit-learn's is.
    dropout : float, default=0.0
        Probability with which each output of a hidden layer is left out in each step of the training.
    batch_size : int, default=None
        Rows of a batch; None takes 200, or all rows if the optimizer wants the full batch.
    max_iter : int, default=200
        Epochs at most.
    tol : float, default=1e-4
        An epoch that does not improve the loss (with `early_stopping` the validation score) by more than this
        counts as one without change.
    n_iter_no_change : int, default=10
        Epochs without change after which training stops.
    early_stopping : bool, default=False
        Whether to hold out part of the data, stop by the accuracy there, and keep the best epoch's weights.
    validation_fraction : float, default=0.1
        How much to hold out, between 0 and 1; stratified by class where the data are in memory.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights and the optimizer's state of the last one.
    dtype : {"float32", "float64"}, default="float32"
        Of the weights and of all arithmetic.
    random_state : int, RandomState instance or None, default=None
        For the first weights, the order of the rows, what is held out and what is dropped. An int makes `fit`
        reproducible.
    callback : callable, default=None
        Called after each epoch with a mapping: ``"epoch"`` (from 1), ``"n_epochs"`` (at most), ``"loss"``,
        with `early_stopping` ``"validation_score"``, ``"seconds"`` and ``"seconds_left"``; in epochs of more
        than a second also within them, then with ``"batch"`` and ``"n_batches"``. What it raises ends the
        training, reaches the caller of `fit`, and leaves the estimator as it was before.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of each layer.
    intercepts_ : list of ndarray of shape (n_units,)
        Biases of each layer.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where `X` had names that are all strings.
    n_outputs_ : int
        Output units.
    n_iter_ : int
        Epochs that were run, since the first call of `partial_fit` if it was that.
    loss_ : float
        Mean loss of the last epoch, penalty included.
    loss_curve_ : list of float
        Mean loss of each epoch.
    validation_scores_ : list of float or None
        Accuracy on the held-out data after each epoch.
    privacy_ : PrivacyRecord
        Only with an optimizer that trains with differential privacy, such as :class:`DPAdam`.
    optimizer_state_ : dict
        Only after `partial_fit` or with `warm_start`, which go on from it.

    Notes
    -----
    The rows of arrays that fit in one batch, of 200 rows at most, are put in an order of their own, and equal
    ones are made one of greater weight, unless some are held out or outputs dropped: so neither the order of
    rows nor repeating one in place of weighting it changes a bit of the result.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from maas_sdk.learning import Adam, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = MLPClassifier((16,), optimizer=Adam(learning_rate=0.02), max_iter=300, random_state=0)
    >>> bool(classifier.fit(X, y).score(X, y) > 0.95)
    True
    """

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        checkpoint: Checkpoint | None = None,
        classes: Any = None,
    ) -> Self:
        """Learn from data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or batches
            What :meth:`Batches.of` takes is read batch by batch. An iterator that serves one pass is refused
            unless `classes` are named and `max_iter` is 1.
        y : array-like of shape (n_samples,), or as :meth:`Batches.of` takes it
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts; 0 leaves it out.
        checkpoint : Checkpoint, default=None
            Where the training is saved, and goes on from after it was killed. Needs an integer
            `random_state`.
        classes : array-like of shape (n_classes,), default=None
            All labels that there are. None takes those in `y`, which costs batches one more pass.

        Raises
        ------
        InvalidOptionError
            If an option is wrong, `y` has one class only or others than `classes`, or the training diverges.
        CheckpointError
            If the checkpoint is of another training, or damaged.
        """
        return self._fit(X, y, sample_weight, classes, checkpoint=checkpoint, partial=False)

    def partial_fit(self, X: Any, y: Any = None, *, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learn from more rows, in one pass, and go on with the state of the optimizer.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them; any iterator will do once the classes are known.
        classes : array-like of shape (n_classes,), default=None
            All labels that there will be: for the first call, if its `y` may lack some.
        """
        return self._fit(X, y, sample_weight, classes, checkpoint=None, partial=True)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        classes: Any,
        *,
        checkpoint: Checkpoint | None,
        partial: bool,
    ) -> Self:
        with all_or_nothing(self):
            goes_on = partial or self.warm_start
            before = getattr(self, "classes_", None) if goes_on else None
            given = before if partial and classes is None else classes
            targets = Labels(self.dtype, given, before=before)
            self._learn(X, y, sample_weight, targets=targets, checkpoint=checkpoint, partial=partial)
            self.classes_ = targets.classes
        return self

    def _loss(self, targets: Targets) -> Loss:
        return BinaryLogLoss() if targets.n_outputs == 1 else MultinomialLogLoss()

    def _score(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        weight: NDArray[np.floating] | None,
        loss: Loss,  # noqa: ARG002 - accuracy needs none
    ) -> float:
        right = winners(raw) == target.ravel()
        return float(right.sum() if weight is None else weight[right].sum(dtype=np.float64))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the most probable class of each row: ndarray of shape (n_samples,), dtype of `classes_`.

        What :meth:`Batches.of` takes is read batch by batch.
        """
        raw = self._raw(X)
        labels: NDArray[Any] = self.classes_[winners(raw)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the probability of each class: ndarray of shape (n_samples, n_classes), in `dtype`."""
        return probabilities(self._raw(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the logarithm of each class's probability, shape (n_samples, n_classes); never -inf."""
        return log_probabilities(self._raw(X))
