"""Estimators ⇄ nodes of the graph, ``{"type": key, "params": {…}, "state": {…} or null}``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from maas_sdk.errors import InvalidArtifactError, LimitExceededError, UnsupportedModelError
from maas_sdk.serialization._kinds import Scope
from maas_sdk.serialization._table import TABLE, spec_of
from maas_sdk.serialization._values import ValueReader, ValueWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maas_sdk.interfaces import EstimatorSerializer
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._files import TensorSink, TensorSource
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Spec

__all__ = ["GraphReader", "GraphWriter"]

_CONSTANTS = (type(None), bool, int, float, str)


class GraphWriter:
    """Takes estimators apart.

    Parameters
    ----------
    tensors : TensorSink
    serializers : mapping of type to EstimatorSerializer
        For classes that the table does not know.
    """

    def __init__(self, tensors: TensorSink, serializers: Mapping[type, EstimatorSerializer]) -> None:
        self._tensors = tensors
        self._serializers = serializers
        self._values = ValueWriter(tensors, self.encode)
        self._plain = ValueWriter(tensors, _refuse_object)

    def encode(self, estimator: Any, place: Place, *, fitted: bool = True) -> dict[str, Any]:
        """Give the node of an estimator.

        Parameters
        ----------
        estimator : estimator
        place : Place
        fitted : bool
            Whether it must be fitted.

        Raises
        ------
        UnsupportedModelError
            For a class that neither the table nor a serializer knows.
        InvalidArtifactError
            For state that a receiver would refuse; whoever calls says it in terms of the model.
        """
        cls = type(estimator)
        if cls in self._serializers:
            serializer = self._serializers[cls]
            state = {str(name): value for name, value in serializer.to_state(estimator).items()}
            return {"type": serializer.type_name, "state": self._mapping(state, place)}
        spec = spec_of(cls)
        if spec is None:
            raise UnsupportedModelError(
                f"{place.path or 'the model'}: no safe serialization of {cls.__module__}.{cls.__qualname__} "
                f"is known; pass one with serializers=, or use a supported estimator"
            )
        return self._known(spec, estimator, place, fitted=fitted)

    def _known(self, spec: Spec, estimator: Any, place: Place, *, fitted: bool) -> dict[str, Any]:
        cls = type(estimator)
        params = {name: getattr(estimator, name) for name in spec.parameter_names(cls)}
        attributes = _fitted_attributes(spec, estimator, params, place)
        if attributes is None and fitted:
            raise UnsupportedModelError(
                f"{place.path or 'the model'}: {cls.__name__} is not fitted; fit it first"
            )
        check_params(spec, estimator, place)
        encoded = {
            name: self._param(spec, name, value, place.attribute(name)) for name, value in params.items()
        }
        if attributes is None:
            return {"type": spec.type_name, "params": encoded, "state": None}
        spec.check_state(estimator, attributes, place)
        return {"type": spec.type_name, "params": encoded, "state": self._mapping(attributes, place)}

    def _mapping(self, values: Mapping[str, Any], place: Place) -> dict[str, Any]:
        # Sorted, because a fitted and a loaded model have their attributes in different orders.
        return {name: self._values.encode(values[name], place.attribute(name)) for name in sorted(values)}

    def _param(self, spec: Spec, name: str, value: Any, place: Place) -> Any:
        nested = spec.nested.get(name)
        if name in spec.forgotten or isinstance(value, np.random.RandomState):
            return None
        if nested == "named":
            return [[key, self._step(step, place.item(index))] for index, (key, step) in enumerate(value)]
        if nested is None or value is None or isinstance(value, str):
            return self._plain.encode(value, place)
        if nested == "if known" and type(value) not in self._serializers and spec_of(type(value)) is None:
            return None
        return self.encode(value, place, fitted=False)

    def _step(self, step: Any, place: Place) -> Any:
        if step is None or isinstance(step, str):
            return self._plain.encode(step, place)
        return self.encode(step, place.in_unit(self._tensors.new_unit()))


def _fitted_attributes(
    spec: Spec, estimator: Any, params: Mapping[str, Any], place: Place
) -> dict[str, Any] | None:
    """Give what fitting has set and predictions use; None if nothing did."""
    fields = spec.fitted_fields()
    attributes = {
        name: value
        for name, value in getattr(estimator, "__dict__", {}).items()
        if name not in params and name not in spec.left_out
    }
    if attributes.keys() - fields.keys():
        # Some constructors set more than their parameters; what a new object has needs no storing.
        new = vars(type(estimator)(**params))
        for name in attributes.keys() - fields.keys() & new.keys():
            if type(attributes[name]) is type(new[name]) in _CONSTANTS and attributes[name] == new[name]:
                del attributes[name]
    if not attributes and any(entry.is_required for entry in fields.values()):
        return None
    if spec.native is not None:
        spec.native.apart(estimator, attributes, place)
    return attributes


class GraphReader:
    """Puts estimators together from an untrusted document.

    Parameters
    ----------
    tensors : TensorSource
    serializers : mapping of str to EstimatorSerializer
        By type name.
    limits : Limits
        `max_model_nodes` and `max_model_depth` hold.
    """

    def __init__(
        self, tensors: TensorSource, serializers: Mapping[str, EstimatorSerializer], limits: Limits
    ) -> None:
        self._serializers = serializers
        self._limits = limits
        self._nodes = self._depth = 0
        self._values = ValueReader(tensors, self.decode)
        self._plain = ValueReader(tensors, _refuse_object)

    def decode(self, node: Any, place: Place, *, fitted: bool = True) -> Any:
        """Give the estimator of a node.

        Raises
        ------
        InvalidArtifactError
            With the path, whatever is wrong.
        """
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            raise place.refusal("expected an estimator")
        self._nodes += 1
        if self._nodes > self._limits.max_model_nodes:
            raise LimitExceededError(
                f"more estimators than Limits.max_model_nodes ({self._limits.max_model_nodes})"
            )
        if self._depth >= self._limits.max_model_depth:
            raise LimitExceededError(
                f"nested deeper than Limits.max_model_depth ({self._limits.max_model_depth})", path=place.path
            )
        self._depth += 1
        try:
            if node["type"] in self._serializers:
                return self._foreign(self._serializers[node["type"]], node, place)
            return self._known(node, place, fitted=fitted)
        finally:
            self._depth -= 1

    def _foreign(self, serializer: EstimatorSerializer, node: dict[str, Any], place: Place) -> Any:
        state = node.get("state")
        if node.keys() != {"type", "state"} or not isinstance(state, dict):
            raise place.refusal("expected a type and a state")
        with refusing(place):
            estimator = serializer.from_state(self._mapping(state, place))
        if type(estimator) is not serializer.target_type:
            raise place.refusal(f"its serializer gave a {type(estimator).__name__}")
        return estimator

    def _known(self, node: dict[str, Any], place: Place, *, fitted: bool) -> Any:
        spec = TABLE.get(node["type"])
        cls = None if spec is None else spec.resolve()
        if spec is None or cls is None:
            raise place.refusal(
                f"type {node['type'][:80]!r} is unknown here; a newer version or a serializer may know it"
            )
        params, state = node.get("params"), node.get("state")
        if (
            node.keys() != {"type", "params", "state"}
            or not isinstance(params, dict)
            or not isinstance(state, dict | None)
        ):
            raise place.refusal("expected a type, params and a state")
        estimator = self._new(spec, cls, params, place)
        if state is not None:
            self._set_state(spec, estimator, self._mapping(state, place), place)
        elif fitted:
            raise place.refusal("not fitted")
        return estimator

    def _new(self, spec: Spec, cls: type, params: dict[str, Any], place: Place) -> Any:
        names = spec.parameter_names(cls)
        for name in params:
            if name not in names:
                raise place.attribute(name[:80]).refusal(f"not a parameter of {spec.type_name}")
        decoded = {
            name: self._param(spec, name, value, place.attribute(name)) for name, value in params.items()
        }
        with refusing(place):
            estimator = cls(**decoded)
        check_params(spec, estimator, place)
        return estimator

    def _set_state(self, spec: Spec, estimator: Any, attributes: dict[str, Any], place: Place) -> None:
        scope = spec.check_state(estimator, attributes, place)
        if spec.native is not None:
            spec.native.together(estimator, attributes, scope, place, self._limits)
        for name, value in attributes.items():
            setattr(estimator, name, value)
        if spec.finish is not None:
            with refusing(place):
                spec.finish(estimator)

    def _mapping(self, nodes: Mapping[str, Any], place: Place) -> dict[str, Any]:
        return {name: self._values.decode(node, place.attribute(name[:80])) for name, node in nodes.items()}

    def _param(self, spec: Spec, name: str, node: Any, place: Place) -> Any:
        nested = spec.nested.get(name)
        if nested == "named":
            return self._steps(node, place)
        if nested is None or not isinstance(node, dict):
            return self._plain.decode(node, place)
        return self.decode(node, place, fitted=False)

    def _steps(self, nodes: Any, place: Place) -> list[tuple[str, Any]]:
        steps: list[tuple[str, Any]] = []
        for index, node in enumerate(nodes if isinstance(nodes, list) else [None]):
            match node:
                case [str(name), None | "passthrough" as step]:
                    steps.append((name, step))
                case [str(name), dict(step)]:
                    steps.append((name, self.decode(step, place.item(index))))
                case _:
                    raise place.item(index).refusal("expected a name and an estimator")
        return steps


def check_params(spec: Spec, estimator: Any, place: Place) -> None:
    """Check the parameters of an estimator by its class's own rules and the table's.

    Raises
    ------
    InvalidArtifactError
        If a parameter is of a wrong type or value.
    """
    if hasattr(estimator, "_parameter_constraints"):
        with refusing(place):
            estimator._validate_params()  # noqa: SLF001 - what scikit-learn runs before it fits
    for name, kind in spec.params.items():
        kind.check(getattr(estimator, name), Scope(), place.attribute(name))


@contextlib.contextmanager
def refusing(place: Place) -> Iterator[None]:
    """Turn whatever another's code raises about untrusted values into a refusal."""
    try:
        yield
    except InvalidArtifactError:
        raise
    except Exception as exc:
        raise place.refusal(f"{type(exc).__name__}: {str(exc)[:400]}") from exc


def _refuse_object(value: Any, place: Place) -> NoReturn:
    raise place.refusal(f"a value of type {_name_of(value)} is not plain")


def _name_of(value: Any) -> str:
    cls = type(value)
    return "estimator" if cls is dict else f"{cls.__module__}.{cls.__qualname__}"
