"""The checks themselves, pure: what is remembered, and what a rule says, against what a release says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from maas_sdk._internal.severities import is_graver
from maas_sdk._internal.times import is_timestamp, moment
from maas_sdk.errors import InvalidOptionError
from maas_sdk.trust._rules import MAX_EPOCH
from maas_sdk.trust._state import MAX_SEQUENCE
from maas_sdk.trust._verdict import Check

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maas_sdk.trust._rules import Rule
    from maas_sdk.trust._state import Revoked, Seen

__all__ = [
    "CLOCK_TOLERANCE",
    "MAX_SEQUENCE_JUMP",
    "check_alias",
    "check_clock",
    "check_dates",
    "check_disclosure",
    "check_equivocation",
    "check_fast_forward",
    "check_first_use",
    "check_list",
    "check_revocation",
    "check_rollback",
    "check_size",
    "check_timestamp",
]

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


def check_rollback(seen: Seen | None, new: Seen) -> Check:
    """Fail when a later release was seen: one of a later key epoch, or of the same and a higher sequence."""
    if seen is None:
        return Check.skipped("rollback", "nothing was seen before")
    if new.order < seen.order:
        return Check.of(
            "rollback", False, f"{_number(new, seen)} is older than {_describe(seen)}, which was seen already"
        )
    return Check.of("rollback", True, f"{_number(new, seen)} is not older than {_describe(seen)}")


def check_fast_forward(seen: Seen | None, new: Seen) -> Check:
    """Fail when a number is out of bounds or the sequence rises by more than `MAX_SEQUENCE_JUMP`."""
    if not 1 <= new.epoch <= MAX_EPOCH:
        return Check.of("fast-forward", False, f"key epoch {new.epoch} is not between 1 and {MAX_EPOCH}")
    reached = seen.sequence if seen is not None and seen.epoch == new.epoch else 0
    highest = min(reached + MAX_SEQUENCE_JUMP, MAX_SEQUENCE)
    if not 1 <= new.sequence <= highest:
        return Check.of("fast-forward", False, f"sequence {new.sequence} is not between 1 and {highest}")
    return Check.of("fast-forward", True, f"sequence {new.sequence} is not higher than {highest}")


def check_equivocation(seen: Seen | None, new: Seen) -> Check:
    """Fail when the publisher gave the same number to two releases of one key epoch."""
    if seen is None or new.order < seen.order:
        return Check.skipped("equivocation", f"nothing is remembered of {_number(new, seen)}")
    if new.order > seen.order:
        return Check.of("equivocation", True, f"no other release with {_number(new, seen)} was seen")
    if new.identity == seen.identity:
        return Check.of("equivocation", True, f"this very release was seen before as {_describe(seen)}")
    return Check.of(
        "equivocation",
        False,
        f"two releases have {_number(new, seen)}: {seen.identity} was accepted, this is {new.identity}; ask "
        "the publisher, by another way than the one this came",
    )


def check_alias(alias: str, seen: int | None, generation: int) -> Check:
    """Fail when a later generation was seen, or the number is out of bounds or rises too far at once."""
    highest = min((seen or 0) + MAX_SEQUENCE_JUMP, MAX_SEQUENCE)
    if not 1 <= generation <= highest:
        return Check.of("alias", False, f"generation {generation} of {alias} is not between 1 and {highest}")
    if seen is None:
        return Check.of("alias", True, f"generation {generation} is the first of {alias} that was seen")
    if generation < seen:
        return Check.of(
            "alias", False, f"generation {generation} of {alias} is older than {seen}, which was seen already"
        )
    return Check.of("alias", True, f"generation {generation} of {alias} is not older than {seen}")


def check_list(publisher: str, seen: Revoked | None, new: Revoked) -> Check:
    """Fail when a list of revocations contradicts the one of the same number, or its number rises too far."""
    highest = min((seen.number if seen else 0) + MAX_SEQUENCE_JUMP, MAX_SEQUENCE)
    if new.number > highest:
        return Check.of(
            "revocation", False, f"the list {new.number} of {publisher} is not between 1 and {highest}"
        )
    if seen is not None and seen.number == new.number and new.joined(seen) != seen:
        return Check.of(
            "revocation",
            False,
            f"two lists of {publisher} have the number {new.number} and revoke different things; ask the "
            "publisher, by another way than the one this came",
        )
    return Check.of(
        "revocation", True, f"the list {new.number} of {publisher} was held against what was seen"
    )


def check_revocation(
    name: str, keys: Collection[str], threshold: int, identity: str, revoked: Revoked | None
) -> Check:
    """Check that neither a release nor too many of the keys that signed it were revoked.

    Parameters
    ----------
    name : str
        ``publisher/model``.
    keys : collection of str
        Fingerprints of the trusted keys that signed.
    threshold : int
        How many must have signed.
    identity : str
        The release's identity.
    revoked : Revoked or None
        What its publisher has revoked; None when nothing is known of that.

    Returns
    -------
    Check
        ``"revocation"``.
    """
    if revoked is None:
        return Check.skipped("revocation", f"nothing is known that the publisher of {name} has revoked")
    known = f"the list {revoked.number} of the publisher of {name}"
    if identity in revoked.releases:
        return Check.of(
            "revocation", False, f"{known} revokes this release, {identity}; ask for another release"
        )
    lost = sorted(set(keys) & set(revoked.keys))
    left = len(set(keys)) - len(lost)
    if left < threshold:
        return Check.of(
            "revocation",
            False,
            f"{known} revokes {', '.join(lost) or 'none of the keys'}: {left} of the keys that signed are "
            f"left, {threshold} needed; ask for a release that other keys signed",
        )
    if lost:
        return Check.of("revocation", True, f"{known} revokes {', '.join(lost)}; enough other keys signed")
    return Check.of("revocation", True, f"{known} revokes neither this release nor a key that signed it")


def check_size(rule: Rule, total_bytes: int) -> Check:
    """Check that all parts of a release together are no larger than the rule allows.

    Parameters
    ----------
    rule : Rule
        Its `max_release_bytes` holds.
    total_bytes : int
        The size of all parts, as signed, in bytes.

    Returns
    -------
    Check
        ``"size"``.
    """
    if rule.max_release_bytes is None:
        return Check.skipped("size", f"the rule for {rule.names} accepts any size")
    allowed = f"the rule for {rule.names} accepts {rule.max_release_bytes} bytes (max_release_bytes)"
    return Check.of(
        "size", total_bytes <= rule.max_release_bytes, f"its parts are {total_bytes} bytes; {allowed}"
    )


def check_disclosure(rule: Rule, highest: str | None, accepted: Sequence[str]) -> Check:
    """Check that what leaves with a model, as its publisher says, is no graver than the rule allows.

    Parameters
    ----------
    rule : Rule
        Its `max_disclosure` holds.
    highest : str or None
        The gravest severity that the publisher's scan found, as signed; None where the release does not say.
    accepted : sequence of str
        The findings that the publisher accepted by name, for the reason.

    Returns
    -------
    Check
        ``"disclosure"``.
    """
    if highest is None:
        found = "the release does not say what of its training data leaves with it"
    else:
        found = f"the highest finding of its publisher's scan is {highest}"
        if accepted:
            found += f"; accepted: {', '.join(accepted)}"
    if rule.max_disclosure is None:
        reason = f"{found}; the rule for {rule.names} accepts any"
        return (
            Check.skipped("disclosure", reason) if highest is None else Check.of("disclosure", True, reason)
        )
    passed = highest is not None and not is_graver(highest, rule.max_disclosure)
    return Check.of(
        "disclosure",
        passed,
        f"{found}; the rule for {rule.names} accepts {rule.max_disclosure} (max_disclosure)",
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
    return f"{_number(seen)}{version}"


def _number(one: Seen, other: Seen | None = None) -> str:
    """Name the key epoch only where there has ever been more than one."""
    epochs = {one.epoch, 1 if other is None else other.epoch}
    return (
        f"sequence {one.sequence}" if epochs == {1} else f"sequence {one.sequence} of key epoch {one.epoch}"
    )
