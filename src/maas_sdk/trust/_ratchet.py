"""The memory of a receiver: it moves forward only, survives crashes, and notices when it was altered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve

from maas_sdk._internal.digests import is_digest
from maas_sdk.errors import InvalidOptionError, TrustStateError
from maas_sdk.trust._checks import (
    check_alias,
    check_clock,
    check_equivocation,
    check_fast_forward,
    check_first_use,
    check_list,
    check_rollback,
    check_timestamp,
)
from maas_sdk.trust._evidence import keep_evidence
from maas_sdk.trust._fields import is_alias, is_publisher
from maas_sdk.trust._memory import load_state, update_state
from maas_sdk.trust._state import Equivocation, Revoked, Seen, TrustState
from maas_sdk.trust._verdict import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["Ratchet"]

_MAX_EQUIVOCATIONS: Final = 256  # evidence enough; the file must stay readable whatever arrives
_MAX_REVOKED: Final = 4096


class Ratchet:
    """Remembers of each name the release with the highest sequence, and the latest signed time.

    Sequences count anew in each key epoch, so that a publisher whose key was stolen can begin again: of two
    releases the one of the later epoch is the later one. Of each alias the highest generation is remembered,
    and of each publisher all that was revoked.

    Every call reads the state anew, so that several processes may share it. An old state put back together
    with its key cannot be noticed, nor can a medium that withholds newer releases.

    Made by `Trust`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"Ratchet({str(self._folder)!r})"

    def check(
        self,
        name: str,
        sequence: int,
        identity: str,
        created: str,
        *,
        epoch: int = 1,
        first_use: Collection[str] = (),
        now: str,
    ) -> tuple[Check, ...]:
        """Hold a release whose signatures were verified against what is remembered; it changes nothing.

        Parameters
        ----------
        name : str
            ``publisher/model``.
        sequence : int
            The release's number among those of its name.
        identity : str
            The release's identity, ``"sha256:…"``.
        created : str
            When it was made, as signed: ``"2026-11-23T22:00:00Z"``.
        epoch : int
            The key epoch in which it was signed; the caller has checked that it is the rule's.
        first_use : collection of str
            The names that are accepted although nothing is remembered of them.
        now : str
            The present moment.

        Returns
        -------
        tuple of Check
            ``"first use"``, ``"rollback"``, ``"fast-forward"``, ``"equivocation"`` and ``"clock"``.

        Raises
        ------
        InvalidOptionError
            When an argument has the wrong form.
        TrustStateError
            When the state is damaged, was altered, or misses one of its two files.
        """
        seen = _seen(sequence, identity, created, epoch=epoch)
        check_timestamp(now, "now")
        if isinstance(first_use, str):
            raise InvalidOptionError(f'first_use is a text; pass a list of names: ["{first_use}"]')
        state = load_state(self._folder)
        remembered = state.names.get(name)
        return (
            check_first_use(name, remembered, first_use),
            *_checks_against(remembered, seen),
            check_clock(created, state.clock, now),
        )

    def advance(
        self,
        name: str,
        sequence: int,
        identity: str,
        created: str,
        *,
        version: str | None = None,
        epoch: int = 1,
    ) -> None:
        """Remember a release that has passed every check.

        Written whole or not at all, under a lock, against the state as it is then. The release that is
        remembered already changes nothing.

        Parameters
        ----------
        name, sequence, identity, created, epoch
            As in `check`.
        version : str or None
            The release's version; later messages quote it.

        Raises
        ------
        RefusedError
            When another process has remembered a later release, or another one of the same sequence, since
            `check`.
        TrustStateError
            As in `check`.
        StorageError
            When it cannot be written; then what was remembered still is.
        """
        seen = _seen(sequence, identity, created, version, epoch=epoch)

        def change(state: TrustState) -> TrustState:
            remembered = state.names.get(name)
            checks = _checks_against(remembered, seen)
            Verdict(name, checks, identity=identity, version=version).raise_if_refused()
            if remembered is not None and remembered.order == seen.order:
                return state
            return state.with_seen(name, seen)

        update_state(self._folder, change)

    def record_equivocation(
        self,
        name: str,
        sequence: int,
        identity: str,
        created: str,
        *,
        version: str | None = None,
        epoch: int = 1,
        evidence: tuple[bytes, bytes] | None = None,
    ) -> None:
        """Keep the evidence that a publisher gave one number to two releases.

        Call it when the check ``"equivocation"`` failed for a release whose signatures hold. What is
        remembered of the name stays. The same evidence again changes nothing, and past 256 of them no more
        is kept.

        Parameters
        ----------
        name, sequence, identity, created, version, epoch
            As in `advance`, of the release that is refused.
        evidence : tuple of bytes, optional
            The signed envelopes of the release that was accepted and of this one, with which anybody can be
            shown what the publisher did. Kept as ``evidence/<SHA-256>.dsse.json`` in the trust folder, unless
            one is larger than 1 MiB or 512 files are there.

        Raises
        ------
        InvalidOptionError
            When what is remembered of the name has another epoch or sequence, or the same identity.
        TrustStateError, StorageError
            As in `advance`.
        """
        refused = _seen(sequence, identity, created, version, epoch=epoch)

        def change(state: TrustState) -> TrustState:
            accepted = state.names.get(name)
            if accepted is None or accepted.order != refused.order or accepted.identity == identity:
                raise InvalidOptionError(f"{identity} does not contradict what is remembered of {name}")
            found = Equivocation(name, accepted, refused)
            known = found in state.equivocations
            if not known and len(state.equivocations) >= _MAX_EQUIVOCATIONS:
                return state
            if evidence is not None:
                keep_evidence(self._folder, evidence)
            return state if known else evolve(state, equivocations=(*state.equivocations, found))

        update_state(self._folder, change)

    def check_alias(self, name: str, alias: str, generation: int) -> Check:
        """Hold a move of an alias, whose signatures were verified, against what is remembered.

        Parameters
        ----------
        name, alias : str
            ``publisher/model`` and ``"stable"``.
        generation : int
            The move's number among those of this alias.

        Returns
        -------
        Check
            ``"alias"``; it failed when a later generation was seen.

        Raises
        ------
        InvalidOptionError, TrustStateError
            As in `check`.
        """
        key = _alias_key(name, alias, generation)
        return check_alias(alias, load_state(self._folder).aliases.get(key), generation)

    def advance_alias(self, name: str, alias: str, generation: int) -> None:
        """Remember a move of an alias that has passed every check; the one remembered changes nothing.

        Raises
        ------
        RefusedError
            When a later generation is remembered by now.
        InvalidOptionError, TrustStateError, StorageError
            As in `advance`.
        """
        key = _alias_key(name, alias, generation)

        def change(state: TrustState) -> TrustState:
            remembered = state.aliases.get(key)
            Verdict(key, [check_alias(alias, remembered, generation)]).raise_if_refused()
            if generation == remembered:
                return state
            return evolve(state, aliases={**state.aliases, key: generation})

        update_state(self._folder, change)

    def revoke(self, publisher: str, revoked: Revoked) -> bool:
        """Remember what a publisher has revoked, in a list whose signatures were verified.

        Nothing is ever taken back: what earlier lists revoked stays revoked.

        Parameters
        ----------
        publisher : str
            What stands before the slash of the names that it is about.
        revoked : Revoked
            The list.

        Returns
        -------
        bool
            Whether the list was a newer one, and is remembered; an older one, or the same again, changes
            nothing.

        Raises
        ------
        RefusedError
            When another list of the same number is remembered, or the number rises by more than
            `MAX_SEQUENCE_JUMP`.
        TrustStateError
            When more than 4096 keys and releases of this publisher would be revoked, or as in `check`.
        InvalidOptionError, StorageError
            As in `advance`.
        """
        _check_publisher(publisher)
        done = False

        def change(state: TrustState) -> TrustState:
            nonlocal done
            remembered = state.revocations.get(publisher)
            Verdict(publisher, [check_list(publisher, remembered, revoked)]).raise_if_refused()
            if remembered is not None and revoked.number <= remembered.number:
                return state
            joined = revoked.joined(remembered)
            if len(joined.keys) + len(joined.releases) > _MAX_REVOKED:
                raise TrustStateError(
                    f"{publisher} revokes more than {_MAX_REVOKED} keys and releases in all, which is not "
                    "remembered; ask the publisher to change keys, or take their rule out of the policy"
                )
            done = True
            return evolve(state, revocations={**state.revocations, publisher: joined})

        update_state(self._folder, change)
        return done

    def revoked(self, publisher: str) -> Revoked | None:
        """Give all that a publisher has revoked, or None when nothing was."""
        return load_state(self._folder).revocations.get(publisher)

    @property
    def equivocations(self) -> tuple[Equivocation, ...]:
        """The evidence that was kept."""
        return load_state(self._folder).equivocations

    def remembered(self, name: str) -> Seen | None:
        """Give the release of a name with the highest sequence, or None when nothing of it was accepted."""
        return load_state(self._folder).names.get(name)


