"""Fixed keys and files: what has been released must stay readable."""

from pathlib import Path

import pytest

VECTORS = Path(__file__).parent / "vectors"


@pytest.fixture(scope="session")
def vectors():
    return VECTORS
