"""Charts as small SVG elements that take their colours from the page's style sheet."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bar_chart"]

_WIDTH = 460
_ROW = 26
_VALUE = 70
_LONGEST = 20
_CHARACTER = 8.5
"""About the width of one, in the chart's units."""


def bar_chart(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Draw horizontal bars on a scale from 0 to 1.

    Parameters
    ----------
    title : str
        What a screen reader says.
    rows : sequence of (str, float)
        Label and value of each bar; values are cut to the scale, and what is not a number has no bar.

    Returns
    -------
    str
        An ``<svg>`` element of classes ``bars``, ``label``, ``track``, ``bar`` and ``value``.
    """
    labels = [label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…" for label, _value in rows]
    left = round(_CHARACTER * max(map(len, labels), default=0)) + 16
    span = _WIDTH - left - _VALUE
    box = f"0 0 {_WIDTH} {_ROW * len(rows)}"
    parts = [f'<svg class="bars" viewBox="{box}" role="img" aria-label="{escape(title)}">']
    for index, ((label, value), short) in enumerate(zip(rows, labels, strict=True)):
        top = index * _ROW
        share = min(max(value, 0.0), 1.0) if value == value else 0.0  # noqa: PLR0124 - not a number
        parts.append(
            f"<g><title>{escape(label)}: {value:.4f}</title>"
            f'<text class="label" x="{left - 10}" y="{top + 18}" text-anchor="end">{escape(short)}</text>'
            f'<rect class="track" x="{left}" y="{top + 5}" width="{span}" height="{_ROW - 10}" rx="3"/>'
            f'<rect class="bar" x="{left}" y="{top + 5}" width="{span * share:.1f}" height="{_ROW - 10}" '
            f'rx="3"/><text class="value" x="{left + span + 10}" y="{top + 18}">{value:.4f}</text></g>'
        )
    parts.append("</svg>")
    return "".join(parts)
