"""Where a PIN comes from: a file that only its owner can read, or a callable; never the PIN itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from maas_sdk.errors import InvalidOptionError, KeyFileError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["pin_source"]

_MAX_BYTES = 256


def pin_source(pin: Callable[[], str] | None, pin_file: str | os.PathLike[str] | None) -> Callable[[], str]:
    """Give a function that gives the PIN each time it is called.

    Raises
    ------
    InvalidOptionError
        When none or both are given, or `pin` is the PIN itself.
    """
    if (pin is None) == (pin_file is None):
        raise InvalidOptionError("give either pin_file (a path) or pin (a function that returns the PIN)")
    if pin is None:
        assert pin_file is not None
        path = Path(pin_file)
        return lambda: _read(path)
    if not callable(pin):
        # The value is not repeated: it may be the PIN.
        raise InvalidOptionError("pin must be a function that returns the PIN, so that no log shows it")
    return lambda: _checked(pin())


def _checked(pin: object) -> str:
    if not isinstance(pin, str) or not pin:
        raise InvalidOptionError("the function given as pin must return a str that is not empty")
    return pin


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise KeyFileError(f"the PIN file {path} cannot be read: {exc.strerror}") from exc
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"the PIN file {path} is open to others: run chmod 600 {path}")
    try:
        pin = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        pin = ""
    if not pin or len(data) > _MAX_BYTES or "\n" in pin:
        # Without a cause: it could show the PIN.
        raise KeyFileError(f"the PIN file {path} must hold one line of UTF-8, the PIN") from None
    return pin
