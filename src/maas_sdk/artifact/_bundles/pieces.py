"""What a bundle brings of a release's layers, and what it says of those that it leaves out; it reads no file.

A bundle without annotations in its index has every layer. A thin one names the manifests that its receiver is
presumed to have. A volume has the plan of its whole set: layers that are too large for a volume are cut
into pieces. None of this is signed: it can only say where bytes are, and what they are, their digests decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk.artifact._documents.fields import check_digest, check_digests
from maas_sdk.errors import BundleError, InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from maas_sdk.artifact._documents.oci import OciDescriptor
    from maas_sdk.limits import Limits

__all__ = ["MAX_PRESUMED", "MAX_VOLUMES", "Piece", "Shipment", "VolumePlan", "whole"]

MAX_VOLUMES: Final = 999
"""Volumes of one set at most."""

MAX_PRESUMED: Final = 1024
"""Manifests that a bundle may presume at most."""

_MAX_LAYERS: Final = 1024  # as many as a bundle has entries, unless `Limits` says otherwise
_PRESUMES: Final = "vnd.maas-sdk.presumes"
_VOLUME: Final = "vnd.maas-sdk.volume"
_PLAN: Final = "the plan of the volumes"


def _check_count(_instance: object, attribute: Any, value: int) -> None:
    if value < 0:
        raise InvalidOptionError(f"{attribute.name} is {value}")


@frozen
class Piece:
    """A stretch of a layer; the whole of it where `digest` is the layer's own.

    Attributes
    ----------
    digest : str
        Of the stretch.
    size : int
        Its bytes.
    layer : str
        Digest of the layer.
    offset : int
        Where in the layer it begins.
    """

    digest: str = field(validator=check_digest)
    size: int = field(validator=_check_count)
    layer: str = field(validator=check_digest)
    offset: int = field(default=0, validator=_check_count)

    @property
    def whole(self) -> bool:
        """Whether it is all of the layer."""
        return self.digest == self.layer


def whole(layer: OciDescriptor) -> Piece:
    """Give the piece that is all of a layer."""
    return Piece(layer.digest, layer.size, layer.digest)


@frozen
class VolumePlan:
    """Which of a set's volumes this is, and what each of them has.

    Attributes
    ----------
    number : int
        Counts from 1.
    volumes : tuple of tuple of Piece
        All of the set, two at least, none empty.
    """

    number: int = field()
    volumes: tuple[tuple[Piece, ...], ...] = field()

    @volumes.validator
    def _(self, _attribute: object, value: tuple[tuple[Piece, ...], ...]) -> None:
        if not 1 < len(value) <= MAX_VOLUMES:
            raise InvalidOptionError(f"{len(value)} volumes; a set has 2 to {MAX_VOLUMES}")
        if not all(value):
            raise InvalidOptionError("a volume without any piece")
        if not 1 <= self.number <= len(value):
            raise InvalidOptionError(f"number {self.number} of {len(value)} volumes")

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What this volume has."""
        return self.volumes[self.number - 1]

    def __iter__(self) -> Iterator[tuple[int, Piece]]:
        for number, pieces in enumerate(self.volumes, 1):
            for piece in pieces:
                yield number, piece

    def check(self, layers: Sequence[OciDescriptor]) -> None:
        """Check that the pieces make up layers of the release, from first to last byte, in their order.

        Raises
        ------
        BundleError
            When one overlaps another, leaves a gap or is of something else; the message says which.
        """
        sizes = {layer.digest: layer.size for layer in layers}
        places = {layer.digest: place for place, layer in enumerate(layers)}
        layer, end, last, volume = "", 0, -1, 0
        for number, piece in self:
            if piece.layer not in sizes:
                raise BundleError(f"{_PLAN} has a piece of {piece.layer}, which is no layer of this release")
            if end == sizes.get(layer, 0):
                if places[piece.layer] <= last:
                    raise BundleError(f"{_PLAN} has the layer {piece.layer} twice, or too late")
                layer, end, last = piece.layer, 0, places[piece.layer]
            elif piece.layer != layer or number == volume:
                raise BundleError(f"{_PLAN} leaves the layer {layer} at byte {end} of {sizes[layer]}")
            size, volume = sizes[layer], number
            if piece.offset != end or end + piece.size > size or (piece.size == 0) != (size == 0):
                raise BundleError(
                    f"{_PLAN} has bytes {piece.offset} to {piece.offset + piece.size} of the layer {layer} "
                    f"where byte {end} of {size} comes next"
                )
            if piece.whole != (piece.size == size):
                raise BundleError(f"{_PLAN} takes a piece of the layer {layer} for the whole of it")
            end += piece.size
        if end != sizes[layer]:
            raise BundleError(f"{_PLAN} leaves the layer {layer} at byte {end} of {sizes[layer]}")


