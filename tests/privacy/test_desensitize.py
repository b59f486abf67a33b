"""Desensitization: what is claimed to be the same is, the rest is measured, the second scan is clean."""

import copy

import numpy as np
import pytest
from attrs import evolve
from sklearn import (
    cluster,
    datasets,
    ensemble,
    gaussian_process,
    impute,
    kernel_approximation,
    linear_model,
    neighbors,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

import maas_sdk as maas
from maas_sdk.errors import DisclosureError, InvalidOptionError, UnsupportedModelError
from maas_sdk.privacy import desensitize, disclosure_scan
from maas_sdk.serialization import dump_parts, load_parts

X, NUMBERS = datasets.load_iris(return_X_y=True)
Y = np.array(["setosa", "versicolor", "virginica"])[NUMBERS]
RNG = np.random.default_rng(3)
WIDE = RNG.standard_normal((600, 5))
SIGNAL = WIDE[:, 0] * 2 + WIDE[:, 1] ** 2 + RNG.standard_normal(600) / 5
KIND = np.where(SIGNAL > 1, "high", "low")


def leaf_counts(model):
    """Give how many training rows the leaves of all trees hold, read where scikit-learn keeps it."""
    counts = []
    for each in np.ravel(getattr(model, "estimators_", [model])):
        if hasattr(each, "tree_"):
            counts += each.tree_.n_node_samples[each.tree_.children_left == -1].tolist()
    for group in getattr(model, "_predictors", []):
        for predictor in group:
            counts += predictor.nodes["count"][predictor.nodes["is_leaf"] == 1].tolist()
    return counts


TREES = [
    tree.DecisionTreeClassifier(random_state=0),
    tree.ExtraTreeRegressor(random_state=0),
    tree.DecisionTreeRegressor(criterion="absolute_error", random_state=0),
    ensemble.RandomForestClassifier(8, random_state=0),
    ensemble.RandomForestRegressor(8, max_leaf_nodes=60, random_state=0),
    ensemble.ExtraTreesClassifier(8, random_state=0),
    ensemble.BaggingRegressor(n_estimators=5, random_state=0),
    ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=5), n_estimators=5, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=10, max_depth=6, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=10, max_depth=6, loss="huber", random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=1),
    ensemble.HistGradientBoostingRegressor(max_iter=10, min_samples_leaf=1, categorical_features=[4]),
]


@pytest.mark.parametrize("model", TREES, ids=lambda model: type(model).__name__)
def test_small_leaves_are_merged_in_every_kind_of_trees(model):
    rows = WIDE.copy()
    rows[:, 4] = np.arange(600) % 5
    target = KIND if hasattr(model, "predict_proba") else SIGNAL
    model.fit(rows[:400], target[:400])
    assert min(leaf_counts(model)) < 7
    made = desensitize(model, X_train=rows[:400], y_train=target[:400], min_leaf=7)
    assert min(leaf_counts(made.pipeline)) >= 7
    assert min(leaf_counts(model)) < 7, "what was given stays as it is"
    assert "leaves" not in str([finding.name for finding in made.scan.findings])
    merged = made.changes[0]
    assert not merged.identical
    assert "400 rows" in merged.evidence
    assert "score on the training data" in merged.evidence
    held_out = model.score(rows[400:], target[400:]) - made.pipeline.score(rows[400:], target[400:])
    assert held_out < 0.25  # a single tree of the last rows without its smallest leaves
    loaded = load_parts(dump_parts(made.pipeline))
    np.testing.assert_array_equal(loaded.predict(rows), made.pipeline.predict(rows))


def test_a_merged_leaf_has_the_value_that_the_tree_kept_for_both():
    rows = np.arange(12.0)[:, None]
    target = np.array([0, 0, 0, 0, 0, 0, 5, 7, 7, 7, 7, 7], dtype=float)
    model = tree.DecisionTreeRegressor().fit(rows, target)
    made = desensitize(model, min_leaf=3, max_disclosure="low").pipeline
    np.testing.assert_allclose(made.predict(rows), [0] * 6 + [40 / 6] * 6)
    assert made.tree_.node_count == 3


