"""The training loop: shuffled batches, one optimizer, a stopping rule; no files, no estimators."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.exceptions import ConvergenceWarning

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Optimizer
from maas_sdk.learning._blas import suitable_blas_threads
from maas_sdk.learning._options import check_integer, check_real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._network import Workspace

__all__ = ["TrainingOptions", "TrainingResult", "batch_rows", "train"]

_DEFAULT_BATCH = 200
# A training that ends with so many times the loss it began with has diverged, finite or not. Losses are in
# nats or in variances of the target, so that 1 is the least loss worth a comparison.
_RISE = 10.0


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
        Called after each epoch with a mapping: ``epoch`` (from 1), ``n_epochs`` (at most), ``loss`` and, with
        a validation set, ``validation_score``.
    """

    optimizer: Optimizer
    batch_size: int | None
    max_iter: int
    tol: float
    n_iter_no_change: int
    callback: Callable[[Mapping[str, Any]], object] | None

    def __attrs_post_init__(self) -> None:
        given: object = self.optimizer
        if isinstance(given, type) or not isinstance(given, Optimizer):
            raise InvalidOptionError(
                f"optimizer must be an object with init and update_, such as Adam(), not {given!r}"
            )
        check_integer("max_iter", self.max_iter, minimum=1)
        check_real("tol", self.tol, minimum=0)
        check_integer("n_iter_no_change", self.n_iter_no_change, minimum=1)
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


@frozen(kw_only=True)
class TrainingResult:
    """What a training came to.

    Attributes
    ----------
    params : ndarray of shape (n_parameters,)
        Those of the last epoch, or of the best one when there was a validation set.
    loss_curve : list of float
        Mean loss of each epoch, penalty included.
    validation_scores : list of float or None
        One for each epoch, if there was a validation set.
    """

    params: NDArray[np.floating]
    loss_curve: list[float]
    validation_scores: list[float] | None


def batch_rows(options: TrainingOptions, n_samples: int) -> int:
    """Give the number of rows of a batch."""
    if options.full_batch:
        return n_samples
    return min(options.batch_size or _DEFAULT_BATCH, n_samples)


class _Batches:
    """Rows in a new order each epoch, gathered into buffers that are used again; or all rows in one piece."""

    def __init__(
        self, X: NDArray[np.floating], target: NDArray[Any], n_rows: int | None, rng: np.random.RandomState
    ) -> None:
        self._X, self._target, self._rng = X, target, rng
        self._n_rows = n_rows
        self._X_buffer = np.empty((n_rows or 0, *X.shape[1:]), X.dtype)
        self._target_buffer = np.empty((n_rows or 0, *target.shape[1:]), target.dtype)

    def epoch(self) -> Iterator[tuple[NDArray[np.floating], NDArray[Any]]]:
        """Give each row once; a batch is valid until the next one."""
        if self._n_rows is None:
            yield self._X, self._target
            return
        order = self._rng.permutation(len(self._X))
        for start in range(0, len(order), self._n_rows):
            rows = order[start : start + self._n_rows]
            # mode="clip" writes straight into the buffer; the default would go through another one.
            yield (
                np.take(self._X, rows, axis=0, out=self._X_buffer[: len(rows)], mode="clip"),
                np.take(self._target, rows, axis=0, out=self._target_buffer[: len(rows)], mode="clip"),
            )


def _run_epoch(
    workspace: Workspace, batches: _Batches, optimizer: Optimizer, state: dict[str, Any]
) -> tuple[float, float]:
    """Take one step for each batch; give the mean loss and the first batch's, before its step."""
    total, n_seen, first = 0.0, 0, None
    with np.errstate(all="ignore"):  # what is not finite is found at the end of the epoch
        for X, target in batches.epoch():
            loss = workspace.loss_and_gradient(X, target)
            first = loss if first is None else first
            total += len(X) * loss
            n_seen += len(X)
            optimizer.update_(workspace.params, workspace.grads, state)
    assert first is not None  # there is at least one row
    return total / n_seen, first


