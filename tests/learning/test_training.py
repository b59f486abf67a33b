"""The training loop: interrupted anywhere it comes to the same bits; what it reports and saves."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from maas_sdk.checkpoints import open_checkpoints
from maas_sdk.errors import CheckpointError, InvalidOptionError
from maas_sdk.interfaces import Checkpoint, CheckpointStore
from maas_sdk.learning import (
    SGD,
    Adam,
    Batches,
    ClipByNorm,
    GradientDescent,
    MLPClassifier,
    ReduceOnPlateauSchedule,
    SquaredLoss,
)
from maas_sdk.learning._loop._training import TrainingOptions, TrainingStart, train
from maas_sdk.learning._nets._network import Network, Workspace, forward
from maas_sdk.learning._sources import open_source

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N = 330


class Interruption(Exception):  # noqa: N818 - stands for a kill
    pass


class Interrupted:
    """An optimizer that is interrupted after so many steps."""

    def __init__(self, optimizer, steps):
        self.optimizer, self.left = optimizer, steps
        self.full_batch = getattr(optimizer, "full_batch", False)
        if hasattr(optimizer, "observe_"):
            self.observe_ = optimizer.observe_

    def __repr__(self):
        return f"Interrupted({self.optimizer!r})"

    def init(self, params):
        return self.optimizer.init(params)

    def update_(self, params, grads, state):
        self.left -= 1
        if self.left < 0:
            params[:] = 0  # half done
            raise Interruption
        self.optimizer.update_(params, grads, state)


def rows(n=N):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return X, np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3]


class Iterators:
    """A function that gives new iterators of batches."""

    def __call__(self):
        X, y = rows()
        return ((X[at : at + 50], y[at : at + 50]) for at in range(0, N, 50))


def data(kind, folder, *, weighted=False):
    X, y = rows()
    weight = 1.0 + np.arange(N) % 3 if weighted else None
    if kind == "array":
        return X, y, weight
    if kind == "memmap":
        np.save(folder / "X.npy", X)
        mapped = np.load(folder / "X.npy", mmap_mode="r")
        return Batches.of(mapped, y, weight, window_bytes=4096), None, None
    return Batches.of(Iterators(), window_bytes=4096), None, None


def run(
    given, *, optimizer=None, max_iter=6, batch_size=40, split=False, dropout=0.0, rng=None, start=None,
    params=None, checkpoint=None, fingerprint=None, **more
):  # fmt: skip
    rng = np.random.RandomState(0) if rng is None else rng
    options = TrainingOptions(
        optimizer=Adam(0.01) if optimizer is None else optimizer,
        batch_size=batch_size,
        max_iter=max_iter,
        **{
            "tol": 0.0, "n_iter_no_change": 50, "callback": None, "checkpoint_seconds": 0,
            "clock": lambda: 0.0, **more,
        },
    )  # fmt: skip
    source = open_source(*given, dtype="f8", batch_rows=options.batch_rows)
    network = Network((4, 8, 1), "tanh")
    validate = None
    if split:
        source, held_out = source.split(0.2, rng)

        def validate(params):
            errors = [
                np.mean((forward(X, *network.views(params), "tanh") - y) ** 2)
                for X, y, _ in held_out.epoch(None)
            ]
            return -float(np.mean(errors))

    workspace = Workspace(
        network,
        SquaredLoss(),
        network.random_parameters(rng, "f8") if params is None else params,
        max_rows=source.max_rows,
        alpha=1e-3,
        dropout=dropout,
        dropout_rng=np.random.default_rng(3) if dropout else None,
    )
    return train(
        workspace,
        source,
        options=options,
        rng=rng,
        validate=validate,
        start=start,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    )


def same(one, other):
    assert np.array_equal(one.params, other.params)
    assert one.loss_curve == other.loss_curve
    assert one.validation_scores == other.validation_scores
    assert one.optimizer_state.keys() == other.optimizer_state.keys()
    for name, value in one.optimizer_state.items():
        assert np.array_equal(value, other.optimizer_state[name]), name


PLATEAU = SGD(ReduceOnPlateauSchedule(0.05, patience=0, threshold=0.5), momentum=0.9)
CASES = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "early stopping": {"split": True, "dropout": 0.2},
    "plateau": {"optimizer": PLATEAU},
    "plateau of scores": {"optimizer": PLATEAU, "split": True},
    "full batch": {"optimizer": GradientDescent(0.1), "batch_size": None},
}


@pytest.mark.parametrize("steps", [1, 13])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["array", "memmap", "function"])
def test_interrupted_again_and_again_a_training_comes_to_the_same_bits(kind, case, steps, tmp_path):
    options = {"optimizer": Adam(0.01), **CASES[case]}
    given = data(kind, tmp_path, weighted=kind != "function")
    undisturbed = run(given, **options)
    place = open_checkpoints("memory:").at(f"{kind} {case}")
    inner = options.pop("optimizer")
    times = 0
    while True:
        try:
            resumed = run(given, optimizer=Interrupted(inner, steps), checkpoint=place, **options)
            break
        except Interruption:
            times += 1
            assert times < 100, "no step forward"
    assert times >= (6 - 1) // steps
    same(resumed, undisturbed)
    assert place.load() is None


def test_an_epoch_that_ended_is_not_begun_again(tmp_path):
    place = open_checkpoints("memory:").at("k")
    given = data("array", tmp_path)
    heard = []

    def stop(progress):
        heard.append(progress["epoch"])
        raise Interruption

    for _ in range(4):
        with pytest.raises(Interruption):
            run(given, checkpoint=place, callback=stop)
    same(run(given, checkpoint=place), run(given))
    assert heard == [1, 2, 3, 4]


def test_what_was_settled_when_it_was_killed_only_gives_its_result(tmp_path):
    given = data("array", tmp_path)
    place = open_checkpoints("memory:").at("k")
    quick = {"tol": 10.0, "n_iter_no_change": 2}
    whole = run(given, **quick)

    def stop(progress):
        if progress["epoch"] == len(whole.loss_curve):
            raise Interruption

    with pytest.raises(Interruption):
        run(given, checkpoint=place, callback=stop, **quick)
    again = []
    same(run(given, checkpoint=place, callback=again.append, **quick), whole)
    assert again == []


def test_a_training_may_go_on_for_longer_than_it_was_to(tmp_path):
    given = data("memmap", tmp_path)
    place = open_checkpoints("memory:").at("k")
    with pytest.raises(Interruption):
        run(given, optimizer=Interrupted(Adam(0.01), 20), checkpoint=place)
    longer = run(given, optimizer=Interrupted(Adam(0.01), 1000), checkpoint=place, max_iter=9)
    same(longer, run(given, max_iter=9))


def test_an_iterator_goes_on_in_the_middle_of_its_pass(tmp_path):
    def given():
        return Batches.of(Iterators()(), window_bytes=4096), None, None

    place = open_checkpoints("memory:").at("k")
    for _ in range(2):
        with pytest.raises(Interruption):
            run(given(), optimizer=Interrupted(Adam(0.01), 3), max_iter=1, checkpoint=place)
    same(run(given(), optimizer=Interrupted(Adam(0.01), 99), max_iter=1, checkpoint=place),
         run(given(), max_iter=1))  # fmt: skip
    with pytest.raises(
        InvalidOptionError, match=r"max_iter=2 epochs read the data more than once.*partial_fit"
    ):
        run(given(), max_iter=2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": Interrupted(SGD(0.01), 99)}, r"optimizer was .*Adam.*now it is .*SGD"),
        ({"batch_size": 41}, "batch_size was 40, now it is 41"),
        ({"tol": 0.1}, "tol was 0.0"),
        ({"n_iter_no_change": 3}, "n_iter_no_change"),
        ({"split": True}, "early_stopping"),
        ({"rng": np.random.RandomState(1)}, "first parameters|random_state"),
        ({"fingerprint": {"alpha": 2}}, "alpha was 1, now it is 2"),
        ({"given": (rows()[0] + 1e-9, rows()[1], None)}, "the data"),
        ({"given": (rows()[0], rows()[1][::-1], None)}, "the data"),
        ({"given": (*rows(329), None)}, "n_samples|the data"),
        ({"given": (*rows(), 1.0 + np.arange(N))}, "the data"),
    ],
    ids=["optimizer", "batches", "tol", "patience", "split", "seed", "options", "X", "y", "rows", "weights"],
)  # fmt: skip
def test_a_checkpoint_of_another_training_is_refused_with_what_differs(change, words, tmp_path):
    place = open_checkpoints("memory:").at("k")
    options = {
        "given": data("array", tmp_path),
        "optimizer": Interrupted(Adam(0.01), 20),
        "fingerprint": {"alpha": 1},
        "checkpoint": place,
    }
    with pytest.raises(Interruption):
        run(**options)
    with pytest.raises(CheckpointError, match=words):
        run(**{**options, **change})
    options["optimizer"] = Interrupted(Adam(0.01), 99)
    run(**options)  # it is still there for the right one
    assert place.load() is None


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    place = open_checkpoints("memory:").at("k")
    place.save({"trial": 3})
    with pytest.raises(CheckpointError, match=r"holds no training of this version.*clear"):
        run(data("array", tmp_path), checkpoint=place)


def test_without_a_seed_there_is_no_checkpoint(tmp_path):
    place = open_checkpoints("memory:").at("k")
    with pytest.raises(InvalidOptionError, match="random_state must be an integer"):
        run(data("array", tmp_path), checkpoint=place, rng=np.random.mtrand._rand)


def test_an_optimizers_address_in_memory_is_no_difference(tmp_path):
    class Foreign:
        def init(self, params):
            return {"step": 0}

        def update_(self, params, grads, state):
            params -= 0.1 * grads

    def stop(progress):
        raise Interruption

    place = open_checkpoints("memory:").at("k")
    given = data("array", tmp_path)
    with pytest.raises(Interruption):
        run(given, optimizer=Foreign(), checkpoint=place, callback=stop)
    run(given, optimizer=Foreign(), checkpoint=place)


class Clock:
    """Gives a later second each time it is asked; saving takes longer still."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


