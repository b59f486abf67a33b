"""Bundles conform to OCI's image-spec and ModelPack's model-spec; the tools of tar and sha256 read them.

The rules are written down here after the specifications, in own words:
https://github.com/opencontainers/image-spec and https://github.com/modelpack/model-spec. Where
``MAAS_OCI_SCHEMAS`` names a folder with checkouts of both (``image-spec``, ``model-spec``) and jsonschema is
installed, their own JSON schemas are asked too.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from datetime import datetime
from pathlib import Path

import pytest

from maas_sdk._internal import strict_json
from maas_sdk.artifact._bundles import ustar
from maas_sdk.artifact._bundles.bundle import write_bundle
from maas_sdk.artifact._documents import oci

EVERY_KIND = {
    "LICENSE.txt": b"Apache-2.0\n",
    "card.html": b"<p>digits</p>",
    "card.md": b"# digits\n",
    "empty.safetensors": b"",
    "environment.json": b"{}",
    "figures/roc.png": b"\x89PNG",
    "model.json": b'{"nodes":[]}',
    "model.sig": b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}',
    "schema.json": b'{"format":"maas-schema/1"}',
    "selftest.safetensors": b"not looked at here",
    "tensors/000.safetensors": bytes(range(256)) * 20,
    "tensors/001.safetensors.zst": b"\1" * 1000,
}

IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MODEL = "application/vnd.cncf.model"
# RFC 6838, section 4.2, as image-spec's descriptor demands it.
MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")  # of distribution-spec
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
REF_NAME = re.compile(r"[A-Za-z0-9]+(?:[-._:@/+]+[A-Za-z0-9]+)*")  # of image-spec's annotations
TEXT, TEXTS = (lambda x: isinstance(x, str)), (lambda x: isinstance(x, list) and all(map(TEXT, x)))


def _is_date(value):
    return isinstance(value, str) and bool(re.search(r"(?:Z|[+-]\d\d:\d\d)$", value)) and _parses(value)


def _parses(value):
    try:
        return bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_annotations(value):
    return isinstance(value, dict) and all(map(TEXT, value)) and all(map(TEXT, value.values()))


def _faults(what, document, required, optional, *, closed):
    """Compare an object with what its fields must be."""
    if not isinstance(document, dict):
        return [f"{what} is no object"]
    faults = [f"{what} has no {key}" for key in required if key not in document]
    rules = required | optional
    for key, value in document.items():
        if key not in rules:
            faults += [f"{what} has the field {key}"] if closed else []
        elif not rules[key](value):
            faults.append(f"{what}: {key} is {value!r}")
    return faults


DESCRIPTOR = {
    "mediaType": lambda x: TEXT(x) and MEDIA_TYPE.fullmatch(x),
    "digest": lambda x: TEXT(x) and DIGEST.fullmatch(x),
    "size": lambda x: type(x) is int and 0 <= x < 1 << 63,
}
DESCRIPTOR_OPTIONS = {
    "annotations": _is_annotations,
    "artifactType": DESCRIPTOR["mediaType"],
    "data": TEXT,
    "urls": TEXTS,
}
CONFIG = {
    "descriptor": {
        "createdAt": _is_date, "authors": TEXTS, "family": TEXT, "name": lambda x: TEXT(x) and len(x) > 0,
        "docURL": TEXT, "sourceURL": TEXT, "datasetsURL": TEXTS, "version": TEXT, "revision": TEXT,
        "vendor": TEXT, "licenses": TEXTS, "title": TEXT, "description": TEXT,
    },
    "config": {
        "architecture": TEXT, "format": TEXT, "paramSize": TEXT, "precision": TEXT, "quantization": TEXT,
        "capabilities": lambda x: isinstance(x, dict),
    },
}  # fmt: skip


def descriptor_faults(what, document):
    return _faults(what, document, DESCRIPTOR, DESCRIPTOR_OPTIONS, closed=False)


def manifest_faults(document):
    """Check an image manifest that is an artifact's: image-spec's ``manifest.md``."""
    faults = _faults(
        "manifest",
        document,
        {
            "schemaVersion": lambda x: type(x) is int and x == 2,
            "mediaType": lambda x: x == IMAGE_MANIFEST,
            "artifactType": DESCRIPTOR["mediaType"],
            "config": lambda x: not descriptor_faults("", x),
            "layers": lambda x: isinstance(x, list) and len(x) > 0,
        },
        {"subject": lambda x: not descriptor_faults("", x), "annotations": _is_annotations},
        closed=True,
    )
    for layer in document.get("layers", []):
        faults += descriptor_faults("layer", layer)
    return faults


def model_faults(document):
    """Check what model-spec's ``spec.md`` asks of a manifest beyond image-spec."""
    faults = manifest_faults(document)
    if document["artifactType"] != f"{MODEL}.manifest.v1+json":
        faults.append("no model")
    if document["config"]["mediaType"] != f"{MODEL}.config.v1+json":
        faults.append("no configuration of a model")
    paths = []
    for layer in document["layers"]:
        kind = layer["mediaType"]
        if not re.fullmatch(rf"{re.escape(MODEL)}\.(?:weight(?:\.config)?|doc|code|dataset)\.v1\.raw", kind):
            faults.append(f"a layer of the type {kind}")
        path = layer["annotations"].get("org.cncf.model.filepath", "")
        if not path or path.startswith("/") or ".." in path.split("/"):
            faults.append(f"a layer with the path {path!r}")
        if layer["annotations"].get("org.opencontainers.image.title") != path:
            faults.append(f"{path} has another title")
        paths.append(path)
    if len(set(paths)) != len(paths):
        faults.append("two layers with one path")
    return faults


