"""Which components with which options made a model (``pipeline.json``); it looks nothing up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk._internal import records
from maas_sdk.artifact._documents.facts import decode, encode
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from maas_sdk.limits import Limits

__all__ = ["ComponentRecord", "Recipe", "SerializerRecord"]

_FORMAT: Final = "maas-recipe/1"


@frozen(kw_only=True)
class ComponentRecord:
    """One component that took part.

    Attributes
    ----------
    place : str
        Where: ``"model"``, ``"preprocessors[0]"``, ``"model.options.optimizer"``, ``"compressors[0]"``.
    kind : str
        The kind of component.
    reference : str or None
        What it is asked for by; None for an object of a class that no component constructs.
    implementation : str
        The class, ``"module.Class"``; for reading, nothing is imported by it.
    distribution, version : str or None
        What it came from; None for what the application registered itself.
    options : dict
        Those that are not defaults, or that were given; in the form of `Pipeline.to_config`, where
        ``{"$type": "module.Class"}`` stands for a value that plain data cannot hold.
    """

    place: str
    kind: str
    reference: str | None
    implementation: str
    distribution: str | None
    version: str | None
    options: dict[str, Any]


@frozen(kw_only=True)
class SerializerRecord:
    """A serializer without which the model cannot be rebuilt.

    Attributes
    ----------
    type_name : str
        The type's name in ``model.json``.
    reference : str
        What the serializer is asked for by.
    distribution, version : str or None
        What it came from.
    """

    type_name: str
    reference: str
    distribution: str | None
    version: str | None

    @property
    def origin(self) -> str:
        """Where the publisher had it from: ``"maas-sdk-acme 1.2"``."""
        return f"{self.distribution} {self.version}" if self.distribution else "the publisher's application"


@frozen(kw_only=True)
class Recipe:
    """What made a model, as its publisher says.

    Attributes
    ----------
    components : tuple of ComponentRecord
        In the order of the work.
    serializers : tuple of SerializerRecord
        What a receiver needs; empty when the SDK alone can rebuild the model.
    """

    components: tuple[ComponentRecord, ...] = ()
    serializers: tuple[SerializerRecord, ...] = ()

    def to_json(self) -> bytes:
        """Encode ``pipeline.json``: canonical JSON."""
        return encode(self, _FORMAT)

    @classmethod
    def from_json(cls, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Recipe:
        """Decode; `InvalidArtifactError` when it is malformed."""
        return records.structure(decode(data, _FORMAT, "pipeline.json", limits), cls, what="pipeline.json")
