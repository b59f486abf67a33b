"""What leaves with a release: it is scanned before, accepted by name, signed, and judged by the receiver."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets, linear_model, neighbors, preprocessing, svm, tree
from sklearn.base import BaseEstimator, ClassifierMixin

import maas_sdk as maas
from maas_sdk.artifact import Disclosure, Disclosures
from maas_sdk.errors import DisclosureError, InvalidOptionError, MaasError, RefusedError
from maas_sdk.privacy import DisclosureReport, Finding, check_disclosures, disclosure_scan
from maas_sdk.trust import CheckStatus, TrustedKey

X, Y = datasets.load_iris(return_X_y=True)
NAMES = ["north", "south", "west"]
ROWS = "verbatim-rows:model._fit_X"


@pytest.fixture(scope="module")
def acme():
    return maas.Identity.generate("acme")


@pytest.fixture(scope="module")
def near():
    return maas.Pipeline(neighbors.KNeighborsClassifier(), [preprocessing.StandardScaler()]).fit(X, Y)


@pytest.fixture(scope="module")
def line():
    return maas.Pipeline(linear_model.LogisticRegression(max_iter=500)).fit(X, np.array(NAMES)[Y])


def policy_for(acme, **conditions):
    key = acme.public.public_key
    trusted = TrustedKey(name="acme", fingerprint=key.fingerprint, pem=key.pem)
    return maas.Policy().with_key("acme/*", trusted, require_sealed=False, **conditions)


def publish(pipeline, acme, store="memory:", **options):
    options = {"version": "1.0.0", "store": store, "signer": acme} | options
    return pipeline.publish("acme/iris", **options)


def test_rows_refuse_a_publication_and_the_message_says_how_to_go_on(near, acme, tmp_path):
    store = maas.open_store(tmp_path / "m")
    with pytest.raises(DisclosureError) as caught:
        publish(near, acme, store)
    message = str(caught.value)
    for words in (
        f"{ROWS} (high)",
        "150 rows",
        "prototypes for the rows",
        "desensitize",
        f"accept=['{ROWS}']",
    ):
        assert words in message
    assert isinstance(caught.value.report, DisclosureReport)
    assert isinstance(caught.value, MaasError)
    assert store.names() == []


def test_what_is_accepted_by_name_is_signed_into_the_release(near, acme, tmp_path):
    release = publish(near, acme, tmp_path / "m", accept=[ROWS], X_train=X)
    evidence = "150 rows, 150 of them equal to a row of X_train"
    assert release.disclosures == Disclosures(highest="high", accepted=[Disclosure(ROWS, "high", evidence)])
    again = maas.open_store(tmp_path / "m").open("acme/iris@1.0.0")
    assert again.disclosures == release.disclosures


def test_without_findings_above_it_nothing_need_be_accepted(line, acme):
    assert publish(line, acme).disclosures == Disclosures(highest="low")
    with pytest.raises(DisclosureError, match=r"labels:model\.classes_"):
        publish(line, acme, max_disclosure="none")
    named = publish(line, acme, max_disclosure="none", accept=["labels:model.classes_"])
    assert [each.name for each in named.disclosures.accepted] == ["labels:model.classes_"]


def test_all_may_be_let_go_and_the_release_says_how_grave_it_is(near, acme):
    assert publish(near, acme, max_disclosure="high").disclosures == Disclosures(highest="high")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_disclosure": "all"}, "max_disclosure is 'all'; it must be one of none, low, medium, high"),
        ({"accept": ["verbatim-rows:model.fit_X"]}, f"did you mean {ROWS}"),
        ({"accept": ["nothing like it"]}, f"found: {ROWS}"),
        ({"accept": ROWS}, "accept is a text"),
    ],
)
def test_a_wrong_acceptance_is_named(near, acme, options, reason):
    with pytest.raises(InvalidOptionError, match=reason):
        publish(near, acme, **options)


def test_a_long_refusal_is_cut_and_the_report_has_it_all():
    findings = [
        Finding(
            name=f"verbatim-rows:a{place}", severity="high", where=f"a{place}", estimator="A",
            what="rows", evidence="2 rows", remedy="none",
        )
        for place in range(20)
    ]  # fmt: skip
    report = DisclosureReport(findings=tuple(findings), n_estimators=1)
    with pytest.raises(DisclosureError, match="and 8 more") as caught:
        check_disclosures(report)
    assert len(caught.value.report.findings) == 20


def test_sample_inputs_are_a_finding_and_a_grave_one_when_they_are_training_rows(line, acme):
    release = publish(line, acme, selftest=X[:7])
    [finding] = disclosure_scan(release).above("low")
    assert (finding.name, finding.severity) == ("sample-inputs:selftest.safetensors", "medium")
    assert release.disclosures.highest == "medium"
    with pytest.raises(DisclosureError, match=r"sample-inputs.*7 of them equal"):
        publish(line, acme, selftest=X[:7], X_train=X)
    assert publish(line, acme, selftest=X[:7] + 0.01, X_train=X).disclosures.highest == "medium"


def test_names_of_people_in_texts_are_findings(line, acme):
    card = {"intended_use": "Ask alice@example.org.", "limitations": "See /home/alice/notes.md."}
    release = publish(line, acme, card=card, datasets={"/data/secret/train.csv": "sha256:" + "0" * 64})
    report = disclosure_scan(release)
    names = [finding.name for finding in report.findings]
    assert {"e-mail:card.md", "user-name:card.md", "path:datasets", "e-mail:card.html"} <= set(names)
    assert "alice" not in str(report)
    assert report.released
    assert not any("added to a release" in text for text in report.not_examined)


def test_a_release_is_scanned_as_what_was_published(near, line, acme):
    for pipeline, options in ((near, {"accept": [ROWS]}), (line, {})):
        release = publish(pipeline, acme, **options)
        ours = {finding.name: finding.severity for finding in disclosure_scan(pipeline).findings}
        theirs = {finding.name: finding.severity for finding in disclosure_scan(release).findings}
        assert theirs == ours
    assert (
        disclosure_scan(publish(near, acme, accept=[ROWS]), X)
        .findings[0]
        .evidence.startswith("150 rows, 150")
    )


def test_a_sealed_release_is_scanned_with_an_identity_and_verified_when_asked(near, acme):
    globex = maas.Identity.generate("globex")
    release = publish(near, acme, recipients=[globex.public], accept=[ROWS])
    assert disclosure_scan(release, identity=globex, trust=policy_for(acme)).highest == "high"
    with pytest.raises(MaasError):
        disclosure_scan(release, identity=maas.Identity.generate("initech"))
    with pytest.raises(RefusedError):
        disclosure_scan(release, identity=globex, trust=maas.Policy())


def test_leaves_of_a_release_that_left_their_counts_out_are_no_clean_scan(acme):
    pipeline = maas.Pipeline(tree.DecisionTreeClassifier(min_samples_leaf=20)).fit(X, Y)
    assert disclosure_scan(publish(pipeline, acme)).highest == "low"
    lean = disclosure_scan(publish(pipeline, acme, profile="inference"))
    [finding] = lean.above("low")
    assert finding.evidence.endswith("leaves, of which it is not told how many rows they hold")


class Opaque(ClassifierMixin, BaseEstimator):
    """A vendor's model of which nothing is known."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.table_ = np.asarray(X) * 2
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def test_a_model_that_cannot_be_examined_must_be_accepted_by_name(acme):
    pipeline = maas.Pipeline(Opaque()).fit(X, Y)
    with pytest.raises(DisclosureError, match=r"accept=\['not-examined:model'\]"):
        publish(pipeline, acme, allow=[Opaque])
    release = publish(pipeline, acme, allow=[Opaque], accept=["not-examined:model"])
    assert release.disclosures.highest == "high"
    assert publish(pipeline, acme, allow=[Opaque], X_train=X).disclosures.highest == "medium"
    assert disclosure_scan(release, allow=[Opaque]).unknown == ("model (Opaque)",)


