"""What is asked of optimizers: pure options, updates in place, a state that can be saved and resumed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.interfaces import moves_params
from maas_sdk.learning import SGD, chain
from maas_sdk.testing._any_kind import CHECKS as ANY_KIND_CHECKS
from maas_sdk.testing._check import expect, expect_plain
from maas_sdk.testing._fingerprints import fingerprint
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_STEPS = 200
_THREADS = 8
_TARGET = np.linspace(-1.0, 1.0, 8)


def _start(dtype: str = "float64") -> NDArray[np.floating]:
    return np.linspace(3.0, 2.0, 8).astype(dtype)


def _step(optimizer: Any, params: NDArray[np.floating], state: dict[str, Any]) -> None:
    """Take a step on ½‖params - target‖²."""
    optimizer.update_(params, params - _TARGET.astype(params.dtype), state)


def _run(optimizer: Any, steps: int) -> tuple[NDArray[np.floating], dict[str, Any]]:
    params = _start()
    state = optimizer.init(params)
    for _ in range(steps):
        _step(optimizer, params, state)
    return params, state


def updates_in_place(subject: Subject) -> None:
    """The parameters given are the ones that change, if `moves_params` is not false; nothing is returned."""
    optimizer = subject.make()
    params = _start()
    state = optimizer.init(params)
    expect(np.array_equal(params, _start()), "init changed the parameters")
    returned = optimizer.update_(params, params - _TARGET, state)
    expect(returned is None, "update_ returns something")
    moved = not np.array_equal(params, _start())
    if moves_params(optimizer):
        expect(moved, "update_ did not change the parameters that it was given")
    else:
        expect(not moved, "moves_params is false, but update_ changed the parameters")


def decreases_a_quadratic(subject: Subject) -> None:
    """200 steps from a start near the minimum of ½‖x - t‖² come closer to it, with SGD behind a clip."""
    optimizer = subject.make()
    params, _ = _run(optimizer if moves_params(optimizer) else chain(optimizer, SGD()), _STEPS)
    start, end = (float(np.sum((x - _TARGET) ** 2)) for x in (_start(), params))
    expect(end < start, f"the squared distance to the minimum went from {start:.4g} to {end:.4g}")


def takes_float32_and_float64(subject: Subject) -> None:
    """State included, nothing becomes non-finite."""
    for dtype in ("float32", "float64"):
        params = _start(dtype)
        optimizer = subject.make()
        state = optimizer.init(params)
        for _ in range(3):
            _step(optimizer, params, state)
        arrays = [params, *(value for value in state.values() if isinstance(value, np.ndarray))]
        expect(all(np.isfinite(array).all() for array in arrays), f"{dtype}: not all numbers are finite")


def is_deterministic(subject: Subject) -> None:
    """The same start and gradients give the same parameters, bit for bit."""
    first, second = (_run(subject.make(), 12)[0] for _ in range(2))
    expect(np.array_equal(first, second), "two runs from the same start differ")


def state_is_arrays_and_integers(subject: Subject) -> None:
    """So that it can be saved without pickle; also after it was told what an epoch came to."""
    optimizer = subject.make()
    _, state = _run(optimizer, 2)
    if hasattr(optimizer, "observe_"):
        optimizer.observe_(1.0, state)
    expect_plain(state)


def resumes_from_a_copied_state(subject: Subject) -> None:
    """A new object with the saved state goes on as the old one would have, bit for bit."""
    old = subject.make()
    params, state = _run(old, 5)
    copied_params, copied_state = params.copy(), copy.deepcopy(state)
    new = subject.make()
    for _ in range(5):
        _step(old, params, state)
        _step(new, copied_params, copied_state)
    expect(
        np.array_equal(params, copied_params), "a resumed run differs: something is kept outside the state"
    )


def leaves_its_options_alone(subject: Subject) -> None:
    """The object describes; what changes is the state."""
    optimizer = subject.make()
    before = fingerprint(optimizer)
    _run(optimizer, 3)
    expect(fingerprint(optimizer) == before, "init or update_ changed the optimizer itself")


def serves_two_runs_at_once(subject: Subject) -> None:
    """One object, two parameter vectors in turn: as if each had an object of its own."""
    optimizer = subject.make()
    first, second = _start(), -_start()
    states = optimizer.init(first), optimizer.init(second)
    for _ in range(5):
        _step(optimizer, first, states[0])
        _step(optimizer, second, states[1])
    expect(np.array_equal(first, _run(subject.make(), 5)[0]), "two runs with one object mix")


def serves_several_threads(subject: Subject) -> None:
    """One object, a run in each thread, as in a search over candidates."""
    optimizer = subject.make()
    alone, _ = _run(subject.make(), 5)
    for params in at_once(lambda _: _run(optimizer, 5)[0], _THREADS):
        expect(np.array_equal(alone, params), "another thread came to other parameters")


CHECKS = (
    *ANY_KIND_CHECKS,
    updates_in_place,
    decreases_a_quadratic,
    takes_float32_and_float64,
    is_deterministic,
    state_is_arrays_and_integers,
    resumes_from_a_copied_state,
    leaves_its_options_alone,
    serves_two_runs_at_once,
    serves_several_threads,
)
