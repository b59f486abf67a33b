"""How good a fitted estimator is on data, how sure that is, and whether another one is better."""

from maas_sdk.learning._evaluation._bootstrap import Interval
from maas_sdk.learning._evaluation._calibration import Calibration
from maas_sdk.learning._evaluation._curves import Curve
from maas_sdk.learning._evaluation._difference import PairedDifference, paired_difference
from maas_sdk.learning._evaluation._evaluate import evaluate
from maas_sdk.learning._evaluation._evaluation import ClassMetrics, Evaluation
from maas_sdk.learning._evaluation._residuals import Residuals

__all__ = [
    "Calibration",
    "ClassMetrics",
    "Curve",
    "Evaluation",
    "Interval",
    "PairedDifference",
    "Residuals",
    "evaluate",
    "paired_difference",
]
