"""What feature selection refuses, and what it keeps where predictions need no more."""

import functools
import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFpr,
    SelectFromModel,
    SelectKBest,
    SequentialFeatureSelector,
    VarianceThreshold,
    f_classif,
    mutual_info_classif,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.errors import InvalidArtifactError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] + 0.1 * RNG.normal(size=60) > 0).astype(int)
FROM_MODEL = SelectFromModel(LogisticRegression()).fit(X, Y)
GENERIC = GenericUnivariateSelect(mode="fpr", param=0.1).fit(X, Y)
ELIMINATED = RFE(LogisticRegression(), n_features_to_select=2).fit(X, Y)


def altered(estimator, document):
    """Dump, put values into the document by their paths, load."""
    parts = dump_parts(estimator)
    data = json.loads(parts["model.json"])
    for path, value in document.items():
        *way, last = path.split("/")
        holder = data["model"]
        for key in way:
            holder = holder[key]
        holder[last] = value
    return load_parts({**parts, "model.json": json.dumps(data).encode()})


@pytest.mark.parametrize(
    ("estimator", "document", "path"),
    [
        (SelectFpr().fit(X, Y), {"state/pvalues_": None}, "pvalues_"),
        (GENERIC, {"state/pvalues_": None}, "pvalues_"),
        (GENERIC, {"params/mode": "k_best"}, "the model"),
        (VarianceThreshold().fit(X), {"state/n_features_in_": 3}, "variances_"),
        (FROM_MODEL, {"params/importance_getter": "__class__.__init__"}, "importance_getter"),
        (FROM_MODEL, {"params/importance_getter": "classes_"}, "the model"),
        (FROM_MODEL, {"params/threshold": "much*mean"}, "the model"),
        (ELIMINATED, {"state/n_features_": 3}, "n_features_"),
        (ELIMINATED, {"params/importance_getter": "_x"}, "importance_getter"),
    ],
)
def test_a_selection_that_cannot_select_is_refused(estimator, document, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, document)
    assert caught.value.path == path


def test_a_selection_that_its_estimator_does_not_take_is_refused():
    wider = {"type": "sklearn.Normalizer", "params": {}, "state": {"n_features_in_": 3}}
    with pytest.raises(InvalidArtifactError, match="does not take the 2 features"):
        altered(ELIMINATED, {"state/estimator_": wider})


def test_a_score_that_nobody_can_name_comes_back_as_the_default():
    chosen = SelectKBest(functools.partial(mutual_info_classif, random_state=0), k=2).fit(X, Y)
    loaded = load_parts(dump_parts(chosen))
    assert loaded.score_func is f_classif
    np.testing.assert_array_equal(loaded.get_support(), chosen.get_support())


def test_splits_that_nobody_can_name_come_back_as_the_default():
    halves = [(np.arange(30), np.arange(30, 60))]

    class Halves:
        def split(self, X, y=None, groups=None):
            return iter(halves)

        def get_n_splits(self, X=None, y=None, groups=None):
            return 1

    for selector in (
        SequentialFeatureSelector(LogisticRegression(), cv=Halves()).fit(X, Y),
        RFECV(LogisticRegression(), cv=Halves()).fit(X, Y),
    ):
        loaded = load_parts(dump_parts(selector))
        assert loaded.cv == type(selector)(None).cv
        np.testing.assert_array_equal(loaded.get_support(), selector.get_support())


@pytest.mark.parametrize("profile", ["full", "inference"])
def test_what_selects_by_a_model_keeps_all_of_it_also_for_predictions_alone(profile):
    forest = RandomForestClassifier(3, random_state=0)
    model = make_pipeline(StandardScaler(), SelectFromModel(forest), LogisticRegression()).fit(X, Y)
    loaded = load_parts(dump_parts(model, profile=profile))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_importances_may_be_found_on_the_way_through_a_pipeline():
    path = "named_steps.logisticregression.coef_"
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    selector = SelectFromModel(inner, importance_getter=path).fit(X, Y)
    np.testing.assert_array_equal(load_parts(dump_parts(selector)).get_support(), selector.get_support())


def test_in_the_inference_profile_what_does_not_select_is_left_out():
    best = load_parts(dump_parts(SelectKBest(k=2).fit(X, Y), profile="inference"))
    assert best.transform(X).shape == (60, 2)
    assert not hasattr(best, "pvalues_")
    assert hasattr(load_parts(dump_parts(SelectKBest(k=2).fit(X, Y))), "pvalues_")
