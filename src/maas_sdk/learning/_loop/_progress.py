"""Reports of a training to a callback: how far it is, and how long it may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Progress"]

_PAUSE = 1.0  # seconds between a report and one from within an epoch


class Progress:
    """Tells a callback of each epoch, and once a second of what happens within a long one.

    Parameters
    ----------
    callback : callable or None
        Takes a mapping, see `maas_sdk.learning._loop._training_options.TrainingOptions`.
    n_epochs : int
        Epochs at most.
    clock : callable
        Gives seconds.
    seconds : float, default=0.0
        Seconds of the same training before it was interrupted.
    done : float, default=0.0
        Epochs that they were spent on.
    """

    def __init__(
        self,
        callback: Callable[[Mapping[str, Any]], object] | None,
        *,
        n_epochs: int,
        clock: Callable[[], float],
        seconds: float = 0.0,
        done: float = 0.0,
    ) -> None:
        self._callback, self._n_epochs, self._clock = callback, n_epochs, clock
        self._began = self._told = clock()
        self._before, self._done = seconds, done

    @property
    def seconds(self) -> float:
        """Seconds since the training began, times between two runs not counted."""
        return self._before + self._clock() - self._began

    def batch(self, *, epoch: int, loss: float, batch: int, n_batches: int | None) -> None:
        """Report a batch, unless something was reported less than a second ago."""
        if self._callback is None or self._clock() - self._told < _PAUSE:
            return
        done = None if n_batches is None else epoch - 1 + batch / n_batches
        self._tell({"epoch": epoch, "loss": loss, "batch": batch, "n_batches": n_batches}, done)

    def epoch(self, *, epoch: int, loss: float, validation_score: float | None) -> None:
        """Report the end of an epoch."""
        if self._callback is None:
            return
        score = {} if validation_score is None else {"validation_score": validation_score}
        self._tell({"epoch": epoch, "loss": loss, **score}, epoch)

    def _tell(self, facts: dict[str, Any], done: float | None) -> None:
        assert self._callback is not None
        now = self._clock()
        left = None
        if done is not None and done > self._done:
            # At the pace of this run: the machine may be another one than before.
            left = (now - self._began) / (done - self._done) * (self._n_epochs - done)
        self._callback(
            {
                **facts,
                "n_epochs": self._n_epochs,
                "seconds": self._before + now - self._began,
                "seconds_left": left,
            }
        )
        self._told = self._clock()
