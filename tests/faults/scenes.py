"""Operations on a small folder of everything, and what must be true of it whatever happened in between.

The folder holds ``store`` (where the operation works), ``trust``, ``in`` (bundles that came) and ``out``. It is
made once for each operation and copied for each fault.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from maas_sdk.artifact import Store, verify
from maas_sdk.identity import Identity
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import Policy, Trust, TrustedKey

NAME = "acme/digits"
NOW = "2026-06-01T12:00:00Z"
PARTS = {
    "0.1.0": {"card.md": b"# old\n", "model.json": b'{"nodes":[]}', "tensors/000.safetensors": b"\1" * 3000},
    "1.0.0": {
        "card.md": b"# new\n",
        "model.json": b'{"nodes":[]}',
        "tensors/000.safetensors": b"\1" * 3000,
        "tensors/001.safetensors": bytes(range(256)) * 300,
    },
}
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
TOP = {"store", "trust", "in", "out"}
IGNORED = (".lock",)
"""Ends of the names of files that need not survive a power cut."""


class People:
    """Who plays, with their keys; made once."""

    def __init__(self):
        self.acme, self.globex, self.initech = (Identity.generate(x) for x in ("acme", "globex", "initech"))

    def policy(self, **options):
        public = self.acme.public.public_key
        key = TrustedKey("acme", public.fingerprint, public.pem)
        return Policy().with_key("acme/*", key, **options)


def store_of(root):
    return Store(LocalBackend(root / "store"))


def trust_of(root):
    return Trust.open(root / "trust")


def publish(root, people, version="1.0.0", *, parts=None, recipients=None):
    return store_of(root).publish(
        PARTS[version] if parts is None else parts,
        name=NAME,
        version=version,
        signers=[people.acme.signer],
        recipients=[people.acme, people.globex.public] if recipients is None else recipients,
        created=NOW,
    )


def check_store(root, people, *, have, may=()):
    """Every version that is listed is whole to its last byte; `have` is there, `may` may be, nothing else."""
    store = store_of(root)
    found = store.versions(NAME)
    assert set(have) <= set(found) <= set(have) | set(may), found
    for version in found:
        release = store.open(f"{NAME}@{version}")
        verdict = release.verify(people.policy(), recipient=people.globex, now=NOW)
        assert verdict.passed, str(verdict)
        assert release.read_parts(identity=people.globex) == PARTS[version]
    return found


def check_trust(root, people):
    """The receiver's memory is readable, and knows every version that the store of an importer has."""
    trust = trust_of(root)
    assert trust.policy.rule_for(NAME)
    return trust.ratchet.remembered(NAME)


def check_surroundings(root):
    """Nothing stands beside what was there, but for temporary files of an export that was killed."""
    assert {path.name for path in root.iterdir()} <= TOP
    for folder in ("in", "out"):
        for path in (root / folder).iterdir():
            assert path.suffix in (".maas", ".json") or _LEFTOVER.fullmatch(path.name) or path.is_dir(), path


@dataclass(frozen=True)
class Scene:
    """One operation.

    `prepare(root, people)` makes what is there before it; `act(root, people)` is it, gives what JSON can hold,
    and the same each time; `check(root, people)` is what holds at any time, `done(root, people)` once it has
    returned.
    """

    name: str
    prepare: object
    act: object
    check: object
    done: object

    again: object = None
    clean: object = None

    def __post_init__(self):
        if self.again is None:
            object.__setattr__(self, "again", self.act)
        if self.clean is None:
            object.__setattr__(self, "clean", lambda root, people: None)

    def copy(self, template, target):
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(template, target, symlinks=True)
        return target


# Publish.


def _prepare(root, people):
    for name in TOP:
        if name != "trust":
            (root / name).mkdir(parents=True, exist_ok=True)
    Trust.create(root / "trust", policy=people.policy())


def _prepare_publish(root, people):
    _prepare(root, people)
    publish(root, people, "0.1.0")


