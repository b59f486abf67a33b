"""OpenSSF Model Signing v1.0 bundles: which files a signed model has; it reads no model.

Specification: https://github.com/ossf/model-signing-spec (``spec/v1.0.md``). Written: the ``key`` and
``certificate`` methods over whole files with SHA-256. Read: the same, by the stricter rule that
`verify_files` states.
"""

from __future__ import annotations

import bisect
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from maas_sdk._internal import records, strict_json
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, VerificationError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing._certificate import Certificate
from maas_sdk.signing._chain import key_of, verify_chain
from maas_sdk.signing._envelope import (
    IN_TOTO_PAYLOAD_TYPE,
    Envelope,
    Signature,
    pae,
    sign_message,
    verify_envelope,
)
from maas_sdk.signing._key_types import MODEL_SIGNING_KEY_TYPES
from maas_sdk.signing._model_bundle import MAX_CHAIN, WHAT, hint_at, read_bundle, write_bundle
from maas_sdk.signing._public_key import PublicKey
from maas_sdk.signing._statement import Statement, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.interfaces import Signer
    from maas_sdk.limits import Limits

__all__ = ["SignedFiles", "sign_files", "verify_files"]

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
        The key that signed: a trusted one, or the first certificate's.
    certificates : tuple of Certificate
        The chain that was checked, the signer's first and the trusted root last; empty when `key` itself is
        trusted.
    """

    name: str
    files: tuple[Subject, ...]
    key: PublicKey
    certificates: tuple[Certificate, ...] = ()


def sign_files(
    files: Mapping[str, str],
    signer: Signer,
    *,
    name: str,
    ignore_paths: Sequence[str] = (),
    certificate_chain: Sequence[Certificate] = (),
) -> bytes:
    """Make a bundle that the stock verifier (``model_signing verify key`` or ``certificate``) accepts.

    Parameters
    ----------
    files : mapping of str to str
        SHA-256 in hexadecimal by relative path with ``/``; one at least.
    signer : Signer
        With an ECDSA key alone: the format knows no other.
    name : str
        The model's name, usually its folder's.
    ignore_paths : sequence of str
        Paths that verifiers shall pass over, such as the bundle's own.
    certificate_chain : sequence of Certificate
        The certificate of the signer's key first, each issued by the next. A root at its end is left out of
        the bundle: verifiers have their own. Without a chain, verifiers need the key.

    Returns
    -------
    bytes
        The bundle, JSON.

    Raises
    ------
    InvalidOptionError
        When there are no files, a path is malformed or one that stock verifiers always pass over (``.git``
        and the like at the top), a digest is malformed, the key is of another type, or the chain is not one
        for this key, or no verifier would accept it.
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
    if key.key_type not in MODEL_SIGNING_KEY_TYPES:
        raise InvalidOptionError(f"the signer's key is {key.key_type}; Model Signing knows ECDSA keys only")
    envelope = Envelope(payload, IN_TOTO_PAYLOAD_TYPE, [Signature("", sig)])
    if not certificate_chain:
        return write_bundle(envelope, hint_at(key))
    _check_own_chain(certificate_chain, key)
    return write_bundle(envelope, certificate_chain)


