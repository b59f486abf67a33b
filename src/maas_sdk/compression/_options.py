"""What the options of compressors may be."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from maas_sdk.errors import InvalidOptionError

__all__ = ["check_seed", "is_share", "is_whole"]


def is_whole(value: Any, *, least: int) -> bool:
    """Whether a value is a whole number, of Python or of numpy, and not less than another."""
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= least


def is_share(value: Any, *, whole: bool = False) -> bool:
    """Whether a value is between 0 and 1; `whole`: or 1, given as a float."""
    if isinstance(value, Integral) or not isinstance(value, Real):
        return False
    return 0 < float(value) < 1 or (whole and float(value) == 1)


def check_seed(compressor: object, random_state: Any) -> None:
    """Refuse a seed that is no whole number from 0."""
    if not is_whole(random_state, least=0):
        raise InvalidOptionError(
            f"{type(compressor).__name__}(random_state={random_state!r}): expected a whole number, 0 or more."
        )
