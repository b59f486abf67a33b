"""Releases: parts become signed, sealed, immutable versions, and travel as bundles; it trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk._internal.facade import lazy_names

if TYPE_CHECKING:
    from maas_sdk.artifact._contents.sources import DerivedPart
    from maas_sdk.artifact._documents.disclosures import Disclosure, Disclosures
    from maas_sdk.artifact._documents.facts import Environment, ModelSchema
    from maas_sdk.artifact._documents.names import Reference
    from maas_sdk.artifact._documents.parts import PartInfo
    from maas_sdk.artifact._documents.recipe import ComponentRecord, Recipe, SerializerRecord
    from maas_sdk.artifact._inventory.lineage import Lineage
    from maas_sdk.artifact._inventory.search import Listing
    from maas_sdk.artifact._layout import pack_layout, write_index
    from maas_sdk.artifact._receipt import Receipt
    from maas_sdk.artifact._release import Release
    from maas_sdk.artifact._rotation_file import follow_rotation
    from maas_sdk.artifact._selftest import SelfTest, SelfTestReport
    from maas_sdk.artifact._store import Store
    from maas_sdk.artifact._upkeep.fsck import FsckReport
    from maas_sdk.artifact._upkeep.maintenance import GcReport
    from maas_sdk.artifact._verify import verify

__all__ = [
    "ComponentRecord",
    "DerivedPart",
    "Disclosure",
    "Disclosures",
    "Environment",
    "FsckReport",
    "GcReport",
    "Lineage",
    "Listing",
    "ModelSchema",
    "PartInfo",
    "Receipt",
    "Recipe",
    "Reference",
    "Release",
    "SelfTest",
    "SelfTestReport",
    "SerializerRecord",
    "Store",
    "follow_rotation",
    "pack_layout",
    "verify",
    "write_index",
]

_MODULE_OF = {
    "ComponentRecord": "_documents.recipe",
    "DerivedPart": "_contents.sources",
    "Disclosure": "_documents.disclosures",
    "Disclosures": "_documents.disclosures",
    "Environment": "_documents.facts",
    "FsckReport": "_upkeep.fsck",
    "GcReport": "_upkeep.maintenance",
    "Lineage": "_inventory.lineage",
    "Listing": "_inventory.search",
    "ModelSchema": "_documents.facts",
    "PartInfo": "_documents.parts",
    "Receipt": "_receipt",
    "Recipe": "_documents.recipe",
    "Reference": "_documents.names",
    "Release": "_release",
    "SelfTest": "_selftest",
    "SelfTestReport": "_selftest",
    "SerializerRecord": "_documents.recipe",
    "Store": "_store",
    "follow_rotation": "_rotation_file",
    "pack_layout": "_layout",
    "verify": "_verify",
    "write_index": "_layout",
}

if not TYPE_CHECKING:  # pragma: no branch - type checkers read the imports above
    __getattr__ = lazy_names(__name__, _MODULE_OF)
