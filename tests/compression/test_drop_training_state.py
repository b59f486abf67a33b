"""Without what the training has left: what goes, what stays, which steps."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import DropTrainingStateCompressor
from maas_sdk.errors import InvalidOptionError
from maas_sdk.serialization import dump_parts, load_parts

X, LABELS = (array[:300] for array in load_digits(return_X_y=True))
DROP = DropTrainingStateCompressor()


class Halved(TransformerMixin, BaseEstimator):
    """A third party's step, which the serialization does not know."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X / 2


def chain(model, *steps):
    return Pipeline([*steps, ("scale", StandardScaler()), ("model", model)]).fit(X, LABELS)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    ("model", "gone"),
    [
        (MLPClassifier((20,), max_iter=3, random_state=0), ("loss_curve_", "_optimizer", "n_iter_")),
        (RandomForestClassifier(5, random_state=0), ("feature_importances_",)),
    ],
)
def test_predictions_stay_the_same_bits_and_what_training_left_goes(model, gone):
    original = chain(model)
    small = DROP.compress(original)
    assert np.array_equal(small.predict_proba(X), original.predict_proba(X))
    for name in gone:
        assert hasattr(original[-1], name)
        assert not hasattr(small[-1], name)
    parts = dump_parts(small)
    assert parts == dump_parts(small, training_state=True)
    assert np.array_equal(load_parts(parts).predict_proba(X), original.predict_proba(X))


def test_the_copy_can_be_fitted_and_leaves_the_original_alone():
    original = chain(LogisticRegression(max_iter=500))
    before = dump_parts(original)
    small = DROP.compress(original)
    small[-1].coef_ += 1
    small.fit(X[:100], LABELS[:100])
    assert dump_parts(original) == before


def test_steps_that_nobody_knows_stay_as_they_are():
    original = chain(LogisticRegression(max_iter=500), ("half", Halved()))
    small = DROP.compress(original)
    assert small["half"].fitted_
    assert small["half"] is not original["half"]
    assert not hasattr(small[-1], "n_iter_")
    assert np.array_equal(small.predict_proba(X), original.predict_proba(X))


def test_a_chain_of_which_nothing_is_known_is_refused():
    strange = Pipeline([("half", Halved())])
    assert DROP.why_not(strange) == "the serialization knows none of its steps as fitted: Halved"
    with pytest.raises(InvalidOptionError, match="drop_training_state does not fit"):
        DROP.compress(strange)
    assert DROP.why_not(None) == "not a fitted pipeline"
    assert not DROP.supports(Pipeline([("model", LogisticRegression())]))
    with pytest.raises(InvalidOptionError, match="not a fitted pipeline"):
        DROP.compress(None)
    assert repr(DROP) == "DropTrainingStateCompressor()"
