"""Trees and their ensembles: what they learn by all roads comes back, and can still be asked about."""

import copy
import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from maas_sdk.errors import (
    InvalidArtifactError,
    LimitExceededError,
    MaasError,
    NotIncludedError,
    UnsupportedModelError,
)
from maas_sdk.limits import Limits
from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.serialization._native import _nodes, histogram
from maas_sdk.serialization._native._structure import blocks, read_structures
from maas_sdk.serialization._place import Place

X, Y = make_classification(150, 6, n_informative=4, n_classes=3, random_state=0)
TARGET = X[:, 0] * 3 + Y


def assert_same_trees(original, loaded, rows):
    np.testing.assert_array_equal(loaded.predict(rows), original.predict(rows))
    if hasattr(original, "predict_proba"):
        given, expected = loaded.predict_proba(rows), original.predict_proba(rows)
        several = isinstance(expected, list)
        for left, right in zip(
            given if several else [given], expected if several else [expected], strict=True
        ):
            np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(loaded.apply(rows), original.apply(rows))
    np.testing.assert_array_equal(loaded.feature_importances_, original.feature_importances_)
    if hasattr(original, "decision_path"):
        left, right = loaded.decision_path(rows), original.decision_path(rows)
        left, right = (left[0], right[0]) if isinstance(left, tuple) else (left, right)
        np.testing.assert_array_equal(left.toarray(), right.toarray())


def round_trip(estimator, rows=X):
    parts = dump_parts(estimator)
    loaded = load_parts(parts)
    assert dump_parts(loaded) == parts
    assert_same_trees(estimator, loaded, rows)
    return loaded


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_leaf_nodes": 7},
        {"max_depth": 1},
        {"min_samples_leaf": 200},
        {"ccp_alpha": 0.02},
        {"monotonic_cst": [1, 0, 0, 0, 0, -1]},
        {"splitter": "random"},
    ],
)
@pytest.mark.parametrize("cls", [DecisionTreeClassifier, DecisionTreeRegressor])
def test_a_tree_grown_in_any_way_comes_back(cls, options):
    target = Y % 2 if "monotonic_cst" in options else Y
    tree = cls(random_state=0, **options).fit(X, target)
    loaded = round_trip(tree)
    assert loaded.get_depth() == tree.get_depth()
    assert loaded.get_n_leaves() == tree.get_n_leaves()


@pytest.mark.parametrize("cls", [DecisionTreeClassifier, RandomForestClassifier, RandomForestRegressor])
def test_several_outputs_come_back(cls):
    targets = np.c_[Y, Y % 2]
    options = {"n_estimators": 3} if hasattr(cls(), "n_estimators") else {}
    loaded = round_trip(cls(random_state=0, **options).fit(X, targets))
    assert loaded.n_outputs_ == 2


def test_several_outputs_of_strings_come_back():
    targets = np.array([["a", "left"], ["b", "right"], ["c", "left"]], dtype=object)[Y]
    forest = RandomForestClassifier(3, random_state=0).fit(X, targets)
    loaded = round_trip(forest)
    assert [labels.tolist() for labels in loaded.classes_] == [["a", "b", "c"], ["left", "right"]]


def test_missing_values_go_the_way_they_were_taught():
    rows = X.copy()
    rows[::3, 0] = np.nan
    rows[1::3, 2] = np.nan
    for estimator in (DecisionTreeClassifier(random_state=0), RandomForestClassifier(5, random_state=0)):
        round_trip(estimator.fit(rows, Y), rows)
        round_trip(estimator.fit(rows, np.isnan(rows[:, 0]).astype(int)), rows)


def test_sparse_rows_and_named_columns_are_taken():
    rows = sparse.csr_matrix(np.where(X > 0, X, 0))
    loaded = load_parts(dump_parts(RandomForestClassifier(5, random_state=0).fit(rows, Y)))
    assert loaded.predict(rows).shape == (150,)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    assert round_trip(DecisionTreeRegressor().fit(frame, TARGET), frame).feature_names_in_.tolist() == list(
        "abcdef"
    )


