"""Two organisations and a third, their keys, a policy, and a release to play with."""

import io
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk.artifact import Release, Store
from maas_sdk.artifact._bundles import ustar
from maas_sdk.identity import Identity
from maas_sdk.storage import MemoryBackend
from maas_sdk.trust import Policy, Trust, TrustedKey

NOW = "2026-06-01T12:00:00Z"
PARTS = {
    "card.md": b"# digits\n",
    "model.json": b'{"nodes":[]}',
    "selftest.safetensors": b"not looked at here",
    "tensors/000.safetensors": bytes(range(256)) * 20,
    "tensors/001.safetensors": b"\1" * 1000,
}


@dataclass(frozen=True)
class Organisations:
    """Who plays."""

    acme: Identity
    globex: Identity
    initech: Identity

    def key(self, identity):
        public = identity.public.public_key
        return TrustedKey(identity.name, public.fingerprint, public.pem)

    def policy(self, **rule):
        return Policy().with_key("acme/*", self.key(self.acme), **rule)


@dataclass
class Sender:
    """A store of acme's, and the bundles out of it."""

    folder: Path
    organisations: Organisations
    store: Store = field(default_factory=lambda: Store(MemoryBackend()))

    def publish(self, version="1.0.0", *, parts=None, recipients=None, **options):
        acme, globex = self.organisations.acme, self.organisations.globex
        options = {"signers": [acme.signer], "created": NOW, "name": "acme/digits"} | options
        return self.store.publish(
            PARTS if parts is None else parts,
            version=version,
            recipients=[acme, globex.public] if recipients is None else recipients,
            **options,
        )

    def bundle(self, version="1.0.0", **options) -> Path:
        return self.export(self.publish(version, **options))

    def export(self, release: Release) -> Path:
        return release.export(self.folder / f"{release.version}-{release.identity[-8:]}.maas")


@pytest.fixture(scope="session")
def organisations():
    return Organisations(*(Identity.generate(name) for name in ("acme", "globex", "initech")))


@pytest.fixture
def sender(tmp_path, organisations):
    return Sender(tmp_path, organisations)


@pytest.fixture
def trust(tmp_path, organisations):
    return Trust.create(tmp_path / "trust", policy=organisations.policy())


@pytest.fixture
def receiver():
    return Store(MemoryBackend())


def entries(path):
    """Give name and content of each entry of a bundle."""
    with path.open("rb") as file:
        return [
            (entry.name, (file.seek(entry.offset), file.read(entry.size))[1])
            for entry in ustar.scan(file, path.stat().st_size)
        ]


def pack(path, items):
    """Write a tar as bundles are."""
    buffer = io.BytesIO()
    for name, data in items:
        buffer.write(ustar.header(name, len(data)) + data + ustar.padding(len(data)))
    path.write_bytes(buffer.getvalue() + ustar.END)
    return path


def blob(data):
    """Give an entry for a blob."""
    return f"blobs/sha256/{hex_of(sha256(data))}", data


@pytest.fixture
def tar():
    """What takes bundles apart and puts them together: entries(path), pack(path, items), blob(data)."""

    class Tools:
        pass

    tools = Tools()
    tools.entries, tools.pack, tools.blob = entries, pack, blob
    return tools


@pytest.fixture
def failures():
    """Give the names of the checks that failed."""
    return lambda verdict: [check.name for check in verdict.failures]
