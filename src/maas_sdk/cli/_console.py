"""What the commands share: printing, exit statuses, passphrases; rich is loaded where a terminal shows it.

On a terminal there are colours and folded tables; into a pipe goes plain text, one row a line. Whatever comes
from a file is never markup, and what a terminal would act upon is escaped.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from maas_sdk._internal.tables import text_table
from maas_sdk.errors import KeyFileError, MaasError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from maas_sdk.trust import Verdict

__all__ = [
    "EXIT_INCOMPLETE",
    "EXIT_INTERRUPTED",
    "EXIT_REFUSED",
    "EXIT_UNUSABLE",
    "AsJson",
    "Cell",
    "Listing",
    "PassphraseFile",
    "byte_progress",
    "complain",
    "console",
    "passphrase",
    "safe",
    "say",
    "show_json",
    "show_verdict",
    "table",
]

EXIT_REFUSED = 1
EXIT_UNUSABLE = 2
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130

_LARGE = 64 << 20  # bytes from which a bar is worth it
_PIPE_WIDTH = 120
_MARKS = ">="  # of columns
_SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("-", "dim")}
_WORDS = {"passed": ("passed", ""), "failed": ("FAILED", ""), "skipped": ("skipped", "")}

PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="A file whose first line is the passphrase; asked for at the terminal otherwise."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]

Cell: TypeAlias = "str | tuple[str, str] | list[str]"
"""A text, a text with its style, or lines."""


def console(*, stderr: bool = False) -> Console:
    """Give a console; as wide as the terminal, 120 columns where there is none."""
    from rich.console import Console

    plain = not (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=_PIPE_WIDTH if plain else None, highlight=False)


def safe(text: object) -> str:
    """Escape what a terminal would act upon: control characters, line breaks, marks of direction."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def say(*pieces: str | tuple[str, str], stderr: bool = False) -> None:
    """Print one line of texts; a pair is a text and its style, which a terminal shows."""
    if (sys.stderr if stderr else sys.stdout).isatty():
        console(stderr=stderr).print(_text(*pieces), soft_wrap=True)
    else:
        typer.echo(_plain(*pieces), err=stderr)


def show_json(data: object) -> None:
    """Print plain data as JSON; what is not ASCII is escaped."""
    typer.echo(json.dumps(data, indent=2))


def complain(problem: object) -> None:
    """Say what went wrong, on standard error."""
    kind = type(problem).__name__ if isinstance(problem, MaasError) else ""
    say((f"{kind or 'maas'}: ", "bold red"), str(problem), stderr=True)


def table(title: str, *columns: str) -> Table:
    """Make a table of rich in the house's style.

    A column that starts with ``>`` is aligned right, one that starts with ``=`` is never folded.
    """
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(
            column.lstrip(_MARKS),
            justify="right" if column.startswith(">") else "left",
            overflow="fold",
            no_wrap=column.startswith("="),
        )
    return made


class Listing:
    """A table that a terminal shows in colour and a pipe gets as plain text.

    Parameters
    ----------
    title : str or list
        What it is; a list of texts, and of pairs of a text and its style.
    *columns : str
        Their titles, marked as for `table`. Without titles there is no header.
    empty : str
        What is said instead when it has no rows.
    """

    def __init__(self, title: str | list[str | tuple[str, str]], *columns: str, empty: str = "none") -> None:
        self._title = [title] if isinstance(title, str) else title
        self._empty = empty
        self._columns = columns
        self._rows: list[tuple[Cell, ...]] = []

    def row(self, *cells: Cell) -> None:
        """Add a row, with as many cells as columns."""
        self._rows.append(cells)

    def show(self) -> None:
        """Print it."""
        if not self._rows:
            say(*self._title, f": {self._empty}")
        elif sys.stdout.isatty():
            self._show_in_colour()
        else:
            typer.echo(str(self))

    def __str__(self) -> str:
        rows = [line for row in self._rows for line in _lines(row)]
        right = [index for index, column in enumerate(self._columns) if column.startswith(">")]
        title = _plain(*self._title)
        if not any(self._columns):
            # A header of blanks and its rule say nothing.
            shown = text_table(["" for _ in self._columns], rows).splitlines()[2:]
        else:
            shown = [text_table([column.lstrip(_MARKS) for column in self._columns], rows, right=right)]
        return "\n".join([title, *shown])

    def _show_in_colour(self) -> None:
        made = table("", *self._columns)
        made.title = _text(*self._title)
        made.show_header = any(self._columns)
        for row in self._rows:
            made.add_row(*map(_cell, row))
        console().print(made)


def show_verdict(verdict: Verdict, *, as_json: bool = False) -> None:
    """Show each check with its reason."""
    if as_json:
        show_json(verdict.to_dict())
        return
    subject = verdict.subject if verdict.version is None else f"{verdict.subject}@{verdict.version}"
    outcome = ("passed", "bold green") if verdict.passed else ("refused", "bold red")
    marks, header = (_SIGNS, "") if sys.stdout.isatty() else (_WORDS, "status")
    listing = Listing([f"{subject}: ", outcome], header, "check", "reason")
    for check in verdict.checks:
        listing.row(marks[check.status.value], check.name, check.reason)
    listing.show()


def _plain(*pieces: str | tuple[str, str]) -> str:
    return "".join(safe(each if isinstance(each, str) else each[0]) for each in pieces)


def _text(*pieces: str | tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(
        *(safe(each) if isinstance(each, str) else (safe(each[0]), each[1]) for each in pieces)
    )


def _cell(cell: Cell) -> Text:
    from rich.text import Text

    return Text("\n").join(map(_text, cell)) if isinstance(cell, list) else _text(cell)


def _lines(row: tuple[Cell, ...]) -> Iterator[list[str]]:
    """Give the lines of a row for a plain table."""
    columns = [
        cell if isinstance(cell, list) else [cell if isinstance(cell, str) else cell[0]] for cell in row
    ]
    for index in range(max(map(len, columns))):
        yield [safe(lines[index]) if index < len(lines) else "" for lines in columns]


def passphrase(file: Path | None, *, confirm: bool = False, prompt: str = "Passphrase") -> str:
    """Read a passphrase from a file, or ask for it with the words of `prompt`.

    Raises
    ------
    KeyFileError
        When the file cannot be read or its first line is empty.
    """
    if file is None:
        answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm)
        return answer
    try:
        line = file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as exc:
        raise KeyFileError(f"cannot read the passphrase file {file}: {exc}") from exc
    if not line:
        raise KeyFileError(f"the first line of the passphrase file {file} is empty")
    return line


@contextmanager
def byte_progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a `progress` callable; of long work it draws a bar on standard error, if that is a terminal."""
    bar: Any = None
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, total: int | None) -> None:
        nonlocal bar
        if bar is None:
            if not sys.stderr.isatty() or (total or 0) < _LARGE:
                return
            bar = _bar()
            bar.start()
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done, total=total)

    try:
        yield report
    finally:
        if bar is not None:
            bar.stop()


def _bar() -> Any:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console(stderr=True), transient=True)
