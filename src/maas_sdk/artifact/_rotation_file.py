"""A rotation of keys that came by itself, as a file: it is verified, and the policy follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.artifact._documents.notices import Rotation
from maas_sdk.artifact._notice_checks import verify_with
from maas_sdk.errors import PolicyError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.trust import RotatedKeys, audited

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.trust import Trust

__all__ = ["follow_rotation"]


def follow_rotation(
    envelope: bytes, *, trust: Trust, names: str, limits: Limits = DEFAULT_LIMITS
) -> Rotation:
    """Verify a rotation, and let the new keys take the place of the old ones in a policy.

    Parameters
    ----------
    envelope : bytes
        A DSSE envelope in JSON, as `Store.rotate` gives it.
    trust : Trust
        Whose policy follows.
    names : str
        Of the rule: it must be there for exactly these names.
    limits : Limits
        Bounds on what is parsed.

    Raises
    ------
    PolicyError
        When there is no such rule, or the rotation is not the next one of its publisher.
    VerificationError
        When too few of the old keys or of the new ones have signed it.
    InvalidArtifactError
        When it is no rotation.
    StorageError
        When the policy cannot be written.
    """
    with audited(trust.audit, "rotate", names) as deed:
        rule = next((rule for rule in trust.policy.rules if rule.names == names), None)
        if rule is None:
            raise PolicyError(f"no rule of the policy is for exactly {names}; see maas trust list")
        verified = verify_with(envelope, rule.keys, rule.threshold, limits)
        rotation = Rotation.from_payload(verified.payload, limits=limits)
        verify_with(envelope, rotation.keys, rotation.threshold, limits)
        trust.apply_rotation(
            names, RotatedKeys(rotation.publisher, rotation.epoch, rotation.threshold, rotation.keys)
        )
        deed.reasons = [f"epoch {rotation.epoch}: {', '.join(key.fingerprint for key in rotation.keys)}"]
    return rotation
