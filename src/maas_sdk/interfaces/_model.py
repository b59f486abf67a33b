"""The contract of a model: scikit-learn's classifier or regressor."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

__all__ = ["Model"]


@runtime_checkable
class Model(Protocol):
    """Learns from data and predicts, row by row.

    As for a preprocessor, the constructor only stores its arguments. A model that can be trained by any
    optimizer has a constructor argument `optimizer`, which takes an :class:`Optimizer`; one that reports its
    training has an argument `callback`, called with a mapping after each epoch. One whose `fit` takes a
    :class:`maas_sdk.learning.Batches` as `X`, with targets and weights in it, has an attribute
    `takes_batches` that is true; one whose `fit` has an argument `checkpoint` goes on from it after a kill.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from `X` of shape (n_samples, n_features) and `y` of shape (n_samples[, n_outputs])."""
        ...

    def predict(self, X: Any) -> Any:
        """Predict labels or values, shape (n_samples,) or (n_samples, n_outputs)."""
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the constructor's arguments by name."""
        ...

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name."""
        ...
