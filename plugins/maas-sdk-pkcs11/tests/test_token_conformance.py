"""The conformance kit, for each kind of key."""

from pathlib import Path
from typing import Any

from maas_sdk.testing import Check, parametrize_with_checks

_MODULE = next(Path("/usr").glob("lib*/softhsm/libsofthsm2.so"), None)


def options(key: str) -> Any:
    def make(folder: Path) -> dict[str, Any]:
        pin_file = folder / "pin"
        pin_file.touch(mode=0o600)
        pin_file.write_text("sesame-4711\n")
        return {"module": _MODULE, "token_label": "releases", "key_label": key, "pin_file": pin_file}

    return {"pkcs11.token": make}


@parametrize_with_checks("pkcs11", options=options("p256"))
def test_p256(check: Check) -> None:
    check()


@parametrize_with_checks("pkcs11", options=options("p384"))
def test_p384(check: Check) -> None:
    check()


@parametrize_with_checks("pkcs11", options=options("ed25519"))
def test_ed25519(check: Check) -> None:
    check()
