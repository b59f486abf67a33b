"""What a compiled model is, and how what it was compiled from is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from maas_sdk.errors import InvalidArtifactError

__all__ = ["Answer", "Compiled", "Operation", "numbers", "refusal"]

Answer = Callable[[NDArray[Any]], NDArray[Any]]


@frozen(eq=False)
class Operation:
    """One operation on rows.

    Attributes
    ----------
    apply : callable
        Takes rows and where to write the result, which may be the rows themselves unless it `reshapes`.
    reshapes : int or None
        How many columns come out, if it is not the same number.
    widens : bool
        Whether float64 comes out of float32.
    nan : {"keeps", "fills", "refuses"}
        What happens to a missing value.
    """

    apply: Callable[[NDArray[Any], NDArray[Any]], Any]
    reshapes: int | None = None
    widens: bool = False
    nan: str = "keeps"


@frozen(eq=False, kw_only=True)
class Compiled:
    """A model as functions on checked rows.

    Attributes
    ----------
    raw : callable
        Gives the raw output (n_rows, n_outputs), an array of its own, for float64 or float32 rows.
    methods : mapping of str to callable
        What each method of the model makes of raw output, which it may overwrite.
    n_features : int
    max_rows : int
        How many rows to compute at a time.
    narrow : bool
        Whether rows must be finite as float32.
    allow_nan : bool
        Whether rows may hold missing values.
    operations : sequence of Operation
        What the model does to rows first.
    """

    raw: Answer
    methods: Mapping[str, Answer]
    n_features: int
    max_rows: int
    narrow: bool = False
    allow_nan: bool = False
    operations: Sequence[Operation] = ()


def refusal(owner: Any, name: str, what: str) -> InvalidArtifactError:
    """Make the error for an attribute that breaks the structure of a model."""
    return InvalidArtifactError(what, path=f"{type(owner).__name__}.{name}")


def numbers(owner: Any, name: str) -> NDArray[Any]:
    """Give an attribute that must be an array of finite floating-point numbers, or one of them.

    Raises
    ------
    InvalidArtifactError
        If it is anything else.
    """
    given = np.asarray(getattr(owner, name))
    if given.dtype.kind != "f" or not given.size or not np.isfinite(given).all():
        raise refusal(owner, name, "must be finite numbers")
    return given
