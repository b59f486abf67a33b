"""Classes: found in labels or given, labels turned into targets of a loss, and raw output into answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ClassesSeen",
    "check_classes",
    "codes_of",
    "indicators",
    "log_probabilities",
    "probabilities",
    "winners",
]


class ClassesSeen:
    """The labels of the batches so far."""

    def __init__(self) -> None:
        self._seen: NDArray[Any] | None = None

    def add(self, y: NDArray[Any]) -> None:
        """Take the labels of a batch, shape (n_rows,)."""
        try:
            found = np.unique(column_or_1d(y))
        except TypeError as exc:  # they cannot be put in an order
            raise InvalidOptionError(f"y must hold labels of one kind: {exc}") from exc
        if found.dtype.kind == "f":
            check_classification_targets(found)  # measurements are no labels
        self._seen = found if self._seen is None else np.union1d(self._seen, found)

    @property
    def classes(self) -> NDArray[Any]:
        """The sorted classes.

        Raises
        ------
        InvalidOptionError
            If there is only one.
        """
        assert self._seen is not None  # a source has at least one row
        return _at_least_two(self._seen, "y")


def check_classes(classes: Any) -> NDArray[Any]:
    """Give the sorted classes that a caller has named.

    Raises
    ------
    InvalidOptionError
        If they are not at least two different labels.
    """
    named = np.asarray(classes)
    if named.ndim != 1 or not len(named):
        raise InvalidOptionError(f"classes must be a sequence of labels, not {classes!r}")
    return _at_least_two(np.unique(named), "classes")


def _at_least_two(classes: NDArray[Any], what: str) -> NDArray[Any]:
    if len(classes) < 2:  # noqa: PLR2004 - two sides of a decision
        raise InvalidOptionError(
            f"{what} has only one class, {classes.tolist()[0]!r}: a classifier needs at least two"
        )
    return classes


def codes_of(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Give the index of each label among sorted classes.

    Raises
    ------
    InvalidOptionError
        If a label is none of them.
    """
    labels = column_or_1d(y)
    try:
        codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
        strange = classes[codes] != labels
    except TypeError as exc:  # texts among numbers
        raise InvalidOptionError(f"y holds labels of another kind than classes: {exc}") from exc
    if np.any(strange):
        label = labels[strange].tolist()[0]
        raise InvalidOptionError(
            f"y has the label {label!r}, which is not among the classes {classes.tolist()}"
        )
    found: NDArray[np.intp] = codes.astype(np.intp, copy=False)
    return found


def indicators(codes: NDArray[np.intp], n_classes: int, dtype: Any, *, low: float) -> NDArray[np.floating]:
    """Give 1 in the column of each row's class and `low` elsewhere.

    The shape is (n_rows, n_classes); two classes have one column, of the second.
    """
    columns = np.array([1]) if n_classes == 2 else np.arange(n_classes)  # noqa: PLR2004 - one decides between two
    return np.where(codes[:, None] == columns, 1, low).astype(dtype)


def _two_sided(raw: NDArray[np.floating]) -> NDArray[np.floating]:
    """Give one column for each class, the largest of each row 0: a copy."""
    if raw.shape[1] == 1:
        raw = np.hstack([np.zeros_like(raw), raw])
    shifted: NDArray[np.floating] = raw - raw.max(axis=1, keepdims=True)
    return shifted


def probabilities(raw: NDArray[np.floating]) -> NDArray[np.floating]:
    """Turn raw output (n_samples, 1) or (n_samples, n_classes) into probabilities (n_samples, n_classes)."""
    values: NDArray[np.floating] = np.exp(_two_sided(raw))
    values /= values.sum(axis=1, keepdims=True)
    return values


def log_probabilities(raw: NDArray[np.floating]) -> NDArray[np.floating]:
    """Give the logarithm of `probabilities` without the loss of small ones."""
    values: NDArray[np.floating] = _two_sided(raw)
    values -= np.log(np.exp(values).sum(axis=1, keepdims=True))
    return values


def winners(raw: NDArray[np.floating]) -> NDArray[np.intp]:
    """Give the index of the most probable class for each row of raw output."""
    if raw.shape[1] == 1:
        return (raw[:, 0] > 0).astype(np.intp)
    best: NDArray[np.intp] = raw.argmax(axis=1)
    return best
