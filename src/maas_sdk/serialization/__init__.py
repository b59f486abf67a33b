"""Estimators ⇄ ``model.json`` and safetensors parts: never pickle, no code from a file, every byte checked.

`dump` and `load` work on a folder, `dump_parts` and `load_parts` on bytes, `dump_pieces` gives the arrays
themselves. What can be serialized is in an audited table: every estimator of scikit-learn, and the SDK's own
models; the classes of third parties take part through `EstimatorSerializer`, or because the application
declares them.
"""

from maas_sdk.serialization._folder import dump, load
from maas_sdk.serialization._model import dump_parts, dump_pieces, load_parts
from maas_sdk.serialization._types import estimator_types

__all__ = ["dump", "dump_parts", "dump_pieces", "estimator_types", "load", "load_parts"]
