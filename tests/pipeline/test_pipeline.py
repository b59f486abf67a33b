"""What an application does with a pipeline before it hands it to anybody."""

import copy
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import maas_sdk as maas
from maas_sdk.compression import Float16Compressor, Int8Compressor
from maas_sdk.errors import (
    BudgetError,
    ComponentError,
    InvalidOptionError,
    UnknownComponentError,
)
from maas_sdk.learning import SGD, MLPClassifier
from maas_sdk.plugin import ComponentSpec, PluginRegistry, hookimpl


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def network(**options):
    return ("mlp_classifier", {"hidden_layer_sizes": (16,), "tol": 1e-2, "random_state": 0, **options})


@pytest.fixture(scope="module")
def fitted(iris):
    return maas.Pipeline(network(), ["standard_scaler"], ("adam", {"learning_rate": 0.02})).fit(*iris)


# --- building -------------------------------------------------------------------------------------------


def test_a_component_is_given_by_name_with_options_or_as_an_object(iris):
    by_name = maas.Pipeline("sklearn.RandomForestClassifier").set_params(
        model__n_estimators=3, model__random_state=0
    )
    by_options = maas.Pipeline(("sklearn.RandomForestClassifier", {"n_estimators": 3, "random_state": 0}))
    by_object = maas.Pipeline(RandomForestClassifier(n_estimators=3, random_state=0))
    predictions = [p.fit(*iris).predict_proba(iris[0]) for p in (by_name, by_options, by_object)]
    np.testing.assert_array_equal(predictions[0], predictions[1])
    np.testing.assert_array_equal(predictions[0], predictions[2])


def test_the_objects_that_were_given_are_not_fitted_themselves(iris):
    scaler, model = StandardScaler(), MLPClassifier(tol=1e-2, random_state=0)
    maas.Pipeline(model, [scaler]).fit(*iris)
    assert not hasattr(scaler, "mean_")
    assert not hasattr(model, "coefs_")


def test_the_optimizer_that_was_asked_for_trains_the_model(iris):
    pipeline = maas.Pipeline(network(), ["standard_scaler"], SGD(learning_rate=0.05, momentum=0.9))
    assert pipeline.fit(*iris).chain_[-1].optimizer == SGD(learning_rate=0.05, momentum=0.9)


def test_a_preprocessor_may_stand_twice(iris):
    pipeline = maas.Pipeline(
        LinearRegression(), ["standard_scaler", ("pca", {"n_components": 2}), "standard_scaler"]
    )
    assert [name for name, _ in pipeline.fit(*iris).chain_.steps] == [
        "standard_scaler",
        "pca",
        "standard_scaler-2",
        "model",
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": "mlp_clasifier"}, UnknownComponentError, "mlp_classifier"),
        ({"model": "sklearn.RandomForrestClassifier"}, UnknownComponentError, "RandomForestClassifier"),
        ({"model": ("mlp_classifier", {"alhpa": 1})}, InvalidOptionError, "alpha"),
        ({"model": 3}, InvalidOptionError, "model must be a name"),
        ({"model": MLPClassifier}, InvalidOptionError, r"did you mean MLPClassifier\(\)"),
        ({"preprocessors": ["standard_scalar"]}, UnknownComponentError, "standard_scaler"),
        ({"preprocessors": "standard_scaler"}, InvalidOptionError, "must be a list"),
        ({"preprocessors": [LinearRegression()]}, InvalidOptionError, "preprocessor must be"),
        ({"model": "mlp_classifier", "optimizer": "adamm"}, UnknownComponentError, "adam"),
        ({"model": "mlp_classifier", "optimizer": ("adam", {"lr": 1})}, InvalidOptionError, "learning_rate"),
        (
            {"model": "mlp_classifier", "optimizer": ("adam", {"learning_rate": -1})},
            InvalidOptionError,
            "learning_rate",
        ),
        ({"model": LinearRegression(), "optimizer": "adam"}, InvalidOptionError, "no option 'optimizer'"),
        ({"registry": "mine"}, InvalidOptionError, "PluginRegistry"),
    ],
)
def test_what_cannot_be_built_is_refused_by_fit_with_a_hint(iris, arguments, error, words):
    with pytest.raises(error, match=words):
        maas.Pipeline(**arguments).fit(*iris)


