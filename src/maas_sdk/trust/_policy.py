"""A policy: rules for names, as a value and as TOML; it reads and writes no files."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import tomli_w
from attrs import evolve, field, frozen

from maas_sdk._internal.records import structure, unstructure
from maas_sdk.errors import PolicyError
from maas_sdk.trust._fields import as_tuple
from maas_sdk.trust._rotation import rotate
from maas_sdk.trust._rules import AliasRule, RetiredKeys, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from maas_sdk.trust._keys import TrustedKey
    from maas_sdk.trust._rotation import RotatedKeys

__all__ = ["Policy"]


def _as_rules(values: Iterable[Any]) -> tuple[Any, ...]:
    return as_tuple(values, "rules", "Rule objects")


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

    rules: tuple[Rule, ...] = field(default=(), converter=_as_rules)

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
            An array of tables ``[[rules]]`` with the attributes of `Rule`, and in each the arrays of tables
            ``[[rules.keys]]`` with those of `TrustedKey`, ``[[rules.aliases]]`` with those of `AliasRule` and
            ``[[rules.retired]]`` with those of `RetiredKeys`.

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
        rules = [_to_table(rule) for rule in self.rules]
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
        epoch: int | None = None,
        require_post_quantum: bool | None = None,
        max_release_bytes: int | None = None,
        max_disclosure: str | None = None,
        components: Sequence[str] | None = None,
        estimators: Sequence[str] | None = None,
        aliases: Sequence[AliasRule] | None = None,
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
        epoch, require_post_quantum, max_release_bytes, max_disclosure : optional
        components, estimators, aliases : optional
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
            "epoch": epoch,
            "require_post_quantum": require_post_quantum,
            "max_release_bytes": max_release_bytes,
            "max_disclosure": max_disclosure,
            "components": components,
            "estimators": estimators,
            "aliases": aliases,
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

        So does a retired epoch whose threshold could no longer be met.

        Raises
        ------
        PolicyError
            When no rule has the key, when a threshold of a rule or of an alias could no longer be met, or
            when a less specific rule would take the place of one that goes: that would accept other
            publishers for its names.
        """
        if not any(key.fingerprint == fingerprint for rule in self.rules for key in _all_keys(rule)):
            raise PolicyError(f"no rule of the policy has the key {fingerprint}")
        kept: list[Rule] = []
        gone: list[Rule] = []
        for rule in self.rules:
            keys = tuple(key for key in rule.keys if key.fingerprint != fingerprint)
            if keys:
                aliases = tuple(_without(fingerprint, alias, rule.names) for alias in rule.aliases)
                retired = tuple(_all_retired_without(fingerprint, rule))
                kept.append(evolve(rule, keys=keys, aliases=aliases, retired=retired))
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

    def rotated(self, names: str, rotated: RotatedKeys) -> Policy:
        """Give a policy in which a publisher's new keys take the place of the old ones, which are retired.

        That enough of the old and of the new keys have signed the rotation is verified by the caller. Who may
        move an alias stays as far as their keys go on; where too few do, all new keys may together, with no
        fewer signatures than before.

        Parameters
        ----------
        names : str
            There must be a rule for exactly these names, which begin with the publisher and a slash.
        rotated : RotatedKeys
            The new keys, of the epoch after the rule's.

        Raises
        ------
        PolicyError
            When there is no such rule, when the rotation is not the next one of its publisher, or when it
            asks for fewer signatures than before.
        """
        if not any(rule.names == names for rule in self.rules):
            raise PolicyError(
                f"no rule of the policy is for exactly {names}; it has rules for "
                f"{', '.join(rule.names for rule in self.rules) or 'nobody'}"
            )
        return Policy(tuple(rotate(rule, rotated) if rule.names == names else rule for rule in self.rules))


def _to_table(rule: Rule) -> dict[str, Any]:
    table = unstructure(rule)
    # An array of tables cannot be empty; that of the keys never is.
    return {key: value for key, value in table.items() if value or key not in {"aliases", "retired"}}


def _all_keys(rule: Rule) -> list[TrustedKey]:
    return [*rule.keys, *(key for retired in rule.retired for key in retired.keys)]


def _all_retired_without(fingerprint: str, rule: Rule) -> Iterator[RetiredKeys]:
    for retired in rule.retired:
        keys = tuple(key for key in retired.keys if key.fingerprint != fingerprint)
        if len(keys) >= retired.threshold:
            yield evolve(retired, keys=keys)


def _without(fingerprint: str, rule: AliasRule, names: str) -> AliasRule:
    keys = tuple(key for key in rule.keys if key != fingerprint)
    if len(keys) < rule.threshold:
        raise PolicyError(
            f"without this key the alias {rule.alias} of the rule for {names} would have {len(keys)} keys, "
            f"and its threshold is {rule.threshold}; give it another key or take that alias rule out first"
        )
    return evolve(rule, keys=keys)
