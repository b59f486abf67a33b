"""Adam and SGD with differential privacy: the same rules, on gradients that are clipped and noised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._optimizers._adam import Adam
from maas_sdk.learning._optimizers._descent import SGD
from maas_sdk.learning._optimizers._fields import checked, real
from maas_sdk.learning._options import check_integer
from maas_sdk.learning._private import PrivateSteps

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DPSGD", "DPAdam"]


def _names(value: Iterable[str]) -> tuple[str, ...]:
    names: Any = (value,) if isinstance(value, str) else value
    try:
        return tuple(names)
    except TypeError as exc:
        raise InvalidOptionError(f"public must be a sequence of names, not {value!r}") from exc


def _check_names(name: str, value: tuple[Any, ...]) -> None:
    for one in value:
        if not isinstance(one, str):
            raise InvalidOptionError(f"{name} must hold names such as 'classes', not {one!r}")


def _check_seed(name: str, value: Any) -> None:
    if value is not None:
        check_integer(name, value, minimum=0)


def _public() -> Any:
    return checked((), _check_names, converter=_names, kw_only=True)


def _seed() -> Any:
    return checked(None, _check_seed, kw_only=True)


def _steps(optimizer: Any) -> PrivateSteps:
    return PrivateSteps(
        noise_multiplier=optimizer.noise_multiplier,
        max_grad_norm=optimizer.max_grad_norm,
        delta=optimizer.delta,
        public=optimizer.public,
        unsafe_seed=optimizer.unsafe_seed,
    )


def _check_schedule(optimizer: Any) -> None:
    """Refuse a schedule that looks at losses, which are not private."""
    schedule = optimizer.learning_rate
    while schedule is not None:
        after = getattr(schedule, "after", None)  # of a warm-up, which listens only for another
        if after is None and hasattr(schedule, "observe_"):
            raise InvalidOptionError(
                f"{type(optimizer).__name__} takes no {type(schedule).__name__}: it looks at losses, which "
                "tell of the data without noise; take one that only counts, such as CosineSchedule"
            )
        schedule = after


@frozen
class DPAdam(Adam):
    r"""Adam with differential privacy: bounds what the parameters can tell of any single row.

    In each step each row takes part with probability batch_size / n_samples, by itself (a Poisson sample);
    its gradient is clipped to `max_grad_norm`; normal noise of deviation `noise_multiplier` times
    `max_grad_norm` is added to the sum, which is divided by `batch_size`; and the rule of :class:`Adam` is
    applied to that. Samples and noise come from a secure source and never from `random_state`. A model of
    this package runs all of `max_iter` epochs, n_samples / batch_size steps each, keeps no losses, since
    both would tell of the data, and has a `privacy_` afterwards (:class:`PrivacyRecord`).

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, weight_decay
        As of :class:`Adam`; `epsilon` is Adam's. No schedule that looks at losses.
    noise_multiplier : float, default=1.0
        Greater than 0. :func:`maas_sdk.privacy.noise_for` computes it for an ε.
    max_grad_norm : float, default=1.0
        Length, over all parameters, to which the gradient of a row is shortened; greater than 0.
    delta : float, default=1e-5
        The δ for which ε is recorded, in (0, 1) and below one over the number of rows.
    public : str or sequence of str, default=()
        What is read from the data without noise and may be known: ``"classes"``, ``"feature_scale"`` and
        ``"target_scale"`` of models, names of a pipeline's preprocessors. Without it, there is no ε.
    unsafe_seed : int, default=None
        Seeds samples and noise, for tests. There is no ε then.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    Notes
    -----
    `update_` is Adam's own: in a loop of your own it neither clips nor adds noise.

    References
    ----------
    M. Abadi et al., "Deep Learning with Differential Privacy", CCS 2016, arXiv:1607.00133.
    """

    noise_multiplier: float = real(1.0, above=0, kw_only=True)
    max_grad_norm: float = real(1.0, above=0, kw_only=True)
    delta: float = real(1e-5, above=0, below=1, kw_only=True)
    public: tuple[str, ...] = _public()
    unsafe_seed: int | None = _seed()

    def __attrs_post_init__(self) -> None:
        _check_schedule(self)

    @property
    def privacy(self) -> PrivateSteps:
        """What the training loop does before `update_`."""
        return _steps(self)


@frozen
class DPSGD(SGD):
    r"""Stochastic gradient descent with differential privacy.

    What :class:`DPAdam` does before the step, and the step of :class:`SGD`.

    Parameters
    ----------
    learning_rate, momentum, dampening, nesterov, weight_decay
        As of :class:`SGD`. No schedule that looks at losses.
    noise_multiplier, max_grad_norm, delta, public, unsafe_seed
        As of :class:`DPAdam`.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.
    """

    noise_multiplier: float = real(1.0, above=0, kw_only=True)
    max_grad_norm: float = real(1.0, above=0, kw_only=True)
    delta: float = real(1e-5, above=0, below=1, kw_only=True)
    public: tuple[str, ...] = _public()
    unsafe_seed: int | None = _seed()

    def __attrs_post_init__(self) -> None:
        SGD.__attrs_post_init__(self)
        _check_schedule(self)

    @property
    def privacy(self) -> PrivateSteps:
        """What the training loop does before `update_`."""
        return _steps(self)
