"""Drops the inputs that the model uses least, and refits the model on the others."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._chain import NO_CHAIN, features_of, free_name, model_of, refit, state_of
from maas_sdk.compression._options import check_seed, is_share, is_whole
from maas_sdk.errors import ComponentError, InvalidOptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = ["FeatureSelectionCompressor"]

_MOST_ROWS, _REPEATS = 1000, 5  # of a measurement by permutation


class FeatureSelectionCompressor:
    """Fewer inputs: those that the model uses most, and a model that is fitted anew on them.

    The training data goes through the chain's preprocessing as it is; what the model makes of each of its
    inputs is measured; a step that selects the best, and a clone of the model fitted on these, follow the
    preprocessing. The new chain takes the same input as the old one.

    An input's importance is, whichever the model has first: its `feature_importances_`; the weights that
    `coef_`, or the first layer of `coefs_`, gives the input, times the input's standard deviation; else by
    how much the model's score drops when the input's values are shuffled among the rows.

    Parameters
    ----------
    n_features : float, int or None, default=0.5
        Between 0 and 1 the share of the inputs to keep, rounded up; a whole number that many.
    importance : float or None, default=None
        Keep instead the fewest inputs that have this share of all importance, between 0 and 1; `n_features`
        is then the most that is kept, and None allows all.
    random_state : int, default=0
        Seeds the shuffling, and each `random_state` of the model that is None, during the refit only: the
        same data gives the same chain.

    Raises
    ------
    InvalidOptionError
        When an option is out of its range, or both are None.
    """

    needs_training_data = True

    def __init__(
        self,
        n_features: float | None = 0.5,
        *,
        importance: float | None = None,
        random_state: int = 0,
    ) -> None:
        if not (n_features is None or is_whole(n_features, least=1) or is_share(n_features)):
            raise InvalidOptionError(
                f"FeatureSelectionCompressor(n_features={n_features!r}): expected a share between 0 and 1 "
                f"or a positive whole number."
            )
        if not (importance is None or is_share(importance)):
            raise InvalidOptionError(
                f"FeatureSelectionCompressor(importance={importance!r}): expected a share between 0 and 1."
            )
        if n_features is None and importance is None:
            raise InvalidOptionError("FeatureSelectionCompressor: give n_features, importance or both.")
        check_seed(self, random_state)
        self.n_features = n_features
        self.importance = importance
        self.random_state = random_state

    def supports(self, chain: Any) -> bool:
        """Whether the chain ends in a model that can be fitted anew on fewer inputs."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        if not getattr(chain, "steps", None):
            return NO_CHAIN
        model = model_of(chain)
        if not all(callable(getattr(model, name, None)) for name in ("fit", "predict", "get_params")):
            return f"{type(model).__name__} cannot be fitted anew: it needs fit, predict and get_params"
        n_inputs = getattr(model, "n_features_in_", None)
        if not is_whole(n_inputs, least=1):
            return f"{type(model).__name__} does not say how many inputs it has (is it fitted?)"
        return f"{type(model).__name__} has one input alone" if n_inputs == 1 else None

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:
        """Give preprocessing, selection and a refitted clone of the model.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X : array-like of shape (n_samples, n_features)
            Training data, as the chain takes it.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What the model learns.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted; takes the same input as `chain`.

        Raises
        ------
        InvalidOptionError
            Without training data, or when the chain is not supported.
        ComponentError
            When preprocessing, the measurement or the model raises.
        """
        from sklearn.compose import ColumnTransformer  # noqa: PLC0415 - heavy
        from sklearn.pipeline import Pipeline as SklearnPipeline  # noqa: PLC0415 - heavy

        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"feature_selection does not fit this model: {reason}.")
        features = features_of(chain, X, what="feature_selection")
        features = np.asarray(features) if isinstance(features, list) else features
        *preprocessing, (name, model) = chain.steps
        try:
            kept = self._chosen(self._importances(model, features, y))
            selection = ColumnTransformer([("kept", "passthrough", kept)], verbose_feature_names_out=False)
            selected = selection.fit_transform(features)
            refitted = refit(model, selected, y, seed=self.random_state)
        except Exception as exc:
            raise ComponentError(
                f"feature_selection and refit of {type(model).__name__} failed: {exc}"
            ) from exc
        # Deep copies, so that fitting one chain again leaves the other as it is.
        steps = [*copy.deepcopy(preprocessing), (free_name(chain.steps, "selection"), selection)]
        return SklearnPipeline([*steps, (name, refitted)])

    def _importances(self, model: Any, features: Any, y: Any) -> NDArray[np.float64]:
        given = getattr(model, "feature_importances_", None)
        if given is not None:
            return np.asarray(given, np.float64)
        weights = _weights_of_inputs(state_of(model))
        if weights is not None:
            return weights * _deviations(features)
        from sklearn.inspection import permutation_importance  # noqa: PLC0415 - heavy

        result = permutation_importance(
            model,
            features,
            y,
            n_repeats=_REPEATS,
            random_state=self.random_state,
            max_samples=min(_MOST_ROWS, features.shape[0]),
        )
        return np.asarray(result.importances_mean).clip(min=0.0)

    def _chosen(self, importances: NDArray[np.float64]) -> list[int]:
        """Give the most important inputs, in the order in which they stand; of equal ones the first."""
        order = np.argsort(-importances, kind="stable")
        most = order.size
        if self.n_features is not None:
            share = is_share(self.n_features)
            most = math.ceil(self.n_features * order.size) if share else int(self.n_features)
        if self.importance is not None:
            reached = np.cumsum(importances[order]) >= self.importance * importances.sum() * (1 - 1e-12)
            most = min(most, int(np.argmax(reached)) + 1)
        return sorted(order[:most].tolist())

    def __repr__(self) -> str:
        options = f"n_features={self.n_features!r}"
        if self.importance is not None:
            options += f", importance={self.importance!r}"
        return f"{type(self).__name__}({options})"


def _weights_of_inputs(state: dict[str, Any]) -> NDArray[np.float64] | None:
    """Give how large the weights are that a linear model or a network gives each input."""
    if isinstance(state.get("coef_"), np.ndarray):
        return np.asarray(np.sqrt(np.square(np.atleast_2d(state["coef_"]), dtype=np.float64).sum(axis=0)))
    if state.get("coefs_"):
        return np.asarray(np.sqrt(np.square(state["coefs_"][0], dtype=np.float64).sum(axis=1)))
    return None


def _deviations(features: Any) -> NDArray[np.float64]:
    if hasattr(features, "toarray"):
        from sklearn.utils.sparsefuncs import mean_variance_axis  # noqa: PLC0415 - heavy

        return np.asarray(np.sqrt(mean_variance_axis(features.tocsr(), axis=0)[1]))
    return np.asarray(np.asarray(features, np.float64).std(axis=0))
