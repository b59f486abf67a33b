"""An estimator that repeats known predictions, so that scikit-learn's scorers need not predict again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics._predictions import Predictions

__all__ = ["Replay"]

F = TypeVar("F")


def _has(attribute: str) -> Callable[[F], F]:
    return cast("Callable[[F], F]", available_if(lambda own: getattr(own.predictions, attribute) is not None))


class Replay(BaseEstimator):
    """Repeats what was predicted; its `X` are numbers of rows."""

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions
        if predictions.classes is not None:
            self.classes_ = predictions.classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        kind = self.predictions.kind
        tags.estimator_type = "regressor" if kind == "regression" else "classifier"
        return tags

    def predict(self, rows: NDArray[Any]) -> Any:
        """Give the predictions of these rows."""
        predicted = self.predictions.predicted[rows]
        return predicted.astype(int) if self.predictions.kind == "multilabel" else predicted

    @_has("probabilities")
    def predict_proba(self, rows: NDArray[Any]) -> Any:
        """Give the probabilities of these rows."""
        p = self.predictions
        # Those of float32 sum to 1 less closely than scikit-learn asks.
        given = p.class_probabilities if p.class_probabilities is not None else p.probabilities
        assert given is not None
        return given[rows]

    @_has("scores")
    def decision_function(self, rows: NDArray[Any]) -> Any:
        """Give the decision values of these rows."""
        assert self.predictions.scores is not None
        return self.predictions.scores[rows]
