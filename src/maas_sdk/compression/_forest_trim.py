"""Keeps the first trees of a forest, or the first stages of boosting."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._chain import features_of, model_of
from maas_sdk.compression._options import is_share, is_whole
from maas_sdk.compression._trees import family_of, why_not, with_stages
from maas_sdk.errors import ComponentError, InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = ["ForestTrimCompressor"]


class ForestTrimCompressor:
    """The first trees of a forest, or the first stages of boosting, instead of all.

    The trees of a forest are alike, so that any will do; stages of boosting correct those before them, so
    that only the last can go. Size and time shrink with their number.

    Parameters
    ----------
    n_trees : float or int, default=0.5
        Between 0 and 1 the share to keep, rounded up; a whole number that many trees, or stages.
    min_agreement : float or None, default=None
        Keep the fewest instead with which predictions on the training rows agree with those of all: between 0
        and 1, the share of rows with the same label, or for numbers the coefficient of determination. Then
        `n_trees` is the most that is kept, and 1.0 allows all. Rows that the trees were fitted on agree with
        fewer of them than others do.

    Raises
    ------
    InvalidOptionError
        When an option is out of its range.
    """

    def __init__(self, n_trees: float = 0.5, *, min_agreement: float | None = None) -> None:
        if not (is_whole(n_trees, least=1) or is_share(n_trees, whole=True)):
            raise InvalidOptionError(
                f"ForestTrimCompressor(n_trees={n_trees!r}): expected a share between 0 and 1 or a positive "
                f"whole number of trees."
            )
        if not (min_agreement is None or is_share(min_agreement, whole=True)):
            raise InvalidOptionError(
                f"ForestTrimCompressor(min_agreement={min_agreement!r}): expected a share between 0 and 1, "
                f"or None."
            )
        self.n_trees = n_trees
        self.min_agreement = min_agreement
        self.needs_training_data = min_agreement is not None

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model is an ensemble of scikit-learn's trees."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        if (reason := why_not(chain, ("forest", "boosting", "histogram"))) is not None:
            return reason
        model = model_of(chain)
        if self.min_agreement is not None and getattr(model, "n_outputs_", 1) != 1:
            return f"{type(model).__name__} has several outputs; agreement is of one (leave min_agreement)"
        return None

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a copy of `chain` with fewer trees.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X : array-like or None
            Training data, as the chain takes it, where `min_agreement` is given.
        y : object
            Not used: what counts is what the model predicts.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported, or without the training data that `min_agreement` asks for.
        ComponentError
            When the model or a step before it raises.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"forest_trim does not fit this model: {reason}.")
        model = model_of(chain)
        n_stages = len(model._predictors if family_of(model) == "histogram" else model.estimators_)  # noqa: SLF001 - scikit-learn's
        share = is_share(self.n_trees, whole=True)
        kept = min(math.ceil(self.n_trees * n_stages) if share else int(self.n_trees), n_stages)
        if self.min_agreement is not None:
            features = features_of(chain, X, what="forest_trim with min_agreement")
            kept = min(kept, _fewest(model, features, self.min_agreement))
        return with_stages(chain, range(kept))

    def __repr__(self) -> str:
        options = f"n_trees={self.n_trees!r}"
        if self.min_agreement is not None:
            options += f", min_agreement={self.min_agreement!r}"
        return f"{type(self).__name__}({options})"


def _fewest(model: Any, features: Any, min_agreement: float) -> int:
    """Give how many of the first trees, or stages, agree with all of them."""
    number = 0
    try:
        all_of_them = model.predict(features)
        agreement = _same_share if hasattr(model, "classes_") else _determination
        for number, some in enumerate(_staged(model, features), start=1):  # noqa: B007 - the last one is told
            if agreement(all_of_them, some) >= min_agreement:
                break
    except Exception as exc:
        raise ComponentError(f"predictions of {type(model).__name__} failed: {exc}") from exc
    return number


def _staged(model: Any, features: Any) -> Iterator[NDArray[Any]]:
    """Give the predictions of the first tree, of the first two, and so on."""
    if hasattr(model, "staged_predict"):
        yield from model.staged_predict(features)
        return
    from sklearn.utils import check_array  # noqa: PLC0415 - heavy

    rows = check_array(features, dtype=np.float32, accept_sparse="csr", ensure_all_finite="allow-nan")
    total: Any = 0.0
    for number, member in enumerate(model.estimators_, start=1):
        if hasattr(model, "classes_"):
            total = total + member.predict_proba(rows)
            yield model.classes_.take(total.argmax(axis=1))
        else:
            total = total + member.predict(rows)
            yield total / number


def _same_share(whole: NDArray[Any], some: NDArray[Any]) -> float:
    return float(np.mean(whole == some))


def _determination(whole: NDArray[Any], some: NDArray[Any]) -> float:
    spread = float(np.var(whole))
    return 1 - float(np.mean((whole - some) ** 2)) / spread if spread else float(np.array_equal(whole, some))
