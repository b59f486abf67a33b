"""A model whose structure would crash or hang a prediction is refused before it is compiled."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.compression import DirectPredictor
from maas_sdk.errors import InvalidArtifactError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
LABELS = np.arange(80) % 3


def with_nodes(model, change):
    """Give a tree classifier whose nodes `change` has altered."""
    cls, arguments, state = model.tree_.__reduce__()
    state["nodes"] = state["nodes"].copy()
    change(state["nodes"], state["values"])
    tree = cls(*arguments)
    tree.__setstate__(state)
    altered = copy.copy(model)
    altered.tree_ = tree
    return altered


def set_field(name, value):
    def change(nodes, _values):
        nodes[name][0] = value

    return change


def set_cycle(nodes, _values):
    inner = np.flatnonzero(nodes["left_child"] != -1)
    nodes["left_child"][inner[-1]] = inner[0] + 1


def set_value(_nodes, values):
    values[:] = np.nan


HOSTILE = {
    "a child out of range": set_field("left_child", 10_000),
    "a negative child": set_field("right_child", -7),
    "its own child": set_field("left_child", 0),
    "the same child twice": lambda nodes, _: nodes["left_child"].__setitem__(0, nodes["right_child"][0]),
    "a cycle": set_cycle,
    "a feature out of range": set_field("feature", 4),
    "a negative feature": set_field("feature", -3),
    "a threshold that is no number": set_field("threshold", np.nan),
    "leaves that are no numbers": set_value,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_tree_that_is_none_is_refused(what):
    model = DecisionTreeClassifier(random_state=0).fit(X, LABELS)
    with pytest.raises(InvalidArtifactError, match=r"trees\[0\]"):
        DirectPredictor.of(make_pipeline(with_nodes(model, HOSTILE[what])))


def test_a_forest_with_a_broken_member_is_refused():
    forest = RandomForestClassifier(5, random_state=0).fit(X, LABELS)
    forest.estimators_[3] = with_nodes(forest.estimators_[3], set_cycle)
    with pytest.raises(InvalidArtifactError, match=r"trees\[3\]"):
        DirectPredictor.of(forest)


def test_leaves_for_other_outputs_than_the_classes_are_refused():
    model = DecisionTreeClassifier(random_state=0).fit(X, LABELS)
    model.classes_ = np.arange(5)
    with pytest.raises(InvalidArtifactError, match="leaves of shape"):
        DirectPredictor.of(model)
    boosting = GradientBoostingRegressor(n_estimators=2).fit(X, X[:, 0])
    boosting.estimators_[0, 0] = model
    with pytest.raises((InvalidArtifactError, ValueError)):
        DirectPredictor.of(boosting)


@pytest.mark.parametrize(
    ("field", "value"), [("left", 60_000), ("right", 0), ("feature_idx", 9), ("num_threshold", np.nan)]
)
def test_a_broken_tree_of_histogram_boosting_is_refused(field, value):
    model = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=3).fit(X, LABELS)
    nodes = model._predictors[1][0].nodes.copy()
    nodes[field][0] = value
    model._predictors[1][0].nodes = nodes
    with pytest.raises(InvalidArtifactError, match=r"trees\[3\]"):
        DirectPredictor.of(model)


def test_a_set_of_categories_out_of_range_is_refused():
    codes = np.column_stack([np.arange(80) % 7, X[:, 0]])
    labels = np.isin(codes[:, 0], [0, 3, 5]).astype(int)
    model = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=3, categorical_features=[0])
    model.fit(codes, labels)
    nodes = model._predictors[0][0].nodes.copy()
    assert nodes["is_categorical"][0]
    nodes["bitset_idx"][0] = 1000
    model._predictors[0][0].nodes = nodes
    with pytest.raises(InvalidArtifactError, match="raw_left_cat_bitsets"):
        DirectPredictor.of(model)


BROKEN = {
    "coef_ of another width": ("model", "coef_", np.ones((3, 9))),
    "coef_ not finite": ("model", "coef_", np.full((3, 4), np.inf)),
    "coef_ of text": ("model", "coef_", np.full((3, 4), "a")),
    "intercepts too many": ("model", "intercept_", np.ones(7)),
    "classes too few": ("model", "classes_", np.arange(2)),
    "scale of another width": ("scaler", "scale_", np.ones(2)),
    "mean not finite": ("scaler", "mean_", np.full(4, np.nan)),
    "another number of features": ("scaler", "n_features_in_", 3),
}


@pytest.mark.parametrize("what", BROKEN)
def test_numbers_that_do_not_fit_together_are_refused(what):
    step, name, value = BROKEN[what]
    chain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, LABELS)
    setattr(chain[0 if step == "scaler" else 1], name, value)
    with pytest.raises(InvalidArtifactError):
        DirectPredictor.of(chain)


def test_components_that_do_not_fit_are_refused():
    for name, value in {
        "components_": np.ones((2, 9)),
        "mean_": np.ones(3),
        "explained_variance_": np.ones(5),
    }.items():
        chain = make_pipeline(PCA(2, whiten=True), LogisticRegression()).fit(X, LABELS)
        setattr(chain[0], name, value)
        with pytest.raises(InvalidArtifactError, match=name):
            DirectPredictor.of(chain)


def test_layers_that_do_not_fit_are_refused():
    fitted = MLPClassifier((5,), max_iter=300, tol=1.0).fit(X, LABELS)
    changes = {
        "coefs_": [np.ones((4, 5)), np.ones((6, 3))],
        "intercepts_": [np.ones(5)],
        "out_activation_": "step",
        "classes_": np.arange(9),
    }
    for name, value in changes.items():
        model = copy.copy(fitted)
        setattr(model, name, value)
        with pytest.raises(InvalidArtifactError):
            DirectPredictor.of(model)
    model = copy.copy(fitted)
    model.coefs_ = [fitted.coefs_[0] * np.nan, fitted.coefs_[1]]
    with pytest.raises(InvalidArtifactError, match=r"coefs_\[0\]"):
        DirectPredictor.of(model)
