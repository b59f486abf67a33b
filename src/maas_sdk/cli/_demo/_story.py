"""What the demonstration says while it runs, and the summary at its end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field, frozen
from rich.markup import escape

from maas_sdk.cli._console import console, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

__all__ = ["DemoFailedError", "Story"]


class DemoFailedError(Exception):
    """Something that the demonstration promises did not hold."""


@define
class _Outcome:
    result: str = ""
    size: str = ""


@frozen
class _Done:
    what: str
    result: str
    size: str
    seconds: float


@define
class Story:
    """Prints each step and remembers it for the summary.

    Parameters
    ----------
    root : Path
        The folder of the demonstration.
    """

    root: Path
    _done: list[_Done] = field(factory=list, init=False)
    _left: dict[Path, str] = field(factory=dict, init=False)

    def show(self, *what: RenderableType) -> None:
        """Print."""
        out = console()
        for item in what:
            out.print(item)

    def chapter(self, title: str) -> None:
        """Start a chapter."""
        out = console()
        out.print()
        out.rule(f"[bold]{escape(title)}", align="left")

    @contextmanager
    def step(self, what: str) -> Iterator[_Outcome]:
        """Time a step; say its result and size in what it yields."""
        outcome = _Outcome()
        start = time.perf_counter()
        yield outcome
        seconds = time.perf_counter() - start
        self._done.append(_Done(what, outcome.result, outcome.size, seconds))
        self.show(f"[green]✓[/] {escape(what)}: {escape(outcome.result)} [dim]({seconds:.2f} s)[/]")

    def left(self, path: Path, what: str) -> None:
        """Name something that stays for the person to look at."""
        self._left[path] = what

    @staticmethod
    def expect(held: object, promise: str) -> None:
        """Fail the demonstration unless the promise held."""
        if not held:
            raise DemoFailedError(promise)

    def summary(self) -> None:
        """Print steps, sizes and times, and what was left to look at."""
        self.chapter("All of it held")
        steps = table("Steps", "step", "result", ">size", ">seconds")
        for done in self._done:
            steps.add_row(escape(done.what), escape(done.result), done.size, f"{done.seconds:.2f}")
        total = sum(done.seconds for done in self._done)
        steps.add_section()
        steps.add_row("[bold]all[/]", "", "", f"[bold]{total:.2f}[/]")
        paths = table(f"Left in {self.root}", "path", "what it is")
        for path, what in self._left.items():
            paths.add_row(escape(str(path.relative_to(self.root))), escape(what))
        self.show(steps, paths)
