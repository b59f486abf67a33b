"""Histogram-based boosting compiled: missing values, categories, and their encoding before the trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._direct._answers import best_label, classes_for, flat, label_above, scores, then
from maas_sdk.compression._direct._compiled import Compiled, Operation, refusal
from maas_sdk.compression._direct._sums import CHUNK, stages_sum
from maas_sdk.compression._direct._walk import joined
from maas_sdk.compression._trees import nodes_of, trees_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maas_sdk.compression._trees import Nodes

__all__ = ["categories_of", "compile_histogram"]

_CODES = np.arange(256)
"""Of categories; scikit-learn keeps a set of them in 8 words of 32 bits."""


def categories_of(model: Any) -> list[NDArray[Any]] | None:
    """Give the categories of each feature that has some, in order; None if they are no numbers."""
    if getattr(model, "_preprocessor", None) is None:
        return []
    categories = [np.asarray(each) for each in model._preprocessor.named_transformers_["encoder"].categories_]  # noqa: SLF001 - scikit-learn's
    return categories if all(each.dtype.kind == "f" for each in categories) else None


def compile_histogram(model: Any) -> Compiled:
    """Compile a fitted model whose categories, if it has any, are numbers."""
    predictors = trees_of(model)
    n_outputs = int(model.n_trees_per_iteration_)
    if n_outputs < 1 or any(len(stage) != n_outputs for stage in model._predictors):  # noqa: SLF001 - scikit-learn's
        raise refusal(model, "_predictors", f"has stages that are not of {n_outputs} trees")
    trees = [nodes_of(predictor) for predictor in predictors]
    goes_right, splits = _category_splits(model, trees)
    walk, values = joined(trees, n_features=model.n_features_in_, goes_right=goes_right, splits=splits)
    start = np.asarray(model._baseline_prediction).reshape(1, -1)  # noqa: SLF001 - likewise
    if start.shape[1] not in (1, n_outputs) or not np.isfinite(start).all():
        raise refusal(model, "_baseline_prediction", f"shape {start.shape} for {n_outputs} outputs")
    start = np.broadcast_to(start, (1, n_outputs))
    raw = stages_sum(walk, values, start, n_outputs, np.float64)
    loss = model._loss  # noqa: SLF001 - likewise
    if hasattr(model, "classes_"):
        classes = classes_for(model, n_outputs)
        methods = {
            "decision_function": scores,
            "predict": label_above(classes, 0.0) if n_outputs == 1 else best_label(classes),
            "predict_proba": loss.predict_proba,
        }
    else:
        methods = {"predict": then(flat, loss.link.inverse)}
    return Compiled(
        raw=raw,
        methods=methods,
        n_features=model.n_features_in_,
        max_rows=max(1, CHUNK // len(predictors)),
        allow_nan=True,
        operations=_encoding(model),
    )


def _encoding(model: Any) -> list[Operation]:
    """Give the operation that puts features with categories first and numbers their categories."""
    categories = categories_of(model)
    if not categories:
        return []
    given = np.asarray(model.is_categorical_)
    if given.shape != (model.n_features_in_,) or given.dtype != np.bool_ or given.sum() != len(categories):
        raise refusal(
            model, "is_categorical_", f"{len(categories)} of {model.n_features_in_} features expected"
        )
    chosen, rest = np.flatnonzero(given), np.flatnonzero(~given)
    known = [each[~np.isnan(each)] for each in categories]
    if not all(each.size and (np.diff(each) > 0).all() for each in known):
        raise refusal(model, "_preprocessor", "has categories that are not sorted")

    def encode(rows: NDArray[Any], out: NDArray[Any]) -> None:
        out[:, len(chosen) :] = rows[:, rest]
        for column, (feature, values) in enumerate(zip(chosen, known, strict=True)):
            given_values = rows[:, feature]
            codes = np.searchsorted(values, given_values).clip(max=values.size - 1)
            out[:, column] = np.where(values[codes] == given_values, codes, np.nan)

    return [Operation(encode, reshapes=model.n_features_in_, widens=True)]


def _category_splits(
    model: Any, trees: Sequence[Nodes]
) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.intp]]]:
    """Give for each tree where the categories of its splits go, and which node is which split."""
    goes_right, splits = [], []
    known_codes = _known_codes(model)
    for predictor, nodes in zip(trees_of(model), trees, strict=True):
        here = np.flatnonzero(nodes.categorical)
        split = np.full(nodes.left.size, -1, np.intp)
        split[here] = np.arange(here.size)
        table = np.zeros((here.size, _CODES.size + 1), np.bool_)
        if here.size:
            rows = predictor.nodes["bitset_idx"][here].astype(np.intp)
            sets = np.asarray(predictor.raw_left_cat_bitsets)
            if sets.shape[1:] != (_CODES.size // 32,) or rows.max() >= len(sets):
                raise refusal(predictor, "raw_left_cat_bitsets", f"shape {sets.shape} for set {rows.max()}")
            left = (sets[rows][:, _CODES // 32] >> (_CODES % 32).astype(sets.dtype)) & 1 != 0
            known = known_codes[nodes.feature[here].clip(0, model.n_features_in_ - 1)]
            missing_right = ~nodes.missing_left[here]
            table[:, :-1] = np.where(left, False, known | missing_right[:, None])
            table[:, -1] = missing_right
        goes_right.append(table)
        splits.append(split)
    return goes_right, splits


def _known_codes(model: Any) -> NDArray[np.bool_]:
    """Give which codes were there when it was fitted, shape (n_features, 256)."""
    known = np.zeros((model.n_features_in_, _CODES.size), np.bool_)
    if getattr(model, "is_categorical_", None) is None:
        return known
    mapper = model._bin_mapper  # noqa: SLF001 - scikit-learn's
    for feature in np.flatnonzero(mapper.is_categorical_):
        codes = np.asarray(mapper.bin_thresholds_[feature])
        if codes.size and not (codes.min() >= 0 and codes.max() < _CODES.size):
            raise refusal(model, "_bin_mapper", f"has a category that is not below {_CODES.size}")
        known[feature, codes.astype(np.intp)] = True
    return known
