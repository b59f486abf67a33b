"""PCA and refit: the new chain, and when it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import PCACompressor
from maas_sdk.errors import ComponentError, InvalidOptionError

RNG = np.random.default_rng(3)
LATENT = RNG.normal(size=(150, 3))
X = LATENT @ RNG.normal(size=(3, 20)) + 0.01 * RNG.normal(size=(150, 20))
Y = (LATENT[:, 0] > 0).astype(int)


def chain(model=None, *steps):
    return Pipeline([*steps, ("model", LogisticRegression() if model is None else model)]).fit(X, Y)


def test_correlated_features_become_few_components_and_predict_as_well():
    original = chain(None, ("scale", StandardScaler()))
    compressed = PCACompressor(0.99).compress(original, X, Y)
    assert [name for name, _step in compressed.steps] == ["scale", "pca", "model"]
    assert compressed["pca"].n_components_ == 3
    assert compressed[-1].n_features_in_ == 3
    assert compressed.score(X, Y) >= original.score(X, Y) - 0.02
    assert [name for name, _step in original.steps] == ["scale", "model"]
    assert original[-1].n_features_in_ == 20


def test_the_new_chain_shares_nothing_fitted_with_the_original():
    original = chain(None, ("scale", StandardScaler()))
    before = original["scale"].mean_.copy()
    PCACompressor(2).compress(original, X, Y).fit(X + 100, Y)
    assert np.array_equal(original["scale"].mean_, before)


def test_a_chain_without_preprocessing_and_one_with_a_pca_of_its_own_work():
    once = PCACompressor(5).compress(chain(), X, Y)
    twice = PCACompressor(2).compress(once, X, Y)
    assert [name for name, _step in twice.steps] == ["pca", "pca_2", "model"]
    assert repr(PCACompressor(2)) == "PCACompressor(n_components=2)"
    assert twice.predict(X).shape == (150,)


def test_a_model_without_a_seed_is_refitted_the_same_each_time_and_keeps_its_parameters():
    original = chain(RandomForestClassifier(5))
    first, second = (PCACompressor(3).compress(original, X, Y) for _ in range(2))
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))
    assert first[-1].get_params()["random_state"] is None


@pytest.mark.parametrize(
    ("n_components", "rows"), [(10, 5), (21, 150), (0.9, 1)], ids=["rows", "features", "one row"]
)
def test_too_few_rows_or_features_are_refused_with_their_numbers(n_components, rows):
    with pytest.raises(InvalidOptionError, match=rf"more than {rows} rows of 20 features"):
        PCACompressor(n_components).compress(chain(), X[:rows], Y[:rows])


def test_without_training_data_it_says_so():
    with pytest.raises(InvalidOptionError, match="training data"):
        PCACompressor().compress(chain(), None, None)


def test_a_model_that_cannot_learn_from_components_is_an_error_of_ours():
    original = Pipeline([("model", MultinomialNB())]).fit(np.abs(X), Y)
    with pytest.raises(ComponentError, match="MultinomialNB") as caught:
        PCACompressor(3).compress(original, np.abs(X), Y)
    assert isinstance(caught.value.__cause__, ValueError)


class FixedRule(ClassifierMixin, BaseEstimator):
    """Predicts, but cannot be fitted anew."""

    fit = None

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


def test_a_model_without_fit_is_not_supported():
    fixed = Pipeline([("model", FixedRule())])
    assert not PCACompressor().supports(fixed)
    assert "FixedRule" in PCACompressor().why_not(fixed)
    with pytest.raises(InvalidOptionError, match="FixedRule"):
        PCACompressor().compress(fixed, X, Y)
    assert not PCACompressor().supports(object())
