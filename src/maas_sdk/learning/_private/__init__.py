"""Differentially private training: what is clipped, drawn and counted; the optimizers are next door."""

from maas_sdk.learning._private._accountant import DEFAULT_ORDERS, RenyiAccountant, noise_for
from maas_sdk.learning._private._checks import check_private, why_not
from maas_sdk.learning._private._options import PrivateSteps
from maas_sdk.learning._private._record import PrivacyRecord
from maas_sdk.learning._private._steps import NoisySteps
from maas_sdk.learning._private._workspace import ClippingWorkspace

__all__ = [
    "DEFAULT_ORDERS",
    "ClippingWorkspace",
    "NoisySteps",
    "PrivacyRecord",
    "PrivateSteps",
    "RenyiAccountant",
    "check_private",
    "noise_for",
    "why_not",
]
