"""A policy: rules for names, as a value and as TOML; it reads and writes no files."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import tomli_w
from attrs import evolve, field, frozen

from maas_sdk._internal.records import structure, unstructure
from maas_sdk.errors import PolicyError
from maas_sdk.trust._rules import Rule, TrustedKey

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Policy"]


def _as_tuple(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    try:
        return tuple(rules)
    except TypeError as exc:
        raise PolicyError(f"rules is {rules!r}; it must be Rule objects") from exc


@frozen
class Policy:
    """Whose releases are accepted; without a rule for a name nobody's are.

    Of several rules that cover a name the most specific one holds, alone: the exact name, else the longest
    pattern.

    Attributes
    ----------
    rules : tuple of Rule
        No two for the same names.

    Raises
    ------
    PolicyError
        When two rules have the same names.

    Examples
    --------
    >>> Policy().rule_for("acme/digits")
    Traceback (most recent call last):
    maas_sdk.errors.PolicyError: no rule of the policy covers 'acme/digits'; ...
    """

    rules: tuple[Rule, ...] = field(default=(), converter=_as_tuple)

    def __attrs_post_init__(self) -> None:
        seen: set[str] = set()
        for rule in self.rules:
            if not isinstance(rule, Rule):
                raise PolicyError(f"rules must be Rule objects, not {type(rule).__name__}")
            if rule.names in seen:
                raise PolicyError(f"two rules are for {rule.names}; merge them into one")
            seen.add(rule.names)

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """Read a policy.

        Parameters
        ----------
        text : str
            An array of tables ``[[rules]]`` with the attributes of `Rule`, and in each an array of tables
            ``[[rules.keys]]`` with those of `TrustedKey`.

        Raises
        ------
        PolicyError
            When it is not TOML, or anything in it is unknown, missing, of the wrong type or contradictory;
            the message says what and where.
        """
        try:
            data = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as exc:
            raise PolicyError(f"the policy is not TOML: {exc}") from exc
        return structure(data, cls, what="the policy", error=PolicyError)

    def to_toml(self) -> str:
        """Write the policy; the same policy gives the same text, and `from_toml` reads it back."""
        rules = [
            {**unstructure(rule), "keys": [unstructure(key) for key in rule.keys]} for rule in self.rules
        ]
        return tomli_w.dumps({"rules": rules}, multiline_strings=True) if rules else "rules = []\n"

    def rule_for(self, name: str) -> Rule:
        """Give the most specific rule that covers a name.

        Raises
        ------
        PolicyError
            When none does.
        """
        covering = [rule for rule in self.rules if rule.covers(name)]
        if not covering:
            raise PolicyError(
                f"no rule of the policy covers {name!r}; to accept its publisher add the key with "
                "policy.with_key, on the command line with maas trust add"
            )
        return max(covering, key=lambda rule: rule.specificity)

    def with_key(
        self,
        names: str,
        key: TrustedKey,
        *,
        threshold: int | None = None,
        require_sealed: bool | None = None,
        require_selftest: bool | None = None,
        max_age_days: int | None = None,
    ) -> Policy:
        """Give a policy that accepts a key for some names.

        Parameters
        ----------
        names : str
            As in `Rule`. When there is a rule for exactly these names, the key joins it, or takes the place
            of the key with the same fingerprint; otherwise a rule is added, which for its names replaces any
            less specific one.
        key : TrustedKey
            The key.
        threshold, require_sealed, require_selftest, max_age_days : optional
            As in `Rule`; None leaves what the rule says, or the default in a new one.

        Raises
        ------
        PolicyError
            When the result would be malformed.
        """
        options: dict[str, Any] = {
            "threshold": threshold,
            "require_sealed": require_sealed,
            "require_selftest": require_selftest,
            "max_age_days": max_age_days,
        }
        given = {name: value for name, value in options.items() if value is not None}
        changed = {rule.names: rule for rule in self.rules}
        old = changed.get(names)
        if old is None:
            changed[names] = Rule(names, (key,), **given)
        else:
            others = (other for other in old.keys if other.fingerprint != key.fingerprint)
            changed[names] = evolve(old, keys=(*others, key), **given)
        return Policy(tuple(changed.values()))

    def without_key(self, fingerprint: str) -> Policy:
        """Give a policy that no longer accepts a key anywhere; a rule that has no other key goes with it.

        Raises
        ------
        PolicyError
            When no rule has the key, when a threshold could no longer be met, or when a less specific rule
            would take the place of one that goes: that would accept other publishers for its names.
        """
        if not any(key.fingerprint == fingerprint for rule in self.rules for key in rule.keys):
            raise PolicyError(f"no rule of the policy has the key {fingerprint}")
        kept: list[Rule] = []
        gone: list[Rule] = []
        for rule in self.rules:
            keys = tuple(key for key in rule.keys if key.fingerprint != fingerprint)
            if keys:
                kept.append(evolve(rule, keys=keys))
            else:
                gone.append(rule)
        for rule in gone:
            wider = next((other for other in kept if other.covers(rule.names)), None)
            if wider is not None:
                raise PolicyError(
                    f"without this key the rule for {rule.names} would go and the rule for {wider.names} "
                    f"would hold instead, with other keys; give {rule.names} another key or change "
                    f"{wider.names} first"
                )
        return Policy(tuple(kept))