def test_a_small_leaf_beside_a_subtree_goes_and_its_rows_take_the_way_of_the_others():
    rows = np.r_[np.arange(20.0), 1000.0][:, None]
    target = np.r_[np.arange(20) // 10 * 10.0, 500.0]
    model = tree.DecisionTreeRegressor().fit(rows, target)
    made = desensitize(model, min_leaf=5, max_disclosure="low").pipeline
    # Its part of the rows, a twenty-first, of its value goes to each leaf: the mean of all stays.
    expected = [500 / 21] * 10 + [(20 * 10 + 500) / 21] * 11
    np.testing.assert_allclose(made.predict(rows), expected)
    assert made.predict(rows[:20]).sum() / 20 == pytest.approx(target.mean())
    assert made.get_depth() == 1


def test_leaves_that_are_large_enough_are_left_alone_bit_for_bit():
    model = ensemble.RandomForestClassifier(5, min_samples_leaf=9, random_state=0).fit(WIDE, KIND)
    made = desensitize(model, X_train=WIDE, min_leaf=5, max_disclosure="low")
    assert made.changes[0].identical
    assert made.pipeline.predict_proba(WIDE).tobytes() == model.predict_proba(WIDE).tobytes()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (ensemble.IsolationForest(n_estimators=3, random_state=0), "how soon rows are alone"),
        (ensemble.RandomTreesEmbedding(n_estimators=3, random_state=0), "its columns are its leaves"),
    ],
    ids=["IsolationForest", "RandomTreesEmbedding"],
)
def test_trees_whose_leaves_are_their_answer_are_refused_with_the_reason(model, reason):
    with pytest.raises(InvalidOptionError, match=reason):
        desensitize(model.fit(WIDE), min_leaf=5)


@pytest.mark.parametrize(
    "model",
    [
        ensemble.RandomForestClassifier(3),
        ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1),
    ],
    ids=["forest", "histogram"],
)
def test_a_file_without_counts_is_no_clean_scan_and_cannot_be_merged(model):
    lean = load_parts(dump_parts(model.fit(WIDE, KIND), profile="inference"))
    [finding] = disclosure_scan(lean).above("low")
    assert finding.name.startswith("small-leaves:")
    assert "not told" in finding.evidence
    with pytest.raises(InvalidOptionError, match="profile 'full'"):
        desensitize(lean, min_leaf=5)


@pytest.mark.parametrize(
    ("model", "dropped"),
    [
        (cluster.KMeans(3, n_init=1), "labels_"),
        (cluster.AffinityPropagation(), "affinity_matrix_"),
        (linear_model.LogisticRegression(max_iter=500), "n_iter_"),
    ],
    ids=["KMeans", "AffinityPropagation", "LogisticRegression"],
)
def test_what_no_prediction_uses_is_dropped_and_the_same_is_predicted(model, dropped):
    made = desensitize(model.fit(X, Y), max_disclosure="high")
    [change] = made.changes
    assert change.identical
    assert f"model.{dropped}" in change.what
    assert "512 rows, identical" in change.evidence
    np.testing.assert_array_equal(made.pipeline.predict(X), model.predict(X))
    assert not hasattr(made.pipeline, "labels_")


def test_prototypes_take_the_place_of_neighbours_and_none_stands_for_fewer_rows_than_asked():
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), neighbors.KNeighborsClassifier()).fit(X, Y)
    before = copy.deepcopy(model[-1]._fit_X)
    made = desensitize(model, X_train=X, y_train=Y, replace_rows="prototypes", max_disclosure="low")
    kept = made.pipeline[-1]
    assert len(kept._fit_X) <= 150 / 10
    rows = {row.tobytes() for row in before}
    assert not any(row.tobytes() in rows for row in kept._fit_X)
    assert made.pipeline.score(X, Y) > 0.9
    np.testing.assert_array_equal(model[-1]._fit_X, before)
    names = {finding.name: finding.what for finding in made.scan.findings}
    assert names["prototypes:model._fit_X"] == "prototypes, each the mean of 10 rows or more"


