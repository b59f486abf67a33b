"""Data larger than what may be in memory: a process trains on a file within a bound that the kernel measures.

The file has holes and takes no space on disk; read, its zeros are pages as any others are. The size is one
for every day: ``benchmarks/larger_than_memory.py`` does the same with 4 GiB within 1 GiB.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1 << 20
SIZE = 192 * MIB
WINDOW = 16 * MIB
BOUND = 64 * MIB  # above what was in use before: the window, pieces on their way, batches, scratch
FEATURES = 96
N = SIZE // (4 * FEATURES)

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux' proc")

# In a process of its own: what the test runner freed would be used again and not be counted. The peak, pages
# of files included, counts from a mark that the kernel sets back when 5 is written to clear_refs (proc(5)).
# What the process allocates itself has a hard limit, too.
PROGRAM = """
import resource, sys, warnings
from pathlib import Path
import numpy as np
from maas_sdk.learning import SGD, Batches, LogisticClassifier, MLPClassifier

path, (n_rows, n_features, window, limit) = sys.argv[1], map(int, sys.argv[2:])
labels = (np.arange(n_rows) % 2).astype("i1")


def network():
    return MLPClassifier((8,), batch_size=2000, max_iter=1, early_stopping=True, random_state=0)


def linear():
    return LogisticClassifier(optimizer=SGD(0.1), batch_size=2000, max_iter=1, random_state=0)


def full_batch():
    return LogisticClassifier(max_iter=2)


def mapped():
    return np.memmap(path, "f4", "r", shape=(n_rows, n_features))


def batches(size=10_000):
    for at in range(0, n_rows, size):
        rows = labels[at : at + size]
        yield np.full((len(rows), n_features), at % 7, "f4"), rows


def within(data, *more):
    return Batches.of(data, *more, window_bytes=window)


def memory(field):
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024


{prepare}
warnings.simplefilter("ignore")
Path("/proc/self/clear_refs").write_text("5")
before, allocated = memory("VmRSS"), memory("VmData")
resource.setrlimit(resource.RLIMIT_DATA, (allocated + limit, allocated + limit))
{act}
print(memory("VmHWM") - before)
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    if shutil.disk_usage(folder).free < SIZE:
        pytest.skip("not enough space")
    with (folder / "zeros").open("wb") as file:
        file.truncate(SIZE)
    return folder / "zeros"


def growth(act, path="", *, n_rows=N, limit=2 * BOUND, prepare=""):
    """Give by how far the memory of a process grew at its peak while it did `act`."""
    program = PROGRAM.replace("{prepare}", prepare).replace("{act}", act)
    arguments = [str(path), *map(str, (n_rows, FEATURES, WINDOW, limit))]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("make", ["network", "linear", "full_batch"])
def test_a_file_is_trained_on_in_a_fraction_of_its_size(make, path):
    assert growth(f"{make}().fit(within(mapped(), labels))", path) < BOUND


def test_a_mapped_file_as_it_is_is_trained_on_and_predicted_in_bounded_memory(path):
    act = "assert len(linear().fit(mapped(), labels).predict(mapped())) == n_rows"
    assert growth(act, path, limit=256 * MIB) < BOUND + 64 * MIB  # as its window is 64 MiB


@pytest.mark.parametrize("make", ["network", "linear"])
def test_batches_of_a_function_are_trained_on_in_bounded_memory(make):
    assert growth(f"{make}().fit(within(batches))") < BOUND


def test_of_a_batch_larger_than_the_window_there_is_no_second_copy(tmp_path):
    """In the model's dtype it is twice as large. The first is kept, and one lives while the next is made."""
    act = f"""
checkpoint = open_checkpoints({str(tmp_path)!r}).at("large")
linear().fit(within(lambda: batches({3 * WINDOW // (4 * FEATURES)})), checkpoint=checkpoint)"""
    prepare = "from maas_sdk.checkpoints import open_checkpoints"
    assert growth(act, prepare=prepare, limit=8 * BOUND) < 3 * 3 * WINDOW + BOUND


PARQUET = """
import pyarrow as pa
from pyarrow import parquet

table = {f"x{number}": np.full(10_000, number, "f4") for number in range(n_features)}
table = pa.table({**table, "y": np.arange(10_000) % 2})
with parquet.ParquetWriter(path, table.schema) as writer:
    for _ in range(0, n_rows, 10_000):
        writer.write_table(table)
"""


def test_parquet_is_trained_on_in_bounded_memory(tmp_path):
    pytest.importorskip("pyarrow")
    grown = growth(
        "linear().fit(within(parquet.ParquetFile(path), 'y'))",
        tmp_path / "rows.parquet",
        n_rows=N // 2,
        limit=8 * BOUND,  # the threads of Arrow have stacks and arenas
        prepare=PARQUET,
    )
    assert grown < BOUND + 64 * MIB  # Arrow keeps what it freed for later


def test_the_measure_sees_what_is_in_memory(path):
    assert growth("np.ones(window // 4)") > 1.9 * WINDOW
    assert growth("np.memmap(path, 'u1', 'r')[::4096].sum()", path) > SIZE // 2
    with pytest.raises(AssertionError, match="MemoryError"):
        growth("np.ones(1 << 28)")


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
