"""What a card says of an evaluation: which shape the data must have, and the blocks that show it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from maas_sdk._internal.chart_parts import figure
from maas_sdk.errors import InvalidOptionError
from maas_sdk.reporting._blocks import Bars, Block, Drawing, Facts, HeatTable, Table, Text

__all__ = ["check_evaluation", "evaluation_blocks"]

_MOST_CLASSES = 30
"""A larger confusion matrix is a list of its most frequent mistakes, more classes the worst of them."""

_MOST_MISTAKES = 15
_PER_CLASS = frozenset({"label", "precision", "recall", "f1", "support"})
_CALIBRATION = ("expected_error", "maximum_error", "brier")
_BIN = 3


# --- what the data must be --------------------------------------------------------------------------------


def check_evaluation(value: Mapping[str, Any]) -> None:
    """Refuse an evaluation that could not be shown.

    Raises
    ------
    InvalidOptionError
        It names the part that is malformed.
    """
    metrics = value.get("metrics")
    if not isinstance(metrics, Mapping) or not all(map(_is_number, metrics.values())):
        _refuse("expected `metrics`, numbers by name")
    confusion, labels = value.get("confusion"), value.get("labels", ())
    if confusion is not None and [len(row) for row in confusion] != [len(labels)] * len(labels):
        _refuse("expected a row and a column of `confusion` a label")
    for row in value.get("per_class") or ():
        if missing := _PER_CLASS - set(row):
            _refuse(f"a row of `per_class` lacks {', '.join(sorted(missing))}")
    intervals = value.get("intervals") or {}
    if not isinstance(intervals, Mapping):
        _refuse("expected `intervals` by name")
    for interval in intervals.values():
        if not isinstance(interval, Mapping) or not _numbers(interval, ("low", "high", "level")):
            _refuse("expected `low`, `high` and `level` of each of `intervals`")
    _check_curves(value)
    _check_residuals(value.get("residuals"))


def _check_curves(value: Mapping[str, Any]) -> None:
    calibration = value.get("calibration")
    if calibration is not None and not (
        isinstance(calibration, Mapping)
        and _numbers(calibration, _CALIBRATION)
        and _same_length(calibration, "mean_predicted", "observed")
    ):
        _refuse("expected in `calibration` `mean_predicted`, `observed` and the errors")
    for name in ("roc", "precision_recall"):
        curve = value.get(name)
        if curve is not None and not (
            isinstance(curve, Mapping)
            and _numbers(curve, ("area",))
            and _same_length(curve, "x", "y")
            and all(isinstance(curve.get(label), str) for label in ("x_label", "y_label"))
        ):
            _refuse(f"expected in `{name}` `x`, `y`, their labels and the `area`")


def _check_residuals(residuals: Any) -> None:
    if residuals is None:
        return
    quantiles = residuals.get("quantiles") if isinstance(residuals, Mapping) else None
    if not (
        isinstance(quantiles, Mapping)
        and all(_is_share(share) and _is_number(value) for share, value in quantiles.items())
        and all(len(row) == _BIN and all(map(_is_number, row)) for row in residuals.get("bins", ()))
    ):
        _refuse("expected in `residuals` `quantiles`, numbers by share, and `bins` of three numbers")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isinf(value)


def _is_share(value: object) -> bool:
    try:
        return 0 <= float(str(value)) <= 1
    except ValueError:
        return False


def _numbers(value: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(_is_number(value.get(name)) for name in names)


def _same_length(value: Mapping[str, Any], *names: str) -> bool:
    columns = [value.get(name) for name in names]
    return (
        all(isinstance(column, (list, tuple)) and all(map(_is_number, column)) for column in columns)
        and len({len(column) for column in columns if column is not None}) == 1
    )


def _refuse(what: str) -> NoReturn:
    raise InvalidOptionError(f"ModelCard(evaluation=…): {what}.")


# --- what is shown ----------------------------------------------------------------------------------------


def evaluation_blocks(evaluation: Mapping[str, Any]) -> tuple[Block, ...]:
    """Give what a card shows of an evaluation."""
    n_samples = evaluation.get("n_samples")
    told = f"On {n_samples:,} rows." if isinstance(n_samples, int) else "The number of rows is not stated."
    return (
        Text(told, muted=True),
        _metrics(evaluation),
        *_classes(evaluation),
        *_confusion(evaluation),
        *_calibration(evaluation.get("calibration")),
        *_curve("ROC curve", evaluation.get("roc")),
        *_curve("Precision and recall", evaluation.get("precision_recall")),
        *_residuals(evaluation.get("residuals")),
    )


def _metrics(evaluation: Mapping[str, Any]) -> Table:
    intervals = evaluation.get("intervals") or {}
    rows = [(str(name), figure(value)) for name, value in evaluation["metrics"].items()]
    if not intervals:
        return Table(("metric", "value"), tuple(rows), frozenset({1}))
    level = next(iter(intervals.values()))["level"]
    told = {name: f"{figure(each['low'])} to {figure(each['high'])}" for name, each in intervals.items()}
    return Table(
        ("metric", "value", f"{100 * level:g} % interval"),
        tuple((*row, told.get(row[0], "-")) for row in rows),
        frozenset({1, 2}),
    )


def _classes(evaluation: Mapping[str, Any]) -> tuple[Block, ...]:
    classes = list(evaluation.get("per_class") or ())
    if not classes:
        return ()
    what = "label" if evaluation.get("kind") == "multilabel" else "class"
    title = f"F1 by {what}"
    if len(classes) > _MOST_CLASSES:
        title = f"F1 by {what}: the {_MOST_CLASSES} lowest of {len(classes)}"
        classes = sorted(classes, key=lambda row: row["f1"])[:_MOST_CLASSES]
    table = Table(
        (what, "precision", "recall", "F1", "rows"),
        tuple(
            (
                str(row["label"]),
                *(figure(row[name]) for name in ("precision", "recall", "f1")),
                f"{row['support']:,}",
            )
            for row in classes
        ),
        frozenset({1, 2, 3, 4}),
    )
    return (Bars(title, tuple((str(row["label"]), float(row["f1"])) for row in classes)), table)


def _confusion(evaluation: Mapping[str, Any]) -> tuple[Block, ...]:
    confusion = evaluation.get("confusion")
    if confusion is None:
        return ()
    labels = tuple(str(label) for label in evaluation["labels"])
    if len(labels) <= _MOST_CLASSES:
        return (HeatTable(labels, tuple(tuple(map(_count, row)) for row in confusion)),)
    mistakes = [
        (_count(count), true, predicted)
        for true, row in zip(labels, confusion, strict=True)
        for predicted, count in zip(labels, row, strict=True)
        if count and true != predicted
    ]
    most = sorted(mistakes, key=lambda mistake: -mistake[0])[:_MOST_MISTAKES]
    rows = tuple((true, predicted, f"{count:,}") for count, true, predicted in most)
    remark = f"The most frequent mistakes of {len(labels)} classes."
    return (Text(remark, muted=True), Table(("true", "predicted", "rows"), rows, frozenset({2})))


def _count(value: float) -> float:
    """Give a count as an integer, a sum of weights with four significant digits."""
    return int(value) if float(value).is_integer() else float(f"{value:.4g}")


def _calibration(calibration: Mapping[str, Any] | None) -> tuple[Block, ...]:
    if calibration is None:
        return ()
    drawing = Drawing(
        f"Calibration: expected error {figure(calibration['expected_error'])}",
        tuple(calibration["mean_predicted"]),
        tuple(calibration["observed"]),
        "predicted probability",
        "share that came true",
        shares=True,
        diagonal=True,
        dots=True,
    )
    of_all = calibration.get("positive") is None  # not the metric of that name, which is of all classes
    names = {
        "expected_error": "expected calibration error",
        "maximum_error": "maximum calibration error",
        "brier": "Brier score of the most probable class" if of_all else "Brier score",
    }
    facts = tuple((names.get(name, name), figure(calibration[name])) for name in _CALIBRATION)
    return (drawing, Facts(facts))


def _curve(title: str, curve: Mapping[str, Any] | None) -> tuple[Block, ...]:
    if curve is None:
        return ()
    return (
        Drawing(
            f"{title}: area {figure(curve['area'])}",
            tuple(curve["x"]),
            tuple(curve["y"]),
            curve["x_label"],
            curve["y_label"],
            shares=True,
            diagonal=title.startswith("ROC"),
        ),
    )


def _residuals(residuals: Mapping[str, Any] | None) -> tuple[Block, ...]:
    if residuals is None:
        return ()
    quantiles = residuals["quantiles"]
    table = Table(
        ("quantile of true - predicted", "value"),
        tuple((f"{100 * float(share):g} %", figure(value)) for share, value in quantiles.items()),
        frozenset({1}),
    )
    bins = residuals.get("bins") or ()
    if not bins:
        return (table,)
    drawing = Drawing(
        "Mean residual by prediction",
        tuple(row[0] for row in bins),
        tuple(row[1] for row in bins),
        "predicted",
        "true - predicted",
        reach=tuple(row[2] for row in bins),
        dots=True,
    )
    return (drawing, table)
