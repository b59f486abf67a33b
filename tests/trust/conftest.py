"""Keys, identities and times to tell stories with; trust never looks into a key."""

import pytest

from maas_sdk.trust import Policy, Rule, Trust, TrustedKey


def make_key(number, name="acme"):
    body = f"{number:064d}"
    pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    return TrustedKey(name, f"sha256:{number:064x}", pem)


@pytest.fixture
def key():
    return make_key


@pytest.fixture
def identity():
    return lambda number: f"sha256:{number:064x}"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "trust"


@pytest.fixture
def trust(folder):
    return Trust.create(folder, policy=Policy((Rule("acme/*", (make_key(1),)),)))
