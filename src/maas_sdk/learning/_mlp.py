"""Multi-layer perceptrons as scikit-learn estimators.

Prediction needs, besides the constructor's arguments: `coefs_`, `intercepts_`, `n_features_in_`,
`feature_names_in_` where there was one, and `classes_` (classifier) or `n_outputs_` (regressor). All other
fitted attributes only tell how the training went.
"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from maas_sdk.errors import InvalidOptionError
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
from maas_sdk.learning._network import ACTIVATIONS, Network, Workspace, forward
from maas_sdk.learning._optimizers import Adam
from maas_sdk.learning._options import check_boolean, check_choice, check_integer, check_real
from maas_sdk.learning._training import TrainingOptions, batch_rows, train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Optimizer
    from maas_sdk.learning._losses import Loss

__all__ = ["MLPClassifier", "MLPRegressor"]


class _MLP(BaseEstimator):
    """Options, training and raw output of both perceptrons."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        *,
        activation: str = "relu",
        optimizer: Optimizer | None = None,
        alpha: float = 1e-4,
        batch_size: int | None = None,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        callback: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.dtype = dtype
        self.random_state = random_state
        self.callback = callback

    def _check_options(self) -> TrainingOptions:
        """Check all options; give those of the training."""
        self._hidden_sizes()
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("dtype", self.dtype, ("float32", "float64"))
        check_real("alpha", self.alpha, minimum=0)
        check_boolean("early_stopping", self.early_stopping)
        check_real("validation_fraction", self.validation_fraction, above=0, below=1)
        return TrainingOptions(
            optimizer=Adam() if self.optimizer is None else self.optimizer,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            callback=self.callback,
        )

    def _hidden_sizes(self) -> tuple[int, ...]:
        given: Any = self.hidden_layer_sizes
        sizes = (given,) if isinstance(given, Integral) else given
        try:
            return tuple(check_integer("each of hidden_layer_sizes", size, minimum=1) for size in sizes)
        except TypeError as exc:
            raise InvalidOptionError(
                f"hidden_layer_sizes must be an integer or a sequence of integers, not {sizes!r}"
            ) from exc

    def _train(
        self,
        options: TrainingOptions,
        X: NDArray[np.floating],
        target: NDArray[Any],
        n_outputs: int,
        loss: Loss,
        *,
        stratify: NDArray[Any] | None = None,
    ) -> None:
        """Train on checked data and set the fitted attributes that both perceptrons have."""
        rng = random_generator(self.random_state)
        network = Network((X.shape[1], *self._hidden_sizes(), n_outputs), self.activation)
        validate = None
        if self.early_stopping:
            X, X_valid, target, target_valid = train_test_split(
                X, target, test_size=self.validation_fraction, stratify=stratify, random_state=rng
            )

            def validate(params: NDArray[np.floating]) -> float:
                raw = forward(X_valid, *network.views(params), self.activation)
                return self._score_raw(raw, target_valid)

        workspace = Workspace(
            network,
            loss,
            network.random_parameters(rng, X.dtype),
            max_rows=batch_rows(options, len(X)),
            alpha=self.alpha,
        )
        result = train(workspace, X, target, options=options, rng=rng, validate=validate)
        self.coefs_, self.intercepts_ = network.views(result.params)
        self.loss_curve_ = result.loss_curve
        self.loss_ = result.loss_curve[-1]
        self.n_iter_ = len(result.loss_curve)
        self.validation_scores_ = result.validation_scores
        self.n_outputs_ = n_outputs

    def _raw(self, X: Any) -> NDArray[np.floating]:
        """Give the raw output for data from outside."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.coefs_[0].dtype, order="C")
        return forward(X, self.coefs_, self.intercepts_, self.activation)

    def _score_raw(self, raw: NDArray[np.floating], target: NDArray[Any]) -> float:
        raise NotImplementedError


class MLPClassifier(ClassifierMixin, _MLP):
    """Multi-layer perceptron for classes, trained by any optimizer on the log loss.

    Minimizes the mean log loss plus ½·alpha·‖weights‖². One output unit for two classes, one for each class
    otherwise. All arithmetic is done in `dtype`, whatever the dtype of `X`, and probabilities come out in it.
    Features are taken as they come: standardize them first, or training is slow or diverges.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` for none.
    activation : {"relu", "tanh"}, default="relu"
        Of the hidden layers.
    optimizer : Optimizer, default=None
        None takes ``Adam()``. One with a true attribute `full_batch` gets all of the data in each step.
    alpha : float, default=1e-4
        Strength of the L2 penalty on the weights. It is not divided by the batch size, as scikit-learn's is.
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
        How much to hold out, between 0 and 1; stratified by class.
    dtype : {"float32", "float64"}, default="float32"
        Of the weights and of all arithmetic.
    random_state : int, RandomState instance or None, default=None
        For the first weights, the order of the rows and what is held out. An int makes `fit` reproducible.
    callback : callable, default=None
        Called after each epoch with a mapping: ``"epoch"`` (from 1), ``"n_epochs"`` (at most), ``"loss"`` and
        with `early_stopping` ``"validation_score"``. What it raises ends the training, reaches the caller of
        `fit`, and leaves the estimator as it was before.

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
        Epochs that were run.
    loss_ : float
        Mean loss of the last epoch, penalty included.
    loss_curve_ : list of float
        Mean loss of each epoch.
    validation_scores_ : list of float or None
        Accuracy on the held-out data after each epoch.

    Raises
    ------
    InvalidOptionError
        From `fit`, if an option is wrong, `y` has one class only, or the training diverges.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = MLPClassifier((16,), optimizer=Adam(learning_rate=0.02), max_iter=300, random_state=0)
    >>> bool(classifier.fit(X, y).score(X, y) > 0.95)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from `X` of shape (n_samples, n_features) and labels `y` of shape (n_samples,)."""
        with all_or_nothing(self):
            options = self._check_options()
            X, y = validate_data(self, X, y, dtype=self.dtype, order="C")
            y = column_or_1d(y, warn=True)
            self.classes_, codes = encode_labels(y)
            if len(self.classes_) == 2:  # noqa: PLR2004 - one logistic unit decides between two
                self._train(options, X, codes[:, None].astype(X.dtype), 1, BinaryLogLoss(), stratify=codes)
            else:
                self._train(options, X, codes, len(self.classes_), MultinomialLogLoss(), stratify=codes)
        return self

    def _score_raw(self, raw: NDArray[np.floating], target: NDArray[Any]) -> float:
        return float(accuracy_score(target.ravel(), winners(raw)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the most probable class of each row: ndarray of shape (n_samples,), dtype of `classes_`."""
        raw = self._raw(X)
        labels: NDArray[Any] = self.classes_[winners(raw)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the probability of each class: ndarray of shape (n_samples, n_classes), in `dtype`."""
        return probabilities(self._raw(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.floating]:
        """Predict the logarithm of each class's probability, shape (n_samples, n_classes); never -inf."""
        return log_probabilities(self._raw(X))


class MLPRegressor(RegressorMixin, _MLP):
    """Multi-layer perceptron for values, trained by any optimizer on the squared loss.

    Minimizes the mean of ½·‖error‖² plus ½·alpha·‖weights‖². While it trains, each output is standardized to
    zero mean and unit deviation, so that neither `learning_rate` nor `tol` depend on the unit of `y`; losses
    are in that scale, where ½ for each output is the loss of predicting the mean. The scale is folded into
    the last layer afterwards. Features are taken as they come: standardize them first, or training is slow or
    diverges.

    All arithmetic is done in `dtype`, whatever the dtype of `X`; predictions come out as float64, as
    scikit-learn wants them. Take ``dtype="float64"`` for values whose mean is large compared to their
    deviation.

    Parameters
    ----------
    hidden_layer_sizes, activation, optimizer, alpha, batch_size, max_iter, dtype, random_state, callback
        As for :class:`MLPClassifier`.
    tol, n_iter_no_change, early_stopping, validation_fraction
        As for :class:`MLPClassifier`; the score is 1 minus the mean squared error on the held-out data over
        the variance of all of `y`, averaged over outputs: nearly R², and defined for a single row.

    Attributes
    ----------
    coefs_, intercepts_, n_features_in_, feature_names_in_, n_iter_, loss_, loss_curve_
        As for :class:`MLPClassifier`.
    n_outputs_ : int
        Columns of `y`.
    validation_scores_ : list of float or None
        Score on the held-out data after each epoch.

    Raises
    ------
    InvalidOptionError
        From `fit`, if an option is wrong or the training diverges.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> y = 100 + 20 * np.sin(X[:, 0])
    >>> regressor = MLPRegressor((32,), optimizer=Adam(learning_rate=0.01), max_iter=500, random_state=0)
    >>> bool(regressor.fit(X, y).score(X, y) > 0.95)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from `X` (n_samples, n_features) and values `y`, (n_samples,) or (n_samples, n_outputs)."""
        with all_or_nothing(self):
            options = self._check_options()
            X, y = validate_data(self, X, y, dtype=self.dtype, order="C", multi_output=True, y_numeric=True)
            if y.ndim == 2 and y.shape[1] == 1:  # noqa: PLR2004 - scikit-learn warns of a column where it wants a row
                y = column_or_1d(y, warn=True)
            target, mean, scale = standardize(y.reshape(len(y), -1))
            self._train(options, X, target.astype(X.dtype), target.shape[1], SquaredLoss())
            self.coefs_[-1] *= scale
            self.intercepts_[-1] *= scale
            self.intercepts_[-1] += mean
        return self

    def _score_raw(self, raw: NDArray[np.floating], target: NDArray[Any]) -> float:
        return 1 - float(np.mean((raw - target) ** 2))  # the variance of the target is 1

    def predict(self, X: Any) -> NDArray[np.floating]:
        """Predict values: float64, shape (n_samples,) or for more than one output (n_samples, n_outputs)."""
        raw = self._raw(X).astype(np.float64, copy=False)
        return raw[:, 0] if raw.shape[1] == 1 else raw

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