# --- scikit-learn's conventions ---------------------------------------------------------------------------


def test_a_grid_search_reaches_the_options_of_a_model_given_by_name(iris):
    pipeline = maas.Pipeline(("sklearn.DecisionTreeClassifier", {"random_state": 0}))
    search = GridSearchCV(pipeline, {"model__max_depth": [1, 3]}, cv=3).fit(*iris)
    assert search.best_params_ == {"model__max_depth": 3}


def test_a_clone_has_the_same_parameters_shares_the_registry_and_is_not_fitted(fitted):
    registry = PluginRegistry()
    again = clone(fitted.__class__(**fitted.get_params(deep=False)).set_params(registry=registry))
    assert again.get_params()["model"] == fitted.model
    assert again.registry is registry
    with pytest.raises(NotFittedError):
        again.predict([[0, 0, 0, 0]])


def test_names_of_columns_are_remembered_and_checked(iris):
    X = pd.DataFrame(iris[0], columns=["a", "b", "c", "d"])
    pipeline = maas.Pipeline(preprocessors=["standard_scaler"]).fit(X, iris[1])
    assert list(pipeline.feature_names_in_) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names"):
        pipeline.predict(X[["b", "a", "c", "d"]])


def test_frames_with_categories_go_through_scikit_learns_own_transformers(iris):
    X = pd.DataFrame({"kind": ["x", "y"] * 75, "size": iris[0][:, 0]})
    columns = ColumnTransformer([("kind", OneHotEncoder(), ["kind"])], remainder="passthrough")
    assert maas.Pipeline("logistic_classifier", [columns]).fit(X, iris[1]).predict(X).shape == (150,)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.where(np.eye(150, 4), np.nan, 0.0), "NaN"),
        (np.zeros((150, 4, 2)), "dim"),
        (np.zeros((149, 4)), "inconsistent"),
        (np.array([["a"] * 4] * 150, dtype=object), "could not convert"),
    ],
)
def test_bad_data_is_refused_in_scikit_learns_words(iris, X, words):
    with pytest.raises(ValueError, match=words):
        maas.Pipeline(preprocessors=["standard_scaler"]).fit(X, iris[1])


def test_the_wrong_number_of_features_is_refused(fitted):
    with pytest.raises(ValueError, match=r"3 features, but .* is expecting 4"):
        fitted.predict(np.zeros((2, 3)))


def test_weights_reach_the_steps_that_take_them_and_others_say_so(iris):
    X, y = iris
    weights = np.where(y == 2, 0.0, 1.0)
    forest = maas.Pipeline(RandomForestClassifier(3, random_state=0)).fit(X, y, sample_weight=weights)
    assert 2 not in forest.predict(X)
    with pytest.raises(InvalidOptionError, match="takes no sample_weight"):
        maas.Pipeline("sklearn.KNeighborsClassifier").fit(X, y, sample_weight=weights)


def test_a_method_exists_only_where_the_model_has_it():
    assert hasattr(maas.Pipeline("mlp_classifier"), "predict_proba")
    assert not hasattr(maas.Pipeline(LinearRegression()), "predict_proba")


def test_html_shows_the_steps(fitted):
    assert "StandardScaler" in fitted._repr_html_()
    assert "MLPClassifier" in maas.Pipeline("mlp_classifier")._repr_html_()


