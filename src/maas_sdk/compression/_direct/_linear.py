"""Linear models compiled: one product, one sum, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._direct._answers import (
    best_label,
    classes_for,
    first_column,
    flat,
    label_above,
    log_above_zero,
    log_softmax_of_two,
    scores,
    sigmoid_pair,
    softmax,
    softmax_of_two,
    then,
    unchanged,
)
from maas_sdk.compression._direct._compiled import Compiled, numbers, refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.compression._direct._compiled import Answer

__all__ = ["compile_linear", "why_not_linear"]

_VALUES = frozenset(
    {
        "ARDRegression",
        "BayesianRidge",
        "ElasticNet",
        "ElasticNetCV",
        "HuberRegressor",
        "Lars",
        "LarsCV",
        "Lasso",
        "LassoCV",
        "LassoLars",
        "LassoLarsCV",
        "LassoLarsIC",
        "LinearRegression",
        "LinearSVR",
        "MultiTaskElasticNet",
        "MultiTaskLasso",
        "OrthogonalMatchingPursuit",
        "Ridge",
        "RidgeCV",
        "SGDRegressor",
        "TheilSenRegressor",
    }
)
_LABELS = frozenset(
    {
        "LinearDiscriminantAnalysis",
        "LinearSVC",
        "LogisticRegression",
        "LogisticRegressionCV",
        "PassiveAggressiveClassifier",
        "Perceptron",
        "RidgeClassifier",
        "RidgeClassifierCV",
        "SGDClassifier",
    }
)
_OWN_VALUES = frozenset({"LinearRegressor", "RidgeRegressor"})
_OWN_LABELS = frozenset({"LinearSVMClassifier", "LogisticClassifier"})
_SOFTMAX = frozenset({"LinearDiscriminantAnalysis", "LogisticRegression", "LogisticRegressionCV"})

_CHUNK = 2**16
"""Numbers that are prepared at a time: half a megabyte, so that the product finds them in the cache."""


def why_not_linear(model: Any, room: str) -> str | None:
    """Give the reason why a model is no linear model that is known, fitted; None if it is one."""
    name = type(model).__name__
    if name not in ((_VALUES | _LABELS) if room == "sklearn" else (_OWN_VALUES | _OWN_LABELS)):
        return f"{name} is not a known linear model"
    if not hasattr(model, "coef_"):
        return f"{name} is not fitted"
    if hasattr(model.coef_, "toarray"):
        return f"{name} has sparse coefficients"
    binarizer = getattr(model, "_label_binarizer", None)
    if binarizer is not None and str(binarizer.y_type_).startswith("multilabel"):
        return f"{name} was fitted on several labels a row"
    return None


def compile_linear(model: Any, room: str) -> Compiled:
    """Compile a model that `why_not_linear` has nothing against."""
    name = type(model).__name__
    coef, intercept = numbers(model, "coef_"), numbers(model, "intercept_")
    matrix = np.atleast_2d(coef)
    n_outputs, n_features = matrix.shape[0], matrix.shape[-1]
    if matrix.ndim > 2 or n_features != model.n_features_in_ or intercept.size not in (1, n_outputs):  # noqa: PLR2004 - a matrix
        raise refusal(
            model,
            "coef_",
            f"shape {coef.shape} for {model.n_features_in_} features and {intercept.size} intercepts",
        )
    methods: dict[str, Answer]
    if name in (_LABELS | _OWN_LABELS):
        methods = _label_methods(model, name, n_outputs)
    elif name == "SGDRegressor":
        methods = {"predict": flat}
    else:
        methods = {"predict": first_column if coef.ndim == 1 else unchanged}
    return Compiled(
        raw=_product(matrix.T, np.atleast_1d(intercept), widens=room != "sklearn"),
        methods=methods,
        n_features=n_features,
        max_rows=max(256, _CHUNK // n_features),
    )


def _product(matrix: NDArray[Any], intercept: NDArray[Any], *, widens: bool) -> Answer:
    def raw(rows: NDArray[Any]) -> NDArray[Any]:
        if widens and rows.dtype != np.float64:
            rows = rows.astype(np.float64)
        values: NDArray[Any] = np.dot(rows, matrix) + intercept
        return values

    return raw


def _label_methods(model: Any, name: str, n_outputs: int) -> dict[str, Answer]:
    classes = classes_for(model, n_outputs)
    methods: dict[str, Answer] = {
        "decision_function": scores,
        "predict": label_above(classes, 0.0) if n_outputs == 1 else best_label(classes),
    }
    if name == "LogisticClassifier":
        methods |= {"predict_proba": softmax_of_two, "predict_log_proba": log_softmax_of_two}
    elif name in _SOFTMAX and (n_outputs == 1 or _is_multinomial(model)):
        proba = sigmoid_pair if n_outputs == 1 else softmax
        log = log_above_zero if name == "LinearDiscriminantAnalysis" else np.log
        methods |= {"predict_proba": proba, "predict_log_proba": then(proba, log)}
    return methods


def _is_multinomial(model: Any) -> bool:
    """Tell whether several classes share a softmax, which older versions could be asked not to do."""
    return getattr(model, "solver", None) != "liblinear" and getattr(model, "multi_class", None) != "ovr"
