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
    "maas_sdk_schedules",
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
    for name, target, summary in (
        ("linear_regressor", "LinearRegressor", "Linear regression with any loss, by any optimizer"),
        ("ridge_regressor", "RidgeRegressor", "Ridge regression by any optimizer"),
        ("logistic_classifier", "LogisticClassifier", "Logistic regression by any optimizer"),
        ("linear_svm_classifier", "LinearSVMClassifier", "Linear support vectors by any optimizer"),
        ("mlp_classifier", "MLPClassifier", "Multi-layer perceptron for classes"),
        ("mlp_regressor", "MLPRegressor", "Multi-layer perceptron for values"),
    ):
        yield ComponentSpec(name, f"maas_sdk.learning:{target}", summary=summary)


@hookimpl
def maas_sdk_optimizers() -> Iterator[ComponentSpec]:
    """Declare the optimizers."""
    yield ComponentSpec("gd", "maas_sdk.learning:GradientDescent", summary="Plain gradient descent")
    yield ComponentSpec("sgd", "maas_sdk.learning:SGD", summary="Stochastic gradient descent with momentum")
    yield ComponentSpec("adam", "maas_sdk.learning:Adam", summary="Adaptive moments")
    yield ComponentSpec("adamw", "maas_sdk.learning:AdamW", summary="Adam with decoupled weight decay")
    yield ComponentSpec(
        "amsgrad", "maas_sdk.learning:AMSGrad", summary="Adam whose second moment never shrinks"
    )
    yield ComponentSpec(
        "adagrad",
        "maas_sdk.learning:AdaGrad",
        summary="Steps by the sum of squared gradients, for sparse features",
    )
    yield ComponentSpec(
        "rmsprop", "maas_sdk.learning:RMSprop", summary="Steps by the mean square of gradients"
    )
    yield ComponentSpec("lion", "maas_sdk.learning:Lion", summary="Sign of a momentum, half of Adam's state")
    yield ComponentSpec(
        "dp_adam", "maas_sdk.learning:DPAdam", summary="Adam with differential privacy, and an epsilon"
    )
    yield ComponentSpec(
        "dp_sgd", "maas_sdk.learning:DPSGD", summary="SGD with differential privacy, and an epsilon"
    )
    yield ComponentSpec(
        "clip_by_norm", "maas_sdk.learning:ClipByNorm", summary="In a chain: shortens long gradients"
    )
    yield ComponentSpec(
        "clip_by_value",
        "maas_sdk.learning:ClipByValue",
        summary="In a chain: bounds each element of gradients",
    )
    yield ComponentSpec("chain", "maas_sdk.learning:Chain", summary="Clips, and an optimizer behind them")


@hookimpl
def maas_sdk_schedules() -> Iterator[ComponentSpec]:
    """Declare the learning-rate schedules."""
    yield ComponentSpec(
        "constant", "maas_sdk.learning:ConstantSchedule", summary="The same rate in each step"
    )
    yield ComponentSpec("step", "maas_sdk.learning:StepSchedule", summary="Falls at once every so many steps")
    yield ComponentSpec(
        "exponential",
        "maas_sdk.learning:ExponentialSchedule",
        summary="Falls by the same factor in each step",
    )
    yield ComponentSpec("cosine", "maas_sdk.learning:CosineSchedule", summary="Falls along half a cosine")
    yield ComponentSpec(
        "linear_warmup",
        "maas_sdk.learning:LinearWarmupSchedule",
        summary="Rises in a line, then another schedule",
    )
    yield ComponentSpec(
        "one_cycle",
        "maas_sdk.learning:OneCycleSchedule",
        summary="Rises and falls once, the momentum the other way",
    )
    yield ComponentSpec(
        "reduce_on_plateau",
        "maas_sdk.learning:ReduceOnPlateauSchedule",
        summary="Falls when training no longer improves",
    )


@hookimpl
def maas_sdk_compressors() -> Iterator[ComponentSpec]:
    """Declare the compressors."""
    for name, target, summary in (
        ("baseline", "BaselineCompressor", "A smaller model fitted on the labels, to compare with"),
        ("pca", "PCACompressor", "Fewer inputs to the model, fitted again"),
        ("feature_selection", "FeatureSelectionCompressor", "The inputs used most alone, fitted again"),
        ("float16", "Float16Compressor", "Weights rounded to half precision"),
        ("bfloat16", "BFloat16Compressor", "Weights rounded to the upper half of float32"),
        ("int8", "Int8Compressor", "Weights in 255 steps for each output"),
        ("int4", "Int4Compressor", "Weights in 15 steps for each output of many inputs"),
        ("low_rank", "LowRankCompressor", "Two narrow layers for a wide one, trained on"),
        ("prune", "PruneCompressor", "Small weights zero, the others trained on"),
        ("distill", "DistillCompressor", "A small network or tree that learns from the model"),
        ("forest_compact", "ForestCompactCompressor", "Trees without what no prediction uses, lossless"),
        ("forest_trim", "ForestTrimCompressor", "The first trees, or stages of boosting"),
        ("forest_quantize", "ForestQuantizeCompressor", "Leaves and thresholds of trees rounded"),
        ("knn_condense", "KNNCondenseCompressor", "Few of a nearest-neighbours model's rows"),
        ("drop_training_state", "DropTrainingStateCompressor", "What predictions use and no more, lossless"),
    ):
        yield ComponentSpec(name, f"maas_sdk.compression:{target}", summary=summary)


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
