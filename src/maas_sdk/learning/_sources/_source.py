"""What the training loop asks of data, wherever the rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Batch", "Source"]

Batch: TypeAlias = "tuple[NDArray[np.floating], NDArray[Any], NDArray[np.floating] | None]"


class Source(Protocol):
    """Rows with their targets and weights, given batch by batch.

    Attributes
    ----------
    n_features : int
    feature_names : ndarray of str objects, or None
        Where the data have names that are all strings.
    n_samples : int or None
        Rows, those of weight 0 not counted; None while it is not known, which a whole pass changes.
    max_rows : int
        Rows of the largest batch.
    repeatable : bool
        Whether there can be a second pass.
    """

    @property
    def n_features(self) -> int: ...

    @property
    def feature_names(self) -> NDArray[Any] | None: ...

    @property
    def n_samples(self) -> int | None: ...

    @property
    def max_rows(self) -> int: ...

    @property
    def repeatable(self) -> bool: ...

    @property
    def n_batches(self) -> int | None:
        """Batches of a pass, or None while that is not known."""
        ...

    def epoch(self, rng: np.random.RandomState | None, *, skip: int = 0) -> Iterator[Batch]:
        """Give each row once, in a random order; a batch is valid until the next one.

        Parameters
        ----------
        rng : RandomState or None
            Shuffles; it is asked only before the first batch is given. None keeps the order.
        skip : int
            Batches at the beginning to leave out; the others are what they would be without.
        """
        ...

    def split(
        self, fraction: float, rng: np.random.RandomState, *, stratify: bool = False
    ) -> tuple[Source, Source]:
        """Give what to train on, and a random `fraction` of the rows that is held out.

        Parameters
        ----------
        stratify : bool
            Whether each class of the target is split in that proportion, as far as that can be done without
            seeing all of the target.
        """
        ...

    def encoded(self, encode: Callable[[NDArray[Any]], NDArray[Any]]) -> Source:
        """Give the same rows with targets that went through `encode`, a function of many at a time."""
        ...

    def mapped(self, function: Callable[[NDArray[Any]], NDArray[np.floating]]) -> Source:
        """Give the same rows with `X` that went through `function`, which takes any number of rows.

        It keeps the number of features and the dtype, and leaves its argument as it is or overwrites it.
        """
        ...

    def digest(self) -> str:
        """Give a digest of some of the rows, that tells different data apart in all likelihood."""
        ...