def test_a_forest_keeps_what_tells_its_samples_and_its_score():
    forest = RandomForestClassifier(40, oob_score=True, max_samples=0.5, random_state=0, n_jobs=2)
    loaded = round_trip(forest.fit(X, Y))
    assert loaded.oob_score_ == forest.oob_score_
    for left, right in zip(loaded.estimators_samples_, forest.estimators_samples_, strict=True):
        np.testing.assert_array_equal(left, right)
    assert loaded.estimators_[2].get_params() == forest.estimators_[2].get_params()


def test_a_loaded_forest_grows_further():
    forest = ExtraTreesRegressor(4, random_state=0, warm_start=True).fit(X, TARGET)
    loaded = load_parts(dump_parts(forest))
    for each in (forest, loaded):
        each.set_params(n_estimators=7).fit(X, TARGET)
    assert_same_trees(forest, loaded, X)


@pytest.mark.parametrize(
    "boosting",
    [
        GradientBoostingClassifier(n_estimators=5),
        GradientBoostingClassifier(n_estimators=5, init="zero"),
        GradientBoostingClassifier(n_estimators=5, init=DummyClassifier(strategy="uniform")),
        GradientBoostingClassifier(n_estimators=5, n_iter_no_change=2, max_leaf_nodes=5),
        GradientBoostingRegressor(n_estimators=5, loss="huber", subsample=0.5),
        GradientBoostingRegressor(n_estimators=5, loss="quantile", alpha=0.8),
        GradientBoostingRegressor(n_estimators=5, loss="absolute_error"),
    ],
)
def test_gradient_boosting_comes_back_stage_by_stage(boosting):
    boosting.set_params(random_state=0).fit(X, Y if is_classifier(boosting) else TARGET)
    loaded = round_trip(boosting)
    for left, right in zip(loaded.staged_predict(X), boosting.staged_predict(X), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("loss", ["log_loss", "exponential"])
def test_gradient_boosting_of_two_classes_comes_back(loss):
    boosting = GradientBoostingClassifier(n_estimators=5, loss=loss, random_state=0).fit(
        X, np.array(["n", "y"])[Y % 2]
    )
    loaded = round_trip(boosting)
    np.testing.assert_array_equal(loaded.decision_function(X), boosting.decision_function(X))


def test_gradient_boosting_on_another_model_comes_back():
    for boosting in (
        GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()),
        GradientBoostingRegressor(n_estimators=2, init=DecisionTreeRegressor(max_depth=2)),
    ):
        round_trip(boosting.fit(X, Y if is_classifier(boosting) else TARGET))


def test_gradient_boosting_on_a_model_of_other_classes_is_refused():
    boosting = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(X, Y)
    boosting.init_ = LogisticRegression().fit(X, Y % 2)
    with pytest.raises(InvalidArtifactError, match="scores of shape"):
        load_parts(dump_parts(boosting))


def test_an_estimator_among_the_parameters_need_not_be_fitted():
    boosting = GradientBoostingClassifier(n_estimators=2).fit(X, Y).set_params(init=DummyClassifier())
    assert isinstance(round_trip(boosting).init, DummyClassifier)


def test_weights_of_the_training_rows_stay_behind():
    forest = RandomForestRegressor(3).fit(X, Y, sample_weight=np.arange(150) + 1.0)
    assert not hasattr(round_trip(forest), "_sample_weight")


def test_a_forest_whose_trees_were_exchanged_is_refused_when_it_is_written():
    forest = RandomForestClassifier(3, random_state=0).fit(X, Y)
    forest.estimators_[1] = DecisionTreeClassifier().fit(X, Y % 2)
    with pytest.raises(UnsupportedModelError, match=r"estimators_\[1\].n_classes_"):
        dump_parts(forest)