class Counting:
    """A checkpoint that counts, on a clock of its own."""

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.saved = clock, seconds, []

    def load(self):
        return None

    def save(self, state):
        self.saved.append((len(state["history"]["losses"]), state["pass"]["batches"]))
        self.clock.now += self.seconds

    def clear(self):
        self.saved.append("cleared")


def test_saving_takes_a_twentieth_of_the_time_at_most(tmp_path):
    clock = Clock(0.01)
    slow = Counting(clock, 1.0)
    options = {"clock": clock, "checkpoint_seconds": 1e9, "n_iter_no_change": 10**6}
    run(data("array", tmp_path), max_iter=800, checkpoint=slow, **options)
    *saved, last = slow.saved
    assert last == "cleared"
    assert saved[0] == (1, 0)  # the first epoch's end
    assert 0 < (len(saved) - 1) * 20 <= clock.now
    assert all(batches == 0 for _, batches in saved)
    clock.step, quick = 0, Counting(clock, 0.0)
    run(data("array", tmp_path), max_iter=5, checkpoint=quick, **options)
    assert quick.saved == [*((epoch, 0) for epoch in range(1, 6)), "cleared"]


def test_within_an_epoch_it_is_saved_now_and_then(tmp_path):
    clock = Clock(0.001)
    place = Counting(clock, 0.0)
    run(
        data("array", tmp_path),
        max_iter=2,
        batch_size=1,
        checkpoint=place,
        clock=clock,
        checkpoint_seconds=0.1,
    )
    within = [batches for epoch, batches in place.saved[:-1] if batches]
    assert 5 < len(within) < 40
    assert isinstance(place, Checkpoint)
    assert isinstance(open_checkpoints("memory:"), CheckpointStore)


