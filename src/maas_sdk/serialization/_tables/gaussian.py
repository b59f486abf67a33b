"""The table's Gaussian processes and their kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from maas_sdk.serialization._kinds import Choice, Int, Nothing, Number, Plain, Scope, describe
from maas_sdk.serialization._kinds_arrays import Array, Labels, Objects
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance, ListOf
from maas_sdk.serialization._spec import Field, Spec, detail, required
from maas_sdk.serialization._tables._kernels import (
    PAIRWISE_KERNELS,
    GaussianKernel,
    KernelFunction,
    KernelOptions,
    try_kernel,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Kind
    from maas_sdk.serialization._place import Place

__all__ = ["GAUSSIAN"]


@frozen
class _Numbers:
    """Numbers of so many dimensions, infinite ones among them.

    Parameters
    ----------
    dimensions : tuple of int
    pairs : bool
        Whether the last dimension is of two: low and high.
    """

    dimensions: tuple[int, ...]
    pairs: bool = field(default=False, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        Plain().check(value, scope, place)
        try:
            array = np.asarray(value)
        except ValueError as exc:
            raise place.refusal("expected numbers, not sequences of different lengths") from exc
        if (
            array.dtype.kind not in "iuf"
            or array.ndim not in self.dimensions
            or (self.pairs and array.shape[-1] != 2)  # noqa: PLR2004 - low and high
            or np.isnan(array).any()
        ):
            raise place.refusal(f"expected numbers, not {describe(value)}")


@frozen
class _Fitted:
    """A fitted estimator of one of these classes of scikit-learn."""

    names: tuple[str, ...]

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        Instance(tuple(("sklearn", name) for name in self.names)).check(value, scope, place)
        Estimator().check(value, scope, place)


_KERNELS = "sklearn.gaussian_process.kernels"
_KERNEL = GaussianKernel()
_NUMBER = _Numbers((0,))
_BOUNDS = Either(Choice(("fixed",)), _Numbers((1, 2), pairs=True))
_OPTIONAL_KERNEL: dict[str, Kind] = {"kernel": Either(Nothing(), _KERNEL)}
_SCALE: dict[str, Kind] = {"length_scale": _Numbers((0, 1)), "length_scale_bounds": _BOUNDS}
_PAIR: dict[str, Kind] = {"k1": _KERNEL, "k2": _KERNEL}


def _targets(dtypes: str = "f") -> Kind:
    """Give the kind of numbers for each row of the training, and each target if there are several."""
    return Either(*(Array(shape, dtypes=dtypes) for shape in (("n_train", "n_targets"), ("n_train",))))


def _numbers(*names: str) -> dict[str, Kind]:
    """Give the kinds of numbers with bounds."""
    return {**dict.fromkeys(names, _NUMBER), **{f"{name}_bounds": _BOUNDS for name in names}}


_KERNEL_PARAMS: dict[str, dict[str, Kind]] = {
    "CompoundKernel": {"kernels": ListOf(GaussianKernel(compound=True))},
    "ConstantKernel": _numbers("constant_value"),
    "DotProduct": _numbers("sigma_0"),
    "ExpSineSquared": _numbers("length_scale", "periodicity"),
    "Exponentiation": {"kernel": _KERNEL, "exponent": _NUMBER},
    "Matern": {**_SCALE, "nu": _NUMBER},
    "PairwiseKernel": {
        **_numbers("gamma"),
        "metric": Either(Choice(PAIRWISE_KERNELS), KernelFunction()),
        "pairwise_kernels_kwargs": KernelOptions(),
    },
    "Product": _PAIR,
    "RBF": _SCALE,
    "RationalQuadratic": _numbers("length_scale", "alpha"),
    "Sum": _PAIR,
    "WhiteKernel": _numbers("noise_level"),
}

# Rows of numbers, or whatever a kernel of the application compares.
_PROCESS: dict[str, Field] = {
    "X_train_": required(Either(Array(("n_train", "n_features"), dtypes="biuf"), Objects("n_train"))),
    "kernel_": required(_KERNEL),
    "L_": required(Array(("n_train", "n_train"))),
}
_LIKELIHOOD = {"log_marginal_likelihood_value_": detail(Number(finite=False))}
_STATISTIC = required(Either(Number(), Array(("n_statistics",))))
_BINARY = "_BinaryGaussianProcessClassifierLaplace"


def _check_factor(attributes: Mapping[str, Any], place: Place) -> None:
    factor = attributes["L_"]
    if not (np.diagonal(factor) > 0).all() or np.triu(factor, 1).any():
        raise place.attribute("L_").refusal("expected a Cholesky factor: zero above a positive diagonal")


def _check_regressor(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    _check_factor(attributes, place)
    alpha = attributes["alpha_"]
    n_targets = 1 if alpha.ndim == 1 else alpha.shape[1]
    for name in ("_y_train_mean", "_y_train_std"):
        if np.size(attributes[name]) != n_targets:
            raise place.attribute(name).refusal(f"not one for each of {n_targets} targets")


def _check_binary(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_factor(attributes, place)
    if scope.sizes["n_classes"] != 2:  # noqa: PLR2004 - what "binary" means
        raise place.attribute("classes_").refusal(f"{scope.sizes['n_classes']} classes instead of two")


def _check_classifier(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Two classes have one machine, others one around several; each is binary and of the same features."""
    base, here = attributes["base_estimator_"], place.attribute("base_estimator_")
    is_binary = type(base).__name__ == _BINARY
    same = np.array_equal(base.classes_, attributes["classes_"])
    if not same or is_binary != (scope.sizes["n_classes"] == 2):  # noqa: PLR2004 - which "binary" means
        raise here.refusal("not a classifier of these classes")
    for index, machine in enumerate([base] if is_binary else base.estimators_):
        place = here if is_binary else here.attribute("estimators_").item(index)
        _Fitted((_BINARY,)).check(machine, scope, place)
        if machine.X_train_.shape[1:] not in {(), (scope.sizes.get("n_features"),)}:
            raise place.refusal(f"trained on rows of {machine.X_train_.shape[1:]}")


