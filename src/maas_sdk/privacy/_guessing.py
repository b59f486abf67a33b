"""What right guesses of who was trained on prove: a lower bound on ε from one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import beta, binom

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["exact_interval", "least_epsilon", "p_value"]

_MOST: Final = 50.0  # an ε that no number of guesses that fits into memory proves
_HALVINGS: Final = 40


def p_value(*, n_rows: int, n_guesses: int, n_right: int, epsilon: float, delta: float) -> float:
    """Give how probable so many right guesses are at most, if training was private to that degree.

    T. Steinke, M. Nasr, M. Jagielski, "Privacy Auditing with One (1) Training Run", NeurIPS 2023,
    arXiv:2305.08846, theorem 3.1.

    Parameters
    ----------
    n_rows : int
        Rows that were trained on or not by the flip of a fair coin for each.
    n_guesses : int
        Of them that were guessed.
    n_right : int
        Of these that were guessed right.
    epsilon, delta : float
    """
    right = 1 / (1 + np.exp(-epsilon))
    chance = float(binom.sf(n_right - 1, n_guesses, right))
    if not n_right or not delta:
        return min(chance, 1.0)
    fewer = np.arange(1, n_right + 1)
    # The probability of up to i right guesses less than there were, spread over these i.
    share = np.cumsum(binom.pmf(n_right - fewer, n_guesses, right)) / fewer
    return min(chance + 2 * n_rows * delta * float(share.max()), 1.0)


def least_epsilon(*, n_rows: int, n_guesses: int, n_right: int, delta: float, significance: float) -> float:
    """Give the largest ε that so many right guesses refute at this level of significance; at least 0."""

    def refuted(epsilon: float) -> bool:
        return (
            p_value(n_rows=n_rows, n_guesses=n_guesses, n_right=n_right, epsilon=epsilon, delta=delta)
            <= significance
        )

    if not n_guesses or not refuted(0.0):
        return 0.0
    low, high = 0.0, _MOST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


def exact_interval(n_right: int, n_guesses: int, confidence: float) -> tuple[float, float]:
    """Give the interval of a proportion by C. Clopper and E. Pearson (Biometrika, 1934)."""
    tail = (1 - confidence) / 2
    wrong = n_guesses - n_right
    low = 0.0 if not n_right else float(beta.ppf(tail, n_right, wrong + 1))
    high = 1.0 if not wrong else float(beta.ppf(1 - tail, n_right + 1, wrong))
    return low, high


def right_guesses(member: NDArray[np.bool_], *, n_in: int, n_out: int) -> int:
    """Count right guesses, `member` sorted by score: the last `n_in` guessed in, the first `n_out` out."""
    return int(member[len(member) - n_in :].sum() + (~member[:n_out]).sum())
