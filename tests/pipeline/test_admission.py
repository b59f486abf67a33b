"""What the receiver's policy allows a model to consist of."""

import pytest
from sklearn.datasets import load_iris

import maas_sdk as maas
from maas_sdk.errors import RefusedError
from maas_sdk.trust import CheckStatus, Policy, Trust, TrustedKey

X, y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def store():
    acme = maas.Identity.generate("acme")
    store = maas.open_store("memory:")
    pipeline = maas.Pipeline("sklearn.LogisticRegression", preprocessors=["sklearn.StandardScaler"])
    pipeline.fit(X, y).publish("acme/iris", version="1.0.0", store=store, signer=acme)
    store.acme = acme
    return store


def policy(store, **options):
    public = store.acme.public.public_key
    key = TrustedKey("acme", public.fingerprint, public.pem)
    return Policy().with_key("acme/*", key, require_sealed=False, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"components": ["sklearn.*"]},
        {"estimators": ["sklearn.Pipeline", "sklearn.StandardScaler", "sklearn.LogisticRegression"]},
        {"components": ["*"], "estimators": ["sklearn.*"]},
    ],
)
def test_what_is_allowed_is_loaded(store, options):
    pipeline = maas.Pipeline.load("acme/iris@1.0.0", store=store, trust=policy(store, **options))
    assert len(pipeline.predict(X)) == len(X)


@pytest.mark.parametrize(
    ("options", "check", "named"),
    [
        ({"components": ["sklearn.StandardScaler"]}, "components", "sklearn.LogisticRegression"),
        ({"components": []}, "components", "sklearn.StandardScaler"),
        ({"estimators": ["sklearn.Pipeline", "sklearn.StandardScaler"]}, "estimators", "LogisticRegression"),
        ({"estimators": []}, "estimators", "sklearn.Pipeline"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(store, options, check, named):
    with pytest.raises(RefusedError, match=named) as caught:
        maas.Pipeline.load("acme/iris@1.0.0", store=store, trust=policy(store, **options))
    verdict = caught.value.verdict
    assert [each.name for each in verdict.failures] == [check]
    assert {each.name for each in verdict.checks} == {"components", "estimators"}
    assert {each.status for each in verdict.checks} == {CheckStatus.FAILED, CheckStatus.SKIPPED}


def test_loading_and_refusing_to_load_are_written_down(store, tmp_path):
    trust = Trust.create(tmp_path / "trust", policy=policy(store))
    maas.Pipeline.load("acme/iris", store=store, trust=trust)
    trust.save_policy(policy(store, estimators=["maas.*"]))
    with pytest.raises(RefusedError):
        maas.Pipeline.load("acme/iris", store=store, trust=trust)
    found = [(entry.event, entry.outcome, entry.subject) for entry in trust.audit.entries()]
    assert found == [("load", "done", "acme/iris@1.0.0"), ("load", "refused", "acme/iris@1.0.0")]
