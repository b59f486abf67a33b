"""Trainable models, what trains them and what measures them: numpy, scikit-learn's conventions, no files."""

from maas_sdk.learning._cross_validation import CrossValidation, cross_validate
from maas_sdk.learning._evaluation import ClassMetrics, Evaluation, evaluate
from maas_sdk.learning._linear import LinearRegressor, LogisticClassifier
from maas_sdk.learning._losses import BinaryLogLoss, Loss, MultinomialLogLoss, SquaredLoss
from maas_sdk.learning._metrics import Metric, get_metric, score
from maas_sdk.learning._mlp import MLPClassifier, MLPRegressor
from maas_sdk.learning._optimizers import SGD, Adam, GradientDescent

__all__ = [
    "SGD",
    "Adam",
    "BinaryLogLoss",
    "ClassMetrics",
    "CrossValidation",
    "Evaluation",
    "GradientDescent",
    "LinearRegressor",
    "LogisticClassifier",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "Metric",
    "MultinomialLogLoss",
    "SquaredLoss",
    "cross_validate",
    "evaluate",
    "get_metric",
    "score",
]
