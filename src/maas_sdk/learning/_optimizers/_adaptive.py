"""AdaGrad and RMSprop: steps divided by the root of what the squared gradients came to so far."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from maas_sdk.learning._optimizers._blocks import arrays_of, new_state, sweep
from maas_sdk.learning._optimizers._fading import fade, fading
from maas_sdk.learning._optimizers._fields import boolean, real
from maas_sdk.learning._optimizers._rates import (
    Scheduled,
    check_no_momentum,
    check_rate,
    current_momentum,
    current_rate,
    first_momentum,
    schedule_state,
)
from maas_sdk.learning._options import plain_real

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.interfaces import Schedule

__all__ = ["AdaGrad", "RMSprop"]


@frozen
class AdaGrad(Scheduled):
    r"""AdaGrad, by the rule of ``torch.optim.Adagrad``.

    .. math::

        g &\leftarrow g + \lambda\theta \\
        s &\leftarrow s + g^2 \\
        \theta &\leftarrow \theta - \frac{\eta}{1 + (t - 1)\,\rho}\, \frac{g}{\sqrt{s} + \varepsilon}

    What is rarely in the data takes large steps, what is in each sample small ones.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        :math:`\eta`, greater than 0.
    lr_decay : float, default=0.0
        :math:`\rho`, at least 0.
    initial_accumulator_value : float, default=0.0
        :math:`s` before the first step, at least 0.
    epsilon : float, default=1e-10
        :math:`\varepsilon`, at least 0.
    weight_decay : float, default=0.0
        :math:`\lambda`, at least 0; acts on all parameters, biases too. The `alpha` of a model spares biases.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds, or a schedule wants to set a momentum.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization", JMLR 12, 2011.
    """

    learning_rate: float | Schedule = field(default=0.01, converter=plain_real, validator=check_rate)
    lr_decay: float = real(0.0, minimum=0)
    initial_accumulator_value: float = real(0.0, minimum=0)
    epsilon: float = real(1e-10, minimum=0)
    weight_decay: float = real(0.0, minimum=0)

    def __attrs_post_init__(self) -> None:
        check_no_momentum(self)

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        state = {**new_state(params, "sum_of_squares"), **schedule_state(self.learning_rate)}
        state["sum_of_squares"] += self.initial_accumulator_value
        return state

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` is overwritten."""
        arrays = arrays_of(params, grads, state, "sum_of_squares")
        rate = current_rate(self.learning_rate, state) / (1 + state["step"] * self.lr_decay)
        epsilon = np.array(self.epsilon, params.dtype)

        def rule(add: Any, s: Any, p: Any, g: Any, squares: Any) -> None:
            if self.weight_decay:
                add(p, g, a=self.weight_decay)
            add(np.multiply(g, g, s), squares, a=1.0)
            np.sqrt(squares, s)
            np.add(s, epsilon, s)
            np.divide(g, s, s)
            add(s, p, a=-rate)

        sweep(rule, *arrays)
        state["step"] += 1


@frozen
class RMSprop(Scheduled):
    r"""RMSprop, by the rule of ``torch.optim.RMSprop``.

    .. math::

        g &\leftarrow g + \lambda\theta \\
        v &\leftarrow \alpha v + (1 - \alpha) g^2 \\
        a &\leftarrow \alpha a + (1 - \alpha) g, \text{ if centered, else } 0 \\
        b &\leftarrow \mu b + \frac{g}{\sqrt{v - a^2} + \varepsilon} \\
        \theta &\leftarrow \theta - \eta\, b

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        :math:`\eta`, greater than 0. A schedule may set :math:`\mu`, too.
    alpha : float, default=0.99
        :math:`\alpha`, at least 0 and below 1.
    momentum : float, default=0.0
        :math:`\mu`, at least 0.
    centered : bool, default=False
        Whether to divide by the standard deviation instead of the root of the mean square.
    epsilon : float, default=1e-8
        :math:`\varepsilon`, at least 0.
    weight_decay : float, default=0.0
        :math:`\lambda`, at least 0; acts on all parameters, biases too. The `alpha` of a model spares biases.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    Notes
    -----
    The state holds :math:`v` and :math:`a` times factors that follow from :math:`\alpha` and the step, which
    spares passes over memory; it goes on with the same `alpha` only. Where rounding makes the variance
    :math:`v - a^2` negative, torch goes on with NaN; here it is 0.

    References
    ----------
    T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", Neural Networks for Machine Learning, 2012; centered:
    A. Graves, "Generating Sequences With Recurrent Neural Networks", 2013, arXiv:1308.0850.
    """

    learning_rate: float | Schedule = field(default=0.01, converter=plain_real, validator=check_rate)
    alpha: float = real(0.99, minimum=0, below=1)
    momentum: float = real(0.0, minimum=0)
    centered: bool = boolean(False)
    epsilon: float = real(1e-8, minimum=0)
    weight_decay: float = real(0.0, minimum=0)

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        return {**new_state(params, *self._moments()), **schedule_state(self.learning_rate)}

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` is overwritten."""
        arrays = arrays_of(params, grads, state, *self._moments())
        rate = current_rate(self.learning_rate, state)
        momentum = current_momentum(self.learning_rate, state, self.momentum)
        keep, weight = fading(self.alpha, state["step"])
        # Stored is v w / (1 - alpha), w the weight of the fading: √v is a share of the stored one's root.
        share = (1 - self.alpha) / weight
        root = math.sqrt(share)
        epsilon = np.array(self.epsilon / root, params.dtype)

        def rule(add: Any, s: Any, p: Any, g: Any, square: Any, *more: Any) -> None:
            others = list(more)
            if self.weight_decay:
                add(p, g, a=self.weight_decay)
            fade(square, keep, np.multiply(g, g, s), weight, add)
            if self.centered:
                average = others.pop()
                fade(average, keep, g, weight, add)
                np.multiply(average, average, s)
                np.multiply(s, -share, s)
                np.add(square, s, s)
                np.sqrt(np.maximum(s, 0, out=s), s)
            else:
                np.sqrt(square, s)
            np.add(s, epsilon, s)
            np.divide(g, s, s)
            if others:
                fade(others[0], momentum, s, 1 / root, add)
                add(others[0], p, a=-rate)
            else:
                add(s, p, a=-rate / root)

        sweep(rule, *arrays)
        state["step"] += 1

    def _moments(self) -> tuple[str, ...]:
        has_momentum = self.momentum or first_momentum(self.learning_rate)
        return (
            "mean_square",
            *(["momentum_buffer"] if has_momentum else []),
            *(["mean_gradient"] if self.centered else []),
        )
