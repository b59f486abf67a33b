"""Clusterings: they go on learning after loading, and what leads compiled code astray is refused."""

import copy
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import sparse
from sklearn.cluster import (
    HDBSCAN,
    Birch,
    BisectingKMeans,
    FeatureAgglomeration,
    KMeans,
    MeanShift,
    MiniBatchKMeans,
)

from maas_sdk.errors import InvalidArtifactError, NotIncludedError
from maas_sdk.serialization import dump_parts, load_parts

_spec = importlib.util.spec_from_file_location("serialization_around", Path(__file__).with_name("around.py"))
around = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(around)
X, changed, comes_back, forged, refuses = (
    around.X,
    around.changed,
    around.comes_back,
    around.forged,
    around.refuses,
)
FILE = "tensors/000.safetensors"
MORE = np.random.default_rng(1).normal(size=(200, 4))
MEANS = KMeans(3, n_init=1, random_state=0).fit(X)
BATCHES = MiniBatchKMeans(3, random_state=0).partial_fit(X)
BISECTING = BisectingKMeans(5, random_state=0).fit(X)
BIRCH = Birch(threshold=0.4, branching_factor=4).fit(X)
SHIFT = MeanShift(bandwidth=1.5).fit(X)
FEATURES = FeatureAgglomeration(2).fit(X)


def dendrogram(rows=X, **options):
    with np.errstate(all="ignore"):
        return around.fitted(HDBSCAN(min_cluster_size=5, **options), rows)


HIERARCHY = dendrogram()


def altered(estimator, **changes):
    """Dump, let each change replace an array, load."""
    parts = dump_parts(estimator)
    tensors = {key: value for key, value in read_tensors(parts[FILE]).items() if not key.startswith(".pad")}
    for name, change in changes.items():
        key = next(key for key in tensors if key.rpartition(".")[2] == name)
        tensors[key] = np.ascontiguousarray(change(tensors[key]))
    return load_parts({**parts, FILE: write_tensors(tensors)})


def refuses_altered(path, estimator, **changes):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, **changes)
    assert path in caught.value.path, caught.value


def put(index, value):
    def change(array):
        array = array.astype(np.int64) if array.dtype.kind == "i" else array.copy()
        array[index] = value
        return array

    return change


@pytest.mark.parametrize(
    "estimator",
    [MEANS, BATCHES, BISECTING, BisectingKMeans(1, random_state=0).fit(X), BIRCH, SHIFT, FEATURES],
)
def test_clusterings_come_back_with_their_answers(estimator):
    comes_back(estimator)


def test_as_many_threads_are_used_as_the_receiver_has():
    sender = changed(MEANS, _n_threads=10**6)
    assert dump_parts(sender) == dump_parts(MEANS)
    assert load_parts(dump_parts(sender))._n_threads == MEANS._n_threads


@pytest.mark.parametrize("seed", [0, None])
def test_batches_of_means_are_learned_on_as_if_never_stored(seed):
    means = MiniBatchKMeans(3, random_state=seed).partial_fit(X)
    loaded = load_parts(dump_parts(means))
    for model in (means, loaded):
        np.random.seed(0)  # noqa: NPY002 - what the model without a seed draws from
        model.partial_fit(MORE)
    np.testing.assert_array_equal(loaded.cluster_centers_, means.cluster_centers_)
    np.testing.assert_array_equal(loaded.labels_, means.labels_)


def test_the_inference_profile_leaves_centres_in_their_file_and_does_not_learn_on():
    loaded = load_parts(dump_parts(BATCHES, profile="inference"))
    assert not loaded.cluster_centers_.flags.writeable
    with pytest.raises(AttributeError):
        loaded.partial_fit(MORE)


@pytest.mark.parametrize(
    "rows", [X, X.astype(np.float32), sparse.csr_matrix(np.where(X > 0, X, 0)).astype(np.float32)]
)
@pytest.mark.parametrize("options", [{"threshold": 1}, {"threshold": 0.3, "branching_factor": 3}])
def test_subclusters_are_learned_on_as_if_never_stored(rows, options):
    birch = Birch(**options).fit(rows)
    loaded = load_parts(dump_parts(birch))
    more = MORE.astype(rows.dtype)
    for model in (birch, loaded):
        model.partial_fit(sparse.csr_matrix(more) if sparse.issparse(rows) else more)
    np.testing.assert_array_equal(loaded.subcluster_centers_, birch.subcluster_centers_)
    assert dump_parts(loaded) == dump_parts(birch)


def test_birch_of_the_inference_profile_says_that_it_cannot_learn_on():
    loaded = load_parts(dump_parts(BIRCH, profile="inference"))
    with pytest.raises(NotIncludedError, match="profile 'full'"):
        loaded.partial_fit(MORE)
    again = load_parts(dump_parts(loaded))  # in the full profile, which has no more of it
    assert dump_parts(again, profile="inference") == dump_parts(BIRCH, profile="inference")
    np.testing.assert_array_equal(copy.deepcopy(loaded).predict(X), BIRCH.predict(X))


def test_subclusters_of_two_thresholds_and_precisions_come_back():
    birch = Birch(threshold=0.3, branching_factor=3).fit(X)
    birch.set_params(threshold=0.2).partial_fit(MORE.astype(np.float32))
    loaded = load_parts(dump_parts(birch))
    np.testing.assert_array_equal(loaded.transform(X), birch.transform(X))
    assert loaded.root_.threshold == 0.2
    assert dump_parts(loaded) == dump_parts(birch)


