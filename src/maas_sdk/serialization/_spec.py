"""What we know of one class: parameters, fitted attributes, what is left out, how the rest is rebuilt."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs
from attrs import field, frozen

from maas_sdk.serialization._kinds import Int, OutputConfig, Scope
from maas_sdk.serialization._kinds_arrays import Names
from maas_sdk.serialization._kinds_compound import is_fitted
from maas_sdk.serialization._place import estimators_in

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Kind
    from maas_sdk.serialization._place import Place

__all__ = [
    "FEATURES",
    "FREE_FEATURES",
    "ROUTING",
    "Field",
    "Native",
    "ObjectSpec",
    "Profile",
    "Spec",
    "detail",
    "optional",
    "parameter_names",
    "record",
    "required",
]

Profile = Literal["full", "inference"]
_KEPT = ("always", "full", "training")
_CONSTANTS = (type(None), bool, int, float, str)
_OUTPUT_CONFIG = "_sklearn_output_config"  # what set_output(transform=…) leaves


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
    """A module of ``_native``: state in compiled code, taken apart, and validated and built again."""

    @staticmethod
    def apart(estimator: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:
        """Replace the native attributes by plain ones."""
        ...

    @staticmethod
    def together(
        estimator: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits
    ) -> None:
        """Check the plain attributes, each of its kind already, and replace them by the native ones."""
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
        Parameters and attributes that hold fitted estimators, or mappings of arrays, with tensor files of
        their own, in a list of these or of tuples with them.
    dropped_if_unknown : tuple of str
        Parameters that no prediction uses and that are stored as the class's default, mostly None, where the
        table knows neither their class nor, for functions, their name.
    whole : tuple of str
        Attributes with an estimator that is kept in full in every profile, because predictions ask it for
        more than predictions.
    params : mapping of str to Kind
        Parameters that predictions use and the class itself does not check.
    fitted_by : tuple of str
        Parameters with estimators, for what is fitted if these are and need not have attributes of its own.
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
    whole: tuple[str, ...] = field(default=(), kw_only=True)
    params: Mapping[str, Kind] = field(factory=dict, kw_only=True)
    fitted_by: tuple[str, ...] = field(default=(), kw_only=True)
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

    def params_of(self, estimator: Any) -> dict[str, Any]:
        """Give the parameters that an estimator was constructed with."""
        return {name: getattr(estimator, name) for name in self.parameter_names(type(estimator))}

    def construct(self, cls: type, params: dict[str, Any]) -> Any:
        """Construct an estimator."""
        return cls(**params)

    def default_of(self, name: str) -> Any:
        """Give the default of a parameter, from the class's own signature."""
        return inspect.signature(self.resolve() or object).parameters[name].default

    def fitted_fields(self) -> dict[str, Field]:
        """Give the attributes that all estimators may have, then this one's own."""
        return {**_COMMON, **self.fields}

    def always_has_state(self) -> bool:
        """Tell whether the state is never missing, because fitting need not set anything."""
        return not any(entry.is_required for entry in self.fields.values())

    def computed(self, cls: type) -> list[str]:
        """Give the fields that are properties in this version of the class, and attributes in another."""
        return [
            name
            for name, entry in self.fields.items()
            if entry.is_required and isinstance(getattr(cls, name, None), property)
        ]

    def is_unfitted(self, estimator: Any, attributes: Mapping[str, Any]) -> bool:
        """Tell whether there is nothing but what set_output leaves, also before fitting."""
        return attributes.keys() == {_OUTPUT_CONFIG} and not (
            self.always_has_state() and self.is_fitted(estimator)
        )

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
            if name not in params and name not in self.left_out and name != ROUTING
        }
        if attributes.keys() - fields.keys():
            # Some constructors set more than their parameters; what a new object has needs no storing.
            new = vars(type(estimator)(**params))
            for name in attributes.keys() - fields.keys() & new.keys():
                if type(attributes[name]) is type(new[name]) in _CONSTANTS and attributes[name] == new[name]:
                    del attributes[name]
        if not attributes and any(entry.is_required for entry in fields.values()):
            return None
        attributes |= {
            name: getattr(estimator, name)
            for name in self.computed(type(estimator))
            if hasattr(estimator, name)
        }
        return {
            name: value
            for name, value in attributes.items()
            if name not in fields or fields[name].kept in kept
        }

    def is_fitted(self, estimator: Any) -> bool:
        """Tell whether an estimator is fitted, or needs no fitting."""
        params = self.params_of(estimator)
        attributes = self.attributes_of(estimator, params, _KEPT)
        if attributes is None or attributes.keys() - {_OUTPUT_CONFIG}:
            return attributes is not None
        parts = estimators_in([params[name] for name in self.fitted_by])
        return all(is_fitted(part) for part in parts)

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
        unfitted = self.is_unfitted(estimator, attributes)
        for name, entry in fields.items():
            if name in attributes:
                entry.kind.check(attributes[name], scope, place.attribute(name))
            elif entry.is_required and not unfitted:
                raise place.attribute(name).refusal("missing")
        if self.check is not None and not unfitted:
            self.check(estimator, attributes, scope, place)
        return scope


@frozen(eq=False)
class ObjectSpec(Spec):
    """An object that is no estimator and that is what it was made from, kept under other names or in parts.

    Parameters
    ----------
    take : callable
        Gives what an object was made from, by name.
    make : callable or None
        Makes the object of the same; the class if None.
    """

    take: Callable[[Any], dict[str, Any]] = field(kw_only=True)
    make: Callable[..., Any] | None = field(default=None, kw_only=True)

    def parameter_names(self, cls: type) -> tuple[str, ...]:
        """Give the names of what the object is made from."""
        return parameter_names(self.make or cls)

    def params_of(self, estimator: Any) -> dict[str, Any]:
        """Give what the object was made from."""
        return self.take(estimator)

    def construct(self, cls: type, params: dict[str, Any]) -> Any:
        """Make the object."""
        return (self.make or cls)(**params)

    def always_has_state(self) -> bool:
        """Tell that it has none."""
        return False

    def attributes_of(
        self,
        estimator: Any,  # noqa: ARG002 - it has none
        params: Mapping[str, Any],  # noqa: ARG002
        kept: Container[str],  # noqa: ARG002
    ) -> None:
        """Give none."""
        return


def parameter_names(cls: Any) -> tuple[str, ...]:
    """Give the names of a class's parameters, from its own signature."""
    if attrs.has(cls):
        return tuple(entry.name for entry in attrs.fields(cls) if entry.init)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(name for name, entry in inspect.signature(cls).parameters.items() if entry.kind not in kinds)


FEATURES = {"n_features_in_": required(Int(1, size="n_features"))}
"""For the fields of all that cannot do without the number of features."""

FREE_FEATURES = {"n_features_in_": optional(Int(1, 2**22, size="n_features"))}
"""For the fields of those that keep nothing for each feature: so many names somebody may ask for."""

ROUTING = "_metadata_request"
"""What `set_fit_request` and others leave: no state, and kept beside it."""

_COMMON = {
    "n_features_in_": optional(Int(1, size="n_features")),
    "feature_names_in_": optional(Names()),
    _OUTPUT_CONFIG: optional(OutputConfig()),
}
