"""Sealing with the SHA-256 taken alongside, against what the machine allows and against other age tools.

Run: ``python benchmarks/sealing.py [--mib 512] [--rounds 5] [--folder /dev/shm]``. All take turns in one run,
so that a busy machine slows all of them, and each figure is the best of its rounds: trust the ratios, not the
times. The bound is the slower of two loops on one core: copy the file and encrypt it with ChaCha20-Poly1305,
copy it and take its SHA-256. Beside a busy machine two threads lose more than one: run it on an idle one.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from maas_sdk import sealing

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
CHUNK = 64 * 1024
BLOCK = 8 * CHUNK
PIECE = 4 * MIB


def best_times(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Give the best time of each, in seconds."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def copy_and_hash(source: Path, target: Path) -> None:
    buffer = memoryview(bytearray(BLOCK))
    digest = hashlib.sha256()
    with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as out:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            out.write(buffer[:count])


def copy_and_encrypt(source: Path, target: Path) -> None:
    buffer, sealed = memoryview(bytearray(BLOCK)), memoryview(bytearray(BLOCK + 16 * BLOCK // CHUNK))
    cipher = ChaCha20Poly1305(bytes(32))
    number = 0
    with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as out:
        while count := file.readinto(buffer):
            done = 0
            for at in range(0, count, CHUNK):
                piece = buffer[at : min(at + CHUNK, count)]
                size = len(piece) + 16
                cipher.encrypt_into(number.to_bytes(12, "big"), piece, None, sealed[done : done + size])
                done += size
                number += 1
            out.write(sealed[:done])


class Folder:
    """The files of a run, and what is done to them."""

    def __init__(self, path: Path, size: int) -> None:
        self.plain, self.sealed, self.out, self.key = (
            path / name for name in ("plain", "sealed", "out", "key")
        )
        self.identity = sealing.generate_identity(post_quantum=False)
        self.key.write_text(self.identity.to_text() + "\n", encoding="ascii")
        block = os.urandom(MIB)
        with self.plain.open("wb") as file:
            for at in range(0, size, MIB):
                file.write(block[: min(MIB, size - at)])
        self.middle = max(0, size // 2 - PIECE // 2)
        self.seal()

    def seal(self) -> None:
        """Seal files that are open already: a path would be synced, which the peers do not."""
        with self.plain.open("rb", buffering=0) as source, self.sealed.open("wb", buffering=0) as sink:
            sealing.encrypt(source, sink, [self.identity.recipient], ciphertext_hash=hashlib.sha256())

    def unseal(self) -> None:
        """Unseal them."""
        with self.sealed.open("rb", buffering=0) as source, self.out.open("wb", buffering=0) as sink:
            sealing.decrypt(source, sink, [self.identity], ciphertext_hash=hashlib.sha256())

    def read_middle(self) -> None:
        """Open the sealed file and read 4 MiB from its middle."""
        with sealing.open_sealed(self.sealed, [self.identity]) as reader:
            reader.pread(PIECE, self.middle)

    def peers(self) -> dict[str, Callable[[], object]]:
        """Give what others are there."""
        found: dict[str, Callable[[], object]] = {}
        plain, sealed, out = str(self.plain), str(self.sealed), str(self.out)
        if importlib.util.find_spec("pyrage"):
            import pyrage  # noqa: PLC0415 - a peer that may be missing

            theirs = pyrage.x25519.Identity.from_str(self.identity.to_text())
            # The last to write `sealed` does not matter: each file is sealed for the same identity.
            found["encrypt: pyrage"] = lambda: pyrage.encrypt_file(plain, sealed, [theirs.to_public()])
            found["decrypt: pyrage"] = lambda: pyrage.decrypt_file(sealed, out, [theirs])
        else:
            print("pyrage is not installed: pip install pyrage")
        age, sha256sum = shutil.which("age"), shutil.which("sha256sum")
        if age and sha256sum:

            def run(*options: str) -> None:
                subprocess.run([age, *options], check=True)
                subprocess.run([sha256sum, sealed], check=True, stdout=subprocess.DEVNULL)

            found["encrypt: age, then sha256sum"] = lambda: run(
                "-r", str(self.identity.recipient), "-o", sealed, plain
            )
            found["decrypt: age, then sha256sum"] = lambda: run("-d", "-i", str(self.key), "-o", out, sealed)
        else:
            print("age or sha256sum is not installed: apt-get install age")
        return found


def report(times: dict[str, float], size: int) -> None:
    bound = max(times["bound: copy + ChaCha20-Poly1305"], times["bound: copy + SHA-256"])
    print(f"{'':<34}{'s':>8}{'MB/s':>8}")
    for name, seconds in times.items():
        rate = f"{size / seconds / 1e6:8.0f}" if name != "random access" else ""
        print(f"{name:<34}{seconds:>8.3f}{rate}")
    print()
    for what in ("encrypt", "decrypt"):
        ours = times[f"{what}: maas-sdk"]
        print(f"{what}: {bound / ours:.2f} of the bound (wanted: at least 0.80)")
        for name, seconds in times.items():
            if name.startswith(what) and not name.endswith("maas-sdk"):
                print(f"{what}: {seconds / ours:.2f} x as fast as {name.partition(': ')[2]} (wanted: over 1)")
    share = times["random access"] / times["decrypt: maas-sdk"]
    print(f"opening and reading 4 MiB in the middle: {share:.2%} of decrypting all (wanted: under 1 %)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mib", type=int, default=512, help="size of the file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="on tmpfs")  # noqa: S108 - the point
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as path:
        folder = Folder(Path(path), options.mib * MIB)
        runs: dict[str, Callable[[], object]] = {
            "bound: copy + ChaCha20-Poly1305": lambda: copy_and_encrypt(folder.plain, folder.out),
            "bound: copy + SHA-256": lambda: copy_and_hash(folder.plain, folder.out),
            "encrypt: maas-sdk": folder.seal,
            "decrypt: maas-sdk": folder.unseal,
            **folder.peers(),
        }
        times = best_times(runs, options.rounds)
        times |= best_times({"random access": folder.read_middle}, 10 * options.rounds)
        report(times, options.mib * MIB)


if __name__ == "__main__":
    main()
