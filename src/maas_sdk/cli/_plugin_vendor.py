"""``maas plugins new`` and ``maas plugins check``: a vendor's start, and the kit's verdict."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maas_sdk.cli._console import EXIT_REFUSED, Listing, say
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.testing import Results

__all__ = ["check", "new"]


def new(
    name: Annotated[
        str, typer.Argument(help='The plugin\'s name: what stands before the dot in "acme.zstd".')
    ],
    kind: Annotated[
        list[str], typer.Option(help='The kind of component to begin with; may be repeated; "all" for each.')
    ],
    folder: Annotated[
        Path | None, typer.Option(help="Where to write; must not exist. maas-sdk-NAME otherwise.")
    ] = None,
) -> None:
    """Write a distribution that installs, passes its checks and lints, with a working component of a kind."""
    from maas_sdk.cli._scaffold import COMPONENTS, write_distribution

    place = Path(f"maas-sdk-{name.replace('_', '-')}") if folder is None else folder
    written = write_distribution(place, name, tuple(COMPONENTS) if kind == ["all"] else kind)
    for path in written:
        say(f"wrote {path}")
    say(f"next: pip install -e '{place}[test]' && pytest {place}")


def check(
    plugin: Annotated[str, typer.Argument(help='An installed plugin; "maas_sdk" for the built-ins.')],
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="An option that a component needs: acme.store.file='{folder}/store'; each check has "
            "an empty folder of its own."
        ),
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(help="A check that is expected to fail, with its reason: CHECK=REASON. Strict."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show the checks that passed, too.")] = False,
) -> None:
    """Run the conformance kit; exit status 1 when a check fails, 2 when there is nothing to check."""
    from maas_sdk.testing import run_checks

    results = run_checks(plugin, options=_options(option or ()), expected_failures=_pairs(expect or ()))
    _show(results, everything=everything)
    if not results.passed:
        raise typer.Exit(EXIT_REFUSED)


def _show(results: Results, *, everything: bool) -> None:
    summary = Listing(f"Plugin {results.plugin}", "component", "kind", ">checks", ">failed", ">expected")
    for component, kind in dict.fromkeys((result.component, result.kind) for result in results):
        own = [r.outcome.value for r in results if (r.component, r.kind) == (component, kind)]
        counts = (len(own), own.count("failed"), own.count("expected failure"))
        summary.row(component, kind, *map(str, counts))
    summary.show()
    told = [result for result in results if everything or result.outcome.value != "passed"]
    if told:
        listing = Listing("Checks", "component", "kind", "check", "outcome", "reason")
        for result in told:
            listing.row(result.component, result.kind, result.check, result.outcome.value, result.reason)
        listing.show()
    verdict = ("passed", "bold green") if results.passed else ("failed", "bold red")
    say(f"{len(results)} checks, {len(results.failures)} failed: ", verdict)


def _pairs(texts: list[str] | tuple[()]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidOptionError(f"{text!r} does not read NAME=VALUE")
        pairs[name] = value
    return pairs


def _options(texts: list[str] | tuple[()]) -> dict[str, Callable[[Path], Mapping[str, Any]]]:
    """Give, by component, what the kit calls with a check's folder."""
    given: dict[str, dict[str, str]] = {}
    for name, value in _pairs(texts).items():
        component, dot, option = name.rpartition(".")
        if not dot:
            raise InvalidOptionError(f"--option {name!r} does not read COMPONENT.OPTION=VALUE")
        given.setdefault(component, {})[option] = value
    return {component: _filler(options) for component, options in given.items()}


def _filler(options: dict[str, str]) -> Callable[[Path], Mapping[str, Any]]:
    def fill(folder: Path) -> Mapping[str, Any]:
        return {name: _value(text.replace("{folder}", str(folder))) for name, text in options.items()}

    return fill


def _value(text: str) -> Any:
    """Read a TOML value; what is none is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
