"""What the owner of a store signs besides releases: aliases, yanks, notes, rotations, revocations.

Each act is a numbered, signed record that is added and never changed; the latest number holds. Two who act at
the same time both succeed, one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.names import Reference, check_alias
from maas_sdk.artifact._documents.notices import (
    AliasNotice,
    Note,
    Revocation,
    RevokedKey,
    RevokedRelease,
    Rotation,
    YankNotice,
    check_publisher,
)
from maas_sdk.artifact._documents.papers import MAX_NOTICES
from maas_sdk.artifact._documents.times import now
from maas_sdk.artifact._release import open_release
from maas_sdk.errors import AlreadyExistsError, InvalidOptionError, NotFoundError, SigningError
from maas_sdk.signing import Envelope, PublicKey, sign_envelope
from maas_sdk.trust import TrustedKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.artifact._notice_checks import Accepted
    from maas_sdk.interfaces import Signer

__all__ = [
    "aliases",
    "annotate",
    "current_keys",
    "keep_notices",
    "notices_for",
    "read_alias",
    "revoke",
    "rotate",
    "set_alias",
    "yank",
]

N = TypeVar("N", AliasNotice, YankNotice, Note, Rotation, Revocation)


def set_alias(
    catalog: Catalog, alias: str, reference: Reference, *, signers: Sequence[Signer]
) -> AliasNotice:
    """Let an alias mean a release from now on; nothing is written when it does already.

    Raises
    ------
    NotFoundError
        When there is no such release.
    InvalidReferenceError
        When the alias is malformed.
    SigningError
        When a signer fails.
    """
    check_alias(alias)
    release = open_release(catalog, reference)

    def made(generation: int, last: bytes | None) -> AliasNotice:
        return AliasNotice(
            name=release.name,
            alias=alias,
            generation=generation,
            version=release.version,
            identity=release.identity,
            previous=None if last is None else sha256(_payload(catalog, last)),
            created=now(),
        )

    latest = _latest(catalog, f"{release.name}/aliases/{alias}", AliasNotice)
    if latest is not None and latest.identity == release.identity:
        return latest
    return _append(catalog, f"{release.name}/aliases/{alias}", made, signers)


def read_alias(catalog: Catalog, reference: Reference) -> tuple[AliasNotice, bytes]:
    """Give what an alias means now, and the record that says so.

    Raises
    ------
    NotFoundError
        When there is no such alias, or the store has not the release that it means.
    """
    version = catalog.resolve(reference)
    latest = catalog.latest(f"{reference.name}/aliases/{reference.alias}")
    while latest is not None:
        notice = AliasNotice.from_payload(_payload(catalog, latest[1]), limits=catalog.limits)
        if notice.version == version:
            return notice, latest[1]
        version = catalog.resolve(reference)  # it has been moved in between
        latest = catalog.latest(f"{reference.name}/aliases/{reference.alias}")
    raise NotFoundError(f"the store has no {reference}")


def aliases(catalog: Catalog, name: str) -> dict[str, AliasNotice]:
    """Give the latest statement of each alias of a name."""
    records = _latest_of_each(catalog, f"{name}/aliases/")
    found = [AliasNotice.from_payload(_payload(catalog, each), limits=catalog.limits) for each in records]
    return {notice.alias: notice for notice in found}


def yank(
    catalog: Catalog, reference: Reference, *, signers: Sequence[Signer], reason: str, undo: bool = False
) -> YankNotice:
    """Say that a release should not be used any more, or with `undo` that it may be again.

    Raises
    ------
    NotFoundError
        When there is no such release.
    InvalidOptionError
        When the reason is empty, or there is nothing to undo.
    SigningError
        When a signer fails.
    """
    release = open_release(catalog, reference)
    prefix = f"{release.name}/yanks/{release.version}"
    latest = _latest(catalog, prefix, YankNotice)
    yanked = latest is not None and latest.yanked
    if undo and not yanked:
        raise InvalidOptionError(f"{release.name}@{release.version} is not yanked; there is nothing to undo")
    if latest is not None and yanked and not undo and latest.reason == reason:
        return latest

    def made(generation: int, _last: bytes | None) -> YankNotice:
        return YankNotice(
            name=release.name,
            version=release.version,
            identity=release.identity,
            generation=generation,
            yanked=not undo,
            reason=reason,
            created=now(),
        )

    return _append(catalog, prefix, made, signers)


def annotate(
    catalog: Catalog,
    reference: Reference,
    *,
    signers: Sequence[Signer],
    note: str | None = None,
    tags: Sequence[str] | None = None,
) -> Note:
    """Replace the note of a release, or its tags, or both; None leaves what there is.

    Raises
    ------
    NotFoundError
        When there is no such release.
    InvalidOptionError
        When a tag or the text is malformed.
    SigningError
        When a signer fails.
    """
    if isinstance(tags, str):
        raise InvalidOptionError(f'tags is a text; pass a list: ["{tags}"]')
    release = open_release(catalog, reference)
    prefix = f"{release.name}/notes/{release.version}"

    def made(generation: int, last: bytes | None) -> Note:
        old = None if last is None else Note.from_payload(_payload(catalog, last), limits=catalog.limits)
        text = note if note is not None else (old.text if old else "")
        given = tuple(sorted(set(tags))) if tags is not None else (old.tags if old else ())
        return Note(
            name=release.name,
            version=release.version,
            identity=release.identity,
            generation=generation,
            text=text,
            tags=given,
            created=now(),
        )

    return _append(catalog, prefix, made, signers)


def current_keys(catalog: Catalog, publisher: str) -> Rotation | None:
    """Give the latest rotation of a publisher's keys in this store; None in the first epoch."""
    return _latest(catalog, f"{publisher}/@rotations", Rotation)


