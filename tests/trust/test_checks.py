"""Expiry and age."""

import pytest

from maas_sdk.errors import InvalidOptionError
from maas_sdk.trust import CheckStatus, Rule, check_dates

CREATED = "2026-11-01T00:00:00Z"


def statuses(rule, *, expires=None, now=CREATED):
    checks = check_dates(rule, CREATED, expires, now)
    assert [check.name for check in checks] == ["expires", "age"]
    return [check.status for check in checks]


@pytest.fixture
def lenient(key):
    return Rule("*", (key(1),))


@pytest.fixture
def strict(key):
    return Rule("*", (key(1),), max_age_days=30)


def test_without_a_bound_there_is_nothing_to_check(lenient):
    assert statuses(lenient, now="2099-01-01T00:00:00Z") == [CheckStatus.SKIPPED, CheckStatus.SKIPPED]


@pytest.mark.parametrize(
    ("expires", "now", "status"),
    [
        ("2026-11-02T00:00:00Z", "2026-11-01T23:59:59Z", CheckStatus.PASSED),
        ("2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z", CheckStatus.FAILED),
        ("2026-11-02T00:00:00Z", "2027-01-01T00:00:00Z", CheckStatus.FAILED),
        ("2026-11-01T00:00:00Z", "2026-10-01T00:00:00Z", CheckStatus.FAILED),
        ("2025-11-01T00:00:00Z", "2025-10-01T00:00:00Z", CheckStatus.FAILED),
    ],
)
def test_a_release_is_valid_until_the_moment_it_names(lenient, expires, now, status):
    assert statuses(lenient, expires=expires, now=now)[0] is status


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2026-12-01T00:00:00Z", CheckStatus.PASSED),
        ("2026-12-01T00:00:01Z", CheckStatus.FAILED),
        ("2026-10-31T00:00:00Z", CheckStatus.PASSED),
    ],
)
def test_a_release_is_as_old_as_the_rule_allows(strict, now, status):
    assert statuses(strict, now=now)[1] is status


@pytest.mark.parametrize("bad", ["", "2026-11-01", "2026-11-01T00:00:00+00:00", "2026-13-01T00:00:00Z", None])
def test_a_time_in_another_form_is_refused(strict, bad):
    with pytest.raises(InvalidOptionError, match="created"):
        check_dates(strict, bad, None, CREATED)
    with pytest.raises(InvalidOptionError, match="now"):
        check_dates(strict, CREATED, None, bad)
    if bad is not None:
        with pytest.raises(InvalidOptionError, match="expires"):
            check_dates(strict, CREATED, bad, CREATED)