# ---------------------------------------------------------------------------------------- the receiver


@pytest.mark.parametrize(("allowed", "passes"), [("medium", False), ("high", True), (None, True)])
def test_the_receiver_s_policy_sets_what_it_takes(near, acme, tmp_path, allowed, passes):
    bundle = publish(near, acme, tmp_path / "m", accept=[ROWS]).export(tmp_path / "iris.maas")
    trust = maas.Trust.create(tmp_path / "trust", policy=policy_for(acme, max_disclosure=allowed))
    verdict = maas.verify(bundle, trust=trust, first_use=["acme/iris"])
    [check] = [check for check in verdict.checks if check.name == "disclosure"]
    assert verdict.passed is passes
    assert f"accepted: {ROWS} (high: 150 rows, not compared)" in check.reason
    store = maas.open_store(tmp_path / "received")
    if not passes:
        with pytest.raises(RefusedError, match="disclosure"):
            store.import_bundle(bundle, trust=trust, first_use=["acme/iris"])
        return
    store.import_bundle(bundle, trust=trust, first_use=["acme/iris"])
    loaded = maas.Pipeline.load("acme/iris", store=store, trust=trust)
    np.testing.assert_array_equal(loaded.predict(X), near.predict(X))


def test_a_release_from_before_says_nothing_and_is_read_as_ever(acme, tmp_path):
    store = maas.open_store(tmp_path / "m")
    release = store.publish({"card.md": b"# x\n"}, name="acme/iris", version="1.0.0", signers=[acme.signer])
    assert release.disclosures is None
    verdict = release.verify(policy_for(acme))
    [check] = [check for check in verdict.checks if check.name == "disclosure"]
    assert check.status is CheckStatus.SKIPPED
    assert verdict.passed
    assert not release.verify(policy_for(acme, max_disclosure="high")).passed


