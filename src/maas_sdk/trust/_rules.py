"""Whose releases of which names are accepted, and under what conditions: one rule of a policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal.digests import is_digest
from maas_sdk.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Rule", "TrustedKey"]

_MAX_KEY_NAME: Final = 200
_MAX_AGE_DAYS: Final = 36_525  # a century; more is a slip of the keyboard
_PEM: Final = re.compile(  # twice: a key with a post-quantum one beside it
    r"(?:-----BEGIN PUBLIC KEY-----\n(?:[A-Za-z0-9+/=]{1,76}\n){1,64}-----END PUBLIC KEY-----\n){1,2}",
    re.ASCII,
)
_PART: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
# Nothing but a whole publisher may stand before the slash: "acme*" would trust "acme-evil/digits" too.
_NAMES: Final = re.compile(rf"\*|{_PART}/(?:{_PART}|(?:{_PART})?\*)", re.ASCII)


def _is(kind: type, expected: str) -> Callable[[Any, Any, Any], None]:
    def check(_instance: object, attribute: Any, value: object) -> None:
        if type(value) is not kind:
            raise PolicyError(f"{attribute.name} is {value!r}; it must be {expected}")

    return check


def _as_tuple(keys: Iterable[TrustedKey]) -> tuple[TrustedKey, ...]:
    try:
        return tuple(keys)
    except TypeError as exc:
        raise PolicyError(f"keys is {keys!r}; it must be one or more TrustedKey") from exc


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

    name: str = field(validator=_is(str, "a text"))
    fingerprint: str = field(validator=_is(str, "a text"))
    pem: str = field(converter=_one_ending, repr=False, validator=_is(str, "a text"))

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


@frozen
class Rule:
    """What a release of certain names must fulfil.

    Attributes
    ----------
    names : str
        Which names: one name (``"acme/digits"``), names of one publisher by their beginning (``"acme/dig*"``,
        ``"acme/*"``), or all (``"*"``).
    keys : tuple of TrustedKey
        Whose signatures count; at least one, each once.
    threshold : int
        How many of these keys must have signed.
    require_sealed : bool
        Whether a release that is not encrypted is refused.
    require_selftest : bool
        Whether a release without self-test is refused.
    max_age_days : int or None
        How many days old a release may be; None for any age.

    Raises
    ------
    PolicyError
        When one of them is malformed or they contradict each other.
    """

    names: str = field(validator=_is(str, "a text"))
    keys: tuple[TrustedKey, ...] = field(converter=_as_tuple)
    threshold: int = field(default=1, validator=_is(int, "a whole number"))
    require_sealed: bool = field(default=True, validator=_is(bool, "true or false"))
    require_selftest: bool = field(default=False, validator=_is(bool, "true or false"))
    max_age_days: int | None = field(default=None)

    def __attrs_post_init__(self) -> None:
        if not _NAMES.fullmatch(self.names):
            raise PolicyError(
                f"names is {self.names[:160]!r}; write publisher/model, publisher/* or *, in lower case, "
                "with the star only at the end and after the slash"
            )
        if not self.keys or not all(isinstance(key, TrustedKey) for key in self.keys):
            raise PolicyError(f"keys of the rule for {self.names} must be one or more TrustedKey")
        for key in self.keys:
            if sum(key.fingerprint == other.fingerprint or key.pem == other.pem for other in self.keys) > 1:
                raise PolicyError(f"key {key.fingerprint} appears twice in the rule for {self.names}")
        if not 1 <= self.threshold <= len(self.keys):
            raise PolicyError(
                f"threshold of the rule for {self.names} is {self.threshold}; it has {len(self.keys)} "
                "distinct keys, so that 1 to that many may be asked for"
            )
        days = self.max_age_days
        if days is not None and (type(days) is not int or not 1 <= days <= _MAX_AGE_DAYS):
            raise PolicyError(
                f"max_age_days is {days!r}; it must be a whole number from 1 to {_MAX_AGE_DAYS}"
            )

    def covers(self, name: str) -> bool:
        """Whether the rule speaks of a name."""
        return name.startswith(self.names[:-1]) if self.names.endswith("*") else name == self.names

    @property
    def specificity(self) -> tuple[bool, int]:
        """Grows with how specific the rule is: an exact name before any pattern, long before short."""
        return not self.names.endswith("*"), len(self.names)
