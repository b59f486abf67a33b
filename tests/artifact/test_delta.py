"""Thin bundles leave out what the receiver has, and say what they presume; nothing else may be missing."""

import json

import pytest
from attrs import evolve

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import sha256
from maas_sdk.artifact import Store, verify
from maas_sdk.artifact._bundles.bundle import write_bundle
from maas_sdk.artifact._bundles.delta import plan_export
from maas_sdk.artifact._bundles.pieces import MAX_PRESUMED
from maas_sdk.artifact._documents.progress import no_progress
from maas_sdk.errors import IncompleteError, InvalidOptionError, NotFoundError, RefusedError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.storage import MemoryBackend
from maas_sdk.trust import Trust

NAME = "acme/digits"
ONE = {"card.md": b"# digits\n", "model.json": b'{"nodes":[1]}', "tensors/000.safetensors": b"\1" * 50_000}
TWO = ONE | {"model.json": b'{"nodes":[2]}', "tensors/001.safetensors": b"\2" * 1000}


@pytest.fixture
def lax(tmp_path, organisations):
    return Trust.create(tmp_path / "lax", policy=organisations.policy(require_sealed=False))


@pytest.fixture
def releases(sender):
    """Two versions that share most of their bytes."""
    one = sender.publish("1.0.0", parts=ONE, recipients=[])
    return one, sender.publish("1.1.0", parts=TWO, recipients=[])


def plan(release, *have, strict=True):
    def read(digest):
        return release._source.read(digest, max_bytes=1 << 20)

    return plan_export(release._papers, have, read, limits=DEFAULT_LIMITS, strict=strict)


def thin(path, release, *have):
    found = plan(release, *have)
    write_bundle(
        path,
        release._papers,
        release._source,
        absent=found.absent,
        presumes=found.presumes,
        progress=no_progress,
    )
    return path


def index_of(items):
    return json.loads(items[1][1])


def test_a_delta_brings_what_is_missing_and_says_what_it_presumes(
    releases, receiver, lax, tmp_path, tar, sender
):
    one, two = releases
    receiver.import_bundle(sender.export(one), trust=lax, first_use=[NAME])
    path = thin(tmp_path / "delta.maas", two, one.manifest_digest)
    items = tar.entries(path)
    assert path.stat().st_size < two.export(tmp_path / "full.maas").stat().st_size - 50_000
    assert json.loads(index_of(items)["annotations"]["vnd.maas-sdk.presumes"]) == {
        "manifests": [one.manifest_digest]
    }
    assert b"\2" * 1000 in [data for _, data in items]
    imported = receiver.import_bundle(path, trust=lax)
    assert imported.read_parts() == TWO
    assert imported.export(tmp_path / "again.maas").read_bytes() == (tmp_path / "full.maas").read_bytes()


def test_a_delta_is_deterministic_and_a_full_bundle_says_nothing(releases, tmp_path, tar):
    one, two = releases
    first, second = (thin(tmp_path / f"{n}.maas", two, one.manifest_digest) for n in (1, 2))
    assert first.read_bytes() == second.read_bytes()
    assert "annotations" not in index_of(tar.entries(two.export(tmp_path / "full.maas")))


def test_a_thin_bundle_is_verified_for_what_it_has_and_the_verdict_says_the_rest(releases, tmp_path, lax):
    one, two = releases
    verdict = verify(thin(tmp_path / "d.maas", two, one.manifest_digest), trust=lax, first_use=[NAME])
    assert verdict.passed
    reason = {check.name: check.reason for check in verdict.checks}["contents"]
    assert reason.startswith("2 layers of 1013 bytes are what the manifest says; 2 layers are left out")
    assert one.manifest_digest in reason


def test_a_delta_to_whom_lacks_its_base_is_kept_and_completed_by_the_full_bundle(
    releases, receiver, lax, tmp_path
):
    one, two = releases
    path = thin(tmp_path / "d.maas", two, one.manifest_digest)
    with pytest.raises(IncompleteError, match="presumes that the store has") as caught:
        receiver.import_bundle(path, trust=lax, first_use=[NAME])
    error = caught.value
    assert set(error.missing) == {sha256(ONE["card.md"]), sha256(ONE["tensors/000.safetensors"])}
    assert error.volumes == ()
    assert error.verdict.passed
    assert one.manifest_digest in str(error)
    assert receiver.names() == []
    assert lax.ratchet.remembered(NAME) is None
    assert [key for key in receiver._backend.list("") if not key.startswith("blobs/")] == []
    assert len(list(receiver._backend.list("blobs/"))) == 2
    read = []
    receiver.import_bundle(
        two.export(tmp_path / "full.maas"),
        trust=lax,
        first_use=[NAME],
        progress=lambda _stage, done, _total: read.append(done),
    )
    assert receiver.open(NAME).read_parts() == TWO


