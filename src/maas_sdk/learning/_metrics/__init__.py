"""Metrics by name: what each needs of an estimator, which way is better, and when it has no value."""

from maas_sdk.learning._metrics._classification import calibration_bins, confidences
from maas_sdk.learning._metrics._entry import Entry
from maas_sdk.learning._metrics._metric import AnyMetric, Metric, get_metric, metrics_by_name, score
from maas_sdk.learning._metrics._predictions import Predictions, predictions_of
from maas_sdk.learning._metrics._tables import measure, table_of
from maas_sdk.learning._metrics._weighted import Weighted

__all__ = [
    "AnyMetric",
    "Entry",
    "Metric",
    "Predictions",
    "Weighted",
    "calibration_bins",
    "confidences",
    "get_metric",
    "measure",
    "metrics_by_name",
    "predictions_of",
    "score",
    "table_of",
]
