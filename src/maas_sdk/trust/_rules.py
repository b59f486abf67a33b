"""Whose releases of which names are accepted, and under what conditions: one rule of a policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal.severities import LEVELS, is_level
from maas_sdk.errors import PolicyError
from maas_sdk.trust._fields import as_tuple, check_whole, is_alias, is_pattern, must_be
from maas_sdk.trust._keys import TrustedKey, check_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_EPOCH", "AliasRule", "RetiredKeys", "Rule"]

MAX_EPOCH: Final = 1_000_000
"""The highest key epoch: nobody changes keys that often, and no stolen key can name a higher one."""

_MAX_AGE_DAYS: Final = 36_525  # a century; more is a slip of the keyboard
_MAX_BYTES: Final = 2**53 - 1
_PART: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
# Nothing but a whole publisher may stand before the slash: "acme*" would trust "acme-evil/digits" too.
_NAMES: Final = re.compile(rf"\*|{_PART}/(?:{_PART}|(?:{_PART})?\*)", re.ASCII)


def _as_fingerprints(values: Iterable[Any]) -> tuple[Any, ...]:
    return as_tuple(values, "keys of an alias", "one or more fingerprints")


def _as_keys(values: Iterable[Any]) -> tuple[Any, ...]:
    return as_tuple(values, "keys", "one or more TrustedKey")


def _as_aliases(values: Iterable[Any]) -> tuple[Any, ...]:
    return as_tuple(values, "aliases", "AliasRule objects")


def _as_retired(values: Iterable[Any]) -> tuple[Any, ...]:
    return as_tuple(values, "retired", "RetiredKeys objects")


def _as_components(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else as_tuple(values, "components", "a list of references")


def _as_estimators(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else as_tuple(values, "estimators", "a list of classes")


@frozen
class AliasRule:
    """Who may move an alias.

    Attributes
    ----------
    alias : str
        An alias (``"stable"``), or ``"*"`` for all that have no rule of their own.
    keys : tuple of str
        Fingerprints of keys of the rule that this belongs to; each once.
    threshold : int
        How many of these keys must have signed.

    Raises
    ------
    PolicyError
        When one of them is malformed or they contradict each other.
    """

    alias: str = field(validator=must_be(str, "a text"))
    keys: tuple[str, ...] = field(converter=_as_fingerprints)
    threshold: int = field(default=1, validator=must_be(int, "a whole number"))

    def __attrs_post_init__(self) -> None:
        if self.alias != "*" and not is_alias(self.alias):
            raise PolicyError(
                f"alias is {self.alias[:80]!r}; it has 1 to 64 of a-z, 0-9, '.', '_' and '-' and begins with "
                "a letter or a digit, or it is * alone"
            )
        if not self.keys:
            raise PolicyError(f"keys of alias {self.alias} is empty; give one or more fingerprints")
        if len(set(self.keys)) != len(self.keys):
            raise PolicyError(f"a key appears twice in the rule for alias {self.alias}")
        if not 1 <= self.threshold <= len(self.keys):
            raise PolicyError(
                f"threshold of alias {self.alias} is {self.threshold}; it has {len(self.keys)} distinct "
                "keys, so that 1 to that many may be asked for"
            )


@frozen
class RetiredKeys:
    """The keys of an earlier epoch: they count for what the receiver has already, and for nothing new.

    Attributes
    ----------
    epoch : int
        Which epoch.
    threshold : int
        How many of the keys had to sign a release.
    keys : tuple of TrustedKey
        The keys; at least one, each once.

    Raises
    ------
    PolicyError
        When one of them is malformed or they contradict each other.
    """

    epoch: int
    threshold: int = field(validator=must_be(int, "a whole number"))
    keys: tuple[TrustedKey, ...] = field(converter=_as_keys)

    def __attrs_post_init__(self) -> None:
        check_whole("epoch", self.epoch, MAX_EPOCH)
        check_keys(self.keys, self.threshold, f"the retired epoch {self.epoch}")


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
    epoch : int
        Which set of keys of the publisher these are, counted from 1: only releases of this key epoch are
        accepted.
    require_post_quantum : bool
        Whether a release that relies on classic cryptography alone is refused.
    max_release_bytes : int or None
        How large all parts of a release may be together; None for any size within `Limits`.
    max_disclosure : str or None
        The gravest finding of the publisher's disclosure scan that is accepted: ``"none"``, ``"low"``,
        ``"medium"`` or ``"high"``; a release that does not say what was found is refused then. None for any.
    components : tuple of str or None
        Which components a release may need: references (``"acme.zstd"``), or their beginnings with a star at
        the end and after a dot (``"acme.*"``); None for any.
    estimators : tuple of str or None
        Which classes a model may consist of, written likewise and as ``model.json`` names them:
        ``"sklearn.LogisticRegression"``, ``"sklearn.*"``; None for any.
    aliases : tuple of AliasRule
        Who may move which alias; where none speaks of an alias, all keys, with the threshold above.
    retired : tuple of RetiredKeys
        The keys of earlier epochs, each epoch once.

    Raises
    ------
    PolicyError
        When one of them is malformed or they contradict each other.
    """

    names: str = field(validator=must_be(str, "a text"))
    keys: tuple[TrustedKey, ...] = field(converter=_as_keys)
    threshold: int = field(default=1, validator=must_be(int, "a whole number"))
    require_sealed: bool = field(default=True, validator=must_be(bool, "true or false"))
    require_selftest: bool = field(default=False, validator=must_be(bool, "true or false"))
    max_age_days: int | None = field(default=None)
    epoch: int = field(default=1, kw_only=True)
    require_post_quantum: bool = field(default=False, kw_only=True, validator=must_be(bool, "true or false"))
    max_release_bytes: int | None = field(default=None, kw_only=True)
    max_disclosure: str | None = field(default=None, kw_only=True)
    components: tuple[str, ...] | None = field(default=None, kw_only=True, converter=_as_components)
    estimators: tuple[str, ...] | None = field(default=None, kw_only=True, converter=_as_estimators)
    aliases: tuple[AliasRule, ...] = field(default=(), kw_only=True, converter=_as_aliases)
    retired: tuple[RetiredKeys, ...] = field(default=(), kw_only=True, converter=_as_retired)

    def __attrs_post_init__(self) -> None:
        if not _NAMES.fullmatch(self.names):
            raise PolicyError(
                f"names is {self.names[:160]!r}; write publisher/model, publisher/* or *, in lower case, "
                "with the star only at the end and after the slash"
            )
        check_keys(self.keys, self.threshold, f"the rule for {self.names}")
        check_whole("epoch", self.epoch, MAX_EPOCH)
        if self.max_age_days is not None:
            check_whole("max_age_days", self.max_age_days, _MAX_AGE_DAYS)
        if self.max_release_bytes is not None:
            check_whole("max_release_bytes", self.max_release_bytes, _MAX_BYTES)
        if self.max_disclosure is not None and not is_level(self.max_disclosure):
            raise PolicyError(
                f"max_disclosure is {self.max_disclosure!r}; it must be one of {', '.join(LEVELS)}"
            )
        _check_patterns("components", self.components)
        _check_patterns("estimators", self.estimators)
        self._check_aliases()
        self._check_retired()

    def _check_aliases(self) -> None:
        known = {key.fingerprint for key in self.keys}
        seen: set[str] = set()
        for rule in self.aliases:
            if not isinstance(rule, AliasRule):
                raise PolicyError(f"aliases must be AliasRule objects, not {type(rule).__name__}")
            if rule.alias in seen:
                raise PolicyError(f"the rule for {self.names} speaks twice of the alias {rule.alias}")
            seen.add(rule.alias)
            for fingerprint in rule.keys:
                if fingerprint not in known:
                    raise PolicyError(
                        f"the key {str(fingerprint)[:80]!r} of the alias {rule.alias} is none of the keys of "
                        f"the rule for {self.names}; give its fingerprint, or add the key to the rule first"
                    )

    def _check_retired(self) -> None:
        seen: set[int] = set()
        for retired in self.retired:
            if not isinstance(retired, RetiredKeys):
                raise PolicyError(f"retired must be RetiredKeys objects, not {type(retired).__name__}")
            if retired.epoch >= self.epoch or retired.epoch in seen:
                raise PolicyError(
                    f"the retired epoch {retired.epoch} of the rule for {self.names} appears twice or is not "
                    f"earlier than its epoch, {self.epoch}"
                )
            seen.add(retired.epoch)

    def covers(self, name: str) -> bool:
        """Whether the rule speaks of a name."""
        return _matches(self.names, name)

    def movers(self, alias: str) -> tuple[tuple[TrustedKey, ...], int]:
        """Give the keys that may move an alias, and how many of them must have signed.

        Parameters
        ----------
        alias : str
            ``"stable"``. Its own rule holds, else the one for ``"*"``, else all keys may with the threshold
            of the rule.
        """
        rules = {rule.alias: rule for rule in self.aliases}
        rule = rules.get(alias) or rules.get("*")
        if rule is None:
            return self.keys, self.threshold
        return tuple(key for key in self.keys if key.fingerprint in rule.keys), rule.threshold

    def allows_component(self, reference: str) -> bool:
        """Whether a release may need this component."""
        return self.components is None or any(_matches(pattern, reference) for pattern in self.components)

    def allows_estimator(self, name: str) -> bool:
        """Whether a model may hold an object of this class, ``"sklearn.Ridge"``."""
        return self.estimators is None or any(_matches(pattern, name) for pattern in self.estimators)

    @property
    def specificity(self) -> tuple[bool, int]:
        """Grows with how specific the rule is: an exact name before any pattern, long before short."""
        return not self.names.endswith("*"), len(self.names)


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _check_patterns(what: str, patterns: tuple[str, ...] | None) -> None:
    for pattern in patterns or ():
        if not is_pattern(pattern):
            raise PolicyError(
                f"{what} has {str(pattern)[:160]!r}; write a whole name (acme.zstd), its beginning with a "
                "star at the end and after a dot (acme.*), or * alone"
            )
