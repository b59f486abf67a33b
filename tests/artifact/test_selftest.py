"""The sender's predictions, rerun by the receiver."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load, save

from maas_sdk.artifact import SelfTest, SelfTestReport
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, LimitExceededError, MaasError
from maas_sdk.limits import Limits

X = np.arange(12.0).reshape(4, 3)
TEXT = np.array(["ja", "nein", "", "vielleicht ☂"])


def values(X):
    return X.sum(axis=1) / 3


def labels(X):
    return TEXT[: len(X)]


def classes(X):
    return (X[:, 0] > 4).astype(np.int64)


def probabilities(X):
    p = 1 / (1 + np.exp(-X[:, 0] / 10))
    return np.column_stack([1 - p, p])


@pytest.mark.parametrize(
    ("predict", "proba"), [(values, None), (classes, probabilities), (labels, probabilities), (labels, None)]
)
def test_the_same_model_is_identical(predict, proba):
    data = SelfTest.make(X, predict=predict, predict_proba=proba)
    report = SelfTest.run(data, predict=predict, predict_proba=proba)
    assert report == SelfTestReport(4, 0, 0, 0.0, 0.0)
    assert report.identical
    assert report.within(0.0)
    assert str(report) == "4 rows, identical"
    assert data == SelfTest.make(X, predict=predict, predict_proba=proba)


def test_what_travels_is_a_safetensors_file():
    tensors = load(SelfTest.make(X, predict=labels, predict_proba=probabilities))
    assert tensors.keys() == {"inputs", "predict.utf8", "predict.ends", "predict.shape", "predict_proba"}
    np.testing.assert_array_equal(tensors["inputs"], X)
    assert tensors["predict.utf8"].tobytes().decode() == "".join(TEXT)


def test_a_small_drift_is_measured():
    data = SelfTest.make(X, predict=values)
    report = SelfTest.run(data, predict=lambda X: values(X) + np.array([0, 0, 1e-6, -2e-6]))
    assert (report.n_rows, report.n_different, report.n_other_labels) == (4, 2, 0)
    assert math.isclose(report.max_abs_diff, 2e-6, rel_tol=1e-6)
    assert math.isclose(report.max_rel_diff, 2e-7, rel_tol=1e-6)
    assert not report.identical
    assert report.within(1e-6)
    assert not report.within(1e-7)
    assert "2 different" in str(report)


def test_another_label_is_never_within_a_tolerance():
    for predict in (classes, labels):
        data = SelfTest.make(X, predict=predict, predict_proba=probabilities)
        report = SelfTest.run(data, predict=lambda X, p=predict: p(X)[::-1], predict_proba=probabilities)
        assert report.n_other_labels == report.n_different > 0
        assert not report.within(math.inf)
        assert "other labels" in str(report)


def test_rows_that_differ_in_labels_and_numbers_count_once():
    data = SelfTest.make(X, predict=classes, predict_proba=probabilities)
    report = SelfTest.run(
        data, predict=lambda X: 1 - classes(X), predict_proba=lambda X: probabilities(X) / 2
    )
    assert (report.n_different, report.n_other_labels) == (4, 4)


@pytest.mark.parametrize("answer", [lambda X: X, lambda X: values(X)[:-1], labels, lambda X: np.float64(1)])
def test_another_shape_or_type_is_another_prediction(answer):
    report = SelfTest.run(SelfTest.make(X, predict=values), predict=answer)
    assert report.n_other_labels == 4
    assert report.max_rel_diff == math.inf


@pytest.mark.parametrize(
    ("sent", "found", "identical"),
    [(math.nan, math.nan, True), (math.inf, math.inf, True), (math.nan, 1.0, False), (1.0, math.inf, False),
     (math.inf, -math.inf, False), (0.0, -0.0, True), (0.0, 1e-300, False)],
)  # fmt: skip
def test_numbers_that_are_no_numbers_are_compared_too(sent, found, identical):
    data = SelfTest.make(X[:1], predict=lambda X: np.full(1, sent))
    report = SelfTest.run(data, predict=lambda X: np.full(1, found))
    assert report.identical == identical
    assert report.within(1.0) == identical


def test_a_prediction_cannot_change_the_inputs_of_the_next():
    def spoil(X):
        result = values(X)
        X[:] = 0
        return result

    data = SelfTest.make(X.copy(), predict=spoil)
    assert SelfTest.from_bytes(data).inputs.shape == X.shape
    test = SelfTest.make(X, predict=values, predict_proba=probabilities)
    assert SelfTest.run(test, predict=spoil, predict_proba=probabilities).identical


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.uint64, np.bool_, np.dtype("U5")]),
        st.tuples(st.integers(1, 4), st.integers(0, 3)),
    )
)
def test_inputs_and_outputs_of_every_type_come_back(array):
    data = SelfTest.make(array, predict=lambda X: X)
    test = SelfTest.from_bytes(data)
    for found in (test.inputs, test.outputs["predict"]):
        assert found.shape == array.shape
        assert found.dtype.kind == array.dtype.kind
        np.testing.assert_array_equal(found, array)
    assert SelfTest.run(data, predict=lambda X: X).identical


def test_a_list_and_objects_of_text_are_taken():
    data = SelfTest.make([["a", "b"], ["c", "d"]], predict=lambda X: np.array(["x", "y"], dtype=object))
    assert SelfTest.from_bytes(data).outputs["predict"].tolist() == ["x", "y"]


def test_big_endian_arrays_are_taken():
    data = SelfTest.make(X.astype(">f8"), predict=values)
    np.testing.assert_array_equal(SelfTest.from_bytes(data).inputs, X)


@pytest.mark.parametrize(
    ("inputs", "predict"),
    [
        (np.empty((0, 3)), values),
        (np.float64(1.0), values),
        (np.zeros((100_001, 1)), values),
        (np.array([[1j]]), values),
        (np.array([[object()]]), values),
        (np.array([["\ud800"]]), labels),
        (X.astype(np.longdouble), values),
        (X, lambda X: 1.0),
        (X, lambda X: X[:2]),
    ],
)
def test_what_does_not_travel_is_refused_by_the_sender(inputs, predict):
    with pytest.raises(InvalidOptionError):
        SelfTest.make(inputs, predict=predict)


def _text(utf8, ends, shape):
    return {
        "inputs": X,
        "predict.utf8": np.frombuffer(utf8, np.uint8),
        "predict.ends": np.asarray(ends, np.int64),
        "predict.shape": np.asarray(shape, np.int64),
    }


MALFORMED = {
    "not safetensors": b"\xff" * 100,
    "empty": b"",
    "no inputs": save({"predict": X}),
    "no predictions": save({"inputs": X}),
    "a stranger": save({"inputs": X, "predict": X, "more": X}),
    "rows that differ": save({"inputs": X, "predict": X[:2]}),
    "no dimension": save({"inputs": np.array(1.0), "predict": np.array(1.0)}),
    "no rows": save({"inputs": X[:0], "predict": X[:0]}),
    "complex": save({"inputs": X, "predict": X.astype(np.complex64)}),
    "no ends": save({k: v for k, v in _text(b"abcd", [1, 2, 3, 4], [4]).items() if k != "predict.ends"}),
    "ends that go back": save(_text(b"abcd", [1, 3, 2, 4], [4])),
    "ends before the start": save(_text(b"abcd", [-1, 2, 3, 4], [4])),
    "ends beyond the text": save(_text(b"abcd", [1, 2, 3, 5], [4])),
    "text left over": save(_text(b"abcde", [1, 2, 3, 4], [4])),
    "another number": save(_text(b"abcd", [1, 2, 3, 4], [5])),
    "a negative shape": save(_text(b"abcd", [1, 2, 3, 4], [-2, -2])),
    "not UTF-8": save(_text(b"abc\xff", [1, 2, 3, 4], [4])),
    "ends of another type": save(_text(b"abcd", [1, 2, 3, 4], [4]) | {"predict.ends": np.ones(4)}),
    "ends of another form": save(_text(b"abcd", [[1, 2], [3, 4]], [4])),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_file_is_refused(what):
    with pytest.raises(InvalidArtifactError):
        SelfTest.run(MALFORMED[what], predict=values)


def test_probabilities_that_cannot_be_rerun_are_refused():
    data = SelfTest.make(X, predict=classes, predict_proba=probabilities)
    with pytest.raises(InvalidArtifactError, match="model gives none"):
        SelfTest.run(data, predict=classes)


def test_limits_hold():
    data = SelfTest.make(X, predict=values)
    with pytest.raises(LimitExceededError, match="max_array_bytes"):
        SelfTest.run(data, predict=values, limits=Limits(max_array_bytes=100))
    # One long text among many short ones: numpy would give each the room of the longest.
    rows = np.array([["a"]] * 999 + [["a" * 2000]], dtype=object)
    data = SelfTest.make(rows, predict=lambda X: np.zeros(len(X)))
    with pytest.raises(LimitExceededError, match="needs 8000000 bytes"):
        SelfTest.run(data, predict=lambda X: np.zeros(len(X)), limits=Limits(max_array_bytes=100_000))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_are_another_self_test(data):
    original = SelfTest.make(X, predict=labels)
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        report = SelfTest.run(bytes(damaged), predict=labels)
    except MaasError:
        return
    assert report.n_rows <= 100_000
