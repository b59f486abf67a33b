"""Checkpoints: what is saved comes back bit for bit; damage, full disks and second processes are told."""

import errno
import io
import json
import math
import struct
import warnings
from datetime import timedelta
from pathlib import Path

import children
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import maas_sdk as maas
from maas_sdk.artifact import Store
from maas_sdk.checkpoints import Checkpoints, open_checkpoints
from maas_sdk.checkpoints._format import read_state, write_state
from maas_sdk.errors import CheckpointError, InvalidOptionError, StorageError, StorageFullError
from maas_sdk.interfaces import Checkpoint, CheckpointStore
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.storage import LocalBackend, MemoryBackend

STATE = {
    "params": np.arange(6, dtype="f4").reshape(2, 3),
    "history": {"losses": [1.5, math.inf, -0.0], "best": -math.inf, "idle": 3, "kept": None},
    "words": np.array(["é", "ab"]),
    "odd": {"map": {"array": 0}, "float": "inf", "": [True, {}, [], 2**127]},
    "empty": np.empty((0, 3), "i2"),
    "scalar": np.array(7.0),
}


class FiveCalls:
    """A vendor's backend: the contract and nothing else."""

    def __init__(self, inner):
        for name in ("create", "open", "size", "list", "delete"):
            setattr(self, name, getattr(inner, name))


@pytest.fixture(params=["memory", "folder", "five calls"])
def backend(request, tmp_path):
    if request.param == "memory":
        return MemoryBackend()
    local = LocalBackend(tmp_path / "place")
    return local if request.param == "folder" else FiveCalls(local)


