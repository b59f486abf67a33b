"""Releases: parts become signed, sealed, immutable versions, and travel as bundles; it trains nothing."""

from maas_sdk.artifact._facts import Environment, ModelSchema
from maas_sdk.artifact._names import Reference
from maas_sdk.artifact._parts import PartInfo
from maas_sdk.artifact._recipe import ComponentRecord, Recipe, SerializerRecord
from maas_sdk.artifact._release import Release
from maas_sdk.artifact._selftest import SelfTest, SelfTestReport
from maas_sdk.artifact._store import Store
from maas_sdk.artifact._verify import verify

__all__ = [
    "ComponentRecord",
    "Environment",
    "ModelSchema",
    "PartInfo",
    "Recipe",
    "Reference",
    "Release",
    "SelfTest",
    "SelfTestReport",
    "SerializerRecord",
    "Store",
    "verify",
]