def test_the_sum_over_batches_is_the_gradient_of_all(tmp_path):
    steps = []

    class Watched(GradientDescent):
        def update_(self, params, grads, state):
            steps.append(grads.copy())
            super().update_(params, grads, state)

    X, y = rows()
    weight = 1.0 + np.arange(N) % 3
    whole = run((X, y, weight), optimizer=Watched(0.1), batch_size=None, max_iter=3)
    once = steps[:]
    steps.clear()
    batches = [(X[at : at + 50], y[at : at + 50], weight[at : at + 50]) for at in range(0, N, 50)]
    streamed = run((Batches.of(batches), None, None), optimizer=Watched(0.1), batch_size=None, max_iter=3)
    assert len(steps) == len(once) == 3
    np.testing.assert_allclose(streamed.params, whole.params, rtol=1e-12)
    np.testing.assert_allclose(streamed.loss_curve, whole.loss_curve, rtol=1e-12)


def test_many_pieces_are_one_step(tmp_path, monkeypatch):
    from maas_sdk.learning._sources import _windows

    monkeypatch.setattr(_windows, "_ROWS_AT_ONCE", 32)
    given = data("memmap", tmp_path, weighted=True)
    optimizer = GradientDescent(0.1)
    streamed = run(given, optimizer=optimizer, batch_size=None)
    rng, before = np.random.RandomState(0), np.random.RandomState(0)
    run(given, optimizer=optimizer, batch_size=None, rng=rng, params=streamed.params.copy())
    assert rng.rand() == before.rand()  # nothing was drawn
    assert streamed.optimizer_state["step"] == 6
    whole = run(data("array", tmp_path, weighted=True), optimizer=optimizer, batch_size=None)
    np.testing.assert_allclose(streamed.params, whole.params, rtol=1e-11)


