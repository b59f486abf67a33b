"""The two formats from outside: safetensors that the reference library reads, JSON and headers that lie."""

import json
import struct
import sys

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from maas_sdk.errors import (
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    UnsupportedModelError,
)
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.serialization._allowed import Allowed
from maas_sdk.serialization._files import TensorSink, TensorSource
from maas_sdk.serialization._place import Place
from maas_sdk.serialization._tensors import pack as pack_pieces
from maas_sdk.serialization._tensors import unpack
from maas_sdk.serialization._values import ValueReader, ValueWriter

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 3
FILE = "tensors/000.safetensors"


def pack(arrays):
    return b"".join(pack_pieces(arrays))


def refuse(value, place):
    raise place.refusal(f"not plain: {value!r}")


def through_parts(value):
    """Encode and decode one value with its tensor files."""
    sink = TensorSink()
    node = ValueWriter(sink, Allowed(), refuse).encode(value, Place(name="value"))
    node = json.loads(json.dumps(node, allow_nan=False))
    parts = {name: memoryview(b"".join(data)) for name, data in sink.parts(zstd=False)}
    source = TensorSource(parts, DEFAULT_LIMITS)
    result = ValueReader(source, Allowed(), refuse).decode(node, Place())
    source.finish()
    return result


def decode(node, arrays=None):
    parts = {} if arrays is None else {FILE: memoryview(pack(arrays))}
    return ValueReader(TensorSource(parts, DEFAULT_LIMITS), Allowed(), refuse).decode(node, Place())


