"""A masked model as the holder of the key asks it: names are masked going in, labels restored coming out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from sklearn.utils.metaestimators import available_if

from maas_sdk.privacy._masking import label_names
from maas_sdk.privacy._steps import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.privacy._mask import Mask

__all__ = ["KeyedPipeline"]

F = TypeVar("F")


def _if_masked_has(method: str) -> Callable[[F], F]:
    """Let a method exist where the masked model has it."""
    return cast("Callable[[F], F]", available_if(lambda view: hasattr(view.masked, method)))


class KeyedPipeline:
    """Asks a masked model under the old names; `Mask.pipeline` makes it.

    Parameters
    ----------
    mask : Mask
        The key.
    masked : Pipeline or fitted estimator
        The masked model.
    original : Pipeline or fitted estimator
        The fitted model that it was made of.

    Attributes
    ----------
    masked : Pipeline or fitted estimator
        The masked model.
    """

    def __init__(self, mask: Mask, masked: Any, original: Any) -> None:
        self.masked = masked
        self._mask = mask
        steps = steps_of(original)
        self._classes = label_names(steps)
        first = steps[0][1]
        kinds = {cls.__name__ for cls in type(first).__mro__}
        self._analyze = first.build_analyzer() if "CountVectorizer" in kinds else None
        self._separator = first.separator if "DictVectorizer" in kinds else None
        self._seen: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"KeyedPipeline({self.masked!r})"

    @_if_masked_has("predict")
    def predict(self, X: Any) -> Any:
        """Predict the old labels, or values."""
        predicted = self.masked.predict(self.masked_input(X))
        if self._classes and np.asarray(predicted).dtype.kind in "OU":
            return self._mask.restore(predicted, classes=self._classes)
        return predicted

    @_if_masked_has("predict_proba")
    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities; columns stand in the order of the old classes."""
        return self.masked.predict_proba(self.masked_input(X))

    @_if_masked_has("decision_function")
    def decision_function(self, X: Any) -> Any:
        """Compute decision values."""
        return self.masked.decision_function(self.masked_input(X))

    @_if_masked_has("score_samples")
    def score_samples(self, X: Any) -> Any:
        """Score rows, as densities and detectors of outliers do."""
        return self.masked.score_samples(self.masked_input(X))

    @_if_masked_has("transform")
    def transform(self, X: Any) -> Any:
        """Transform; columns that have names have masked ones."""
        return self.masked.transform(self.masked_input(X))

    def masked_input(self, X: Any) -> Any:
        """Mask what goes in: names of columns, texts in cells, words; numbers are left alone."""
        if self._analyze is not None:
            return [" ".join(self._mask.words(self._analyze(text))) for text in X]
        if self._separator is not None:
            return [self._masked_record(record) for record in X]
        if hasattr(X, "iloc"):
            return self._masked_pandas(X)
        if hasattr(X, "with_columns"):
            return self._masked_polars(X)
        cells = np.asarray(X) if isinstance(X, (list, tuple)) else X
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "OU":
            masked = [self._cell(item) for item in cells.ravel().tolist()]
            made = np.empty(len(masked), dtype=object)
            made[:] = masked
            return made.reshape(cells.shape)
        return X

    def _cell(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in self._seen:
            self._seen[value] = self._mask.values([value])[0]
        return self._seen[value]

    def _masked_pandas(self, X: Any) -> Any:
        masked = X.copy(deep=False)
        for place, name in enumerate(X.columns):
            column = X.iloc[:, place]
            if hasattr(column, "cat"):
                masked[name] = column.cat.rename_categories(self._cell)
            elif column.dtype.kind not in "biufcmM":
                masked[name] = column.map(self._cell)
        masked.columns = self._mask.columns(map(str, X.columns))
        return masked

    def _masked_polars(self, X: Any) -> Any:
        for name in X.columns:
            column = X[name]
            if not column.dtype.is_numeric():
                X = X.with_columns(type(column)(name, [self._cell(item) for item in column.to_list()]))
        return X.rename(dict(zip(X.columns, self._mask.columns(X.columns), strict=True)))

    def _masked_record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in record.items():
            if isinstance(value, str):
                found[self._mask.words([f"{key}{self._separator}{value}"])[0]] = 1
            elif isinstance(value, (list, tuple, set, frozenset)):
                for item in value:
                    word = self._mask.words([f"{key}{self._separator}{item}"])[0]
                    found[word] = found.get(word, 0) + 1
            else:
                found[self._mask.words([key])[0]] = value
        return found
