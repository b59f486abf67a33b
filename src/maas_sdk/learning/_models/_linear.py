"""What the linear models share: options, coordinates in which they are trained, and coefficients.

Prediction needs `coef_`, `intercept_`, `n_features_in_`, `feature_names_in_` where there was one, and
`classes_` (classifiers). All other fitted attributes only tell how the training went.

All are trained on features of zero mean and unit deviation and give coefficients for the features as they
came. That is only a change of coordinates, which makes one learning rate fit any units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from attrs import frozen
from sklearn.utils.validation import check_is_fitted

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._loop._training import TrainingOptions, train
from maas_sdk.learning._models._accelerated import AcceleratedDescent, largest_eigenvalue
from maas_sdk.learning._models._estimator import Trained, check_checkpoint
from maas_sdk.learning._models._intake import answer_in_chunks, look_through, take_in
from maas_sdk.learning._models._loss_choice import without_kinks
from maas_sdk.learning._models._moments import Moments
from maas_sdk.learning._models._targets import Labels
from maas_sdk.learning._nets._losses import SquaredLoss
from maas_sdk.learning._nets._network import Network, Workspace
from maas_sdk.learning._optimizers import Adam
from maas_sdk.learning._options import check_boolean, check_real
from maas_sdk.learning._private import ClippingWorkspace, check_private, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Checkpoint, Optimizer
    from maas_sdk.learning._models._intake import Intake
    from maas_sdk.learning._models._targets import Targets
    from maas_sdk.learning._nets._losses import Loss
    from maas_sdk.learning._sources import Source

__all__ = ["Linear"]

_MOST_PRODUCTS = 2000  # features whose products with each other are kept: 32 MB
_STREAMING_RATE = 0.01
_FEATURES_READ = ("feature_scale", "mean and deviation of the features were measured")


@frozen
class _Coordinates:
    """Where features and outputs have the mean 0 and the scale 1."""

    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]

    def enter(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give features in these coordinates."""
        moved: NDArray[np.float64] = X - self.center
        moved /= self.scale
        return moved

    def coefficients(
        self, weights: NDArray[Any], biases: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give coefficients (n_outputs, n_features) and intercepts (n_outputs,) outside of weights inside."""
        coef = weights / self.scale[:, None]
        intercept = biases - self.center @ coef
        outside = np.ascontiguousarray((coef * self.target_scale).T)
        return outside, intercept * self.target_scale + self.target_center

    def weights(
        self, coef: NDArray[np.float64], intercept: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give weights (n_features, n_outputs) and biases (n_outputs,): the inverse of `coefficients`."""
        inside = coef.T / self.target_scale
        biases = (intercept - self.target_center) / self.target_scale + self.center @ inside
        return inside * self.scale[:, None], biases


class Linear(Trained):
    """Options and training of the linear models."""

    coef_: NDArray[Any]
    intercept_: Any

    def __init__(
        self,
        *,
        optimizer: Optimizer | None = None,
        alpha: float = 1e-4,
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-6,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        callback: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.callback = callback

    def _options(self, *, partial: bool) -> TrainingOptions:
        """Check all options; give those of the training, the default optimizer's learning rate left open."""
        check_real("alpha", self.alpha, minimum=0)
        check_boolean("warm_start", self.warm_start)
        optimizer = self.optimizer
        if optimizer is None:
            optimizer = Adam(_STREAMING_RATE) if partial else AcceleratedDescent(1.0)
        options = TrainingOptions(
            optimizer=optimizer,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            callback=self.callback,
        )
        return attrs.evolve(options, max_iter=1, warn_unsettled=False) if partial else options

    def _loss(self, targets: Targets) -> Loss:
        """Give the loss."""
        raise NotImplementedError

    def _scale(self, deviation: NDArray[np.float64], alpha: float, weight: float) -> NDArray[np.float64]:  # noqa: ARG002 - for others
        """Give what each feature is divided by; `weight` is the sum of the rows' weights."""
        return deviation

    def _total_weight(self, data: Intake) -> float:  # noqa: ARG002 - for others
        """Give the sum of the rows' weights, where the penalty depends on it."""
        return 0.0

    def _penalty(self, scale: NDArray[np.float64], alpha: float, weight: float) -> Any:  # noqa: ARG002 - for others
        """Give the strength of the penalty on the weight of each scaled feature, or of all."""
        return alpha

    def _learn(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        targets: Targets,
        checkpoint: Checkpoint | None,
        partial: bool,
    ) -> None:
        """Train and set the attributes that all linear models have.

        Parameters
        ----------
        targets : Targets
        partial : bool
            Whether to take one pass, and go on from what was learned before.
        """
        options = self._options(partial=partial)
        check_checkpoint(checkpoint)
        check_private(options.privacy, X, sample_weight, checkpoint)
        fitted = hasattr(self, "coef_")
        goes_on = fitted and (partial or self.warm_start)
        read = [_FEATURES_READ] if targets.known else [_FEATURES_READ, targets.read]
        before = (np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_)) if goes_on else None
        data = take_in(
            self,
            X,
            y,
            sample_weight,
            dtype=np.float64,
            batch_rows=options.batch_rows,
            labels=isinstance(targets, Labels),
            reset=not (partial and fitted),
            merge=not options.privacy,
        )
        frame = self._measure(data, targets, getattr(self, "_coordinates", None) if partial else None)
        source = data.source.encoded(targets.encode).mapped(frame.coordinates.enter)
        loss = self._loss(targets)
        if self.optimizer is None and not partial:
            loss = without_kinks(loss)
            options = attrs.evolve(options, optimizer=_fitting_optimizer(loss, source, frame))
        network = Network((source.n_features, targets.n_outputs))
        params = np.zeros(network.n_parameters)
        start = None
        if before is not None:
            _write_parameters(network.views(params), frame.coordinates, *before)
            start = self._start(options.optimizer, params, chosen=self.optimizer is not None)
        rng = self._random(partial=partial)
        penalty = np.repeat(frame.penalty, targets.n_outputs) if np.ndim(frame.penalty) else frame.penalty
        workspace = ClippingWorkspace if options.privacy else Workspace
        result = train(
            workspace(network, loss, params, max_rows=source.max_rows, alpha=penalty),
            source,
            options=options,
            rng=rng,
            start=start,
            checkpoint=checkpoint,
            fingerprint=self._fingerprint(),
            read=read,
            reasons=why_not(loss, goes_on=goes_on),
        )
        (weights,), (biases,) = network.views(result.params)
        self.coef_, self.intercept_ = frame.coordinates.coefficients(weights, biases)
        self._keep_history(
            result,
            {**attrs.asdict(frame.coordinates), "weight": frame.weight},
            rng,
            appends=partial and fitted,
            keeps=partial or self.warm_start,
        )

    def _measure(self, data: Intake, targets: Targets, known: Mapping[str, Any] | None) -> _Frame:
        """Find the coordinates to train in; `known` are those of the first call of partial_fit."""
        alpha = float(self.alpha)
        if known is not None:
            weight = known["weight"] + self._total_weight(data)
            coordinates = _Coordinates(**{name: known[name] for name in known if name != "weight"})
            penalty = self._penalty(coordinates.scale, alpha, weight)
            return _Frame(coordinates, None, penalty, weight)
        moments = Moments(products=self.optimizer is None and data.source.n_features <= _MOST_PRODUCTS)

        def see(X: NDArray[Any], target: NDArray[Any], weight: NDArray[np.floating] | None) -> None:
            moments.add(X, weight)
            targets.see(target, weight)

        look_through(data.source, see)
        weight = self._total_weight(data)
        scale = self._scale(moments.deviation, alpha, weight)
        coordinates = _Coordinates(moments.mean, scale, targets.center, targets.scale)
        return _Frame(coordinates, moments, self._penalty(scale, alpha, weight), weight)

    def _raw(self, X: Any) -> NDArray[Any]:
        """Give the raw output (n_samples, n_outputs) for data from outside."""
        check_is_fitted(self)
        coef = np.atleast_2d(self.coef_)

        def answer(rows: NDArray[np.floating]) -> NDArray[np.floating]:
            raw: NDArray[np.floating] = rows @ coef.T + self.intercept_
            return raw

        return answer_in_chunks(self, X, answer, dtype=np.float64, width=max(coef.shape))


@frozen
class _Frame:
    """What was measured of data: coordinates, and the features' moments where there was a pass over them."""

    coordinates: _Coordinates
    moments: Moments | None
    penalty: Any
    weight: float


def _write_parameters(
    views: tuple[list[NDArray[np.floating]], list[NDArray[np.floating]]],
    coordinates: _Coordinates,
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
) -> None:
    """Write fitted coefficients into the parameters of a network without hidden layers."""
    (weights,), (biases,) = views
    if coef.T.shape != weights.shape:
        raise InvalidOptionError(
            f"training cannot go on: the model has coefficients for {coef.shape[1]} features and "
            f"{coef.shape[0]} outputs, the data have {weights.shape[0]} and {weights.shape[1]}. Set "
            "warm_start=False to begin anew"
        )
    weights[:], biases[:] = coordinates.weights(coef, intercept)


def _fitting_optimizer(loss: Loss, source: Source, frame: _Frame) -> AcceleratedDescent:
    """Give the default optimizer for a loss without kinks, its learning rate computed from the data."""
    curvature, moments = loss.curvature, frame.moments
    if curvature is None:
        raise InvalidOptionError(
            f"{loss!r} has no curvature, which the default optimizer needs: give an optimizer, such as "
            "AdaGrad()"
        )
    assert moments is not None  # only partial_fit goes without
    if source.n_features <= _MOST_PRODUCTS:
        covariance = moments.covariance(frame.coordinates.scale)

        def multiply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
            product: NDArray[np.float64] = curvature * (covariance @ vector) + frame.penalty * vector
            return product
    else:

        def multiply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
            product: NDArray[np.float64] = curvature * _covariance_times(source, vector)
            product += frame.penalty * vector
            return product

    # The intercept's column of ones has the eigenvalue 1.
    largest = max(curvature, largest_eigenvalue(multiply, source.n_features))
    return AcceleratedDescent(1 / largest, local=not isinstance(loss, SquaredLoss))


def _covariance_times(source: Source, vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply the covariance of standardized features by a vector, in one pass over the data."""
    total, n_rows = np.zeros_like(vector), 0
    for X, _, weight in source.epoch(None):
        projection = X @ vector
        if weight is not None:
            projection *= weight
        total += X.T @ projection
        n_rows += len(X)
    return total / n_rows