@pytest.mark.parametrize("min_rows", [2, 25])
def test_groups_of_any_size_are_large_enough(min_rows):
    from maas_sdk.privacy._prototypes import group_means

    rows = RNG.standard_normal((60, 3)) ** 3  # with outliers, which k-means leaves alone
    means, groups = group_means(rows, min_rows, 0)
    assert np.bincount(groups).min() >= min_rows
    np.testing.assert_allclose(means[0], rows[groups == 0].mean(axis=0))


def test_targets_are_averaged_with_their_rows_and_a_density_weighs_its_groups():
    near = neighbors.KNeighborsRegressor(3).fit(WIDE, SIGNAL)
    made = desensitize(near, X_train=WIDE, y_train=SIGNAL, replace_rows="prototypes", max_disclosure="low")
    assert set(np.round(made.pipeline._y, 12)).isdisjoint(np.round(SIGNAL, 12))
    density = neighbors.KernelDensity().fit(WIDE)
    made = desensitize(density, X_train=WIDE, replace_rows="prototypes", max_disclosure="low")
    assert made.pipeline.tree_.sum_weight == pytest.approx(600)
    gap = made.pipeline.score_samples(WIDE) - density.score_samples(WIDE)
    assert np.abs(gap).mean() < 1


def test_members_of_an_ensemble_get_prototypes_too():
    vote = ensemble.VotingClassifier(
        [("near", neighbors.KNeighborsClassifier()), ("line", linear_model.LogisticRegression(max_iter=500))]
    )
    made = desensitize(vote.fit(X, Y), X_train=X, replace_rows="prototypes", max_disclosure="low")
    assert made.scan.highest == "low"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (svm.SVC().fit(X, Y), "rows in model; take replace_rows='student'"),
        (
            neighbors.KNeighborsClassifier().fit(X, np.r_[["rare"], Y[1:]]),
            "a class of model 1 rows are fewer",
        ),
        (neighbors.KNeighborsClassifier().fit(X, np.c_[Y, Y]), "several outputs"),
        (impute.KNNImputer().fit(X), "rows in model"),
    ],
    ids=["SVC", "a class of one", "two outputs", "KNNImputer"],
)
def test_where_no_prototype_can_stand_the_reason_is_told(model, reason):
    with pytest.raises(InvalidOptionError, match=reason):
        desensitize(model, X_train=X, replace_rows="prototypes")


STUDENTS = [
    (pipeline.make_pipeline(preprocessing.StandardScaler(), svm.SVC()), Y),
    (pipeline.make_pipeline(preprocessing.StandardScaler(), svm.SVR()), X[:, 0]),
    (gaussian_process.GaussianProcessClassifier(optimizer=None), Y),
    (pipeline.make_pipeline(impute.KNNImputer(), linear_model.LogisticRegression(max_iter=500)), Y),
    (
        pipeline.make_pipeline(
            preprocessing.MinMaxScaler(), kernel_approximation.Nystroem(), linear_model.RidgeClassifier()
        ),
        Y,
    ),
    (neighbors.LocalOutlierFactor(novelty=True), None),
]


@pytest.mark.parametrize(("model", "target"), STUDENTS, ids=lambda value: type(value).__name__)
def test_a_student_takes_the_place_of_what_keeps_rows(model, target):
    rows = X.copy()
    rows[::9, 1] = np.nan if "knnimputer" in getattr(model, "named_steps", {}) else rows[::9, 1]
    model.fit(rows, target)
    made = desensitize(model, X_train=rows, y_train=target, replace_rows="student", max_disclosure="low")
    assert "student" in made.changes[0].what
    assert not made.changes[0].identical
    before, after = model.predict(rows), made.pipeline.predict(rows)
    if before.dtype.kind == "f":
        assert np.abs(before - after).mean() < 0.3
    else:
        assert np.mean(before == after) > 0.85
    assert disclosure_scan(made.pipeline, rows).highest in (None, "low")


