"""The hook specifications of API version 1: what a plugin may implement, and nothing else."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_sdk.plugin._component import ComponentSpec
    from maas_sdk.plugin._events import StepEvent

__all__ = ["ENTRY_POINT_GROUP", "HOOK_OF_KIND", "KINDS", "PROJECT_NAME", "HookSpecs", "hookimpl"]

PROJECT_NAME: Final = "maas_sdk"

ENTRY_POINT_GROUP: Final = "maas_sdk.v1"
"""The entry-point group of this API's major version."""

HOOK_OF_KIND: Final = MappingProxyType(
    {
        "preprocessor": "maas_sdk_preprocessors",
        "model": "maas_sdk_models",
        "optimizer": "maas_sdk_optimizers",
        "schedule": "maas_sdk_schedules",
        "compressor": "maas_sdk_compressors",
        "storage_backend": "maas_sdk_storage_backends",
        "serializer": "maas_sdk_serializers",
        "sealer": "maas_sdk_sealers",
        "signer": "maas_sdk_signers",
    }
)

KINDS: Final = tuple(HOOK_OF_KIND)
"""The kinds of components."""

hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
"""Marks the functions of a plugin that implement a hook."""

_hookspec = pluggy.HookspecMarker(PROJECT_NAME)


class HookSpecs:
    """The hooks; none has `firstresult`, so that no plugin can answer for another.

    Registration hooks take no argument, are called once a plugin, when it is first referenced, and give an
    iterable of :class:`ComponentSpec`. Observation hooks are given one frozen :class:`StepEvent`.
    """

    @_hookspec
    def maas_sdk_preprocessors(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare preprocessors (:class:`maas_sdk.interfaces.Preprocessor`)."""

    @_hookspec
    def maas_sdk_models(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare models (:class:`maas_sdk.interfaces.Model`)."""

    @_hookspec
    def maas_sdk_optimizers(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare optimizers (:class:`maas_sdk.interfaces.Optimizer`)."""

    @_hookspec
    def maas_sdk_schedules(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare learning-rate schedules (:class:`maas_sdk.interfaces.Schedule`)."""

    @_hookspec
    def maas_sdk_compressors(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare compressors (:class:`maas_sdk.interfaces.Compressor`)."""

    @_hookspec
    def maas_sdk_storage_backends(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare storage backends (:class:`maas_sdk.interfaces.StorageBackend`)."""

    @_hookspec
    def maas_sdk_serializers(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare serializers (:class:`maas_sdk.interfaces.EstimatorSerializer`)."""

    @_hookspec
    def maas_sdk_sealers(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare sealers (:class:`maas_sdk.interfaces.Sealer`)."""

    @_hookspec
    def maas_sdk_signers(self) -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
        """Declare signers (:class:`maas_sdk.interfaces.Signer`)."""

    @_hookspec
    def maas_sdk_before_step(self, event: StepEvent) -> None:
        """Learn that a step begins."""

    @_hookspec
    def maas_sdk_after_step(self, event: StepEvent) -> None:
        """Learn that a step ended, well or with `event.error`."""
