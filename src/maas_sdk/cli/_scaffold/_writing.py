"""From a plugin's name and kinds to the files of its distribution."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from maas_sdk.cli._scaffold._components import COMPONENTS
from maas_sdk.errors import AlreadyExistsError, InvalidOptionError
from maas_sdk.plugin import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from maas_sdk.cli._scaffold._components import Component

__all__ = ["distribution_files", "write_distribution"]

# Stricter than a plugin's name need be: it becomes part of a distribution's and a package's name, too.
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_LONGEST: Final = 24  # so that no line of what is written becomes too long
_RESERVED: Final = {"maas_sdk", "sklearn", "builtin", "maas"}


def write_distribution(folder: Path, name: str, kinds: Sequence[str]) -> tuple[Path, ...]:
    """Write the distribution into `folder`, which must not exist.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    InvalidOptionError
        When the name is no name for a plugin, or a kind is no kind.
    AlreadyExistsError
        When `folder` exists.
    """
    contents = distribution_files(name, kinds)
    try:
        folder.mkdir(parents=True)
    except FileExistsError as exc:
        raise AlreadyExistsError(f"{folder} exists: choose another --folder; nothing was written") from exc
    for path, text in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return tuple(folder / path for path in contents)


def distribution_files(name: str, kinds: Sequence[str]) -> dict[str, str]:
    """Give the texts of a distribution by path; see :func:`write_distribution`."""
    _check(name, kinds)
    chosen = {kind: COMPONENTS[kind] for kind in KINDS if kind in kinds}
    package = f"maas_sdk_{name}"
    words = {
        "name": name,
        "package": package,
        "distribution": f"maas-sdk-{name.replace('_', '-')}",
        "dependencies": "\n".join(f'    "{need}",' for need in _requirements(chosen)),
        "rows": "\n".join(f"| {k} | `{name}.{c.name}` | {c.summary} |" for k, c in chosen.items()),
        "options": "".join(
            f" \\\n    --option {name}.{c.name}.{c.option}='{{folder}}/{c.value}'"
            for c in chosen.values()
            if c.option
        ),
    }
    source = f"src/{package}"
    modules = dict.fromkeys(module for component in chosen.values() for module in component.modules)
    tests = [test for component in chosen.values() for test in component.tests]
    return {
        "README.md": _fill("README.md", words),
        "pyproject.toml": _fill("pyproject.toml", words),
        f"{source}/__init__.py": _fill("__init__.py", words),
        f"{source}/plugin.py": _plugin(package, chosen),
        f"{source}/py.typed": "",
        **{f"{source}/{module}.py": _fill(f"{module}.py", words) for module in modules},
        "tests/test_conformance.py": _conformance(name, chosen),
        **{f"tests/{test}.py": _fill(f"{test}.py", words) for test in tests},
    }


def _check(name: str, kinds: Sequence[str]) -> None:
    if not (_NAME.fullmatch(name) and len(name) <= _LONGEST) or name in _RESERVED:
        raise InvalidOptionError(
            f"{name!r} cannot name a new plugin: up to {_LONGEST} lower-case letters and digits, a letter "
            f"first, single underscores between words; not {', '.join(sorted(_RESERVED))}"
        )
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise InvalidOptionError(f"expected kinds of {', '.join(KINDS)}, not {', '.join(unknown) or 'none'}")


def _fill(file: str, words: dict[str, str]) -> str:
    template = files("maas_sdk.cli._scaffold").joinpath("templates", f"{file}.tmpl")
    return Template(template.read_text(encoding="utf-8")).substitute(words)


def _requirements(chosen: dict[str, Component]) -> list[str]:
    return sorted({"maas-sdk>=0.1,<1", *(need for component in chosen.values() for need in component.needs)})


def _plugin(package: str, chosen: dict[str, Component]) -> str:
    hooks = {f"maas_sdk_{kind}s": (kind, component) for kind, component in chosen.items()}
    names = "".join(f'    "{hook}",\n' for hook in sorted(hooks))
    text = f'''"""Declares the components; imports none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.plugin import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
{names}]
'''
    for hook, (kind, component) in hooks.items():
        text += f'''

@hookimpl
def {hook}() -> Iterator[ComponentSpec]:
    """Declare the {kind.replace("_", " ")}."""
    yield ComponentSpec(
        "{component.name}",
        "{package}.{component.target}",
        summary="{component.summary}",
    )
'''
    return text


def _conformance(name: str, chosen: dict[str, Component]) -> str:
    needy = [component for component in chosen.values() if component.option]
    text = '"""Whether the components keep the contracts of their kinds: the kit of maas-sdk says."""\n\n'
    if needy:
        text += "from pathlib import Path\nfrom typing import Any\n\n"
    text += "from maas_sdk.testing import Check, parametrize_with_checks\n"
    for component in needy:
        text += f"""

def {component.name}(folder: Path) -> dict[str, Any]:
    return {{"{component.option}": folder / "{component.value}"}}
"""
    options = "".join(f'    "{name}.{component.name}": {component.name},\n' for component in needy)
    text += f"\n\nOPTIONS = {{\n{options}}}\n" if needy else ""
    return (
        text
        + f"""

@parametrize_with_checks("{name}"{", options=OPTIONS" if needy else ""})
def test_conformance(check: Check) -> None:
    check()
"""
    )