def test_a_deep_chain_is_measured_exactly():
    rows = np.arange(300.0)[:, None]
    tree = DecisionTreeRegressor().fit(rows, 2.0 ** np.arange(300))
    assert tree.get_depth() > 100
    assert round_trip(tree, rows).get_depth() == tree.get_depth()


@pytest.mark.parametrize(
    "boosting",
    [
        HistGradientBoostingClassifier(max_iter=5),
        HistGradientBoostingClassifier(max_iter=5, class_weight="balanced", early_stopping=True, max_bins=15),
        HistGradientBoostingRegressor(max_iter=5, loss="quantile", quantile=0.3),
        HistGradientBoostingRegressor(max_iter=5, loss="absolute_error", scoring="r2", early_stopping=True),
    ],
)
def test_histogram_boosting_comes_back_stage_by_stage(boosting):
    rows = X.copy()
    rows[::4, 0] = np.nan
    boosting.set_params(random_state=0).fit(rows, Y if is_classifier(boosting) else TARGET)
    parts = dump_parts(boosting)
    loaded = load_parts(parts)
    assert dump_parts(loaded) == parts
    assert loaded.n_iter_ == boosting.n_iter_
    for left, right in zip(loaded.staged_predict(rows), boosting.staged_predict(rows), strict=True):
        np.testing.assert_array_equal(left, right)
    left, right = (
        partial_dependence(each, np.nan_to_num(rows), [1], kind="average")["average"]
        for each in (loaded, boosting)
    )
    np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="module")
def of_categories():
    rows = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    rows["word"] = pd.Categorical(np.array(["x", "y", "z"])[Y])
    rows["number"] = pd.Categorical(np.arange(150) % 7)
    rows.loc[::9, "word"] = np.nan
    options = {"categorical_features": "from_dtype", "max_iter": 3, "min_samples_leaf": 5, "random_state": 0}
    return HistGradientBoostingClassifier(**options).fit(rows, Y), rows


def test_histogram_boosting_of_categories_comes_back(of_categories):
    boosting, rows = of_categories
    loaded = round_trip_of_histograms(boosting, rows)
    assert loaded.is_categorical_.tolist() == [False, False, False, True, True]
    other = rows.assign(word=pd.Categorical(["unseen"] * 150))
    np.testing.assert_array_equal(loaded.predict_proba(other), boosting.predict_proba(other))
    coded = np.c_[X, Y]
    round_trip_of_histograms(
        HistGradientBoostingRegressor(max_iter=3, categorical_features=[6]).fit(coded, Y), coded
    )
    every = HistGradientBoostingRegressor(max_iter=3, categorical_features=[0, 1]).fit(coded[:, [6, 6]], Y)
    round_trip_of_histograms(every, coded[:, [6, 6]])


def round_trip_of_histograms(boosting, rows):
    for profile in ("full", "inference"):
        parts = dump_parts(boosting, profile=profile)
        loaded = load_parts(parts)
        assert dump_parts(loaded, profile=profile) == parts
        np.testing.assert_array_equal(loaded.predict(rows), boosting.predict(rows))
    return loaded


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda model: model["state"].pop("categorical_encoder"), "categorical_encoder"),
        (lambda model: model["state"].update(is_categorical_=None), "categorical_encoder"),
        (lambda model: model["params"].update(max_bins=2), "more than max_bins"),
        (lambda model: model["state"]["trees"].clear(), "no trees"),
    ],
)
def test_categories_that_do_not_fit_are_refused(of_categories, edit, message):
    with pytest.raises(InvalidArtifactError, match=message):
        altered(of_categories[0], document=edit)