def config_faults(document, layers):
    """Check model-spec's ``config.md``, whose schema allows no other field anywhere."""
    faults = _faults(
        "configuration",
        document,
        {
            "descriptor": lambda x: not _faults("", x, {}, CONFIG["descriptor"], closed=True),
            "config": lambda x: not _faults("", x, {}, CONFIG["config"], closed=True),
            "modelfs": lambda x: (
                not _faults(
                    "",
                    x,
                    {"type": lambda y: y == "layers", "diffIds": lambda y: TEXTS(y) and y},
                    {},
                    closed=True,
                )
            ),
        },
        {},
        closed=True,
    )
    # A raw layer is its own content: its DiffID is its digest.
    if not faults and document["modelfs"]["diffIds"] != [layer["digest"] for layer in layers]:
        faults.append("DiffIDs of other layers")
    return faults


def index_faults(document):
    """Check image-spec's ``image-index.md`` and the tags that distribution-spec allows."""
    faults = _faults(
        "index",
        document,
        {"schemaVersion": lambda x: type(x) is int and x == 2, "manifests": lambda x: isinstance(x, list)},
        {
            "mediaType": lambda x: x == "application/vnd.oci.image.index.v1+json",
            "annotations": _is_annotations,
        },
        closed=True,
    )
    tags = [each["annotations"]["org.opencontainers.image.ref.name"] for each in document["manifests"]]
    for each, text in zip(document["manifests"], tags, strict=True):
        faults += descriptor_faults("entry", each)
        repository, _, tag = text.partition(":")
        if not (REF_NAME.fullmatch(text) and REPOSITORY.fullmatch(repository) and TAG.fullmatch(tag)):
            faults.append(f"the tag {text!r}")
    return faults if len(set(tags)) == len(tags) else [*faults, "a tag twice"]


def files_of(path):
    """Read a bundle with Python's own tar."""
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


class Documents:
    """The documents of a bundle."""

    def __init__(self, path):
        self.files = files_of(path)
        self.index = json.loads(self.files["index.json"])
        self.layout = json.loads(self.files["oci-layout"])
        self.manifests = [self.read(each) for each in self.index["manifests"]]
        self.model, *self.referrers = self.manifests
        self.config = self.read(self.model["config"])

    def read(self, descriptor):
        data = self.files[f"blobs/sha256/{descriptor['digest'][7:]}"]
        assert len(data) == descriptor["size"]
        return json.loads(data)


