"""What is asked of serializers: round trips, plain state, and refusal of state that makes no sense."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.base import clone

from maas_sdk.errors import InvalidArtifactError, MaasError
from maas_sdk.testing._any_kind import CHECKS as ANY_KIND_CHECKS
from maas_sdk.testing._check import expect
from maas_sdk.testing._data import data_for, seeded
from maas_sdk.testing._fingerprints import fingerprint
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_THREADS = 8
_WIDE = 8  # bytes of an integer that can be that large
_HUGE = 2**40  # of anything does not fit into memory
_PEAK = 2**26  # bytes that putting together the kit's small examples may take
_JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    float("nan"),
    "junk",
    [],
    ["junk", {}],
    {"junk": "junk"},
    np.zeros(0),
    np.full((2, 3, 4), np.nan),
    np.array(["junk"]),
    np.array([-1, 2**40]),
)


@frozen
class _Work:
    serializer: Any
    estimator: Any
    X: Any

    def state(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = self.serializer.to_state(self.estimator)
        return state

    def use(self, estimator: Any) -> Any:
        method = estimator.predict if hasattr(estimator, "predict") else estimator.transform
        return np.asarray(method(self.X))


def _prepare(subject: Subject) -> _Work:
    serializer = subject.make()
    return _Work(serializer, *subject.example(lambda: _own_example(serializer)))


def _own_example(serializer: Any) -> tuple[Any, Any]:
    estimator = seeded(serializer.target_type())
    X, y = data_for(estimator)
    return estimator.fit(X, y), X


def comes_back_the_same(subject: Subject) -> None:
    """The class, the results and the state of the state."""
    work = _prepare(subject)
    state = dict(work.state())
    before = fingerprint(state)
    back = work.serializer.from_state(state)
    expect(type(back) is type(work.estimator), f"it came back as a {type(back).__name__}")
    expect(np.array_equal(work.use(back), work.use(work.estimator)), "it gives other results")
    again = fingerprint(dict(work.serializer.to_state(back)))
    expect(again == before, "the state of what came back is another")


def leaves_the_estimator_alone(subject: Subject) -> None:
    """Taking apart and putting together change nothing."""
    work = _prepare(subject)
    before = fingerprint(work.estimator)
    back = work.serializer.from_state(work.state())
    expect(fingerprint(work.estimator) == before, "to_state or from_state changed the estimator")
    expect(clone(back) is not back, "it came back as something that cannot be cloned")


def equal_estimators_give_equal_states(subject: Subject) -> None:
    """So that the same release has the same digest."""
    work = _prepare(subject)
    expect(fingerprint(dict(work.state())) == fingerprint(dict(work.state())), "two states differ")


def state_is_plain(subject: Subject) -> None:
    """Nothing but what can be stored without pickle."""
    work = _prepare(subject)
    state = work.state()
    expect(isinstance(state, Mapping), f"the state is a {type(state).__name__}, not a mapping")
    _expect_plain(dict(state), "state")


def _expect_plain(value: Any, place: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            expect(isinstance(key, str), f"{place} has a key {key!r}, which is not a string")
            _expect_plain(item, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _expect_plain(item, f"{place}[{index}]")
    elif isinstance(value, np.ndarray):
        expect(value.dtype.kind in "biufU", f"{place} is an array of dtype {value.dtype}")
    elif not hasattr(value, "get_params"):
        plain = value is None or type(value) in (bool, int, float, str)
        expect(plain, f"{place} is a {type(value).__name__}, which cannot be stored")


def refuses_a_state_that_lacks_something(subject: Subject) -> None:
    """With `InvalidArtifactError`, whichever key is missing."""
    work = _prepare(subject)
    state = dict(work.state())
    for key in state:
        rest = {name: value for name, value in state.items() if name != key}
        expect(_refuses(work.serializer, rest, f"without {key!r}"), f"a state without {key!r} was accepted")


def refuses_a_state_with_more(subject: Subject) -> None:
    """Unknown keys are errors."""
    work = _prepare(subject)
    more = {**work.state(), "no_such_key_": 1}
    expect(_refuses(work.serializer, more, "with an unknown key"), "a state with an unknown key was accepted")


def survives_garbage(subject: Subject) -> None:
    """Any value in any place is either fine or an `InvalidArtifactError`, and no value is fine everywhere."""
    work = _prepare(subject)
    state = dict(work.state())
    for key in state:
        refused = [_refuses(work.serializer, {**state, key: junk}, f"{key}={junk!r}") for junk in _JUNK]
        expect(any(refused), f"whatever {key!r} is, it is accepted: it is not checked")


def _refuses(serializer: Any, state: Mapping[str, Any], what: str) -> bool:
    return not _put_together(serializer, state, what)


def _put_together(serializer: Any, state: Mapping[str, Any], what: str) -> tuple[Any, ...]:
    """Give the estimator, or nothing when the state is refused."""
    try:
        return (serializer.from_state(state),)
    except InvalidArtifactError:
        return ()
    except Exception as exc:
        message = f"{what}: raised {type(exc).__name__} instead of InvalidArtifactError: {exc}"
        raise AssertionError(message) from exc


def survives_truncation(subject: Subject) -> None:
    """Any array, list or mapping, however deep, without its end: refused, or an estimator that works."""
    work = _prepare(subject)
    for place, state in _variants(dict(work.state()), _shortened, "state"):
        if back := _put_together(work.serializer, state, f"{place} cut short"):
            _expect_harmless(work, back[0], f"{place} cut short")


def _expect_harmless(work: _Work, estimator: Any, what: str) -> None:
    try:
        given = len(work.use(estimator))
    except (ValueError, MaasError):
        return
    except Exception as exc:
        raise AssertionError(f"{what}: accepted, and using it raised {type(exc).__name__}: {exc}") from exc
    expect(given == len(work.X), f"{what}: accepted, and {len(work.X)} rows gave {given} results")


def refuses_bombs(subject: Subject) -> None:
    """A number that claims 2⁴⁰ of something costs no memory before it is refused."""
    work = _prepare(subject)
    for place, state in _variants(dict(work.state()), _exploded, "state"):
        tracemalloc.start()
        try:
            _put_together(work.serializer, state, f"{place} is 2**40")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        expect(peak < _PEAK, f"{place} is 2**40: {peak} bytes were taken")


def _shortened(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray) and value.ndim:
        yield from (np.delete(value, -1, axis) for axis in range(value.ndim) if value.shape[axis])
    elif isinstance(value, list | tuple) and value:
        yield value[:-1]
    elif isinstance(value, Mapping) and value:
        yield dict(list(value.items())[:-1])


def _exploded(value: Any) -> Iterator[Any]:
    if type(value) is int:
        yield _HUGE
    elif isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.dtype.itemsize == _WIDE:
        yield np.full_like(value, _HUGE)


def _variants(value: Any, change: Callable[[Any], Iterator[Any]], place: str) -> Iterator[tuple[str, Any]]:
    """Give copies of `value` in each of which one place, however deep, is changed."""
    yield from ((place, changed) for changed in change(value))
    parts = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, part in parts:
        for inner, changed in _variants(part, change, f"{place}[{key!r}]"):
            made = dict(value) if isinstance(value, Mapping) else list(value)
            made[key] = changed
            yield inner, made


def works_in_several_threads(subject: Subject) -> None:
    """One object takes apart and puts together in many threads."""
    work = _prepare(subject)
    alone = work.use(work.serializer.from_state(work.state()))
    for result in at_once(lambda _: work.use(work.serializer.from_state(work.state())), _THREADS):
        expect(np.array_equal(alone, result), "what another thread put together gives other results")


def has_a_type_name_in_its_namespace(subject: Subject) -> None:
    """``"plugin.Class"``, so that it collides with nobody else's."""
    serializer = subject.make()
    expect(isinstance(serializer.target_type, type), "target_type is not a class")
    plugin, dot, name = str(serializer.type_name).partition(".")
    fits = plugin == subject.info.plugin and dot and name.isidentifier()
    expect(fits, f"type_name is {serializer.type_name!r}; it reads like '{subject.info.plugin}.Class'")


CHECKS = (
    *ANY_KIND_CHECKS,
    comes_back_the_same,
    leaves_the_estimator_alone,
    equal_estimators_give_equal_states,
    state_is_plain,
    refuses_a_state_that_lacks_something,
    refuses_a_state_with_more,
    survives_garbage,
    survives_truncation,
    refuses_bombs,
    works_in_several_threads,
    has_a_type_name_in_its_namespace,
)
