"""Replaces the rows that neighbours keep by prototypes: means of groups that are not too small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy._observe import Prototypes, digest_of
from maas_sdk.privacy._rows import TrainingRows
from maas_sdk.privacy._walk import walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["group_means", "replace_by_prototypes"]

_HANDLED: Final = {
    "KNeighborsClassifier": ("_fit_X",),
    "KNeighborsRegressor": ("_fit_X", "_y"),
    "KernelDensity": ("tree_",),
}
"""Where models of neighbours keep what prototypes take the place of."""


def replace_by_prototypes(step: Any, path: str, min_rows: int, seed: int) -> dict[str, Prototypes]:
    """Replace, in place, the rows of every model of neighbours inside a fitted step.

    A classifier gets prototypes of each class by itself, a regressor the mean target of each group, a density
    the groups' sizes as weights. Fewer neighbours are asked in the end: as many as stand for those before.

    Parameters
    ----------
    step : estimator
        Fitted; it is changed.
    path : str
        Where it is, for the places that are returned.
    min_rows : int
        Rows in the smallest group.
    seed : int
        For the clustering.

    Returns
    -------
    dict of str to Prototypes
        By the place of the array: what is there now.

    Raises
    ------
    InvalidOptionError
        When a class has fewer rows than a group must have, or distances were given instead of rows.
    """
    made: dict[str, Prototypes] = {}
    for node in list(walk(step, TrainingRows(), path)):
        kind = type(node.value).__name__
        attributes = _HANDLED.get(kind, ())
        if not attributes or not hasattr(node.value, attributes[0]):
            continue  # another model, or the unfitted one that this one was made of
        if getattr(node.value, "metric", None) == "precomputed":
            raise InvalidOptionError(f"prototypes: {node.path} keeps distances and no rows")
        _refit(node.value, kind, min_rows, seed, node.path)
        for name in attributes:
            value = getattr(node.value, name)
            made[f"{node.path}.{name}"] = Prototypes(digest_of(value), min_rows)
    return made


def group_means(
    rows: NDArray[Any], min_rows: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Cluster rows into groups of `min_rows` or more; give their means, and the group of each row.

    Groups that k-means leaves too small are dissolved, the smallest first, into the nearest other ones.

    Raises
    ------
    InvalidOptionError
        When there are fewer rows than one group must have.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy

    if len(rows) < min_rows:
        raise InvalidOptionError(
            f"{len(rows)} rows are fewer than {min_rows}, which each prototype stands for"
        )
    wanted = max(1, len(rows) // (2 * min_rows))
    groups = KMeans(wanted, n_init=1, random_state=seed).fit_predict(rows).astype(np.int64)
    while True:
        present, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        means = np.stack([rows[groups == group].mean(axis=0) for group in range(len(present))])
        smallest = int(sizes.argmin())
        if sizes[smallest] >= min_rows:
            return means, groups
        others = np.delete(np.arange(len(means)), smallest)
        members = np.flatnonzero(groups == smallest)
        apart = np.linalg.norm(rows[members][:, None] - means[others][None], axis=2)
        groups[members] = others[apart.argmin(axis=1)]


def _refit(estimator: Any, kind: str, min_rows: int, seed: int, path: str) -> None:
    from sklearn.base import clone  # noqa: PLC0415 - heavy

    if kind == "KernelDensity":
        rows = np.asarray(estimator.tree_.data, dtype=np.float64)
    else:
        stored = estimator._fit_X  # noqa: SLF001 - where scikit-learn keeps them
        rows = np.asarray(stored.toarray() if hasattr(stored, "toarray") else stored, dtype=np.float64)
    fresh = clone(estimator)
    if kind == "KernelDensity":
        weights = getattr(estimator.tree_, "sample_weight", None)
        if weights is not None and len(np.unique(np.asarray(weights))) > 1:
            raise InvalidOptionError(f"prototypes: {path} has weights of its rows, which groups would lose")
        means, groups = group_means(rows, min_rows, seed)
        fresh.fit(means, sample_weight=np.bincount(groups).astype(float))
    else:
        targets = estimator._y  # noqa: SLF001 - likewise
        if kind == "KNeighborsClassifier":
            means, answers = _of_each_class(rows, targets, estimator, min_rows, seed, path)
        else:
            means, groups = group_means(rows, min_rows, seed)
            answers = np.stack([targets[groups == group].mean(axis=0) for group in range(len(means))])
        fewer = max(1, round(estimator.n_neighbors * len(means) / len(rows)))
        fresh.set_params(n_neighbors=fewer).fit(means, answers)
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        fresh.feature_names_in_ = names
    vars(estimator).clear()
    vars(estimator).update(vars(fresh))


def _of_each_class(
    rows: NDArray[Any], targets: NDArray[Any], estimator: Any, min_rows: int, seed: int, path: str
) -> tuple[Any, Any]:
    if targets.ndim > 1:
        raise InvalidOptionError(f"prototypes: {path} predicts several outputs; take a student")
    means, answers = [], []
    for place, label in enumerate(estimator.classes_):
        members = rows[targets == place]
        try:
            of_class, _ = group_means(members, min_rows, seed)
        except InvalidOptionError as exc:
            raise InvalidOptionError(f"prototypes: of a class of {path} {exc}") from exc
        means.append(of_class)
        answers += [label] * len(of_class)
    return np.concatenate(means), np.asarray(answers, dtype=np.asarray(estimator.classes_).dtype)
