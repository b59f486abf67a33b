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
    semi_supervised,
    svm,
    tree,
)
from sklearn.base import BaseEstimator

from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy import disclosure_scan

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


def test_an_unknown_class_is_named_and_compared_but_not_judged_without_data():
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), Hoarder()).fit(X, Y)
    blind = disclosure_scan(model)
    assert blind.highest is None or blind.highest == "low"
    assert blind.unknown == ("steps[1] (Hoarder)",)
    assert "steps[1] (Hoarder)" in str(blind)
    findings = {f.where: f.severity for f in disclosure_scan(model, X).findings}
    assert findings == {
        "steps[1].memory_": "high",
        "steps[1].pieces_[1]": "high",
        "steps[1].pieces_[0]": "medium",
    }


@pytest.mark.parametrize(
    ("model", "where", "evidence"),
    [
        (preprocessing.QuantileTransformer(n_quantiles=10), "quantiles_", "40 values"),
        (preprocessing.OneHotEncoder(), "categories_", "240 values"),
        (preprocessing.OrdinalEncoder(), "categories_", "240 values"),
        (preprocessing.TargetEncoder(target_type="continuous"), "categories_", "240 values"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_verbatim_values_are_a_medium_finding(model, where, evidence):
    report = disclosure_scan(model.fit(X, RNG.random(60)), X)
    assert report.highest == "medium"
    assert (report.findings[0].where, report.findings[0].evidence) == (where, evidence)


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
    assert disclosure_scan(model).findings == ()
    assert "nodes" in {finding.where for finding in disclosure_scan(model, X).findings}


class OneLabel(cluster.KMeans):
    """Keeps a single number where others keep an array."""


def test_a_single_value_in_place_of_an_array_counts_as_one():
    model = OneLabel(2, n_init=1).fit(X)
    for value in (np.int64(3), 3, np.array(3)):
        model.labels_ = value
        assert disclosure_scan(model).findings[0].evidence == "1 entries"


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
