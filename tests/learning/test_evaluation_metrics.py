"""Metrics against scikit-learn's own functions, on data of many shapes."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import evaluate, get_metric, score


class Told(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its inputs."""

    def __init__(self, classes):
        self.classes_ = np.asarray(classes)

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return self.classes_[np.argmax(X, axis=1)]


class ToldLabels(Told):
    """A classifier of several labels, likewise."""

    def predict(self, X):
        return (np.asarray(X) > 0.5).astype(int)


class Echo(RegressorMixin, BaseEstimator):
    """A regressor whose predictions are its inputs."""

    def predict(self, X):
        return np.squeeze(X)


class Counting(LogisticRegression):
    """Counts how often it is asked for probabilities."""

    def predict_proba(self, X):
        self.calls += 1
        return super().predict_proba(X)


def class_problem(seed, n_classes, n_samples, *, text, coarse):
    rng = np.random.default_rng(seed)
    classes = np.array([f"class {c}" for c in "dbac"[:n_classes]] if text else range(5, 5 + n_classes))
    classes = np.sort(classes)
    proba = rng.dirichlet(np.ones(n_classes), n_samples)
    if coarse:  # many ties
        proba = np.round(proba * 4) + 0.25
        proba /= proba.sum(axis=1, keepdims=True)
    return Told(classes), proba, classes[rng.integers(0, n_classes, n_samples)]


PROBLEMS = {
    "seed": st.integers(0, 10_000),
    "n_classes": st.integers(2, 4),
    "n_samples": st.integers(1, 40),
    "text": st.booleans(),
    "coarse": st.booleans(),
}


def expected_of_classes(y, proba, model, weights):
    predicted, known = model.predict(proba), model.classes_
    w = {"sample_weight": weights}
    expected = {
        "accuracy": sk.accuracy_score(y, predicted, **w),
        "balanced_accuracy": sk.recall_score(
            y, predicted, labels=np.unique(y), average="macro", zero_division=0, **w
        ),
        "log_loss": sk.log_loss(y, y_proba=proba, labels=known, **w),
        "brier": sk.brier_score_loss(
            y, proba[:, 1] if len(known) == 2 else proba, labels=None if len(known) == 2 else known,
            pos_label=known[1] if len(known) == 2 else None, **w,
        ),
    }  # fmt: skip
    for name in ("f1", "precision", "recall"):
        function = getattr(sk, f"{name}_score")
        expected[f"{name}_macro"] = function(y, predicted, average="macro", zero_division=0, **w)
        if len(known) == 2:
            expected[name] = function(y, predicted, pos_label=known[1], zero_division=0, **w)
    if len(np.unique(y)) == len(known):
        if len(known) == 2:
            expected["roc_auc"] = sk.roc_auc_score(y, proba[:, 1], **w)
            expected["average_precision"] = sk.average_precision_score(
                y, proba[:, 1], pos_label=known[1], **w
            )
        else:
            expected["roc_auc"] = sk.roc_auc_score(y, proba, multi_class="ovr", **w)
            expected["average_precision"] = sk.average_precision_score(y, proba, **w)
    return expected