def altered(estimator, *, arrays=(), document=None, profile="full"):
    """Dump, replace arrays by name and say their dtypes, let `document` change the JSON, load."""
    parts = dump_parts(estimator, profile=profile)
    data = json.loads(parts["model.json"])
    for number, name in enumerate(name for name in parts if name != "model.json"):
        tensors = {
            key: array for key, array in read_tensors(parts[name]).items() if not key.startswith(".pad")
        }
        for key, change in dict(arrays).items():
            if key in tensors:
                tensors[key] = np.ascontiguousarray(change(tensors[key]))
                node = next(
                    node for node in references(data) if (node["file"], node["tensor"]) == (number, key)
                )
                node["dtype"] = tensors[key].dtype.name
        parts[name] = write_tensors(tensors)
    if document is not None:
        document(data["model"])
    return load_parts({**parts, "model.json": json.dumps(data).encode()})


def references(node):
    """Give every reference to a tensor in a document."""
    if isinstance(node, dict) and "tensor" in node:
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(item)


def put(index, value):
    def change(array):
        array = array.astype(np.int64) if array.dtype.kind == "i" else array.copy()
        array[index] = value
        return array

    return change


TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y)
BEST_FIRST = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0).fit(X, Y)
FOREST = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, Y)
HISTOGRAM = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5, random_state=0).fit(X, Y)
BOOSTING = GradientBoostingClassifier(n_estimators=2, random_state=0).fit(X, Y)
ISOLATION = IsolationForest(n_estimators=4, random_state=0).fit(X)
EMBEDDING = RandomTreesEmbedding(4, random_state=0).fit(X)


@pytest.mark.parametrize(
    ("column", "change", "path"),
    [
        ("depth", put(0, 1), "depth"),
        ("depth", put(1, 0), "depth"),
        ("depth", put(1, 2), "depth"),
        ("depth", put(-1, 200), "depth"),
        ("depth", lambda depth: depth.astype(np.int8), "depth"),
        ("depth", lambda depth: depth[:-2], "n_nodes"),
        ("feature", put(0, 6), "feature"),
        ("feature", put(0, -2), "feature"),
        ("feature", lambda feature: feature[:-1], "threshold"),
        ("threshold", put(0, np.nan), "threshold"),
        ("n_node_samples", put(1, 0), "n_node_samples"),
        ("missing_go_to_left", lambda missing: missing.astype(np.uint8), "missing_go_to_left"),
        ("value", put((0, 0, 0), np.inf), "value"),
        ("value", lambda value: value[:, :, :-1], "n_classes_"),
        ("value", lambda value: value[:-1], "value"),
        ("impurity", put(0, np.nan), "impurity"),
        ("impurity", lambda values: values[:-1], "impurity"),
        ("node_count", lambda counts: counts - 1, "node_count"),
        ("node_count", lambda counts: counts[:0], "node_count"),
    ],
)
def test_a_tree_that_is_none_is_refused_with_its_column(column, change, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(TREE, arrays={f"trees.{column}": change})
    assert path in caught.value.path or path in str(caught.value)


def test_splits_that_are_missing_together_are_refused():
    names = ("feature", "threshold", "missing_go_to_left")
    with pytest.raises(InvalidArtifactError, match="with children"):
        altered(TREE, arrays={f"trees.{name}": lambda values: values[:-1] for name in names})
    names = (*names, "is_categorical", "bin_threshold")
    with pytest.raises(InvalidArtifactError, match="with children"):
        altered(HISTOGRAM, arrays={name: lambda values: values[:-1] for name in names})


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("left_child", put(0, 0), "not after its parent"),
        ("left_child", put(0, 10**6), "out of range"),
        ("left_child", put(0, -3), "out of range"),
        ("left_child", put(0, 3), "one level below"),
        ("right_child", put(0, 1), "child of two"),
        ("right_child", put(0, -1), "has one child"),
        ("depth", put(1, 2), "one level below"),
    ],
)
def test_children_that_are_named_must_form_a_tree(column, change, message):
    assert b'"trees.left_child"' in dump_parts(BEST_FIRST)["model.json"]
    with pytest.raises(InvalidArtifactError, match=message):
        altered(BEST_FIRST, arrays={f"trees.{column}": change})


