"""Makes most weights of a network zero, a few more after each epoch, and trains the others on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.compression._chain import model_of, with_model
from maas_sdk.compression._options import check_seed, is_share
from maas_sdk.compression._tuning import (
    averaged_epochs,
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

    from maas_sdk.compression._tuning import Layers
    from maas_sdk.interfaces import Optimizer

__all__ = ["PruneCompressor"]


class PruneCompressor:
    r"""Gradual magnitude pruning of networks: small weights become zero and are stored in a bit each.

    After a share :math:`t` of the pruning epochs a share :math:`s (1 - (1 - t)^3)` of all weights is zero,
    the cubic schedule of Zhu and Gupta: much at first, where there is much to spare, and little in the end.
    Between, the optimizer trains the others on the training data; a weight that is zero may be one of those
    that are chosen again, and never moves. In the last third of the epochs nothing more is dropped, and the
    result is the mean of the weights after each of these.

    Which weights: those of least magnitude in each layer, and of each layer so many that the square of the
    weight, over the sum of squares of those that are no smaller, is least over all layers (LAMP): no layer
    is emptied, and a layer's scale does not matter.

    It takes :class:`~sklearn.neural_network.MLPClassifier` and its regressor, scikit-learn's and the SDK's,
    with the activations relu, tanh and gelu. What is stored is small at once, and smaller with
    :class:`Int8Compressor` behind it; predictions take as long as before.

    Parameters
    ----------
    sparsity : float, default=0.9
        Share of the weights that become zero, between 0 and 1.
    epochs : int or None
        Passes over the training data, at least 1: two thirds while weights are dropped. None for ten, and
        for few rows as many as make four hundred steps, up to a hundred.
    optimizer : Optimizer or None
        What trains; None for the model's own, or Adam for scikit-learn's networks.
    random_state : int, default=0
        Seeds the order of the rows.

    Raises
    ------
    InvalidOptionError
        When an option is out of its range.

    References
    ----------
    M. Zhu, S. Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression",
    ICLR workshop 2018, arXiv:1710.01878. J. Lee et al., "Layer-adaptive sparsity for the magnitude-based
    pruning", ICLR 2021, arXiv:2010.07611.
    """

    needs_training_data = True

    def __init__(
        self,
        sparsity: float = 0.9,
        *,
        epochs: int | None = None,
        optimizer: Optimizer | None = None,
        random_state: int = 0,
    ) -> None:
        if not is_share(sparsity):
            raise InvalidOptionError(
                f"PruneCompressor(sparsity={sparsity!r}): expected a share of the weights between 0 and 1."
            )
        check_epochs(self, epochs, least=1)
        check_optimizer(self, optimizer)
        check_seed(self, random_state)
        self.sparsity = sparsity
        self.epochs = epochs
        self.optimizer = optimizer
        self.random_state = random_state

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model is a network that the SDK can train on."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        return why_not(chain)

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:
        """Give a copy of `chain` most of whose weights are zero.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X, y : array-like
            Training data, as the chain takes it.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported, without training data, or when training diverges.
        ComponentError
            When a step before the model raises, or the data do not fit the model.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"prune does not fit this model: {reason}.")
        model = model_of(chain)
        try:
            rows = training_rows(chain, X, y, what="prune")
            epochs = self.epochs or enough_epochs(model, len(rows), self.optimizer)
            layers = tuned(
                model,
                layers_of(model),
                rows,
                y,
                epochs=epochs,
                optimizer=self.optimizer,
                seed=self.random_state,
                dropped=_Schedule(self.sparsity, epochs - averaged_epochs(epochs) + 1),
            )
        except MaasError:
            raise
        except Exception as exc:
            raise ComponentError(f"prune of {type(model).__name__} failed: {exc}") from exc
        return with_model(chain, with_layers(model, layers))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sparsity={self.sparsity!r}, epochs={self.epochs!r})"


@frozen
class _Schedule:
    """Which weights are zero from an epoch on.

    Attributes
    ----------
    sparsity : float
        In the end.
    epochs : int
        In how many it is reached.
    """

    sparsity: float
    epochs: int

    def __call__(self, epoch: int, layers: Layers) -> NDArray[np.bool_]:
        passed = min((epoch + 1) / self.epochs, 1.0)
        scores = np.concatenate([_scores(coef.ravel()) for coef in layers.coefs])
        n_dropped = int(self.sparsity * (1 - (1 - passed) ** 3) * scores.size)
        dropped = np.zeros(scores.size, np.bool_)
        dropped[np.argsort(scores, kind="stable")[:n_dropped]] = True
        return dropped


def _scores(weights: NDArray[Any]) -> NDArray[np.float64]:
    """Give of each weight of a layer its square over the sum of those that are no smaller."""
    squares = weights.astype(np.float64) ** 2
    order = np.argsort(squares, kind="stable")
    ascending = squares[order]
    above = np.cumsum(ascending[::-1])[::-1]
    scores = np.empty_like(squares)
    scores[order] = np.divide(ascending, above, out=np.zeros_like(above), where=above > 0)
    return scores
