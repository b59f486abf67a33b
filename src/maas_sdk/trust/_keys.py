"""Publishers' public keys as data; whoever verifies makes keys of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from maas_sdk._internal.digests import is_digest
from maas_sdk.errors import PolicyError
from maas_sdk.trust._fields import must_be

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TrustedKey", "check_keys"]

_MAX_KEY_NAME: Final = 200
_PEM: Final = re.compile(  # twice: a key with a post-quantum one beside it
    r"(?:-----BEGIN PUBLIC KEY-----\n(?:[A-Za-z0-9+/=]{1,76}\n){1,64}-----END PUBLIC KEY-----\n){1,2}",
    re.ASCII,
)


def _one_ending(pem: object) -> object:
    return pem.strip() + "\n" if isinstance(pem, str) else pem


@frozen
class TrustedKey:
    """A publisher's public key, as data: whoever verifies computes the fingerprint from the PEM anew.

    Attributes
    ----------
    name : str
        Whose it is; for people only.
    fingerprint : str
        ``"sha256:…"``, what people compare.
    pem : str
        The key itself: SubjectPublicKeyInfo in PEM, with ML-DSA-65 beside it two blocks.

    Raises
    ------
    PolicyError
        When one of them is malformed.
    """

    name: str = field(validator=must_be(str, "a text"))
    fingerprint: str = field(validator=must_be(str, "a text"))
    pem: str = field(converter=_one_ending, repr=False, validator=must_be(str, "a text"))

    def __attrs_post_init__(self) -> None:
        if not (0 < len(self.name) <= _MAX_KEY_NAME and self.name.isprintable() and self.name.strip()):
            raise PolicyError(
                f"name {self.name[:80]!r} of a key must be 1 to {_MAX_KEY_NAME} visible characters"
            )
        if not is_digest(self.fingerprint):
            raise PolicyError(
                f"fingerprint {self.fingerprint[:80]!r} of key {self.name!r} is malformed; it reads "
                "sha256: and 64 lower-case hexadecimal digits"
            )
        if not _PEM.fullmatch(self.pem):
            raise PolicyError(f"pem of key {self.name!r} is not one public key in PEM")


def check_keys(keys: Sequence[object], threshold: int, what: str) -> None:
    """Refuse keys that are none, that appear twice, or too few for the threshold.

    Raises
    ------
    PolicyError
        With `what`, which reads like ``"the rule for acme/*"``.
    """
    found = [key for key in keys if isinstance(key, TrustedKey)]
    if not keys or len(found) < len(keys):
        raise PolicyError(f"keys of {what} must be one or more TrustedKey")
    for key in found:
        if sum(key.fingerprint == other.fingerprint or key.pem == other.pem for other in found) > 1:
            raise PolicyError(f"key {key.fingerprint} appears twice in {what}")
    if not 1 <= threshold <= len(keys):
        raise PolicyError(
            f"threshold of {what} is {threshold}; it has {len(keys)} distinct keys, so that 1 to that many "
            "may be asked for"
        )