def test_a_weight_of_2_is_a_row_that_comes_twice(tmp_path):
    X, y = rows()
    twice = np.repeat(np.arange(N), 1 + np.arange(N) % 2)
    options = {"optimizer": GradientDescent(0.1), "batch_size": None}
    weighted = run((X, y, 1.0 + np.arange(N) % 2), **options)
    repeated = run((X[twice], y[twice], None), **options)
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-11)
    none = run((X, y, (np.arange(N) < 100).astype(float)), **options)
    np.testing.assert_allclose(none.params, run((X[:100], y[:100], None), **options).params, rtol=1e-11)


@pytest.mark.parametrize("split", [False, True])
def test_an_optimizer_that_observes_hears_what_should_become_small(split, tmp_path):
    heard = []

    class Observing(SGD):
        def observe_(self, value, state):
            heard.append(value)

    result = run(data("array", tmp_path), optimizer=Observing(0.05), split=split)
    assert heard == ([-score for score in result.validation_scores] if split else result.loss_curve)


def test_what_moves_no_parameters_is_refused(tmp_path):
    with pytest.raises(InvalidOptionError, match=r"ClipByNorm.*moves no parameters.*chain"):
        run(data("array", tmp_path), optimizer=ClipByNorm(1.0))


@pytest.mark.parametrize("optimizer", [SGD(0.05, momentum=0.9), Adam(0.01)], ids=repr)
def test_a_training_goes_on_where_another_ended(optimizer, tmp_path):
    given = data("array", tmp_path)
    straight = run(given, optimizer=optimizer, max_iter=10)
    rng = np.random.RandomState(0)
    first = run(given, optimizer=optimizer, max_iter=4, rng=rng)
    before = {name: np.copy(value) for name, value in first.optimizer_state.items()}
    second = run(
        given,
        optimizer=optimizer,
        max_iter=6,
        rng=rng,
        params=first.params.copy(),
        start=TrainingStart(optimizer_state=first.optimizer_state),
    )
    assert np.array_equal(second.params, straight.params)
    assert first.loss_curve + second.loss_curve == straight.loss_curve
    for name, value in before.items():
        assert np.array_equal(first.optimizer_state[name], value)


def reports(given, step, **options):
    heard = []
    run(given, callback=lambda progress: heard.append(dict(progress)), clock=Clock(step), **options)
    return heard


def test_quick_epochs_are_reported_at_their_ends_with_the_time_that_is_left(tmp_path):
    heard = reports(data("array", tmp_path), 1e-4)
    assert [report["epoch"] for report in heard] == [1, 2, 3, 4, 5, 6]
    assert all(set(r) == {"epoch", "n_epochs", "loss", "seconds", "seconds_left"} for r in heard)
    for report in heard:
        left = report["seconds"] / report["epoch"] * (6 - report["epoch"])
        assert report["seconds_left"] == pytest.approx(left, rel=0.05, abs=1e-9)
    assert heard[-1]["seconds_left"] == 0
    scored = reports(data("array", tmp_path), 1e-4, split=True)
    assert all("validation_score" in report for report in scored)


