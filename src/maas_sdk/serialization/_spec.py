"""What we know of one class: parameters, fitted attributes, what is left out, how the rest is rebuilt."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs
from attrs import field, frozen

from maas_sdk.serialization._kinds import Int, OutputConfig, Scope
from maas_sdk.serialization._kinds_arrays import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Kind
    from maas_sdk.serialization._place import Place

__all__ = ["FEATURES", "Field", "Native", "Profile", "Spec", "detail", "optional", "record", "required"]

Profile = Literal["full", "inference"]
_CONSTANTS = (type(None), bool, int, float, str)


@frozen
class Field:
    """A fitted attribute.

    Parameters
    ----------
    kind : Kind
    is_required : bool
    kept : {"always", "full", "training"}
        Always; but in the inference profile; or only when the training state is asked for.
    """

    kind: Kind
    is_required: bool = False
    kept: Literal["always", "full", "training"] = "always"


def required(kind: Kind) -> Field:
    """Describe an attribute that a fitted estimator always has."""
    return Field(kind, is_required=True)


def optional(kind: Kind) -> Field:
    """Describe an attribute that depends on options, data or the version of scikit-learn."""
    return Field(kind)


def detail(kind: Kind) -> Field:
    """Describe an attribute that no prediction uses, and that people look at: full profile alone."""
    return Field(kind, kept="full")


def record(kind: Kind) -> Field:
    """Describe what the training has written down about itself: kept when asked for."""
    return Field(kind, kept="training")


class Native(Protocol):
    """A module of ``_native``: state in compiled code, taken apart into arrays, and validated and built again."""

    @staticmethod
    def apart(estimator: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:
        """Replace the native attributes by plain ones."""
        ...

    @staticmethod
    def together(
        estimator: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits
    ) -> None:
        """Check the plain attributes, each of its kind already, together and replace them by the native ones."""
        ...


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
    pieces : tuple of str
        Parameters and attributes that hold fitted estimators with tensor files of their own, in a list of the
        estimators or of tuples with them.
    dropped_if_unknown : tuple of str
        Parameters that no prediction uses and that are stored as None where the table lacks their class.
    params : mapping of str to Kind
        Parameters that predictions use and the class itself does not check.
    forgotten : tuple of str
        Parameters that are stored as None: about the sender's machine, or not data.
    left_out : tuple of str
        Attributes that are never stored: no prediction uses them, or `finish` rebuilds them.
    native : str
        The module of ``_native`` that knows the state in compiled code.
    check : callable or None
        What kinds cannot say of attributes together, and with parameters: takes the estimator, attributes,
        dimensions and the place.
    finish : callable or None
        Rebuilds what follows from parameters and attributes; takes the estimator.
    checked : str
        For the documentation: what is checked of state that compiled code uses or that is used as an index.
    """

    type_name: str
    module: str
    fields: Mapping[str, Field] = field(factory=dict)
    pieces: tuple[str, ...] = field(default=(), kw_only=True)
    dropped_if_unknown: tuple[str, ...] = field(default=(), kw_only=True)
    params: Mapping[str, Kind] = field(factory=dict, kw_only=True)
    forgotten: tuple[str, ...] = field(default=(), kw_only=True)
    left_out: tuple[str, ...] = field(default=(), kw_only=True)
    native: str = field(default="", kw_only=True)
    check: Callable[[Any, Mapping[str, Any], Scope, Place], None] | None = field(default=None, kw_only=True)
    finish: Callable[[Any], None] | None = field(default=None, kw_only=True)
    checked: str = field(default="", kw_only=True)

    @property
    def class_name(self) -> str:
        """Give the name of the class, without its module."""
        return self.type_name.rpartition(".")[2]

    def resolve(self) -> type | None:
        """Import the class; None where this version of its package has none."""
        try:
            found: type | None = getattr(importlib.import_module(self.module), self.class_name, None)
        except ModuleNotFoundError:
            return None
        return found

    def native_module(self) -> Native | None:
        """Import what knows the state in compiled code; None where there is none."""
        if not self.native:
            return None
        module: Any = importlib.import_module(f"maas_sdk.serialization._native.{self.native}")
        return module  # type: ignore[no-any-return]

    def parameter_names(self, cls: type) -> tuple[str, ...]:
        """Give the names of the class's parameters, from its own signature."""
        return parameter_names(cls)

    def fitted_fields(self) -> dict[str, Field]:
        """Give the attributes that all estimators may have, then this one's own."""
        return {**_COMMON, **self.fields}

    def attributes_of(
        self, estimator: Any, params: Mapping[str, Any], kept: Container[str]
    ) -> dict[str, Any] | None:
        """Give what fitting has set and is to be kept, None if nothing was set.

        Parameters
        ----------
        estimator : estimator
        params : mapping of str to object
            Its parameters.
        kept : container of str
            Which of the classes of `Field.kept`.
        """
        fields = self.fitted_fields()
        attributes = {
            name: value
            for name, value in getattr(estimator, "__dict__", {}).items()
            if name not in params and name not in self.left_out
        }
        if attributes.keys() - fields.keys():
            # Some constructors set more than their parameters; what a new object has needs no storing.
            new = vars(type(estimator)(**params))
            for name in attributes.keys() - fields.keys() & new.keys():
                if type(attributes[name]) is type(new[name]) in _CONSTANTS and attributes[name] == new[name]:
                    del attributes[name]
        if not attributes and any(entry.is_required for entry in fields.values()):
            return None
        return {
            name: value
            for name, value in attributes.items()
            if name not in fields or fields[name].kept in kept
        }

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


def parameter_names(cls: type) -> tuple[str, ...]:
    """Give the names of a class's parameters, from its own signature."""
    if attrs.has(cls):
        return tuple(entry.name for entry in attrs.fields(cls) if entry.init)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(name for name, entry in inspect.signature(cls).parameters.items() if entry.kind not in kinds)


FEATURES = {"n_features_in_": required(Int(1, size="n_features"))}
"""For the fields of all that cannot do without the number of features."""

_COMMON = {
    "n_features_in_": optional(Int(1, size="n_features")),
    "feature_names_in_": optional(Names()),
    "_sklearn_output_config": optional(OutputConfig()),  # what set_output(transform=…) leaves
}
