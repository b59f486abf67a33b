"""Bytes, seconds and ratios as people read them; it measures nothing."""

from __future__ import annotations

__all__ = ["format_bytes", "format_ratio", "format_seconds"]

_KILO = 1000
_TEN = 10


def format_bytes(size: float) -> str:
    """Give a size with a decimal unit: ``"999 B"``, ``"1.23 kB"``, ``"104 MB"``."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        # Judged as it will be printed, so that 999.6 kB is not written "1000 kB".
        if unit == "TB" or abs(value) < _KILO - 0.5:
            return f"{value:.0f} B" if unit == "B" else f"{_three_digits(value)} {unit}"
        value /= _KILO
    raise AssertionError  # pragma: no cover - the last unit takes every value


def format_seconds(seconds: float) -> str:
    """Give a duration with its unit: ``"12.3 µs"``, ``"4.56 ms"``, ``"1.20 s"``."""
    value = float(seconds) * 1e6
    for unit in ("µs", "ms"):
        if abs(value) < _KILO - 0.5:
            return f"{_three_digits(value)} {unit}"
        value /= _KILO
    return f"{_three_digits(value)} s"


def format_ratio(before: float, after: float) -> str:
    """Give how many times smaller `after` is than `before`: ``"2.04 times"``."""
    return f"{_three_digits(before / after) if after else '∞'} times"


def _three_digits(value: float) -> str:
    if abs(value) < _TEN:
        return f"{value:.2f}"
    return f"{value:.1f}" if abs(value) < _TEN * _TEN else f"{value:.0f}"
