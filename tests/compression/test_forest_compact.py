"""Lossless compaction: which nodes go, which predictions stay, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from maas_sdk.compression import ForestCompactCompressor, ForestQuantizeCompressor, _forest_compact
from maas_sdk.compression._compaction import compacted
from maas_sdk.compression._trees import Nodes, nodes_of, trees_of
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.serialization import dump_parts, load_parts

X, LABELS = load_digits(return_X_y=True)
X, LABELS = X[:400], LABELS[:400]
TARGET = X @ np.linspace(-1, 1, 64)
MISSING = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
COMPACT = ForestCompactCompressor()


def chain(model, X=X, y=LABELS):
    return Pipeline([("scale", StandardScaler()), ("model", model)]).fit(X, y)


def size(fitted, **options):
    return sum(map(len, dump_parts(fitted, **options).values()))


MODELS = [
    (RandomForestClassifier(8, random_state=0), LABELS),
    (RandomForestClassifier(4, random_state=0), np.c_[LABELS % 2, LABELS % 3]),
    (ExtraTreesClassifier(8, random_state=0, max_leaf_nodes=30), LABELS),
    (RandomForestRegressor(5, random_state=0), TARGET),
    (ExtraTreesRegressor(5, random_state=0), np.c_[TARGET, TARGET**2]),
    (DecisionTreeClassifier(random_state=0), LABELS),
    (ExtraTreeClassifier(random_state=0), np.array(list("abcdefghij"))[LABELS]),
    (DecisionTreeRegressor(random_state=0, max_leaf_nodes=40), TARGET),
    (HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=12), LABELS),
    (HistGradientBoostingRegressor(max_iter=8), TARGET),
]
WITHOUT_MISSING = [
    (GradientBoostingClassifier(n_estimators=4, random_state=0), LABELS),
    (GradientBoostingRegressor(n_estimators=20, random_state=0), TARGET),
]


@pytest.mark.parametrize(
    ("model", "y", "rows"),
    [
        *((model, y, X) for model, y in (*MODELS, *WITHOUT_MISSING)),
        *((model, y, MISSING) for model, y in MODELS),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_all_predictions_are_the_same_bits_and_the_file_is_smaller(model, y, rows):
    original = chain(model, rows, y)
    before = dump_parts(original)
    small = COMPACT.compress(original, rows)
    assert dump_parts(original) == before
    for name in ("predict", "predict_proba", "decision_function"):
        if hasattr(original, name):
            old, new = getattr(original, name)(rows), getattr(small, name)(rows)
            several = zip(old, new, strict=True) if isinstance(old, list) else [(old, new)]
            assert all(np.array_equal(*pair) for pair in several)
    assert size(small, zstd=True) < size(original, zstd=True)
    assert size(small) <= size(original, profile="inference")
    loaded = load_parts(dump_parts(small))
    assert np.array_equal(loaded.predict(rows), original.predict(rows))


def test_frames_and_categories_are_taken_as_before():
    frame = pd.DataFrame(
        {"a": X[:, 20], "b": pd.Categorical(X[:, 36].astype(int).astype(str)), "c": X[:, 43]}
    )
    model = HistGradientBoostingRegressor(max_iter=8, categorical_features="from_dtype")
    original = Pipeline([("model", model)]).fit(frame, TARGET)
    assert any(nodes_of(tree).categorical.any() for tree in trees_of(original[-1]))
    small = COMPACT.compress(original, frame)
    assert np.array_equal(small.predict(frame), original.predict(frame))
    rounded = ForestQuantizeCompressor(leaves="exact").compress(small)
    assert rounded.predict(frame).shape == TARGET.shape


def test_trees_that_are_grown_best_first_are_stored_without_naming_children():
    original = chain(RandomForestClassifier(5, max_leaf_nodes=50, random_state=0))
    small = COMPACT.compress(original)
    assert b"left_child" in dump_parts(original, profile="inference")["model.json"]
    assert b"left_child" not in dump_parts(small)["model.json"]


def test_leaves_that_have_become_equal_are_merged_and_branches_that_nobody_reaches_are_dropped():
    X, y = make_classification(3000, 6, flip_y=0.3, random_state=0)
    original = chain(DecisionTreeClassifier(min_samples_leaf=5, random_state=0), X, y)
    rounded = ForestQuantizeCompressor().compress(original)
    for leaf in np.flatnonzero(nodes_of(rounded[-1].tree_).leaves):
        rounded[-1].tree_.value[leaf] = np.rint(rounded[-1].tree_.value[leaf])
    small = COMPACT.compress(rounded, X)
    assert small[-1].tree_.node_count < 0.9 * original[-1].tree_.node_count
    assert np.array_equal(small.predict_proba(X), rounded.predict_proba(X))


def test_stages_of_boosting_that_add_nothing_are_dropped():
    for model in (GradientBoostingRegressor(n_estimators=30), HistGradientBoostingRegressor(max_iter=30)):
        original = chain(model, X, np.full(len(X), 2.5))
        small = COMPACT.compress(original, X)
        assert len(trees_of(small[-1])) == 1
        assert np.array_equal(small.predict(X), original.predict(X))


def nodes(left, right, feature, threshold, missing_left, value, precision=np.float32):
    n = len(left)
    return Nodes(
        left=np.array(left),
        right=np.array(right),
        feature=np.array(feature),
        threshold=np.array(threshold, np.float64),
        missing_left=np.array(missing_left, bool),
        categorical=np.zeros(n, bool),
        value=np.array(value, np.float64).reshape(n, 1, 1),
        precision=precision,
    )


def walked(tree, rows):
    answers = []
    for row in rows:
        node = 0
        while tree.left[node] != -1:
            number = row[tree.feature[node]]
            goes_left = tree.missing_left[node] if np.isnan(number) else number <= tree.threshold[node]
            node = tree.left[node] if goes_left else tree.right[node]
        answers.append(tree.value[node].item())
    return answers


def test_a_split_that_those_above_have_decided_goes_unless_missing_values_come_that_way():
    # x <= 1, and below on the left x <= 2: only a missing number could go right.
    decided = ([1, 3, -1, -1, -1], [2, 4, -1, -1, -1], [0] * 5, [1, 2, 0, 0, 0])
    gone, kept = compacted(nodes(*decided, [False] * 5, [0, 0, 30, 10, 20]))
    assert kept.tolist() == [0, 3, 2]
    assert gone.value.ravel().tolist()[1:] == [10, 30]
    stays, kept = compacted(nodes(*decided, [True, False, False, False, False], [0, 0, 30, 10, 20]))
    assert sorted(kept) == [0, 1, 2, 3, 4]
    assert walked(stays, [[np.nan], [0.5], [3]]) == [20, 10, 30]


def test_thresholds_between_which_there_is_no_float32_leave_nothing_between_them():
    # x <= t, and on the right x <= t + 1e-12.
    between = ([1, -1, 3, -1, -1], [2, -1, 4, -1, -1], [0] * 5, [1, 0, 1 + 1e-12, 0, 0], [False] * 5)
    assert compacted(nodes(*between, [0, 1, 0, 2, 3]))[1].tolist() == [0, 1, 4]
    assert compacted(nodes(*between, [0, 1, 0, 2, 3], np.float64))[1].size == 5


@st.composite
def random_tree(draw):
    """Build a tree of few features, thresholds and values, so that much in it is idle."""
    left, right, feature, threshold, missing, value = [], [], [], [], [], []

    def grow(depth):
        index = len(left)
        for column in (left, right):
            column.append(-1)
        feature.append(draw(st.integers(0, 1)))
        threshold.append(draw(st.sampled_from([-1.0, 0.0, 1.0, 1.0 + 1e-12])))
        missing.append(draw(st.booleans()))
        value.append(draw(st.integers(0, 2)))
        if depth and draw(st.integers(0, 3)):
            left[index] = grow(depth - 1)
            right[index] = grow(depth - 1)
        return index

    grow(draw(st.integers(0, 5)))
    return nodes(left, right, feature, threshold, missing, value)


POINTS = np.array([-2, -1, -0.5, 0, 0.5, 1, 1.5, np.nan], np.float32)
GRID = np.stack(np.meshgrid(POINTS, POINTS), axis=-1).reshape(-1, 2)


@settings(max_examples=200, deadline=None)
@given(random_tree())
def test_no_tree_answers_otherwise_and_none_can_be_made_smaller_again(tree):
    small, kept = compacted(tree)
    assert small.left.size == kept.size <= tree.left.size
    assert walked(small, GRID) == walked(tree, GRID)
    inner = np.flatnonzero(~small.leaves)
    assert (small.left[inner] == inner + 1).all()
    assert compacted(small)[1].size == kept.size


def test_a_tree_that_would_answer_otherwise_is_an_error_of_ours(monkeypatch):
    def wrong(tree):
        small, kept = compacted(tree)
        small.value[:] += 1
        return small, kept

    monkeypatch.setattr(_forest_compact, "compacted", wrong)
    with pytest.raises(ComponentError, match="would predict otherwise"):
        COMPACT.compress(chain(DecisionTreeClassifier()))
    monkeypatch.undo()
    monkeypatch.setattr(
        _forest_compact, "_inference_form", lambda _: DecisionTreeClassifier().fit(X, LABELS % 2)
    )
    with pytest.raises(ComponentError, match="predict would change"):
        COMPACT.compress(chain(DecisionTreeClassifier()), X)


def test_a_model_that_cannot_be_stored_is_an_error_of_ours():
    fitted = chain(DecisionTreeClassifier())
    fitted[-1].strange_ = 1
    with pytest.raises(ComponentError, match=r"forest_compact of DecisionTreeClassifier failed: .*strange_"):
        COMPACT.compress(fitted)


def emptied():
    fitted = chain(RandomForestClassifier(3, random_state=0))
    fitted[-1].estimators_ = []
    return fitted


class MyForest(RandomForestClassifier):
    """Somebody's own, whose predictions we do not know."""


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: chain(LogisticRegression()), "LogisticRegression is none of DecisionTreeClassifier, "),
        (lambda: chain(IsolationForest(n_estimators=3)), "IsolationForest is none of"),
        (lambda: chain(MyForest(3)), "MyForest is none of"),
        (lambda: Pipeline([("model", RandomForestClassifier())]), "no trees (is it fitted?)"),
        (emptied, "no trees (is it fitted?)"),
        (RandomForestClassifier, "not a fitted pipeline"),
    ],
)
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_other_models_are_refused_with_the_reason(make, reason):
    assert reason in COMPACT.why_not(make())
    with pytest.raises(InvalidOptionError, match="forest_compact does not fit"):
        COMPACT.compress(make())
    assert repr(COMPACT) == "ForestCompactCompressor()"
