"""Declares the SDK's own components, through the hooks that a vendor uses; their names are the bare ones.

Nothing that is declared here is imported here. :mod:`maas_sdk.builtin.sklearn` declares scikit-learn's
estimators as ``"sklearn.<class>"``.
"""

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
    "maas_sdk_sealers",
    "maas_sdk_signers",
    "maas_sdk_storage_backends",
]


@hookimpl
def maas_sdk_preprocessors() -> Iterator[ComponentSpec]:
    """Declare the preprocessors, which are scikit-learn's."""
    yield ComponentSpec(
        "standard_scaler", "sklearn.preprocessing:StandardScaler", summary="Zero mean, unit variance"
    )
    yield ComponentSpec(
        "min_max_scaler", "sklearn.preprocessing:MinMaxScaler", summary="Each feature into one range"
    )
    yield ComponentSpec("pca", "sklearn.decomposition:PCA", summary="Principal components")


@hookimpl
def maas_sdk_models() -> Iterator[ComponentSpec]:
    """Declare the trainable models."""
    yield ComponentSpec(
        "linear_regressor", "maas_sdk.learning:LinearRegressor", summary="Linear regression by any optimizer"
    )
    yield ComponentSpec(
        "logistic_classifier",
        "maas_sdk.learning:LogisticClassifier",
        summary="Logistic regression by any optimizer",
    )
    yield ComponentSpec(
        "mlp_classifier", "maas_sdk.learning:MLPClassifier", summary="Multi-layer perceptron for classes"
    )
    yield ComponentSpec(
        "mlp_regressor", "maas_sdk.learning:MLPRegressor", summary="Multi-layer perceptron for values"
    )


@hookimpl
def maas_sdk_optimizers() -> Iterator[ComponentSpec]:
    """Declare the optimizers."""
    yield ComponentSpec("gd", "maas_sdk.learning:GradientDescent", summary="Plain gradient descent")
    yield ComponentSpec("sgd", "maas_sdk.learning:SGD", summary="Stochastic gradient descent with momentum")
    yield ComponentSpec("adam", "maas_sdk.learning:Adam", summary="Adaptive moments")


@hookimpl
def maas_sdk_compressors() -> Iterator[ComponentSpec]:
    """Declare the compressors."""
    yield ComponentSpec(
        "pca", "maas_sdk.compression:PCACompressor", summary="Fewer inputs to the model, fitted again"
    )
    yield ComponentSpec(
        "float16", "maas_sdk.compression:Float16Compressor", summary="Weights rounded to half precision"
    )


@hookimpl
def maas_sdk_storage_backends() -> Iterator[ComponentSpec]:
    """Declare the storage backends."""
    yield ComponentSpec("local", "maas_sdk.storage:LocalBackend", summary="A folder")
    yield ComponentSpec("memory", "maas_sdk.storage:MemoryBackend", summary="This process's memory")


@hookimpl
def maas_sdk_sealers() -> Iterator[ComponentSpec]:
    """Declare the sealers."""
    yield ComponentSpec("age", "maas_sdk.sealing:AgeSealer", summary="age v1 encryption (c2sp.org/age)")


@hookimpl
def maas_sdk_signers() -> Iterator[ComponentSpec]:
    """Declare the signers."""
    yield ComponentSpec(
        "pem",
        "maas_sdk.signing:load_private_key",
        summary="A private key in a PEM file that only its owner reads",
    )
    yield ComponentSpec(
        "ephemeral", "maas_sdk.signing:PrivateKey.generate", summary="A fresh key that is kept nowhere"
    )
