"""What a fitted chain weighs, takes and achieves."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk.learning import get_metric

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["BATCH_ROWS", "MeasureSize", "Measurement", "measure", "n_rows", "serialized_size", "worsening"]

MeasureSize = Callable[[Any], int]

BATCH_ROWS = 1000
"""At most so many of the validation rows are predicted at once to measure the batch."""

_MIN_REPEATS = 3
_MAX_REPEATS = 51
_SECONDS = 0.25
"""For each of the two latencies; a model slower than a third of it takes three repeats, however long."""


@frozen(kw_only=True)
class Measurement:
    """What was measured of one fitted chain.

    Attributes
    ----------
    size : int
        Bytes as serialized.
    latency : float
        Seconds that `predict` takes for one row: the median over repeats.
    metric : float
        The budget's metric on the validation rows, as :func:`maas_sdk.learning.get_metric` gives it.
    batch_latency : float
        Seconds that `predict` takes for `batch_rows` rows at once: the median over repeats.
    batch_rows : int
        The first so many of the validation rows.
    """

    size: int
    latency: float
    metric: float
    batch_latency: float
    batch_rows: int


def measure(chain: Pipeline, X: Any, y: Any, *, metric: str, measure_size: MeasureSize) -> Measurement:
    """Measure `chain` on the validation rows `X`, `y`; what `predict` or `measure_size` raises passes."""
    size = int(measure_size(chain))
    value = get_metric(metric)(chain, X, y)
    rows = min(n_rows(X), BATCH_ROWS)
    return Measurement(
        size=size,
        latency=_median_seconds(chain.predict, _first_rows(X, 1)),
        metric=value,
        batch_latency=_median_seconds(chain.predict, _first_rows(X, rows)),
        batch_rows=rows,
    )


def worsening(metric: str, before: float, after: float) -> float:
    """Give by how much a metric got worse, whichever way is better; negative when it got better."""
    return before - after if get_metric(metric).greater_is_better else after - before


def serialized_size(chain: Pipeline) -> int:
    """Give the bytes of all parts of `chain` as the SDK serializes it."""
    from maas_sdk.serialization import dump_parts  # noqa: PLC0415 - not needed where the caller measures

    return sum(len(part) for part in dump_parts(chain).values())


def _median_seconds(predict: Callable[[Any], Any], rows: Any) -> float:
    predict(rows)  # the first call pays for caches that later ones find warm
    seconds: list[float] = []
    deadline = time.perf_counter() + _SECONDS
    while len(seconds) < _MIN_REPEATS or (len(seconds) < _MAX_REPEATS and time.perf_counter() < deadline):
        start = time.perf_counter()
        predict(rows)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def n_rows(X: Any) -> int:
    """Count the rows of an array, a frame, a sparse matrix or a list."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _first_rows(X: Any, n: int) -> Any:
    return X.iloc[:n] if hasattr(X, "iloc") else X[:n]
