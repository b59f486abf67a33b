"""Classes and functions that the application declares come back; others do not."""

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2


class Centre(TransformerMixin, BaseEstimator):
    def __init__(self, by=None, how="mean"):
        self.by = by
        self.how = how

    def fit(self, X, y=None):
        self.centre_ = X.mean(axis=0)
        self._seen = {"rows": len(X), "kinds": (int, None)}
        return self

    @property
    def width_(self):
        return self.centre_.size

    def transform(self, X):
        return (self.by or np.subtract)(X, self.centre_)


class Committee(ClassifierMixin, BaseEstimator):
    def __init__(self, members=()):
        self.members = members

    def fit(self, X, y):
        self.fitted_ = [type(member)(**member.get_params()).fit(X, y) for member in self.members]
        self.classes_ = self.fitted_[0].classes_
        return self

    def predict(self, X):
        return self.fitted_[0].predict(X)


def apart(X, centre):
    return X - 2 * centre


def test_declared_classes_come_back_with_functions_and_members():
    model = make_pipeline(Centre(apart), Committee([LogisticRegression(), LogisticRegression(C=2)])).fit(X, Y)
    allow = [Centre, Committee, apart]
    for profile in ("full", "inference"):
        parts = dump_parts(model, profile=profile, allow=allow)
        loaded = load_parts(parts, allow=allow)
        assert loaded[0].by is apart
        assert loaded[0]._seen == model[0]._seen
        assert type(loaded[1].members[1]) is LogisticRegression
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        assert dump_parts(loaded, profile=profile, allow=allow) == parts


def test_what_is_not_declared_is_neither_written_nor_read():
    model = Centre(apart).fit(X)
    parts = dump_parts(model, allow=[Centre, apart])
    for allow, message in (([], "Centre"), ([Centre], "apart"), ([apart], "Centre")):
        with pytest.raises(UnsupportedModelError, match=message):
            dump_parts(model, allow=allow)
        with pytest.raises(InvalidArtifactError, match=message):
            load_parts(parts, allow=allow)
    with pytest.raises(UnsupportedModelError, match="not fitted"):
        dump_parts(Centre(), allow=[Centre])


@pytest.mark.parametrize("name", ["transform", "width_", "__class__", "__dict__", "fit", "a b", "get_params"])
def test_an_attribute_cannot_shadow_what_the_class_has(name):
    parts = dump_parts(Centre().fit(X), allow=[Centre])
    document = json.loads(parts["model.json"])
    document["model"]["state"][name] = 1
    with pytest.raises(InvalidArtifactError, match="no object may have"):
        load_parts({**parts, "model.json": json.dumps(document).encode()}, allow=[Centre])


def test_a_function_of_a_transformer_is_declared_or_known():
    for function, allow in ((np.log1p, []), (np.abs, []), (apart, [apart])):
        arguments = {"kw_args": {"centre": 1.0}} if allow else {}
        loaded = load_parts(dump_parts(FunctionTransformer(function, **arguments), allow=allow), allow=allow)
        expected = FunctionTransformer(function, **arguments).transform(X**2)
        np.testing.assert_array_equal(loaded.transform(X**2), expected)


def test_what_cannot_be_declared_is_said():
    def local():
        return None

    for thing in (lambda: None, local, 5, "os.system"):
        with pytest.raises(InvalidOptionError, match="neither a class nor a function"):
            dump_parts(LogisticRegression().fit(X, Y), allow=[thing])
    with pytest.raises(InvalidOptionError, match="twice"):
        load_parts(dump_parts(LogisticRegression().fit(X, Y)), allow=[Centre, Centre])
    with pytest.raises(InvalidOptionError, match="profile must be one of full, inference"):
        dump_parts(LogisticRegression().fit(X, Y), profile="tiny")
