"""A confusion matrix as a small SVG element: cells that are the darker, the larger their share of the row."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from maas_sdk._internal.chart_parts import CHARACTER, coordinate, drawing, shortened, text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["heat_map"]

_WIDTH = 460.0
_TITLE = 26
_FAINT = 'fill-opacity=".75"'


def heat_map(title: str, labels: Sequence[str], counts: Sequence[Sequence[float]]) -> str:
    """Draw a confusion matrix: the darker a cell, the larger its share of the row.

    Parameters
    ----------
    title : str
        Shown, and what a screen reader says.
    labels : sequence of str
        Of rows (true) and columns (predicted).
    counts : sequence of sequence of float
        As many rows and columns as labels.

    Returns
    -------
    str
        An ``<svg>`` element of classes ``chart heat``.
    """
    names = [shortened(label, 14) for label in labels]
    longest = CHARACTER * max(map(len, names), default=0)
    small = f'font-size="{max(8, min(12, int(340 / max(len(labels), 1))))}"'
    left = longest + 36
    written = [[_count(value) for value in row] for row in counts]
    widest = CHARACTER * max((len(words) for row in written for words in row), default=0) + 8
    side = max(12.0, min(56.0, (_WIDTH - left - 8) / max(len(labels), 1)))
    turned = longest + 6 > side
    top = _TITLE + 26 + (longest if turned else 10)
    parts = [
        text(left + side * len(labels) / 2, _TITLE + 12, "predicted", anchor="middle", more=_FAINT),
        text(12, top + side * len(labels) / 2, "true", anchor="middle", more=_turned(12, top, side, labels)),
    ]
    for place, name in enumerate(names):
        middle = left + (place + 0.5) * side
        if turned:
            around = f'transform="rotate(-90 {coordinate(middle + 4)} {coordinate(top - 6)})" {small}'
            parts.append(text(middle + 4, top - 6, name, more=around))
        else:
            parts.append(text(middle, top - 6, name, anchor="middle", more=small))
        parts.append(text(left - 8, top + (place + 0.5) * side + 4, name, anchor="end", more=small))
    for i, row in enumerate(counts):
        total = sum(row) or 1.0
        for j, value in enumerate(row):
            where = f"{labels[i]} predicted as {labels[j]}: {written[i][j]}"
            words = written[i][j] if widest <= side else ""
            parts.append(_cell(left + j * side, top + i * side, side, value / total, words, where))
    return drawing(title, max(_WIDTH, left + side * len(labels) + 8), top + side * len(labels) + 6, parts,
                   kind="heat")  # fmt: skip


def _turned(x: float, top: float, side: float, labels: Sequence[str]) -> str:
    return f'transform="rotate(-90 {coordinate(x)} {coordinate(top + side * len(labels) / 2)})" {_FAINT}'


def _count(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e9 else f"{value:.3g}"  # noqa: PLR2004


def _cell(x: float, y: float, side: float, share: float, words: str, where: str) -> str:
    share = min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    # Never fainter than one can see: the mistakes are what one looks for.
    opacity = max(share, 0.2) if share else 0.0
    ink = ' fill="#fff"' if share > 0.5 else ("" if share else ' fill-opacity=".5"')  # noqa: PLR2004 - half dark
    number = text(x + side / 2, y + side / 2 + 4, words, anchor="middle", more=ink.strip()) if words else ""
    gap = 1.0
    return (
        f"<g><title>{escape(where)}</title>"
        f'<rect x="{coordinate(x + gap)}" y="{coordinate(y + gap)}" width="{coordinate(side - 2 * gap)}" '
        f'height="{coordinate(side - 2 * gap)}" rx="3" style="fill:#2463c4" fill-opacity="{opacity:.2f}"/>'
        f"{number}</g>"
    )