def test_a_dendrogram_is_cut_as_if_never_stored():
    gaps = X.copy()
    gaps[3, 1], gaps[7, 2], gaps[50, 0] = np.nan, np.inf, np.nan
    for rows in (X, gaps):
        clusters = dendrogram(rows)
        loaded = load_parts(dump_parts(clusters))
        for distance in (0.3, 1.0, 2.0, 10.0):
            np.testing.assert_array_equal(
                loaded.dbscan_clustering(distance), clusters.dbscan_clustering(distance)
            )
    with pytest.raises(AttributeError):
        load_parts(dump_parts(HIERARCHY, profile="inference")).dbscan_clustering(1.0)


@pytest.mark.parametrize("cluster_centers", [X[:3].astype(np.float16), np.asfortranarray(X[:3])])
def test_centres_that_are_no_rows_of_one_precision_are_refused(cluster_centers):
    refuses(forged(changed(MEANS, cluster_centers_=cluster_centers)), "cluster_centers_")


def test_what_is_learned_with_centres_is_of_their_precision_and_number():
    refuses(forged(changed(BATCHES, _counts=np.ones(3, np.float32))), "_counts")
    refuses(forged(changed(BATCHES, _counts=np.ones(2))), "_counts")
    refuses(forged(changed(BISECTING, _X_mean=X[0].astype(np.float32))), "_X_mean")
    single = BISECTING.cluster_centers_.astype(np.float32)
    refuses(forged(changed(BISECTING, cluster_centers_=single, _X_mean=single[0])), "tree")


def test_there_is_a_centre():
    refuses(forged(changed(MEANS, cluster_centers_=X[:0], _n_features_out=0)), "_n_features_out")
    refuses(forged(changed(SHIFT, cluster_centers_=X[:0])), "cluster_centers_")


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("is_leaf", {"is_leaf": put(0, True)}),
        ("is_leaf", {"is_leaf": lambda leaf: np.roll(leaf, 1)}),
        ("is_leaf", {"is_leaf": lambda leaf: np.sort(leaf)[::-1]}),
        ("center", {"center": lambda center: center[:-1]}),
        ("is_leaf", {"is_leaf": lambda leaf: leaf[:-1], "center": lambda center: center[:-1]}),
        (
            "is_leaf",
            {"is_leaf": lambda leaf: np.r_[False, leaf], "center": lambda center: np.r_[center, center[:1]]},
        ),
    ],
)
def test_bisected_clusters_whose_tree_is_none_are_refused(path, changes):
    refuses_altered(path, BISECTING, **changes)


def test_bisected_clusters_deeper_than_python_goes_are_refused():
    n_clusters = 1000
    comb = changed(
        BISECTING,
        cluster_centers_=np.zeros((n_clusters, 4)),
        _n_features_out=n_clusters,
        _bisecting_tree=BISECTING._bisecting_tree,
    )
    parts = forged(comb)
    tensors = {key: value for key, value in read_tensors(parts[FILE]).items() if not key.startswith(".pad")}
    tensors["tree.is_leaf"] = np.r_[[False, True] * (n_clusters - 1), True].astype(np.bool_)
    tensors["tree.center"] = np.zeros((2 * n_clusters - 2, 4))
    refuses({**parts, FILE: write_tensors(tensors)}, "is_leaf")


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("tree.size", {"size": put(0, 0)}),
        ("tree.size", {"size": put(0, 100)}),
        ("tree.size", {"branching_factor": put(0, 1)}),
        ("tree.branching_factor", {"branching_factor": put(0, 0)}),
        ("tree.branching_factor", {"branching_factor": put(0, 10**9)}),
        ("tree.threshold", {"threshold": put(0, np.nan)}),
        ("tree.child", {"child": put(0, -1)}),
        ("tree.child", {"child": put(0, 2)}),
        ("tree.child", {"child": lambda child: np.roll(child, 9)}),
        ("tree.child", {"child": lambda child: np.r_[child[:1], -1, child[1:-1]]}),
        ("tree.leaves", {"leaves": put(0, 0)}),
        ("tree.leaves", {"leaves": lambda leaves: leaves[:-1]}),
        ("tree.centroid", {"centroid": put((0, 0), np.nan)}),
        ("tree.centroid", {"centroid": lambda centroid: centroid[:-1]}),
        ("_subcluster_norms", {"_subcluster_norms": lambda norms: norms[:-1]}),
    ],
)
def test_subclusters_whose_tree_is_none_are_refused(path, changes):
    refuses_altered(path, BIRCH, **changes)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("left_node", {"left_node": put(0, -1)}),
        ("left_node", {"left_node": put(0, 60)}),
        ("right_node", {"right_node": put(-1, 10**6)}),
        (
            "_single_linkage_tree_",
            {"labels_": lambda labels: labels[:-1], "probabilities_": lambda p: p[:-1]},
        ),
    ],
)
def test_dendrograms_that_join_what_is_not_there_are_refused(path, changes):
    refuses_altered(path, HIERARCHY, **changes)


def test_features_are_pooled_into_clusters_that_exist_by_functions_that_pool():
    refuses_altered("labels_", FEATURES, labels_=put(0, 2**40))
    refuses(forged(changed(FEATURES, pooling_func=np.exp)), "pooling_func")
