"""Linear and logistic regression as scikit-learn estimators, trained by any optimizer.

Prediction needs `coef_`, `intercept_`, `n_features_in_`, `feature_names_in_` where there was one, and
`classes_` (classifier). All other fitted attributes only tell how the training went.

Both train on features standardized to zero mean and unit deviation and give coefficients for the features as
they came. That is only a change of coordinates, which makes one learning rate fit any units; the penalty
`alpha` acts on the standardized coefficients, as in R's glmnet (J. Friedman, T. Hastie, R. Tibshirani,
"Regularization Paths for Generalized Linear Models via Coordinate Descent", 2010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from maas_sdk.learning._accelerated import AcceleratedDescent, largest_eigenvalue
from maas_sdk.learning._estimator import (
    all_or_nothing,
    encode_labels,
    log_probabilities,
    probabilities,
    random_generator,
    standardize,
    winners,
)
from maas_sdk.learning._losses import BinaryLogLoss, MultinomialLogLoss, SquaredLoss
from maas_sdk.learning._network import Network, Workspace
from maas_sdk.learning._options import check_real
from maas_sdk.learning._training import TrainingOptions, batch_rows, train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Optimizer
    from maas_sdk.learning._losses import Loss

__all__ = ["LinearRegressor", "LogisticClassifier"]


class _Linear(BaseEstimator):
    """Options and training of both models."""

    def __init__(
        self,
        *,
        optimizer: Optimizer | None = None,
        alpha: float = 1e-4,
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-6,
        n_iter_no_change: int = 10,
        random_state: int | np.random.RandomState | None = None,
        callback: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.callback = callback

    def _train(self, X: NDArray[np.float64], target: NDArray[Any], n_outputs: int, loss: Loss) -> Any:
        """Train on checked data; give coefficients (n_features, n_outputs) and intercepts (n_outputs,)."""
        alpha = check_real("alpha", self.alpha, minimum=0)
        X, mean, scale = standardize(X)
        optimizer = self.optimizer
        if optimizer is None:
            # The intercept's column of ones has the eigenvalue 1.
            smoothness = loss.curvature * max(1.0, largest_eigenvalue(X)) + alpha
            optimizer = AcceleratedDescent(1 / smoothness)
        options = TrainingOptions(
            optimizer=optimizer,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            callback=self.callback,
        )
        network = Network((X.shape[1], n_outputs))
        workspace = Workspace(
            network,
            loss,
            np.zeros(network.n_parameters),
            max_rows=batch_rows(options, len(X)),
            alpha=alpha,
        )
        result = train(workspace, X, target, options=options, rng=random_generator(self.random_state))
        self.loss_curve_ = result.loss_curve
        self.loss_ = result.loss_curve[-1]
        self.n_iter_ = len(result.loss_curve)
        (coef,), (intercept,) = network.views(result.params)
        coef = coef / scale[:, None]
        return coef, intercept - mean @ coef

    def _raw(self, X: Any) -> NDArray[np.float64]:
        """Give the raw output (n_samples, n_outputs) for data from outside."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, order="C")
        raw: NDArray[np.float64] = X @ np.atleast_2d(self.coef_).T + self.intercept_
        return raw


