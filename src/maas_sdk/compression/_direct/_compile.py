"""Compiles a fitted chain: what comes before a known tail runs as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.compression._direct._compiled import refusal
from maas_sdk.compression._direct._ensembles import compile_ensemble, why_not_ensemble
from maas_sdk.compression._direct._gate import NARROW, WIDE, Gate, is_below
from maas_sdk.compression._direct._linear import compile_linear, why_not_linear
from maas_sdk.compression._direct._network import compile_network, why_not_network
from maas_sdk.compression._direct._preparation import Preparation, operations_of
from maas_sdk.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from maas_sdk.compression._direct._compiled import Compiled, Operation

__all__ = ["CompiledChain", "compile_chain", "first_gate", "steps_of", "why_not"]

_COMPILERS = (
    (why_not_linear, compile_linear),
    (why_not_network, compile_network),
    (why_not_ensemble, compile_ensemble),
)


def steps_of(chain: Any) -> list[Any]:
    """Give the steps of a chain that do something, or an estimator as the only one."""
    steps = getattr(chain, "steps", None)
    if steps is None:
        return [chain]
    return [step for _, step in steps if step is not None and not isinstance(step, str)] or [chain]


def _room_of(model: Any) -> str | None:
    module = type(model).__module__
    if module.startswith("sklearn."):
        return "sklearn"
    return "maas" if module.startswith("maas_sdk.learning.") else None


def why_not(chain: Any) -> str | None:
    """Give the reason why the model of a chain cannot be compiled; None if it can."""
    model = steps_of(chain)[-1]
    if not hasattr(model, "predict"):
        return f"{type(model).__name__} does not predict"
    room = _room_of(model)
    if room is None:
        return f"{type(model).__name__} is not one of scikit-learn's or the SDK's own models"
    reasons = [reason(model, room) for reason, _ in _COMPILERS]
    if None in reasons:
        return None
    # A family that knows the class has more to say than that it does not.
    known = [reason for reason in reasons if reason is not None and "not a known" not in reason]
    return known[0] if known else f"{type(model).__name__} is not among the models that can be compiled"


@frozen(eq=False)
class CompiledChain:
    """A chain as a function for each method; each gives None for rows that are scikit-learn's to judge.

    Attributes
    ----------
    before : sequence of transformers
        They run as they are.
    gate : Gate
    preparation : Preparation or None
    model : Compiled
    bound : float or None
        What the prepared rows must stay below; None where they are not looked at again.
    """

    before: Sequence[Any]
    gate: Gate
    preparation: Preparation | None
    model: Compiled
    bound: float | None

    def compile(self, method: str) -> Callable[[Any], Any] | None:
        """Give the function for a method; None where the model's own is to be called."""
        answer = self.model.methods.get(method)
        if answer is None:
            return None
        before, gate, max_rows = self.before, self.gate, self.model.max_rows
        # Without preparation, the model itself: a call less where a few microseconds are all there is.
        raw_of = self.model.raw if self.preparation is None else self._raw

        def predict(X: Any) -> Any:
            if before:
                try:
                    for transformer in before:
                        X = transformer.transform(X)
                except Exception:  # noqa: BLE001 - the chain itself raises it again, and says from where
                    return None
            rows = gate(X)
            if rows is None:
                return None
            raw = raw_of(rows) if len(rows) <= max_rows else self._in_parts(rows, raw_of)
            return None if raw is None else answer(raw)

        return predict

    def _raw(self, rows: NDArray[Any]) -> NDArray[Any] | None:
        """Prepare rows and compute the raw output; None where the prepared rows are out of bounds."""
        assert self.preparation is not None
        prepared = self.preparation(rows)
        if self.bound is not None and not is_below(prepared, self.bound):
            return None
        return self.model.raw(prepared)

    def _in_parts(
        self, rows: NDArray[Any], raw_of: Callable[[NDArray[Any]], NDArray[Any] | None]
    ) -> NDArray[Any] | None:
        """Compute the raw output for so many rows at a time; None where it is None for some."""
        parts = []
        for start in range(0, len(rows), self.model.max_rows):
            part = raw_of(rows[start : start + self.model.max_rows])
            if part is None:
                return None
            parts.append(part)
        return np.concatenate(parts)


def compile_chain(chain: Any) -> CompiledChain:
    """Validate a fitted chain and compile it.

    Raises
    ------
    UnsupportedModelError
        With the reason of `why_not`.
    InvalidArtifactError
        If its structure is broken, so that predicting could crash or never end.
    """
    reason = why_not(chain)
    if reason is not None:
        raise UnsupportedModelError(f"the chain cannot be compiled: {reason}")
    *transformers, model = steps_of(chain)
    room = _room_of(model)
    assert room is not None
    compile_model = next(make for because, make in _COMPILERS if because(model, room) is None)
    compiled = compile_model(model, room)
    before = list(transformers)
    known: list[Any] = []
    operations = list(compiled.operations)
    width = compiled.n_features
    while before and (its := operations_of(before[-1])) is not None:
        step = before.pop()
        columns = [each.reshapes for each in its if each.reshapes is not None]
        if (columns[-1] if columns else step.n_features_in_) != width:
            raise refusal(step, "n_features_in_", f"what comes out is not what the next step takes, {width}")
        known.insert(0, step)
        operations = its + operations
        width = step.n_features_in_
    bound = NARROW if compiled.narrow else WIDE
    entry = known[0] if known else model
    return CompiledChain(
        before=before,
        gate=Gate(
            width,
            getattr(entry, "feature_names_in_", None),
            bound=WIDE if operations else bound,
            allow_nan=_takes_nan(operations, compiled),
        ),
        preparation=Preparation(operations, width) if operations else None,
        model=compiled,
        bound=None if compiled.allow_nan else bound,
    )


def _takes_nan(operations: Sequence[Operation], compiled: Compiled) -> bool:
    for operation in operations:
        if operation.nan != "keeps":
            return operation.nan == "fills"
    return compiled.allow_nan


def first_gate(chain: Any) -> Gate | None:
    """Give the gate before the first step, for engines that take the rows as they come."""
    first = steps_of(chain)[0]
    n_features = getattr(first, "n_features_in_", None)
    if n_features is None:
        return None
    return Gate(n_features, getattr(first, "feature_names_in_", None), bound=NARROW)
