"""Both sides of an exchange, through the public face."""

import errno
import json
import os

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import DBSCAN
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import maas_sdk as maas
from maas_sdk.errors import (
    BundleError,
    DisclosureError,
    InvalidArtifactError,
    InvalidOptionError,
    InvalidReferenceError,
    NoMatchError,
    NotFoundError,
    RefusedError,
    SelfTestError,
    StorageError,
    StorageFullError,
    UnsupportedModelError,
    VersionExistsError,
)
from maas_sdk.signing import PublicKey, verify_folder
from maas_sdk.trust import TrustedKey


@pytest.fixture(scope="module")
def acme():
    return maas.Identity.generate("acme")


@pytest.fixture(scope="module")
def globex():
    return maas.Identity.generate("globex")


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def pipeline(iris):
    model = ("mlp_classifier", {"hidden_layer_sizes": (8,), "tol": 1e-2, "random_state": 0})
    return maas.Pipeline(model, ["standard_scaler"], ("adam", {"learning_rate": 0.02})).fit(*iris)


@pytest.fixture
def trust(tmp_path, acme):
    key = acme.public.public_key
    policy = maas.Policy().with_key(
        "acme/*", TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem)
    )
    return maas.Trust.create(tmp_path / "trust", policy=policy)


def publish(pipeline, acme, store, version="1.0.0", **options):
    return pipeline.publish("acme/iris", version=version, store=store, signer=acme, **options)


def test_a_sealed_release_predicts_at_the_receiver_bit_for_bit(tmp_path, pipeline, acme, globex, trust, iris):
    X, _ = iris
    release = publish(
        pipeline, acme, tmp_path / "models", recipients=[globex.public], selftest=X[:5],
        evaluation=pipeline.evaluate(*iris), card={"intended_use": "Irises."},
    )  # fmt: skip
    bundle = release.export(tmp_path / "iris.maas")
    verdict = maas.verify(bundle, trust=trust, first_use=["acme/iris"], recipient=globex.public)
    assert verdict.passed, str(verdict)
    store = maas.open_store(tmp_path / "received")
    store.import_bundle(bundle, trust=trust, first_use=["acme/iris"], recipient=globex.public)
    loaded = maas.Pipeline.load("acme/iris@^1.0", store=store, trust=trust, identity=globex)
    assert loaded.selftest_.identical
    assert loaded.predict_proba(X).tobytes() == pipeline.predict_proba(X).tobytes()
    assert loaded.n_features_in_ == 4
    assert list(loaded.classes_) == [0, 1, 2]
    again = publish(loaded, acme, tmp_path / "models", "1.0.1")
    assert again.previous == release.identity


def test_the_publisher_can_open_what_it_sealed_unless_told_otherwise(tmp_path, pipeline, acme, globex, trust):
    store = maas.open_store(tmp_path / "models")
    publish(pipeline, acme, store, recipients=[globex.public])
    publish(
        pipeline, acme, store, "2.0.0", recipients=[str(globex.public.recipient)], include_publisher=False
    )
    maas.Pipeline.load("acme/iris@1.0.0", store=store, trust=trust, identity=acme)
    with pytest.raises((NoMatchError, RefusedError), match=r"recipient|sealed for"):
        maas.Pipeline.load("acme/iris@2.0.0", store=store, trust=trust, identity=acme)


@pytest.mark.parametrize(
    "model",
    [
        ("sklearn.RandomForestClassifier", {"n_estimators": 5, "random_state": 0}),
        "logistic_classifier",
        ("sklearn.LogisticRegression", {"C": 0.5}),
        ("sklearn.HistGradientBoostingClassifier", {"max_iter": 5}),
    ],
)
def test_other_models_travel_too(tmp_path, model, acme, trust, iris):
    X, y = iris
    labels = np.array(["setosa", "versicolor", "virginica"])[y]
    fitted = maas.Pipeline(model, ["standard_scaler"]).fit(X, labels)
    publish(fitted, acme, tmp_path / "m", recipients=[acme.public], selftest=X[::30])
    loaded = maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=trust, identity=acme)
    assert loaded.selftest_.identical
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


def test_a_regressor_travels(tmp_path, acme, trust):
    X, y = load_diabetes(return_X_y=True)
    fitted = maas.Pipeline("sklearn.GradientBoostingRegressor", ["pca"]).fit(X, y)
    publish(fitted, acme, tmp_path / "m", recipients=[acme.public], selftest=X[:9])
    loaded = maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=trust, identity=acme)
    assert loaded.predict(X).tobytes() == fitted.predict(X).tobytes()


