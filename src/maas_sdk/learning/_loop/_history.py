"""What the epochs of a training came to: which parameters to keep, and whether it is time to stop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Optimizer

__all__ = ["History"]

# A training that ends with so many times the loss it began with has diverged, finite or not. Losses are in
# nats or in variances of the target, so that 1 is the least loss worth a comparison.
_RISE = 10.0


class History:
    """Losses and scores so far, and the best parameters where there are scores.

    Parameters
    ----------
    optimizer : Optimizer
        Named when the training diverges.
    tol : float
    n_iter_no_change : int
    params : ndarray of shape (n_parameters,)
        Those that are trained, in place.
    scored : bool
        Whether epochs have validation scores.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        params: NDArray[np.floating],
        *,
        tol: float,
        n_iter_no_change: int,
        scored: bool,
    ) -> None:
        self._optimizer, self._tol, self._patience = optimizer, tol, n_iter_no_change
        self._params, self._scored = params, scored
        self._kept = params.copy() if scored else params
        self._initial_loss = self._kept_loss = math.inf
        self._best_score, self._idle = -math.inf, 0
        self.losses: list[float] = []
        self.scores: list[float] = []

    def check(self, loss: float, epoch: int) -> None:
        """Raise `InvalidOptionError` if the loss of an epoch or the parameters are not finite."""
        if not (math.isfinite(loss) and np.isfinite(self._params).all()):
            raise self._diverged(f"the loss is {loss:g}, or parameters are not finite", epoch)

    def add(self, loss: float, score: float | None, first_loss: float) -> None:
        """Take the loss of an epoch, its score, and the loss of its first batch before the first step."""
        if not self.losses:
            self._initial_loss = first_loss
        self.losses.append(loss)
        if score is None:
            merit, self._kept_loss = -loss, loss
        else:
            merit = score
            self.scores.append(score)
        self._idle = 0 if merit > self._best_score + self._tol else self._idle + 1
        if merit > self._best_score:
            self._best_score = merit
            if score is not None:
                np.copyto(self._kept, self._params)
                self._kept_loss = loss

    @property
    def settled(self) -> bool:
        """Whether there was no improvement by more than `tol` for long enough."""
        return self._idle >= self._patience

    def best(self) -> NDArray[np.floating]:
        """Give the parameters that are kept, unless their loss tells that the training diverged."""
        # Without this, growing from epoch to epoch would pass for "no improvement", and so for convergence.
        if self._kept_loss > _RISE * max(self._initial_loss, 1.0):
            what = f"the loss rose from {self._initial_loss:g} to {self._kept_loss:g}"
            raise self._diverged(what, len(self.losses))
        return self._kept

    def to_state(self) -> dict[str, Any]:
        """Give everything but the parameters that are trained, for a checkpoint."""
        return {
            "losses": list(self.losses),
            "scores": list(self.scores),
            "initial_loss": self._initial_loss,
            "kept_loss": self._kept_loss,
            "best_score": self._best_score,
            "idle": self._idle,
            "kept": self._kept if self._scored else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `to_state` gave."""
        self.losses, self.scores = list(state["losses"]), list(state["scores"])
        self._initial_loss, self._kept_loss = state["initial_loss"], state["kept_loss"]
        self._best_score, self._idle = state["best_score"], state["idle"]
        if self._scored:
            np.copyto(self._kept, state["kept"])

    def _diverged(self, what: str, epoch: int) -> InvalidOptionError:
        return InvalidOptionError(
            f"training diverged in epoch {epoch}: {what}. Lower the learning_rate of "
            f"{self._optimizer!r}, or standardize the features"
        )
