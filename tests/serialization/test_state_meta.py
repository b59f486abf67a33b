"""Ensembles of any estimators: what fits together comes back, what does not is refused with its place."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    KFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from maas_sdk.errors import UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

_spec = importlib.util.spec_from_file_location("serialization_around", Path(__file__).with_name("around.py"))
around = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(around)
KIND, LABELS, SEVERAL, TARGET = around.KIND, around.LABELS, around.SEVERAL, around.TARGET
TWO, WIDER, X, Guess = around.TWO, around.WIDER, around.X, around.Guess
changed, comes_back, first, fitted = around.changed, around.comes_back, around.first, around.fitted
forged, logistic, refuses, tree = around.forged, around.logistic, around.refuses, around.tree
WITHOUT_TEMPERATURE = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8)


def pair():
    return [("logistic", logistic()), ("tree", tree())]


def near():
    return [("near", KNeighborsClassifier())]


# ------------------------------------------------------------------------------------ voting and stacking

HARD = fitted(VotingClassifier(pair()), X, LABELS)
SOFT = fitted(VotingClassifier(pair(), voting="soft"), X, LABELS)
STACK = fitted(StackingClassifier(pair(), logistic(), cv=2), X, LABELS)
LINES = fitted(VotingRegressor([("line", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))]), X, TARGET)
MULTILABEL = fitted(StackingClassifier(near(), KNeighborsClassifier(), cv=2), X, SEVERAL)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (VotingClassifier([*pair(), ("none", "drop")], weights=np.array([1, 2, 3])), LABELS),
        (
            VotingClassifier([("frozen", FrozenEstimator(fitted(tree(), X, LABELS)))], voting="soft"),
            LABELS,
        ),
        (
            VotingClassifier([("wide", RadiusNeighborsClassifier(9.0, outlier_label="most_frequent"))]),
            LABELS,
        ),
        (VotingRegressor([("tree", DecisionTreeRegressor(max_depth=2))]), TARGET),
        (StackingClassifier(near(), RidgeClassifier(), cv=2), SEVERAL),
        (StackingClassifier(near(), KNeighborsClassifier(), cv=2), SEVERAL),
        (StackingClassifier(pair(), cv=StratifiedKFold(2), passthrough=True), LABELS),
        (StackingClassifier(pair(), cv=list(KFold(2).split(X))), LABELS),
        (StackingRegressor([("line", Ridge())], Ridge(), cv=KFold(2).split(X)), TARGET),
    ],
)
def test_votes_and_stacks_come_back_with_the_names_of_their_estimators(estimator, y):
    fitted(estimator, X, y)
    loaded = comes_back(estimator)
    assert list(loaded.named_estimators_) == list(estimator.named_estimators_)
    assert loaded.named_estimators_.get("none") == estimator.named_estimators_.get("none")
    assert next(iter(loaded.named_estimators_.values())) is loaded.estimators_[0]
    if hasattr(estimator, "classes_"):
        np.testing.assert_equal(loaded.classes_, estimator.classes_)


def test_estimators_that_do_not_know_how_many_features_they_take_come_back():
    guess = [("guess", Guess())]
    comes_back(fitted(StackingClassifier(guess, cv=2), X, LABELS), allow=[Guess])
    comes_back(fitted(StackingClassifier(guess, cv=2, passthrough=True), X, LABELS), allow=[Guess])
    texts = np.array(["good day", "bad day", "good night", "bad night"] * 5)
    words = make_pipeline(HashingVectorizer(n_features=16), SGDClassifier(random_state=0))
    comes_back(fitted(VotingClassifier([("words", words)]), texts, np.arange(20) % 2), texts)


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (changed(HARD, estimators=[("one",), ("two", tree())]), "estimators[0]"),
        (changed(HARD, estimators=[(1, tree()), ("two", tree())]), "estimators[0]"),
        (changed(HARD, estimators=["ab", "cd"]), "estimators[0]"),
        (changed(HARD, estimators=[("one", tree())]), "estimators_"),
        (changed(HARD, estimators=[("one", "drop"), ("two", tree())]), "estimators_"),
        (changed(HARD, estimators=[("one", tree()), ("one", tree())]), "the model"),
        (changed(HARD, estimators=[("one", tree()), ("two__three", tree())]), "the model"),
        (changed(HARD, estimators_=[]), "estimators_"),
        (first(HARD, fitted(KMeans(2), X)), "estimators_[0]"),
        (first(HARD, fitted(tree(), WIDER, KIND)), "estimators_[1]"),
        (first(HARD, fitted(tree(), X, LABELS)), "estimators_[0]"),
        (first(HARD, fitted(tree(), X, KIND + 1)), "estimators_[0]"),
        (first(HARD, fitted(tree(), X, KIND - 1)), "estimators_[0]"),
        (first(HARD, fitted(tree(), X, SEVERAL)), "estimators_[0]"),
        (changed(HARD, le_=LabelEncoder()), "le_"),
        (changed(HARD, weights=[1.0]), "weights"),
        (changed(HARD, weights=[1.0, -1.0]), "weights"),
        (changed(HARD, weights=["a", "b"]), "weights"),
        (first(LINES, fitted(tree(), X, KIND)), "estimators_[0]"),
        (first(SOFT, fitted(LinearSVC(), X, KIND)), "estimators_[0]"),
        (first(SOFT, fitted(tree(), X, TWO)), "estimators_[0]"),
        (changed(STACK, stack_method_=["decision_function"] * 2), "estimators_[1]"),
        (changed(STACK, stack_method_=["fit", "predict"]), "stack_method_[0]"),
        (changed(STACK, stack_method_=["predict"]), "stack_method_"),
        (changed(STACK, passthrough=True), "final_estimator_"),
        (changed(STACK, _n_feature_outs=[3, 4]), "final_estimator_"),
        (changed(STACK, _n_feature_outs=[2**19, 2**19, 1]), "_n_feature_outs"),
        (
            changed(STACK, final_estimator_=fitted(tree(), X[:, [0, 1, 2, 3, 0, 1]], LABELS)),
            "final_estimator_",
        ),
        (
            changed(STACK, final_estimator_=fitted(Ridge(), X[:, [0, 1, 2, 3, 0, 1]], KIND)),
            "final_estimator_",
        ),
        (
            changed(MULTILABEL, final_estimator_=fitted(KNeighborsClassifier(), X[:, :3], SEVERAL[:, :2])),
            "final_estimator_",
        ),
        (
            changed(MULTILABEL, final_estimator_=fitted(KNeighborsClassifier(), X[:, :3], SEVERAL + 1)),
            "final_estimator_",
        ),
    ],
)
def test_votes_and_stacks_that_do_not_fit_are_refused(estimator, path):
    refuses(forged(estimator), path)


def test_an_outlier_does_not_vote_for_a_number_that_is_no_class():
    wide = fitted(make_pipeline(StandardScaler(), RadiusNeighborsClassifier(9.0, outlier_label=0)), X, KIND)
    voting = first(HARD, wide)
    load_parts(dump_parts(voting))
    wide.steps[1][1].outlier_label_ = [10**12]
    refuses(forged(voting), "estimators_[0]")


# ------------------------------------------------------------------------------------ bagging and boosting

BAGGING = fitted(BaggingClassifier(tree(), 3, random_state=0), X, LABELS)
UNLIKELY = fitted(BaggingClassifier(LinearSVC(random_state=0), 3, random_state=0), X, LABELS)
BOOSTED = fitted(AdaBoostClassifier(tree(1), n_estimators=3, random_state=0), X, LABELS)
BOOSTED_LINE = fitted(AdaBoostRegressor(n_estimators=3, random_state=0), X, TARGET)
ONE_WEIGHT = {"estimator_weights_": np.ones(1), "estimator_errors_": np.ones(1)}


@pytest.mark.parametrize(
    ("estimator", "rows"),
    [
        (UNLIKELY, X),
        (fitted(BaggingClassifier(tree(), 4, max_samples=3, random_state=0), X, LABELS), X),
        (fitted(BaggingClassifier(tree(), 2, random_state=0), X, LABELS, sample_weight=KIND + 1.0), X),
        (fitted(BaggingRegressor(n_estimators=2, random_state=0, oob_score=True, n_jobs=1), X, TARGET), X),
        (
            fitted(
                BaggingRegressor(Ridge(), 2, max_features=0.5, random_state=0), sparse.csr_matrix(X), TARGET
            ),
            sparse.csr_matrix(X),
        ),
    ],
)
def test_bagging_comes_back_with_the_samples_that_it_drew_and_starts_no_processes(estimator, rows):
    loaded = comes_back(estimator, rows)
    assert loaded.n_jobs is None
    assert type(loaded.estimator_) is type(estimator.estimator_)
    np.testing.assert_equal(loaded.estimators_samples_, estimator.estimators_samples_)


def test_the_seeds_of_very_many_samples_are_not_kept():
    loaded = load_parts(dump_parts(changed(BAGGING, _max_samples=10**8, _n_samples=10**8)))
    np.testing.assert_array_equal(loaded.predict(X), BAGGING.predict(X))
    with pytest.raises(AttributeError, match="_seeds"):
        _ = loaded.estimators_samples_


def features(*columns):
    return {"estimators_features_": [np.array(columns), *BAGGING.estimators_features_[1:]]}


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (changed(BAGGING, **features(0, 1, 2, 4)), "estimators_features_[0]"),
        (changed(BAGGING, **features(0, 1, 2, -1)), "estimators_features_[0]"),
        (changed(BAGGING, **features(0, 1)), "estimators_[0]"),
        (changed(BAGGING, estimators_features_=BAGGING.estimators_features_[1:]), "estimators_features_"),
        (first(BAGGING, fitted(Ridge(), X, KIND)), "estimators_[0]"),
        (changed(BAGGING, _max_features=5), "_max_samples"),
        (changed(BAGGING, _seeds=np.array([-1])), "_seeds"),
        (changed(BAGGING, n_classes_=2), "n_classes_"),
        (changed(BAGGING, estimators_=UNLIKELY.estimators_), "estimators_[0]"),
        (first(BAGGING, fitted(tree(), X, TWO)), "estimators_[0]"),
        (first(BAGGING, fitted(tree(), X, KIND.clip(1) + 2)), "estimators_[0]"),
        (first(UNLIKELY, fitted(LinearSVC(), X, KIND + 5)), "estimators_[0]"),
        (changed(BOOSTED, **ONE_WEIGHT), "estimator_weights_"),
        (changed(BOOSTED, estimators_=[fitted(tree(), X, SEVERAL)]), "estimators_[0]"),
        (changed(BOOSTED, estimator=KNeighborsClassifier()), "the model"),
        (changed(BOOSTED_LINE, **ONE_WEIGHT), "estimator_weights_"),
        (first(BOOSTED_LINE, fitted(tree(), X, LABELS)), "estimators_[0]"),
    ],
)
def test_bags_and_boosts_that_do_not_fit_are_refused(estimator, path):
    refuses(forged(estimator), path)


def test_a_file_may_not_have_more_samples_drawn_than_fit_into_memory():
    def change(model):
        model["state"]["_max_samples"] = 2**31 - 1

    refuses(around.rewritten(BAGGING, change), "_max_samples")


# ------------------------------------------------------------------------------------------- calibration

CALIBRATED = fitted(CalibratedClassifierCV(GaussianNB(), cv=2), X, LABELS)
CALIBRATED_TWO = fitted(CalibratedClassifierCV(LinearSVC(), cv=2, method="isotonic"), X, TWO)
SIGMOIDS = CALIBRATED.calibrated_classifiers_[0].calibrators
CLIPPED = CALIBRATED_TWO.calibrated_classifiers_[0].calibrators[0]


def with_pair(calibrated, **changes):
    pair, *others = calibrated.calibrated_classifiers_
    return changed(calibrated, calibrated_classifiers_=[changed(pair, **changes), *others])


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (CalibratedClassifierCV(cv=2), LABELS),
        (CalibratedClassifierCV(SVC(decision_function_shape="ovo"), cv=2), LABELS),
        (CalibratedClassifierCV(GaussianNB(), cv=StratifiedShuffleSplit(2, random_state=1)), TWO),
        (CalibratedClassifierCV(FixedThresholdClassifier(logistic(), pos_label="yes"), cv=2), TWO),
        (CalibratedClassifierCV(make_pipeline(StandardScaler(), GaussianNB()), cv=2), LABELS),
    ],
)
def test_calibrated_classifiers_come_back(estimator, y):
    comes_back(fitted(estimator, X, y))


@pytest.mark.skipif(WITHOUT_TEMPERATURE, reason="scikit-learn has temperatures from 1.8 on")
def test_a_temperature_has_a_score_for_each_class():
    calibrated = fitted(CalibratedClassifierCV(GaussianNB(), method="temperature", cv=2), X, LABELS)
    comes_back(calibrated)
    refuses(forged(with_pair(calibrated, estimator=fitted(GaussianNB(), X, TWO))), "estimator")


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (with_pair(CALIBRATED, calibrators=[]), "[0].calibrators"),
        (with_pair(CALIBRATED, calibrators=SIGMOIDS[:2]), "[0].calibrators"),
        (with_pair(CALIBRATED, calibrators=[Ridge(), *SIGMOIDS[1:]]), "[0].calibrators[0]"),
        (with_pair(CALIBRATED, method="isotonic"), "[0].calibrators"),
        (with_pair(CALIBRATED, method="magic"), "[0].method"),
        (with_pair(CALIBRATED, estimator=fitted(Ridge(), X, KIND)), "[0].estimator"),
        (with_pair(CALIBRATED, estimator=fitted(GaussianNB(), X, KIND)), "[0].estimator"),
        (with_pair(CALIBRATED, estimator=fitted(GaussianNB(), WIDER, LABELS)), "[0].estimator"),
        (with_pair(CALIBRATED, estimator=HARD), "[0].estimator"),
        (with_pair(CALIBRATED_TWO, estimator=fitted(tree(), X[1:3], TWO[1:3])), "[0].estimator"),
        (with_pair(CALIBRATED_TWO, calibrators=[IsotonicRegression()]), "[0].calibrators[0]"),
        (
            with_pair(CALIBRATED_TWO, calibrators=[changed(CLIPPED, out_of_bounds="raise")]),
            "[0].calibrators",
        ),
    ],
)
def test_calibrations_that_do_not_fit_are_refused(estimator, path):
    refuses(forged(estimator), path)


def test_a_calibration_that_has_other_classes_than_those_around_it_is_no_model():
    with pytest.raises(UnsupportedModelError, match="other classes"):
        dump_parts(with_pair(CALIBRATED, classes=np.array(["a", "b"])))
