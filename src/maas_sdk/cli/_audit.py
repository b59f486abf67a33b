"""``maas audit``: what was done with a trust folder, and whether the log still says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maas_sdk.cli._console import EXIT_REFUSED, AsJson, Listing, safe, say, show_json
from maas_sdk.errors import NotFoundError

if TYPE_CHECKING:
    from maas_sdk.trust import AuditEntry, AuditLog

__all__ = ["app"]

app = typer.Typer(help="Show and check the log of what was done.", no_args_is_help=True)

_MARKS = ("policy.toml", "oci-layout")

Log = Annotated[Path, typer.Argument(help="A trust folder, a store, or a log itself (audit.jsonl).")]


@app.command()
def show(
    log: Log,
    event: Annotated[str | None, typer.Option(help="Only these: publish, import, verify, export, …")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Only those that ended so: done, refused, incomplete or failed.")
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only so many, the latest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was done, the oldest first; it stops where the log is damaged."""
    from collections import deque

    entries = deque(_open(log).entries(event=event, outcome=outcome), maxlen=last)
    if as_json:
        show_json([_plain(entry) for entry in entries])
        return
    colours = {"done": "green", "refused": "bold red", "incomplete": "yellow", "failed": "red"}
    columns = (">", "=time", "=event", "=outcome", "what and why")
    listing = Listing(f"Log {log}", *columns, empty="nothing that fits")
    for entry in entries:
        ended = (entry.outcome, colours.get(entry.outcome, ""))
        told = [entry.subject, *entry.reasons]
        listing.row(str(entry.number), entry.time, entry.event, ended, told)
    listing.show()


@app.command()
def check(
    log: Log,
    head: Annotated[
        str | None,
        typer.Option(help="A head noted earlier, sha256:…: shows whether the end was cut off since."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that each entry follows from the one before, and give the head to note elsewhere.

    Exit status: 0 whole, 1 altered or cut off, 2 it could not be checked.
    """
    report = _open(log).check(head)
    if as_json:
        show_json(
            {
                "ok": report.ok,
                "count": report.count,
                "head": report.head,
                "line": report.line,
                "fault": report.fault,
                "torn": report.torn,
                "contains": report.contains,
            }
        )
    else:
        outcome = ("whole", "bold green") if report.ok else ("altered", "bold red")
        shown = Listing(f"Log {log}", "", "")
        shown.row("the chain is", outcome)
        shown.row("entries", str(report.count))
        shown.row("head", report.head)
        if report.fault is not None:
            shown.row(f"line {report.line}", safe(report.fault))
        if report.torn:
            shown.row("last line", "cut off by a crash; the next entry takes its place")
        if report.contains is not None:
            noted = "in the log" if report.contains else "not in the log: it was cut off or rewritten"
            shown.row("noted head", noted)
        shown.show()
        if report.ok and head is None:
            say("Note the head elsewhere: only against it shows that nothing was cut off.")
    if not report.ok:
        raise typer.Exit(EXIT_REFUSED)


def _open(path: Path) -> AuditLog:
    from maas_sdk.trust import AuditLog

    if path.is_dir() and any((path / name).exists() for name in _MARKS):
        return AuditLog(path / "audit.jsonl")
    if not path.is_file():
        raise NotFoundError(f"{path} is neither a trust folder, a store, nor a log")
    return AuditLog(path)


def _plain(entry: AuditEntry) -> dict[str, object]:
    return {
        "number": entry.number,
        "time": entry.time,
        "event": entry.event,
        "outcome": entry.outcome,
        "subject": entry.subject,
        "identity": entry.identity,
        "reasons": list(entry.reasons),
        "previous": entry.previous,
    }
