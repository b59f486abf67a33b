"""A named sequence of compressors to try, and stages of them that the search may combine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Compressor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ORIGINAL", "Candidate", "check_candidates", "check_stages"]

ORIGINAL = "original"
"""The name under which the model as it is stands among the candidates."""


def _as_tuple(compressors: Iterable[Compressor] | Compressor) -> tuple[Compressor, ...]:
    if isinstance(compressors, Compressor):
        return (compressors,)
    try:
        return tuple(compressors)
    except TypeError as exc:
        raise InvalidOptionError(f"expected compressors, not {type(compressors).__name__}.") from exc


def _check_name(_instance: Any, _attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value or value == ORIGINAL:
        raise InvalidOptionError(
            f"Candidate name {value!r}: expected a name other than {ORIGINAL!r}, which is the model as it is."
        )


def _check_compressors(instance: Candidate, _attribute: Any, value: tuple[object, ...]) -> None:
    if not value:
        raise InvalidOptionError(f"Candidate {instance.name!r}: expected at least one compressor.")
    for compressor in value:
        if isinstance(compressor, type) or not isinstance(compressor, Compressor):
            raise InvalidOptionError(
                f"Candidate {instance.name!r}: {compressor!r} is not a compressor: "
                f"it needs `needs_training_data`, `supports` and `compress`."
            )


@frozen
class Candidate:
    """One way to compress: compressors that work one after the other.

    Parameters
    ----------
    name : str
        How the report calls it.
    compressors : tuple of Compressor
        Each takes what the one before gave; a single one may be given without a tuple.

    Raises
    ------
    InvalidOptionError
        When the name is empty or ``"original"``, or something is not a compressor.
    """

    name: str = field(validator=_check_name)
    compressors: tuple[Compressor, ...] = field(converter=_as_tuple, validator=_check_compressors)

    @property
    def lossless(self) -> bool:
        """Whether all of its compressors claim that predictions stay the same to the last bit."""
        return all(getattr(compressor, "lossless", False) is True for compressor in self.compressors)


def check_candidates(candidates: Iterable[Any]) -> tuple[Candidate, ...]:
    """Give the candidates as a tuple; each one a `Candidate`, each name once."""
    checked = tuple(candidates)
    strangers = [item for item in checked if not isinstance(item, Candidate)]
    if strangers:
        raise InvalidOptionError(f"candidates: expected Candidate objects, not {strangers[0]!r}.")
    names = [candidate.name for candidate in checked]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidOptionError(f"candidates: names must differ; given more than once: {', '.join(twice)}.")
    return checked


def check_stages(stages: Mapping[Any, Any]) -> dict[str, tuple[Candidate, ...]]:
    """Give what each stage offers; each one a `Candidate`, each name once in all of them."""
    checked = {name: check_candidates(offers) for name, offers in stages.items()}
    if strangers := [name for name in checked if not isinstance(name, str)]:
        raise InvalidOptionError(f"candidates: the names of stages must be strings, not {strangers[0]!r}.")
    check_candidates([candidate for offers in checked.values() for candidate in offers])
    return checked
