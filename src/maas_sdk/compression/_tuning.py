"""Goes on training a fitted network, scikit-learn's or the SDK's, with other layers or under a mask."""

from __future__ import annotations

import copy
import math
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.compression._chain import NO_CHAIN, features_of, model_of, state_of
from maas_sdk.compression._options import is_whole
from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Optimizer, moves_params

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = [
    "Layers",
    "averaged_epochs",
    "check_epochs",
    "check_optimizer",
    "enough_epochs",
    "forget_training_",
    "layers_of",
    "training_rows",
    "tuned",
    "why_not",
    "with_layers",
]

_ACTIVATIONS = ("gelu", "relu", "tanh")
_NETWORKS = ("MLPClassifier", "MLPRegressor")
_HOMES = ("sklearn.", "maas_sdk.")
_BATCH = 200  # rows, of both libraries
_EPOCHS, _STEPS, _MOST_EPOCHS = 10, 400, 100
_OF_TRAINING = (
    *("_best_coefs", "_best_intercepts", "_optimizer"),
    *("_coordinates", "_generator", "optimizer_state_"),
)


@frozen(eq=False)
class Layers:
    """The layers of a network.

    Attributes
    ----------
    coefs : list of ndarray of shape (n_inputs, n_units)
    intercepts : list of ndarray of shape (n_units,)
    """

    coefs: list[NDArray[Any]]
    intercepts: list[NDArray[Any]]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(intercept.size for intercept in self.intercepts[:-1])


def layers_of(model: Any) -> Layers:
    """Give a network's layers, not copied."""
    return Layers(list(model.coefs_), list(model.intercepts_))


def check_epochs(compressor: object, epochs: Any, *, least: int) -> None:
    """Refuse what is neither None nor a whole number that is not less than another."""
    if epochs is not None and not is_whole(epochs, least=least):
        raise InvalidOptionError(
            f"{type(compressor).__name__}(epochs={epochs!r}): expected a whole number from {least}, or None."
        )


def check_optimizer(compressor: object, optimizer: Any) -> None:
    """Refuse what is neither None nor an optimizer that moves parameters."""
    if optimizer is None:
        return
    if isinstance(optimizer, type) or not isinstance(optimizer, Optimizer) or not moves_params(optimizer):
        raise InvalidOptionError(
            f"{type(compressor).__name__}(optimizer={optimizer!r}): expected an optimizer, such as Adam()."
        )


# --- What is supported


def why_not(chain: Any) -> str | None:
    """Give the reason why a chain's model cannot be trained on, None if it can."""
    if not getattr(chain, "steps", None):
        return NO_CHAIN
    model = model_of(chain)
    cls, state = type(model), state_of(model)
    if cls.__name__ not in _NETWORKS or not cls.__module__.startswith(_HOMES):
        return f"{cls.__name__} is none of {', '.join(_NETWORKS)}"
    if model.activation not in _ACTIVATIONS:
        return f"its activation is {model.activation!r}, none of {', '.join(_ACTIVATIONS)}"
    if (reason := _why_not_layers(state)) is not None:
        return reason
    return _why_not_outputs(model, state)


def _why_not_layers(state: dict[str, Any]) -> str | None:
    coefs, intercepts = state.get("coefs_"), state.get("intercepts_")
    if not coefs or not intercepts:
        return "it has no layers (is it fitted?)"
    if len(coefs) != len(intercepts):
        return f"it has {len(coefs)} coefs_ and {len(intercepts)} intercepts_"
    units, dtype = state.get("n_features_in_"), getattr(coefs[0], "dtype", None)
    for index, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        arrays = isinstance(coef, np.ndarray) and isinstance(intercept, np.ndarray)
        if not arrays or dtype not in (np.float32, np.float64) or {coef.dtype, intercept.dtype} != {dtype}:
            return f"layer {index} is not made of arrays of one float dtype"
        if coef.ndim != 2 or coef.shape != (units, intercept.size) or 0 in coef.shape:  # noqa: PLR2004
            return f"layer {index} does not fit the one before"
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            return f"layer {index} holds numbers that are not finite"
        units = intercept.size
    return None


