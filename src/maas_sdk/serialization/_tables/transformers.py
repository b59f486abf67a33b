"""The table's discretizers and transformers of single columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.serialization._kinds import Choice, Flag, Function, Int, Nothing, Number, Plain, Scope, Text
from maas_sdk.serialization._kinds_arrays import Array, ArrayOf
from maas_sdk.serialization._kinds_compound import Either, Estimator, MapOf
from maas_sdk.serialization._names import name_of
from maas_sdk.serialization._spec import FEATURES, FREE_FEATURES, Spec, optional, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._place import Place

__all__ = ["TRANSFORMERS"]

_MODULE = "sklearn.preprocessing"
_MAX_DEGREE = 1024
_MAX_OUTPUTS = {True: 2**22, False: 2**18}  # of a polynomial: whether up to the third degree, computed fast
_PLAIN = Either(Nothing(), Number(finite=False), Flag())
_MAX_KNOTS = 4096  # the coefficients are a matrix of as many rows and columns
# What our own functions may be told: nothing that leaves parts of the result unset, or starts processes.
_OPTIONS = Choice(
    ("a_min", "a_max", "min", "max", "axis", "copy", "decimals", "keepdims", "nan", "neginf", "posinf")
)
_PLAIN_OPTIONS = Either(Nothing(), MapOf(_OPTIONS, _PLAIN))


@frozen
class _Transformation:
    """A function of a table of numbers; of ours, none that compares rows with each other."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        Function().check(value, scope, place)
        if not (name_of(value) or "numpy.").startswith(("numpy.", "scipy.")):
            raise place.refusal(f"{name_of(value)} is no function of a table of numbers")


