"""Options of optimizers and schedules as attrs fields that check what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import NOTHING, field

from maas_sdk.learning._options import (
    check_boolean,
    check_choice,
    check_integer,
    check_real,
    plain_real,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from attrs import Attribute

__all__ = ["boolean", "checked", "choice", "integer", "real"]


def checked(default: Any, check: Callable[[str, Any], object], **options: Any) -> Any:
    """Make a field whose value `check` accepts, given the field's name and the value."""

    def validate(_: object, attribute: Attribute[Any], value: Any) -> None:
        check(attribute.name, value)

    return field(default=default, validator=validate, **options)


def real(
    default: Any = NOTHING,
    *,
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
    kw_only: bool = False,
) -> Any:
    """Make a field for a finite number within bounds; any real type becomes a Python float."""

    def check(name: str, value: Any) -> None:
        check_real(name, value, above=above, minimum=minimum, below=below)

    return checked(default, check, converter=plain_real, kw_only=kw_only)


def integer(default: Any = NOTHING, *, minimum: int, kw_only: bool = True) -> Any:
    """Make a field for an integer of at least `minimum`; numpy's become Python's."""

    def check(name: str, value: Any) -> None:
        check_integer(name, value, minimum=minimum)

    return checked(default, check, kw_only=kw_only)


def boolean(default: bool, *, kw_only: bool = False) -> Any:
    """Make a field for True or False."""
    return checked(default, check_boolean, kw_only=kw_only)


def choice(default: str, *choices: str) -> Any:
    """Make a keyword for one of several words."""

    def check(name: str, value: Any) -> None:
        check_choice(name, value, choices)

    return checked(default, check, kw_only=True)
