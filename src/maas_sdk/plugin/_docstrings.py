"""What a numpydoc docstring says about parameters: type and first sentence.

Format: https://numpydoc.readthedocs.io/en/latest/format.html, the sections "Parameters" and "Attributes".
"""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["documented_parameters"]

_SECTIONS: Final = ("Parameters", "Attributes")
_RULE: Final = re.compile(r"-{3,}")
_TRAILER: Final = re.compile(r",?\s*(?:optional|default\s*[:=]?\s*.*)$", re.DOTALL)
_SENTENCE: Final = re.compile(r"\.(?=\s+[A-Z\"'`(:])")


def documented_parameters(target: object) -> dict[str, tuple[str, str]]:
    """Give type and summary by name; nothing for what has no numpydoc docstring.

    The first sentence is the summary, without the full stop; a type goes without its default. Attributes
    count where no parameter has their name, as attrs classes document their fields under either.
    """
    lines = (inspect.getdoc(target) or "").splitlines()
    found: dict[str, tuple[str, str]] = {}
    for section in _SECTIONS:
        for names, kind, text in _entries(_body(lines, section)):
            for name in names:
                found.setdefault(name, (kind, text))
    return found


def _body(lines: list[str], section: str) -> list[str]:
    heads = [i for i in range(len(lines) - 1) if _RULE.fullmatch(lines[i + 1].strip()) and lines[i].strip()]
    for head, end in pairwise([*heads, len(lines)]):
        if lines[head].strip() == section:
            return lines[head + 2 : end]
    return []


def _entries(body: list[str]) -> Iterator[tuple[list[str], str, str]]:
    starts = [i for i, line in enumerate(body) if line.strip() and not line.startswith(" ")]
    for start, end in pairwise([*starts, len(body)]):
        names, _, kind = body[start].partition(" : ")
        yield (
            [name.strip(" *") for name in names.split(",")],
            _TRAILER.sub("", kind).strip(),
            _first_sentence(body[start + 1 : end]),
        )


def _first_sentence(lines: list[str]) -> str:
    paragraph: list[str] = []
    for line in map(str.strip, lines):
        if not line and paragraph:
            break
        paragraph.append(line)
    text = " ".join(paragraph).strip()
    return _SENTENCE.split(text, maxsplit=1)[0].removesuffix(".").rstrip(":")
