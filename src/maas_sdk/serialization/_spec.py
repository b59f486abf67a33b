"""What we know of one class: parameters, fitted attributes, what is left out, how the rest is rebuilt."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

import attrs
from attrs import field, frozen

from maas_sdk.serialization._kinds import Int, Names, OutputConfig, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Kind
    from maas_sdk.serialization._place import Place

__all__ = ["FEATURES", "Field", "Native", "Spec", "optional", "required"]


@frozen
class Field:
    """A fitted attribute.

    Parameters
    ----------
    kind : Kind
    is_required : bool
    """

    kind: Kind
    is_required: bool


def required(kind: Kind) -> Field:
    """Describe an attribute that a fitted estimator always has."""
    return Field(kind, is_required=True)


def optional(kind: Kind) -> Field:
    """Describe an attribute that depends on options, data or the version of scikit-learn."""
    return Field(kind, is_required=False)


@frozen
class Native:
    """State in compiled code: how it is taken apart into arrays, and validated and built again.

    Parameters
    ----------
    apart : callable
        Takes the estimator, its attributes and the place; replaces the native attributes by plain ones.
    together : callable
        Takes the new estimator, its attributes (each checked by its kind), dimensions, place and limits;
        checks the plain ones together and replaces them by the native ones.
    """

    apart: Callable[[Any, dict[str, Any], Place], None]
    together: Callable[[Any, dict[str, Any], Scope, Place, Limits], None]


@frozen(eq=False)
class Spec:
    """One class of the table.

    Parameters
    ----------
    type_name : str
        The key in files.
    module : str
        Where the class is imported from; a constant, never what a file says.
    fields : mapping of str to Field
        Fitted attributes in the order in which they are checked.
    nested : mapping of str to str
        Parameters that hold estimators: ``"one"``; ``"named"`` for a list of (name, estimator), each a piece
        of its own; ``"if known"`` for what no prediction uses and is stored as None where the table lacks it.
    params : mapping of str to Kind
        Parameters that predictions use and the class itself does not check.
    forgotten : tuple of str
        Parameters that are stored as None: about the sender's machine, or not data.
    left_out : tuple of str
        Attributes that no prediction uses.
    native : Native or None
    check : callable or None
        What kinds cannot say of attributes together, and with parameters: takes the estimator, attributes,
        dimensions and the place.
    finish : callable or None
        Rebuilds what follows from parameters and attributes; takes the estimator.
    """

    type_name: str
    module: str
    fields: Mapping[str, Field] = field(factory=dict)
    nested: Mapping[str, str] = field(factory=dict, kw_only=True)
    params: Mapping[str, Kind] = field(factory=dict, kw_only=True)
    forgotten: tuple[str, ...] = field(default=(), kw_only=True)
    left_out: tuple[str, ...] = field(default=(), kw_only=True)
    native: Native | None = field(default=None, kw_only=True)
    check: Callable[[Any, Mapping[str, Any], Scope, Place], None] | None = field(default=None, kw_only=True)
    finish: Callable[[Any], None] | None = field(default=None, kw_only=True)

    @property
    def class_name(self) -> str:
        """Give the name of the class, without its module."""
        return self.type_name.rpartition(".")[2]

    def resolve(self) -> type | None:
        """Import the class; None where this version of its package has none."""
        found: type | None = getattr(importlib.import_module(self.module), self.class_name, None)
        return found

    def parameter_names(self, cls: type) -> tuple[str, ...]:
        """Give the names of the class's parameters, from its own signature."""
        if attrs.has(cls):
            return tuple(entry.name for entry in attrs.fields(cls) if entry.init)
        return tuple(inspect.signature(cls).parameters)

    def fitted_fields(self) -> dict[str, Field]:
        """Give the attributes that all estimators may have, then this one's own."""
        return {**_COMMON, **self.fields}

    def check_state(self, estimator: Any, attributes: Mapping[str, Any], place: Place) -> Scope:
        """Check fitted attributes, one by one and together, for an estimator that has its parameters.

        Raises
        ------
        InvalidArtifactError
            With the path of the attribute.
        """
        fields = self.fitted_fields()
        for name in attributes:
            if name not in fields:
                raise place.attribute(str(name)[:80]).refusal("not an attribute that we know of this class")
        scope = Scope()
        for name, entry in fields.items():
            if name in attributes:
                entry.kind.check(attributes[name], scope, place.attribute(name))
            elif entry.is_required:
                raise place.attribute(name).refusal("missing")
        if self.check is not None:
            self.check(estimator, attributes, scope, place)
        return scope


FEATURES = {"n_features_in_": required(Int(1, size="n_features"))}
"""For the fields of all that cannot do without the number of features."""

_COMMON = {
    "n_features_in_": optional(Int(1, size="n_features")),
    "feature_names_in_": optional(Names()),
    "_sklearn_output_config": optional(OutputConfig()),  # what set_output(transform=…) leaves
}
