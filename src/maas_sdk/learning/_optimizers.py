"""Optimizers: gradient descent, SGD and Adam by torch.optim's rules, in place on one flat buffer.

Each works through the buffer in blocks that stay in the processor's cache from the first operation to the
last; a step allocates nothing but views. The scratch block lives in the state, so that one optimizer object
serves any number of trainings at once; what the scratch holds between two steps means nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from attrs import Attribute, field, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_boolean, check_real, plain_real

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["SGD", "Adam", "GradientDescent"]

# Elements of a block. The five float32 blocks of an Adam step are 640 KiB: about a core's second-level cache,
# and long enough for the cost of a numpy call to vanish.
_BLOCK = 32_768


def _real(
    default: float, *, above: float | None = None, minimum: float | None = None, below: float | None = None
) -> Any:
    def validate(_: object, attribute: Attribute[Any], value: Any) -> None:
        check_real(attribute.name, value, above=above, minimum=minimum, below=below)

    return field(default=default, converter=plain_real, validator=validate)


def _boolean(default: bool) -> Any:
    def validate(_: object, attribute: Attribute[Any], value: Any) -> None:
        check_boolean(attribute.name, value)

    return field(default=default, validator=validate)


def _check_params(params: Any) -> None:
    if not isinstance(params, np.ndarray) or params.ndim != 1 or params.dtype not in (np.float32, np.float64):
        raise InvalidOptionError("params must be a flat numpy array of float32 or float64")


def _check_step(
    params: NDArray[np.floating], grads: NDArray[np.floating], *moments: NDArray[np.floating]
) -> None:
    for other in (grads, *moments):
        if other.shape != params.shape or other.dtype != params.dtype:
            raise InvalidOptionError(
                f"params have shape {params.shape} and dtype {params.dtype}, but a gradient or the state has "
                f"{other.shape} and {other.dtype}: make the state with init(params) of these very parameters"
            )


def _scratch(params: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.zeros(min(params.size, _BLOCK), params.dtype)


def _blocks(
    scratch: NDArray[np.floating], *arrays: NDArray[np.floating]
) -> Iterator[tuple[NDArray[np.floating], ...]]:
    """Give views of the same block of each array, the scratch cut to its length before them."""
    for start in range(0, arrays[0].size, _BLOCK):
        views = [array[start : start + _BLOCK] for array in arrays]
        yield scratch[: views[0].size], *views


@frozen
class GradientDescent:
    r"""Gradient descent on all of the data at once.

    :math:`\theta \leftarrow \theta - \eta\, g`, where :math:`g` is the gradient of the mean loss over all
    samples. `full_batch` tells the training loop so: an epoch is one step. For the same rule on shuffled
    batches take :class:`SGD`.

    Parameters
    ----------
    learning_rate : float, default=0.1
        :math:`\eta`, greater than 0.

    Attributes
    ----------
    full_batch : bool
        True.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", 1847.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = GradientDescent(learning_rate=0.5)
    >>> params = np.array([4.0])
    >>> state = optimizer.init(params)
    >>> optimizer.update_(params, 2.0 * params, state)
    >>> params
    array([0.])
    """

    learning_rate: float = _real(0.1, above=0)
    full_batch: ClassVar[bool] = True

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        _check_params(params)
        return {"step": 0, "scratch": _scratch(params)}

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place."""
        _check_step(params, grads)
        for step, p, g in _blocks(state["scratch"], params, grads):
            np.multiply(g, self.learning_rate, out=step)
            np.subtract(p, step, out=p)
        state["step"] += 1


