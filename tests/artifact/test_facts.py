"""environment.json and schema.json."""

import json
import platform

import numpy as np
import pytest
import sklearn

from maas_sdk._internal import strict_json
from maas_sdk.artifact import Environment, ModelSchema
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError


def test_an_environment_says_what_made_the_model():
    environment = Environment.current(components=["acme.forest", "adam", "adam"], distributions=["attrs"])
    assert environment.python == platform.python_version()
    assert environment.distributions["numpy"] == np.__version__
    assert environment.distributions["scikit-learn"] == sklearn.__version__
    assert environment.distributions.keys() == {"attrs", "maas-sdk", "numpy", "scikit-learn"}
    assert environment.components == ("acme.forest", "adam")
    assert Environment.from_json(environment.to_json()) == environment
    assert json.loads(environment.to_json())["format"] == "maas-environment/1"


def test_environments_say_which_versions_differ():
    sender = Environment(python="3.11.7", distributions={"numpy": "2.2.6", "attrs": "1", "maas-sdk": "0.1"})
    here = Environment(python="3.13.1", distributions={"numpy": "2.4.6", "maas-sdk": "0.1"})
    assert sender.apart_from(here) == "numpy 2.2.6 (here 2.4.6), python 3.11.7 (here 3.13.1)"
    assert sender.apart_from(sender) == ""


def test_a_distribution_that_is_not_installed_is_named():
    with pytest.raises(InvalidOptionError, match="no-such-thing"):
        Environment.current(distributions=["no-such-thing"])


@pytest.mark.parametrize(
    "schema",
    [
        ModelSchema(n_features=3),
        ModelSchema(n_features=2, dtype="float32", feature_names=["a", "b"], n_outputs=2),
        ModelSchema(n_features=1, classes=["ja", "nein"]),
        ModelSchema(n_features=1, classes=[0, 1.5, True]),
    ],
)
def test_a_schema_comes_back(schema):
    assert ModelSchema.from_json(schema.to_json()) == schema
    assert schema.to_json() == ModelSchema.from_json(schema.to_json()).to_json()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"n_features": 0}, "one feature at least"),
        ({"n_features": 2, "feature_names": ["a"]}, "1 feature names for 2"),
        ({"n_features": 1, "n_outputs": 0}, "one output at least"),
        ({"n_features": 1, "classes": [None]}, "a class is"),
        ({"n_features": 1, "classes": [np.int64(1)]}, "a class is"),
    ],
)
def test_a_schema_that_makes_no_sense_cannot_be_made(options, reason):
    with pytest.raises(InvalidOptionError, match=reason):
        ModelSchema(**options)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"n_features": 1, "dtype": "f", "n_outputs": 1},
        {"format": "maas-schema/2", "n_features": 1},
        {"format": "maas-schema/1"},
        {"format": "maas-schema/1", "n_features": "1"},
        {"format": "maas-schema/1", "n_features": 1, "more": 1},
        {"format": "maas-schema/1", "n_features": 1, "classes": [[1]]},
        {"format": "maas-schema/1", "n_features": 0},
    ],
)
def test_a_malformed_schema_is_refused(document):
    with pytest.raises(InvalidArtifactError, match=r"schema\.json"):
        ModelSchema.from_json(strict_json.dumps(document))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":"maas-environment/1"}'])
def test_a_malformed_environment_is_refused(data):
    with pytest.raises(InvalidArtifactError, match=r"environment\.json"):
        Environment.from_json(data)