def test_the_parts_can_be_checked_by_the_stock_format_of_model_signing(tmp_path, pipeline, acme):
    release = publish(pipeline, acme, "memory:")
    folder = tmp_path / "unpacked"
    for path, data in release.read_parts().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    key = PublicKey.from_pem(acme.public.public_key.pem)
    signed = verify_folder(folder, folder / "model.sig", [key])
    assert {"model.json", "tensors/000.safetensors"} <= {file.name for file in signed.files}
    card = (folder / "card.md").read_text()
    assert "acme/iris 1.0.0" in card
    assert "150" in card
    schema = json.loads((folder / "schema.json").read_text())
    assert (schema["n_features"], schema["dtype"], schema["classes"]) == (4, "float64", [0, 1, 2])
    assert json.loads((folder / "environment.json").read_text())["components"] == [
        "mlp_classifier",
        "standard_scaler",
    ]


def test_an_unsealed_release_needs_a_policy_that_allows_it(tmp_path, pipeline, acme, trust):
    publish(pipeline, acme, tmp_path / "m")
    with pytest.raises(RefusedError, match="seal"):
        maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=trust)


def test_a_published_version_never_changes(tmp_path, pipeline, acme):
    publish(pipeline, acme, tmp_path / "m")
    with pytest.raises(VersionExistsError, match=r"1\.0\.0"):
        publish(pipeline, acme, tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"name": "Acme/Iris"}, InvalidReferenceError, "Acme"),
        ({"name": "iris"}, InvalidReferenceError, "publisher/model"),
        ({"version": "1.0"}, InvalidReferenceError, r"1\.0"),
        ({"signer": "acme"}, InvalidOptionError, "Identity or a Signer"),
        ({"recipients": ["age1nonsense"]}, maas.MaasError, "key holds characters"),
        ({"card": {"author": "x"}}, InvalidOptionError, "intended_use"),
        ({"created": "yesterday"}, maas.MaasError, "yesterday"),
        ({"selftest": np.zeros((2, 3))}, ValueError, "3 features"),
        ({"store": "acme.s3:bucket"}, maas.MaasError, "acme"),
        ({"sealer": "gpg", "recipients": []}, maas.MaasError, "gpg"),
    ],
)
def test_what_cannot_be_published_is_refused_and_leaves_no_version(
    tmp_path, pipeline, acme, change, error, words
):
    store = maas.open_store(tmp_path / "m")
    arguments = {"name": "acme/iris", "version": "1.0.0", "store": store, "signer": acme, **change}
    with pytest.raises(error, match=words):
        pipeline.publish(arguments.pop("name"), **arguments)
    assert store.names() == []


def test_a_model_without_a_safe_serialization_is_named(acme, iris):
    class Unknown(LogisticRegression):
        pass

    fitted = maas.Pipeline(Unknown(max_iter=500)).fit(*iris)
    with pytest.raises(UnsupportedModelError, match="Unknown is known; declare it with allow="):
        publish(fitted, acme, "memory:")


def test_what_is_no_model_at_all_is_refused_before_anything_is_fitted():
    with pytest.raises(InvalidOptionError, match="model must be"):
        maas.Pipeline(DBSCAN()).fit([[0.0], [1.0]])


def test_a_full_disk_during_publish_leaves_no_version_and_the_next_try_works(
    tmp_path, pipeline, acme, monkeypatch
):
    store = maas.open_store(tmp_path / "m")
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFullError, match="No space left"):
            publish(pipeline, acme, store)
    assert store.names() == []
    assert publish(pipeline, acme, store).version == "1.0.0"


