"""Receipts: what a receiver imported and has, signed for the sender; they decide nothing at the receiver's.

A receipt is an in-toto Statement v1 in a DSSE envelope, in a file of its own that can travel back. Its sender
uses it for the next delta. A receipt that lies makes a delta that its receiver cannot complete, and no more.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal import records
from maas_sdk._internal.digests import hex_of
from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.fields import (
    check_digest,
    check_digests,
    check_number,
    check_timestamp,
    checked_by,
)
from maas_sdk.artifact._documents.names import check_name, check_version
from maas_sdk.artifact._documents.papers import for_documents
from maas_sdk.artifact._documents.statements import check_canonical, read_statement
from maas_sdk.errors import (
    ArtifactError,
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    NotFoundError,
    VerificationError,
)
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing import Envelope, PublicKey, Statement, Subject, sign_envelope, verify_envelope
from maas_sdk.trust import CheckStatus

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from typing import Self

    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.artifact._release import Release
    from maas_sdk.interfaces import Signer
    from maas_sdk.limits import Limits
    from maas_sdk.trust import AuditLog, Verdict

__all__ = ["RECEIPT_PREDICATE", "AuditMark", "Receipt", "ReceiptStatement"]

RECEIPT_PREDICATE: Final = "https://maas-sdk.org/receipt/v1"
"""The predicate type of a receipt."""

_WHAT: Final = "the receipt"
_MANIFEST: Final = "manifest"
_MAX_BYTES: Final = 1 << 20  # of a receipt's file
_MAX_HAS: Final = 1024
_MAX_CHECKS: Final = 64
_MAX_LABEL: Final = 64


def _check_has(instance: object, attribute: Any, value: tuple[str, ...]) -> None:
    if not 1 <= len(value) <= _MAX_HAS:
        raise InvalidOptionError(f"has holds {len(value)} manifests; 1 to {_MAX_HAS} are allowed")
    check_digests(instance, attribute, value)


def _check_checks(_instance: object, _attribute: object, value: Mapping[str, str]) -> None:
    if len(value) > _MAX_CHECKS:
        raise InvalidOptionError(f"checks has {len(value)} entries; {_MAX_CHECKS} are allowed")
    for name, status in value.items():
        if not 0 < len(name) <= _MAX_LABEL or not name.isprintable() or status not in set(CheckStatus):
            raise InvalidOptionError(f"checks has the malformed entry {name[:_MAX_LABEL]!r}: {status[:20]!r}")


def _check_count(_instance: object, attribute: Any, value: int) -> None:
    if value != 0:
        check_number(None, attribute, value)


@frozen
class AuditMark:
    """Where the receiver's audit log was: that it was not cut off since, it can be checked against.

    Attributes
    ----------
    count : int
        Entries.
    head : str
        Digest of the last one.
    """

    count: int = field(validator=_check_count)
    head: str = field(validator=check_digest)


@frozen(kw_only=True)
class ReceiptStatement:
    """What a receiver states.

    Attributes
    ----------
    manifest : str
        Digest of the manifest of what was imported.
    name, version : str
        Of the release.
    identity : str
        Of the release.
    sequence : int
        Its number.
    received : str
        When it was imported, as the receiver says.
    receiver : str
        Fingerprint of the key that signs the receipt.
    has : tuple of str
        Digests of the manifests of this name that the receiver has completely, of the highest 1024 versions;
        sorted.
    checks : dict of str to str
        How each check of the import ended.
    audit : AuditMark or None
        Where the receiver's audit log was.
    """

    manifest: str = field(validator=check_digest)
    name: str = field(validator=checked_by(check_name))
    version: str = field(validator=checked_by(check_version))
    identity: str = field(validator=check_digest)
    sequence: int = field(validator=check_number)
    received: str = field(validator=check_timestamp)
    receiver: str = field(validator=check_digest)
    has: tuple[str, ...] = field(validator=_check_has)
    checks: dict[str, str] = field(validator=_check_checks)
    audit: AuditMark | None = None

    @has.validator
    def _(self, _attribute: object, value: tuple[str, ...]) -> None:
        if self.manifest not in value:
            raise InvalidOptionError("has must hold the manifest of what was imported")

    def to_payload(self) -> bytes:
        """Encode as an in-toto statement about the manifest."""
        predicate = {
            "name": self.name,
            "version": self.version,
            "identity": self.identity,
            "sequence": self.sequence,
            "received": self.received,
            "receiver": self.receiver,
            "has": list(self.has),
            "checks": dict(self.checks),
            "audit": None if self.audit is None else records.unstructure(self.audit),
        }
        return Statement([Subject(_MANIFEST, hex_of(self.manifest))], RECEIPT_PREDICATE, predicate).to_bytes()

    @classmethod
    def from_payload(cls, payload: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Decode a payload.

        Raises
        ------
        InvalidArtifactError
            When it breaks a rule; `LimitExceededError` when it exceeds `limits`.
        """
        statement = read_statement(payload, RECEIPT_PREDICATE, _WHAT, limits)
        manifest = f"sha256:{statement.subjects[0].sha256}"
        record = records.structure({**statement.predicate, "manifest": manifest}, cls, what=_WHAT)
        check_canonical(record, payload, _WHAT)
        return record


