"""One check of one component, and what it is given to work with."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen
from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.plugin import ComponentInfo, PluginRegistry

__all__ = ["Check", "Subject", "expect", "expect_plain"]


def expect(condition: object, message: str) -> None:
    """Raise `AssertionError` with `message` unless `condition` holds, under ``python -O`` too."""
    if not condition:
        raise AssertionError(message)


def expect_plain(state: object) -> None:
    """Raise `AssertionError` unless a state is a dict of arrays and integers by strings."""
    expect(type(state) is dict, f"the state is a {type(state).__name__}, not a dict")
    assert isinstance(state, dict)
    for name, value in state.items():
        expect(isinstance(name, str), f"the state has a key {name!r}, which is not a string")
        plain = type(value) is int or (type(value) is np.ndarray and value.dtype.kind != "O")
        expect(plain, f"state[{name!r}] is {type(value).__name__}: only arrays and integers can be saved")


@frozen(kw_only=True)
class Subject:
    """A component under test.

    Attributes
    ----------
    info : ComponentInfo
        What it is.
    """

    info: ComponentInfo
    _registry: PluginRegistry = field(repr=False)
    _options: Mapping[str, Any] = field(repr=False)
    _example: Callable[[], Any] | None = field(repr=False)
    _made: list[Any] = field(factory=list, init=False, repr=False)

    def make(self, **more: Any) -> Any:
        """Construct the component anew, with the options that the test gave and `more`."""
        made = self._registry.create(self.info.kind, self.info.reference, {**self._options, **more})
        self._made.append(made)
        return made

    def close(self) -> None:
        """Close what was made, where the kind has that: a token has few sessions."""
        if self.info.kind == "signer":
            for signer in self._made:
                signer.close()

    def example(self, default: Callable[[], Any]) -> Any:
        """Give what the test provides for the component to work on, or the kit's own."""
        return (self._example or default)()


@frozen(kw_only=True)
class Check:
    """One check of one component: call it; it raises when the component breaks its contract.

    Attributes
    ----------
    name : str
        A sentence about the component: ``"leaves_the_given_chain_as_it_was"``.
    info : ComponentInfo
        The component.
    """

    name: str
    info: ComponentInfo
    _function: Callable[[Subject], None] = field(repr=False)
    _registry: PluginRegistry = field(repr=False)
    _options: Mapping[str, Any] | Callable[[Path], Mapping[str, Any]] = field(factory=dict, repr=False)
    _example: Callable[[], Any] | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """Component, kind and name: ``"acme.zstd-compressor-leaves_the_given_chain_as_it_was"``."""
        return f"{self.info.reference}-{self.info.kind}-{self.name}"

    def __call__(self) -> None:
        """Run it.

        Raises
        ------
        AssertionError
            When the component does something else than its contract says.
        Exception
            Whatever the component raises where it must not.
        """
        with tempfile.TemporaryDirectory(prefix="maas-check-") as name, warnings.catch_warnings():
            # The kit's data are few and its trainings short: that they do not converge breaks no contract.
            warnings.simplefilter("ignore", ConvergenceWarning)
            folder = Path(name)
            subject = Subject(
                info=self.info,
                registry=self._registry,
                options=self._options(folder) if callable(self._options) else self._options,
                example=self._example,
            )
            with contextlib.closing(subject):
                self._function(subject)

    def __str__(self) -> str:
        return self.id
