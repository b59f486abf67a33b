"""`maas.select`: components by name, pipelines and estimators; what wins can be published."""

import contextlib
import io
import re
import sys
import types
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.base import is_classifier
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB

import maas_sdk as maas
from maas_sdk.checkpoints import open_checkpoints
from maas_sdk.errors import ComponentError, InvalidOptionError, UnknownComponentError
from maas_sdk.plugin import ComponentSpec, PluginRegistry, hookimpl
from maas_sdk.trust import TrustedKey

IRIS = load_iris(return_X_y=True)


def rows(selection):
    return {row.name: row for row in selection.leaderboard}


def test_names_options_pipelines_and_estimators_are_candidates():
    found = maas.select(
        [
            "logistic_classifier",
            ("sklearn.RandomForestClassifier", {"n_estimators": 5}),
            maas.Pipeline("logistic_classifier", ["standard_scaler", ("sklearn.PCA", {"n_components": 2})]),
            GaussianNB(),
        ],
        *IRIS,
        cv=3,
    )
    assert set(rows(found)) == {
        "logistic_classifier",
        "sklearn.RandomForestClassifier(n_estimators=5)",
        "standard_scaler + sklearn.PCA(n_components=2) + logistic_classifier",
        "GaussianNB",
    }
    assert {row.status for row in found.leaderboard} == {"finished"}


def test_a_pair_is_a_name_with_options_and_a_mapping_gives_labels():
    found = maas.select(
        {"small": ("sklearn.DecisionTreeClassifier", {"max_depth": 1}), "nb": GaussianNB()}, *IRIS
    )
    assert list(rows(found)) == ["nb", "small"]
    assert isinstance(found.best_estimator, GaussianNB)


def test_a_component_has_the_scores_of_its_estimator_on_the_same_folds():
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    found = maas.select([("sklearn.GaussianNB", {"var_smoothing": 0.1})], *IRIS, cv=folds)
    assert found.best.scores == tuple(cross_val_score(GaussianNB(var_smoothing=0.1), *IRIS, cv=folds))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_search_space_reaches_options_optimizers_and_preprocessors_of_a_pipeline():
    space = maas.SearchSpace(
        maas.Pipeline(("mlp_classifier", {"max_iter": 2, "tol": 0.0})),
        {
            "optimizer": ["adam", ("sgd", {"learning_rate": 0.1})],
            "preprocessors": [[], ["standard_scaler"]],
            "model__alpha": stats.loguniform(1e-6, 1e-2),
        },
        n=4,
    )
    found = maas.select([space], *IRIS, cv=2, metric="log_loss", refit=False)
    assert len({tuple(map(str, row.params.items())) for row in found.leaderboard}) == 4
    assert found.best_estimator is None
    assert len({row.mean for row in found.leaderboard}) > 1


def test_seeds_reach_models_and_preprocessors_given_by_name():
    pipeline = maas.Pipeline(
        ("sklearn.RandomForestClassifier", {"n_estimators": 3}),
        [("sklearn.PCA", {"n_components": 2, "svd_solver": "randomized"})],
    )
    one, other = (maas.select([pipeline], *IRIS) for _ in range(2))
    assert one == other
    best = one.best_estimator
    assert isinstance(best.model.random_state, int)
    assert best.preprocessors[0].random_state != best.model.random_state
    assert np.array_equal(best.predict_proba(IRIS[0]), other.best_estimator.predict_proba(IRIS[0]))
    assert pipeline.model[1] == {"n_estimators": 3}, "what is given is not changed"


def test_the_winner_can_be_published_and_loaded(tmp_path):
    X, y = IRIS
    space = maas.SearchSpace(
        maas.Pipeline("logistic_classifier", ["standard_scaler"]), {"model__alpha": [1e-4, 10.0]}
    )
    best = maas.select([space], X, y).best_estimator
    assert best.to_config()["model"]["component"] == "logistic_classifier"
    acme = maas.Identity.generate("acme")
    best.publish("acme/iris", version="1.0.0", store=tmp_path, signer=acme, recipients=[acme.public])
    key = acme.public.public_key
    trusted = TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem)
    policy = maas.Policy().with_key("acme/*", trusted)
    loaded = maas.Pipeline.load("acme/iris", store=tmp_path, trust=policy, identity=acme)
    assert np.array_equal(loaded.predict_proba(X), best.predict_proba(X))


