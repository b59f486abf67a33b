"""scikit-learn's trees as arrays, of single trees, forests and boosting; chains with others in place."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.compression._chain import NO_CHAIN, model_of, state_of, with_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = [
    "LEAF",
    "Nodes",
    "family_of",
    "levels",
    "nodes_of",
    "rebuilt",
    "trees_of",
    "why_not",
    "with_stages",
    "with_trees",
]

LEAF = -1
_NO_SPLIT = -2
_TREE = frozenset(
    {"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"}
)
_FOREST = frozenset(
    {"RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"}
)
_BOOSTING = frozenset({"GradientBoostingClassifier", "GradientBoostingRegressor"})
_HISTOGRAM = frozenset({"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"})
_FAMILIES = {"tree": _TREE, "forest": _FOREST, "boosting": _BOOSTING, "histogram": _HISTOGRAM}
_HELD = {"tree": "tree_", "forest": "estimators_", "boosting": "estimators_", "histogram": "_predictors"}


@frozen(eq=False)
class Nodes:
    """The nodes of one tree, a row each; the root is the first, and children come after their parents.

    Attributes
    ----------
    left, right : ndarray of shape (n_nodes,), int64
        Children; -1 at leaves.
    feature : ndarray of shape (n_nodes,), int64
    threshold : ndarray of shape (n_nodes,), float64
        ``x[feature] <= threshold`` goes left.
    missing_left : ndarray of shape (n_nodes,), bool
        Whether a missing value goes left.
    categorical : ndarray of shape (n_nodes,), bool
        Where a set of categories decides, not the threshold.
    value : ndarray of shape (n_nodes, …), float64
        What a leaf predicts; of inner nodes it may be anything.
    precision : type
        What the tree compares rows as: float32 or float64.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    categorical: NDArray[np.bool_]
    value: NDArray[np.float64]
    precision: type[np.floating[Any]]

    @property
    def leaves(self) -> NDArray[np.bool_]:
        """Which nodes are leaves."""
        return np.asarray(self.left == LEAF)


def family_of(model: Any) -> str | None:
    """Give the family of a model of trees: "tree", "forest", "boosting" or "histogram"."""
    cls = type(model)
    if not cls.__module__.startswith("sklearn."):
        return None
    return next((family for family, names in _FAMILIES.items() if cls.__name__ in names), None)


def why_not(chain: Any, families: Sequence[str] = tuple(_FAMILIES)) -> str | None:
    """Give the reason why a chain's model is none of these families, fitted; None if it is."""
    if not getattr(chain, "steps", None):
        return NO_CHAIN
    model = model_of(chain)
    family = family_of(model)
    if family is None or family not in families:
        return f"{type(model).__name__} is none of {', '.join(_names(families))}"
    trees = state_of(model).get(_HELD[family])
    if trees is None or (family != "tree" and len(trees) == 0):
        return f"{type(model).__name__} has no trees (is it fitted?)"
    return None


def _names(families: Sequence[str]) -> list[str]:
    return sorted(name for family in families for name in _FAMILIES[family])


def trees_of(model: Any) -> list[Any]:
    """Give the trees of a fitted model of a family that is known, stage by stage."""
    family = family_of(model)
    if family == "tree":
        return [model.tree_]
    if family == "histogram":
        return [predictor for stage in model._predictors for predictor in stage]  # noqa: SLF001 - scikit-learn's
    return [member.tree_ for member in np.ravel(model.estimators_)]


def nodes_of(tree: Any) -> Nodes:
    """Give the nodes of one tree of `trees_of`."""
    if hasattr(tree, "raw_left_cat_bitsets"):
        return _nodes_of_predictor(tree.nodes)
    state = tree.__getstate__()
    nodes = state["nodes"]
    return Nodes(
        left=nodes["left_child"].astype(np.int64),
        right=nodes["right_child"].astype(np.int64),
        feature=nodes["feature"].astype(np.int64),
        threshold=nodes["threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"] != 0,
        categorical=np.zeros(nodes.size, np.bool_),
        value=state["values"],
        precision=np.float32,
    )


def _nodes_of_predictor(nodes: NDArray[Any]) -> Nodes:
    leaves = nodes["is_leaf"] != 0
    return Nodes(
        left=np.where(leaves, LEAF, nodes["left"].astype(np.int64)),
        right=np.where(leaves, LEAF, nodes["right"].astype(np.int64)),
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"] != 0,
        categorical=(nodes["is_categorical"] != 0) & ~leaves,
        value=nodes["value"].copy(),
        precision=np.float64,
    )


