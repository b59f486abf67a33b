"""Fuzzes what reads age files: armor, header, stanzas, payload; run it with ``tox -e fuzz``.

What must hold of any bytes: nothing but errors of the SDK is raised, streaming and random access agree, and
what is accepted is canonical, so that writing it again gives the same text.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["maas_sdk"]):
    from maas_sdk import sealing
    from maas_sdk.errors import MaasError
    from maas_sdk.limits import Limits
    from maas_sdk.sealing._armor import ArmorReader, ArmorWriter, is_armored
    from maas_sdk.sealing._header import read_header
    from maas_sdk.sealing._streams import SourceReader, open_source

VECTORS = Path(__file__).parent.parent / "tests" / "vectors" / "sealing"
LIMITS = Limits(max_scrypt_work_factor=4, max_header_bytes=1 << 16)


def identities() -> list[sealing.Identity | sealing.Passphrase]:
    """Give the identities of the vectors."""
    texts: set[str] = set()
    for path in VECTORS.glob("*.json"):
        texts.update(json.loads(path.read_text(encoding="ascii"))["identities"])
    return [
        *map(sealing.parse_identity, sorted(texts)),
        sealing.Passphrase("correct horse battery staple", work_factor=1),
    ]


def write_seeds(folder: Path) -> None:
    """Write the files of the vectors, but the long ones."""
    for path in sorted(VECTORS.glob("*.json")):
        pieces = json.loads(path.read_text(encoding="ascii"))["file"]
        if all(isinstance(piece, str | dict) for piece in pieces):
            data = b"".join(
                piece.encode("ascii") if isinstance(piece, str) else bytes.fromhex(piece["hex"])
                for piece in pieces
            )
            (folder / path.stem).write_bytes(data)


def check_canonical(data: bytes) -> None:
    """Read armor and header, and write them again."""
    with open_source(data) as read_into:
        reader = SourceReader(read_into)
        if is_armored(reader):
            armored = ArmorReader(reader)
            inner = SourceReader(armored.read_into).take(1 << 24)
            text = bytearray()
            writer = ArmorWriter(text.extend)
            writer.write(inner)
            writer.finish()
            assert data.replace(b"\r\n", b"\n").strip(b" \t\r\n\v\f") == bytes(text).strip()
        else:
            header = read_header(reader, limits=LIMITS)
            stanzas = b"".join(stanza.encode() for stanza in header.stanzas)
            assert header.text == b"age-encryption.org/v1\n" + stanzas + b"---"


def text_or_error(data: bytes, *, at_random: bool) -> bytes | None:
    """Open the file one way or the other; `None` for an error of the SDK."""
    sink = io.BytesIO()
    try:
        if at_random:
            with sealing.open_sealed(data, IDENTITIES, limits=LIMITS) as reader:
                return reader.read()
        sealing.decrypt(data, sink, IDENTITIES, limits=LIMITS)
    except MaasError:
        return None
    return sink.getvalue()


def one_input(data: bytes) -> None:
    """Check all that must hold of any bytes."""
    with contextlib.suppress(MaasError):
        check_canonical(data)
    assert text_or_error(data, at_random=False) == text_or_error(data, at_random=True)


IDENTITIES = identities()

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as seeds:
        write_seeds(Path(seeds))
        atheris.Setup([*sys.argv, seeds], one_input)
        atheris.Fuzz()
