"""What is to be published, checked as far as that can be done without a store; nothing is read or written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk._internal.digests import hex_of
from maas_sdk.artifact._contents.keys import sealing_recipients
from maas_sdk.artifact._contents.sources import DerivedPart, read_content
from maas_sdk.artifact._documents.names import check_name, check_version
from maas_sdk.artifact._documents.parts import PartInfo, media_type_of
from maas_sdk.artifact._documents.statements import Dataset, ReleaseStatement
from maas_sdk.artifact._documents.times import as_timestamp
from maas_sdk.artifact._documents.times import now as present
from maas_sdk.errors import InvalidOptionError, SigningError
from maas_sdk.sealing import AgeSealer
from maas_sdk.signing import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from maas_sdk.artifact._contents.sources import Content
    from maas_sdk.artifact._documents.disclosures import Disclosures
    from maas_sdk.artifact._documents.progress import Progress
    from maas_sdk.interfaces import Sealer, Signer

__all__ = ["Draft", "fingerprints", "make_draft", "part_infos", "public_keys"]

_UNKNOWN: Final = "sha256:" + "0" * 64


@frozen(kw_only=True)
class Draft:
    """What is to be published.

    Attributes
    ----------
    contents : mapping of str to Content
        By path, sorted.
    derived : mapping of str to DerivedPart
        Those that are made out of the digests of the others.
    statement : ReleaseStatement
        With a provisional number, and without the digests of the parts.
    parents : sequence of str
        Identities or references of the releases that it was made from.
    signers : sequence of Signer
        Who signs.
    recipients : dict of str to object
        The sealer's recipients by fingerprint; empty for an unsealed release.
    sealer : Sealer
        What seals.
    progress : callable
        Is told how far it is.
    """

    contents: Mapping[str, Content]
    derived: Mapping[str, DerivedPart]
    statement: ReleaseStatement
    parents: Sequence[str]
    signers: Sequence[Signer]
    recipients: dict[str, Any]
    sealer: Sealer
    progress: Progress


def make_draft(
    parts: Mapping[Any, Any],
    *,
    name: str,
    version: str,
    signers: Sequence[Signer],
    recipients: Sequence[Any],
    created: str | datetime | None,
    expires: str | datetime | None,
    sealer: Sealer | None,
    parents: Sequence[str],
    datasets: Mapping[str, str] | Iterable[Dataset],
    metrics: Mapping[str, float],
    disclosures: Disclosures | None,
    progress: Progress,
) -> Draft:
    """Check what a caller gave, as far as that can be done without a store.

    Raises
    ------
    InvalidReferenceError
        When name, version or a parent is malformed.
    InvalidOptionError
        When a path, a content, a time, a recipient, a data set or a metric is.
    NotFoundError
        When a part's file does not exist.
    SigningError
        When a signer gives no public key.
    """
    check_name(name)
    check_version(version)
    begin = present() if created is None else as_timestamp(created, what="created")
    end = None if expires is None else as_timestamp(expires, what="expires")
    if end is not None and end <= begin:
        raise InvalidOptionError(f"expires is {end}, and created is {begin}: it would never be valid")
    for path in parts:
        if not isinstance(path, str):
            raise InvalidOptionError(f"the path of a part must be a text, not {path!r}")
    if isinstance(parents, str):
        raise InvalidOptionError(f'parents is a text; pass a list: ["{parents}"]')
    derived = {path: part for path, part in parts.items() if isinstance(part, DerivedPart)}
    contents = {path: read_content(parts[path], path) for path in sorted(parts) if path not in derived}
    unread = {path: (contents[path].size if path in contents else 0, _UNKNOWN) for path in parts}
    statement = ReleaseStatement(
        name=name,
        version=version,
        sequence=1,
        created=begin,
        expires=end,
        keys=fingerprints(signers),
        parts=part_infos(unread),
        datasets=_datasets(datasets),
        metrics=_metrics(metrics),
        disclosures=disclosures,
    )
    return Draft(
        contents=contents,
        derived=derived,
        statement=statement,
        parents=parents,
        signers=signers,
        recipients=sealing_recipients(recipients),
        sealer=sealer or AgeSealer(),
        progress=progress,
    )


def part_infos(parts: Mapping[str, tuple[int, str]]) -> tuple[PartInfo, ...]:
    """Describe parts, given size and digest by path; sorted.

    Raises
    ------
    InvalidOptionError
        When a path is malformed.
    """
    return tuple(
        PartInfo(path, media_type_of(path), size, hex_of(digest))
        for path, (size, digest) in sorted(parts.items())
    )


def public_keys(signers: Sequence[Signer]) -> tuple[PublicKey, ...]:
    """Give the signers' keys, each once, sorted by fingerprint; `SigningError` when one gives none."""
    try:
        pems = [signer.public_key_pem() for signer in signers]
    except Exception as exc:
        raise SigningError(f"a signer gives no public key: {exc}") from exc
    keys = {key.fingerprint: key for key in map(PublicKey.from_pem, pems)}
    return tuple(keys[fingerprint] for fingerprint in sorted(keys))


def fingerprints(signers: Sequence[Signer]) -> tuple[str, ...]:
    """Give the fingerprints of the signers' keys, sorted; `SigningError` when one gives none."""
    return tuple(key.fingerprint for key in public_keys(signers))


def _datasets(datasets: Mapping[str, str] | Iterable[Dataset]) -> tuple[Dataset, ...]:
    if isinstance(datasets, Mapping):
        return tuple(Dataset(name, digest) for name, digest in datasets.items())
    found = tuple(datasets)
    if not all(isinstance(each, Dataset) for each in found):
        raise InvalidOptionError("datasets must be a mapping of names to digests, {'train': 'sha256:…'}")
    return found


def _metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    if not isinstance(metrics, Mapping):
        raise InvalidOptionError(f"metrics must be a mapping of names to numbers, not {metrics!r}")
    try:
        return {name: float(value) for name, value in sorted(metrics.items())}
    except (TypeError, ValueError) as exc:
        raise InvalidOptionError(f"metrics must be numbers by name: {exc}") from exc
