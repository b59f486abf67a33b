"""One estimator for each class or output: all of them fit together, or they are refused with their place."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import Ridge, RidgeClassifier, SGDClassifier
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.preprocessing import LabelEncoder
from sklearn.svm import SVC, LinearSVC, LinearSVR

from maas_sdk.serialization import dump_parts, load_parts

_spec = importlib.util.spec_from_file_location("serialization_around", Path(__file__).with_name("around.py"))
around = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(around)
KIND, LABELS, SEVERAL, TARGET, TARGETS = (
    *(around.KIND, around.LABELS, around.SEVERAL),
    *(around.TARGET, around.TARGETS),
)
TWO, WIDER, X = around.TWO, around.WIDER, around.X
changed, comes_back, first, fitted = around.changed, around.comes_back, around.first, around.fitted
forged, logistic, refuses, tree = around.forged, around.logistic, around.refuses, around.tree

REST = fitted(OneVsRestClassifier(logistic()), X, LABELS)
PAIRS = fitted(OneVsOneClassifier(logistic()), X, LABELS)
CODED = fitted(OutputCodeClassifier(logistic(), random_state=0), X, LABELS)
OUTPUTS = fitted(MultiOutputClassifier(logistic()), X, np.c_[LABELS, TWO])
SIDE_BY_SIDE = fitted(MultiOutputRegressor(Ridge()), X, TARGETS)
CHAIN = fitted(ClassifierChain(logistic(), order=[2, 0, 1]), X, SEVERAL)
OF_SCORES = changed(CHAIN, chain_method_="predict_proba")
LINES = fitted(RegressorChain(Ridge(), order=(1, 0)), X, TARGETS)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (OneVsRestClassifier(Ridge()), LABELS),
        (OneVsOneClassifier(IsolationForest(n_estimators=2, random_state=0)), TWO),
        (MultiOutputRegressor(LinearSVR(random_state=0), n_jobs=1), TARGETS),
        (
            ClassifierChain(LinearSVC(random_state=0), chain_method=["decision_function"], cv=KFold(3)),
            SEVERAL,
        ),
        (RegressorChain(Ridge(), order=(1, 0)), TARGETS),
    ],
)
def test_several_classes_and_outputs_come_back(estimator, y):
    fitted(estimator, X, y)
    loaded = comes_back(estimator)
    assert type(loaded.estimators_) is type(estimator.estimators_)


def test_what_was_trained_in_parts_comes_back():
    learner = SGDClassifier(random_state=0)
    comes_back(OneVsRestClassifier(learner).partial_fit(X, LABELS, classes=["a", "b", "c"]))
    comes_back(OneVsOneClassifier(learner).partial_fit(X, KIND, classes=[0, 1, 2]))


def test_pairs_of_classes_that_pick_columns_of_a_kernel_come_back():
    kernel = rbf_kernel(X)
    comes_back(fitted(OneVsOneClassifier(SVC(kernel="precomputed")), kernel, LABELS), kernel)


@pytest.mark.parametrize("estimator", [CHAIN, OUTPUTS])
def test_outputs_have_their_labels(estimator):
    np.testing.assert_equal(load_parts(dump_parts(estimator)).classes_, estimator.classes_)


def test_outputs_start_no_processes():
    assert load_parts(dump_parts(changed(OUTPUTS, n_jobs=2))).n_jobs is None


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (first(REST, fitted(logistic(), X, LABELS)), "estimators_[0]"),
        (first(REST, fitted(tree(), X, SEVERAL)), "estimators_[0]"),
        (first(REST, fitted(KMeans(2), X)), "estimators_[0]"),
        (first(REST, fitted(logistic(), WIDER, TWO)), "estimators_[0]"),
        (changed(REST, estimators_=[*REST.estimators_[:2], fitted(RidgeClassifier(), X, TWO)]), "[2]"),
        (changed(REST, estimators_=REST.estimators_[:2]), "label_binarizer_"),
        (changed(REST, label_binarizer_=fitted(LabelEncoder(), LABELS)), "label_binarizer_"),
        (changed(PAIRS, estimators_=PAIRS.estimators_[:2]), "estimators_"),
        (changed(PAIRS, pairwise_indices_=(np.arange(4), np.arange(4), np.arange(3))), "estimators_[2]"),
        (changed(PAIRS, pairwise_indices_=(np.arange(4), np.arange(4), np.arange(5))), "indices_[2]"),
        (changed(CODED, code_book_=CODED.code_book_[:, :2]), "code_book_"),
        (first(CODED, fitted(logistic(), X, LABELS)), "estimators_[0]"),
        (first(OUTPUTS, fitted(Ridge(), X, TARGET)), "estimators_[0]"),
        (first(OUTPUTS, fitted(tree(), X, SEVERAL)), "estimators_[0]"),
        (first(LINES, fitted(logistic(), X, LABELS)), "estimators_[0]"),
        (first(SIDE_BY_SIDE, fitted(logistic(), X, LABELS)), "estimators_[0]"),
        (changed(CHAIN, order_=[2, 0, 0]), "order_"),
        (changed(CHAIN, order_=[2, 0, 3]), "order_"),
        (changed(LINES, order_=np.array([1, 2])), "order_"),
        (changed(LINES, order_=np.array([1, 1])), "order_"),
        (first(LINES, fitted(Ridge(), WIDER, TARGET)), "estimators_[0]"),
        (first(CHAIN, fitted(logistic(), X, TWO)), "estimators_[0]"),
        (first(CHAIN, fitted(Ridge(), X, TARGET)), "estimators_[0]"),
        (first(CHAIN, fitted(LinearSVC(), X, KIND == 0)), "estimators_[0]"),
        (first(OF_SCORES, fitted(logistic(), X, KIND)), "estimators_[0]"),
        (first(OF_SCORES, fitted(LinearSVC(), X, KIND == 0)), "estimators_[0]"),
    ],
)
def test_several_classes_and_outputs_that_do_not_fit_are_refused(estimator, path):
    refuses(forged(estimator), path)
