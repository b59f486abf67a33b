"""Tables and units as people read them."""

from __future__ import annotations

import pytest

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk._internal.units import format_bytes, format_ratio, format_seconds


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (999_400, "999 kB"),
        (999_600, "1.00 MB"),
        (104_000_000, "104 MB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes_have_three_digits_and_a_unit(size, text):
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00 µs"), (1.234e-5, "12.3 µs"), (0.9996e-3, "1.00 ms"), (0.25, "250 ms"), (90, "90.0 s")],
)
def test_durations_have_three_digits_and_a_unit(seconds, text):
    assert format_seconds(seconds) == text


def test_ratios_say_how_many_times():
    assert format_ratio(100, 40) == "2.50 times"
    assert format_ratio(1, 0) == "∞ times"


def test_columns_align_and_no_cell_breaks_a_line():
    text = text_table(("name", "n"), [("a\nb\x1b[31m", "1"), ("long name", "20")], right=(1,), indent=" ")
    assert text.splitlines() == [
        " name        n",
        " ─────────  ──",
        " a b [31m    1",
        " long name  20",
    ]


def test_html_cells_and_captions_are_escaped():
    html = html_table(("<b>",), [("<i>",)], caption="<u>")
    assert not any(tag in html for tag in ("<b>", "<i>", "<u>"))
    assert "<caption" not in html_table(("a",), [])
