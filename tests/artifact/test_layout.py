"""Layouts that other tools wrote become bundles, nothing else of them does; a store reads as a layout."""

import json
import os
import shutil
from pathlib import Path

import pytest

from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk.artifact import Store, pack_layout, verify, write_index
from maas_sdk.artifact._bundles.bundle import write_bundle
from maas_sdk.artifact._documents import oci
from maas_sdk.errors import (
    DigestMismatchError,
    InvalidArtifactError,
    InvalidOptionError,
    InvalidReferenceError,
    LimitExceededError,
    NotFoundError,
    StorageError,
)
from maas_sdk.limits import Limits
from maas_sdk.storage import LocalBackend

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE = {
    "schemaVersion": 2,
    "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "11" * 32, "size": 2,
    },
    "layers": [],
}  # fmt: skip


class Layout:
    """A layout in a folder, as a registry's tool writes it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, items):
        for name, data in items:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    @property
    def index(self):
        return json.loads((self.folder / "index.json").read_bytes())

    @index.setter
    def index(self, document):
        (self.folder / "index.json").write_text(json.dumps(document, indent=1))

    @property
    def manifests(self):
        return self.index["manifests"]

    @manifests.setter
    def manifests(self, manifests):
        self.index = self.index | {"manifests": manifests}

    def put(self, data: bytes, **more):
        """Keep a blob and give what describes it."""
        digest = sha256(data)
        self.blob(digest).write_bytes(data)
        return {"mediaType": oci.MANIFEST_TYPE, "digest": digest, "size": len(data)} | more

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs/sha256" / hex_of(digest)

    def model(self):
        return json.loads(self.blob(self.manifests[0]["digest"]).read_bytes())


@pytest.fixture
def bundle(sender):
    return sender.bundle()


@pytest.fixture
def layout(tmp_path, bundle, tar):
    layout = Layout(tmp_path / "layout")
    layout.add(tar.entries(bundle))
    # As skopeo writes it: no media type, another order of keys, white space.
    layout.index = {"schemaVersion": 2, "manifests": list(reversed(layout.manifests))[::-1]}
    (layout.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return layout


@pytest.fixture
def out(tmp_path):
    return tmp_path / "again.maas"


@pytest.mark.parametrize("recipients", [None, []])
def test_a_layout_gives_the_very_bundle_that_its_sender_exported(sender, tar, tmp_path, out, recipients):
    path = sender.bundle(recipients=recipients)
    layout = Layout(tmp_path / "layout")
    layout.add(tar.entries(path))
    assert pack_layout(layout.folder, out) == out
    assert out.read_bytes() == path.read_bytes()


def test_notices_come_along(sender, tmp_path, tar, out):
    release = sender.publish()
    papers = release._papers.with_notices([(kind, b"not looked at") for kind in oci.NOTICES])
    path = tmp_path / "with-notices.maas"
    write_bundle(path, papers, release._source, progress=lambda *_: None)
    layout = Layout(tmp_path / "layout")
    layout.add(tar.entries(path))
    layout.manifests = list(reversed(layout.manifests))
    pack_layout(layout.folder, out)
    assert out.read_bytes() == path.read_bytes()


def test_the_bundle_is_verified_and_imported_like_any_other(layout, out, receiver, trust, organisations):
    pack_layout(layout.folder, out)
    release = receiver.import_bundle(
        out, trust=trust, first_use=["acme/digits"], recipient=organisations.globex
    )
    assert release.read_parts(identity=organisations.globex)["card.md"] == b"# digits\n"


def test_a_forged_layout_gives_a_bundle_that_is_refused(
    sender, tar, tmp_path, out, trust, organisations, failures
):
    path = sender.bundle(signers=[organisations.initech.signer])
    layout = Layout(tmp_path / "layout")
    layout.add(tar.entries(path))
    pack_layout(layout.folder, out)
    assert failures(verify(out, trust=trust, first_use=["acme/digits"])) == ["signature"]


def test_what_else_the_layout_holds_stays_out(layout, bundle, out):
    image = layout.put(
        json.dumps(IMAGE).encode(), annotations={REF_NAME: "alpine:3"}, platform={"os": "linux"}
    )
    subject = layout.manifests[0]
    theirs = {**IMAGE, "artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json", "subject": subject}
    other = {**IMAGE, "artifactType": oci.RELEASE_SIGNATURE, "subject": image}
    nested = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": "sha512:x", "size": -1}
    layout.manifests = [
        nested,
        image,
        layout.put(json.dumps(theirs).encode(), artifactType="x"),
        layout.put(json.dumps(other).encode()),
        layout.put(json.dumps({**IMAGE, "artifactType": oci.RELEASE_SIGNATURE}).encode()),
        layout.put(b"[]"),
        *reversed(layout.manifests),
        *layout.manifests,
    ]
    layout.put(b"nobody names it")
    (layout.folder / "README").write_text("something else")
    pack_layout(layout.folder, out)
    assert out.read_bytes() == bundle.read_bytes()


def test_the_release_is_named_when_there_are_several(sender, layout, tar, bundle, out):
    newer = sender.bundle("1.1.0")
    items = tar.entries(newer)
    layout.add([item for item in items if item[0].startswith("blobs/")])
    layout.manifests += json.loads(items[1][1])["manifests"]
    with pytest.raises(InvalidOptionError, match=r"acme/digits@1\.0\.0 .*acme/digits@1\.1\.0 .*say which"):
        pack_layout(layout.folder, out)
    with pytest.raises(NotFoundError, match=r"no acme/digits@2\.0\.0; it has acme/digits@1\.0\.0"):
        pack_layout(layout.folder, out, reference="acme/digits@2.0.0")
    assert not out.exists()
    pack_layout(layout.folder, out, reference="acme/digits@1.1.0")
    assert out.read_bytes() == newer.read_bytes()
    pack_layout(layout.folder, out, reference=layout.manifests[0]["digest"])
    assert out.read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize("reference", ["acme/digits", "acme/digits@^1", "acme/digits@sha256:" + "11" * 32])
def test_a_reference_must_name_one_release(layout, out, reference):
    with pytest.raises(InvalidReferenceError, match="leaves open"):
        pack_layout(layout.folder, out, reference=reference)


def test_progress_is_told_and_an_interruption_leaves_the_old_file(layout, out):
    out.write_bytes(b"old")

    def unplugged(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_layout(layout.folder, out, progress=unplugged)
    assert out.read_bytes() == b"old"
    assert not [path for path in out.parent.iterdir() if path.name.endswith(".tmp")]
    told = []
    pack_layout(layout.folder, out, progress=lambda *step: told.append(step))
    assert told[-1] == ("export", told[-1][2], told[-1][2])


def _alter(path: Path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _link(path: Path):
    elsewhere = path.with_name(path.name + ".elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _fifo(path: Path):
    path.unlink()
    os.mkfifo(path)


def _grow(path: Path):
    os.truncate(path, 1 << 40)  # sparse


def _last_layer(layout):
    return layout.blob(layout.model()["layers"][-1]["digest"])


def _first_manifest(layout):
    return layout.blob(layout.manifests[0]["digest"])


def _entry(**change):
    def spoil(layout):
        first, *rest = layout.manifests
        layout.manifests = [first | change, *rest]

    return spoil


HOSTILE = {
    "a layer that was altered": (lambda x: _alter(_last_layer(x)), DigestMismatchError, "altered"),
    "a layer that is missing": (lambda x: _last_layer(x).unlink(), DigestMismatchError, "missing"),
    "a layer without end": (lambda x: _grow(_last_layer(x)), DigestMismatchError, "has not the"),
    "a layer that is a link": (lambda x: _link(_last_layer(x)), StorageError, "not a regular file"),
    "a layer that is a pipe": (lambda x: _fifo(_last_layer(x)), StorageError, "not a regular file"),
    "a manifest that was altered": (lambda x: _alter(_first_manifest(x)), DigestMismatchError, "hash"),
    "a manifest that is missing": (lambda x: _first_manifest(x).unlink(), NotFoundError, "is not in"),
    "a manifest without end": (lambda x: _grow(_first_manifest(x)), LimitExceededError, "larger"),
    "a manifest that is a link": (lambda x: _link(_first_manifest(x)), StorageError, "not a regular file"),
    "blobs that are a link": (lambda x: _link(x.folder / "blobs"), StorageError, "symbolic link"),
    "an index that is a link": (lambda x: _link(x.folder / "index.json"), StorageError, "not a regular"),
    "an index without end": (lambda x: _grow(x.folder / "index.json"), LimitExceededError, "index.json"),
    "no index": (lambda x: (x.folder / "index.json").unlink(), NotFoundError, "index.json is not in"),
    "an index that is a list": (lambda x: setattr(x, "index", []), InvalidArtifactError, "does not list"),
    "an index without manifests": (lambda x: setattr(x, "index", {}), InvalidArtifactError, "does not list"),
    "an index of numbers": (lambda x: setattr(x, "manifests", [1]), InvalidArtifactError, "does not list"),
    "an index with a key twice": (
        lambda x: (x.folder / "index.json").write_text('{"manifests":[],"manifests":[]}'),
        InvalidArtifactError,
        "appears twice",
    ),
    "no model": (lambda x: setattr(x, "manifests", x.manifests[1:]), NotFoundError, "holds no model"),
    "no signature": (lambda x: setattr(x, "manifests", x.manifests[:1]), InvalidArtifactError, "signature"),
    "too many manifests": (lambda x: setattr(x, "manifests", x.manifests * 400), LimitExceededError, "1200"),
    "a digest that climbs": (_entry(digest="sha256:../../etc/passwd"), InvalidArtifactError, "digest and"),
    "a digest that is a number": (_entry(digest=1), InvalidArtifactError, "digest and"),
    "a size below nothing": (_entry(size=-1), InvalidArtifactError, "without digest and size"),
    "a size that is true": (_entry(size=True), InvalidArtifactError, "without digest and size"),
    "a size that is too small": (_entry(size=3), LimitExceededError, "larger than the 3 bytes"),
    "a size that is too large": (_entry(size=1 << 20), InvalidArtifactError, "1048576 are declared"),
    "a size that no document has": (_entry(size=1 << 40), LimitExceededError, "are allowed"),
    "no oci-layout": (lambda x: (x.folder / "oci-layout").unlink(), NotFoundError, "oci-layout is not in"),
    "another layout": (
        lambda x: (x.folder / "oci-layout").write_text('{"imageLayoutVersion":"2.0.0"}'),
        InvalidArtifactError,
        "OCI image layout 1.0.0",
    ),
    "a layout that is no object": (
        lambda x: (x.folder / "oci-layout").write_text("1"), InvalidArtifactError, "OCI image layout",
    ),
    "no folder": (lambda x: shutil.rmtree(x.folder), NotFoundError, "layout"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_layout_is_refused_and_leaves_nothing(layout, out, what):
    spoil, error, reason = HOSTILE[what]
    spoil(layout)
    before = set(out.parent.iterdir())
    with pytest.raises(error, match=reason):
        pack_layout(layout.folder, out)
    assert set(out.parent.iterdir()) == before


def test_a_model_of_another_form_or_a_twin_signature_is_refused(layout, out):
    first, *rest = layout.manifests
    document = layout.model() | {"more": 1}
    layout.manifests = [layout.put(json.dumps(document).encode())]
    with pytest.raises(InvalidArtifactError, match="unknown key"):
        pack_layout(layout.folder, out)
    referrer = json.loads(layout.blob(rest[0]["digest"]).read_bytes())
    envelope = layout.put(b"{}", mediaType="application/vnd.dsse.envelope.v1+json")
    subject = {key: first[key] for key in ("mediaType", "digest", "size")}
    twin = oci.build_referrer(
        referrer["artifactType"],
        subject=oci.OciDescriptor(**subject),
        envelope=oci.OciDescriptor(**envelope),
    )
    layout.manifests = [first, *rest, layout.put(twin)]
    with pytest.raises(InvalidArtifactError, match="two signatures"):
        pack_layout(layout.folder, out)


def test_limits_hold_for_a_layout(layout, out):
    for limits in (Limits(max_bundle_entries=2), Limits(max_json_bytes=600), Limits(max_part_bytes=100)):
        with pytest.raises(LimitExceededError):
            pack_layout(layout.folder, out, limits=limits)


@pytest.fixture
def store(sender, tmp_path):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    for version in ("1.0.0", "1.10.0", "1.9.0-rc.1+build.7"):
        sender.publish(version, recipients=[] if version == "1.10.0" else None)
    sender.publish("0.1.0", name="acme/other")
    return tmp_path / "store"


def _referenced(folder: Path) -> set[str]:
    """Follow an index as OCI's tools do."""
    found = set()
    layout = Layout(folder)
    for descriptor in layout.manifests:
        manifest = json.loads(layout.blob(descriptor["digest"]).read_bytes())
        found |= {x["digest"] for x in (descriptor, manifest["config"], *manifest["layers"])}
    return found


