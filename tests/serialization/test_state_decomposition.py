"""Decompositions, manifolds and approximations: they learn on after loading, and end."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import (
    NMF,
    DictionaryLearning,
    FastICA,
    IncrementalPCA,
    KernelPCA,
    LatentDirichletAllocation,
    MiniBatchDictionaryLearning,
    MiniBatchNMF,
    SparseCoder,
    TruncatedSVD,
)
from sklearn.kernel_approximation import AdditiveChi2Sampler, Nystroem, PolynomialCountSketch, RBFSampler
from sklearn.manifold import Isomap, LocallyLinearEmbedding
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import BernoulliRBM
from sklearn.preprocessing import KernelCenterer
from sklearn.random_projection import GaussianRandomProjection

from maas_sdk.serialization import dump_parts, load_parts

_spec = importlib.util.spec_from_file_location("serialization_around", Path(__file__).with_name("around.py"))
around = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(around)
X, changed, fitted = around.X, around.changed, around.fitted
comes_back, forged, refuses = around.comes_back, around.forged, around.refuses
COUNTS = np.random.default_rng(2).poisson(2, (60, 4)).astype(float)
ATOMS = X[:3] / np.linalg.norm(X[:3], axis=1, keepdims=True)
ICA = fitted(FastICA(2, random_state=0), X)
COMPONENTS = TruncatedSVD(2, random_state=0).fit(X)
VARIANCES = ("explained_variance_", "explained_variance_ratio_", "singular_values_")
FACTORS = fitted(NMF(2, random_state=0, max_iter=50), COUNTS)
ALL_FACTORS = fitted(NMF(None, random_state=0, max_iter=50), COUNTS)
BATCHES = fitted(MiniBatchNMF(2, random_state=0, max_iter=3), COUNTS)
TOPICS = LatentDirichletAllocation(2, random_state=0, max_iter=2, n_jobs=1).fit(COUNTS)
DICTIONARY = DictionaryLearning(3, max_iter=3, random_state=0, n_jobs=1).fit(X)
CODER = SparseCoder(ATOMS).fit(X)
KERNEL = KernelPCA(2, kernel="rbf", fit_inverse_transform=True).fit(X)
SQUARE = KernelPCA(2, kernel="precomputed").fit(X @ X.T)
MAP = Isomap(n_neighbors=20).fit(X)
EMBEDDING = LocallyLinearEmbedding(n_neighbors=6).fit(X)
SKETCH = PolynomialCountSketch(n_components=8, random_state=0).fit(X)
PROJECTION = GaussianRandomProjection(2, random_state=0, compute_inverse_components=True).fit(X)
MACHINE = BernoulliRBM(3, n_iter=2, random_state=0).fit(COUNTS > 2)


@pytest.mark.parametrize(
    "estimator",
    [
        *(ICA, FACTORS, ALL_FACTORS, BATCHES, TOPICS, DICTIONARY, CODER, KERNEL, MAP, EMBEDDING, SKETCH),
        *(PROJECTION, MACHINE, Nystroem(n_components=5, random_state=0).fit(X)),
        fitted(FastICA(whiten=False, random_state=0), X),
        RBFSampler(random_state=0).fit(X),
        COMPONENTS,
        AdditiveChi2Sampler().fit(COUNTS),
        SparseCoder(ATOMS, transform_algorithm="lasso_cd", positive_code=True).fit(X),
    ],
)
def test_transformers_come_back_with_their_answers(estimator):
    comes_back(estimator, COUNTS)
    if hasattr(estimator, "inverse_transform"):
        loaded, codes = load_parts(dump_parts(estimator)), estimator.transform(COUNTS)
        np.testing.assert_array_equal(loaded.inverse_transform(codes), estimator.inverse_transform(codes))


def test_a_square_kernel_comes_back():
    loaded = load_parts(dump_parts(SQUARE))
    np.testing.assert_array_equal(loaded.transform(X @ X.T), SQUARE.transform(X @ X.T))


@pytest.mark.parametrize(
    "estimator",
    [
        IncrementalPCA(2).fit(X),
        BATCHES,
        fitted(MiniBatchNMF(2, random_state=0), COUNTS),
        TOPICS,
        MiniBatchDictionaryLearning(3, max_iter=2, random_state=0).fit(X),
        BernoulliRBM(3, n_iter=2, random_state=0).partial_fit,
    ],
)
def test_what_learns_in_parts_learns_on_as_if_never_stored(estimator):
    if not hasattr(estimator, "fit"):  # it makes its random state when it first learns a part
        estimator, learn = estimator.__self__, estimator
        learn(COUNTS > 2)
    loaded = load_parts(dump_parts(estimator))
    for model in (estimator, loaded):
        model.partial_fit(COUNTS)
        model.partial_fit(COUNTS[::-1])
    np.testing.assert_array_equal(loaded.components_, estimator.components_)


@pytest.mark.parametrize("estimator", [BATCHES, TOPICS, IncrementalPCA(2).fit(X)])
def test_the_inference_profile_does_not_learn_on(estimator):
    loaded = load_parts(dump_parts(estimator, profile="inference"))
    with pytest.raises((AttributeError, ValueError)):
        loaded.partial_fit(COUNTS)


@pytest.mark.parametrize("estimator", [TOPICS, DICTIONARY, CODER])
def test_how_many_processes_transform_is_neither_written_nor_read(estimator):
    parts = dump_parts(changed(estimator, n_jobs=8))
    assert load_parts(parts).n_jobs is None
    document = json.loads(parts["model.json"])
    document["model"]["params"]["n_jobs"] = 64
    refuses({**parts, "model.json": json.dumps(document).encode()}, "n_jobs")


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (changed(FACTORS, max_iter=10**9), "max_iter"),
        (changed(BATCHES, _transform_max_iter=10**9), "_transform_max_iter"),
        (changed(TOPICS, max_doc_update_iter=10**9), "max_doc_update_iter"),
        (changed(DICTIONARY, transform_max_iter=10**9), "transform_max_iter"),
        (changed(KERNEL, n_jobs=10**9), "n_jobs"),
        (changed(SKETCH, n_components=10**9, _n_features_out=10**9), "n_components"),
        (changed(SKETCH, n_components=9), "n_components"),
        (changed(SKETCH, degree=3), "n_components"),
        (fitted(AdditiveChi2Sampler(sample_steps=100, sample_interval=0.1), COUNTS), "sample_steps"),
        (changed(AdditiveChi2Sampler().fit(COUNTS), sample_steps=4), "sample_interval"),
        (changed(AdditiveChi2Sampler().fit(COUNTS), n_features_in_=2**31 - 1), "n_features_in_"),
    ],
)
def test_what_takes_too_long_or_grows_too_large_is_refused(estimator, path):
    refuses(forged(estimator), path)


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (changed(SKETCH, coef0=1), "indexHash_"),
        (changed(SKETCH, indexHash_=SKETCH.indexHash_ + 8), "indexHash_"),
        (changed(ICA, whiten=False), "mean_"),
        (changed(FACTORS, components_=-FACTORS.components_), "components_"),
        (changed(FACTORS, components_=0 * FACTORS.components_), "components_"),
        (changed(FACTORS, n_components=3), "n_components"),
        (changed(FACTORS, n_components=None), "n_components"),
        (changed(FACTORS, beta_loss="kullback-leibler"), "beta_loss"),
        (
            changed(TOPICS, exp_dirichlet_component_=TOPICS.exp_dirichlet_component_.astype(np.float32)),
            "exp_dirichlet_component_",
        ),
        (changed(COMPONENTS, **dict.fromkeys(VARIANCES, np.zeros(0)), components_=X[:0]), "the model"),
        (changed(CODER, dictionary=ATOMS[:, :0]), "the model"),
        (changed(CODER, dictionary=ATOMS[0]), "dictionary"),
        (changed(CODER, feature_names_in_=np.array(list("abc"), dtype=object)), "dictionary"),
        (changed(CODER, positive_code=True), "positive_code"),
        (changed(CODER, dictionary=1e100 * ATOMS), "dictionary"),
        (changed(DICTIONARY, components_=1e100 * DICTIONARY.components_), "components_"),
        (changed(CODER, transform_n_nonzero_coefs=4), "transform_n_nonzero_coefs"),
        (changed(KERNEL, eigenvalues_=-KERNEL.eigenvalues_), "eigenvalues_"),
        (changed(KERNEL, _centerer=KernelCenterer()), "_centerer"),
        (changed(KERNEL, _centerer=KernelCenterer().fit(np.eye(3))), "_centerer"),
        (changed(KERNEL, kernel="precomputed"), "X_fit_"),
        (changed(SQUARE, fit_inverse_transform=True), "dual_coef_"),
        (changed(PROJECTION, compute_inverse_components=False), "inverse_components_"),
        (changed(MAP, nbrs_=NearestNeighbors()), "nbrs_"),
        (changed(MAP, nbrs_=NearestNeighbors().fit(X[:, :3])), "nbrs_"),
        (changed(MAP, nbrs_=NearestNeighbors().fit(X[:9])), "nbrs_"),
        (changed(MAP, nbrs_=NearestNeighbors(n_neighbors=61).fit(X)), "nbrs_"),
        (changed(MAP, nbrs_=KMeans(2).fit(X)), "nbrs_"),
        (changed(MAP, kernel_pca_=KernelPCA(2).fit(X)), "kernel_pca_"),
        (changed(MAP, kernel_pca_=KernelPCA(2).fit(X @ X.T)), "kernel_pca_"),
        (changed(MAP, kernel_pca_=KernelPCA(3, kernel="precomputed").fit(X @ X.T)), "kernel_pca_"),
        (changed(EMBEDDING, n_components=10**9), "n_components"),
        (changed(EMBEDDING, n_neighbors=61), "n_neighbors"),
    ],
)
def test_what_could_not_transform_is_refused(estimator, path):
    refuses(forged(estimator), path)


def test_a_coder_sets_nothing_that_its_version_of_scikit_learn_computes(monkeypatch):
    monkeypatch.setattr(SparseCoder, "n_components_", property(lambda coder: 7), raising=False)
    loaded = load_parts(dump_parts(CODER))
    assert (loaded.n_components_, loaded.n_features_in_) == (7, 4)


def test_a_random_state_that_gives_zeros_for_ever_is_refused():
    state = np.random.RandomState(0)
    state.set_state(("MT19937", np.zeros(624, np.uint32), 624))
    refuses(forged(changed(TOPICS, random_state_=state)), "random_state_")
