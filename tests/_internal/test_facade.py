"""Rooms whose names load their modules when they are first asked for."""

import importlib
import subprocess
import sys

import pytest

ROOMS = ["artifact", "identity", "sealing", "signing"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_loads_and_no_other_does(room):
    module = importlib.import_module(f"maas_sdk.{room}")
    assert set(module._MODULE_OF) == set(module.__all__)
    for name in module.__all__:
        found = getattr(module, name)
        assert getattr(module, name) is found
        assert vars(module)[name] is found
    with pytest.raises(AttributeError, match=f"module 'maas_sdk.{room}' has no attribute 'Nothing'"):
        module.Nothing  # noqa: B018 - the access is the test


def test_a_name_loads_its_own_module_and_what_that_one_needs():
    program = (
        "import sys, maas_sdk.signing\n"
        "assert not [name for name in sys.modules if name.startswith('maas_sdk.signing._')]\n"
        "maas_sdk.signing.PublicKey\n"
        "assert 'maas_sdk.signing._public_key' in sys.modules\n"
        "assert 'maas_sdk.signing._certificate' not in sys.modules\n"
        "from maas_sdk.signing import *\n"
        "assert 'maas_sdk.signing._certificate' in sys.modules\n"
        "assert Certificate is maas_sdk.signing.Certificate\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
