"""What the commands share: consoles, tables, exit statuses, passphrases."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from maas_sdk.errors import KeyFileError, MaasError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_sdk.trust import Verdict

__all__ = [
    "EXIT_INTERRUPTED",
    "EXIT_REFUSED",
    "EXIT_UNUSABLE",
    "PassphraseFile",
    "byte_progress",
    "complain",
    "console",
    "passphrase",
    "table",
    "verdict_table",
]

EXIT_REFUSED = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130

PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="A file whose first line is the passphrase; asked for at the terminal otherwise."),
]


def console(*, stderr: bool = False) -> Console:
    """Give a console; as wide as the terminal, 120 columns where there is none."""
    plain = not (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=120 if plain else None, highlight=False)


def complain(problem: object) -> None:
    """Say what went wrong, on standard error."""
    kind = type(problem).__name__ if isinstance(problem, MaasError) else ""
    prefix = f"[bold red]{kind or 'maas'}:[/] "
    console(stderr=True).print(prefix + escape(str(problem)), soft_wrap=True)


def table(title: str, *columns: str) -> Table:
    """Make a table in the house's style; a column that starts with ``>`` is aligned right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        made.add_column(column.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return made


def verdict_table(verdict: Verdict) -> Table:
    """Show each check with its reason; what the reasons quote from a file is never markup."""
    outcome = "[bold green]passed[/]" if verdict.passed else "[bold red]refused[/]"
    made = table(f"{escape(verdict.subject)}: {outcome}", "", "check", "reason")
    marks = {"passed": "[green]✓[/]", "failed": "[bold red]✗[/]", "skipped": "[dim]-[/]"}
    for check in verdict.checks:
        made.add_row(marks[check.status.value], escape(check.name), Text(check.reason))
    return made


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
    """Give a `progress` callable that draws a bar on standard error."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        tasks = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield report
