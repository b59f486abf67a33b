"""Charts: well-formed, within their frame, escaped, and calm about any number."""

import math
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk._internal.chart_parts import Scale, figure
from maas_sdk._internal.charts import Line, bar_chart, line_chart, scatter_chart, standalone
from maas_sdk._internal.heat_map import heat_map

ANY = st.floats(allow_nan=True, allow_infinity=True)
EVIL = "<script>alert(\"x\")</script> & 'so' on"


def checked(svg):
    """Parse it, and check that all it draws with are finite numbers within its frame."""
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    assert root.get("role") == "img"
    assert root.get("aria-label")
    across = {"x", "x1", "x2", "cx"}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name in across | {"y", "y1", "y2", "cy", "width", "height"}:
                limit = width if name in across | {"width"} else height
                assert -0.1 <= float(value) <= limit + 0.1, (element.tag, name, value)
            assert not re.search(r"\b(nan|inf)\b", value) or name == "aria-label"
        if element.tag == "path":
            numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", element.get("d"))]
            assert all(math.isfinite(n) for n in numbers)
    return root


def words(root):
    return [element.text for element in root.iter("text")]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), ANY), max_size=8), st.booleans())
def test_bars_take_any_number(rows, unit):
    intervals = {label: (value, value * 2) for label, value in rows}
    rows = [(re.sub(r"[^\w ]", "?", label), value) for label, value in rows]
    root = checked(bar_chart("bars", rows, intervals=intervals, scale=(0.0, 1.0) if unit else None))
    assert len([e for e in root.iter("rect") if e.get("class") == "bar"]) == len(rows)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(ANY, ANY, ANY), max_size=12), st.booleans())
def test_lines_and_points_take_any_number(points, dots):
    x, y, z = ([p[i] for p in points] for i in range(3))
    lines = [Line("one", x, y, z, y, dots=dots), Line("two", z, x)]
    checked(line_chart("lines", lines, x_label="x", y_label="y", diagonal=True))
    checked(scatter_chart("points", x, y, x_label="x", y_label="y", zero_line=True))


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 9).flatmap(
        lambda n: st.lists(st.lists(ANY, min_size=n, max_size=n), min_size=n, max_size=n)
    )
)
def test_heat_maps_take_any_number(counts):
    checked(heat_map("heat", [f"label {i}" for i in range(len(counts))], counts))


@pytest.mark.parametrize("n_labels", [1, 2, 12, 40])
def test_a_heat_map_shows_numbers_where_they_fit(n_labels):
    counts = [[12 * (i == j) for j in range(n_labels)] for i in range(n_labels)]
    root = checked(heat_map("heat", [f"{i}" for i in range(n_labels)], counts))
    assert (words(root).count("12") >= n_labels) == (n_labels <= 12)
    assert len(list(root.iter("rect"))) == n_labels**2
    assert len(list(root.iter("title"))) == n_labels**2


def test_text_stays_text():
    line = Line(EVIL, [0, 1], [0, 1], dots=True)
    for svg in (
        bar_chart(EVIL, [(EVIL, 0.5)]),
        line_chart(EVIL, [line, line], x_label=EVIL, y_label=EVIL),
        scatter_chart(EVIL, [0], [1], x_label=EVIL, y_label=EVIL),
        heat_map(EVIL, [EVIL, "b"], [[1, 0], [0, 1]]),
    ):
        root = checked(svg)
        assert root.get("aria-label") == EVIL
        assert not list(root.iter("script"))
        assert "url(" not in svg
        assert "http" not in svg


def test_bars_grow_from_zero_to_both_sides():
    root = checked(bar_chart("t", [("up", 2.0), ("down", -1.0)], scale=None))
    up, down = [e for e in root.iter("rect") if e.get("class") == "bar"]
    assert float(up.get("x")) == pytest.approx(float(down.get("x")) + float(down.get("width")), abs=0.1)
    assert float(up.get("width")) == pytest.approx(2 * float(down.get("width")), abs=0.2)


def test_a_whisker_goes_from_end_to_end():
    svg = bar_chart("t", [("a", 0.5), ("b", 0.5)], intervals={"a": (0.25, 0.75), "b": (0.2, math.nan)})
    assert svg.count("<path") == 1


def test_several_lines_have_a_legend_and_different_dashes():
    lines = [Line(f"line {i}", [0, 1], [i, i]) for i in range(3)]
    root = checked(line_chart("t", lines, x_label="x", y_label="y"))
    assert {"line 0", "line 1", "line 2"} <= set(words(root))
    dashes = [path.get("stroke-dasharray") for path in root.iter("path")]
    assert len(set(dashes)) == 3
    alone = checked(line_chart("t", lines[:1], x_label="x", y_label="y"))
    assert "line 0" not in words(alone)


def test_a_line_is_interrupted_where_there_is_no_number():
    svg = line_chart("t", [Line("a", [0, 1, 2, 3], [1, math.nan, 2, 3])], x_label="x", y_label="y")
    [path] = ET.fromstring(svg).iter("path")
    assert path.get("d").count("M") == 2


def test_many_points_are_thinned_out():
    svg = scatter_chart("t", range(5001), range(5001), x_label="x", y_label="y")
    assert 400 < svg.count("<circle") <= 500


@settings(max_examples=300, deadline=None)
@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_ticks_are_few_round_and_frame_the_values(one, other):
    low, high = sorted((one, other))
    scale = Scale.over([low, high], 0, 100)
    assert 2 <= len(scale.ticks) <= 9
    cut = 1e-8 * (scale.high - scale.low)  # nobody sees it
    assert scale.low <= low + cut
    assert scale.high >= high - cut
    assert scale.low < scale.high
    texts = [words for _, words in scale.labels()]
    assert all(len(text) <= 10 for text in texts)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (3, 97, ["0", "20", "40", "60", "80", "100"]),
        (-0.011, 0.024, ["-0.02", "-0.01", "0.00", "0.01", "0.02", "0.03"]),
        (0, 3e6, ["0", "1e+06", "2e+06", "3e+06"]),
        (5, 5, ["2", "3", "4", "5", "6", "7", "8"]),
    ],
)
def test_ticks_are_written_as_one_would(low, high, expected):
    assert [words for _, words in Scale.over([low, high], 0, 1).labels()] == expected


def test_numbers_are_written_without_regard_to_the_locale():
    assert [figure(v) for v in (0, 0.5, 1e-9, 1234567.0, math.nan)] == [
        "0.0000", "0.5000", "1e-09", "1.235e+06", "-",
    ]  # fmt: skip


def test_a_chart_of_its_own_names_what_it_is():
    root = ET.fromstring(standalone(bar_chart("t", [("a", 1.0)])))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
