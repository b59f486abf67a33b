"""Makes two narrow layers of a wide one: the directions in which its outputs vary most, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._chain import model_of, with_model
from maas_sdk.compression._options import check_seed, is_share, is_whole
from maas_sdk.compression._tuning import (
    Layers,
    check_epochs,
    check_optimizer,
    enough_epochs,
    layers_of,
    training_rows,
    tuned,
    why_not,
    with_layers,
)
from maas_sdk.errors import ComponentError, InvalidOptionError, MaasError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from maas_sdk.interfaces import Optimizer

__all__ = ["LowRankCompressor"]

_MOST_ROWS = 10_000  # to find the directions with
_TRIFLE = 0.05
_STRAIGHT = {"gelu": (2.0, 6.0), "relu": (1.0, 5.0), "tanh": (-0.3, 0.3)}
"""Where an activation is nearly a straight line, with room on both sides."""


class LowRankCompressor:
    """Truncated singular value decomposition of a network's wide layers, trained on.

    A layer of few directions becomes two: the first gives the directions in which the layer's outputs vary
    most over the training rows (the leading singular vectors of the centred outputs), the second the outputs
    from them, by least squares. Between them is the network's own activation, which the directions are
    shifted and scaled to pass where it is nearly straight; so the result is a network as any other, with more
    hidden layers. Rows far outside of the training data reach its bend. Then the optimizer trains all layers
    on the training data; the result is the mean of the weights after each of the last third of the epochs.

    A layer stays as it is unless it has a twentieth of the network's weights, and its two parts at most half
    of its own.

    It takes :class:`~sklearn.neural_network.MLPClassifier` and its regressor, scikit-learn's and the SDK's,
    with the activations relu, tanh and gelu.

    Parameters
    ----------
    rank : int or float, default=0.95
        How many directions of each layer: a whole number, or the share of the variance of the layer's outputs
        that they shall hold, between 0 and 1.
    epochs : int or None
        Passes over the training data afterwards; 0 for none, which needs no `y`. None for ten, and for few
        rows as many as make four hundred steps, up to a hundred.
    optimizer : Optimizer or None
        What trains; None for the model's own, or Adam for scikit-learn's networks.
    random_state : int, default=0
        Seeds the order of the rows, and which ten thousand of more rows the directions are found with.

    Raises
    ------
    InvalidOptionError
        When an option is out of its range.

    References
    ----------
    M. Jaderberg, A. Vedaldi, A. Zisserman, "Speeding up convolutional neural networks with low rank
    expansions", BMVC 2014. X. Zhang et al., "Accelerating very deep convolutional networks for classification
    and detection", IEEE TPAMI 38 (2016), for the outputs in place of the weights.
    """

    needs_training_data = True

    def __init__(
        self,
        rank: float = 0.95,
        *,
        epochs: int | None = None,
        optimizer: Optimizer | None = None,
        random_state: int = 0,
    ) -> None:
        if not is_whole(rank, least=1) and not is_share(rank):
            raise InvalidOptionError(
                f"LowRankCompressor(rank={rank!r}): expected a whole number from 1, or a share of the "
                f"variance between 0 and 1."
            )
        check_epochs(self, epochs, least=0)
        check_optimizer(self, optimizer)
        check_seed(self, random_state)
        self.rank = rank
        self.epochs = epochs
        self.optimizer = optimizer
        self.random_state = random_state

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model is a network with a layer that can become two of half the weights."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        if (reason := why_not(chain)) is not None:
            return reason
        least = self.rank if is_whole(self.rank, least=1) else 1
        coefs = model_of(chain).coefs_
        if not any(_pays(coef, int(least), _count(coefs)) for coef in coefs):
            return f"no layer is so wide that rank {least} would halve it"
        return None

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:
        """Give a copy of `chain` whose network has narrow layers in place of wide ones.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X, y : array-like
            Training data, as the chain takes it.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted. Where no layer's share of variance is held by so few directions, the same network.

        Raises
        ------
        InvalidOptionError
            When the model is not supported, without training data, or when training diverges.
        ComponentError
            When a step before the model raises, or the data do not fit the model.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"low_rank does not fit this model: {reason}.")
        model = model_of(chain)
        try:
            rows = training_rows(chain, X, y, what="low_rank", with_y=self.epochs != 0)
            return with_model(chain, with_layers(model, self._layers(model, rows, y)))
        except MaasError:
            raise
        except Exception as exc:
            raise ComponentError(f"low_rank of {type(model).__name__} failed: {exc}") from exc

    def _layers(self, model: Any, rows: NDArray[Any], y: Any) -> Layers:
        layers = layers_of(model)
        drawn = rows
        if len(rows) > _MOST_ROWS:
            rng = np.random.default_rng(self.random_state)
            drawn = rows[np.sort(rng.choice(len(rows), _MOST_ROWS, replace=False))]
        narrow = self._factored(layers, drawn, model.activation)
        if self.epochs == 0 or len(narrow.coefs) == len(layers.coefs):
            return narrow
        epochs = self.epochs or enough_epochs(model, len(rows), self.optimizer)
        return tuned(model, narrow, rows, y, epochs=epochs, optimizer=self.optimizer, seed=self.random_state)

    def _factored(self, layers: Layers, rows: NDArray[Any], activation: str) -> Layers:
        """Give two layers for each that pays, fitted to the outputs that the whole network has there."""
        narrow, n_weights = Layers([], []), _count(layers.coefs)
        ours = theirs = rows.astype(np.float64)  # what a layer gets, here and in the whole network
        for coef, intercept in zip(layers.coefs, layers.intercepts, strict=True):
            wanted = theirs @ coef + intercept
            parts = []
            if _pays(coef, 1, n_weights):
                parts = self._parts(coef, ours, wanted, activation)
            for part in parts or [(coef, intercept)]:
                narrow.coefs.append(part[0].astype(coef.dtype))
                narrow.intercepts.append(part[1].astype(coef.dtype))
                ours = _activated(ours @ part[0] + part[1], activation)
            theirs = _activated(wanted, activation)
        return narrow

    def _parts(
        self, coef: NDArray[Any], inputs: NDArray[np.float64], wanted: NDArray[np.float64], activation: str
    ) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Give the weights and biases of the two layers; none where the layer stays as it is."""
        outputs = inputs @ coef
        outputs -= outputs.mean(axis=0)
        variances, directions = np.linalg.eigh(outputs.T @ outputs)
        variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
        rank = self._rank_of(variances)
        if not _pays(coef, rank, coef.size):
            return []
        first = coef @ directions[:, :rank]
        shift, scale = _onto(inputs @ first, *_STRAIGHT[activation])
        first = first * scale
        middle = _activated(inputs @ first + shift, activation)
        ones = np.ones((len(middle), 1))
        second = np.linalg.lstsq(np.hstack([middle, ones]), wanted, rcond=None)[0]
        return [(first, shift), (second[:-1], second[-1])]

    def _rank_of(self, variances: NDArray[np.float64]) -> int:
        """Give how many directions to keep, none of them without variance."""
        there = int(np.count_nonzero(variances > variances[0] * np.finfo(np.float32).eps))
        if is_whole(self.rank, least=1):
            return max(1, min(int(self.rank), there))
        shares = np.cumsum(variances) / (variances.sum() or 1)
        return max(1, min(int(np.searchsorted(shares, self.rank)) + 1, there))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rank={self.rank!r}, epochs={self.epochs!r})"


def _count(coefs: list[NDArray[Any]]) -> int:
    return sum(coef.size for coef in coefs)


def _pays(coef: NDArray[Any], rank: int, n_weights: int) -> bool:
    """Whether a layer is no trifle of so many weights, and two in its place have at most half of its own."""
    return bool(coef.size >= _TRIFLE * n_weights and 2 * rank * sum(coef.shape) <= coef.size)


def _onto(
    values: NDArray[np.float64], low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give shift and scale that put each column between two numbers."""
    least, most = values.min(axis=0), values.max(axis=0)
    width = most - least
    scale = np.where(width > 0, (high - low) / np.where(width > 0, width, 1), 1.0)
    return low - least * scale, scale


def _activated(values: NDArray[np.float64], activation: str) -> NDArray[np.float64]:
    """Give what an activation makes of values."""
    if activation == "relu":
        return np.maximum(values, 0)
    if activation == "tanh":
        return np.tanh(values)
    from scipy.special import ndtr  # noqa: PLC0415 - heavy

    product: NDArray[np.float64] = values * ndtr(values)
    return product
