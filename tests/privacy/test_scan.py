"""The disclosure scan: what it finds, where, how grave, and what it leaves alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import sparse
from sklearn import (
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_extraction,
    feature_selection,
    gaussian_process,
    impute,
    isotonic,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    manifold,
    model_selection,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    semi_supervised,
    svm,
    tree,
)
from sklearn.base import BaseEstimator

from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy import desensitize, disclosure_scan

RNG = np.random.default_rng(5)
X = RNG.random((60, 4)) + 0.1
Y = RNG.integers(0, 3, 60)

KEEPS_ROWS = [
    (neighbors.KNeighborsClassifier(), "_fit_X"),
    (neighbors.KNeighborsRegressor(), "_fit_X"),
    (neighbors.RadiusNeighborsClassifier(10.0), "_fit_X"),
    (neighbors.RadiusNeighborsRegressor(10.0), "_fit_X"),
    (neighbors.KNeighborsTransformer(), "_fit_X"),
    (neighbors.RadiusNeighborsTransformer(), "_fit_X"),
    (neighbors.NearestNeighbors(), "_fit_X"),
    (neighbors.LocalOutlierFactor(novelty=True), "_fit_X"),
    (neighbors.KernelDensity(), "tree_"),
    (impute.KNNImputer(), "_fit_X"),
    (svm.SVC(), "support_vectors_"),
    (svm.NuSVC(nu=0.2), "support_vectors_"),
    (svm.SVR(epsilon=0.01), "support_vectors_"),
    (svm.NuSVR(), "support_vectors_"),
    (svm.OneClassSVM(), "support_vectors_"),
    (gaussian_process.GaussianProcessRegressor(optimizer=None, alpha=1.0), "X_train_"),
    (
        gaussian_process.GaussianProcessClassifier(optimizer=None),
        "base_estimator_.estimators_[*].X_train_",
    ),
    (kernel_ridge.KernelRidge(), "X_fit_"),
    (decomposition.KernelPCA(2), "X_fit_"),
    (kernel_approximation.Nystroem(n_components=20), "components_"),
    (semi_supervised.LabelPropagation(), "X_"),
    (semi_supervised.LabelSpreading(), "X_"),
    (manifold.Isomap(), "nbrs_._fit_X"),
    (manifold.LocallyLinearEmbedding(eigen_solver="dense"), "nbrs_._fit_X"),
    (cluster.HDBSCAN(copy=True), "_raw_data"),
    (cluster.AffinityPropagation(), "cluster_centers_"),
    (cluster.DBSCAN(eps=0.5), "components_"),
    (cluster.Birch(threshold=1e-6, n_clusters=None), "subcluster_centers_"),
    (cluster.MeanShift(bandwidth=1e-6), "cluster_centers_"),
]


@pytest.mark.parametrize(("model", "where"), KEEPS_ROWS, ids=lambda value: type(value).__name__)
def test_rows_that_a_model_keeps_are_a_high_finding_with_their_count(model, where):
    report = disclosure_scan(model.fit(X, Y), X)
    [finding] = [finding for finding in report.findings if finding.severity == "high"]
    assert finding.where == where
    rows, equal = finding.evidence.split(" rows, ")[0], finding.evidence.split(" rows, ")[1].split(" of ")[0]
    assert rows == equal != "0"
    assert report.highest == "high"


@pytest.mark.parametrize(("model", "where"), KEEPS_ROWS[:-2], ids=lambda value: type(value).__name__)
def test_they_are_high_without_training_data_too_and_the_report_says_not_compared(model, where):
    report = disclosure_scan(model.fit(X, Y))
    [finding] = [finding for finding in report.findings if finding.severity == "high"]
    assert finding.evidence.startswith(tuple("123456789"))
    assert "not compared" in finding.evidence
    assert any("no X_train" in text for text in report.not_examined)


@pytest.mark.parametrize(
    "model",
    [
        linear_model.LogisticRegression(),
        linear_model.LinearRegression(),
        linear_model.Lasso(),
        linear_model.MultiTaskLasso(alpha=10.0),
        linear_model.SGDClassifier(),
        svm.LinearSVC(),
        naive_bayes.GaussianNB(),
        naive_bayes.MultinomialNB(),
        naive_bayes.BernoulliNB(binarize=0.5),
        naive_bayes.ComplementNB(),
        preprocessing.StandardScaler(),
        preprocessing.MinMaxScaler(),
        preprocessing.MaxAbsScaler(),
        preprocessing.RobustScaler(),
        preprocessing.PowerTransformer(),
        decomposition.PCA(),
        impute.SimpleImputer(),
        neural_network.MLPClassifier((4,), max_iter=3),
        neighbors.NearestCentroid(),
        cluster.KMeans(3, n_init=1),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("zeros", [False, True], ids=["dense", "with rows of zeros"])
def test_what_keeps_no_rows_has_no_finding_above_low(model, zeros):
    data = X * (np.arange(60) % 3 > 0)[:, None] if zeros else X
    target = np.c_[Y, Y] if isinstance(model, linear_model.MultiTaskLasso) else Y
    assert disclosure_scan(model.fit(data, target), data).highest in (None, "low")


def test_rows_are_compared_as_they_look_after_the_steps_before():
    model = pipeline.make_pipeline(
        preprocessing.StandardScaler(), decomposition.PCA(2), neighbors.KNeighborsClassifier()
    ).fit(X, Y)
    [finding] = [f for f in disclosure_scan(model, X).findings if f.severity == "high"]
    assert finding.where == "steps[2]._fit_X"
    assert finding.evidence == "60 rows, 60 of them equal to a row of X_train"
    other = disclosure_scan(model, X + 1)
    assert other.findings[0].evidence == "60 rows, 0 of them equal to a row of X_train"
    assert other.highest == "high"  # rows of somebody, whoever's


def test_precomputed_distances_and_similarities_are_no_rows():
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    near = neighbors.KNeighborsClassifier(metric="precomputed").fit(distances, Y)
    report = disclosure_scan(near)
    assert (report.highest, report.findings[0].what) == (
        "medium",
        "distances or similarities of training rows",
    )
    # libsvm keeps no vectors at all with such a kernel.
    assert disclosure_scan(svm.SVC(kernel="precomputed").fit(X @ X.T, Y)).highest == "low"


def test_columns_of_a_column_transformer_are_followed():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = pipeline.make_pipeline(
        compose.ColumnTransformer(
            [("near", impute.KNNImputer(), ["b", "c"]), ("rest", preprocessing.StandardScaler(), ["a"])]
        ),
        linear_model.LogisticRegression(),
    ).fit(frame, Y)
    report = disclosure_scan(model, frame)
    assert report.findings[0].where == "steps[0].transformers_[0]._fit_X"
    assert report.findings[0].evidence.startswith("60 rows, 60 of them")
    unselectable = disclosure_scan(model, X)
    assert unselectable.findings[0].evidence == "60 rows, not compared"


def test_members_of_unions_votes_searches_and_bags_are_found():
    knn = neighbors.KNeighborsClassifier()
    union = pipeline.make_union(preprocessing.StandardScaler(), kernel_approximation.Nystroem(n_components=9))
    bag = ensemble.BaggingClassifier(knn, n_estimators=4, bootstrap=False)
    expected = {
        "transformer_list[1].components_": union,
        "estimators_[0]._fit_X": ensemble.VotingClassifier(
            [("near", knn), ("line", linear_model.LogisticRegression())]
        ),
        "best_estimator_._fit_X": model_selection.GridSearchCV(knn, {"n_neighbors": [1, 2]}, cv=2),
        "estimators_[*]._fit_X": bag,
        "estimators_[*].support_vectors_": multiclass.OneVsRestClassifier(svm.SVC()),
    }
    for where, model in expected.items():
        [finding] = [f for f in disclosure_scan(model.fit(X, Y), X).findings if f.severity == "high"]
        assert finding.where == where
    evidence = disclosure_scan(bag, X).findings[0].evidence
    assert evidence == "240 rows, 240 of them equal to a row of X_train, in 4 places"


def test_sparse_rows_narrow_floats_and_missing_values_are_compared():
    thin = sparse.random_array((50, 8), density=0.3, rng=1, format="csr")
    labels = np.arange(50) % 2
    model = neighbors.KNeighborsClassifier().fit(thin, labels)
    for data in (thin, thin.toarray(), sparse.coo_array(thin)):
        assert "50 of them equal" in disclosure_scan(model, data).findings[0].evidence
    narrow = neighbors.KNeighborsClassifier().fit(X.astype(np.float32), Y)
    assert "60 of them equal" in disclosure_scan(narrow, X).findings[0].evidence
    holes = X.copy()
    holes[::7, 2] = np.nan
    assert "60 of them equal" in disclosure_scan(impute.KNNImputer().fit(holes), holes).findings[0].evidence


def test_a_centre_that_is_a_single_row_is_found_with_training_data_only():
    model = cluster.KMeans(60, n_init=1, random_state=0).fit(X)
    assert disclosure_scan(model).highest == "low"
    report = disclosure_scan(model, X)
    assert report.highest == "high"
    assert report.findings[0].where == "cluster_centers_"


class Hoarder(BaseEstimator):
    """A vendor's model that keeps its data under a name that no table has."""

    def fit(self, X, y=None):
        self.memory_ = np.array(X)
        self.pieces_ = [np.array(X)[:2], np.array(X)[:10]]
        return self


