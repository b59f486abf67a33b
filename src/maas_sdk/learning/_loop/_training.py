"""The training loop: batches from any source, one optimizer, a stopping rule; no files, no estimators."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, evolve
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._loop._history import History
from maas_sdk.learning._loop._progress import Progress
from maas_sdk.learning._loop._resumption import Keeper, describe_value, digest_generator, digest_state
from maas_sdk.learning._loop._training_options import TrainingOptions, TrainingResult, TrainingStart
from maas_sdk.learning._nets._blas import suitable_blas_threads
from maas_sdk.learning._private import NoisySteps
from maas_sdk.learning._sources import digest_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Checkpoint
    from maas_sdk.learning._nets._network import Workspace
    from maas_sdk.learning._sources import Source

__all__ = ["TrainingOptions", "TrainingResult", "TrainingStart", "train"]


@define
class _Pass:
    """How far the present epoch is."""

    batches: int = 0
    rows: int = 0
    total: float = 0.0  # sum of losses, by rows
    first: float = 0.0  # loss of the first batch
    gradient: NDArray[np.floating] | None = None  # where an optimizer wants the full batch

    def add(self, loss: float, n_rows: int) -> None:
        if not self.batches:
            self.first = loss
        self.batches += 1
        self.rows += n_rows
        self.total += n_rows * loss

    def add_gradient(self, grads: NDArray[np.floating], n_rows: int) -> None:
        """Keep the gradient of the first batch as it is, and from the second on the sum over rows."""
        if self.batches == 1:  # perhaps all: then this is the very gradient
            self.gradient = grads.copy()
            return
        assert self.gradient is not None
        if self.batches == 2:  # noqa: PLR2004 - the first and this one
            self.gradient = np.multiply(self.gradient, self.rows - n_rows, dtype=np.float64)
        self.gradient += np.multiply(grads, n_rows, dtype=np.float64)

    def mean_gradient(self, out: NDArray[np.floating]) -> None:
        """Write the mean over all rows into `out`."""
        assert self.gradient is not None
        np.divide(self.gradient, 1 if self.batches == 1 else self.rows, out=out, casting="same_kind")


class _Training:
    """A training under way: everything that a checkpoint must tell is an attribute."""

    def __init__(
        self,
        workspace: Workspace,
        source: Source,
        options: TrainingOptions,
        rng: np.random.RandomState,
        validate: Callable[[NDArray[np.floating]], float] | None,
        start: TrainingStart | None,
    ) -> None:
        self.workspace, self.source, self.options, self.rng = workspace, source, options, rng
        self._validate = validate
        self.noisy: NoisySteps | None = None
        if options.privacy is not None:
            self.noisy = NoisySteps(workspace, source, options.privacy)
        # What an epoch came to is not private.
        self._observe = None if self.noisy else getattr(options.optimizer, "observe_", None)
        self.state: dict[str, Any] = (
            options.optimizer.init(workspace.params)
            if start is None
            else copy.deepcopy(dict(start.optimizer_state))
        )
        self.history = History(
            options.optimizer,
            workspace.params,
            tol=options.tol,
            n_iter_no_change=options.n_iter_no_change,
            scored=validate is not None,
        )
        self._pass = _Pass()
        self._order: Any = None  # state of `rng` before the present epoch
        self.keeper: Keeper | None = None
        self.progress = Progress(options.callback, n_epochs=options.max_iter, clock=options.clock)

    @property
    def unsettled(self) -> bool:
        """Whether epochs were not enough for the stopping rule."""
        return not self.history.settled

    def run(self) -> None:
        """Go through the epochs that are left."""
        while self.unsettled and len(self.history.losses) < self.options.max_iter:
            if self.keeper:
                self._order = self.rng.get_state(legacy=False)
            with suitable_blas_threads(self.workspace.largest_product):
                if self.noisy:
                    self._run_noisy_steps(self.noisy)
                else:
                    self._run_batches()
            self._end_epoch()

    def _run_batches(self) -> None:
        now, workspace, options = self._pass, self.workspace, self.options
        epoch = len(self.history.losses) + 1
        rng = None if options.full_batch else self.rng  # no order changes a sum, but for its last bits
        for X, target, weight in self.source.epoch(rng, skip=now.batches):
            with np.errstate(all="ignore"):  # what is not finite is found at the end of the epoch
                now.add(workspace.loss_and_gradient(X, target, weight), len(X))
                if options.full_batch:
                    now.add_gradient(workspace.grads, len(X))
                else:
                    options.optimizer.update_(workspace.params, workspace.grads, self.state)
            if self.keeper:
                self.keeper.keep(self.to_state, epoch_ended=False)
            self.progress.batch(
                epoch=epoch,
                loss=now.total / now.rows,
                batch=now.batches,
                n_batches=self.source.n_batches,
            )
        if options.full_batch:
            with np.errstate(all="ignore"):
                now.mean_gradient(workspace.grads)
                options.optimizer.update_(workspace.params, workspace.grads, self.state)

    def _run_noisy_steps(self, noisy: NoisySteps) -> None:
        """Take as many private steps as an epoch has batches."""
        now, workspace, n_batches = self._pass, self.workspace, self.source.n_batches
        assert n_batches is not None  # of arrays it is known
        for number in range(1, n_batches + 1):
            with np.errstate(all="ignore"):  # as above
                loss, n_rows = noisy.gradient()
                self.options.optimizer.update_(workspace.params, workspace.grads, self.state)
            now.total, now.rows = now.total + loss, now.rows + n_rows
            self.progress.batch(
                epoch=len(self.history.losses) + 1,
                loss=now.total / max(now.rows, 1),
                batch=number,
                n_batches=n_batches,
            )

    def _end_epoch(self) -> None:
        history, epoch = self.history, len(self.history.losses) + 1
        loss, first = self._pass.total / max(self._pass.rows, 1), self._pass.first
        # Neither kept nor decided by, where training is private: a callback alone is told the loss.
        kept, first = (math.nan, math.nan) if self.noisy else (loss, first)
        history.check(0.0 if self.noisy else loss, epoch)
        score = self._validate(self.workspace.params) if self._validate else None
        history.add(kept, score, first)
        if self._observe:
            self._observe(loss if score is None else -score, self.state)
        self._pass = _Pass()
        if self.keeper:
            self._order = self.rng.get_state(legacy=False)
            self.keeper.keep(self.to_state, epoch_ended=True)
        self.progress.epoch(epoch=epoch, loss=loss, validation_score=score)

    def to_state(self) -> dict[str, Any]:
        """Give what a training needs to go on bit for bit."""
        dropout = self.workspace.dropout_rng
        now = self._pass
        return {
            "params": self.workspace.params,
            "optimizer": self.state,
            "order": self._order,
            "dropout": None if dropout is None else dropout.bit_generator.state,
            "pass": {
                "batches": now.batches, "rows": now.rows, "total": now.total, "first": now.first,
                "gradient": now.gradient,
            },
            "history": self.history.to_state(),
            "seconds": self.progress.seconds,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `to_state` gave."""
        np.copyto(self.workspace.params, state["params"])
        self.state = state["optimizer"]
        self.rng.set_state(state["order"])
        if self.workspace.dropout_rng is not None:
            self.workspace.dropout_rng.bit_generator.state = state["dropout"]
        self._pass = _Pass(**state["pass"])
        self.history.restore(state["history"])
        n_batches = self.source.n_batches
        self.progress = Progress(
            self.options.callback,
            n_epochs=self.options.max_iter,
            clock=self.options.clock,
            seconds=state["seconds"],
            done=len(self.history.losses) + (self._pass.batches / n_batches if n_batches else 0),
        )


