"""Exports a fitted chain to ONNX and runs it; what cannot be exported is not supported."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["OnnxEngine"]

_OUTPUTS = {"predict": 0, "predict_proba": 1}


class OnnxEngine:
    """Computes predictions by ONNX Runtime; see :class:`maas_sdk.compression.Engine`.

    Parameters
    ----------
    threads : int, default=1
        Of ONNX Runtime, for one prediction.

    Raises
    ------
    InvalidOptionError
        If `threads` is not a positive integer.
    """

    name = "onnx"

    def __init__(self, *, threads: int = 1) -> None:
        if type(threads) is not int or threads < 1:
            raise InvalidOptionError(f"threads must be a positive integer, not {threads!r}")
        self.threads = threads

    def supports(self, chain: Any, method: str) -> bool:
        """Tell whether a method of a chain can be exported and run; it is tried."""
        try:
            self.compile(chain, method)
        except UnsupportedModelError:
            return False
        return True

    def compile(self, chain: Any, method: str) -> Callable[[NDArray[Any]], Any]:
        """Export a chain; give what computes `method` of it.

        Raises
        ------
        UnsupportedModelError
            If it cannot be exported.
        """
        first = chain.steps[0][1] if hasattr(chain, "steps") else chain
        if method not in _OUTPUTS or hasattr(first, "feature_names_in_"):
            raise UnsupportedModelError(f"{method} of this chain is not exported to ONNX")
        reasons = []
        for dtype in (np.float64, np.float32):
            rows = np.zeros((1, getattr(first, "n_features_in_", 1)), dtype)
            try:
                compute = self._compiled(chain, method, rows)
                compute(rows)
            except Exception as exc:  # noqa: BLE001 - the exporter and the runtime have many; all mean the same
                reasons.append(f"{np.dtype(dtype).name}: {exc}")
            else:
                return compute
        raise UnsupportedModelError(f"the chain cannot be exported to ONNX: {'; '.join(reasons)}")

    def _compiled(self, chain: Any, method: str, rows: NDArray[Any]) -> Callable[[NDArray[Any]], Any]:
        # Both are heavy, and neither has published types.
        skl2onnx, onnxruntime = import_module("skl2onnx"), import_module("onnxruntime")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries between themselves
            labels = {"options": {"zipmap": False}} if hasattr(chain, "classes_") else {}
            graph = skl2onnx.to_onnx(chain, rows, **labels)
            expected = np.asarray(getattr(chain, method)(rows))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        given, output = session.get_inputs()[0].name, session.get_outputs()[_OUTPUTS[method]].name
        shape, dtype, rows_dtype = expected.shape[1:], expected.dtype, rows.dtype

        def compute(rows: NDArray[Any]) -> Any:
            (result,) = session.run([output], {given: rows.astype(rows_dtype, copy=False)})
            return np.asarray(result).reshape(len(rows), *shape).astype(dtype, copy=False)

        return compute
