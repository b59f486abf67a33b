from __future__ import annotations

import io

import pytest

from maas_sdk import sealing


@pytest.fixture(scope="session")
def alice():
    """A classic identity."""
    return sealing.generate_identity(post_quantum=False)


@pytest.fixture(scope="session")
def carol():
    """A post-quantum identity."""
    return sealing.generate_identity()


@pytest.fixture(scope="session")
def passphrase():
    return sealing.Passphrase("correct horse", work_factor=1)


@pytest.fixture(scope="session")
def seal(alice):
    """Seal bytes for alice: `seal(data, armor=False)`."""

    def run(data, *, recipients=None, armor=False):
        sink = io.BytesIO()
        sealing.encrypt(data, sink, recipients or [alice.recipient], armor=armor)
        return sink.getvalue()

    return run


@pytest.fixture(scope="session")
def unseal(alice):
    """Open bytes sealed for alice: `unseal(data)`."""

    def run(data, *, identities=None):
        sink = io.BytesIO()
        sealing.decrypt(data, sink, identities or [alice])
        return sink.getvalue()

    return run