def train(
    workspace: Workspace,
    source: Source,
    *,
    options: TrainingOptions,
    rng: np.random.RandomState,
    validate: Callable[[NDArray[np.floating]], float] | None = None,
    start: TrainingStart | None = None,
    checkpoint: Checkpoint | None = None,
    fingerprint: Mapping[str, object] | None = None,
    read: Iterable[tuple[str, str]] = (),
    reasons: Iterable[str] = (),
) -> TrainingResult:
    """Train the parameters in `workspace`.

    Parameters
    ----------
    workspace : Workspace
        Holds the network, the loss, the parameters (changed in place) and their gradient.
    source : Source
        Its batches are of the parameters' dtype, their targets as the loss takes them, and their rows at most
        the workspace's.
    options : TrainingOptions
    rng : numpy.random.RandomState
        Shuffles the rows of each epoch; unused with the full batch.
    validate : callable or None
        Gives the score of parameters on data held out, greater is better; then it decides when to stop and
        which epoch's parameters are kept.
    start : TrainingStart or None
        Where to go on; None begins with a new state of the optimizer.
    checkpoint : Checkpoint or None
        Where the training is saved now and then, and goes on from bit for bit if it was interrupted; cleared
        when it has come to its end.
    fingerprint : mapping of str to object, optional
        What else must be the same for a checkpoint to be of this training: the model's options.
    read, reasons
        As of `PrivacyRecord.of`, where the optimizer trains privately: then the workspace is a
        `ClippingWorkspace` and the source an `ArraySource` without weights, there is neither `validate` nor
        `checkpoint`, and all epochs are run.

    Raises
    ------
    InvalidOptionError
        If the loss or the parameters become infinite or NaN, or the loss ends far above where it began; if
        the source cannot be read as often as `max_iter` asks.
    CheckpointError
        If the checkpoint is of another training, or damaged.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` epochs did not suffice for the stopping rule.
    """
    if options.max_iter > 1 and not source.repeatable:
        raise InvalidOptionError(
            f"max_iter={options.max_iter} epochs read the data more than once, which an iterator cannot: "
            "give a function that makes a new iterator, or a list of batches; or call partial_fit"
        )
    if options.privacy is not None:
        options = evolve(options, n_iter_no_change=options.max_iter)  # no epoch stops it before
    training = _Training(workspace, source, options, rng, validate, start)
    if checkpoint is not None:
        _resume(training, checkpoint, scored=validate is not None, fingerprint=fingerprint or {})
    training.run()
    params = training.history.best()
    if training.keeper:
        training.keeper.finish()
    if options.warn_unsettled and training.unsettled:
        warnings.warn(
            f"training ended after max_iter={options.max_iter} epochs, before the "
            f"{'validation score' if validate else 'loss'} had settled: raise max_iter or learning_rate",
            ConvergenceWarning,
            stacklevel=_level_of_caller(),
        )
    return TrainingResult(
        params=params,
        loss_curve=training.history.losses,
        validation_scores=training.history.scores if validate else None,
        optimizer_state=training.state,
        privacy=training.noisy.record(read=read, reasons=reasons) if training.noisy else None,
    )