DTYPES = [np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)] + [
    *(np.dtype(f"f{size}") for size in (2, 4, 8)),
    np.dtype(bool),
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_arrays_come_back_bit_for_bit(data):
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(st.lists(st.integers(0, 5), max_size=4))
    size = int(np.prod(shape))
    raw = data.draw(st.binary(min_size=size * dtype.itemsize, max_size=size * dtype.itemsize))
    array = np.frombuffer(bytes(byte & 1 for byte in raw) if dtype.kind == "b" else raw, dtype).reshape(shape)
    order = data.draw(st.sampled_from(["C", "F", "strided", "backwards"]))
    if order == "strided":
        array = np.repeat(np.atleast_1d(array), 2, axis=0)[::2]
    elif order == "backwards":
        array = np.flip(array) if array.ndim else array  # flipping no axis gives a scalar, not an array
    else:
        array = np.array(array, order=order)
    given_back = through_parts(array)
    assert given_back.dtype == array.dtype
    assert given_back.shape == array.shape
    assert given_back.tobytes() == array.tobytes()
    if order == "backwards" and array.size > 1:
        assert given_back.strides == array.strides
    elif order in "CF":
        assert given_back.flags.f_contiguous == array.flags.f_contiguous


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=9),
    st.booleans(),
)
def test_strings_come_back(strings, fixed):
    array = np.array(strings, dtype=np.str_ if fixed else object)
    given_back = through_parts(array)
    assert given_back.dtype.kind == array.dtype.kind
    assert given_back.tolist() == strings


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=3), max_size=6)
)
def test_arrays_of_objects_come_back_with_their_types(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    given_back = through_parts(array)
    assert given_back.dtype == object
    assert repr(given_back.tolist()) == repr([str(item) if type(item) is str else item for item in items])


def test_texts_with_zeros_come_back_and_are_checked_like_others():
    strings = np.array(["a\0b", "", "\0", "ä"], dtype=object)
    assert through_parts(strings).tolist() == strings.tolist()
    node = {
        "strings": {"tensor": "text", "file": 0},
        "offsets": {"tensor": "offsets", "file": 0},
        "shape": [2],
        "dtype": "object",
    }
    with pytest.raises(InvalidArtifactError, match="not UTF-8"):
        decode(node, {"text": np.array([0, 195, 164], np.uint8), "offsets": np.array([0, 2, 3])})
    with pytest.raises(InvalidArtifactError, match="another shape"):
        decode({**node, "shape": [3]}, {"text": np.array([65, 66], np.uint8), "offsets": np.array([0, 1, 2])})


def test_mapped_arrays_are_written_like_others(tmp_path):
    np.save(tmp_path / "array.npy", np.arange(5.0))
    assert through_parts(np.load(tmp_path / "array.npy", mmap_mode="r")).tolist() == [0, 1, 2, 3, 4]


def test_strings_and_objects_of_two_dimensions_keep_their_shape():
    for array in (
        np.array([["a", "bc"], ["", "ä"]]),
        np.array([["a", None], [1, 2.5]], dtype=object),
        np.array([["a"], ["b"]], dtype=object),
    ):
        given_back = through_parts(array)
        assert given_back.shape == array.shape
        assert given_back.tolist() == array.tolist()


SPARSE = [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_sparse_matrices_come_back_as_they_were(data):
    rows, columns = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    numbers = data.draw(
        st.lists(st.sampled_from([0.0, 1.5, -2.0]), min_size=rows * columns, max_size=rows * columns)
    )
    matrix = data.draw(st.sampled_from(SPARSE))(np.reshape(numbers, (rows, columns)))
    matrix.indices = (
        matrix.indices[::-1].copy() if data.draw(st.booleans()) and rows * columns == 1 else matrix.indices
    )
    given_back = through_parts(matrix)
    assert type(given_back) is type(matrix)
    assert given_back.shape == matrix.shape
    for name in ("data", "indices", "indptr"):
        left, right = getattr(given_back, name), getattr(matrix, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


def test_a_sparse_matrix_knows_whether_its_indices_are_sorted():
    for indices in ([0, 2, 1], [2, 0, 1]):
        matrix = sparse.csr_matrix(
            (np.ones(3), np.array(indices, np.int32), np.array([0, 2, 3], np.int32)), (2, 3)
        )
        given_back = through_parts(matrix)
        assert given_back.has_sorted_indices == (indices == [0, 2, 1])
        np.testing.assert_array_equal(given_back.toarray(), matrix.toarray())
    assert through_parts(sparse.csr_matrix((3, 2))).shape == (3, 2)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("indices", lambda array: array + 3),
        ("indices", lambda array: array - 1),
        ("indices", lambda array: array[:-1]),
        ("indices", lambda array: array.astype(np.int64)),
        ("indices", lambda array: array.astype(np.int16)),
        ("indptr", lambda array: array[:-1]),
        ("indptr", lambda array: array[::-1].copy()),
        ("indptr", lambda array: array + 1),
        ("indptr", lambda array: np.array([0, 3, 2], array.dtype)),
        ("indptr", lambda array: array[:, None]),
        ("data", lambda array: array[:-1]),
        ("data", lambda array: np.array(["a", "b"])),
    ],
)
def test_a_sparse_matrix_that_points_elsewhere_is_refused(name, change):
    arrays = {
        "data": np.ones(2),
        "indices": np.array([0, 2], np.int32),
        "indptr": np.array([0, 1, 2], np.int32),
    }
    arrays[name] = change(arrays[name])
    sink = TensorSink()
    writer = ValueWriter(sink, Allowed(), refuse)
    node = {"sparse": "csr_matrix", "shape": [2, 3]}
    node |= {key: writer.encode(array, Place(name=key)) for key, array in arrays.items()}
    parts = {part: memoryview(b"".join(data)) for part, data in sink.parts(zstd=False)}
    with pytest.raises(InvalidArtifactError):
        ValueReader(TensorSource(parts, DEFAULT_LIMITS), Allowed(), refuse).decode(node, Place())


def test_random_states_go_on_where_they_were():
    for state in (np.random.RandomState(3), np.random.RandomState(4)):
        state.normal(size=3)
        given_back = through_parts(state)
        np.testing.assert_array_equal(given_back.normal(size=5), state.normal(size=5))
    with pytest.raises(InvalidArtifactError, match="PCG64"):
        through_parts(np.random.RandomState(np.random.PCG64(0)))
    word = {"tensor": "key", "file": 0, "dtype": "uint32"}
    for key, position in ((np.zeros(623, np.uint32), 0), (np.zeros(624, np.uint32), 625)):
        with pytest.raises(InvalidArtifactError):
            decode({"random_state": word, "position": position, "gauss": None}, {"key": key})


def test_masked_arrays_slices_sets_and_names_come_back():
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    given_back = through_parts(masked)
    assert given_back.mask.tolist() == [True, False]
    assert given_back.data.tolist() == [1.0, 2.0]
    wrong = {"tensor": "mask", "file": 0, "dtype": "bool"}
    with pytest.raises(InvalidArtifactError, match="another shape"):
        decode({"masked": {"objects": [], "shape": [0]}, "mask": wrong}, {"mask": np.zeros(2, np.bool_)})
    for value in (
        slice(1, None, 2),
        slice("a", "b"),
        {"b", "a", 3},
        frozenset({1}),
        np.log1p,
        np.float32,
        float,
    ):
        assert through_parts(value) == value
    assert through_parts(np.bool_) is np.bool_
    assert json.dumps(
        ValueWriter(TensorSink(), Allowed(), refuse).encode({"b", 2, "a"}, Place())
    ) == json.dumps({"set": [2, "a", "b"]})


def test_a_long_dictionary_of_integers_is_two_arrays():
    index = {f"word {number}": number * 3 - 50 for number in range(100)}
    sink = TensorSink()
    node = ValueWriter(sink, Allowed(), refuse).encode(index, Place(name="index"))
    assert set(node) == {"index", "to"}
    assert through_parts(index) == index
    assert list(through_parts(index)) == list(index)
    scalars = {key: np.int64(number) for key, number in index.items()}
    assert {type(number) for number in through_parts(scalars).values()} == {np.int64}
    assert through_parts({**index, "huge": 2**63})["huge"] == 2**63
    assert through_parts({**index, "other": 1.5})["other"] == 1.5
    strings = {
        "strings": {"tensor": "text", "file": 0},
        "offsets": {"tensor": "offsets", "file": 0},
        "shape": [2],
        "dtype": "object",
    }
    numbers = {"tensor": "to", "file": 0, "dtype": "int64"}
    arrays = {"text": np.frombuffer(b"aa", np.uint8), "offsets": np.array([0, 1, 2]), "to": np.array([1, 2])}
    for change, message in (
        ({}, "twice"),
        ({"to": np.array([1.0, 2.0])}, "cannot stand for"),
        ({"to": np.array([1, 2, 3])}, "as many"),
        ({"to": np.array([[1, 2]])}, "as many"),
    ):
        with pytest.raises(InvalidArtifactError, match=message):
            decode({"index": strings, "to": numbers}, {**arrays, **change})


def test_many_small_arrays_share_a_tensor_and_each_piece_is_used_once():
    arrays = [np.full((2, 3), float(number)) for number in range(80)]
    sink = TensorSink()
    node = ValueWriter(sink, Allowed(), refuse).encode(arrays, Place(name="many"))
    ((name, pieces),) = sink.parts(zstd=False)
    data = b"".join(pieces)
    assert len([key for key in safetensors.numpy.load(data) if not key.startswith(".pad")]) == 65

    def read(document):
        source = TensorSource({name: memoryview(data)}, DEFAULT_LIMITS)
        result = ValueReader(source, Allowed(), refuse).decode(document, Place())
        source.finish()
        return result

    for left, right in zip(read(node), arrays, strict=True):
        np.testing.assert_array_equal(left, right)
    for change in (
        {"at": 1},
        {"at": 0},
        {"at": -1},
        {"at": 10**6},
        {"shape": [2, 2]},
        {"tensor": ".small.int8"},
        {"tensor": 5},
        {"tensor": "many[0]"},
    ):
        altered = json.loads(json.dumps(node))
        altered[-1].update(change)
        with pytest.raises(InvalidArtifactError):
            read(altered)


def test_compressed_files_are_smaller_and_bounded():
    model = LinearRegression().fit(np.eye(2000)[:50], np.arange(50.0))
    plain, packed = dump_parts(model), dump_parts(model, zstd=True)
    assert set(packed) == {"model.json", f"{FILE}.zst"}
    assert len(packed[f"{FILE}.zst"]) < len(plain[FILE])
    assert load_parts(packed).coef_.tobytes() == model.coef_.tobytes()
    frame = packed[f"{FILE}.zst"]
    for data in (
        b"",
        b"x" * 40,
        frame[:-1],
        frame[:-5],
        frame + b"x",
        frame + frame,
        frame[:60] + bytes([frame[60] ^ 1]) + frame[61:],
        zstd.compress(plain[FILE] + b"x")[:-1],
    ):
        with pytest.raises(InvalidArtifactError):
            load_parts({**packed, f"{FILE}.zst": data})
    stream = zstd.ZstdCompressor()
    with pytest.raises(InvalidArtifactError, match="does not say how large"):
        load_parts({**packed, f"{FILE}.zst": stream.compress(plain[FILE]) + stream.flush()})
    for data, limits in (
        (zstd.compress(bytes(2**28)), DEFAULT_LIMITS),
        (frame, Limits(max_part_bytes=len(frame))),
    ):
        with pytest.raises(LimitExceededError, match="max_part_bytes"):
            load_parts({**packed, f"{FILE}.zst": data}, limits=limits)


def test_what_does_not_become_smaller_or_would_be_refused_is_not_compressed():
    model = LinearRegression().fit(np.eye(1000), np.arange(1000.0))
    bits = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64) & ~np.uint64(2**62)  # none infinite
    model.coef_, model.singular_ = bits.view(np.float64), bits[:1].view(np.float64)
    assert FILE in dump_parts(model, zstd=True)
    scaler = StandardScaler().fit(np.full((2, 400_000), 0.1))
    assert FILE in dump_parts(scaler, zstd=True)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(-5, 5) | st.none(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(PLAIN)
def test_plain_values_come_back_with_their_types(value):
    assert repr(through_parts(value)) == repr(value)


@pytest.mark.parametrize(
    "scalar",
    [
        np.float64("nan"),
        np.float64(-0.0),
        np.float32(0.1),
        np.float16(3),
        np.int8(-5),
        np.uint64(2**64 - 1),
        np.bool_(1),
    ],
)
def test_scalars_of_numpy_stay_scalars_of_numpy(scalar):
    given_back = through_parts(scalar)
    assert type(given_back) is type(scalar)
    assert given_back.tobytes() == scalar.tobytes()
    assert type(through_parts(np.str_("x"))) is np.str_


@pytest.mark.parametrize(
    "value",
    [
        2**65,
        1j,
        {1.5, 2},
        object(),
        "\ud800",
        np.array(["\ud800"], dtype=object),
        np.array([object()]),
        np.array([1j]),
        np.array([1]).view(np.matrix),
        np.complex64(1),
        sparse.coo_matrix(np.eye(2)),
        sparse.csr_matrix(np.array([[1j]])),
        np.zeros((1,) * 17),
        {(1, 2): 3},
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ],
)
def test_what_is_not_plain_is_refused_when_it_is_written(value):
    with pytest.raises(InvalidArtifactError):
        through_parts(value)


def test_a_list_that_holds_itself_is_refused_when_it_is_written():
    endless = []
    endless.append(endless)
    with pytest.raises(InvalidArtifactError, match="nested deeper"):
        through_parts(endless)


@pytest.mark.parametrize(
    "node",
    [
        {},
        {"unknown": 1},
        {"float": "NaN"},
        {"float": "nan", "more": 1},
        {"tuple": {}},
        {"set": [1.5]},
        {"set": [[]]},
        {"set": {}},
        {"frozenset": [None]},
        {"slice": [1, 2]},
        {"slice": [1, 2, 0]},
        {"slice": [1.5, 2, None]},
        {"slice": [True, 2, None]},
        {"numpy_dtype": "O8"},
        {"numpy_dtype": 8},
        {"strings": {}, "offsets": {}, "shape": [1], "dtype": []},
        {"name": "os.system"},
        {"name": "numpy.load"},
        {"name": 5},
        {"objects": [1], "shape": [2]},
        {"objects": [1], "shape": [-1]},
        {"objects": [1], "shape": [True]},
        {"objects": [1], "shape": 1},
        {"objects": [], "shape": [0] * 17},
        {"objects": {}, "shape": [0]},
        {"index": {"tensor": "b", "file": 0, "dtype": "float64"}, "to": {"objects": [], "shape": [0]}},
        {"index": [], "to": {}},
        {"masked": 1, "mask": 2},
        {"masked": {"objects": [1], "shape": [1]}, "mask": {"objects": [True], "shape": [1]}},
        {"masked": {"tensor": "b", "file": 0, "dtype": "float64"}, "mask": {"objects": [], "shape": [0]}},
        {"random_state": 1, "position": 0, "gauss": None},
        {"random_state": 1, "position": 0.5, "gauss": None},
        {"sparse": "coo_matrix", "shape": [1, 1], "data": 1, "indices": 1, "indptr": 1},
        {"sparse": "csr_matrix", "shape": [1, 1], "data": 1, "indices": 1, "indptr": 1},
        {"sparse": "csr_matrix", "shape": [1, 1], "data": 1, "indices": 1, "indptr": 1, "more": 1},
        {"tensor": "b", "file": 0, "dtype": "float64", "at": 0, "shape": [3]},
        {"tensor": "b", "file": 0, "dtype": "float64", "at": 0},
        {"dict": [1]},
        {"dict": [["a"]]},
        {"dict": [["a", 1], ["a", 2]]},
        {"dict": [[{"tuple": []}, 1]]},
        {"scalar": 1, "dtype": "float64"},
        {"scalar": 1.0, "dtype": "int64"},
        {"scalar": 1, "dtype": "bool"},
        {"scalar": 300, "dtype": "int8"},
        {"scalar": 0.1, "dtype": "float16"},
        {"scalar": 1, "dtype": "object"},
        {"tensor": "a", "file": 0, "dtype": "float64", "order": "C"},
        {"tensor": "a", "file": 0, "dtype": "float64"},
        {"tensor": "b", "file": 0, "dtype": "float64", "order": "C"},
        {"tensor": "b", "file": 0, "dtype": "float64", "more": 1},
        {"tensor": "b", "file": 0, "dtype": "float64", "flip": 0},
        {"tensor": "b", "file": 0, "dtype": "float64", "flip": [1]},
        {"tensor": "b", "file": 0, "dtype": "float64", "flip": [0, 0]},
        {"tensor": "b", "file": 0, "dtype": "float64", "flip": [True]},
        {"tensor": "b", "file": 0, "dtype": "float64", "flip": ["x"]},
        {"tensor": "a", "file": -1, "dtype": "float64"},
        {"tensor": "a", "file": True, "dtype": "float64"},
        {"strings": {}, "offsets": {}, "shape": [1], "dtype": "bytes"},
        {"strings": {}, "offsets": {}, "shape": [1], "dtype": "str"},
        {"strings": {}, "offsets": {}, "shape": [1], "dtype": "str", "more": 1},
        {"strings": 1, "offsets": 2, "shape": [1], "dtype": "str"},
        {"type": "sklearn.Ridge"},
        2**65,
    ],
)
def test_nodes_that_mean_nothing_are_refused(node):
    with pytest.raises(InvalidArtifactError):
        decode(node, {"b": np.zeros(3)})


def test_a_file_without_a_scalar_type_gives_its_own_numbers():
    assert np.isnan(decode({"scalar": {"float": "nan"}, "dtype": "float32"}))


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        (np.zeros(3, np.int8), np.array([0, 3])),
        (np.zeros((3, 1), np.uint8), np.array([0, 3])),
        (np.zeros(3, np.uint8), np.array([0.0, 3.0])),
        (np.zeros(3, np.uint8), np.array([[0, 3]])),
        (np.zeros(3, np.uint8), np.array([], np.int64)),
        (np.zeros(3, np.uint8), np.array([1, 3])),
        (np.zeros(3, np.uint8), np.array([0, 2])),
        (np.zeros(3, np.uint8), np.array([0, 4])),
        (np.zeros(3, np.uint8), np.array([0, 2, 1, 3])),
        (np.zeros(3, np.uint8), np.array([0, 127, -128, 3], np.int8)),
        (np.full(3, 255, np.uint8), np.array([0, 3])),
    ],
)
def test_strings_with_false_offsets_are_refused(text, offsets):
    node = {
        "strings": {"tensor": "text", "file": 0},
        "offsets": {"tensor": "offsets", "file": 0},
        "shape": [max(offsets.size - 1, 0)],
        "dtype": "object",
    }
    with pytest.raises(InvalidArtifactError):
        decode(node, {"text": text, "offsets": offsets})


