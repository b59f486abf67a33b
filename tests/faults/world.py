"""A world to mount attacks in: a publisher's store, a receiver's store and trust, and the attacker's hands.

An attack on a bundle is shown to `verify` and to `Store.import_bundle`, which must agree; the store must hold
nothing of it afterwards, and the trust folder must remember nothing new.
"""

import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from setting import NAME, NOW, PARTS, trusted
from watched import tree

from maas_sdk.artifact import Store, verify
from maas_sdk.errors import MaasError, RefusedError
from maas_sdk.storage import LocalBackend, MemoryBackend
from maas_sdk.trust import Trust


def the_forger():
    """Give the module with the forger of documents, and its two tables of attacks."""
    path = Path(__file__).parents[1] / "artifact" / "test_attacks.py"
    name = "attacks_on_documents"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@dataclass(frozen=True)
class Org:
    """What the forger calls the people."""

    acme: object
    globex: object
    initech: object


class World:
    """A folder for one attack: stores of a publisher and of a receiver, and the attacker's hands."""

    def __init__(self, folder, people):
        folder.mkdir(parents=True)
        self.folder = folder
        self.people = people
        self.org = Org(people.acme, people.globex, people.initech)
        self.sender = Store(MemoryBackend())
        self.first_use = [NAME]
        self.now = NOW
        self.recipient = people.globex
        self.trust = None
        self.policy = people.policy()
        self._store = None

    # Honest deeds.

    def publish(self, version="1.0.0", *, store=None, signers=None, recipients=None, **options):
        acme, globex = self.people.acme, self.people.globex
        parts = PARTS["1.0.0"] | {"version.txt": version.encode()}
        options = {"name": NAME, "created": NOW, "parts": parts} | options
        parts = options.pop("parts")
        return (store or self.sender).publish(
            parts,
            version=version,
            signers=signers or [acme.signer],
            recipients=[acme, globex.public] if recipients is None else recipients,
            **options,
        )

    def bundle(self, version="1.0.0", **options):
        return self.publish(version, **options).export(self.folder / f"{version}.maas")

    def receive(self, path):
        release = self.store.import_bundle(
            path, trust=self.trusting(), first_use=self.first_use, recipient=self.recipient, now=self.now
        )
        self.first_use = []
        return release

    @property
    def store(self):
        if self._store is None:
            self._store = Store(LocalBackend(self.folder / "store"))
        return self._store

    def trusting(self):
        if self.trust is None:
            folder = self.folder / "trust"
            self.trust = Trust.open(folder) if folder.exists() else Trust.create(folder, policy=self.policy)
        return self.trust

    def key(self, person):
        return trusted(person)

    # What happens to what is hostile.

    def refused(self, path):
        """Show a bundle to `verify` and to an import; give the check that failed, and its reason."""
        trust = self.trusting()
        found = verify(path, trust=trust, first_use=self.first_use, recipient=self.recipient, now=self.now)
        assert not found.passed, "it was accepted"
        store = self.store
        before = tree(self.folder)
        try:
            store.import_bundle(
                path, trust=trust, first_use=self.first_use, recipient=self.recipient, now=self.now
            )
        except RefusedError as exc:
            failed = exc.verdict.failures[0]
        else:
            raise AssertionError("it was imported")
        assert [check.name for check in found.failures][:1] == [failed.name]
        self.same_as(before)
        return failed.name, found.failures[0].reason

    def refused_by_import(self, path, *, may_go=False):
        """Show a bundle to an import alone: what only a store can know; blobs of earlier ones may go."""
        before = tree(self.folder)
        try:
            self.receive(path)
        except RefusedError as exc:
            self.same_as({} if may_go else before, removed=may_go)
            return exc.verdict.failures[0].name, exc.verdict.failures[0].reason
        raise AssertionError("it was imported")

    def same_as(self, before, *, removed=False):
        """Nothing is new or other but evidence and the log, and no blob came."""
        after = tree(self.folder)
        if removed:
            return
        own = re.compile(
            r"trust/(trust\.lock|state\.json|audit\.jsonl.*|evidence.*)|"
            r"store(/(\.incoming|leases|index\.sqlite.*|blobs|blobs/sha256))?"
        )
        strange = {
            where
            for where in {*before, *after}
            if before.get(where, 0) != after.get(where, 0) and not own.fullmatch(where)
        }
        assert not strange, strange

    def told(self, function):
        """Call what must fail; give the class of the error, and its message."""
        try:
            function()
        except MaasError as exc:
            return type(exc).__name__, str(exc)
        raise AssertionError("nothing was noticed")
