"""Leases: many may write at once, one may remove, never both."""

import json
import signal
import subprocess
import sys
import threading

import pytest

from maas_sdk.errors import BusyError, NotFoundError, StorageError
from maas_sdk.storage import Leases, LocalBackend, MemoryBackend

HOUR = 3600
HOLDER = """
import sys, time
from maas_sdk.storage import Leases, LocalBackend
leases = Leases(LocalBackend(sys.argv[1]))
with leases.hold("publish acme/digits@1.0.0") if sys.argv[2] == "hold" else leases.exclusive("gc"):
    print("held", flush=True)
    time.sleep(600)
"""


class Clock:
    """A clock that goes on only when somebody sleeps or sets it."""

    def __init__(self):
        self.now = 1_800_000_000.0
        self.slept = []
        self.then = lambda: None

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds
        self.then()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def leases(backend, clock):
    return Leases(backend, clock=clock, sleep=clock.sleep)


def held(backend):
    return list(backend.list("leases/"))


def plant(backend, kind, until, content=b'{"process":"","what":"gc of old"}', number="0" * 32):
    key = f"leases/{kind}-{until}-{number}"
    with backend.create(key) as file:
        file.write(content)
    return key


def test_many_hold_a_store_at_once_and_nothing_is_left(leases, backend):
    with leases.hold("publish a"), leases.hold("publish b"), leases.hold("publish b"):
        assert len(held(backend)) == 3
    assert held(backend) == []


def test_what_a_lease_says_can_be_read(leases, backend, clock):
    with leases.hold("publish acme/digits@1.0.0"):
        (key,) = held(backend)
        assert key.split("-")[:2] == ["leases/hold", str(int(clock.now) + HOUR)]
        with backend.open(key) as file:
            assert json.loads(file.read())["what"] == "publish acme/digits@1.0.0"


def test_an_exception_gives_the_lease_back(leases, backend):
    with pytest.raises(KeyboardInterrupt), leases.hold("publish a"):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), leases.exclusive("gc"):
        raise KeyboardInterrupt
    assert held(backend) == []


def test_nobody_has_a_store_alone_that_is_held(leases, backend, clock):
    with leases.hold("publish acme/digits@1.0.0") as lease:
        with pytest.raises(BusyError, match=r"gc: .*'publish acme/digits@1\.0\.0' .*2027-01-15T09:00:00Z"):
            leases.exclusive("gc").__enter__()
        with leases.exclusive("gc", besides=lease):
            assert len(held(backend)) == 2
        with (
            leases.hold("publish b"),
            pytest.raises(BusyError, match="publish b"),
            leases.exclusive("gc", besides=lease),
        ):
            raise AssertionError
        assert len(held(backend)) == 1
    with leases.exclusive("gc"):
        pass
    assert clock.slept == []


def test_of_two_only_one_has_a_store_alone(leases):
    with (
        leases.exclusive("gc of one"),
        pytest.raises(BusyError, match="gc of one"),
        leases.exclusive("gc of two"),
    ):
        raise AssertionError


def test_who_wants_to_write_waits_for_one_who_has_the_store_alone(leases, backend, clock):
    gone = []

    def end():
        if len(clock.slept) == 5:
            backend.delete(key)
            gone.append(key)

    key = plant(backend, "exclusive", int(clock.now) + HOUR)
    clock.then = end
    with leases.hold("publish a"):
        assert gone
        assert len(held(backend)) == 1
    assert len(clock.slept) == 5
    assert max(clock.slept) <= 1.5


def test_the_wait_is_bounded_and_the_other_is_named(leases, backend, clock):
    key = plant(backend, "exclusive", int(clock.now) + HOUR)
    began = clock.now
    with pytest.raises(BusyError, match=r"publish a: .*'gc of old'"), leases.hold("publish a"):
        raise AssertionError
    assert clock.now - began == pytest.approx(60)
    assert held(backend) == [key]


def test_one_may_wait_to_have_a_store_alone(leases, backend, clock):
    key = plant(backend, "hold", int(clock.now) + HOUR)
    clock.then = lambda: backend.delete(key) if len(clock.slept) == 3 else None
    with leases.exclusive("gc", wait=10):
        assert len(clock.slept) == 3


def test_two_that_meet_both_go_back(leases, backend, clock, monkeypatch):
    """The other writes its lease between our look before and our look after."""
    create = backend.create
    planted = []

    def meet(key):
        if not planted:
            planted.append(None)
            planted[0] = plant(backend, "exclusive", int(clock.now) + HOUR)
        return create(key)

    monkeypatch.setattr(backend, "create", meet)
    clock.then = lambda: backend.delete(planted[0]) if len(clock.slept) == 1 else None
    with leases.hold("publish a"):
        assert len(held(backend)) == 1
    assert len(clock.slept) == 1


def test_a_lease_that_ran_out_is_passed_over_and_removed(leases, backend, clock):
    plant(backend, "exclusive", int(clock.now))
    plant(backend, "hold", int(clock.now) - 5)
    with leases.hold("publish a"):
        assert len(held(backend)) == 2
    with leases.exclusive("gc"):
        assert len(held(backend)) == 1
    assert clock.slept == []


