"""Optimizers by torch.optim's rules, in place on one flat buffer; schedules, clips and the chain."""

from maas_sdk.learning._optimizers._adam import Adam, AdamW, AMSGrad
from maas_sdk.learning._optimizers._adaptive import AdaGrad, RMSprop
from maas_sdk.learning._optimizers._chain import Chain, chain
from maas_sdk.learning._optimizers._clipping import ClipByNorm, ClipByValue
from maas_sdk.learning._optimizers._descent import SGD, GradientDescent
from maas_sdk.learning._optimizers._lion import Lion
from maas_sdk.learning._optimizers._one_cycle import OneCycleSchedule
from maas_sdk.learning._optimizers._plateau import ReduceOnPlateauSchedule
from maas_sdk.learning._optimizers._private import DPSGD, DPAdam
from maas_sdk.learning._optimizers._schedules import (
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    LinearWarmupSchedule,
    StepSchedule,
)

__all__ = [
    "DPSGD",
    "SGD",
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Chain",
    "ClipByNorm",
    "ClipByValue",
    "ConstantSchedule",
    "CosineSchedule",
    "DPAdam",
    "ExponentialSchedule",
    "GradientDescent",
    "LinearWarmupSchedule",
    "Lion",
    "OneCycleSchedule",
    "RMSprop",
    "ReduceOnPlateauSchedule",
    "StepSchedule",
    "chain",
]
