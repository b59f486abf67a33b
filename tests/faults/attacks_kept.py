"""Attacks on what a receiver keeps: the store, the memory, the policy, the log, receipts."""

import json
import os
import re
from base64 import b64decode, b64encode

from setting import NAME, NOW

from maas_sdk._internal import strict_json
from maas_sdk.artifact import Receipt, Store
from maas_sdk.errors import RefusedError
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import Trust


def _received(world):
    world.receive(world.bundle())
    return world.folder / "store", world.folder / "trust"


def _largest(store):
    return max((store / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def _use(world):
    release = Store(LocalBackend(world.folder / "store")).open(f"{NAME}@1.0.0")
    verdict = release.verify(world.trusting(), recipient=world.people.globex, now=NOW)
    verdict.raise_if_refused()
    return release


def _flipped_blob(world):
    store, _ = _received(world)
    _flip(_largest(store))
    try:
        _use(world)
    except RefusedError as exc:
        return exc.verdict.failures[0].name, exc.verdict.failures[0].reason
    raise AssertionError("it was used")


def _flipped_blob_unverified(world):
    store, _ = _received(world)
    release = _use(world)
    _flip(_largest(store))
    return world.told(lambda: release.read_parts(identity=world.people.globex))


def _flipped_document(world):
    store, _ = _received(world)
    digest = _use(world).manifest_digest
    _flip(store / "blobs" / digest.replace(":", "/"))
    return world.told(lambda: _use(world))


def _linked_blob(world):
    store, _ = _received(world)
    blob = _largest(store)
    blob.rename(world.folder / "elsewhere")
    blob.symlink_to(world.folder / "elsewhere")
    return world.told(lambda: _use(world).read_parts(identity=world.people.globex))


def _linked_folder(world):
    store, _ = _received(world)
    (store / "blobs").rename(world.folder / "elsewhere")
    (store / "blobs").symlink_to(world.folder / "elsewhere")
    return world.told(lambda: _use(world))


def _pipe_for_a_blob(world):
    store, _ = _received(world)
    blob = _largest(store)
    blob.unlink()
    os.mkfifo(blob)
    return world.told(lambda: _use(world).read_parts(identity=world.people.globex))


def _reference(world, change):
    store, _ = _received(world)
    path = store / "refs" / NAME / "versions" / "1.0.0"
    path.write_bytes(change(path.read_bytes()))
    return world.told(lambda: _use(world))


def _renamed_version(world):
    store, _ = _received(world)
    versions = store / "refs" / NAME / "versions"
    (versions / "1.0.0").rename(versions / "9.0.0")
    return world.told(lambda: Store(LocalBackend(store)).open(f"{NAME}@9.0.0"))


def _altered_memory(world):
    _, trust = _received(world)
    state = (trust / "state.json").read_text()
    (trust / "state.json").write_text(state.replace('"sequence":1', '"sequence":0'))
    return world.told(lambda: Trust.open(trust).ratchet.remembered(NAME))


def _deleted_memory(world):
    _, trust = _received(world)
    (trust / "state.json").unlink()
    return world.told(lambda: Trust.open(trust).ratchet.remembered(NAME))


def _readable_key(world):
    _, trust = _received(world)
    (trust / "state.key").chmod(0o644)
    return world.told(lambda: Trust.open(trust).ratchet.remembered(NAME))


def _altered_policy(world):
    """The policy names a fingerprint that is not that of the key beside it."""
    _, trust = _received(world)
    text = (trust / "policy.toml").read_text()
    fingerprint = world.people.acme.public.public_key.fingerprint
    (trust / "policy.toml").write_text(
        text.replace(fingerprint, world.people.initech.public.public_key.fingerprint)
    )
    world.trust = None
    try:
        _use(world)
    except RefusedError as exc:
        return exc.verdict.failures[0].name, exc.verdict.failures[0].reason
    raise AssertionError("it was used")


def _log(world):
    trust = world.trusting()
    for number in range(3):
        trust.audit.append("import", outcome="done", subject=f"acme/digits@1.{number}.0", time=NOW)
    return trust.audit, world.folder / "trust" / "audit.jsonl"


def _log_line(change):
    def attack(world):
        log, path = _log(world)
        _, head = log.head
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(change(lines)))
        report = log.check(head)
        assert not report.ok
        return "audit", report.fault or f"the noted head {head} is not among the lines"

    return attack


def _receipt(world):
    path = world.folder / "digits.receipt.json"
    world.store.import_bundle(
        world.bundle(), trust=world.trusting(), first_use=[NAME], recipient=world.people.globex, now=NOW,
        receipt=path, signer=world.people.globex.signer,
    )  # fmt: skip
    return path


def _altered_receipt(world):
    """A courier lets the receiver have what it has not, so that the next delta leaves it out."""
    path = _receipt(world)
    document = json.loads(path.read_bytes())
    payload = b64decode(document["payload"]).replace(b'"1.0.0"', b'"1.0.1"')
    document["payload"] = b64encode(payload).decode()
    path.write_bytes(strict_json.dumps(document))
    return world.told(lambda: Receipt.load(path).verify(world.people.globex.public.public_key))


def _receipt_of_another(world):
    path = _receipt(world)
    return world.told(lambda: Receipt.load(path).verify(world.people.initech.public.public_key))


KEPT = {
    "alter a layer in the store": _flipped_blob,
    "alter a layer between verifying and reading": _flipped_blob_unverified,
    "alter a manifest in the store": _flipped_document,
    "put a symbolic link in the place of a layer": _linked_blob,
    "put a symbolic link in the place of the folder of blobs": _linked_folder,
    "put a FIFO in the place of a layer": _pipe_for_a_blob,
    "let a version name another identity": lambda world: _reference(
        world, lambda data: re.sub(rb'"identity":"sha256:..', b'"identity":"sha256:00', data)
    ),
    "cut a reference off": lambda world: _reference(world, lambda data: data[:40]),
    "give a version another number": _renamed_version,
    "alter what is remembered": _altered_memory,
    "delete what is remembered": _deleted_memory,
    "let others read the key of the memory": _readable_key,
    "exchange a fingerprint in the policy": _altered_policy,
    "alter a line of the audit log": _log_line(
        lambda lines: [lines[0].replace(b"done", b"fail"), *lines[1:]]
    ),
    "take a line out of the audit log": _log_line(lambda lines: [lines[0], lines[2]]),
    "put lines of the audit log in another order": _log_line(lambda lines: [lines[1], lines[0], lines[2]]),
    "cut the audit log off": _log_line(lambda lines: lines[:2]),
    "alter a receipt on its way back": _altered_receipt,
    "sign a receipt in the name of another receiver": _receipt_of_another,
}
"""Attacks by title."""
