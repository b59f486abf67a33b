"""The multi-layer perceptron for values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from maas_sdk.learning._models._estimator import all_or_nothing
from maas_sdk.learning._models._loss_choice import regression_loss
from maas_sdk.learning._models._mlp import MLP
from maas_sdk.learning._models._targets import Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Checkpoint, Optimizer
    from maas_sdk.learning._loop._training import TrainingOptions
    from maas_sdk.learning._models._targets import Targets
    from maas_sdk.learning._nets._losses import Loss

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, MLP):
    """Multi-layer perceptron for values, trained by any optimizer on the squared loss or another.

    Minimizes the mean loss plus ½·alpha·‖weights‖². While it trains, each output is standardized to zero mean
    and unit deviation, so that neither `learning_rate` nor `tol` depend on the unit of `y`; losses are in
    that scale, where ½ for each output is the squared loss of predicting the mean. The scale is folded into
    the last layer afterwards. Features are taken as they come: standardize them first, or training is slow or
    diverges.

    All arithmetic is done in `dtype`, whatever the dtype of `X`; predictions come out as float64, as
    scikit-learn wants them. Take ``dtype="float64"`` for values whose mean is large compared to their
    deviation.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` for none.
    loss : {"squared", "absolute", "huber"} or Loss, default="squared"
        ``"huber"`` is ``HuberLoss(1.0)``: an error of more than one standard deviation of `y` counts by its
        size and no longer by its square.
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
        Whether to hold out part of the data, stop by the score there, and keep the best epoch's weights. The
        score is 1 minus twice the mean loss for each output: of the squared loss nearly R², and defined for a
        single row.
    validation_fraction : float, default=0.1
        How much to hold out, between 0 and 1.
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
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where `X` had names that are all strings.
    n_outputs_ : int
        Columns of `y`.
    n_iter_ : int
        Epochs that were run, since the first call of `partial_fit` if it was that.
    loss_ : float
        Mean loss of the last epoch, penalty included.
    loss_curve_ : list of float
        Mean loss of each epoch.
    validation_scores_ : list of float or None
        Score on the held-out data after each epoch.
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
    >>> import numpy as np
    >>> from maas_sdk.learning import Adam, MLPRegressor
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> y = 100 + 20 * np.sin(X[:, 0])
    >>> regressor = MLPRegressor((32,), optimizer=Adam(learning_rate=0.01), max_iter=500, random_state=0)
    >>> bool(regressor.fit(X, y).score(X, y) > 0.95)
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        *,
        loss: str | Loss = "squared",
        activation: str = "relu",
        optimizer: Optimizer | None = None,
        alpha: float = 1e-4,
        dropout: float = 0.0,
        batch_size: int | None = None,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        callback: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation=activation,
            optimizer=optimizer,
            alpha=alpha,
            dropout=dropout,
            batch_size=batch_size,
            max_iter=max_iter,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            warm_start=warm_start,
            dtype=dtype,
            random_state=random_state,
            callback=callback,
        )
        self.loss = loss

    def fit(
        self, X: Any, y: Any = None, *, sample_weight: Any = None, checkpoint: Checkpoint | None = None
    ) -> Self:
        """Learn from data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or batches
            What :meth:`Batches.of` takes is read batch by batch, in one pass that measures the outputs and
            one for each epoch; an iterator that serves one pass is refused.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or as :meth:`Batches.of` takes it
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts; 0 leaves it out.
        checkpoint : Checkpoint, default=None
            Where the training is saved, and goes on from after it was killed. Needs an integer
            `random_state`.

        Raises
        ------
        InvalidOptionError
            If an option is wrong, or the training diverges.
        CheckpointError
            If the checkpoint is of another training, or damaged.
        """
        return self._fit(X, y, sample_weight, checkpoint=checkpoint, partial=False)

    def partial_fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Self:
        """Learn from more rows, in one pass, and go on with the state of the optimizer.

        The first call fixes the scale of the outputs by the rows that it gets, for which it reads them once
        more; let them be a fair sample.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them; after the first call any iterator will do.
        """
        return self._fit(X, y, sample_weight, checkpoint=None, partial=True)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, checkpoint: Checkpoint | None, partial: bool
    ) -> Self:
        with all_or_nothing(self):
            known = self._coordinates if partial and hasattr(self, "_coordinates") else {}
            targets = Values(self.dtype, known.get("target_center"), known.get("target_scale"))
            self._learn(X, y, sample_weight, targets=targets, checkpoint=checkpoint, partial=partial)
        return self

    def _options(self, *, partial: bool) -> TrainingOptions:
        regression_loss(self.loss)
        return super()._options(partial=partial)

    def _loss(self, targets: Targets) -> Loss:  # noqa: ARG002 - as for the classifier
        return regression_loss(self.loss)

    def _score(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        weight: NDArray[np.floating] | None,
        loss: Loss,
    ) -> float:
        value = loss.value_and_gradient(raw, target, out=np.empty_like(raw), sample_weight=weight)
        score: float = len(raw) * (1 - 2 * value / raw.shape[1])  # the variance of the target is 1
        return score

    def predict(self, X: Any) -> NDArray[np.floating]:
        """Predict values: float64, shape (n_samples,) or for more than one output (n_samples, n_outputs).

        What :meth:`Batches.of` takes is read batch by batch.
        """
        raw = self._raw(X).astype(np.float64, copy=False)
        return raw[:, 0] if raw.shape[1] == 1 else raw

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
