"""How rows are divided into folds: what the option `cv` may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import model_selection
from sklearn.base import is_classifier

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["make_splits", "make_splitter"]

_NAMES = ("grouped", "stratified", "time_series")
_FOLDS = 5


def make_splitter(estimator: Any, cv: Any, random_state: Any) -> Any:
    """Give the scikit-learn splitter that `cv` stands for.

    Parameters
    ----------
    estimator : classifier or regressor
        Folds are stratified by class for a classifier.
    cv : int, str, splitter or iterable of (train, test)
        As for :func:`cross_validate`.
    random_state : int, RandomState instance or None
        For the order of the samples.

    Raises
    ------
    InvalidOptionError
        If `cv` is none of these.
    """
    if hasattr(cv, "get_n_splits"):
        return cv
    if isinstance(cv, str):
        return _by_name(estimator, cv, random_state)
    if isinstance(cv, Iterable):
        return model_selection.check_cv(list(cv))
    n_splits = check_integer("cv", cv, minimum=2)
    kind = model_selection.StratifiedKFold if is_classifier(estimator) else model_selection.KFold
    return kind(n_splits, shuffle=True, random_state=random_state)


def _by_name(estimator: Any, name: str, random_state: Any) -> Any:
    if name == "stratified":
        return model_selection.StratifiedKFold(_FOLDS, shuffle=True, random_state=random_state)
    if name == "time_series":
        return model_selection.TimeSeriesSplit(_FOLDS)
    if name != "grouped":
        raise InvalidOptionError(
            f"cv must be a number of folds, one of {', '.join(_NAMES)}, a splitter or folds, not {name!r}"
        )
    if is_classifier(estimator):
        return model_selection.StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=random_state)
    return model_selection.GroupKFold(_FOLDS, shuffle=True, random_state=random_state)


def make_splits(
    splitter: Any, X: Any, y: Any, groups: Any
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Give the rows of each fold: to train on, and to test on.

    Raises
    ------
    InvalidOptionError
        If the data cannot be divided so.
    """
    if isinstance(splitter, model_selection.StratifiedKFold) and np.ndim(y) > 1 and np.shape(y)[1] > 1:
        # Several labels a row: there are no classes to stratify by.
        splitter = model_selection.KFold(
            splitter.n_splits, shuffle=splitter.shuffle, random_state=splitter.random_state
        )
    try:
        pairs = list(splitter.split(X, y, groups))
    except ValueError as exc:
        raise InvalidOptionError(f"the data cannot be divided into folds: {exc}") from exc
    return [(_rows(train), _rows(test)) for train, test in pairs]


def _rows(given: Any) -> NDArray[np.intp]:
    rows = np.asarray(given)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp, copy=False)