def test_threads_predict_the_same(fitted, iris):
    wanted = fitted.predict_proba(iris[0])
    results = []

    def work():
        results.extend(np.array_equal(fitted.predict_proba(iris[0]), wanted) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80


# --- interruptions and observers --------------------------------------------------------------------------


class Recorder:
    def __init__(self):
        self.events = []

    @hookimpl
    def maas_sdk_before_step(self, event):
        self.events.append(("before", event.step, event.component))

    @hookimpl
    def maas_sdk_after_step(self, event):
        self.events.append(("after", event.step, event.component))


def test_observers_see_each_step_with_its_component(iris):
    registry, recorder = PluginRegistry(), Recorder()
    registry.add_observer(recorder)
    maas.Pipeline("logistic_classifier", ["standard_scaler"], registry=registry).fit(*iris).predict(iris[0])
    seen = [event for event in recorder.events if event[1] != "epoch"]
    assert seen == [
        ("before", "preprocess", "standard_scaler"),
        ("after", "preprocess", "standard_scaler"),
        ("before", "fit", "logistic_classifier"),
        ("after", "fit", "logistic_classifier"),
        ("before", "predict", None),
        ("after", "predict", None),
    ]


def test_epochs_are_reported_and_the_callback_is_not_left_in_the_model(iris):
    registry, recorder, own = PluginRegistry(), Recorder(), []
    registry.add_observer(recorder)
    model = MLPClassifier(tol=1e-2, random_state=0, callback=own.append)
    pipeline = maas.Pipeline(model, ["standard_scaler"], registry=registry).fit(*iris)
    epochs = [event for event in recorder.events if event[1] == "epoch"]
    assert len(epochs) == len(own) == pipeline.chain_[-1].n_iter_
    assert pipeline.chain_[-1].callback.__self__ is not recorder


def test_an_interrupted_fit_leaves_the_pipeline_as_it_was(iris):
    def interrupt(progress):
        if progress["epoch"] == 3:
            raise KeyboardInterrupt

    pipeline = maas.Pipeline(network(), ["standard_scaler"]).fit(*iris)
    before, chain = pipeline.predict_proba(iris[0]), pipeline.chain_
    pipeline.set_params(model__callback=interrupt)
    with pytest.raises(KeyboardInterrupt):
        pipeline.fit(iris[0] * 2, iris[1])
    assert pipeline.chain_ is chain
    np.testing.assert_array_equal(pipeline.predict_proba(iris[0]), before)


class Exploding:
    def __init__(self, when="predict"):
        self.when = when

    def get_params(self, deep=True):
        return {"when": self.when}

    def set_params(self, **params):
        self.when = params.get("when", self.when)
        return self

    def fit(self, X, y):
        if self.when == "fit":
            raise OSError("no licence server")
        return self

    def predict(self, X):
        raise OSError("no licence server")


@pytest.mark.parametrize("when", ["fit", "predict"])
def test_what_a_vendors_component_raises_is_wrapped_once_with_its_name(iris, monkeypatch, when):
    import sys
    import types

    module = types.ModuleType("exploding_vendor")
    module.Exploding = Exploding
    monkeypatch.setitem(sys.modules, "exploding_vendor", module)

    class ByName:
        @hookimpl
        def maas_sdk_models(self):
            return [ComponentSpec("exploding", "exploding_vendor:Exploding")]

    registry = PluginRegistry()
    registry.register(ByName(), name="acme")
    pipeline = maas.Pipeline(("acme.exploding", {"when": when}), registry=registry)
    with pytest.raises(ComponentError, match=r"acme\.exploding.*no licence server") as caught:
        pipeline.fit(*iris).predict(iris[0])
    assert isinstance(caught.value.__cause__, OSError)


# --- evaluation and compression ---------------------------------------------------------------------------


def test_evaluation_and_cross_validation_give_figures_and_change_nothing(fitted, iris):
    chain = fitted.chain_
    evaluation = fitted.evaluate(*iris)
    assert evaluation.metrics["accuracy"] == pytest.approx(fitted.score(*iris))
    folds = fitted.cross_validate(*iris, cv=3, random_state=0)
    assert 0.8 < folds.mean["accuracy"] <= 1
    assert fitted.chain_ is chain


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:900], y[:900], X[900:1300], y[900:1300]


