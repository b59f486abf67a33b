"""What every test of faults needs: people with keys, and a folder on a fast file system."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import children
import pytest
from scenes import SCENES
from setting import People

# Children are forked, and paths of open files are read from /proc.
collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


def pytest_collection_modifyitems(config, items):
    """Leave the long runs to ``-m soak``."""
    if "soak" in config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def people():
    return People()


@pytest.fixture(scope="session")
def workplace():
    """A folder in memory where there is such a file system: hundreds of folders are made and thrown away."""
    fast = Path("/dev/shm")
    usable = os.access(fast, os.W_OK) and shutil.disk_usage(fast).free > 4 << 30
    folder = Path(tempfile.mkdtemp(dir=fast if usable else None, prefix="maas-faults-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def templates(workplace, people):
    """What is there before each operation, made once."""
    made = {}

    def template(name):
        if name not in made:
            folder = workplace / "templates" / name
            folder.mkdir(parents=True)
            # In a child, so that no index stays open here and is tidied away at some later moment.
            outcome = children.run(lambda: SCENES[name].prepare(folder, people))
            assert not outcome.error, outcome.message
            made[name] = folder
        return made[name]

    return template
