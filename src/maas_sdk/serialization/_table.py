"""The audited table: which classes can be serialized, by their name in files and by the class itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.serialization._tables import FAMILIES

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["TABLE", "spec_of"]

TABLE: dict[str, Spec] = {spec.type_name: spec for family in FAMILIES for spec in family}
_PREFIXES = {"sklearn": "sklearn", "scipy": "scipy", "maas_sdk": "maas"}


def spec_of(cls: type) -> Spec | None:
    """Give the entry of a class; None for what the table does not know, subclasses included."""
    prefix = _PREFIXES.get(cls.__module__.partition(".")[0])
    spec = TABLE.get(f"{prefix}.{cls.__name__}")
    return spec if spec is not None and spec.resolve() is cls else None