class _History:
    """What the epochs came to so far: which parameters are worth keeping, and whether it is time to stop."""

    def __init__(
        self,
        options: TrainingOptions,
        params: NDArray[np.floating],
        validate: Callable[[NDArray[np.floating]], float] | None,
    ) -> None:
        self._options, self._params, self._validate = options, params, validate
        self._kept = params.copy() if validate else params
        self._initial_loss = self._kept_loss = math.inf
        self._best_score, self._idle = -math.inf, 0
        self._losses: list[float] = []
        self._scores: list[float] = []

    def add(self, loss: float, first_loss: float) -> dict[str, Any]:
        """Take the losses of an epoch; give what the callback is told."""
        if not self._losses:
            self._initial_loss = first_loss
        self._losses.append(loss)
        if not (math.isfinite(loss) and np.isfinite(self._params).all()):
            raise self._diverged(f"the loss is {loss:g}, or parameters are not finite")
        progress = {"epoch": len(self._losses), "n_epochs": self._options.max_iter, "loss": loss}
        if self._validate:
            score = progress["validation_score"] = self._validate(self._params)
            self._scores.append(score)
        else:
            score, self._kept_loss = -loss, loss
        self._idle = 0 if score > self._best_score + self._options.tol else self._idle + 1
        if score > self._best_score:
            self._best_score = score
            if self._validate:
                np.copyto(self._kept, self._params)
                self._kept_loss = loss
        return progress

    @property
    def settled(self) -> bool:
        """Whether there was no improvement by more than `tol` for long enough."""
        return self._idle >= self._options.n_iter_no_change

    def result(self) -> TrainingResult:
        """Give the parameters that are kept, unless their loss tells that the training diverged."""
        # Without this, growing from epoch to epoch would pass for "no improvement", and so for convergence.
        if self._kept_loss > _RISE * max(self._initial_loss, 1.0):
            raise self._diverged(f"the loss rose from {self._initial_loss:g} to {self._kept_loss:g}")
        return TrainingResult(
            params=self._kept,
            loss_curve=self._losses,
            validation_scores=self._scores if self._validate else None,
        )

    def _diverged(self, what: str) -> InvalidOptionError:
        return InvalidOptionError(
            f"training diverged in epoch {len(self._losses)}: {what}. Lower the learning_rate of "
            f"{self._options.optimizer!r}, or standardize the features"
        )


def train(
    workspace: Workspace,
    X: NDArray[np.floating],
    target: NDArray[Any],
    *,
    options: TrainingOptions,
    rng: np.random.RandomState,
    validate: Callable[[NDArray[np.floating]], float] | None = None,
) -> TrainingResult:
    """Train the parameters in `workspace`.

    Parameters
    ----------
    workspace : Workspace
        Holds the network, the loss, the parameters (changed in place) and their gradient.
    X : ndarray of shape (n_samples, n_features), of the parameters' dtype
    target : ndarray with n_samples rows
        As the loss takes it.
    options : TrainingOptions
    rng : numpy.random.RandomState
        Shuffles the rows of each epoch; unused with the full batch.
    validate : callable or None
        Gives the score of parameters on data held out, greater is better; then it decides when to stop and
        which epoch's parameters are kept.

    Raises
    ------
    InvalidOptionError
        If the loss or the parameters become infinite or NaN, or the loss ends far above where it began.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` epochs did not suffice for the stopping rule.
    """
    state = options.optimizer.init(workspace.params)
    batches = _Batches(X, target, None if options.full_batch else batch_rows(options, len(X)), rng)
    history = _History(options, workspace.params, validate)
    for _ in range(options.max_iter):
        with suitable_blas_threads(workspace.largest_product):
            losses = _run_epoch(workspace, batches, options.optimizer, state)
        progress = history.add(*losses)
        if options.callback:
            options.callback(progress)
        if history.settled:
            break
    else:
        warnings.warn(
            f"training ended after max_iter={options.max_iter} epochs, before the "
            f"{'validation score' if validate else 'loss'} had settled: raise max_iter or learning_rate",
            ConvergenceWarning,
            stacklevel=4,
        )
    return history.result()
