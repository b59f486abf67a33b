"""A trial: fit one configuration on one fold and measure it; the same bits in whatever process it runs."""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, frozen
from sklearn.base import clone
from sklearn.pipeline import Pipeline as Chain
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import has_fit_parameter

from maas_sdk._internal.one_thread import one_thread
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._metrics import get_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Data", "Outcome", "fit", "run_trial", "weights_option"]


@frozen(eq=False)
class Data:
    """What all trials share.

    Attributes
    ----------
    X, y : array-like
    sample_weight : array-like or None
        For fitting; measures are not weighted.

    Notes
    -----
    An array mapped from a file travels to another process as the file's path, and is mapped again there.
    """

    X: Any
    y: Any
    sample_weight: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: _by_path(getattr(self, name)) for name in ("X", "y", "sample_weight")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            found = value.open() if isinstance(value, _Mapped) else value
            object.__setattr__(self, name, found)


@frozen
class _Mapped:
    """Where an array is mapped from."""

    path: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    order: str

    def open(self) -> Any:
        order: Any = self.order
        return np.memmap(self.path, self.dtype, "r", offset=self.offset, shape=self.shape, order=order)


def _by_path(value: Any) -> Any:
    # Of a view into a map, numpy does not tell where it begins: only whole maps can be named.
    if not isinstance(value, np.memmap) or not isinstance(value.base, mmap.mmap) or value.filename is None:
        return value
    order = "C" if value.flags.c_contiguous else "F"
    return _Mapped(str(value.filename), value.dtype, value.offset, value.shape, order)


@frozen
class Outcome:
    """What came of a trial: a score as the metric is, or why there is none."""

    score: float | None = None
    error: str | None = None


def run_trial(
    data: Data, estimator: Any, metric: str, train: NDArray[np.intp], test: NDArray[np.intp]
) -> Outcome:
    """Fit a copy of `estimator` on some rows and measure it on others.

    What the estimator or the metric raises becomes the outcome's `error`; so what a caller catches came from
    the executor.
    """
    try:
        with one_thread():
            fitted = fit(estimator, _taken(data, train))
            rest = _taken(data, test)
            score = float(get_metric(metric)(fitted, rest.X, rest.y))
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - it is told in the leaderboard
        return Outcome(error=f"{type(exc).__name__}: {exc}")
    if not math.isfinite(score):
        return Outcome(error=f"{metric} is {score}")
    return Outcome(score=score)


def fit(estimator: Any, data: Data) -> Any:
    """Fit a copy of `estimator`, with the weights where there are any.

    Raises
    ------
    InvalidOptionError
        When there are weights and it takes none.
    """
    made = clone(estimator)
    if data.sample_weight is None:
        return made.fit(data.X, data.y)
    return made.fit(data.X, data.y, **{weights_option(made): data.sample_weight})


def weights_option(estimator: Any) -> str:
    """Tell by what name an estimator's `fit` takes weights.

    Raises
    ------
    InvalidOptionError
        When it takes none.
    """
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    if isinstance(estimator, Chain) and has_fit_parameter(estimator.steps[-1][1], "sample_weight"):
        return f"{estimator.steps[-1][0]}__sample_weight"
    raise InvalidOptionError(f"{type(estimator).__name__} takes no sample_weight")


def _taken(data: Data, rows: NDArray[np.intp]) -> Data:
    """Copy rows, arrays in C order: what came over a wire is then as what was here all the time."""
    return evolve(
        data, X=_rows(data.X, rows), y=_rows(data.y, rows), sample_weight=_rows(data.sample_weight, rows)
    )


def _rows(values: Any, rows: NDArray[np.intp]) -> Any:
    if values is None:
        return None
    found = _safe_indexing(values, rows)
    return np.array(found, order="C", subok=False) if isinstance(found, np.ndarray) else found
