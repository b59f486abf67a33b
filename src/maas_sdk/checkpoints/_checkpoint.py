"""One checkpoint in a storage backend: the newest two of its states, the newest of which counts."""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk.checkpoints._format import read_state, write_state
from maas_sdk.errors import AlreadyExistsError, CheckpointError, LimitExceededError, NotFoundError
from maas_sdk.storage import ResumingBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.interfaces import StorageBackend
    from maas_sdk.limits import Limits

__all__ = ["StoredCheckpoint"]

_FOLDER: Final = "checkpoints/"
_NUMBER: Final = re.compile(r"[0-9]{16}", re.ASCII)
_KEPT: Final = 2
_ATTEMPTS: Final = 8


class StoredCheckpoint:
    """A `maas_sdk.interfaces.Checkpoint`; made by `Checkpoints.at`.

    A state is an object of its own, numbered, and never changed: saving adds the next number, then removes
    all but the newest two. A state counts only as a whole, so that after a kill at any moment there is the
    one before. One process at a time works with a checkpoint: of two, the one that saves later is refused.

    Parameters
    ----------
    backend : StorageBackend
    key : str
        Any text.
    limits : Limits
    """

    def __init__(self, backend: StorageBackend, key: str, *, limits: Limits) -> None:
        self._backend, self._key, self._limits = backend, key, limits
        self._digest = hex_of(sha256(key.encode("utf-8", "surrogatepass")))
        self._folder = f"{_FOLDER}{self._digest}/"
        self._number: int | None = None  # the newest that this object knows of; 0 for none

    def __repr__(self) -> str:
        return f"<checkpoint {self._key!r}>"

    @property
    def key(self) -> str:
        """What it was asked for by."""
        return self._key

    def load(self) -> dict[str, Any] | None:
        """Give the state that was saved last, or None.

        Raises
        ------
        CheckpointError
            When it is damaged, and the one before it is missing or damaged, too.

        Warns
        -----
        UserWarning
            When it is damaged, and the one before is taken instead.
        """
        for _ in range(_ATTEMPTS):
            numbers = self._numbers()
            self._number = numbers[-1] if numbers else 0
            with contextlib.suppress(NotFoundError):  # another process went on: look again
                return self._load(numbers)
        raise self._in_use()

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state in place of the last.

        Raises
        ------
        CheckpointError
            When another process has saved or cleared this checkpoint meanwhile.
        InvalidOptionError
            When the state holds what a checkpoint cannot keep.
        StorageError
            When it cannot be written; what was saved before stays.
        """
        numbers = self._numbers()
        newest = numbers[-1] if numbers else 0
        if self._number is None:
            self._number = newest
        if newest != self._number:
            raise self._in_use()
        self._remove(numbers[:-_KEPT])  # of savers that were killed before they tidied up
        try:
            self._write(state, newest + 1)
        except AlreadyExistsError as exc:
            raise self._in_use() from exc
        self._number = newest + 1
        self._remove(numbers[: 1 - _KEPT])

    def clear(self) -> None:
        """Forget all states, the oldest first: interrupted, it leaves the newest."""
        self._remove(self._numbers())
        self._number = None
        if isinstance(self._backend, ResumingBackend):
            with self._backend.partial(self._digest) as partial:
                if partial is not None:
                    partial.discard()  # what a killed process left half written

    def _load(self, numbers: list[int]) -> dict[str, Any] | None:
        first: Exception | None = None
        for number in reversed(numbers):
            try:
                state = self._read(number)
            except (CheckpointError, LimitExceededError) as exc:
                first = first or exc
                continue
            if first is not None:
                warnings.warn(
                    f"the last state of checkpoint {self._key!r} is damaged: {first}; the one before counts",
                    UserWarning,
                    stacklevel=3,
                )
            return state
        if first is None:
            return None
        raise CheckpointError(
            f"checkpoint {self._key!r} is damaged, {self._object(numbers[-1])} in {self._backend!r}: "
            f"{first}. To begin anew call clear() on it"
        ) from first

    def _read(self, number: int) -> dict[str, Any]:
        name = self._object(number)
        size = self._backend.size(name)
        with self._backend.open(name) as file:
            return read_state(file, size, key=self._key, number=number, limits=self._limits)

    def _write(self, state: Mapping[str, Any], number: int) -> None:
        name = self._object(number)
        # Always the same unfinished file, so that kills leave one of them, not one each. The second try is
        # for a finished one, whose writer was killed before it took its name away.
        for _ in range(2):
            if isinstance(self._backend, ResumingBackend) and self._resume(self._backend, state, number):
                return
        with self._backend.create(name) as file:
            write_state(state, file, key=self._key, number=number)

    def _resume(self, backend: ResumingBackend, state: Mapping[str, Any], number: int) -> bool:
        """Write a state into the unfinished file, unless that cannot be had."""
        with backend.partial(self._digest) as partial:
            if partial is None:
                return False
            try:
                partial.file.truncate(0)
                write_state(state, partial.file, key=self._key, number=number)
                partial.commit(self._object(number))
            except BaseException:
                partial.discard()
                raise
        return True

    def _numbers(self) -> list[int]:
        names = (key.removeprefix(self._folder) for key in self._backend.list(self._folder))
        return [int(name) for name in names if _NUMBER.fullmatch(name)]

    def _object(self, number: int) -> str:
        return f"{self._folder}{number:016d}"

    def _remove(self, numbers: list[int]) -> None:
        for number in numbers:
            with contextlib.suppress(NotFoundError):
                self._backend.delete(self._object(number))

    def _in_use(self) -> CheckpointError:
        return CheckpointError(
            f"another process works with checkpoint {self._key!r}, and has saved or cleared it: let one of "
            "the two run, or take another key"
        )