def test_a_student_of_one_s_own_choice_learns_the_answers():
    model = svm.SVC().fit(X, Y)
    student = linear_model.LogisticRegression(max_iter=1000)
    made = desensitize(model, X_train=X, replace_rows=student, max_disclosure="low")
    assert type(made.pipeline) is linear_model.LogisticRegression
    assert not hasattr(student, "coef_")


def test_steps_before_the_rows_stay():
    scaler = preprocessing.StandardScaler()
    model = pipeline.make_pipeline(scaler, svm.SVC()).fit(X, Y)
    made = desensitize(model, X_train=X, replace_rows="student")
    np.testing.assert_array_equal(made.pipeline[0].mean_, model[0].mean_)
    assert len(made.pipeline.steps) == 3  # the scaler, and the student with its own


class Careless(ClassifierMixin, BaseEstimator):
    """A vendor's student that keeps what it has seen."""

    def fit(self, X, y):
        self.seen_, self.said_ = np.array(X), np.array(y)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.said_[:1], len(X))


def test_a_second_scan_that_is_not_clean_is_an_error_with_the_report():
    model = svm.SVC().fit(X, Y)
    with pytest.raises(DisclosureError, match=r"verbatim-rows:model\.support_vectors_") as caught:
        desensitize(model, X_train=X)
    assert caught.value.report.highest == "high"
    with pytest.raises(DisclosureError, match=r"verbatim-rows:model\.seen_"):
        desensitize(model, X_train=X, replace_rows=Careless(), drop_state=False)


def test_a_change_that_is_to_be_none_and_is_one_is_refused():
    class Lossy:
        type_name = "test.Careless"
        target_type = Careless

        def to_state(self, estimator):
            return {"label": str(estimator.said_[-1])}

        def from_state(self, state):
            made = Careless()
            made.said_, made.classes_ = np.array([state["label"]]), np.unique(Y)
            return made

    model = Careless().fit(X, Y)
    with pytest.raises(UnsupportedModelError):
        desensitize(model, X_train=X, max_disclosure="high")
    with pytest.raises(InvalidOptionError, match="was to change no prediction, and it does"):
        desensitize(model, X_train=X, max_disclosure="high", serializers=[Lossy()])


class Named(TransformerMixin, BaseEstimator):
    """Takes texts alone."""

    def fit(self, X, y=None):
        self.n_features_in_ = 2
        return self

    def transform(self, X):
        return [[len(item.upper())] for item in X]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_leaf": 1}, "min_leaf=1"),
        ({"min_leaf": True}, "min_leaf=True"),
        ({"min_rows": 1}, "min_rows=1"),
        ({"mask": b"key"}, "mask must be a Mask"),
        ({"replace_rows": "rows"}, "replace_rows='rows'"),
        ({"replace_rows": 3}, "replace_rows=3"),
        ({"replace_rows": "student"}, "pass it"),
        ({"max_disclosure": "grave"}, "max_disclosure is 'grave'"),
    ],
)
def test_a_wrong_option_is_named(options, reason):
    with pytest.raises(InvalidOptionError, match=reason):
        desensitize(linear_model.LinearRegression().fit(X, NUMBERS), **options)


def test_what_cannot_be_asked_about_random_numbers_needs_the_data():
    with pytest.raises(InvalidOptionError, match="pass X_train"):
        desensitize(Named().fit(["a"]), drop_state=False)
    with pytest.raises(InvalidOptionError, match="fitted pipeline or estimator"):
        desensitize(svm.SVC)


def test_a_student_of_a_transformer_is_refused():
    with pytest.raises(InvalidOptionError, match="this one transforms"):
        desensitize(impute.KNNImputer().fit(X), X_train=X, replace_rows="student")


