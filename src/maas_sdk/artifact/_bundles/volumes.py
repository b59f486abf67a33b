"""A release as a set of volumes, for media that are smaller than it; each is a bundle of its own.

Every volume has all documents, so that each is judged alone and they can be imported in any order. Layers
keep their order. One that fits into a volume is not cut; a larger one is, and fills what is left of a volume.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from typing import TYPE_CHECKING, Final

from attrs import evolve

from maas_sdk._internal.beside import guarded, temporary_beside
from maas_sdk._internal.files import storage_errors, sync_folder
from maas_sdk.artifact._bundles import ustar
from maas_sdk.artifact._bundles.bundle import archive_size, write_archive, write_bundle
from maas_sdk.artifact._bundles.checked import CheckedReader
from maas_sdk.artifact._bundles.pieces import MAX_VOLUMES, Piece, Shipment, VolumePlan, whole
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from maas_sdk.artifact._documents.papers import BlobSource, Papers
    from maas_sdk.artifact._documents.progress import Progress

__all__ = ["sibling_name", "volume_name", "write_volumes"]

_SUFFIX: Final = ".maas"
_NAMED: Final = re.compile(r"(?P<stem>.+)\.(?P<number>[1-9]\d{0,2})of(?P<count>[1-9]\d{0,2})", re.ASCII)
_SHARE: Final = 8  # a large layer begins in the rest of a volume that is at least this fraction of one
_UNKNOWN: Final = "sha256:" + "0" * 64  # stands for a digest, as long as only the length matters


def volume_name(name: str, number: int, count: int) -> str:
    """Name a volume: the third of ``digits.maas`` is ``digits.3of5.maas``."""
    stem = name.removesuffix(_SUFFIX)
    return f"{stem}.{number}of{count}{name[len(stem) :]}"


def sibling_name(name: str, number: int, count: int) -> str:
    """Name another volume of the set of which one has this file name."""
    stem = name.removesuffix(_SUFFIX)
    match = _NAMED.fullmatch(stem)
    if match is None or match["count"] != str(count):
        return f"volume {number} of {count}"
    return volume_name(match["stem"] + name[len(stem) :], number, count)


def write_volumes(
    path: Path,
    papers: Papers,
    source: BlobSource,
    *,
    max_bytes: int,
    absent: frozenset[str] = frozenset(),
    presumes: Sequence[str] = (),
    progress: Progress,
) -> tuple[Path, ...]:
    """Write a release as files of a bounded size; the same release and size give the same bytes.

    All appear, or none: when the writing fails nothing is left of them. Files of these names are replaced.

    Parameters
    ----------
    path : Path
        Where one file would be; of ``digits.maas`` the volumes are ``digits.1of3.maas`` and so on. What fits
        into one file is an ordinary bundle there.
    papers : Papers
        The documents.
    source : BlobSource
        Has the layers.
    max_bytes : int
        How large a file may be.
    absent, presumes
        As `write_bundle` takes them.
    progress : callable
        Called with ``"export"``, bytes done and bytes in all.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    InvalidOptionError
        When `max_bytes` is no number, or too small; the message says what is the least.
    DigestMismatchError
        When a layer in the store is not what its digest says.
    StorageError
        When a file cannot be written.
    """
    if type(max_bytes) is not int:
        raise InvalidOptionError(f"max_bytes is {max_bytes!r}; give a number of bytes")
    layers = [whole(layer) for layer in papers.blobs() if layer.digest not in absent]
    shipment = Shipment(presumes=tuple(sorted(set(presumes))))
    layout = _lay_out(papers, shipment, layers, max_bytes)
    if layout is None:
        least = _least(papers, shipment, layers)
        raise InvalidOptionError(
            f"max_bytes is {max_bytes}; a volume of this release needs {least} bytes at least, and a set has "
            f"{MAX_VOLUMES} volumes at most"
        )
    if len(layout) <= 1:
        write_bundle(path, papers, source, absent=absent, presumes=presumes, progress=progress)
        return (path,)
    plan = VolumePlan(1, _with_digests(layout, layers, source))
    total = sum(layer.size for layer in layers)
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        progress("export", done, total)

    count = len(plan.volumes)
    targets = tuple(path.with_name(volume_name(path.name, number, count)) for number in range(1, count + 1))
    with _all_or_none(path, targets) as temporaries:
        for number, temporary in enumerate(temporaries, 1):
            this = evolve(shipment, plan=evolve(plan, number=number))
            with temporary.open("xb") as file:
                write_archive(file, papers, this, plan.volumes[number - 1], source, tell)
                file.flush()
                os.fsync(file.fileno())
    return targets


def _lay_out(
    papers: Papers, shipment: Shipment, layers: Sequence[Piece], max_bytes: int
) -> list[list[Piece]] | None:
    """Distribute layers over volumes; the pieces have no digests yet. None: it cannot be done."""
    index = papers.index_of(shipment.annotations)
    while True:
        capacity = max_bytes - archive_size(papers, index)
        if capacity < 0:
            return None
        layout = _fill(layers, capacity)
        if layout is None or len(layout) <= 1:
            return layout
        # The plan stands in the index and takes room itself: again, until it has what it needs.
        plan = VolumePlan(len(layout), tuple(map(tuple, layout)))
        planned = papers.index_of(evolve(shipment, plan=plan).annotations)
        if ustar.entry_size(len(planned)) <= ustar.entry_size(len(index)):
            return layout
        index = planned


def _fill(layers: Sequence[Piece], capacity: int) -> list[list[Piece]] | None:
    volumes: list[list[Piece]] = [[]]
    left = capacity
    for layer in layers:
        if ustar.entry_size(layer.size) <= capacity:
            if ustar.entry_size(layer.size) > left:
                volumes.append([])
                left = capacity
            volumes[-1].append(layer)
            left -= ustar.entry_size(layer.size)
            continue
        offset = 0
        while offset < layer.size:
            if left < max(capacity // _SHARE, 2 * ustar.BLOCK):
                if left == capacity or len(volumes) == MAX_VOLUMES:
                    return None
                volumes.append([])
                left = capacity
            size = min(layer.size - offset, (left // ustar.BLOCK - 1) * ustar.BLOCK)
            volumes[-1].append(Piece(_UNKNOWN, size, layer.layer, offset))
            left -= ustar.entry_size(size)
            offset += size
    return volumes if len(volumes) <= MAX_VOLUMES else None


def _least(papers: Papers, shipment: Shipment, layers: Sequence[Piece]) -> int:
    """Find the smallest size of a volume by halving the range between too small and large enough."""
    small = 0
    enough = archive_size(papers, papers.index_of(shipment.annotations))
    enough += sum(ustar.entry_size(layer.size) for layer in layers)
    while small + 1 < enough:
        middle = (small + enough) // 2
        if _lay_out(papers, shipment, layers, middle) is None:
            small = middle
        else:
            enough = middle
    return enough


def _with_digests(
    layout: Sequence[Sequence[Piece]], layers: Sequence[Piece], source: BlobSource
) -> tuple[tuple[Piece, ...], ...]:
    """Hash the pieces of the layers that were cut."""
    cuts: dict[str, list[Piece]] = {}
    for piece in (piece for volume in layout for piece in volume if not piece.whole):
        cuts.setdefault(piece.layer, []).append(piece)
    reader = CheckedReader()
    digests = {}
    for layer in layers:
        if layer.digest in cuts:
            hashes = [hashlib.sha256() for _ in cuts[layer.digest]]
            for number, data in _cut(reader.piece(source, layer), [p.size for p in cuts[layer.digest]]):
                hashes[number].update(data)
            for piece, found in zip(cuts[layer.digest], hashes, strict=True):
                digests[piece] = f"sha256:{found.hexdigest()}"
    return tuple(tuple(evolve(p, digest=digests.get(p, p.digest)) for p in volume) for volume in layout)


def _cut(chunks: Iterator[memoryview], sizes: Sequence[int]) -> Iterator[tuple[int, memoryview]]:
    """Cut a stream into pieces of these sizes, which make up all of it."""
    number, left = 0, sizes[0]
    for chunk in chunks:
        rest = chunk
        while len(rest) > left:
            yield number, rest[:left]
            rest = rest[left:]
            number += 1
            left = sizes[number]
        yield number, rest
        left -= len(rest)


@contextlib.contextmanager
def _all_or_none(path: Path, targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Give temporary files for these targets, which take their names when the block ends well."""
    folder = temporary_beside(path)
    moved: list[Path] = []
    with storage_errors(f"writing {path}"), contextlib.ExitStack() as guard:
        folder.mkdir()
        guard.enter_context(guarded(folder))
        temporaries = [folder / target.name for target in targets]
        try:
            yield temporaries
            for temporary, target in zip(temporaries, targets, strict=True):
                temporary.replace(target)
                moved.append(target)
            sync_folder(path.parent)
            moved.clear()
        finally:
            with contextlib.suppress(OSError):  # a medium that is gone took them along
                for leftover in (*temporaries, *moved):
                    leftover.unlink(missing_ok=True)
                folder.rmdir()
