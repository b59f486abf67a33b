"""Where in an estimator graph a value stands: its path for messages, its name in its tensor file."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from maas_sdk.errors import InvalidArtifactError

__all__ = ["Piece", "Place"]


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


def _join(parent: str, key: str) -> str:
    return f"{parent}.{key}" if parent else key
