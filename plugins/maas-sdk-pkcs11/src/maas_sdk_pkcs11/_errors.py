"""Turns what the PKCS#11 library raises into errors of the SDK that say what to do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pkcs11

from maas_sdk.errors import SigningError, WrongPassphraseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["token_errors"]

_WRONG_PIN = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)
_ADVICE: Mapping[tuple[type[pkcs11.PKCS11Error], ...], str] = {
    (pkcs11.PinLocked,): "the PIN is locked; the token's security officer has to set it anew",
    (
        pkcs11.DeviceError,
        pkcs11.DeviceRemoved,
        pkcs11.SessionClosed,
        pkcs11.SessionHandleInvalid,
        pkcs11.SlotIDInvalid,
        pkcs11.TokenNotPresent,
    ): "the token was removed or does not answer; insert it and make the signer anew",
    (
        pkcs11.KeyHandleInvalid,
        pkcs11.ObjectHandleInvalid,
    ): "the key is no longer in the token; insert the token that has it and make the signer anew",
    (pkcs11.UserNotLoggedIn,): "somebody has logged out of the token; make the signer anew",
    (pkcs11.MechanismInvalid,): "the token cannot sign with this kind of key; try a P-256 key",
    (pkcs11.SessionCount,): "the token has no session left; close signers that are no longer used",
}


@contextmanager
def token_errors(where: str) -> Iterator[None]:
    """Wrap what the library raises in the block.

    Raises
    ------
    WrongPassphraseError
        When the PIN is wrong.
    SigningError
        For everything else.
    """
    try:
        yield
    except pkcs11.PKCS11Error as exc:
        if isinstance(exc, _WRONG_PIN):
            raise WrongPassphraseError(
                f"{where}: the PIN is wrong; check it before trying again, a token locks after a few tries"
            ) from exc
        raise SigningError(f"{where}: {_advice(exc)}") from exc


def _advice(exc: pkcs11.PKCS11Error) -> str:
    for classes, advice in _ADVICE.items():
        if isinstance(exc, classes):
            return advice
    return f"the token's library says {type(exc).__name__} {exc}".rstrip()