def test_the_reference_library_reads_what_we_write_aligned_to_64_bytes():
    arrays = {
        "b": np.arange(5, dtype=np.int16),
        "a": np.array(2.5),
        "c": np.zeros((0, 7), np.float32),
        "d": np.array([True, False]),
        "e": np.arange(64.0),
    }
    data = pack(arrays)
    read = safetensors.numpy.load(data)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)
    size = struct.unpack("<Q", data[:8])[0]
    assert (8 + size) % 64 == 0
    header = json.loads(data[8 : 8 + size])
    assert all(header[name]["data_offsets"][0] % 64 == 0 for name in arrays)


def test_we_read_what_the_reference_library_writes():
    arrays = {"x": np.arange(6.0).reshape(2, 3), "y": np.array([1, 2, 3], np.uint8)}
    read = unpack(memoryview(safetensors.numpy.save(arrays)), what="a file", limits=DEFAULT_LIMITS)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert not read[name].flags.writeable


def test_arrays_at_odd_addresses_are_copied_into_place():
    data = bytearray(b"x" + pack({"a": np.arange(3.0)}))
    read = unpack(memoryview(data)[1:], what="a file", limits=DEFAULT_LIMITS)
    assert read["a"].flags.aligned
    assert read["a"].tolist() == [0, 1, 2]


