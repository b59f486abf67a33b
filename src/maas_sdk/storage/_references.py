"""Small records under ``refs/`` that are added and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maas_sdk.errors import AlreadyExistsError, LimitExceededError, NotFoundError
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.storage._keys import check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_sdk.interfaces import StorageBackend

__all__ = ["References"]

_FOLDER: Final = "refs/"
_USUAL: Final = 4096  # bytes that hardly a record exceeds


class References:
    """An append-only log of records, written with the one primitive that is portable: put if absent.

    Parameters
    ----------
    backend : StorageBackend
        Where the records are.
    limits : Limits
        `max_json_bytes` bounds a record.
    """

    def __init__(self, backend: StorageBackend, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._backend = backend
        self._limits = limits

    def put(self, key: str, record: bytes) -> None:
        """Add a record; the same bytes under the same key again are fine.

        Parameters
        ----------
        key : str
            Relative to ``refs/``: ``"acme/digits/versions/1.0.0"``.
        record : bytes
            Whatever it is.

        Raises
        ------
        AlreadyExistsError
            When the key holds another record, which stays.
        LimitExceededError
            When the record is larger than `Limits.max_json_bytes`.
        """
        if len(record) > self._limits.max_json_bytes:
            raise self._too_large(key)
        try:
            with self._backend.create(_FOLDER + check_key(key)) as file:
                file.write(record)
        except AlreadyExistsError as exc:
            if self.get(key) != record:
                raise AlreadyExistsError(
                    f"reference {key} exists already with another content; it never changes: use a new one"
                ) from exc

    def get(self, key: str) -> bytes:
        """Read a record.

        Raises
        ------
        NotFoundError
            When there is none.
        LimitExceededError
            When it is larger than `Limits.max_json_bytes`.
        """
        with self._backend.open(_FOLDER + check_key(key)) as file:
            # Asked for all that is allowed, a file would take that much memory first.
            record = file.read(min(_USUAL, self._limits.max_json_bytes) + 1)
            if len(record) > _USUAL:
                record += file.read(self._limits.max_json_bytes + 1 - len(record))
        if len(record) > self._limits.max_json_bytes:
            raise self._too_large(key)
        return record

    def has(self, key: str) -> bool:
        """Whether there is a record."""
        try:
            self._backend.size(_FOLDER + check_key(key))
        except NotFoundError:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[str]:
        """Give the keys, relative to ``refs/``, that start with `prefix`, sorted."""
        for key in self._backend.list(_FOLDER + check_prefix(prefix)):
            yield key.removeprefix(_FOLDER)

    def _too_large(self, key: str) -> LimitExceededError:
        return LimitExceededError(
            f"reference {key} is larger than Limits.max_json_bytes ({self._limits.max_json_bytes})"
        )
