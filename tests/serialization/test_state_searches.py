"""Searches, thresholds and what is only a parameter: splitters, scorers, distributions; requests."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import sklearn
from scipy import stats
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer, mean_pinball_loss, r2_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    LeavePOut,
    PredefinedSplit,
    RandomizedSearchCV,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from maas_sdk.errors import LimitExceededError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

_spec = importlib.util.spec_from_file_location("serialization_around", Path(__file__).with_name("around.py"))
around = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(around)
KIND, LABELS, TARGET, TWO, X, Guess = (
    *(around.KIND, around.LABELS, around.TARGET),
    *(around.TWO, around.X, around.Guess),
)
changed, comes_back, fitted, forged = around.changed, around.comes_back, around.fitted, around.forged
logistic, refuses, rewritten, tree = around.logistic, around.refuses, around.rewritten, around.tree
GROUPS = np.arange(60) // 3 % 4


def search(**options):
    return GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, **{"cv": 2, **options})


def drawn(**distributions):
    return RandomizedSearchCV(Ridge(), distributions, n_iter=2, cv=2, random_state=np.random.RandomState(1))


# --------------------------------------------------------------------------------- searches and thresholds


@pytest.mark.parametrize(
    "estimator",
    [
        search(scoring=make_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.3), pre_dispatch=3),
        search(scoring={"one": "r2", "two": make_scorer(r2_score)}, refit="two", pre_dispatch="3*n_jobs"),
        search(scoring=["r2", "neg_max_error"], refit=False, pre_dispatch="all"),
        drawn(alpha=stats.uniform(0.1, scale=3), max_iter=stats.randint(50, 60)),
    ],
)
def test_searches_come_back_with_their_scorers(estimator):
    fitted(estimator, X, TARGET)
    loaded = load_parts(dump_parts(estimator, training_state=True))
    assert repr(loaded.scorer_) == repr(estimator.scorer_)
    assert list(loaded.cv_results_) == list(estimator.cv_results_)
    comes_back(estimator)
    if estimator.refit:
        assert loaded.score(X, TARGET) == estimator.score(X, TARGET)
    assert not hasattr(load_parts(dump_parts(estimator)), "cv_results_")


FOUND = fitted(search(), X, TARGET)
POSITIVE = make_scorer(f1_score, pos_label="yes")
TUNED = fitted(TunedThresholdClassifierCV(logistic(), scoring=POSITIVE, cv=2), X, TWO)
FIXED = fitted(FixedThresholdClassifier(logistic(), threshold=0.4, pos_label="yes"), X, TWO)
BY_DECISION = changed(FIXED, response_method="decision_function")


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (changed(FOUND, pre_dispatch="__import__('os')"), "pre_dispatch"),
        (changed(FOUND, pre_dispatch=0), "pre_dispatch"),
        (changed(FOUND, refit=False), "best_estimator_"),
        (changed(FOUND, best_estimator_=Ridge()), "best_estimator_"),
        (changed(FOUND, best_estimator_=fitted(tree(), X, LABELS)), "best_estimator_"),
        (changed(FOUND, scoring=[]), "the model"),
        (changed(FOUND, best_params_={1: 2}), "best_params_"),
        (changed(TUNED, estimator_=fitted(logistic(), X, LABELS)), "estimator_"),
        (changed(TUNED, estimator_=fitted(KMeans(2), X)), "estimator_"),
        (changed(TUNED, scoring="f1"), "the model"),
        (changed(FIXED, estimator_=fitted(LinearRegression(), X, TARGET)), "estimator_"),
        (changed(FIXED, estimator_=changed(FIXED.estimator_, classes_=TWO[[1, 1]])), "estimator_"),
        (changed(BY_DECISION, estimator_=fitted(tree(), X, TWO)), "estimator_"),
        (changed(FIXED, pos_label="maybe"), "pos_label"),
    ],
)
def test_searches_and_thresholds_that_cannot_answer_are_refused(estimator, path):
    refuses(forged(estimator), path)


def test_a_threshold_around_an_estimator_that_was_fitted_before_comes_back():
    comes_back(FixedThresholdClassifier(fitted(logistic(), X, TWO), pos_label="no"))
    tuned = TunedThresholdClassifierCV(LinearSVC(), scoring="f1", cv=0.3, refit=False, random_state=0)
    comes_back(fitted(tuned, X, (KIND == 0).astype(int)))


def test_a_threshold_around_an_unfitted_estimator_is_no_model():
    with pytest.raises(UnsupportedModelError, match="estimator: not fitted"):
        dump_parts(FixedThresholdClassifier(logistic()))


# ------------------------------------------------------------------------ objects that are parameters only


@pytest.mark.parametrize(
    "splitter",
    [
        KFold(2, shuffle=True, random_state=3),
        GroupKFold(2),
        StratifiedKFold(2),
        StratifiedGroupKFold(2),
        TimeSeriesSplit(2),
        LeaveOneOut(),
        LeavePOut(1),
        LeaveOneGroupOut(),
        LeavePGroupsOut(1),
        PredefinedSplit(KIND[:12]),
        ShuffleSplit(2, random_state=0),
        GroupShuffleSplit(2, random_state=0),
        StratifiedShuffleSplit(2, test_size=6, random_state=0),
        RepeatedKFold(n_splits=2, n_repeats=2, random_state=1),
        RepeatedStratifiedKFold(n_splits=2, n_repeats=1, random_state=1),
    ],
)
def test_a_way_to_split_comes_back(splitter):
    estimator = GridSearchCV(tree(), {"max_depth": [2]}, cv=splitter, scoring="accuracy")
    groups = np.arange(12) // 3 if "Group" in type(splitter).__name__ else None
    loaded = comes_back(fitted(estimator, X[:12], KIND[:12], groups=groups))
    assert repr(loaded.cv) == repr(splitter)
    splits = [cv.split(X[:12], KIND[:12], groups) for cv in (splitter, loaded.cv)]
    for left, right in zip(*splits, strict=True):
        np.testing.assert_array_equal(left[1], right[1])


def test_a_generator_of_splits_is_used_up_and_comes_back_as_nothing():
    assert load_parts(dump_parts(fitted(search(cv=KFold(2).split(X)), X, TARGET))).cv is None


def test_a_scorer_of_an_unknown_function_has_to_be_declared():
    def own(y, predicted):
        return float(np.abs(y - predicted).max())

    with pytest.raises(UnsupportedModelError, match="scoring"):
        dump_parts(fitted(search(scoring=make_scorer(own)), X, TARGET))


def test_only_usual_distributions_are_kept():
    unusual = fitted(drawn(alpha=stats.anglit(1.0)), X, TARGET)
    with pytest.raises(UnsupportedModelError, match="param_distributions"):
        dump_parts(unusual)
    refuses(forged(unusual), "param_distributions")


def test_an_object_that_is_only_a_parameter_has_no_state():
    def change(model):
        model["params"]["cv"]["state"] = {"predict": 1}

    refuses(rewritten(fitted(search(cv=KFold(2)), X, TARGET), change), "cv")


def test_a_scorer_is_no_function_of_rows():
    scorer = around.node_of(fitted(search(scoring=make_scorer(r2_score), refit=False), X, TARGET))

    def change(model):
        model["params"]["func"] = scorer["params"]["scoring"]

    refuses(rewritten(FunctionTransformer(np.log1p).fit(X), change), "func")


# --------------------------------------------------------------------------------- metadata, and templates


def test_what_metadata_an_estimator_asks_for_comes_back():
    with sklearn.config_context(enable_metadata_routing=True):
        scale = StandardScaler().set_fit_request(sample_weight=True)
        model = logistic().set_fit_request(sample_weight="weight").set_score_request(sample_weight=False)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        third = Guess().set_score_request(sample_weight=True)
        found = GridSearchCV(
            make_pipeline(scale, model), {"logisticregression__C": [1.0]}, cv=GroupKFold(2), scoring=scorer
        )
        fitted(found, X, KIND, groups=GROUPS, sample_weight=np.ones(60), weight=np.ones(60))
    loaded = comes_back(found)
    assert str(loaded.get_metadata_routing()) == str(found.get_metadata_routing())
    loaded = comes_back(fitted(third, X, LABELS), allow=[Guess])
    assert str(loaded.get_metadata_routing()) == str(third.get_metadata_routing())


@pytest.mark.parametrize(
    "requests",
    [[], {"fit": None}, {"params": {}}, {"fit": {"nothing": True}}, {"fit": {"sample_weight": 7}}],
)
def test_requests_that_an_estimator_cannot_have_are_refused(requests):
    refuses(rewritten(fitted(Ridge(), X, TARGET), lambda model: model.update(requests=requests)), "requests")


def test_a_template_made_of_unfitted_parts_stays_one():
    template = Pipeline([("scale", StandardScaler()), ("rest", OneVsRestClassifier(logistic()))])
    loaded = comes_back(fitted(GridSearchCV(template, {"scale": ["passthrough"]}, cv=2), X, LABELS))
    assert not hasattr(loaded.estimator.steps[0][1], "mean_")
    union = FeatureUnion([("scale", StandardScaler())]).set_output(transform="pandas")
    template = Pipeline([("union", union), ("ridge", Ridge())])
    loaded = comes_back(fitted(GridSearchCV(template, {}, cv=2), X, TARGET))
    assert type(clone(loaded.estimator).fit(X, TARGET).steps[0][1].transform(X)).__name__ == "DataFrame"


def test_what_is_fitted_if_its_parts_are_has_a_state():
    found = fitted(GridSearchCV(Pipeline([("ridge", Ridge())]), {}, cv=2), X, TARGET)

    def forget(model):
        model["state"]["best_estimator_"]["state"] = None

    def empty(model):
        model["params"]["estimator"]["params"]["steps"] = ["", 1]

    refuses(rewritten(found, forget), "best_estimator_")
    refuses(rewritten(found, empty), "estimator")


def test_estimators_that_would_ask_each_other_without_end_are_refused():
    def nest(model):
        template = {"type": "sklearn.BaggingClassifier", "params": {}, "state": None}
        for _ in range(12):
            template = {**template, "params": {"estimator": template}}
        model["params"]["estimator"] = template

    with pytest.raises(LimitExceededError, match="too many estimators"):
        load_parts(rewritten(fitted(BaggingClassifier(n_estimators=1), X, LABELS), nest))
