"""For each check of schedules, and for what clips are asked, something that is caught by it and no other."""

import threading

import numpy as np
import pytest

from maas_sdk.errors import InvalidOptionError
from maas_sdk.testing import _any_kind, _optimizers, _schedules


class Halving:
    """Halves its rate whenever it is told that nothing improved."""

    def __init__(self, learning_rate=0.1):
        if not isinstance(learning_rate, float):
            raise InvalidOptionError("learning_rate must be a float")
        self.learning_rate = learning_rate

    def init(self):
        return {"rate": np.array(self.learning_rate), "t": 0}

    def rate(self, step, state):
        return float(state["rate"])

    def observe_(self, value, state):
        state["t"] += 1
        state["rate"] *= 0.5


class Unchecked(Halving):
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate


class Negative(Halving):
    def rate(self, step, state):
        return super().rate(step, state) - 1e-9


class EndingInNothing(Halving):
    def rate(self, step, state):
        return super().rate(step, state) if step < 290 else None


class AlwaysZero(Halving):
    def rate(self, step, state):
        return 0.0


class ListState(Halving):
    def init(self):
        return {**super().init(), "history": []}


class GrowingAFloat(Halving):
    def observe_(self, value, state):
        super().observe_(value, state)
        state["best"] = value


class HiddenState(Halving):
    """Counts in itself; of its copies in threads, each for itself."""

    def __init__(self):
        super().__init__()
        self.local = threading.local()

    def init(self):
        self.local.count = 0
        return super().init()

    def rate(self, step, state):
        return super().rate(step, state) / (1 + getattr(self.local, "count", 0))

    def observe_(self, value, state):
        super().observe_(value, state)
        self.local.count = getattr(self.local, "count", 0) + 1

    def __getstate__(self):
        return {"learning_rate": self.learning_rate}


class CountingQuestions(Halving):
    """What it is asked moves it, in its state."""

    def rate(self, step, state):
        state["t"] = step
        return super().rate(step, state)


class SwingingMomentum(Halving):
    def momentum(self, step, state):
        return float("nan") if step > 50 else 0.9


class OneThreadOnly(Halving):
    def __init__(self):
        super().__init__()
        self._busy = threading.Lock()

    def rate(self, step, state):
        alone = self._busy.acquire(blocking=False)
        try:
            threading.Event().wait(0.001 if threading.current_thread() is not threading.main_thread() else 0)
            return super().rate(step, state) * (1.0 if alone else 0.5)
        finally:
            if alone:
                self._busy.release()

    def __getstate__(self):
        return {"learning_rate": self.learning_rate}


SCHEDULES = [
    (_any_kind.refuses_useless_values, Unchecked),
    (_schedules.gives_a_rate_for_each_step, Negative),
    (_schedules.gives_a_rate_for_each_step, AlwaysZero),
    (_schedules.state_is_arrays_and_integers, ListState),
    (_schedules.state_is_arrays_and_integers, GrowingAFloat),
    (_schedules.resumes_from_a_copied_state, HiddenState),
    (_schedules.leaves_options_and_state_alone, CountingQuestions),
    (_schedules.is_taken_by_an_optimizer, SwingingMomentum),
    (_schedules.serves_several_threads, OneThreadOnly),
]


class Bounding:
    moves_params = False

    def __init__(self, bound=0.5):
        if not isinstance(bound, float):
            raise InvalidOptionError("bound must be a float")
        self.bound = bound

    def init(self, params):
        return {"step": 0}

    def update_(self, params, grads, state):
        state["step"] += 1
        np.clip(grads, -self.bound, self.bound, out=grads)


class MovingAllTheSame(Bounding):
    def update_(self, params, grads, state):
        super().update_(params, grads, state)
        params -= 0.01 * grads


class TurningRound(Bounding):
    def update_(self, params, grads, state):
        super().update_(params, grads, state)
        np.negative(grads, out=grads)


class Remembering(Bounding):
    def observe_(self, value, state):
        state["best"] = value


CLIPS = [
    (_optimizers.updates_in_place, MovingAllTheSame),
    (_optimizers.decreases_a_quadratic, TurningRound),
    (_optimizers.state_is_arrays_and_integers, Remembering),
]
SOUND = [("schedule", Halving), ("optimizer", Bounding)]
CONSPICUOUS = set()
CASES = [*(("schedule", *case) for case in SCHEDULES), *(("optimizer", *case) for case in CLIPS)]


@pytest.mark.parametrize(("kind", "sound"), SOUND)
def test_sound_components_pass(failures, kind, sound):
    assert failures(kind, sound) == {}


@pytest.mark.parametrize(("kind", "check", "broken"), CASES, ids=lambda item: getattr(item, "__name__", item))
def test_a_broken_component_is_caught(failures, kind, check, broken):
    assert set(failures(kind, broken)) == {check.__name__}


def test_a_schedule_that_ends_in_nothing_is_caught(failures):
    assert (
        "the rate of step 290 is None" in failures("schedule", EndingInNothing)["gives_a_rate_for_each_step"]
    )
