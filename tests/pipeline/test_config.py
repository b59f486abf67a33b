"""A pipeline's configuration: to TOML and back."""

import json
import math
import tomllib

import numpy as np
import pytest
import tomli_w
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import maas_sdk as maas
from maas_sdk.errors import InvalidOptionError, UnknownComponentError
from maas_sdk.learning import (
    SGD,
    Adam,
    ClipByNorm,
    CosineSchedule,
    LinearWarmupSchedule,
    ReduceOnPlateauSchedule,
    chain,
)
from maas_sdk.plugin import PluginRegistry


def back(config):
    assert json.loads(json.dumps(config, allow_nan=False)) == config
    return tomllib.loads(tomli_w.dumps(config))


class Mine(BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return X


def test_names_with_options_are_written_as_they_were_given():
    pipeline = maas.Pipeline(
        ("mlp_classifier", {"hidden_layer_sizes": (8, 4), "alpha": np.float32(0.5), "batch_size": None}),
        ["standard_scaler", ("sklearn.PCA", {"n_components": 2})],
        ("adam", {"learning_rate": 0.02}),
    )
    config = pipeline.to_config()
    assert config == {
        "format": "maas-pipeline/1",
        "model": {
            "component": "mlp_classifier",
            "options": {"hidden_layer_sizes": [8, 4], "alpha": 0.5, "batch_size": {"$none": True}},
        },
        "preprocessors": [
            {"component": "standard_scaler", "options": {}},
            {"component": "sklearn.PCA", "options": {"n_components": 2}},
        ],
        "optimizer": {"component": "adam", "options": {"learning_rate": 0.02}},
    }
    made = maas.Pipeline.from_config(back(config))
    assert made.get_params(deep=False) == pipeline.get_params(deep=False) | {
        "model": ("mlp_classifier", {"hidden_layer_sizes": (8, 4), "alpha": 0.5, "batch_size": None})
    }
    assert made.to_config() == config


def test_objects_are_written_by_reference_with_the_options_that_are_not_defaults():
    pipeline = maas.Pipeline(
        VotingClassifier(
            [("a", LogisticRegression(C=2.0)), ("b", RandomForestClassifier(max_features=None))],
            weights=[1, 2.5],
        ),
        [
            SimpleImputer(missing_values=-1),
            ColumnTransformer([("scale", StandardScaler(), [0, 1])], remainder="passthrough"),
        ],
    )
    config = pipeline.to_config()
    assert config["model"]["component"] == "sklearn.VotingClassifier"
    first = {"$component": "sklearn.LogisticRegression", "kind": "model", "options": {"C": 2.0}}
    assert config["model"]["options"]["estimators"][0] == {"$tuple": ["a", first]}
    assert config["preprocessors"][0] == {
        "component": "sklearn.SimpleImputer",
        "options": {"missing_values": -1},
    }
    made = maas.Pipeline.from_config(back(config))
    assert made.to_config() == config
    X, y = np.arange(12.0).reshape(6, 2), [0, 1] * 3
    assert made.fit(X, y).predict(X).shape == (6,)


@pytest.mark.parametrize(
    "options",
    [
        {"class_weight": {0: 1.0, 1: 2.0}},
        {"class_weight": {"$odd": 1.0}},
        {"class_weight": {"a": 1.0, "b": math.inf}},
        {"class_weight": {math.inf: 1, None: 2, (1, "x"): 3}},
        {"hidden_layer_sizes": [3, 4]},
        {"hidden_layer_sizes": (3,), "learning_rate_init": True},
        {"hidden_layer_sizes": [(3, [4]), ()]},
    ],
)
def test_every_value_that_it_holds_comes_back_as_it_was(options):
    name = "sklearn.MLPClassifier" if "hidden_layer_sizes" in options else "sklearn.SVC"
    config = maas.Pipeline((name, options)).to_config()
    assert maas.Pipeline.from_config(back(config)).model == (name, options)


def test_not_a_number_comes_back():
    config = maas.Pipeline("sklearn.SVC", [("sklearn.SimpleImputer", {"fill_value": math.nan})]).to_config()
    (made,) = maas.Pipeline.from_config(back(config)).preprocessors
    assert math.isnan(made[1]["fill_value"])


def test_the_built_ins_own_objects_have_bare_names():
    from maas_sdk.learning import MLPClassifier as Ours

    config = maas.Pipeline(Ours(optimizer=Adam(beta_1=0.5), alpha=0.1), optimizer=Adam()).to_config()
    nested = {"$component": "adam", "kind": "optimizer", "options": {"beta_1": 0.5}}
    assert config["model"] == {"component": "mlp_classifier", "options": {"optimizer": nested, "alpha": 0.1}}
    assert config["optimizer"] == {"component": "adam", "options": {}}
    _, options = maas.Pipeline.from_config(back(config)).model
    assert options["optimizer"] == Adam(beta_1=0.5)


def test_schedules_and_chains_are_written_and_read():
    schedule = LinearWarmupSchedule(CosineSchedule(0.1, n_steps=50), n_steps=5)
    config = maas.Pipeline("mlp_classifier", optimizer=("adam", {"learning_rate": schedule})).to_config()
    cosine = {"learning_rate": 0.1, "n_steps": 50}
    nested = {"$component": "cosine", "kind": "schedule", "options": cosine}
    warm_up = {"$component": "linear_warmup", "kind": "schedule", "options": {"after": nested, "n_steps": 5}}
    assert config["optimizer"] == {"component": "adam", "options": {"learning_rate": warm_up}}
    assert maas.Pipeline.from_config(back(config)).optimizer == ("adam", {"learning_rate": schedule})

    steps = (ClipByNorm(0.5), SGD(ReduceOnPlateauSchedule(patience=3)))
    config = maas.Pipeline("mlp_classifier", optimizer=chain(*steps)).to_config()
    assert config["optimizer"]["component"] == "chain"
    assert [each["$component"] for each in config["optimizer"]["options"]["steps"]] == ["clip_by_norm", "sgd"]
    again = maas.Pipeline.from_config(back(config))
    assert again.optimizer == ("chain", {"steps": steps})
    assert again.to_config() == config


def test_aliases_are_written_as_what_they_stand_for():
    registry = PluginRegistry(aliases={"forest": "sklearn.RandomForestClassifier"})
    config = maas.Pipeline("forest", registry=registry).to_config()
    assert config["model"]["component"] == "sklearn.RandomForestClassifier"
    assert maas.Pipeline.from_config(config, registry=registry).registry is registry


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": Mine()}, r"^model cannot be .*Mine, and no model component"),
        ({"preprocessors": [FunctionTransformer(np.log)]}, r"s\[0\]\.options\.func .* numpy\.ufunc"),
        ({"model": MLPClassifier(random_state=np.random.RandomState(0))}, r"model\.options\.random_state"),
        ({"model": ("sklearn.SVC", {"C": 2**70})}, r"model\.options\.C cannot .* builtins\.int"),
        ({"model": ("sklearn.SVC", {"kernel": "\ud800"})}, r"model\.options\.kernel"),
        ({"model": ("sklearn.StackingClassifier", {"estimators": [("m", Mine())]})}, r"estimators\[0\]\[1\]"),
        ({"optimizer": object()}, "^optimizer cannot be written"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_named(arguments, message):
    with pytest.raises(InvalidOptionError, match=message):
        maas.Pipeline(**arguments).to_config()


def config_with(options=None, **changes):
    model = {"component": "mlp_classifier", "options": options or {}}
    return {"format": "maas-pipeline/1", "model": model, **changes}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ([], "the configuration must be a table"),
        ({"model": {}}, "lacks 'format'"),
        (config_with(format="maas-pipeline/2"), "reads 'maas-pipeline/1'"),
        (config_with(optimiser={}), "unknown key 'optimiser'; it takes format, model, optimizer, prepro"),
        (config_with(model="mlp_classifier"), "model must be a table"),
        (config_with(model={"options": {}}), "model lacks 'component'"),
        (config_with(model={"component": 7}), "not a component reference"),
        (config_with(model={"component": "mlp_classifier", "options": [1]}), r"model\.options must be"),
        (config_with(preprocessors={}), "array of tables"),
        (config_with({"alhpa": 1.0}), "did you mean 'alpha'"),
        (config_with({"alpha": "1"}), "takes float, not '1'"),
        (config_with({"alpha": tomllib.loads("x = 2026-01-01")["x"]}), r"options\.alpha: date is nothing"),
        (config_with({"alpha": {"$none": True, "x": 1}}), "none of the known forms"),
        (config_with({"alpha": {"$none": 1}}), r"options\.alpha: .* none of the known forms|takes float"),
        (config_with({"alpha": {"$pickle": "x"}}), "none of the known forms"),
        (config_with({"alpha": {"$float": "1e3"}}), "none of the known forms"),
        (config_with({"alpha": {"$mapping": [[1, 2, 3]]}}), "not a pair"),
        (config_with({"alpha": {"$mapping": [[{"$list": []}, 2]]}}), "key of a mapping"),
        (config_with({"x": {"$component": "adam", "kind": "optimiser", "options": {}}}), "'optimizer'"),
        (config_with({"x": {"$component": "adam", "kind": "optimizer", "options": 7}}), "must be a table"),
    ],
)
def test_a_malformed_configuration_is_refused(config, message):
    with pytest.raises(InvalidOptionError, match=message):
        maas.Pipeline.from_config(config)


def test_an_unknown_component_in_a_configuration_is_unknown():
    with pytest.raises(UnknownComponentError, match="did you mean 'mlp_classifier'"):
        maas.Pipeline.from_config(config_with(model={"component": "mlp_clasifier"}))