def test_columns_are_there_whole_or_not_at_all():
    for edit in (
        lambda columns: columns.pop(0),
        lambda columns: columns.append(["more", columns[0][1]]),
        lambda columns: columns.clear(),
    ):
        with pytest.raises(InvalidArtifactError):
            altered(TREE, document=lambda model, edit=edit: edit(model["state"]["trees"]["dict"]))
    for value in (5, []):
        with pytest.raises(InvalidArtifactError):
            altered(TREE, document=lambda model, value=value: model["state"].update(trees=value))


@pytest.mark.parametrize("counts", [[1, 1, -1], [2**40, 1, 1], [5, 5], [0, 5, 5], [1, 1], [3], [2, 1]])
def test_nodes_that_no_tree_or_two_trees_claim_are_refused(counts):
    with pytest.raises(InvalidArtifactError):
        altered(FOREST, arrays={"node_count": lambda _: np.array(counts)})


def test_a_node_is_the_child_of_its_own_tree():
    forest = RandomForestRegressor(3, bootstrap=False, max_depth=1, random_state=0).fit(X, TARGET)
    # Three trees of three nodes; now the first lacks its right child, and the third has one too many.
    depths = np.array([0, 1, 2, 0, 1, 1, 0, 1, 2], np.uint8)
    with pytest.raises(InvalidArtifactError, match="depth"):
        altered(forest, arrays={"depth": lambda _: depths})
    depths = np.array([0, 1, 2, 0, 2, 1, 0, 1, 1], np.uint8)
    with pytest.raises(InvalidArtifactError, match="depth"):
        altered(forest, arrays={"depth": lambda _: depths})


@settings(max_examples=400, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=24), st.integers(1, 4))
def test_whatever_depths_are_accepted_are_trees(depths, n_trees):
    depths = np.array(depths, np.uint8)
    counts = np.bincount(np.cumsum(depths == 0) - (depths[0] == 0), minlength=1)[:n_trees].astype(np.int64)
    columns = {"node_count": counts, "depth": depths}
    try:
        structures = list(read_structures(columns, Place(), Limits(), group=7))
    except InvalidArtifactError:
        return
    for structure in structures:
        for tree, (start, count) in enumerate(zip(structure.starts, structure.counts, strict=True)):
            children = {
                int(parent - start): (int(left), int(right))
                for parent, left, right in zip(structure.inner, structure.left, structure.right, strict=True)
                if start <= parent < start + count
            }
            seen, deepest, waiting = set(), 0, [(0, 0)]
            while waiting:
                node, depth = waiting.pop()
                assert node not in seen
                seen.add(node)
                assert structure.depth[start + node] == depth
                deepest = max(deepest, depth)
                waiting += [(child, depth + 1) for child in children.get(node, ())]
            assert seen == set(range(count))
            assert structure.max_depths()[tree] == deepest


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_every_binary_tree_is_told_by_its_depths(seed, leaves):
    rng = np.random.default_rng(seed)

    def grow(n_leaves, depth):
        if n_leaves == 1:
            return [depth]
        left = int(rng.integers(1, n_leaves))
        return [depth, *grow(left, depth + 1), *grow(n_leaves - left, depth + 1)]

    trees = [grow(n_leaves, 0) for n_leaves in leaves]
    columns = {
        "node_count": np.array(list(map(len, trees))),
        "depth": np.concatenate(trees).astype(np.uint16),
    }
    structures = list(read_structures(columns, Place(), Limits(), group=10))
    assert [count for structure in structures for count in structure.counts] == list(map(len, trees))
    assert [depth for structure in structures for depth in structure.max_depths()] == [
        max(tree) for tree in trees
    ]


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("depth", put(1, 2)),
        ("feature", put(0, 6)),
        ("feature", put(0, -1)),
        ("threshold", put(0, np.nan)),
        ("missing_go_to_left", lambda missing: missing.astype(np.uint8)),
        ("value", put(0, np.nan)),
        ("value", lambda value: value[:-1]),
        ("node_count", lambda counts: counts[:-1]),
        ("is_categorical", lambda flags: ~flags),
        ("categories", lambda rows: np.zeros((1, 8), np.uint32)),
    ],
)
def test_histogram_trees_that_are_none_are_refused(column, change):
    with pytest.raises(InvalidArtifactError):
        altered(HISTOGRAM, arrays={column: change})


