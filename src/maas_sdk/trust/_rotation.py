"""New keys in place of old ones; who signed for the change is verified by whoever calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from maas_sdk.errors import PolicyError
from maas_sdk.trust._fields import as_tuple, check_whole, is_publisher, must_be
from maas_sdk.trust._keys import TrustedKey, check_keys
from maas_sdk.trust._rules import MAX_EPOCH, AliasRule, RetiredKeys, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RotatedKeys", "rotate"]


def _as_keys(values: Iterable[Any]) -> tuple[Any, ...]:
    return as_tuple(values, "keys", "one or more TrustedKey")


@frozen
class RotatedKeys:
    """The keys with which a publisher signs from an epoch on.

    Attributes
    ----------
    publisher : str
        What stands before the slash of the names that it is about.
    epoch : int
        2 for the first rotation, and one more each time.
    threshold : int
        How many of the keys must sign a release.
    keys : tuple of TrustedKey
        The keys; at least one, each once.

    Raises
    ------
    PolicyError
        When one of them is malformed or they contradict each other.
    """

    publisher: str = field(validator=must_be(str, "a text"))
    epoch: int
    threshold: int = field(validator=must_be(int, "a whole number"))
    keys: tuple[TrustedKey, ...] = field(converter=_as_keys)

    def __attrs_post_init__(self) -> None:
        if not is_publisher(self.publisher):
            raise PolicyError(
                f"publisher is {self.publisher[:80]!r}; it reads like what stands before the slash of a name"
            )
        check_whole("epoch", self.epoch, MAX_EPOCH)
        check_keys(self.keys, self.threshold, f"the rotation of {self.publisher}")


def rotate(rule: Rule, rotated: RotatedKeys) -> Rule:
    """Give the rule with the new keys, threshold and epoch; the old ones are retired, all else stays.

    Raises
    ------
    PolicyError
        When the rotation is of another publisher, is not the next one, or asks for fewer signatures.
    """
    if not rule.names.startswith(rotated.publisher + "/"):
        raise PolicyError(
            f"the rotation is of {rotated.publisher}, and the rule for {rule.names} speaks of others, too; "
            f"give {rotated.publisher}/* a rule of its own first"
        )
    if rotated.epoch != rule.epoch + 1:
        raise PolicyError(
            f"the rotation begins epoch {rotated.epoch}, and the rule for {rule.names} is in epoch "
            f"{rule.epoch}; apply every rotation once, in their order"
        )
    if rotated.threshold < rule.threshold:
        raise PolicyError(
            f"the rotation asks for {rotated.threshold} signatures, the rule for {rule.names} for "
            f"{rule.threshold}; a publisher cannot lower that: when you agree, edit the policy by hand"
        )
    return evolve(
        rule,
        keys=rotated.keys,
        threshold=rotated.threshold,
        epoch=rotated.epoch,
        aliases=tuple(_move_on(alias, rotated) for alias in rule.aliases),
        retired=(*rule.retired, RetiredKeys(rule.epoch, rule.threshold, rule.keys)),
    )


def _move_on(rule: AliasRule, rotated: RotatedKeys) -> AliasRule:
    """Keep who may move an alias as far as their keys go on, else let all keys do it together.

    Said outright, and with no fewer signatures than before: a rule that were merely left out would leave the
    alias to the rule for ``*``, which may ask for less.
    """
    everybody = tuple(key.fingerprint for key in rotated.keys)
    staying = tuple(fingerprint for fingerprint in rule.keys if fingerprint in everybody)
    if len(staying) >= rule.threshold:
        return evolve(rule, keys=staying)
    threshold = min(max(rule.threshold, rotated.threshold), len(everybody))
    return AliasRule(rule.alias, everybody, threshold)
