"""Sealing a release anew for other recipients: the same release in another envelope.

It takes the right to read it, and one of the keys that signed it. Plaintext streams from one layer into the
other within memory: nothing of it touches a disk, and no layer appears before its content was found to be
what the publisher signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, cast

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._contents.keys import sealing_recipients
from maas_sdk.artifact._contents.passage import Passage
from maas_sdk.artifact._contents.sealing import LayerSealer, sign_sealing
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.names import Reference
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._draft import public_keys
from maas_sdk.artifact._inventory.catalog import VersionRecord
from maas_sdk.artifact._release import open_release
from maas_sdk.errors import InvalidOptionError, MaasError, SealingError
from maas_sdk.sealing import AgeSealer
from maas_sdk.signing import Envelope, verify_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maas_sdk.artifact._contents.opening import PartReader
    from maas_sdk.artifact._documents.papers import Attestation
    from maas_sdk.artifact._documents.parts import PartInfo
    from maas_sdk.artifact._documents.progress import Progress
    from maas_sdk.artifact._documents.statements import Layer
    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.artifact._release import Release
    from maas_sdk.interfaces import Sealer, Signer
    from maas_sdk.limits import Limits

__all__ = ["reseal"]


def reseal(
    catalog: Catalog,
    release: Release,
    *,
    recipients: Sequence[Any],
    identity: Any,
    signers: Sequence[Signer],
    sealer: Sealer | None,
    progress: Progress,
) -> Release:
    """Seal a release of this store for these recipients; give the envelope that is there when there is one.

    Raises
    ------
    InvalidOptionError
        When recipients are wrong, or no signer's key is one of those that signed the release: its receivers
        trust no other.
    VerificationError
        When the release was not signed by that key.
    NoMatchError
        When it is sealed, and not for this identity.
    DigestMismatchError
        When the store is damaged.
    SealingError
        When a layer cannot be opened or sealed.
    SigningError
        When a signer fails.
    StorageError
        When the store cannot be written.
    """
    wanted = sealing_recipients(recipients)
    seals = sealer or AgeSealer()
    into = LayerSealer(catalog, seals, wanted, keys=public_keys(signers))
    into.check()
    # Release's other half.
    statement, papers, sealing = release._statement, release._papers, release._sealing  # noqa: SLF001
    opener = sealer if sealer is not None and sealing and sealer.suffix == sealing.suffix else None
    _check_signers(papers.release, release, signers, catalog.limits)
    out_of = release._reader(identity, opener)  # noqa: SLF001
    if (known := _known(catalog, release, tuple(wanted), seals.suffix)) is not None:
        return known
    with catalog.leases.hold(f"reseal {release.name}@{release.version}") as lease:
        tell = _teller(release, lease.renew_if_needed, progress)
        try:
            layers = [_reseal_one(into, out_of, part, tell) for part in release.parts]
            config = oci.build_config(statement, layers)
            manifest = oci.build_manifest(statement, layers, config=config, suffix=seals.suffix)
            envelope = sign_sealing(
                statement,
                sha256(manifest),
                layers,
                recipients=tuple(wanted),
                suffix=seals.suffix,
                signers=signers,
            )
            papers = make_papers(
                statement,
                config=config,
                manifest=manifest,
                release=papers.release.envelope,
                sealing=envelope,
                limits=catalog.limits,
            )
            lease.check()
            catalog.add_documents(papers)
            record = VersionRecord.of(release.identity, release.sequence, papers)
            catalog.add_envelope(release.name, release.version, record)
        except MaasError:
            # What was written for nothing is removed, unless somebody else works on the store.
            catalog.discard(into.made, lease=lease)
            raise
    return open_release(catalog, Reference(release.name, version=release.version), manifest=papers.digest)


def _check_signers(signed: Attestation, release: Release, signers: Sequence[Signer], limits: Limits) -> None:
    """Make sure that receivers will accept the envelope, and that the release is what a signer signed."""
    given = public_keys(signers)
    keys = [key for key in given if key.fingerprint in release.keys]
    if not keys:
        raise InvalidOptionError(
            f"{release.name}@{release.version} is signed by {', '.join(release.keys)}, and receivers accept "
            f"an envelope by one of these keys only, not by "
            f"{', '.join(key.fingerprint for key in given) or 'nobody'}"
        )
    verify_envelope(Envelope.from_json(signed.envelope, limits=limits), keys, threshold=1)


def _known(catalog: Catalog, release: Release, recipients: tuple[str, ...], suffix: str) -> Release | None:
    exact = Reference(release.name, version=release.version)
    first = open_release(catalog, exact)
    more = (record.manifest.digest for record in catalog.envelopes(release.name, release.version))
    for envelope in (first, *(open_release(catalog, exact, manifest=digest) for digest in more)):
        sealing = envelope._sealing  # noqa: SLF001 - Release's other half
        if sealing is not None and (sealing.recipients, sealing.suffix) == (recipients, suffix):
            return envelope
    return None


def _teller(release: Release, renew: Callable[[], None], progress: Progress) -> Callable[[int], None]:
    total = sum(part.size for part in release.parts)
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        renew()
        done += count
        progress("reseal", done, total)

    return tell


def _reseal_one(
    sealer: LayerSealer, reader: PartReader, part: PartInfo, tell: Callable[[int], None]
) -> Layer:
    known = sealer.known(part.path, part.digest)
    if known is not None:
        tell(part.size)
        return known
    with Passage(reader, part, tell) as passage:

        def digest() -> str:
            if passage.read(1):
                raise SealingError(f"the sealer did not read all of {part.path!r}")
            return part.digest  # the end was reached, so it is

        return sealer.seal(part.path, cast("BinaryIO", passage), digest)
