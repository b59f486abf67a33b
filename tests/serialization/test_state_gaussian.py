"""Gaussian processes and kernels: what cannot be evaluated, or asks for too much, is refused."""

import json

import numpy as np
import pytest
from around import plainly
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Exponentiation, Kernel, Matern, WhiteKernel

from maas_sdk.errors import InvalidArtifactError, LimitExceededError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2))
TARGET = X[:, 0] + 0.1 * RNG.normal(size=20)
BINARY = np.where(X[:, 0] > 0, "a", "b")
LABELS = np.arange(20) % 3
FILE = "tensors/000.safetensors"


class Letters(Kernel):
    """A kernel of an application: how many letters two words share."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def __call__(self, X, Y=None, eval_gradient=False):
        shared = [[len({*left} & {*right}) for right in (X if Y is None else Y)] for left in X]
        return self.weight * np.array(shared, dtype=float)

    def diag(self, X):
        return np.array([self.weight * len({*word}) for word in X])

    def is_stationary(self):
        return False

    @property
    def requires_vector_input(self):
        return False


class Crooked(Letters):
    """Says something else of its diagonal."""

    def diag(self, X):
        return np.ones((len(X), 2))


def regress(kernel, **options):
    return GaussianProcessRegressor(kernel, alpha=3.0, optimizer=None, **options).fit(X, TARGET)


def altered(estimator, *, arrays=(), document=None, allow=()):
    """Dump, replace arrays by name, let `document` change the JSON, load."""
    parts = plainly(estimator, allow=allow)
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


def kernel(**values):
    """Change parameters of the fitted kernel."""
    return lambda model: model["state"]["kernel_"]["params"].update(values)


def replaced(name, **values):
    """Put another kernel in the place of the fitted one."""
    return lambda model: model["state"].update(
        kernel_={"type": f"sklearn.{name}", "params": values, "state": {}}
    )


def less(array):
    return array[:-1]


def put(index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


PLAIN = regress(RBF(1.0))
WIDE = regress(RBF([1.0, 2.0]))
PAIRWISE = regress(kernels.PairwiseKernel(metric="rbf"))
TWO = GaussianProcessRegressor(alpha=0.1, optimizer=None).fit(X, np.c_[TARGET, TARGET])
CLASSES = GaussianProcessClassifier(optimizer=None).fit(X, BINARY)
MORE = GaussianProcessClassifier(optimizer=None).fit(X, LABELS)


@pytest.mark.parametrize(
    "of",
    [
        RBF([1.0, 2.0], [(1e-3, 1e3), (1e-2, 1e2)]),
        RBF(np.array([1.0, 2.0]), "fixed"),
        Matern(0.5, (1e-3, np.inf), nu=np.inf) + WhiteKernel(1, "fixed"),
        ConstantKernel(2) * kernels.RationalQuadratic(alpha=0.3),
        Exponentiation(kernels.DotProduct(), 2) + 1,
        kernels.ExpSineSquared(periodicity=2.0, periodicity_bounds=np.array([1.0, 5.0])),
        kernels.PairwiseKernel(metric="polynomial", pairwise_kernels_kwargs={"degree": 2, "n_jobs": 2}),
    ],
)
def test_kernels_come_back_and_can_be_trained_further(of):
    model = regress(of)
    loaded = load_parts(dump_parts(model))
    assert loaded.kernel_ == model.kernel_
    assert loaded.kernel == of
    assert np.array_equal(loaded.kernel_.theta, model.kernel_.theta)
    assert np.array_equal(loaded.kernel_.bounds, model.kernel_.bounds)
    for options in ({"return_std": True}, {"return_cov": True}):
        for left, right in zip(
            model.predict(X + 1, **options), loaded.predict(X + 1, **options), strict=True
        ):
            assert np.array_equal(left, right)
    theta = model.kernel_.theta
    assert loaded.log_marginal_likelihood(theta) == model.log_marginal_likelihood(theta)
    assert np.array_equal(loaded.fit(X, TARGET).predict(X), model.predict(X))


def test_a_stack_of_kernels_is_a_value_but_no_kernel_of_a_process():
    stack = kernels.CompoundKernel([RBF(), kernels.CompoundKernel([WhiteKernel()])])
    assert load_parts(dump_parts(stack)) == stack
    model = regress(RBF())
    model.kernel = stack
    with pytest.raises(UnsupportedModelError, match="expected a kernel, not CompoundKernel"):
        dump_parts(model)
    model.kernel = 5
    with pytest.raises(UnsupportedModelError, match="kernel"):
        dump_parts(model)


def test_a_kernel_of_the_application_compares_what_it_likes():
    words = np.array(["owl", "wolf", "flow", "cat"], dtype=object)
    model = GaussianProcessRegressor(Letters(), alpha=1.0, optimizer=None).fit(words, [1, 2, 3, 4])
    loaded = load_parts(dump_parts(model, allow=[Letters]), allow=[Letters])
    assert np.array_equal(loaded.predict(words), model.predict(words))
    with pytest.raises(UnsupportedModelError, match="Letters"):
        dump_parts(model)


def test_a_kernel_whose_diagonal_is_none_is_refused():
    words = np.array(["owl", "wolf", "flow", "cat"], dtype=object)
    model = GaussianProcessRegressor(Crooked(), alpha=1.0, optimizer=None).fit(words, [1, 2, 3, 4])
    with pytest.raises(InvalidArtifactError, match="diagonal"):
        load_parts(dump_parts(model, allow=[Crooked]), allow=[Crooked])


@pytest.mark.parametrize(
    ("model", "arrays", "edit", "path"),
    [
        (PLAIN, {"L_": put((3, 3), 0)}, None, "L_"),
        (PLAIN, {"L_": np.ones_like}, None, "L_"),
        (PLAIN, {"L_": less}, None, "L_"),
        (PLAIN, {"alpha_": less}, None, "alpha_"),
        (PLAIN, {"X_train_": lambda a: a[:, :-1]}, None, "X_train_"),
        (TWO, {}, lambda m: m["state"].update(_y_train_mean=0.5), "_y_train_mean"),
        (TWO, {}, lambda m: m["state"].update(_y_train_std=0.5), "_y_train_std"),
        (PLAIN, {}, kernel(length_scale=[1.0, 2.0, 3.0]), ""),
        (PLAIN, {}, kernel(length_scale=[1.0, [2.0]]), "length_scale"),
        (PLAIN, {}, kernel(length_scale=[[1.0, 2.0]]), "length_scale"),
        (PLAIN, {}, kernel(length_scale="x"), "length_scale"),
        (PLAIN, {}, kernel(length_scale={"float": "nan"}), "length_scale"),
        (PLAIN, {}, kernel(length_scale=0), ""),
        (PLAIN, {}, kernel(length_scale_bounds="free"), "length_scale_bounds"),
        (PLAIN, {}, kernel(length_scale_bounds=[1, 2, 3]), "length_scale_bounds"),
        (WIDE, {}, kernel(length_scale_bounds=[[1, 2], [1, 2], [1, 2]]), ""),
        (PLAIN, {}, replaced("Sum", k1=1, k2=2), "k1"),
        (PLAIN, {}, replaced("CompoundKernel", kernels=[]), "kernel_"),
        (PLAIN, {}, replaced("Exponentiation", kernel=None, exponent=2), "kernel"),
        (PLAIN, {}, replaced("LabelEncoder"), "kernel_"),
        (PAIRWISE, {}, kernel(metric="precomputed"), "metric"),
        (PAIRWISE, {}, kernel(metric={"name": "numpy.exp"}), "metric"),
        (PAIRWISE, {}, kernel(pairwise_kernels_kwargs=[]), "pairwise_kernels_kwargs"),
        (PAIRWISE, {}, kernel(pairwise_kernels_kwargs={"dict": [[1, 2]]}), "pairwise_kernels_kwargs"),
        (PAIRWISE, {}, kernel(pairwise_kernels_kwargs={"dict": [["n_jobs", 10**6]]}), "n_jobs"),
        (CLASSES, {}, lambda m: m["state"].update(n_classes_=3), ""),
        (CLASSES, {}, lambda m: m["params"].update(max_iter_predict=0), ""),
        (
            CLASSES,
            {},
            lambda m: m["state"]["base_estimator_"]["params"].update(max_iter_predict=10**9),
            "max_iter_predict",
        ),
        (CLASSES, {}, lambda m: m["state"]["base_estimator_"].update(state=None), "base_estimator_"),
        (CLASSES, {"base_estimator_.X_train_": lambda a: np.c_[a, a]}, None, "base_estimator_"),
        (CLASSES, {"base_estimator_.L_": put((0, 0), -1)}, None, "base_estimator_.L_"),
        (MORE, {}, lambda m: m["state"].update(n_classes_=2), "n_classes_"),
        (
            MORE,
            {},
            lambda m: m["state"]["base_estimator_"]["state"]["estimators_"][1].update(
                type="sklearn.Ridge", params={}, state=None
            ),
            "base_estimator_.estimators_[1]",
        ),
    ],
)
def test_a_process_that_cannot_predict_is_refused(model, arrays, edit, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(model, arrays=arrays, document=edit)
    assert path in (caught.value.path or "")


def test_a_machine_of_three_classes_is_not_binary():
    machine = GaussianProcessClassifier(optimizer=None).fit(X, BINARY).base_estimator_
    machine.classes_ = np.array(["a", "b", "c"])
    with pytest.raises(UnsupportedModelError, match="3 classes instead of two"):
        dump_parts(machine)


def test_one_machine_does_not_do_for_three_classes():
    model = GaussianProcessClassifier(optimizer=None).fit(X, BINARY)
    model.classes_, model.n_classes_ = np.array(["a", "b", "c"]), 3
    with pytest.raises(UnsupportedModelError, match="not a classifier of these classes"):
        dump_parts(model)


def test_kernels_that_are_nested_too_deep_are_refused():
    deep = RBF()
    for _ in range(40):
        deep = deep + 1
    model = regress(RBF())
    model.kernel = deep
    with pytest.raises((LimitExceededError, UnsupportedModelError), match="deep"):
        load_parts(dump_parts(model))