def test_compression_takes_the_smallest_that_fits_and_says_what_was_gained(digits):
    X, y, X_valid, y_valid = digits
    pipeline = maas.Pipeline(network(hidden_layer_sizes=(64,)), ["standard_scaler"]).fit(X, y)
    before = pipeline.score(X_valid, y_valid)
    report = pipeline.compress(
        X_valid, y_valid, budget=maas.Budget(metric="accuracy", max_drop=0.02), X_train=X, y_train=y
    )
    assert report.chosen.size < 0.6 * report.original.size
    assert pipeline.score(X_valid, y_valid) >= before - 0.02
    assert pipeline.chain_ is report.chain


def test_only_the_compressors_that_were_named_are_tried(fitted, iris):
    pipeline = copy.deepcopy(fitted)
    report = pipeline.compress(*iris, compressors=[Float16Compressor()], budget=maas.Budget(max_drop=0.1))
    assert {result.name for result in report.results} - {"original"} == {"Float16Compressor"}
    with pytest.raises(UnknownComponentError, match="float16"):
        pipeline.compress(*iris, compressors=["float61"])


def test_stages_are_combined_and_what_was_taken_is_recorded(fitted, iris):
    pipeline = copy.deepcopy(fitted)
    stages = {"state": ["drop_training_state"], "weights": ["float16", Int8Compressor()]}
    report = pipeline.compress(*iris, compressors=stages, budget=maas.Budget(max_drop=0.1))
    assert "drop_training_state + float16" in {result.name for result in report.results}
    assert pipeline.chain_ is report.chain
    taken = [record.reference for record in pipeline._recipe() if record.kind == "compressor"]
    assert taken == report.chosen.name.replace("Int8Compressor", "int8").split(" + ")


def test_a_baseline_that_wins_is_what_the_pipeline_is_and_its_recipe_says_so(iris):
    pipeline = maas.Pipeline(("sklearn.RandomForestClassifier", {"random_state": 0})).fit(*iris)
    X, y = iris
    report = pipeline.compress(X, y, compressors=[], budget=maas.Budget(max_drop=0.2), X_train=X, y_train=y)
    assert report.chosen.name == "baseline(linear)"
    assert type(pipeline.chain_[-1]).__name__ == "LogisticRegression"
    assert pipeline._recipe()[-1].reference == "baseline"


def test_sizes_are_those_of_the_form_that_will_be_published(fitted, iris):
    sizes = [
        copy.deepcopy(fitted).compress(*iris, compressors=[], profile=profile).original.size
        for profile in ("full", "inference")
    ]
    assert sizes[0] > sizes[1]
    with pytest.raises(InvalidOptionError, match="profile"):
        copy.deepcopy(fitted).compress(*iris, compressors=[], profile="small")


def test_a_search_goes_on_from_a_store_by_its_location(fitted, iris, tmp_path):
    reports = [
        copy.deepcopy(fitted).compress(*iris, compressors=["float16", "int8"], store=tmp_path / "search")
        for _ in range(2)
    ]
    assert [report.resumed for report in reports] == [0, 2]
    with pytest.raises(InvalidOptionError, match="store must be"):
        copy.deepcopy(fitted).compress(*iris, store=3)


@pytest.mark.parametrize("compressors", ["float16", {"weights": "float16"}, 3])
def test_compressors_that_are_no_list_are_refused(fitted, iris, compressors):
    with pytest.raises(InvalidOptionError, match="compressors must be a list"):
        copy.deepcopy(fitted).compress(*iris, compressors=compressors)


def test_when_nothing_fits_the_nearest_miss_is_named_and_the_pipeline_stays(fitted, iris):
    chain = fitted.chain_
    with pytest.raises(BudgetError, match="nearest"):
        fitted.compress(*iris, budget=maas.Budget(metric="accuracy", max_size=10))
    assert fitted.chain_ is chain


@pytest.mark.parametrize("verb", ["predict", "evaluate", "compress", "publish"])
def test_nothing_works_before_fit(verb, iris):
    arguments = {
        "predict": (iris[0],),
        "evaluate": iris,
        "compress": iris,
        "publish": ("acme/iris",),
    }[verb]
    options = {"version": "1.0.0", "store": "memory:", "signer": None} if verb == "publish" else {}
    with pytest.raises(NotFittedError):
        getattr(maas.Pipeline(), verb)(*arguments, **options)
