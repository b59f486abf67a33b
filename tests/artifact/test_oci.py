"""The documents conform to OCI's image-spec and to ModelPack's model-spec."""

import json
import re
from datetime import datetime

import pytest

from maas_sdk._internal import strict_json
from maas_sdk.artifact._documents import oci
from maas_sdk.errors import InvalidArtifactError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS, Limits

DESCRIPTOR = {"mediaType": str, "digest": str, "size": int}
MODEL_MANIFEST = "application/vnd.cncf.model.manifest.v1+json"
RAW_LAYERS = {
    f"application/vnd.cncf.model.{kind}.v1.raw"
    for kind in ("weight", "weight.config", "doc", "code", "dataset")
}
# What model-spec's schema/config-schema.json allows; each object has additionalProperties false.
CONFIG_KEYS = {
    "": {"descriptor", "config", "modelfs"},
    "descriptor": {
        "createdAt", "authors", "family", "name", "docURL", "sourceURL", "datasetsURL", "version", "revision",
        "vendor", "licenses", "title", "description",
    },
    "config": {"architecture", "format", "paramSize", "precision", "quantization", "capabilities"},
    "modelfs": {"type", "diffIds"},
}  # fmt: skip


@pytest.fixture(params=["sealed", "plain"])
def documents(request, sender, tar):
    """The JSON documents of a bundle by digest, and its index."""
    path = sender.bundle(recipients=None if request.param == "sealed" else [])
    found = dict(tar.entries(path))
    documents = {"index": json.loads(found["index.json"]), "layout": json.loads(found["oci-layout"])}
    for name, data in found.items():
        if data.startswith(b"{"):
            documents["sha256:" + name.rpartition("/")[2]] = json.loads(data)
    return documents


def model(documents):
    return documents[documents["index"]["manifests"][0]["digest"]]


