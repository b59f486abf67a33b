"""The signer: a private key that stays in a PKCS#11 token."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, cast

from pkcs11 import Attribute, ObjectClass

from maas_sdk.errors import InvalidOptionError, SigningError
from maas_sdk_pkcs11._errors import token_errors
from maas_sdk_pkcs11._keys import scheme_of
from maas_sdk_pkcs11._login import Login, tokens_labelled
from maas_sdk_pkcs11._pin import pin_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkcs11 import Object, Session, SignMixin, Token

    from maas_sdk_pkcs11._keys import Edwards, Weierstrass

__all__ = ["TokenSigner"]


class TokenSigner:
    """Signs with a key in a PKCS#11 token: ECDSA on P-256 or P-384, or Ed25519 where the token has it.

    It logs in and finds the key when it is made, so that what is wrong shows early. The signers of a process
    share its login at a token, as PKCS#11 has it: while one is open, the PIN of others is not checked. Usable
    from several threads; not across `os.fork`.

    Parameters
    ----------
    module : str or path-like
        The vendor's PKCS#11 library, a native ``.so`` that runs in this process: only one that you trust.
    token_label : str
        The token.
    key_label : str, optional
        CKA_LABEL of the key; this or `key_id` or both.
    key_id : str, optional
        CKA_ID of the key in hexadecimal digits.
    pin_file : str or path-like, optional
        A file with the user's PIN in one line; refused when others can read it.
    pin : callable, optional
        Instead: a function without arguments that returns the PIN.

    Raises
    ------
    InvalidOptionError
        When an option is wrong.
    WrongPassphraseError
        When the PIN is wrong.
    KeyFileError
        When the PIN's file cannot be used.
    SigningError
        When there is no such module, token or key, or several, or the token fails.
    """

    def __init__(
        self,
        *,
        module: str | os.PathLike[str],
        token_label: str,
        key_label: str | None = None,
        key_id: str | None = None,
        pin_file: str | os.PathLike[str] | None = None,
        pin: Callable[[], str] | None = None,
    ) -> None:
        wanted = _attributes(key_label, key_id)
        ask = pin_source(pin, pin_file)
        self._key_name = " ".join(
            f"{name} {value!r}" for name, value in (("label", key_label), ("id", key_id)) if value is not None
        )
        self._where = f"token {token_label!r}, key with {self._key_name}"
        self._lock = threading.Lock()
        path = os.fspath(module)
        token = _find_token(path, token_label)
        with contextlib.ExitStack() as undo:
            login = Login(path, token, ask)
            undo.callback(login.close)
            with token_errors(self._where):
                session = token.open()
                undo.callback(_close_session, session)
                self._key = cast("SignMixin", self._only(session, ObjectClass.PRIVATE_KEY, wanted))
                self._scheme, self._pem = self._public(session, wanted)
            self._open: contextlib.ExitStack | None = undo.pop_all()

    def __repr__(self) -> str:
        return f"<TokenSigner: {self._where}>"

    def public_key_pem(self) -> str:
        """Give the public key: PEM, SubjectPublicKeyInfo; after `close`, too."""
        return self._pem

    def sign(self, message: bytes) -> bytes:
        """Sign the message itself: ECDSA in DER with the curve's hash, or Ed25519's 64 bytes.

        Raises
        ------
        SigningError
            After `close`, or when the token fails or was removed.
        """
        data = self._scheme.to_be_signed(message)
        with self._lock:  # a session does one thing at a time
            if self._open is None:
                raise SigningError(f"{self._where}: the signer was closed; make it anew")
            with token_errors(self._where):
                raw = self._key.sign(data, mechanism=self._scheme.mechanism)
        return self._scheme.to_signature(bytes(raw))

    def close(self) -> None:
        """Close the session, and log out where no other signer uses the token; the token keeps the key.

        That the token is gone already is no error.
        """
        with self._lock:
            held, self._open = self._open, None
        if held is not None:
            with contextlib.suppress(SigningError):
                held.close()

    def _only(self, session: Session, kind: ObjectClass, wanted: dict[Attribute, object]) -> Object:
        found = list(session.get_objects({Attribute.CLASS: kind, **wanted}))
        if len(found) == 1:
            return found[0]
        what = "private" if kind is ObjectClass.PRIVATE_KEY else "public"
        if found:
            raise SigningError(
                f"{self._where}: {len(found)} {what} keys are so named; give key_label and key_id"
            )
        raise SigningError(
            f"{self._where}: there is no such {what} key; see pkcs11-tool --login --list-objects"
        )

    def _public(self, session: Session, wanted: dict[Attribute, object]) -> tuple[Weierstrass | Edwards, str]:
        public = self._only(session, ObjectClass.PUBLIC_KEY, wanted)
        try:
            scheme = scheme_of(bytes(public[Attribute.EC_PARAMS]))
            return scheme, scheme.to_pem(bytes(public[Attribute.EC_POINT]))
        except (ValueError, KeyError) as exc:
            raise SigningError(
                f"{self._where}: the token gives no public key of a known form: {exc}"
            ) from exc


def _attributes(label: str | None, key_id: str | None) -> dict[Attribute, object]:
    wanted: dict[Attribute, object] = {}
    if label is not None:
        wanted[Attribute.LABEL] = label
    if key_id is not None:
        try:
            wanted[Attribute.ID] = bytes.fromhex(key_id)
        except (TypeError, ValueError) as exc:
            raise InvalidOptionError(f"key_id must be hexadecimal digits, not {key_id!r}") from exc
    if not wanted:
        raise InvalidOptionError("give key_label, key_id or both: which key of the token?")
    return wanted


def _find_token(path: str, label: str) -> Token:
    found = tokens_labelled(path, label)
    if len(found) == 1:
        return found[0]
    if found:
        raise SigningError(f"{len(found)} tokens are labelled {label!r}; leave one in, or give them labels")
    raise SigningError(f"no token is labelled {label!r}; insert it, or see pkcs11-tool --module {path} -L")


def _close_session(session: Session) -> None:
    with token_errors("closing the session"):
        session.close()