@frozen(repr=False)
class Receipt:
    """A receipt, as the receiver signed it or as it came back; `verify` tells whether it is theirs.

    Attributes
    ----------
    statement : ReceiptStatement
        What it says.
    """

    statement: ReceiptStatement
    _envelope: Envelope

    def __repr__(self) -> str:
        said = self.statement
        return f"<Receipt for {said.name}@{said.version} by {said.receiver}>"

    @property
    def has(self) -> tuple[str, ...]:
        """Digests of the manifests that the receiver has; `Release.export` takes the receipt itself."""
        return self.statement.has

    @classmethod
    def make(
        cls,
        catalog: Catalog,
        release: Release,
        verdict: Verdict,
        *,
        received: str,
        signer: Signer,
        audit: AuditLog | None = None,
    ) -> Self:
        """Sign a receipt for a release that was imported.

        Raises
        ------
        SigningError
            When the signer fails.
        StorageError, ArtifactError
            When the store cannot be read.
        AuditError
            When the last line of the audit log is damaged.
        """
        from maas_sdk.artifact._draft import fingerprints  # noqa: PLC0415 - few imports make a receipt

        statement = ReceiptStatement(
            manifest=release.manifest_digest,
            name=release.name,
            version=release.version,
            identity=release.identity,
            sequence=release.sequence,
            received=received,
            receiver=fingerprints([signer])[0],
            has=_held(catalog, release),
            checks={check.name: check.status.value for check in verdict.checks},
            audit=None if audit is None else AuditMark(*audit.head),
        )
        return cls(statement, sign_envelope(statement.to_payload(), [signer]))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, ``digits-1.0.0.receipt.json`` by custom; an existing one is replaced.

        Raises
        ------
        StorageError
            When it cannot be written; then an existing file stays.
        """
        target = Path(path)
        with atomic_file(target) as file:
            file.write(self._envelope.to_json())
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Read a receipt; whose it is, `verify` tells.

        Raises
        ------
        NotFoundError
            When there is no such file.
        StorageError
            When it cannot be read.
        InvalidArtifactError
            When it is no receipt; `LimitExceededError` when it is too large.
        """
        file_name = Path(path)
        with storage_errors(f"reading {file_name}"):
            if not file_name.is_file() and file_name.exists():
                raise InvalidArtifactError(f"{file_name} is not a regular file")
            with file_name.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise LimitExceededError(f"{file_name} is larger than the {_MAX_BYTES} bytes of a receipt")
        bounds = for_documents(limits)
        try:
            envelope = Envelope.from_json(data, limits=bounds)
            return cls(ReceiptStatement.from_payload(envelope.payload, limits=bounds), envelope)
        except InvalidArtifactError as exc:  # of the same class, a limit being one of its own
            raise type(exc)(f"{file_name} is no receipt: {exc}") from exc

    def verify(self, public_key: PublicKey) -> None:
        """Check that the receiver signed it.

        Parameters
        ----------
        public_key : PublicKey
            Of the receiver: out of their contact, never out of the receipt.

        Raises
        ------
        VerificationError
            When they did not.
        """
        if not isinstance(public_key, PublicKey):
            raise InvalidOptionError(f"public_key is {public_key!r}; give a PublicKey, as a contact has it")
        verify_envelope(self._envelope, [public_key])
        if public_key.fingerprint != self.statement.receiver:
            raise VerificationError(
                f"the receipt names the receiver {self.statement.receiver}, and {public_key.fingerprint} "
                "signed it"
            )


def _held(catalog: Catalog, release: Release) -> tuple[str, ...]:
    """Give the manifests of a name that a store has completely: of the highest versions, no more than fit."""
    found = {release.manifest_digest}
    here: dict[str, bool] = {}
    for digest in _manifests(catalog, release.name):
        if len(found) == _MAX_HAS:
            break
        if _is_complete(catalog, digest, here):
            found.add(digest)
    return tuple(sorted(found))


def _manifests(catalog: Catalog, name: str) -> Iterator[str]:
    for version in reversed(catalog.versions(name)):
        record = catalog.record(name, version)
        if record is not None:
            yield record.manifest.digest
        for further in catalog.envelopes(name, version):
            yield further.manifest.digest


def _is_complete(catalog: Catalog, digest: str, here: dict[str, bool]) -> bool:
    try:
        manifest = catalog.blobs.read(digest, max_bytes=catalog.limits.max_json_bytes)
        _, layers = oci.parse_manifest(manifest, limits=catalog.limits)
    except (ArtifactError, NotFoundError):
        return False  # the store is damaged there; the next bundle may bring it again
    for layer in layers:
        if layer.digest not in here:
            here[layer.digest] = catalog.blobs.has(layer.digest)
    return all(here[layer.digest] for layer in layers)
