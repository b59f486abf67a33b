"""What is asked of storage backends: objects that appear whole or not at all, once, and never change."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from maas_sdk.errors import AlreadyExistsError, MaasError, NotFoundError
from maas_sdk.testing._any_kind import CHECKS as ANY_KIND_CHECKS
from maas_sdk.testing._check import expect
from maas_sdk.testing._faults import Fault, expect_fault, faults
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_KEY = "blobs/sha256/abc"
_WRITERS = 64
_THREADS = 16
_LARGE = 3 * 2**20 + 17


def _put(backend: Any, key: str, data: bytes) -> None:
    with backend.create(key) as file:
        file.write(data)


def _get(backend: Any, key: str) -> bytes:
    with backend.open(key) as file:
        data: bytes = file.read()
        return data


def _raises(error: type[Exception], function: Callable[[], object], what: str) -> None:
    try:
        function()
    except error:
        return
    raise AssertionError(f"{what} did not raise {error.__name__}")


def keeps_what_is_written(subject: Subject) -> None:
    """Byte for byte, with its size: empty, small, and larger than a buffer."""
    backend = subject.make()
    for size in (0, 1, _LARGE):
        data = bytes(range(256)) * (size // 256) + bytes(size % 256)
        key = f"data/{size}"
        _put(backend, key, data)
        expect(_get(backend, key) == data, f"{size} bytes came back differently")
        expect(backend.size(key) == size, f"size gives {backend.size(key)} instead of {size}")


def reads_anywhere(subject: Subject) -> None:
    """An opened object is seekable."""
    backend = subject.make()
    _put(backend, _KEY, bytes(range(100)))
    with backend.open(_KEY) as file:
        file.seek(40)
        expect(file.read(3) == bytes([40, 41, 42]), "a read after seek(40) gave other bytes")


def shows_nothing_before_the_end(subject: Subject) -> None:
    """An object appears when the block ends well."""
    backend = subject.make()
    with backend.create(_KEY) as file:
        file.write(b"half")
        _raises(NotFoundError, lambda: backend.open(_KEY).close(), "opening a half-written object")
        expect(list(backend.list("")) == [], "list shows a half-written object")
    expect(list(backend.list("")) == [_KEY], "list does not show a finished object")


def leaves_nothing_after_an_exception(subject: Subject) -> None:
    """Not even after `KeyboardInterrupt`; the key can be written afterwards."""
    backend = subject.make()
    for fault in faults():
        with contextlib.suppress(OSError, MaasError, Fault):
            _fail_halfway(backend, fault)
        expect(list(backend.list("")) == [], "something is left after an exception")
        _raises(NotFoundError, lambda: backend.open(_KEY).close(), "opening what was never finished")
    _put(backend, _KEY, b"whole")


def passes_exceptions_on(subject: Subject) -> None:
    """Who writes learns that nothing was written: `create` swallows no exception of the block."""
    backend = subject.make()
    for fault in faults():
        with expect_fault(fault, "an exception in the block of create"):
            _fail_halfway(backend, fault)


def _fail_halfway(backend: Any, fault: BaseException) -> None:
    with backend.create(_KEY) as file:
        file.write(b"half")
        raise fault


def serves_several_threads(subject: Subject) -> None:
    """Different objects are written and read at once, each whole."""
    backend = subject.make()

    def write_and_read(index: int) -> bool:
        data = index.to_bytes(2) * 10_000
        _put(backend, f"data/{index}", data)
        return _get(backend, f"data/{index}") == data and bool(backend.size(f"data/{index}") == len(data))

    expect(all(at_once(write_and_read, _THREADS)), "what one thread wrote came back differently")
    expect(len(list(backend.list("data/"))) == _THREADS, "list does not show what all threads wrote")


def never_replaces(subject: Subject) -> None:
    """A second `create` raises `AlreadyExistsError`, and the object is as it was."""
    backend = subject.make()
    _put(backend, _KEY, b"first")
    _raises(AlreadyExistsError, lambda: _put(backend, _KEY, b"second"), "a second create")
    expect(_get(backend, _KEY) == b"first", "a second create replaced the object")


def a_race_has_one_winner(subject: Subject) -> None:
    """64 writers of one key: one wins, 63 get `AlreadyExistsError`, and the object is the winner's."""
    backend = subject.make()

    def write(index: int) -> bool:
        try:
            _put(backend, _KEY, index.to_bytes(2) * 1000)
        except AlreadyExistsError:
            return False
        return True

    won = [index for index, success in enumerate(at_once(write, _WRITERS)) if success]
    expect(len(won) == 1, f"of {_WRITERS} writers {len(won)} won")
    expect(_get(backend, _KEY) == won[0].to_bytes(2) * 1000, "the object is not the winner's")


def lists_sorted_by_prefix(subject: Subject) -> None:
    """All keys that start with the prefix, and no others."""
    backend = subject.make()
    keys = ["a/b/c", "a/b-1", "a/bc", "a/b@2", "b/a", "a+/b"]
    for key in keys:
        _put(backend, key, b"")
    for prefix in ("", "a/", "a/b", "a", "b/a", "c"):
        expected = sorted(key for key in keys if key.startswith(prefix))
        given = list(backend.list(prefix))
        expect(given == expected, f"list({prefix!r}) gives {given} instead of {expected}")


def says_what_is_not_there(subject: Subject) -> None:
    """`open`, `size` and `delete` of an absent key raise `NotFoundError`."""
    backend = subject.make()
    _raises(NotFoundError, lambda: backend.open(_KEY).close(), "open of an absent key")
    _raises(NotFoundError, lambda: backend.size(_KEY), "size of an absent key")
    _raises(NotFoundError, lambda: backend.delete(_KEY), "delete of an absent key")


def deletes(subject: Subject) -> None:
    """What is deleted is gone, and its key is free."""
    backend = subject.make()
    _put(backend, _KEY, b"first")
    _put(backend, _KEY + "d", b"other")
    backend.delete(_KEY)
    _raises(NotFoundError, lambda: backend.open(_KEY).close(), "opening a deleted object")
    expect(list(backend.list("")) == [_KEY + "d"], "a deletion left or took too much")
    _put(backend, _KEY, b"second")
    expect(_get(backend, _KEY) == b"second", "a new object under a deleted key has the old content")


CHECKS = (
    *ANY_KIND_CHECKS,
    keeps_what_is_written,
    reads_anywhere,
    shows_nothing_before_the_end,
    leaves_nothing_after_an_exception,
    passes_exceptions_on,
    never_replaces,
    a_race_has_one_winner,
    serves_several_threads,
    lists_sorted_by_prefix,
    says_what_is_not_there,
    deletes,
)
