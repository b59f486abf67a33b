"""Children of the test: forked, so that two hundred of them take seconds, and watched call by call."""

import errno
import json
import os
import signal
import sqlite3
import sys
import traceback
import warnings
from dataclasses import dataclass, field

from watched import CHANGES, Hook, watch

_SQLITE = {
    errno.ENOSPC: "database or disk is full",
    errno.EDQUOT: "database or disk is full",
    errno.EROFS: "attempt to write a readonly database",
}


@dataclass
class Outcome:
    """How a child ended: killed, with a value, or with an error (class names up to the root, message)."""

    killed: bool = False
    value: object = None
    error: tuple = ()
    message: str = ""
    calls: list = field(default_factory=list)

    def is_a(self, kind):
        return kind.__name__ in self.error


def run(function, *, root=None, hook=None, started=None):
    """Run `function` in a forked child, with the calls below `root` seen by `hook`; never raises its error.

    `started` is called with the child's number once it runs.
    """
    child = _start(function, root, hook)
    if started is not None:
        started(child.number)
    return child()


def start(function, *, root=None, hook=None):
    """Begin to run `function` in a forked child; what it gives waits for the child and gives the outcome."""
    return _start(function, root, hook)


def _start(function, root, hook):
    inside, outside = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Of threads of the test runner, which hold no lock that the child needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(inside)
        _child(function, root, hook, outside)
    os.close(outside)
    return _Child(child, inside)


class _Child:
    def __init__(self, number, inside):
        self.number = number
        self.inside = inside

    def __call__(self):
        with os.fdopen(self.inside, "rb") as file:
            data = file.read()
        _, status = os.waitpid(self.number, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, f"the child died of signal {os.WTERMSIG(status)}"
            return Outcome(killed=True)
        return Outcome(**json.loads(data))


def _child(function, root, hook, outside):
    result = {}
    try:
        if hook is not None:
            watch(root, hook)
        result["value"] = function()
    except BaseException as exc:  # noqa: BLE001 - whatever it is, the parent judges it
        result["error"] = [kind.__name__ for kind in type(exc).__mro__]
        result["message"] = str(exc) or "".join(traceback.format_exception(exc))
        if not any(name == "MaasError" for name in result["error"]):
            result["message"] += "".join(traceback.format_exception(exc)[-8:])
    result["calls"] = getattr(hook, "calls", [])
    data = json.dumps(result).encode()
    while data:
        data = data[_write(outside, data) :]
    os._exit(0)


_write = os.write


class Count(Hook):
    """Lists the kinds of the calls that change something."""

    def __init__(self):
        self.calls = []

    def before(self, call):
        if call.kind in CHANGES:
            self.calls.append((call.kind, call.path))


class Kill(Hook):
    """Ends the process as kill -9 does: before call `number`, after it, or in the middle of a write."""

    def __init__(self, number, where):
        self.number = number
        self.where = where

    def before(self, call):
        if call.number != self.number:
            return
        if self.where == "middle" and call.half is not None:
            call.half()
        if self.where != "after":
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, call):
        if call.number == self.number:
            os.kill(os.getpid(), signal.SIGKILL)

    failed = after


class Fail(Hook):
    """Makes call number `number` fail, or everything of `kinds` from there on."""

    def __init__(self, number, error, *, for_ever=(), half=False):
        self.number = number
        self.error = error
        self.for_ever = for_ever
        self.half = half
        self.broken = False

    def before(self, call):
        if call.number == self.number:
            self.broken = True
            if self.half and call.half is not None:
                call.half()
        elif not (self.broken and call.kind in self.for_ever):
            return
        if call.kind == "sql":
            raise sqlite3.OperationalError(_SQLITE.get(self.error, "disk I/O error"))
        raise OSError(self.error, os.strerror(self.error), call.path)


class FailRead(Hook):
    """Takes the medium away: after so many reads of files whose paths begin so, everything there fails."""

    def __init__(self, path, reads, error):
        self.path = path
        self.left = reads
        self.error = error

    def before(self, call):
        if call.path.startswith(self.path) and call.kind in ("read", "open", "stat"):
            self.left -= call.kind == "read"
            if self.left < 0:
                raise OSError(self.error, os.strerror(self.error), call.path)


class OnRead(Hook):
    """Does something to a file just before it is read for the `number`-th time."""

    def __init__(self, path, number, deed):
        self.path = path
        self.left = number
        self.deed = deed

    def before(self, call):
        if call.path == self.path and call.kind == "read":
            self.left -= 1
            if self.left == 0:
                self.deed()
