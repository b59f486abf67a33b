"""The scrypt recipient type: a passphrase, which is recipient and identity at once.

Source: https://c2sp.org/age, section "The scrypt recipient type".
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from attrs import field, frozen
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from maas_sdk.errors import HeaderError, InvalidOptionError, SealingError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing import _base64
from maas_sdk.sealing._header import Stanza
from maas_sdk.sealing._wrap import arguments_of, bytes_of, unwrap, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.limits import Limits

__all__ = ["SCRYPT", "Passphrase"]

SCRYPT = "scrypt"
_SALT_BYTES = 16
_LABEL = b"age-encryption.org/v1/scrypt"
_WORK_FACTOR = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)  # four digits are far over any limit already
_MAX_WORK_FACTOR = 30


@frozen
class Passphrase:
    """A passphrase to seal files with and to open them; no other recipient may stand beside it.

    Parameters
    ----------
    text : str
        Any text but the empty one; its UTF-8 is used as it is.
    work_factor : int
        Base-two logarithm of the scrypt cost for sealing, 1 to 30; 18 takes about a second and 256 MiB.
        Readers refuse more than `Limits.max_scrypt_work_factor`.

    Raises
    ------
    InvalidOptionError
        When either is out of its range.
    """

    _text: str = field(repr=False)
    work_factor: int = field(default=18, kw_only=True)

    @_text.validator
    def _check_text(self, _attribute: object, text: object) -> None:
        if not isinstance(text, str) or not text:
            raise InvalidOptionError("the passphrase must be a str that is not empty")
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise InvalidOptionError("the passphrase holds half a character (a lone surrogate)")

    @work_factor.validator
    def _check_work_factor(self, _attribute: object, value: object) -> None:
        if type(value) is not int or not 1 <= value <= _MAX_WORK_FACTOR:
            raise InvalidOptionError(f"work_factor must be an integer from 1 to {_MAX_WORK_FACTOR}")

    def wrap(self, file_key: bytes) -> Stanza:
        """Encrypt the file key under this passphrase, with a fresh salt."""
        salt = secrets.token_bytes(_SALT_BYTES)
        args = (_base64.encode(salt).decode("ascii"), str(self.work_factor))
        return Stanza(SCRYPT, args, wrap(self._derive(salt, self.work_factor), file_key))

    def unwrap(self, stanzas: Sequence[Stanza], *, limits: Limits = DEFAULT_LIMITS) -> bytes | None:
        """Decrypt the file key; see `Identity.unwrap`.

        Raises
        ------
        HeaderError
            When the stanza breaks the format or asks for more work than `Limits.max_scrypt_work_factor`.
        """
        for stanza in stanzas:
            if stanza.type != SCRYPT:
                continue
            salt, work_factor = arguments_of(stanza, 2)
            raw_salt = bytes_of(stanza, salt, _SALT_BYTES)
            if not _WORK_FACTOR.fullmatch(work_factor):
                raise HeaderError("scrypt stanza: the work factor is not a plain decimal number")
            if int(work_factor) > limits.max_scrypt_work_factor:
                raise HeaderError(
                    f"scrypt stanza: work factor {work_factor}; Limits.max_scrypt_work_factor allows "
                    f"{limits.max_scrypt_work_factor}"
                )
            return unwrap(self._derive(raw_salt, int(work_factor)), stanza.body)
        return None

    def _derive(self, salt: bytes, work_factor: int) -> bytes:
        kdf = Scrypt(salt=_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1)
        try:
            return kdf.derive(self._text.encode("utf-8"))
        except MemoryError as exc:
            need = 1 << max(0, work_factor - 10)
            raise SealingError(
                f"the passphrase needs {need} MiB of memory, which this machine lacks"
            ) from exc
