"""Runs `mutants.py` in processes that may die, and counts what comes of the mutants.

``python mutant_runs.py --count N [--seed S] [--processes P] [--shard i/n] [--case NAME]…`` prints the counts
as JSON; the exit status is 1 where a mutant did what none may do.
"""

import argparse
import collections
import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

MUTANTS = Path(__file__).with_name("mutants.py")
SILENCE = 90  # seconds: a case that is slow to fit on a busy machine; a mutant has its own alarm
ONE_THREAD = dict.fromkeys(
    (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("MALLOC_ARENA_MAX", "POLARS_MAX_THREADS"),
    ),
    "1",
)


@dataclass
class Tally:
    """What came of the mutants, together and by class."""

    counts: collections.Counter = field(default_factory=collections.Counter)
    by_class: dict = field(default_factory=lambda: collections.defaultdict(collections.Counter))
    raised: collections.Counter = field(default_factory=collections.Counter)
    violations: list = field(default_factory=list)
    unsupported: set = field(default_factory=set)
    broken: dict = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, result):
        """Count the result of one mutant."""
        with self.lock:
            outcome = result["outcome"]
            self.counts[outcome] += 1
            if outcome == "unsupported":
                self.unsupported.add(result["case"])
            elif outcome == "broken":
                self.broken[result["case"]] = result["why"]
            else:
                self.by_class[result["class"]][outcome] += 1
            if outcome == "violation":
                self.violations.append(result)
            if outcome == "raised":
                self.raised.update({re.search(r": (\w+):", why)[1] for why in result["why"]})

    @property
    def tried(self):
        """How many mutants there were."""
        return sum(self.counts[outcome] for outcome in ("refused", "answered", "raised", "violation"))

    def summary(self):
        """Give all that as JSON."""
        return {
            "counts": dict(self.counts),
            "raised": dict(self.raised.most_common()),
            "classes": {name: dict(counts) for name, counts in sorted(self.by_class.items())},
            "violations": self.violations,
            "unsupported": sorted(self.unsupported),
            "broken": self.broken,
        }


def run(count, seed, *, processes=2, cases=(), shard=(0, 1), tally=None, stop=None):
    """Run so many mutants and give the tally; `stop` is an event that ends it early."""
    tally = Tally() if tally is None else tally
    processes = min(processes, len(cases) or processes)
    stop = stop or threading.Event()
    with ThreadPoolExecutor(processes) as workers:
        shards = [
            workers.submit(_run_shard, count, processes, index, seed, cases, shard, tally, stop)
            for index in range(processes)
        ]
    for finished in shards:
        finished.result()
    return tally


def _run_shard(count, processes, index, seed, cases, shard, tally, stop):
    share = count // processes + (index < count % processes)
    arguments = ["--count", str(share), "--seed", str(seed)]
    arguments += ["--shard", f"{shard[0] + shard[1] * index}/{shard[1] * processes}"]
    for case in cases:
        arguments += ["--case", case]
    done = 0
    while done < share and not stop.is_set():
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [sys.executable, str(MUTANTS), *arguments, "--start", str(done)],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **ONE_THREAD},
            )
            for line in _lines(process, stop):
                tally.add(json.loads(line))
                done += 1
            if stop.is_set() or done >= share:
                return
            errors.seek(0)
            text = errors.read().decode(errors="replace")
        tally.add(_victim(arguments, done, process.returncode, text))
        done += 1


def _lines(process, stop):
    """Give what a process writes, until it ends or is silent for too long."""
    rest = b""
    while not stop.is_set() and select.select([process.stdout], [], [], SILENCE)[0]:
        data = os.read(process.stdout.fileno(), 1 << 16)
        if not data:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SILENCE)
            break
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
    process.stdout.close()
    process.kill()  # if it has not ended
    process.wait()


def _victim(arguments, done, status, errors):
    """Tell which mutant ended its process, and how."""
    told = subprocess.run(
        [sys.executable, str(MUTANTS), *arguments, "--start", str(done), "--tell"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ONE_THREAD},
    )
    if told.returncode:  # it dies of something else than mutants
        raise RuntimeError(told.stderr)
    result = json.loads(told.stdout)
    reason = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    reason = {"SIGPROF": "hang", "SIGALRM": "hang (asleep)", "SIGKILL": "hang (silent)"}.get(reason, reason)
    frames = re.findall(r'File "([^"]+)", line (\d+) in (\w+)', errors)
    where = " < ".join(f"{Path(file).name}:{line} {name}" for file, line, name in frames[:6])
    return {**result, "outcome": "violation", "why": [f"{reason}: {where or errors[-300:]}"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--shard", type=lambda text: tuple(map(int, text.split("/"))), default=(0, 1))
    parser.add_argument("--case", action="append", default=[])
    options = parser.parse_args()
    tally = run(
        options.count, options.seed, processes=options.processes, cases=options.case, shard=options.shard
    )
    sys.stdout.write(json.dumps(tally.summary(), indent=1) + "\n")
    return int(bool(tally.violations))


if __name__ == "__main__":
    sys.exit(main())
