"""Runs tasks wherever an executor does: bounded in flight and in time, tried again when a worker dies."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from concurrent import futures
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from maas_sdk.errors import ComponentError, InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import Executor, Future

__all__ = ["Lost", "Task", "Workers", "checked_executor"]


@frozen(eq=False)
class Task:
    """One thing to do.

    Attributes
    ----------
    name : str
        For messages.
    function : callable
        What a worker calls; what it raises says that the executor could not run it.
    arguments : tuple
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@frozen
class Lost:
    """In place of a result: the worker died, each time that it was tried."""

    reason: str


@define(eq=False)
class _Job:
    """A task on its way."""

    index: int
    task: Task
    losses: int = 0


@define(eq=False)
class Workers:
    """Runs batches of tasks.

    Attributes
    ----------
    executor : Executor, callable that gives one, or None
        None runs here, one after the other. What a callable gave is replaced when it breaks, and closed.
    retries : int
        How often a task whose worker died is tried again.
    in_flight : int
        Most tasks that are with the executor at a time.
    what : str
        What a task is called in messages.
    advice : str
        What to do when the executor is broken.
    """

    executor: Executor | Callable[[], Executor] | None
    retries: int
    in_flight: int
    what: str
    advice: str
    retried: int = field(default=0, init=False)
    _pool: Any = field(default=None, init=False)

    def run(
        self,
        tasks: Sequence[Task],
        *,
        deadline: float | None = None,
        ended_late: Callable[[int, Any], object] | None = None,
    ) -> Generator[tuple[int, Any], None, None]:
        """Give the index of each task with its result, or `Lost`, as soon as it has ended, in any order.

        Parameters
        ----------
        tasks : sequence of Task
        deadline : float, optional
            By `time.monotonic`: no task begins after it, and none is waited for, except that one which runs
            here is finished. What did not end is not given.
        ended_late : callable, optional
            Called with index and result of what has ended, and can no longer be given because the caller has
            stopped.

        Raises
        ------
        ComponentError
            If the executor cannot run tasks, or is broken and cannot be replaced.
        """
        jobs = deque(_Job(index, task) for index, task in enumerate(tasks))
        if self.executor is None:
            return self._here(jobs, deadline)
        return self._elsewhere(jobs, deadline, ended_late)

    def close(self) -> None:
        """Shut an executor down that was made here; one that was given is left to whoever gave it."""
        if self._pool is not None and self._replaceable:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    @staticmethod
    def _here(jobs: deque[_Job], deadline: float | None) -> Generator[tuple[int, Any], None, None]:
        for job in jobs:
            if _left(deadline) == 0:
                return
            yield job.index, job.task.function(*job.task.arguments)

    def _elsewhere(
        self, waiting: deque[_Job], deadline: float | None, ended_late: Callable[[int, Any], object] | None
    ) -> Generator[tuple[int, Any], None, None]:
        running: dict[Future[Any], _Job] = {}
        try:
            while waiting or running:
                if _left(deadline) == 0:
                    return
                self._submit(waiting, running)
                done, _ = futures.wait(running, timeout=_left(deadline), return_when=futures.FIRST_COMPLETED)
                for future in done:
                    job = running.pop(future)
                    result = self._result(future, job)
                    if result is not None:
                        yield job.index, result
                    else:
                        self.retried += 1
                        waiting.appendleft(job)
        finally:
            # Also after Ctrl-C: what has ended meanwhile is kept, what has not begun never begins.
            for future, job in running.items():
                if not future.cancel() and ended_late is not None:
                    with contextlib.suppress(Exception):
                        if future.done() and not future.cancelled():
                            ended_late(job.index, future.result())

    def _submit(self, waiting: deque[_Job], running: dict[Future[Any], _Job]) -> None:
        """Hand tasks over until enough are in flight."""
        while waiting and len(running) < self.in_flight:
            # A task that has lost its worker runs alone: if it is what kills, no other is lost by it.
            alone = waiting[0].losses or any(job.losses for job in running.values())
            if alone and running:
                return
            job = waiting.popleft()
            is_new = self._pool is None
            try:
                future = self._open_pool().submit(job.task.function, *job.task.arguments)
            except Exception as exc:
                waiting.appendleft(job)
                if running:
                    return  # they will tell what happened to them
                if is_new or not self._replaceable:
                    raise self._broken(exc) from exc
                self.close()
            else:
                running[future] = job

    @property
    def _replaceable(self) -> bool:
        return not hasattr(self.executor, "submit")

    def _open_pool(self) -> Any:
        if self._pool is None:
            given: Any = self.executor
            self._pool = given() if self._replaceable else given
        return self._pool

    def _result(self, future: Future[Any], job: _Job) -> Any:
        """Give what came of a task, or None if its worker was lost and it is to be tried again."""
        try:
            return future.result()
        except Exception as exc:
            reason = f"{type(exc).__name__}: {exc}"
            if not _is_loss(exc):
                raise ComponentError(
                    f"{self._executor_name()} could not run {self.what} of {job.task.name} ({reason}); "
                    "estimators and data must be picklable, and workers need the same packages"
                ) from exc
            if isinstance(exc, futures.BrokenExecutor):
                self.close()
            job.losses += 1
            if job.losses <= self.retries:
                return None
            return Lost(f"its worker died, {job.losses} times ({reason})")

    def _broken(self, exc: Exception) -> ComponentError:
        return ComponentError(
            f"{self._executor_name()} is broken ({type(exc).__name__}: {exc}): a worker died, or could not "
            f"import what {self.what} needs; {self.advice}; or give, instead of an executor, a function that "
            "makes one, so that it is replaced"
        )

    def _executor_name(self) -> str:
        return f"the executor ({type(self._pool or self.executor).__name__})"


def checked_executor(executor: Any) -> Any:
    """Give back what can be the executor of `Workers`.

    Raises
    ------
    InvalidOptionError
        When it is none.
    """
    if executor is None or hasattr(executor, "submit") or callable(executor):
        return executor
    raise InvalidOptionError(
        f"executor must be a concurrent.futures.Executor, a function that makes one or None, not {executor!r}"
    )


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _is_loss(exc: Exception) -> bool:
    """Whether an executor says that a worker is gone; what a task raises itself never comes this way."""
    if isinstance(exc, futures.BrokenExecutor | futures.CancelledError | ConnectionError | EOFError):
        return True
    # Of Dask, whose classes are not imported here.
    names = {each.__name__ for each in type(exc).__mro__}
    return not names.isdisjoint({"KilledWorker", "CommClosedError", "CancelledError"})