def file_of(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype="U8", shape=(1,), offsets=(0, 1)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        struct.pack("<Q", 2**63),
        file_of(b"[]"),
        file_of(b"{"),
        file_of({"a": 1}),
        file_of({"__metadata__": {"format": "x"}}),
        file_of({"a": {**entry(), "more": 1}}, b"x"),
        file_of({"a": entry("C64", (1,), (0, 8))}, b"x" * 8),
        file_of({"a": entry("U8", (-1,))}, b"x"),
        file_of({"a": entry("U8", (True,))}, b"x"),
        file_of({"a": entry("U8", (1.0,))}, b"x"),
        file_of({"a": entry("U8", (2**60,), (0, 2**60))}, b"x"),
        file_of({"a": entry("U8", (1,) * 17)}, b"x"),
        file_of({"a": entry("U8", (2,))}, b"xx"),
        file_of({"a": entry("U8", (2,), (0, 2))}, b"x"),
        file_of({"a": entry()}, b"xx"),
        file_of({"a": entry(), "b": entry()}, b"x"),
        file_of({"a": entry(), "b": entry("U8", (1,), (2, 3))}, b"xxx"),
        file_of({"a": entry("U8", (1,), (1, 2))}, b"xx"),
        file_of({"a": entry("BOOL")}, b"\x02"),
        file_of({".pad0": entry()}, b"\x01"),
        file_of(
            b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}", b"x"
        ),
    ],
)
def test_a_file_that_is_no_safetensors_file_is_refused(data):
    with pytest.raises(InvalidArtifactError):
        unpack(memoryview(data), what="a file", limits=DEFAULT_LIMITS)


