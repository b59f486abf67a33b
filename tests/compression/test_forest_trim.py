"""Fewer trees: which are kept, how many, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.compression import ForestTrimCompressor
from maas_sdk.compression._trees import trees_of
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.serialization import dump_parts, load_parts

DIGITS, LABELS = (array[:500] for array in load_digits(return_X_y=True))
DIABETES, TARGET = load_diabetes(return_X_y=True)


def chain(model, X=DIGITS, y=LABELS):
    return Pipeline([("scale", StandardScaler()), ("model", model)]).fit(X, y)


def test_the_first_trees_of_a_forest_predict_as_a_forest_of_so_many():
    original = chain(RandomForestClassifier(9, random_state=0, oob_score=False))
    before = dump_parts(original)
    half = ForestTrimCompressor().compress(original)
    fewer = chain(RandomForestClassifier(5, random_state=0))
    assert np.array_equal(half.predict_proba(DIGITS), fewer.predict_proba(DIGITS))
    assert dump_parts(half) == dump_parts(fewer)
    assert dump_parts(original) == before
    assert len(ForestTrimCompressor(3).compress(original)[-1].estimators_) == 3
    assert len(ForestTrimCompressor(30).compress(original)[-1].estimators_) == 9


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (GradientBoostingClassifier(n_estimators=6, random_state=0, subsample=0.8), (DIGITS, LABELS)),
        (GradientBoostingRegressor(n_estimators=6, random_state=0), (DIABETES, TARGET)),
        (HistGradientBoostingClassifier(max_iter=6), (DIGITS, LABELS % 3)),
        (HistGradientBoostingClassifier(max_iter=6, early_stopping=True), (DIGITS, LABELS % 2)),
    ],
)
def test_the_first_stages_of_boosting_predict_as_they_did_on_the_way(model, data):
    X = data[0]
    original = chain(model, *data)
    stages = list(original[-1].staged_predict(original[:-1].transform(X)))
    some = ForestTrimCompressor(2).compress(original)
    assert np.array_equal(some.predict(X), stages[1])
    for name in ("train_score_", "validation_score_", "oob_improvement_"):
        if hasattr(model, name) and len(getattr(original[-1], name)):
            first = len(getattr(original[-1], name)) - len(stages) + 2
            assert np.array_equal(getattr(some[-1], name), getattr(original[-1], name)[:first])
    loaded = load_parts(dump_parts(some, training_state=True))
    assert np.array_equal(loaded.predict(X), stages[1])


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (RandomForestClassifier(20, random_state=0), (DIGITS, LABELS)),
        (RandomForestRegressor(20, random_state=0), (DIABETES, TARGET)),
        (GradientBoostingRegressor(n_estimators=30, random_state=0), (DIABETES, TARGET)),
        (HistGradientBoostingClassifier(max_iter=15), (DIGITS, LABELS % 2)),
    ],
)
def test_the_fewest_trees_are_kept_that_agree_well_enough(model, data):
    X, y = data
    original = chain(model, X, y)
    compressor = ForestTrimCompressor(1.0, min_agreement=0.95)
    assert compressor.needs_training_data
    small = compressor.compress(original, X)
    step = len(trees_of(original[-1])) // len(list(stages_of(original[-1])))
    n_kept = len(trees_of(small[-1])) // step
    assert 1 < n_kept < len(trees_of(original[-1])) // step
    whole = original.predict(X)
    assert agreement(whole, small.predict(X)) >= 0.95
    one_less = ForestTrimCompressor(n_kept - 1).compress(original)
    assert agreement(whole, one_less.predict(X)) < 0.95
    at_most = ForestTrimCompressor(n_kept - 1, min_agreement=0.95).compress(original, X)
    assert len(trees_of(at_most[-1])) == len(trees_of(one_less[-1]))


def stages_of(model):
    return model._predictors if hasattr(model, "_predictors") else model.estimators_


def agreement(whole, some):
    if whole.dtype.kind == "f":
        return 1 - np.mean((whole - some) ** 2) / np.var(whole)
    return np.mean(whole == some)


def test_labels_that_are_floats_are_compared_as_labels():
    original = chain(RandomForestClassifier(20, random_state=0), DIGITS, LABELS.astype(float))
    small = ForestTrimCompressor(1.0, min_agreement=0.9).compress(original, DIGITS)
    assert np.mean(small.predict(DIGITS) == original.predict(DIGITS)) >= 0.9


def test_what_all_trees_together_have_said_out_of_bag_is_dropped():
    original = chain(RandomForestClassifier(20, random_state=0, oob_score=True, max_samples=0.5))
    assert not hasattr(ForestTrimCompressor().compress(original)[-1], "oob_score_")


def test_one_value_for_all_rows_agrees_at_once():
    original = chain(ExtraTreesRegressor(5, random_state=0), DIABETES, np.full(len(DIABETES), 3.0))
    assert len(ForestTrimCompressor(1.0, min_agreement=1.0).compress(original, DIABETES)[-1].estimators_) == 1


@pytest.mark.parametrize("n_trees", [0, -1, 0.0, 1.5, True, "half", None, float("nan")])
def test_a_number_of_trees_that_is_none_is_refused(n_trees):
    with pytest.raises(InvalidOptionError, match="n_trees"):
        ForestTrimCompressor(n_trees)


@pytest.mark.parametrize("min_agreement", [0, 1.1, "all", True])
def test_an_agreement_that_is_no_share_is_refused(min_agreement):
    with pytest.raises(InvalidOptionError, match="min_agreement"):
        ForestTrimCompressor(min_agreement=min_agreement)


def test_what_it_does_not_take_is_refused_with_the_reason():
    tree = chain(DecisionTreeClassifier())
    assert "DecisionTreeClassifier is none of ExtraTreesClassifier" in ForestTrimCompressor().why_not(tree)
    several = chain(RandomForestClassifier(2), DIGITS, np.c_[LABELS, LABELS % 2])
    assert ForestTrimCompressor().supports(several)
    assert "several outputs" in ForestTrimCompressor(min_agreement=0.9).why_not(several)
    forest = chain(RandomForestClassifier(2))
    with pytest.raises(InvalidOptionError, match="needs the training data"):
        ForestTrimCompressor(min_agreement=0.9).compress(forest)
    with pytest.raises(ComponentError, match="before RandomForestClassifier failed"):
        ForestTrimCompressor(min_agreement=0.9).compress(forest, DIGITS[:, :3])
    with pytest.raises(ComponentError, match="predictions of RandomForestClassifier failed"):
        ForestTrimCompressor(min_agreement=0.9).compress(forest[-1:], DIGITS[:, :3])
    assert (
        repr(ForestTrimCompressor(3, min_agreement=0.9))
        == "ForestTrimCompressor(n_trees=3, min_agreement=0.9)"
    )
