"""Tables of numbers as aligned plain text and as self-contained HTML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["html_table", "text_table"]

_CELL = "padding:.15em .7em;text-align:{};font-variant-numeric:tabular-nums"


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Align cells: the first column to the left, the others to the right; no line ends in a space."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def html_table(caption: str, rows: Sequence[Sequence[str]]) -> str:
    """Give a ``<table>``, all text escaped; the first row is its head, the first column names the rows."""
    lines = [
        '<table style="border-collapse:collapse;margin:.5em 0">',
        f'<caption style="text-align:left;font-weight:bold">{html.escape(caption)}</caption>',
    ]
    for number, row in enumerate(rows):
        cells = []
        for position, cell in enumerate(row):
            tag = "td" if number and position else "th"
            style = _CELL.format("right" if position else "left")
            cells.append(f'<{tag} style="{style}">{html.escape(cell)}</{tag}>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    lines.append("</table>")
    return "\n".join(lines)