def test_an_array_that_is_too_large_is_refused_before_it_is_looked_at():
    header = {"a": entry("F64", (2**40,), (0, 2**43))}
    with pytest.raises(LimitExceededError, match="max_array_bytes"):
        unpack(memoryview(file_of(header)), what="a file", limits=Limits(max_array_bytes=2**40))


VALID = dump_parts(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, np.array(["a", "b", "c"])[Y]))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_altered_bytes_are_refused_or_load(data):
    name = data.draw(st.sampled_from(sorted(VALID)))
    part = bytearray(VALID[name])
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(part) - 1))
        action = data.draw(st.sampled_from(["set", "insert", "delete", "cut"]))
        if action == "set":
            part[position] = data.draw(st.integers(0, 255))
        elif action == "insert":
            part[position:position] = data.draw(st.binary(min_size=1, max_size=9))
        elif action == "delete":
            del part[position : position + data.draw(st.integers(1, 9))]
        else:
            del part[max(position, 1) :]
        part = part or bytearray(b"{")
    try:
        loaded = load_parts({**VALID, name: bytes(part)})
    except InvalidArtifactError:
        return
    assert hasattr(loaded, "predict")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["model.json", FILE]), st.booleans())
def test_garbage_is_refused(garbage, name, framed):
    data = struct.pack("<Q", len(garbage)) + garbage if framed else garbage
    with pytest.raises(InvalidArtifactError):
        load_parts({**VALID, name: data})


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(format="maas-model/2"),
        lambda document: document.pop("format"),
        lambda document: document.pop("versions"),
        lambda document: document.pop("profile"),
        lambda document: document.update(profile="half"),
        lambda document: document.update(more=1),
        lambda document: document.update(versions={"numpy": 2}),
        lambda document: document.update(versions=[]),
        lambda document: document.update(model=[]),
        lambda document: document.update(model="sklearn.Ridge"),
    ],
)
def test_a_document_of_another_form_is_refused(change):
    document = json.loads(VALID["model.json"])
    change(document)
    with pytest.raises(InvalidArtifactError):
        load_parts({**VALID, "model.json": json.dumps(document).encode()})


