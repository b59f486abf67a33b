"""A rotation of keys that came as a file: who must have signed it, and what follows."""

import pytest

import maas_sdk as maas
from maas_sdk.artifact import follow_rotation
from maas_sdk.artifact._documents.notices import Rotation
from maas_sdk.errors import InvalidArtifactError, PolicyError, VerificationError
from maas_sdk.signing import PrivateKey, sign_envelope
from maas_sdk.trust import TrustedKey


def trusted(name, key):
    return TrustedKey(name, key.public_key.fingerprint, key.public_key.pem)


@pytest.fixture(scope="module")
def keys():
    return {name: PrivateKey.generate("ed25519") for name in ("old", "new", "thief")}


@pytest.fixture
def trust(tmp_path, keys):
    policy = maas.Policy().with_key("acme/*", trusted("old", keys["old"]))
    return maas.Trust.create(tmp_path / "trust", policy=policy)


def rotation(keys, *signers, publisher="acme", epoch=2):
    made = Rotation(
        publisher=publisher,
        epoch=epoch,
        threshold=1,
        keys=(trusted("new", keys["new"]),),
        created="2026-11-29T12:00:00Z",
    )
    return sign_envelope(made.to_payload(), [keys[name] for name in signers]).to_json()


def test_the_policy_follows_what_old_and_new_keys_have_signed(trust, keys):
    followed = follow_rotation(rotation(keys, "old", "new"), trust=trust, names="acme/*")
    assert (followed.publisher, followed.epoch) == ("acme", 2)
    (rule,) = maas.Trust.open(trust.folder).policy.rules
    assert (rule.epoch, rule.keys) == (2, (trusted("new", keys["new"]),))
    (entry,) = trust.audit.entries()
    assert (entry.event, entry.outcome, entry.subject) == ("rotate", "done", "acme/*")
    assert rule.keys[0].fingerprint in entry.reasons[0]


@pytest.mark.parametrize(
    ("signers", "options", "names", "error"),
    [
        (["old"], {}, "acme/*", VerificationError),
        (["new"], {}, "acme/*", VerificationError),
        (["thief", "new"], {}, "acme/*", VerificationError),
        (["old", "new"], {}, "acme/digits", PolicyError),
        (["old", "new"], {"epoch": 3}, "acme/*", PolicyError),
        (["old", "new"], {"publisher": "globex"}, "acme/*", PolicyError),
    ],
)
def test_anything_else_changes_nothing_and_is_written_down(trust, keys, signers, options, names, error):
    before = (trust.folder / "policy.toml").read_bytes()
    with pytest.raises(error):
        follow_rotation(rotation(keys, *signers, **options), trust=trust, names=names)
    assert (trust.folder / "policy.toml").read_bytes() == before
    assert [entry.outcome for entry in trust.audit.entries()] == ["failed"]


@pytest.mark.parametrize("data", [b"", b"{}", b"garbage"])
def test_what_is_no_rotation_is_refused(trust, data):
    with pytest.raises(InvalidArtifactError):
        follow_rotation(data, trust=trust, names="acme/*")
