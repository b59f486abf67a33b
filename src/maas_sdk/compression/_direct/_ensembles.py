"""Trees, forests and boosting compiled: one walk through all trees, then sums in scikit-learn's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._direct._answers import (
    best_label,
    classes_for,
    first_column,
    flat,
    label_above,
    scores,
    then,
    unchanged,
)
from maas_sdk.compression._direct._compiled import Compiled, refusal
from maas_sdk.compression._direct._histogram import categories_of, compile_histogram
from maas_sdk.compression._direct._sums import CHUNK, stages_sum, sum_in_order
from maas_sdk.compression._direct._walk import joined
from maas_sdk.compression._trees import family_of, nodes_of, trees_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.compression._direct._compiled import Answer

__all__ = ["compile_ensemble", "why_not_ensemble"]


def why_not_ensemble(model: Any, _room: str) -> str | None:
    """Give the reason why a model is none of trees that is known, fitted; None if it is one."""
    name, family = type(model).__name__, family_of(model)
    if family is None:
        return f"{name} is not a known model of trees"
    held = {"tree": "tree_", "histogram": "_predictors"}.get(family, "estimators_")
    if not hasattr(model, held):
        return f"{name} is not fitted"
    if getattr(model, "n_outputs_", 1) != 1:
        return f"{name} has several outputs"
    if family == "boosting" and not _is_constant(model.init_):
        return f"{name} begins with the predictions of another model, {type(model.init_).__name__}"
    if family == "histogram" and categories_of(model) is None:
        return f"{name} has categories that are no numbers"
    return None


def compile_ensemble(model: Any, _room: str) -> Compiled:
    """Compile a model that `why_not_ensemble` has nothing against."""
    family = family_of(model)
    if family == "histogram":
        return compile_histogram(model)
    if family == "boosting":
        return _compile_boosting(model)
    trees = trees_of(model)
    walk, values = joined([nodes_of(tree) for tree in trees], n_features=model.n_features_in_)
    if hasattr(model, "classes_"):
        classes = np.asarray(model.classes_)
        n_outputs = classes.size
        methods: dict[str, Answer] = {
            "predict": best_label(classes),
            "predict_proba": unchanged,
            "predict_log_proba": np.log,
        }
    else:
        n_outputs, methods = 1, {"predict": first_column}
    if values.shape[1:] != (1, n_outputs):
        raise refusal(model, "estimators_", f"leaves of shape {values.shape[1:]} for {n_outputs} outputs")
    values = np.ascontiguousarray(values[:, 0])
    n_trees = len(trees)

    def raw(rows: NDArray[Any]) -> NDArray[Any]:
        leaves = walk.leaves(np.ascontiguousarray(rows, np.float32))
        total = sum_in_order(values.take(leaves, 0))
        if family == "forest":
            total /= n_trees
        return total

    return _compiled(model, raw, methods, n_trees)


def _compiled(model: Any, raw: Answer, methods: dict[str, Answer], n_trees: int) -> Compiled:
    return Compiled(
        raw=raw,
        methods=methods,
        n_features=model.n_features_in_,
        max_rows=max(1, CHUNK // n_trees),
        narrow=True,
    )


def _compile_boosting(model: Any) -> Compiled:
    stages = np.asarray(model.estimators_)
    if stages.ndim != 2:  # noqa: PLR2004 - stages and outputs
        raise refusal(model, "estimators_", f"shape {stages.shape}, not (n_stages, n_outputs)")
    n_outputs = stages.shape[1]
    walk, values = joined([nodes_of(tree) for tree in trees_of(model)], n_features=model.n_features_in_)
    if values.shape[1:] != (1, 1):
        raise refusal(model, "estimators_", f"leaves of shape {values.shape[1:]} for one output")
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))  # noqa: SLF001 - the same for all rows
    if start.shape != (1, n_outputs) or not np.isfinite(start).all():
        raise refusal(model, "init_", f"gives shape {start.shape} for {n_outputs} outputs")
    steps = values[:, 0, 0] * model.learning_rate
    raw = stages_sum(walk, steps, start, n_outputs, np.float32)
    if not hasattr(model, "classes_"):
        return _compiled(model, raw, {"predict": flat}, stages.size)
    classes = classes_for(model, n_outputs)
    proba = then(scores, model._loss.predict_proba)  # noqa: SLF001 - scikit-learn's, as it does itself
    methods = {
        "decision_function": scores,
        "predict": label_above(classes, 0.0, inclusive=True) if n_outputs == 1 else best_label(classes),
        "predict_proba": proba,
        "predict_log_proba": then(proba, np.log),
    }
    return _compiled(model, raw, methods, stages.size)


def _is_constant(init: Any) -> bool:
    """Tell whether what boosting begins with is the same for all rows."""
    if isinstance(init, str):
        return init == "zero"
    name = type(init).__name__
    if not type(init).__module__.startswith("sklearn."):
        return False
    return name == "DummyRegressor" or (
        name == "DummyClassifier" and init.strategy in ("prior", "most_frequent", "constant")
    )
