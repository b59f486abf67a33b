"""What makes the steps of an optimizer private: the training loop reads it from the optimizer's `privacy`."""

from __future__ import annotations

from attrs import frozen

__all__ = ["PrivateSteps"]


@frozen(kw_only=True)
class PrivateSteps:
    """How gradients are clipped and noised before an optimizer sees them; the optimizer has checked it.

    Attributes
    ----------
    noise_multiplier : float
        Standard deviation of the noise over `max_grad_norm`.
    max_grad_norm : float
        The longest that the gradient of one row may be.
    delta : float
        The δ for which an ε is recorded.
    public : tuple of str
        What was read from the data and may be known.
    unsafe_seed : int or None
        Makes all draws predictable, which leaves no privacy.
    """

    noise_multiplier: float
    max_grad_norm: float
    delta: float
    public: tuple[str, ...]
    unsafe_seed: int | None