def rebuilt(tree: Any, nodes: Nodes, kept: NDArray[np.int64] | None = None) -> Any:
    """Give a tree of the same class with other nodes; what they do not tell stays with each node.

    Parameters
    ----------
    tree : object
        One of `trees_of`.
    nodes : Nodes
        The new ones, in their new order.
    kept : ndarray of shape (n_nodes,) or None
        Which node of the tree each of them was; None where they are the same ones in the same order.
    """
    depths = _depths(nodes)
    inner = ~nodes.leaves
    if hasattr(tree, "raw_left_cat_bitsets"):
        return _rebuilt_predictor(tree, nodes, kept, depths)
    cls, arguments, state = tree.__reduce__()
    rows = state["nodes"].copy() if kept is None else state["nodes"][kept]
    rows["left_child"], rows["right_child"] = nodes.left, nodes.right
    rows["feature"] = np.where(inner, nodes.feature, _NO_SPLIT)
    rows["threshold"] = np.where(inner, nodes.threshold, _NO_SPLIT)
    rows["missing_go_to_left"] = inner & nodes.missing_left
    new = cls(*arguments)
    new.__setstate__(
        {
            "max_depth": int(depths.max()),
            "node_count": rows.size,
            "nodes": rows,
            "values": np.ascontiguousarray(nodes.value),
        }
    )
    return new


def _rebuilt_predictor(
    predictor: Any, nodes: Nodes, kept: NDArray[np.int64] | None, depths: NDArray[np.int64]
) -> Any:
    rows = predictor.nodes.copy() if kept is None else predictor.nodes[kept]
    inner = ~nodes.leaves
    rows["is_leaf"] = nodes.leaves
    rows["left"], rows["right"] = np.where(inner, nodes.left, 0), np.where(inner, nodes.right, 0)
    rows["num_threshold"] = np.where(inner, nodes.threshold, 0)
    rows["is_categorical"] = nodes.categorical
    rows["value"], rows["depth"] = nodes.value, depths
    return type(predictor)(rows, predictor.binned_left_cat_bitsets, predictor.raw_left_cat_bitsets)


def _depths(nodes: Nodes) -> NDArray[np.int64]:
    depths = np.zeros(nodes.left.size, np.int64)
    for level, members in enumerate(levels(nodes.left, nodes.right)):
        depths[members] = level
    return depths


def levels(left: NDArray[np.int64], right: NDArray[np.int64], root: int = 0) -> Iterator[NDArray[np.int64]]:
    """Give the nodes of each level, from the root down."""
    members = np.array([root])
    while members.size:
        yield members
        inner = members[left[members] != LEAF]
        members = np.stack([left[inner], right[inner]], axis=1).reshape(-1)


def with_trees(chain: Pipeline, change: Callable[[Any], Any]) -> Pipeline:
    """Give a deep copy of a chain in which each tree of the model is what `change` makes of it."""
    trees = trees_of(model_of(chain))
    return copy.deepcopy(chain, {id(tree): change(tree) for tree in trees})


def with_stages(chain: Pipeline, kept: Sequence[int]) -> Pipeline:
    """Give a deep copy of a chain whose ensemble has those trees, or stages of boosting, alone."""
    ensemble = copy.copy(model_of(chain))
    index = list(kept)
    if family_of(ensemble) == "histogram":
        ensemble._predictors = [ensemble._predictors[stage] for stage in index]  # noqa: SLF001 - scikit-learn's
        ensemble.max_iter = len(index)
        ahead, curves = 1, ["train_score_", "validation_score_"]
    else:
        stages = ensemble.estimators_
        ensemble.estimators_ = stages[index] if isinstance(stages, np.ndarray) else [stages[i] for i in index]
        ensemble.n_estimators = len(index)
        if family_of(ensemble) == "boosting":
            ensemble.n_estimators_ = len(index)
        ahead, curves = 0, ["train_score_", "oob_improvement_", "oob_scores_"]
    state = state_of(ensemble)
    for name in curves:
        # Boosting by histograms has the score of the first guess before those of the stages, or none at all.
        if len(state.get(name, ())):
            state[name] = state[name][[*range(ahead), *(stage + ahead for stage in index)]]
    for name in ("oob_score_", "oob_decision_function_", "oob_prediction_"):
        state.pop(name, None)  # of all trees together
    return with_model(chain, copy.deepcopy(ensemble))
