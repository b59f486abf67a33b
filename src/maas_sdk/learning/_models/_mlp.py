"""What both multi-layer perceptrons share: options, training, raw output.

Prediction needs, besides the constructor's arguments: `coefs_`, `intercepts_`, `n_features_in_`,
`feature_names_in_` where there was one, `n_outputs_`, and `classes_` (classifier). All other fitted
attributes only tell how the training went.
"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from sklearn.utils.validation import check_is_fitted

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._loop._training import TrainingOptions, train
from maas_sdk.learning._models._estimator import Trained, check_checkpoint
from maas_sdk.learning._models._intake import answer_in_chunks, look_through, take_in
from maas_sdk.learning._models._targets import Labels
from maas_sdk.learning._nets._network import ACTIVATIONS, Network, Workspace, forward
from maas_sdk.learning._optimizers import Adam
from maas_sdk.learning._options import check_boolean, check_choice, check_integer, check_real
from maas_sdk.learning._private import ClippingWorkspace, check_private, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Checkpoint, Optimizer
    from maas_sdk.learning._loop._training import TrainingResult
    from maas_sdk.learning._models._targets import Targets
    from maas_sdk.learning._nets._losses import Loss
    from maas_sdk.learning._sources import Source

__all__ = ["MLP"]


class MLP(Trained):
    """Options and training of both perceptrons."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        *,
        activation: str = "relu",
        optimizer: Optimizer | None = None,
        alpha: float = 1e-4,
        dropout: float = 0.0,
        batch_size: int | None = None,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        callback: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.alpha = alpha
        self.dropout = dropout
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.dtype = dtype
        self.random_state = random_state
        self.callback = callback

    def _options(self, *, partial: bool) -> TrainingOptions:
        """Check all options; give those of the training."""
        self._hidden_sizes()
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("dtype", self.dtype, ("float32", "float64"))
        check_real("alpha", self.alpha, minimum=0)
        check_real("dropout", self.dropout, minimum=0, below=1)
        check_boolean("early_stopping", self.early_stopping)
        check_boolean("warm_start", self.warm_start)
        check_real("validation_fraction", self.validation_fraction, above=0, below=1)
        options = TrainingOptions(
            optimizer=Adam() if self.optimizer is None else self.optimizer,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            callback=self.callback,
        )
        if options.privacy and self.early_stopping:
            raise InvalidOptionError(
                "early_stopping decides by rows without noise, which private training cannot: set "
                "early_stopping=False, and choose max_iter on other data"
            )
        if not partial:
            return options
        if self.early_stopping:
            raise InvalidOptionError(
                "partial_fit learns from every row and holds none out: set early_stopping=False"
            )
        return attrs.evolve(options, max_iter=1, warn_unsettled=False)

    def _hidden_sizes(self) -> tuple[int, ...]:
        given: Any = self.hidden_layer_sizes
        sizes = (given,) if isinstance(given, Integral) else given
        try:
            return tuple(check_integer("each of hidden_layer_sizes", size, minimum=1) for size in sizes)
        except TypeError as exc:
            raise InvalidOptionError(
                f"hidden_layer_sizes must be an integer or a sequence of integers, not {sizes!r}"
            ) from exc

    def _loss(self, targets: Targets) -> Loss:
        """Give the loss."""
        raise NotImplementedError

    def _score(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        weight: NDArray[np.floating] | None,
        loss: Loss,
    ) -> float:
        """Give the sum of the scores of rows that were held out, each times its weight."""
        raise NotImplementedError

    def _learn(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        targets: Targets,
        checkpoint: Checkpoint | None,
        partial: bool,
    ) -> None:
        """Train and set the fitted attributes that both perceptrons have.

        Parameters
        ----------
        targets : Targets
        partial : bool
            Whether to take one pass, and go on from what was learned before.
        """
        options = self._options(partial=partial)
        check_checkpoint(checkpoint)
        check_private(options.privacy, X, sample_weight, checkpoint)
        fitted = hasattr(self, "coefs_")
        read = () if targets.known else (targets.read,)
        source = self._take(X, y, sample_weight, targets, options, reset=not (partial and fitted))
        loss = self._loss(targets)
        rng = self._random(partial=partial)
        network = Network((source.n_features, *self._hidden_sizes(), targets.n_outputs), self.activation)
        validate = None
        if self.early_stopping:
            stratify = isinstance(targets, Labels)
            source, held_out = source.split(self.validation_fraction, rng, stratify=stratify)
            validate = self._validation(network, held_out, loss)
        goes_on = fitted and (partial or self.warm_start)
        if goes_on:
            params = self._parameters_again(network, targets)
            start = self._start(options.optimizer, params, chosen=self.optimizer is not None)
        else:
            params, start = network.random_parameters(rng, self.dtype), None
        workspace = (ClippingWorkspace if options.privacy else Workspace)(
            network,
            loss,
            params,
            max_rows=source.max_rows,
            alpha=self.alpha,
            dropout=self.dropout,
            # Drawn where it is needed, so that it changes nothing of what is drawn without.
            dropout_rng=np.random.default_rng(rng.randint(2**31)) if self.dropout else None,
        )
        result = train(
            workspace,
            source,
            options=options,
            rng=rng,
            validate=validate,
            start=start,
            checkpoint=checkpoint,
            fingerprint=self._fingerprint(),
            read=read,
            reasons=why_not(loss, goes_on=goes_on),
        )
        self._keep_layers(network, result, targets)
        self._keep_history(
            result,
            {"target_center": targets.center, "target_scale": targets.scale},
            rng,
            appends=partial and fitted,
            keeps=partial or self.warm_start,
        )

    def _take(
        self, X: Any, y: Any, sample_weight: Any, targets: Targets, options: TrainingOptions, *, reset: bool
    ) -> Source:
        """Check the data, learn what there is to know of the targets, and give a source with them encoded."""
        source = take_in(
            self,
            X,
            y,
            sample_weight,
            dtype=self.dtype,
            batch_rows=options.batch_rows,
            labels=isinstance(targets, Labels),
            reset=reset,
            merge=not (self.early_stopping or self.dropout or options.privacy),
        ).source
        if not targets.known:
            look_through(source, lambda _, target, weight: targets.see(target, weight))
        return source.encoded(targets.encode)

    def _keep_layers(self, network: Network, result: TrainingResult, targets: Targets) -> None:
        """Set the layers, with the scale of the targets in the last one."""
        self.coefs_, self.intercepts_ = network.views(result.params)
        self.coefs_[-1] *= targets.scale
        self.intercepts_[-1] *= targets.scale
        self.intercepts_[-1] += targets.center
        self.n_outputs_ = targets.n_outputs
        self.validation_scores_ = result.validation_scores

    def _validation(
        self, network: Network, held_out: Source, loss: Loss
    ) -> Callable[[NDArray[np.floating]], float]:
        def validate(params: NDArray[np.floating]) -> float:
            total, n_rows = 0.0, 0
            for X, target, weight in held_out.epoch(None):
                raw = forward(X, *network.views(params), self.activation)
                total += self._score(raw, target, weight, loss)
                n_rows += len(X)
            return total / n_rows

        return validate

    def _parameters_again(self, network: Network, targets: Targets) -> NDArray[np.floating]:
        """Give the fitted parameters in the scale of the targets: a copy to train on.

        Raises
        ------
        InvalidOptionError
            If the data or the options ask for another network.
        """
        params = np.empty(network.n_parameters, self.dtype)
        weights, biases = network.views(params)
        fitted = [coef.shape for coef in self.coefs_]
        if fitted != [weight.shape for weight in weights] or self.coefs_[0].dtype != self.dtype:
            raise InvalidOptionError(
                f"training cannot go on: the model has layers of the shapes {fitted} and "
                f"{self.coefs_[0].dtype}, now they would be {[weight.shape for weight in weights]} and "
                f"{self.dtype}. Set warm_start=False and call fit to begin anew"
            )
        for mine, before in zip([*weights, *biases], [*self.coefs_, *self.intercepts_], strict=True):
            mine[:] = before
        # In float64, for what is large and cancels.
        weights[-1][:] = self.coefs_[-1] / targets.scale
        biases[-1][:] = (self.intercepts_[-1] - targets.center) / targets.scale
        return params

    def _raw(self, X: Any) -> NDArray[np.floating]:
        """Give the raw output for data from outside."""
        check_is_fitted(self)

        def answer(rows: NDArray[np.floating]) -> NDArray[np.floating]:
            return forward(rows, self.coefs_, self.intercepts_, self.activation)

        width = max(max(coef.shape) for coef in self.coefs_)
        return answer_in_chunks(self, X, answer, dtype=self.coefs_[0].dtype, width=width)