def test_a_lease_is_renewed_in_time_and_is_never_out_of_sight(leases, backend, clock):
    with leases.hold("publish a") as lease:
        seen = set(held(backend))
        for _ in range(20):
            clock.now += 11 * 60
            before = set(held(backend))
            lease.renew_if_needed()
            after = set(held(backend))
            assert before & after  # whoever lists meanwhile meets one of them
            assert len(after) <= 2
            seen |= after
            until = max(int(key.split("-")[1]) for key in after)
            assert until > clock.now + HOUR / 2
        assert len(seen) > 5
        with pytest.raises(BusyError), leases.exclusive("gc"):
            raise AssertionError
    assert held(backend) == []


def test_renewing_is_cheap_while_it_is_not_needed(leases, backend, clock, monkeypatch):
    with leases.hold("publish a") as lease:
        monkeypatch.setattr(lease, "_backend", None)
        clock.now += 19 * 60
        lease.renew_if_needed()
        monkeypatch.undo()


def test_who_slept_through_learns_it_at_the_next_renewal(leases, clock):
    with leases.hold("publish a") as lease:
        lease.check()
        clock.now += HOUR + 1
        with pytest.raises(BusyError, match=r"publish a.*ran out"):
            lease.renew_if_needed()
        with pytest.raises(BusyError):
            lease.check()
        clock.now -= HOUR
        lease.check()


def test_a_lease_that_another_took_for_run_out_is_lost(leases, backend):
    with leases.hold("publish a") as lease:
        backend.delete(held(backend)[0])
        with pytest.raises(BusyError, match="run it again"):
            lease.check()


def test_a_lease_of_a_later_version_keeps_blobs_and_nothing_else(leases, backend, clock):
    with backend.create("leases/shared-1") as file:
        file.write(b"?")
    with pytest.raises(BusyError, match="leases/shared-1, which is no lease"), leases.exclusive("gc"):
        raise AssertionError
    with leases.hold("publish a"):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"what":1,"process":""}', bytes(2 << 20)])
def test_a_lease_that_says_nothing_holds_all_the_same(leases, backend, clock, content):
    key = plant(backend, "hold", int(clock.now) + HOUR, content)
    with pytest.raises(BusyError, match="does not say"), leases.exclusive("gc"):
        raise AssertionError
    assert held(backend) == [key]


def test_control_characters_of_others_do_not_reach_the_message(leases, backend, clock):
    plant(backend, "hold", int(clock.now) + HOUR, b'{"process":"","what":"a\\u001b[2Jb"}')
    with pytest.raises(BusyError) as caught, leases.exclusive("gc"):
        raise AssertionError
    assert str(caught.value).isprintable()


def test_a_lease_that_vanishes_while_it_is_looked_at_is_none(leases, backend, clock, monkeypatch):
    plant(backend, "hold", int(clock.now) + HOUR)
    opened = backend.open

    def vanish(key):
        backend.delete(key)
        return opened(key)

    monkeypatch.setattr(backend, "open", vanish)
    with leases.exclusive("gc"):
        pass


def test_what_cannot_be_removed_runs_out(leases, backend, monkeypatch):
    def fail(_key):
        raise StorageError("the medium is read-only now")

    with leases.hold("publish a"):
        monkeypatch.setattr(backend, "delete", fail)
    assert len(held(backend)) == 1


def test_a_lease_that_is_gone_already_is_given_back(leases, backend):
    with leases.hold("publish a"):
        backend.delete(held(backend)[0])
    assert held(backend) == []


def test_a_store_that_cannot_be_written_gives_no_lease(leases, backend, monkeypatch):
    def fail(_key):
        raise StorageError("read-only")

    monkeypatch.setattr(backend, "create", fail)
    with pytest.raises(StorageError, match="read-only"), leases.hold("publish a"):
        raise AssertionError
    with pytest.raises(NotFoundError):
        backend.size("leases/x")


@pytest.mark.skipif(sys.platform != "linux", reason="told on Linux only")
@pytest.mark.parametrize("kind", ["hold", "exclusive"])
def test_a_process_that_is_killed_is_in_nobodys_way(tmp_path, kind):
    backend = LocalBackend(tmp_path / "store")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(backend.folder), kind], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(BusyError), Leases(backend).exclusive("gc"):
            raise AssertionError
        child.send_signal(signal.SIGKILL)
    assert len(held(backend)) == 1
    with Leases(backend).hold("publish a", wait=0):
        pass
    with Leases(backend).exclusive("gc"):
        assert len(held(backend)) == 1


@pytest.mark.parametrize("make", [MemoryBackend, None], ids=["memory", "local"])
def test_in_a_race_holders_and_one_alone_are_never_in_together(tmp_path, make):
    backend = make() if make else LocalBackend(tmp_path / "store")
    inside = {"hold": 0, "exclusive": 0}
    entered = {"hold": 0, "exclusive": 0}
    guard = threading.Lock()
    wrong = []

    def step(kind, change):
        with guard:
            inside[kind] += change
            entered[kind] += change > 0
            if inside["exclusive"] > 1 or (inside["exclusive"] and inside["hold"]):
                wrong.append(dict(inside))

    def work(kind):
        leases = Leases(backend, sleep=lambda _seconds: None)
        enter = leases.hold if kind == "hold" else leases.exclusive
        for _ in range(15):
            try:
                with enter(kind, wait=0.2):
                    step(kind, 1)
                    step(kind, -1)
            except BusyError:
                continue

    threads = [
        threading.Thread(target=work, args=(kind,)) for kind in ("hold", "exclusive") for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert entered["hold"]
    assert entered["exclusive"]
    assert held(backend) == []
