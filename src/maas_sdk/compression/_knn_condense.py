"""Replaces the training rows that a nearest-neighbours model stores by few of them, or by prototypes."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._chain import NO_CHAIN, model_of, state_of, with_model
from maas_sdk.compression._options import check_seed, is_share
from maas_sdk.errors import ComponentError, InvalidOptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = ["KNNCondenseCompressor"]

_CLASSES = ("KNeighborsClassifier", "KNeighborsRegressor")


class KNNCondenseCompressor:
    """Few stored rows instead of all, for k nearest neighbours.

    A classifier keeps those rows with which the single nearest one predicts, for every stored row, the label
    that the model predicts for it: Hart's condensed nearest neighbours, which starts with one row of each
    label and adds each row that comes out otherwise. Probabilities become 0 and 1. A regressor keeps
    prototypes: the centres of clusters (k-means), each with the mean of its rows' targets, and as
    many fewer neighbours, at least one.

    Parameters
    ----------
    share : float, default=0.1
        Of a regressor's rows, between 0 and 1: how many prototypes to keep, rounded up.
    random_state : int, default=0
        Seeds the clusters.

    Raises
    ------
    InvalidOptionError
        When an option is out of its range.

    References
    ----------
    P. E. Hart, "The condensed nearest neighbor rule", IEEE Transactions on Information Theory 14 (1968).
    """

    needs_training_data = False

    def __init__(self, share: float = 0.1, *, random_state: int = 0) -> None:
        if not is_share(share):
            raise InvalidOptionError(
                f"KNNCondenseCompressor(share={share!r}): expected a share of the rows between 0 and 1."
            )
        check_seed(self, random_state)
        self.share = share
        self.random_state = random_state

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model stores rows that can be condensed."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        if not getattr(chain, "steps", None):
            return NO_CHAIN
        model = model_of(chain)
        cls = type(model)
        if cls.__name__ not in _CLASSES or not cls.__module__.startswith("sklearn."):
            return f"{cls.__name__} is none of {', '.join(_CLASSES)}"
        return _why_not_rows(model, state_of(model))

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a copy of `chain` whose model stores fewer rows.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X, y : object
            Not used: the model holds its training rows.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported; the message says why.
        ComponentError
            When the model raises.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"knn_condense does not fit this model: {reason}.")
        model = model_of(chain)
        try:
            condensed = _condensed(model) if hasattr(model, "classes_") else self._prototypes(model)
        except Exception as exc:
            raise ComponentError(f"knn_condense of {type(model).__name__} failed: {exc}") from exc
        if hasattr(model, "feature_names_in_"):
            condensed.feature_names_in_ = model.feature_names_in_.copy()
        return with_model(chain, condensed)

    def _prototypes(self, model: Any) -> Any:
        from sklearn.base import clone  # noqa: PLC0415 - heavy
        from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy

        rows, targets = model._fit_X, model._y  # noqa: SLF001 - scikit-learn keeps them nowhere else
        n_prototypes = min(math.ceil(self.share * len(rows)), len(np.unique(rows, axis=0)))
        clusters = KMeans(n_prototypes, n_init=1, random_state=self.random_state).fit(rows)
        counts = np.bincount(clusters.labels_, minlength=n_prototypes)
        sums = np.zeros((n_prototypes, *targets.shape[1:]))
        np.add.at(sums, clusters.labels_, targets)
        filled = counts > 0
        means = sums[filled] / counts[filled].reshape(-1, *[1] * (targets.ndim - 1))
        centres = clusters.cluster_centers_[filled]
        neighbours = max(1, round(model.n_neighbors * len(centres) / len(rows)))
        return clone(model).set_params(n_neighbors=neighbours).fit(centres, means)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(share={self.share!r})"


def _why_not_rows(model: Any, state: dict[str, Any]) -> str | None:
    rows: Any = state.get("_fit_X")
    targets = state.get("_y")
    reasons = (
        (rows is None or targets is None, "it has no stored rows (is it fitted?)"),
        (
            not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype.kind != "f",  # noqa: PLR2004
            "the stored rows are no dense array of floats",
        ),
        (
            not isinstance(targets, np.ndarray) or len(targets) != np.shape(rows)[0] or not len(targets),
            "the stored targets are not one for each stored row",
        ),
        (model.metric == "precomputed", "distances are given, not computed from rows"),
        (
            type(model).__name__ == _CLASSES[0] and not isinstance(state.get("classes_"), np.ndarray),
            "it has several outputs",
        ),
    )
    return next((reason for applies, reason in reasons if applies), None)


def _condensed(model: Any) -> Any:
    """Give the model on the rows that Hart's rule keeps, for the labels that the model predicts."""
    from sklearn.base import clone  # noqa: PLC0415 - heavy

    rows = model._fit_X  # noqa: SLF001 - scikit-learn keeps them nowhere else
    own = copy.deepcopy(model)  # a tree of neighbours counts how often it is asked
    vars(own).pop("feature_names_in_", None)  # the stored rows have none
    labels = np.searchsorted(model.classes_, own.predict(rows))
    kept = np.sort(_hart(model, rows, labels))
    condensed = clone(model).set_params(n_neighbors=1).fit(rows[kept], labels[kept])
    # In the terms of all classes, those included that are never predicted.
    condensed._y, condensed.classes_ = labels[kept], model.classes_.copy()  # noqa: SLF001 - as `fit` sets them
    return condensed


def _hart(model: Any, rows: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the rows that are needed so that the nearest of them has the label of every row."""
    nearest = np.full(len(rows), np.inf)  # distance to the nearest row that is kept, and its label
    found = np.full(len(rows), -1)
    kept: list[int] = []

    def keep(index: int) -> None:
        distances = _distances(model, rows, rows[index : index + 1])
        distances[index] = -np.inf  # itself, whatever the rounding
        closer = distances < nearest
        nearest[closer], found[closer] = distances[closer], labels[index]
        kept.append(index)

    for label in np.unique(labels):
        keep(int(np.argmax(labels == label)))
    position = 0
    while (wrong := np.flatnonzero(found != labels)).size:
        # On from where it was, as a pass over all rows goes; then from the start again.
        position = int(wrong[np.searchsorted(wrong, position) % wrong.size])
        keep(position)
    return np.array(kept)


def _distances(model: Any, rows: NDArray[Any], row: NDArray[Any]) -> NDArray[np.float64]:
    from sklearn.metrics import pairwise_distances  # noqa: PLC0415 - heavy

    options = dict(model.effective_metric_params_ or {})
    return np.asarray(pairwise_distances(rows, row, metric=model.effective_metric_, **options))[:, 0]
