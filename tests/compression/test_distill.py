"""Students in place of models: what they learn, from which rows, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.compression import DistillCompressor, Int8Compressor
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.learning import MLPClassifier
from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.testing import collect_checks

DIGITS, LABELS = load_digits(return_X_y=True)
X, Y = DIGITS[:500], LABELS[:500]
X_TEST, Y_TEST = DIGITS[900:], LABELS[900:]
DIABETES, TARGET = load_diabetes(return_X_y=True)
NETWORK = DistillCompressor()


def chain(model, *steps, X=X, y=Y):
    return Pipeline([*steps, ("model", clone(model))]).fit(X, y)


def size(fitted):
    return sum(map(len, dump_parts(fitted).values()))


@pytest.fixture(scope="module")
def forest():
    return chain(RandomForestClassifier(60, random_state=0))


@pytest.fixture(scope="module")
def student(forest):
    return NETWORK.compress(forest, X)


def test_a_forest_becomes_a_small_network_behind_a_scaler(forest, student):
    assert [name for name, _ in student.steps] == ["scaler", "model"]
    assert isinstance(student[-1], MLPClassifier)
    assert [coef.shape for coef in student[-1].coefs_] == [(64, 64), (64, 64), (64, 10)]
    assert student.score(X_TEST, Y_TEST) > forest.score(X_TEST, Y_TEST) - 0.04
    assert size(forest) > 8 * size(Int8Compressor().compress(student))
    loaded = load_parts(dump_parts(student, profile="full"))
    assert np.array_equal(loaded.predict_proba(X), student.predict_proba(X))


def test_it_learns_the_probabilities_and_not_the_labels(forest, student):
    wanted, given = forest.predict_proba(X), student.predict_proba(X)
    assert np.abs(given - wanted).mean() < 0.02
    assert np.abs(given - wanted).mean() < 0.2 * np.abs(np.eye(10)[Y] - wanted).mean()


def test_the_training_state_of_the_student_does_not_stay(student):
    assert not {"optimizer_state_", "_coordinates", "_generator"} & vars(student[-1]).keys()


def test_rows_without_labels_teach_what_the_training_rows_do_not(forest):
    few, more = X[:60], DIGITS[500:900]
    alone = DistillCompressor().compress(forest, few)
    helped = DistillCompressor(X_unlabelled=more).compress(forest, few)
    assert helped.score(X_TEST, Y_TEST) > alone.score(X_TEST, Y_TEST) + 0.05


@pytest.mark.parametrize("y", [TARGET, np.c_[TARGET, -TARGET]], ids=["one", "two outputs"])
@pytest.mark.parametrize(
    "student",
    ["network", "tree", RandomForestRegressor(5, random_state=0)],
    ids=["network", "tree", "forest"],
)
def test_a_regressor_gives_its_values(y, student):
    teacher = chain(RandomForestRegressor(20, random_state=0), X=DIABETES, y=y)
    small = DistillCompressor(student).compress(teacher, DIABETES)
    wanted, given = teacher.predict(DIABETES), small.predict(DIABETES)
    assert given.shape == wanted.shape
    assert 1 - ((given - wanted) ** 2).sum() / ((wanted - wanted.mean(axis=0)) ** 2).sum() > 0.6


def test_a_tree_has_few_leaves_and_the_seed(forest):
    small = DistillCompressor("tree", random_state=7).compress(forest, X)[-1]
    assert isinstance(small, DecisionTreeClassifier)
    assert small.get_n_leaves() <= 256
    assert small.random_state == 7
    # A leaf's probabilities are the mean of the forest's.
    np.testing.assert_allclose(
        small.predict_proba(X).mean(axis=0), forest.predict_proba(X).mean(axis=0), atol=0.01
    )


def test_any_student_is_cloned_and_fitted(forest):
    given = GaussianNB()
    small = DistillCompressor(given).compress(forest, X)
    assert not hasattr(given, "theta_")
    assert type(small[-1]) is GaussianNB
    assert small.score(X_TEST, Y_TEST) > 0.7


def test_without_probabilities_or_weights_it_learns_the_labels(forest):
    support = chain(LinearSVC(random_state=0), ("scale", StandardScaler()))
    network = NETWORK.compress(support, X)
    assert np.mean(network.predict(X) == support.predict(X)) > 0.99
    assert [name for name, _ in network.steps] == ["scale", "model"]
    neighbours = DistillCompressor(KNeighborsClassifier(1)).compress(forest, X)
    assert np.array_equal(neighbours.predict(X), forest.predict(X))


@pytest.mark.parametrize("student", ["network", "tree"])
def test_labels_of_any_kind_stay_and_so_do_classes_that_are_hardly_ever_predicted(student):
    words = np.array(["a", "b", "rare"])
    y = words[(np.arange(500) % 2)]
    y[3] = "rare"
    teacher = chain(RandomForestClassifier(200, min_samples_leaf=20, random_state=0), y=y)
    assert teacher.predict_proba(X)[:, 2].max() < 0.1
    small = DistillCompressor(student).compress(teacher, X[50:])
    assert small.classes_.tolist() == words.tolist()
    assert small.predict_proba(X).shape == (500, 3)
    assert small.predict_proba(X)[:, 2].max() < 0.5


def test_a_class_of_which_no_row_has_a_hundredth_keeps_its_column():
    teacher = chain(LogisticRegression(C=1e3, max_iter=9000), ("scale", StandardScaler()), X=DIGITS, y=LABELS)
    ones = DIGITS[np.isin(LABELS, (0, 1))]
    sure = ones[(teacher.predict_proba(ones)[:, 2:] < 1e-3).all(axis=1)]
    small = DistillCompressor("tree").compress(teacher, sure)
    assert small.classes_.tolist() == list(range(10))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_stay_frames_and_their_names_are_known(library):
    names = [f"pixel {column}" for column in range(64)]
    rows = pytest.importorskip(library).DataFrame(dict(zip(names, X.T, strict=True)))
    more = rows[:100]
    teacher = chain(HistGradientBoostingClassifier(max_iter=10, random_state=0), X=rows)
    small = DistillCompressor(DecisionTreeClassifier(), X_unlabelled=more).compress(teacher, rows)
    assert small[-1].feature_names_in_.tolist() == names
    assert small.predict(rows).shape == (500,)


def test_sparse_features_and_texts_are_taken():
    texts = ["good fine nice", "bad poor awful", "fine good", "poor bad", "nice", "awful"] * 10
    labels = [1, 0, 1, 0, 1, 0] * 10
    teacher = chain(LogisticRegression(), ("words", CountVectorizer()), X=texts, y=labels)
    small = DistillCompressor("tree", X_unlabelled=texts[:7]).compress(teacher, texts)
    assert small.predict(texts).tolist() == labels
    scattered = chain(
        RandomForestClassifier(5, random_state=0), ("sparse", FunctionTransformer(sparse.csr_array))
    )
    assert DistillCompressor("tree", X_unlabelled=X[:9]).compress(scattered, X).score(X, Y) > 0.8


def test_the_same_call_gives_the_same_bits_and_leaves_the_teacher_alone(forest, student):
    again = NETWORK.compress(forest, X)
    assert np.array_equal(again.predict_proba(X), student.predict_proba(X))
    assert isinstance(forest[-1], RandomForestClassifier)
    other = DistillCompressor(random_state=1).compress(forest, X)
    assert not np.array_equal(other.predict_proba(X), student.predict_proba(X))


@pytest.mark.parametrize(
    "options",
    [
        {"student": "forest"},
        {"student": DecisionTreeClassifier},
        {"student": StandardScaler()},
        {"student": None},
        {"X_unlabelled": "rows.csv"},
        {"X_unlabelled": []},
        {"X_unlabelled": np.zeros((0, 3))},
        {"random_state": None},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidOptionError, match="DistillCompressor"):
        DistillCompressor(**options)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: "chain", "not a fitted pipeline"),
        (lambda: Pipeline([("model", None)]), "NoneType is neither a classifier nor a regressor"),
        (lambda: Pipeline([("model", LogisticRegression())]), "LogisticRegression is not fitted"),
        (lambda: chain(KMeans(3, random_state=0)), "KMeans is neither"),
        (lambda: chain(LinearRegression()), "the student LogisticRegression is no regressor"),
        (
            lambda: chain(DecisionTreeClassifier(), y=np.c_[Y, Y % 2]),
            "DecisionTreeClassifier predicts several labels at once",
        ),
    ],
)
def test_what_it_does_not_take_is_refused_with_the_reason(make, reason):
    compressor = DistillCompressor(LogisticRegression())
    teacher = make()
    assert compressor.why_not(teacher).startswith(reason)
    assert not compressor.supports(teacher)
    with pytest.raises(InvalidOptionError, match="distill does not fit this model"):
        compressor.compress(teacher, X)


def test_data_that_do_not_fit_are_told(forest):
    with pytest.raises(InvalidOptionError, match="distill needs the training data"):
        NETWORK.compress(forest)
    with pytest.raises(ComponentError, match="distill of RandomForestClassifier failed"):
        NETWORK.compress(forest, X[:, :7])
    with pytest.raises(ComponentError, match="distill of RandomForestClassifier failed"):
        DistillCompressor(X_unlabelled=X[:9, :7]).compress(forest, X)
    column = chain(LinearRegression(), y=Y[:, np.newaxis])
    with pytest.raises(InvalidOptionError, match=r"fit it on y\.ravel\(\)"):
        NETWORK.compress(column, X)
    assert repr(NETWORK) == "DistillCompressor('network')"
    assert repr(DistillCompressor("tree", X_unlabelled=X)) == "DistillCompressor('tree', X_unlabelled=…)"


@pytest.mark.parametrize(
    "check", [each for each in collect_checks("maas_sdk") if each.info.reference == "distill"], ids=str
)
def test_it_passes_the_checks_of_the_kit(check):
    check()
