"""A parameter buffer: names, views and one flat array are the same memory."""

import copy

import numpy as np
import pytest

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import SGD, ParameterBuffer

SHAPES = {"weights": (3, 2), "bias": (2,), "scale": ()}


def test_views_cover_the_flat_buffer_in_the_order_given():
    buffer = ParameterBuffer(SHAPES, "float64")
    buffer.flat[:] = np.arange(9)
    assert np.array_equal(buffer["weights"], [[0, 1], [2, 3], [4, 5]])
    assert np.array_equal(buffer["bias"], [6, 7])
    assert buffer["scale"] == 8


def test_what_is_written_into_a_view_is_in_the_buffer():
    buffer = ParameterBuffer(SHAPES)
    buffer["bias"][:] = 5
    buffer["scale"][...] = 7
    assert np.array_equal(buffer.flat, [0] * 6 + [5, 5, 7])


def test_it_is_a_mapping_that_iterates_in_the_order_given():
    shapes = {"z": (1,), "a": (2,), "m": (3,)}
    buffer = ParameterBuffer(shapes)
    assert list(buffer) == ["z", "a", "m"]
    assert buffer.names == ("z", "a", "m")
    assert len(buffer) == 3
    assert "a" in buffer
    assert "b" not in buffer
    assert [view.size for view in buffer.values()] == [1, 2, 3]
    assert buffer.shapes == shapes
    with pytest.raises(KeyError):
        buffer["b"]
    assert buffer.get("b") is None


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.dtype(np.float64)])
def test_flat_buffer_and_views_have_the_dtype_asked_for_and_begin_at_zero(dtype):
    buffer = ParameterBuffer(SHAPES, dtype)
    assert buffer.flat.dtype == buffer["bias"].dtype == np.dtype(dtype)
    assert not buffer.flat.any()


def test_an_optimizer_moves_what_the_views_show():
    buffer = ParameterBuffer({"weights": (3, 2), "bias": (2,)}, "float64")
    grads = ParameterBuffer(buffer.shapes, buffer.flat.dtype)
    grads["bias"][:] = [1, 2]
    optimizer = SGD(learning_rate=0.5)
    optimizer.update_(buffer.flat, grads.flat, optimizer.init(buffer.flat))
    assert np.array_equal(buffer["bias"], [-0.5, -1.0])
    assert not buffer["weights"].any()


def test_a_deep_copy_is_as_connected_as_the_original_and_apart_from_it():
    buffer = ParameterBuffer(SHAPES)
    other = copy.deepcopy(buffer)
    other["bias"][:] = 3
    assert other.flat.sum() == 6
    assert not buffer.flat.any()


def test_a_buffer_equals_only_itself():
    buffer = ParameterBuffer(SHAPES)
    assert buffer == buffer  # noqa: PLR0124 - that is the claim
    assert buffer != ParameterBuffer(SHAPES)
    assert len({buffer, buffer}) == 1


def test_what_is_written_elsewhere_into_the_shapes_does_not_matter():
    shapes = {"weights": [3, 2]}
    buffer = ParameterBuffer(shapes)
    shapes["weights"].append(7)
    assert buffer["weights"].shape == (3, 2)


def test_its_repr_makes_another_like_it():
    buffer = ParameterBuffer(SHAPES, "float32")
    other = eval(repr(buffer), {"ParameterBuffer": ParameterBuffer})
    assert other.shapes == buffer.shapes
    assert other.flat.dtype == buffer.flat.dtype


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({}, "mapping of names to shapes"),
        ([("a", (2,))], "mapping of names to shapes"),
        (None, "mapping of names to shapes"),
        ({3: (2,)}, "a name in shapes must be a string, not 3"),
        ({"a": 3}, "shape of 'a' must be a tuple of integers, not 3"),
        ({"a": "23"}, "shape of 'a'"),
        ({"a": (2, 0)}, "each number of the shape of 'a' must be an integer >= 1, not 0"),
        ({"a": (-1,)}, "not -1"),
        ({"a": (2.0,)}, r"not 2\.0"),
        ({"a": (True,)}, "not True"),
    ],
)
def test_shapes_that_are_none_are_refused_with_the_name(shapes, words):
    with pytest.raises(InvalidOptionError, match=words):
        ParameterBuffer(shapes)


@pytest.mark.parametrize("dtype", ["float16", "int64", "complex128", "wide", object])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(InvalidOptionError, match="dtype"):
        ParameterBuffer(SHAPES, dtype)
