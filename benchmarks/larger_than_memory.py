"""Training on a file that is larger than what may be in memory: peak memory and pace, against peers.

Run: ``python benchmarks/larger_than_memory.py [--gib 4] [--limit-gib 1] [--folder /tmp]``; a few minutes.

The file has holes, so that it takes no space: its pages are read, counted and let go as any others, but no
disk is measured. Each row of the table is a child process of its own. "Peak" is VmHWM of the whole process,
Python and libraries included, and pages of the file that are mapped and in memory, too; what the first child
allocates itself has a hard limit besides (RLIMIT_DATA). Peers train the same network on an eighth of the
rows: ours on an array in memory, and scikit-learn's `partial_fit` in a loop over windows of the file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier as Peer

from maas_sdk.learning import MLPClassifier

FEATURES = 128
HIDDEN = (64,)
BATCH = 512
WINDOW = 64 << 20
GIB = 1 << 30
CASES = {
    "file": "ours, mapped file",
    "memory": "ours, array in memory",
    "peer": "scikit-learn, partial_fit by windows",
}


def memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


def child(case: str, path: Path, n_rows: int, limit: int) -> dict[str, Any]:
    """Train once through `n_rows` rows of the file."""
    warnings.simplefilter("ignore")
    X: Any = np.memmap(path, np.float32, "r", shape=(n_rows, FEATURES))
    y = (np.arange(n_rows) % 2).astype(np.int8)
    if case == "file":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    if case == "memory":
        X = np.array(X)
    begin = time.perf_counter()
    if case == "peer":
        peer = Peer(HIDDEN, batch_size=BATCH, random_state=0)
        rows = WINDOW // (4 * FEATURES)
        for start in range(0, n_rows, rows):
            peer.partial_fit(np.array(X[start : start + rows]), y[start : start + rows], classes=[0, 1])
    else:
        MLPClassifier(HIDDEN, batch_size=BATCH, max_iter=1, random_state=0).fit(X, y)
    return {"peak": memory("VmHWM"), "pace": n_rows / (time.perf_counter() - begin)}


def measure(case: str, path: Path, n_rows: int, limit: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", case, str(path), str(n_rows), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{CASES[case]}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gib", type=float, default=4)
    parser.add_argument("--limit-gib", type=float, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    options = parser.parse_args()
    n_rows = int(options.gib * GIB) // (4 * FEATURES)
    limit = int(options.limit_gib * GIB)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "rows.f4"
        with path.open("wb") as file:
            file.truncate(n_rows * 4 * FEATURES)
        whole = measure("file", path, n_rows, limit)
        rounds = [
            {case: measure(case, path, n_rows // 8, limit) for case in CASES} for _ in range(options.rounds)
        ]
    best = {case: max((each[case] for each in rounds), key=lambda run: run["pace"]) for case in CASES}
    print(f"{FEATURES} features, float32, hidden units {HIDDEN[0]}, batches of {BATCH}, one epoch\n")
    print(f"{'':40} {'rows':>10} {'file, MiB':>10} {'peak, MiB':>10} {'rows/s':>10} {'ratio':>6}")
    pace = best["file"]["pace"]
    for label, rows, run in (
        (CASES["file"], n_rows, whole),
        *((CASES[case], n_rows // 8, best[case]) for case in CASES),
    ):
        mib, peak = rows * 4 * FEATURES >> 20, run["peak"] >> 20
        print(f"{label:40} {rows:10} {mib:10} {peak:10} {run['pace']:10.0f} {pace / run['pace']:6.2f}")
    print("\nratio: pace of the file of that size over the row's, so that > 1 is faster than the row's")
    fits = whole["peak"] <= limit
    print(f"{options.gib:g} GiB within {options.limit_gib:g} GiB: {'yes' if fits else 'no'}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(sys.argv[2], Path(sys.argv[3]), *map(int, sys.argv[4:6]))), flush=True)
        os._exit(0)
    main()
