"""Rounds the weights of linear models and networks to single precision."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = ["Float32Compressor"]

_WEIGHTS = ("coef_", "coefs_")
_INTERCEPTS = ("intercept_", "intercepts_")


class Float32Compressor:
    """Rounds weights in double precision to the nearest numbers of single precision.

    The arrays stay float64, so that the model computes as before; what is stored is narrow, because the SDK
    stores floats in the narrowest dtype that holds them exactly.

    Parameters
    ----------
    intercepts : bool, default=True
        Whether the intercepts are rounded, too.

    Raises
    ------
    InvalidOptionError
        When `intercepts` is not a boolean.
    """

    needs_training_data = False

    def __init__(self, *, intercepts: bool = True) -> None:
        if not isinstance(intercepts, bool):
            raise InvalidOptionError(f"intercepts must be True or False, not {intercepts!r}")
        self.intercepts = intercepts

    def supports(self, chain: Any) -> bool:
        """Whether the model's weights are in double precision and fit into single precision."""
        steps = getattr(chain, "steps", None)
        weights = [array for _, array in self._arrays(steps[-1][1])] if steps else []
        largest = float(np.finfo(np.float32).max)
        return bool(weights) and all(bool((np.abs(array) <= largest).all()) for array in weights)

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a copy of `chain` with rounded weights.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X, y : object
            Not used.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model has no weights in double precision.
        """
        if not self.supports(chain):
            raise InvalidOptionError("it takes models whose coef_ or coefs_ are float64")
        made = copy.deepcopy(chain)
        for _, array in self._arrays(made.steps[-1][1]):
            array[...] = array.astype(np.float32)
        return made

    def _arrays(self, model: object) -> Iterator[tuple[str, NDArray[np.float64]]]:
        names = (*_WEIGHTS, *_INTERCEPTS) if self.intercepts else _WEIGHTS
        state = getattr(model, "__dict__", {})
        if not any(name in state for name in _WEIGHTS):
            return
        for name in names:
            value = state.get(name)
            for array in value if isinstance(value, list) else [value]:
                if isinstance(array, np.ndarray) and array.dtype == np.float64:
                    yield name, array
