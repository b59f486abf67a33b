"""Support vector machines of libsvm: what compiled code would read out of bounds is refused."""

import json
import warnings

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import sparse
from sklearn.gaussian_process.kernels import RBF, CompoundKernel, DotProduct
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM

from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = np.arange(30) % 3
ZEROS = sparse.csr_matrix(np.where(abs(X) > 0.5, X, 0))
KERNEL = rbf_kernel(X)
WORDS = ["owl", "dog", "frog", "cat", "cow", "crow"] * 5
FILE = "tensors/000.safetensors"


def common_letters(left, right):
    """A kernel of an application, for words."""
    return np.array([[float(len({*a} & {*b})) for b in right] for a in left])


def left_alone(left, right):
    """No kernel: gives the columns of its first argument."""
    return left


def not_a_number(left, right):
    """No kernel either."""
    return np.full((len(left), len(right)), np.nan)


def altered(estimator, *, arrays=(), document=None, allow=()):
    """Dump, replace arrays by name, let `document` change the JSON, load."""
    parts = dump_parts(estimator, allow=allow)
    tensors = {
        name: value for name, value in read_tensors(parts[FILE]).items() if not name.startswith(".pad")
    }
    for name, change in dict(arrays).items():
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
    data = json.loads(parts["model.json"])
    if document is not None:
        document(data["model"])
    return load_parts(
        {**parts, "model.json": json.dumps(data).encode(), FILE: write_tensors(tensors)}, allow=allow
    )


def state(**values):
    return lambda model: model["state"].update(values)


def params(**values):
    return lambda model: model["params"].update(values)


def dtype(name, key, *path):
    """Say that an array is of another dtype."""

    def change(model):
        node = model["state"][name]
        for step in path:
            node = node[step]
        node["dtype"] = key

    return change


def put(index, value):
    def change(array):
        array = array.copy() if array.dtype.kind == "f" else array.astype(np.int32)
        array[index] = value
        return array

    return change


def less(array):
    return array[:-1]