def _resume(
    training: _Training, checkpoint: Checkpoint, *, scored: bool, fingerprint: Mapping[str, object]
) -> None:
    """Give a training its keeper, and what it had come to if it was interrupted."""
    options, source = training.options, training.source
    drawn = scored or not options.full_batch
    if drawn and training.rng is check_random_state(None):
        raise InvalidOptionError(
            "random_state must be an integer where there is a checkpoint: after a kill the same numbers are "
            "to be drawn"
        )
    facts: dict[str, object] = {
        **fingerprint,
        "optimizer": options.optimizer,
        "batch_size": options.batch_rows,
        "tol": options.tol,
        "n_iter_no_change": options.n_iter_no_change,
        "early_stopping": scored,
        "n_features": source.n_features,
        "n_samples": source.n_samples,
        "the data (their digest)": source.digest(),
        "the first parameters (their digest)": digest_rows([training.workspace.params]),
        "the optimizer's first state (its digest)": digest_state(training.state),
        "random_state (its digest)": digest_generator(training.rng) if drawn else None,
    }
    training.keeper = Keeper(
        checkpoint,
        {name: describe_value(value) for name, value in facts.items()},
        seconds=options.checkpoint_seconds,
        clock=options.clock,
    )
    saved = training.keeper.load()
    if saved is not None:
        training.restore(saved)


def _level_of_caller() -> int:
    """Give the `stacklevel` with which a warning points to the first line outside of the SDK."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("maas_sdk."):
        level, frame = level + 1, frame.f_back
    return level
