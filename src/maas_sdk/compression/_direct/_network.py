"""Multi-layer perceptrons compiled: each layer a product, a sum and an activation in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, ndtr

from maas_sdk.compression._direct._answers import (
    best_label,
    classes_for,
    label_above,
    label_at,
    log_softmax_of_two,
    pair,
    scores,
    softmax,
    softmax_of_two,
    then,
    unchanged,
)
from maas_sdk.compression._direct._buffers import Buffers
from maas_sdk.compression._direct._compiled import Compiled, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from maas_sdk.compression._direct._compiled import Answer

__all__ = ["compile_network", "why_not_network"]

_CHUNK = 2**20
"""Numbers of the widest layer at a time."""

_CLEAR = 1e-4
"""Outputs that differ by more have different exponentials, in float32 as well."""


def why_not_network(model: Any, room: str) -> str | None:
    """Give the reason why a model is no network that is known, fitted; None if it is one."""
    name = type(model).__name__
    if name not in ("MLPClassifier", "MLPRegressor"):
        return f"{name} is not a known network"
    if not hasattr(model, "coefs_"):
        return f"{name} is not fitted"
    activations = _SKLEARN if room == "sklearn" else _OWN
    if model.activation not in activations:
        return f"{name} has the activation {model.activation!r}, not one of {', '.join(sorted(activations))}"
    binarizer = getattr(model, "_label_binarizer", None)
    if binarizer is not None and binarizer.y_type_ not in ("binary", "multiclass"):
        return f"{name} was fitted on several labels a row"
    return None


def compile_network(model: Any, room: str) -> Compiled:
    """Compile a model that `why_not_network` has nothing against."""
    layers = _layers_of(model)
    n_outputs = layers[-1][1].size
    own = room != "sklearn"
    methods: dict[str, Answer]
    if own and hasattr(model, "classes_"):
        methods = _own_label_methods(classes_for(model, n_outputs))
    elif own:
        methods = {"predict": then(_as_float64, scores)}
    else:
        methods = _sklearn_methods(model, n_outputs)
    width = max(max(matrix.shape) for matrix, _ in layers)
    activation = (_OWN if own else _SKLEARN)[model.activation]
    dtype = layers[0][0].dtype if own else None
    return Compiled(
        raw=_Forward(layers, activation, dtype),
        methods=methods,
        n_features=layers[0][0].shape[0],
        max_rows=max(64, _CHUNK // width),
        narrow=dtype == np.float32,
    )


class _Forward:
    """The layers, in buffers of the calling thread.

    Parameters
    ----------
    layers : sequence of (matrix, intercepts)
    activation : callable
        Changes an array in place.
    dtype : dtype or None
        What everything is computed in; None: in what rows and layers have in common.
    """

    def __init__(self, layers: Sequence[Any], activation: Callable[[NDArray[Any]], None], dtype: Any) -> None:
        self._layers = layers
        self._activation = activation
        self._dtype = dtype
        self._prepared: dict[str, tuple[Any, Any, Buffers]] = {}

    def __call__(self, rows: NDArray[Any]) -> NDArray[Any]:
        prepared = self._prepared.get(rows.dtype.char)
        if prepared is None:
            prepared = self._prepare(rows.dtype)
        hidden, (matrix, intercept), buffers = prepared
        values, activate = rows, self._activation
        if hidden:
            first, *targets = buffers.of(len(rows))
            if first.dtype != rows.dtype:
                np.copyto(first, rows, casting="same_kind")
                values = first
            for (weights, biases), target in zip(hidden, targets, strict=True):
                np.dot(values, weights, target)
                np.add(target, biases, out=target)
                activate(target)
                values = target
        else:
            values = rows.astype(matrix.dtype, copy=False)
        output: NDArray[Any] = np.dot(values, matrix)
        np.add(output, intercept, out=output)
        return output

    def _prepare(self, given: Any) -> tuple[Any, Any, Buffers]:
        """Make layers and buffers for rows of a dtype; two threads at once make the same."""
        dtype = self._dtype or np.result_type(given, *(matrix for matrix, _ in self._layers))
        layers = [tuple(array.astype(dtype, copy=False) for array in layer) for layer in self._layers]
        widths = [layers[0][0].shape[0], *(intercept.size for _, intercept in layers[:-1])]
        prepared = layers[:-1], layers[-1], Buffers([(width, dtype) for width in widths])
        self._prepared[given.char] = prepared
        return prepared


def _layers_of(model: Any) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    layers = []
    units = model.n_features_in_
    if not model.coefs_ or len(model.coefs_) != len(model.intercepts_):
        raise refusal(model, "coefs_", f"{len(model.coefs_)} layers, {len(model.intercepts_)} of intercepts")
    for index, (coef, intercept) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        matrix, biases = np.asarray(coef), np.asarray(intercept)
        here = f"coefs_[{index}]"
        if matrix.shape != (units, biases.size) or biases.ndim != 1 or not biases.size:
            raise refusal(model, here, f"shape {matrix.shape} between {units} and {biases.shape}")
        for array in (matrix, biases):
            if array.dtype.kind != "f" or not np.isfinite(array).all():
                raise refusal(model, here, "must be finite numbers")
        layers.append((matrix, biases))
        units = biases.size
    return layers


def _own_label_methods(classes: NDArray[Any]) -> dict[str, Answer]:
    return {
        "predict": label_above(classes, 0.0) if classes.size == 2 else best_label(classes),  # noqa: PLR2004 - one output decides
        "predict_proba": softmax_of_two,
        "predict_log_proba": log_softmax_of_two,
    }


def _sklearn_methods(model: Any, n_outputs: int) -> dict[str, Answer]:
    finish = _OUTPUTS.get(model.out_activation_)
    if finish is None:
        raise refusal(model, "out_activation_", f"{model.out_activation_!r} is not known")
    if not hasattr(model, "classes_"):
        return {"predict": then(finish, scores)}
    classes = classes_for(model, n_outputs)
    proba = then(finish, pair if n_outputs == 1 else unchanged)
    label = label_above(classes, 0.5) if n_outputs == 1 else best_label(classes)
    predict = then(finish, label)
    return {
        "predict": _label_of_clear_winner(classes, predict) if finish is softmax else predict,
        "predict_proba": proba,
        "predict_log_proba": then(proba, np.log),
    }


def _label_of_clear_winner(classes: NDArray[Any], predict: Answer) -> Answer:
    """Spare a single row the softmax, unless it could make its two greatest outputs equal."""

    def answer(raw: NDArray[Any]) -> NDArray[Any]:
        if len(raw) == 1:
            best = raw.argmax()
            if np.count_nonzero(raw > raw[0, best] - _CLEAR) == 1:
                return label_at(classes, best)
        return predict(raw)

    return answer


def _as_float64(raw: NDArray[Any]) -> NDArray[Any]:
    return raw.astype(np.float64, copy=False)


_ZEROS = {dtype.char: np.zeros(1, dtype) for dtype in (np.dtype(np.float64), np.dtype(np.float32))}
"""As arrays, which need no conversion at each call."""


def _identity_(_values: NDArray[Any]) -> None:
    pass


def _relu_(values: NDArray[Any]) -> None:
    np.maximum(values, _ZEROS[values.dtype.char], out=values)


def _tanh_(values: NDArray[Any]) -> None:
    np.tanh(values, out=values)


def _logistic_(values: NDArray[Any]) -> None:
    expit(values, out=values)


def _gelu_(values: NDArray[Any]) -> None:
    np.multiply(values, ndtr(values), out=values)


def _sigmoid(raw: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = expit(raw, out=raw)
    return result


def _exponential(raw: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = np.exp(raw, out=raw)
    return result


_OWN = {"gelu": _gelu_, "relu": _relu_, "tanh": _tanh_}
_SKLEARN = {"identity": _identity_, "logistic": _logistic_, "relu": _relu_, "tanh": _tanh_}
_OUTPUTS: dict[str, Answer] = {
    "exp": _exponential,
    "identity": unchanged,
    "logistic": _sigmoid,
    "softmax": softmax,
}
