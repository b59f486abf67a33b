"""What a training is given and what it comes to; the loop itself is next door."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Optimizer, moves_params
from maas_sdk.learning._options import check_boolean, check_integer, check_real
from maas_sdk.learning._private import PrivateSteps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from maas_sdk.learning._private import PrivacyRecord

__all__ = ["TrainingOptions", "TrainingResult", "TrainingStart"]

_DEFAULT_BATCH = 200
_CHECKPOINT_SECONDS = 60.0


@frozen(kw_only=True)
class TrainingOptions:
    """What a training needs besides data and a network; checked when it is made.

    Parameters
    ----------
    optimizer : Optimizer
        When it has an attribute `full_batch` that is true, each step sees all of the data.
    batch_size : int or None
        Rows of a batch; None takes 200, or all rows if the optimizer wants the full batch.
    max_iter : int
        Epochs at most.
    tol : float
        What counts as an improvement of the loss (or of the validation score) from the best so far.
    n_iter_no_change : int
        Epochs without improvement after which training stops.
    callback : callable or None
        Called after each epoch with a mapping: ``epoch`` (from 1), ``n_epochs`` (at most), ``loss``, with a
        validation set ``validation_score``, ``seconds`` since the training began, and ``seconds_left``, an
        estimate for the case that it takes all of `max_iter` epochs, or None where there is none yet. In an
        epoch that takes more than a second it is called each second, too; then there are ``batch`` (from 1)
        and ``n_batches`` (or None), and ``loss`` is the mean so far.
    warn_unsettled : bool, default=True
        Whether to warn when `max_iter` epochs did not suffice.
    checkpoint_seconds : float, default=60
        Within an epoch, a checkpoint is saved at most that often.
    clock : callable, default=time.monotonic
        Gives seconds.
    """

    optimizer: Optimizer
    batch_size: int | None
    max_iter: int
    tol: float
    n_iter_no_change: int
    callback: Callable[[Mapping[str, Any]], object] | None
    warn_unsettled: bool = True
    checkpoint_seconds: float = field(factory=lambda: _CHECKPOINT_SECONDS)
    clock: Callable[[], float] = time.monotonic

    def __attrs_post_init__(self) -> None:
        given: object = self.optimizer
        if isinstance(given, type) or not isinstance(given, Optimizer):
            raise InvalidOptionError(
                f"optimizer must be an object with init and update_, such as Adam(), not {given!r}"
            )
        if not moves_params(given):
            raise InvalidOptionError(
                f"optimizer {given!r} changes gradients and moves no parameters: put it before one that "
                "does, as in chain(ClipByNorm(1.0), Adam())"
            )
        check_integer("max_iter", self.max_iter, minimum=1)
        check_real("tol", self.tol, minimum=0)
        check_integer("n_iter_no_change", self.n_iter_no_change, minimum=1)
        check_boolean("warn_unsettled", self.warn_unsettled)
        check_real("checkpoint_seconds", self.checkpoint_seconds, minimum=0)
        if self.callback is not None and not callable(self.callback):
            raise InvalidOptionError(f"callback must be callable or None, not {self.callback!r}")
        if self.batch_size is not None:
            check_integer("batch_size", self.batch_size, minimum=1)
            if self.full_batch:
                raise InvalidOptionError(
                    f"batch_size={self.batch_size} contradicts {self.optimizer!r}, which takes the full "
                    "batch: leave batch_size out, or take an optimizer for batches such as SGD"
                )

    @property
    def full_batch(self) -> bool:
        """Whether the optimizer takes all of the data in each step."""
        return bool(getattr(self.optimizer, "full_batch", False))

    @property
    def privacy(self) -> PrivateSteps | None:
        """How steps are made private, if the optimizer asks for it."""
        private = getattr(self.optimizer, "privacy", None)
        return private if isinstance(private, PrivateSteps) else None

    @property
    def batch_rows(self) -> int | None:
        """Rows of a batch, as `open_source` takes them: None for as many as fit."""
        return None if self.full_batch else int(self.batch_size or _DEFAULT_BATCH)


@frozen(kw_only=True)
class TrainingStart:
    """Where a training goes on that had ended before; the parameters are in the workspace.

    Parameters
    ----------
    optimizer_state : dict
        As `TrainingResult` gave it; it is copied.
    """

    optimizer_state: Mapping[str, Any]


@frozen(kw_only=True)
class TrainingResult:
    """What a training came to.

    Attributes
    ----------
    params : ndarray of shape (n_parameters,)
        Those of the last epoch, or of the best one when there was a validation set.
    loss_curve : list of float
        Mean loss of each epoch, penalty included; NaN where training was private, of which losses tell.
    validation_scores : list of float or None
        One for each epoch, if there was a validation set.
    optimizer_state : dict
        That of the last epoch.
    privacy : PrivacyRecord or None
        What private training has cost.
    """

    params: NDArray[np.floating]
    loss_curve: list[float]
    validation_scores: list[float] | None
    optimizer_state: dict[str, Any]
    privacy: PrivacyRecord | None = None
