"""Logistic regression and the linear support vector machine, trained by any optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin

from maas_sdk.learning._models._estimator import all_or_nothing
from maas_sdk.learning._models._labels import log_probabilities, probabilities, winners
from maas_sdk.learning._models._linear import Linear
from maas_sdk.learning._models._targets import Labels
from maas_sdk.learning._nets._losses import BinaryLogLoss, HingeLoss, MultinomialLogLoss
from maas_sdk.learning._options import check_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Checkpoint, Optimizer
    from maas_sdk.learning._loop._training import TrainingOptions
    from maas_sdk.learning._models._targets import Targets
    from maas_sdk.learning._nets._losses import Loss

__all__ = ["LinearSVMClassifier", "LogisticClassifier"]


class _LinearClassifier(ClassifierMixin, Linear):
    """Fit and predict of both classifiers."""

    _signs: ClassVar[bool]
    """Whether the loss takes -1 and 1."""

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        checkpoint: Checkpoint | None = None,
        classes: Any = None,
    ) -> Self:
        """Learn from data, in one pass that measures them and one for each epoch.

        With more than 2000 features, the default optimizer takes 30 more to find its learning rate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or batches
            What :meth:`Batches.of` takes is read batch by batch; an iterator that serves one pass is refused.
        y : array-like of shape (n_samples,), or as :meth:`Batches.of` takes it
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts; 0 leaves it out.
        checkpoint : Checkpoint, default=None
            Where the training is saved, and goes on from after it was killed. Needs an integer `random_state`
            where the optimizer works in batches.
        classes : array-like of shape (n_classes,), default=None
            All labels that there are, if `y` may lack some; None takes those in `y`.

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

        The first call fixes the scale of the features by the rows that it gets, for which it reads them once
        more; let them be a fair sample.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them; after the first call any iterator will do.
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
            targets = Labels(np.float64, given, before=before, signs=self._signs)
            self._learn(X, y, sample_weight, targets=targets, checkpoint=checkpoint, partial=partial)
            self.classes_ = targets.classes
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the raw output: of the second class (n_samples,), or of each class (n_samples, n_classes)."""
        raw = self._raw(X)
        return raw[:, 0] if raw.shape[1] == 1 else raw

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of the greatest output for each row: shape (n_samples,), dtype of `classes_`.

        What :meth:`Batches.of` takes is read batch by batch.
        """
        raw = self._raw(X)
        labels: NDArray[Any] = self.classes_[winners(raw)]
        return labels


class LogisticClassifier(_LinearClassifier):
    """Logistic regression, binary or multinomial, trained by any optimizer.

    Minimizes the mean log loss plus ½·alpha·‖coefficients‖², features standardized: the penalty acts on the
    coefficients of the standardized features, as in R's glmnet (J. Friedman, T. Hastie, R. Tibshirani,
    "Regularization Paths for Generalized Linear Models via Coordinate Descent", 2010). On features that are
    standardized already, `alpha` is what scikit-learn calls 1 / (C · n_samples). All arithmetic is done in
    float64.

    Parameters
    ----------
    optimizer : Optimizer, default=None
        None takes accelerated gradient descent on all of the data, with a learning rate computed from them,
        which comes close to the exact solution on any data. One with a true attribute `full_batch` gets all
        of the data in each step.
    alpha : float, default=1e-4
        Strength of the L2 penalty; without one, classes that a plane can separate would push the coefficients
        without end.
    batch_size : int, default=None
        Rows of a batch, for an optimizer that works in batches; None takes 200.
    max_iter : int, default=1000
        Epochs at most.
    tol : float, default=1e-6
        An epoch that does not improve the loss by more than this counts as one without change.
    n_iter_no_change : int, default=10
        Epochs without change after which training stops.
    warm_start : bool, default=False
        Whether `fit` goes on from the coefficients and the optimizer's state of the last one.
    random_state : int, RandomState instance or None, default=None
        For the order of the rows where there are batches.
    callback : callable, default=None
        Called after each epoch with a mapping: ``"epoch"`` (from 1), ``"n_epochs"`` (at most), ``"loss"``,
        ``"seconds"`` and ``"seconds_left"``; in epochs of more than a second also within them, then with
        ``"batch"`` and ``"n_batches"``. What it raises ends the training, reaches the caller of `fit`, and
        leaves the estimator as it was.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        One row for two classes, of the log-odds of the second.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where `X` had names that are all strings.
    n_iter_ : int
        Epochs that were run, since the first call of `partial_fit` if it was that.
    loss_ : float
        Mean loss of the last epoch, penalty included.
    loss_curve_ : list of float
        Mean loss of each epoch.
    privacy_ : PrivacyRecord
        Only with an optimizer that trains with differential privacy, such as :class:`DPAdam`.
    optimizer_state_ : dict
        Only after `partial_fit` or with `warm_start`, which go on from it. `partial_fit` takes
        ``Adam(learning_rate=0.01)`` where `optimizer` is None.

    Examples
    --------
    >>> classifier = LogisticClassifier().fit([[0.0], [1.0], [3.0], [4.0]], ["low", "low", "high", "high"])
    >>> classifier.predict([[0.5], [3.5]]).tolist()
    ['low', 'high']
    """

    _signs = False

    def _loss(self, targets: Targets) -> Loss:
        return BinaryLogLoss() if targets.n_outputs == 1 else MultinomialLogLoss()

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the probability of each class: float64, shape (n_samples, n_classes)."""
        return probabilities(self._raw(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the logarithm of each class's probability, float64, shape (n_samples, n_classes)."""
        return log_probabilities(self._raw(X))


