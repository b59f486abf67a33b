"""What callers may give for a recipient or an identity, as the sealer wants it.

The classes are imported where they are compared with: whoever verifies without a recipient loads none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maas_sdk._internal.digests import is_digest
from maas_sdk.errors import InvalidOptionError

__all__ = ["fingerprint_of", "sealing_identities", "sealing_recipients"]


def sealing_recipients(recipients: Any) -> dict[str, Any]:
    """Give recipients by fingerprint, each once, sorted.

    Parameters
    ----------
    recipients : sequence of Contact, Identity or Recipient
        For another sealer than age's: whatever it takes, with a `fingerprint`.

    Raises
    ------
    InvalidOptionError
        When one has no fingerprint, as a passphrase has none.
    """
    if not isinstance(recipients, Iterable) or any(isinstance(each, str) for each in recipients):
        raise InvalidOptionError(
            "recipients must be a list of contacts or recipients; parse a text with parse_recipient"
        )
    found = {fingerprint_of(each): _recipient(each) for each in recipients}
    return dict(sorted(found.items()))


def fingerprint_of(recipient: Any) -> str:
    """Give the fingerprint of a recipient.

    Parameters
    ----------
    recipient : str, Contact, Identity, or an identity or a recipient of the sealer
        A text is taken for the fingerprint itself.

    Raises
    ------
    InvalidOptionError
        When it has no fingerprint.
    """
    fingerprint = recipient if isinstance(recipient, str) else _fingerprint(recipient)
    if not is_digest(fingerprint):
        raise InvalidOptionError(
            f"{recipient!r} is not a recipient; give a Contact, a recipient, or its fingerprint, sha256:…"
        )
    return str(fingerprint)


def sealing_identities(identity: Any) -> list[Any]:
    """Give what the sealer opens with, for an `Identity`, an identity of the sealer, or several."""
    from maas_sdk.identity import Identity  # noqa: PLC0415 - see above

    given = identity if isinstance(identity, list | tuple) else [identity]
    return [each.sealing if isinstance(each, Identity) else each for each in given]


def _fingerprint(recipient: Any) -> object:
    from maas_sdk.sealing import Passphrase  # noqa: PLC0415 - see above

    if isinstance(recipient, Passphrase):
        raise InvalidOptionError(
            "a release is sealed for recipients that can be told apart, and a passphrase has no fingerprint; "
            "exchange contacts, or seal the bundle's file with the passphrase"
        )
    return getattr(_recipient(recipient), "fingerprint", None)


def _recipient(value: Any) -> Any:
    """Give the recipient of a contact or an identity; anything else is one already."""
    from maas_sdk.identity import Contact, Identity  # noqa: PLC0415 - see above

    if isinstance(value, Identity):
        return value.public.recipient
    return value.recipient if isinstance(value, Contact) else getattr(value, "recipient", value)