def test_parts_that_are_missing_or_too_many_are_refused():
    with pytest.raises(InvalidArtifactError, match="not of the format"):
        load_parts({**VALID, "model.json": b"[]"})
    with pytest.raises(InvalidArtifactError, match=r"model\.json is missing"):
        load_parts({FILE: VALID[FILE]})
    with pytest.raises(InvalidArtifactError, match=r"001\.safetensors is missing"):
        load_parts({name: part for name, part in VALID.items() if "001" not in name})
    with pytest.raises(InvalidArtifactError, match="nothing uses tensor 'extra'"):
        load_parts({**VALID, "tensors/002.safetensors": pack({"extra": np.zeros(1)})})
    with pytest.raises(InvalidArtifactError, match="unexpected part"):
        load_parts({**VALID, "tensors/003.safetensors": pack({"extra": np.zeros(1)})})
    with pytest.raises(InvalidArtifactError, match="unexpected part"):
        load_parts({**VALID, "tensors/../x": b""})
    with pytest.raises(InvalidArtifactError, match="unexpected part"):
        load_parts({**VALID, f"{FILE}.zst": b""})
    with pytest.raises(InvalidOptionError, match="contiguous bytes"):
        load_parts({**VALID, FILE: "text"})
    assert load_parts({**VALID, "card.md": b"not ours"}).predict(X).shape == (40,)


