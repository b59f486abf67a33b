"""What leaves with a release besides its model: self-test, schema and texts; and how its model is rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maas_sdk.artifact import DerivedPart, ModelSchema, SelfTest
from maas_sdk.errors import InvalidArtifactError
from maas_sdk.privacy._observe import Observed
from maas_sdk.privacy._rules import INPUTS, LABELS, NAMES, OPAQUE
from maas_sdk.privacy._strings import told_by
from maas_sdk.serialization import load_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maas_sdk.interfaces import EstimatorSerializer
    from maas_sdk.privacy._rows import TrainingRows

__all__ = ["observe_parts", "open_chain"]

_MODEL: Final = "model.json"
_TENSORS: Final = "tensors/"
_SELF_TEST: Final = "selftest.safetensors"
_SCHEMA: Final = "schema.json"
_SIGNATURE: Final = "model.sig"


def open_chain(
    parts: Mapping[str, Any], *, serializers: Sequence[EstimatorSerializer], allow: Sequence[Any]
) -> Any:
    """Rebuild the chain of a release out of its parts."""
    model = {path: data for path, data in parts.items() if path == _MODEL or path.startswith(_TENSORS)}
    chain = load_parts(model, serializers=serializers, allow=allow)
    if not hasattr(chain, "steps"):
        raise InvalidArtifactError("the model of the release is no chain of steps", path=_MODEL)
    return chain


def observe_parts(
    parts: Mapping[str, Any], rows: TrainingRows, *, datasets: Mapping[str, str]
) -> Iterator[Observed]:
    """Look at the parts of a release that are not its model, and at the names of its data sets."""
    for path, data in sorted(parts.items()):
        if path in (_MODEL, _SIGNATURE) or path.startswith(_TENSORS) or isinstance(data, DerivedPart):
            continue
        if path == _SELF_TEST:
            inputs = SelfTest.from_bytes(bytes(data)).inputs
            equal = rows.equal_rows(inputs)
            yield Observed(where=path, estimator="", rule=INPUTS, count=len(inputs), equal=equal)
            continue
        try:
            text = bytes(data).decode("utf-8")
        except UnicodeDecodeError:
            yield Observed(where=path, estimator="", rule=OPAQUE, count=1, total=1)
            continue
        if path == _SCHEMA:
            yield from _observe_schema(ModelSchema.from_json(bytes(data)))
        for rule in told_by(text):
            yield Observed(where=path, estimator="", rule=rule, count=1)
    for name in datasets:
        for rule in told_by(name):
            yield Observed(where="datasets", estimator="", rule=rule, count=1)


def _observe_schema(schema: ModelSchema) -> Iterator[Observed]:
    """Tell what the schema repeats of names and labels, once with what the model keeps."""
    for name, rule, values in (
        ("feature_names_in_", NAMES, schema.feature_names),
        ("classes_", LABELS, schema.classes),
    ):
        if values:
            where = f"schema.{'feature_names' if rule is NAMES else 'classes'}"
            content = (name, *values)
            yield Observed(where=where, estimator="", rule=rule, count=len(values), content=content)