def same(one, other):
    assert type(one) is type(other), (one, other)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()
    elif isinstance(one, dict):
        assert set(one) == set(other)
        for name, value in one.items():
            same(value, other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for value, another in zip(one, other, strict=True):
            same(value, another)
    elif isinstance(one, float):
        assert struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    else:
        assert one == other


def test_a_state_comes_back_bit_for_bit_and_a_later_one_takes_its_place(backend):
    checkpoint = Checkpoints(backend).at("a key: anything / at all ✓")
    assert isinstance(checkpoint, Checkpoint)
    assert isinstance(Checkpoints(backend), CheckpointStore)
    assert checkpoint.load() is None
    for epoch in range(5):
        checkpoint.save({**STATE, "epoch": epoch})
        same(Checkpoints(backend).at(checkpoint.key).load(), {**STATE, "epoch": epoch})
        assert len(list(backend.list("checkpoints/"))) == min(epoch + 1, 2)
    assert Checkpoints(backend).at("another").load() is None
    checkpoint.clear()
    assert checkpoint.load() is None
    assert list(backend.list("")) == []
    checkpoint.save({"again": 1})
    assert checkpoint.load() == {"again": 1}


arrays = hnp.arrays(
    st.one_of(
        hnp.boolean_dtypes(),
        hnp.integer_dtypes(endianness="?"),
        hnp.unsigned_integer_dtypes(),
        hnp.floating_dtypes(endianness="?"),
        hnp.complex_number_dtypes(),
        hnp.unicode_string_dtypes(),
        hnp.byte_string_dtypes(),
    ),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**127), 2**127),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=5),
    arrays,
)
states = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3),
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def plain(value):
    """Give what must come back: arrays in native order."""
    if isinstance(value, np.ndarray):
        return np.asarray(value, value.dtype.newbyteorder("<"), order="C")
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@given(states, st.text(max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_plain_state_comes_back(state, key):
    file = io.BytesIO()
    written = key.encode("utf-8", "replace").decode()
    write_state(state, file, key=written, number=1)
    data = file.getvalue()
    back = read_state(io.BytesIO(data), len(data), key=written, number=1, limits=DEFAULT_LIMITS)
    same(back, plain(state))
    checkpoints = open_checkpoints("memory:")
    checkpoints.at(written).save(state)
    same(checkpoints.at(written).load(), plain(state))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (object(), "state"),
        ({1: 2}, "state"),
        ([1, (2, 3)], r"state\['x'\]\[1\], of type tuple"),
        (np.array([object()]), "ndarray"),
        (np.zeros(2, [("a", "f4")]), "ndarray"),
        (np.float32(1), "float32"),
        (np.datetime64("2020"), "datetime64"),
        (1 << 200, "int"),
        (b"bytes", "bytes"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_is_refused_with_its_place_and_what_was_saved_stays(value, where):
    checkpoint = open_checkpoints("memory:").at("k")
    checkpoint.save({"x": 1})
    with pytest.raises(InvalidOptionError, match=where):
        checkpoint.save({"x": value})
    assert checkpoint.load() == {"x": 1}


def bytes_of(state=STATE, number=1):
    file = io.BytesIO()
    write_state(state, file, key="k", number=number)
    return file.getvalue()


def read(data, **limits):
    options = {"key": "k", "number": 1, "limits": Limits(**limits)}
    return read_state(io.BytesIO(data), len(data), **options)


def test_damage_anywhere_is_found():
    data = bytes_of()
    same(read(data), STATE)
    for position in range(len(data)):
        for change in (1, 128):
            damaged = bytearray(data)
            damaged[position] ^= change
            with pytest.raises(CheckpointError):
                read(bytes(damaged))
        with pytest.raises(CheckpointError):
            read(data[:position])
    for wrong in (data + b"\0", data + data, b""):
        with pytest.raises(CheckpointError):
            read(wrong)


def test_a_file_that_ends_before_its_size_is_cut_short():
    data = bytes_of()
    for length in (0, 20, 60, len(data) - 33, len(data) - 1):
        with pytest.raises(CheckpointError, match=r"cut short|digest"):
            read_state(io.BytesIO(data[:length]), len(data), key="k", number=1, limits=DEFAULT_LIMITS)


def forged(header, body=b""):
    """Give a file with a right digest and a header that nobody wrote."""
    import hashlib

    text = json.dumps(header).encode()
    data = b"maas checkpoint 1\n" + len(text).to_bytes(8, "little") + text + body
    return data + hashlib.sha256(data).digest()


HEADER = {"arrays": [], "key": "k", "number": 1, "state": {"map": {}}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arrays": [{"dtype": "|O", "shape": [1]}]}, "cannot be"),
        ({"arrays": [{"dtype": "<f4", "shape": [1 << 30]}]}, "cut short"),
        ({"arrays": [{"dtype": "<f4", "shape": [1 << 62]}]}, "cannot be"),
        ({"arrays": [{"dtype": "<f4", "shape": [-1]}]}, "cannot be"),
        ({"arrays": [{"dtype": "<f4", "shape": [True]}]}, "cannot be"),
        ({"arrays": [{"dtype": "<f3", "shape": [1]}]}, "unknown dtype"),
        ({"arrays": [{"dtype": "<f4,<f4", "shape": [1]}]}, "cannot be"),
        ({"arrays": [{"dtype": "<f4", "shape": [1] * 40}]}, "cannot be"),
        ({"arrays": [{"dtype": "<f4"}]}, "cannot be"),
        ({"arrays": 3}, "list arrays"),
        ({"more": 3}, "other fields"),
        ({"key": "l"}, "number 1 of 'l', not 1 of 'k'"),
        ({"number": 2}, "number 2"),
        ({"state": []}, "no mapping"),
        ({"state": {"map": {"x": {"array": 0}}}}, "unknown mark 'array'"),
        ({"state": {"map": {"x": {"float": "1"}}}}, "unknown mark 'float'"),
        ({"state": {"map": {"x": {"import": "os"}}}}, "unknown mark 'import'"),
        ({"state": {"map": {"x": {}}}}, "unknown mark"),
    ],
    ids=str,
)
def test_a_forged_header_is_refused(change, words):
    assert read(forged(HEADER)) == {}
    with pytest.raises(CheckpointError, match=words):
        read(forged({**HEADER, **change}))


def test_what_is_read_is_bounded():
    with pytest.raises(CheckpointError, match="64 are allowed"):
        read(bytes_of(), max_json_bytes=64)
    deep = {"x": []}
    for _ in range(80):
        deep = {"x": deep}
    with pytest.raises(maas.MaasError, match="max_json_depth"):
        read(bytes_of(deep))
    with pytest.raises(maas.MaasError, match="max_array_bytes allows 8"):
        read(bytes_of(), max_array_bytes=8)
    place = Checkpoints(MemoryBackend(), limits=Limits(max_json_bytes=64)).at("k")
    place.save(STATE)
    with pytest.raises(CheckpointError, match="damaged"):
        place.load()


def spoil(folder, number):
    (path,) = folder.glob(f"checkpoints/*/{number:016d}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_of_a_damaged_state_the_one_before_counts_with_a_warning(tmp_path):
    place = open_checkpoints(tmp_path).at("k")
    for epoch in range(3):
        place.save({"epoch": epoch})
    spoil(tmp_path, 3)
    again = open_checkpoints(tmp_path).at("k")
    with pytest.warns(UserWarning, match="the last state of checkpoint 'k' is damaged: .*; the one before"):
        assert again.load() == {"epoch": 1}
    again.save({"epoch": 2})
    assert open_checkpoints(tmp_path).at("k").load() == {"epoch": 2}
    spoil(tmp_path, 4)  # the one before is the damaged one, still
    with pytest.raises(CheckpointError, match=r"'k' is damaged, checkpoints/[0-9a-f]{64}/0{15}4.*clear\(\)"):
        open_checkpoints(tmp_path).at("k").load()
    broken = open_checkpoints(tmp_path).at("k")
    broken.clear()
    assert broken.load() is None


def test_of_two_that_work_with_one_checkpoint_the_later_is_refused(backend):
    one, other = (Checkpoints(backend).at("k") for _ in range(2))
    one.save({"by": 1})
    other.load()
    one.save({"by": 1})
    with pytest.raises(CheckpointError, match="another process works with checkpoint 'k'"):
        other.save({"by": 2})
    other.load()
    for _ in range(5):  # far ahead: the number that the other would take is free again
        one.save({"by": 1})
    with pytest.raises(CheckpointError, match="another process"):
        other.save({"by": 2})
    assert one.load() == {"by": 1}
    other.load()
    one.clear()
    with pytest.raises(CheckpointError, match="another process"):
        other.save({"by": 2})


def test_a_race_for_one_number_has_one_winner(backend):
    one, other = (Checkpoints(backend).at("k") for _ in range(2))
    one.save({"by": 1})
    other.load()
    listed = list(backend.list("checkpoints/"))
    one.save({"by": 1})
    calls = iter([iter(listed)])
    other._backend = FiveCalls(backend)
    other._backend.list = lambda prefix: next(calls, None) or backend.list(prefix)
    with pytest.raises(CheckpointError, match="another process"):
        other.save({"by": 2})
    assert one.load() == {"by": 1}


@pytest.mark.parametrize("times", [1, 3, 100])
def test_who_loads_while_another_goes_on_looks_again(times):
    backend = MemoryBackend()
    working, looking = (Checkpoints(backend).at("k") for _ in range(2))
    for epoch in range(2):
        working.save({"epoch": epoch})
    left = iter(range(times))

    class Meanwhile(FiveCalls):
        def __init__(self):
            super().__init__(backend)
            self.open = self.open_after

        def open_after(self, key):
            for _ in left:  # between listing and reading the other saves twice: what was listed is gone
                working.save({"epoch": 2})
                working.save({"epoch": 2})
                break
            return backend.open(key)

    looking._backend = Meanwhile()
    if times == 100:
        with pytest.raises(CheckpointError, match="another process"):
            looking.load()
    else:
        assert looking.load() == {"epoch": 2}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_full_or_broken_medium_leaves_what_was_saved(error, tmp_path):
    folder = tmp_path / "place"
    checkpoint = open_checkpoints(folder).at("k")
    checkpoint.save({"epoch": 0})

    def save():
        open_checkpoints(folder).at("k").save({"epoch": 1, "params": np.arange(1000)})

    count = children.run(save, root=folder, hook=children.Count())
    assert not count.error
    checkpoint.clear()
    checkpoint.save({"epoch": 0})
    for number in range(1, len(count.calls) + 1):
        outcome = children.run(save, root=folder, hook=children.Fail(number, error, half=True))
        if outcome.error:
            assert outcome.is_a(StorageFullError if error == errno.ENOSPC else StorageError), outcome.message
        loaded = open_checkpoints(folder).at("k").load()
        assert loaded["epoch"] in (0, 1)
        if loaded["epoch"] == 1:
            checkpoint = open_checkpoints(folder).at("k")
            checkpoint.clear()
            checkpoint.save({"epoch": 0})


def test_killed_between_any_two_writes_there_is_a_whole_state_and_one_leftover_at_most(tmp_path):
    folder = tmp_path / "place"
    checkpoint = open_checkpoints(folder).at("k")
    for epoch in range(2):
        checkpoint.save({"epoch": epoch})

    def save():
        place = open_checkpoints(folder).at("k")
        loaded = place.load()["epoch"]
        place.save({"epoch": loaded + 1, "params": np.arange(1000)})
        return loaded + 1

    count = children.run(save, root=folder, hook=children.Count())
    assert not count.error, count.message
    before = count.value
    for number in range(1, len(count.calls) + 1):
        for where in ("before", "middle", "after"):
            outcome = children.run(save, root=folder, hook=children.Kill(number, where))
            after = open_checkpoints(folder).at("k").load()["epoch"]
            assert after == outcome.value if not outcome.killed else after in (before, before + 1)
            before = after
            assert len(list((folder / ".incoming").iterdir())) <= 1
            assert len(list(folder.glob("checkpoints/*/*"))) <= 3
    open_checkpoints(folder).at("k").clear()
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_store_of_releases_and_checkpoints_share_a_folder(tmp_path):
    store = Store(LocalBackend(tmp_path))
    signer = maas.Identity.generate("acme").signer
    store.publish({"model.json": b"{}"}, name="acme/m", version="1.0.0", signers=[signer])
    checkpoint = open_checkpoints(tmp_path).at("k")
    checkpoint.save(STATE)
    assert store.names() == ["acme/m"]
    assert store.fsck().findings == ()
    assert store.gc(delete=True, grace=timedelta(0)).orphans == ()
    same(open_checkpoints(tmp_path).at("k").load(), STATE)
    checkpoint.clear()
    assert store.open("acme/m").version == "1.0.0"


def test_locations_are_those_of_a_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_checkpoints("work").at("k").save({"x": 1})
    assert open_checkpoints(tmp_path / "work").at("k").load() == {"x": 1}
    assert open_checkpoints(f"file:{tmp_path / 'work'}").at("k").load() == {"x": 1}
    assert open_checkpoints("memory:").at("k").load() is None
    with pytest.raises(maas.MaasError, match="acme"):
        open_checkpoints("acme.s3:bucket")
    assert "work" in repr(open_checkpoints("work"))
    assert "'k'" in repr(open_checkpoints("work").at("k"))


def test_strangers_in_the_folder_are_left_alone(tmp_path):
    place = open_checkpoints(tmp_path).at("k")
    place.save({"x": 1})
    (folder,) = tmp_path.glob("checkpoints/*")
    Path(folder / "notes.txt").write_text("mine")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert place.load() == {"x": 1}
    place.clear()
    assert (folder / "notes.txt").read_text() == "mine"