def _checks_against(remembered: Seen | None, seen: Seen) -> tuple[Check, ...]:
    return (
        check_rollback(remembered, seen),
        check_fast_forward(remembered, seen),
        check_equivocation(remembered, seen),
    )


def _seen(sequence: int, identity: str, created: str, version: str | None = None, *, epoch: int) -> Seen:
    _check_number("sequence", sequence)
    _check_number("epoch", epoch)
    if not is_digest(identity):
        raise InvalidOptionError(f"identity is {identity!r}; it must be sha256: and 64 hexadecimal digits")
    check_timestamp(created, "created")
    return Seen(sequence, identity, created, version, epoch)


def _alias_key(name: str, alias: str, generation: int) -> str:
    _check_number("generation", generation)
    if not is_alias(alias):
        raise InvalidOptionError(f"alias is {alias!r}; it has 1 to 64 of a-z, 0-9, '.', '_' and '-'")
    return f"{name}@{alias}"


def _check_number(what: str, value: int) -> None:
    if type(value) is not int:
        raise InvalidOptionError(f"{what} is {value!r}; it must be a whole number")


def _check_publisher(publisher: str) -> None:
    if not is_publisher(publisher):
        raise InvalidOptionError(
            f"publisher is {publisher!r}; it reads like what stands before the slash of a name"
        )