def test_a_category_of_a_feature_without_categories_is_refused(of_categories):
    boosting, _ = of_categories
    with pytest.raises(InvalidArtifactError, match="without categories"):
        altered(boosting, arrays={"feature": lambda feature: np.full_like(feature, 4)})


@pytest.mark.parametrize("estimator", [HISTOGRAM, BOOSTING])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_boosting_with_another_number_of_scores_is_refused(estimator, number):
    with pytest.raises(InvalidArtifactError):
        altered(
            estimator,
            arrays={"_baseline_prediction": lambda guess: guess[:, [0] * number]},
            document=lambda model: model["state"].update(n_trees_per_iteration_=number),
        )


@pytest.mark.parametrize("estimator", [HISTOGRAM, BOOSTING])
def test_boosting_with_an_incomplete_iteration_or_none_is_refused(estimator):
    cut = type(estimator)(**estimator.get_params())
    vars(cut).update(vars(estimator))
    if estimator is HISTOGRAM:
        cut._predictors = [estimator._predictors[0], estimator._predictors[1][:2]]
    else:
        cut.estimators_ = estimator.estimators_.ravel()[:5].reshape(-1, 1)
    with pytest.raises(InvalidArtifactError, match="incomplete iteration"):
        load_parts(dump_parts(cut))
    with pytest.raises(InvalidArtifactError, match="no trees"):
        altered(estimator, document=lambda model: model["state"].update(trees=[]), profile="inference")


def test_boosting_on_a_first_guess_of_other_classes_is_refused():
    with pytest.raises(InvalidArtifactError, match="init_"):
        altered(BOOSTING, document=lambda model: model["state"]["init_"]["state"].update(n_classes_=2))
    regressor = GradientBoostingRegressor(n_estimators=2).fit(X, TARGET)
    with pytest.raises(InvalidArtifactError, match="init_"):
        altered(
            regressor,
            arrays={"init_.constant_": lambda value: np.c_[value, value]},
            document=lambda model: model["state"]["init_"]["state"].update(n_outputs_=2),
        )


def test_ensembles_have_as_many_of_each_as_they_have_trees():
    for estimator, edit, message in (
        (FOREST, lambda state: state["trees_random_state"].pop(), "trees_random_state"),
        (FOREST, lambda state: state.update(trees=[]), "no trees"),
        (ISOLATION, lambda state: state["trees_random_state"].pop(), "random states"),
        (ISOLATION, lambda state: state["estimators_features_"].pop(), "random states"),
        (ISOLATION, lambda state: state.update(trees=[]), "random states"),
        (ISOLATION, lambda state: state.update(_max_features=3), "_max_features"),
        (ISOLATION, lambda state: state.update(n_features_in_=3), "estimators_features_"),
        (EMBEDDING, lambda state: state.update(trees_random_state=[], trees=[]), "no trees"),
    ):
        with pytest.raises(InvalidArtifactError, match=message):
            altered(estimator, document=lambda model, edit=edit: edit(model["state"]))


def test_a_tree_of_an_isolation_forest_takes_no_more_features_than_there_are():
    more = {f"estimators_features_[{index}]": lambda chosen: np.r_[chosen, chosen[:2]] for index in range(4)}
    with pytest.raises(InvalidArtifactError, match="more features than there are"):
        altered(ISOLATION, arrays=more, document=lambda model: model["state"].update(_max_features=8))


