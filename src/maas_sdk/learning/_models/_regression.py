"""Linear regression with any loss, and ridge regression, trained by any optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from maas_sdk.learning._models._estimator import all_or_nothing
from maas_sdk.learning._models._linear import Linear
from maas_sdk.learning._models._loss_choice import regression_loss
from maas_sdk.learning._models._targets import Values
from maas_sdk.learning._nets._losses import SquaredLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Checkpoint, Optimizer
    from maas_sdk.learning._loop._training import TrainingOptions
    from maas_sdk.learning._models._intake import Intake
    from maas_sdk.learning._models._targets import Targets
    from maas_sdk.learning._nets._losses import Loss

__all__ = ["LinearRegressor", "RidgeRegressor"]


class _LinearRegressor(RegressorMixin, Linear):
    """Fit and predict of both regressors."""

    def fit(
        self, X: Any, y: Any = None, *, sample_weight: Any = None, checkpoint: Checkpoint | None = None
    ) -> Self:
        """Learn from data, in one pass that measures them and one for each epoch.

        With more than 2000 features, the default optimizer takes 30 more to find its learning rate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or batches
            What :meth:`Batches.of` takes is read batch by batch; an iterator that serves one pass is refused.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or as :meth:`Batches.of` takes it
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts; 0 leaves it out.
        checkpoint : Checkpoint, default=None
            Where the training is saved, and goes on from after it was killed. Needs an integer `random_state`
            where the optimizer works in batches.

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

        The first call fixes the scale of features and outputs by the rows that it gets, for which it reads
        them once more; let them be a fair sample.

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
            known = self._coordinates if partial and hasattr(self, "_coordinates") else None
            flat = known is not None and self.coef_.ndim == 1
            targets = (
                Values(np.float64)
                if known is None
                else Values(np.float64, known["target_center"], known["target_scale"])
            )
            self._learn(X, y, sample_weight, targets=targets, checkpoint=checkpoint, partial=partial)
            if flat or targets.is_flat:
                self.coef_, self.intercept_ = self.coef_[0], float(self.intercept_[0])
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict values: float64, shape (n_samples,) or (n_samples, n_outputs) as `y` had.

        What :meth:`Batches.of` takes is read batch by batch.
        """
        raw = self._raw(X)
        return raw[:, 0] if self.coef_.ndim == 1 else raw

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class LinearRegressor(_LinearRegressor):
    """Linear regression by least squares, least absolute errors or Huber's loss, trained by any optimizer.

    Minimizes the mean loss plus ½·alpha·‖coefficients‖², features and outputs standardized; losses are in
    that scale, where ½ for each output is the squared loss of predicting the mean. The penalty acts on the
    coefficients of the standardized features, as in R's glmnet (J. Friedman, T. Hastie, R. Tibshirani,
    "Regularization Paths for Generalized Linear Models via Coordinate Descent", 2010); for one on those of
    the features as they come take :class:`RidgeRegressor`. All arithmetic is done in float64.

    Parameters
    ----------
    loss : {"squared", "absolute", "huber"} or Loss, default="squared"
        ``"huber"`` is ``HuberLoss(1.0)``: an error of more than one standard deviation of `y` counts by its
        size and no longer by its square. One of your own without a `curvature` needs an `optimizer`.
    optimizer : Optimizer, default=None
        None takes accelerated gradient descent on all of the data, with a learning rate computed from them,
        which comes close to the exact solution on any data. For the absolute loss it follows slopes that are
        smoothed over a hundredth of the deviation of `y`. One with a true attribute `full_batch` gets all of
        the data in each step.
    alpha : float, default=0.0
        Strength of the L2 penalty.
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
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
    intercept_ : float or ndarray of shape (n_outputs,)
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
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> regressor = LinearRegressor().fit(X, [1.0, 3.0, 5.0, 7.0])
    >>> round(float(regressor.coef_[0]), 2), round(regressor.intercept_, 2)
    (2.0, 1.0)
    """

    def __init__(
        self,
        *,
        loss: str | Loss = "squared",
        optimizer: Optimizer | None = None,
        alpha: float = 0.0,
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-6,
        n_iter_no_change: int = 10,
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
        regression_loss(self.loss)
        return super()._options(partial=partial)

    def _loss(self, targets: Targets) -> Loss:  # noqa: ARG002 - for others
        return regression_loss(self.loss)


class RidgeRegressor(_LinearRegressor):
    """Ridge regression, trained by any optimizer: scikit-learn's objective, with the same `alpha`.

    Minimizes ‖y - Xw - b‖² + alpha·‖w‖², or with `sample_weight` the weighted sum of squares, on features and
    outputs as they come. The losses that it tells are half of that for each unit of weight, in variances of
    `y`, so that ½ for each output is the loss of predicting the mean. For a penalty that does not depend on
    the units of the features take :class:`LinearRegressor`. All arithmetic is done in float64.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, in squared units of `X`; at least 0.
    optimizer : Optimizer, default=None
        None takes accelerated gradient descent on all of the data, with a learning rate computed from them,
        which comes close to the exact solution on any data. One with a true attribute `full_batch` gets all
        of the data in each step.
    batch_size : int, default=None
        Rows of a batch, for an optimizer that works in batches; None takes 200.
    max_iter : int, default=1000
        Epochs at most.
    tol : float, default=1e-10
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
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
    intercept_ : float or ndarray of shape (n_outputs,)
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
        ``Adam(learning_rate=0.01)`` where `optimizer` is None, and spreads the penalty over the weight of all
        rows so far.

    Examples
    --------
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> ridge = RidgeRegressor(alpha=5.0).fit(X, [1.0, 3.0, 5.0, 7.0])
    >>> round(float(ridge.coef_[0]), 3), round(ridge.intercept_, 3)
    (1.0, 2.5)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        optimizer: Optimizer | None = None,
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-10,
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

    def _loss(self, targets: Targets) -> Loss:  # noqa: ARG002 - for others
        return SquaredLoss()

    # In units that give each direction alone the curvature 1, its penalty counted in, no penalty is too
    # strong for one learning rate.
    def _scale(self, deviation: NDArray[np.float64], alpha: float, weight: float) -> NDArray[np.float64]:
        scale: NDArray[np.float64] = np.hypot(deviation, (alpha / weight) ** 0.5)
        return scale

    def _total_weight(self, data: Intake) -> float:
        return data.total_weight()

    def _penalty(self, scale: NDArray[np.float64], alpha: float, weight: float) -> NDArray[np.float64]:
        penalty: NDArray[np.float64] = alpha / weight / scale**2
        return penalty
