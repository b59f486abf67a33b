"""The table's objects that are parameters of others: ways to split data, scorers, distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Choice, Function, Int, Kind, Number, Plain, Text
from maas_sdk.serialization._kinds_compound import Either, ListOf, MapOf
from maas_sdk.serialization._spec import ObjectSpec, Spec, parameter_names

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SPLITTERS"]


def _own(splitter: Any) -> dict[str, Any]:
    own = {name: getattr(splitter, name) for name in parameter_names(type(splitter))}
    if not own.get("shuffle", True):
        own["random_state"] = None  # stacking sets one on its splitter, whose constructor would refuse it
    return own


def _repeated(splitter: Any) -> dict[str, Any]:
    return {**splitter.cvargs, "n_repeats": splitter.n_repeats, "random_state": splitter.random_state}


def _of_scorer(scorer: Any) -> dict[str, Any]:
    return {name: vars(scorer)[f"_{name}"] for name in parameter_names(type(scorer))}


def _of_distribution(frozen: Any) -> dict[str, Any]:
    return {"name": frozen.dist.name, "args": frozen.args, "kwds": frozen.kwds}


def _distribution(name: str, args: tuple[float, ...], kwds: Mapping[str, float]) -> Any:
    from scipy import stats  # noqa: PLC0415 - the table loads without estimators

    if name not in _DISTRIBUTIONS:
        raise ValueError("not a distribution that we know")
    return getattr(stats, name)(*args, **kwds)


_DISTRIBUTIONS = (
    *("bernoulli", "beta", "betabinom", "binom", "cauchy", "chi2", "expon", "gamma", "geom", "halfcauchy"),
    *("halfnorm", "invgamma", "laplace", "logistic", "loguniform", "lognorm", "nbinom", "norm", "pareto"),
    *("poisson", "powerlaw", "randint", "reciprocal", "t", "triang", "truncexpon", "truncnorm", "uniform"),
    *("weibull_max", "weibull_min"),
)
_SCORER: dict[str, Kind] = {
    "score_func": Function(),
    "sign": Int(-1, 1),
    "kwargs": MapOf(Text(), Plain()),
    "response_method": Either(Text(), ListOf(Text(), tuples=True)),
}
_DISTRIBUTION: dict[str, Kind] = {
    "name": Choice(_DISTRIBUTIONS),
    "args": ListOf(Number(finite=False), tuples=True),
    "kwds": MapOf(Text(), Number(finite=False)),
}

SPLITTERS: tuple[Spec, ...] = (
    *(
        ObjectSpec(f"sklearn.{name}", "sklearn.model_selection", take=_own)
        for name in (
            *("KFold", "GroupKFold", "StratifiedKFold", "StratifiedGroupKFold", "TimeSeriesSplit"),
            *("LeaveOneOut", "LeavePOut", "LeaveOneGroupOut", "LeavePGroupsOut", "PredefinedSplit"),
            *("ShuffleSplit", "GroupShuffleSplit", "StratifiedShuffleSplit"),
        )
    ),
    *(
        ObjectSpec(f"sklearn.{name}", "sklearn.model_selection", take=_repeated)
        for name in ("RepeatedKFold", "RepeatedStratifiedKFold")
    ),
    ObjectSpec("sklearn._Scorer", "sklearn.metrics._scorer", params=_SCORER, take=_of_scorer),
    *(
        ObjectSpec(
            f"scipy.{name}",
            "scipy.stats._distn_infrastructure",
            params=_DISTRIBUTION,
            take=_of_distribution,
            make=_distribution,
        )
        for name in ("rv_continuous_frozen", "rv_discrete_frozen")
    ),
)
