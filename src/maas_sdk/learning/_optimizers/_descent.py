"""Gradient descent and SGD with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError
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

__all__ = ["SGD", "GradientDescent"]


@frozen
class GradientDescent(Scheduled):
    r"""Gradient descent on all of the data at once.

    :math:`\theta \leftarrow \theta - \eta\, g`, where :math:`g` is the gradient of the mean loss over all
    samples. `full_batch` tells the training loop so: an epoch is one step. For the same rule on shuffled
    batches take :class:`SGD`.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.1
        :math:`\eta`, greater than 0.

    Attributes
    ----------
    full_batch : bool
        True.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds, or a schedule wants to set a momentum.

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

    learning_rate: float | Schedule = field(default=0.1, converter=plain_real, validator=check_rate)
    full_batch: ClassVar[bool] = True

    def __attrs_post_init__(self) -> None:
        check_no_momentum(self)

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        return {**new_state(params), **schedule_state(self.learning_rate)}

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place."""
        arrays = arrays_of(params, grads, state)
        rate = current_rate(self.learning_rate, state)

        def rule(add: Any, _: Any, p: Any, g: Any) -> None:
            add(g, p, a=-rate)

        sweep(rule, *arrays)
        state["step"] += 1


@frozen
class SGD(Scheduled):
    r"""Stochastic gradient descent with momentum, by the rule of ``torch.optim.SGD``.

    .. math::

        g &\leftarrow g + \lambda\theta \\
        b &\leftarrow g \text{ in the first step, then } \mu b + (1 - \tau) g \\
        g &\leftarrow g + \mu b \text{ with Nesterov's momentum, } b \text{ without} \\
        \theta &\leftarrow \theta - \eta\, g

    The first step copies the gradient into the momentum buffer without dampening, as torch does.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        :math:`\eta`, greater than 0. A schedule may set :math:`\mu`, too.
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

    Notes
    -----
    The state holds :math:`b` times a factor that follows from :math:`\mu` and the step, which spares a pass
    over memory; it goes on with the same `momentum` only.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
    learning", ICML 2013.
    """

    learning_rate: float | Schedule = field(default=0.01, converter=plain_real, validator=check_rate)
    momentum: float = real(0.0, minimum=0)
    dampening: float = real(0.0, minimum=0)
    nesterov: bool = boolean(False)
    weight_decay: float = real(0.0, minimum=0)

    def __attrs_post_init__(self) -> None:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise InvalidOptionError(
                f"nesterov needs momentum > 0 and dampening = 0, not momentum={self.momentum:g} and "
                f"dampening={self.dampening:g}"
            )

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        return {**new_state(params, *self._moments()), **schedule_state(self.learning_rate)}

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` is overwritten."""
        arrays = arrays_of(params, grads, state, *self._moments())
        step = state["step"]
        rate = current_rate(self.learning_rate, state)
        momentum = current_momentum(self.learning_rate, state, self.momentum)
        varies = first_momentum(self.learning_rate) is not None
        keep, weight = (momentum, 1.0) if varies else fading(momentum, step)

        def rule(add: Any, _: Any, p: Any, g: Any, *moments: Any) -> None:
            if self.weight_decay:
                add(p, g, a=self.weight_decay)
            if not moments:
                add(g, p, a=-rate)
                return
            (b,) = moments
            if step:
                fade(b, keep, g, weight * (1 - self.dampening), add)
            else:
                np.copyto(b, g)
            if self.nesterov:
                add(b, g, a=momentum / weight)
                add(g, p, a=-rate)
            else:
                add(b, p, a=-rate / weight)

        sweep(rule, *arrays)
        state["step"] += 1

    def _moments(self) -> tuple[str, ...]:
        has_momentum = self.momentum or first_momentum(self.learning_rate)
        return ("momentum_buffer",) if has_momentum else ()
