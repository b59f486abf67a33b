"""Leases on a store: who writes a version holds one, and who removes blobs waits until nobody does.

They need nothing but put if absent, list and delete. A lease is an object
``leases/<kind>-<until>-<random>``, where `until` is a time in seconds since 1970. Of two that exclude each
other, each first writes its own object and then looks for the other's, so that at least one sees the other
and goes back. This asks of a backend that `list` shows every object whose `create` had returned before. Where
a network file system remembers listings for a while, that does not hold between machines; there the grace
period of whoever removes blobs is the only guard.

What is assumed of clocks: those of all machines that write to one store differ by less than half an hour. A
lease holds for an hour and is renewed after 20 minutes; the object before the last stays until the next
renewal, so that a listing that is made during a renewal shows one of them. Whoever finds at a renewal that
the lease ran out, as when the machine slept, gets `BusyError` and must not rely on what was found in the
store before. A process that dies leaves its leases. They are passed over once they ran out, or sooner when
whoever looks can tell that the process is gone: on the same machine, under Linux.

Reading a store needs no lease, so that it works on a read-only medium.
"""

from __future__ import annotations

import contextlib
import math
import re
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.processes import is_gone, this_process
from maas_sdk.errors import BusyError, MaasError, NotFoundError, StorageError
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_sdk.interfaces import StorageBackend

__all__ = ["Lease", "Leases"]

_FOLDER: Final = "leases/"
_HOLD: Final = "hold"
_EXCLUSIVE: Final = "exclusive"
_KEY: Final = re.compile(r"leases/(hold|exclusive)-(\d{1,11})-([0-9a-f]{32})", re.ASCII)
_LASTS: Final = 3600  # seconds that a lease holds
_RENEWED_AFTER: Final = 1200
_LONGEST_TEXT: Final = 500
_FIRST_PAUSE: Final = 0.05  # seconds; doubled from look to look
_LONGEST_PAUSE: Final = 1.0


@frozen
class _Details:
    """What is in a lease: for people, but for the process."""

    what: str
    process: str


