"""A digest over everything inside an object, to find out whether something changed it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["array_bytes", "fingerprint"]

_PLAIN = (str, bytes, int, float, complex, type(None))


def fingerprint(value: object) -> str:
    """Digest `value` with all that it refers to; equal before and after means that nothing changed."""
    digest = hashlib.sha256()
    for token in _tokens(value, {}):
        digest.update(token)
        digest.update(b"\0")
    return digest.hexdigest()


def array_bytes(value: object) -> int:
    """Add up the bytes of all arrays that `value` refers to, each counted once."""
    seen: dict[int, tuple[int, Any]] = {}
    for _ in _tokens(value, seen):
        pass
    return sum(item.nbytes for _, item in seen.values() if isinstance(item, np.ndarray))


def _tokens(value: Any, seen: dict[int, tuple[int, Any]]) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    if isinstance(value, _PLAIN):
        yield repr(value).encode()
        return
    if id(value) in seen:
        yield str(seen[id(value)][0]).encode()
        return
    seen[id(value)] = (len(seen), value)  # keeps it alive, so that its id stays its own
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        yield f"{value.dtype}{value.shape}".encode()
        yield value.tobytes()
        return
    for part in _parts(value):
        yield from _tokens(part, seen)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        yield from value.ravel()
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield item
    elif isinstance(value, list | tuple):
        yield from value
    elif isinstance(value, set | frozenset):
        yield from sorted(value, key=repr)
    elif isinstance(value, np.random.RandomState):
        yield value.get_state(legacy=False)
    elif callable(value) and hasattr(value, "__qualname__"):
        yield value.__qualname__  # a function or a class: code, not state
    else:
        yield _state(value)


def _state(value: Any) -> Any:
    try:
        return value.__getstate__()
    except Exception:  # noqa: BLE001 - objects that refuse to be copied (locks, files) count by their type
        return None
