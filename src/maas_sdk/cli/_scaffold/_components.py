"""The component that is written for each kind: where it is, what it needs, how it is checked."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMPONENTS", "Component"]


@frozen(kw_only=True)
class Component:
    """What is written for one kind.

    Attributes
    ----------
    name, target, summary : str
        As in its `maas_sdk.plugin.ComponentSpec`; the target without the package.
    needs : tuple of str
        Requirements.
    modules : tuple of str
        Modules of the package, the component's own first.
    option, value : str
        An option that the kit must be given, and its value as an expression with `folder`; or nothing.
    tests : tuple of str
        Test modules.
    """

    name: str
    target: str
    summary: str
    needs: tuple[str, ...]
    modules: tuple[str, ...]
    option: str = ""
    value: str = ""
    tests: tuple[str, ...] = ()


_ATTRS, _NUMPY, _SKLEARN = "attrs>=24.2", "numpy>=2.0", "scikit-learn>=1.6"

COMPONENTS: Final[Mapping[str, Component]] = MappingProxyType(
    {
        "preprocessor": Component(
            name="clipper",
            target="clipper:Clipper",
            summary="Each feature within its range in training",
            needs=(_NUMPY, _SKLEARN),
            modules=("clipper",),
        ),
        "model": Component(
            name="nearest_mean",
            target="nearest_mean:NearestMean",
            summary="The class whose mean is nearest",
            needs=(_NUMPY, _SKLEARN),
            modules=("nearest_mean",),
        ),
        "optimizer": Component(
            name="momentum",
            target="momentum:Momentum",
            summary="Gradient descent with momentum",
            needs=(_ATTRS, _NUMPY),
            modules=("momentum",),
        ),
        "schedule": Component(
            name="inverse_root",
            target="inverse_root:InverseRootSchedule",
            summary="Falls with the root of the step",
            needs=(_ATTRS,),
            modules=("inverse_root",),
        ),
        "compressor": Component(
            name="float32",
            target="float32:Float32Compressor",
            summary="Weights in single precision",
            needs=(_NUMPY, _SKLEARN),
            modules=("float32",),
            tests=("test_float32",),
        ),
        "storage_backend": Component(
            name="sqlite",
            target="sqlite:SqliteBackend",
            summary="Objects in one SQLite database",
            needs=(),
            modules=("sqlite",),
            option="file",
            value="store.sqlite",
        ),
        "serializer": Component(
            name="nearest_mean_serializer",
            target="nearest_mean_serializer:NearestMeanSerializer",
            summary="NearestMean without pickle",
            needs=(_NUMPY, _SKLEARN),
            modules=("nearest_mean_serializer", "nearest_mean"),
        ),
        "sealer": Component(
            name="armored",
            target="armored:ArmoredSealer",
            summary="age encryption as text",
            needs=(),
            modules=("armored",),
        ),
        "signer": Component(
            name="seed_file",
            target="seed_file:SeedFileSigner",
            summary="Ed25519, its seed in a file",
            needs=("cryptography>=50",),
            modules=("seed_file",),
            option="file",
            value="key.seed",
        ),
    }
)