@pytest.mark.parametrize("opened", [False, True])
def test_a_location_keeps_trials_for_the_next_time(tmp_path, opened):
    def again():
        store = open_checkpoints(tmp_path / "trials") if opened else str(tmp_path / "trials")
        return maas.select(["logistic_classifier", GaussianNB()], *IRIS, store=store)

    first, second = again(), again()
    assert (first.resumed, second.resumed) == (0, 10)
    assert first == second == maas.select(["logistic_classifier", GaussianNB()], *IRIS)


def test_a_store_for_one_selection_may_be_in_memory():
    assert maas.select([GaussianNB()], *IRIS, store="memory:").resumed == 0


class Recorder:
    def __init__(self):
        self.events = []

    @hookimpl
    def maas_sdk_after_step(self, event):
        self.events.append((event.step, dict(event.metrics)))


def test_observers_see_one_step_with_the_score():
    registry, recorder = PluginRegistry(), Recorder()
    registry.add_observer(recorder)
    found = maas.select(["logistic_classifier"], *IRIS, registry=registry)
    assert recorder.events == [("select", {"accuracy": found.best.mean})]
    assert found.best_estimator.registry is registry


@pytest.fixture
def vendor(monkeypatch):
    """A registry with a component that no worker's registry knows."""
    module = types.ModuleType("selection_vendor")
    module.Forest = RandomForestClassifier
    monkeypatch.setitem(sys.modules, "selection_vendor", module)

    class Vendor:
        @hookimpl
        def maas_sdk_models(self):
            return [ComponentSpec("forest", "selection_vendor:Forest")]

    registry = PluginRegistry()
    registry.register(Vendor(), name="acme")
    return registry


def test_workers_need_no_registry(vendor):
    candidates = [("acme.forest", {"n_estimators": 2}), "logistic_classifier"]
    server = get_context("forkserver")
    server.set_forkserver_preload(["maas_sdk.learning"])
    with ProcessPoolExecutor(2, mp_context=server) as pool:
        there = maas.select(candidates, *IRIS, registry=vendor, executor=pool, cv=2)
    assert there == maas.select(candidates, *IRIS, registry=vendor, cv=2)
    assert is_classifier(there.best_estimator)


def test_a_regressor_is_chosen_by_r2_and_halved_by_rows():
    space = maas.SearchSpace("linear_regressor", {"model__alpha": [1e-4, 1.0, 100.0, 1e4]})
    found = maas.select([space], *load_diabetes(return_X_y=True), halving=maas.Halving(factor=2), nested=2)
    assert found.metric == "r2"
    assert [row.rung for row in found.leaderboard] == [3, 2, 1, 1]
    assert found.nested.mean > 0.3


@pytest.mark.parametrize(
    ("candidates", "options", "error", "message"),
    [
        (["logistic_clasifier"], {}, UnknownComponentError, "logistic_classifier"),
        ([("logistic_classifier", {"alhpa": 1.0})], {}, InvalidOptionError, "alpha"),
        ([maas.SearchSpace("logistic_classifier", {"model__alhpa": [1.0]})], {}, InvalidOptionError, "alpha"),
        ([maas.SearchSpace("logistic_classifier", {"alpha": [1.0]})], {}, InvalidOptionError, "alpha"),
        ([3], {}, InvalidOptionError, "must be a scikit-learn estimator"),
        ("logistic_classifier", {}, InvalidOptionError, "candidates must be a list"),
        ([GaussianNB()], {"store": 5}, InvalidOptionError, "store must be a location"),
        (["linear_regressor", "logistic_classifier"], {}, InvalidOptionError, "cannot be compared"),
        (
            [("sklearn.KNeighborsClassifier", {"n_neighbors": 500})],
            {},
            ComponentError,
            "every candidate failed",
        ),
    ],
)
def test_what_cannot_be_is_told_before_or_at_once(candidates, options, error, message):
    with pytest.raises(error, match=message):
        maas.select(candidates, *IRIS, **options)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_each_snippet_of_the_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    guide = (Path(__file__).parents[2] / "docs/how-to/select.md").read_text(encoding="utf-8")
    printed, names = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
            exec(compile(block, "<guide>", "exec"), names)
    assert "Selection by roc_auc (greater is better), 20 trials" in printed.getvalue()
    assert names["again"].n_trials == 35
