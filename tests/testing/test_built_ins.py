"""The built-ins take the kit that vendors take."""

from maas_sdk.learning import Adam, ClipByNorm
from maas_sdk.signing import PrivateKey, save_private_key
from maas_sdk.testing import parametrize_with_checks


def _local_folder(folder):
    return {"folder": folder / "store"}


def _key_file(folder):
    path = folder / "key.pem"
    save_private_key(PrivateKey.generate(), path, passphrase=None)
    return {"path": path}


OPTIONS = {
    "local": _local_folder,
    "pem": _key_file,
    "chain": {"steps": (ClipByNorm(1.0), Adam())},
    "step": {"n_steps": 20},
    "cosine": {"n_steps": 50},
    "linear_warmup": {"n_steps": 20},
    "one_cycle": {"n_steps": 100},
}


@parametrize_with_checks("maas_sdk", options=OPTIONS)
def test_built_in(check):
    check()