class LinearSVMClassifier(_LinearClassifier):
    """Linear support vector machine by the hinge loss, one class against the rest, trained by any optimizer.

    Minimizes the mean hinge loss, added up over classes, plus ½·alpha·‖coefficients‖², features standardized.
    On features that are standardized already, scikit-learn's ``LinearSVC(C=1 / (alpha * n_samples))``
    minimizes the same, but that it penalizes the intercept, too. All arithmetic is done in float64.

    Parameters
    ----------
    loss : {"hinge", "squared_hinge"}, default="hinge"
        How a row on the wrong side of its margin counts: by its distance or the square of it.
    optimizer : Optimizer, default=None
        None takes accelerated gradient descent on all of the data, with a learning rate computed from them.
        For the plain hinge it follows slopes that are smoothed over a hundredth of the margin and takes steps
        by the curvature that it meets; where it was measured, it came within one percent of the least
        objective for an `alpha` of 1e-2 and more, and within two for 1e-3; below, let `max_iter` and
        `n_iter_no_change` be greater. One with a true attribute `full_batch` gets all of the data in each
        step.
    alpha : float, default=1e-3
        Strength of the L2 penalty.
    batch_size : int, default=None
        Rows of a batch, for an optimizer that works in batches; None takes 200.
    max_iter : int, default=2000
        Epochs at most.
    tol : float, default=1e-6
        An epoch that does not improve the loss by more than this counts as one without change.
    n_iter_no_change : int, default=100
        Epochs without change after which training stops.
    warm_start : bool, default=False
        Whether `fit` goes on from the coefficients and the optimizer's state of the last one.
    random_state : int, RandomState instance or None, default=None
        For the order of the rows where there are batches.
    callback : callable, default=None
        Called after each epoch with a mapping: ``"epoch"`` (from 1), ``"n_epochs"`` (at most), ``"loss"``,
        ``"seconds"`` and ``"seconds_left"``; in epochs of more than a second also within them, then with
        ``"batch"`` and ``"n_batches"``. What it raises ends the training, reaches the caller of `fit`, and
        leaves the estimator as it was.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        One row for two classes, of the second.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where `X` had names that are all strings.
    n_iter_ : int
        Epochs that were run, since the first call of `partial_fit` if it was that.
    loss_ : float
        Mean loss of the last epoch, penalty included.
    loss_curve_ : list of float
        Mean loss of each epoch.
    privacy_ : PrivacyRecord
        Only with an optimizer that trains with differential privacy, such as :class:`DPAdam`.
    optimizer_state_ : dict
        Only after `partial_fit` or with `warm_start`, which go on from it. `partial_fit` takes
        ``Adam(learning_rate=0.01)`` where `optimizer` is None.

    References
    ----------
    C. Cortes, V. Vapnik, "Support-Vector Networks", Machine Learning, 1995.

    Examples
    --------
    >>> machine = LinearSVMClassifier().fit([[0.0], [1.0], [3.0], [4.0]], ["low", "low", "high", "high"])
    >>> machine.predict([[0.5], [3.5]]).tolist()
    ['low', 'high']
    """

    _signs = True

    def __init__(
        self,
        *,
        loss: str = "hinge",
        optimizer: Optimizer | None = None,
        alpha: float = 1e-3,
        batch_size: int | None = None,
        max_iter: int = 2000,
        tol: float = 1e-6,
        n_iter_no_change: int = 100,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        callback: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        super().__init__(
            optimizer=optimizer,
            alpha=alpha,
            batch_size=batch_size,
            max_iter=max_iter,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            random_state=random_state,
            callback=callback,
        )
        self.loss = loss

    def _options(self, *, partial: bool) -> TrainingOptions:
        check_choice("loss", self.loss, ("hinge", "squared_hinge"))
        return super()._options(partial=partial)

    def _loss(self, targets: Targets) -> Loss:  # noqa: ARG002 - for others
        return HingeLoss(squared=self.loss == "squared_hinge")
