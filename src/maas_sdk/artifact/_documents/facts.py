"""What made a model (``environment.json``), and what goes in and out of it (``schema.json``)."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_sdk.limits import Limits

__all__ = ["Environment", "ModelSchema", "decode", "encode"]

_DISTRIBUTIONS: Final = ("maas-sdk", "numpy", "scikit-learn")
_ENVIRONMENT: Final = "maas-environment/1"
_SCHEMA: Final = "maas-schema/1"


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _as_tuple(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


@frozen(kw_only=True)
class Environment:
    """What a model was made with.

    Attributes
    ----------
    python : str
        Version of Python.
    distributions : dict of str to str
        Versions of distributions by name.
    components : tuple of str
        References of the components that the model needs, such as ``"acme.forest"``.
    """

    python: str
    distributions: dict[str, str]
    components: tuple[str, ...] = field(default=(), converter=_sorted)

    @classmethod
    def current(cls, *, components: Sequence[str] = (), distributions: Sequence[str] = ()) -> Environment:
        """Describe the running interpreter.

        Parameters
        ----------
        components : sequence of str
            References of components that the model needs.
        distributions : sequence of str
            Distributions whose versions matter, in addition to the SDK, numpy and scikit-learn.

        Raises
        ------
        InvalidOptionError
            When a distribution is not installed.
        """
        try:
            versions = {name: metadata.version(name) for name in (*_DISTRIBUTIONS, *distributions)}
        except metadata.PackageNotFoundError as exc:
            raise InvalidOptionError(f"the distribution {exc.name!r} is not installed") from exc
        return cls(python=platform.python_version(), distributions=versions, components=components)

    def apart_from(self, other: Environment) -> str:
        """Say which versions are not those of another, here; empty if they are the same.

        Parameters
        ----------
        other : Environment
            That of here; what it does not name is not compared.
        """
        mine, others = ({"python": each.python, **each.distributions} for each in (self, other))
        return ", ".join(
            f"{name} {mine[name]} (here {others[name]})"
            for name in sorted(mine)
            if others.get(name, mine[name]) != mine[name]
        )

    def to_json(self) -> bytes:
        """Encode ``environment.json``: canonical JSON."""
        return encode(self, _ENVIRONMENT)

    @classmethod
    def from_json(cls, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Environment:
        """Decode; `InvalidArtifactError` when it is malformed."""
        return records.structure(
            decode(data, _ENVIRONMENT, "environment.json", limits), cls, what="environment.json"
        )


@frozen(kw_only=True)
class ModelSchema:
    """What a model takes and gives.

    Attributes
    ----------
    n_features : int
        Columns of the input.
    dtype : str
        Of the input: numpy's name, such as ``"float64"``.
    feature_names : tuple of str or None
        Names of the columns, when the model was fitted with names.
    n_outputs : int
        Columns of the prediction.
    classes : tuple of str, int, float or bool, or None
        The labels of a classifier, in the order of its probabilities.
    """

    n_features: int = field()
    dtype: str = "float64"
    feature_names: tuple[str, ...] | None = field(default=None, converter=_as_tuple)
    n_outputs: int = field(default=1)
    classes: tuple[Any, ...] | None = field(default=None, converter=_as_tuple)

    @n_features.validator
    def _(self, _attribute: object, value: int) -> None:
        if value < 1:
            raise InvalidOptionError(f"n_features is {value}; a model takes one feature at least")

    @feature_names.validator
    def _(self, _attribute: object, value: tuple[str, ...] | None) -> None:
        if value is not None and len(value) != self.n_features:
            raise InvalidOptionError(f"{len(value)} feature names for {self.n_features} features")

    @n_outputs.validator
    def _(self, _attribute: object, value: int) -> None:
        if value < 1:
            raise InvalidOptionError(f"n_outputs is {value}; a model gives one output at least")

    @classes.validator
    def _(self, _attribute: object, value: tuple[Any, ...] | None) -> None:
        wrong = [label for label in value or () if type(label) not in (str, int, float, bool)]
        if wrong:
            raise InvalidOptionError(f"a class is text, a number or a boolean, not {wrong[0]!r}")

    def to_json(self) -> bytes:
        """Encode ``schema.json``: canonical JSON."""
        return encode(self, _SCHEMA)

    @classmethod
    def from_json(cls, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ModelSchema:
        """Decode; `InvalidArtifactError` when it is malformed."""
        return records.structure(decode(data, _SCHEMA, "schema.json", limits), cls, what="schema.json")


def encode(record: object, form: str) -> bytes:
    """Encode a record as canonical JSON that names its format."""
    return strict_json.dumps({"format": form, **records.unstructure(record)})


def decode(data: bytes, form: str, what: str, limits: Limits) -> dict[str, Any]:
    """Decode what `encode` gave; `InvalidArtifactError` when it is not of this format."""
    document = strict_json.loads(data, what=what, limits=limits)
    found = document.pop("format", None) if isinstance(document, dict) else None
    if found != form:
        raise InvalidArtifactError(f"{what} has the format {found!r}; this version of the SDK reads {form!r}")
    return document  # type: ignore[no-any-return] # a dict, as its format says
