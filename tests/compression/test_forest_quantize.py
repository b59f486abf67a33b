"""Rounded leaves and thresholds: by how much, what stays the same, what it weighs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.compression import ForestCompactCompressor, ForestQuantizeCompressor
from maas_sdk.compression._trees import nodes_of, trees_of
from maas_sdk.errors import InvalidOptionError
from maas_sdk.serialization import dump_parts, load_parts

X, LABELS = make_classification(800, 8, n_informative=6, n_classes=3, flip_y=0.2, random_state=0)
DIABETES, TARGET = load_diabetes(return_X_y=True)


def chain(model, X=X, y=LABELS):
    return Pipeline([("scale", StandardScaler()), ("model", model)]).fit(X, y)


def forest(**options):
    return chain(RandomForestClassifier(10, random_state=0, **options))


def leaves_of(fitted):
    return np.concatenate(
        [np.reshape(nodes.value[nodes.leaves], (nodes.leaves.sum(), -1)) for nodes in all_nodes(fitted)]
    )


def thresholds_of(fitted):
    return np.concatenate([nodes.threshold[~nodes.leaves] for nodes in all_nodes(fitted)])


def all_nodes(fitted):
    return [nodes_of(tree) for tree in trees_of(fitted[-1])]


def size(fitted):
    return sum(map(len, dump_parts(fitted, profile="inference").values()))


def test_probabilities_become_shares_of_255_that_are_1_together():
    original = forest(min_samples_leaf=7)
    before = dump_parts(original)
    rounded = ForestQuantizeCompressor(thresholds="exact").compress(original)
    assert dump_parts(original) == before
    codes = leaves_of(rounded) * 255
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-4)
    assert set(np.rint(codes).sum(axis=1)) == {255}
    assert np.abs(leaves_of(rounded) - leaves_of(original)).max() < 1 / 255
    assert np.array_equal(thresholds_of(rounded), thresholds_of(original))
    np.testing.assert_allclose(rounded.predict_proba(X).sum(axis=1), 1, rtol=1e-6)


def test_shares_take_a_byte_each_in_a_file():
    compact = ForestCompactCompressor()
    exact = compact.compress(forest(min_samples_leaf=7))
    rounded = ForestQuantizeCompressor(thresholds="exact").compress(exact)
    assert size(exact) - size(rounded) > 2.9 * leaves_of(exact).size
    loaded = load_parts(dump_parts(rounded))
    assert loaded.predict_proba(X).tobytes() == rounded.predict_proba(X).tobytes()


def test_several_outputs_are_shares_each():
    original = chain(
        RandomForestClassifier(5, random_state=0, min_samples_leaf=5), X, np.c_[LABELS, LABELS > 0]
    )
    for old, new in zip(
        original.predict_proba(X), ForestQuantizeCompressor().compress(original).predict_proba(X), strict=True
    ):
        assert new.shape == old.shape
        np.testing.assert_allclose(new.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (RandomForestRegressor(5, random_state=0, min_samples_leaf=3), (DIABETES, TARGET)),
        (HistGradientBoostingRegressor(max_iter=10), (DIABETES, TARGET)),
        (GradientBoostingClassifier(n_estimators=5, random_state=0), (X, LABELS)),
    ],
)
def test_other_leaves_become_float16(model, data):
    original = chain(model, *data)
    rounded = ForestQuantizeCompressor(thresholds="exact").compress(original)
    assert np.array_equal(leaves_of(rounded), leaves_of(original).astype(np.float16))
    assert not np.array_equal(leaves_of(rounded), leaves_of(original))
    assert size(original) - size(rounded) > 5 * leaves_of(original).size


def test_thresholds_are_rounded_down_and_rows_at_both_sides_of_the_gap_go_as_before():
    original = forest()
    rounded = ForestQuantizeCompressor(leaves="exact").compress(original)
    old, new = thresholds_of(original), thresholds_of(rounded)
    assert (new <= old).all()
    assert np.array_equal(new, new.astype(np.float16))
    assert (old - new < np.maximum(np.abs(old) * 2**-9, 1e-7)).all()
    assert np.array_equal(leaves_of(rounded), leaves_of(original))


def test_whole_numbers_are_parted_as_before():
    rows = np.rint(X * 5)
    original = Pipeline([("model", RandomForestClassifier(5, random_state=0))]).fit(rows, LABELS)
    rounded = ForestQuantizeCompressor(leaves="exact").compress(original)
    assert np.array_equal(rounded.predict_proba(rows), original.predict_proba(rows))


def test_a_threshold_below_all_float16_stays():
    rows = np.c_[np.linspace(-1e6, -9e5, 50)]
    original = Pipeline([("model", DecisionTreeClassifier())]).fit(rows, np.arange(50) % 2)
    rounded = ForestQuantizeCompressor(leaves="exact").compress(original)
    assert np.array_equal(thresholds_of(rounded), thresholds_of(original))


def test_the_same_partition_keeps_every_prediction_on_the_training_rows():
    original = forest()
    compressor = ForestQuantizeCompressor(leaves="exact", thresholds="same_partition")
    assert compressor.needs_training_data
    rounded = compressor.compress(original, X)
    assert np.array_equal(rounded.predict_proba(X), original.predict_proba(X))
    narrow = thresholds_of(rounded) == thresholds_of(rounded).astype(np.float16)
    assert 0.5 < narrow.mean() < 1
    down = ForestQuantizeCompressor(leaves="exact").compress(original)
    assert not np.array_equal(down.predict_proba(X), original.predict_proba(X))


def test_missing_values_and_boosting_keep_the_partition_too():
    rows = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    original = chain(HistGradientBoostingRegressor(max_iter=10), rows, X[:, 0])
    rounded = ForestQuantizeCompressor(leaves="exact", thresholds="same_partition").compress(original, rows)
    assert np.array_equal(rounded.predict(rows), original.predict(rows))


@pytest.mark.parametrize(
    "options",
    [
        {"leaves": "int8"},
        {"leaves": None},
        {"thresholds": "uint8"},
        {"thresholds": 16},
        {"leaves": "exact", "thresholds": "exact"},
    ],
)
def test_options_that_mean_nothing_are_refused(options):
    with pytest.raises(InvalidOptionError, match="ForestQuantizeCompressor"):
        ForestQuantizeCompressor(**options)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_what_it_does_not_take_is_refused_with_the_reason():
    assert "LogisticRegression is none of" in ForestQuantizeCompressor().why_not(chain(LogisticRegression()))
    numbers = chain(RandomForestRegressor(2), DIABETES, TARGET * 1000)
    assert "beyond float16's range" in ForestQuantizeCompressor().why_not(numbers)
    assert ForestQuantizeCompressor(leaves="exact").supports(numbers)
    assert "no probabilities" in ForestQuantizeCompressor(leaves="uint8").why_not(numbers)
    boosting = chain(GradientBoostingClassifier(n_estimators=2))
    assert "no probabilities" in ForestQuantizeCompressor(leaves="uint8").why_not(boosting)
    with pytest.raises(InvalidOptionError, match="forest_quantize does not fit"):
        ForestQuantizeCompressor().compress(numbers)
    partition = ForestQuantizeCompressor(thresholds="same_partition")
    bare = Pipeline([("model", RandomForestClassifier(2))]).fit(X, LABELS)
    for rows, message in (
        (None, "needs the training data"),
        (sparse.csr_matrix(X), "dense"),
        (X.astype(str), "numbers"),
    ):
        with pytest.raises(InvalidOptionError, match=message):
            partition.compress(bare, rows)
    assert repr(partition) == "ForestQuantizeCompressor(leaves='auto', thresholds='same_partition')"
