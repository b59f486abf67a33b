"""Estimators ⇄ nodes of the graph, ``{"type": key, "params": {…}, "state": {…} or null}``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from maas_sdk.errors import InvalidArtifactError, LimitExceededError, UnsupportedModelError
from maas_sdk.serialization._kinds import Scope, is_fitted
from maas_sdk.serialization._place import Piece
from maas_sdk.serialization._table import TABLE, spec_of
from maas_sdk.serialization._values import ValueReader, ValueWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maas_sdk.interfaces import EstimatorSerializer
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._allowed import Allowed
    from maas_sdk.serialization._files import TensorSink, TensorSource
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile, Spec

__all__ = ["GraphReader", "GraphWriter"]


class GraphWriter:
    """Takes estimators apart.

    Parameters
    ----------
    tensors : TensorSink
    serializers : mapping of type to EstimatorSerializer
        For classes that the table does not know.
    allowed : Allowed
        What the application has declared.
    profile : {"full", "inference"}
    training_state : bool
        Whether to keep what the training has written down about itself.
    """

    def __init__(
        self,
        tensors: TensorSink,
        serializers: Mapping[type, EstimatorSerializer],
        allowed: Allowed,
        *,
        profile: Profile,
        training_state: bool,
    ) -> None:
        self._serializers = serializers
        self._allowed = allowed
        self._profile = profile
        self._kept = {
            "always",
            *(["full"] if profile == "full" else []),
            *(["training"] if training_state else []),
        }
        self._values = ValueWriter(tensors, allowed, self.encode)

    def encode(self, estimator: Any, place: Place, *, fitted: bool = False) -> dict[str, Any]:
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
        spec = self._allowed.spec_of(cls) or spec_of(cls)
        if spec is None:
            raise UnsupportedModelError(
                f"{place.path or 'the model'}: no safe serialization of {_full_name(estimator)} is known; "
                f"declare it with allow=, pass a serializer with serializers=, or use a supported estimator"
            )
        return self._known(spec, estimator, place, fitted=fitted)

    def _known(self, spec: Spec, estimator: Any, place: Place, *, fitted: bool) -> dict[str, Any]:
        cls = type(estimator)
        params = {name: getattr(estimator, name) for name in spec.parameter_names(cls)}
        attributes = spec.attributes_of(estimator, params, self._kept)
        if attributes is None and fitted:
            raise UnsupportedModelError(
                f"{place.path or 'the model'}: {cls.__name__} is not fitted; fit it first"
            )
        native = spec.native_module()
        if attributes is not None and native is not None:
            native.apart(estimator, attributes, self._profile, place)
        check_params(spec, estimator, place)
        encoded = {
            name: self._param(spec, name, value, place.attribute(name)) for name, value in params.items()
        }
        if attributes is None:
            return {"type": spec.type_name, "params": encoded, "state": None}
        spec.check_state(estimator, attributes, place)
        for name in spec.pieces:
            if name in attributes:
                attributes[name] = _in_pieces(attributes[name])
        return {"type": spec.type_name, "params": encoded, "state": self._mapping(attributes, place)}

    def _mapping(self, values: Mapping[str, Any], place: Place) -> dict[str, Any]:
        # Sorted, because a fitted and a loaded model have their attributes in different orders.
        return {name: self._values.encode(values[name], place.attribute(name)) for name in sorted(values)}

    def _param(self, spec: Spec, name: str, value: Any, place: Place) -> Any:
        if name in spec.forgotten:
            return None
        if name in spec.dropped_if_unknown and not self._is_known(value):
            return None
        if name in spec.pieces:
            for item in _estimators_in(value):
                if not is_fitted(item):
                    raise UnsupportedModelError(
                        f"{place.path}: {type(item).__name__} is not fitted; fit it first"
                    )
            value = _in_pieces(value)
        return self._values.encode(value, place)

    def _is_known(self, value: Any) -> bool:
        cls = type(value)
        return cls in self._serializers or bool(self._allowed.spec_of(cls) or spec_of(cls) or cls is str)


def _estimators_in(value: Any) -> Iterator[Any]:
    """Give the estimators in a list, or in the tuples of a list."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _estimators_in(item)
    elif hasattr(value, "fit"):
        yield value


def _in_pieces(value: Any) -> Any:
    """Mark the estimators in a list, or in the tuples of a list, as pieces of their own."""
    if isinstance(value, list | tuple):
        return type(value)([_in_pieces(item) for item in value])
    return Piece(value) if hasattr(value, "fit") else value


class GraphReader:
    """Puts estimators together from an untrusted document.

    Parameters
    ----------
    tensors : TensorSource
    serializers : mapping of str to EstimatorSerializer
        By type name.
    allowed : Allowed
        What the application has declared.
    limits : Limits
        `max_model_nodes` and `max_model_depth` hold.
    """

    def __init__(
        self,
        tensors: TensorSource,
        serializers: Mapping[str, EstimatorSerializer],
        allowed: Allowed,
        limits: Limits,
    ) -> None:
        self._serializers = serializers
        self._allowed = allowed
        self._limits = limits
        self._nodes = self._depth = 0
        self._values = ValueReader(tensors, allowed, self.decode)

    def decode(self, node: Any, place: Place, *, fitted: bool = False) -> Any:
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
        spec = self._allowed.spec(node["type"]) or TABLE.get(node["type"])
        cls = None if spec is None else spec.resolve()
        if spec is None or cls is None:
            raise place.refusal(
                f"type {node['type'][:80]!r} is unknown here; a newer version, a serializer or allow= may know it"
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
        decoded = self._mapping(params, place)
        with refusing(place):
            estimator = cls(**decoded)
        check_params(spec, estimator, place)
        return estimator

    def _set_state(self, spec: Spec, estimator: Any, attributes: dict[str, Any], place: Place) -> None:
        scope = spec.check_state(estimator, attributes, place)
        native = spec.native_module()
        if native is not None:
            with refusing(place):
                native.together(estimator, attributes, scope, place, self._limits)
        for name in spec.pieces:
            for item in _estimators_in(attributes.get(name, getattr(estimator, name, None))):
                if not is_fitted(item):
                    raise place.attribute(name).refusal(f"{type(item).__name__} is not fitted")
        for name, value in attributes.items():
            setattr(estimator, name, value)
        if spec.finish is not None:
            with refusing(place):
                spec.finish(estimator)

    def _mapping(self, nodes: Mapping[str, Any], place: Place) -> dict[str, Any]:
        return {name: self._values.decode(node, place.attribute(name[:80])) for name, node in nodes.items()}


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


def _full_name(value: Any) -> str:
    cls = type(value)
    return f"{cls.__module__}.{getattr(value, '__qualname__', None) or cls.__qualname__}"
