"""What a bundle need not bring, because its receiver has it already; it writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from maas_sdk._internal.digests import is_digest
from maas_sdk.artifact._bundles.pieces import MAX_PRESUMED
from maas_sdk.artifact._documents import oci
from maas_sdk.errors import InvalidOptionError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from maas_sdk.artifact._documents.papers import Papers
    from maas_sdk.limits import Limits

__all__ = ["ExportPlan", "plan_export"]


@frozen
class ExportPlan:
    """What an export leaves out.

    Attributes
    ----------
    absent : frozenset of str
        Digests of the layers that the receiver has.
    presumes : tuple of str
        Digests of the manifests by which it has them, no more than are needed; sorted.
    unknown : tuple of str
        What the receiver has and this store knows nothing of; sorted.
    """

    absent: frozenset[str] = frozenset()
    presumes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def plan_export(
    papers: Papers,
    have: Collection[str],
    read_manifest: Callable[[str], bytes],
    *,
    limits: Limits,
    strict: bool = True,
) -> ExportPlan:
    """Find out which layers of a release the receiver has.

    Parameters
    ----------
    papers : Papers
        The documents of the release.
    have : collection of str
        Digests of the manifests that the receiver has completely.
    read_manifest : callable
        Gives the manifest of a digest, checked against it; `NotFoundError` when it is unknown.
    limits : Limits
        Bounds on what is parsed.
    strict : bool
        Whether an unknown manifest is an error, as when a person named it; those of a receipt are passed
        over, since the receiver may have releases of this name by others.

    Raises
    ------
    InvalidOptionError
        When something else than a manifest's digest is given.
    NotFoundError
        When `strict`, and a manifest is unknown.
    """
    if isinstance(have, str):
        raise InvalidOptionError(f"have is the text {have!r}; give a collection of manifest digests")
    wanted = {layer.digest for layer in papers.blobs()}
    shared: dict[str, set[str]] = {}
    unknown = []
    for digest in sorted(set(have)):
        if not is_digest(digest):
            raise InvalidOptionError(f"have holds {digest!r}, not the digest of a manifest, sha256:…")
        try:
            manifest = read_manifest(digest)
        except NotFoundError as exc:
            if strict:
                raise NotFoundError(
                    f"the store does not know the manifest {digest}, which the receiver is said to have; "
                    "leave it out, or give the receiver's receipt"
                ) from exc
            unknown.append(digest)
        else:
            _, layers = oci.parse_manifest(manifest, limits=limits)
            shared[digest] = wanted.intersection(layer.digest for layer in layers)
    absent: set[str] = set()
    presumes: list[str] = []
    for digest in sorted(shared, key=lambda each: (-len(shared[each]), each)):
        if not shared[digest] <= absent and len(presumes) < MAX_PRESUMED:
            absent |= shared[digest]
            presumes.append(digest)
    return ExportPlan(frozenset(absent), tuple(sorted(presumes)), tuple(unknown))
