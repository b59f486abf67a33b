"""Which candidates there are: each on its own, and then those that add to the best of what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import define, field, frozen

from maas_sdk.compression._candidate import Candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["Choice", "Space", "pareto_front"]

T = TypeVar("T")

BASELINES = 0
"""The stage that has the baselines."""

_WIDTH = 4
"""So many of the front are combined with more: what is found grows little with more of them."""


@frozen
class Choice:
    """A candidate of a space.

    Attributes
    ----------
    parts : tuple of (int, int)
        Stage, and place in the stage, of what it is made of, in the order of the stages.
    candidate : Candidate
    """

    parts: tuple[tuple[int, int], ...]
    candidate: Candidate


@define
class Space:
    """Candidates in stages, of each of which one may be taken, in the order of the stages.

    Attributes
    ----------
    stages : sequence of sequence of Candidate
        The first has the baselines.
    combined : bool
        Whether they are combined at all.
    """

    stages: Sequence[Sequence[Candidate]]
    combined: bool
    _known: set[tuple[tuple[int, int], ...]] = field(factory=set, init=False)

    def singles(self) -> list[Choice]:
        """Give each candidate on its own.

        The baselines come first. Where they are combined, those that learn nothing come next, as they take no
        time to speak of, and then the others.
        """
        found = [
            Choice(((stage, place),), offer)
            for stage, offers in enumerate(self.stages)
            for place, offer in enumerate(offers)
        ]
        self._known.update(choice.parts for choice in found)
        return sorted(found, key=_effort) if self.combined else found

    def combinations(self, front: Iterable[Choice], helpers: Iterable[Choice]) -> list[Choice]:
        """Give what adds a helper to one of the front, in a stage that it has nothing of, and is new.

        Parameters
        ----------
        front : iterable of Choice
            What was found, the most promising first.
        helpers : iterable of Choice
            Single candidates that are worth adding.
        """
        if not self.combined:
            return []
        single = list(helpers)
        found = []
        for member in list(front)[:_WIDTH]:
            taken = {stage for stage, _place in member.parts}
            for helper in single:
                parts = tuple(sorted({*member.parts, *helper.parts}))
                if helper.parts[0][0] not in taken and parts not in self._known and self._fit(parts):
                    self._known.add(parts)
                    found.append(Choice(parts, self._joined(parts)))
        return found

    def _fit(self, parts: Sequence[tuple[int, int]]) -> bool:
        """Whether it makes sense: a baseline is made smaller, and nothing learns from it again."""
        if parts[0][0] != BASELINES:
            return True
        return not any(_learns(self.stages[stage][place]) for stage, place in parts[1:])

    def _joined(self, parts: Iterable[tuple[int, int]]) -> Candidate:
        offers = [self.stages[stage][place] for stage, place in parts]
        name = " + ".join(offer.name for offer in offers)
        return Candidate(name, [each for offer in offers for each in offer.compressors])


def _effort(choice: Choice) -> tuple[bool, bool]:
    return choice.parts[0][0] != BASELINES, _learns(choice.candidate)


def _learns(candidate: Candidate) -> bool:
    return any(each.needs_training_data for each in candidate.compressors)


def pareto_front(items: Iterable[T], measure: Callable[[T], tuple[float, float]]) -> Iterator[T]:
    """Give those that no other surpasses in two numbers of which less is better, by the first of them.

    Of those that are equal in both, the first is given.
    """
    least = float("inf")
    for item in sorted(items, key=measure):
        second = measure(item)[1]
        if second < least:
            least = second
            yield item
