"""Naive Bayes, discriminants, covariances, projections, mixtures: parts that do not fit are refused."""

import copy
import json

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import sparse
from sklearn.covariance import EllipticEnvelope, EmpiricalCovariance, GraphicalLassoCV
from sklearn.cross_decomposition import PLSSVD, PLSCanonical, PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.gaussian_process.kernels import RBF
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, GaussianNB, MultinomialNB

from maas_sdk.errors import InvalidArtifactError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)) + np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0]])[np.arange(40) % 3]
Y = np.arange(40) % 3
COUNTS = RNG.integers(0, 4, size=(40, 3))
FILE = "tensors/000.safetensors"


def altered(estimator, *, arrays=(), document=None):
    """Dump, replace arrays by name, let `document` change the JSON, load."""
    parts = dump_parts(estimator)
    tensors = {
        name: value for name, value in read_tensors(parts[FILE]).items() if not name.startswith(".pad")
    }
    for name, change in dict(arrays).items():
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
    data = json.loads(parts["model.json"])
    if document is not None:
        document(data["model"])
    return load_parts({**parts, "model.json": json.dumps(data).encode(), FILE: write_tensors(tensors)})


def state(**values):
    return lambda model: model["state"].update(values)


def params(**values):
    return lambda model: model["params"].update(values)


def without(name):
    def change(model):
        del model["state"][name]

    return change


def less(array):
    return array[:-1]


def put(index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


LINEAR = LinearDiscriminantAnalysis().fit(X, Y)
EIGEN = LinearDiscriminantAnalysis("eigen").fit(X, Y)
QUADRATIC = QuadraticDiscriminantAnalysis().fit(X, Y)
COVARIANCE = EmpiricalCovariance().fit(X)
CURVE = IsotonicRegression().fit(X[:, 0], X[:, 1])
RIDGE = KernelRidge(kernel="rbf").fit(X, Y)
GIVEN = KernelRidge(kernel="precomputed").fit(rbf_kernel(X), Y)
MIXTURE = GaussianMixture(2, random_state=0).fit(X)
BAYESIAN = BayesianGaussianMixture(n_components=2, random_state=0).fit(X)


@pytest.mark.parametrize(
    ("estimator", "arrays", "edit", "path"),
    [
        (GaussianNB().fit(X, Y), {"theta_": less}, None, "theta_"),
        (MultinomialNB().fit(COUNTS, Y), {"feature_log_prob_": less}, None, "feature_log_prob_"),
        (CategoricalNB().fit(COUNTS, Y), {}, state(n_features_in_=4), "feature_log_prob_"),
        (LINEAR, {}, without("xbar_"), "xbar_"),
        (EIGEN, {}, without("scalings_"), "scalings_"),
        (LINEAR, {}, state(_max_components=9, _n_features_out=9), "_max_components"),
        (LINEAR, {}, state(_n_features_out=10**9), "_n_features_out"),
        (QUADRATIC, {"rotations_[1]": lambda a: a[:, :2]}, None, "rotations_[1]"),
        (QUADRATIC, {"scalings_[2]": less}, None, "rotations_[2]"),
        (COVARIANCE, {}, state(precision_=None), "precision_"),
        (COVARIANCE, {"precision_": less}, None, "precision_"),
        (EllipticEnvelope(random_state=0).fit(X), {}, state(offset_={"float": "nan"}), "offset_"),
        (PLSRegression().fit(X, Y), {}, state(_n_features_out=10**9), "x_loadings_"),
        (PLSRegression().fit(X, Y), {}, state(_n_features_out=3), ""),
        (PLSSVD(1).fit(X, Y), {}, state(n_features_in_=4), "_x_mean"),
        (CURVE, {"X_thresholds_": lambda a: a[::-1]}, None, "X_thresholds_"),
        (CURVE, {"X_thresholds_": lambda a: a[:0], "y_thresholds_": lambda a: a[:0]}, None, "X_thresholds_"),
        (CURVE, {"y_thresholds_": less}, None, "y_thresholds_"),
        (RIDGE, {"dual_coef_": less}, None, "dual_coef_"),
        (RIDGE, {}, params(kernel="chi2"), ""),
        (RIDGE, {}, params(kernel={"name": "numpy.exp"}), "kernel"),
        (RIDGE, {}, params(kernel_params={"dict": [["n_jobs", 10**9]]}), "n_jobs"),
        (GIVEN, {"X_fit_": less, "dual_coef_": less}, None, "X_fit_"),
        (MIXTURE, {}, params(covariance_type="diag"), "covariances_"),
        (MIXTURE, {"weights_": lambda a: a * 2}, None, "weights_"),
        (MIXTURE, {"weights_": put(0, -1)}, None, "weights_"),
        (MIXTURE, {"means_": lambda a: a[:, :-1]}, None, "means_"),
        (BAYESIAN, {}, params(weight_concentration_prior_type="dirichlet_distribution"), "weight_concen"),
        (BAYESIAN, {}, state(degrees_of_freedom_=2.0), "degrees_of_freedom_"),
    ],
)
def test_what_does_not_fit_is_refused(estimator, arrays, edit, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, arrays=arrays, document=edit)
    assert path in (caught.value.path or "")


@pytest.mark.parametrize(
    "estimator",
    [
        KernelRidge(kernel=RBF([1.0, 2.0, 3.0])).fit(X, Y),
        KernelRidge(kernel="laplacian").fit(sparse.csc_matrix(X), np.c_[Y, Y]),
        GIVEN,
        IsotonicRegression().fit([1.0, 1.0], [2.0, 4.0]),
        LinearDiscriminantAnalysis("lsqr").fit(X, Y),
        PLSCanonical().fit(X, np.c_[X[:, 0], Y]),
    ],
)
def test_models_predict_as_before(estimator):
    rows = rbf_kernel(X) if estimator is GIVEN else X
    if isinstance(estimator, IsotonicRegression):
        rows = np.array([1.0, 2.0])
    assert np.array_equal(load_parts(dump_parts(estimator)).predict(rows), estimator.predict(rows))


def test_what_training_wrote_down_is_kept_when_asked_for():
    lasso = GraphicalLassoCV(alphas=2, cv=2).fit(X)
    kept = load_parts(dump_parts(lasso, training_state=True))
    assert kept.costs_ == lasso.costs_
    assert kept.cv_results_.keys() == lasso.cv_results_.keys()
    assert not hasattr(load_parts(dump_parts(lasso)), "cv_results_")
    assert load_parts(dump_parts(lasso)).alpha_ == lasso.alpha_
    assert not hasattr(load_parts(dump_parts(lasso, profile="inference")), "alpha_")


@pytest.mark.parametrize("estimator", [GaussianNB(), BernoulliNB(), MultinomialNB(), CategoricalNB()])
def test_copies_of_loaded_models_learn_on(estimator):
    estimator.partial_fit(COUNTS, Y, classes=[0, 1, 2])
    loaded = copy.deepcopy(load_parts(dump_parts(estimator)))
    for each in (estimator, loaded):
        each.partial_fit(COUNTS[::-1], Y)
    assert dump_parts(loaded) == dump_parts(estimator)