@settings(max_examples=40, deadline=None)
@given(**PROBLEMS, weighted=st.booleans())
def test_metrics_of_classes_are_scikit_learns(seed, n_classes, n_samples, text, coarse, weighted):
    model, proba, y = class_problem(seed, n_classes, n_samples, text=text, coarse=coarse)
    weights = np.random.default_rng(seed).uniform(0.1, 3, n_samples) if weighted else None
    found = evaluate(model, proba, y, sample_weight=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = expected_of_classes(y, proba, model, weights)
        assert {**found.metrics, "calibration_error": 0} == pytest.approx(
            {**expected, "calibration_error": 0}
        )
        assert found.confusion == pytest.approx(
            sk.confusion_matrix(y, model.predict(proba), labels=model.classes_, sample_weight=weights)
        )
    if n_classes == 2 and found.roc is not None:
        assert found.roc.area == pytest.approx(found.metrics["roc_auc"])
        assert sk.auc(found.roc.x, found.roc.y) == pytest.approx(found.roc.area)


def weighted_like_repeated(model, X, y, counts):
    whole = evaluate(model, X, y, sample_weight=counts)
    rows = np.repeat(np.arange(len(y)), counts)
    repeated = evaluate(model, X[rows], y[rows])
    assert whole.metrics == pytest.approx(repeated.metrics)
    assert list(whole.metrics) == list(repeated.metrics)
    return whole, repeated


@settings(max_examples=25, deadline=None)
@given(**PROBLEMS)
def test_whole_weights_are_as_good_as_repeated_rows(seed, n_classes, n_samples, text, coarse):
    model, proba, y = class_problem(seed, n_classes, n_samples, text=text, coarse=coarse)
    counts = np.random.default_rng(seed).integers(0, 4, n_samples)
    counts[0] = 2
    whole, repeated = weighted_like_repeated(model, proba, y, counts)
    assert np.array_equal(whole.confusion, repeated.confusion)
    assert [row.support for row in whole.per_class] == [row.support for row in repeated.per_class]
    mine, theirs = whole.calibration, repeated.calibration
    assert mine.weights.tolist() == theirs.weights.tolist()
    assert mine.observed == pytest.approx(theirs.observed)
    assert (mine.brier, mine.resolution) == pytest.approx((theirs.brier, theirs.resolution))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_samples=st.integers(2, 30),
    n_outputs=st.integers(1, 3),
    weighted=st.booleans(),
    offset=st.sampled_from([0.0, 1e6]),
)
def test_metrics_of_values_are_scikit_learns(seed, n_samples, n_outputs, weighted, offset):
    rng = np.random.default_rng(seed)
    shape = (n_samples, n_outputs) if n_outputs > 1 else (n_samples,)
    y, predicted = rng.normal(offset, 2, shape), rng.normal(offset, 2, shape)
    weights = rng.uniform(0.1, 3, n_samples) if weighted else None
    w = {"sample_weight": weights}
    expected = {
        "mse": sk.mean_squared_error(y, predicted, **w),
        "rmse": sk.root_mean_squared_error(y, predicted, **w),
        "mae": sk.mean_absolute_error(y, predicted, **w),
        "median_absolute_error": sk.median_absolute_error(y, predicted, **w),
        "max_error": np.abs(y - predicted).max(),
        "r2": sk.r2_score(y, predicted, **w),
    }
    assert evaluate(Echo(), predicted, y, **w).metrics == pytest.approx(expected, rel=1e-7)
    if n_outputs == 1:
        weighted_like_repeated(Echo(), predicted, y, np.r_[1, 1, rng.integers(0, 4, n_samples - 2)])


def test_a_constant_truth_is_explained_if_it_is_met():
    for y, predicted in (([2.5] * 7, [2.5] * 7), ([2.5] * 7, [2.5] * 6 + [3]), ([0.1, 0.2], [0.1, 0.2])):
        found = evaluate(Echo(), np.array(predicted), y).metrics["r2"]
        assert found == pytest.approx(sk.r2_score(y, predicted))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_samples=st.integers(1, 30),
    n_labels=st.integers(2, 4),
    weighted=st.booleans(),
)
def test_metrics_of_several_labels_are_scikit_learns(seed, n_samples, n_labels, weighted):
    rng = np.random.default_rng(seed)
    y, scores = rng.integers(0, 2, (n_samples, n_labels)), rng.random((n_samples, n_labels)).round(1)
    weights = rng.uniform(0.1, 3, n_samples) if weighted else None
    w = {"sample_weight": weights}
    model = ToldLabels(range(n_labels))
    predicted = model.predict(scores)
    expected = {
        "accuracy": sk.accuracy_score(y, predicted, **w),
        "hamming_loss": sk.hamming_loss(y, predicted, **w),
        "f1_micro": sk.f1_score(y, predicted, average="micro", zero_division=0, **w),
        "f1_macro": sk.f1_score(y, predicted, average="macro", zero_division=0, **w),
        "f1_samples": sk.f1_score(y, predicted, average="samples", zero_division=0, **w),
        "precision_macro": sk.precision_score(y, predicted, average="macro", zero_division=0, **w),
        "recall_macro": sk.recall_score(y, predicted, average="macro", zero_division=0, **w),
    }
    if (y.min(axis=0) != y.max(axis=0)).all():
        expected["roc_auc"] = sk.roc_auc_score(y, scores, **w)
    if y.any(axis=0).all():
        expected["average_precision"] = sk.average_precision_score(y, scores, **w)
    found = evaluate(model, scores, y, **w)
    assert found.kind == "multilabel"
    assert found.metrics == pytest.approx(expected)
    each = sk.precision_recall_fscore_support(y, predicted, zero_division=0, average=None, **w)
    mine = [(row.precision, row.recall, row.f1, row.support) for row in found.per_class]
    assert np.asarray(mine) == pytest.approx(np.transpose(each))


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0),
        OneVsRestClassifier(LogisticRegression()),
        RidgeClassifier(),
    ],
    ids=lambda model: str(model)[:40],
)
def test_several_labels_come_from_scikit_learns_estimators_in_all_their_shapes(model):
    X, y = make_multilabel_classification(120, n_classes=3, random_state=1)
    frame = pd.DataFrame(y, columns=["red", "green", "blue"])
    found = evaluate(model.fit(X[:80], y[:80]), X[80:], frame[80:])
    assert found.labels == ("red", "green", "blue")
    assert found.metrics["f1_micro"] == pytest.approx(
        sk.f1_score(y[80:], model.predict(X[80:]), average="micro")
    )
    assert found.metrics["roc_auc"] > 0.6
    assert found.confusion is None
    assert "By label" in str(found)
    assert score(model, X[80:], y[80:], "jaccard_micro") == pytest.approx(
        sk.get_scorer("jaccard_micro")(model, X[80:], y[80:])
    )


