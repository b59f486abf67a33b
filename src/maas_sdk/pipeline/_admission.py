"""Whether a receiver's policy lets a model in that consists of these components and estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.serialization import estimator_types
from maas_sdk.trust import Check, Policy, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from maas_sdk.artifact import Recipe, Release
    from maas_sdk.limits import Limits
    from maas_sdk.trust import Rule, Trust

__all__ = ["check_admission"]


def check_admission(
    release: Release, trust: Trust | Policy, recipe: Recipe, model: bytes, *, limits: Limits
) -> None:
    """Refuse a verified release that the policy does not let in, before anything of it is built.

    What a sealed release consists of is known only once it is open, which is why this is no part of `verify`.

    Parameters
    ----------
    release : Release
        Its name decides which rule holds.
    trust : Trust or Policy
        Its rule's `components` and `estimators` hold.
    recipe : Recipe
        What the model was made with, as its publisher says.
    model : bytes
        The part ``model.json``.
    limits : Limits
        Bounds on the model's JSON.

    Raises
    ------
    RefusedError
        When something is not allowed; the verdict has the checks ``"components"`` and ``"estimators"``.
    InvalidArtifactError
        When the model is not strict JSON.
    """
    policy = trust if isinstance(trust, Policy) else trust.policy
    rule = policy.rule_for(release.name)
    references = sorted(
        {each.reference or each.implementation for each in recipe.components}
        | {each.reference for each in recipe.serializers}
    )
    checks = [_check("components", rule, rule.components, references, rule.allows_component)]
    if rule.estimators is None:
        checks.append(_any("estimators", rule))
    else:
        types = sorted(estimator_types(model, limits=limits))
        checks.append(_check("estimators", rule, rule.estimators, types, rule.allows_estimator))
    verdict = Verdict(release.name, checks, identity=release.identity, version=release.version)
    if verdict.failures:  # where nothing was asked, nothing passed
        verdict.raise_if_refused()


def _check(
    what: str,
    rule: Rule,
    allowed: Iterable[str] | None,
    found: Iterable[str],
    allows: Callable[[str], bool],
) -> Check:
    if allowed is None:
        return _any(what, rule)
    refused = [each for each in found if not allows(each)]
    accepted = f"the rule for {rule.names} allows {', '.join(allowed) or 'none'}"
    if refused:
        return Check.of(what, False, f"it consists of {', '.join(refused)}; {accepted} ({what})")
    return Check.of(what, True, accepted)


def _any(what: str, rule: Rule) -> Check:
    return Check.skipped(what, f"the rule for {rule.names} allows any")