def test_ctrl_c_during_publish_leaves_no_version_and_the_next_try_works(tmp_path, pipeline, acme, globex):
    store = maas.open_store(tmp_path / "m")

    def interrupt(_stage, done, _total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(pipeline, acme, store, recipients=[globex.public], progress=interrupt)
    assert store.names() == []
    assert not list((tmp_path / "m").rglob("*.tmp"))
    assert publish(pipeline, acme, store, recipients=[globex.public]).sequence >= 1


def test_a_truncated_bundle_is_refused_and_nothing_of_it_is_kept(tmp_path, pipeline, acme, trust):
    bundle = publish(pipeline, acme, "memory:", recipients=[acme.public]).export(tmp_path / "iris.maas")
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[: len(whole) * 2 // 3])
    store = maas.open_store(tmp_path / "received")
    with pytest.raises((RefusedError, BundleError), match=r"bundle|truncated|ends"):
        store.import_bundle(bundle, trust=trust, first_use=["acme/iris"])
    assert store.names() == []


def test_what_is_not_there_is_named(tmp_path, trust):
    with pytest.raises(NotFoundError, match="nowhere"):
        maas.Pipeline.load("acme/iris@1.0.0", store=tmp_path / "nowhere", trust=trust)
    with pytest.raises(NotFoundError, match="acme/iris"):
        maas.Pipeline.load("acme/iris@1.0.0", store=maas.open_store(tmp_path / "empty"), trust=trust)
    with pytest.raises((NotFoundError, StorageError), match="missing"):
        maas.verify(tmp_path / "missing.maas", trust=trust)


def test_a_self_test_that_fails_is_an_error_with_the_report(
    tmp_path, pipeline, acme, trust, monkeypatch, iris
):
    publish(pipeline, acme, tmp_path / "m", recipients=[acme.public], selftest=iris[0][:5])
    from maas_sdk.learning import MLPClassifier

    honest = MLPClassifier.predict_proba
    monkeypatch.setattr(MLPClassifier, "predict_proba", lambda self, X: honest(self, X) * 0.99)
    with pytest.raises(SelfTestError, match="selftest_tolerance") as caught:
        maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=trust, identity=acme)
    assert caught.value.report.n_rows == 5
    assert "it was made with the versions that are here; " in str(caught.value)
    with monkeypatch.context() as context:
        context.setattr("platform.python_version", lambda: "3.99.0")
        with pytest.raises(
            SelfTestError, match=r"it was made with python 3\.[0-9.]+ \(here 3\.99\.0\); self"
        ):
            maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=trust, identity=acme)
    loaded = maas.Pipeline.load(
        "acme/iris", store=tmp_path / "m", trust=trust, identity=acme, selftest_tolerance=0.1
    )
    assert not loaded.selftest_.identical


def test_a_post_quantum_release_needs_both_halves_of_the_key(tmp_path, pipeline):
    acme = maas.Identity.generate("acme", post_quantum=True)
    globex = maas.Identity.generate("globex", post_quantum=True)
    publish(pipeline, acme, tmp_path / "m", recipients=[globex.public])
    key = acme.public.public_key
    both = TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem)
    policy = maas.Policy().with_key("acme/*", both)
    loaded = maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=policy, identity=globex)
    assert loaded.chain_.steps
    end = "-----END PUBLIC KEY-----\n"
    classic = PublicKey.from_pem(key.pem.partition(end)[0] + end)
    half = TrustedKey(name="acme", fingerprint=classic.fingerprint, pem=classic.pem)
    with pytest.raises(RefusedError, match="signature"):
        maas.Pipeline.load(
            "acme/iris", store=tmp_path / "m", trust=maas.Policy().with_key("acme/*", half), identity=globex
        )


def test_a_release_for_inference_is_smaller_and_says_what_it_left_out(tmp_path, acme, globex, trust, iris):
    X, y = iris
    forest = maas.Pipeline(RandomForestClassifier(20, random_state=0)).fit(X, y)
    sizes = {}
    for version, options in (
        ("1.0.0", {}),
        ("1.1.0", {"profile": "inference"}),
        ("1.2.0", {"profile": "inference", "zstd": True}),
    ):
        release = publish(
            forest, acme, tmp_path / "models", version, recipients=[globex.public], selftest=X[:5], **options
        )
        bundle = release.export(tmp_path / f"{version}.maas")
        store = maas.open_store(tmp_path / version)
        store.import_bundle(bundle, trust=trust, first_use=["acme/iris"])
        loaded = maas.Pipeline.load(f"acme/iris@{version}", store=store, trust=trust, identity=globex)
        assert loaded.selftest_.identical
        np.testing.assert_array_equal(loaded.predict_proba(X), forest.predict_proba(X))
        assert hasattr(loaded.chain_[-1], "feature_importances_") == (version == "1.0.0")
        sizes[version] = bundle.stat().st_size
    assert sizes["1.0.0"] > sizes["1.1.0"] > sizes["1.2.0"]


