"""How things are printed: for eyes on a terminal, for programs into a pipe, and never as a file wants it."""

import contextlib
import io
import re
import sys
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from maas_sdk.cli import _app, _console
from maas_sdk.cli._commands import COMMANDS
from maas_sdk.cli._console import Listing, byte_progress, complain, safe, say, show_verdict
from maas_sdk.cli._options import parse_duration, parse_size
from maas_sdk.errors import InvalidOptionError, NotFoundError
from maas_sdk.trust import Check, Verdict

EVIL = "\x1b[31mred\x1b[0m [bold]x[/] \u202eevil\r\nsecond"
SHOW_CURSOR = "\x1b[?25h"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """What looks like a terminal to whoever asks."""

    def isatty(self):
        return True


@contextlib.contextmanager
def terminal(width, monkeypatch):
    """Let what is printed go to a terminal of some columns."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with contextlib.redirect_stdout(Terminal()) as shown:
        yield shown


def listing():
    made = Listing("Some", "name", ">size", "=when", "why")
    made.row("acme/digits", "300 kB", "2026-11-01T12:00:00Z", ["first line " + "x" * 100, "second"])
    made.row(EVIL, "1", "never", ("styled", "bold red"))
    return made


def test_a_pipe_gets_one_row_a_line_and_nothing_that_acts_on_a_terminal(capsys):
    listing().show()
    say("plain ", ("styled", "bold"), " [bold]no markup[/] ", EVIL)
    complain(NotFoundError(EVIL))
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0] == "Some"
    assert lines[1].split() == ["name", "size", "when", "why"]
    assert lines[3].startswith("acme/digits")
    assert lines[3].endswith("x" * 100)
    assert lines[4].strip() == "second"
    assert r"\x1b[31mred\x1b[0m [bold]x[/] \u202eevil\r\nsecond" in lines[5]
    assert lines[6].startswith("plain styled [bold]no markup[/] ")
    assert shown.err.startswith(r"NotFoundError: \x1b[31mred")
    assert all(character.isprintable() or character == "\n" for character in shown.out + shown.err)


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_colours_and_lines_that_fit(width, monkeypatch):
    with terminal(width, monkeypatch) as output:
        listing().show()
        say("plain ", ("styled", "bold"))
    shown = output.getvalue()
    assert COLOUR.search(shown)
    plain = COLOUR.sub("", shown)
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= width
    assert "2026-11-01T12:00:00Z" in plain
    assert "[bold]x[/]" in plain
    assert "plain styled\n" in plain
    assert "\u202e" not in plain


def test_a_verdict_has_signs_on_a_terminal_and_words_in_a_pipe(monkeypatch, capsys):
    checks = (
        Check.of("signature", True, "signed"),
        Check.of("rollback", False, EVIL),
        Check.skipped("age", "any"),
    )
    verdict = Verdict("acme/digits", checks, version="1.0.0")
    with terminal(80, monkeypatch) as output:
        show_verdict(verdict)
    plain = COLOUR.sub("", output.getvalue())
    assert "acme/digits@1.0.0: refused" in plain
    assert {"✓", "✗", "-"} <= set(plain.split())
    assert "\x1b" not in plain
    show_verdict(verdict)
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines()[3:]]
    assert words == ["passed", "FAILED", "skipped"]


def test_a_listing_without_titles_has_no_header_and_one_without_rows_says_so(capsys):
    facts = Listing("Facts", "", "")
    facts.row("threshold", "2")
    facts.show()
    Listing("Facts", "name", empty="nothing").show()
    assert capsys.readouterr().out == "Facts\nthreshold  2\nFacts: nothing\n"


@pytest.mark.parametrize(
    ("tty", "total", "drawn"), [(True, 1 << 30, True), (True, 1000, False), (False, 1 << 30, False)]
)
def test_a_bar_is_drawn_on_a_terminal_for_long_work_and_is_gone_afterwards(tty, total, drawn, monkeypatch):
    shown = Terminal() if tty else io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm-256color")
    with byte_progress() as progress:
        for done in (0, total // 2, total):
            progress("import", done, total)
        progress("join", 1, None)
    assert ("import" in shown.getvalue()) == drawn
    assert shown.getvalue().count(SHOW_CURSOR) == drawn


def test_an_error_within_long_work_takes_the_bar_away(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm-256color")
    with pytest.raises(NotFoundError), byte_progress() as progress:
        progress("import", 1, 1 << 30)
        raise NotFoundError("gone")
    assert shown.getvalue().count(SHOW_CURSOR) == 1


def test_safe_leaves_what_can_be_read():
    assert safe("Grüße, 模型 1.0") == "Grüße, 模型 1.0"
    assert safe("a\tb\x00") == r"a\tb\x00"


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4 * 10**9), ("1.5 MB", 1_500_000), ("700MiB", 700 << 20), ("1024", 1024)]
)
def test_sizes_are_read(text, size):
    assert parse_size(text, "--max-size") == size


@pytest.mark.parametrize("text", ["", "0", "-1GB", "1PB", "four", "1,5GB", "1e9"])
def test_what_is_no_size_is_said(text):
    with pytest.raises(InvalidOptionError, match="--max-size"):
        parse_size(text, "--max-size")


@pytest.mark.parametrize(
    ("text", "duration"),
    [("0s", timedelta()), ("90m", timedelta(minutes=90)), ("1d", timedelta(days=1)), ("2w", timedelta(14))],
)
def test_durations_are_read(text, duration):
    assert parse_duration(text, "--grace") == duration


@pytest.mark.parametrize("text", ["", "1", "-1d", "1 d", "1y", "99999999w"])
def test_what_is_no_duration_is_said(text):
    with pytest.raises(InvalidOptionError, match="--grace"):
        parse_duration(text, "--grace")


def test_the_summary_of_each_command_fits_a_line_of_a_terminal():
    shown = CliRunner().invoke(_app.app, ["--help"], env={"COLUMNS": "80"}).output
    rows = shown[shown.index("First steps") :].splitlines()
    assert [row.split()[1] for row in rows if row.startswith("│")] == list(COMMANDS), shown


def test_a_pipe_is_never_asked_for_its_width(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert _console.console().width == 120