def test_an_array_that_is_used_twice_is_refused():
    document = VALID["model.json"].replace(b'"tensor":"var_"', b'"tensor":"mean_"')
    with pytest.raises(InvalidArtifactError, match="used twice"):
        load_parts({**VALID, "model.json": document})


def test_rounded_weights_are_stored_small_and_come_back_as_float64():
    model = LinearRegression().fit(np.random.default_rng(0).normal(size=(600, 500)), np.arange(600.0))
    sizes = []
    for dtype in (np.float64, np.float32, np.float16):
        model.coef_ = model.coef_.astype(dtype).astype(np.float64)
        parts = dump_parts(model)
        loaded = load_parts(parts)
        assert loaded.coef_.dtype == np.float64
        assert loaded.coef_.tobytes() == model.coef_.tobytes()
        sizes.append(safetensors.numpy.load(parts[FILE])["coef_"].nbytes)
    assert sizes == [4000, 2000, 1000]


def test_arrays_that_were_not_narrowed_are_views_of_the_part():
    parts = dump_parts(LinearRegression().fit(X, X[:, 0] * 0.1))
    loaded = load_parts(parts)
    part = np.frombuffer(parts[FILE], np.uint8)
    assert np.shares_memory(loaded.coef_, part)


def test_an_unchanged_step_is_an_unchanged_file():
    scaler = StandardScaler().fit(X)
    first = make_pipeline(scaler, LogisticRegression().fit(X, Y))
    second = make_pipeline(scaler, LogisticRegression(C=0.1).fit(X, Y))
    left, right = dump_parts(first), dump_parts(second)
    assert left[FILE] == right[FILE]
    assert left["tensors/001.safetensors"] != right["tensors/001.safetensors"]


def test_the_files_are_few_however_many_steps_there_are():
    chain = make_pipeline(*(StandardScaler() for _ in range(120))).fit(X)
    parts = dump_parts(chain)
    assert len(parts) == 97
    assert "steps[100].mean_" in safetensors.numpy.load(parts["tensors/095.safetensors"])
    loaded = load_parts(parts)
    np.testing.assert_array_equal(loaded.transform(X), chain.transform(X))
    assert dump_parts(loaded) == parts


def test_a_chain_of_pipelines_that_is_too_deep_for_a_reader_is_refused_when_it_is_written():
    chain = StandardScaler()
    for _ in range(20):
        chain = make_pipeline(chain)
    chain.fit(X)
    with pytest.raises(UnsupportedModelError, match=r"max_json_depth|nested deeper"):
        dump_parts(chain)
