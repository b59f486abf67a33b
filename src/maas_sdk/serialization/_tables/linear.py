"""The table's linear models: one matrix of coefficients, one vector of intercepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Choice, Either, Instance, Int, Nothing, Number
from maas_sdk.serialization._kinds_arrays import Array, Labels
from maas_sdk.serialization._spec import FEATURES, Field, Spec, optional, required
from maas_sdk.serialization._tables.preparation import check_binarizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["LINEAR"]

_MODULE = "sklearn.linear_model"
_COEF = Either(Array(("n_targets", "n_features")), Array(("n_features",)))
_INTERCEPT = Either(Number(), Array(("n_targets",)), Array((1,)))
_N_ITER = optional(Either(Nothing(), Int(), Array(("n_iterations",), dtypes="iu")))
_COUNT = optional(Int())
_SCORE = optional(Number(finite=False))
_REGRESSOR: dict[str, Field] = {
    **FEATURES,
    "coef_": required(_COEF),
    "intercept_": required(_INTERCEPT),
    "n_iter_": _N_ITER,
}
_CLASSIFIER: dict[str, Field] = {
    **FEATURES,
    "classes_": required(Labels(scores="n_scores", low=2)),
    "coef_": required(Array(("n_scores", "n_features"))),
    "intercept_": required(Either(Array(("n_scores",)), Array((1,)), Number())),
    "n_iter_": _N_ITER,
}
_PER_TARGET = optional(Either(Number(finite=False), Array(("n_targets",), finite=False)))
_PATHS = ("mse_path_", "alphas_", "cv_alphas_", "coef_path_", "active_")


def _regressor(name: str, *, left_out: tuple[str, ...] = (), **fields: Field) -> Spec:
    return Spec(
        f"sklearn.{name}", _MODULE, {**_REGRESSOR, **fields}, left_out=left_out, check=_check_intercept
    )


def _check_intercept(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """With several targets, the intercept is one number each, or zero for all."""
    intercept = attributes["intercept_"]
    n_targets = scope.sizes.get("n_targets", 1)
    if getattr(intercept, "ndim", 0) == 1 and intercept.shape != (n_targets,):
        raise place.attribute("intercept_").refusal(f"{intercept.size} intercepts for {n_targets} targets")


def _rebuild_loss(estimator: Any) -> None:
    estimator._base_loss = estimator._get_loss()  # noqa: SLF001 - scikit-learn's own attribute


def _glm(name: str) -> Spec:
    return Spec(
        f"sklearn.{name}",
        _MODULE,
        {
            **FEATURES,
            "coef_": required(Array(("n_features",))),
            "intercept_": required(Number()),
            "n_iter_": _N_ITER,
        },
        left_out=("_base_loss",),
        finish=_rebuild_loss,
    )


_SGD_LEFT_OUT = (
    "_loss_function_",
    "loss_function_",
    "_expanded_class_weight",
    *("_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept"),
)
_SGD = {"t_": optional(Number())}


def _sgd(name: str, fields: dict[str, Field]) -> Spec:
    return Spec(f"sklearn.{name}", _MODULE, {**fields, **_SGD}, left_out=_SGD_LEFT_OUT)


def _check_ridge_classifier(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_intercept(None, attributes, scope, place)
    check_binarizer(
        attributes["_label_binarizer"],
        n_outputs=scope.sizes.get("n_targets", 1),
        n_classes=scope.sizes["n_classes"],
        place=place.attribute("_label_binarizer"),
    )


_RIDGE_CLASSIFIER: dict[str, Field] = {
    **FEATURES,
    "classes_": required(Labels()),
    "_label_binarizer": required(Instance((("sklearn", "LabelBinarizer"),))),
    "coef_": required(_COEF),
    "intercept_": required(_INTERCEPT),
    "n_iter_": _N_ITER,
}
_SOLVER = optional(Choice(("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs")))
_BEST = {"alpha_": _PER_TARGET, "best_score_": _PER_TARGET}

_LEARNING = "maas_sdk.learning"
_LOSS = {"loss_": _SCORE}
_TRAINED: dict[str, Any] = {
    "dropped_if_unknown": ("optimizer",),
    "forgotten": ("callback",),
    "left_out": ("loss_curve_",),
}

LINEAR: tuple[Spec, ...] = (
    _regressor(
        "LinearRegression",
        rank_=optional(Either(Int(), Array(("n_targets",), dtypes="iu"))),
        singular_=optional(Array(("n_singular",))),
    ),
    _regressor("Ridge", solver_=_SOLVER),
    _regressor("RidgeCV", left_out=("cv_results_", "cv_values_"), **_BEST),
    _regressor("Lasso", dual_gap_=_PER_TARGET),
    _regressor("ElasticNet", dual_gap_=_PER_TARGET),
    _regressor("LassoCV", left_out=_PATHS, alpha_=_SCORE, dual_gap_=_SCORE),
    _regressor("ElasticNetCV", left_out=_PATHS, alpha_=_SCORE, l1_ratio_=_SCORE, dual_gap_=_SCORE),
    _regressor("MultiTaskLasso", dual_gap_=_PER_TARGET, eps_=_SCORE),
    _regressor("MultiTaskElasticNet", dual_gap_=_PER_TARGET, eps_=_SCORE),
    _regressor("MultiTaskLassoCV", left_out=_PATHS, alpha_=_SCORE, dual_gap_=_SCORE),
    _regressor("MultiTaskElasticNetCV", left_out=_PATHS, alpha_=_SCORE, l1_ratio_=_SCORE, dual_gap_=_SCORE),
    _regressor("Lars", left_out=_PATHS),
    _regressor("LassoLars", left_out=_PATHS),
    _regressor("LarsCV", left_out=_PATHS, alpha_=_SCORE),
    _regressor("LassoLarsCV", left_out=_PATHS, alpha_=_SCORE),
    _regressor("LassoLarsIC", left_out=(*_PATHS, "criterion_"), alpha_=_SCORE, noise_variance_=_SCORE),
    _regressor("OrthogonalMatchingPursuit", n_nonzero_coefs_=optional(Either(Nothing(), Int()))),
    _regressor("OrthogonalMatchingPursuitCV", n_nonzero_coefs_=_COUNT),
    _regressor(
        "BayesianRidge",
        left_out=("scores_",),
        X_offset_=required(Array(("n_features",))),
        X_scale_=required(Array(("n_features",))),
        alpha_=required(Number()),
        lambda_=required(Number()),
        sigma_=required(Array(("n_features", "n_features"))),
    ),
    _regressor(
        "ARDRegression",
        left_out=("scores_",),
        X_offset_=required(Array(("n_features",))),
        X_scale_=required(Array(("n_features",))),
        alpha_=required(Number()),
        lambda_=required(Array(("n_features",), finite=False)),
        sigma_=required(Array(("n_active", "n_active"))),
    ),
    _regressor("HuberRegressor", left_out=("outliers_",), scale_=_SCORE),
    _regressor("TheilSenRegressor", breakdown_=_SCORE, n_subpopulation_=_COUNT),
    _regressor("QuantileRegressor"),
    *(_glm(name) for name in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")),
    Spec("sklearn.LogisticRegression", _MODULE, _CLASSIFIER),
    Spec(
        "sklearn.LogisticRegressionCV",
        _MODULE,
        {**_CLASSIFIER, "C_": optional(Either(Number(), Array(("n_best",))))},
        left_out=("Cs_", "l1_ratios_", "l1_ratio_", "scores_", "coefs_paths_", "n_iter_"),
    ),
    Spec(
        "sklearn.RidgeClassifier",
        _MODULE,
        {**_RIDGE_CLASSIFIER, "solver_": _SOLVER},
        check=_check_ridge_classifier,
    ),
    Spec(
        "sklearn.RidgeClassifierCV",
        _MODULE,
        {**_RIDGE_CLASSIFIER, "alpha_": _SCORE, "best_score_": _SCORE},
        left_out=("cv_results_", "cv_values_"),
        check=_check_ridge_classifier,
    ),
    *(_sgd(name, _CLASSIFIER) for name in ("SGDClassifier", "Perceptron", "PassiveAggressiveClassifier")),
    *(_sgd(name, _REGRESSOR) for name in ("SGDRegressor", "PassiveAggressiveRegressor")),
    Spec("sklearn.LinearSVC", "sklearn.svm", _CLASSIFIER),
    Spec("sklearn.LinearSVR", "sklearn.svm", _REGRESSOR),
    Spec("maas.LinearRegressor", _LEARNING, {**_REGRESSOR, **_LOSS}, check=_check_intercept, **_TRAINED),
    Spec("maas.LogisticClassifier", _LEARNING, {**_CLASSIFIER, **_LOSS}, **_TRAINED),
)
