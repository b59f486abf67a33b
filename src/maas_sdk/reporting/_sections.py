"""Which sections a model card has, and what each says of the card's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.units import format_bytes, format_seconds
from maas_sdk.reporting._blocks import Facts, Section, Table, Text
from maas_sdk.reporting._evaluation import evaluation_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.reporting._blocks import Block
    from maas_sdk.reporting._card import ModelCard

__all__ = ["sections_of"]

_NOT_STATED = Text("Not stated.", muted=True)


def sections_of(card: ModelCard) -> tuple[Section, ...]:
    """Give the sections in their order; what the card does not know is there and says so."""
    return (
        Section("Intended use", (_words(card.intended_use),)),
        Section("Limitations", (_words(card.limitations),)),
        Section("Model", _model(card)),
        Section("Training data", (_training(card),)),
        Section("Differential privacy", _privacy(card.privacy)),
        Section("Evaluation", evaluation_blocks(card.evaluation) if card.evaluation else (_NOT_STATED,)),
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


def _privacy(privacy: Mapping[str, Any] | None) -> tuple[Block, ...]:
    if privacy is None:
        return (_NOT_STATED,)
    epsilon, public = privacy.get("epsilon"), ", ".join(map(str, privacy.get("public", ())))
    cost = "none can be stated" if epsilon is None else f"{epsilon:.3f} at δ = {_value(privacy.get('delta'))}"
    facts = Facts(
        (
            ("ε", cost),
            *(("why", str(reason)) for reason in privacy.get("reasons", ())),
            ("declared public by the publisher", public or "nothing"),
            ("noise multiplier", _value(privacy.get("noise_multiplier"))),
            ("gradient of a row at most", _value(privacy.get("max_grad_norm"))),
            ("steps", _value(privacy.get("n_steps"))),
            ("sampling rate", _value(privacy.get("sampling_rate"))),
        )
    )
    return (facts,)


def _compression(compression: Mapping[str, Any] | None) -> tuple[Block, ...]:
    if compression is None:
        return (_NOT_STATED,)
    gained = Facts(
        (
            ("chosen", _value(compression.get("chosen"))),
            ("gained", _value(compression.get("gained"))),
            *_judged_by(compression),
        )
    )
    metric = str(compression.get("budget", {}).get("metric", "metric"))
    rows = tuple(
        (
            str(result.get("name")),
            _known(result.get("size"), format_bytes),
            _known(result.get("latency"), format_seconds),
            _known(result.get("metric"), figure),
            _known((result.get("judged") or {}).get("bound"), figure),
            str(result.get("status")),
        )
        for result in compression.get("results", ())
    )
    header = ("candidate", "size", "one row", metric, "drop at most", "status")
    table = Table(header, rows, frozenset({1, 2, 3, 4}))
    return (gained, table) if rows else (gained,)


def _judged_by(compression: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Tell which rows the figures are from; a card of before they were told apart does not know."""
    names = ("n_search", "n_judge", "confidence")
    search, judge, confidence = (compression.get(name) for name in names)
    if search is None or judge is None or not isinstance(confidence, int | float):
        return ()
    told = (
        f"metric and choice on {search} rows, drop on {judge} others, with {100 * confidence:g} % confidence"
    )
    return (("measured", told),)


def _known(value: Any, formatter: Any) -> str:
    return "-" if value is None else str(formatter(value))
