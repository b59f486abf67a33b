"""What the room gives, and what it must not load."""

import subprocess
import sys

import pytest

import maas_sdk.artifact as room

PROBE = """
import sys
import maas_sdk.artifact
print([name for name in ("numpy", "sklearn", "pluggy", "maas_sdk.plugin") if name in sys.modules])
"""


def test_the_names_are_sorted_and_there():
    assert list(room.__all__) == sorted(room.__all__)
    assert all(hasattr(room, name) for name in room.__all__)


@pytest.mark.parametrize("name", ["Release", "Store", "verify"])
def test_the_public_face_has_them(name):
    import maas_sdk

    assert getattr(maas_sdk, name) is getattr(room, name)


def test_moving_a_model_loads_neither_numpy_nor_plugins():
    ran = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
