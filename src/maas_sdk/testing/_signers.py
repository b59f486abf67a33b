"""What is asked of signers: signatures that verify under the public key that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.errors import MaasError, VerificationError
from maas_sdk.signing import PublicKey
from maas_sdk.testing._any_kind import CHECKS as ANY_KIND_CHECKS
from maas_sdk.testing._check import expect
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_THREADS = 8
_PLACES = 100  # at which a signature is altered
_SIGNED = b"digits 1.2.0 for globex"
_MESSAGES = (b"", b"a message", bytes(100_000))


def _holds(signer: Any, message: bytes, signature: bytes) -> bool:
    try:
        PublicKey.from_pem(signer.public_key_pem()).verify(signature, message)
    except VerificationError:
        return False
    return True


def signatures_verify(subject: Subject) -> None:
    """Under the public key, over the message itself, however long it is."""
    signer = subject.make()
    for message in _MESSAGES:
        signature = signer.sign(message)
        expect(type(signature) is bytes, f"sign gave a {type(signature).__name__}, not bytes")
        expect(_holds(signer, message, signature), f"a signature over {len(message)} bytes does not verify")


def keeps_its_key(subject: Subject) -> None:
    """The same public key each time: PEM, SubjectPublicKeyInfo."""
    signer = subject.make()
    pem = signer.public_key_pem()
    expect(isinstance(pem, str), f"public_key_pem gave a {type(pem).__name__}, not a str")
    expect(pem.startswith("-----BEGIN PUBLIC KEY-----\n"), "the public key is not PEM, SubjectPublicKeyInfo")
    signer.sign(b"one message")
    expect(signer.public_key_pem() == pem, "the public key changes")


def hides_its_key(subject: Subject) -> None:
    """Neither `repr` nor `str` shows a private key."""
    signer = subject.make()
    for text in (repr(signer), str(signer)):
        expect("PRIVATE" not in text, "repr or str shows the private key")


def signs_in_several_threads(subject: Subject) -> None:
    """One object, many threads."""
    signer = subject.make()
    messages = [f"message {index}".encode() for index in range(_THREADS)]
    signatures = at_once(lambda index: signer.sign(messages[index]), _THREADS)
    for message, signature in zip(messages, signatures, strict=True):
        expect(_holds(signer, message, signature), "a signature made beside others does not verify")


def signs_no_more_after_close(subject: Subject) -> None:
    """Closing twice is fine; signing afterwards is a `MaasError`."""
    signer = subject.make()
    signer.close()
    signer.close()
    try:
        signer.sign(b"a message")
    except MaasError:
        return
    raise AssertionError("it signs after close")


def signatures_hold_for_nothing_else(subject: Subject) -> None:
    """Not for a message that was altered, and not when the signature itself was."""
    signer = subject.make()
    signature = signer.sign(_SIGNED)
    for message in _altered(_SIGNED):
        expect(not _holds(signer, message, signature), f"a signature over {_SIGNED!r} holds for {message!r}")
    for other in _altered(signature):
        expect(not _holds(signer, _SIGNED, other), "a signature that was altered holds")


def _altered(data: bytes) -> Iterator[bytes]:
    yield from (b"", data[:-1], data + b"\0", b"\0" + data)
    for position in range(0, len(data), 1 + len(data) // _PLACES):
        yield data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


CHECKS = (
    *ANY_KIND_CHECKS,
    signatures_verify,
    signatures_hold_for_nothing_else,
    keeps_its_key,
    hides_its_key,
    signs_in_several_threads,
    signs_no_more_after_close,
)