def test_the_result_is_told_as_a_table():
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), svm.SVC()).fit(X, Y)
    made = desensitize(model, X_train=X, replace_rows="student")
    text = str(made)
    assert "replaced by a student" in text
    assert "Disclosure scan of" in text
    assert "<table" in made._repr_html_()


def test_a_pipeline_of_the_sdk_stays_one_and_can_be_published():
    acme = maas.Identity.generate("acme")
    before = maas.Pipeline(neighbors.KNeighborsClassifier(), [preprocessing.StandardScaler()]).fit(X, Y)
    with pytest.raises(DisclosureError, match=r"accept=\['verbatim-rows:model\._fit_X'\]"):
        before.publish("acme/iris", version="1.0.0", store="memory:", signer=acme)
    made = desensitize(before, X_train=X, replace_rows="prototypes", max_disclosure="low")
    assert isinstance(made.pipeline, maas.Pipeline)
    release = made.pipeline.publish("acme/iris", version="1.0.0", store="memory:", signer=acme)
    assert release.disclosures.highest == "low"
    assert maas.disclosure_scan(made.pipeline).highest == "low"
    refitted = made.pipeline.fit(X, Y)  # other rows take the place of the prototypes: the note does not hold
    assert maas.disclosure_scan(refitted).highest == "high"
    assert maas.disclosure_scan(before).highest == "high"


def test_the_note_on_prototypes_does_not_hold_for_other_rows():
    before = maas.Pipeline(neighbors.KNeighborsClassifier()).fit(X, Y)
    made = desensitize(before, X_train=X, replace_rows="prototypes").pipeline
    [path] = made._prototypes
    made._prototypes[path] = evolve(made._prototypes[path], digest="0" * 64)
    assert maas.disclosure_scan(made).highest == "high"


def test_where_nothing_is_to_be_replaced_or_merged_nothing_is():
    model = linear_model.LogisticRegression(max_iter=500).fit(X, Y)
    made = desensitize(model, X_train=X, replace_rows="prototypes", min_leaf=5)
    assert [change.identical for change in made.changes] == [True, True, True]
    assert made.changes[0].what == "no stored rows to replace"
    np.testing.assert_array_equal(made.pipeline.coef_, model.coef_)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (neighbors.KNeighborsClassifier(metric="precomputed"), None),
        (neighbors.KernelDensity(), "weights of its rows"),
    ],
    ids=["precomputed", "weighted"],
)
def test_pairs_are_left_and_weights_refused(model, reason):
    if reason is None:
        pairs = np.linalg.norm(X[:, None] - X[None], axis=2)
        made = desensitize(model.fit(pairs, Y), X_train=pairs, replace_rows="prototypes")
        assert made.changes[0].what == "no stored rows to replace"
        return
    model.fit(X, sample_weight=np.arange(1.0, 151.0))
    with pytest.raises(InvalidOptionError, match=reason):
        desensitize(model, X_train=X, replace_rows="prototypes")


def test_a_student_that_cannot_learn_is_refused_with_its_reason():
    model = svm.OneClassSVM(nu=1e-6, gamma=1e-9).fit(X)
    assert len(np.unique(model.predict(X + 100))) == 1
    with pytest.raises(InvalidOptionError, match="the student cannot be fitted on the model's answers"):
        desensitize(model, X_train=X + 100, replace_rows=linear_model.LogisticRegression())


def test_a_pipeline_without_steps_that_do_anything_is_refused():
    with pytest.raises(InvalidOptionError, match="no step that does anything"):
        desensitize(pipeline.Pipeline([("off", "passthrough")]))


def test_only_as_many_rows_are_asked_about_as_a_proof_needs():
    many = np.tile(WIDE, (10, 1))
    model = linear_model.LinearRegression().fit(many, np.tile(SIGNAL, 10))
    assert "4,096 rows, identical" in desensitize(model, X_train=many).changes[0].evidence
