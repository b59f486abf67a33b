"""Parameters that scikit-learn 1.6 to 1.9 do not all have, or do not all allow: what is read all the same.

A file never says ``"deprecated"`` or ``"warn"`` where that is how a version spells its default: every version
takes its own. Parameters that no prediction uses are dropped where they are not known, and become the default
where their value is not allowed. Any other parameter is dropped only if its value says what a version without
it does; else the model is refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sklearn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Spec

__all__ = ["adapted", "before", "says_nothing"]

_PLACEHOLDERS: Final = ("deprecated", "warn")

_ALPHAS: Final = ("alphas", "n_alphas")
_TRAINING: Final[dict[str, tuple[str, ...]]] = {
    "sklearn.AdaBoostClassifier": ("algorithm",),
    "sklearn.BaggingClassifier": ("max_samples",),
    "sklearn.BaggingRegressor": ("max_samples",),
    "sklearn.Birch": ("copy",),
    "sklearn.ColumnTransformer": ("force_int_remainder_cols",),
    "sklearn.ElasticNetCV": _ALPHAS,
    "sklearn.KBinsDiscretizer": ("quantile_method",),
    "sklearn.LassoCV": _ALPHAS,
    "sklearn.LinearRegression": ("tol",),
    "sklearn.LogisticRegressionCV": ("use_legacy_attributes",),
    "sklearn.MDS": ("dissimilarity", "init", "metric", "metric_mds", "metric_params"),
    "sklearn.MLPRegressor": ("loss",),
    "sklearn.MultiTaskElasticNetCV": _ALPHAS,
    "sklearn.MultiTaskLassoCV": _ALPHAS,
    "sklearn.QuadraticDiscriminantAnalysis": ("covariance_estimator", "shrinkage", "solver"),
    "sklearn.RidgeCV": ("store_cv_results", "store_cv_values"),
    "sklearn.RidgeClassifierCV": ("store_cv_results", "store_cv_values"),
    "sklearn.SGDClassifier": ("eta0",),
    "sklearn.SGDOneClassSVM": ("eta0",),
    "sklearn.TSNE": ("max_iter", "n_iter"),
    "sklearn.TheilSenRegressor": ("copy_X",),
}
"""Of each class, the parameters that versions differ in and no prediction uses."""

_SAME_WITHOUT: Final[dict[str, dict[str, tuple[Any, ...]]]] = {
    "sklearn.MaxAbsScaler": {"clip": (False,)},
    "sklearn.SplineTransformer": {"handle_missing": ("error",)},
}
"""Of parameters that predictions use, the values that a version without the parameter stands for."""

_FRIEDMAN: Final = "friedman_mse"
_REGRESSION_TREES: Final = (
    "sklearn.DecisionTreeRegressor",
    "sklearn.ExtraTreeRegressor",
    "sklearn.ExtraTreesRegressor",
    "sklearn.RandomForestRegressor",
)
"""Where this criterion always was the default, by another name; since 1.9, constructors warn of it."""

_RENAMED: Final[dict[str, tuple[str, str]]] = {
    "sklearn.ClassifierChain": ("base_estimator", "estimator"),
    "sklearn.RegressorChain": ("base_estimator", "estimator"),
    "sklearn.SelfTrainingClassifier": ("base_estimator", "estimator"),
    **dict.fromkeys(
        (
            "sklearn.ElasticNetCV",
            "sklearn.LassoCV",
            "sklearn.MultiTaskElasticNetCV",
            "sklearn.MultiTaskLassoCV",
        ),
        ("n_alphas", "alphas"),
    ),
}
"""An older and a newer name of one parameter."""

_SHARES: Final = {
    "sklearn.LogisticRegression": "l1_ratio",
    "sklearn.LogisticRegressionCV": "l1_ratios",
}
"""What says how logistic regression is penalized; before 1.8, with ``penalty="elasticnet"`` alone."""

_OLD: Final = "multi_class"
"""What logistic regression has before 1.8, and what its files always say."""


def before(major: int, minor: int) -> bool:
    """Tell whether the scikit-learn that runs is older."""
    return tuple(map(int, sklearn.__version__.split(".")[:2])) < (major, minor)


def says_nothing(spec: Spec, name: str, value: Any) -> bool:
    """Tell whether a value is but a version's spelling of "the default"."""
    return (
        isinstance(value, str) and value in _PLACEHOLDERS and name != _OLD and spec.default_of(name) == value
    )


