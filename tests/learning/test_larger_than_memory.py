"""Data larger than what may be in memory: a child trains on a file within a bound that the kernel measures.

The file has holes and takes no space on disk; read, its zeros are pages as any others are. The size is one
for every day: ``benchmarks/larger_than_memory.py`` does the same with 4 GiB within 1 GiB.
"""

import re
import resource
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import children
import numpy as np
import pytest

from maas_sdk.learning import SGD, Batches, LogisticClassifier, MLPClassifier

MIB = 1 << 20
SIZE = 192 * MIB
WINDOW = 16 * MIB
BOUND = 64 * MIB  # above what was in use before: the window, a piece on its way, batches, scratch
FEATURES = 96
N = SIZE // (4 * FEATURES)

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux' proc")


def network():
    return MLPClassifier((8,), batch_size=2000, max_iter=1, early_stopping=True, random_state=0)


def linear():
    return LogisticClassifier(optimizer=SGD(0.1), batch_size=2000, max_iter=1, random_state=0)


def full_batch():
    return LogisticClassifier(max_iter=2)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    if shutil.disk_usage(folder).free < SIZE:
        pytest.skip("not enough space")
    with (folder / "zeros").open("wb") as file:
        file.truncate(SIZE)
    return folder / "zeros"


def mapped(path):
    return np.memmap(path, "f4", "r", shape=(N, FEATURES))


def labels():
    return (np.arange(N) % 2).astype("i1")


def memory(field):
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024


def growth(function, *, limit=2 * BOUND):
    """Give by how far a child's memory grew at its peak, pages of files included.

    What it allocates itself has a hard limit, too; the peak counts from a mark that the kernel sets back when
    5 is written to clear_refs (proc(5)).
    """

    def act():
        warnings.simplefilter("ignore")
        Path("/proc/self/clear_refs").write_text("5")
        before, allocated = memory("VmRSS"), memory("VmData")
        resource.setrlimit(resource.RLIMIT_DATA, (allocated + limit, allocated + limit))
        function()
        return memory("VmHWM") - before

    outcome = children.run(act)
    assert not outcome.error, outcome.message
    return outcome.value


@pytest.mark.parametrize("make", [network, linear, full_batch])
def test_a_file_is_trained_on_in_a_fraction_of_its_size(make, path):
    assert growth(lambda: make().fit(Batches.of(mapped(path), labels(), window_bytes=WINDOW))) < BOUND


def test_a_mapped_file_as_it_is_is_trained_on_and_predicted_in_bounded_memory(path):
    def act():
        X = mapped(path)
        assert len(linear().fit(X, labels()).predict(X)) == N

    assert growth(act, limit=256 * MIB) < BOUND + 64 * MIB  # as its window is 64 MiB


@pytest.mark.parametrize("make", [network, linear])
def test_batches_of_a_function_are_trained_on_in_bounded_memory(make):
    y = labels()

    def batches():
        for at in range(0, N, 10_000):
            rows = y[at : at + 10_000]
            yield np.full((len(rows), FEATURES), at % 7, "f4"), rows

    assert growth(lambda: make().fit(Batches.of(batches, window_bytes=WINDOW))) < BOUND


PARQUET = """
import sys, warnings
from pathlib import Path
import numpy as np
import pyarrow as pa
from pyarrow import parquet
from maas_sdk.learning import SGD, Batches, LogisticClassifier

path, n_rows, n_features, window = sys.argv[1], *map(int, sys.argv[2:])
table = {f"x{number}": np.full(10_000, number, "f4") for number in range(n_features)}
table = pa.table({**table, "y": np.arange(10_000) % 2})
with parquet.ParquetWriter(path, table.schema) as writer:
    for _ in range(0, n_rows, 10_000):
        writer.write_table(table)


def memory(field):
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024


warnings.simplefilter("ignore")
model = LogisticClassifier(optimizer=SGD(0.1), batch_size=2000, max_iter=1, random_state=0)
Path("/proc/self/clear_refs").write_text("5")
before = memory("VmRSS")
model.fit(Batches.of(parquet.ParquetFile(path), "y", window_bytes=window))
print(memory("VmHWM") - before)
"""


def test_parquet_is_trained_on_in_bounded_memory(tmp_path):
    # In a process of its own: the threads of Arrow do not survive a fork.
    pytest.importorskip("pyarrow")
    arguments = [str(tmp_path / "rows.parquet"), *map(str, (N // 2, FEATURES, WINDOW))]
    done = subprocess.run(
        [sys.executable, "-c", PARQUET, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # Arrow keeps what it freed for later.
    assert int(done.stdout) < BOUND + 64 * MIB


def test_the_measure_sees_what_is_in_memory(path):
    assert growth(lambda: np.ones(WINDOW // 4)) > 1.9 * WINDOW
    assert growth(np.memmap(path, "u1", "r")[::4096].sum) > SIZE // 2
    with pytest.raises(AssertionError, match="MemoryError"):
        growth(lambda: np.ones(1 << 28))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_guide_works_as_shown(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyarrow.parquet")
    guide = Path(__file__).parents[2] / "docs/how-to/large-data.md"
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, "<guide>", "exec"), names)
    assert names["checkpoint"].load() is None
    assert names["model"].score(names["X"], names["y"]) > 0.9
    told = capsys.readouterr().out
    assert "epoch 1 of 2 loss" in told
    assert "0 s left at most" in told
