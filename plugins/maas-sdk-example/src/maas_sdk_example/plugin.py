"""Declares the components; imports none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.plugin import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "maas_sdk_compressors",
    "maas_sdk_models",
    "maas_sdk_optimizers",
    "maas_sdk_preprocessors",
    "maas_sdk_schedules",
    "maas_sdk_sealers",
    "maas_sdk_serializers",
    "maas_sdk_signers",
    "maas_sdk_storage_backends",
]


@hookimpl
def maas_sdk_preprocessors() -> Iterator[ComponentSpec]:
    """Declare the preprocessor."""
    yield ComponentSpec(
        "clipper",
        "maas_sdk_example.clipper:Clipper",
        summary="Each feature within its range in training",
    )


@hookimpl
def maas_sdk_models() -> Iterator[ComponentSpec]:
    """Declare the model."""
    yield ComponentSpec(
        "nearest_mean",
        "maas_sdk_example.nearest_mean:NearestMean",
        summary="The class whose mean is nearest",
    )


@hookimpl
def maas_sdk_optimizers() -> Iterator[ComponentSpec]:
    """Declare the optimizer."""
    yield ComponentSpec(
        "momentum",
        "maas_sdk_example.momentum:Momentum",
        summary="Gradient descent with momentum",
    )


@hookimpl
def maas_sdk_schedules() -> Iterator[ComponentSpec]:
    """Declare the schedule."""
    yield ComponentSpec(
        "inverse_root",
        "maas_sdk_example.inverse_root:InverseRootSchedule",
        summary="Falls with the root of the step",
    )


@hookimpl
def maas_sdk_compressors() -> Iterator[ComponentSpec]:
    """Declare the compressor."""
    yield ComponentSpec(
        "float32",
        "maas_sdk_example.float32:Float32Compressor",
        summary="Weights in single precision",
    )


@hookimpl
def maas_sdk_storage_backends() -> Iterator[ComponentSpec]:
    """Declare the storage backend."""
    yield ComponentSpec(
        "sqlite",
        "maas_sdk_example.sqlite:SqliteBackend",
        summary="Objects in one SQLite database",
    )


@hookimpl
def maas_sdk_serializers() -> Iterator[ComponentSpec]:
    """Declare the serializer."""
    yield ComponentSpec(
        "nearest_mean_serializer",
        "maas_sdk_example.nearest_mean_serializer:NearestMeanSerializer",
        summary="NearestMean without pickle",
    )


@hookimpl
def maas_sdk_sealers() -> Iterator[ComponentSpec]:
    """Declare the sealer."""
    yield ComponentSpec(
        "armored",
        "maas_sdk_example.armored:ArmoredSealer",
        summary="age encryption as text",
    )


@hookimpl
def maas_sdk_signers() -> Iterator[ComponentSpec]:
    """Declare the signer."""
    yield ComponentSpec(
        "seed_file",
        "maas_sdk_example.seed_file:SeedFileSigner",
        summary="Ed25519, its seed in a file",
    )
