"""scikit-learn's simple preprocessing as operations in place: scaling, imputing, projecting, selecting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._direct._buffers import Buffers
from maas_sdk.compression._direct._compiled import Operation, numbers, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Preparation", "operations_of"]


class Preparation:
    """Several operations, one after the other, in buffers of the calling thread."""

    def __init__(self, operations: Sequence[Operation], n_features: int) -> None:
        # The first one writes to a buffer, as the rows are the caller's; others write where they read.
        target, self._plan = 0, []
        for index, operation in enumerate(operations):
            target += bool(index and operation.reshapes is not None)
            self._plan.append((operation.apply, target))
        self._buffers = {
            np.dtype(dtype).char: Buffers(_layout(operations, n_features, dtype))
            for dtype in (np.float64, np.float32)
        }

    def __call__(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Give the prepared rows; they are valid until the next call in the same thread."""
        buffers = self._buffers[rows.dtype.char].of(len(rows))
        values = rows
        for apply, target in self._plan:
            out = buffers[target]
            apply(values, out)
            values = out
        return values


def _layout(operations: Sequence[Operation], n_features: int, dtype: Any) -> list[tuple[int, Any]]:
    """Give columns and dtype of a buffer for the first operation, and of one for each that reshapes."""
    layout: list[tuple[int, Any]] = []
    columns = n_features
    for operation in operations:
        if operation.reshapes is not None:
            columns = operation.reshapes
            dtype = np.float64 if operation.widens else dtype
        if operation.reshapes is not None or not layout:
            layout.append((columns, dtype))
    return layout


def operations_of(step: Any) -> list[Operation] | None:
    """Give what a fitted transformer does, None where it is none that is known.

    Raises
    ------
    InvalidArtifactError
        If what it has learnt does not fit its number of features, or is not finite.
    """
    cls = type(step)
    if not cls.__module__.startswith("sklearn."):
        return None
    compile_step = _KNOWN.get(cls.__name__)
    if compile_step is None:
        compile_step = _selection if hasattr(step, "get_support") else None
    if compile_step is None or getattr(step, "n_features_in_", None) is None:
        return None
    return compile_step(step)


def _elementwise(ufunc: Callable[..., Any], operand: Any, *, converts: bool = False) -> Operation:
    """Make an operation by column; with `converts`, what was learnt is first rounded to the rows' dtype."""
    narrow = np.asarray(operand, np.float32) if converts else operand

    def apply(rows: NDArray[Any], out: NDArray[Any]) -> None:
        ufunc(rows, narrow if rows.dtype.char == "f" else operand, out=out)

    return Operation(apply)


def _learnt(step: Any, name: str) -> NDArray[Any]:
    """Give a learnt row of numbers, checked."""
    given = numbers(step, name)
    if given.shape != (step.n_features_in_,):
        raise refusal(step, name, f"shape {given.shape} for {step.n_features_in_} features")
    return given


def _standard(step: Any) -> list[Operation]:
    operations = []
    if step.with_mean:
        operations.append(_elementwise(np.subtract, _learnt(step, "mean_"), converts=True))
    if step.with_std:
        operations.append(_elementwise(np.divide, _learnt(step, "scale_"), converts=True))
    return operations


def _clipped(low: float, high: float) -> list[Operation]:
    return [_elementwise(np.maximum, low), _elementwise(np.minimum, high)]


def _min_max(step: Any) -> list[Operation]:
    operations = [
        _elementwise(np.multiply, _learnt(step, "scale_")),
        _elementwise(np.add, _learnt(step, "min_")),
    ]
    return operations + (_clipped(*map(float, step.feature_range)) if step.clip else [])


def _max_abs(step: Any) -> list[Operation]:
    clip = _clipped(-1.0, 1.0) if getattr(step, "clip", False) else []
    return [_elementwise(np.divide, _learnt(step, "scale_")), *clip]


def _robust(step: Any) -> list[Operation]:
    operations = []
    if step.with_centering:
        operations.append(_elementwise(np.subtract, _learnt(step, "center_")))
    if step.with_scaling:
        operations.append(_elementwise(np.divide, _learnt(step, "scale_")))
    return operations


def _imputer(step: Any) -> list[Operation] | None:
    nan = isinstance(step.missing_values, float) and np.isnan(step.missing_values)
    if step.add_indicator or not nan or callable(step.strategy):
        return None
    given = np.asarray(step.statistics_)
    if given.dtype.kind != "f" or given.shape != (step.n_features_in_,) or not np.isfinite(given).all():
        return None  # it drops features that had no value

    def apply(rows: NDArray[Any], out: NDArray[Any]) -> None:
        if out is not rows:
            np.copyto(out, rows)
        np.copyto(out, given, where=np.isnan(out), casting="same_kind")

    return [Operation(apply, nan="fills")]


def _pca(step: Any) -> list[Operation]:
    components, mean = numbers(step, "components_"), _learnt(step, "mean_")
    if components.shape[1:] != mean.shape:
        raise refusal(step, "components_", f"shape {components.shape} for {mean.size} features")
    matrix = components.T

    def project(rows: NDArray[Any], out: NDArray[Any]) -> None:
        np.matmul(rows, matrix, out=out)

    # The projected mean is subtracted as scikit-learn does, so that the same digits are lost.
    operations = [
        Operation(project, reshapes=len(components), widens=components.dtype == np.float64, nan="refuses"),
        _elementwise(np.subtract, mean.reshape(1, -1) @ matrix),
    ]
    if step.whiten:
        scale = np.sqrt(numbers(step, "explained_variance_"))
        if scale.shape != components.shape[:1]:
            raise refusal(
                step, "explained_variance_", f"shape {scale.shape} for {len(components)} components"
            )
        operations.append(_elementwise(np.divide, np.maximum(scale, np.finfo(scale.dtype).eps)))
    return operations


def _selection(step: Any) -> list[Operation] | None:
    return _columns(np.flatnonzero(step.get_support()), step.n_features_in_)


def _columns(kept: NDArray[np.intp], n_features: int) -> list[Operation] | None:
    if not kept.size or kept.min() < 0 or kept.max() >= n_features:
        return None

    def select(rows: NDArray[Any], out: NDArray[Any]) -> None:
        rows.take(kept, 1, out, "clip")

    return [Operation(select, reshapes=kept.size, nan="refuses")]


def _column_transformer(step: Any) -> list[Operation] | None:
    """Give the selection of columns by number that a ColumnTransformer may be."""
    used = [each for each in step.transformers_ if not (isinstance(each[1], str) and each[1] == "drop")]
    if len(used) != 1 or step.transformer_weights:
        return None
    _, transformer, columns = used[0]
    passes = (isinstance(transformer, str) and transformer == "passthrough") or (
        type(transformer).__name__ == "FunctionTransformer" and transformer.func is None
    )
    if not passes or not isinstance(columns, list | np.ndarray):
        return None
    kept = np.asarray(columns)
    return _columns(kept.astype(np.intp), step.n_features_in_) if kept.dtype.kind in "iu" else None


_KNOWN: dict[str, Callable[[Any], list[Operation] | None]] = {
    "ColumnTransformer": _column_transformer,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "PCA": _pca,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
    "StandardScaler": _standard,
}
