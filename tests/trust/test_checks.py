"""Expiry, age, size, what is disclosed and what was revoked."""

import pytest

from maas_sdk.errors import InvalidOptionError
from maas_sdk.trust import (
    CheckStatus,
    Revoked,
    Rule,
    check_dates,
    check_disclosure,
    check_revocation,
    check_size,
)

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


@pytest.mark.parametrize(("size", "status"), [(0, "passed"), (1000, "passed"), (1001, "failed")])
def test_a_release_is_as_large_as_the_rule_allows(key, size, status):
    check = check_size(Rule("*", (key(1),), max_release_bytes=1000), size)
    assert (check.name, check.status) == ("size", status)
    assert f"{size} bytes" in check.reason
    assert "1000 bytes" in check.reason


def test_without_a_bound_any_size_is_accepted(lenient):
    check = check_size(lenient, 10**12)
    assert (check.name, check.status) == ("size", CheckStatus.SKIPPED)


@pytest.mark.parametrize(
    ("allowed", "highest", "status"),
    [
        ("none", "none", "passed"),
        ("none", "low", "failed"),
        ("low", "low", "passed"),
        ("low", "medium", "failed"),
        ("medium", "low", "passed"),
        ("medium", "high", "failed"),
        ("high", "high", "passed"),
        ("high", None, "failed"),
        (None, "high", "passed"),
        (None, None, "skipped"),
    ],
)
def test_a_release_discloses_what_the_rule_allows(key, allowed, highest, status):
    check = check_disclosure(Rule("*", (key(1),), max_disclosure=allowed), highest, ())
    assert (check.name, check.status) == ("disclosure", status)
    assert ("max_disclosure" in check.reason) is (allowed is not None)
    assert ("does not say" in check.reason) is (highest is None)


def test_what_a_publisher_accepted_is_named_in_the_reason(lenient):
    check = check_disclosure(lenient, "high", ["verbatim-rows:model._fit_X (high: 60 rows)"])
    assert "verbatim-rows:model._fit_X (high: 60 rows)" in check.reason


@pytest.fixture
def prints(key):
    return [key(number).fingerprint for number in range(4)]


@pytest.fixture
def check(prints, identity):
    def run(signed, threshold, revoked, release=1):
        keys = [prints[number] for number in signed]
        check = check_revocation("acme/digits", keys, threshold, identity(release), revoked)
        assert check.name == "revocation"
        return check

    return run


def test_where_nothing_was_revoked_there_is_nothing_to_check(check):
    assert check([1], 1, None).status is CheckStatus.SKIPPED


def test_a_revoked_release_is_refused_whoever_signed_it(check, identity):
    revoked = Revoked(1, releases=(identity(1),))
    assert check([1, 2, 3], 1, revoked).status is CheckStatus.FAILED
    assert identity(1) in check([1], 1, revoked).reason
    assert check([1], 1, revoked, release=2).status is CheckStatus.PASSED


@pytest.mark.parametrize(
    ("signed", "threshold", "status"),
    [
        ([1], 1, "failed"),
        ([1, 2], 1, "passed"),
        ([1, 2], 2, "failed"),
        ([1, 2, 3], 2, "passed"),
        ([2, 2], 2, "failed"),
        ([2], 1, "passed"),
        ([], 1, "failed"),
    ],
)
def test_enough_keys_that_were_not_revoked_must_have_signed(check, prints, signed, threshold, status):
    found = check(signed, threshold, Revoked(1, keys=(prints[1],)))
    assert found.status == status
    assert (prints[1] in found.reason) is (1 in signed)
