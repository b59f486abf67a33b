"""Renders sections as Markdown in which the text of others is text: markup in it is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_sdk.reporting._blocks import Bars, Drawing, Facts, HeatTable, Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.reporting._blocks import Section

__all__ = ["render_markdown"]

_MARKUP = re.compile(r"[\\`*\[\]<>|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LINE_START = re.compile(r"^(\s*)([-+=:#]|\d+[.)])", re.MULTILINE)


def render_markdown(title: str, subtitle: str, sections: Sequence[Section], *, footer: str) -> str:
    """Give CommonMark with GitHub's tables; the same content gives the same text."""
    parts = [f"# {_inline(title)}", _inline(subtitle)]
    for section in sections:
        parts.append(f"## {_inline(section.title)}")
        # Bars and lines show what the tables beside them say.
        parts += [_block(block) for block in section.blocks if not isinstance(block, (Bars, Drawing))]
    return "\n\n".join([*parts, f"*{_inline(footer)}*"]) + "\n"


def _block(block: Text | Facts | Table | HeatTable) -> str:
    if isinstance(block, Text):
        paragraphs = (part.strip() for part in block.text.split("\n\n"))
        return "\n\n".join(_paragraph(part) for part in paragraphs if part)
    if isinstance(block, Facts):
        return _table(("", ""), block.rows, frozenset())
    if isinstance(block, Table):
        return _table(block.header, block.rows, block.right)
    rows = [(label, *map(str, counts)) for label, counts in zip(block.labels, block.counts, strict=True)]
    everywhere = frozenset(range(1, len(block.labels) + 1))
    return "Confusion:\n\n" + _table(("true / predicted", *block.labels), rows, everywhere)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int]) -> str:
    rule = ("---:" if column in right else "---" for column in range(len(header)))
    lines = [header, *rows]
    cells = [" | ".join(_inline(cell) for cell in line) for line in lines]
    cells.insert(1, " | ".join(rule))
    return "\n".join(f"| {line} |" for line in cells)


def _inline(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split())).replace("&", "&amp;")


def _paragraph(text: str) -> str:
    # A backslash before a line break keeps it.
    escaped = _MARKUP.sub(r"\\\g<0>", text).replace("&", "&amp;")
    return _LINE_START.sub(_escape_marker, escaped).replace("\n", "\\\n")


def _escape_marker(match: re.Match[str]) -> str:
    marker = match[2]
    return match[1] + (f"\\{marker}" if len(marker) == 1 else f"{marker[:-1]}\\{marker[-1]}")
