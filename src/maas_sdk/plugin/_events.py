"""What observers are told about one step of the work."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["StepEvent"]


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def _read_only(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping)) if mapping else _NOTHING


@frozen
class StepEvent:
    """One step, before or after it ran; fields with defaults may be added within an API version.

    Attributes
    ----------
    step : str
        What is done: ``"fit"``, ``"preprocess"``, ``"epoch"``, ``"batch"`` (within a long epoch, at most one
        a second), ``"evaluate"``, ``"compress"``, ``"publish"``, ``"load"``, ``"predict"`` and others.
    component : str or None
        Reference of the component at work.
    index, total : int or None
        Which of how many steps of this name, from 0.
    duration : float or None
        Seconds it took; None before it ran.
    metrics : Mapping of str to float
        What was measured, read-only.
    sizes : Mapping of str to int
        Bytes, read-only.
    error : BaseException or None
        What ended it, when it did not end well.
    remaining : float or None
        Seconds that the work it is a part of may still take at most, where that can be estimated.
    """

    step: str
    component: str | None = field(default=None, kw_only=True)
    index: int | None = field(default=None, kw_only=True)
    total: int | None = field(default=None, kw_only=True)
    duration: float | None = field(default=None, kw_only=True)
    metrics: Mapping[str, float] = field(default=_NOTHING, kw_only=True, converter=_read_only)
    sizes: Mapping[str, int] = field(default=_NOTHING, kw_only=True, converter=_read_only)
    error: BaseException | None = field(default=None, kw_only=True)
    remaining: float | None = field(default=None, kw_only=True)
