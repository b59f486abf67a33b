"""Timestamps in their one form."""

from datetime import UTC, datetime

import pytest

from maas_sdk._internal.times import is_timestamp, moment


def test_a_timestamp_is_a_moment():
    assert is_timestamp("2026-11-23T22:00:00Z")
    assert moment("2026-11-23T22:00:00Z") == datetime(2026, 11, 23, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-23T22:00:00", "2026-11-23T22:00:00z", "2026-11-23 22:00:00Z", "2026-11-23T22:00:00.0Z",
     "2026-11-23T22:00:00+00:00", "2026-02-30T00:00:00Z", "2026-11-23T24:00:00Z", "0026-11-23T22:00:00Z",
     "2026-11-23T22:00:00Z\n", "\uff12026-11-23T22:00:00Z", None, 5],
)  # fmt: skip
def test_any_other_form_is_none(text):
    assert not is_timestamp(text)
