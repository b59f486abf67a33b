"""Checks and verdicts."""

import json
import re

import pytest

from maas_sdk.errors import RefusedError
from maas_sdk.trust import Check, CheckStatus, Verdict

PASSED = Check.of("signature", True, "1 of 1 keys signed")
FAILED = Check.of("rollback", False, "sequence 2 is older")
SKIPPED = Check.skipped("age", "any age is accepted")


@pytest.mark.parametrize(
    ("checks", "passed"),
    [
        ((), False),
        ((SKIPPED,), False),
        ((PASSED,), True),
        ((PASSED, SKIPPED), True),
        ((PASSED, FAILED), False),
        ((FAILED, PASSED, SKIPPED), False),
    ],
)
def test_a_verdict_passes_when_something_passed_and_nothing_failed(checks, passed):
    verdict = Verdict("acme/digits", list(checks))
    assert verdict.passed is passed
    assert verdict.failures == tuple(check for check in checks if check is FAILED)
    assert verdict.checks == checks
    if passed:
        verdict.raise_if_refused()
    else:
        with pytest.raises(RefusedError) as caught:
            verdict.raise_if_refused()
        assert caught.value.verdict is verdict


def test_a_refusal_names_every_failed_check_with_its_reason():
    other = Check("clock", "failed", "set back")
    assert other.status is CheckStatus.FAILED
    with pytest.raises(
        RefusedError, match=r"acme/digits@1\.0\.0 is refused: rollback: seq.*; clock: set back"
    ):
        Verdict("acme/digits", (PASSED, FAILED, other), version="1.0.0").raise_if_refused()
    with pytest.raises(RefusedError, match="no check could be made"):
        Verdict("acme/digits", ()).raise_if_refused()


def test_the_text_is_an_aligned_table():
    verdict = Verdict("acme/digits", (PASSED, FAILED, SKIPPED), identity="sha256:x", version="1.0.0")
    assert str(verdict) == "\n".join(  # noqa: FLY002 - lines are easier to read
        [
            "acme/digits@1.0.0: refused",
            "status   check      reason",
            "───────  ─────────  ───────────────────",
            "passed   signature  1 of 1 keys signed",
            "FAILED   rollback   sequence 2 is older",
            "skipped  age        any age is accepted",
        ]
    )


def test_a_long_reason_goes_on_below_itself():
    lines = str(Verdict("x", (Check.of("a", True, "word " * 40), Check.of("b", True, "")))).splitlines()
    assert max(map(len, lines)) < 110
    assert lines[4].startswith(" " * 15 + "word")
    assert sum(line.count("word") for line in lines) == 40
    assert lines[-1] == "passed  b"


def test_no_text_of_a_file_reaches_the_terminal_as_a_command():
    nasty = "a\x1b[2J\r\nFAKE  passed\x07\u202e\u2028\x9b\ud800é"
    verdict = Verdict(nasty, (Check.of(nasty, False, nasty),), version=nasty)
    text = str(verdict)
    assert len(text.splitlines()) == 4
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert r"a\x1b[2J\r\nFAKE" in text
    assert "é" in text
    with pytest.raises(RefusedError) as caught:
        verdict.raise_if_refused()
    assert str(caught.value).isprintable()


def test_the_html_is_whole_and_escaped():
    nasty = "<script>alert(1)</script>&\x1b"
    page = Verdict(nasty, (Check.of(nasty, False, nasty),))._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert not re.search(r"(src|href)=", page)


def test_the_data_survives_json():
    verdict = Verdict("acme/digits", (PASSED, FAILED), identity="sha256:x", version="1.0.0")
    assert json.loads(json.dumps(verdict.to_dict())) == {
        "subject": "acme/digits",
        "version": "1.0.0",
        "identity": "sha256:x",
        "passed": False,
        "checks": [
            {"name": "signature", "status": "passed", "reason": "1 of 1 keys signed"},
            {"name": "rollback", "status": "failed", "reason": "sequence 2 is older"},
        ],
    }