def maas_command(*arguments, cwd):
    command = [sys.executable, "-m", "maas_sdk", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def folder(near, acme, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    publish(near, acme, folder / "m", accept=[ROWS])
    np.save(folder / "rows.npy", X)
    return folder


def test_the_command_line_scans_and_shows_what_was_accepted(folder):
    shown = maas_command("show", "m", "acme/iris", cwd=folder).stdout
    assert "high, the gravest" in shown
    assert f"{ROWS} (high: 150 rows, not compared)" in shown
    told = json.loads(maas_command("show", "m", "acme/iris", "--json", cwd=folder).stdout)["disclosures"]
    assert told["accepted"] == [{"name": ROWS, "severity": "high", "evidence": "150 rows, not compared"}]
    done = maas_command("scan", "m", "acme/iris", "--rows", "rows.npy", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert ROWS in done.stdout
    assert "150 of them equal" in done.stdout
    assert "not examined: what an attacker can infer" in done.stdout
    report = json.loads(maas_command("scan", "m", "acme/iris", "--json", cwd=folder).stdout)
    assert report["highest"] == "high"


@pytest.mark.parametrize(("level", "status"), [("high", 0), ("medium", 1), ("grave", 2)])
def test_the_exit_status_says_whether_more_leaves_than_allowed(folder, level, status):
    done = maas_command("scan", "m", "acme/iris", "--max-disclosure", level, cwd=folder)
    assert done.returncode == status, done.stderr


def test_support_vectors_of_a_bare_estimator_can_be_judged_for_a_store_too():
    report = disclosure_scan(svm.SVC().fit(X, Y), X)
    accepted = check_disclosures(report, accept=["verbatim-rows:support_vectors_"])
    assert accepted.highest == "high"
    assert accepted.accepted[0].evidence == report.findings[0].evidence


def test_a_part_that_is_no_text_is_not_examined(line, acme):
    store = maas.open_store("memory:")
    parts = {path: bytes(data) for path, data in publish(line, acme).read_parts().items()}
    release = store.publish(
        parts | {"extra.bin": b"\xff\xfe\x00"}, name="acme/iris", version="1.0.0", signers=[acme.signer]
    )
    assert "not-examined:extra.bin" in {finding.name for finding in disclosure_scan(release).above("medium")}


def test_a_release_whose_model_is_no_chain_is_refused(acme):
    from maas_sdk.errors import InvalidArtifactError
    from maas_sdk.serialization import dump_parts

    store = maas.open_store("memory:")
    parts = dump_parts(linear_model.LinearRegression().fit(X, Y))
    release = store.publish(parts, name="acme/iris", version="1.0.0", signers=[acme.signer])
    with pytest.raises(InvalidArtifactError, match="no chain of steps"):
        disclosure_scan(release)
