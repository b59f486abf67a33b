"""Folders of files, signed and verified with OpenSSF Model Signing bundles; no link is followed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk.errors import InvalidArtifactError, VerificationError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing._model_signing import SignedFiles, sign_files, verify_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from maas_sdk.interfaces import Signer
    from maas_sdk.limits import Limits
    from maas_sdk.signing._certificate import Certificate
    from maas_sdk.signing._public_key import PublicKey

__all__ = ["sign_folder", "verify_folder"]


def sign_folder(
    folder: str | os.PathLike[str],
    signer: Signer,
    output: str | os.PathLike[str],
    *,
    certificate_chain: Sequence[Certificate] = (),
) -> None:
    """Sign all files of a folder into a bundle that ``model_signing verify key|certificate`` accepts.

    Parameters
    ----------
    folder : path-like
        One file at least, no symbolic links, no ``.git`` and the like at the top.
    signer : Signer
        With an ECDSA key.
    output : path-like
        Where the bundle shall be, inside the folder (``model.sig``) or elsewhere; it does not sign itself.
    certificate_chain : sequence of Certificate
        For verifiers who trust a root and not the key; see `sign_files`.

    Raises
    ------
    AlreadyExistsError
        When `output` exists.
    InvalidArtifactError
        When the folder holds something else than files and folders.
    InvalidOptionError
        When the format cannot express what shall be signed; see `sign_files`.
    SigningError
        When the signer fails.
    StorageError
        When a file cannot be read or the bundle not written.
    """
    root = Path(folder).resolve()
    own = _relative(Path(output), root)
    found = [path for path in _walk(root) if path != own]
    bundle = sign_files(
        _digests(root, found),
        signer,
        name=root.name or "model",
        ignore_paths=[] if own is None else [own],
        certificate_chain=certificate_chain,
    )
    with atomic_file(Path(output), replace=False) as file:
        file.write(bundle)


def verify_folder(
    folder: str | os.PathLike[str],
    bundle: str | os.PathLike[str],
    trusted: Sequence[PublicKey | Certificate],
    *,
    now: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> SignedFiles:
    """Check that a folder holds exactly what a trusted key signed, or one certified under a trusted root.

    Files that the bundle does not list are refused, whatever it says it ignores; only the bundle itself may
    lie among them. What changes after the check is not noticed: verify a copy that nobody else can write to.

    Parameters
    ----------
    folder : path-like
        The folder.
    bundle : path-like
        The bundle, inside the folder or elsewhere.
    trusted : sequence of PublicKey and Certificate
        Keys one of which must have signed, and root certificates that a chain may lead to.
    now : datetime or None
        With a time zone: the instant at which certificates must be valid, if not the present.
    limits : Limits
        Bounds on the bundle.

    Raises
    ------
    InvalidArtifactError
        When the bundle is malformed (see `verify_files`) or the folder holds something else than files and
        folders.
    StorageError
        When a file cannot be read.
    VerificationError
        When the signature or the chain of certificates does not hold, or a file is missing, changed or not
        signed.
    """
    root = Path(folder).resolve()
    with storage_errors(f"reading {bundle}"), Path(bundle).open("rb") as file:
        data = file.read(limits.max_json_bytes + 1)
    signed = verify_files(data, trusted, now=now, limits=limits)
    own = _relative(Path(bundle), root)
    expected = {file.name: file.sha256 for file in signed.files}
    found = {path for path in _walk(root) if path != own}
    _refuse(found - expected.keys(), "not signed")
    _refuse(expected.keys() - found, "missing")
    actual = _digests(root, found)
    _refuse({path for path in found if actual[path] != expected[path]}, "not what was signed")
    return signed


def _refuse(paths: set[str], why: str) -> None:
    if paths:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        raise VerificationError(f"{min(paths)!r}{more}: {why}")


def _relative(path: Path, root: Path) -> str | None:
    """Give the name of a bundle inside the folder, without following the bundle itself."""
    place = path.parent.resolve() / path.name
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else None


def _walk(root: Path) -> Iterable[str]:
    """List the files below `root` by relative path with ``/``."""
    folders = [root]
    while folders:
        with storage_errors(f"reading {folders[-1]}"), os.scandir(folders.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                name = path.relative_to(root).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield name
                else:
                    raise InvalidArtifactError(f"{name!r} is neither a file nor a folder; links are refused")


def _digests(root: Path, paths: Iterable[str]) -> dict[str, str]:
    digests = {}
    for path in paths:
        with storage_errors(f"reading {root / path}"), (root / path).open("rb") as file:
            digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
