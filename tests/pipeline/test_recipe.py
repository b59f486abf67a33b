"""What a release tells of its making, and what a receiver is told that it lacks."""

import sys
import types

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_iris

import maas_sdk as maas
from maas_sdk.artifact import Recipe, SerializerRecord
from maas_sdk.errors import PluginNotAllowedError, UnknownComponentError
from maas_sdk.plugin import ComponentSpec, PluginRegistry, hookimpl
from maas_sdk.trust import TrustedKey

ACME = """
from maas_sdk.plugin import ComponentSpec, hookimpl

@hookimpl
def maas_sdk_preprocessors():
    yield ComponentSpec("shift", "acme_shift:Shift")

@hookimpl
def maas_sdk_serializers():
    yield ComponentSpec("shift", "acme_shift:ShiftSerializer")
"""

SHIFT = """
from sklearn.base import BaseEstimator, TransformerMixin

class Shift(TransformerMixin, BaseEstimator):
    def __init__(self, by: float = 1.0):
        self.by = by

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X + self.by

class ShiftSerializer:
    type_name = "acme.Shift"
    target_type = Shift

    def to_state(self, estimator):
        return {"by": estimator.by, "n": estimator.n_features_in_}

    def from_state(self, state):
        made = Shift(by=state["by"])
        made.n_features_in_ = state["n"]
        return made
"""


class Own(TransformerMixin, BaseEstimator):
    def __init__(self, rows=None, fun=None):
        self.rows, self.fun = rows, fun

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class OwnSerializer:
    type_name = "own.Own"
    target_type = Own

    def to_state(self, estimator):
        return {}

    def from_state(self, state):
        return Own()


@pytest.fixture
def install(tmp_path, monkeypatch):
    site = tmp_path / "site"
    info = site / "maas_sdk_acme-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: maas-sdk-acme\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[maas_sdk.v1]\nacme = acme_plugin\n")
    (site / "acme_plugin.py").write_text(ACME)
    (site / "acme_shift.py").write_text(SHIFT)
    monkeypatch.syspath_prepend(str(site))
    yield info
    for name in ("acme_plugin", "acme_shift"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def acme():
    return maas.Identity.generate("acme")


@pytest.fixture
def policy(acme):
    key = acme.public.public_key
    trusted = TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem)
    return maas.Policy().with_key("acme/*", trusted)


def publish(pipeline, acme, store, version="1.0.0", accept=()):
    release = pipeline.publish(
        "acme/iris", version=version, store=store, signer=acme, recipients=[acme.public], accept=accept
    )
    return Recipe.from_json(release.read_parts(identity=acme)["pipeline.json"])


def told(recipe):
    return {each.place: (each.reference, each.options) for each in recipe.components}


def test_a_release_tells_components_options_and_versions(tmp_path, acme, install):
    X, y = load_iris(return_X_y=True)
    model = ("mlp_classifier", {"hidden_layer_sizes": (8,), "tol": 1e-2, "random_state": 0})
    pipeline = maas.Pipeline(
        model, [("acme.shift", {"by": 2.0}), "standard_scaler"], ("adam", {"learning_rate": 0.02}),
        registry=PluginRegistry(allow={"acme"}),
    ).fit(X, y)  # fmt: skip
    pipeline.set_params(model__tol=1.0)  # too late to have made the fitted model
    recipe = publish(pipeline, acme, tmp_path / "m")
    adam = {"$component": "adam", "kind": "optimizer", "options": {"learning_rate": 0.02}}
    assert told(recipe) == {
        "preprocessors[0]": ("acme.shift", {"by": 2.0}),
        "preprocessors[1]": ("standard_scaler", {}),
        "model.options.optimizer": ("adam", {"learning_rate": 0.02}),
        "model": (
            "mlp_classifier",
            {"hidden_layer_sizes": [8], "tol": 0.01, "random_state": 0, "optimizer": adam},
        ),
    }
    first = recipe.components[0]
    assert (first.kind, first.distribution, first.version) == ("preprocessor", "maas-sdk-acme", "1.2")
    assert first.implementation == "acme_shift.Shift"
    assert {each.distribution for each in recipe.components[1:]} == {"maas-sdk"}
    assert recipe.serializers == (
        SerializerRecord(
            type_name="acme.Shift", reference="acme.shift", distribution="maas-sdk-acme", version="1.2"
        ),
    )


def test_compressors_are_told_and_the_recipe_survives_loading(tmp_path, acme, policy):
    X, y = load_iris(return_X_y=True)
    pipeline = maas.Pipeline("sklearn.LogisticRegression", ["sklearn.StandardScaler"]).fit(X, y)
    pipeline.compress(
        X,
        y,
        budget=maas.Budget(metric="accuracy", max_drop=1.0),
        compressors=["float16"],
        X_train=X,
        y_train=y,
    )
    recipe = publish(pipeline, acme, tmp_path / "m")
    assert [each.place for each in recipe.components] == ["preprocessors[0]", "model", "compressors[0]"]
    assert recipe.components[-1].reference == "float16"
    loaded = maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=policy, identity=acme)
    assert publish(loaded, acme, tmp_path / "m", "1.0.1") == recipe


