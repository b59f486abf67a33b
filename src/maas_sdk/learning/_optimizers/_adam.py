"""Adam and what differs from it in one line: AdamW and AMSGrad."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from attrs import field, frozen

from maas_sdk.learning._optimizers._blocks import arrays_of, new_state, sweep
from maas_sdk.learning._optimizers._fading import fading
from maas_sdk.learning._optimizers._fields import real
from maas_sdk.learning._optimizers._rates import (
    Scheduled,
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

__all__ = ["AMSGrad", "Adam", "AdamW"]

# The previous step's beta_1, kept where a schedule changes it: the first moment is scaled by it.
_BETA_1 = "beta_1"


@frozen
class _Moments(Scheduled):
    """What the three share: options, state and step."""

    learning_rate: float | Schedule = field(default=1e-3, converter=plain_real, validator=check_rate)
    beta_1: float = real(0.9, minimum=0, below=1)
    beta_2: float = real(0.999, minimum=0, below=1)
    epsilon: float = real(1e-8, minimum=0)
    weight_decay: float = real(0.0, minimum=0)

    _moments: ClassVar[tuple[str, ...]] = ("first_moment", "second_moment")
    _is_decoupled: ClassVar[bool] = False
    _keeps_largest: ClassVar[bool] = False  # which is found among second moments stored at one scale

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        state = {**new_state(params, *self._moments), **schedule_state(self.learning_rate)}
        beta_1 = first_momentum(self.learning_rate)
        if beta_1 is not None:
            state[_BETA_1] = np.array(beta_1)
        return state

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` may be overwritten."""
        arrays = arrays_of(params, grads, state, *self._moments)
        keep_1, weight_1, keep_2, weight_2, size, epsilon, decay = self._coefficients(state)
        shift = np.array(epsilon, params.dtype)  # which numpy takes faster than a number

        def rule(add: Any, s: Any, p: Any, g: Any, m: Any, v: Any, *largest: Any) -> None:
            n = p.size
            if self.weight_decay:
                if self._is_decoupled:
                    np.multiply(p, decay, p)
                else:
                    add(p, g, a=decay)
            if keep_1 is not None:
                np.multiply(m, keep_1, m)
            add(g, m, n, weight_1)
            if keep_2 is not None:
                np.multiply(v, keep_2, v)
            add(np.multiply(g, g, s), v, n, weight_2)
            np.sqrt(np.maximum(largest[0], v, out=largest[0]) if largest else v, s)
            np.add(s, shift, s)
            np.divide(m, s, s)
            add(s, p, n, -size)

        sweep(rule, *arrays)
        state["step"] += 1

    def _coefficients(
        self, state: dict[str, Any]
    ) -> tuple[float | None, float, float | None, float, float, float, float]:
        r"""Give how the moments fade, and what the step multiplies by.

        Stored are m / (1 - β₁) and v / (1 - β₂), times the weights w₁ and w₂ of their fading, so that they
        take the gradient and its square as they are. With cᵢ = 1 - βᵢᵗ and r = √(w₂ c₂ / (1 - β₂)) the step
        is η r (1 - β₁) / (w₁ c₁) · m / (√v + ε r).
        """
        step, beta_2 = state["step"], self.beta_2
        rate = current_rate(self.learning_rate, state)
        beta_1 = current_momentum(self.learning_rate, state, self.beta_1)
        keep_1: float | None
        if _BETA_1 in state:
            keep_1, weight_1 = beta_1 * (1 - float(state[_BETA_1])) / (1 - beta_1), 1.0
            state[_BETA_1][...] = beta_1
        else:
            keep_1, weight_1 = fading(beta_1, step)
        keep_2, weight_2 = (beta_2, 1.0) if self._keeps_largest else fading(beta_2, step)
        root = math.sqrt(weight_2 * (1 - beta_2 ** (step + 1)) / (1 - beta_2))
        size = rate * root * (1 - beta_1) / (1 - beta_1 ** (step + 1)) / weight_1
        decay = 1 - rate * self.weight_decay if self._is_decoupled else self.weight_decay
        return keep_1, weight_1, keep_2, weight_2, size, self.epsilon * root, decay


@frozen
class Adam(_Moments):
    r"""Adam, by the rule of ``torch.optim.Adam``.

    .. math::

        g &\leftarrow g + \lambda\theta \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        \theta &\leftarrow \theta - \eta\,
            \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}

    :math:`\varepsilon` is added to the root of the bias-corrected second moment, as in the paper's
    algorithm 1 and in torch. The division by :math:`\sqrt v` is what makes a step independent of the
    gradient's scale: a formula without it, as some articles print, is momentum and not Adam.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1e-3
        :math:`\eta`, greater than 0. A schedule may set :math:`\beta_1`, too.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and second moment, at least 0 and below 1.
    epsilon : float, default=1e-8
        :math:`\varepsilon`, at least 0.
    weight_decay : float, default=0.0
        :math:`\lambda`, at least 0: a penalty that goes through the moments. :class:`AdamW` keeps it out of
        them, which is mostly better.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    Notes
    -----
    The state holds :math:`m` and :math:`v` times factors that follow from the options and the step, which
    spares half of the passes over memory; it goes on with the same `beta_1` and `beta_2` only.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980.
    """


@frozen
class AdamW(_Moments):
    r"""Adam with decoupled weight decay, by the rule of ``torch.optim.AdamW``.

    :math:`\theta \leftarrow (1 - \eta\lambda)\,\theta`, and then the step of :class:`Adam` without a penalty:
    the decay is not divided by the root of the second moment.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1e-3
        :math:`\eta`, greater than 0. A schedule may set :math:`\beta_1`, too.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and second moment, at least 0 and below 1.
    epsilon : float, default=1e-8
        :math:`\varepsilon`, at least 0.
    weight_decay : float, default=0.01
        :math:`\lambda`, at least 0; acts on all parameters, biases too. The `alpha` of a model spares biases.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101.
    """

    weight_decay: float = real(0.01, minimum=0)

    _is_decoupled: ClassVar[bool] = True


@frozen
class AMSGrad(_Moments):
    r"""Adam with a second moment that never shrinks, by the rule of ``torch.optim.Adam(amsgrad=True)``.

    :math:`\hat v \leftarrow \max(\hat v, v)` takes the place of :math:`v` in the denominator of
    :class:`Adam`. As in torch, the maximum is of the moments before their correction for bias.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1e-3
        :math:`\eta`, greater than 0. A schedule may set :math:`\beta_1`, too.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and second moment, at least 0 and below 1.
    epsilon : float, default=1e-8
        :math:`\varepsilon`, at least 0.
    weight_decay : float, default=0.0
        :math:`\lambda`, at least 0: a penalty that goes through the moments.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    References
    ----------
    S. J. Reddi, S. Kale, S. Kumar, "On the Convergence of Adam and Beyond", ICLR 2018, arXiv:1904.09237.
    """

    _moments: ClassVar[tuple[str, ...]] = ("first_moment", "second_moment", "largest_moment")
    _keeps_largest: ClassVar[bool] = True
