"""Nearest neighbours and densities: what crashes compiled code, and metrics that do not fit, are refused."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import sparse
from sklearn.neighbors import (
    BallTree,
    KDTree,
    KernelDensity,
    KNeighborsClassifier,
    KNeighborsRegressor,
    LocalOutlierFactor,
    NearestNeighbors,
    NeighborhoodComponentsAnalysis,
    RadiusNeighborsClassifier,
)
from sklearn.utils import check_random_state

from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

_spec = importlib.util.spec_from_file_location("serialization_around", Path(__file__).with_name("around.py"))
around = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(around)
LABELS, X = around.LABELS, around.X
changed, comes_back, forged, refuses = around.changed, around.comes_back, around.forged, around.refuses
FILE = "tensors/000.safetensors"
CLASSIFIER = KNeighborsClassifier(algorithm="kd_tree", leaf_size=5).fit(X, LABELS)
BRUTE = KNeighborsClassifier(algorithm="brute").fit(X, LABELS)
SEVERAL = KNeighborsClassifier().fit(X, np.c_[LABELS, LABELS])
SEARCH = NearestNeighbors(algorithm="ball_tree", leaf_size=5).fit(X)
DENSITY = KernelDensity(leaf_size=5).fit(X, sample_weight=np.arange(1.0, 61))
REACH = RadiusNeighborsClassifier(2.0, outlier_label="b").fit(X, LABELS)
OUTLIERS = LocalOutlierFactor(5, novelty=True).fit(X)
PRECOMPUTED = KNeighborsClassifier(metric="precomputed").fit(np.abs(X - X[:, :1])[:4, :4], LABELS[:4])


def altered(estimator, name, change):
    """Dump, let `change` replace an array, load."""
    parts = dump_parts(estimator)
    tensors = {key: value for key, value in read_tensors(parts[FILE]).items() if not key.startswith(".pad")}
    tensors[name] = np.ascontiguousarray(change(tensors[name]))
    return load_parts({**parts, FILE: write_tensors(tensors)})


def put(index, value):
    def change(array):
        array = array.astype(np.int64) if array.dtype.kind == "i" else array.copy()
        array[index] = value
        return array

    return change


def distance(one, other):
    """The distance of an application."""
    return float(np.abs(one - other).sum())


@pytest.mark.parametrize(
    "estimator",
    [
        CLASSIFIER,
        BRUTE,
        SEVERAL,
        REACH,
        OUTLIERS,
        KNeighborsRegressor(weights="distance", algorithm="ball_tree").fit(X, around.TARGETS),
        KNeighborsClassifier(p=3).fit(X, LABELS),
        KNeighborsClassifier(metric="nan_euclidean").fit(np.where(X > 2, np.nan, X), LABELS),
        KNeighborsClassifier(metric_params={"w": [1, 2, 3, 4]}).fit(X, LABELS),
        KNeighborsClassifier(metric="seuclidean", metric_params={"V": X.var(axis=0)}).fit(X, LABELS),
        KNeighborsClassifier(metric="mahalanobis", metric_params={"VI": np.eye(4)}).fit(X, LABELS),
    ],
)
def test_neighbours_come_back_with_their_answers(estimator):
    comes_back(estimator)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize("leaf_size", [1, 2, 30])
@pytest.mark.parametrize("count", [1, 2, 3, 31, 60])
def test_a_tree_of_any_size_is_built_again_as_it_was(count, leaf_size, algorithm):
    search = NearestNeighbors(n_neighbors=1, algorithm=algorithm, leaf_size=leaf_size).fit(X[:count])
    loaded = load_parts(dump_parts(search))
    for mine, theirs in zip(loaded._tree.get_arrays(), search._tree.get_arrays(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(loaded.kneighbors(X), search.kneighbors(X))


def test_a_tree_and_its_estimator_share_their_samples():
    loaded = load_parts(dump_parts(CLASSIFIER))
    assert np.shares_memory(loaded._tree.data, loaded._fit_X)


def test_a_tree_that_was_asked_is_written_as_one_that_was_not():
    search = NearestNeighbors().fit(X)
    before = dump_parts(search)
    search.kneighbors(X)
    assert search._tree.get_n_calls() > 0
    assert dump_parts(search) == before


def test_a_tree_that_was_given_to_fit_comes_back():
    search = NearestNeighbors().fit(KDTree(X, leaf_size=7))
    loaded = load_parts(dump_parts(search))
    np.testing.assert_array_equal(loaded.kneighbors(X), search.kneighbors(X))
    assert not hasattr(loaded, "n_features_in_")


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
def test_a_density_comes_back_with_its_weights(algorithm):
    for weights in (None, np.arange(1.0, 61)):
        density = KernelDensity(algorithm=algorithm, bandwidth="scott").fit(X, sample_weight=weights)
        loaded = load_parts(dump_parts(density))
        np.testing.assert_array_equal(loaded.score_samples(X), density.score_samples(X))
        np.testing.assert_array_equal(loaded.sample(5, 0), density.sample(5, 0))


def test_a_metric_that_a_prediction_has_altered_is_not_taken_for_the_one_in_effect():
    classifier = KNeighborsClassifier(algorithm="kd_tree", metric_params={"p": 3})
    around.fitted(classifier, X, LABELS)
    expected = classifier.kneighbors(X)
    classifier.predict_proba(X)
    assert classifier.metric_params == {"p": 2}
    loaded = load_parts(dump_parts(classifier))
    assert (loaded.effective_metric_, loaded.effective_metric_params_) == ("minkowski", {"p": 3, "w": None})
    np.testing.assert_array_equal(loaded.kneighbors(X), expected)


def test_the_metric_of_an_application_is_searched_with_and_its_options_are_plain():
    classifier = KNeighborsClassifier(algorithm="brute", metric=distance).fit(X, LABELS)
    comes_back(classifier, allow=[distance])
    with pytest.raises(UnsupportedModelError, match="plain"):
        dump_parts(
            classifier.set_params(metric_params={"how": slice(2)}).fit(X, LABELS),
            allow=[distance],
        )


def test_a_random_state_of_its_own_comes_back_and_that_of_the_process_stays_where_it_is():
    for seed in (None, 3):
        analysis = NeighborhoodComponentsAnalysis(2, max_iter=2, random_state=seed)
        around.fitted(analysis, X, LABELS)
        loaded = load_parts(dump_parts(analysis))
        assert (loaded.random_state_ is check_random_state(None)) == (seed is None)
        if seed is not None:
            assert loaded.random_state_.uniform() == analysis.random_state_.uniform()


@pytest.mark.parametrize(
    ("name", "change", "path"),
    [
        ("tree.order", put(0, 10**6), "tree.order"),
        ("tree.order", put(0, -1), "tree.order"),
        ("tree.order", lambda order: np.r_[order[1:], order[1]], "tree.order"),
        ("tree.order", lambda order: order[:-1], "tree.order"),
        ("tree.radius", put(0, np.inf), "tree.radius"),
        ("tree.radius", lambda radius: radius[:-1], "tree.bounds"),
        ("tree.bounds", put((0, 0, 0), np.nan), "tree.bounds"),
        ("tree.bounds", lambda bounds: bounds[:, :-2], "tree.bounds"),
        ("tree.bounds", lambda bounds: bounds[:1], "tree.bounds"),
        ("tree.bounds", lambda bounds: bounds[:, :, :-1], "tree.bounds"),
        ("_fit_X", put((0, 0), np.nan), "_fit_X"),
        ("_fit_X", lambda samples: samples[:-1], "n_samples_fit_"),
        ("_y", put(0, 3), "_y"),
        ("_y", put(0, -1), "_y"),
        ("_y", lambda codes: codes[:-1], "_y"),
    ],
)
def test_a_tree_or_samples_that_are_none_are_refused_with_their_column(name, change, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(CLASSIFIER, name, change)
    assert path in caught.value.path


def refused_document(estimator, change, path):
    parts = dump_parts(estimator)
    document = json.loads(parts["model.json"])
    change(document["model"])
    refuses({**parts, "model.json": json.dumps(document).encode()}, path)


@pytest.mark.parametrize("leaf_size", [1, 2, 100, 0])
def test_leaves_of_another_size_than_the_tree_has_are_refused(leaf_size):
    def change(node):
        node["state"]["tree"]["dict"] = [
            [key, leaf_size if key == "leaf_size" else value] for key, value in node["state"]["tree"]["dict"]
        ]

    refused_document(CLASSIFIER, change, "tree")


def with_metric(metric, params=None):
    """Give a search by comparing all samples with another metric than it was fitted with."""
    in_effect = {"effective_metric_": metric, "effective_metric_params_": params or {}}
    return changed(BRUTE, metric=metric, metric_params=params, **in_effect)


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (changed(CLASSIFIER, n_neighbors=61), "n_neighbors"),
        (changed(CLASSIFIER, n_neighbors=True), "n_neighbors"),
        (changed(CLASSIFIER, n_neighbors=None), "n_neighbors"),
        (changed(CLASSIFIER, n_jobs=10**6), "n_jobs"),
        (changed(CLASSIFIER, outputs_2d_=True), "classes_"),
        (changed(SEVERAL, _y=SEVERAL._y[:, 0]), "classes_"),
        (changed(CLASSIFIER, _y=CLASSIFIER._y.astype(np.int32)), "_y"),
        (changed(REACH, outlier_label_=["a", "b"]), "outlier_label_"),
        (changed(REACH, outlier_label_="b"), "outlier_label_"),
        (changed(REACH, outlier_label_=np.array("b")), "outlier_label_"),
        (changed(OUTLIERS, n_neighbors_=6), "n_neighbors_"),
        (changed(DENSITY, bandwidth_=-1.0), "bandwidth_"),
        (changed(BRUTE, metric_params={"p": -1.0}), "metric_params.p"),
        (changed(BRUTE, p=3, metric_params={"w": np.ones(3)}), "metric_params.w"),
        (changed(BRUTE, p=3, metric_params={"w": [1.0, 2.0, 3.0, -4.0]}), "metric_params.w"),
        (changed(BRUTE, p=3, metric_params={"w": ["a"] * 4}), "metric_params.w"),
        (changed(BRUTE, metric_params={"p": float("nan")}), "metric_params.p"),
        (changed(BRUTE, metric_params={"Y_norm_squared": np.ones(3)}), "metric_params.Y_norm_squared"),
        (with_metric("seuclidean"), "metric_params"),
        (with_metric("mahalanobis", {"VI": np.eye(3)}), "metric_params.VI"),
        (with_metric("haversine"), "metric"),
        (with_metric("precomputed"), "_fit_X"),
        (changed(with_metric("canberra"), _fit_X=sparse.csr_matrix(X)), "metric"),
        (changed(PRECOMPUTED, metric="manhattan", effective_metric_="euclidean"), "effective_metric_"),
        (changed(BRUTE, effective_metric_="cosine"), "effective_metric_"),
    ],
)
def test_parameters_that_no_search_can_use_are_refused(estimator, path):
    refuses(forged(estimator), path)


def test_neighbours_without_a_number_of_features_or_with_half_a_metric_are_refused():
    refused_document(BRUTE, lambda node: node["state"].pop("n_features_in_"), "n_features_in_")
    refused_document(
        BRUTE, lambda node: node["state"].update(effective_metric_="minkowski"), "effective_metric_"
    )


def test_a_method_that_does_not_fit_the_samples_is_refused():
    refused_document(CLASSIFIER, lambda node: node["state"].update(_fit_method="brute"), "_fit_method")
    refused_document(BRUTE, lambda node: node["state"].update(_fit_method="kd_tree"), "_fit_method")
    refused_document(CLASSIFIER, lambda node: node["state"].update(_fit_method="ball_tree"), "tree.bounds")


@pytest.mark.parametrize(
    ("metric", "params"),
    [("canberra", None), ("pyfunc", None), ("minkowski", {"w": {"tuple": [1, 2, 3, 4]}})],
)
def test_a_metric_that_a_k_d_tree_cannot_have_is_refused(metric, params):
    def change(node):
        node["params"] |= {"metric": metric, "metric_params": params and {"dict": list(params.items())}}

    refused_document(CLASSIFIER, change, "tree")


def test_a_ball_tree_of_another_number_of_features_than_its_metric_is_refused():
    search = NearestNeighbors(metric="haversine").fit(X[:, :2])
    refuses(
        forged(changed(search, _fit_X=X[:, :1], _tree=None, _fit_method="brute", n_features_in_=1)), "metric"
    )


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (changed(SEARCH, _tree=BallTree(X, leaf_size=7, metric="manhattan")), "another metric"),
        (changed(SEARCH, _tree=BallTree(X + 1)), "altered"),
        (changed(SEARCH, _tree=KDTree(X)), "a KDTree for ball_tree"),
        (NearestNeighbors(algorithm="ball_tree", metric=distance).fit(X), "in Python"),
    ],
)
def test_a_tree_that_could_not_be_built_again_is_not_written(estimator, said):
    with pytest.raises(UnsupportedModelError, match=said):
        dump_parts(estimator, allow=[distance])


def test_a_tree_whose_nodes_are_divided_in_another_way_is_not_written():
    tree = KDTree(X, leaf_size=5)
    state = list(tree.__getstate__())
    state[2] = state[2].copy()
    state[2]["idx_end"][1] -= 1
    other = KDTree.__new__(KDTree)
    other.__setstate__(tuple(state))
    with pytest.raises(UnsupportedModelError, match="divides"):
        dump_parts(changed(CLASSIFIER, _tree=other))


@pytest.mark.parametrize(
    ("name", "change", "path"),
    [
        ("tree.order", put(0, 60), "tree.order"),
        ("tree.bounds", lambda bounds: bounds[:, :1], "tree.bounds"),
        ("samples", put((0, 0), np.inf), "samples"),
        ("samples", lambda samples: samples[:, :-1], "samples"),
        ("sample_weight", lambda weights: weights[:-1], "sample_weight"),
    ],
)
def test_a_density_whose_tree_is_none_is_refused(name, change, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(DENSITY, name, change)
    assert path in caught.value.path


def test_a_density_without_samples_is_refused():
    parts = dump_parts(KernelDensity().fit(X))
    tensors = {key: value for key, value in read_tensors(parts[FILE]).items() if not key.startswith(".pad")}
    tensors["samples"], tensors["tree.order"] = np.zeros((0, 4)), np.zeros(0, np.int64)
    refuses({**parts, FILE: write_tensors(tensors)}, "samples")


def test_weights_of_samples_are_left_out_where_there_are_none():
    assert load_parts(dump_parts(KernelDensity().fit(X))).tree_.sample_weight is None
