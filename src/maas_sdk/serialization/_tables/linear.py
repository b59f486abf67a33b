"""The table's linear models: one matrix of coefficients, one vector of intercepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Int, Nothing, Number, Plain, RandomState
from maas_sdk.serialization._kinds_arrays import Array, Labels, Sparse
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance, ListOf, Record
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, record, required
from maas_sdk.serialization._tables.preparation import check_binarizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

    Check = Callable[[Any, Mapping[str, Any], Scope, Place], None]

__all__ = ["LINEAR"]

_MODULE = "sklearn.linear_model"
_COEF = Either(Array(("n_targets", "n_features")), Array(("n_features",)))
_INTERCEPT = Either(Number(), Array(("n_targets",)), Array((1,)))
_PLAIN = detail(Plain())  # numbers that people look at and no method uses
_PATH = record(Plain())
_COUNT = detail(Int())
_SCORE = detail(Number(finite=False))
_REGRESSOR: dict[str, Field] = {
    **FEATURES,
    "coef_": required(_COEF),
    "intercept_": required(_INTERCEPT),
    "n_iter_": _PLAIN,
}
_SCORES = ("n_scores", "n_features")
_CLASSIFIER: dict[str, Field] = {
    **FEATURES,
    "classes_": required(Labels(scores="n_scores", low=2)),
    "coef_": required(Either(Array(_SCORES), Sparse(_SCORES))),
    "intercept_": required(Either(Array(("n_scores",)), Array((1,)), Number())),
    "n_iter_": _PLAIN,
}
_DUALITY = {"dual_gap_": _PLAIN}
_CHOSEN = {"alpha_": _PLAIN, "alphas_": _PLAIN, "mse_path_": _PATH}
_ANGLES = {"active_": _PLAIN, "alphas_": _PLAIN, "coef_path_": _PATH}
_ANGLES_CHOSEN = {**_ANGLES, **_CHOSEN, "cv_alphas_": _PATH}
_VALIDATED = {"alpha_": _PLAIN, "best_score_": _PLAIN, "cv_results_": _PATH, "cv_values_": _PATH}


def _check_intercept(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    """With several targets, the intercept is one number each, or zero for all."""
    coef, intercept = attributes["coef_"], attributes["intercept_"]
    n_targets = coef.shape[0] if coef.ndim > 1 else 1
    if np.ndim(intercept) and intercept.size != n_targets:
        raise place.attribute("intercept_").refusal(f"{intercept.size} intercepts for {n_targets} targets")


def _check_active(ard: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Deviations are computed with the columns whose precision is below the threshold."""
    _check_intercept(ard, attributes, scope, place)
    if np.count_nonzero(attributes["lambda_"] < ard.threshold_lambda) != scope.sizes["n_active"]:
        raise place.attribute("lambda_").refusal("not as many below threshold_lambda as sigma_ has columns")


# What fit makes of parameters that are deprecated, in some versions.
_DEPRECATED = ("_alphas", "_store_cv_results")


def _regressor(name: str, check: Check = _check_intercept, /, **fields: Field) -> Spec:
    return Spec(f"sklearn.{name}", _MODULE, {**_REGRESSOR, **fields}, left_out=_DEPRECATED, check=check)


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
            "n_iter_": _PLAIN,
        },
        left_out=("_base_loss",),
        finish=_rebuild_loss,
    )


# Where weights are averaged, training goes on from both.
_AVERAGED: dict[str, Field] = {
    "t_": detail(Number()),
    **{
        f"_{which}_{what}": detail(Either(Nothing(), *shapes))
        for which in ("standard", "average")
        for what, shapes in (
            ("coef", (Array(_SCORES), Array(("n_features",)))),
            ("intercept", (Array(("n_scores",)), Array((1,)))),
        )
    },
}
_SPARSE_REGRESSOR: dict[str, Field] = {
    **_REGRESSOR,
    "coef_": required(Either(Array(("n_features",)), Sparse((1, "n_features")))),
}
_ONE_CLASS: dict[str, Field] = {
    **FEATURES,
    "coef_": _SPARSE_REGRESSOR["coef_"],
    "offset_": required(Array((1,))),
    "n_iter_": _PLAIN,
}
_ETA = {"eta0": detail(Number())}  # remains as it was constructed when C is set later


def _sgd(name: str, fields: dict[str, Field], **more: Field) -> Spec:
    return Spec(
        f"sklearn.{name}",
        _MODULE,
        {**fields, **_AVERAGED, **more},
        left_out=("_loss_function_", "loss_function_", "_expanded_class_weight"),
        check=_check_intercept if fields is _SPARSE_REGRESSOR else None,
        finish=_share_intercept,
    )


def _share_intercept(sgd: Any) -> None:
    """Let the intercept be that of the average or the other, as training leaves it: it writes into both."""
    intercept: Any = getattr(sgd, "intercept_", None)
    for name in ("_average_intercept", "_standard_intercept"):
        held: Any = getattr(sgd, name, None)
        if held is not None and np.array_equal(held, intercept):
            sgd.intercept_ = held
            return


