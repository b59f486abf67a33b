"""Cross-validation: an unfitted estimator's metrics on each fold, with what they say about the mean."""

from maas_sdk.learning._cross_validation._folds import make_splits, make_splitter
from maas_sdk.learning._cross_validation._result import CrossValidation, FoldPredictions
from maas_sdk.learning._cross_validation._run import cross_validate

__all__ = ["CrossValidation", "FoldPredictions", "cross_validate", "make_splits", "make_splitter"]
