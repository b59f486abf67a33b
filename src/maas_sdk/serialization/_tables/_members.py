"""What estimators around estimators ask of those, so that what cannot predict together is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from maas_sdk.serialization._place import Place

__all__ = [
    "check_binary",
    "check_codes",
    "check_features",
    "check_methods",
    "check_type",
    "labels_of",
    "objects_in",
]


def labels_of(member: Any, place: Place) -> NDArray[Any]:
    """Give the labels of a classifier with one output.

    Raises
    ------
    InvalidArtifactError
        If it is none.
    """
    labels = getattr(member, "classes_", None)
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.size == 0:
        raise place.refusal(f"{type(member).__name__} has no labels of one output")
    return labels


def check_codes(labels: Any, n_classes: int, place: Place) -> None:
    """Check that labels are numbers of classes, by which others index."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= n_classes:
        raise place.refusal(f"labels that are not numbers of {n_classes} classes")


def check_binary(member: Any, place: Place) -> None:
    """Check that what decides between two classes can: by a score, a probability or a regression."""
    from sklearn.base import is_regressor  # noqa: PLC0415 - the table loads without estimators

    if getattr(member, "classes_", None) is not None and labels_of(member, place).size != 2:  # noqa: PLR2004
        raise place.refusal(f"{type(member).__name__} does not decide between two labels")
    scores = hasattr(member, "decision_function") or hasattr(member, "predict_proba")
    if not scores and not (is_regressor(member) and hasattr(member, "predict")):
        raise place.refusal(f"{type(member).__name__} decides nothing")


def check_features(member: Any, n_features: int, place: Place) -> None:
    """Check that an estimator takes so many features, if it knows how many it takes."""
    own = getattr(member, "n_features_in_", n_features)
    if own != n_features:
        raise place.refusal(f"takes {own} features where there are {n_features}")


def check_methods(members: Iterable[Any], template: Any, methods: Iterable[str], place: Place) -> None:
    """Check that all members can do what is looked up in the estimator that they are copies of."""
    for method in methods:
        if hasattr(template, method):
            for index, member in enumerate(members):
                if not hasattr(member, method):
                    raise place.item(index).refusal(f"{type(member).__name__} has no {method}")


def check_type(member: Any, template: Any, place: Place) -> None:
    """Check that an estimator classifies, or regresses, if that from which it was made does."""
    from sklearn.base import is_classifier, is_regressor  # noqa: PLC0415 - the table loads without estimators

    for is_type in (is_classifier, is_regressor):
        if is_type(template) and not is_type(member):
            raise place.refusal(f"{type(member).__name__} is no {is_type.__name__[3:]}")


def objects_in(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Give all objects with attributes in a value, and in those, each once."""
    seen = set() if seen is None else seen
    if isinstance(value, list | tuple):
        for item in value:
            yield from objects_in(item, seen)
    elif isinstance(value, dict):
        yield from objects_in(list(value.values()), seen)
    elif hasattr(value, "__dict__") and not isinstance(value, type) and id(value) not in seen:
        seen.add(id(value))
        yield value
        yield from objects_in(vars(value), seen)
