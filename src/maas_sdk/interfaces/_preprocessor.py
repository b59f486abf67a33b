"""The contract of a preprocessor: scikit-learn's transformer."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

__all__ = ["Preprocessor"]


@runtime_checkable
class Preprocessor(Protocol):
    """Learns from data and transforms it, row by row.

    The constructor only stores its keyword arguments; `get_params` and `set_params` read and write them, so
    that :func:`sklearn.base.clone` works. After `fit`, `transform` changes nothing and may be called from
    several threads.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from `X` of shape (n_samples, n_features)."""
        ...

    def transform(self, X: Any) -> Any:
        """Transform `X`; as many rows come out as went in."""
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the constructor's arguments by name."""
        ...

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name."""
        ...
