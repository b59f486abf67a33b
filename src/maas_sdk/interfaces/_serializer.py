"""The contract of an estimator serializer: one class to plain state and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EstimatorSerializer"]


@runtime_checkable
class EstimatorSerializer(Protocol):
    """Takes one class of estimators apart and puts it together again, without running code from a file.

    State is a mapping of strings to None, booleans, integers, floats, strings, numpy arrays (numbers,
    booleans or strings), estimators that can be serialized, and lists or mappings of these.

    Attributes
    ----------
    type_name : str
        The name in files, ``"plugin.Class"``; it is a key, nothing is imported by it.
    target_type : class
        The class; subclasses are not taken.
    """

    type_name: str
    target_type: type

    def to_state(self, estimator: Any) -> Mapping[str, Any]:
        """Take apart; equal estimators give equal states."""
        ...

    def from_state(self, state: Mapping[str, Any]) -> Any:
        """Put together; the state is untrusted: check all of it, `InvalidArtifactError` for what is wrong."""
        ...