def test_a_tree_is_one_tree():
    stump = DecisionTreeClassifier(max_depth=1).fit(X, np.zeros(150))
    double = {
        f"trees.{name}": (lambda values: np.concatenate([values, values]))
        for name in ("node_count", "depth", "impurity", "n_node_samples", "weighted_n_node_samples", "value")
    }
    with pytest.raises(InvalidArtifactError, match="2 trees instead of one"):
        altered(stump, arrays=double)


def test_an_embedding_knows_the_leaves_of_each_tree():
    embedding = RandomTreesEmbedding(4, random_state=0).fit(X)
    embedding.one_hot_encoder_ = RandomTreesEmbedding(3, random_state=0).fit(X).one_hot_encoder_
    with pytest.raises(InvalidArtifactError, match="one_hot_encoder_"):
        load_parts(dump_parts(embedding))


def test_an_isolation_forest_needs_the_samples_of_its_nodes():
    def drop(model):
        columns = model["state"]["trees"][0]["dict"]
        columns[:] = [entry for entry in columns if entry[0] != "n_node_samples"]

    with pytest.raises(InvalidArtifactError, match="n_node_samples: missing"):
        altered(ISOLATION, document=drop, profile="inference")
    weighted = IsolationForest(n_estimators=4, random_state=0).fit(X, sample_weight=np.arange(150) + 1.0)
    loaded = load_parts(dump_parts(weighted))
    np.testing.assert_array_equal(loaded.score_samples(X), weighted.score_samples(X))


def chain(n_nodes):
    """Give the depths of a tree of the greatest depth: every left child is a leaf."""
    depth = np.repeat(np.arange(n_nodes // 2 + 1), 2)[1:]
    return depth[:n_nodes]


def test_a_chain_of_a_million_nodes_is_measured():
    n_nodes = 1_000_001
    n_inner = n_nodes // 2
    columns = {
        "node_count": np.array([n_nodes]),
        "depth": chain(n_nodes).astype(np.uint32),
        "feature": np.zeros(n_inner, np.int8),
        "threshold": np.zeros(n_inner),
        "missing_go_to_left": np.zeros(n_inner, np.bool_),
        "impurity": np.zeros(n_nodes),
        "n_node_samples": np.ones(n_nodes, np.int64),
        "weighted_n_node_samples": np.ones(n_nodes),
        "value": np.zeros((n_nodes, 1, 3)),
    }

    arrays = {f"trees.{name}": lambda _, column=column: column for name, column in columns.items()}
    assert altered(TREE, arrays=arrays).get_depth() == 500_000


def test_trees_are_bounded_by_the_limits():
    parts = dump_parts(FOREST)
    for limits in (Limits(max_tree_nodes=3), Limits(max_model_nodes=2)):
        with pytest.raises(LimitExceededError):
            load_parts(parts, limits=limits)


@pytest.mark.parametrize("estimator", [TREE, BEST_FIRST, FOREST, BOOSTING, HISTOGRAM, ISOLATION, EMBEDDING])
def test_an_inference_file_predicts_the_same_and_says_what_it_left_out(estimator):
    parts = dump_parts(estimator, profile="inference")
    loaded = load_parts(parts)
    for name in ("predict", "predict_proba", "decision_function", "transform", "apply", "score_samples"):
        if hasattr(estimator, name):
            expected, given_back = getattr(estimator, name)(X), getattr(loaded, name)(X)
            for side in (expected, given_back):
                assert side is not None
            dense = [each.toarray() if sparse.issparse(each) else each for each in (expected, given_back)]
            np.testing.assert_array_equal(*dense)
    assert dump_parts(loaded, profile="inference") == parts
    assert dump_parts(copy.deepcopy(loaded), profile="inference") == parts
    assert sum(map(len, parts.values())) < sum(map(len, dump_parts(estimator).values()))
    again = load_parts(dump_parts(loaded))  # in the full profile, which has no more of its trees
    assert dump_parts(again, profile="inference") == parts


def test_what_an_inference_file_left_out_raises_and_never_gives_numbers():
    loaded = load_parts(dump_parts(FOREST, profile="inference"))
    tree = loaded.estimators_[0].tree_
    for name in ("impurity", "n_node_samples", "weighted_n_node_samples", "value"):
        with pytest.raises(NotIncludedError, match="profile 'full'"):
            getattr(tree, name)
    assert not hasattr(loaded.estimators_[0], "feature_importances_")
    with pytest.raises(NotIncludedError):
        partial_dependence(
            load_parts(dump_parts(TREE_OF_NUMBERS, profile="inference")), X, [0], method="recursion"
        )
    with pytest.raises(NotIncludedError):
        partial_dependence(load_parts(dump_parts(HISTOGRAM_OF_NUMBERS, profile="inference")), X, [0])
    assert issubclass(NotIncludedError, MaasError)


TREE_OF_NUMBERS = DecisionTreeRegressor(max_depth=3).fit(X, TARGET)
HISTOGRAM_OF_NUMBERS = HistGradientBoostingRegressor(max_iter=2).fit(X, TARGET)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=64, allow_nan=False), min_size=1, max_size=20))
def test_thresholds_rounded_down_divide_the_same_numbers(thresholds):
    exact = np.array(thresholds)
    rounded = _nodes._round_down(exact)
    with np.errstate(over="ignore"):
        near = exact.astype(np.float32)
        beside = [np.nextafter(near, np.float32(end)) for end in (np.inf, -np.inf)]
    for number in (near, *beside):
        np.testing.assert_array_equal(number <= exact, number <= rounded)


