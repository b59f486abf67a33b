"""Where in an estimator graph a value stands: its path for messages, its name in its tensor file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk.errors import InvalidArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Piece", "Place", "Whole", "estimators_in", "in_pieces"]


@frozen
class Place:
    """One place in the graph.

    Parameters
    ----------
    path : str
        From the root of the graph: ``"steps[1].coef_"``; empty for the root.
    name : str
        From the root of the tensor file, such as ``"coef_"``.
    unit : int
        Which tensor file arrays below this place go to; units are numbered in the order of the graph.
    depth : int
        How many values are around this one.
    """

    path: str = ""
    name: str = ""
    unit: int = 0
    depth: int = 0

    def attribute(self, key: str) -> Place:
        """Give the place of an attribute, a parameter or an entry of a mapping."""
        return Place(_join(self.path, key), _join(self.name, key), self.unit, self.depth + 1)

    def item(self, index: int) -> Place:
        """Give the place of one item of a sequence."""
        return Place(f"{self.path}[{index}]", f"{self.name}[{index}]", self.unit, self.depth + 1)

    def in_unit(self, unit: int) -> Place:
        """Give the same place as the root of another tensor file."""
        return Place(self.path, "", unit, self.depth)

    def refusal(self, message: str) -> InvalidArtifactError:
        """Make the error that says what is wrong here."""
        return InvalidArtifactError(message, path=self.path or "the model")


@frozen(eq=False)
class Piece:
    """A value whose arrays have a tensor file of their own: unchanged, it is an unchanged file."""

    value: Any


@frozen(eq=False)
class Whole:
    """An estimator that is kept in full, whatever the profile."""

    value: Any


def estimators_in(value: Any) -> Iterator[Any]:
    """Give the estimators in a list, or in the tuples of a list."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from estimators_in(item)
    elif hasattr(value, "fit"):
        yield value


def in_pieces(value: Any) -> Any:
    """Mark the estimators and mappings in a list, or in the tuples of a list, as pieces of their own."""
    if isinstance(value, list | tuple):
        return type(value)([in_pieces(item) for item in value])
    return Piece(value) if isinstance(value, dict) or hasattr(value, "fit") else value


def _join(parent: str, key: str) -> str:
    return f"{parent}.{key}" if parent else key
