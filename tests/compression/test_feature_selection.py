"""Fewer inputs: which are kept, the refit, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import FeatureSelectionCompressor
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(3)
X = RNG.normal(size=(200, 8))
Y = (X[:, 2] + X[:, 5] > 0).astype(int)


def chain(model, X=X, y=Y, *steps):
    return Pipeline([*steps, ("model", model)]).fit(X, y)


def kept(compressed):
    return compressed["selection"].transformers_[0][2]


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=0),
        LogisticRegression(),
        MLPClassifier((9,), solver="lbfgs", random_state=0, max_iter=300),
        KNeighborsClassifier(),
        HistGradientBoostingClassifier(max_iter=10),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_inputs_that_matter_are_kept_whatever_the_model_is(model):
    original = chain(model, X, Y, ("scale", StandardScaler()))
    before = dump_parts(original)
    compressed = FeatureSelectionCompressor(2).compress(original, X, Y)
    assert kept(compressed) == [2, 5]
    assert [name for name, _ in compressed.steps] == ["scale", "selection", "model"]
    assert compressed[-1].n_features_in_ == 2
    assert compressed.score(X, Y) > original.score(X, Y) - 0.05
    assert dump_parts(original) == before
    loaded = load_parts(dump_parts(compressed))
    assert np.array_equal(loaded.predict(X), compressed.predict(X))


def test_a_large_weight_counts_little_where_the_input_hardly_changes():
    rows = X.copy()
    rows[:, 0] *= 0.01
    original = chain(LinearRegression(), rows, rows[:, 0] * 10 + rows[:, 1])
    assert np.argmax(np.abs(original[-1].coef_)) == 0
    assert kept(FeatureSelectionCompressor(1).compress(original, rows, rows[:, 1])) == [1]


def test_shares_of_the_inputs_and_of_their_importance_are_rounded_up():
    original = chain(LogisticRegression())
    assert len(kept(FeatureSelectionCompressor().compress(original, X, Y))) == 4
    assert len(kept(FeatureSelectionCompressor(0.3).compress(original, X, Y))) == 3
    assert len(kept(FeatureSelectionCompressor(99).compress(original, X, Y))) == 8
    most = FeatureSelectionCompressor(None, importance=0.8).compress(original, X, Y)
    assert kept(most) == [2, 5]
    assert len(kept(FeatureSelectionCompressor(1, importance=0.8).compress(original, X, Y))) == 1


def test_sparse_rows_are_selected_from_too():
    rows = sparse.csr_matrix(np.where(np.abs(X) > 1, X, 0))
    original = chain(LogisticRegression(), rows, Y)
    compressed = FeatureSelectionCompressor(2).compress(original, rows, Y)
    assert kept(compressed) == [2, 5]
    assert compressed.predict(rows).shape == (200,)


def test_frames_and_lists_are_selected_from_too():
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    for rows, model in ((frame, LogisticRegression()), (X.tolist(), KNeighborsClassifier())):
        original = chain(model, rows, Y)
        compressed = FeatureSelectionCompressor(2).compress(original, rows, Y)
        assert kept(compressed) == [2, 5]
        assert compressed.predict(rows).shape == (200,)  # and warns of nothing


def test_a_selection_may_follow_a_selection_and_a_model_without_a_seed_is_fitted_the_same_each_time():
    original = chain(RandomForestClassifier(5))
    once, again = (FeatureSelectionCompressor(4).compress(original, X, Y) for _ in range(2))
    assert np.array_equal(once.predict_proba(X), again.predict_proba(X))
    twice = FeatureSelectionCompressor(2).compress(once, X, Y)
    assert [name for name, _ in twice.steps] == ["selection", "selection_2", "model"]
    assert once[-1].random_state is None


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"n_features": 0}, "n_features"),
        ({"n_features": 1.0}, "n_features"),
        ({"n_features": True}, "n_features"),
        ({"n_features": "all"}, "n_features"),
        ({"importance": 1.0}, "importance"),
        ({"importance": 1}, "importance"),
        ({"n_features": None}, "n_features, importance or both"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": 0.5}, "random_state"),
    ],
)
def test_options_out_of_their_range_are_refused(options, name):
    with pytest.raises(InvalidOptionError, match=name):
        FeatureSelectionCompressor(**options)


class Fixed:
    """Predicts, and cannot be fitted."""

    def predict(self, X):
        return np.zeros(len(X))


def test_what_it_does_not_take_is_refused_with_the_reason():
    compressor = FeatureSelectionCompressor()
    assert compressor.why_not(None) == "not a fitted pipeline"
    assert "Fixed cannot be fitted anew" in compressor.why_not(Pipeline([("model", Fixed())]))
    unfitted = Pipeline([("model", LogisticRegression())])
    assert "how many inputs" in compressor.why_not(unfitted)
    assert "one input alone" in compressor.why_not(chain(LogisticRegression(), X[:, :1]))
    with pytest.raises(InvalidOptionError, match="does not fit"):
        compressor.compress(unfitted, X, Y)
    with pytest.raises(InvalidOptionError, match="needs the training data"):
        compressor.compress(chain(LogisticRegression()))
    with pytest.raises(ComponentError, match="refit of LogisticRegression failed"):
        compressor.compress(chain(LogisticRegression()), X, np.zeros(200))
    assert repr(FeatureSelectionCompressor(None, importance=0.9)) == (
        "FeatureSelectionCompressor(n_features=None, importance=0.9)"
    )