def rotate(
    catalog: Catalog,
    publisher: str,
    *,
    signers: Sequence[Signer],
    keys: Mapping[str, Signer],
    threshold: int = 1,
) -> tuple[Rotation, bytes]:
    """Begin a new epoch of a publisher's keys.

    Raises
    ------
    InvalidOptionError
        When publisher, threshold or keys are malformed, or too few of the present keys sign.
    SigningError
        When a signer fails.
    """
    check_publisher(publisher)
    if not signers or not keys:
        raise InvalidOptionError("a rotation is signed by the old keys and the new ones; give both")
    present = current_keys(catalog, publisher)
    if present is not None:
        known = {key.fingerprint for key in present.keys}
        if len(known & {_key(signer).fingerprint for signer in signers}) < present.threshold:
            raise InvalidOptionError(
                f"a rotation of {publisher} is signed by {present.threshold} of the keys of epoch "
                f"{present.epoch}: {', '.join(key.name for key in present.keys)}"
            )
    trusted = [TrustedKey(name, _key(signer).fingerprint, _key(signer).pem) for name, signer in keys.items()]
    rotation = Rotation(
        publisher=publisher,
        epoch=2 if present is None else present.epoch + 1,
        keys=tuple(sorted(trusted, key=lambda key: key.fingerprint)),
        threshold=threshold,
        previous=None if present is None else sha256(present.to_payload()),
        created=now(),
    )
    everybody = {_key(signer).fingerprint: signer for signer in (*signers, *keys.values())}
    envelope = sign_envelope(rotation.to_payload(), list(everybody.values())).to_json()
    try:
        catalog.append(f"{publisher}/@rotations", rotation.epoch, envelope)
    except AlreadyExistsError as exc:
        raise AlreadyExistsError(
            f"epoch {rotation.epoch} of {publisher} was begun by somebody else meanwhile; look at it first"
        ) from exc
    return rotation, envelope