def _finish_process(process: Any) -> None:
    """Compare a row with itself: what does not fit, such as one scale for each feature, shows here."""
    rows = process.X_train_
    try_kernel(process.kernel_, rows, n_columns=1)
    with np.errstate(all="ignore"):
        shapes = np.shape(process.kernel_.diag(rows[:1])), np.shape(process.kernel_.theta)
    if shapes[0] != (1,) or len(shapes[1]) != 1:
        raise ValueError(f"the kernel gives a diagonal and parameters of shapes {shapes}")


def _kernel(name: str, params: dict[str, Kind]) -> Spec:
    return Spec(f"sklearn.{name}", _KERNELS, params=params)


GAUSSIAN: tuple[Spec, ...] = (
    *(_kernel(name, params) for name, params in _KERNEL_PARAMS.items()),
    Spec(
        "sklearn.GaussianProcessRegressor",
        "sklearn.gaussian_process",
        {
            **_PROCESS,
            "alpha_": required(_targets()),
            "_y_train_mean": _STATISTIC,
            "_y_train_std": _STATISTIC,
            "y_train_": detail(_targets("biuf")),
            **_LIKELIHOOD,
        },
        params=_OPTIONAL_KERNEL,
        left_out=("_rng",),
        check=_check_regressor,
        finish=_finish_process,
    ),
    Spec(
        f"sklearn.{_BINARY}",
        "sklearn.gaussian_process._gpc",
        {
            **_PROCESS,
            "classes_": required(Labels(low=2)),
            "y_train_": required(Array(("n_train",), dtypes="iu")),
            "pi_": required(Array(("n_train",))),
            "W_sr_": required(Array(("n_train",))),
            "f_cached": detail(Array(("n_train",))),
            **_LIKELIHOOD,
        },
        params={**_OPTIONAL_KERNEL, "max_iter_predict": Int(1, 10**6)},
        left_out=("rng",),
        check=_check_binary,
        finish=_finish_process,
    ),
    Spec(
        "sklearn.GaussianProcessClassifier",
        "sklearn.gaussian_process",
        {
            "classes_": required(Labels(low=2)),
            "n_classes_": required(Int(2, size="n_classes")),
            "base_estimator_": required(_Fitted((_BINARY, "OneVsRestClassifier", "OneVsOneClassifier"))),
            **_LIKELIHOOD,
        },
        params=_OPTIONAL_KERNEL,
        check=_check_classifier,
    ),
)
