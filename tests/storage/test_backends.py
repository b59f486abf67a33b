"""What every backend does."""

import io
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import AlreadyExistsError, NotFoundError, StorageError
from maas_sdk.interfaces import StorageBackend
from maas_sdk.storage import LocalBackend, MemoryBackend


def write(backend, key, data):
    with backend.create(key) as file:
        file.write(data)


def test_the_backends_fulfil_the_contract(local):
    assert isinstance(local, StorageBackend)
    assert isinstance(MemoryBackend(), StorageBackend)


def test_what_was_written_is_read_measured_listed_and_removed(backend):
    write(backend, "a/b", b"hello")
    with backend.open("a/b") as file:
        assert file.read() == b"hello"
        assert file.seek(1) == 1
        assert file.read(2) == b"el"
        file.seek(-1, io.SEEK_END)
        assert file.read() == b"o"
    assert backend.size("a/b") == 5
    assert list(backend.list("")) == ["a/b"]
    backend.delete("a/b")
    assert list(backend.list("")) == []
    write(backend, "a/b", b"again")


def test_what_is_not_there_is_not_found(backend):
    write(backend, "a/b", b"")
    for call in (backend.open, backend.size, backend.delete):
        for key in ("x", "a/x", "a/b/c"):
            with pytest.raises(NotFoundError, match=key):
                call(key)
    assert list(backend.list("x/y")) == []
    assert list(backend.list("a/b/c")) == []


def test_an_object_is_never_replaced(backend):
    write(backend, "k", b"first")
    with pytest.raises(AlreadyExistsError, match="k"):
        write(backend, "k", b"second")
    with backend.open("k") as file:
        assert file.read() == b"first"


def test_of_two_writers_at_once_the_first_to_end_wins_and_the_other_is_told(backend, files):
    with pytest.raises(AlreadyExistsError), backend.create("k") as late:
        late.write(b"late")
        write(backend, "k", b"early")
    with backend.open("k") as file:
        assert file.read() == b"early"
    assert list(backend.list("")) == ["k"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ValueError, OSError, GeneratorExit])
def test_an_interruption_leaves_nothing(backend, files, interruption):
    # An error of the medium in the block is reported as one.
    expected = (interruption, StorageError) if interruption is OSError else interruption
    with pytest.raises(expected), backend.create("a/b") as file:
        file.write(b"half")
        raise interruption
    assert list(backend.list("")) == []
    assert files() == []
    write(backend, "a/b", b"whole")


def test_keys_are_listed_in_the_order_of_their_characters(backend):
    keys = ["a", "a-b", "a.b", "a0", "aa/b", "b/c/d", "b/c-d", "b/c.d/e", "B"]
    for key in keys:
        write(backend, key, b"")
    assert list(backend.list("")) == sorted(keys)
    assert list(backend.list("a")) == ["a", "a-b", "a.b", "a0", "aa/b"]
    assert list(backend.list("b/")) == ["b/c-d", "b/c.d/e", "b/c/d"]
    assert list(backend.list("b/c.")) == ["b/c.d/e"]
    assert list(backend.list("b/c/d")) == ["b/c/d"]


@given(st.sets(st.from_regex(r"[aB0+._-]{1,3}(/[aB0+._-]{1,3}){0,2}", fullmatch=True), max_size=8))
@settings(deadline=None, max_examples=25)
def test_memory_and_folder_list_the_same(tmp_path_factory, keys):
    local, memory = LocalBackend(tmp_path_factory.mktemp("store")), MemoryBackend()
    kept = []
    for key in sorted(keys):
        # In a folder a name is an object or a folder of objects, not both.
        if any(segment.startswith(".") for segment in key.split("/")):
            continue
        if any(key.startswith(other + "/") or other.startswith(key + "/") for other in kept):
            continue
        kept.append(key)
        write(local, key, b"")
        write(memory, key, b"")
    for prefix in ("", "a", "B/", "a/a"):
        assert list(local.list(prefix)) == list(memory.list(prefix))


def test_of_64_threads_that_create_one_key_one_wins(backend):
    start = threading.Barrier(64)
    results = []

    def attempt(number):
        start.wait()
        try:
            write(backend, "race/k", b"%d" % number)
        except AlreadyExistsError:
            results.append(None)
        else:
            results.append(number)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number in results if number is not None]
    assert len(results) == 64
    assert len(winners) == 1
    with backend.open("race/k") as file:
        assert file.read() == b"%d" % winners[0]
    assert list(backend.list("")) == ["race/k"]
