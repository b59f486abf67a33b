"""Predicts what a fitted chain predicts, sooner: compiled once, by the fastest engine for so many rows."""

from maas_sdk.compression._direct._engine import Engine
from maas_sdk.compression._direct._predictor import DirectPredictor

__all__ = ["DirectPredictor", "Engine"]
