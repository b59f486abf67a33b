"""What computes predictions: the protocol, and the two engines that are always there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

__all__ = ["Engine", "Predict"]

Predict = Callable[[NDArray[Any]], Any]


@runtime_checkable
class Engine(Protocol):
    """Another way to compute what a fitted chain predicts, such as a runtime for exported graphs.

    It must be a plain object that applications can copy and pickle; what `compile` gives need not be. The
    engine is believed only as far as its answers are the chain's: labels equal, numbers close.

    Attributes
    ----------
    name : str
        What :attr:`DirectPredictor.crossover` calls it: an identifier, neither "direct" nor "chain".
    """

    name: str

    def supports(self, chain: Any, method: str) -> bool:
        """Tell whether it can compute `method` of a fitted chain: ``"predict"``, ``"predict_proba"``, …."""
        ...

    def compile(self, chain: Any, method: str) -> Predict:
        """Make what computes it.

        Returns
        -------
        callable
            Takes finite rows, a C-contiguous ndarray of shape (n_rows, n_features), float64 or float32, with
            at least one row; gives what `method` of the chain gives for them: the same shapes and labels.
            Several threads may call it at once.
        """
        ...
