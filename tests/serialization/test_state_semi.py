"""Semi-supervised classifiers come back; those that cannot answer are refused with their place."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.metrics.pairwise import haversine_distances, rbf_kernel
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier

from maas_sdk.serialization import dump_parts, load_parts

_spec = importlib.util.spec_from_file_location("serialization_around", Path(__file__).with_name("around.py"))
around = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(around)
KIND, LABELS, X = around.KIND, around.LABELS, around.X
changed, comes_back, fitted, forged = around.changed, around.comes_back, around.fitted, around.forged
logistic, refuses, tree = around.logistic, around.refuses, around.tree
PARTLY = np.where(np.arange(60) % 4 == 3, -1, KIND)
NO_SAMPLES = {"X_": X[:0], "label_distributions_": np.zeros((0, 3)), "transduction_": KIND[:0]}
SPREAD = fitted(LabelSpreading("knn", n_neighbors=5), X, PARTLY)


@pytest.mark.parametrize(
    ("estimator", "rows"),
    [
        (SPREAD, X[:7].copy()),
        (fitted(LabelPropagation(rbf_kernel), X, PARTLY), X[:7].copy()),
        (fitted(LabelSpreading(), sparse.csr_matrix(X), PARTLY), sparse.csr_matrix(X)),
        (
            fitted(
                SelfTrainingClassifier(logistic()),
                X,
                np.where(PARTLY < 0, -1, LABELS.astype(object)).astype(object),
            ),
            X,
        ),
    ],
)
def test_semi_supervised_classifiers_come_back(estimator, rows):
    comes_back(estimator, rows)
    loaded = load_parts(dump_parts(estimator))
    np.testing.assert_array_equal(loaded.transduction_, estimator.transduction_)
    np.testing.assert_array_equal(loaded.classes_, estimator.classes_)


@pytest.mark.parametrize(
    ("estimator", "path"),
    [
        (changed(SPREAD, n_neighbors=61), "n_neighbors"),
        (changed(SPREAD, **NO_SAMPLES), "X_"),
        (changed(SPREAD, kernel=np.mean), "kernel"),
        (changed(SPREAD, kernel=haversine_distances), "the model"),
        (
            changed(fitted(SelfTrainingClassifier(tree()), X, PARTLY), estimator_=fitted(KMeans(2), X)),
            "estimator_",
        ),
    ],
)
def test_semi_supervised_classifiers_that_cannot_answer_are_refused(estimator, path):
    refuses(forged(estimator), path)