def test_several_classes_a_column_are_refused():
    y = np.array([[0, 2], [1, 1], [2, 0]])
    with pytest.raises(InvalidOptionError, match="must be 0 or 1"):
        evaluate(ToldLabels([0, 1, 2]), np.zeros((3, 2)), y)


NAMES = [
    "accuracy", "balanced_accuracy", "f1_macro", "f1_micro", "f1_weighted", "jaccard_macro", "neg_log_loss",
    "neg_brier_score", "roc_auc_ovr", "roc_auc_ovo_weighted", "matthews_corrcoef", "top_k_accuracy",
    "d2_log_loss_score", "precision_weighted",
]  # fmt: skip


def test_every_scorer_name_gives_scikit_learns_figure_without_predicting_again():
    X, y = load_iris(return_X_y=True)
    model = Counting(max_iter=1000).fit(X[::2], y[::2])
    model.calls = 0
    found = evaluate(model, X[1::2], y[1::2], metrics=NAMES, confidence=0.9, n_resamples=3, random_state=0)
    assert model.calls == 1
    assert found.metrics == pytest.approx(
        {name: sk.get_scorer(name)(model, X[1::2], y[1::2]) for name in NAMES}
    )
    assert set(found.intervals) == set(NAMES)


def test_scorers_of_values_are_known_by_name_too():
    X, y = load_diabetes(return_X_y=True)
    names = ["explained_variance", "neg_mean_absolute_percentage_error", "neg_max_error", "r2"]
    model = Ridge().fit(X, y)
    assert evaluate(model, X, y, metrics=names).metrics == pytest.approx(
        {name: sk.get_scorer(name)(model, X, y) for name in names}
    )


