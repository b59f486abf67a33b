"""The contract of a compressor: a fitted chain in, a smaller or faster fitted chain out."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

__all__ = ["Compressor"]


@runtime_checkable
class Compressor(Protocol):
    """Makes a fitted model smaller or faster.

    Attributes
    ----------
    needs_training_data : bool
        Whether `compress` must be given `X` and `y`.

    Two more are optional: a method ``why_not(chain) -> str | None``, whose reason the report gives, and
    ``lossless = True``, a claim that predictions keep their bits, which the search proves or refuses.
    """

    needs_training_data: bool

    def supports(self, chain: Any) -> bool:
        """Whether this fitted chain can be compressed so; cheap, and never raises."""
        ...

    def compress(self, chain: Any, X: Any = None, y: Any = None) -> Any:
        """Give a new fitted chain; the one given is not changed.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X, y : array-like or None
            Training data, for those that refit.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted; takes the same input as `chain`.
        """
        ...
