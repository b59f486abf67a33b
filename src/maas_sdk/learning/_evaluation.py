"""How good a fitted estimator is on data: metrics, confusion and a table by class, as one value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.learning._metrics import measure, predictions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import Predictions

__all__ = ["ClassMetrics", "Evaluation", "evaluate"]

_MOST_PRINTED_CLASSES = 20


@frozen
class ClassMetrics:
    """How good predictions are for one class.

    Attributes
    ----------
    label : object
        A Python string, integer, float or boolean.
    precision, recall, f1 : float
        0 where there is nothing to divide by.
    support : int
        Samples whose true class it is.
    """

    label: Any
    precision: float
    recall: float
    f1: float
    support: int


@frozen(kw_only=True)
class Evaluation:
    """What :func:`evaluate` found. ``str()`` gives a table; a notebook shows one too.

    Attributes
    ----------
    kind : str
        ``"classification"`` or ``"regression"``.
    n_samples : int
    metrics : mapping of str to float
        For classes ``accuracy``, ``balanced_accuracy``, ``f1_macro``, ``precision_macro``, ``recall_macro``,
        ``log_loss``, ``roc_auc``; for values ``mse``, ``rmse``, ``mae``, ``r2``. What has no value here is
        left out: ``log_loss`` and ``roc_auc`` need `predict_proba` and no unknown class in `y`, ``roc_auc``
        each class in `y`, ``r2`` two samples.
    labels : tuple
        Classes that the model knows or that occur, sorted; empty for values.
    confusion : ndarray of shape (n_labels, n_labels) or None
        How many samples of the row's class were predicted as the column's; None for values.
    per_class : tuple of ClassMetrics
        In the order of `labels`.
    """

    kind: str
    n_samples: int
    metrics: Mapping[str, float]
    labels: tuple[Any, ...] = ()
    confusion: NDArray[np.intp] | None = field(default=None, eq=cmp_using(eq=np.array_equal))
    per_class: tuple[ClassMetrics, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give plain data: mappings, lists, strings and numbers."""
        plain: dict[str, Any] = {
            "kind": self.kind,
            "n_samples": self.n_samples,
            "metrics": dict(self.metrics),
        }
        if self.confusion is not None:
            plain["labels"] = list(self.labels)
            plain["confusion"] = self.confusion.tolist()
            plain["per_class"] = [
                {
                    "label": c.label,
                    "precision": c.precision,
                    "recall": c.recall,
                    "f1": c.f1,
                    "support": c.support,
                }
                for c in self.per_class
            ]
        return plain

    def _tables(self) -> list[tuple[str, list[list[str]]]]:
        """Give title and rows of each table worth printing."""
        title = f"Evaluation on {self.n_samples} samples"
        tables = [(title, [["metric", "value"], *([k, _number(v)] for k, v in self.metrics.items())])]
        if self.confusion is None:
            return tables
        rows = [
            [str(c.label), _number(c.precision), _number(c.recall), _number(c.f1), str(c.support)]
            for c in self.per_class
        ]
        tables.append(("By class", [["class", "precision", "recall", "f1", "support"], *rows]))
        if len(self.labels) <= _MOST_PRINTED_CLASSES:
            head = ["true \\ predicted", *map(str, self.labels)]
            rows = [
                [str(label), *map(str, row)] for label, row in zip(self.labels, self.confusion, strict=True)
            ]
            tables.append(("Confusion", [head, *rows]))
        return tables

    def __str__(self) -> str:
        return "\n\n".join(
            f"{title}\n{text_table(rows[0], rows[1:], right=range(1, len(rows[0])))}"
            for title, rows in self._tables()
        )

    def _repr_html_(self) -> str:
        return "\n".join(
            html_table(rows[0], rows[1:], right=range(1, len(rows[0])), caption=title)
            for title, rows in self._tables()
        )


def _number(value: float) -> str:
    """Four digits after the point, or four significant ones where that would not show them."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4g}"  # noqa: PLR2004 - see above


def _by_class(p: Predictions) -> dict[str, Any]:
    known = [] if p.classes is None else [p.classes]
    labels = np.unique(np.concatenate([p.truth, p.predicted, *known]))
    confusion = confusion_matrix(p.truth, p.predicted, labels=labels)
    confusion.setflags(write=False)
    precision, recall, f1, support = precision_recall_fscore_support(
        p.truth, p.predicted, labels=labels, zero_division=0
    )
    columns = (labels.tolist(), precision.tolist(), recall.tolist(), f1.tolist(), support.tolist())
    per_class = tuple(ClassMetrics(*row) for row in zip(*columns, strict=True))
    return {"labels": tuple(labels.tolist()), "confusion": confusion, "per_class": per_class}


def evaluate(estimator: Any, X: Any, y: Any) -> Evaluation:
    """Measure a fitted estimator on data that it was not trained on.

    Parameters
    ----------
    estimator : classifier or regressor
        Fitted; scikit-learn's conventions.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,), for values also (n_samples, n_outputs)
        The truth.

    Raises
    ------
    InvalidOptionError
        If `estimator` is neither a classifier nor a regressor.

    Examples
    --------
    >>> from maas_sdk.learning import LogisticClassifier
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], ["low", "low", "high", "high"]
    >>> evaluate(LogisticClassifier().fit(X, y), X, y).metrics["accuracy"]
    1.0
    """
    predictions = predictions_of(estimator, X, y)
    values = measure(predictions)
    return Evaluation(
        kind=predictions.kind,
        n_samples=len(predictions.truth),
        metrics={name: value for name, value in values.items() if not math.isnan(value)},
        **(_by_class(predictions) if predictions.kind == "classification" else {}),
    )
