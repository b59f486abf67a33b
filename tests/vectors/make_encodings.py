"""Writes ``encodings``: arrays in each form of the model's files, with the bytes that they are stored as.

Run: ``python tests/vectors/make_encodings.py``. What is there is not written again: a file that a version has
written is read for ever.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "serialization"))

from test_encodings import VECTORS, encoded

RNG = np.random.default_rng(8)
WEIGHTS = RNG.normal(size=(48, 40)).astype(np.float32)
FEW = np.where(RNG.random(WEIGHTS.shape) < 0.1, WEIGHTS, np.float32(0))


def multiples(weights, largest, axis):
    """Round to codes times a scale for each channel."""
    scales = np.abs(weights).max(axis, keepdims=True) / np.float32(largest)
    return np.rint(weights / np.where(scales > 0, scales, 1)).astype(np.int8) * scales


def upper(weights):
    """Cut off the lower half of each number."""
    return (weights.view(np.uint32) & 0xFFFF0000).view(np.float32)


ARRAYS = {
    "bfloat16": upper(WEIGHTS * np.float32(1e6)),
    "bfloat16-nonzero": upper(FEW * np.float32(1e6)),
    "int8-columns": multiples(WEIGHTS, 127, 0),
    "int8-rows-float64": multiples(WEIGHTS, 127, 1).astype(np.float64),
    "int8-column-major": np.asfortranarray(multiples(WEIGHTS, 127, 0)),
    "int8-nonzero": multiples(FEW, 127, 0),
    "int4-columns": multiples(WEIGHTS, 7, 0),
    "int4-one-channel-odd": multiples(WEIGHTS.reshape(-1)[:1901], 7, 0),
    "int4-nonzero": multiples(FEW, 7, 0),
    "shares": (RNG.integers(0, 256, (900, 1, 2)).astype(np.float32) * np.float32(1 / 255)).astype(np.float64),
    "nonzero": FEW,
    "nonzero-float16": FEW.astype(np.float16),
    "nonzero-float64": FEW / np.float64(3),
    "nonzero-signed": np.where(FEW < 0, np.float32(-0.0), FEW),
}


def main():
    """Write what is not there yet."""
    VECTORS.mkdir(exist_ok=True)
    for name, array in ARRAYS.items():
        path = VECTORS / f"{name}.json"
        if not path.exists():
            node, data = encoded(array)
            vector = {
                "node": node,
                "file": data.hex(),
                "dtype": array.dtype.name,
                "shape": array.shape,
                "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
            }
            path.write_text(json.dumps(vector, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
