"""The checks themselves, pure: what is remembered, and what a rule says, against what a release says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from maas_sdk._internal.times import is_timestamp, moment
from maas_sdk.errors import InvalidOptionError
from maas_sdk.trust._verdict import Check

if TYPE_CHECKING:
    from collections.abc import Collection

    from maas_sdk.trust._rules import Rule
    from maas_sdk.trust._state import Seen

__all__ = [
    "CLOCK_TOLERANCE",
    "MAX_SEQUENCE",
    "MAX_SEQUENCE_JUMP",
    "check_clock",
    "check_dates",
    "check_equivocation",
    "check_fast_forward",
    "check_first_use",
    "check_rollback",
    "check_timestamp",
]

MAX_SEQUENCE: Final = 2**53 - 1
"""The highest sequence number: the highest integer that every JSON reader takes exactly."""

MAX_SEQUENCE_JUMP: Final = 1_000_000
"""How far a sequence may rise at once.

A stolen key could sign the highest number of all, after which its owner's releases would be refused as older
for ever. No publisher makes so many releases between two that reach a receiver: one a minute for two years.
"""

CLOCK_TOLERANCE: Final = timedelta(minutes=10)
"""How far two clocks may differ: quartz that nobody sets drifts a few seconds a week."""


def check_timestamp(value: str, what: str) -> None:
    """Refuse what is no timestamp in the one accepted form (`InvalidOptionError`)."""
    if not is_timestamp(value):
        raise InvalidOptionError(f"{what} is {value!r}; it must read like 2026-11-23T22:00:00Z")


def check_first_use(name: str, seen: Seen | None, first_use: Collection[str]) -> Check:
    """Pass when the name is remembered, or is accepted by name."""
    if seen is not None:
        return Check.of("first use", True, f"{name} is known, {_describe(seen)} was the latest")
    if name in first_use:
        return Check.of("first use", True, f"nothing of {name} was seen before; its name was accepted")
    return Check.of(
        "first use",
        False,
        f"nothing of {name} was seen before, so that an old release could not be told from the latest; to "
        f'accept it pass first_use=["{name}"], on the command line --first-use {name}',
    )


def check_rollback(seen: Seen | None, sequence: int) -> Check:
    """Fail when a later release was seen."""
    if seen is None:
        return Check.skipped("rollback", "nothing was seen before")
    if sequence < seen.sequence:
        return Check.of(
            "rollback", False, f"sequence {sequence} is older than {_describe(seen)}, which was seen already"
        )
    return Check.of("rollback", True, f"sequence {sequence} is not older than {_describe(seen)}")


def check_fast_forward(seen: Seen | None, sequence: int) -> Check:
    """Fail when the number is out of bounds or rises by more than `MAX_SEQUENCE_JUMP`."""
    highest = min((seen.sequence if seen else 0) + MAX_SEQUENCE_JUMP, MAX_SEQUENCE)
    if not 1 <= sequence <= highest:
        return Check.of("fast-forward", False, f"sequence {sequence} is not between 1 and {highest}")
    return Check.of("fast-forward", True, f"sequence {sequence} is not higher than {highest}")


def check_equivocation(seen: Seen | None, sequence: int, identity: str) -> Check:
    """Fail when the publisher gave the same number to two releases."""
    if seen is None or sequence < seen.sequence:
        return Check.skipped("equivocation", f"nothing is remembered of sequence {sequence}")
    if sequence > seen.sequence:
        return Check.of("equivocation", True, f"no other release with sequence {sequence} was seen")
    if identity == seen.identity:
        return Check.of("equivocation", True, f"this very release was seen before as {_describe(seen)}")
    return Check.of(
        "equivocation",
        False,
        f"two releases have sequence {sequence}: {seen.identity} was accepted, this is {identity}; ask the "
        "publisher, by another way than the one this came",
    )


def check_clock(created: str, floor: str | None, now: str) -> Check:
    """Fail when the release comes from the future, or when this computer's clock was set back."""
    if moment(created) > moment(now) + CLOCK_TOLERANCE:
        return Check.of(
            "clock",
            False,
            f"created {created}, but the clock here says {now}: one of the two clocks is wrong",
        )
    if floor is not None and moment(floor) > moment(now) + CLOCK_TOLERANCE:
        return Check.of(
            "clock",
            False,
            f"the clock here says {now}, but a release of {floor} was accepted already: set the clock right",
        )
    return Check.of("clock", True, f"the clock here says {now}; created {created}")


def check_dates(rule: Rule, created: str, expires: str | None, now: str) -> tuple[Check, ...]:
    """Check that a release has not expired and is not older than the rule allows.

    Parameters
    ----------
    rule : Rule
        Its `max_age_days` holds.
    created : str
        When the release was made, as signed: ``"2026-11-23T22:00:00Z"``.
    expires : str or None
        When it ceases to be valid, as signed.
    now : str
        The present moment.

    Returns
    -------
    tuple of Check
        ``"expires"`` and ``"age"``.

    Raises
    ------
    InvalidOptionError
        When a time is not in that form.
    """
    check_timestamp(created, "created")
    check_timestamp(now, "now")
    return _check_expires(created, expires, now), _check_age(rule, created, now)


def _check_expires(created: str, expires: str | None, now: str) -> Check:
    if expires is None:
        return Check.skipped("expires", "the release never expires")
    check_timestamp(expires, "expires")
    if moment(expires) <= moment(created):
        return Check.of("expires", False, f"it expired at {expires}, before it was created at {created}")
    if moment(expires) <= moment(now):
        return Check.of(
            "expires", False, f"it expired at {expires}, now it is {now}; ask for a newer release"
        )
    return Check.of("expires", True, f"it is valid until {expires}")


def _check_age(rule: Rule, created: str, now: str) -> Check:
    if rule.max_age_days is None:
        return Check.skipped("age", f"the rule for {rule.names} accepts any age")
    allowed = f"the rule for {rule.names} accepts {rule.max_age_days} days"
    if moment(now) - moment(created) > timedelta(days=rule.max_age_days):
        return Check.of(
            "age", False, f"created {created}, now it is {now}; {allowed}: ask for a newer release"
        )
    return Check.of("age", True, f"created {created}; {allowed}")


def _describe(seen: Seen) -> str:
    version = "" if seen.version is None else f" (version {seen.version})"
    return f"sequence {seen.sequence}{version}"