def revoke(
    catalog: Catalog,
    publisher: str,
    *,
    signers: Sequence[Signer],
    keys: Mapping[str, str],
    releases: Mapping[str, str],
) -> Revocation:
    """Add keys and releases to what a publisher has revoked.

    Parameters
    ----------
    catalog : Catalog
        Where it is written down.
    publisher : str
        What stands before the slash of the names.
    signers : sequence of Signer
        As many as the receivers' policies ask of a release.
    keys, releases : mapping of str to str
        Fingerprints, or identities, and the reason of each.

    Raises
    ------
    InvalidOptionError
        When there is nothing to revoke, or something is malformed.
    SigningError
        When a signer fails.
    """
    check_publisher(publisher)

    def made(number: int, last: bytes | None) -> Revocation:
        old = None
        if last is not None:
            old = Revocation.from_payload(_payload(catalog, last), limits=catalog.limits)
        all_keys = {key.fingerprint: key.reason for key in old.keys} if old else {}
        all_releases = {each.identity: each.reason for each in old.releases} if old else {}
        return Revocation(
            publisher=publisher,
            number=number,
            keys=tuple(RevokedKey(*pair) for pair in sorted({**keys, **all_keys}.items())),
            releases=tuple(RevokedRelease(*pair) for pair in sorted({**releases, **all_releases}.items())),
            created=now(),
        )

    if not keys and not releases:
        raise InvalidOptionError("nothing to revoke: give a key or a release")
    return _append(catalog, f"{publisher}/@revocations", made, signers)


def notices_for(catalog: Catalog, name: str, version: str) -> list[tuple[str, bytes]]:
    """Give what travels with a release: kinds and DSSE envelopes; of too many the latest."""
    publisher = name.partition("/")[0]
    found = [(oci.ROTATION_SIGNATURE, record) for _, record in catalog.all(f"{publisher}/@rotations")]
    latest = catalog.latest(f"{publisher}/@revocations")
    if latest is not None:
        found.append((oci.REVOCATION_SIGNATURE, latest[1]))
    found += [
        (oci.ALIAS_SIGNATURE, record)
        for record in _latest_of_each(catalog, f"{name}/aliases/")
        if AliasNotice.from_payload(_payload(catalog, record), limits=catalog.limits).version == version
    ]
    yanks = [(oci.YANK_SIGNATURE, record) for record in _latest_of_each(catalog, f"{name}/yanks/")]
    return [*found, *reversed(yanks)][:MAX_NOTICES]


def keep_notices(catalog: Catalog, accepted: Accepted) -> None:
    """Write down what came with a release and holds; a number that is taken here stays as it is."""
    numbered = [
        *((f"{each.publisher}/@rotations", each.epoch, record) for each, record in accepted.rotations),
        *((f"{each.publisher}/@revocations", each.number, record) for each, record in accepted.revocations),
        *((f"{each.name}/yanks/{each.version}", each.generation, record) for each, record in accepted.yanks),
        *(
            (f"{each.name}/aliases/{each.alias}", each.generation, record)
            for each, record in accepted.aliases
        ),
    ]
    for prefix, number, record in numbered:
        latest = catalog.latest(prefix)
        if latest is None or latest[0] < number:
            try:
                catalog.append(prefix, number, record)
            except AlreadyExistsError:
                continue  # somebody was faster; what is there stays


def _append(
    catalog: Catalog, prefix: str, made: Callable[[int, bytes | None], N], signers: Sequence[Signer]
) -> N:
    if not signers:
        raise InvalidOptionError("signers is empty; one at least must sign")
    while True:
        latest = catalog.latest(prefix)
        notice = made(1 if latest is None else latest[0] + 1, None if latest is None else latest[1])
        number = _number(notice)
        envelope = sign_envelope(notice.to_payload(), signers).to_json()
        try:
            catalog.append(prefix, number, envelope)
        except AlreadyExistsError:
            continue
        return notice


def _number(notice: Any) -> int:
    return int(notice.number if isinstance(notice, Revocation) else notice.generation)


def _latest_of_each(catalog: Catalog, folder: str) -> list[bytes]:
    """Give the latest record below each folder of a folder."""
    return [record for _, record in catalog.latest_below(folder).values()]


def _latest(catalog: Catalog, prefix: str, kind: type[N]) -> N | None:
    latest = catalog.latest(prefix)
    return None if latest is None else kind.from_payload(_payload(catalog, latest[1]), limits=catalog.limits)


def _payload(catalog: Catalog, envelope: bytes) -> bytes:
    """Take the payload out of a record in one's own store; whoever relies on it verifies it."""
    return Envelope.from_json(envelope, limits=catalog.limits).payload


def _key(signer: Signer) -> PublicKey:
    try:
        pem = signer.public_key_pem()
    except Exception as exc:
        raise SigningError(f"a signer gives no public key: {exc}") from exc
    return PublicKey.from_pem(pem)
