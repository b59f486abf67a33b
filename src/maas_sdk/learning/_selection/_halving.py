"""Successive halving: many candidates on little, the best of them on more; it runs no trial itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_integer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Halving", "rungs_of"]


@frozen(kw_only=True)
class Halving:
    """How successive halving spends its budget.

    On each rung all candidates that are left are tried, and the best 1/`factor` of them go on, with `factor`
    times as much of the resource; what is eliminated early costs little.

    Parameters
    ----------
    factor : int, default=3
        At least 2.
    resource : str, default="n_samples"
        What is scarce: rows to learn from, or a parameter of every candidate that is an integer, such as
        ``"max_iter"`` or ``"n_estimators"``. Rows of a rung are among those of the next, and fair shares of
        the classes; what is measured on are the whole folds on every rung.
    min_resources : int or "auto", default="auto"
        What the first rung gets; ``"auto"`` is as much as lets the last rung, which so many candidates
        need, have all.
    max_resources : int, default=None
        What the last rung may have at most; None is all rows. A parameter needs a number.

    References
    ----------
    Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS
    2016.
    """

    factor: int = 3
    resource: str = "n_samples"
    min_resources: int | Literal["auto"] = "auto"
    max_resources: int | None = None


def rungs_of(halving: Halving, *, n_candidates: int, n_rows: int, fewest_rows: int) -> list[int]:
    """Give how much of the resource each rung has.

    Parameters
    ----------
    n_candidates : int
        On the first rung.
    n_rows : int
        Rows that there are to learn from, in the smallest fold.
    fewest_rows : int
        Below which nothing can be learnt.

    Raises
    ------
    InvalidOptionError
        If an option is wrong, or there is too little for one rung.
    """
    factor = check_integer("factor", halving.factor, minimum=2)
    by_rows = halving.resource == "n_samples"
    if halving.max_resources is None and not by_rows:
        raise InvalidOptionError(
            f"max_resources must say how large {halving.resource} is on the last rung, not None"
        )
    largest = (
        n_rows
        if halving.max_resources is None
        else check_integer("max_resources", halving.max_resources, minimum=1)
    )
    if by_rows:
        largest = min(largest, n_rows)
    fewest = fewest_rows if by_rows else 1
    n_rungs = 1
    while factor**n_rungs <= n_candidates:
        n_rungs += 1
    smallest: Any = halving.min_resources
    if smallest == "auto":
        while n_rungs > 1 and largest // factor ** (n_rungs - 1) < fewest:
            n_rungs -= 1
        return [max(1, largest // factor**step) for step in reversed(range(n_rungs))]
    smallest = check_integer("min_resources", smallest, minimum=1)
    if smallest > largest:
        raise InvalidOptionError(
            f"min_resources is {smallest}, but there are only {largest} of {halving.resource}"
        )
    return [smallest * factor**step for step in range(n_rungs) if smallest * factor**step <= largest]


def survivors(ranked: Sequence[Any], factor: int) -> Sequence[Any]:
    """Give those that go on to the next rung: a share of 1/`factor`, rounded up."""
    return ranked[: -(-len(ranked) // factor)]
