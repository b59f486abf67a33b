"""Shares a token's login among the signers of this process, as PKCS#11 does; it signs nothing.

PKCS#11 logs in an application, not a session: whoever logs out ends it for every session of the process
(PKCS#11 Base Specification, `C_Login` and `C_Logout`). So the signers of one token share one login, and the
last one that is closed logs out. That is the one thing kept at module level: the library keeps it for the
process, too.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

import pkcs11

from maas_sdk_pkcs11._errors import token_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkcs11 import Session, Token

__all__ = ["Login", "tokens_labelled"]

_lock: Final = threading.Lock()
_users: Final[dict[tuple[int, str, int], tuple[Session | None, int]]] = {}


def tokens_labelled(module: str, label: str) -> list[Token]:
    """Give the tokens; the library is loaded once at a time: `C_Initialize` is for the process, too."""
    with _lock, token_errors(f"PKCS#11 module {module}"):
        return list(pkcs11.lib(module).get_tokens(token_label=label))


class Login:
    """A share in the login of this process at a token; `close` gives it back, once."""

    def __init__(self, module: str, token: Token, pin: Callable[[], str]) -> None:
        self._key = (os.getpid(), module, token.slot.slot_id)
        given = pin()  # where it comes from is checked, even when nobody needs it
        with _lock:
            holder, count = _users.get(self._key, (None, 0))
            if count == 0:
                holder = _log_in(token, given)
            _users[self._key] = (holder, count + 1)

    def close(self) -> None:
        """Give the share back; the last one logs out."""
        with _lock:
            holder, count = _users.pop(self._key)
            if count > 1:
                _users[self._key] = (holder, count - 1)
            elif holder is not None:
                with token_errors("logging out"):
                    holder.close()


def _log_in(token: Token, pin: str) -> Session | None:
    """Give the session that holds the login, or None when the application has logged in by itself."""
    try:
        with token_errors(f"token {token.label!r}"):
            return token.open(user_pin=pin)
    except Exception as exc:
        if isinstance(exc.__cause__, pkcs11.UserAlreadyLoggedIn):
            return None
        raise
