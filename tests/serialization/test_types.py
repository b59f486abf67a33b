"""Which estimators are in a model, before one of them is made."""

import json

import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.errors import InvalidArtifactError, LimitExceededError
from maas_sdk.limits import Limits
from maas_sdk.serialization import dump_parts, estimator_types


def test_every_estimator_is_told_however_deep_it_is():
    voting = VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier())])
    model = make_pipeline(StandardScaler(), voting).fit([[0.0], [1.0], [2.0]], ["x", "y", "y"])
    assert estimator_types(dump_parts(model)["model.json"]) >= {
        "sklearn.Pipeline",
        "sklearn.StandardScaler",
        "sklearn.VotingClassifier",
        "sklearn.LogisticRegression",
        "sklearn.DecisionTreeClassifier",
    }


def test_a_type_is_found_wherever_a_document_hides_it():
    document = {"model": [1, None, {"type": 3, "x": {"type": "evil.Thing"}}], "type": "other"}
    assert estimator_types(json.dumps(document).encode()) == {"evil.Thing", "other"}


def test_what_is_no_document_is_refused():
    with pytest.raises(InvalidArtifactError, match="strict JSON"):
        estimator_types(b'{"type":"a","type":"b"}')
    with pytest.raises(LimitExceededError):
        estimator_types(b"[[[]]]", limits=Limits(max_json_depth=2))
