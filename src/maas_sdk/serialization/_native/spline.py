"""B-splines: the knots of all features as one matrix; the coefficients of a basis follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import BSpline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(estimator: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``bsplines_`` by knots, their degree and whether they go on beyond the last knots."""
    splines = attributes.pop("bsplines_", None)
    if not splines:
        raise place.attribute("bsplines_").refusal("missing")
    first, periodic = splines[0], estimator.extrapolation == "periodic"
    basis = _basis(first.t.size, first.k, periodic=periodic)
    for index, spline in enumerate(splines):
        same = (spline.k, spline.extrapolate, spline.t.size) == (first.k, first.extrapolate, first.t.size)
        if not same or not np.array_equal(spline.c, basis):
            raise place.attribute("bsplines_").item(index).refusal("not a basis as fitting leaves it")
    attributes["knots_"] = np.column_stack([spline.t for spline in splines])
    attributes["spline_degree"] = int(first.k)
    attributes["spline_is_periodic"] = periodic
    attributes["spline_extrapolates"] = bool(first.extrapolate)


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace these by ``bsplines_``."""
    knots, degree = attributes.pop("knots_"), int(attributes.pop("spline_degree"))
    periodic, extrapolates = attributes.pop("spline_is_periodic"), attributes.pop("spline_extrapolates")
    basis = _basis(len(knots), degree, periodic=bool(periodic))
    attributes["bsplines_"] = [
        BSpline.construct_fast(column, basis, degree, extrapolate=bool(extrapolates)) for column in knots.T
    ]


def _basis(n_knots: int, degree: int, *, periodic: bool) -> NDArray[np.float64]:
    """Give the coefficients of all splines of a basis, a column each."""
    if not periodic:
        return np.eye(n_knots - degree - 1)
    basis = np.eye(n_knots - 2 * degree - 1)
    return np.concatenate([basis, basis[:degree]])
