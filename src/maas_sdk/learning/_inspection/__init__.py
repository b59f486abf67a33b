"""What a model learns from more rows, and what it makes of each feature."""

from maas_sdk.learning._inspection._dependence import FeatureDependence, PartialDependence, partial_dependence
from maas_sdk.learning._inspection._importance import PermutationImportance, permutation_importance
from maas_sdk.learning._inspection._learning_curve import LearningCurve, learning_curve

__all__ = [
    "FeatureDependence",
    "LearningCurve",
    "PartialDependence",
    "PermutationImportance",
    "learning_curve",
    "partial_dependence",
    "permutation_importance",
]