def _with_notices(sender, tmp_path):
    release = sender.publish()
    papers = release._papers.with_notices([(kind, b'{"payload":""}') for kind in oci.NOTICES])
    path = tmp_path / "with-notices.maas"
    write_bundle(path, papers, release._source, progress=lambda *_: None)
    return path


def _thin(sender, tmp_path):
    first = sender.publish(parts=EVERY_KIND)
    second = sender.publish("1.1.0", parts=EVERY_KIND | {"card.md": b"# other digits\n"})
    return second.export(tmp_path / "thin.maas", have=[first.manifest_digest])


def _volume(number):
    def export(sender, tmp_path):
        parts = EVERY_KIND | {"tensors/002.safetensors": os.urandom(100_000)}
        volumes = sender.publish(parts=parts).export_volumes(tmp_path / "volume.maas", max_bytes=65536)
        assert len(volumes) > 1
        return volumes[number]

    return export


KINDS = {
    "sealed": lambda sender, _: sender.bundle(parts=EVERY_KIND),
    "unsealed": lambda sender, _: sender.bundle(parts=EVERY_KIND, recipients=[]),
    "with build metadata": lambda sender, _: sender.bundle("1.0.0-rc.1+build.7"),
    "with notices": _with_notices,
    "delta": _thin,
    "first volume": _volume(0),
    "last volume": _volume(-1),
}


@pytest.fixture(params=KINDS)
def bundle(request, sender, tmp_path):
    return KINDS[request.param](sender, tmp_path)


@pytest.fixture
def documents(bundle):
    return Documents(bundle)


def test_layout_and_index_are_what_image_spec_asks_for(documents):
    assert documents.layout == {"imageLayoutVersion": "1.0.0"}
    assert index_faults(documents.index) == []


def test_every_manifest_is_what_image_spec_asks_for(documents):
    assert [fault for manifest in documents.manifests for fault in manifest_faults(manifest)] == []


def test_the_model_is_what_model_spec_asks_for(documents):
    assert model_faults(documents.model) == []
    assert config_faults(documents.config, documents.model["layers"]) == []


def test_what_refers_to_the_model_is_found_by_its_subject(documents):
    model = {key: documents.index["manifests"][0][key] for key in DESCRIPTOR}
    for manifest in documents.referrers:
        assert manifest["subject"] == model
        # image-spec: without a configuration of one's own the type is the empty one, and artifactType a must
        assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
        assert documents.read(manifest["config"]) == {}
    assert documents.model.get("subject") is None


def test_every_document_is_canonical_json(documents):
    for name, data in documents.files.items():
        if data.startswith(b'{"') and "model.json" not in name:
            document = json.loads(data)
            if "schemaVersion" in document or "modelfs" in document:
                assert strict_json.dumps(document) == data


