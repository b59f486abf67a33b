"""Releases in OCI image layouts that other tools wrote: packed into bundles; and a store's own index.

A registry's tools (skopeo, oras, umoci) write layouts of their own: folders with an ``index.json`` in any
order, with other images beside. A bundle is stricter. `pack_layout` finds one release by what its documents
say, copies what belongs to it and nothing else, and every byte against its digest. It believes nothing: the
bundle is verified like any other. `write_index` writes the list by which those tools read a store. It is a
copy for them at one moment; the store itself never reads it.

Specification: https://github.com/opencontainers/image-spec (``image-layout.md``, ``image-index.md``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.digests import hex_of, is_digest
from maas_sdk._internal.files import atomic_file
from maas_sdk._internal.locks import locked
from maas_sdk.artifact._bundles.bundle import write_bundle
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.names import Reference, version_order
from maas_sdk.artifact._documents.papers import MAX_DOCUMENT, read_document, read_papers
from maas_sdk.artifact._documents.progress import Progress, no_progress
from maas_sdk.artifact._inventory.catalog import Catalog
from maas_sdk.artifact._inventory.places import VERSIONS, parse_key
from maas_sdk.errors import (
    InvalidArtifactError,
    InvalidOptionError,
    InvalidReferenceError,
    LimitExceededError,
    NotFoundError,
)
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.storage import BlobStore, LocalBackend, References

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from maas_sdk.artifact._documents.oci import OciDescriptor
    from maas_sdk.artifact._inventory.catalog import VersionRecord
    from maas_sdk.limits import Limits

__all__ = ["pack_layout", "write_index"]

_INDEX: Final = "index.json"
_LAYOUT: Final = "oci-layout"
_LOCK: Final = "index.lock"
_DIGITS: Final = 12  # of a manifest's digest in the tag of a further envelope


@frozen
class _Found:
    """A model's manifest in a layout, and the manifests that refer to it."""

    manifest: OciDescriptor
    subject: str  # name@version, as its configuration claims
    referrers: tuple[OciDescriptor, ...]


