"""Charts as small SVG elements: no scripts, nothing loaded, readable on light and dark pages alike."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from attrs import frozen

from maas_sdk._internal.chart_parts import (
    CHARACTER,
    COLOURS,
    DASHES,
    INK,
    Scale,
    coordinate,
    drawing,
    figure,
    legend,
    shortened,
    standalone,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Line", "bar_chart", "line_chart", "scatter_chart", "standalone"]

_WIDTH = 460.0
_ROW = 26
_VALUE = 66
_LONGEST = 24
_TITLE = 26
_HEIGHT = 250.0
_BOTTOM = 44
_MOST_POINTS = 500


# --- bars -------------------------------------------------------------------------------------------------


def bar_chart(
    title: str,
    rows: Sequence[tuple[str, float]],
    *,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    scale: tuple[float, float] | None = (0.0, 1.0),
) -> str:
    """Draw horizontal bars.

    Parameters
    ----------
    title : str
        Shown, and what a screen reader says.
    rows : sequence of (str, float)
        Label and value of each bar; values are cut to the scale, and what is not a number has no bar.
    intervals : mapping of str to (float, float), optional
        By label, from where to where a whisker goes.
    scale : (float, float) or None
        The ends; None takes what shows 0 and all values.

    Returns
    -------
    str
        An ``<svg>`` element of classes ``chart bars``, with ``label``, ``track``, ``bar`` and ``value``.
    """
    whiskers = intervals or {}
    labels = [shortened(label, _LONGEST) for label, _value in rows]
    left = round(CHARACTER * max(map(len, labels), default=0)) + 20
    ends = (value for pair in whiskers.values() for value in pair)
    axis = Scale.over([0.0, *(value for _, value in rows), *ends], left, _WIDTH - _VALUE, within=scale)
    zero = axis(0.0)
    parts = []
    for index, ((label, value), short) in enumerate(zip(rows, labels, strict=True)):
        top = _TITLE + index * _ROW
        end = axis(value) if math.isfinite(value) else zero
        height = _ROW - 10
        parts.append(
            f"<g><title>{escape(label)}: {figure(value)}</title>"
            + text(left - 10, top + 17, short, anchor="end", more='class="label"')
            + f'<rect class="track" x="{left}" y="{top + 5}" width="{coordinate(axis.end - left)}" '
            f'height="{height}" rx="3" fill-opacity=".1"/>'
            f'<rect class="bar" x="{coordinate(min(zero, end))}" y="{top + 5}" '
            f'width="{coordinate(abs(end - zero))}" height="{height}" rx="3" style="fill:{COLOURS[0]}"/>'
            + _whisker(axis, whiskers.get(label), top + 5 + height / 2)
            + text(axis.end + 10, top + 17, figure(value), more='class="value" fill-opacity=".75"')
            + "</g>"
        )
    if axis.low < 0 < axis.high:
        parts.append(_line(zero, _TITLE, zero, _TITLE + _ROW * len(rows)))
    return drawing(title, _WIDTH, _TITLE + _ROW * len(rows), parts, kind="bars")


def _whisker(axis: Scale, interval: tuple[float, float] | None, y: float) -> str:
    if interval is None or not all(map(math.isfinite, interval)):
        return ""
    low, high = axis(interval[0]), axis(interval[1])
    path = f"M{coordinate(low)} {coordinate(y - 4)}v8m0-4H{coordinate(high)}m0-4v8"
    return f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.5"/>'


# --- lines and points -------------------------------------------------------------------------------------


@frozen
class Line:
    """A series.

    Attributes
    ----------
    name : str
    x, y : sequence of float
        Where one is not a number, the line is interrupted.
    low, high : sequence of float or None
        Edges of a band.
    dots : bool
        Whether each point is marked.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    dots: bool = False


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: bool = False,
) -> str:
    """Draw series over a common scale, with a legend where there are several.

    Parameters
    ----------
    title : str
        Shown, and what a screen reader says.
    lines : sequence of Line
    x_label, y_label : str
    x_range, y_range : (float, float), optional
        Ends of the scales; those of the values by default.
    diagonal : bool
        Whether a dashed line goes from corner to corner.

    Returns
    -------
    str
        An ``<svg>`` element of classes ``chart lines``.
    """
    names = [line.name for line in lines] if len(lines) > 1 else []
    key, used = legend(names, 8, _TITLE, _WIDTH - 16) if names else ([], 0.0)
    ys = [v for line in lines for series in (line.y, line.low or (), line.high or ()) for v in series]
    xs = [v for line in lines for v in line.x]
    x, y, parts = _axes(
        (xs, x_label, x_range), (ys, y_label, y_range), top=_TITLE + 6 + used, diagonal=diagonal
    )
    for index, line in enumerate(lines):
        parts += _band(line, x, y, COLOURS[index % len(COLOURS)])
    for index, line in enumerate(lines):
        parts += _series(line, x, y, index)
    return drawing(title, _WIDTH, y.start + _BOTTOM, [*key, *parts], kind="lines")