@frozen
class _Presumed:
    manifests: tuple[str, ...] = field(validator=check_digests)

    @manifests.validator
    def _(self, _attribute: object, value: tuple[str, ...]) -> None:
        if not 0 < len(value) <= MAX_PRESUMED:
            raise InvalidOptionError(f"{len(value)} manifests are presumed; 1 to {MAX_PRESUMED} can be")


@frozen(kw_only=True)
class Shipment:
    """What the index of a bundle says of the layers.

    Attributes
    ----------
    presumes : tuple of str
        Digests of the manifests that the receiver is presumed to have; sorted.
    plan : VolumePlan or None
        When it is a volume of a set.
    """

    presumes: tuple[str, ...] = ()
    plan: VolumePlan | None = None

    @property
    def annotations(self) -> dict[str, str]:
        """What the index says of it; empty when all layers are there."""
        found = {}
        if self.presumes:
            found[_PRESUMES] = _text(_Presumed(self.presumes))
        if self.plan is not None:
            found[_VOLUME] = _text(self.plan)
        return found

    @classmethod
    def from_annotations(cls, annotations: Mapping[str, str], *, limits: Limits) -> Shipment:
        """Read what an index says.

        Raises
        ------
        InvalidArtifactError
            When it is malformed; whether it is in canonical form, who compares the whole index can tell.
        """
        unknown = sorted(annotations.keys() - {_PRESUMES, _VOLUME})
        if unknown:
            raise BundleError(f"index.json has the unknown annotation {unknown[0][:80]!r}")
        presumed = _read(annotations, _PRESUMES, _Presumed, limits)
        plan = _read(annotations, _VOLUME, VolumePlan, limits)
        return cls(presumes=() if presumed is None else presumed.manifests, plan=plan)

    def pieces(self, layers: Sequence[OciDescriptor], names: Iterable[str]) -> tuple[Piece, ...]:
        """Give what a bundle must have of the layers.

        Parameters
        ----------
        layers : sequence of OciDescriptor
            Of the release, those that are no documents.
        names : iterable of str
            Digests of what is there.

        Raises
        ------
        BundleError
            When the plan does not fit the layers, or what is left out does not fit what is presumed.
        """
        if self.plan is not None:
            self.plan.check(layers)
            brought = {piece.layer for _, piece in self.plan}
            pieces = self.plan.pieces
        else:
            here = set(names)
            brought = {x.digest for x in layers if x.digest in here} if self.presumes else set()
            pieces = tuple(whole(x) for x in layers if x.digest in brought or not self.presumes)
            brought = {piece.layer for piece in pieces}
        left_out = [layer.digest for layer in layers if layer.digest not in brought]
        if self.presumes and not left_out:
            raise BundleError("index.json presumes other manifests, and no layer is left out")
        if left_out and not self.presumes:
            raise BundleError(f"the layer {left_out[0]} is in none of the volumes, and none is presumed")
        return pieces


def _text(record: VolumePlan | _Presumed) -> str:
    return strict_json.dumps(records.unstructure(record)).decode("utf-8")


def _check_counts(document: object, what: str) -> None:
    """Bound what is structured: a message about each of thousands would take more memory than they do."""
    volumes = document.get("volumes") if isinstance(document, dict) else None
    if isinstance(volumes, list):
        pieces = sum(len(each) for each in volumes if isinstance(each, list))
        if len(volumes) > MAX_VOLUMES or pieces > MAX_VOLUMES + _MAX_LAYERS:
            raise BundleError(
                f"{what} has {pieces} pieces in {len(volumes)} volumes; a set has 2 to {MAX_VOLUMES}"
            )


def _read(annotations: Mapping[str, str], key: str, kind: Any, limits: Limits) -> Any:
    text = annotations.get(key)
    if text is None:
        return None
    what = f"the annotation {key}"
    document = strict_json.loads(text.encode("utf-8"), what=what, limits=limits, error=BundleError)
    _check_counts(document, what)
    return records.structure(document, kind, what=what, error=BundleError)
