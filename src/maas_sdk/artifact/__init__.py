"""Releases: parts become signed, sealed, immutable versions, and travel as bundles; it trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk._internal.facade import lazy_names

if TYPE_CHECKING:
    from maas_sdk.artifact._facts import Environment, ModelSchema
    from maas_sdk.artifact._fsck import FsckReport
    from maas_sdk.artifact._layout import pack_layout, write_index
    from maas_sdk.artifact._lineage import Lineage
    from maas_sdk.artifact._maintenance import GcReport
    from maas_sdk.artifact._names import Reference
    from maas_sdk.artifact._parts import PartInfo
    from maas_sdk.artifact._receipt import Receipt
    from maas_sdk.artifact._recipe import ComponentRecord, Recipe, SerializerRecord
    from maas_sdk.artifact._release import Release
    from maas_sdk.artifact._rotation_file import follow_rotation
    from maas_sdk.artifact._search import Listing
    from maas_sdk.artifact._selftest import SelfTest, SelfTestReport
    from maas_sdk.artifact._sources import DerivedPart
    from maas_sdk.artifact._store import Store
    from maas_sdk.artifact._verify import verify

__all__ = [
    "ComponentRecord",
    "DerivedPart",
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
    "ComponentRecord": "_recipe",
    "DerivedPart": "_sources",
    "Environment": "_facts",
    "FsckReport": "_fsck",
    "GcReport": "_maintenance",
    "Lineage": "_lineage",
    "Listing": "_search",
    "ModelSchema": "_facts",
    "PartInfo": "_parts",
    "Receipt": "_receipt",
    "Recipe": "_recipe",
    "Reference": "_names",
    "Release": "_release",
    "SelfTest": "_selftest",
    "SelfTestReport": "_selftest",
    "SerializerRecord": "_recipe",
    "Store": "_store",
    "follow_rotation": "_rotation_file",
    "pack_layout": "_layout",
    "verify": "_verify",
    "write_index": "_layout",
}

if not TYPE_CHECKING:  # pragma: no branch - type checkers read the imports above
    __getattr__ = lazy_names(__name__, _MODULE_OF)
