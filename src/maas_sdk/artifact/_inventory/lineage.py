"""What a release was made from and what was made from it, as far as the store knows; it judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lineage", "Relative", "trace"]


@frozen
class Relative:
    """A release that another descends from, or that descends from it.

    Attributes
    ----------
    identity : str
        ``sha256:…``.
    distance : int
        1 for a parent or a child, 2 for theirs, and so on; the shortest way counts.
    name, version : str or None
        What it is called; None when the store does not have it.
    """

    identity: str
    distance: int
    name: str | None
    version: str | None


@frozen
class Lineage:
    """Where a release comes from and where it went.

    Attributes
    ----------
    identity : str
        Of the release.
    ancestors, descendants : tuple of Relative
        The nearest first.
    complete : bool
        Whether this is all; False when there were more than asked for.
    """

    identity: str
    ancestors: tuple[Relative, ...]
    descendants: tuple[Relative, ...]
    complete: bool


def trace(
    identity: str,
    step: Callable[[str], list[str]],
    subject: Callable[[str], tuple[str, str] | None],
    *,
    limit: int,
) -> tuple[tuple[Relative, ...], bool]:
    """Follow `step` from a release, each release once, and tell whether that was all of them."""
    seen = {identity}
    found: list[Relative] = []
    row, distance = [identity], 0
    while row:
        distance += 1
        following = []
        for each in row:
            for other in step(each):
                if other in seen:
                    continue
                if len(found) == limit:
                    return tuple(found), False
                seen.add(other)
                following.append(other)
                name, version = subject(other) or (None, None)
                found.append(Relative(other, distance, name, version))
        row = following
    return tuple(found), True
