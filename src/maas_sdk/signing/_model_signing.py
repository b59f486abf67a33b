"""OpenSSF Model Signing v1.0 bundles: which files a signed model has; it reads no model.

Specification: https://github.com/ossf/model-signing-spec (``spec/v1.0.md``). Written: the ``key`` method over
whole files with SHA-256. Read: the same, by the stricter rule that `verify_files` states.
"""

from __future__ import annotations

import bisect
import hashlib
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk._internal import records, strict_json
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, VerificationError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing._envelope import (
    IN_TOTO_PAYLOAD_TYPE,
    Envelope,
    Signature,
    pae,
    sign_message,
    verify_envelope,
)
from maas_sdk.signing._statement import Statement, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from maas_sdk.interfaces import Signer
    from maas_sdk.limits import Limits
    from maas_sdk.signing._keys import PublicKey

__all__ = ["SignedFiles", "sign_files", "verify_files"]

_WHAT: Final = "the model signature"
_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
_SHA256: Final = "sha256"
_SKIPPED_BY_VERIFIERS: Final = frozenset({".git", ".gitattributes", ".github", ".gitignore"})
_GLOB: Final = frozenset("*?[")
_MAX_PATH: Final = 4096  # characters; more than file systems take


@frozen
class SignedFiles:
    """What a verified bundle vouches for.

    Attributes
    ----------
    name : str
        What the signer called the model; for information only.
    files : tuple of Subject
        Relative path and SHA-256 of each file, in the bundle's order.
    key : PublicKey
        The trusted key that signed.
    """

    name: str
    files: tuple[Subject, ...]
    key: PublicKey


def sign_files(
    files: Mapping[str, str], signer: Signer, *, name: str, ignore_paths: Sequence[str] = ()
) -> bytes:
    """Make a bundle that the stock verifier (``model_signing verify key``) accepts.

    Parameters
    ----------
    files : mapping of str to str
        SHA-256 in hexadecimal by relative path with ``/``; one at least.
    signer : Signer
        With an ECDSA key: the format knows no other.
    name : str
        The model's name, usually its folder's.
    ignore_paths : sequence of str
        Paths that verifiers shall pass over, such as the bundle's own.

    Returns
    -------
    bytes
        The bundle, JSON.

    Raises
    ------
    InvalidOptionError
        When there are no files, a path is malformed or one that stock verifiers always pass over (``.git``
        and the like at the top), a digest is malformed, or the key is of another type.
    SigningError
        When the signer fails.
    """
    subjects = [Subject(path, files[path]) for path in sorted(files)]  # by code point: section 5.2.1
    _check_signable([subject.name for subject in subjects], ignore_paths)
    predicate = {
        "serialization": {
            "method": "files",
            "hash_type": _SHA256,
            "allow_symlinks": False,
            "ignore_paths": list(ignore_paths),
        },
        "resources": [{"name": s.name, "algorithm": _SHA256, "digest": s.sha256} for s in subjects],
    }
    payload = Statement([Subject(name, _root(subjects))], _PREDICATE_TYPE, predicate).to_bytes()
    key, sig = sign_message(signer, pae(IN_TOTO_PAYLOAD_TYPE, payload))
    if not key.key_type.startswith("ecdsa-"):
        raise InvalidOptionError(f"the signer's key is {key.key_type}; Model Signing knows ECDSA keys only")
    envelope = Envelope(payload, IN_TOTO_PAYLOAD_TYPE, [Signature("", sig)])
    return strict_json.dumps(
        {
            "mediaType": _MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": _hint(key)}, "tlogEntries": []},
            "dsseEnvelope": envelope.to_dict(),
        }
    )


