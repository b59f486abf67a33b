"""Functions and classes that a value may be, by their names: a table in the code, resolved when asked for.

A file's name is a key into the table; what the table lacks is neither written nor read.
"""

from __future__ import annotations

import importlib
import operator
from typing import Any

__all__ = ["name_of", "named"]

_NUMPY = (
    *(
        "abs",
        "absolute",
        "arcsinh",
        "arctan",
        "cbrt",
        "ceil",
        "clip",
        "cos",
        "cosh",
        "deg2rad",
        "exp",
        "exp2",
    ),
    *(
        "expm1",
        "fabs",
        "floor",
        "isnan",
        "log",
        "log10",
        "log1p",
        "log2",
        "nan_to_num",
        "negative",
        "rad2deg",
    ),
    *("reciprocal", "rint", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc"),
    *("mean", "median", "average", "max", "min", "sum", "std", "var"),
    *("bool_", "float16", "float32", "float64", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "str_", "object_", "number", "integer", "floating"),
)
_TEXT = ("casefold", "lower", "split", "splitlines", "strip", "upper")
_SELECTION = (
    *("chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression", "r_regression"),
)
_PAIRWISE = (
    *("additive_chi2_kernel", "chi2_kernel", "cosine_distances", "cosine_similarity", "euclidean_distances"),
    *(
        "haversine_distances",
        "laplacian_kernel",
        "linear_kernel",
        "manhattan_distances",
        "nan_euclidean_distances",
    ),
    *("paired_distances", "pairwise_distances", "polynomial_kernel", "rbf_kernel", "sigmoid_kernel"),
)
_METRICS = (
    *("accuracy_score", "adjusted_mutual_info_score", "adjusted_rand_score", "average_precision_score"),
    *("balanced_accuracy_score", "brier_score_loss", "class_likelihood_ratios", "cohen_kappa_score"),
    *("completeness_score", "d2_absolute_error_score", "d2_brier_score", "d2_log_loss_score"),
    *("d2_pinball_score", "d2_tweedie_score", "dcg_score", "explained_variance_score", "f1_score"),
    *("fbeta_score", "fowlkes_mallows_score", "hamming_loss", "hinge_loss", "homogeneity_score"),
    *("jaccard_score", "log_loss", "matthews_corrcoef", "max_error", "mean_absolute_error"),
    *("mean_absolute_percentage_error", "mean_gamma_deviance", "mean_pinball_loss", "mean_poisson_deviance"),
    *("mean_squared_error", "mean_squared_log_error", "mean_tweedie_deviance", "median_absolute_error"),
    *("mutual_info_score", "ndcg_score", "normalized_mutual_info_score", "precision_score", "r2_score"),
    *("rand_score", "recall_score", "roc_auc_score", "root_mean_squared_error"),
    *("root_mean_squared_log_error", "top_k_accuracy_score", "v_measure_score", "zero_one_loss"),
)
_MODULES: dict[str, tuple[str, ...]] = {
    "builtins": ("bool", "float", "int", "object", "str", *(f"str.{name}" for name in _TEXT)),
    "numpy": _NUMPY,
    "pandas": ("NA",),
    "sklearn.feature_selection": _SELECTION,
    "sklearn.metrics": _METRICS,
    "sklearn.metrics.pairwise": _PAIRWISE,
    "scipy.special": ("expit", "logit"),
}
_TABLE = {f"{module}.{name}": (module, name) for module, names in _MODULES.items() for name in names}
_BY_SHORT_NAME: dict[str, list[str]] = {}
for _full, (_, _short) in _TABLE.items():
    _BY_SHORT_NAME.setdefault(_short.rpartition(".")[2], []).append(_full)


def named(name: str) -> Any:
    """Give the function or class of this name, None where the table or this version has none."""
    if name not in _TABLE:
        return None
    module, path = _TABLE[name]
    try:
        return operator.attrgetter(path)(importlib.import_module(module))
    except (AttributeError, ModuleNotFoundError):
        return None


def name_of(value: Any) -> str | None:
    """Give the name in the table of this very function or class."""
    short = "NA" if type(value).__name__ == "NAType" else getattr(value, "__name__", None)
    for candidate in _BY_SHORT_NAME.get(short, ()) if isinstance(short, str) else ():
        if named(candidate) is value:
            return candidate
    if short == "bool":  # numpy calls its own so from 2.0 on
        return "numpy.bool_" if named("numpy.bool_") is value else None
    return None
