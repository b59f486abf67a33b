"""Rows of text as an aligned plain-text table or an escaped HTML table; it formats no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["html_table", "text_table"]


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: str = ""
) -> str:
    """Align columns with two spaces between them.

    Parameters
    ----------
    header : sequence of str
        The titles.
    rows : sequence of sequence of str
        As many cells in each as titles. Control characters and line breaks become spaces, so that a name
        from elsewhere cannot forge a row.
    right : sequence of int
        Columns that are aligned to the right: numbers.
    indent : str
        Put before each line.

    Returns
    -------
    str
        Without a line break at the end.
    """
    table = [[_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    lines = []
    for row in table:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append((indent + "  ".join(cells)).rstrip())
    lines.insert(1, indent + "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def html_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), caption: str = ""
) -> str:
    """Give an HTML table for notebooks: no style sheet, no scripts, every cell escaped."""
    from html import escape  # noqa: PLC0415 - it brings a table of two thousand entities

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} style="text-align:{"right" if column in right else "left"}">{escape(cell)}</{tag}>'
            for column, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{cells('th', header)}</tr></thead><tbody>{body}</tbody></table>"


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