def _why_not_outputs(model: Any, state: dict[str, Any]) -> str | None:
    n_outputs = len(state["intercepts_"][-1])
    if type(model).__name__ == "MLPRegressor":
        if getattr(model, "out_activation_", "identity") != "identity":
            return "its output is not linear"
        return None
    classes = state.get("classes_")
    n_classes = len(classes) if isinstance(classes, np.ndarray) else 0
    if getattr(model, "out_activation_", "softmax") == "logistic" and n_outputs > 1:
        return "it gives several labels at once"
    if n_classes < 2 or n_outputs != (1 if n_classes == 2 else n_classes):  # noqa: PLR2004
        return f"it has {n_outputs} outputs for {n_classes} classes"
    return None


def training_rows(chain: Pipeline, X: Any, y: Any, *, what: str, with_y: bool = True) -> Any:
    """Give what the network of a chain sees of its training rows, as a dense array of its dtype.

    Raises
    ------
    InvalidOptionError
        Without rows or their targets, or with sparse ones.
    ComponentError
        When a step before the model raises.
    """
    if with_y and y is None:
        raise InvalidOptionError(f"{what} needs the training data: pass X and y.")
    features = features_of(chain, X, what=what)
    if hasattr(features, "toarray"):
        raise InvalidOptionError(
            f"{what} takes dense features; the steps before the network give sparse ones."
        )
    return np.ascontiguousarray(features, model_of(chain).coefs_[0].dtype)


# --- Training


def enough_epochs(model: Any, n_rows: int, optimizer: Optimizer | None) -> int:
    """Give ten epochs, or as many more as four hundred steps take, up to a hundred."""
    batch = _batch_rows(model, n_rows, optimizer)
    return min(max(_EPOCHS, math.ceil(_STEPS * batch / max(n_rows, 1))), _MOST_EPOCHS)


