"""Trainable models, what trains them and what measures them: numpy, scikit-learn's conventions, no files."""

from maas_sdk.learning._losses import BinaryLogLoss, Loss, MultinomialLogLoss, SquaredLoss
from maas_sdk.learning._mlp import MLPClassifier, MLPRegressor
from maas_sdk.learning._optimizers import SGD, Adam, GradientDescent

__all__ = [
    "SGD",
    "Adam",
    "BinaryLogLoss",
    "GradientDescent",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "MultinomialLogLoss",
    "SquaredLoss",
]