@pytest.mark.parametrize(
    "cls", [RandomForestClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier]
)
def test_more_trees_leave_the_full_blocks_as_they_are(cls):
    name = "max_iter" if cls is HistGradientBoostingClassifier else "n_estimators"
    rows, labels = X[:40, :2], Y[:40] % 2
    options = {"random_state": 0, "warm_start": True, "max_depth": 1}
    first = 20 if cls is RandomForestClassifier else 50
    ensemble = cls(**{name: first}, **options).fit(rows, labels)
    before = dump_parts(ensemble)
    after = dump_parts(ensemble.set_params(**{name: first + 10}).fit(rows, labels))
    kept = [part for part in before if part != "model.json"]
    assert len(after) > len(before)
    assert all(after[part] == before[part] for part in kept)


def test_the_blocks_of_any_number_of_trees_begin_like_those_of_fewer():
    for least in (1, 50):
        for n_trees in (1, 9, 10, 11, 200, 201, 1000, 1001, 5000):
            cut = list(blocks(n_trees, least=least))
            assert cut[0][0] == 0
            assert cut[-1][1] == n_trees
            assert all(left[1] == right[0] for left, right in pairwise(cut))
            assert list(blocks(n_trees + 700, least=least))[: len(cut) - 1] == cut[:-1]
    assert len(list(blocks(10_000))) < 60


def test_another_layout_of_the_nodes_is_named(monkeypatch):
    for module, name, estimator in (
        (_nodes, "NODE_DTYPE", DecisionTreeClassifier()),
        (histogram, "PREDICTOR_RECORD_DTYPE", HistGradientBoostingRegressor(max_iter=2)),
    ):
        parts = dump_parts(estimator.fit(X, Y))
        monkeypatch.setattr(module, name, np.dtype([*getattr(module, name).descr, ("novelty", "<f8")]))
        with pytest.raises(UnsupportedModelError, match="novelty"):
            dump_parts(estimator)
        with pytest.raises(MaasError, match="novelty"):
            load_parts(parts)