def verify_files(
    bundle: bytes | bytearray | memoryview,
    trusted: Sequence[PublicKey],
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> SignedFiles:
    """Check a bundle, by a stricter rule than the specification's.

    It must be strict JSON in the current layout, signed once with a key (no certificate), and its hint must
    be the SHA-256 of that key's PEM text. The statement must list whole files (no shards) by SHA-256, without
    symbolic links: one file at least, each path canonical and once, sorted by code point (as the
    specification says) or by path component (as the stock tool does), and the root digest must be theirs. No
    ignored path may be malformed or cover a listed file.

    Parameters
    ----------
    bundle : bytes-like
        The whole document.
    trusted : sequence of PublicKey
        One of them must have signed.
    limits : Limits
        The bounds on JSON and `max_signatures` hold.

    Raises
    ------
    InvalidArtifactError
        When the bundle breaks one of these rules.
    LimitExceededError
        When it exceeds a limit.
    VerificationError
        When none of the keys signed it, or the hint names another key.
    """
    hint, envelope = _open(strict_json.loads(bundle, what=_WHAT, limits=limits), limits)
    verified = verify_envelope(envelope, trusted)
    key = next((key for key in verified.keys if _hint(key) == hint), None)
    if key is None:
        raise VerificationError(
            f"{_WHAT} was made with the key {verified.keys[0].fingerprint}, but its hint names another"
        )
    statement = Statement.from_bytes(verified.payload, limits=limits)
    if statement.predicate_type != _PREDICATE_TYPE:
        raise InvalidArtifactError(f"{_WHAT}: predicateType is {statement.predicate_type!r}")
    predicate = records.structure(statement.predicate, _Predicate, what=f"{_WHAT}: predicate")
    files = _files(predicate)
    if [s.sha256 for s in statement.subjects] != [_root(files)]:
        raise InvalidArtifactError(f"{_WHAT}: the subject is not the root digest of the resources")
    return SignedFiles(statement.subjects[0].name, files, key)


def _check_signable(names: Sequence[str], ignored: Sequence[str]) -> None:
    if not names:
        raise InvalidOptionError("there is no file to sign")
    try:
        _check_paths(names, ignored)
    except InvalidArtifactError as exc:
        raise InvalidOptionError(str(exc)) from exc
    skipped = [name for name in names if _components(name)[0] in _SKIPPED_BY_VERIFIERS]
    if skipped:
        raise InvalidOptionError(
            f"{skipped[0]!r} would not be protected: verifiers of this format pass over "
            f"{', '.join(sorted(_SKIPPED_BY_VERIFIERS))}; sign a copy without it"
        )


@frozen
class _Serialization:
    method: str
    hash_type: str
    allow_symlinks: bool
    ignore_paths: tuple[str, ...] = ()


@frozen
class _Resource:
    name: str
    algorithm: str
    digest: str


@frozen
class _Predicate:
    serialization: _Serialization
    resources: tuple[_Resource, ...]


def _open(document: object, limits: Limits) -> tuple[str, Envelope]:
    """Take the layers of a Sigstore bundle apart, down to the hint and the envelope."""
    outer = _object(document, "the bundle", {"mediaType", "verificationMaterial", "dsseEnvelope"})
    if outer["mediaType"] != _MEDIA_TYPE:
        raise InvalidArtifactError(f"{_WHAT}: mediaType is {outer['mediaType']!r}, not {_MEDIA_TYPE!r}")
    material = outer["verificationMaterial"]
    if isinstance(material, dict) and material.keys() & {"certificate", "x509CertificateChain"}:
        raise InvalidArtifactError(f"{_WHAT} was made with a certificate; only keys are accepted")
    material = _object(material, "verificationMaterial", {"publicKey"}, {"tlogEntries"})
    if material.get("tlogEntries", []) != []:
        raise InvalidArtifactError(f"{_WHAT} has tlogEntries, which nobody checks where there is no network")
    hint = _object(material["publicKey"], "publicKey", {"hint"})["hint"]
    envelope = Envelope.from_dict(outer["dsseEnvelope"], limits=limits)
    if len(envelope.signatures) != 1:
        raise InvalidArtifactError(f"{_WHAT} has {len(envelope.signatures)} signatures, not one")
    return hint, envelope


def _object(
    value: object,
    name: str,
    required: AbstractSet[str],
    optional: AbstractSet[str] = frozenset(),
) -> dict[str, Any]:
    known = required | optional
    if not isinstance(value, dict) or not required <= value.keys() <= known:
        raise InvalidArtifactError(
            f"{_WHAT}: {name} must be an object with {', '.join(sorted(known))} and nothing else"
        )
    return value


def _files(predicate: _Predicate) -> tuple[Subject, ...]:
    serialization = predicate.serialization
    if (serialization.method, serialization.hash_type) != ("files", _SHA256):
        raise InvalidArtifactError(
            f"{_WHAT}: method {serialization.method!r} with {serialization.hash_type!r}; "
            "only 'files' with 'sha256' is accepted"
        )
    if serialization.allow_symlinks:
        raise InvalidArtifactError(f"{_WHAT} allows symbolic links")
    names = [resource.name for resource in predicate.resources]
    if not names:
        raise InvalidArtifactError(f"{_WHAT} lists no file")
    _check_paths(names, serialization.ignore_paths)
    if len(set(names)) != len(names) or names not in (sorted(names), sorted(names, key=_components)):
        raise InvalidArtifactError(f"{_WHAT} lists a file twice or does not sort its files")
    if any(resource.algorithm != _SHA256 for resource in predicate.resources):
        raise InvalidArtifactError(f"{_WHAT} lists a digest that is not SHA-256")
    try:
        return tuple(Subject(resource.name, resource.digest) for resource in predicate.resources)
    except InvalidOptionError as exc:
        raise InvalidArtifactError(f"{_WHAT}: {exc}") from exc


def _check_paths(names: Sequence[str], ignored: Sequence[str]) -> None:
    for path in (*names, *ignored):
        fault = _path_fault(path)
        if fault:
            raise InvalidArtifactError(f"{_WHAT}: the path {path[:80]!r} {fault}")
    places = sorted(f"{name}/" for name in names)
    for path in ignored:
        first = bisect.bisect_left(places, f"{path}/")  # what lies at or under the path begins here
        covers = first < len(places) and places[first].startswith(f"{path}/")
        if covers or _GLOB & set(path):
            raise InvalidArtifactError(f"{_WHAT} ignores too much: {path!r}")


def _path_fault(path: str) -> str:
    """Say what is wrong with a relative path, or nothing (section 6.1.2)."""
    if len(path) > _MAX_PATH:
        return f"has more than {_MAX_PATH} characters"
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return "is not relative and canonical"
    if "\\" in path or "\0" in path:
        return "holds a backslash or NUL"
    return ""


def _components(path: str) -> list[str]:
    return path.split("/")


def _root(files: Sequence[Subject]) -> str:
    """Digest the digests in their order (section 6.5.1)."""
    return hashlib.sha256(b"".join(bytes.fromhex(file.sha256) for file in files)).hexdigest()


def _hint(key: PublicKey) -> str:
    return hashlib.sha256(key.pem.encode("ascii")).hexdigest()
