"""Fuzzes ``model.json`` of every estimator, its tensors unaltered; run it with ``tox -e fuzz``.

What must hold of any document: it is refused with `InvalidArtifactError`, or the model answers, or refuses
the rows as any estimator may. An input is two bytes for the case, then the document.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import atheris

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "serialization"))

with atheris.instrument_imports(include=["maas_sdk"]):
    from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
    from maas_sdk.serialization import dump_parts, load_parts

import estimators
import mutants
import mutations

BYTES = 2


def cases() -> list[tuple[dict[str, bytes], Any]]:
    """Give parts and rows of each estimator."""
    found = []
    for index, name in enumerate(estimators.NAMES):
        case = estimators.natural(name)
        try:
            parts = dump_parts(case.estimator, profile=("full", "inference")[index % 2])
        except UnsupportedModelError:
            continue
        found.append((parts, mutants.few(case.rows)))
    return found


def split(data: bytes) -> tuple[dict[str, bytes], Any]:
    """Give the parts that an input stands for, and rows for its model."""
    parts, rows = CASES[int.from_bytes(data[:BYTES], "big") % len(CASES)]
    return {**parts, "model.json": data[BYTES:]}, rows


def one_input(data: bytes) -> None:
    """Check what must hold of any document."""
    parts, rows = split(data)
    try:
        model = load_parts(parts)
    except InvalidArtifactError:
        return
    for error in mutants.ask(model, mutants.fitting(rows, model)).values():
        if not mutants.is_ordinary(error):
            raise error


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Alter the document by its structure where it has one, or as bytes."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    try:
        document = json.loads(data[BYTES:]) if chance.random() < 0.8 else None  # noqa: PLR2004 - mostly
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
        return bytes(atheris.Mutate(data, max_size))
    mutations.mutate_document(document, {}, chance)
    return (data[:BYTES] + json.dumps(document).encode())[:max_size]


def write_seeds(folder: Path) -> None:
    """Write the document of each case."""
    for number, (parts, _) in enumerate(CASES):
        (folder / str(number)).write_bytes(number.to_bytes(BYTES, "big") + parts["model.json"])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with estimators.quietly(), tempfile.TemporaryDirectory() as seeds:
        CASES = cases()
        mutants.warm_up()
        write_seeds(Path(seeds))
        atheris.Setup([*sys.argv, seeds], one_input, custom_mutator=mutate)
        atheris.Fuzz()
