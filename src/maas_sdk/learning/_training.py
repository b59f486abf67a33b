"""The training loop: shuffled batches, one optimizer, a stopping rule; no files, no estimators."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen
from sklearn.exceptions import ConvergenceWarning

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Optimizer
from maas_sdk.learning._options import check_integer, check_real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._network import Workspace

__all__ = ["TrainingOptions", "TrainingResult", "batch_rows", "train"]

_DEFAULT_BATCH = 200
# A training that ends with so many times the loss it began with has diverged, finite or not. Losses are in nats
# or in variances of the target, so that 1 is the least loss worth a comparison.
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

    optimizer: Optimizer = field()
    batch_size: int | None = field()
    max_iter: int = field()
    tol: float = field()
    n_iter_no_change: int = field()
    callback: Callable[[Mapping[str, Any]], object] | None = field()

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


class _Patience:
    """Counts epochs without an improvement by more than `tol`, as scikit-learn's networks do."""

    def __init__(self, tol: float, n_iter_no_change: int) -> None:
        self._tol, self._limit = tol, n_iter_no_change
        self._best, self._idle = -math.inf, 0

    def is_best(self, score: float) -> bool:
        """Take the score of an epoch, greater is better; tell whether it is the best so far."""
        self._idle = 0 if score > self._best + self._tol else self._idle + 1
        best = score > self._best
        self._best = max(self._best, score)
        return best

    @property
    def exhausted(self) -> bool:
        return self._idle >= self._limit


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


def _diverged(optimizer: Optimizer, epoch: int, what: str) -> InvalidOptionError:
    return InvalidOptionError(
        f"training diverged in epoch {epoch}: {what}. Lower the learning_rate of {optimizer!r}, or standardize "
        "the features"
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
    params, optimizer = workspace.params, options.optimizer
    state = optimizer.init(params)
    batches = _Batches(X, target, None if options.full_batch else batch_rows(options, len(X)), rng)
    patience = _Patience(options.tol, options.n_iter_no_change)
    best = params.copy() if validate else params
    loss_curve: list[float] = []
    scores: list[float] = []
    initial_loss = math.inf
    for epoch in range(1, options.max_iter + 1):
        loss, first_loss = _run_epoch(workspace, batches, optimizer, state)
        initial_loss = min(initial_loss, first_loss)
        if not (math.isfinite(loss) and np.isfinite(params).all()):
            raise _diverged(optimizer, epoch, f"the loss is {loss:g}, or parameters are not finite")
        loss_curve.append(loss)
        progress = {"epoch": epoch, "n_epochs": options.max_iter, "loss": loss}
        if validate:
            scores.append(validate(params))
            progress["validation_score"] = scores[-1]
        if patience.is_best(scores[-1] if validate else -loss) and validate:
            np.copyto(best, params)
        if options.callback:
            options.callback(progress)
        if patience.exhausted:
            break
    else:
        warnings.warn(
            f"training ended after max_iter={options.max_iter} epochs, before the "
            f"{'validation score' if validate else 'loss'} had settled: raise max_iter or learning_rate",
            ConvergenceWarning,
            stacklevel=4,
        )
    if loss > _RISE * max(initial_loss, 1.0):  # "no improvement" would else pass for convergence
        raise _diverged(optimizer, epoch, f"the loss rose from {initial_loss:g} to {loss:g}")
    return TrainingResult(params=best, loss_curve=loss_curve, validation_scores=scores if validate else None)