def test_a_delta_can_have_no_layer_at_all(releases, receiver, lax, tmp_path, sender):
    one, _ = releases
    receiver.import_bundle(sender.export(one), trust=lax, first_use=[NAME])
    path = thin(tmp_path / "d.maas", one, one.manifest_digest)
    assert verify(path, trust=lax).passed
    assert receiver.import_bundle(path, trust=lax).identity == one.identity
    with pytest.raises(IncompleteError):
        Store(MemoryBackend()).import_bundle(path, trust=lax)


def test_only_manifests_that_help_are_presumed(sender):
    base = sender.publish("1.0.0", parts=ONE, recipients=[])
    same = sender.publish("1.0.1", parts=ONE | {"extra.md": b"x"}, recipients=[])
    other = sender.publish("1.0.2", parts={"other.md": b"other"}, recipients=[])
    two = sender.publish("1.1.0", parts=TWO, recipients=[])
    found = plan(two, base.manifest_digest, same.manifest_digest, other.manifest_digest)
    assert found.presumes == (min(base.manifest_digest, same.manifest_digest),)
    assert len(found.absent) == 2
    assert plan(two, other.manifest_digest) == plan(two)
    assert plan(two).absent == frozenset()


def test_what_the_store_does_not_know_is_an_error_or_counted(releases):
    _, two = releases
    unknown = "sha256:" + "0" * 64
    with pytest.raises(NotFoundError, match=f"does not know the manifest {unknown}"):
        plan(two, unknown)
    assert plan(two, unknown, strict=False).unknown == (unknown,)
    with pytest.raises(InvalidOptionError, match="not the digest"):
        plan(two, "acme/digits@1.0.0")
    with pytest.raises(InvalidOptionError, match="collection"):
        plan_export(two._papers, unknown, lambda _: b"", limits=DEFAULT_LIMITS)


@pytest.mark.parametrize("which", ["absent", "presumes"])
def test_a_bundle_that_leaves_out_and_presumes_nothing_is_not_written(releases, tmp_path, which):
    one, two = releases
    options = {
        "absent": {"absent": frozenset([two._papers.layers[0].digest])},
        "presumes": {"presumes": [one.manifest_digest]},
    }[which]
    with pytest.raises(InvalidOptionError, match="says what it presumes"):
        write_bundle(tmp_path / "x.maas", two._papers, two._source, progress=no_progress, **options)
    assert list(tmp_path.glob("x*")) == []


def _annotated(items, annotations):
    index = index_of(items)
    index["annotations"] = annotations
    return [items[0], ("index.json", strict_json.dumps(index)), *items[2:]]


def _presuming(*digests):
    return {"vnd.maas-sdk.presumes": strict_json.dumps({"manifests": list(digests)}).decode()}


MANY = MAX_PRESUMED + 1
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
LIES = {
    "a full bundle that presumes": (lambda items: _annotated(items, _presuming(A)), "no layer is left out"),
    "an unknown annotation": (lambda items: _annotated(items, {"more": "words"}), "unknown annotation"),
    "no annotation, but the field": (lambda items: _annotated(items, {}), "does not say"),
    "unsorted": (lambda items: _annotated(items[:-1], _presuming(B, A)), "must be sorted"),
    "twice": (lambda items: _annotated(items[:-1], _presuming(A, A)), "must be sorted"),
    "none": (lambda items: _annotated(items[:-1], _presuming()), "0 manifests are presumed"),
    "no digest": (lambda items: _annotated(items[:-1], _presuming("acme/digits")), "not sha256"),
    "too many": (
        lambda items: _annotated(items[:-1], _presuming(*(f"sha256:{n:064x}" for n in range(MANY)))),
        "can be",
    ),
    "white space": (
        lambda items: _annotated(
            items[:-1], {k: v.replace(":[", ": [") for k, v in _presuming(A).items()}
        ),
        "does not say",
    ),
    "no JSON": (lambda items: _annotated(items[:-1], {"vnd.maas-sdk.presumes": A}), "not strict JSON"),
    "a number": (lambda items: _annotated(items[:-1], {"vnd.maas-sdk.presumes": 7}), "expected str"),
    "a list": (lambda items: _annotated(items[:-1], {"vnd.maas-sdk.presumes": "[]"}), "expected an object"),
    "another order": (
        lambda items: _annotated([*items[:-3], items[-2], items[-3]], _presuming(A)),
        "not in the order",
    ),
    "something that nobody names": (
        lambda items: _annotated([*items[:-1], ("blobs/sha256/" + "00" * 32, b"more")], _presuming(A)),
        "no entry and has 4 bytes",
    ),
    "a document is left out": (lambda items: _annotated([*items[:3], *items[4:]], _presuming(A)), "missing"),
}  # fmt: skip