@frozen
class SGD:
    r"""Stochastic gradient descent with momentum, by the rule of ``torch.optim.SGD``.

    .. math::

        g &\leftarrow g + \lambda\theta \\
        b &\leftarrow g \text{ in the first step, then } \mu b + (1 - \tau) g \\
        g &\leftarrow g + \mu b \text{ with Nesterov's momentum, } b \text{ without} \\
        \theta &\leftarrow \theta - \eta\, g

    The first step copies the gradient into the momentum buffer without dampening, as torch does.

    Parameters
    ----------
    learning_rate : float, default=0.01
        :math:`\eta`, greater than 0.
    momentum : float, default=0.0
        :math:`\mu`, at least 0.
    dampening : float, default=0.0
        :math:`\tau`, at least 0.
    nesterov : bool, default=False
        Whether to look ahead; needs momentum and no dampening.
    weight_decay : float, default=0.0
        :math:`\lambda`, at least 0; acts on all parameters, biases too. The `alpha` of a model spares biases.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds, or `nesterov` comes without momentum or with dampening.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
    learning", ICML 2013.
    """

    learning_rate: float = _real(0.01, above=0)
    momentum: float = _real(0.0, minimum=0)
    dampening: float = _real(0.0, minimum=0)
    nesterov: bool = _boolean(False)
    weight_decay: float = _real(0.0, minimum=0)

    def __attrs_post_init__(self) -> None:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise InvalidOptionError(
                f"nesterov needs momentum > 0 and dampening = 0, not momentum={self.momentum:g} and "
                f"dampening={self.dampening:g}"
            )

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        _check_params(params)
        state: dict[str, Any] = {"step": 0, "scratch": _scratch(params)}
        if self.momentum:
            state["momentum_buffer"] = np.zeros_like(params)
        return state

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` is overwritten."""
        buffer = state["momentum_buffer"] if self.momentum else grads
        _check_step(params, grads, buffer)
        for s, p, g, b in _blocks(state["scratch"], params, grads, buffer):
            if self.weight_decay:
                np.multiply(p, self.weight_decay, out=s)
                np.add(g, s, out=g)
            if self.momentum:
                self._add_momentum(s, g, b, first=state["step"] == 0)
            np.multiply(g if self.nesterov else b, self.learning_rate, out=s)
            np.subtract(p, s, out=p)
        state["step"] += 1

    def _add_momentum(
        self, s: NDArray[np.floating], g: NDArray[np.floating], b: NDArray[np.floating], *, first: bool
    ) -> None:
        if first:
            b[:] = g
        else:
            np.multiply(b, self.momentum, out=b)
            if self.dampening:
                np.multiply(g, 1 - self.dampening, out=s)
                np.add(b, s, out=b)
            else:
                np.add(b, g, out=b)
        if self.nesterov:
            np.multiply(b, self.momentum, out=s)
            np.add(g, s, out=g)


@frozen
class Adam:
    r"""Adam, by the rule of ``torch.optim.Adam``.

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        \theta &\leftarrow \theta - \eta\,
            \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}

    :math:`\varepsilon` is added to the root of the bias-corrected second moment, as in the paper's
    algorithm 1 and in torch. The division by :math:`\sqrt v` is what makes a step independent of the
    gradient's scale: a formula without it, as some articles print, is momentum and not Adam.

    Parameters
    ----------
    learning_rate : float, default=1e-3
        :math:`\eta`, greater than 0.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and second moment, at least 0 and below 1.
    epsilon : float, default=1e-8
        :math:`\varepsilon`, at least 0.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980.
    """

    learning_rate: float = _real(1e-3, above=0)
    beta_1: float = _real(0.9, minimum=0, below=1)
    beta_2: float = _real(0.999, minimum=0, below=1)
    epsilon: float = _real(1e-8, minimum=0)

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        _check_params(params)
        return {
            "step": 0,
            "first_moment": np.zeros_like(params),
            "second_moment": np.zeros_like(params),
            "scratch": _scratch(params),
        }

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` is overwritten."""
        first, second = state["first_moment"], state["second_moment"]
        _check_step(params, grads, first, second)
        state["step"] += 1
        correction_1 = 1 - self.beta_1 ** state["step"]
        correction_2 = math.sqrt(1 - self.beta_2 ** state["step"])
        # η (m / c₁) / (√v / c₂ + ε) = (η c₂ / c₁) m / (√v + ε c₂): one pass less over the block.
        step_size = self.learning_rate * correction_2 / correction_1
        epsilon = self.epsilon * correction_2
        for s, p, g, m, v in _blocks(state["scratch"], params, grads, first, second):
            np.subtract(g, m, out=s)
            np.multiply(s, 1 - self.beta_1, out=s)
            np.add(m, s, out=m)
            np.multiply(g, g, out=g)
            np.multiply(g, 1 - self.beta_2, out=g)
            np.multiply(v, self.beta_2, out=v)
            np.add(v, g, out=v)
            np.sqrt(v, out=s)
            np.add(s, epsilon, out=s)
            np.divide(m, s, out=s)
            np.multiply(s, step_size, out=s)
            np.subtract(p, s, out=p)
