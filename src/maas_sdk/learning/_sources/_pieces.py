"""How the batches of a reader become checked matrices: the caller's functions, features, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import evolve, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._sources._tables import column_names, count_rows, is_arrow, is_table, to_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maas_sdk.learning._sources._readers import Reader, Unread

__all__ = ["PIECES", "Features", "Pieces"]

PIECES: Final = 8
"""Pieces of a window at least; each is read from another place of a file."""


@frozen
class Features:
    """The columns of `X`: how many, and their names where there are."""

    number: int
    names: NDArray[Any] | None

    def check(self, other: Features, where: str) -> None:
        """Raise `InvalidOptionError` if a batch has others."""
        if other.number != self.number:
            raise InvalidOptionError(
                f"X has {other.number} features{where}, but {self.number} in the first batch"
            )
        if other.names is None or self.names is None:
            return
        if list(other.names) != list(self.names):
            raise InvalidOptionError(
                f"the columns{where} are {', '.join(other.names[:10])}; in the first batch they are "
                f"{', '.join(self.names[:10])}: give the same in the same order"
            )


@frozen(eq=False)
class Pieces:
    """A reader, what is done to each `X`, and how much of it may be in memory."""

    reader: Reader
    window_bytes: int
    functions: tuple[Callable[[Any], Any], ...] = ()

    def then(self, function: Callable[[Any], Any]) -> Pieces:
        """Give the same with one more function."""
        return evolve(self, functions=(*self.functions, function))

    def unread(
        self, rng: np.random.RandomState | None = None, *, window_rows: int | None = None
    ) -> Iterator[Unread]:
        """Give all pieces, in a random order where there is a generator and the reader can.

        Parameters
        ----------
        window_rows : int or None
            Rows of the window that they go to; for None batches are as large as they come.
        """
        fits = [] if window_rows is None else [window_rows // PIECES]
        if self.reader.skips:
            fits.append(self.window_bytes // PIECES // max(1, self.reader.bytes_of_row))
        return self.reader.pieces(max(1, min(fits)) if fits else None, rng)

    def apply(self, X: Any, where: str) -> Any:
        """Send the `X` of a batch through the functions."""
        if self.functions and is_arrow(X):
            X = to_matrix(X, where)
        for function in self.functions:
            n_rows = count_rows(X)
            X = function(X)
            if count_rows(X) != n_rows:
                raise InvalidOptionError(
                    f"{function!r} gave {count_rows(X)} rows for {n_rows}{where}: it must keep the rows"
                )
        return X

    def matrix(self, X: Any, where: str) -> tuple[NDArray[Any], Features]:
        """Give the `X` of a batch as numbers, and its features."""
        X = self.apply(X, where)
        matrix = to_matrix(X, where)
        names = column_names(X) if is_table(X) else []
        named = bool(names) and all(isinstance(name, str) for name in names)
        return matrix, Features(matrix.shape[1], np.array(names, object) if named else None)