@pytest.mark.parametrize("what", LIES)
def test_a_thin_bundle_that_is_not_in_order_is_refused(sender, tar, failures, tmp_path, what, lax):
    change, reason = LIES[what]
    items = change(tar.entries(sender.bundle(parts=ONE, recipients=[])))
    path = tar.pack(tmp_path / "forged.maas", items)
    verdict = verify(path, trust=lax, first_use=[NAME])
    assert failures(verdict) == ["manifest"]
    assert reason in verdict.failures[0].reason
    store = Store(MemoryBackend())
    with pytest.raises(RefusedError):
        store.import_bundle(path, trust=lax, first_use=[NAME])
    assert list(store._backend.list("")) == []


def test_an_attacker_who_strips_a_layer_and_calls_it_a_delta_gets_nothing_in(
    sender, tar, tmp_path, lax, receiver
):
    """The annotation is not signed; whoever adds it makes a bundle that nobody can complete."""
    path = sender.bundle(parts=ONE, recipients=[])
    items = _annotated(tar.entries(path)[:-1], _presuming(A))
    with pytest.raises(IncompleteError, match=A):
        receiver.import_bundle(tar.pack(tmp_path / "thin.maas", items), trust=lax, first_use=[NAME])
    assert receiver.names() == []
    assert receiver.import_bundle(path, trust=lax, first_use=[NAME]).version == "1.0.0"


def test_a_thin_bundle_with_an_altered_layer_is_refused_and_leaves_nothing(
    releases, tar, tmp_path, lax, receiver, failures, sender
):
    one, two = releases
    receiver.import_bundle(sender.export(one), trust=lax, first_use=[NAME])
    before = list(receiver._backend.list(""))
    items = tar.entries(thin(tmp_path / "d.maas", two, one.manifest_digest))
    items[-1] = (items[-1][0], b"\3" * len(items[-1][1]))
    path = tar.pack(tmp_path / "forged.maas", items)
    assert failures(verify(path, trust=lax)) == ["contents"]
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(path, trust=lax)
    assert failures(caught.value.verdict) == ["contents"]
    assert list(receiver._backend.list("")) == before


def test_a_layer_that_the_store_has_with_another_size_is_not_taken_for_good(
    releases, tmp_path, lax, receiver, sender
):
    one, two = releases
    receiver.import_bundle(sender.export(one), trust=lax, first_use=[NAME])
    key = "blobs/" + sha256(ONE["tensors/000.safetensors"]).replace(":", "/")
    receiver._backend.delete(key)
    with receiver._backend.create(key) as file:
        file.write(b"damaged")
    with pytest.raises(RefusedError, match="fsck"):
        receiver.import_bundle(thin(tmp_path / "d.maas", two, one.manifest_digest), trust=lax)
    assert receiver.versions(NAME) == ["1.0.0"]


def test_sealed_layers_are_as_good_for_a_delta(sender, receiver, trust, tmp_path, organisations):
    """The same envelope again, of which the receiver has a part."""
    release = sender.publish(parts=TWO)
    full = sender.export(release)
    papers = release._papers
    absent = frozenset(layer.digest for layer in papers.layers[:2])
    path = tmp_path / "thin.maas"
    write_bundle(path, papers, release._source, absent=absent, presumes=[A], progress=no_progress)
    with pytest.raises(IncompleteError) as caught:
        receiver.import_bundle(path, trust=trust, first_use=[NAME])
    assert set(caught.value.missing) == absent
    told = []
    receiver.import_bundle(full, trust=trust, first_use=[NAME], progress=lambda *step: told.append(step))
    assert receiver.open(NAME).read_parts(identity=organisations.globex) == TWO
    assert told[-1][1] == told[-1][2]


def test_a_layer_that_the_manifest_names_cannot_be_left_out_silently(sender, tmp_path, lax, failures):
    release = sender.publish(parts=ONE, recipients=[])
    papers = evolve(release._papers, layers=release._papers.layers[:-1])
    path = tmp_path / "x.maas"
    write_bundle(path, papers, release._source, progress=no_progress)
    assert failures(verify(path, trust=lax, first_use=[NAME])) == ["manifest"]


def test_the_delta_of_a_sealed_release_is_small(sender, receiver, trust, tmp_path, organisations):
    one = sender.publish("1.0.0", parts=ONE)
    receiver.import_bundle(sender.export(one), trust=trust, first_use=[NAME])
    two = sender.publish("1.1.0", parts=TWO)
    path = two.export(tmp_path / "delta.maas", have=one)
    assert path.stat().st_size < sender.export(two).stat().st_size - 50_000
    imported = receiver.import_bundle(path, trust=trust, recipient=organisations.globex)
    assert imported.read_parts(identity=organisations.globex) == TWO


def test_a_release_or_its_digest_can_be_had(releases, tmp_path):
    one, two = releases
    by_release = two.export(tmp_path / "a.maas", have=one).read_bytes()
    assert two.export(tmp_path / "b.maas", have=one.manifest_digest).read_bytes() == by_release
    assert two.export(tmp_path / "c.maas", have=[one, two]).stat().st_size < len(by_release)
