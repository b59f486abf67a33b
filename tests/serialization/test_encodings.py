"""Floats in fewer bytes than their dtype takes: what is stored so, bit for bit, and what a reader refuses."""

import contextlib
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import ORDINARY
from mutations import mutant
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier

from maas_sdk.errors import InvalidArtifactError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.serialization import dump, dump_parts, load, load_parts
from maas_sdk.serialization._allowed import Allowed
from maas_sdk.serialization._files import TensorSink, TensorSource
from maas_sdk.serialization._place import Place
from maas_sdk.serialization._tensors import pack
from maas_sdk.serialization._values import ValueReader, ValueWriter

VECTORS = Path(__file__).parents[1] / "vectors/encodings"
RNG = np.random.default_rng(4)
WEIGHTS = RNG.normal(size=(70, 40)).astype(np.float32)
WIDE = WEIGHTS * np.float32(1e7)  # beyond float16


def refuse(value, place):
    raise place.refusal(f"not plain: {value!r}")


def encoded(array):
    """Give the JSON of an array and the bytes of its tensor file."""
    sink = TensorSink()
    node = ValueWriter(sink, Allowed(), refuse).encode(array, Place(name="a"))
    (part,) = sink.parts(zstd=False)
    return json.loads(json.dumps(node)), b"".join(part[1])


def decoded(node, data, limits=DEFAULT_LIMITS):
    source = TensorSource({"tensors/000.safetensors": memoryview(data)}, limits)
    array = ValueReader(source, Allowed(), refuse).decode(node, Place())
    source.finish()
    return array


def from_arrays(node, **arrays):
    """Decode a node that somebody has made up; strings in it are references."""
    return decoded(referring(node), b"".join(pack(arrays)))


def referring(node):
    if isinstance(node, dict):
        return {key: value if key in ("shape", "dtype") else referring(value) for key, value in node.items()}
    return {"tensor": node, "file": 0} if isinstance(node, str) else node


def quantized(weights, largest, axis):
    """Round to codes with a scale for each channel, as the compressors do."""
    scales = (np.abs(weights).max(axis, keepdims=True) / np.float32(largest)).astype(np.float32)
    codes = np.rint(np.divide(weights, scales, where=scales > 0, out=np.zeros_like(weights))).astype(np.int8)
    return codes * scales


def pruned(weights, share):
    return np.where(np.abs(weights) > np.quantile(np.abs(weights), share), weights, np.float32(0))


def bfloat16(weights):
    return (weights.view(np.uint32) & 0xFFFF0000).view(np.float32)


