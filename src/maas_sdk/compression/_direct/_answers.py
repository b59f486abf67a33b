"""Turns what a model computes into labels, probabilities, values: as scikit-learn does, in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from maas_sdk.compression._direct._compiled import refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.compression._direct._compiled import Answer

__all__ = [
    "best_label",
    "classes_for",
    "first_column",
    "flat",
    "label_above",
    "label_at",
    "log_above_zero",
    "log_softmax_of_two",
    "pair",
    "scores",
    "sigmoid_pair",
    "softmax",
    "softmax_of_two",
    "then",
    "unchanged",
]


def classes_for(model: Any, n_outputs: int) -> NDArray[Any]:
    """Give the labels of a classifier with so many outputs; one output decides between two.

    Raises
    ------
    InvalidArtifactError
        If there are more or fewer.
    """
    classes = np.asarray(model.classes_)
    if classes.shape != (2 if n_outputs == 1 else n_outputs,):
        raise refusal(model, "classes_", f"shape {classes.shape} for {n_outputs} outputs")
    return classes


def unchanged(raw: NDArray[Any]) -> NDArray[Any]:
    """Give raw output as it is."""
    return raw


def scores(raw: NDArray[Any]) -> NDArray[Any]:
    """Give one column flat, several as they are."""
    return raw[:, 0] if raw.shape[1] == 1 else raw


def flat(raw: NDArray[Any]) -> NDArray[Any]:
    """Give all in one dimension."""
    return raw.ravel()


def first_column(raw: NDArray[Any]) -> NDArray[Any]:
    """Give the first column."""
    return raw[:, 0]


def softmax(raw: NDArray[Any]) -> NDArray[Any]:
    """Turn raw output (n_samples, n_classes) into probabilities, in place."""
    raw -= raw.max(axis=1, keepdims=True)
    np.exp(raw, out=raw)
    raw /= raw.sum(axis=1, keepdims=True)
    return raw


def sigmoid_pair(raw: NDArray[Any]) -> NDArray[Any]:
    """Turn the log-odds of the second class (n_samples, 1) into both probabilities (n_samples, 2)."""
    return pair(expit(raw))


def pair(second: NDArray[Any]) -> NDArray[Any]:
    """Give the probabilities of both classes from those of the second, (n_samples, 1)."""
    both = np.empty((len(second), 2), second.dtype)
    both[:, 1:] = second
    np.subtract(1, second, out=both[:, :1])
    return both


def _two_columns(raw: NDArray[Any]) -> NDArray[Any]:
    return np.hstack([np.zeros_like(raw), raw]) if raw.shape[1] == 1 else raw


def softmax_of_two(raw: NDArray[Any]) -> NDArray[Any]:
    """Give `softmax`, where one column stands against 0."""
    return softmax(_two_columns(raw))


def log_softmax_of_two(raw: NDArray[Any]) -> NDArray[Any]:
    """Give the logarithm of `softmax_of_two` without the loss of small ones."""
    raw = _two_columns(raw)
    raw -= raw.max(axis=1, keepdims=True)
    raw -= np.log(np.exp(raw).sum(axis=1, keepdims=True))
    return raw


def log_above_zero(probabilities: NDArray[Any]) -> NDArray[Any]:
    """Give the logarithm, of 0 that of the smallest normal number."""
    probabilities[probabilities == 0] = np.finfo(probabilities.dtype).smallest_normal
    logarithms: NDArray[Any] = np.log(probabilities)
    return logarithms


def label_at(classes: NDArray[Any], index: Any) -> NDArray[Any]:
    """Give one label, in an array of its own: a slice takes a third of the time of `take`."""
    label: NDArray[Any] = classes[index : index + 1].copy()
    return label


def best_label(classes: NDArray[Any]) -> Answer:
    """Make what gives the label of the greatest column."""

    def answer(raw: NDArray[Any]) -> NDArray[Any]:
        if len(raw) == 1:
            return label_at(classes, raw.argmax())
        labels: NDArray[Any] = classes.take(raw.argmax(axis=1))
        return labels

    return answer


def label_above(classes: NDArray[Any], threshold: float, *, inclusive: bool = False) -> Answer:
    """Make what gives the second label where the one column is above a threshold, or on it."""
    above = np.greater_equal if inclusive else np.greater

    def answer(raw: NDArray[Any]) -> NDArray[Any]:
        labels: NDArray[Any] = classes.take(above(raw[:, 0], threshold).view(np.int8))
        return labels

    return answer


def then(first: Answer, second: Answer) -> Answer:
    """Make one of two, the second of what the first gives."""

    def answer(raw: NDArray[Any]) -> NDArray[Any]:
        return second(first(raw))

    return answer