def averaged_epochs(epochs: int) -> int:
    """Give of how many last epochs `tuned` averages the weights."""
    return max(1, epochs // 3)


def tuned(
    model: Any,
    layers: Layers,
    X: NDArray[Any],
    y: Any,
    *,
    epochs: int,
    optimizer: Optimizer | None,
    seed: int,
    dropped: Callable[[int, Layers], NDArray[np.bool_]] | None = None,
) -> Layers:
    """Train layers further on the loss of the network that they come from.

    The result is the mean of the weights after each of the last epochs: an optimizer whose rate does not fall
    ends somewhere about it (P. Izmailov et al., "Averaging weights leads to wider optima and better
    generalization", UAI 2018).

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Of either library; it is not changed, and tells loss, penalty and batches.
    layers : Layers
        They are not changed.
    X : ndarray of shape (n_samples, n_features)
    y : array-like
    epochs : int
    optimizer : Optimizer or None
        None for the model's own, or Adam where it has none that the SDK knows.
    seed : int
    dropped : callable, optional
        Takes the epoch, from 0, and the layers as they are; tells which weights are zero from then on, all
        layers in one array.

    Raises
    ------
    InvalidOptionError
        When the rows do not fit the network, or training diverges.
    """
    network = _trainable(model, layers, X, optimizer, seed)
    chosen = network.optimizer
    sums: list[NDArray[np.float64]] = []
    n_averaged = averaged_epochs(epochs)
    for epoch in range(epochs):
        if dropped is not None:
            mask = dropped(epoch, layers_of(network))
            network.coefs_ = _without(network.coefs_, mask)
            network.optimizer = _Masked(chosen, mask)
        network.partial_fit(X, y)
        if epoch >= epochs - n_averaged:
            now = [array.astype(np.float64) for array in (*network.coefs_, *network.intercepts_)]
            sums = [total + array for total, array in zip(sums, now, strict=True)] if sums else now
    means = [(total / n_averaged).astype(X.dtype) for total in sums]
    n_layers = len(layers.coefs)
    return Layers(means[:n_layers], means[n_layers:])


def _trainable(model: Any, layers: Layers, X: NDArray[Any], optimizer: Optimizer | None, seed: int) -> Any:
    """Give a network of the SDK that begins with those layers."""
    from sklearn.base import clone  # noqa: PLC0415 - heavy

    from maas_sdk.learning import Adam, MLPClassifier, MLPRegressor  # noqa: PLC0415 - heavy

    cls = MLPClassifier if hasattr(model, "classes_") else MLPRegressor
    if isinstance(model, cls):
        # Without dropout: of few directions none can be spared.
        changed = {"dropout": 0.0, "early_stopping": False, "warm_start": False, "callback": None}
        network = clone(model).set_params(**changed)
    else:
        rows = len(X) if model.solver == "lbfgs" else _batch_rows(model, len(X), None)
        # scikit-learn divides the penalty by the rows of a batch.
        network = cls(activation=model.activation, alpha=model.alpha / max(rows, 1))
        if isinstance(model.batch_size, Integral):
            network.set_params(batch_size=int(model.batch_size))
    if optimizer is not None:
        network.set_params(optimizer=optimizer)
    elif network.optimizer is None:
        network.set_params(optimizer=Adam())
    if getattr(network.optimizer, "full_batch", False):
        network.set_params(batch_size=None)
    network.set_params(hidden_layer_sizes=layers.hidden, dtype=str(X.dtype), random_state=seed)
    network.coefs_, network.intercepts_ = layers.coefs, layers.intercepts
    network.n_features_in_, network.n_outputs_ = len(layers.coefs[0]), layers.intercepts[-1].size
    if hasattr(model, "classes_"):
        network.classes_ = model.classes_
    return network


def _batch_rows(model: Any, n_rows: int, optimizer: Optimizer | None) -> int:
    if getattr(optimizer or getattr(model, "optimizer", None), "full_batch", False):
        return n_rows
    size = model.batch_size if isinstance(model.batch_size, Integral) else _BATCH
    return min(int(size), n_rows)


def _without(coefs: list[NDArray[Any]], dropped: NDArray[np.bool_]) -> list[NDArray[Any]]:
    """Give copies of weights with zeros where they are dropped."""
    ends = np.cumsum([coef.size for coef in coefs])[:-1]
    masks = np.split(dropped, ends)
    return [np.where(mask.reshape(coef.shape), 0, coef) for coef, mask in zip(coefs, masks, strict=True)]


@frozen(eq=False)
class _Masked:
    """Another optimizer, under which some weights stay zero."""

    optimizer: Optimizer
    dropped: NDArray[np.bool_]  # of the weights, which come before the biases

    @property
    def full_batch(self) -> bool:
        return bool(getattr(self.optimizer, "full_batch", False))

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        return self.optimizer.init(params)

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        n_weights = self.dropped.size
        np.copyto(grads[:n_weights], 0, where=self.dropped)
        self.optimizer.update_(params, grads, state)
        np.copyto(params[:n_weights], 0, where=self.dropped)

    def observe_(self, value: float, state: dict[str, Any]) -> None:
        observe = getattr(self.optimizer, "observe_", None)
        if observe is not None:
            observe(value, state)


# --- The result


def with_layers(model: Any, layers: Layers) -> Any:
    """Give a deep copy of a network with other layers, without what its own training would go on from."""
    layers_before = {id(array): array for array in (*model.coefs_, *model.intercepts_)}
    new = copy.deepcopy(model, layers_before)
    forget_training_(new)
    new.coefs_, new.intercepts_ = list(layers.coefs), list(layers.intercepts)
    new.hidden_layer_sizes = layers.hidden
    if "n_layers_" in state_of(new):
        new.n_layers_ = len(layers.coefs) + 1
    return new


def forget_training_(model: Any) -> None:
    """Drop of a network what its own training would go on from."""
    for name in _OF_TRAINING:
        state_of(model).pop(name, None)
