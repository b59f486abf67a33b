"""Training with differential privacy: what is recorded, what is refused, and what does not leave."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from attrs import frozen
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.preprocessing import FunctionTransformer

import maas_sdk as maas
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import (
    DPSGD,
    SGD,
    Adam,
    ClipByNorm,
    CosineSchedule,
    DPAdam,
    LinearRegressor,
    LinearSVMClassifier,
    LinearWarmupSchedule,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
    ReduceOnPlateauSchedule,
    RidgeRegressor,
    SquaredLoss,
    chain,
)
from maas_sdk.privacy import RenyiAccountant, noise_for
from maas_sdk.trust import TrustedKey

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 5))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)
VALUES = X @ [1.0, 2.0, 3.0, 4.0, 5.0] + 7
EVERYTHING = ("classes", "feature_scale", "target_scale")

CLASSIFIERS = (MLPClassifier((8,)), LogisticClassifier(), LinearSVMClassifier())
REGRESSORS = (MLPRegressor((8,)), LinearRegressor(), RidgeRegressor())


def fitted(model, *, target=None, fit=None, **options):
    optimizer = options.pop("optimizer", None) or DPAdam(0.05, **options)
    model = clone(model).set_params(optimizer=optimizer, batch_size=100, max_iter=5, random_state=0)
    if target is None:
        target = LABELS if hasattr(model, "predict_proba") or "SVM" in type(model).__name__ else VALUES
    return model.fit(X, target, **(fit or {}))


@pytest.mark.parametrize("model", CLASSIFIERS + REGRESSORS, ids=lambda model: type(model).__name__)
def test_an_epsilon_is_recorded_once_all_that_was_read_is_declared_public(model):
    record = fitted(model).privacy_
    assert record.epsilon is None
    assert record.order is None
    needed = {
        name for name in EVERYTHING for reason in record.reasons if f"declare {name!r} public" in reason
    }
    expected = set() if isinstance(model, MLPClassifier | MLPRegressor) else {"feature_scale"}
    assert needed == expected | {"classes" if model in CLASSIFIERS else "target_scale"}
    for left_out in needed:
        assert fitted(model, public=sorted(needed - {left_out})).privacy_.epsilon is None
    record = fitted(model, public=sorted(needed)).privacy_
    assert record.reasons == ()
    assert set(record.public) == needed
    accountant = RenyiAccountant()
    accountant.add(noise_multiplier=1.0, sampling_rate=0.25, steps=20)
    assert record.epsilon == pytest.approx(accountant.epsilon(1e-5))
    assert (record.n_steps, record.sampling_rate, record.delta) == (20, 0.25, 1e-5)


def test_classes_that_are_named_are_not_read():
    record = fitted(MLPClassifier((8,)), fit={"classes": [0, 1]}).privacy_
    assert record.epsilon > 0
    assert record.public == ()
    assert fitted(LogisticClassifier(), public="feature_scale", fit={"classes": [0, 1]}).privacy_.epsilon > 0


def test_what_is_declared_but_was_not_read_is_not_said_to_be_public():
    record = fitted(MLPClassifier((8,)), public=EVERYTHING).privacy_
    assert record.public == ("classes",)
    assert record.declared == EVERYTHING


@pytest.mark.parametrize("model", CLASSIFIERS + REGRESSORS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("kind", [DPAdam, DPSGD])
def test_models_learn(model, kind):
    optimizer = kind(0.05 if kind is DPAdam else 0.5, noise_multiplier=0.5, public=EVERYTHING)
    model = clone(model).set_params(optimizer=optimizer, max_iter=40, batch_size=100, random_state=0)
    target = LABELS if model.__class__ in map(type, CLASSIFIERS) else VALUES
    assert model.fit(X, target).score(X, target) > 0.8


def test_digits_are_learned_with_a_small_epsilon():
    digits, classes = load_digits(return_X_y=True)
    noise = noise_for(epsilon=4.0, delta=1e-5, sampling_rate=200 / 1437, steps=80)
    optimizer = DPAdam(0.01, noise_multiplier=noise)
    model = MLPClassifier((100,), optimizer=optimizer, max_iter=10, random_state=0)
    model.fit(digits[:1437] / 16, classes[:1437], classes=range(10))
    assert model.privacy_.n_steps == 80
    assert model.privacy_.epsilon <= 4.0
    assert model.score(digits[1437:] / 16, classes[1437:]) > 0.75


def test_draws_do_not_depend_on_random_state_but_on_the_unsafe_seed():
    twice = [fitted(MLPClassifier((8,))).coefs_[0] for _ in range(2)]
    assert not np.array_equal(*twice)
    twice = [fitted(MLPClassifier((8,)), unsafe_seed=3) for _ in range(2)]
    np.testing.assert_array_equal(twice[0].coefs_[0], twice[1].coefs_[0])
    record = fitted(MLPClassifier((8,)), unsafe_seed=3, public="classes").privacy_
    assert record.epsilon is None
    assert record.reasons == ("unsafe_seed makes the noise predictable",)


def test_all_epochs_are_run_and_no_loss_is_kept():
    model = MLPClassifier((8,), optimizer=DPAdam(1e-12), max_iter=25, n_iter_no_change=1, tol=1.0)
    model.fit(X, LABELS)
    assert model.n_iter_ == 25
    assert model.privacy_.n_steps == 50
    assert all(map(math.isnan, model.loss_curve_))
    assert math.isnan(model.loss_)


def test_a_callback_is_told_the_loss_which_leaves_with_no_model():
    told = []
    model = MLPClassifier((8,), optimizer=DPAdam(), max_iter=3, callback=told.append)
    model.fit(X, LABELS)
    assert [progress["epoch"] for progress in told] == [1, 2, 3]
    assert all(0 < progress["loss"] < 3 for progress in told)


def test_a_clip_behind_the_noise_leaves_training_private():
    optimizer = chain(ClipByNorm(1.0), DPAdam(0.05, public="classes"))
    assert fitted(MLPClassifier((8,)), optimizer=optimizer).privacy_.epsilon > 0
    assert chain(ClipByNorm(1.0), Adam()).privacy is None


def test_training_without_privacy_takes_the_record_away():
    model = fitted(MLPClassifier((8,)), public="classes")
    assert model.privacy_.epsilon > 0
    model.set_params(optimizer=SGD(), max_iter=200, tol=1.0, n_iter_no_change=1).fit(X, LABELS)
    assert not hasattr(model, "privacy_")


def test_training_that_goes_on_has_no_epsilon():
    for model in (MLPClassifier((8,)), LogisticClassifier()):
        model.set_params(optimizer=DPAdam(0.05, public=EVERYTHING), max_iter=2, batch_size=100)
        model.partial_fit(X, LABELS)
        assert model.privacy_.epsilon > 0
        model.partial_fit(X, LABELS)
        assert model.privacy_.epsilon is None
        assert "earlier parameters" in model.privacy_.reasons[0]
        model.set_params(warm_start=True).fit(X, LABELS)
        assert model.privacy_.epsilon is None


def test_a_loss_of_ones_own_leaves_no_epsilon():
    @frozen
    class Mine(SquaredLoss):
        """Could compare rows with each other."""

    record = fitted(LinearRegressor(loss=Mine()), public=EVERYTHING).privacy_
    assert record.epsilon is None
    assert "a loss of your own" in record.reasons[0]


def test_more_rows_in_a_batch_than_there_are_take_part_in_every_step():
    model = MLPClassifier((8,), optimizer=DPAdam(public="classes"), batch_size=5000, max_iter=3)
    record = model.fit(X, LABELS).privacy_
    assert (record.sampling_rate, record.n_steps) == (1.0, 3)


def test_rows_that_are_equal_count_one_by_one():
    """Merged ones would have one clip for all of them, and no weight."""
    rows = np.repeat([[1.0], [-1.0]], [150, 50], axis=0)
    coefs = []
    for optimizer in (DPSGD(0.1, noise_multiplier=1e-12, max_grad_norm=100.0), SGD(0.1)):
        model = LinearRegressor(optimizer=optimizer, batch_size=200)
        coefs.append(model.partial_fit(rows, 2 * rows[:, 0]).coef_)
    np.testing.assert_allclose(coefs[0], coefs[1], rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "fit", "message"),
    [
        ({"early_stopping": True}, {}, "early_stopping decides by rows without noise"),
        ({}, {"sample_weight": np.ones(400)}, "takes no sample_weight"),
        ({"optimizer": DPAdam(delta=0.01)}, {}, "must be below 1/400"),
    ],
)
def test_what_cannot_be_private_is_refused(options, fit, message):
    model = MLPClassifier((8,), **{"optimizer": DPAdam(), "max_iter": 2} | options)
    with pytest.raises(InvalidOptionError, match=message):
        model.fit(X, LABELS, **fit)
    assert not hasattr(model, "coefs_")


def test_batches_and_checkpoints_are_refused():
    model = MLPClassifier((8,), optimizer=DPAdam(), max_iter=2, random_state=0)
    with pytest.raises(InvalidOptionError, match="give arrays in memory"):
        model.fit([(X, LABELS)])
    checkpoint = maas.open_checkpoints("memory:").at("private")
    for one in (model, LogisticClassifier(optimizer=DPAdam(), max_iter=2)):
        with pytest.raises(InvalidOptionError, match="takes no checkpoint"):
            one.fit(X, LABELS, checkpoint=checkpoint)


@pytest.mark.parametrize("kind", [DPAdam, DPSGD])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise_multiplier": 0.0}, "noise_multiplier must be a finite number > 0"),
        ({"max_grad_norm": -1.0}, "max_grad_norm"),
        ({"delta": 1.0}, "delta"),
        ({"public": 3}, "public must be a sequence of names"),
        ({"public": [3]}, "public must hold names"),
        ({"unsafe_seed": -1}, "unsafe_seed"),
        ({"unsafe_seed": "x"}, "unsafe_seed"),
        ({"learning_rate": ReduceOnPlateauSchedule(0.1)}, "it looks at losses"),
        (
            {"learning_rate": LinearWarmupSchedule(ReduceOnPlateauSchedule(0.1), n_steps=3)},
            "it looks at losses",
        ),
    ],
)
def test_options_out_of_bounds_are_refused(kind, options, message):
    with pytest.raises(InvalidOptionError, match=message):
        kind(**options)


def test_schedules_that_only_count_are_taken():
    schedule = LinearWarmupSchedule(CosineSchedule(0.05, n_steps=20), n_steps=5)
    assert fitted(MLPClassifier((8,)), optimizer=DPAdam(schedule, public="classes")).privacy_.epsilon > 0
    with pytest.raises(InvalidOptionError, match="nesterov needs momentum"):
        DPSGD(nesterov=True)


@pytest.mark.parametrize(("private", "plain"), [(DPAdam, Adam), (DPSGD, SGD)])
def test_the_step_itself_is_that_of_the_plain_optimizer(private, plain):
    params = [np.linspace(-1, 1, 9) for _ in range(2)]
    for optimizer, values in zip((private(0.1), plain(0.1)), params, strict=True):
        state = optimizer.init(values)
        for _ in range(5):
            optimizer.update_(values, values**3, state)
    np.testing.assert_array_equal(*params)


def test_with_hardly_any_noise_and_no_clipping_it_is_a_plain_step_on_the_mean():
    common = {"max_iter": 1, "batch_size": 400, "random_state": 0, "dtype": "float64", "alpha": 0.1}
    quiet = DPSGD(0.1, noise_multiplier=1e-12, max_grad_norm=1e3)
    models = [
        MLPRegressor((8,), optimizer=optimizer, **common).partial_fit(X, VALUES)
        for optimizer in (quiet, SGD(0.1))
    ]
    np.testing.assert_allclose(models[0].coefs_[0], models[1].coefs_[0], rtol=1e-7, atol=1e-9)


def pipeline(*preprocessors, public, model="mlp_classifier"):
    optimizer = ("dp_adam", {"learning_rate": 0.05, "public": public})
    made = maas.Pipeline((model, {"max_iter": 3}), preprocessors=list(preprocessors), optimizer=optimizer)
    return made.fit(X, LABELS)


def test_a_pipeline_has_an_epsilon_if_its_preprocessors_are_declared_public():
    record = pipeline("standard_scaler", public=["classes"]).privacy_
    assert record.epsilon is None
    assert "preprocessor 'standard_scaler' was fitted to the data" in record.reasons[0]
    record = pipeline("standard_scaler", "pca", public=["classes", "standard_scaler"]).privacy_
    assert [("'pca'" in reason) for reason in record.reasons] == [True]
    record = pipeline("standard_scaler", public=["classes", "standard_scaler"]).privacy_
    assert record.epsilon > 0
    assert record.public == ("classes", "standard_scaler")


def test_a_preprocessor_that_reads_nothing_needs_no_declaration():
    assert pipeline(FunctionTransformer(np.tanh), public="classes").privacy_.epsilon > 0


def test_a_pipeline_without_private_training_has_no_record():
    made = maas.Pipeline("logistic_classifier")
    assert not hasattr(made.fit(X, LABELS), "privacy_")


def test_compression_leaves_a_pipeline_without_an_epsilon():
    made = pipeline(public="classes")
    assert made.privacy_.epsilon > 0
    budget = maas.Budget(metric="accuracy", max_drop=1.0)
    made.compress(X, LABELS, budget=budget, compressors=["float16"])
    assert made.privacy_.epsilon is None
    assert "it was compressed" in made.privacy_.reasons[0]


@pytest.mark.parametrize("model", ["mlp_classifier", "logistic_classifier"])
def test_a_private_pipeline_travels_without_the_record_which_is_the_senders_claim(tmp_path, model):
    made = pipeline("standard_scaler", public=["classes", "feature_scale", "standard_scaler"], model=model)
    acme, store = maas.Identity.generate("acme"), maas.open_store("memory:")
    made.publish("acme/private", version="1.0.0", store=store, signer=acme, recipients=[acme.public])
    key = acme.public.public_key
    trusted = TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem)
    trust = maas.Trust.create(tmp_path / "trust", policy=maas.Policy().with_key("acme/*", trusted))
    loaded = maas.Pipeline.load("acme/private@1.0.0", store=store, trust=trust, identity=acme)
    np.testing.assert_array_equal(loaded.predict(X), made.predict(X))
    assert not hasattr(loaded, "privacy_")
    assert loaded.chain_.steps[-1][1].optimizer == made.chain_.steps[-1][1].optimizer


def test_a_record_shows_itself_as_text_html_and_data():
    record = fitted(MLPClassifier((8,)), public="classes").privacy_
    plain = json.loads(json.dumps(record.to_dict()))
    assert plain["epsilon"] == record.epsilon
    assert plain["public"] == ["classes"]
    for shown in (str(record), record._repr_html_()):
        assert f"{record.epsilon:.3f}" in shown
        assert "classes" in shown
    refused = fitted(MLPClassifier((8,))).privacy_
    for shown in (str(refused), refused._repr_html_()):
        assert "no ε" in shown
        assert "the classes were read from the targets" in shown