def test_the_layout_and_the_index_are_oci_s(documents):
    assert documents["layout"] == {"imageLayoutVersion": "1.0.0"}
    index = documents["index"]
    assert index.keys() == {"schemaVersion", "mediaType", "manifests"}
    assert index["schemaVersion"] == 2
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    names = []
    for descriptor in index["manifests"]:
        # skopeo drops artifactType here, and the digest of the index would change.
        assert descriptor.keys() == DESCRIPTOR.keys() | {"annotations"}
        assert descriptor["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
        names.append(descriptor["annotations"]["org.opencontainers.image.ref.name"])
    assert names[0] == "acme/digits:1.0.0"
    assert len(set(names)) == len(names)


def test_the_manifest_is_modelpack_s(documents):
    manifest = model(documents)
    assert manifest["schemaVersion"] == 2
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["artifactType"] == MODEL_MANIFEST
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    assert manifest.keys() <= {
        "schemaVersion", "mediaType", "artifactType", "config", "layers", "annotations", "subject",
    }  # fmt: skip
    for layer in manifest["layers"]:
        assert layer["mediaType"] in RAW_LAYERS
        assert {key: type(layer[key]) for key in DESCRIPTOR} == DESCRIPTOR
        path = layer["annotations"]["org.cncf.model.filepath"]
        assert layer["annotations"]["org.opencontainers.image.title"] == path
        assert not path.startswith("/")


def test_kinds_of_parts_have_modelpack_s_types_and_sealed_ones_their_suffix(documents):
    layers = {
        layer["annotations"]["org.cncf.model.filepath"].removesuffix(".age"): layer["mediaType"]
        for layer in model(documents)["layers"]
    }
    assert layers == {
        "card.md": "application/vnd.cncf.model.doc.v1.raw",
        "model.json": "application/vnd.cncf.model.weight.config.v1.raw",
        "selftest.safetensors": "application/vnd.cncf.model.weight.config.v1.raw",
        "tensors/000.safetensors": "application/vnd.cncf.model.weight.v1.raw",
        "tensors/001.safetensors": "application/vnd.cncf.model.weight.v1.raw",
    }


def test_the_configuration_has_the_keys_that_modelpack_s_schema_allows_and_requires(documents):
    manifest = model(documents)
    config = documents[manifest["config"]["digest"]]
    assert config.keys() == CONFIG_KEYS[""]
    for section in ("descriptor", "config", "modelfs"):
        assert config[section].keys() <= CONFIG_KEYS[section]
    assert config["modelfs"]["type"] == "layers"
    assert config["modelfs"]["diffIds"] == [layer["digest"] for layer in manifest["layers"]]
    assert config["descriptor"]["name"] == "acme/digits"
    assert config["descriptor"]["version"] == "1.0.0"
    datetime.fromisoformat(config["descriptor"]["createdAt"])


def test_signatures_are_referrers_of_the_manifest(documents):
    manifests = documents["index"]["manifests"]
    subject = {key: manifests[0][key] for key in DESCRIPTOR}
    kinds = []
    for descriptor in manifests[1:]:
        referrer = documents[descriptor["digest"]]
        assert referrer["subject"] == subject
        assert referrer["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
        assert documents[referrer["config"]["digest"]] == {}
        assert [layer["mediaType"] for layer in referrer["layers"]] == [
            "application/vnd.dsse.envelope.v1+json"
        ]
        envelope = documents[referrer["layers"][0]["digest"]]
        assert envelope["payloadType"] == "application/vnd.in-toto+json"
        kinds.append(referrer["artifactType"])
    sealed = [oci.RELEASE_SIGNATURE, oci.SEALING_SIGNATURE]
    assert kinds in (sealed, sealed[:1])


def test_every_name_in_the_index_is_one_that_oci_allows(sender, tar):
    path = sender.bundle("1.0.0-rc.1+build.7")
    index = json.loads(dict(tar.entries(path))["index.json"])
    names = [d["annotations"]["org.opencontainers.image.ref.name"] for d in index["manifests"]]
    assert names[0] == "acme/digits:1.0.0-rc.1_build.7"
    grammar = re.compile(r"[A-Za-z0-9]+(?:[-._:@/+]+[A-Za-z0-9]+)*")
    assert all(grammar.fullmatch(name) for name in names)


def _manifest(**change):
    digest = "sha256:" + "11" * 32
    layer = {"mediaType": "application/vnd.cncf.model.weight.v1.raw", "digest": digest, "size": 10}
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": MODEL_MANIFEST,
        "config": {"mediaType": "application/vnd.cncf.model.config.v1+json", "digest": digest, "size": 2},
        "layers": [layer, layer],
    }
    return strict_json.dumps(document | change)


def test_a_manifest_is_read():
    config, layers = oci.parse_manifest(_manifest(), limits=DEFAULT_LIMITS)
    assert (config.size, len(layers), layers[0].file_path) == (2, 2, "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schemaVersion": 1}, "ModelPack manifest says 2"),
        ({"mediaType": "x"}, "ModelPack"),
        ({"artifactType": "x"}, "ModelPack"),
        ({"subject": {"mediaType": "x", "digest": "sha256:" + "11" * 32, "size": 1}}, "ModelPack"),
        ({"config": {"mediaType": "x", "digest": "sha256:" + "11" * 32, "size": 1}}, "ModelPack"),
        ({"config": {"mediaType": "x", "digest": "sha512:11", "size": 1}}, "not a digest"),
        ({"layers": [{"mediaType": "x", "digest": "sha256:" + "11" * 32, "size": 1}]}, "unknown type"),
        ({"layers": [{"mediaType": "x", "digest": "sha256:" + "11" * 32, "size": -1}]}, "size is -1"),
        ({"layers": [{"mediaType": "x", "digest": "sha256:" + "11" * 32}]}, "size"),
        ({"annotations": {"a": 1}}, "expected str"),
        ({"more": 1}, "unknown key"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(change, reason):
    with pytest.raises(InvalidArtifactError, match=reason):
        oci.parse_manifest(_manifest(**change), limits=DEFAULT_LIMITS)


@pytest.mark.parametrize("field", ["max_parts", "max_part_bytes", "max_release_bytes"])
def test_limits_hold_for_what_a_manifest_declares(field):
    with pytest.raises(LimitExceededError, match=field):
        oci.parse_manifest(_manifest(), limits=Limits(**{field: 1}))


def test_an_index_names_a_manifest():
    data = strict_json.dumps({"schemaVersion": 2, "mediaType": "x", "manifests": []})
    with pytest.raises(InvalidArtifactError, match="no manifest"):
        oci.parse_index(data, limits=DEFAULT_LIMITS)


@pytest.mark.parametrize(
    "data", [b"[]", b"{}", b'{"descriptor":1}', b'{"descriptor":{"name":"a","version":1}}']
)
def test_a_configuration_says_name_and_version(data):
    with pytest.raises(InvalidArtifactError, match="name and version"):
        oci.parse_config_name(data, limits=DEFAULT_LIMITS)