class LinearRegressor(RegressorMixin, _Linear):
    """Linear least squares, plain or penalized (ridge), trained by any optimizer.

    Minimizes the mean of ½·‖error‖² plus ½·alpha·‖coefficients‖², features and outputs standardized; losses
    are in that scale, where ½ for each output is the loss of predicting the mean. All arithmetic is done in
    float64.

    Parameters
    ----------
    optimizer : Optimizer, default=None
        None takes accelerated gradient descent with a learning rate computed from the data, which comes close
        to the exact solution on any data. One with a true attribute `full_batch` gets all of the data in each
        step.
    alpha : float, default=0.0
        Strength of the L2 penalty on the coefficients of the standardized features.
    batch_size : int, default=None
        Rows of a batch, for an optimizer that works in batches; None takes 200.
    max_iter : int, default=1000
        Epochs at most.
    tol : float, default=1e-6
        An epoch that does not improve the loss by more than this counts as one without change.
    n_iter_no_change : int, default=10
        Epochs without change after which training stops.
    random_state : int, RandomState instance or None, default=None
        For the order of the rows where there are batches.
    callback : callable, default=None
        Called after each epoch with a mapping: ``"epoch"`` (from 1), ``"n_epochs"`` (at most) and ``"loss"``.
        What it raises ends the training, reaches the caller of `fit`, and leaves the estimator as it was.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
    intercept_ : float or ndarray of shape (n_outputs,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Where `X` had names that are all strings.
    n_iter_ : int
        Epochs that were run.
    loss_ : float
        Mean loss of the last epoch, penalty included.
    loss_curve_ : list of float
        Mean loss of each epoch.

    Raises
    ------
    InvalidOptionError
        From `fit`, if an option is wrong or the training diverges.

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
        optimizer: Optimizer | None = None,
        alpha: float = 0.0,
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-6,
        n_iter_no_change: int = 10,
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
            random_state=random_state,
            callback=callback,
        )

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from `X` (n_samples, n_features) and values `y`, (n_samples,) or (n_samples, n_outputs)."""
        with all_or_nothing(self):
            X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
            target, mean, scale = standardize(y.reshape(len(y), -1))
            coef, intercept = self._train(X, target, target.shape[1], SquaredLoss())
            coef, intercept = np.ascontiguousarray((coef * scale).T), intercept * scale + mean
            self.coef_ = coef[0] if y.ndim == 1 else coef
            self.intercept_ = float(intercept[0]) if y.ndim == 1 else intercept
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict values: float64, shape (n_samples,) or (n_samples, n_outputs) as `y` had."""
        raw = self._raw(X)
        return raw[:, 0] if self.coef_.ndim == 1 else raw

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class LogisticClassifier(ClassifierMixin, _Linear):
    """Logistic regression, binary or multinomial, trained by any optimizer.

    Minimizes the mean log loss plus ½·alpha·‖coefficients‖², features standardized. All arithmetic is done in
    float64.

    Parameters
    ----------
    optimizer, batch_size, max_iter, tol, n_iter_no_change, random_state, callback
        As for :class:`LinearRegressor`.
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients of the standardized features; without one, classes that
        a plane can separate would push the coefficients without end.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        One row for two classes, of the log-odds of the second.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_, feature_names_in_, n_iter_, loss_, loss_curve_
        As for :class:`LinearRegressor`.

    Raises
    ------
    InvalidOptionError
        From `fit`, if an option is wrong, `y` has one class only, or the training diverges.

    Examples
    --------
    >>> classifier = LogisticClassifier().fit([[0.0], [1.0], [3.0], [4.0]], ["low", "low", "high", "high"])
    >>> classifier.predict([[0.5], [3.5]]).tolist()
    ['low', 'high']
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from `X` of shape (n_samples, n_features) and labels `y` of shape (n_samples,)."""
        with all_or_nothing(self):
            X, y = validate_data(self, X, y, dtype=np.float64)
            self.classes_, codes = encode_labels(column_or_1d(y, warn=True))
            if len(self.classes_) == 2:  # noqa: PLR2004 - one logistic unit decides between two
                coef, self.intercept_ = self._train(X, codes[:, None].astype(X.dtype), 1, BinaryLogLoss())
            else:
                coef, self.intercept_ = self._train(X, codes, len(self.classes_), MultinomialLogLoss())
            self.coef_ = np.ascontiguousarray(coef.T)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the second class's log-odds (n_samples,), or each class's output (n_samples, n_classes)."""
        raw = self._raw(X)
        return raw[:, 0] if raw.shape[1] == 1 else raw

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the most probable class of each row: ndarray of shape (n_samples,), dtype of `classes_`."""
        raw = self._raw(X)
        labels: NDArray[Any] = self.classes_[winners(raw)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the probability of each class: float64, shape (n_samples, n_classes)."""
        return probabilities(self._raw(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the logarithm of each class's probability, float64, shape (n_samples, n_classes)."""
        return log_probabilities(self._raw(X))
