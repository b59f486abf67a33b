"""The honest baseline: a smaller model that learns from the labels, which compression has to beat."""

from __future__ import annotations

import copy
from typing import Any, Literal, get_args

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from maas_sdk.compression._chain import NO_CHAIN, features_of, free_name, model_of, refit, state_of
from maas_sdk.compression._options import check_seed, is_share, is_whole
from maas_sdk.errors import InvalidOptionError

__all__ = ["BaselineCompressor"]

Kind = Literal["linear", "smaller"]


class BaselineCompressor:
    """A smaller model in place of the fitted one, fitted on the labels as anybody would have done at first.

    A compressed model that is no better than this was not worth compressing.

    Parameters
    ----------
    kind : {"linear", "smaller"}, default="linear"
        ``"linear"`` takes scikit-learn's `LogisticRegression` or `Ridge` behind a `StandardScaler`.
        ``"smaller"`` takes the same model with a share of its units in each hidden layer
        (`hidden_layer_sizes`), or of its trees (`n_estimators`, and `max_iter` of histogram-based boosting).
    share : float, default=0.25
        Which share.
    random_state : int, default=0
        Of a model that has no seed itself.

    Raises
    ------
    InvalidOptionError
        When an option is wrong.
    """

    needs_training_data = True

    def __init__(self, kind: Kind = "linear", *, share: float = 0.25, random_state: int = 0) -> None:
        if kind not in get_args(Kind):
            raise InvalidOptionError(f"BaselineCompressor(kind={kind!r}): expected 'linear' or 'smaller'.")
        if not is_share(share):
            raise InvalidOptionError(
                f"BaselineCompressor(share={share!r}): expected a share between 0 and 1."
            )
        check_seed(self, random_state)
        self.kind = kind
        self.share = share
        self.random_state = random_state

    def supports(self, chain: Any) -> bool:
        """Whether there is a smaller model of that kind for the chain's."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        model = model_of(chain)
        if not hasattr(model, "get_params") or isinstance(model, type) or not _is_fitted(model):
            return NO_CHAIN
        name = type(model).__name__
        if not (is_classifier(model) or is_regressor(model)):
            return f"{name} is neither a classifier nor a regressor"
        if self.kind == "linear":
            return f"{name} is linear already" if "coef_" in state_of(model) else None
        return (
            None if _smaller(model, self.share) else f"{name} has no number of units or trees to make smaller"
        )

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:
        """Fit the smaller model behind the chain's own preprocessing.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X, y : array-like
            Training data.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported, or there is no training data.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"{self!r} does not fit this model: {reason}.")
        features = features_of(chain, X, what="BaselineCompressor")
        *before, (name, model) = copy.deepcopy(chain.steps)
        if self.kind == "smaller":
            small = [(name, clone(model).set_params(**_smaller(model, self.share)))]
        else:
            small = [*_scaler(before, features), (name, _linear_like(model))]
        fitted = refit(Pipeline(small), features, y, seed=self.random_state)
        return Pipeline([*before, *fitted.steps])

    def __repr__(self) -> str:
        share = f", share={self.share!r}" if self.kind == "smaller" else ""
        return f"{type(self).__name__}({self.kind!r}{share})"


def _smaller(model: Any, share: float) -> dict[str, Any]:
    """Give the options that make a model of its class smaller; none where there are none."""
    options = model.get_params(deep=False)
    if "hidden_layer_sizes" in options:
        sizes = np.atleast_1d(options["hidden_layer_sizes"]).tolist()
        return {"hidden_layer_sizes": tuple(max(1, round(share * size)) for size in sizes)}
    # Of a linear model, max_iter is how long it learns.
    counts = {"n_estimators"} | ({"max_iter"} if "max_leaf_nodes" in options else set())
    return {
        name: max(1, round(share * options[name]))
        for name in sorted(counts & options.keys())
        if is_whole(options[name], least=2)
    }


def _scaler(before: list[tuple[str, Any]], features: Any) -> list[tuple[str, Any]]:
    if any(type(step).__name__ == "StandardScaler" for _name, step in before):
        return []
    return [(free_name(before, "scaler"), StandardScaler(with_mean=not issparse(features)))]


def _linear_like(model: Any) -> Any:
    return LogisticRegression(max_iter=1000) if is_classifier(model) else Ridge()


def _is_fitted(model: Any) -> bool:
    try:
        check_is_fitted(model)
    except (NotFittedError, TypeError):
        return False
    return True
