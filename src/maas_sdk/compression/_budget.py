"""What a compressed model may cost, and how long to look for it: the budget."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError

__all__ = ["Budget"]


def _number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(float(value))


def _check_metric(_instance: Any, _attribute: Any, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidOptionError(
            f"Budget(metric={value!r}): expected the name of a metric, such as 'accuracy'."
        )


def _check_drop(_instance: Any, _attribute: Any, value: Any) -> None:
    if not _number(value) or value < 0:
        raise InvalidOptionError(
            f"Budget(max_drop={value!r}): expected a number that is not negative, in the metric's unit "
            f"(0.005 of accuracy is half a percentage point)."
        )


def _check_size(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
        raise InvalidOptionError(f"Budget(max_size={value!r}): expected a positive whole number of bytes.")


def _check_latency(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is not None and (not _number(value) or value <= 0):
        raise InvalidOptionError(f"Budget(max_latency={value!r}): expected a positive number of seconds.")


def _check_time(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is not None and (not _number(value) or value < 0):
        raise InvalidOptionError(f"Budget(time={value!r}): expected a number of seconds, 0 or more.")


@frozen
class Budget:
    """What a compressed model may lose, weigh and take.

    Parameters
    ----------
    metric : str, default="accuracy"
        Name of the metric that quality is judged by, as for :func:`maas_sdk.learning.get_metric`.
    max_drop : float, default=0.0
        How much the metric may get worse against the original, in the metric's unit. It is held against an
        upper bound of the drop, from rows that the search did not use, not against the drop that was seen.
    max_size : int or None
        Most bytes as serialized; `None` for any.
    max_latency : float or None
        Most seconds for one row (median); `None` for any. With it, the clock has a say in what is chosen, and
        the same call may choose otherwise.
    time : float or None
        Seconds of the search, after which no candidate begins; `None` for any. With it, too, the clock has a
        say.

    Raises
    ------
    InvalidOptionError
        When a value is not of that kind or out of its range.

    Examples
    --------
    >>> Budget(metric="accuracy", max_drop=0.005, max_size=100_000)
    Budget(metric='accuracy', max_drop=0.005, max_size=100000, max_latency=None, time=None)
    """

    metric: str = field(default="accuracy", validator=_check_metric)
    max_drop: float = field(default=0.0, validator=_check_drop)
    max_size: int | None = field(default=None, validator=_check_size)
    max_latency: float | None = field(default=None, validator=_check_latency)
    time: float | None = field(default=None, validator=_check_time)
