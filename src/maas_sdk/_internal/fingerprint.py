"""Digests of data and configurations: equal digests mean equal values, in any process, without pickle.

What cannot be told apart from another of its class is refused, with the place where it is.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import math
import os
import re
import struct
import sys
import types
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from scipy import sparse

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["fingerprint"]

_CHUNK = 1 << 22
_FUNCTIONS = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    np.ufunc,
)
_POINTER = struct.calcsize("P")
_SETTINGS = ("_sklearn_output_config", "_metadata_request")
"""What `clone` keeps of an estimator beside its parameters."""


def fingerprint(**parts: Any) -> str:
    """Digest values.

    Parameters
    ----------
    **parts : object
        Plain data, arrays, sparse matrices, frames, estimators with their parameters, objects of Python
        classes with their attributes, classes and functions by name. Of code that belongs to no package with
        a version, what it does is part of the digest, too; what it calls is not.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    InvalidOptionError
        When something cannot be told apart: an open file, a lock, a compiled class's object, ….
    """
    writer = _Writer()
    for name, value in parts.items():
        writer.text("part", name)
        writer.add(value, name)
    return writer.hexdigest()


class _Writer:
    """Feeds values to a hash so that different values are never the same bytes: tag, length, content."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._within: list[int] = []

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def text(self, tag: str, content: str | bytes) -> None:
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        self._hash.update(f"{tag}:{len(data)}:".encode())
        self._hash.update(data)

    def add(self, value: Any, path: str) -> None:
        match value:
            case None | bool() | int() | float() | complex() if type(value).__module__ == "builtins":
                self.text(type(value).__name__, repr(value))
            case str() | bytes() if type(value).__module__ == "builtins":
                self.text(type(value).__name__, value)
            case np.ndarray() | np.generic():
                self.text("numpy", type(value).__name__)
                self._array(np.asarray(value), path)
            case range() | slice() | date() | time() | timedelta() | Decimal() | UUID():
                self.text(type(value).__name__, repr(value))
            case enum.Enum():
                self._class(type(value), path)
                self.text("member", value.name)
            case type():
                self._class(value, path)
            case _:
                self._compound(value, path)

    def _compound(self, value: Any, path: str) -> None:  # noqa: C901 - one line for each kind
        if id(value) in self._within:
            raise _refusal(path, value, "it holds itself")
        self._within.append(id(value))
        match value:
            case list() | tuple() if type(value) in (list, tuple):
                self._items(type(value).__name__, value, path)
            case dict() | types.MappingProxyType():
                self._mapping(type(value).__name__, value, path)
            case set() | frozenset():
                digests = sorted(fingerprint(**{path: each}) for each in value)
                self._items(type(value).__name__, digests, path)
            case re.Pattern():
                self._items("pattern", (value.pattern, value.flags), path)
            case os.PathLike():
                self._items(type(value).__name__, [os.fspath(value)], path)
            case np.random.RandomState():
                self._items("RandomState", value.get_state(legacy=True), path)
            case np.random.Generator():
                self._mapping("Generator", value.bit_generator.state, path)
            case functools.partial():
                self._items("partial", (value.func, value.args, value.keywords), path)
            case _ if isinstance(value, _FUNCTIONS):
                self._function(value, path)
            case _ if _is_global(value):
                self.text("global", f"{value.__module__}.{value.__qualname__} {_version(value.__module__)}")
            case _:
                self._object(value, path)
        self._within.pop()

    def _items(self, tag: str, items: Iterable[Any], path: str) -> None:
        values = list(items)
        self.text(tag, str(len(values)))
        for index, each in enumerate(values):
            self.add(each, f"{path}[{index}]")

    def _mapping(self, tag: str, mapping: Mapping[Any, Any], path: str) -> None:
        self.text(tag, str(len(mapping)))
        for key, each in mapping.items():
            self.add(key, path)
            self.add(each, f"{path}.{key}")

    def _array(self, array: np.ndarray[Any, Any], path: str) -> None:
        if array.dtype.hasobject:
            self.text("objects", str(array.shape))
            self._items("list", array.ravel().tolist(), path)
            return
        self.text("array", f"{array.dtype.descr}{array.shape}")
        if array.ndim == 0:
            self._hash.update(array.tobytes())
            return
        # Row by row in pieces, so that what is mapped from a file is never in memory as a whole.
        step = max(1, _CHUNK // max(1, array.itemsize * math.prod(array.shape[1:])))
        for start in range(0, len(array), step):
            self._hash.update(array[start : start + step].tobytes())

    def _function(self, function: Any, path: str) -> None:
        name = getattr(function, "__qualname__", None) or function.__name__
        self.text("function", f"{getattr(function, '__module__', None)}.{name}")
        if isinstance(function, types.FunctionType):
            self._code(function, path)
        elif not isinstance(getattr(function, "__self__", None), types.ModuleType | types.NoneType):
            self.add(function.__self__, f"{path}.__self__")

    def _code(self, function: types.FunctionType, path: str) -> None:
        version = _version(function.__module__)
        if version is None:
            self._instructions(function.__code__, path)
        else:
            self.text("version", version)
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        self._items("closure", (function.__defaults__, function.__kwdefaults__, *cells), path)

    def _instructions(self, code: types.CodeType, path: str) -> None:
        self.text("code", code.co_code)
        self._items("names", (code.co_names, code.co_varnames, code.co_freevars), path)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._instructions(constant, path)
            else:
                self.add(constant, path)

    def _class(self, cls: type, path: str) -> None:
        self.text("class", f"{cls.__module__}.{cls.__qualname__}")
        for each in cls.__mro__:
            version = _version(each.__module__)
            if version is not None:
                self.text("version", version)
                continue
            for name, member in vars(each).items():
                self._member(name, member, each, path)

    def _member(self, name: str, member: Any, cls: type, path: str) -> None:
        """Add what a class of the caller's own does: its functions, wrapped or not, and its constants."""
        wrapped = (getattr(member, each, None) for each in ("__func__", "fget", "func", "fn"))
        function = next((each for each in wrapped if each is not None), member)
        if isinstance(function, types.FunctionType) and function.__module__ == cls.__module__:
            self.text("member", name)
            self._instructions(function.__code__, path)
        elif isinstance(member, bool | int | float | str) and not name.startswith("__"):
            self.text("constant", f"{name}={member!r}")

    def _object(self, value: Any, path: str) -> None:
        cls = type(value)
        if sparse.issparse(value):
            rows = value.tocsr()
            self.text("sparse", f"{value.format}{value.shape}")
            self._items("csr", (rows.indptr, rows.indices, rows.data), path)
        elif hasattr(value, "columns") and hasattr(value, "dtypes"):
            self._items(f"frame of {cls.__module__}", (list(value.columns), len(value)), path)
            for name in value.columns:
                self._column(value[name], f"{path}[{name!r}]")
        elif hasattr(value, "dtype") and hasattr(value, "to_numpy"):
            self._column(value, path)
        elif hasattr(value, "get_params"):
            self._class(cls, path)
            settings = {name: vars(value).get(name) for name in _SETTINGS if name in vars(value)}
            self._mapping("params", value.get_params(deep=False) | settings, path)
        else:
            self._class(cls, path)
            self._mapping("attributes", _attributes(value, path), path)

    def _column(self, column: Any, path: str) -> None:
        self.text("column", str(column.dtype))
        categories = getattr(column.dtype, "categories", None)
        if categories is not None:
            self.add(np.asarray(categories), path)
        self._array(np.asarray(column), path)


def _is_global(value: Any) -> bool:
    """Whether a compiled function is what its module has under its name."""
    name, module = getattr(value, "__qualname__", None), getattr(value, "__module__", None)
    if not isinstance(name, str) or not isinstance(module, str) or not callable(value):
        return False
    return getattr(sys.modules.get(module), name, None) is value


def _attributes(value: Any, path: str) -> dict[str, Any]:
    """Give all that an object holds, if that can be known."""
    cls = type(value)
    slots = [name for each in cls.__mro__ for name in _slots(each)]
    # As pickle decides it: what an object has room for beyond its attributes is a compiled class's secret.
    pointers = len(slots) + (cls.__dictoffset__ > 0) + (cls.__weakrefoffset__ > 0)
    if cls.__itemsize__ or cls.__basicsize__ > object.__basicsize__ + pointers * _POINTER:
        raise _refusal(path, value, "what its compiled class holds cannot be seen")
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    found |= getattr(value, "__dict__", {})
    return dict(sorted(found.items()))


def _slots(cls: type) -> Iterable[str]:
    names = vars(cls).get("__slots__", ())
    for name in [names] if isinstance(names, str) else names:
        if name not in ("__dict__", "__weakref__"):
            hidden = name.startswith("__") and not name.endswith("__")
            yield f"_{cls.__name__.lstrip('_')}{name}" if hidden else name


def _version(module: str | None) -> str | None:
    """Give the version of the package that has a module, as the package itself tells it."""
    package = sys.modules.get((module or "").partition(".")[0])
    version = getattr(package, "__version__", None)
    if isinstance(version, str):
        return version
    return sys.version if package is not None and package.__name__ in sys.stdlib_module_names else None


def _refusal(path: str, value: object, why: str) -> InvalidOptionError:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return InvalidOptionError(
        f"{path} is a {name} that no checkpoint can be filed under: {why}; leave store=None, or give "
        "the class get_params or plain attributes"
    )
