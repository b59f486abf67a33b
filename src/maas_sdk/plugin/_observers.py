"""Tells observers about steps; what an observer raises is logged, and the work goes on."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Self

from attrs import evolve

from maas_sdk.plugin._events import StepEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from maas_sdk.plugin._hosted import HostedPlugin

__all__ = ["SILENT_STEP", "ObservedStep", "Step", "tell"]

_log = logging.getLogger("maas_sdk.plugin")


def tell(observers: Sequence[HostedPlugin], hook: str, event: StepEvent) -> None:
    """Call `hook` on each observer, in the order in which they came.

    `KeyboardInterrupt` and `SystemExit` pass: they are meant for the process, and a signal may have brought
    them while an observer happened to run.
    """
    for observer in observers:
        listener = observer.listener(hook)
        if listener is None:
            continue
        try:
            listener(event)
        except Exception:  # noqa: BLE001 - whatever it raises, the work is not the observer's to stop
            _log.exception("%s: %s raised on step %r; going on", observer.provider, hook, event.step)


class Step:
    """What `PluginRegistry.step` gives when nobody observes: a context manager that does nothing."""

    __slots__ = ()

    def record(
        self, *, metrics: Mapping[str, float] | None = None, sizes: Mapping[str, int] | None = None
    ) -> None:
        """Add to what observers are told when the step ends.

        Parameters
        ----------
        metrics : Mapping of str to float, optional
            What was measured.
        sizes : Mapping of str to int, optional
            Bytes.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let whatever was raised pass."""


SILENT_STEP = Step()


class ObservedStep(Step):
    """Tells the observers before the block, and after it with what it took and what ended it."""

    __slots__ = ("_event", "_observers", "_start")

    def __init__(self, observers: Sequence[HostedPlugin], event: StepEvent) -> None:
        self._observers = observers
        self._event = event
        self._start = 0.0

    def record(
        self, *, metrics: Mapping[str, float] | None = None, sizes: Mapping[str, int] | None = None
    ) -> None:
        """Add to what observers are told when the step ends."""
        self._event = evolve(
            self._event,
            metrics={**self._event.metrics, **(metrics or {})},
            sizes={**self._event.sizes, **(sizes or {})},
        )

    def __enter__(self) -> Self:
        tell(self._observers, "maas_sdk_before_step", self._event)
        self._start = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Tell how it ended; whatever was raised passes."""
        duration = time.perf_counter() - self._start
        before = self._event
        event = StepEvent(  # not `evolve`, which takes as long as all the rest
            before.step,
            component=before.component,
            index=before.index,
            total=before.total,
            duration=duration,
            metrics=before.metrics,
            sizes=before.sizes,
            error=error,
        )
        tell(self._observers, "maas_sdk_after_step", event)
