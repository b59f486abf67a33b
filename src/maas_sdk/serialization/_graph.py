"""Estimators ⇄ nodes of the graph, ``{"type": key, "params": {…}, "state": {…} or null}``.

A node has ``"requests"``, too, where somebody has set which metadata the estimator asks for.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from maas_sdk.errors import InvalidArtifactError, LimitExceededError, UnsupportedModelError
from maas_sdk.serialization._kinds import Scope
from maas_sdk.serialization._kinds_compound import is_fitted
from maas_sdk.serialization._place import Whole, estimators_in, in_pieces
from maas_sdk.serialization._routing import ask, requests_of
from maas_sdk.serialization._skew import adapted, says_nothing
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

_ASKED = (
    3  # times at most that a scikit-learn estimator asks another for its tags, when it is asked for its own
)
_MAX_QUESTIONS = 100_000


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
        if cls is Whole:
            return self._in_full(estimator.value, place)
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
        params = spec.params_of(estimator)
        attributes = spec.attributes_of(estimator, params, self._kept)
        if attributes == {} and not fitted and not is_fitted(estimator):
            attributes = None  # what is made of others is fitted if they are
        unfitted = attributes is None or spec.is_unfitted(estimator, attributes)
        if unfitted and fitted:
            raise UnsupportedModelError(
                f"{place.path or 'the model'}: {cls.__name__} is not fitted; fit it first"
            )
        native = spec.native_module()
        if attributes is not None and native is not None and not unfitted:
            native.apart(estimator, attributes, self._profile, place)
        check_params(spec, estimator, place)
        requests = requests_of(estimator)
        node: dict[str, Any] = {"type": spec.type_name, **({"requests": requests} if requests else {})}
        pieces = () if unfitted else spec.pieces
        encoded = {
            name: self._param(spec, name, value, place.attribute(name), as_pieces=name in pieces)
            for name, value in params.items()
            if not says_nothing(spec, name, value)
        }
        if attributes is None:
            return {**node, "params": encoded, "state": None}
        spec.check_state(estimator, attributes, place)
        for name in spec.pieces:
            if name in attributes:
                attributes[name] = in_pieces(attributes[name])
        for name in spec.whole:
            if name in attributes:
                attributes[name] = Whole(attributes[name])
        return {**node, "params": encoded, "state": self._mapping(attributes, place)}

    def _in_full(self, estimator: Any, place: Place) -> dict[str, Any]:
        before = self._profile, self._kept
        self._profile, self._kept = "full", {*self._kept, "full"}
        try:
            return self.encode(estimator, place)
        finally:
            self._profile, self._kept = before

    def _mapping(self, values: Mapping[str, Any], place: Place) -> dict[str, Any]:
        # Sorted, because a fitted and a loaded model have their attributes in different orders.
        return {name: self._values.encode(values[name], place.attribute(name)) for name in sorted(values)}

    def _param(self, spec: Spec, name: str, value: Any, place: Place, *, as_pieces: bool) -> Any:
        if name in spec.forgotten:
            return None
        if name in spec.dropped_if_unknown and not self._is_known(value):
            value = spec.default_of(name)
        if as_pieces:
            for item in estimators_in(value):
                if not is_fitted(item):
                    raise UnsupportedModelError(
                        f"{place.path}: {type(item).__name__} is not fitted; fit it first"
                    )
            value = in_pieces(value)
        return self._values.encode(value, place)

    def _is_known(self, value: Any) -> bool:
        cls = type(value)
        if attrs.has(cls) and (spec := spec_of(cls)):
            # An optimizer is no better known than its schedule, a chain than its steps.
            options = [each if type(each) is tuple else (each,) for each in spec.params_of(value).values()]
            return all(map(self._is_known, itertools.chain.from_iterable(options)))
        return (
            isinstance(value, bool | int | float | str | list | tuple | dict | np.ndarray | None)
            or cls in self._serializers
            or bool(self._allowed.spec_of(cls) or spec_of(cls) or self._allowed.name_of(value))
        )


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
        self._nodes = self._depth = self._questions = 0
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
                f"type {node['type'][:80]!r} is unknown here; a newer version, a serializer or allow= "
                "may know it"
            )
        params, state = node.get("params"), node.get("state")
        if (
            node.keys() | {"requests"} != {"type", "params", "state", "requests"}
            or not isinstance(params, dict)
            or not isinstance(state, dict | None)
        ):
            raise place.refusal("expected a type, params and a state")
        attributes = {} if state is None else self._mapping(state, place)
        estimator = self._new(spec, cls, params, attributes, place)
        questions = self._questions
        unfitted = state is None or spec.is_unfitted(estimator, state)
        if unfitted and (fitted or (spec.always_has_state() and is_fitted(estimator))):
            raise place.refusal("not fitted")
        if state is not None:
            self._set_state(spec, estimator, attributes, place, unfitted=unfitted)
        self._questions = questions
        ask(estimator, node.get("requests", {}), place.attribute("requests"))
        return estimator

    def _new(self, spec: Spec, cls: type, params: dict[str, Any], state: dict[str, Any], place: Place) -> Any:
        decoded = self._params(params, place)
        for name in spec.forgotten:
            if decoded.get(name) is not None:
                raise place.attribute(name).refusal("never stored")
        with refusing(place):
            estimator = spec.construct(cls, adapted(spec, cls, decoded, state, place))
        check_params(spec, estimator, place)
        return estimator

    def _params(self, params: dict[str, Any], place: Place) -> dict[str, Any]:
        """Decode parameters; bound how often the estimators in them are asked what they can do.

        Those around estimators ask them, some several times and at each prediction: without end, if nested.
        """
        around, self._questions = self._questions, 0
        decoded = self._mapping(params, place)
        questions = 1 + _ASKED * self._questions
        if questions > _MAX_QUESTIONS:
            raise LimitExceededError("too many estimators in parameters of others", path=place.path)
        self._questions = around + questions
        return decoded

    def _set_state(
        self, spec: Spec, estimator: Any, attributes: dict[str, Any], place: Place, *, unfitted: bool
    ) -> None:
        with refusing(place):
            scope = spec.check_state(estimator, attributes, place)
        native = spec.native_module()
        if native is not None and not unfitted:
            with refusing(place):
                native.together(estimator, attributes, scope, place, self._limits)
        for name in () if unfitted else spec.pieces:
            for item in estimators_in(attributes.get(name, getattr(estimator, name, None))):
                if not is_fitted(item):
                    raise place.attribute(name).refusal(f"{type(item).__name__} is not fitted")
        computed = spec.computed(type(estimator))
        for name, value in attributes.items():
            with refusing(place.attribute(name)):  # a property of the class
                if name not in computed:
                    setattr(estimator, name, value)
        if spec.finish is not None and not unfitted:
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
    with refusing(place):
        if hasattr(estimator, "_parameter_constraints"):
            estimator._validate_params()  # noqa: SLF001 - what scikit-learn runs before it fits
        params = spec.params_of(estimator) if spec.params else {}
        for name, kind in spec.params.items():
            kind.check(params[name], Scope(), place.attribute(name))


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
