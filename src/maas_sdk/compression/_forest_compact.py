"""Drops from trees what no prediction uses, and proves that predictions stay the same to the last bit."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._chain import model_of, with_model
from maas_sdk.compression._compaction import compacted
from maas_sdk.compression._trees import (
    family_of,
    nodes_of,
    rebuilt,
    trees_of,
    why_not,
    with_stages,
    with_trees,
)
from maas_sdk.errors import ComponentError, InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = ["ForestCompactCompressor"]

_PROBES = 256
_MISSING = 0.05  # of the numbers of a probe
_ROWS = 2000


class ForestCompactCompressor:
    """Trees without what no prediction uses, and otherwise as they were: lossless.

    Two leaves beside each other that predict the same become one; a split one side of which no row can reach,
    because of the splits above it, is dropped; a stage of boosting that adds zero to every row is dropped.
    Nodes are put in depth-first order, which is stored without naming children, and lose what training alone
    knows of them: impurities, sample counts, values of inner nodes (the serialization's inference form).

    `predict`, `predict_proba` and `decision_function` give the same bits. `apply`, `decision_path` and
    the stages of boosting may be numbered otherwise; `feature_importances_` and whatever else needs what was
    dropped raises `AttributeError`. Equal trees of a forest stay: their mean would be rounded otherwise.

    It takes scikit-learn's single trees, random forests, extra trees, gradient boosting and histogram-based
    gradient boosting.
    """

    needs_training_data = False
    lossless = True

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model is made of scikit-learn's trees."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        return why_not(chain)

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a copy of `chain` with smaller trees.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X : array-like or None
            Rows, as the chain takes them, on which its predictions are compared (the first 2000), besides
            rows at the thresholds of each tree.
        y : object
            Not used.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported; the message says why.
        ComponentError
            When a prediction would change, or the model cannot be serialized.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"forest_compact does not fit this model: {reason}.")
        try:
            small = with_trees(chain, _compact)
            _prove_trees(model_of(chain), model_of(small))
            small = _without_idle_stages(small)
            small = with_model(small, _inference_form(model_of(small)))
        except ComponentError:
            raise
        except Exception as exc:
            raise ComponentError(f"forest_compact of {type(model_of(chain)).__name__} failed: {exc}") from exc
        if X is not None:
            _prove_predictions(chain, small, X)
        return small

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _compact(tree: Any) -> Any:
    return rebuilt(tree, *compacted(nodes_of(tree)))


def _inference_form(model: Any) -> Any:
    from maas_sdk.serialization import dump_parts, load_parts  # noqa: PLC0415 - needed here alone

    # The copy may be written to, as a model that was fitted may.
    return copy.deepcopy(load_parts(dump_parts(model, profile="inference")))


def _without_idle_stages(chain: Pipeline) -> Pipeline:
    """Give a chain without the stages of boosting whose trees are one leaf of the value zero."""
    model = model_of(chain)
    if family_of(model) not in ("boosting", "histogram"):
        return chain
    stages = model.estimators_ if family_of(model) == "boosting" else model._predictors  # noqa: SLF001 - scikit-learn's
    trees = iter(trees_of(model))
    idle = [all([_adds_nothing(next(trees)) for _ in stage]) for stage in stages]  # noqa: C419 - each is taken
    kept = [stage for stage, adds_nothing in enumerate(idle) if not adds_nothing] or [0]
    return chain if len(kept) == len(idle) else with_stages(chain, kept)


def _adds_nothing(tree: Any) -> bool:
    nodes = nodes_of(tree)
    return nodes.left.size == 1 and not nodes.value.any()


# --- The proof


def _prove_trees(model: Any, small: Any) -> None:
    """Compare each tree with what it became, by scikit-learn's own code, on rows at the thresholds."""
    n_features = model.n_features_in_
    predict = _predictor_of(model)
    rng = np.random.default_rng(0)
    for old, new in zip(trees_of(model), trees_of(small), strict=True):
        rows = _probes(nodes_of(old), n_features, rng)
        if not np.array_equal(predict(old, rows), predict(new, rows)):
            raise ComponentError("forest_compact: a tree would predict otherwise; please report this model.")


def _probes(nodes: Any, n_features: int, rng: np.random.Generator) -> NDArray[Any]:
    """Give rows whose numbers are thresholds of their feature, or just above, or missing."""
    inner = ~nodes.leaves & ~nodes.categorical
    rows = rng.integers(0, 32, (_PROBES, n_features)).astype(nodes.precision)  # categories are such numbers
    for feature in np.unique(nodes.feature[inner]):
        thresholds = nodes.threshold[inner & (nodes.feature == feature)]
        with np.errstate(over="ignore"):
            at = rng.choice(thresholds, _PROBES).astype(nodes.precision)
        above = np.nextafter(at, nodes.precision(np.inf))
        rows[:, feature] = np.where(rng.random(_PROBES) < 0.5, at, above)  # noqa: PLR2004 - one half
    rows[rng.random(rows.shape) < _MISSING] = np.nan
    return rows


def _predictor_of(model: Any) -> Callable[[Any, NDArray[Any]], NDArray[Any]]:
    if family_of(model) != "histogram":
        return lambda tree, rows: tree.predict(rows)
    known, index = model._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001 - scikit-learn's
    return lambda tree, rows: tree.predict(rows, known, index, 1)


def _prove_predictions(chain: Pipeline, small: Pipeline, X: Any) -> None:
    rows = X.iloc[:_ROWS] if hasattr(X, "iloc") else X[:_ROWS]
    for name in ("predict", "predict_proba", "decision_function"):
        if hasattr(chain, name) and not _are_equal(getattr(chain, name)(rows), getattr(small, name)(rows)):
            raise ComponentError(f"forest_compact: {name} would change; please report this model.")


def _are_equal(old: Any, new: Any) -> bool:
    several: Sequence[tuple[Any, Any]] = (
        list(zip(old, new, strict=True)) if isinstance(old, list) else [(old, new)]
    )
    return all(np.array_equal(first, second) for first, second in several)
