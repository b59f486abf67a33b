"""ONNX Runtime as an engine of accelerated pipelines."""

from maas_sdk_onnx._engine import OnnxEngine

__all__ = ["OnnxEngine"]