def test_the_index_of_a_store_names_every_version_and_reaches_every_blob(store):
    assert write_index(store) == store / "index.json"
    index = Layout(store).index
    assert index.keys() == {"schemaVersion", "mediaType", "manifests"}
    tags = [each["annotations"][REF_NAME] for each in index["manifests"]]
    assert tags == [
        "acme/digits:1.0.0", "acme/digits:release-1.0.0", "acme/digits:sealing-1.0.0",
        "acme/digits:1.9.0-rc.1_build.7", "acme/digits:release-1.9.0-rc.1_build.7",
        "acme/digits:sealing-1.9.0-rc.1_build.7",
        "acme/digits:1.10.0", "acme/digits:release-1.10.0",
        "acme/other:0.1.0", "acme/other:release-0.1.0", "acme/other:sealing-0.1.0",
    ]  # fmt: skip
    assert _referenced(store) == {f"sha256:{path.name}" for path in (store / "blobs/sha256").iterdir()}


def test_a_further_envelope_has_tags_of_its_own_and_can_be_packed(store, sender, organisations, out):
    acme, initech = organisations.acme, organisations.initech
    first = sender.store.open("acme/digits@1.0.0")
    further = sender.store.reseal(
        "acme/digits@1.0.0", recipients=[acme, initech.public], identity=acme, signers=[acme.signer]
    )
    write_index(store)
    tags = [each["annotations"][REF_NAME] for each in Layout(store).manifests]
    own = f"acme/digits:envelope-{hex_of(further.manifest_digest)[:12]}-"
    assert tags[3:6] == [own + "1.0.0", own + "release-1.0.0", own + "sealing-1.0.0"]
    assert _referenced(store) == {f"sha256:{path.name}" for path in (store / "blobs/sha256").iterdir()}
    with pytest.raises(InvalidOptionError, match="say which"):
        pack_layout(store, out, reference="acme/digits@1.0.0")
    for release in (first, further):
        pack_layout(store, out, reference=release.manifest_digest)
        assert out.read_bytes() == sender.export(release).read_bytes()


