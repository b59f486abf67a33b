"""What the tests of estimators around estimators share: data, forged files, and what must come back."""

import json
import warnings

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.errors import InvalidArtifactError
from maas_sdk.serialization import _files, _graph, dump_parts, load_parts
from maas_sdk.serialization._arrays import narrow
from maas_sdk.serialization._spec import Spec

RNG = np.random.default_rng(0)
KIND = np.arange(60) % 3
X = RNG.normal(size=(60, 4)) + KIND[:, np.newaxis]
WIDER = np.c_[X, X[:, 0]]
LABELS = np.array(["a", "b", "c"])[KIND]
TWO = np.where(KIND == 0, "no", "yes")
SEVERAL = np.c_[KIND == 0, X[:, 1] > 1, X[:, 2] > 1].astype(np.int64)
TARGET = X[:, 0] - X[:, 1]
TARGETS = np.c_[TARGET, X[:, 2]]


class Guess(ClassifierMixin, BaseEstimator):
    """A third party's classifier, which does not say how many features it takes."""

    def fit(self, rows, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, rows):
        return np.full(len(rows), self.classes_[0])

    def predict_proba(self, rows):
        return np.full((len(rows), self.classes_.size), 1 / self.classes_.size)

    def score(self, rows, y, sample_weight=None):
        return super().score(rows, y, sample_weight)


def logistic():
    return LogisticRegression(max_iter=50)


def tree(depth=2):
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


def fitted(estimator, *data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*data, **options)


def changed(estimator, /, **attributes):
    """Give a shallow copy with other attributes or parameters."""
    other = object.__new__(type(estimator))
    vars(other).update(vars(estimator), **attributes)
    return other


def first(estimator, member):
    """Give a shallow copy with another first member."""
    members = estimator.estimators_
    return changed(estimator, estimators_=type(members)([member, *members[1:]]))


def forged(estimator):
    """Dump without the checks, as whoever makes a file by other means."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Spec, "check_state", lambda *_: None)
        patch.setattr(_graph, "check_params", lambda *_: None)
        return dump_parts(estimator)


def plainly(estimator, **options):
    """Dump with each array as a tensor of its own, as files of earlier versions have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files, "smallest", lambda array, _spare: {"tensor": narrow(array)})
        return dump_parts(estimator, **options)


def rewritten(estimator, change):
    """Dump, and let `change` alter the JSON of the model."""
    parts = dump_parts(estimator)
    document = json.loads(parts["model.json"])
    change(document["model"])
    return {**parts, "model.json": json.dumps(document).encode()}


def node_of(estimator):
    """Give the JSON of a model that has no arrays."""
    parts = dump_parts(estimator)
    assert not any(read_tensors(data) for name, data in parts.items() if name != "model.json")
    return json.loads(parts["model.json"])["model"]


def refuses(parts, path):
    """Load what must be refused, with its place."""
    with pytest.raises(InvalidArtifactError) as caught:
        load_parts(parts)
    assert path in caught.value.path, caught.value


def comes_back(estimator, rows=X, *, allow=()):
    """Compare the answers, and how the model is written again; give the loaded one."""
    for options in ({}, {"profile": "inference"}, {"training_state": True}):
        parts = dump_parts(estimator, allow=allow, **options)
        loaded = load_parts(parts, allow=allow)
        assert dump_parts(loaded, allow=allow, **options) == parts
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform"):
            assert hasattr(loaded, method) == hasattr(estimator, method), method
            if hasattr(estimator, method):
                given, expected = (_answer(model, method, rows) for model in (loaded, estimator))
                np.testing.assert_equal(given, expected)
    return loaded


def _answer(model, method, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(model, method)(rows)
        except (AttributeError, IndexError, ValueError) as error:
            return str(error)