def adapted(
    spec: Spec, cls: type, params: Mapping[str, Any], attributes: Mapping[str, Any], place: Place
) -> dict[str, Any]:
    """Give the parameters for the class as this version has it.

    Raises
    ------
    InvalidArtifactError
        If a parameter is unknown here and predictions may depend on it.
    """
    names = spec.parameter_names(cls)
    renamed = _renamed(spec, names, params)
    if spec.type_name in _SHARES:
        _translate(renamed, _SHARES[spec.type_name], attributes, place, old=_OLD in names)
    training, same_without = _TRAINING.get(spec.type_name, ()), _SAME_WITHOUT.get(spec.type_name, {})
    kept = {}
    for name, value in renamed.items():
        if name in names:
            if name not in training or _is_allowed(cls, name, value):
                kept[name] = value
        elif name not in training and not (
            type(value) in (bool, str) and value in same_without.get(name, ())
        ):
            raise place.attribute(name[:80]).refusal(f"not a parameter of {spec.type_name}")
    return kept


def _renamed(spec: Spec, names: tuple[str, ...], params: Mapping[str, Any]) -> dict[str, Any]:
    renamed = dict(params)
    if spec.type_name in _REGRESSION_TREES and renamed.get("criterion") == _FRIEDMAN and not before(1, 9):
        del renamed["criterion"]
    older, newer = _RENAMED.get(spec.type_name, ("", ""))
    given, known = (older, newer) if newer in names else (newer, older)
    is_retired = given not in names or spec.default_of(given) in _PLACEHOLDERS
    if is_retired and given in renamed:
        value = renamed.pop(given)
        if renamed.get(known) is None:
            renamed[known] = value
    return renamed


def _is_allowed(cls: Any, name: str, value: Any) -> bool:
    from sklearn.utils._param_validation import (  # noqa: PLC0415 - the table loads without estimators
        InvalidParameterError,
        validate_parameter_constraints,
    )

    rules = cls._parameter_constraints
    try:
        validate_parameter_constraints({name: rules[name]}, {name: value}, cls.__name__)
    except InvalidParameterError:
        return False
    return True


def _translate(
    params: dict[str, Any], share: str, attributes: Mapping[str, Any], place: Place, *, old: bool
) -> None:
    """Say how logistic regression was penalized as this version says it, where the file does otherwise.

    Predictions depend on it where features are selected by their weights.
    """
    if _OLD in params and not old:
        _check_softmax(params, attributes, place)
        del params[_OLD]
        penalty = params.pop("penalty", "l2")
        if penalty is None:
            params["C"] = math.inf
        if penalty != "elasticnet":
            l1 = float(penalty == "l1")
            params[share] = l1 if share == "l1_ratio" else [l1]
    elif _OLD not in params and old and "penalty" not in params:
        shares = {0.0} if params.get(share) is None else set(np.ravel(params[share]).tolist())
        params["penalty"] = "l2" if shares == {0.0} else "l1" if shares == {1.0} else "elasticnet"
        if params["penalty"] != "elasticnet":
            params.pop(share, None)


def _check_softmax(params: Mapping[str, Any], attributes: Mapping[str, Any], place: Place) -> None:
    """Check that probabilities are a softmax of several scores, or the logistic function of one.

    Since 1.8 they always are; before, it depended on `multi_class` and the solver.
    """
    labels = attributes.get("classes_")
    if isinstance(labels, np.ndarray):
        said, solver = params[_OLD], params.get("solver")
        if labels.size <= 2:  # noqa: PLR2004 - one score
            is_same = said in ("auto", "deprecated", "ovr")
        else:
            is_same = said == "multinomial" or (said in ("auto", "deprecated") and solver != "liblinear")
        if not is_same:
            raise place.attribute(_OLD).refusal(
                f"of {labels.size} classes, it makes probabilities in a way that this version does not"
            )