@frozen
class _Seen:
    """A lease that was found."""

    key: str
    kind: str  # empty for what is no lease that this code knows
    until: float
    lease: str
    details: _Details

    def __str__(self) -> str:
        if not self.kind:
            return f"{self.key}, which is no lease that this version of the SDK knows"
        until = datetime.fromtimestamp(self.until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{self.details.what!r} (until it ends, or {until} if it was interrupted)"


class Lease:
    """A lease that is held; `Leases` makes it.

    Attributes
    ----------
    what : str
        What it is held for.
    """

    def __init__(self, backend: StorageBackend, kind: str, what: str, clock: Callable[[], float]) -> None:
        self.what = what
        self._backend = backend
        self._kind = kind
        self._clock = clock
        self._id = secrets.token_hex(16)
        self._keys: list[str] = []
        self._until = 0
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """What tells it from others."""
        return self._id

    def renew_if_needed(self) -> None:
        """Renew it when its time is a third over; cheap otherwise. To be called while work goes on.

        Raises
        ------
        BusyError
            When it ran out, or somebody took it for run out.
        StorageError
            When it cannot be written.
        """
        if self._clock() < self._until - (_LASTS - _RENEWED_AFTER):
            return
        with self._lock:
            self.check()
            self.write()
            while len(self._keys) > 2:  # noqa: PLR2004 - this one and the one before
                self._delete(self._keys[0])

    def check(self) -> None:
        """Make sure that it holds still: before what cannot be undone.

        Raises
        ------
        BusyError
            When it ran out, or somebody took it for run out.
        """
        try:
            held = self._clock() < self._until
            self._backend.size(self._keys[-1])
        except NotFoundError:
            held = False
        if not held:
            raise BusyError(
                f"the lease on the store for {self.what!r} ran out, as when the machine sleeps or its clock "
                "is set, so that others may have removed what this work relies on; run it again"
            )

    def write(self) -> None:
        """Write it, or write it anew; `Leases` and `renew_if_needed` call this."""
        until = math.ceil(self._clock()) + _LASTS
        key = f"{_FOLDER}{self._kind}-{until}-{self._id}"
        details = _Details(self.what[:_LONGEST_TEXT], this_process())
        self._keys.append(key)
        with self._backend.create(key) as file:
            file.write(strict_json.dumps(records.unstructure(details)))
        self._until = until

    def release(self) -> None:
        """Give it back; `Leases` calls this. What cannot be removed runs out."""
        with self._lock:
            for key in self._keys.copy():
                with contextlib.suppress(StorageError):
                    self._delete(key)

    def _delete(self, key: str) -> None:
        with contextlib.suppress(NotFoundError):
            self._backend.delete(key)
        self._keys.remove(key)


class Leases:
    """The leases on one store.

    Parameters
    ----------
    backend : StorageBackend
        Where the store is.
    clock : callable
        Gives the seconds since 1970.
    sleep : callable
        Waits for some seconds.
    """

    def __init__(
        self,
        backend: StorageBackend,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._sleep = sleep

    @contextlib.contextmanager
    def hold(self, what: str, *, wait: float = 60.0) -> Iterator[Lease]:
        """Keep all blobs from being removed, in company with others, for the length of the block.

        Parameters
        ----------
        what : str
            What it is held for, as others shall read it: ``"publish acme/digits@1.0.0"``.
        wait : float
            Seconds to wait for one that has the store alone.

        Raises
        ------
        BusyError
            When somebody has the store alone for longer; it is named.
        StorageError
            When the lease cannot be written.
        """
        with self._lease(_HOLD, what, wait, lambda seen: seen.kind == _EXCLUSIVE) as lease:
            yield lease

    @contextlib.contextmanager
    def exclusive(self, what: str, *, besides: Lease | None = None, wait: float = 0.0) -> Iterator[Lease]:
        """Have the store alone for the length of the block: nobody else holds a lease on it.

        Parameters
        ----------
        what : str
            What it is for, as others shall read it.
        besides : Lease, optional
            One that the caller holds already and that does not stand in the way.
        wait : float
            Seconds to wait for others.

        Raises
        ------
        BusyError
            When others hold the store for longer; they are named.
        StorageError
            When the lease cannot be written.
        """
        own = None if besides is None else besides.id
        with self._lease(_EXCLUSIVE, what, wait, lambda seen: seen.lease != own) as lease:
            yield lease

    @contextlib.contextmanager
    def _lease(self, kind: str, what: str, wait: float, excludes: Callable[[_Seen], bool]) -> Iterator[Lease]:
        deadline = self._clock() + wait
        pause = _FIRST_PAUSE
        while True:
            lease = Lease(self._backend, kind, what, self._clock)
            try:
                # Looked for before, so that who waits writes nothing, and after, which is what counts.
                others = self._others(lease, excludes)
                if not others:
                    lease.write()
                    others = self._others(lease, excludes)
                if not others:
                    yield lease
                    return
            finally:
                lease.release()
            left = deadline - self._clock()
            if left <= 0:
                raise BusyError(f"{what}: the store is in use by {_join(others)}; wait for it and try again")
            # Of two that met, one should be back before the other.
            self._sleep(min(left, pause * (0.5 + secrets.randbelow(1000) / 1000)))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _others(self, own: Lease, excludes: Callable[[_Seen], bool]) -> list[_Seen]:
        """Find the leases that hold and stand in the way; remove those that hold no more."""
        found = []
        for key in list(self._backend.list(_FOLDER)):
            seen = self._look(key)
            if seen is None or seen.lease == own.id or not excludes(seen):
                continue
            if seen.until <= self._clock() or is_gone(seen.details.process):
                with contextlib.suppress(NotFoundError):
                    self._backend.delete(key)
            else:
                found.append(seen)
        return found

    def _look(self, key: str) -> _Seen | None:
        match = _KEY.fullmatch(key)
        if match is None:
            # Nobody knows how long it holds, so it keeps blobs from being removed, and nothing else.
            return _Seen(key, "", math.inf, "", _Details("", ""))
        try:
            with self._backend.open(key) as file:
                document = strict_json.loads(
                    file.read(DEFAULT_LIMITS.max_key_file_bytes), what=key, limits=DEFAULT_LIMITS
                )
            details = records.structure(document, _Details, what=key)
        except NotFoundError:
            return None
        except MaasError:
            details = _Details("something that does not say what it is", "")
        return _Seen(key, match[1], float(match[2]), match[3], details)


def _join(others: list[_Seen]) -> str:
    return ", and by ".join(dict.fromkeys(map(str, others)))
