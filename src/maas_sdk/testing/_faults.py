"""What goes wrong on purpose: exceptions, and files that raise them in the middle."""

from __future__ import annotations

import contextlib
import errno
import io
from typing import TYPE_CHECKING

from maas_sdk.errors import MaasError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

__all__ = ["FailingSink", "FailingSource", "Fault", "expect_fault", "faults"]


class Fault(BaseException):
    """No `Exception`: like `KeyboardInterrupt`, it must not be caught by the wrong handler."""


def faults() -> tuple[BaseException, ...]:
    """Give a medium's error and an interruption."""
    return OSError(errno.EIO, "the kit's own fault"), Fault("the kit's own interruption")


@contextlib.contextmanager
def expect_fault(fault: BaseException, what: str) -> Iterator[None]:
    """Expect `fault` itself to leave the block; of an `Exception` a `MaasError` may have been made."""
    try:
        yield
    except BaseException as exc:
        if exc is fault or (isinstance(exc, MaasError) and isinstance(fault, Exception)):
            return
        if exc is not fault and isinstance(fault, Fault):
            raise AssertionError(f"{what}: an interruption became {type(exc).__name__}: {exc}") from exc
        raise
    raise AssertionError(
        f"{what} was swallowed ({type(fault).__name__}): the caller believes that all is well"
    )


class FailingSource(io.BytesIO):
    """Gives `data`, and raises `fault` where more is read."""

    def __init__(self, data: bytes, fault: BaseException) -> None:
        super().__init__(data)
        self._fault = fault

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; the end is never reached."""
        given = b"" if size is None or size < 0 else super().read(size)
        if not given:
            raise self._fault
        return given

    def readinto(self, buffer: Buffer, /) -> int:
        """Read into a buffer; the end is never reached."""
        count = super().readinto(buffer)
        if not count:
            raise self._fault
        return count


class FailingSink(io.BytesIO):
    """Takes `room` bytes and raises `fault` at the first write beyond them."""

    def __init__(self, room: int, fault: BaseException) -> None:
        super().__init__()
        self._room, self._fault = room, fault

    def write(self, data: Buffer, /) -> int:
        """Write, or raise when it is full."""
        if self.tell() + memoryview(data).nbytes > self._room:
            raise self._fault
        return super().write(data)