def scatter_chart(
    title: str,
    x_values: Sequence[float],
    y_values: Sequence[float],
    *,
    x_label: str,
    y_label: str,
    zero_line: bool = False,
) -> str:
    """Draw points, at most 500 of them, evenly chosen.

    Returns
    -------
    str
        An ``<svg>`` element of classes ``chart scatter``.
    """
    points = [
        (a, b) for a, b in zip(x_values, y_values, strict=True) if math.isfinite(a) and math.isfinite(b)
    ]
    points = points[:: max(1, math.ceil(len(points) / _MOST_POINTS))]
    x, y, parts = _axes(
        ([a for a, _ in points], x_label, None), ([b for _, b in points], y_label, None), top=_TITLE + 6
    )
    if zero_line and y.low <= 0 <= y.high:
        parts.append(_line(x.start, y(0), x.end, y(0), dash="5 4"))
    parts += [
        f'<circle cx="{coordinate(x(a))}" cy="{coordinate(y(b))}" r="2.5" fill-opacity=".55" '
        f'style="fill:{COLOURS[0]}"/>'
        for a, b in points
    ]
    return drawing(title, _WIDTH, y.start + _BOTTOM, parts, kind="scatter")


_Values = tuple["Sequence[float]", str, "tuple[float, float] | None"]


def _axes(
    x_values: _Values, y_values: _Values, *, top: float, diagonal: bool = False
) -> tuple[Scale, Scale, list[str]]:
    """Draw grid, ticks and labels; give both scales and the parts."""
    y = Scale.over(y_values[0], top + _HEIGHT, top, within=y_values[2])
    marks = y.labels()
    left = 34 + CHARACTER * max(len(words) for _, words in marks)
    x = Scale.over(x_values[0], left, _WIDTH - 16, within=x_values[2])
    parts = []
    for at, words in marks:
        parts += [_line(x.start, at, x.end, at, opacity=0.13), text(left - 7, at + 4, words, anchor="end")]
    for at, words in x.labels():
        parts += [
            _line(at, y.start, at, y.start + 4, opacity=0.5),
            text(at, y.start + 17, words, anchor="middle"),
        ]
    parts.append(_line(x.start, y.start, x.end, y.start, opacity=0.5))
    middle = (y.start + y.end) / 2
    faint = 'fill-opacity=".75"'
    parts.append(text((x.start + x.end) / 2, y.start + 36, x_values[1], anchor="middle", more=faint))
    turned = f'transform="rotate(-90 14 {coordinate(middle)})" {faint}'
    parts.append(text(14, middle, y_values[1], anchor="middle", more=turned))
    if diagonal:
        parts.append(_line(x.start, y.start, x.end, y.end, dash="5 4"))
    return x, y, parts


def _line(x1: float, y1: float, x2: float, y2: float, *, opacity: float = 0.5, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{coordinate(x1)}" y1="{coordinate(y1)}" x2="{coordinate(x2)}" y2="{coordinate(y2)}" '
        f'stroke="{INK}" stroke-opacity="{opacity}"{dashes}/>'
    )


def _path(xs: Sequence[float], ys: Sequence[float], x: Scale, y: Scale) -> str:
    commands, pen = [], "M"
    for a, b in zip(xs, ys, strict=True):
        if math.isfinite(a) and math.isfinite(b):
            commands.append(f"{pen}{coordinate(x(a))} {coordinate(y(b))}")
            pen = "L"
        else:
            pen = "M"
    return "".join(commands)


def _band(line: Line, x: Scale, y: Scale, colour: str) -> list[str]:
    if line.low is None or line.high is None:
        return []
    edges = [
        (a, low, high)
        for a, low, high in zip(line.x, line.low, line.high, strict=True)
        if all(map(math.isfinite, (a, low, high)))
    ]
    if not edges:
        return []
    there = [a for a, _, _ in edges]
    path = _path([*there, *there[::-1]], [*(e[1] for e in edges), *(e[2] for e in edges[::-1])], x, y)
    return [f'<path d="{path}Z" fill-opacity=".18" style="fill:{colour}"/>']


def _series(line: Line, x: Scale, y: Scale, index: int) -> list[str]:
    colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
    path = (
        f'<path d="{_path(line.x, line.y, x, y)}" fill="none" stroke-width="2" stroke-linejoin="round" '
        f'stroke-dasharray="{dash}" style="stroke:{colour}"><title>{escape(line.name)}</title></path>'
    )
    parts = [path]
    if line.dots:
        parts += [
            f'<circle cx="{coordinate(x(a))}" cy="{coordinate(y(b))}" r="3.5" style="fill:{colour}">'
            f"<title>{escape(line.name)}: {figure(a)}, {figure(b)}</title></circle>"
            for a, b in zip(line.x, line.y, strict=True)
            if math.isfinite(a) and math.isfinite(b)
        ]
    return parts