def verify_files(
    bundle: bytes | bytearray | memoryview,
    trusted: Sequence[PublicKey | Certificate],
    *,
    now: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> SignedFiles:
    """Check a bundle, by a stricter rule than the specification's.

    It must be strict JSON in the current layout, with one signature. It names a key, by the SHA-256 of its
    PEM text, or carries a chain of certificates: each issued by the next and up to a trusted root, all valid
    now and when the model was signed, authorities as such and within their path lengths, the signer's with
    the key usage digitalSignature and the extended key usage codeSigning. Nobody is asked about revocation.

    The statement must list whole files (no shards) by SHA-256, without symbolic links: one file at least,
    each path canonical and once, sorted by code point (as the specification says) or by path component (as
    the stock tool does), and the root digest must be theirs. No ignored path may be malformed or cover a
    listed file.

    Parameters
    ----------
    bundle : bytes-like
        The whole document.
    trusted : sequence of PublicKey and Certificate
        Keys one of which must have signed, and root certificates that a chain may lead to.
    now : datetime or None
        With a time zone: the instant at which certificates must be valid, if not the present.
    limits : Limits
        The bounds on JSON and `max_signatures` hold.

    Raises
    ------
    InvalidArtifactError
        When the bundle breaks one of these rules.
    InvalidOptionError
        When `now` has no time zone.
    LimitExceededError
        When it exceeds a limit.
    VerificationError
        When none of the keys signed it, the hint names another key, or a check of the chain fails: it is
        named.
    """
    if now is not None and now.tzinfo is None:
        raise InvalidOptionError(f"now is {now}, without a time zone")
    hint, chain, envelope = read_bundle(strict_json.loads(bundle, what=WHAT, limits=limits), limits)
    certificates: tuple[Certificate, ...] = ()
    if chain:
        roots = [root for root in trusted if isinstance(root, Certificate)]
        certificates = verify_chain(chain, roots, now=now or datetime.now(UTC))
        keys = [key_of(certificates[0])]
    else:
        keys = [key for key in trusted if isinstance(key, PublicKey)]
        if not keys:
            raise VerificationError(f"{WHAT} was made with a key and no certificate; no key is trusted")
    verified = verify_envelope(envelope, keys)
    key = next((key for key in verified.keys if chain or hint_at(key) == hint), None)
    if key is None:
        raise VerificationError(
            f"{WHAT} was made with the key {verified.keys[0].fingerprint}, but its hint names another"
        )
    name, files = _what_is_signed(verified.payload, limits)
    return SignedFiles(name, files, key, certificates)


def _what_is_signed(payload: bytes, limits: Limits) -> tuple[str, tuple[Subject, ...]]:
    statement = Statement.from_bytes(payload, limits=limits)
    if statement.predicate_type != _PREDICATE_TYPE:
        raise InvalidArtifactError(f"{WHAT}: predicateType is {statement.predicate_type!r}")
    files = _files(records.structure(statement.predicate, _Predicate, what=f"{WHAT}: predicate"))
    if [s.sha256 for s in statement.subjects] != [_root(files)]:
        raise InvalidArtifactError(f"{WHAT}: the subject is not the root digest of the resources")
    return statement.subjects[0].name, files


def _check_own_chain(chain: Sequence[Certificate], key: PublicKey) -> None:
    """Notice at the sender's what every verifier would refuse; who the root is they decide."""
    if len(chain) > MAX_CHAIN:
        raise InvalidOptionError(
            f"the chain has {len(chain)} certificates; verifiers accept 1 to {MAX_CHAIN}"
        )
    try:
        if key_of(chain[0]) != key:
            raise InvalidOptionError(
                f"{chain[0].subject!r} is not the certificate of the key {key.fingerprint}"
            )
        verify_chain(chain, chain[-1:], now=datetime.now(UTC))
    except VerificationError as exc:
        raise InvalidOptionError(f"no verifier would accept this: {exc}") from exc


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


def _files(predicate: _Predicate) -> tuple[Subject, ...]:
    serialization = predicate.serialization
    if (serialization.method, serialization.hash_type) != ("files", _SHA256):
        raise InvalidArtifactError(
            f"{WHAT}: method {serialization.method!r} with {serialization.hash_type!r}; "
            "only 'files' with 'sha256' is accepted"
        )
    if serialization.allow_symlinks:
        raise InvalidArtifactError(f"{WHAT} allows symbolic links")
    names = [resource.name for resource in predicate.resources]
    if not names:
        raise InvalidArtifactError(f"{WHAT} lists no file")
    _check_paths(names, serialization.ignore_paths)
    if len(set(names)) != len(names) or names not in (sorted(names), sorted(names, key=_components)):
        raise InvalidArtifactError(f"{WHAT} lists a file twice or does not sort its files")
    if any(resource.algorithm != _SHA256 for resource in predicate.resources):
        raise InvalidArtifactError(f"{WHAT} lists a digest that is not SHA-256")
    try:
        return tuple(Subject(resource.name, resource.digest) for resource in predicate.resources)
    except InvalidOptionError as exc:
        raise InvalidArtifactError(f"{WHAT}: {exc}") from exc


def _check_paths(names: Sequence[str], ignored: Sequence[str]) -> None:
    for path in (*names, *ignored):
        fault = _path_fault(path)
        if fault:
            raise InvalidArtifactError(f"{WHAT}: the path {path[:80]!r} {fault}")
    places = sorted(f"{name}/" for name in names)
    for path in ignored:
        first = bisect.bisect_left(places, f"{path}/")  # what lies at or under the path begins here
        covers = first < len(places) and places[first].startswith(f"{path}/")
        if covers or _GLOB & set(path):
            raise InvalidArtifactError(f"{WHAT} ignores too much: {path!r}")


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