N = WEIGHTS.size
CASES = {
    "bfloat16": (bfloat16(WIDE), "bfloat16", 2 * N),
    "int8 by columns": (quantized(WEIGHTS, 127, 0), "codes", N + 4 * 40),
    "int8 by rows": (quantized(WEIGHTS, 127, 1), "codes", N + 4 * 70),
    "int8, one row": (quantized(WEIGHTS.reshape(-1), 127, 0), "codes", N + 4),
    "int4 by columns": (quantized(WEIGHTS, 7, 0), "codes", N / 2 + 4 * 40),
    "int4 by rows": (quantized(WEIGHTS, 7, 1), "codes", N / 2 + 4 * 70),
    "pruned": (pruned(WEIGHTS, 0.9), "nonzero", N / 8 + 4 * N / 10),
    "pruned, float16": (pruned(WEIGHTS, 0.9).astype(np.float16).astype("f4"), "nonzero", N / 8 + 2 * N / 10),
    "pruned, bfloat16": (bfloat16(pruned(WIDE, 0.9)), "bfloat16", N / 8 + 2 * N / 10),
    "pruned, int8": (quantized(pruned(WEIGHTS, 0.9), 127, 0), "codes", N / 8 + N / 10 + 160),
    "pruned, int4": (quantized(pruned(WEIGHTS, 0.9), 7, 0), "codes", N / 8 + N / 20 + 160),
    "shares of 255": (np.rint(np.abs(WEIGHTS) / 5 * 255) * np.float32(1 / 255), "codes", N + 4),
    "a column of zeros": (quantized(WEIGHTS * (np.arange(40) != 0), 7, 0), "codes", N / 2 + 160),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_a_compressor_has_rounded_is_stored_small_and_comes_back_bit_for_bit(name, dtype, order):
    array, key, size = CASES[name]
    array = np.array(array, dtype, order=order)
    node, data = encoded(array)
    assert key in node
    stored = safetensors.numpy.load(data)
    total = sum(part.nbytes for part_name, part in stored.items() if not part_name.startswith(".pad"))
    assert total == pytest.approx(size, rel=0.02)
    back = decoded(node, data)
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()
    assert back.flags.f_contiguous == array.flags.f_contiguous
    assert encoded(back) == (node, data)


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_what_a_version_has_written_is_read_and_written_the_same(path):
    vector = json.loads(path.read_text(encoding="utf-8"))
    data = bytes.fromhex(vector["file"])
    array = decoded(vector["node"], data)
    assert array.dtype == vector["dtype"]
    assert array.shape == tuple(vector["shape"])
    assert hashlib.sha256(array.tobytes()).hexdigest() == vector["sha256"]
    assert encoded(array) == (vector["node"], data)


def test_there_are_vectors():
    assert len(list(VECTORS.glob("*.json"))) >= 14


@pytest.mark.parametrize(
    "array",
    [
        WEIGHTS,
        WEIGHTS.astype(np.float64) / 3,
        WEIGHTS.astype(np.float16),
        bfloat16(WIDE)[:9],  # small
        np.where(RNG.random(WEIGHTS.shape) < 0.1, np.float32(0), WEIGHTS),
        -pruned(WEIGHTS, 0.9) * 0.0 - 0.0,  # zeros of both signs
        np.full((70, 40), np.nan, np.float32),
        np.where(np.eye(70, 40) > 0, np.inf, quantized(WEIGHTS, 7, 0)),
        np.zeros((0, 5)),
        np.arange(4000).reshape(50, 80),
    ],
    ids=["float32", "float64", "float16", "small", "few zeros", "signs", "NaN", "infinite", "empty", "whole"],
)
def test_other_arrays_are_stored_as_before(array):
    node, data = encoded(array)
    assert "tensor" in node
    assert decoded(node, data).tobytes() == array.tobytes()


def test_zeros_with_a_sign_are_no_zeros():
    array = pruned(WEIGHTS, 0.9)
    array[0, :20] = -0.0
    assert decoded(*encoded(array)).tobytes() == array.tobytes()


def test_an_array_of_zeros_takes_no_more_memory_than_a_reader_allows():
    array = np.zeros((3000, 4000))
    node, data = encoded(array)
    assert array.nbytes / 20 < len(data) < array.nbytes / 12
    assert decoded(node, data).tobytes() == array.tobytes()


SCALES = st.floats(2.0**-120, 2.0**100, width=32)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_scale_is_found_again(data):
    largest = data.draw(st.sampled_from([7, 127]))
    scales = np.array(data.draw(st.lists(SCALES, min_size=3, max_size=3)), np.float32)
    codes = np.random.default_rng(data.draw(st.integers(0, 9))).integers(-largest, largest + 1, (400, 3))
    codes[0] = data.draw(st.sampled_from([largest, -largest]))
    array = codes.astype(np.int8) * scales
    node, stored = encoded(array)
    assert "codes" in node or array.dtype == np.float16
    assert decoded(node, stored).tobytes() == array.tobytes()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_the_bits_are_they_come_back(data):
    raw = data.draw(
        st.lists(st.sampled_from([0, 0, 0, 0x80000000, 0x3F800000, 0x7FC00001, 0xFF800000, 1]), min_size=1)
    )
    array = np.resize(np.array(raw, np.uint32), data.draw(st.integers(300, 1999))).view(np.float32)
    if data.draw(st.booleans()):
        with np.errstate(invalid="ignore"):
            array = array.astype(np.float64)
    assert decoded(*encoded(array)).tobytes() == array.tobytes()


# --- What a reader refuses

U1, I1, F4 = np.uint8, np.int8, np.float32
ONES = np.ones((1, 2), F4)
HALVES = {"bfloat16": "h", "dtype": "float32"}
CODES = {"codes": "c", "scales": "s", "dtype": "float32"}
NIBBLES = {"codes": {"nibbles": "n", "shape": [3]}, "scales": "s", "dtype": "float32"}
ZEROS = {"nonzero": "m", "values": "v", "shape": [3], "dtype": "float32"}
BOTH = {**CODES, "codes": {"nonzero": "m", "values": {"nibbles": "n", "shape": [2]}, "shape": [3]}}


def test_the_smallest_examples_are_read():
    assert from_arrays(HALVES, h=np.array([0x3F80, 0xC000], np.uint16)).tolist() == [1, -2]
    assert from_arrays(CODES, c=np.array([[1, -2]], I1), s=np.array([[2.0, 3]], F4)).tolist() == [[2, -6]]
    assert from_arrays(NIBBLES, n=np.array([0x9F, 0x07], U1), s=ONES[0, :1]).tolist() == [-1, -7, 7]
    assert from_arrays({**NIBBLES, "dtype": "float16"}, n=np.zeros(2, U1), s=ONES[0, :1]).dtype == np.float16
    assert from_arrays(ZEROS, m=np.array([0b101], U1), v=np.array([5, 6], F4)).tolist() == [5, 0, 6]
    two = {"m": np.array([0b101], U1), "n": np.array([0x21], U1), "s": ONES[0, :1]}
    assert from_arrays(BOTH, **two).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("node", "arrays", "message"),
    [
        (HALVES, {"h": np.zeros(2, np.int16)}, "uint16"),
        (HALVES, {"h": np.zeros(2, np.uint32)}, "uint16"),
        ({**HALVES, "dtype": "float16"}, {"h": np.zeros(2, np.uint16)}, "cannot stand for float16"),
        ({**HALVES, "dtype": "int64"}, {"h": np.zeros(2, np.uint16)}, "cannot stand for int64"),
        ({**HALVES, "more": "h"}, {"h": np.zeros(2, np.uint16)}, "malformed"),
        ({**HALVES, "bfloat16": 5}, {"h": np.zeros(2, np.uint16)}, "malformed"),
        (CODES, {"c": np.zeros((1, 2), np.int16), "s": ONES}, "int16"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES.astype(float)}, "float64"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES[0]}, "scales of shape"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES.T}, "scales of shape"),
        (CODES, {"c": np.zeros((2, 2), I1), "s": np.ones((2, 2), F4)}, "scales of shape"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES * -1}, "negative"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES * -0.0}, "negative"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES * np.nan}, "not finite"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES * np.inf}, "not finite"),
        (CODES, {"c": np.zeros((1, 2), I1), "s": ONES * F4(3e38)}, "too large"),
        ({**CODES, "dtype": "int8"}, {"c": np.zeros((1, 2), I1), "s": ONES}, "cannot stand for int8"),
        ({**CODES, "dtype": "float16"}, {"c": np.ones((1, 2), I1), "s": ONES / 3}, "no float16"),
        ({**CODES, "dtype": "float16"}, {"c": np.ones((1, 2), I1), "s": ONES * 70000}, "no float16"),
        (NIBBLES, {"n": np.zeros(1, U1), "s": ONES[0, :1]}, "for 3 elements"),
        (NIBBLES, {"n": np.zeros((2, 1), U1), "s": ONES[0, :1]}, "for 3 elements"),
        (NIBBLES, {"n": np.zeros(2, I1), "s": ONES[0, :1]}, "for 3 elements"),
        (NIBBLES, {"n": np.array([0, 16], U1), "s": ONES[0, :1]}, "bits are set"),
        (NIBBLES, {"n": np.array([8, 0], U1), "s": ONES[0, :1]}, "from -7 to 7"),
        ({**NIBBLES["codes"], "dtype": "int8"}, {"n": np.zeros(2, U1)}, "malformed"),
        (ZEROS, {"m": np.array([5, 0], U1), "v": np.ones(2, F4)}, "for 3 elements"),
        (ZEROS, {"m": np.array([5], np.int8), "v": np.ones(2, F4)}, "for 3 elements"),
        (ZEROS, {"m": np.array([0b1001], U1), "v": np.ones(2, F4)}, "bits are set"),
        (ZEROS, {"m": np.array([5], U1), "v": np.ones(3, F4)}, "for the bits"),
        (ZEROS, {"m": np.array([5], U1), "v": np.ones((2, 1), F4)}, "for the bits"),
        (ZEROS, {"m": np.array([5], U1), "v": np.array([0, 1], F4)}, "is zero"),
        (ZEROS, {"m": np.array([5], U1), "v": np.ones(2, bool)}, "is zero"),
        (ZEROS, {"m": np.array([5], U1), "v": np.ones(2)}, "cannot stand for float32"),
        ({**ZEROS, "dtype": "int8"}, {"m": np.array([5], U1), "v": np.ones(2, I1)}, "malformed"),
        ({**ZEROS, "shape": [-3]}, {"m": np.array([5], U1), "v": np.ones(2, F4)}, "malformed shape"),
        ({**ZEROS, "shape": [2**40]}, {"m": np.array([5], U1), "v": np.ones(2, F4)}, "elements"),
        (BOTH, {"m": np.array([5], U1), "n": np.array([0x20], U1), "s": ONES[0, :1]}, "is zero"),
        (BOTH, {"m": np.array([7], U1), "n": np.array([0x21], U1), "s": ONES[0, :1]}, "for the bits"),
        ({**ZEROS, "values": ZEROS}, {"m": np.array([5], U1), "v": np.ones(2, F4)}, "malformed"),
    ],
)
def test_a_form_that_no_writer_makes_is_refused(node, arrays, message):
    with pytest.raises(InvalidArtifactError, match=message):
        from_arrays(node, **arrays)


