"""What all compressors do that round the weights of linear models and networks."""

from __future__ import annotations

import abc
import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from maas_sdk.compression._chain import NO_CHAIN, model_of, state_of, with_model
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = ["WeightsCompressor"]

_WEIGHTS = {"coef_": 0, "coefs_": 1}  # and the axis along which the outputs are, where there are two
_INTERCEPTS = ("intercept_", "intercepts_")


class WeightsCompressor(abc.ABC):
    """Rounds the weights and intercepts of models that keep them in plain dense arrays."""

    needs_training_data = False
    _name: ClassVar[str]

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model has weights that can be rounded so."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        if not getattr(chain, "steps", None):
            return NO_CHAIN
        model = model_of(chain)
        state = state_of(model)
        if not any(name in state for name in _WEIGHTS):
            return f"{type(model).__name__} has no coef_ or coefs_ to round (is it fitted?)"
        for path, value in _named(state):
            if (reason := _why_not_floats(value) or self._why_not_values(np.asarray(value))) is not None:
                return f"{path} {reason}"
        return None

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a deep copy of `chain` with rounded weights.

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
            When the model is not supported; the message says why.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"{self._name} does not fit this model: {reason}.")
        model = copy.deepcopy(model_of(chain))
        state = state_of(model)
        for name in (*_WEIGHTS, *_INTERCEPTS):
            if name in state:
                state[name] = self._each(state[name], _WEIGHTS.get(name))
        return with_model(chain, model)

    def _each(self, value: Any, outputs: int | None) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(self._each(item, outputs) for item in value)
        result = self._round(np.asarray(value), outputs)
        return result if isinstance(value, np.ndarray) else type(value)(result)

    @abc.abstractmethod
    def _why_not_values(self, array: NDArray[Any]) -> str | None:
        """Say what is wrong with weights or intercepts, which are finite floats; None if nothing."""

    @abc.abstractmethod
    def _round(self, array: NDArray[Any], outputs: int | None) -> NDArray[Any]:
        """Round to the same dtype; the outputs are along the axis `outputs`, which is None for intercepts."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _named(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in (*_WEIGHTS, *_INTERCEPTS):
        if name not in state:
            continue
        value = state[name]
        if isinstance(value, (list, tuple)):
            yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))
        else:
            yield name, value


def _why_not_floats(value: Any) -> str | None:
    if not isinstance(value, (np.ndarray, np.floating, float)):
        return f"is {type(value).__name__}, not an array of floats"
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return f"has dtype {array.dtype}, not a float"
    return None if np.isfinite(array).all() else "holds numbers that are not finite"