def with_probabilities(rows, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # deprecated in scikit-learn 1.9
        return SVC(probability=True, random_state=0).fit(rows, labels)


DENSE = SVC().fit(X, Y)
THIN = SVC().fit(ZEROS, Y)
PROBABLE = with_probabilities(X, Y)
GIVEN = SVC(kernel="precomputed").fit(KERNEL, Y)
BY_FUNCTION = SVC(kernel=rbf_kernel).fit(X, Y)
REGRESSOR = SVR().fit(X, X[:, 0])


@pytest.mark.parametrize(
    ("machine", "rows"),
    [
        (DENSE, X),
        (THIN, ZEROS),
        (PROBABLE, X),
        (with_probabilities(ZEROS, Y > 0), ZEROS),
        (NuSVC(nu=0.3).fit(X, Y > 0), X),
        (GIVEN, KERNEL),
        (BY_FUNCTION, X),
        (SVC(kernel=laplacian_kernel).fit(ZEROS, Y), ZEROS),
        (SVC(kernel=RBF([1.0, 2.0, 3.0]) + DotProduct()).fit(X, Y), X),
        (REGRESSOR, X),
        (SVR(epsilon=100).fit(X, X[:, 0]), X),
        (SVR(epsilon=100).fit(ZEROS, X[:, 0]), ZEROS),
        (OneClassSVM(kernel=rbf_kernel).fit(X), X),
    ],
)
def test_machines_come_back_with_what_they_say(machine, rows):
    rows = rows.copy()  # another object: some kernels look whether both are one
    parts = dump_parts(machine)
    loaded = load_parts(parts)
    assert dump_parts(loaded) == parts
    questions = ("predict", "decision_function", "predict_proba", "score_samples")
    for question in [name for name in questions if hasattr(machine, name)]:
        expected, answer = getattr(machine, question)(rows), getattr(loaded, question)(rows)
        assert np.array_equal(expected, answer)
    assert loaded.n_support_.sum() == machine.support_.size
    assert np.array_equal(loaded.intercept_, machine.intercept_)
    difference = loaded.dual_coef_ != machine.dual_coef_
    assert not difference.sum()


def test_a_kernel_of_the_application_works_when_it_is_declared():
    for words in (WORDS, np.array(WORDS)):
        machine = SVC(kernel=common_letters).fit(words, Y)
        loaded = load_parts(dump_parts(machine, allow=[common_letters]), allow=[common_letters])
        assert (loaded.predict(WORDS) == machine.predict(WORDS)).all()
    with pytest.raises(UnsupportedModelError, match="kernel"):
        dump_parts(machine)


def test_probabilities_that_were_never_learnt_are_refused_as_by_the_original():
    machine = SVC().fit(X, Y).set_params(probability=True)
    with pytest.raises(Exception, match="probability=False"):
        load_parts(dump_parts(machine)).predict_proba(X)


@pytest.mark.parametrize("function", [left_alone, not_a_number])
def test_a_function_that_is_no_kernel_is_refused(function):
    square = np.eye(30)
    machine = SVC(kernel=common_letters).fit(square, Y)
    machine.kernel = function
    with pytest.raises(InvalidArtifactError, match="the kernel gives"):
        load_parts(dump_parts(machine, allow=[function]), allow=[function])


@pytest.mark.parametrize(
    ("machine", "arrays", "edit", "path"),
    [
        (DENSE, {"support_": put(0, 30)}, None, "support_"),
        (DENSE, {"support_": put(0, -1)}, None, "support_"),
        (DENSE, {}, dtype("support_", "int64"), "support_"),
        (
            DENSE,
            {"class_weight_": lambda a: a.astype("f4")},
            dtype("class_weight_", "float32"),
            "class_weight_",
        ),
        (
            DENSE,
            {"_dual_coef_": lambda a: a.T},
            lambda m: m["state"]["_dual_coef_"].update(order="F"),
            "_dual_coef_",
        ),
        (DENSE, {}, state(_sparse=True), "support_vectors_"),
        (THIN, {}, state(_sparse=False), "support_vectors_"),
        (DENSE, {"_dual_coef_": less}, None, "_dual_coef_"),
        (DENSE, {"_intercept_": less}, None, "n_iter_"),
        (DENSE, {"classes_": less}, None, ""),
        (PROBABLE, {"_probA": less, "_probB": less}, None, "_probA"),
        (PROBABLE, {"_probB": less}, None, "_probB"),
        (DENSE, {"_n_support": put(0, -1)}, None, "_n_support"),
        (DENSE, {"_n_support": put(0, 1)}, None, "_n_support"),
        (DENSE, {"support_vectors_": less}, None, "support_vectors_"),
        (DENSE, {"support_vectors_": lambda a: a[:, :-1]}, None, "support_vectors_"),
        (DENSE, {}, state(n_features_in_=4), "support_vectors_"),
        (DENSE, {}, params(kernel={"name": "numpy.exp"}), "kernel"),
        (DENSE, {}, params(kernel={"name": "sklearn.metrics.pairwise.rbf_kernel"}), "_BaseLibSVM__Xfit"),
        (DENSE, {}, params(kernel={"type": "sklearn.LabelEncoder", "params": {}, "state": None}), ""),
        (DENSE, {}, params(kernel="x"), ""),
        (DENSE, {}, params(degree=2**40), "degree"),
        (DENSE, {}, state(_gamma={"float": "nan"}), "_gamma"),
        (THIN, {"_dual_coef_.indices": lambda a: a[::-1]}, None, "_dual_coef_"),
        (THIN, {}, params(probability=True), "_probA"),
        (THIN, {}, lambda m: m["state"]["support_vectors_"]["indices"].update(flip=[0]), "support_vectors_"),
        (THIN, {}, dtype("_dual_coef_", "float32", "data"), "_dual_coef_"),
        (GIVEN, {}, state(n_features_in_=29), "shape_fit_"),
        (GIVEN, {"support_": put(0, 31)}, None, "support_"),
        (BY_FUNCTION, {}, params(kernel="rbf"), "_BaseLibSVM__Xfit"),
        (BY_FUNCTION, {"_BaseLibSVM__Xfit": less}, None, "_BaseLibSVM__Xfit"),
        (BY_FUNCTION, {"_BaseLibSVM__Xfit": put((0, 0), np.nan)}, None, ""),
        (REGRESSOR, {"_dual_coef_": lambda a: np.vstack([a, a])}, None, "_dual_coef_"),
        (REGRESSOR, {"_intercept_": lambda a: np.r_[a, a]}, None, "_intercept_"),
    ],
)
def test_a_machine_whose_arrays_do_not_fit_is_refused(machine, arrays, edit, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(machine, arrays=arrays, document=edit)
    assert path in (caught.value.path or "")


def test_sparse_coefficients_have_no_gaps():
    def drop(model):
        model["state"]["_dual_coef_"]["shape"] = [2, THIN.support_.size]

    def shorten(array):
        return array[:-1]

    def end(array):
        array = array.astype(np.int64)
        array[-1] -= 1
        return array

    changes = {
        "_dual_coef_.data": shorten,
        "_dual_coef_.indices": shorten,
        "_dual_coef_.indptr": end,
    }
    with pytest.raises(InvalidArtifactError, match="every coefficient"):
        altered(THIN, arrays=changes, document=drop)


def test_sparse_arrays_are_of_the_dtypes_that_compiled_code_reads():
    def wide(model):
        for key in ("indices", "indptr"):
            model["state"]["support_vectors_"][key]["dtype"] = "int64"

    with pytest.raises(InvalidArtifactError, match="int32"):
        altered(THIN, document=wide)
    with pytest.raises(InvalidArtifactError, match="float64"):
        altered(
            THIN,
            arrays={"_dual_coef_.data": lambda array: array.astype(np.float32)},
            document=dtype("_dual_coef_", "float32", "data"),
        )


def test_a_kernel_that_is_a_function_has_no_support_vectors():
    with pytest.raises(InvalidArtifactError, match="expected none"):
        altered(BY_FUNCTION, arrays={"support_vectors_": lambda _: np.zeros((1, 1))})


def test_a_stack_of_kernels_is_none():
    machine = SVC(kernel=RBF()).fit(X, Y)
    machine.kernel = CompoundKernel([RBF()])
    with pytest.raises(UnsupportedModelError, match="expected a kernel"):
        dump_parts(machine)


def test_indices_keep_their_width():
    wide = THIN._dual_coef_.indices.astype(np.int64)
    machine = SVC().fit(ZEROS, Y)
    machine._dual_coef_.indices = wide
    machine._dual_coef_.indptr = machine._dual_coef_.indptr.astype(np.int64)
    assert load_parts(dump_parts(machine))._dual_coef_.indices.dtype == np.int64