def test_a_scorer_of_ones_own_is_a_metric():
    X, y = load_iris(return_X_y=True)
    model = DummyClassifier().fit(X, y)

    def first_half(estimator, X, y):
        return float((estimator.predict(X) == y)[: len(y) // 2].mean())

    scorer = sk.make_scorer(sk.fbeta_score, beta=2, average="macro")
    assert evaluate(model, X, y, metrics=[first_half, "accuracy"]).metrics == {
        "first_half": pytest.approx(2 / 3),
        "accuracy": pytest.approx(1 / 3),
    }
    assert evaluate(model, X, y, metrics={"f2": scorer}).metrics == pytest.approx({"f2": scorer(model, X, y)})
    assert evaluate(model, X, y, metrics=[get_metric("accuracy")]).metrics == {
        "accuracy": pytest.approx(1 / 3)
    }
    with pytest.raises(InvalidOptionError, match="give the scorer a name"):
        evaluate(model, X, y, metrics=[scorer])


def test_weights_reach_scikit_learns_scorers():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(X[::2], y[::2])
    weights = np.arange(len(y)) % 3
    expected = sk.matthews_corrcoef(y, model.predict(X), sample_weight=weights)
    found = evaluate(model, X, y, metrics=["matthews_corrcoef"], sample_weight=weights)
    assert found.metrics["matthews_corrcoef"] == pytest.approx(expected)
    assert get_metric("matthews_corrcoef")(model, X, y, sample_weight=weights) == pytest.approx(expected)


def test_the_positive_class_can_be_chosen():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet([1, 1], 50)
    y = np.where(rng.random(50) < 0.4, "no", "yes")
    model = Told(["no", "yes"])
    found = evaluate(model, proba, y, positive="no")
    assert found.positive == "no"
    assert found.metrics["f1"] == pytest.approx(sk.f1_score(y, model.predict(proba), pos_label="no"))
    assert found.metrics["average_precision"] == pytest.approx(
        sk.average_precision_score(y, proba[:, 0], pos_label="no")
    )
    assert found.metrics["brier"] == pytest.approx(evaluate(model, proba, y).metrics["brier"])
    assert found.metrics["roc_auc"] == pytest.approx(evaluate(model, proba, y).metrics["roc_auc"])
    assert get_metric("recall")(model, proba, y, positive="no") == found.metrics["recall"]
    with pytest.raises(InvalidOptionError, match="positive must be one of"):
        evaluate(model, proba, y, positive="maybe")
    with pytest.raises(InvalidOptionError, match="one of two classes"):
        evaluate(Told([0, 1, 2]), rng.dirichlet([1, 1, 1], 5), [0, 1, 2, 0, 1], positive=1)
    with pytest.raises(InvalidOptionError, match="takes no positive"):
        get_metric("f1_weighted")(model, proba, y, positive="no")


def test_decision_values_rank_where_there_are_no_probabilities():
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], np.where(y[50:] == 2, "virginica", "other")
    model = LinearSVC().fit(X[::2], y[::2])
    found = evaluate(model, X, y)
    expected = sk.roc_auc_score(y, model.decision_function(X))
    assert found.metrics["roc_auc"] == pytest.approx(expected)
    assert evaluate(model, X, y, positive="other").roc.area == pytest.approx(expected)
    assert found.calibration is None
    assert not {"log_loss", "brier", "calibration_error"} & set(found.metrics)


def test_a_metric_without_a_value_is_refused_with_what_it_needs():
    X, y = load_iris(return_X_y=True)
    model = DummyClassifier().fit(X, y)
    for name, words in [
        ("f1", "take f1_macro"),
        ("hamming_loss", "does not measure"),
        ("mse", "take one of"),
    ]:
        with pytest.raises(InvalidOptionError, match=words):
            evaluate(model, X, y, metrics=[name])
        with pytest.raises(InvalidOptionError, match=words):
            get_metric(name)(model, X, y)
    for name in ("accuracy", "f1_micro", "hamming_loss"):
        with pytest.raises(InvalidOptionError, match="does not measure regression: take one of mse"):
            evaluate(Echo(), np.arange(3.0), [1.0, 2.0, 4.0], metrics=[name])
    with pytest.raises(InvalidOptionError, match="bad has no value here: it is nan"):
        evaluate(model, X, y, metrics={"bad": lambda *_: float("nan")})


def test_scikit_learns_scorers_of_other_estimators_still_work():
    X, y = load_iris(return_X_y=True)
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    assert score(model, X, y, "adjusted_rand_score") == sk.get_scorer("adjusted_rand_score")(model, X, y)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sample_weight": [1.0, 2.0]}, "sample_weight"),
        ({"sample_weight": [-1.0, 1.0, 1.0]}, "none negative"),
        ({"sample_weight": [0.0, 0.0, 0.0]}, "not all 0"),
        ({"groups": [1, 2]}, "groups"),
        ({"confidence": 1.0}, "confidence"),
        ({"confidence": "high"}, "confidence"),
        ({"confidence": 0.9, "n_resamples": 0}, "n_resamples"),
        ({"n_bins": 0}, "n_bins"),
        ({"metrics": "r2"}, "sequence"),
        ({"metrics": [7]}, "no metric 7"),
        ({"positive": 1}, "positive"),
    ],
    ids=str,
)
def test_a_wrong_option_is_named(options, words):
    with pytest.raises(InvalidOptionError, match=words):
        evaluate(Echo(), np.arange(3.0), [1.0, 2.0, 4.0], **options)