def _check_bins(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    for index, edges in enumerate(attributes["bin_edges_"]):
        if edges.size != attributes["n_bins_"][index] + 1 or not (edges[1:] >= edges[:-1]).all():
            raise place.attribute("bin_edges_").item(index).refusal("not one more than bins, in their order")


def _finish_bins(discretizer: Any) -> None:
    if "onehot" not in discretizer.encode:
        return
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415 - the table loads without estimators

    encoder = OneHotEncoder(
        categories=[np.arange(count) for count in discretizer.n_bins_],
        sparse_output=discretizer.encode == "onehot",
        dtype=discretizer.dtype or np.float64,
    )
    discretizer._encoder = encoder.fit(np.zeros((1, discretizer.n_bins_.size)))  # noqa: SLF001


def _check_power(power: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    if power.standardize and "_scaler" not in attributes:
        raise place.attribute("_scaler").refusal("missing, although standardize is set")


def _check_polynomial(polynomial: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    low, high = attributes["_min_degree"], attributes["_max_degree"]
    for name, start in (("n_output_features_", low), ("_n_out_full", 0)):
        count = polynomial._num_combinations(  # noqa: SLF001 - what scikit-learn counts them with
            n_features=int(attributes["n_features_in_"]),
            min_degree=int(start),
            max_degree=int(high),
            interaction_only=polynomial.interaction_only,
            include_bias=polynomial.include_bias,
        )
        if attributes[name] != count:
            raise place.attribute(name).refusal(f"not {count}, as the degree says")
    if low > high or count > _MAX_OUTPUTS[high <= 3]:  # noqa: PLR2004 - see there
        raise place.attribute("_max_degree").refusal(f"{count} outputs are too many")


def _check_function(transformer: Any, _: Mapping[str, Any], __: Scope, place: Place) -> None:
    for function, options in (("func", "kw_args"), ("inverse_func", "inv_kw_args")):
        value = getattr(transformer, function)
        kind = Nothing() if value is None else _PLAIN_OPTIONS
        if value is None or name_of(value) is not None:
            kind.check(getattr(transformer, options) or None, Scope(), place.attribute(options))


def _check_spline(transformer: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    degree, n_knots = int(attributes["spline_degree"]), scope.sizes["n_knots"]
    if (
        not 2 * (degree + 1) <= n_knots <= _MAX_KNOTS
        or not (np.diff(attributes["knots_"], axis=0) >= 0).all()
    ):
        raise place.attribute("knots_").refusal("too few, too many or not in their order")
    if degree != transformer.degree:
        raise place.attribute("spline_degree").refusal(f"not the degree {transformer.degree}")
    if attributes["spline_is_periodic"] != (transformer.extrapolation == "periodic"):
        raise place.attribute("spline_is_periodic").refusal("does not fit extrapolation")
    n_splines = n_knots - degree - 1 - (degree if attributes["spline_is_periodic"] else 0)
    n_outputs = scope.sizes["n_features"] * (n_splines - 1 + transformer.include_bias)
    if n_splines < 1 or attributes["n_features_out_"] != n_outputs:
        raise place.attribute("n_features_out_").refusal(f"not {n_outputs}, as the knots say")


_PER_FEATURE = required(Array(("n_features",), finite=False))

TRANSFORMERS: tuple[Spec, ...] = (
    Spec(
        "sklearn.KBinsDiscretizer",
        _MODULE,
        {
            **FEATURES,
            "n_bins_": required(Array(("n_features",), dtypes="iu")),
            "bin_edges_": required(ArrayOf(Array(("n_edges",), finite=False), "n_features")),
        },
        left_out=("_encoder",),
        check=_check_bins,
        finish=_finish_bins,
        checked="each column has as many edges as its bins need; what makes columns of them is built anew",
    ),
    Spec(
        "sklearn.QuantileTransformer",
        _MODULE,
        {
            **FEATURES,
            "n_quantiles_": required(Int(1, size="n_quantiles")),
            "quantiles_": required(Array(("n_quantiles", "n_features"), dtypes="fiu", finite=False)),
            "references_": required(Array(("n_quantiles",))),
        },
    ),
    Spec(
        "sklearn.PowerTransformer",
        _MODULE,
        {
            **FEATURES,
            "lambdas_": _PER_FEATURE,
            "_scaler": optional(
                Estimator(("transform",), classes=(("sklearn", "StandardScaler"),), features="n_features")
            ),
        },
        check=_check_power,
    ),
    Spec(
        "sklearn.PolynomialFeatures",
        _MODULE,
        {
            "n_features_in_": required(FREE_FEATURES["n_features_in_"].kind),
            "_min_degree": required(Int(0, _MAX_DEGREE)),
            "_max_degree": required(Int(0, _MAX_DEGREE)),
            "n_output_features_": required(Int()),
            "_n_out_full": required(Int()),
        },
        check=_check_polynomial,
        checked=f"outputs are counted anew, and are at most {_MAX_OUTPUTS[True]}, above the third degree "
        f"{_MAX_OUTPUTS[False]}",
    ),
    Spec(
        "sklearn.SplineTransformer",
        _MODULE,
        {
            **FEATURES,
            "knots_": required(Array(("n_knots", "n_features"))),
            "spline_degree": required(Int(0, 32)),
            "spline_is_periodic": required(Flag()),
            "spline_extrapolates": required(Flag()),
            "n_features_out_": required(Int()),
        },
        native="spline",
        check=_check_spline,
        checked=f"knots are in order, enough for the degree and at most {_MAX_KNOTS}; the basis is rebuilt",
    ),
    Spec("sklearn.Binarizer", _MODULE, FREE_FEATURES),
    Spec(
        "sklearn.FunctionTransformer",
        _MODULE,
        FREE_FEATURES,
        params={name: Either(Nothing(), _Transformation()) for name in ("func", "inverse_func")}
        | {"feature_names_out": Either(Nothing(), Choice(("one-to-one",)), Function())}
        | {name: Either(Nothing(), MapOf(Text(), Plain())) for name in ("kw_args", "inv_kw_args")},
        check=_check_function,
        checked="functions of our table take numbers as options, and none that would leave results unset",
    ),
    Spec(
        "sklearn.KernelCenterer",
        _MODULE,
        {**FEATURES, "K_fit_rows_": _PER_FEATURE, "K_fit_all_": required(Number(finite=False))},
    ),
)
