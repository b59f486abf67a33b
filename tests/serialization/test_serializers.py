"""Estimators of third parties take part through a serializer; what nobody knows is refused by its path."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from maas_sdk import learning
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.arange(30) % 3


class Shift(TransformerMixin, BaseEstimator):
    """A transformer that the table does not know, with an estimator inside."""

    def fit(self, X, y=None):
        self.by_ = X.mean(axis=0)
        self.inner_ = StandardScaler().fit(X)
        return self

    def transform(self, X):
        return self.inner_.transform(X) - self.by_


class ShiftSerializer:
    type_name = "vendor.Shift"
    target_type = Shift

    def to_state(self, estimator):
        return {"by": estimator.by_, "inner": estimator.inner_, "notes": {"a b": [1, None], "c": "x"}}

    def from_state(self, state):
        assert state["notes"] == {"a b": [1, None], "c": "x"}
        shift = Shift()
        shift.by_, shift.inner_ = state["by"], state["inner"]
        return shift


class Child(StandardScaler):
    """Not the class that was audited."""


SERIALIZERS = [ShiftSerializer()]


def test_an_estimator_of_a_third_party_comes_back_in_a_pipeline():
    chain = make_pipeline(Shift(), LogisticRegression()).fit(X, Y)
    parts = dump_parts(chain, serializers=SERIALIZERS)
    loaded = load_parts(parts, serializers=SERIALIZERS)
    np.testing.assert_array_equal(loaded.predict_proba(X), chain.predict_proba(X))
    assert dump_parts(loaded, serializers=SERIALIZERS) == parts
    with pytest.raises(InvalidArtifactError, match=r"steps\[0\]: type 'vendor.Shift' is unknown"):
        load_parts(parts)


@pytest.mark.parametrize("exception", [ValueError("no"), InvalidArtifactError("no"), KeyError("by")])
def test_what_a_serializer_says_of_its_state_is_a_refusal(exception):
    class Refusing(ShiftSerializer):
        def from_state(self, state):
            raise exception

    parts = dump_parts(Shift().fit(X), serializers=SERIALIZERS)
    with pytest.raises(InvalidArtifactError):
        load_parts(parts, serializers=[Refusing()])


def test_a_serializer_that_gives_something_else_is_refused():
    class Wrong(ShiftSerializer):
        def from_state(self, state):
            return state["inner"]

    parts = dump_parts(Shift().fit(X), serializers=SERIALIZERS)
    with pytest.raises(InvalidArtifactError, match="StandardScaler"):
        load_parts(parts, serializers=[Wrong()])
    damaged = parts["model.json"].replace(b'"state":', b'"other":', 1)
    with pytest.raises(InvalidArtifactError, match="a type and a state"):
        load_parts({**parts, "model.json": damaged}, serializers=SERIALIZERS)


@pytest.mark.parametrize(
    ("type_name", "target_type"),
    [
        ("sklearn.Ridge", Shift),
        ("sklearn.New", Shift),
        ("maas.New", Shift),
        (5, Shift),
        ("vendor.Shift", "Shift"),
    ],
)
def test_a_serializer_cannot_take_a_name_that_is_ours(type_name, target_type):
    serializer = ShiftSerializer()
    serializer.type_name, serializer.target_type = type_name, target_type
    with pytest.raises(InvalidOptionError):
        load_parts({}, serializers=[serializer])


def test_two_serializers_cannot_share_a_name():
    with pytest.raises(InvalidOptionError, match="taken"):
        dump_parts(Normalizer().fit(X), serializers=[ShiftSerializer(), ShiftSerializer()])


@pytest.mark.parametrize("stranger", [Shift().fit(X), Child().fit(X)])
def test_a_class_that_nobody_knows_is_named_with_its_path(stranger):
    with pytest.raises(
        UnsupportedModelError, match=rf"steps\[0\]: no safe serialization of .*{type(stranger).__name__}"
    ):
        dump_parts(make_pipeline(stranger, Normalizer()))
    with pytest.raises(UnsupportedModelError, match="the model: no safe"):
        dump_parts(stranger)


def test_an_attribute_that_nobody_knows_is_named_with_its_path():
    scaler = StandardScaler().fit(X)
    scaler.note_ = "mine"
    with pytest.raises(UnsupportedModelError, match=r"steps\[1\].note_"):
        dump_parts(make_pipeline(Normalizer(), scaler))


def test_a_constant_of_the_constructor_that_was_changed_is_refused():
    model = Perceptron().fit(X, Y)
    model.loss = "hinge"
    with pytest.raises(UnsupportedModelError, match="loss: not an attribute"):
        dump_parts(model)


def test_parameters_that_are_not_data_are_forgotten_or_refused(tmp_path):
    model = make_pipeline(Perceptron(random_state=np.random.RandomState(0)), memory=str(tmp_path)).fit(X, Y)
    loaded = load_parts(dump_parts(model))
    assert loaded.memory is None
    np.testing.assert_array_equal(loaded[0].random_state.normal(size=3), model[0].random_state.normal(size=3))
    model[0].set_params(class_weight=object())
    with pytest.raises(UnsupportedModelError, match="class_weight"):
        dump_parts(model)
    model[0].set_params(class_weight={0: 1.0, 1: 2.0, 2: 1.0}, tol=Normalizer())
    with pytest.raises(UnsupportedModelError, match="tol"):
        dump_parts(model)


def test_an_optimizer_that_nobody_knows_is_forgotten():
    class Own(learning.GradientDescent):
        pass

    with pytest.warns(match="max_iter"):
        model = learning.LinearRegressor(optimizer=Own(), max_iter=2).fit(X, X[:, 0])
    loaded = load_parts(dump_parts(model))
    assert loaded.optimizer is None
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