MISTAKES = {
    "schema version": lambda x: x.model.update(schemaVersion="2"),
    "no artifact type": lambda x: x.model.pop("artifactType"),
    "no layer": lambda x: x.model.update(layers=[]),
    "a negative size": lambda x: x.model["layers"][0].update(size=-1),
    "an annotation that is a number": lambda x: x.model.update(annotations={"a": 1}),
    "a field of Docker's": lambda x: x.model.update(history=[]),
    "a digest of another kind": lambda x: x.model["config"].update(digest="md5:0"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_the_rules_of_manifests_can_fail(what, sender):
    documents = Documents(sender.bundle())
    MISTAKES[what](documents)
    assert manifest_faults(documents.model)


def test_the_rules_of_models_and_indexes_can_fail(sender):
    documents = Documents(sender.bundle())
    layers = documents.model["layers"]
    for change in ({"descriptor": {"createdAt": "yesterday"}}, {"more": 1}, {"modelfs": {"type": "layers"}}):
        assert config_faults(documents.config | change, layers)
    assert config_faults(documents.config, layers[1:])
    layers[0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
    layers[1]["annotations"]["org.cncf.model.filepath"] = "../evil"
    assert len(model_faults(documents.model)) == 3
    documents.index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = "acme/digits:1.0+2"
    assert index_faults(documents.index)


def test_their_own_schemas_accept_every_document(documents):
    folder = os.environ.get("MAAS_OCI_SCHEMAS")
    if not folder:
        pytest.skip("MAAS_OCI_SCHEMAS names no folder with checkouts of image-spec and model-spec")
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    draft4 = pytest.importorskip("referencing.jsonschema").DRAFT4

    def anonymous(value):
        # Their ids name pages; the references between the files are relative to the files.
        if isinstance(value, dict):
            return {k: anonymous(v) for k, v in value.items() if k != "id" or not isinstance(v, str)}
        return [anonymous(each) for each in value] if isinstance(value, list) else value

    oci = {
        path.name: anonymous(json.loads(path.read_text(encoding="utf-8")))
        for path in Path(folder, "image-spec/schema").glob("*.json")
    }
    registry = referencing.Registry().with_resources(
        (name, referencing.Resource.from_contents(schema, default_specification=draft4))
        for name, schema in oci.items()
    )
    checker = jsonschema.FormatChecker()

    def check(name, document):
        jsonschema.Draft4Validator(oci[name], registry=registry, format_checker=checker).validate(document)

    check("image-layout-schema.json", documents.layout)
    check("image-index-schema.json", documents.index)
    for manifest in documents.manifests:
        check("image-manifest-schema.json", manifest)
    config = json.loads(Path(folder, "model-spec/schema/config-schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(config, format_checker=checker).validate(documents.config)


TARS = [
    pytest.param(
        name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")
    )
    for name in ("tar", "bsdtar", "busybox")
]


def _tar(name, *arguments, **options):
    command = ["busybox", "tar"] if name == "busybox" else [name]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=True, **options)


@pytest.mark.parametrize("name", TARS)
def test_plain_tar_lists_and_unpacks_a_bundle_and_sha256sum_checks_it(name, bundle, tmp_path):
    files = files_of(bundle)
    listed = _tar(name, "-tvf", bundle)
    assert listed.stderr == ""
    for line, (path, data) in zip(listed.stdout.splitlines(), files.items(), strict=True):
        assert line.startswith("-rw-r--r--")
        assert line.endswith(path)
        assert str(len(data)) in line.split()
    folder = tmp_path / "unpacked"
    folder.mkdir()
    assert _tar(name, "-xf", bundle, "-C", folder).stderr == ""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert {path: file.read_bytes() for path, file in found.items()} == files
    # As docs/how-to/registry.md has it: the names of blobs are their sums.
    check = 'cd blobs/sha256 && for name in *; do echo "$name  $name"; done | sha256sum -c --quiet'
    assert subprocess.run(["sh", "-c", check], cwd=folder, capture_output=True, check=True).stdout == b""
    layer = next(file for path, file in found.items() if path.startswith("blobs/"))
    layer.write_bytes(layer.read_bytes() + b"x")
    assert subprocess.run(["sh", "-c", check], cwd=folder, capture_output=True, check=False).returncode != 0


LARGE = [8**11 - 1, 8**11, 9 << 30, ustar.MAX_SIZE]


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("name", [*TARS, "python"])
def test_other_tars_read_the_sizes_of_very_large_entries(name, size, tmp_path):
    digest = hashlib.sha256(b"").hexdigest()
    path = tmp_path / "large.tar"
    with path.open("wb") as file:
        file.write(ustar.header(f"blobs/sha256/{digest}", size))
        file.truncate(ustar.BLOCK + size + len(ustar.padding(size)))  # sparse: it takes no space
        file.seek(0, os.SEEK_END)
        file.write(ustar.header("after", 3) + b"abc" + ustar.padding(3) + ustar.END)
    if name == "python":
        with tarfile.open(path) as tar:
            found = [(member.name, member.size) for member in tar]
    else:
        lines = [line.split() for line in _tar(name, "-tvf", path).stdout.splitlines()]
        found = [
            (words[-1], next(int(word) for word in words if word in {str(size), "3"})) for words in lines
        ]
    assert found == [(f"blobs/sha256/{digest}", size), ("after", 3)]
    with path.open("rb") as file:
        entries = list(ustar.scan(file, path.stat().st_size))
    assert [(entry.name, entry.size) for entry in entries] == found
