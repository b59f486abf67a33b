"""What all trained estimators share: a fit that changes everything or nothing, labels, held-out data."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "all_or_nothing",
    "encode_labels",
    "log_probabilities",
    "probabilities",
    "random_generator",
    "standardize",
    "winners",
]


@contextlib.contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Give `estimator` its attributes back when the block ends with an exception, `KeyboardInterrupt` too."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def random_generator(random_state: Any) -> np.random.RandomState:
    """Make scikit-learn's `random_state` a generator.

    Raises
    ------
    InvalidOptionError
        If it is neither None, an integer, nor a RandomState.
    """
    try:
        generator: np.random.RandomState = check_random_state(random_state)
    except ValueError as exc:
        raise InvalidOptionError(
            f"random_state must be None, an integer in [0, 2**32 - 1] or a RandomState, not {random_state!r}"
        ) from exc
    return generator


def encode_labels(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Give the sorted classes and each sample's index among them.

    Raises
    ------
    InvalidOptionError
        If there is only one class.
    """
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:  # noqa: PLR2004 - two sides of a decision
        raise InvalidOptionError(
            f"y has only one class, {classes.tolist()[0]!r}: a classifier needs at least two"
        )
    return classes, codes.astype(np.intp, copy=False)


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


def standardize(
    values: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give a copy with zero mean and unit deviation by column, the means and the deviations.

    A column that is constant up to rounding gets the deviation 1, so that it stays zero.

    Raises
    ------
    InvalidOptionError
        If the values are so large that their squares overflow.
    """
    scaled = values.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = scaled.mean(axis=0)
        scaled -= mean
        scale = scaled.std(axis=0)
    if not np.isfinite(scale).all():
        raise InvalidOptionError(
            "values are too large: their squares overflow float64; scale them down first"
        )
    scale[scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)] = 1
    scaled /= scale
    return scaled, mean, scale