class OwnPlugin:
    @hookimpl
    def maas_sdk_serializers(self):
        yield ComponentSpec("own", "own_module:OwnSerializer")


def test_of_what_no_component_constructs_the_class_is_told_and_never_its_data(tmp_path, acme, monkeypatch):
    X, y = load_iris(return_X_y=True)
    monkeypatch.setitem(sys.modules, "own_module", types.SimpleNamespace(OwnSerializer=OwnSerializer))
    registry = PluginRegistry()
    registry.register(OwnPlugin(), "ours")
    pipeline = maas.Pipeline(
        ("sklearn.LogisticRegression", {"C": 2.0}), [Own(rows=X, fun=np.log)], registry=registry
    )
    pipeline.fit(X, y)
    recipe = publish(pipeline, acme, tmp_path / "m", accept=["not-examined:preprocessors[0]"])
    own, model = recipe.components
    assert (own.reference, own.distribution) == (None, None)
    assert own.implementation.endswith(".Own")
    assert own.options == {"rows": {"$type": "numpy.ndarray"}, "fun": {"$type": "numpy.ufunc"}}
    assert model.options == {"C": 2.0}
    (need,) = recipe.serializers
    assert need.origin == "the publisher's application"


def test_an_option_that_is_as_long_as_data_is_not_told(tmp_path, acme):
    X, y = load_iris(return_X_y=True)
    weights = dict.fromkeys(range(3), 1.0)
    pipeline = maas.Pipeline(("sklearn.LogisticRegression", {"class_weight": weights, "max_iter": 1000}))
    pipeline.fit(X, y)
    pipeline.chain_.steps[-1][1].class_weight = dict.fromkeys(range(3000), 1.0)
    (model,) = publish(pipeline, acme, tmp_path / "m").components
    assert model.options == {"class_weight": {"$type": "builtins.dict"}, "max_iter": 1000}


@pytest.fixture
def needing(tmp_path, acme, install):
    """A store with a release that needs acme's serializer, and its dist-info folder."""
    X, y = load_iris(return_X_y=True)
    registry = PluginRegistry(allow={"acme"})
    pipeline = maas.Pipeline("sklearn.LogisticRegression", ["acme.shift"], registry=registry).fit(X, y)
    publish(pipeline, acme, tmp_path / "m")
    return tmp_path / "m"


NEED = (
    r"acme/iris needs acme\.shift from maas-sdk-acme 1\.2: install it and allow it with "
    r'PluginRegistry\(allow=\{"acme"\}\)'
)


def test_a_serializer_that_is_allowed_is_used(needing, policy, acme):
    registry = PluginRegistry(allow={"acme"})
    loaded = maas.Pipeline.load("acme/iris", store=needing, trust=policy, identity=acme, registry=registry)
    assert type(loaded.chain_.steps[0][1]).__name__ == "Shift"


def test_loading_names_what_is_not_allowed_and_does_not_import_it(needing, policy, acme):
    for name in ("acme_plugin", "acme_shift"):
        del sys.modules[name]
    with pytest.raises(PluginNotAllowedError, match=NEED):
        maas.Pipeline.load("acme/iris", store=needing, trust=policy, identity=acme)
    assert "acme_plugin" not in sys.modules


def test_that_the_application_itself_uses_a_plugin_does_not_allow_it_to_artifacts(needing, policy, acme):
    registry = PluginRegistry()
    registry.create("preprocessor", "acme.shift")
    with pytest.raises(PluginNotAllowedError, match=NEED):
        maas.Pipeline.load("acme/iris", store=needing, trust=policy, identity=acme, registry=registry)


def test_loading_names_what_is_not_installed(needing, policy, acme, install):
    (install / "entry_points.txt").write_text("")
    registry = PluginRegistry(allow={"acme"})
    with pytest.raises(UnknownComponentError, match=NEED + r" \(no plugin 'acme'") as caught:
        maas.Pipeline.load("acme/iris", store=needing, trust=policy, identity=acme, registry=registry)
    assert caught.value.reference == "acme.shift"


def test_loading_names_a_serializer_that_knows_another_type_now(needing, policy, acme, install):
    site = install.parent
    (site / "acme_shift.py").write_text(SHIFT.replace("acme.Shift", "acme.Shift2") + "# longer\n")
    for name in ("acme_plugin", "acme_shift"):
        del sys.modules[name]
    registry = PluginRegistry(allow={"acme"})
    with pytest.raises(UnknownComponentError, match=r"acme\.shift .* does not know the type 'acme\.Shift'"):
        maas.Pipeline.load("acme/iris", store=needing, trust=policy, identity=acme, registry=registry)


def test_a_refused_signature_comes_before_any_plugin(needing, acme):
    with pytest.raises(maas.MaasError) as caught:
        maas.Pipeline.load("acme/iris", store=needing, trust=maas.Policy(), identity=acme)
    assert not isinstance(caught.value, PluginNotAllowedError)