def test_memory_is_counted_before_it_is_taken():
    node, data = encoded(pruned(np.resize(WEIGHTS, (500, 400)), 0.95))
    with pytest.raises(LimitExceededError, match="max_array_bytes"):
        decoded(node, data, Limits(max_array_bytes=700_000))
    million = np.zeros(2**24, U1)
    bomb = {"nonzero": "m", "values": "v", "shape": [2**27], "dtype": "float64"}
    with pytest.raises(LimitExceededError, match="times its file"):
        from_arrays(bomb, m=million, v=np.zeros(0, F4))


# --- Through models


def network(weights):
    model = MLPClassifier((40,), max_iter=1).fit(RNG.normal(size=(30, 70)), np.arange(30) % 3)
    model.coefs_[0] = weights.astype(np.float64)
    return model


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][0].shape == (70, 40)])
@pytest.mark.parametrize("mmap_mode", ["r", None])
def test_a_model_with_rounded_weights_predicts_the_same_from_a_folder(name, mmap_mode, tmp_path):
    model = network(CASES[name][0])
    dump(model, tmp_path / "model")
    loaded = load(tmp_path / "model", mmap_mode=mmap_mode)
    X = RNG.normal(size=(20, 70))
    assert loaded.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


@pytest.mark.parametrize("largest", [7, 127])
def test_a_linear_model_of_one_output_is_stored_as_codes(largest):
    model = LinearRegression().fit(RNG.normal(size=(9, 3000)), np.arange(9.0))
    model.coef_ = quantized(model.coef_.astype(np.float32), largest, 0).astype(np.float64)
    parts = dump_parts(model)
    assert b'"codes"' in parts["model.json"]
    assert sum(map(len, parts.values())) < 3000 * (0.5 if largest == 7 else 1) + 1500
    assert load_parts(parts).coef_.tobytes() == model.coef_.tobytes()


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_altered_forms_are_refused_or_answer():
    weights = {name: CASES[name][0] for name in CASES if CASES[name][0].shape == (70, 40)}
    several = [dump_parts(network(array)) for array in weights.values()]
    X = RNG.normal(size=(3, 70))
    outcomes = {"refused": 0, "answered": 0}
    for seed in range(500):
        chance = random.Random(seed)
        parts, what = mutant(several[seed % len(several)], chance)
        try:
            model = load_parts(parts)
        except InvalidArtifactError:
            outcomes["refused"] += 1
        else:
            with np.errstate(all="ignore"), contextlib.suppress(*ORDINARY):
                assert len(model.predict(X)) == 3, what
            outcomes["answered"] += 1
    assert min(outcomes.values()) > 50
