"""Rounds what the leaves of trees predict, and their thresholds, to numbers of one or two bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from attrs import evolve

from maas_sdk.compression._chain import features_of, model_of
from maas_sdk.compression._rounding import to_float16
from maas_sdk.compression._trees import nodes_of, rebuilt, trees_of, why_not, with_trees
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._trees import Nodes

__all__ = ["ForestQuantizeCompressor"]

Leaves = Literal["auto", "uint8", "float16", "exact"]
Thresholds = Literal["float16", "same_partition", "exact"]

_STEPS = 255


class ForestQuantizeCompressor:
    """Leaf values and thresholds of trees rounded to narrow numbers.

    What changes: with rounded leaves probabilities and numbers, a little, and labels where classes are close;
    with rounded thresholds the side that a row takes, where its number is between the old threshold and the
    new one. The trees keep their dtype; they are stored small, best after `forest_compact`, which also merges
    leaves that have become equal.

    Parameters
    ----------
    leaves : {"auto", "uint8", "float16", "exact"}, default="auto"
        ``"uint8"``: probabilities in steps of 1/255, of each leaf still 1 together; for classifiers that are
        trees or forests. ``"float16"``: eleven significant bits. ``"auto"`` is the former where it can be,
        else the latter. ``"exact"`` leaves them.
    thresholds : {"float16", "same_partition", "exact"}, default="float16"
        ``"float16"`` rounds down to float16, which changes nothing for rows of whole numbers up to 2048 and
        halves. ``"same_partition"`` takes the nearest float16 that parts the training rows as before, and
        leaves a threshold as it is where there is none; it needs the training data. ``"exact"`` leaves them.

    Raises
    ------
    InvalidOptionError
        When an option is none of those, or both leave everything as it is.
    """

    def __init__(self, leaves: Leaves = "auto", thresholds: Thresholds = "float16") -> None:
        _check_option("leaves", leaves, get_args(Leaves))
        _check_option("thresholds", thresholds, get_args(Thresholds))
        if leaves == thresholds == "exact":
            raise InvalidOptionError("ForestQuantizeCompressor: with both 'exact' nothing would be rounded.")
        self.leaves = leaves
        self.thresholds = thresholds
        self.needs_training_data = thresholds == "same_partition"

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model is made of scikit-learn's trees, with numbers that can be rounded so."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        if (reason := why_not(chain)) is not None:
            return reason
        model = model_of(chain)
        if self.leaves == "uint8" and not _predicts_shares(model):
            return f"leaves of {type(model).__name__} are no probabilities; they can be float16"
        if self._leaves_of(model) == "float16":
            largest = max(_largest_leaf(tree) for tree in trees_of(model))
            if not np.isfinite(to_float16(np.asarray(largest))):
                return (
                    f"a leaf holds {largest:.4g}, beyond float16's range (65504); leaves='exact' keeps them"
                )
        return None

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a copy of `chain` with rounded trees.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X : array-like of shape (n_samples, n_features) or None
            Training data, as the chain takes it, for ``thresholds="same_partition"``.
        y : object
            Not used.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported, or without the training data that is needed.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"forest_quantize does not fit this model: {reason}.")
        thresholds = self._threshold_rounding(chain, X)
        leaves = _LEAVES[self._leaves_of(model_of(chain))]

        def quantized(tree: Any) -> Any:
            nodes = nodes_of(tree)
            value = nodes.value.copy()
            value[nodes.leaves] = leaves(value[nodes.leaves])
            return rebuilt(tree, evolve(nodes, threshold=thresholds(nodes), value=value))

        return with_trees(chain, quantized)

    def _leaves_of(self, model: Any) -> str:
        if self.leaves != "auto":
            return self.leaves
        return "uint8" if _predicts_shares(model) else "float16"

    def _threshold_rounding(self, chain: Pipeline, X: Any) -> Callable[[Nodes], NDArray[np.float64]]:
        if self.thresholds == "exact":
            return lambda nodes: nodes.threshold
        if self.thresholds == "float16":
            return _rounded_down
        return _SamePartition(_dense(features_of(chain, X, what="forest_quantize")))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(leaves={self.leaves!r}, thresholds={self.thresholds!r})"


def _check_option(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidOptionError(
            f"ForestQuantizeCompressor({name}={value!r}): expected one of {', '.join(map(repr, allowed))}."
        )


def _predicts_shares(model: Any) -> bool:
    return hasattr(model, "classes_") and not hasattr(model, "learning_rate")


def _largest_leaf(tree: Any) -> float:
    nodes = nodes_of(tree)
    return float(np.abs(nodes.value[nodes.leaves]).max(initial=0.0))


def _to_shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round probabilities to steps of 1/255 that are 1 together: the largest remainders get what is left."""
    exact = values * _STEPS
    codes = np.floor(exact)
    left = np.rint(exact.sum(axis=-1) - codes.sum(axis=-1))
    order = np.argsort(codes - exact, axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1, kind="stable")
    codes += rank < left[..., np.newaxis]
    # What a reader computes: one float32 product of a code and 1/255.
    return (codes.astype(np.float32) * np.float32(1 / _STEPS)).astype(np.float64)


def _as_they_are(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values


_LEAVES: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "exact": _as_they_are,
    "float16": to_float16,
    "uint8": _to_shares,
}


def _float16_below(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the largest float16 that is not above; where there is none, the number itself."""
    with np.errstate(over="ignore"):
        near = numbers.astype(np.float16)
    below = np.where(near > numbers, np.nextafter(near, np.float16(-np.inf)), near).astype(np.float64)
    return np.where(np.isfinite(below), below, numbers)


def _rounded_down(nodes: Nodes) -> NDArray[np.float64]:
    return np.where(nodes.leaves | nodes.categorical, nodes.threshold, _float16_below(nodes.threshold))


class _SamePartition:
    """Rounds thresholds to the nearest float16 between the same two values of the training rows."""

    def __init__(self, features: NDArray[Any]) -> None:
        self._values = [np.unique(column[~np.isnan(column)]) for column in features.T.astype(np.float64)]

    def __call__(self, nodes: Nodes) -> NDArray[np.float64]:
        threshold = nodes.threshold.copy()
        inner = ~nodes.leaves & ~nodes.categorical
        for feature in np.unique(nodes.feature[inner]):
            here = inner & (nodes.feature == feature)
            values = np.concatenate([[-np.inf], self._values[feature], [np.inf]])
            above = np.searchsorted(values, threshold[here], side="right").clip(1, values.size - 1)
            threshold[here] = _nearest(threshold[here], values[above - 1], values[above])
        return threshold


def _nearest(
    threshold: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the float16 nearest to a threshold that is at least `low` and below `high`; itself, if none is."""
    below = _float16_below(threshold)
    above = np.nextafter(below.astype(np.float16), np.float16(np.inf)).astype(np.float64)
    fits_below = (below >= low) & (below == to_float16(below))
    fits_above = (above < high) & np.isfinite(above)
    nearer_above = fits_above & (~fits_below | (above - threshold < threshold - below))
    return np.where(nearer_above, above, np.where(fits_below, below, threshold))


def _dense(features: Any) -> NDArray[Any]:
    if hasattr(features, "toarray"):
        raise InvalidOptionError("forest_quantize: thresholds='same_partition' takes dense training data.")
    array = np.asarray(features)
    if array.dtype.kind not in "fiub" or array.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise InvalidOptionError(
            "forest_quantize: thresholds='same_partition' takes training data of numbers; encode them before."
        )
    return array
