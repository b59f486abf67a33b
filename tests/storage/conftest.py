"""Backends to run the same story on."""

import pytest

from maas_sdk.storage import LocalBackend, MemoryBackend


class FiveCalls:
    """A backend of the bare contract, as a vendor may write it: it knows no staging."""

    def __init__(self):
        memory = MemoryBackend()
        self.create, self.open, self.size = memory.create, memory.open, memory.size
        self.list, self.delete = memory.list, memory.delete


@pytest.fixture(params=["local", "memory", "five calls"])
def backend(request, tmp_path):
    made = {
        "local": lambda: LocalBackend(tmp_path / "store"),
        "memory": MemoryBackend,
        "five calls": FiveCalls,
    }
    return made[request.param]()


@pytest.fixture
def five_calls():
    return FiveCalls()


@pytest.fixture
def local(tmp_path):
    return LocalBackend(tmp_path / "store")


@pytest.fixture
def files(tmp_path):
    """Everything in the store's folder that is no folder, by relative path."""

    def find():
        store = tmp_path / "store"
        return sorted(str(path.relative_to(store)) for path in store.rglob("*") if not path.is_dir())

    return find