def _check_ridge_classifier(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_intercept(None, attributes, scope, place)
    check_binarizer(
        attributes["_label_binarizer"],
        n_outputs=scope.sizes.get("n_targets", 1),
        labels=attributes["classes_"],
        place=place.attribute("_label_binarizer"),
    )


_RIDGE_CLASSIFIER: dict[str, Field] = {
    **FEATURES,
    "classes_": required(Labels()),
    "_label_binarizer": required(Instance((("sklearn", "LabelBinarizer"),))),
    "coef_": required(_COEF),
    "intercept_": required(_INTERCEPT),
    "n_iter_": _PLAIN,
}
_SOLVER = detail(Choice(("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs")))
_BAYESIAN: dict[str, Field] = {
    "X_offset_": required(Array(("n_features",))),
    "X_scale_": detail(Array(("n_features",))),
    "alpha_": required(Number()),
    "scores_": _PATH,
}

_LEARNING = "maas_sdk.learning"
_OWN: dict[str, Field] = {
    "loss_": _SCORE,
    "loss_curve_": record(ListOf(Number(finite=False))),
    "optimizer_state_": record(Plain()),  # compared with a new one of the optimizer before it is used
    "_coordinates": record(
        Record(
            {
                **dict.fromkeys(("center", "scale"), Array(("n_features",))),
                **dict.fromkeys(("target_center", "target_scale"), Array(("n_raw_outputs",))),
                "weight": Number(),
            }
        )
    ),
    "_generator": record(RandomState()),
}
_FORGOTTEN = ("callback",)
_LEFT_OUT = ("privacy_",)  # a claim of the sender's, which the card makes


def _own_regressor(name: str, *unknown: str) -> Spec:
    return Spec(
        f"maas.{name}",
        _LEARNING,
        {**_REGRESSOR, **_OWN},
        check=_check_intercept,
        dropped_if_unknown=("optimizer", *unknown),
        forgotten=_FORGOTTEN,
        left_out=_LEFT_OUT,
    )


def _own_classifier(name: str) -> Spec:
    return Spec(
        f"maas.{name}",
        _LEARNING,
        {**_CLASSIFIER, **_OWN},
        dropped_if_unknown=("optimizer",),
        forgotten=_FORGOTTEN,
        left_out=_LEFT_OUT,
    )


LINEAR: tuple[Spec, ...] = (
    _regressor("LinearRegression", rank_=_PLAIN, singular_=_PLAIN),
    _regressor("Ridge", solver_=_SOLVER),
    _regressor("RidgeCV", **_VALIDATED),
    *(_regressor(name, **_DUALITY) for name in ("Lasso", "ElasticNet")),
    *(_regressor(name, **_DUALITY, eps_=_SCORE) for name in ("MultiTaskLasso", "MultiTaskElasticNet")),
    *(_regressor(name, **_DUALITY, **_CHOSEN) for name in ("LassoCV", "MultiTaskLassoCV")),
    *(
        _regressor(name, **_DUALITY, **_CHOSEN, l1_ratio_=_SCORE)
        for name in ("ElasticNetCV", "MultiTaskElasticNetCV")
    ),
    *(_regressor(name, **_ANGLES) for name in ("Lars", "LassoLars")),
    *(_regressor(name, **_ANGLES_CHOSEN) for name in ("LarsCV", "LassoLarsCV")),
    _regressor("LassoLarsIC", **_ANGLES, alpha_=_SCORE, criterion_=_PATH, noise_variance_=_SCORE),
    *(
        _regressor(name, n_nonzero_coefs_=_PLAIN)
        for name in ("OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV")
    ),
    _regressor(
        "BayesianRidge",
        **_BAYESIAN,
        lambda_=detail(Number()),
        sigma_=required(Array(("n_features", "n_features"))),
    ),
    _regressor(
        "ARDRegression",
        _check_active,
        **_BAYESIAN,
        lambda_=required(Array(("n_features",), finite=False)),
        sigma_=required(Array(("n_active", "n_active"))),
    ),
    _regressor("HuberRegressor", scale_=_SCORE, outliers_=detail(Array(("n_samples",), dtypes="b"))),
    _regressor("TheilSenRegressor", breakdown_=_SCORE, n_subpopulation_=_COUNT),
    _regressor("QuantileRegressor"),
    *(_glm(name) for name in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")),
    Spec("sklearn.LogisticRegression", _MODULE, _CLASSIFIER),
    Spec(
        "sklearn.LogisticRegressionCV",
        _MODULE,
        {
            **_CLASSIFIER,
            **dict.fromkeys(("C_", "Cs_", "l1_ratio_", "l1_ratios_"), _PLAIN),
            **dict.fromkeys(("scores_", "coefs_paths_"), _PATH),
        },
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
        {**_RIDGE_CLASSIFIER, **_VALIDATED},
        left_out=_DEPRECATED,
        check=_check_ridge_classifier,
    ),
    *(_sgd(name, _CLASSIFIER) for name in ("SGDClassifier", "Perceptron")),
    _sgd("PassiveAggressiveClassifier", _CLASSIFIER, **_ETA),
    _sgd("SGDRegressor", _SPARSE_REGRESSOR),
    _sgd("PassiveAggressiveRegressor", _SPARSE_REGRESSOR, **_ETA),
    _sgd("SGDOneClassSVM", _ONE_CLASS),
    Spec("sklearn.LinearSVC", "sklearn.svm", _CLASSIFIER),
    Spec("sklearn.LinearSVR", "sklearn.svm", _REGRESSOR, check=_check_intercept),
    Spec(
        "sklearn.RANSACRegressor",
        _MODULE,
        {
            **FEATURES,
            "estimator_": required(Estimator(("predict",), features="n_features")),
            "inlier_mask_": detail(Array(("n_samples",), dtypes="b")),
            "n_trials_": _COUNT,
            **dict.fromkeys(
                ("n_skips_no_inliers_", "n_skips_invalid_data_", "n_skips_invalid_model_"), _COUNT
            ),
        },
    ),
    _own_regressor("LinearRegressor", "loss"),
    _own_regressor("RidgeRegressor"),
    *(_own_classifier(name) for name in ("LogisticClassifier", "LinearSVMClassifier")),
)
