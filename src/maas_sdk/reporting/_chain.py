"""Describes a fitted chain: its steps, their classes and what was set differently from the default."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from attrs import frozen

__all__ = ["Step", "describe_chain"]

_LONGEST = 60
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


@frozen
class Step:
    """One step of a chain.

    Attributes
    ----------
    name : str
        In the chain.
    estimator : str
        The class, with the package that it comes from: ``"sklearn.StandardScaler"``.
    options : mapping of str to str
        What was set differently from the default, as text.
    """

    name: str
    estimator: str
    options: Mapping[str, str]


def describe_chain(chain: Any) -> tuple[Step, ...]:
    """Describe a chain or a single estimator.

    The same chain gives the same description: objects are named by their class, never by their address, and
    arrays by their shape.

    Parameters
    ----------
    chain : sklearn.pipeline.Pipeline or estimator
        Fitted or not.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> describe_chain(Ridge(alpha=2.0))
    (Step(name='model', estimator='sklearn.Ridge', options={'alpha': '2.0'}),)
    """
    steps = getattr(chain, "steps", None) or [("model", chain)]
    return tuple(Step(str(name), _class_name(step), _options(step)) for name, step in steps)


def _class_name(value: Any) -> str:
    if isinstance(value, str):
        return value
    kind = type(value)
    return f"{kind.__module__.split('.')[0]}.{kind.__name__}"


def _options(estimator: Any) -> dict[str, str]:
    get_params = getattr(estimator, "get_params", None)
    if not callable(get_params):
        return {}
    defaults = {
        name: parameter.default for name, parameter in inspect.signature(type(estimator)).parameters.items()
    }
    texts = {name: _text(value) for name, value in sorted(get_params(deep=False).items())}
    return {
        name: text
        for name, text in texts.items()
        if text != _text(defaults.get(name, inspect.Parameter.empty))
    }


def _text(value: Any) -> str:
    if hasattr(value, "dtype") and hasattr(value, "item") and not getattr(value, "shape", ()):
        value = value.item()  # a numpy number is told as the number that it is
    if getattr(value, "shape", ()):
        text = f"array of shape {tuple(int(length) for length in value.shape)}"
    elif isinstance(value, _PLAIN):
        text = repr(value)
    elif isinstance(value, (list, tuple)):
        items = ", ".join(_text(item) for item in value)
        text = f"({items},)" if len(value) == 1 else f"({items})"
    elif isinstance(value, Mapping):
        text = f"{{{', '.join(f'{_text(key)}: {_text(item)}' for key, item in value.items())}}}"
    elif callable(value) and hasattr(value, "__name__"):
        text = str(value.__name__)
    else:
        text = type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
