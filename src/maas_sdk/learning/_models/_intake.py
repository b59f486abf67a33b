"""What a model is given, checked and made a source: arrays as scikit-learn checks them, or batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._sources import Batches, open_source
from maas_sdk.learning._sources._tables import column_names, is_table, to_matrix
from maas_sdk.learning._sources._weights import check_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maas_sdk.learning._sources import Source

__all__ = ["Intake", "answer_in_chunks", "look_through", "take_in"]

# Rows that are put in order and merged: as many as one batch has by default.
_FEW_ROWS = 200
# Values of the widest layer that a prediction holds at a time.
_CHUNK = 2**22


@frozen
class Intake:
    """Data to train on.

    Attributes
    ----------
    source : Source
        Its targets are labels (n_rows,) or values (n_rows,) or (n_rows, n_outputs), as they came.
    batches : Batches or None
        What it reads, if that is batches.
    array_weight : float
        Sum of the weights of arrays as they came.
    """

    source: Source
    batches: Batches | None = None
    array_weight: float = 0.0

    def total_weight(self) -> float:
        """Give the sum of the weights as they came; batches that can be read again are read for it."""
        if self.batches is None:
            return self.array_weight
        if not self.source.repeatable:
            return float(self.source.n_samples or 0)
        return sum(float(len(X) if weight is None else weight.sum()) for X, _, weight in self.batches)


def take_in(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    dtype: Any,
    batch_rows: int | None,
    labels: bool,
    reset: bool = True,
    merge: bool = True,
) -> Intake:
    """Check data and set or check `n_features_in_` and `feature_names_in_` of the estimator.

    Parameters
    ----------
    estimator : estimator
    X, y, sample_weight : array-like, or what `Batches.of` takes
    dtype : str or numpy dtype
        Of the features in batches.
    batch_rows : int or None
        Rows of a batch; None for as many as fit.
    labels : bool
        Whether `y` holds labels of classes rather than values.
    reset : bool, default=True
        Whether the features are those of a first fit; otherwise they must be the same as before.
    merge : bool, default=True
        Whether rows of small data may be put in order, and equal ones merged, see `_merged`.
    """
    if not Batches.takes(X):
        return _take_arrays(
            estimator,
            X,
            y,
            sample_weight,
            dtype=dtype,
            batch_rows=batch_rows,
            labels=labels,
            reset=reset,
            merge=merge,
        )
    batches = Batches.of(X, y, sample_weight)
    source = open_source(batches, dtype=dtype, batch_rows=batch_rows)
    if reset:
        _set_features(estimator, source.n_features, source.feature_names)
    else:
        _check_features(estimator, source.n_features, source.feature_names)
    return Intake(source, batches)


def _take_arrays(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    dtype: Any,
    batch_rows: int | None,
    labels: bool,
    reset: bool,
    merge: bool,
) -> Intake:
    options: dict[str, Any] = {} if labels else {"multi_output": True, "y_numeric": True}
    X, y = validate_data(estimator, X, y, reset=reset, dtype=dtype, order="C", **options)
    if labels:
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
    total = float(len(X))
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, len(X))
        total = float(sample_weight.sum())
        if not total:
            raise InvalidOptionError("sample_weight is zero for every row: nothing is left to learn from")
    if merge and len(X) <= min(batch_rows or _FEW_ROWS, _FEW_ROWS):
        X, y, sample_weight = _merged(X, y, sample_weight)
    return Intake(open_source(X, y, sample_weight, dtype=dtype, batch_rows=batch_rows), array_weight=total)


def _merged(
    X: NDArray[np.floating], y: NDArray[Any], weight: NDArray[np.float64] | None
) -> tuple[NDArray[np.floating], NDArray[Any], NDArray[np.float64] | None]:
    """Put rows of one batch in an order of their own, with equal ones as one row of their weights' sum.

    A batch's loss is a sum, which neither the order of rows nor splitting one in two changes, but for
    rounding; and what is rounded differently in float32 is different after some hundred steps. So it is made
    to be the same bit for bit: a row that comes twice is a row of weight 2.
    """
    if weight is not None:
        X, y, weight = X[weight > 0], y[weight > 0], weight[weight > 0]
    codes = np.unique(y, axis=None if y.ndim == 1 else 0, return_inverse=True)[1].reshape(-1, 1)
    _, first, group = np.unique(np.hstack([codes, X]), axis=0, return_index=True, return_inverse=True)
    return X[first], y[first], np.bincount(group.ravel(), weight).astype(np.float64)


def _set_features(estimator: Any, n_features: int, names: Any) -> None:
    """Set the number of features and their names, as `validate_data` does for arrays."""
    estimator.n_features_in_ = n_features
    estimator.__dict__.pop("feature_names_in_", None)
    if names is not None:
        estimator.feature_names_in_ = np.asarray(names, object)


def _check_features(estimator: Any, n_features: int, names: Any) -> None:
    """Compare features with those of the fit."""
    if n_features != estimator.n_features_in_:
        raise InvalidOptionError(
            f"X has {n_features} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None and names is not None and list(names) != list(known):
        raise InvalidOptionError(
            f"the features of X are named {list(names)}, but those of the fit {list(known)}: give the same "
            "ones in the same order"
        )


def look_through(source: Source, see: Callable[..., None]) -> None:
    """Show `see` each batch of a source once, in order: its `X`, targets and weights.

    Raises
    ------
    InvalidOptionError
        If there is no second pass to train in.
    """
    if not source.repeatable:
        raise InvalidOptionError(
            "the data must be read once before training, to measure them, but X is an iterator that serves "
            "one pass: give arrays, a list of batches or a function that makes a new iterator. Later calls "
            "of partial_fit take any iterator, and so does a first one of a network for named classes"
        )
    for X, target, weight in source.epoch(None):
        see(X, target, weight)


def answer_in_chunks(
    estimator: Any,
    X: Any,
    answer: Callable[[NDArray[np.floating]], NDArray[np.floating]],
    *,
    dtype: Any,
    width: int,
) -> NDArray[np.floating]:
    """Give `answer` for all rows, computed for so many at a time that what lies between stays bounded.

    Parameters
    ----------
    estimator : fitted estimator
    X : array-like, or what `Batches.of` takes
    answer : callable
        Takes checked rows (n_rows, n_features) of that dtype, and gives an array of n_rows rows.
    dtype : numpy dtype
    width : int
        Most values that the answer to one row needs at a time.
    """
    rows = max(1, _CHUNK // width)
    return np.concatenate(
        [
            answer(block[start : start + rows])
            for block in _checked_blocks(estimator, X, dtype)
            for start in range(0, len(block), rows)
        ]
    )


def _checked_blocks(estimator: Any, X: Any, dtype: Any) -> Iterator[NDArray[np.floating]]:
    """Give rows to predict for, an array as a whole, batches one by one."""
    if not Batches.takes(X):
        yield validate_data(estimator, X, reset=False, dtype=dtype, order="C")
        return
    for batch, _, _ in Batches.of(X):
        matrix = to_matrix(batch, "")
        _check_features(estimator, matrix.shape[1], column_names(batch) if is_table(batch) else None)
        yield check_array(matrix, dtype=dtype, order="C", estimator=estimator, input_name="X")
