"""Checks of options, with messages that name the option, what was given and what is accepted."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["check_boolean", "check_choice", "check_integer", "check_real", "plain_real"]


def plain_real(value: Any) -> Any:
    """Turn any real number into a Python float, so that it never widens a float32 array; leave the rest."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else value


def check_real(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
) -> float:
    """Give `value` as a float if it is a finite number within the bounds.

    Raises
    ------
    InvalidOptionError
        If it is not.
    """
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", above), (">=", minimum), ("<", below))
        if bound is not None
    ]
    number = plain_real(value)
    fits = (
        isinstance(number, float)
        and math.isfinite(number)
        and (above is None or number > above)
        and (minimum is None or number >= minimum)
        and (below is None or number < below)
    )
    if not fits:
        accepted = " ".join(["a finite number", " and ".join(bounds)]).strip()
        raise InvalidOptionError(f"{name} must be {accepted}, not {value!r}")
    return float(number)


def check_integer(name: str, value: Any, *, minimum: int) -> int:
    """Give `value` as an int if it is an integer and at least `minimum`, else raise `InvalidOptionError`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < minimum:
        raise InvalidOptionError(f"{name} must be an integer >= {minimum}, not {value!r}")
    return int(value)


def check_boolean(name: str, value: Any) -> bool:
    """Give `value` if it is True or False, else raise `InvalidOptionError`."""
    if not isinstance(value, bool):
        raise InvalidOptionError(f"{name} must be True or False, not {value!r}")
    return value


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Give `value` if it is one of `choices`, else raise `InvalidOptionError`."""
    if not isinstance(value, str) or value not in choices:
        accepted = ", ".join(repr(choice) for choice in sorted(choices))
        raise InvalidOptionError(f"{name} must be one of {accepted}, not {value!r}")
    return value
