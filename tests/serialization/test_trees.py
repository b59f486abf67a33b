"""Trees and their ensembles: what they learn by all roads comes back, and can still be asked about."""

import numpy as np
import pandas as pd
import pytest
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
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from maas_sdk.errors import UnsupportedModelError
from maas_sdk.serialization import _table_histogram, _trees, dump_parts, load_parts

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


def test_gradient_boosting_on_another_model_is_refused_when_it_is_written():
    boosting = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(X, Y)
    with pytest.raises(UnsupportedModelError, match=r"init_: expected DummyClassifier"):
        dump_parts(boosting)


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


def test_histogram_boosting_of_categories_is_refused_when_it_is_written():
    rows = np.c_[X, Y]
    boosting = HistGradientBoostingClassifier(max_iter=2, categorical_features=[6]).fit(rows, Y)
    with pytest.raises(UnsupportedModelError, match="is_categorical_: categorical features"):
        dump_parts(boosting)


def test_another_layout_of_the_nodes_is_named(monkeypatch):
    for module, name, estimator in (
        (_trees, "NODE_DTYPE", DecisionTreeClassifier()),
        (_table_histogram, "PREDICTOR_RECORD_DTYPE", HistGradientBoostingRegressor(max_iter=2)),
    ):
        parts = dump_parts(estimator.fit(X, Y))
        monkeypatch.setattr(module, name, np.dtype([*getattr(module, name).descr, ("novelty", "<f8")]))
        for action in (lambda each=estimator: dump_parts(each), lambda each=parts: load_parts(each)):
            with pytest.raises(UnsupportedModelError, match="novelty"):
                action()