def pack_layout(
    folder: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    reference: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Path:
    """Make a bundle out of an OCI image layout, as ``skopeo copy docker://… oci:…`` writes it.

    The same release gives the same bundle as its sender exported, byte for byte. Nothing of it is trusted:
    verify the bundle, or import it, as if it had come on a stick.

    Parameters
    ----------
    folder : path-like
        The layout: ``oci-layout``, ``index.json``, ``blobs``.
    path : path-like
        The bundle. An existing file is replaced; when the writing fails, nothing is left and an existing
        file stays.
    reference : str, optional
        Which release: ``name@1.0.0``, or the digest of its manifest. It is needed when there are several.
    limits : Limits
        Bounds on what is read; `max_bundle_entries` holds for the manifests in the layout.
    progress : callable, optional
        Called with ``"export"``, bytes done and bytes in all.

    Returns
    -------
    Path
        The bundle.

    Raises
    ------
    NotFoundError
        When there is no such folder, no such release in it (the message says what there is), or one of its
        documents is missing.
    InvalidArtifactError
        When it is no layout, a document breaks its form, or signatures are missing.
    DigestMismatchError
        When a layer is missing, or a blob is not what its digest says.
    InvalidOptionError
        When the reference is needed.
    InvalidReferenceError
        When it is malformed.
    StorageError
        When the folder cannot be read, holds links or devices where blobs should be, or the bundle cannot
        be written.
    """
    wanted = None if reference is None else _check_reference(reference)
    backend = LocalBackend(folder, create=False)
    _check_layout(backend, limits)
    blobs = BlobStore(backend)
    found = _choose(_models(backend, blobs, limits), wanted, Path(folder))
    papers = read_papers(blobs, found.manifest, found.referrers, limits=limits)
    target = Path(path)
    write_bundle(target, papers, blobs, progress=progress or no_progress)
    return target


def write_index(folder: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Write ``index.json`` into a store, so that the tools of registries can read it as a layout.

    It names each version as ``name:version``, and what belongs to it as a bundle does, so that
    ``skopeo copy oci:STORE:acme/digits:1.0.0 docker://…`` works, and ``umoci gc --layout STORE`` removes
    nothing that a version needs. The same versions give the same bytes. It is not kept up to date: write it
    again before such a tool is used, and use none that removes anything while a release comes into the store.

    Parameters
    ----------
    folder : path-like
        A store in a local folder.
    limits : Limits
        Bounds on the documents that are read.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    NotFoundError
        When there is no such folder, or no release in it.
    ArtifactError
        When a version is damaged; the index stays as it was.
    StorageError
        When the folder cannot be read or the index cannot be written.
    """
    backend = LocalBackend(folder, create=False)
    catalog = Catalog(backend, limits)
    path = backend.folder / _INDEX
    with locked(backend.folder / _LOCK):
        entries = [
            entry
            for name, version in _versions(References(backend, limits=limits))
            for entry in _entries(catalog, name, version)
        ]
        if not entries:
            raise NotFoundError(f"{backend.folder} holds no release: it is no store, or an empty one")
        index = {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": entries}
        with atomic_file(path) as file:
            file.write(strict_json.dumps(index))
    return path


def _versions(references: References) -> list[tuple[str, str]]:
    """Ask the references themselves: a cache that missed a version would cost it its blobs."""
    places = filter(None, map(parse_key, references.list()))
    found = [(place.name, place.target) for place in places if place.kind == VERSIONS]
    return sorted(found, key=lambda each: (each[0], version_order(each[1])))


def _entries(catalog: Catalog, name: str, version: str) -> Iterator[dict[str, Any]]:
    """Describe a version's manifests with their tags; further envelopes have tags of their own."""
    everything = filter(None, [catalog.record(name, version), *catalog.envelopes(name, version)])
    for number, record in enumerate(everything):
        prefix = f"envelope-{hex_of(record.manifest.digest)[:_DIGITS]}-" if number else ""
        yield from _tagged(catalog, record, prefix)


def _tagged(catalog: Catalog, record: VersionRecord, prefix: str) -> Iterator[dict[str, Any]]:
    papers = read_papers(catalog.blobs, record.manifest, record.referrers, limits=catalog.limits)
    (model, *referrers), _ = oci.parse_index(papers.index, limits=catalog.limits)
    for descriptor in (model, *referrers):
        name, _, tag = _tag(descriptor).rpartition(":")
        annotations = {oci.REF_NAME: f"{name}:{prefix}{tag}"}
        yield records.unstructure(evolve(descriptor, annotations=annotations))


def _tag(descriptor: OciDescriptor) -> str:
    return (descriptor.annotations or {}).get(oci.REF_NAME, "")


def _check_reference(reference: str) -> str:
    """Give the manifest's digest, or ``name@version``."""
    if is_digest(reference):
        return reference
    parsed = Reference.parse(reference)
    if parsed.version is None:
        raise InvalidReferenceError(
            f"{reference!r} leaves open which release is meant; write name@1.0.0 or a manifest's digest"
        )
    return str(parsed)


def _check_layout(backend: LocalBackend, limits: Limits) -> None:
    document = _read(backend, _LAYOUT, limits)
    if not isinstance(document, dict) or document.get("imageLayoutVersion") != "1.0.0":
        raise InvalidArtifactError(f"{_LAYOUT} is not that of OCI image layout 1.0.0")


def _models(backend: LocalBackend, blobs: BlobStore, limits: Limits) -> list[_Found]:
    """Find the models' manifests, and for each the manifests of ours that refer to it."""
    models: dict[str, tuple[OciDescriptor, str]] = {}
    referrers: dict[str, list[OciDescriptor]] = {}
    for descriptor in _manifests(_read(backend, _INDEX, limits), limits):
        data = read_document(blobs, descriptor, limits)
        document = strict_json.loads(data, what=f"the manifest {descriptor.digest}", limits=limits)
        kind = document.get("artifactType") if isinstance(document, dict) else None
        if kind == oci.MODEL_TYPE:
            config, _ = oci.parse_manifest(data, limits=limits)
            claim = read_document(blobs, config, limits)
            models[descriptor.digest] = descriptor, "@".join(oci.parse_config_name(claim, limits=limits))
        elif kind in oci.SIGNATURES:
            subject = document.get("subject")
            target = subject.get("digest") if isinstance(subject, dict) else None
            referrers.setdefault(str(target), []).append(descriptor)
    return [
        _Found(descriptor, subject, tuple(referrers.get(digest, ())))
        for digest, (descriptor, subject) in models.items()
    ]


def _choose(models: Sequence[_Found], wanted: str | None, folder: Path) -> _Found:
    there = ", ".join(sorted(f"{each.subject} ({each.manifest.digest})" for each in models))
    if not models:
        raise NotFoundError(f"the layout {folder} holds no model")
    chosen = [each for each in models if wanted in (None, each.subject, each.manifest.digest)]
    if not chosen:
        raise NotFoundError(f"the layout {folder} has no {wanted}; it has {there}")
    if len(chosen) > 1:
        raise InvalidOptionError(
            f"the layout {folder} has {there}; say which, by name@version or by the manifest's digest"
        )
    return chosen[0]


def _manifests(index: Any, limits: Limits) -> list[OciDescriptor]:
    """Read which manifests an index names, each once; what else it says or names is passed over."""
    listed = index.get("manifests") if isinstance(index, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise InvalidArtifactError(f"{_INDEX} does not list manifests")
    if len(listed) > limits.max_bundle_entries:
        raise LimitExceededError(
            f"{_INDEX} lists {len(listed)} manifests; Limits.max_bundle_entries allows "
            f"{limits.max_bundle_entries}: copy the release's own into a folder of their own"
        )
    found = {}
    for each in listed:
        if each.get("mediaType") == oci.MANIFEST_TYPE:
            digest, size = each.get("digest"), each.get("size")
            if not is_digest(digest) or type(size) is not int or size < 0:
                raise InvalidArtifactError(f"{_INDEX} lists a manifest without digest and size")
            found[digest] = oci.OciDescriptor(oci.MANIFEST_TYPE, digest, size)
    return list(found.values())


def _read(backend: LocalBackend, name: str, limits: Limits) -> Any:
    bound = min(MAX_DOCUMENT, limits.max_json_bytes)
    with backend.open(name) as file:
        data = file.read(bound + 1)
    if len(data) > bound:
        raise LimitExceededError(f"{name} is larger than {bound} bytes (Limits.max_json_bytes, and 4 MiB)")
    return strict_json.loads(data, what=name, limits=limits)