class Shift(TransformerMixin, BaseEstimator):
    """A vendor's transformer, which nobody has written a serializer for."""

    def __init__(self, by=1.0, how=None):
        self.by = by
        self.how = how

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        self.least_ = np.min(X, axis=0)
        return self

    def transform(self, X):
        return (self.how or np.add)(X - self.least_, self.by)


def shifted(X, by):
    return X + 2 * by


def test_a_class_that_the_application_allows_travels_and_no_other_does(tmp_path, acme, iris):
    X, y = iris
    pipeline = maas.Pipeline(LogisticRegression(max_iter=500), [Shift(2.0, shifted)]).fit(X, y)
    with pytest.raises(UnsupportedModelError, match="Shift is known; declare it with allow="):
        publish(pipeline, acme, tmp_path / "models")
    with pytest.raises(UnsupportedModelError, match="shifted"):
        publish(pipeline, acme, tmp_path / "models", allow=[Shift])
    with pytest.raises(DisclosureError, match="not-examined:preprocessors"):
        publish(pipeline, acme, tmp_path / "models", allow=[Shift, shifted])
    publish(
        pipeline, acme, tmp_path / "models", allow=[Shift, shifted], accept=["not-examined:preprocessors[0]"]
    )
    key = acme.public.public_key
    trusted = TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem)
    policy = maas.Policy().with_key("acme/*", trusted, require_sealed=False)
    where = {"store": tmp_path / "models", "trust": policy}
    for allow in ([], [Shift], [shifted]):
        with pytest.raises(InvalidArtifactError):
            maas.Pipeline.load("acme/iris@1.0.0", allow=allow, **where)
    loaded = maas.Pipeline.load("acme/iris@1.0.0", allow=[Shift, shifted], **where)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))


def test_an_unpacked_release_can_be_checked_by_the_stock_format_too(tmp_path, pipeline, acme, globex):
    release = publish(pipeline, acme, "memory:", recipients=[globex.public])
    folder = release.unpack(tmp_path / "unpacked", identity=globex)
    signed = verify_folder(folder, folder / "model.sig", [PublicKey.from_pem(acme.public.public_key.pem)])
    assert {file.name for file in signed.files} | {"model.sig"} == {part.path for part in release.parts}


def test_the_arrays_are_published_from_where_they_are(tmp_path, pipeline, acme, monkeypatch):
    given = {}
    original = maas.Store.publish
    monkeypatch.setattr(
        maas.Store,
        "publish",
        lambda store, parts, **more: (given.update(parts), original(store, parts, **more))[1],
    )
    publish(pipeline, acme, "memory:")
    pieces = [piece for path, part in given.items() if path.startswith("tensors/") for piece in part]
    weights = pipeline.chain_[-1].coefs_[0]
    assert any(np.shares_memory(np.frombuffer(piece, np.uint8), weights) for piece in pieces if len(piece))


def test_lineage_and_figures_travel(tmp_path, pipeline, acme):
    store = maas.open_store(tmp_path / "models")
    first = publish(pipeline, acme, store)
    digest = "sha256:" + "ab" * 32
    second = publish(
        pipeline, acme, store, "1.1.0",
        parents=["acme/iris@1.0.0"], datasets={"iris": digest}, metrics={"accuracy": 0.97},
    )  # fmt: skip
    assert (second.parents, second.datasets) == ((first.identity,), {"iris": digest})
    assert (first.metrics, second.metrics) == ({}, {"accuracy": 0.97})


@pytest.mark.parametrize("sealed", [True, False])
def test_a_model_can_stay_in_its_files(tmp_path, acme, trust, sealed):
    X = np.random.default_rng(0).standard_normal((400, 30))
    fitted = maas.Pipeline("sklearn.KNeighborsRegressor").fit(X, X[:, 0])
    publish(
        fitted, acme, tmp_path / "m", recipients=[acme.public] if sealed else [], selftest=X[:9],
        accept=["verbatim-rows:model._fit_X"],
    )  # fmt: skip
    key = acme.public.public_key
    policy = maas.Policy().with_key(
        "acme/*", TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem), require_sealed=sealed
    )
    for mode in (None, "r"):
        loaded = maas.Pipeline.load(
            "acme/iris", store=tmp_path / "m", trust=policy, identity=acme, mmap_mode=mode
        )
        assert loaded.predict(X).tobytes() == fitted.predict(X).tobytes()
    with pytest.raises(InvalidOptionError, match="mmap_mode"):
        maas.Pipeline.load("acme/iris", store=tmp_path / "m", trust=policy, mmap_mode="r+")
