"""What a fitted chain weighs and how long it takes."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from maas_sdk.interfaces import EstimatorSerializer

__all__ = ["BATCH_ROWS", "MeasureSize", "Measurement", "StoredForm", "first_rows", "latencies", "n_rows"]

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
        Seconds that `predict` takes for one row, with one thread of linear algebra: the median over repeats.
    metric : float
        The budget's metric on the rows that the search used.
    batch_latency : float
        The same for `batch_rows` rows at once.
    batch_rows : int
        The first so many of the validation rows.
    """

    size: int
    latency: float
    metric: float
    batch_latency: float
    batch_rows: int


def _check_profile(_instance: Any, _attribute: Any, value: object) -> None:
    if value not in ("full", "inference"):
        raise InvalidOptionError(f"profile must be 'full' or 'inference', not {value!r}.")


@frozen(kw_only=True)
class StoredForm:
    """How a chain will be stored; called with one, it gives its bytes.

    Parameters
    ----------
    profile, zstd, serializers, allow
        As for :func:`maas_sdk.serialization.dump_parts`.
    """

    profile: Literal["full", "inference"] = field(default="full", validator=_check_profile)
    zstd: bool = False
    serializers: tuple[EstimatorSerializer, ...] = field(default=(), converter=tuple)
    allow: tuple[Any, ...] = field(default=(), converter=tuple)

    def __call__(self, chain: Pipeline) -> int:
        """Give the bytes of all parts; `UnsupportedModelError` when it has no safe serialization."""
        return sum(memoryview(piece).nbytes for _name, pieces in self._parts(chain) for piece in pieces)

    def digest(self, chain: Pipeline) -> str:
        """Give the SHA-256 of all parts: equal models, equal digests."""
        found = hashlib.sha256()
        for name, pieces in self._parts(chain):
            found.update(f"{name}:{sum(memoryview(piece).nbytes for piece in pieces)}:".encode())
            for piece in pieces:
                found.update(piece)
        return found.hexdigest()

    def __str__(self) -> str:
        return f"profile {self.profile!r}" + (", with Zstandard" if self.zstd else "")

    def _parts(self, chain: Pipeline) -> Iterator[tuple[str, Sequence[Any]]]:
        from maas_sdk.serialization import dump_pieces  # noqa: PLC0415 - not needed where the caller measures

        return dump_pieces(
            chain, profile=self.profile, zstd=self.zstd, serializers=self.serializers, allow=self.allow
        )


def latencies(chain: Pipeline, X: Any) -> dict[str, Any]:
    """Measure how long `predict` takes for the first row of `X`, and for all at once."""
    return {
        "latency": _median_seconds(chain.predict, first_rows(X, 1)),
        "batch_latency": _median_seconds(chain.predict, X),
        "batch_rows": n_rows(X),
    }


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


def first_rows(X: Any, n: int) -> Any:
    """Give the first so many rows of an array, a frame, a sparse matrix or a list."""
    return X.iloc[:n] if hasattr(X, "iloc") else X[:n]
