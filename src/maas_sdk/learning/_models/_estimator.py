"""What all trained estimators share: a fit that changes everything or nothing, and what it leaves behind."""

from __future__ import annotations

import contextlib
import copy
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Checkpoint
from maas_sdk.learning._loop._training import TrainingStart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Optimizer
    from maas_sdk.learning._loop._training import TrainingResult

__all__ = ["Trained", "all_or_nothing", "check_checkpoint"]

# Where training stops and what it draws is either in the training's own options, or no part of the model.
_NO_PART = ("callback", "max_iter", "random_state", "warm_start")


@contextlib.contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Give `estimator` its attributes back when the block ends with an exception, `KeyboardInterrupt` too."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _random_generator(random_state: Any) -> np.random.RandomState:
    """Make scikit-learn's `random_state` a generator.

    Raises
    ------
    InvalidOptionError
        If it is neither None, an integer, nor a RandomState.
    """
    try:
        generator: np.random.RandomState = check_random_state(random_state)
    except ValueError as exc:
        raise InvalidOptionError(
            f"random_state must be None, an integer in [0, 2**32 - 1] or a RandomState, not {random_state!r}"
        ) from exc
    return generator


def check_checkpoint(checkpoint: object) -> None:
    """Raise `InvalidOptionError` if `checkpoint` is neither None nor one."""
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        raise InvalidOptionError(
            f"checkpoint must have load, save and clear, such as open_checkpoints(location).at(name), "
            f"not {checkpoint!r}"
        )


class Trained(BaseEstimator):
    """What training leaves behind, and how it goes on from there."""

    takes_batches: ClassVar[bool] = True

    def _fingerprint(self) -> dict[str, object]:
        """Give what must be the same for a checkpoint to be of this training."""
        options = {name: value for name, value in self.get_params(deep=False).items() if name not in _NO_PART}
        return {"the model": type(self).__name__, **options}

    def _random(self, *, partial: bool) -> np.random.RandomState:
        """Give the generator; in partial_fit, that of the call before if a number was its seed."""
        generator = _random_generator(self.random_state)
        before = vars(self).get("_generator") if partial else None
        return generator if before is None else copy.deepcopy(before)

    def _start(self, optimizer: Optimizer, params: NDArray[np.floating], *, chosen: bool) -> Any:
        """Give where the optimizer goes on, or None if it begins anew: there is no state, or not its own.

        Parameters
        ----------
        optimizer : Optimizer
        params : ndarray of shape (n_parameters,)
        chosen : bool
            Whether the user has chosen the optimizer; then a state of another one is refused.
        """
        state = getattr(self, "optimizer_state_", None)
        if state is None:
            return None
        fresh = _layout(optimizer.init(params))
        # After a step, there may be more than at first: memory to work in.
        if {name: value for name, value in _layout(state).items() if name in fresh} == fresh:
            return TrainingStart(optimizer_state=state)
        if chosen:
            raise InvalidOptionError(
                f"optimizer_state_ is not one that {optimizer!r} made for these parameters: go on with the "
                "optimizer that it is of, or delete optimizer_state_ to begin with a new state"
            )
        return None

    def _keep_history(
        self,
        result: TrainingResult,
        coordinates: dict[str, Any],
        rng: np.random.RandomState,
        *,
        appends: bool,
        keeps: bool,
    ) -> None:
        """Set what tells how the training went, and what it needs to go on later.

        Parameters
        ----------
        result : TrainingResult
        coordinates : dict of str to ndarray or float
            What the data were measured to be.
        rng : RandomState
            The generator of the training.
        appends : bool
            Whether the epochs follow those before.
        keeps : bool
            Whether the state of the optimizer is kept.
        """
        before = getattr(self, "loss_curve_", []) if appends else []
        self.loss_curve_ = [*before, *result.loss_curve]
        self.loss_ = self.loss_curve_[-1]
        self.n_iter_ = len(self.loss_curve_)
        for name in ("optimizer_state_", "_coordinates", "_generator", "privacy_"):
            self.__dict__.pop(name, None)
        if result.privacy is not None:
            self.privacy_ = result.privacy
        if keeps:
            self.optimizer_state_ = result.optimizer_state
            self._coordinates = coordinates
            if isinstance(self.random_state, Integral):
                self._generator = rng


def _layout(state: dict[str, Any]) -> dict[str, object]:
    """Give what two states of one optimizer for the same parameters have in common."""
    return {
        name: (value.shape, value.dtype) if isinstance(value, np.ndarray) else type(value)
        for name, value in state.items()
    }
