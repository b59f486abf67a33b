"""The table's optimizers, clips and schedules, the SDK's own: options alone, which their classes check."""

from __future__ import annotations

from maas_sdk.serialization._spec import Spec

__all__ = ["OPTIMIZERS"]

OPTIMIZERS: tuple[Spec, ...] = tuple(
    Spec(f"maas.{name}", "maas_sdk.learning")
    for name in (
        *("GradientDescent", "SGD", "Adam", "AdamW", "AMSGrad", "AdaGrad", "RMSprop", "Lion"),
        *("DPAdam", "DPSGD", "ClipByNorm", "ClipByValue", "Chain"),
        *("ConstantSchedule", "StepSchedule", "ExponentialSchedule", "CosineSchedule"),
        *("LinearWarmupSchedule", "OneCycleSchedule", "ReduceOnPlateauSchedule"),
    )
)
