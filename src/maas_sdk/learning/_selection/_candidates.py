"""What is chosen from: candidates, search spaces over their parameters, and seeds to repeat them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, evolve, field, frozen
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Candidate", "SearchSpace", "expand_candidates", "seed_of", "seeded"]

_LONGEST_VALUE = 32


@frozen
class SearchSpace:
    """A candidate in many settings.

    Parameters
    ----------
    candidate : object
        Anything that stands for one candidate.
    params : dict, or sequence of dict
        Values of its parameters, each a list, or a distribution of :mod:`scipy.stats` (anything with `rvs`)
        where `n` is given. Names are those of `get_params`, such as ``"model__alpha"`` for a pipeline. With
        several dicts, their union is searched.
    n : int, default=None
        How many settings are drawn, with the seed of the selection; None takes every combination, in the
        order of :class:`sklearn.model_selection.ParameterGrid`.

    Examples
    --------
    >>> from maas_sdk.learning import LogisticClassifier
    >>> space = SearchSpace(LogisticClassifier(), {"alpha": [1e-4, 1e-2, 1.0]})
    """

    candidate: Any
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    n: int | None = None

    def settings(self, seed: int) -> list[dict[str, Any]]:
        """Give the parameters of each candidate, in order.

        Raises
        ------
        InvalidOptionError
            When `params` or `n` is wrong.
        """
        try:
            grids = [self.params] if isinstance(self.params, Mapping) else list(self.params)
            if self.n is None:
                found = list(ParameterGrid(grids))
            else:
                n = check_integer("n of a SearchSpace", self.n, minimum=1)
                drawn = any(hasattr(each, "rvs") for grid in grids for each in grid.values())
                if not drawn and n >= len(ParameterGrid(grids)):
                    found = list(ParameterGrid(grids))
                else:
                    found = list(ParameterSampler(grids, n, random_state=seed))
        except (AttributeError, TypeError, ValueError) as exc:
            raise InvalidOptionError(
                "params of a SearchSpace must be a dict, or a list of dicts, from the names of parameters to "
                f"lists, or to distributions where n is given: {exc}"
            ) from exc
        return [{name: _plain(value) for name, value in each.items()} for each in found]


@define(eq=False)
class Candidate:
    """One configuration, ready to be tried.

    Attributes
    ----------
    name : str
        Unique in a selection.
    estimator : estimator
        Not fitted. It is cloned for each trial, and for the refit on all data.
    params : dict
        What a search space set, if one did.
    """

    name: str
    estimator: Any
    params: dict[str, Any] = field(factory=dict)


def expand_candidates(
    candidates: Sequence[Any] | Mapping[str, Any],
    *,
    random_state: int,
    build: Callable[[Any], tuple[str, Any]] | None = None,
) -> list[Candidate]:
    """Give each configuration with its name, search spaces expanded, in the order given.

    Parameters
    ----------
    candidates : sequence, or mapping of names
        Estimators, candidates, search spaces over estimators, or whatever `build` takes.
    random_state : int
        What search spaces draw with.
    build : callable, optional
        Gives a name and an estimator for what a caller wrote; by default only estimators are taken.

    Raises
    ------
    InvalidOptionError
        When something is no candidate, or a search space names a parameter that does not exist.
    """
    pairs: list[tuple[Any, Any]]
    if isinstance(candidates, Mapping):
        pairs = list(candidates.items())
    elif isinstance(candidates, list | tuple):
        pairs = [(None, each) for each in candidates]
    else:
        raise InvalidOptionError(
            f"candidates must be a list, or a dict with a name for each, not {type(candidates).__name__}"
        )
    found: list[Candidate] = []
    for label, spec in pairs:
        if label is not None and not (isinstance(label, str) and label):
            raise InvalidOptionError(f"the names of candidates must be strings, not {label!r}")
        found += _expand(label, spec, seed_of(random_state, "search space"), build)
    if not found:
        raise InvalidOptionError("there is nothing to select from: give at least one candidate")
    _make_unique(found)
    return found


def _expand(
    label: str | None, spec: Any, seed: int, build: Callable[[Any], tuple[str, Any]] | None
) -> list[Candidate]:
    if isinstance(spec, Candidate):
        return [evolve(spec, name=label or spec.name)]
    space = spec if isinstance(spec, SearchSpace) else SearchSpace(spec, {})
    name, estimator = (None, space.candidate) if build is None else build(space.candidate)
    if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        hint = f"; did you mean {estimator.__name__}()?" if isinstance(estimator, type) else ""
        raise InvalidOptionError(f"a candidate must be a scikit-learn estimator, not {estimator!r}{hint}")
    base = label or name or _name_of(estimator)
    if space is not spec:
        return [Candidate(base, clone(estimator))]
    return [
        Candidate(base + _call(params), _configured(estimator, params, base), params)
        for params in space.settings(seed)
    ]


def _configured(estimator: Any, params: Mapping[str, Any], name: str) -> Any:
    made = clone(estimator)
    try:
        return made.set_params(**{key: clone(value, safe=False) for key, value in params.items()})
    except (AttributeError, TypeError, ValueError) as exc:
        raise InvalidOptionError(f"the search space of {name}: {exc}") from exc


def _make_unique(candidates: Sequence[Candidate]) -> None:
    """Number what would have the same name."""
    taken: set[str] = set()
    for candidate in candidates:
        base, number = candidate.name, 1
        while candidate.name in taken:
            number += 1
            candidate.name = f"{base} #{number}"
        taken.add(candidate.name)


def _name_of(estimator: Any) -> str:
    """Name a candidate by its class, and a chain by its steps."""
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        return " + ".join(_name_of(step) for _, step in steps if not isinstance(step, str))
    return type(estimator).__name__


def _call(params: Mapping[str, Any]) -> str:
    given = ", ".join(f"{name}={_written(value)}" for name, value in params.items())
    return f"({given})" if given else ""


def _written(value: Any) -> str:
    text = repr(float(f"{value:.4g}") if isinstance(value, float) else value)
    return text if len(text) <= _LONGEST_VALUE else type(value).__name__


def _plain(value: Any) -> Any:
    """Make what scikit-learn's samplers give a number of Python's own, as a caller would write it."""
    return value.item() if isinstance(value, np.generic) else value


def seed_of(random_state: int, purpose: str) -> int:
    """Derive a seed from the selection's own: another for each purpose, the same for any candidates."""
    digest = hashlib.sha256(f"{random_state}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def seeded(estimator: Any, random_state: int, *, path: str = "") -> Any:
    """Set each parameter `random_state` that is None, however deep, by `random_state` and its place.

    Candidates that have a parameter at the same place get the same seed there: what differs between them is
    not luck, and a list of candidates may grow without changing what is known of the others.

    Parameters
    ----------
    estimator : estimator
        It is changed, and given back.
    """
    for name, value in estimator.get_params(deep=False).items():
        place = f"{path}{name}"
        if name == "random_state" and value is None:
            estimator.set_params(random_state=seed_of(random_state, place))
        else:
            _seed_within(value, random_state, place)
    return estimator


def _seed_within(value: Any, random_state: int, place: str) -> None:
    if hasattr(value, "get_params") and not isinstance(value, type):
        seeded(value, random_state, path=f"{place}__")
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            _seed_within(each, random_state, f"{place}[{index}]")
