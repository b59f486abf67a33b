"""A chain of named components as a scikit-learn estimator; it knows no files, keys or releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline as Chain
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from maas_sdk.errors import InvalidOptionError
from maas_sdk.pipeline import _fitting
from maas_sdk.pipeline._components import build_model, build_preprocessors, named
from maas_sdk.pipeline._private import chain_record
from maas_sdk.plugin import PluginRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maas_sdk.interfaces import Checkpoint
    from maas_sdk.learning import PrivacyRecord

__all__ = ["ChainEstimator"]

F = TypeVar("F")

_BY_NAME = ("model", "optimizer")


def _chain_has(method: str) -> Callable[[F], F]:
    """Let a method exist only where the model has it, before and after fitting."""

    def check(estimator: ChainEstimator) -> bool:
        chain = estimator.__dict__.get("chain_")
        # Of a fitted chain its last step is asked: what scikit-learn does there takes longer than predicting.
        getattr(estimator._unfitted() if chain is None else chain.steps[-1][1], method)  # noqa: SLF001 - of this module
        return True

    return cast("Callable[[F], F]", available_if(check))


class ChainEstimator(BaseEstimator):
    """Builds preprocessors and a model from names or objects, fits them and predicts.

    The parameters are those of `Pipeline`, its only user.
    """

    def __init__(
        self,
        model: Any = "logistic_classifier",
        preprocessors: Sequence[Any] = (),
        optimizer: Any = None,
        *,
        registry: PluginRegistry | None = None,
    ) -> None:
        self.model = model
        self.preprocessors = preprocessors
        self.optimizer = optimizer
        self.registry = registry

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the constructor's arguments; with `deep` also ``model__…`` and ``optimizer__…``."""
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep:
            for part in _BY_NAME:
                _, options = named(getattr(self, part)) or ("", {})
                params.update({f"{part}__{key}": value for key, value in options.items()})
        return params

    def set_params(self, **params: Any) -> Self:
        """Set arguments by name; ``model__alpha=…`` reaches the model, given by name or as an object."""
        rest = dict(params)
        for part in _BY_NAME:
            if part in rest:
                setattr(self, part, rest.pop(part))
            by_name = named(getattr(self, part))
            if by_name is None:
                continue
            prefix = f"{part}__"
            options = {
                key.removeprefix(prefix): rest.pop(key) for key in list(rest) if key.startswith(prefix)
            }
            if options:
                setattr(self, part, (by_name[0], by_name[1] | options))
        super().set_params(**rest)
        return self

    def __sklearn_tags__(self) -> Any:
        chain = self._unfitted()
        tags = get_tags(chain)
        tags.input_tags.allow_nan = all(
            hasattr(step, "__sklearn_tags__") and get_tags(step).input_tags.allow_nan
            for _, step in chain.steps
        )
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "chain_")

    def _sk_visual_block_(self) -> Any:
        chain = self.__dict__.get("chain_")
        return (chain if chain is not None else self._unfitted())._sk_visual_block_()

    @property
    def classes_(self) -> Any:
        """Labels of a fitted classifier, shape (n_classes,)."""
        check_is_fitted(self)
        return self.chain_.classes_

    @property
    def privacy_(self) -> PrivacyRecord:
        """What training has cost in privacy, preprocessors included; where the model was trained privately.

        See :class:`maas_sdk.learning.DPAdam`. Steps that were fitted to the data leave no ε, unless its
        option `public` names them.
        """
        check_is_fitted(self)
        return chain_record(self.chain_, changed="_compression" in self.__dict__)

    def fit(
        self, X: Any, y: Any = None, *, sample_weight: Any = None, checkpoint: Checkpoint | None = None
    ) -> Self:
        """Fit the preprocessors and the model.

        When it fails or is interrupted, the pipeline is what it was before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or data in batches
            Training data; whatever the first step takes (arrays, sparse matrices, frames). What
            :meth:`maas_sdk.learning.Batches.of` takes, such as a large ``numpy.memmap``, a Parquet file or an
            iterator of batches, is read batch by batch, in bounded memory: then preprocessors must have
            `partial_fit`, and the model an attribute `takes_batches` that is true.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), str or list of str, optional
            Targets; of tables in batches the names of their columns.
        sample_weight : array-like of shape (n_samples,), optional
            Weights, for the model and those preprocessors that take them.
        checkpoint : Checkpoint, optional
            Where a model of :mod:`maas_sdk.learning` leaves what it needs to go on after a kill, such as
            ``maas.open_checkpoints("runs/").at("digits")``: call `fit` again with the same arguments.

        Raises
        ------
        InvalidOptionError
            When a component or one of its options is wrong, or the model takes no weights, no checkpoint or
            no batches.
        UnknownComponentError
            For a name that no component has.
        CheckpointError
            When the checkpoint is damaged or of another training.
        ValueError
            scikit-learn's own, for data of the wrong shape or dtype, NaN where the model takes none, …
        """
        from maas_sdk.learning import Batches  # noqa: PLC0415 - a receiver needs no learning room

        steps = self._steps()
        in_batches = Batches.takes(X)
        if in_batches:
            X, y, sample_weight = Batches.of(X, y, sample_weight), None, None
        chain = _fitting.fit_steps(
            steps,
            X,
            y,
            sample_weight=sample_weight,
            checkpoint=checkpoint,
            in_batches=in_batches,
            registry=self._host(),
        )
        validate_data(self, X.first()[0] if in_batches else X, skip_check_array=True)
        self.chain_ = chain
        self._components = {step.name: step.component for step in steps}
        self._facts = _fitting.describe_batches(X) if in_batches else _fitting.describe(X, y)
        for stale in ("selftest_", "_compression", "_made_of", "_predictor"):
            self.__dict__.pop(stale, None)
        return self

    def _predict_with(self, method: str, X: Any) -> Any:
        self._check_input(X)
        with self._host().step(method):
            return _fitting.run(self.chain_, method, X, self.__dict__.get("_components", {}))

    @_chain_has("predict")
    def predict(self, X: Any) -> Any:
        """Predict labels or values, shape (n_samples,) or (n_samples, n_outputs)."""
        return self._predict_with("predict", X)

    @_chain_has("predict_proba")
    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities, shape (n_samples, n_classes)."""
        return self._predict_with("predict_proba", X)

    @_chain_has("predict_log_proba")
    def predict_log_proba(self, X: Any) -> Any:
        """Predict logarithms of probabilities, shape (n_samples, n_classes)."""
        return self._predict_with("predict_log_proba", X)

    @_chain_has("decision_function")
    def decision_function(self, X: Any) -> Any:
        """Compute decision values, shape (n_samples,) or (n_samples, n_classes)."""
        return self._predict_with("decision_function", X)

    @_chain_has("transform")
    def transform(self, X: Any) -> Any:
        """Transform by the whole chain, where its last step is a transformer."""
        return self._predict_with("transform", X)

    @_chain_has("score")
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Score as the model itself does: accuracy of a classifier, R² of a regressor."""
        self._check_input(X)
        return float(self.chain_.score(X, y, sample_weight=sample_weight))

    def _host(self) -> PluginRegistry:
        if self.registry is not None:
            if not isinstance(self.registry, PluginRegistry):
                raise InvalidOptionError(f"registry must be a PluginRegistry, not {self.registry!r}")
            return self.registry
        own: PluginRegistry = self.__dict__.setdefault("_registry", PluginRegistry())
        return own

    def _check_input(self, X: Any) -> None:
        """Check names and number of features, where the first step does not do it itself."""
        if "chain_" not in self.__dict__:
            check_is_fitted(self)  # asks for tags, for which the whole chain would be built
        if not hasattr(self.chain_.steps[0][1], "n_features_in_"):
            validate_data(self, X, reset=False, skip_check_array=True)

    def _steps(self) -> list[Any]:
        host = self._host()
        return [*build_preprocessors(self.preprocessors, host), build_model(self.model, self.optimizer, host)]

    def _unfitted(self) -> Chain:
        return Chain([(step.name, step.estimator) for step in self._steps()])
