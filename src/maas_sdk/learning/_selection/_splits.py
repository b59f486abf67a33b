"""Which rows a trial learns from and is measured on: seeded folds, and nested shares of their rows."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.utils import _safe_indexing

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._cross_validation._folds import make_splits, make_splitter
from maas_sdk.learning._selection._candidates import seed_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._selection._trial import Data

__all__ = ["Fold", "folds_of", "in_order_of_use"]


@frozen(eq=False)
class Fold:
    """Rows of one fold, by index: what is learnt from, and what is left out to measure."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def folds_of(
    cv: Any,
    *,
    data: Data,
    groups: Any,
    estimator: Any,
    random_state: int,
    rows: NDArray[np.intp] | None = None,
    option: str = "cv",
) -> list[Fold]:
    """Split rows as `cv` says.

    Parameters
    ----------
    cv : int, str, splitter or iterable of (train, test)
        As for :func:`cross_validate`. A splitter without a seed of its own gets one, so that a selection can
        be repeated.
    data : Data
    groups : array-like or None
    estimator : estimator
        Whether it is a classifier decides whether folds are stratified.
    random_state : int
    rows : ndarray of shape (n_rows,), default=None
        Split these only; the folds' indices are those of the whole.
    option : str
        What `cv` is called in messages.

    Raises
    ------
    InvalidOptionError
        When there is no such split of the rows.
    """
    X, y = data.X, data.y
    if rows is not None:
        X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
        groups = None if groups is None else _safe_indexing(groups, rows)
    seed = seed_of(random_state, option)
    try:
        pairs = make_splits(_with_seed(make_splitter(estimator, cv, seed), seed), X, y, groups)
    except InvalidOptionError as exc:
        raise InvalidOptionError(f"{option}={cv!r}: {exc}") from exc
    if rows is None:
        return [Fold(train, test) for train, test in pairs]
    return [Fold(rows[train], rows[test]) for train, test in pairs]


def _with_seed(splitter: Any, seed: int) -> Any:
    if getattr(splitter, "random_state", seed) is not None or not getattr(splitter, "shuffle", True):
        return splitter
    copied = copy.copy(splitter)
    copied.random_state = seed
    return copied


def in_order_of_use(rows: NDArray[np.intp], y: Any, *, stratify: bool, seed: int) -> NDArray[np.intp]:
    """Order rows so that the first so many of them are a fair share of all, whatever their number.

    For classes, each takes its turn in proportion to its size, and all of them come first once.
    """
    shuffled = np.random.RandomState(seed).permutation(rows)
    if not stratify:
        return shuffled
    _, codes = np.unique(np.asarray(_safe_indexing(y, shuffled)), return_inverse=True)
    turn = np.empty(len(shuffled))
    for code in range(codes.max() + 1):
        members = np.flatnonzero(codes == code)
        turn[members] = np.arange(len(members)) / len(members)
    return shuffled[np.argsort(turn, kind="stable")]
