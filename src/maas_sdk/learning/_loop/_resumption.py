"""What a training leaves in a checkpoint and when, and whether a checkpoint is one of the same training."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import CheckpointError
from maas_sdk.learning._sources import digest_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.interfaces import Checkpoint

__all__ = ["Keeper", "describe_value", "digest_generator", "digest_state"]

_FORMAT = "maas-training-1"
_SHARE = 20  # at least so many times what saving takes is spent on training before the next time
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Keeper:
    """Saves the state of a training in a checkpoint, so seldom that it costs little.

    At the end of an epoch it saves unless more than a twentieth of the time would go into saving; within one,
    at most every `seconds`.

    Parameters
    ----------
    checkpoint : Checkpoint
    fingerprint : mapping of str to str
        What must be the same for the training to go on.
    seconds : float
    clock : callable
        Gives seconds.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        fingerprint: Mapping[str, str],
        *,
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._checkpoint, self._fingerprint = checkpoint, dict(fingerprint)
        self._seconds, self._clock = seconds, clock
        self._saved, self._cost = clock(), 0.0

    def load(self) -> dict[str, Any] | None:
        """Give the state to go on from, or None.

        Raises
        ------
        CheckpointError
            When it is one of another training, or damaged.
        """
        state: Any = self._checkpoint.load()
        if state is None:
            return None
        if state.get("format") != _FORMAT:
            raise CheckpointError(
                "the checkpoint holds no training of this version of the SDK: clear() it, or take another key"
            )
        then = state["fingerprint"]
        for name in sorted({*then, *self._fingerprint}):
            before, now = then.get(name), self._fingerprint.get(name)
            if before != now:
                raise CheckpointError(
                    f"the checkpoint belongs to another training: {name} was {before}, now it is {now}: "
                    "give what it was begun with, clear() it, or take another key"
                )
        return dict(state)

    def keep(self, state: Callable[[], dict[str, Any]], *, epoch_ended: bool) -> None:
        """Save what `state` gives, if it is time."""
        pause = min(self._seconds, _SHARE * self._cost) if epoch_ended else self._seconds
        began = self._clock()
        if began - self._saved < pause:
            return
        self._checkpoint.save({"format": _FORMAT, "fingerprint": self._fingerprint, **state()})
        self._saved = self._clock()
        self._cost = self._saved - began

    def finish(self) -> None:
        """Forget the checkpoint, the training having come to its end."""
        self._checkpoint.clear()


def describe_value(value: object) -> str:
    """Describe an option so that equal ones have equal texts, in another process too."""
    return _ADDRESS.sub("", repr(value))


def digest_state(state: Mapping[str, Any]) -> str:
    """Give a digest of an optimizer's state, or of any flat mapping of numbers and arrays."""
    values = [np.asarray(state[name]) for name in sorted(state)]
    return hashlib.sha256(f"{sorted(state)} {digest_rows(values)}".encode()).hexdigest()


def digest_generator(rng: np.random.RandomState) -> str:
    """Give a digest of where a generator is."""
    state: Any = rng.get_state(legacy=False)
    return digest_state({**state["state"], "gauss": state["gauss"], "has_gauss": state["has_gauss"]})