def test_data_that_no_metric_can_measure_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        evaluate(Echo(), np.array([1.0, np.nan]), [1.0, 2.0])
    with pytest.raises(ValueError, match="inconsistent"):
        evaluate(Echo(), np.arange(3.0), [1.0, 2.0])
    with pytest.raises(ValueError, match="0 sample"):
        evaluate(Echo(), np.empty((0,)), [])
    with pytest.raises(InvalidOptionError, match="shape"):
        evaluate(DummyRegressor().fit([[0]], [[1.0, 2.0]]), [[0]], [1.0])


def test_one_row_and_constant_predictions_have_what_can_be_said():
    one = evaluate(Told(["a", "b"]), np.array([[0.3, 0.7]]), ["b"], confidence=0.95)
    assert one.metrics["accuracy"] == 1
    assert one.intervals == {}
    assert "roc_auc" not in one.metrics
    assert one.roc is None
    constant = evaluate(Told(["a", "b"]), np.full((4, 2), 0.5), ["a", "b", "b", "b"])
    assert constant.metrics["roc_auc"] == 0.5
    assert constant.metrics["average_precision"] == 0.75
    assert constant.metrics["precision"] == 0
    only = evaluate(Told(["a"]), np.ones((3, 1)), ["a", "a", "a"])
    assert only.metrics["accuracy"] == 1
    assert "log_loss" not in only.metrics
    assert only.calibration is None


def test_a_scorer_of_decision_values_gets_them_in_every_resample():
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], y[50:]
    model = LinearSVC().fit(X[::2], y[::2])
    hinge = sk.make_scorer(sk.hinge_loss, response_method="decision_function", greater_is_better=False)
    found = evaluate(model, X, y, metrics={"hinge": hinge}, confidence=0.9, n_resamples=20, random_state=0)
    assert found.metrics["hinge"] == pytest.approx(hinge(model, X, y))
    assert found.intervals["hinge"].low < found.metrics["hinge"] < found.intervals["hinge"].high


def test_scorers_see_the_probabilities_of_several_labels():
    X, y = make_multilabel_classification(80, n_classes=3, random_state=1)
    model = OneVsRestClassifier(LogisticRegression()).fit(X, y)
    ranking = sk.make_scorer(sk.label_ranking_loss, response_method="predict_proba")
    found = evaluate(model, X, y, metrics={"ranking": ranking})
    assert found.metrics["ranking"] == pytest.approx(sk.label_ranking_loss(y, model.predict_proba(X)))


def test_rows_of_weight_0_are_out_of_their_groups_too():
    groups, weights = np.repeat(np.arange(6), 4), np.tile([0.0, 1.0, 1.0, 1.0], 6)
    y = np.random.default_rng(0).normal(size=24)
    options = {"confidence": 0.9, "n_resamples": 30, "random_state": 0}
    found = evaluate(Echo(), np.zeros(24), y, groups=groups, sample_weight=weights, **options)
    keep = weights > 0
    assert (
        found.intervals == evaluate(Echo(), np.zeros(18), y[keep], groups=groups[keep], **options).intervals
    )


def test_labels_without_scores_and_of_another_number():
    class Labels(Told):
        predict_proba = property()

        def predict(self, X):
            return np.ones((len(X), 2), dtype=int)

    y = np.array([[0, 1], [1, 1]])
    assert "roc_auc" not in evaluate(Labels([0, 1]), np.zeros((2, 1)), y).metrics
    with pytest.raises(InvalidOptionError, match="y has the shape"):
        evaluate(Labels([0, 1]), np.zeros((2, 1)), np.ones((2, 3), dtype=int))


def test_a_column_of_values_is_as_good_as_values():
    y = np.arange(5.0)
    assert evaluate(Echo(), y, pd.DataFrame({"y": y})).metrics["r2"] == 1


def test_many_classes_take_little_memory_to_resample():
    y = np.arange(3000)
    model = DummyClassifier(strategy="constant", constant=7).fit(np.zeros((3000, 1)), y)
    tracemalloc.start()
    names = ["f1_macro", "balanced_accuracy", "accuracy"]
    evaluate(model, np.zeros((3000, 1)), y, metrics=names, confidence=0.9, n_resamples=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500e6  # one confusion matrix of them takes 72 MB, those of all resamples 7 GB