@pytest.mark.parametrize("kind", ["array", "function"])
def test_long_epochs_are_reported_once_a_second(kind, tmp_path):
    heard = reports(data(kind, tmp_path), 0.2, batch_size=5, max_iter=2)
    ends = [report for report in heard if "batch" not in report]
    within = [report for report in heard if "batch" in report]
    assert [report["epoch"] for report in ends] == [1, 2]
    assert len(within) > 10
    times = [report["seconds"] for report in heard]
    for earlier, later, report in zip(times, times[1:], heard[1:], strict=False):
        assert later > earlier
        assert "batch" not in report or later - earlier >= 1
    for report in within:
        assert set(report) == {"epoch", "n_epochs", "loss", "batch", "n_batches", "seconds", "seconds_left"}
        assert 1 <= report["batch"] <= 66
    first = [report for report in within if report["epoch"] == 1]
    if kind == "array":
        assert {report["n_batches"] for report in within} == {66}
        assert all(report["seconds_left"] > 0 for report in within)
    else:  # how long a pass is, the first one tells
        assert (first[0]["n_batches"], first[0]["seconds_left"]) == (None, None)
        assert {report["n_batches"] for report in within if report["epoch"] == 2} == {66}


def test_time_goes_on_where_it_was_interrupted_and_the_pace_is_the_new_one(tmp_path):
    given = data("array", tmp_path)
    place = open_checkpoints("memory:").at("k")
    slow, quick = Clock(1.0), Clock(0.001)
    with pytest.raises(Interruption):
        run(given, optimizer=Interrupted(Adam(0.01), 27), checkpoint=place, clock=slow)
    heard = []
    run(given, optimizer=Interrupted(Adam(0.01), 99), checkpoint=place, clock=quick, callback=heard.append)
    assert [report["epoch"] for report in heard] == [4, 5, 6]
    assert heard[0]["seconds"] > 20
    assert heard[0]["seconds_left"] < 1


def test_the_callback_of_a_model_is_told_of_batches_too(tmp_path, monkeypatch):
    from maas_sdk.learning._loop import _progress

    monkeypatch.setattr(_progress, "_PAUSE", 0.0)
    X, y = rows()
    heard = []
    MLPClassifier((4,), max_iter=2, random_state=0, callback=heard.append).fit(X, y[:, 0] > 0)
    assert [("batch" in report, report.get("batch")) for report in heard] == [
        (True, 1), (True, 2), (False, None), (True, 1), (True, 2), (False, None),
    ]  # fmt: skip


def test_a_model_goes_on_from_a_checkpoint(tmp_path):
    X, y = rows()
    y = (y[:, 0] > 0).astype(int)
    model = MLPClassifier((8,), max_iter=5, tol=0, early_stopping=True, dropout=0.2, random_state=0)

    def stop(progress):
        if progress["epoch"] == 3:
            raise KeyboardInterrupt

    place = open_checkpoints(tmp_path).at("model")
    model.set_params(callback=stop)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y, checkpoint=place)
    model.set_params(callback=None).fit(X, y, checkpoint=place)
    whole = MLPClassifier(**model.get_params()).fit(X, y)
    assert all(np.array_equal(a, b) for a, b in zip(model.coefs_, whole.coefs_, strict=True))
    assert model.loss_curve_ == whole.loss_curve_
    with pytest.raises(KeyboardInterrupt):
        model.set_params(callback=stop).fit(X, y, checkpoint=place)
    with pytest.raises(CheckpointError, match="another training"):
        model.set_params(callback=None, alpha=0.5).fit(X, y, checkpoint=place)


def test_too_few_epochs_are_warned_of_unless_that_is_not_wanted(tmp_path):
    given = data("array", tmp_path)
    with pytest.warns(ConvergenceWarning, match="max_iter=2") as caught:
        run(given, max_iter=2)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(given, max_iter=2, warn_unsettled=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"checkpoint_seconds": -1}, "checkpoint_seconds"),
        ({"warn_unsettled": 1}, "warn_unsettled must be True or False"),
    ],
)
def test_wrong_options_are_named(options, words, tmp_path):
    with pytest.raises(InvalidOptionError, match=words):
        run(data("array", tmp_path), **options)
