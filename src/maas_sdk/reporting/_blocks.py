"""What a report is made of, without a look: facts, tables, charts and text under headings."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Bars", "Block", "Drawing", "Facts", "HeatTable", "Section", "Table", "Text"]


@frozen
class Text:
    """Paragraphs, separated by empty lines; `muted` for remarks of the report itself."""

    text: str
    muted: bool = False


@frozen
class Facts:
    """Names and values."""

    rows: tuple[tuple[str, str], ...]


@frozen
class Table:
    """Rows under a header; columns of numbers are aligned to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()


@frozen
class HeatTable:
    """Counts, or sums of weights, of true classes (rows) that were predicted as classes (columns)."""

    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]


@frozen
class Bars:
    """A bar from 0 to 1 for each label."""

    title: str
    rows: tuple[tuple[str, float], ...]


@frozen
class Drawing:
    """A line; from 0 to 1 on both axes if it is of `shares`, with a band `reach` above and below."""

    title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    x_label: str
    y_label: str
    shares: bool = False
    diagonal: bool = False
    dots: bool = False
    reach: tuple[float, ...] | None = None


Block = Text | Facts | Table | HeatTable | Bars | Drawing


@frozen
class Section:
    """Blocks under a heading."""

    title: str
    blocks: tuple[Block, ...]
