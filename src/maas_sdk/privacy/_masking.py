"""Puts masked names into a fitted model: columns, labels, categories, vocabularies; in place, on a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy._mask import MASKED_WORD
from maas_sdk.privacy._renaming import is_of, rename_columns, renamed
from maas_sdk.privacy._rows import TrainingRows
from maas_sdk.privacy._walk import attributes_of, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maas_sdk.privacy._mask import Mask
    from maas_sdk.privacy._steps import Steps

__all__ = ["column_names", "label_names", "mask_steps"]

_ENCODERS: Final = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
_LABELLED: Final = ("classes", "class_weight", "constant", "pos_label", "pos_label_")
_NOT_LABELS: Final = {
    *("feature_names_in_", "categories_", "vocabulary_", "feature_names_", "statistics_"),
    *("transformers_", "_columns", "_remainder", "stop_words_"),
}
_OUTPUT_CONFIG: Final = "_sklearn_output_config"
_WORD_SETTINGS: Final = {
    "analyzer": "word",
    "input": "content",
    "lowercase": False,
    "ngram_range": (1, 1),
    "preprocessor": None,
    "stop_words": None,
    "strip_accents": None,
    "token_pattern": MASKED_WORD,
    "tokenizer": None,
}
"""How masked words are read: as they are, one after the other."""


def mask_steps(steps: Steps, originals: Steps, mask: Mask) -> list[str]:
    """Mask all names in the fitted steps of a chain.

    Parameters
    ----------
    steps : list of (str, estimator)
        Changed in place.
    originals : list of (str, estimator)
        The same, which stay as they are.
    mask : Mask
        The key.

    Returns
    -------
    list of str
        What was masked, for people.

    Raises
    ------
    InvalidOptionError
        When something is not masked, because it is kept in a way that is not known.
    """
    _check_texts(steps)
    words = _mask_words(steps[0][1], mask)
    values = _mask_values(steps, mask)
    names = dict(zip(column_names(steps), mask.columns(column_names(steps)), strict=True))
    known = names
    for (_, step), (_, original) in zip(steps, originals, strict=True):
        known = rename_columns(step, original, known, mask)
    classes = label_names(steps)
    labels = dict(zip(classes, mask.labels(classes, classes=classes), strict=True))
    for masked in (names, labels, words, values):
        _check_apart(masked)
    for node in _nodes(steps):
        _mask_labels(node, labels)
    _check_left_over(steps[:1], words)
    _check_left_over(steps, {**names, **labels, **values})
    _check_names(steps, {**names, **labels, **values})
    told = (
        (names, "feature names"),
        (labels, "class labels"),
        (words, "words"),
        (values, "values of categories"),
    )
    return [f"{len(masked):,} {what}" for masked, what in told if masked]


def column_names(steps: Steps) -> list[str]:
    """Give the names of the columns that go in; none where there are none."""
    names = getattr(steps[0][1], "feature_names_in_", None)
    return [] if names is None else [str(name) for name in names]


def label_names(steps: Steps) -> list[str]:
    """Give the labels that are texts, sorted; numbers tell nothing by themselves and are not masked."""
    found = getattr(steps[-1][1], "classes_", None)
    parts = found if isinstance(found, list) else [] if found is None else [found]
    return sorted(
        {str(label) for part in parts for label in np.ravel(part).tolist() if isinstance(label, str)}
    )


def _nodes(steps: Iterable[tuple[str, Any]]) -> Iterator[Any]:
    for _, step in steps:
        yield from (node.value for node in walk(step, TrainingRows()))


def _check_texts(steps: Steps) -> None:
    for node in _nodes(steps):
        if not is_of(node, "CountVectorizer", "DictVectorizer"):
            continue
        if node is not steps[0][1]:
            raise InvalidOptionError(
                f"mask: the words of {type(node).__name__} can be masked only where it is the first step"
            )
        if callable(getattr(node, "analyzer", None)):
            raise InvalidOptionError("mask: an analyzer that is a function cannot be told to the receiver")


def _mask_words(step: Any, mask: Mask) -> dict[str, str]:
    if not is_of(step, "CountVectorizer", "DictVectorizer"):
        return {}
    found = list(step.vocabulary_)
    words = dict(zip(found, mask.words(found), strict=True))
    step.vocabulary_ = {words[word]: place for word, place in step.vocabulary_.items()}
    if is_of(step, "DictVectorizer"):
        step.feature_names_ = [words[word] for word in step.feature_names_]
        return words
    step.set_params(**_WORD_SETTINGS)
    if step.vocabulary is not None:
        step.set_params(vocabulary=step.vocabulary_)
    for stale in ("stop_words_", "_stop_words_id"):
        vars(step).pop(stale, None)
    return words


def _mask_values(steps: Steps, mask: Mask) -> dict[str, str]:
    """Mask the texts among the categories of encoders, and those that imputers fill in."""
    masked: dict[str, str] = {}

    def of(value: Any) -> Any:
        if isinstance(value, str):
            return masked.setdefault(value, mask.values([value])[0])
        return value

    for node in _nodes(steps):
        if is_of(node, *_ENCODERS):
            if hasattr(node, "categories_"):
                node.categories_ = [_each(part, of) for part in node.categories_]
            if not isinstance(node.categories, str):
                node.categories = [_each(part, of) for part in node.categories]
            drop = getattr(node, "drop", None)
            if drop is not None and not isinstance(drop, str):
                node.drop = _each(np.asarray(drop, dtype=object), of)
        elif is_of(node, "SimpleImputer"):
            node.fill_value = of(node.fill_value)
            if hasattr(node, "statistics_"):
                node.statistics_ = _each(node.statistics_, of)
    return masked


def _each(part: Any, change: Any) -> Any:
    if isinstance(part, (list, tuple)):
        return [change(item) for item in part]
    if part.dtype.kind not in "OU":
        return part
    items = [change(item) for item in part.tolist()]
    if part.dtype.kind == "U":
        return np.asarray(items)
    made = np.empty(len(items), dtype=object)
    made[:] = items
    return made


def _mask_labels(node: Any, labels: Mapping[str, str]) -> None:
    """Rename labels in what was fitted, and in the parameters that are about labels."""
    if not labels:
        return
    state = getattr(node, "__dict__", {})
    for name, value in state.items():
        fitted = name.endswith("_") or name.startswith("_")
        several = fitted and name not in _NOT_LABELS and isinstance(value, (list, np.ndarray))
        if several or name in _LABELLED:
            state[name] = renamed(value, labels)


def _check_apart(masked: Mapping[str, str]) -> None:
    if len(set(masked.values())) != len(masked):
        raise InvalidOptionError("mask: two names have the same mask; take another key")


def _check_left_over(steps: Steps, masked: Mapping[str, str]) -> None:
    """Fail closed: refuse a model in which a name is still found in an array, a list or as a key."""
    for name, step in steps:
        for node in walk(step, TrainingRows()):
            for attribute, value in attributes_of(node.value).items():
                left = next((text for text in _texts_in(value) if text in masked), None)
                if left is not None and attribute != _OUTPUT_CONFIG:
                    place = f"{name}.{node.path}.{attribute}" if node.path else f"{name}.{attribute}"
                    raise InvalidOptionError(
                        f"mask: {left!r} is left in {place}, which is not known to hold names"
                    )


def _check_names(steps: Steps, masked: Mapping[str, str]) -> None:
    for name, _ in steps:
        if name in masked:
            raise InvalidOptionError(f"mask: the step {name!r} is called like what is masked; rename it")


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            if isinstance(item, str):
                yield item
            else:
                yield from _texts_in(item)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "OU":
        yield from (item for item in value.ravel().tolist() if isinstance(item, str))
