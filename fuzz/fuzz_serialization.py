"""Alters models of every estimator of scikit-learn, and makes them predict; run it with ``tox -e fuzz``.

What must hold of any file: it is refused, or the model answers. ``MAAS_FUZZ_MUTANTS`` says how many are
tried, ``MAAS_FUZZ_SEED`` which: others every time if it is not given. A mutant is shown again by
``python tests/serialization/mutants.py --case NAME --seed SEED --verbose``.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "serialization"))

import mutant_runs

OUTCOMES = ("refused", "answered", "raised", "violation")
INTERVAL = 5 if sys.stderr.isatty() else 60


class LiveTally(mutant_runs.Tally):
    """Shows what no mutant may do as soon as one has done it."""

    def add(self, result: dict[str, Any]) -> None:
        """Count the result of one mutant."""
        super().add(result)
        if result["outcome"] == "violation":
            sys.stderr.write(
                f"\nVIOLATION --case {result['case']!r} --seed {result['seed']}\n"
                f"  {'; '.join(result['why'])}\n  {result['what']}\n"
            )


def show_progress(tally: mutant_runs.Tally, count: int, done: threading.Event) -> None:
    """Write a line now and then."""
    start = time.monotonic()
    while not done.wait(INTERVAL):
        rate = tally.tried / (time.monotonic() - start)
        outcomes = ", ".join(f"{tally.counts[outcome]} {outcome}" for outcome in OUTCOMES)
        sys.stderr.write(
            f"\r{tally.tried} of {count} mutants, {rate:.0f} a second: {outcomes}"
            f"{'' if sys.stderr.isatty() else chr(10)}"
        )
        sys.stderr.flush()


def show_table(tally: mutant_runs.Tally) -> None:
    """Write what came of the mutants of each class, and of all."""
    rows = [*sorted(tally.by_class.items()), ("all", tally.counts)]
    sys.stdout.write(f"{'class':<34}" + "".join(f"{outcome:>11}" for outcome in OUTCOMES) + "\n")
    for name, counts in rows:
        sys.stdout.write(f"{name:<34}" + "".join(f"{counts[outcome]:>11}" for outcome in OUTCOMES) + "\n")
    raised = ", ".join(f"{name} {number}" for name, number in tally.raised.most_common())
    sys.stdout.write(f"raised by predictions: {raised or 'nothing'}\n")
    if tally.unsupported:
        sys.stdout.write(f"without a safe serialization: {', '.join(sorted(tally.unsupported))}\n")
    for case, why in sorted(tally.broken.items()):
        sys.stdout.write(f"broken, unaltered: {case}: {why}\n")


def main() -> int:
    """Run, show, and tell whether all is well."""
    count = int(os.environ.get("MAAS_FUZZ_MUTANTS") or 100_000)
    seed = int(os.environ.get("MAAS_FUZZ_SEED") or time.time())
    sys.stderr.write(f"{count} mutants from seed {seed}\n")
    tally, done = LiveTally(), threading.Event()
    progress = threading.Thread(target=show_progress, args=(tally, count, done))
    progress.start()
    try:
        mutant_runs.run(count, seed, processes=os.cpu_count() or 1, tally=tally)
    finally:
        done.set()
        progress.join()
    sys.stderr.write("\n")
    show_table(tally)
    return int(bool(tally.violations or tally.broken))


if __name__ == "__main__":
    sys.exit(main())
