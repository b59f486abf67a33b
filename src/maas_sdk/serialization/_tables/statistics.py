"""The table's naive Bayes, discriminant analysis, covariance, cross decomposition and isotonic regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Choice, Flag, Int, Nothing, Number, Text
from maas_sdk.serialization._kinds_arrays import Array, Labels, Sparse
from maas_sdk.serialization._kinds_compound import Either, ListOf, MapOf, TupleOf
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, record, required
from maas_sdk.serialization._tables._kernels import (
    PAIRWISE_KERNELS,
    KernelFunction,
    KernelOptions,
    try_kernel,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["STATISTICS"]

_BY_CLASS = Array(("n_classes",))
_COLUMN = Array(("n_features",))
_TABLE = Array(("n_classes", "n_features"))
_LOGARITHMS = Array(("n_classes", "n_features"), finite=False)  # of zero, too
_SQUARE = Array(("n_features", "n_features"))
_SAMPLES = Array(("n_samples",))
_MASK = Array(("n_samples",), dtypes="b")
_SCORE = detail(Number(finite=False))
_CLASSES = {**FEATURES, "classes_": required(Labels())}

_GAUSSIAN_BAYES: dict[str, Field] = {
    **_CLASSES,
    "class_prior_": required(_BY_CLASS),
    "theta_": required(_TABLE),
    "var_": required(_TABLE),
    "class_count_": detail(_BY_CLASS),
    "epsilon_": detail(Number()),
}
_DISCRETE_BAYES: dict[str, Field] = {
    **_CLASSES,
    "class_log_prior_": required(Array(("n_classes",), finite=False)),
    "feature_log_prob_": required(_LOGARITHMS),
    "class_count_": detail(_BY_CLASS),
    "feature_count_": detail(_TABLE),
}
_CATEGORICAL_BAYES: dict[str, Field] = {
    **_CLASSES,
    "class_log_prior_": required(Array(("n_classes",), finite=False)),
    "class_count_": required(_BY_CLASS),
    "feature_log_prob_": required(
        ListOf(Array(("n_classes", "n_categories"), finite=False), "n_features", apart=True)
    ),
    "category_count_": detail(ListOf(Array(("n_classes", "n_categories")), "n_features", apart=True)),
    "n_categories_": detail(Array(("n_features",), dtypes="iu")),
}


def _bayes(name: str, fields: dict[str, Field]) -> Spec:
    return Spec(f"sklearn.{name}", "sklearn.naive_bayes", fields)


_LINEAR_DISCRIMINANT: dict[str, Field] = {
    **FEATURES,
    "classes_": required(Labels(scores="n_scores")),
    "coef_": required(Array(("n_scores", "n_features"))),
    "intercept_": required(Array(("n_scores",), finite=False)),  # of classes that a prior excludes
    "_max_components": required(Int(size="n_components")),
    "_n_features_out": required(Int(size="n_components")),
    "scalings_": optional(Array(("n_features", "n_scalings"))),
    "xbar_": optional(_COLUMN),
    "means_": detail(_TABLE),
    "priors_": detail(_BY_CLASS),
    "covariance_": detail(_SQUARE),
    "explained_variance_ratio_": detail(Array(("n_ratios",), finite=False)),
}
_QUADRATIC_DISCRIMINANT: dict[str, Field] = {
    **FEATURES,
    "classes_": required(Labels(low=2)),
    "priors_": required(Array(("n_classes",), dtypes="fiu")),
    "means_": required(_TABLE),
    "scalings_": required(ListOf(Array(("n_scalings",)), "n_classes", apart=True)),
    "rotations_": required(ListOf(Array(("n_features", "n_scalings")), "n_classes", apart=True)),
    "covariance_": detail(ListOf(_SQUARE, "n_classes")),
}


def _check_linear(analysis: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """What the solver projects with, it has; as many names are made as there are components."""
    if scope.sizes["n_components"] > scope.sizes["n_features"]:
        raise place.attribute("_max_components").refusal("more components than features")
    for name in {"svd": ("scalings_", "xbar_"), "eigen": ("scalings_",), "lsqr": ()}[analysis.solver]:
        if name not in attributes:
            raise place.attribute(name).refusal(f"missing, although solver is {analysis.solver}")


def _check_quadratic(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    for index, (scaling, rotation) in enumerate(
        zip(attributes["scalings_"], attributes["rotations_"], strict=True)
    ):
        if scaling.size != rotation.shape[1]:
            here = place.attribute("rotations_").item(index)
            raise here.refusal(f"{rotation.shape[1]} directions of {scaling.size} variances")


_COVARIANCE: dict[str, Field] = {
    **FEATURES,
    "covariance_": required(_SQUARE),
    "location_": required(_COLUMN),
    "precision_": required(Either(Nothing(), _SQUARE)),
}
_ROBUST: dict[str, Field] = {
    "raw_covariance_": detail(_SQUARE),
    "raw_location_": detail(_COLUMN),
    "raw_support_": detail(_MASK),
    "support_": detail(_MASK),
    "dist_": detail(_SAMPLES),
}
_LASSO: dict[str, Field] = {
    "n_iter_": detail(Int()),
    "costs_": record(ListOf(TupleOf((Number(finite=False), Number(finite=False))))),
}


def _check_precision(estimator: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    if estimator.store_precision and attributes["precision_"] is None:
        raise place.attribute("precision_").refusal("missing, although store_precision is set")


def _covariance(name: str, **fields: Field) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.covariance",
        {**_COVARIANCE, **fields},
        check=_check_precision,
        checked="shapes, since distances read the precision matrix by the number of features",
    )


_WEIGHTS = {"x": Array(("n_features", "n_components")), "y": Array(("n_targets", "n_components"))}
_CENTRED: dict[str, Field] = {
    **FEATURES,
    "_n_features_out": required(Int(size="n_components")),
    "_x_mean": required(_COLUMN),
    "_x_std": required(_COLUMN),
    "_y_mean": required(Array(("n_targets",))),
    "_y_std": required(Array(("n_targets",))),
}
_PROJECTED: dict[str, Field] = {
    **_CENTRED,
    "coef_": required(Array(("n_targets", "n_features"))),
    "intercept_": required(Array(("n_targets",))),
    "_predict_1d": required(Flag()),
    **{
        f"{side}_{part}_": required(kind)
        for side, kind in _WEIGHTS.items()
        for part in ("loadings", "rotations")
    },
    **{f"{side}_weights_": detail(kind) for side, kind in _WEIGHTS.items()},
    **{f"{side}_scores_": detail(Array(("n_samples", "n_components"))) for side in _WEIGHTS},
    "n_iter_": detail(ListOf(Int())),
}


def _projection(name: str) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.cross_decomposition",
        _PROJECTED,
        left_out=("_norm_y_weights", "_x_scores", "_y_scores"),
    )


def _check_thresholds(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    thresholds = attributes["X_thresholds_"]
    if not scope.sizes["n_thresholds"] or (thresholds[1:] < thresholds[:-1]).any():
        raise place.attribute("X_thresholds_").refusal("expected growing numbers, and at least one")


def _rebuild_interpolation(isotonic: Any) -> None:
    isotonic._build_f(isotonic.X_thresholds_, isotonic.y_thresholds_)  # noqa: SLF001 - as scikit-learn unpickles


def _check_kernel_ridge(ridge: Any, _: Mapping[str, Any], scope: Scope, place: Place) -> None:
    if ridge.kernel == "precomputed" and scope.sizes["n_train"] != scope.sizes["n_features"]:
        raise place.attribute("X_fit_").refusal("not as many rows as columns")


def _try_kernel_ridge(ridge: Any) -> None:
    if ridge.kernel != "precomputed":
        n_columns = ridge.X_fit_.shape[0] if isinstance(ridge.kernel, str) else 1
        try_kernel(ridge._get_kernel, ridge.X_fit_, n_columns=n_columns)  # noqa: SLF001 - what predict calls


STATISTICS: tuple[Spec, ...] = (
    _bayes("GaussianNB", _GAUSSIAN_BAYES),
    _bayes("MultinomialNB", _DISCRETE_BAYES),
    _bayes("BernoulliNB", _DISCRETE_BAYES),
    _bayes("ComplementNB", {**_DISCRETE_BAYES, "feature_all_": detail(_COLUMN)}),
    _bayes("CategoricalNB", _CATEGORICAL_BAYES),
    Spec(
        "sklearn.LinearDiscriminantAnalysis",
        "sklearn.discriminant_analysis",
        _LINEAR_DISCRIMINANT,
        check=_check_linear,
    ),
    Spec(
        "sklearn.QuadraticDiscriminantAnalysis",
        "sklearn.discriminant_analysis",
        _QUADRATIC_DISCRIMINANT,
        check=_check_quadratic,
    ),
    *(_covariance(name) for name in ("EmpiricalCovariance", "ShrunkCovariance")),
    *(_covariance(name, shrinkage_=_SCORE) for name in ("LedoitWolf", "OAS")),
    _covariance("MinCovDet", **_ROBUST),
    _covariance("EllipticEnvelope", **_ROBUST, offset_=required(Number())),
    _covariance("GraphicalLasso", **_LASSO),
    _covariance(
        "GraphicalLassoCV",
        **_LASSO,
        alpha_=_SCORE,
        cv_results_=record(MapOf(Text(), Array(("n_alphas",), finite=False))),
    ),
    *(_projection(name) for name in ("PLSRegression", "PLSCanonical", "CCA")),
    Spec(
        "sklearn.PLSSVD",
        "sklearn.cross_decomposition",
        {**_CENTRED, **{f"{side}_weights_": required(kind) for side, kind in _WEIGHTS.items()}},
    ),
    Spec(
        "sklearn.IsotonicRegression",
        "sklearn.isotonic",
        {
            "X_thresholds_": required(Array(("n_thresholds",))),
            "y_thresholds_": required(Array(("n_thresholds",))),
            "X_min_": required(Number()),
            "X_max_": required(Number()),
            "increasing_": detail(Flag()),
        },
        left_out=("f_",),
        check=_check_thresholds,
        finish=_rebuild_interpolation,
    ),
    Spec(
        "sklearn.KernelRidge",
        "sklearn.kernel_ridge",
        {
            **FEATURES,
            "X_fit_": required(
                Either(
                    Array(("n_train", "n_features"), dtypes="biuf"),
                    Sparse(("n_train", "n_features"), ("csr", "csc"), dtypes="biuf"),
                )
            ),
            "dual_coef_": required(Either(Array(("n_train", "n_targets")), Array(("n_train",)))),
        },
        params={
            "kernel": Either(Choice((*PAIRWISE_KERNELS, "precomputed")), KernelFunction()),
            "kernel_params": KernelOptions(),
        },
        check=_check_kernel_ridge,
        finish=_try_kernel_ridge,
    ),
)
