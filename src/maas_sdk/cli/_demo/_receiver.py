"""The receiver of the demonstration: whatever globex does is a process of its own, in its own folder."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk._internal.units import format_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from maas_sdk.cli._demo._story import Story

__all__ = ["Receiver"]

_NAME = "acme/digits"
_TIMEOUT = 120


class Receiver:
    """globex: knows the courier's folder and its own, nothing else.

    Parameters
    ----------
    story : Story
        What it tells.
    home : Path
        Its own folder.
    courier : Path
        The folder that travels between the two organisations.
    """

    def __init__(self, story: Story, home: Path, courier: Path) -> None:
        self._story = story
        self._home = home
        self._courier = courier
        home.mkdir()
        courier.mkdir(exist_ok=True)

    def make_identity(self) -> None:
        """Make globex's identity; its contact goes with the courier."""
        with self._story.step("globex makes an identity") as outcome:
            passphrase = self._home / "passphrase"
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
            self._maas("keys", "new", "globex", "--passphrase-file", "passphrase")
            contact = (self._home / "globex.contact.json").read_bytes()
            (self._courier / "globex.contact.json").write_bytes(contact)
            outcome.result = "globex.identity stays, globex.contact.json travels"

    def trust_acme(self) -> None:
        """Accept models of acme, from its contact file alone."""
        with self._story.step("globex accepts acme/*, from acme's contact file") as outcome:
            self._maas("trust", "init", "trust")
            contact = self._from_courier("acme.contact.json")
            self._maas("trust", "add", "trust", contact, "--names", "acme/*")
            outcome.result = "one rule"
        self._story.left(self._home / "trust", "globex's policy and what it remembers of past releases")

    def verify(self, bundle: Path) -> None:
        """Check a bundle; no key to decrypt is needed."""
        with self._story.step("globex verifies the bundle") as outcome:
            shown = self._maas(
                "verify", self._from_courier(bundle.name), "--trust", "trust",
                "--first-use", _NAME, "--contact", "globex.contact.json",
            )  # fmt: skip
            outcome.result = "every check passed"
            outcome.size = format_bytes(bundle.stat().st_size)
        self._story.show(shown.rstrip())

    def import_bundle(self, bundle: Path, *, first_use: bool = True) -> None:
        """Import a bundle that passes."""
        with self._story.step(f"globex imports {bundle.name}") as outcome:
            done, verdict = self._try_import(bundle, first_use=first_use)
            self._story.expect(done, f"globex can import {bundle.name}: {verdict}")
            outcome.result = "verified while it was copied"
        self._story.left(self._home / "received", "globex's store")

    def refuse(self, bundle: Path, *, verify: bool = False) -> tuple[str, str]:
        """Try to import a bundle that must be refused; give the failed check and its reason.

        With `verify` it is verified alone: importing does not read what the store has already.
        """
        before = sorted(path for path in (self._home / "received").rglob("*"))
        done, verdict = self._try_import(bundle, first_use=True, command="verify" if verify else "import")
        self._story.expect(not done, f"{bundle.name} is refused")
        after = sorted(path for path in (self._home / "received").rglob("*"))
        self._story.expect(before == after, f"nothing of the refused {bundle.name} is kept")
        failed = next(check for check in verdict["checks"] if check["status"] == "failed")
        return failed["name"], failed["reason"]

    def predict(
        self, version: str, rows: NDArray[Any], labels: NDArray[Any], probabilities: NDArray[Any]
    ) -> None:
        """Load, rerun the self-test, predict; bit for bit what the sender predicts."""
        np.save(self._home / "rows.npy", rows)
        with self._story.step(f"globex loads {_NAME}@{version} and predicts {len(rows)} rows") as outcome:
            same = [
                self._predicts(version, "labels.npy", labels),
                self._predicts(version, "probabilities.npy", probabilities, "--probabilities"),
            ]
            outcome.result = "labels and probabilities bit for bit those of acme"
            outcome.size = format_bytes((self._home / "probabilities.npy").stat().st_size)
            self._story.expect(all(same), "predictions are bit for bit those of the sender")
        self._story.left(self._home / "labels.npy", "globex's predictions")

    def _predicts(self, version: str, file: str, wanted: NDArray[Any], *options: str) -> bool:
        shown = self._maas(
            "predict", f"{_NAME}@{version}", "--store", "received", "--trust", "trust",
            "--identity", "globex.identity", "--passphrase-file", "passphrase",
            "--input", "rows.npy", "--output", file, *options,
        )  # fmt: skip
        self._story.show(shown.splitlines()[0])
        predicted = np.load(self._home / file, allow_pickle=False)
        same_form = predicted.dtype == wanted.dtype and predicted.shape == wanted.shape
        return bool(same_form and predicted.tobytes() == wanted.tobytes())

    def _try_import(
        self, bundle: Path, *, first_use: bool, command: str = "import"
    ) -> tuple[bool, dict[str, Any]]:
        options = ["--first-use", _NAME] if first_use else []
        if command == "import":
            options += ["--store", "received"]
        done = self._run(
            command, self._from_courier(bundle.name), "--trust", "trust",
            "--contact", "globex.contact.json", "--json", *options,
        )  # fmt: skip
        self._story.expect(done.returncode in (0, 1), f"the check runs: {done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        verdict: dict[str, Any] = found if command == "verify" else found["bundles"][0]["verdict"]
        return done.returncode == 0, verdict

    def _from_courier(self, name: str) -> str:
        return os.path.relpath(self._courier / name, self._home)

    def _maas(self, *arguments: str) -> str:
        done = self._run(*arguments)
        self._story.expect(done.returncode == 0, f"maas {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # -I: the process sees neither this one's environment nor the folder that it was started in.
        return subprocess.run(  # noqa: S603 - our own interpreter and our own words
            [sys.executable, "-I", "-m", "maas_sdk", *arguments],
            cwd=self._home,
            capture_output=True,
            encoding="utf-8",
            env={"PYTHONUTF8": "1"},
            timeout=_TIMEOUT,
            check=False,
        )
