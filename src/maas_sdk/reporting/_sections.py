"""Which sections a model card has, and what each says of the card's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk._internal.units import format_bytes, format_seconds
from maas_sdk.reporting._blocks import Bars, Facts, HeatTable, Section, Table, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.reporting._blocks import Block
    from maas_sdk.reporting._card import ModelCard

__all__ = ["sections_of"]

_MOST_CLASSES = 30
"""A larger confusion matrix is a list of its most frequent mistakes, more classes the worst of them."""

_MOST_MISTAKES = 15
_NOT_STATED = Text("Not stated.", muted=True)


def sections_of(card: ModelCard) -> tuple[Section, ...]:
    """Give the sections in their order; what the card does not know is there and says so."""
    return (
        Section("Intended use", (_words(card.intended_use),)),
        Section("Limitations", (_words(card.limitations),)),
        Section("Model", _model(card)),
        Section("Training data", (_training(card),)),
        Section("Evaluation", _evaluation(card.evaluation)),
        Section("Compression", _compression(card.compression)),
        Section("Self-test", (_facts(card.self_test) if card.self_test else _NOT_STATED,)),
        Section("Made with", (_facts(card.components) if card.components else _NOT_STATED,)),
    )


def _words(text: str | None) -> Block:
    return Text(text) if text else _NOT_STATED


def _facts(values: Mapping[str, Any]) -> Facts:
    return Facts(tuple((str(name), _value(value)) for name, value in values.items()))


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _model(card: ModelCard) -> tuple[Block, ...]:
    rows = tuple(
        (
            step.name,
            step.estimator,
            ", ".join(f"{name}={value}" for name, value in step.options.items()) or "defaults",
        )
        for step in card.model
    )
    return (Table(("step", "estimator", "options"), rows),)


def _training(card: ModelCard) -> Block:
    if card.training_shape is None:
        return _NOT_STATED
    rows, features = card.training_shape
    return Facts((("rows", f"{rows:,}"), ("features", f"{features:,}")))


def _evaluation(evaluation: Mapping[str, Any] | None) -> tuple[Block, ...]:
    if evaluation is None:
        return (_NOT_STATED,)
    n_samples = evaluation.get("n_samples")
    told = f"On {n_samples:,} rows." if isinstance(n_samples, int) else "The number of rows is not stated."
    metrics = Table(
        ("metric", "value"),
        tuple((str(name), _number(value)) for name, value in evaluation["metrics"].items()),
        frozenset({1}),
    )
    return (Text(told, muted=True), metrics, *_classes(evaluation), *_confusion(evaluation))


def _classes(evaluation: Mapping[str, Any]) -> tuple[Block, ...]:
    classes = list(evaluation.get("per_class") or ())
    if not classes:
        return ()
    title = "F1 by class"
    if len(classes) > _MOST_CLASSES:
        title = f"F1 by class: the {_MOST_CLASSES} lowest of {len(classes)}"
        classes = sorted(classes, key=lambda row: row["f1"])[:_MOST_CLASSES]
    table = Table(
        ("class", "precision", "recall", "F1", "rows"),
        tuple(
            (
                str(row["label"]),
                *(_number(row[name]) for name in ("precision", "recall", "f1")),
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
        return (HeatTable(labels, tuple(tuple(int(count) for count in row) for row in confusion)),)
    mistakes = [
        (int(count), true, predicted)
        for true, row in zip(labels, confusion, strict=True)
        for predicted, count in zip(labels, row, strict=True)
        if count and true != predicted
    ]
    most = sorted(mistakes, key=lambda mistake: -mistake[0])[:_MOST_MISTAKES]
    rows = tuple((true, predicted, f"{count:,}") for count, true, predicted in most)
    remark = f"The most frequent mistakes of {len(labels)} classes."
    return (Text(remark, muted=True), Table(("true", "predicted", "rows"), rows, frozenset({2})))


def _compression(compression: Mapping[str, Any] | None) -> tuple[Block, ...]:
    if compression is None:
        return (_NOT_STATED,)
    gained = Facts(
        (("chosen", _value(compression.get("chosen"))), ("gained", _value(compression.get("gained"))))
    )
    metric = str(compression.get("budget", {}).get("metric", "metric"))
    rows = tuple(
        (
            str(result.get("name")),
            _known(result.get("size"), format_bytes),
            _known(result.get("latency"), format_seconds),
            _known(result.get("metric"), _number),
            str(result.get("status")),
        )
        for result in compression.get("results", ())
    )
    table = Table(("candidate", "size", "one row", metric, "status"), rows, frozenset({1, 2, 3}))
    return (gained, table) if rows else (gained,)


def _known(value: Any, formatter: Any) -> str:
    return "-" if value is None else str(formatter(value))


def _number(value: float) -> str:
    """Four digits after the point, or four significant ones where that would not show them."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4g}"  # noqa: PLR2004
