"""Partial dependence: what a fitted estimator predicts on average when one feature is set to a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen
from sklearn import inspection
from sklearn.base import is_classifier

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import Line, bar_chart, line_chart
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._inspection._features import feature_names
from maas_sdk.learning._options import check_choice, check_integer
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maas_sdk.learning._report import Rows

__all__ = ["FeatureDependence", "PartialDependence", "partial_dependence"]

_TWO = 2
_MOST_OUTPUTS_DRAWN = 5
_MOST_ROWS_DRAWN = 50
_MOST_PRINTED = 12
_same = cmp_using(eq=np.array_equal)


@frozen(kw_only=True)
class FeatureDependence:
    """What is predicted over one feature's values.

    Attributes
    ----------
    feature : str
    categorical : bool
    grid : tuple
        Values that the feature was set to: floats, or the categories.
    average : ndarray of shape (n_outputs, n_values), dtype float64
        Mean prediction over the rows.
    individual : ndarray of shape (n_outputs, n_rows, n_values), dtype float64, or None
        Of each row, if asked for.
    """

    feature: str
    categorical: bool
    grid: tuple[Any, ...]
    average: NDArray[np.float64] = field(eq=_same)
    individual: NDArray[np.float64] | None = field(default=None, eq=_same)

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {
            "feature": self.feature,
            "categorical": self.categorical,
            "grid": list(self.grid),
            "average": self.average.tolist(),
            **({} if self.individual is None else {"individual": self.individual.tolist()}),
        }


@frozen(kw_only=True)
class PartialDependence(Report):
    """What :func:`partial_dependence` found: for each feature a table and a chart of the feature's name.

    Attributes
    ----------
    outputs : tuple of str
        What is predicted: ``"prediction"``, or of a classifier ``"probability of …"``.
    features : tuple of FeatureDependence
        In the order asked for.
    """

    outputs: tuple[str, ...]
    features: tuple[FeatureDependence, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {"outputs": list(self.outputs), "features": [each.to_dict() for each in self.features]}

    def _tables(self) -> list[tuple[str, Rows]]:
        tables = []
        for each in self.features:
            some = np.unique(np.linspace(0, len(each.grid) - 1, _MOST_PRINTED).round().astype(int))
            places = range(len(each.grid)) if each.categorical else some.tolist()
            rows = [[_told(each.grid[i]), *(figure(value) for value in each.average[:, i])] for i in places]
            tables.append((f"Partial dependence on {each.feature}", [[each.feature, *self.outputs], *rows]))
        return tables

    def _charts(self) -> dict[str, str]:
        return {each.feature: self._drawn(each) for each in self.features}

    def _drawn(self, each: FeatureDependence) -> str:
        title = f"Partial dependence on {each.feature}"
        if each.categorical:
            # A chart has one value a bar: the last output, of two classes the positive one.
            values = zip(map(_told, each.grid), each.average[-1].tolist(), strict=True)
            return bar_chart(f"{title}: {self.outputs[-1]}", list(values), scale=None)
        grid = list(each.grid)
        if each.individual is not None and len(self.outputs) == 1:
            return _drawn_rows(title, self.outputs[0], each)
        lines = [
            Line(output, grid, values.tolist())
            for output, values in zip(self.outputs, each.average, strict=True)
        ]
        label = self.outputs[0] if len(self.outputs) == 1 else "prediction"
        return line_chart(title, lines[:_MOST_OUTPUTS_DRAWN], x_label=each.feature, y_label=label)


def _drawn_rows(title: str, output: str, each: FeatureDependence) -> str:
    """Draw the average and between which predictions nine tenths of the rows are."""
    assert each.individual is not None
    low, high = np.quantile(each.individual[0], [0.05, 0.95], axis=0).tolist()
    line = Line("average", list(each.grid), each.average[0].tolist(), low, high)
    return line_chart(f"{title} (band: 90 % of the rows)", [line], x_label=each.feature, y_label=output)


def _told(value: Any) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def partial_dependence(
    estimator: Any,
    X: Any,
    features: Sequence[str | int],
    *,
    kind: str = "average",
    grid_resolution: int = 50,
    percentiles: tuple[float, float] = (0.05, 0.95),
    sample_weight: Any = None,
    categorical_features: Sequence[str | int] | None = None,
) -> PartialDependence:
    """Set each of some features to a row of values, in all rows at a time, and average the predictions.

    Parameters
    ----------
    estimator : classifier or regressor
        Fitted. Of a classifier the probabilities are taken; of two classes that of the second.
    X : array-like or frame of shape (n_samples, n_features)
        Rows to average over.
    features : sequence of str or int
        Names or places of columns.
    kind : {"average", "individual"}, default="average"
        Whether the predictions of each row are kept besides.
    grid_resolution : int, default=50
        Values that a feature is set to, at most; all of its values, if it has fewer.
    percentiles : (float, float), default=(0.05, 0.95)
        Shares of the feature's values between which the grid lies.
    sample_weight : array-like of shape (n_samples,), default=None
        For the average.
    categorical_features : sequence of str or int, default=None
        Columns whose values have no order; None takes the columns of a frame that hold no numbers.

    Raises
    ------
    InvalidOptionError
        If an option is wrong, or there is no such feature.

    Notes
    -----
    The rows that result may be ones that cannot occur, where features go together.

    References
    ----------
    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29,
    2001, section 8.2.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from maas_sdk.learning import LinearRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> found = partial_dependence(LinearRegressor().fit(X, y), X, ["bmi", "sex"])
    >>> average = found.features[0].average[0]
    >>> bool(average[-1] > average[0])
    True
    """
    check_choice("kind", kind, ("average", "individual"))
    check_integer("grid_resolution", grid_resolution, minimum=2)
    data = _with_floats(X)
    names = feature_names(estimator, data)
    places = [_place(feature, names) for feature in features]
    categorical = (
        _without_numbers(data) if categorical_features is None
        else {_place(feature, names) for feature in categorical_features}
    )  # fmt: skip
    proba = is_classifier(estimator) and hasattr(estimator, "predict_proba")
    found = []
    for place in places:
        values = _ask(
            estimator,
            data,
            [place],
            kind="both" if kind == "individual" else "average",
            grid_resolution=grid_resolution,
            percentiles=percentiles,
            sample_weight=sample_weight,
            response_method="predict_proba" if proba else "auto",
            categorical_features=sorted(categorical) or None,
        )
        found.append(
            FeatureDependence(
                feature=names[place],
                categorical=place in categorical,
                grid=tuple(np.asarray(values["grid_values"][0]).tolist()),
                average=values["average"],
                individual=values.get("individual"),
            )
        )
    n_outputs = len(found[0].average) if found else 1
    return PartialDependence(outputs=_outputs(estimator, n_outputs, proba=proba), features=tuple(found))


def _ask(estimator: Any, data: Any, features: list[int], **options: Any) -> Any:
    try:
        return inspection.partial_dependence(estimator, data, features, **options)
    except ValueError as exc:
        raise InvalidOptionError(f"partial dependence cannot be computed: {exc}") from exc


def _outputs(estimator: Any, n_outputs: int, *, proba: bool) -> tuple[str, ...]:
    if not proba:
        alone = n_outputs == 1
        return ("prediction",) if alone else tuple(f"output {place}" for place in range(n_outputs))
    classes = [str(label) for label in estimator.classes_]
    shown = classes[1:] if n_outputs == 1 and len(classes) == _TWO else classes
    return tuple(f"probability of {label}" for label in shown)


def _place(feature: str | int, names: tuple[str, ...]) -> int:
    if isinstance(feature, str):
        if feature not in names:
            raise InvalidOptionError(f"there is no feature {feature!r}; there is: {', '.join(names[:20])}")
        return names.index(feature)
    if isinstance(feature, bool) or not 0 <= check_integer("feature", feature, minimum=0) < len(names):
        raise InvalidOptionError(f"there is no feature {feature!r}: there are {len(names)}, from 0")
    return int(feature)


def _with_floats(X: Any) -> Any:
    """Make columns of whole numbers floats: a grid of theirs would be rounded."""
    if hasattr(X, "dtypes") and hasattr(X, "astype"):
        whole = [name for name, dtype in X.dtypes.items() if getattr(dtype, "kind", "") in "iu"]
        return X.astype(dict.fromkeys(whole, np.float64)) if whole else X
    data = X if hasattr(X, "shape") else np.asarray(X)
    return data.astype(np.float64) if getattr(data.dtype, "kind", "") in "iu" else data


def _without_numbers(X: Any) -> set[int]:
    if not (hasattr(X, "dtypes") and hasattr(X, "astype")):
        return set()
    return {place for place, dtype in enumerate(X.dtypes) if getattr(dtype, "kind", "O") not in "iuf"}
