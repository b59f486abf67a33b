"""Selection against scikit-learn's own searches, and what its leaderboard, test and nested scores say."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - scikit-learn wants it first
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.learning import Candidate, Halving, SearchSpace, select

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


class Given(ClassifierMixin, BaseEstimator):
    """Scores what it is told, fold by fold: right in the first so many of the rows it is asked about."""

    def __init__(self, shares=(1.0,)):
        self.shares = shares

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.first_ = int(X[:, 0].min())
        return self

    def predict(self, X):
        # One column numbers the folds, the other has the truth.
        fold = int(X[0, 0])
        wrong = np.arange(len(X)) >= round(self.shares[fold] * len(X))
        return np.where(wrong, 1 - X[:, 1], X[:, 1]).astype(int)


def given_data(n_folds=5, rows=100):
    truth = np.tile([0, 1], n_folds * rows // 2)
    folds = np.repeat(np.arange(n_folds), rows)
    cv = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(n_folds)]
    return {"X": np.column_stack([folds, truth]).astype(float), "y": truth, "cv": cv, "metric": "accuracy"}


class Fragile(DummyClassifier):
    """Fails where it is asked for it."""

    def __init__(self, below=10**9):
        super().__init__()
        self.below = below

    def fit(self, X, y, sample_weight=None):
        if len(X) < self.below:
            raise OSError(f"only {len(X)} rows")
        return super().fit(X, y, sample_weight)


# --- scikit-learn's searches ------------------------------------------------------------------------------


def test_a_grid_has_the_scores_of_grid_search_cv():
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    grid = {"alpha": [0.01, 1.0, 100.0], "fit_intercept": [True, False]}
    peer = GridSearchCV(RidgeClassifier(), grid, cv=folds, scoring="accuracy").fit(*IRIS)
    found = select([SearchSpace(RidgeClassifier(), grid)], *IRIS, cv=folds)
    by_params = {tuple(row.params.items()): row for row in found.leaderboard}
    for index, params in enumerate(peer.cv_results_["params"]):
        row = by_params[tuple(params.items())]
        assert row.scores == tuple(peer.cv_results_[f"split{fold}_test_score"][index] for fold in range(5))
        assert row.mean == peer.cv_results_["mean_test_score"][index]
        assert row.std == pytest.approx(peer.cv_results_["std_test_score"][index], abs=1e-15)
    assert found.best.params == peer.best_params_
    assert np.array_equal(found.best_estimator.coef_, peer.best_estimator_.coef_)
    assert found.n_trials == 30


def test_a_random_search_draws_as_many_as_asked_and_the_same_each_time():
    space = SearchSpace(Ridge(), {"alpha": stats.loguniform(1e-3, 1e3)}, n=6)
    one = select([space], *DIABETES, cv=3)
    assert one == select([space], *DIABETES, cv=3)
    assert len({row.params["alpha"] for row in one.leaderboard}) == 6
    assert all(type(row.params["alpha"]) is float for row in one.leaderboard)
    assert one != select([space], *DIABETES, cv=3, random_state=1)


def test_drawing_more_than_there_is_gives_all():
    found = select([SearchSpace(Ridge(), {"alpha": [1.0, 2.0]}, n=10)], *DIABETES, cv=3)
    assert len(found.leaderboard) == 2


def test_several_grids_are_searched_as_their_union():
    space = SearchSpace(Ridge(), [{"alpha": [1.0, 2.0]}, {"fit_intercept": [False]}])
    found = select([space], *DIABETES, cv=3)
    assert sorted(map(str, (row.params for row in found.leaderboard))) == [
        "{'alpha': 1.0}",
        "{'alpha': 2.0}",
        "{'fit_intercept': False}",
    ]


def test_halving_of_a_parameter_eliminates_as_halving_grid_search_cv():
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    grid = {"max_depth": [1, 2, 4], "min_samples_leaf": [1, 8, 32]}
    forest = RandomForestClassifier(random_state=5)
    X, y = load_digits(return_X_y=True)
    peer = HalvingGridSearchCV(
        forest, grid, cv=folds, factor=3, resource="n_estimators", min_resources=2, max_resources=18
    ).fit(X[:500], y[:500])
    found = select(
        [SearchSpace(forest, grid)],
        X[:500],
        y[:500],
        cv=folds,
        halving=Halving(factor=3, resource="n_estimators", min_resources=2, max_resources=18),
    )
    last = {}
    for params, rung, mean in zip(
        peer.cv_results_["params"], peer.cv_results_["iter"], peer.cv_results_["mean_test_score"], strict=True
    ):
        without = {name: value for name, value in params.items() if name != "n_estimators"}
        last[str(without)] = (rung + 1, mean)
    assert {str(row.params): (row.rung, row.mean) for row in found.leaderboard} == last
    assert found.best.params | {"n_estimators": 18} == peer.best_params_
    assert found.best_estimator.n_estimators == peer.best_estimator_.n_estimators == 18
    assert [row.status for row in found.leaderboard] == ["finished"] + ["eliminated"] * 8
    assert found.n_trials == (9 + 3 + 1) * 3


def test_nested_scores_are_those_of_a_search_inside_a_cross_validation():
    outer, inner = KFold(4, shuffle=True, random_state=1), KFold(3, shuffle=True, random_state=2)
    grid = {"alpha": [0.001, 1.0, 1000.0]}
    peer = cross_val_score(GridSearchCV(Ridge(), grid, cv=inner, scoring="r2"), *DIABETES, cv=outer)
    found = select([SearchSpace(Ridge(), grid)], *DIABETES, cv=inner, nested=outer)
    assert [fold.score for fold in found.nested.folds] == pytest.approx(peer.tolist(), rel=1e-12)
    assert found.nested.mean == pytest.approx(peer.mean(), rel=1e-12)
    share = np.mean([len(test) / len(train) for train, test in outer.split(*DIABETES)])
    half = stats.t.ppf(0.975, 3) * math.sqrt((1 / 4 + share) * peer.var(ddof=1))
    assert found.nested.interval == pytest.approx((peer.mean() - half, peer.mean() + half))
    assert found.n_trials == 3 * 3 + 4 * (3 * 3 + 1)
    assert "won" in str(found)


# --- halving by rows --------------------------------------------------------------------------------------


class Rows(DummyClassifier):
    """Remembers which rows it was given, at each fold and size."""

    seen: list = []  # noqa: RUF012 - a list for all

    def __init__(self, constant=0):
        super().__init__(strategy="constant", constant=constant)

    def fit(self, X, y):
        Rows.seen.append(X[:, 0].astype(int))
        return super().fit(X, y)


def test_rows_of_a_rung_are_fair_shares_and_among_those_of_the_next():
    Rows.seen.clear()
    y = np.array([0] * 20 + [1] * 100)
    X = np.arange(120.0)[:, None]
    found = select(
        [SearchSpace(Rows(), {"constant": [0, 1, 0, 1]})], X, y, cv=2, refit=False, halving=Halving(factor=2)
    )
    assert [row.rung for row in found.leaderboard] == [3, 2, 1, 1]
    assert [row.resource for row in found.leaderboard] == [60, 30, 15, 15]
    by_size = {size: [set(rows) for rows in Rows.seen if len(rows) == size] for size in (15, 30, 60)}
    for small, large in ((15, 30), (30, 60)):
        for rows in by_size[small]:
            assert any(rows <= larger for larger in by_size[large])
    for rows in Rows.seen:
        assert abs(sum(y[rows] == 0) / len(rows) - 1 / 6) < 0.05
        assert np.array_equal(rows, np.sort(rows)), "a time series stays one"


def test_a_first_rung_may_be_given_and_a_last_one_need_not_have_everything():
    halving = Halving(factor=2, min_resources=20, max_resources=50)
    found = select([SearchSpace(Rows(), {"constant": [0, 1] * 4})], *IRIS, cv=3, halving=halving)
    assert {row.resource for row in found.leaderboard} == {20, 40}


def test_too_few_rows_for_all_rungs_make_fewer():
    X, y = IRIS
    found = select(
        [SearchSpace(Ridge(), {"alpha": list(range(1, 28))})], X[:40], y[:40], cv=2, halving=Halving()
    )
    assert {row.resource for row in found.leaderboard} == {20}


@pytest.mark.parametrize(
    ("halving", "message"),
    [
        (Halving(factor=1), "factor must be an integer >= 2"),
        (Halving(resource="alpha"), "max_resources must say how large alpha is"),
        (Halving(min_resources=1000), "min_resources is 1000, but there are only"),
        (Halving(resource="depth", max_resources=9), "resource='depth' is no parameter of Ridge"),
        (Halving(min_resources="all"), "min_resources must be an integer"),
        (3, "halving must be a Halving or None"),
    ],
)
def test_a_halving_that_cannot_be_is_refused(halving, message):
    with pytest.raises(InvalidOptionError, match=message):
        select([SearchSpace(Ridge(), {"alpha": [1.0, 2.0, 3.0]})], *DIABETES, halving=halving)


# --- leaderboard and comparison ---------------------------------------------------------------------------


def test_the_corrected_test_is_that_of_nadeau_and_bengio():
    one, other = (0.9, 0.85, 0.95, 0.8, 0.92), (0.8, 0.83, 0.85, 0.75, 0.88)
    found = select({"one": Given(one), "other": Given(other)}, **given_data())
    difference = np.subtract(one, other)
    error = math.sqrt((1 / 5 + 1 / 4) * difference.var(ddof=1))  # 100 rows measured for 400 learnt from
    t = difference.mean() / error
    c = found.comparison
    assert (c.first, c.second, c.n_folds, c.n_candidates) == ("one", "other", 5, 2)
    assert c.difference == pytest.approx(difference.mean())
    assert c.statistic == pytest.approx(t)
    assert c.p_value == pytest.approx(2 * stats.t.sf(t, 4))
    assert c.interval == pytest.approx(stats.t.interval(0.95, 4, loc=difference.mean(), scale=error))
    # Without the correction it is scipy's paired test, and surer than it should be.
    naive = stats.ttest_rel(one, other)
    assert c.statistic == pytest.approx(naive.statistic / math.sqrt(1 + 5 / 4))
    assert naive.pvalue < c.p_value


def test_the_sentence_says_who_is_better_or_that_nothing_is_known():
    better = select(
        {"a": Given((0.99,) * 4 + (0.98,)), "b": Given((0.5, 0.52, 0.5, 0.49, 0.5))}, **given_data()
    )
    assert str(better.comparison) == "a is better than b (p < .001)"
    close = select(
        {"a": Given((0.9, 0.7, 0.9, 0.7, 0.9)), "b": Given((0.7, 0.9, 0.7, 0.9, 0.8))}, **given_data()
    )
    assert str(close.comparison).startswith("no evidence that a and b differ (p = .")
    three = select(
        {"a": Given((0.99,) * 5), "b": Given((0.5, 0.52, 0.5, 0.49, 0.5)), "c": Given((0.1,) * 5)},
        **given_data(),
    )
    assert str(three.comparison) == "a, the best of 3, is better than b (p < .001)"
    assert str(three.comparison) in str(three)


def test_no_difference_at_all_and_the_same_difference_everywhere_have_a_p_value():
    same = select({"a": Given((0.9,) * 5), "b": Given((0.9,) * 5)}, **given_data())
    assert (same.comparison.p_value, same.comparison.statistic) == (1.0, 0.0)
    assert [row.name for row in same.leaderboard] == ["a", "b"], "ties keep the order given"
    always = select({"b": Given((0.5,) * 5), "a": Given((0.75,) * 5)}, **given_data())
    assert (always.comparison.first, always.comparison.p_value) == ("a", 0.0)
    assert json.dumps(always.to_dict(), allow_nan=False)


def test_one_candidate_or_one_fold_are_compared_with_nothing():
    assert select([GaussianNB()], *IRIS).comparison is None
    found = select([GaussianNB(), RidgeClassifier()], *IRIS, cv=ShuffleSplit(1))
    assert found.comparison is None
    assert select([GaussianNB()], *IRIS, cv=2, nested=ShuffleSplit(1)).nested.interval is None


def test_a_loss_ranks_the_smallest_first_and_a_positive_difference_is_still_better():
    found = select([DummyClassifier(), GaussianNB()], *IRIS, metric="log_loss")
    assert not found.greater_is_better
    assert [row.name for row in found.leaderboard] == ["GaussianNB", "DummyClassifier"]
    assert 0 < found.best.mean < found.leaderboard[1].mean
    assert found.comparison.difference > 0
    assert "smaller is better" in str(found)


def test_the_first_and_second_of_a_halving_are_compared_where_both_were():
    halving = Halving(factor=2)
    found = select({"a": GaussianNB(), "b": DummyClassifier()}, *IRIS, halving=halving)
    a, b = found.leaderboard
    assert (a.rung, b.rung) == (2, 1)
    assert found.comparison.n_folds == 5
    assert found.comparison.difference < a.mean, "it is that of the first rung"


def test_a_failed_candidate_is_told_and_the_others_go_on():
    found = select([Fragile(), GaussianNB(), Fragile(below=101)], *IRIS, cv=ShuffleSplit(3, train_size=100))
    assert [row.status for row in found.leaderboard] == ["finished", "failed", "failed"]
    failed = found.leaderboard[1]
    assert (failed.mean, failed.std, failed.scores) == (None, None, (None,) * 3)
    assert failed.reason == "fold 1: OSError: only 100 rows"
    assert failed.reason in str(found)
    assert found.comparison is None
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert "Fragile" in found._repr_html_()


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_score_that_is_no_number_is_a_failure():
    class Nowhere(Ridge):
        def predict(self, X):
            return np.full(len(X), 1e200)

    found = select([Nowhere(), Ridge()], *DIABETES, metric="neg_mean_squared_error")
    assert found.best.name == "Ridge"
    assert "neg_mean_squared_error is -inf" in found.leaderboard[1].reason


def test_nothing_but_failures_is_an_error():
    with pytest.raises(
        ComponentError, match=r"every candidate failed; Fragile in fold 1: OSError: only \d+ rows"
    ):
        select([Fragile()], *IRIS)
    with pytest.raises(ComponentError, match="every candidate failed"):
        select([Fragile() for _ in range(4)], *IRIS, halving=Halving(factor=2))


def test_a_nested_fold_that_fails_leaves_no_mean():
    found = select([Fragile(below=70)], *IRIS, cv=2, nested=2)
    assert found.nested.mean is None
    assert found.nested.folds[0].winner is None
    assert "nested cross-validation failed: every candidate failed" in str(found)
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_a_selection_is_a_table_a_page_and_plain_data():
    found = select(
        [SearchSpace(RidgeClassifier(), {"alpha": [0.1, 10.0]}), GaussianNB()], *IRIS, cv=3, nested=2
    )
    lines = str(found).splitlines()
    assert lines[0] == "Selection by accuracy (greater is better), 29 trials"
    assert lines[1].split() == ["candidate", "mean", "±", "std", "1", "2", "3", "status"]
    assert "RidgeClassifier(alpha=0.1)" in str(found)
    page = found._repr_html_()
    assert page.count("<tr>") == 4
    assert "<svg" in page
    assert found.charts == ("leaderboard",)
    assert found.chart().startswith("<svg xmlns=")
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["leaderboard"][0]["rank"] == 1
    assert plain["nested"]["mean"] == found.nested.mean
    assert plain["comparison"]["sentence"] == str(found.comparison)


def test_long_leaderboards_are_cut_in_print_only():
    found = select([SearchSpace(Ridge(), {"alpha": list(range(1, 41))})], *DIABETES, cv=2)
    assert "… and 10 more" in str(found)
    assert len(found.to_dict()["leaderboard"]) == 40


# --- candidates -------------------------------------------------------------------------------------------


def test_candidates_are_named_after_what_they_are_or_as_a_mapping_says():
    chain = make_pipeline(StandardScaler(), GaussianNB())
    found = select([chain, GaussianNB(), GaussianNB(var_smoothing=1.0)], *IRIS)
    assert sorted(row.name for row in found.leaderboard) == [
        "GaussianNB",
        "GaussianNB #2",
        "StandardScaler + GaussianNB",
    ]
    named = select(
        {"plain": GaussianNB(), "wide": SearchSpace(GaussianNB(), {"var_smoothing": [1.0]})}, *IRIS
    )
    assert {row.name for row in named.leaderboard} == {"plain", "wide(var_smoothing=1.0)"}


def test_every_seed_that_is_missing_is_set_and_the_same_wherever_the_candidate_stands():
    stack = StackingClassifier(
        [("tree", DecisionTreeClassifier(max_features=1))], SGDClassifier(random_state=1), cv=2
    )
    chain = make_pipeline(PCA(2, svd_solver="randomized"), stack)
    best = select([chain], *IRIS, cv=2).best_estimator
    seeds = {k: v for k, v in best.get_params().items() if k.endswith("random_state")}
    assert set(seeds) == {
        "pca__random_state",
        "stackingclassifier__final_estimator__random_state",
        "stackingclassifier__tree__random_state",
    }
    assert seeds["stackingclassifier__final_estimator__random_state"] == 1
    assert len(set(seeds.values())) == 3
    tree = DecisionTreeClassifier(max_features=1)
    alone = {row.name: row.scores for row in select([tree], *IRIS).leaderboard}
    among = {row.name: row.scores for row in select([GaussianNB(), tree], *IRIS).leaderboard}
    assert alone["DecisionTreeClassifier"] == among["DecisionTreeClassifier"]
    assert tree.random_state is None, "what is given is not changed"


def test_candidates_made_before_are_taken_as_they_are():
    mine = Candidate("mine", GaussianNB(), {"a": 1})
    found = select([mine, DummyClassifier(), mine], *IRIS)
    assert (found.best.name, found.best.params) == ("mine", {"a": 1})
    assert {row.name for row in found.leaderboard} == {"mine", "mine #2", "DummyClassifier"}
    assert mine.name == "mine"
    assert select({"yours": mine}, *IRIS).best.name == "yours"


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ([], "nothing to select from"),
        (GaussianNB(), "candidates must be a list"),
        ([GaussianNB], r"did you mean GaussianNB\(\)"),
        (["gaussian"], "must be a scikit-learn estimator"),
        ({1: GaussianNB()}, "names of candidates must be strings"),
        ([GaussianNB(), Ridge()], "GaussianNB is a classifier and Ridge is none"),
        ([SearchSpace(GaussianNB(), {"alpha": [1]})], "Invalid parameter 'alpha'"),
        ([SearchSpace(Ridge(), 3)], "params of a SearchSpace must be"),
        ([SearchSpace(Ridge(), {"alpha": 1.0})], "params of a SearchSpace must be"),
        ([SearchSpace(Ridge(), {"alpha": stats.uniform()})], "distributions where n is given"),
        ([SearchSpace(Ridge(), {"alpha": [1.0]}, n=0)], "n of a SearchSpace must be an integer >= 1"),
    ],
)
def test_what_is_no_candidate_is_refused(candidates, message):
    with pytest.raises(InvalidOptionError, match=message):
        select(candidates, *IRIS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cv": 1}, "cv must be an integer >= 2"),
        ({"cv": 1000}, "cv=1000: the data cannot be divided"),
        ({"nested": 1.5}, "nested=1.5: cv must be an integer >= 2"),
        ({"cv": GroupKFold(2)}, "the data cannot be divided into folds: The 'groups'"),
        ({"metric": "acuracy"}, "did you mean"),
        ({"random_state": None}, "random_state must be an integer >= 0"),
        ({"retries": -1}, "retries must be an integer >= 0"),
        ({"in_flight": 0}, "in_flight must be an integer >= 1"),
        ({"refit": 1}, "refit must be True or False"),
        ({"executor": 4}, "executor must be a concurrent.futures.Executor"),
        ({"sample_weight": np.ones(150)}, "KNeighborsClassifier takes no sample_weight"),
        ({"y": None}, "nothing to select by"),
        ({"X": iter([1])}, "rows that can be taken by number"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, message):
    with pytest.raises(InvalidOptionError, match=message):
        select([KNeighborsClassifier()], **{"X": IRIS[0], "y": IRIS[1], **options})


# --- data -------------------------------------------------------------------------------------------------


def test_weights_reach_models_and_the_last_steps_of_chains():
    X, y = IRIS
    weights = np.where(y == 0, 1000.0, 1e-3)
    found = select(
        {"prior": DummyClassifier(), "chain": make_pipeline(StandardScaler(), DummyClassifier())},
        X, y, sample_weight=weights.tolist(), metric="recall_macro",
    )  # fmt: skip
    assert found.best_estimator.predict(X[:1]) == [0]
    assert found.best_estimator.class_prior_[0] > 0.99


def test_groups_stay_together():
    class Grouped(DummyClassifier):
        def fit(self, X, y):
            self.groups_ = set(X[:, -1])
            return super().fit(X, y)

        def predict(self, X):
            assert self.groups_.isdisjoint(X[:, -1])
            return super().predict(X)

    X, y = IRIS
    groups = np.arange(150) % 7
    found = select(
        [Grouped()], np.column_stack([X, groups]), y, cv=GroupKFold(3), nested=GroupKFold(2), groups=groups
    )
    assert found.best.status == "finished"
    assert found.nested.mean is not None
    assert select([Grouped()], np.column_stack([X, groups]), y, cv="grouped", groups=groups).best.mean > 0


def test_a_splitter_without_a_seed_gets_one_and_is_not_changed():
    cv = ShuffleSplit(3)
    one = select([GaussianNB()], *IRIS, cv=cv)
    assert one == select([GaussianNB()], *IRIS, cv=cv)
    assert cv.random_state is None
    assert select([Ridge()], *DIABETES, cv=TimeSeriesSplit(3)).best.status == "finished"


def test_frames_sparse_matrices_and_texts_are_data_too():
    X, y = IRIS
    plain = select([GaussianNB()], X, y)
    assert select([GaussianNB()], pd.DataFrame(X), pd.Series(y)) == plain
    assert select([LogisticRegression(max_iter=1000)], sparse.csr_matrix(X), y).best.mean > 0.9
    texts = ["a good day", "a bad day", "good", "bad", "so good", "so bad"] * 5
    found = select([make_pipeline(CountVectorizer(), MultinomialNB())], texts, ["+", "-"] * 15, cv=3)
    assert found.best.mean == 1.0