def test_an_unknown_class_is_a_finding_the_graver_when_there_is_no_data_to_compare_with():
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), Hoarder()).fit(X, Y)
    blind = disclosure_scan(model)
    [finding] = blind.findings
    assert (finding.name, finding.severity) == ("not-examined:steps[1]", "high")
    assert finding.evidence == "2 of its 2 attributes hold more than a single value"
    assert blind.unknown == ("steps[1] (Hoarder)",)
    assert "steps[1] (Hoarder)" in str(blind)
    findings = {f.where: f.severity for f in disclosure_scan(model, X).findings}
    assert findings == {
        "steps[1].memory_": "high",
        "steps[1].pieces_[1]": "high",
        "steps[1].pieces_[0]": "medium",
        "steps[1]": "medium",
    }


@pytest.mark.parametrize(
    ("model", "where", "evidence"),
    [
        (
            preprocessing.QuantileTransformer(n_quantiles=60),
            "quantiles_",
            "240 values, 2",
        ),  # some are rounded
        (preprocessing.OneHotEncoder(), "categories_", "240 values, 240"),
        (preprocessing.OrdinalEncoder(), "categories_", "240 values, 240"),
        (preprocessing.TargetEncoder(target_type="continuous"), "categories_", "240 values, 240"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_verbatim_values_are_a_medium_finding(model, where, evidence):
    report = disclosure_scan(model.fit(X, RNG.random(60)), X)
    assert report.highest == "medium"
    assert report.findings[0].where == where
    assert report.findings[0].evidence.startswith(evidence)
    assert report.findings[0].evidence.endswith(" of them values of X_train")
    assert disclosure_scan(model).findings[0].evidence == evidence.partition(",")[0]


def test_isotonic_steps_are_verbatim_values():
    model = isotonic.IsotonicRegression().fit(np.arange(9.0), np.arange(9.0))
    assert disclosure_scan(model).findings[0].where == "X_thresholds_"


def test_words_are_found_and_words_that_no_prediction_uses_are_high():
    texts = ["the salary of alice", "the salary of bob", "the dog"]
    vectorizer = feature_extraction.text.TfidfVectorizer().fit(texts)
    report = disclosure_scan(vectorizer, texts)
    assert [(f.severity, f.where, f.evidence) for f in report.findings] == [
        ("medium", "vocabulary_", "6 words")
    ]
    vectorizer.stop_words_ = {"password1", "hunter2"}  # as scikit-learn before 1.5 did
    [worst, _words] = disclosure_scan(vectorizer).findings
    assert (worst.severity, worst.where, worst.evidence) == ("high", "stop_words_", "2 words")
    assert "hunter2" not in str(disclosure_scan(vectorizer))


@pytest.mark.parametrize(
    ("model", "where"),
    [
        (tree.DecisionTreeClassifier(random_state=0), "tree_"),
        (ensemble.RandomForestClassifier(3, random_state=0), "estimators_[*].tree_"),
        (ensemble.GradientBoostingRegressor(n_estimators=3, max_depth=9), "estimators_[*].tree_"),
        (
            ensemble.HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=1),
            "_predictors[*].nodes",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_leaves_over_few_rows_are_a_medium_finding(model, where):
    report = disclosure_scan(model.fit(X, Y))
    assert (report.highest, report.findings[0].where) == ("medium", where)
    assert "leaves hold fewer than 5 training rows" in report.findings[0].evidence


def test_trees_of_others_are_no_trees_of_ours():
    model = Hoarder().fit(X)
    model.tree_, model.nodes = {"left": 1}, X.copy()
    assert [finding.name for finding in disclosure_scan(model).findings] == ["not-examined:model"]
    assert "nodes" in {finding.where for finding in disclosure_scan(model, X).findings}


class OneLabel(cluster.KMeans):
    """Keeps a single number where others keep an array."""


def test_a_single_value_in_place_of_an_array_counts_as_one():
    model = OneLabel(2, n_init=1).fit(X)
    for value in (np.int64(3), 3, np.array(3)):
        model.labels_ = value
        evidence = {finding.where: finding.evidence for finding in disclosure_scan(model).findings}
        assert evidence["labels_"] == "1 entries"


def test_a_passed_step_changes_nothing():
    model = pipeline.Pipeline([("off", "passthrough"), ("near", neighbors.KNeighborsClassifier())]).fit(X, Y)
    assert disclosure_scan(model, X).findings[0].evidence.startswith("60 rows, 60 of them")


def test_leaves_over_enough_rows_are_none_and_the_bound_is_an_option():
    model = tree.DecisionTreeClassifier(min_samples_leaf=8).fit(X, Y)
    assert disclosure_scan(model).highest == "low"
    assert disclosure_scan(model, min_leaf_samples=50).highest == "medium"
    with pytest.raises(InvalidOptionError, match="min_leaf_samples"):
        disclosure_scan(model, min_leaf_samples=0)


def test_labels_and_names_are_low_and_told_once():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["age", "income", "height", "weight"])
    model = pipeline.make_pipeline(
        preprocessing.StandardScaler().set_output(transform="pandas"),
        ensemble.RandomForestClassifier(3, min_samples_leaf=20),
    ).fit(frame, Y)
    report = disclosure_scan(model, frame)
    assert [(f.severity, f.where, f.evidence) for f in report.findings] == [
        ("low", "steps[0].feature_names_in_", "4 names"),
        ("low", "steps[1].classes_", "3 labels"),
    ]
    assert "income" not in str(report)


def test_data_that_cannot_be_compared_does_not_stop_the_scan():
    model = neighbors.KNeighborsClassifier().fit(X, Y)
    for data in (X[:, :2], X[0], [["a", "b"]], "text", object()):
        assert disclosure_scan(model, data).findings[0].evidence == "60 rows, not compared"
    chain = pipeline.make_pipeline(preprocessing.StandardScaler(), neighbors.KNeighborsClassifier()).fit(X, Y)
    assert disclosure_scan(chain, X[:, :2]).findings[0].evidence == "60 rows, not compared"


@pytest.mark.parametrize("model", [linear_model.LogisticRegression, "model", 3, None])
def test_what_is_no_fitted_estimator_is_refused(model):
    with pytest.raises(InvalidOptionError, match="fitted estimator"):
        disclosure_scan(model)


def test_a_model_that_holds_itself_is_walked_once():
    model = Hoarder().fit(X)
    model.again_ = {"self": [model]}
    model.list_ = [1]
    model.list_.append(model.list_)
    assert disclosure_scan(model).n_estimators == 1


def test_the_report_is_a_table_plain_data_and_escaped_html():
    class Bold(Hoarder):
        """Named by a vendor who likes markup."""

    Bold.__name__ = "<b>Bold</b>"
    report = disclosure_scan(pipeline.make_pipeline(svm.SVC()).fit(X, Y), X)
    assert str(report).splitlines()[0] == "Disclosure scan of 2 fitted objects: 1 high, 1 low"
    assert json.loads(json.dumps(report.to_dict()))["findings"][0]["where"] == "steps[0].support_vectors_"
    html = disclosure_scan(Bold().fit(X), X)._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    nothing = disclosure_scan(preprocessing.StandardScaler().fit(X), X)
    assert (nothing.highest, nothing.findings) == (None, ())
    assert "nothing found" in str(nothing)
    assert "membership" in str(nothing)
    assert "<table" not in nothing._repr_html_()


@pytest.mark.parametrize(
    ("shape", "equal"),
    [
        (lambda rows: rows.ravel(), 60),
        (lambda rows: rows.reshape(5, 12, 4), 60),
        (lambda rows: np.c_[rows, Y], 60),
        (lambda rows: np.c_[Y, rows], 60),
        (lambda rows: rows.T.copy(), 60),
        (lambda rows: np.r_[RNG.random((500, 4)), rows[:1]], 1),
        (lambda rows: rows[3], 1),
    ],
    ids=["flat", "three axes", "beside the target", "behind the target", "turned", "one of many", "alone"],
)
def test_rows_in_an_array_of_another_shape_are_found(shape, equal):
    model = linear_model.LinearRegression().fit(X, Y)
    model.hidden_ = shape(X)
    [finding] = [f for f in disclosure_scan(model, X).findings if f.where == "hidden_"]
    assert f" {equal} of them equal to a row of X_train" in finding.evidence
    assert finding.severity == ("high" if equal > 1 else "medium")
    assert finding.name == "verbatim-rows:hidden_"


def test_ones_and_zeros_are_not_taken_for_rows():
    data = np.eye(4)[RNG.integers(0, 4, 60)]
    model = linear_model.LinearRegression().fit(data, Y)
    model.mask_, model.flat_ = np.eye(4), np.eye(4).ravel()
    assert disclosure_scan(model, data).highest in (None, "medium")
    assert "flat_" not in {finding.where for finding in disclosure_scan(model, data).findings}


class Slotted:
    """Keeps its rows in a slot, where no dictionary shows them."""

    __slots__ = ("rows",)

    def __init__(self, rows):
        self.rows = rows


def test_what_is_kept_in_slots_is_looked_at():
    model = linear_model.LinearRegression().fit(X, Y)
    model.helper_ = Slotted(X[:9].copy())
    findings = {finding.name: finding.severity for finding in disclosure_scan(model, X).findings}
    assert findings == {"verbatim-rows:helper_.rows": "high", "not-examined:helper_": "medium"}


def test_what_is_inside_of_an_unknown_object_is_accepted_with_it():
    model = Hoarder().fit(X)
    model.inner_ = Hoarder().fit(X)
    report = disclosure_scan(model)
    assert report.unknown == ("the model (Hoarder)",)
    assert [finding.name for finding in report.findings] == ["not-examined:model"]


class Plain(BaseEstimator):
    """A vendor's step that keeps numbers alone."""

    def __init__(self, by=1.0):
        self.by = by

    def fit(self, X, y=None):
        self.n_features_in_, self.shift_ = X.shape[1], np.float64(2)
        return self


def test_an_unknown_object_that_keeps_single_values_is_no_alarm():
    report = disclosure_scan(Plain().fit(X))
    assert [(f.name, f.severity) for f in report.findings] == [("not-examined:model", "low")]


def test_places_people_and_addresses_in_parameters_are_found_and_not_repeated(tmp_path):
    class Memory:
        def __init__(self, location):
            self.location = location

    Memory.__module__ = "joblib.memory"
    model = pipeline.Pipeline(
        [("scale", preprocessing.StandardScaler()), ("line", linear_model.LinearRegression())]
    ).fit(X, Y)
    model.memory = Memory("/home/carol/cache")
    model[0].note_ = {"source": ["mailto:carol@example.org", "/srv/data/x"]}
    model[1].origin_ = tmp_path / "x"
    report = disclosure_scan(model)
    assert {finding.name: finding.severity for finding in report.findings} == {
        "user-name:memory.location": "medium",
        "e-mail:steps[0].note_": "medium",
        "path:steps[0].note_": "low",
        "path:steps[1].origin_": "low",
    }
    assert "carol" not in str(report)
    assert "srv" not in json.dumps(report.to_dict())


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("/home/carol", {"user-name"}),
        ("C:\\Users\\carol\\x", {"user-name"}),
        ("see /Users/carol/x.", {"user-name"}),
        ("~carol/x", {"user-name"}),
        ("/root/x", {"user-name"}),
        ("file:///srv/x", {"path"}),
        ("\\\\server\\share", {"path"}),
        ("D:\\data\\x", {"path"}),
        ("a.b@example.co.uk", {"e-mail"}),
        ("rbf", set()),
        ("a/b/c", set()),
        ("https://example.org/home/x", set()),
        (r"(?u)\b\w\w+\b", set()),
        ("2026/11/30", set()),
        ("<b>bold</b>", set()),
        ("x @ y", set()),
    ],
)
def test_only_what_names_a_place_or_a_person_is_found(text, kinds):
    model = linear_model.LinearRegression().fit(X, Y)
    model.note_ = text
    assert {finding.name.partition(":")[0] for finding in disclosure_scan(model).findings} == kinds


def test_a_name_stays_the_same_however_many_members_keep_something():
    few = ensemble.RandomForestClassifier(1, random_state=0).fit(X, Y)
    many = ensemble.RandomForestClassifier(3, random_state=0).fit(X, Y)
    assert {f.name for f in disclosure_scan(few).findings} == {f.name for f in disclosure_scan(many).findings}


def test_what_a_model_keeps_behind_a_partial_function_is_found():
    from functools import partial

    model = preprocessing.FunctionTransformer().fit(X)
    model.func = partial(np.add, X.copy())
    model.kept_ = partial(np.add, neighbors.NearestNeighbors().fit(X))
    assert disclosure_scan(model, X).highest == "high"


@pytest.mark.parametrize(
    "keep",
    [
        lambda rows: rows.tolist(),
        lambda rows: [tuple(row) for row in rows],
        lambda rows: {tuple(row) for row in rows},
        lambda rows: dict(enumerate(rows)),
        lambda rows: {"north": {"a": rows[:30]}, "south": [rows[30:]]},
    ],
    ids=["lists", "tuples", "a set", "a mapping of rows", "nested"],
)
def test_rows_that_are_kept_in_lists_sets_and_mappings_are_found(keep):
    model = linear_model.LinearRegression().fit(X, Y)
    model.memory_ = keep(X)
    findings = [f for f in disclosure_scan(model, X).findings if f.where.startswith("memory_")]
    assert {finding.severity for finding in findings} == {"high"}
    assert sum(int(finding.evidence.split()[2]) for finding in findings) == 60
    assert "north" not in str(findings)


@pytest.mark.parametrize(
    "model",
    [random_projection.SparseRandomProjection(4, random_state=0), neighbors.KNeighborsClassifier()],
    ids=lambda model: type(model).__name__,
)
def test_a_scan_changes_nothing_of_the_model(model):
    thin = sparse.csr_array(np.where(RNG.random((50, 9)) < 0.4, RNG.random((50, 9)), 0.0))
    thin.data[::5] = 0.0  # stored zeros, and
    thin.indices[: thin.indptr[1]] = thin.indices[: thin.indptr[1]][::-1].copy()  # an order of their own
    model.fit(thin, np.arange(50) % 2)
    kept = model.components_ if hasattr(model, "components_") else model._fit_X
    before = [array.copy() for array in (kept.data, kept.indices, kept.indptr)]
    given = [array.copy() for array in (thin.data, thin.indices, thin.indptr)]
    disclosure_scan(model, thin)
    for array, copied in zip((kept.data, kept.indices, kept.indptr), before, strict=True):
        np.testing.assert_array_equal(array, copied)
    for array, copied in zip((thin.data, thin.indices, thin.indptr), given, strict=True):
        np.testing.assert_array_equal(array, copied)


def test_rows_are_compared_in_the_columns_that_a_member_has_seen():
    near = neighbors.KNeighborsClassifier()
    bag = ensemble.BaggingClassifier(near, n_estimators=3, max_features=2, bootstrap=False, random_state=0)
    evidence = disclosure_scan(bag.fit(X, Y), X).findings[0].evidence
    assert evidence == "180 rows, 180 of them equal to a row of X_train, in 3 places"
    chosen = feature_selection.RFE(svm.SVC(kernel="linear"), n_features_to_select=2).fit(X, Y)
    [finding] = [f for f in disclosure_scan(chosen, X).findings if f.severity == "high"]
    total, equal = finding.evidence.split(" rows, ")[0], finding.evidence.split(" rows, ")[1].split()[0]
    assert (finding.where, equal) == ("estimator_.support_vectors_", total)


def test_data_that_is_no_table_of_numbers_makes_no_unknown_object_known():
    texts = ["a b", "b c", "c a"]
    report = disclosure_scan(Hoarder().fit(texts), texts)
    assert [(f.name, f.severity) for f in report.findings] == [("not-examined:model", "high")]


def test_a_table_with_texts_is_followed_through_the_steps():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:, :2], columns=["a", "b"]).assign(city=np.where(Y > 1, "Oslo", "Rome"))
    model = pipeline.make_pipeline(
        compose.ColumnTransformer(
            [("n", "passthrough", ["a", "b"]), ("c", preprocessing.OneHotEncoder(), ["city"])]
        ),
        neighbors.KNeighborsClassifier(),
    ).fit(frame, Y)
    evidence = {finding.name: finding.evidence for finding in disclosure_scan(model, frame).findings}
    assert evidence["verbatim-rows:steps[1]._fit_X"] == "60 rows, 60 of them equal to a row of X_train"
    assert evidence["verbatim-values:steps[0].transformers_[1].categories_"] == (
        "2 values, 2 of them values of X_train"
    )
    made = desensitize(model, X_train=frame, replace_rows="prototypes", min_rows=3)
    assert made.scan.highest == "medium"


class Leaky(linear_model.LinearRegression):
    """Derived from a class that keeps nothing, and keeps its rows."""

    def fit(self, X, y):
        self.seen_ = np.array(X)
        return super().fit(X, y)


def test_a_class_that_is_derived_from_a_known_one_is_not_known():
    report = disclosure_scan(Leaky().fit(X, Y))
    assert [(f.name, f.severity) for f in report.findings] == [("not-examined:model", "high")]
    assert {f.name: f.severity for f in disclosure_scan(Leaky().fit(X, Y), X).findings} == {
        "verbatim-rows:seen_": "high",
        "not-examined:model": "medium",
    }


def test_no_name_of_a_finding_repeats_a_key_of_a_mapping():
    model = linear_model.LinearRegression().fit(X, Y)
    model.by_town_ = {"Oslo": neighbors.NearestNeighbors().fit(X)}
    report = disclosure_scan(model)
    assert [finding.name for finding in report.findings] == ["verbatim-rows:by_town_[0]._fit_X"]
    assert "Oslo" not in str(report)