def _publish(root, people):
    # Not the identity: a publisher that was killed may have used up a number.
    release = publish(root, people)
    return [release.version, release.previous, [part.digest for part in release.parts]]


def _check_publish(root, people):
    check_surroundings(root)
    check_store(root, people, have=["0.1.0"], may=["1.0.0"])


def _done_publish(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    store = store_of(root)
    assert store.open(f"{NAME}@1.0.0").previous == store.open(f"{NAME}@0.1.0").identity


# Import.


def bundle_of(root, people, *versions, **options):
    """Write the bundles of some versions into ``in``, by way of a store that is thrown away."""
    sender = root / "sender"
    for version in versions:
        release = store_publish(sender, people, version, **options)
        release.export(root / "in" / f"{version}.maas")
    shutil.rmtree(sender)


def store_publish(folder, people, version, **options):
    options = {"recipients": [people.acme, people.globex.public]} | options
    return Store(LocalBackend(folder)).publish(
        PARTS[version], name=NAME, version=version, signers=[people.acme.signer], created=NOW, **options
    )


def import_(root, people, version="1.0.0", file=None):
    return store_of(root).import_bundle(
        root / "in" / (file or f"{version}.maas"),
        trust=trust_of(root), first_use=[NAME], recipient=people.globex, now=NOW,
    )  # fmt: skip


def _prepare_import(root, people):
    _prepare(root, people)
    bundle_of(root, people, "0.1.0", "1.0.0")
    import_(root, people, "0.1.0")


def _import(root, people):
    return import_(root, people).identity


def _check_import(root, people):
    check_surroundings(root)
    found = check_store(root, people, have=["0.1.0"], may=["1.0.0"])
    # An older release is never let in afterwards: what is there is remembered.
    assert check_trust(root, people).sequence >= len(found)


def _done_import(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert check_trust(root, people).version == "1.0.0"


# Export.


def _prepare_export(root, people):
    _prepare_publish(root, people)
    publish(root, people)
    store_of(root).open(f"{NAME}@0.1.0").export(root / "out" / "digits.maas")


def _export(root, people):
    return store_of(root).open(f"{NAME}@1.0.0").export(root / "out" / "digits.maas").name


def check_bundle(path, people):
    """A bundle is whole; gives the version in it."""
    verdict = verify(path, trust=people.policy(), recipient=people.globex, now=NOW)
    assert verdict.passed, str(verdict)
    return verdict.version


def _check_export(root, people):
    check_surroundings(root)
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert check_bundle(root / "out" / "digits.maas", people) in ("0.1.0", "1.0.0")


def _done_export(root, people):
    assert check_bundle(root / "out" / "digits.maas", people) == "1.0.0"


# Trust.


def _prepare_trust(root, people):
    _prepare(root, people)
    trust_of(root).ratchet.advance(NAME, 1, "sha256:" + "1" * 64, NOW, version="0.1.0")


def _trust(root, people):
    trust = trust_of(root)
    trust.save_policy(people.policy(require_sealed=False))
    trust.ratchet.advance(NAME, 2, "sha256:" + "2" * 64, NOW, version="1.0.0")
    return trust.ratchet.remembered(NAME).version


def _check_trust(root, people):
    check_surroundings(root)
    assert check_trust(root, people).sequence in (1, 2)
    assert trust_of(root).policy in (people.policy(), people.policy(require_sealed=False))


def _done_trust(root, people):
    assert check_trust(root, people).sequence == 2
    assert trust_of(root).policy == people.policy(require_sealed=False)


def _create_trust(root, people):
    Trust.create(root / "out" / "trust", policy=people.policy())
    return sorted(path.name for path in (root / "out" / "trust").iterdir())


SCENES = {
    scene.name: scene
    for scene in (
        Scene("publish", _prepare_publish, _publish, _check_publish, _done_publish),
        Scene("import", _prepare_import, _import, _check_import, _done_import),
        Scene("export", _prepare_export, _export, _check_export, _done_export),
        Scene("trust", _prepare_trust, _trust, _check_trust, _done_trust),
    )
}
