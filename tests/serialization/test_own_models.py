"""The SDK's own models come back bit for bit, with their losses and with what training goes on with."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier

from maas_sdk import learning
from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6))
Y = np.arange(80) % 3
STEPS = learning.chain(learning.ClipByNorm(1.0), learning.Adam(learning.CosineSchedule(0.02, n_steps=50)))
MODELS = [
    learning.LinearRegressor(),
    learning.LinearRegressor(loss="absolute", optimizer=STEPS, batch_size=30),
    learning.LinearRegressor(loss=learning.HuberLoss(0.3), alpha=0.1),
    learning.RidgeRegressor(),
    learning.RidgeRegressor(3.0, optimizer=learning.SGD(0.01, momentum=0.9), warm_start=True),
    learning.LogisticClassifier(),
    learning.LinearSVMClassifier(),
    learning.LinearSVMClassifier(loss="squared_hinge", optimizer=learning.AdaGrad(0.1)),
    learning.MLPClassifier((7, 5), activation="gelu", dropout=0.2, callback=dict),
    learning.MLPClassifier((), early_stopping=True, optimizer=STEPS),
    learning.MLPRegressor((6,), loss=learning.AbsoluteLoss(), dtype="float64"),
    learning.MLPRegressor((6,), loss="huber", warm_start=True, optimizer=learning.Lion(0.003)),
]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def targets(model):
    return (Y, Y % 2) if is_classifier(model) else (X[:, 0], X[:, :3])


def fitted(model, y):
    return clone(model).set_params(max_iter=4, random_state=0).fit(X, y)


def answers(model):
    names = [name for name in ("predict", "predict_proba", "decision_function") if hasattr(model, name)]
    return [getattr(model, name)(X) for name in names]


def same(one, other):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("profile", ["full", "inference"])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_an_own_model_says_the_same_after_a_round_trip(model, profile):
    for y in targets(model):
        before = fitted(model, y)
        parts = dump_parts(before, profile=profile)
        loaded = load_parts(parts)
        assert type(loaded) is type(before)
        assert dump_parts(loaded, profile=profile) == parts
        assert same(answers(loaded), answers(before))
        assert loaded.get_params(deep=False) == {**before.get_params(deep=False), "callback": None}
        assert not hasattr(loaded, "optimizer_state_")


@pytest.mark.parametrize("optimizer", [None, STEPS], ids=repr)
@pytest.mark.parametrize("model", [m for m in MODELS if not getattr(m, "early_stopping", False)], ids=repr)
def test_with_its_training_state_a_model_goes_on_as_if_it_had_never_been_written(model, optimizer):
    for y in targets(model):
        before = clone(model).set_params(random_state=0, optimizer=optimizer).partial_fit(X, y)
        before.partial_fit(X, y)
        parts = dump_parts(before, training_state=True)
        loaded = load_parts(parts)
        assert dump_parts(loaded, training_state=True) == parts
        assert loaded.loss_curve_ == before.loss_curve_
        assert loaded.optimizer_state_["step"] == before.optimizer_state_["step"]
        assert same(answers(loaded.partial_fit(X, y)), answers(before.partial_fit(X, y)))
        assert loaded.n_iter_ == 3


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_without_its_training_state_a_model_goes_on_with_a_new_state(model):
    if getattr(model, "early_stopping", False):
        model = clone(model).set_params(early_stopping=False)
    y = targets(model)[0]
    loaded = load_parts(dump_parts(fitted(model, y)))
    assert loaded.partial_fit(X, y).optimizer_state_["step"] >= 1


LOSSES = [
    learning.SquaredLoss(),
    learning.AbsoluteLoss(),
    learning.HuberLoss(0.25),
    learning.BinaryLogLoss(),
    learning.MultinomialLogLoss(),
    learning.HingeLoss(squared=True),
]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_loss_comes_back_equal(loss):
    model = learning.MLPRegressor((3,), max_iter=2).fit(X, X[:, 0]).set_params(loss=loss)
    assert load_parts(dump_parts(model)).loss == loss


class Pinball:
    curvature = None

    def value_and_gradient(self, raw, target, *, out, sample_weight=None):
        np.sign(raw - target, out=out)
        return 1.0


def test_a_foreign_loss_is_left_out_because_no_prediction_asks_for_it():
    model = learning.MLPRegressor((3,), loss=Pinball(), max_iter=2, random_state=0).fit(X, X[:, 0])
    loaded = load_parts(dump_parts(model))
    assert loaded.loss == "squared"
    assert same(answers(loaded), answers(model))


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (MODELS[3], "optimizer_state_", {"step": object()}),
        (MODELS[3], "_coordinates", {"center": np.zeros(6)}),
        (MODELS[3], "_generator", 3),
        (MODELS[8], "_coordinates", {"target_center": np.zeros(2), "target_scale": np.ones(3)}),
        (MODELS[8], "activation", "sigmoid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_training_state_of_another_kind_is_refused(model, name, value):
    trained = clone(model).set_params(random_state=0).partial_fit(X, targets(model)[0])
    setattr(trained, name, value)
    with pytest.raises((UnsupportedModelError, InvalidArtifactError), match=name):
        dump_parts(trained, training_state=True)