def test_the_index_of_a_store_is_the_same_each_time_and_a_layout_for_packing(store, sender, out):
    one = write_index(store).read_bytes()
    assert write_index(store).read_bytes() == one
    pack_layout(store, out, reference="acme/digits@1.9.0-rc.1+build.7")
    assert out.read_bytes() == sender.export(sender.store.open("acme/digits@1.9.0-rc.1+build.7")).read_bytes()


def test_the_store_never_reads_its_index(store):
    write_index(store).write_bytes(b"nonsense")
    assert Store(LocalBackend(store)).open("acme/digits").version == "1.10.0"


def test_a_damaged_version_leaves_the_index_as_it_was(store, sender):
    before = write_index(store).read_bytes()
    _alter(Layout(store).blob(sender.store.open("acme/other").manifest_digest))
    sender.publish("2.0.0")
    with pytest.raises(DigestMismatchError):
        write_index(store)
    assert (store / "index.json").read_bytes() == before


def test_a_folder_without_releases_gets_no_index(layout, tmp_path):
    before = (layout.folder / "index.json").read_bytes()
    with pytest.raises(NotFoundError, match="holds no release"):
        write_index(layout.folder)
    assert (layout.folder / "index.json").read_bytes() == before
    with pytest.raises(NotFoundError):
        write_index(tmp_path / "missing")
