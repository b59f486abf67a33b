"""What charts are drawn with: scales, ticks, numbers, colours and pieces of SVG."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "CHARACTER",
    "COLOURS",
    "INK",
    "Scale",
    "coordinate",
    "drawing",
    "figure",
    "legend",
    "shortened",
    "standalone",
    "text",
]

COLOURS = (
    "var(--accent,#2f7fd6)",
    "var(--accent-2,#d9801f)",
    "var(--accent-3,#149e7a)",
    "var(--accent-4,#b463b8)",
    "var(--accent-5,#7f8896)",
)
"""Told apart by those who see few colours, and with enough contrast on white and on black alike."""

DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2")
"""Each colour has its own, for a print in grey."""

INK = "currentColor"
"""The page's: black on white, white on black."""

CHARACTER = 6.6
"""About the width of one at the size of 12, in the chart's units."""

_LARGEST = 1e300
_MOST_TICKS = 6


def coordinate(value: float) -> str:
    """Write a coordinate with one digit at most; what is not a number is 0."""
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"


def figure(value: float) -> str:
    """Four digits after the point, or four significant ones where that would not show them."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4g}"  # noqa: PLR2004 - see above


def shortened(label: str, longest: int) -> str:
    """Cut a label to so many characters."""
    return label if len(label) <= longest else f"{label[: longest - 1]}…"


@frozen
class Scale:
    """Places values from `low` to `high` between the coordinates `start` and `end`.

    Attributes
    ----------
    low, high : float
        Finite, `low` the smaller.
    start, end : float
    ticks : tuple of float
        Round numbers within the scale.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def over(
        cls, values: Iterable[float], start: float, end: float, *, within: tuple[float, float] | None = None
    ) -> Scale:
        """Make the scale that shows all finite `values`, or the range `within`, up to the next ticks."""
        if within is None:
            known = [min(max(v, -_LARGEST), _LARGEST) for v in values if math.isfinite(v)]
            low, high = (min(known), max(known)) if known else (0.0, 1.0)
        else:
            low, high = within
        if not high - low > 1e-12 * max(abs(low), abs(high), 1e-300):
            margin = abs(low) / 2 or 0.5
            low, high = low - margin, high + margin
        step = _round_step((high - low) / (_MOST_TICKS - 1))
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        ticks = tuple(n * step for n in range(first, last + 1))
        return cls(ticks[0], ticks[-1], start, end, ticks)

    def __call__(self, value: float) -> float:
        """Give the coordinate of a value, cut to the scale."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def labels(self) -> list[tuple[float, str]]:
        """Give each tick's coordinate and text."""
        step = self.ticks[1] - self.ticks[0]
        largest = max(abs(self.low), abs(self.high))
        if largest >= 1e6 or step < 1e-5:  # noqa: PLR2004 - longer than fits
            return [(self(tick), f"{tick:.3g}" if tick else "0") for tick in self.ticks]
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return [(self(tick), f"{tick + 0.0:.{digits}f}") for tick in self.ticks]


def _round_step(rough: float) -> float:
    """Give the next of 1, 2, 5, 10, … times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def text(x: float, y: float, words: str, *, anchor: str = "start", more: str = "") -> str:
    """Give a ``<text>`` element; `more` are attributes that are escaped already."""
    attributes = f" {more}" if more else ""
    return (
        f'<text x="{coordinate(x)}" y="{coordinate(y)}" text-anchor="{anchor}"{attributes}>'
        f"{escape(words)}</text>"
    )


def legend(names: Sequence[str], left: float, top: float, width: float) -> tuple[list[str], float]:
    """Draw names with their colours in as many lines as they need; give the parts and the height used."""
    parts, x, y = [], left, top
    for index, name in enumerate(names):
        label = shortened(name, 32)
        needed = 38 + CHARACTER * len(label)
        if x > left and x + needed > left + width:
            x, y = left, y + 18
        colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        parts.append(
            f'<line x1="{coordinate(x)}" y1="{coordinate(y + 8)}" x2="{coordinate(x + 20)}" '
            f'y2="{coordinate(y + 8)}" style="stroke:{colour}" stroke-width="2.5" stroke-dasharray="{dash}"/>'
        )
        parts.append(text(x + 26, y + 12, label))
        x += needed + 8
    return parts, y - top + 22


def drawing(title: str, width: float, height: float, parts: Iterable[str], *, kind: str) -> str:
    """Put parts into an ``<svg>`` element under a visible title that screen readers get, too."""
    box = f"0 0 {coordinate(width)} {coordinate(height)}"
    longest = int((width - 8) / (CHARACTER * 1.1))
    return (
        f'<svg class="chart {kind}" viewBox="{box}" width="{coordinate(width)}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui,sans-serif" font-size="12" fill="{INK}" '
        'style="max-width:100%;height:auto">'
        + text(4, 15, shortened(title, longest), more='font-weight="600" font-size="13"')
        + "".join(parts)
        + "</svg>"
    )


def standalone(svg: str) -> str:
    """Give an ``<svg>`` element the name space that it needs in a file of its own."""
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
