"""The hash of what is read or written, taken alongside on a second thread."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_sdk._internal.hashing_thread import Hash
    from maas_sdk.sealing._streams import BytesLike, ReadInto, Write

__all__ = ["hash_read", "hash_written"]


@contextlib.contextmanager
def hash_written(write: Write, hash_: Hash | None) -> Iterator[Write]:
    """Give a `write` that also feeds `hash_`; what it is given must stay until its next call has returned."""
    if hash_ is None:
        yield write
        return
    with HashingThread(_checked(hash_)) as thread:

        def write_and_hash(data: BytesLike) -> None:
            thread.update(data)
            write(data)

        yield write_and_hash


@contextlib.contextmanager
def hash_read(read_into: ReadInto, hash_: Hash | None) -> Iterator[ReadInto]:
    """Give a `read_into` that also feeds `hash_`; what it has read must stay until it has read again."""
    if hash_ is None:
        yield read_into
        return
    with HashingThread(_checked(hash_)) as thread:

        def read_and_hash(buffer: memoryview) -> int:
            count = read_into(buffer)
            thread.update(buffer[:count])
            return count

        yield read_and_hash


def _checked(hash_: Hash) -> Hash:
    if not callable(getattr(hash_, "update", None)):
        raise InvalidOptionError(
            f"ciphertext_hash must have an update method, as hashlib.sha256() has, not {type(hash_).__name__}"
        )
    return hash_
