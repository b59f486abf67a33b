"""Drops from every step what the training has left and no prediction uses."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from maas_sdk.compression._chain import NO_CHAIN
from maas_sdk.errors import InvalidOptionError, MaasError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["DropTrainingStateCompressor"]


class DropTrainingStateCompressor:
    """A chain without what the training has left: lossless.

    Each step keeps what its predictions and transforms use, which give the same bits, and loses what the
    serialization's profile ``"inference"`` leaves out: loss curves, numbers of iterations, an optimizer's
    moments, impurities and sample counts of trees, and so on. Whatever needs them raises `AttributeError`
    afterwards. Steps that the serialization does not know stay as they are.
    """

    needs_training_data = False
    lossless = True

    def supports(self, chain: Any) -> bool:
        """Whether a step of the chain is known, and fitted."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        steps = getattr(chain, "steps", None)
        if not steps:
            return NO_CHAIN
        if any(_without_training_state(step) is not None for _name, step in steps):
            return None
        return f"the serialization knows none of its steps as fitted: {', '.join(_types(steps))}"

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a copy of `chain` that can predict, and no more.

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
            When the chain is not supported; the message says why.
        """
        steps = getattr(chain, "steps", None)
        dropped = [(step, _without_training_state(step)) for _name, step in steps or ()]
        known = {id(step): small for step, small in dropped if small is not None}
        if not known:
            raise InvalidOptionError(f"drop_training_state does not fit this model: {self.why_not(chain)}.")
        return copy.deepcopy(chain, known)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _without_training_state(step: Any) -> Any:
    """Give what a receiver would load of a step, None where it cannot be serialized."""
    from maas_sdk.serialization import dump_parts, load_parts  # noqa: PLC0415 - needed here alone

    if not hasattr(step, "fit"):
        return None
    try:
        # The copy may be written to, as a step that was fitted may.
        return copy.deepcopy(load_parts(dump_parts(step, profile="inference")))
    except MaasError:
        return None


def _types(steps: Any) -> list[str]:
    return [type(step).__name__ for _name, step in steps]
