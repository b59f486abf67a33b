"""Which of the notices beside a release hold, and what follows from them; it changes nothing.

A notice that the policy's keys did not sign is passed over, and the check says so: whoever carries a bundle
can take a notice out, so that one put in shall do no more. What is passed over is neither parsed nor kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from attrs import frozen

from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.notices import AliasNotice, Revocation, Rotation, YankNotice
from maas_sdk.errors import InvalidArtifactError, SigningError, VerificationError
from maas_sdk.signing import Envelope, PublicKey, verify_envelope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_sdk.artifact._documents.papers import Attestation
    from maas_sdk.limits import Limits
    from maas_sdk.signing import VerifiedPayload
    from maas_sdk.trust import Policy, Rule, TrustedKey

__all__ = ["Accepted", "NoticeReader", "public_keys", "verify_with"]

S = TypeVar("S", AliasNotice, YankNotice, Revocation)
_MAX_ROTATIONS: Final = 64


@frozen
class Accepted:
    """Notices that hold.

    Attributes
    ----------
    rotations, revocations, aliases, yanks : sequence of pairs of a statement and its DSSE envelope
        In the order in which they follow each other.
    """

    rotations: Sequence[tuple[Rotation, bytes]] = ()
    revocations: Sequence[tuple[Revocation, bytes]] = ()
    aliases: Sequence[tuple[AliasNotice, bytes]] = ()
    yanks: Sequence[tuple[YankNotice, bytes]] = ()


class NoticeReader:
    """Reads the notices that came with a release of one name.

    Parameters
    ----------
    notices : sequence of Attestation
        As they came.
    name : str
        ``publisher/model``, as it is claimed.
    policy : Policy
        Whose signatures count.
    limits : Limits
        Bounds on what is parsed.

    Attributes
    ----------
    rule : Rule
        What the policy says of the name once the rotations that hold have been followed.
    rotations : list of pairs of Rotation and bytes
        These rotations, the oldest first.
    """

    def __init__(self, notices: Sequence[Attestation], *, name: str, policy: Policy, limits: Limits) -> None:
        self._notices = notices
        self._publisher = name.partition("/")[0]
        self._name = name
        self._policy = policy
        self._limits = limits
        self._rules = [policy.rule_for(name)]
        self.rotations: list[tuple[Rotation, bytes]] = []

    @property
    def rule(self) -> Rule:
        """What holds now."""
        return self._rules[-1]

    def follow_rotations(self) -> str | None:
        """Follow the publisher from key set to key set; give the reason, or None when there is no step.

        Raises
        ------
        InvalidArtifactError, VerificationError
            When the old keys signed something that is no rotation, or the new keys did not sign it.
        PolicyError
            When the policy must be changed by hand for it.
        """
        given = self._of_kind(oci.ROTATION_SIGNATURE)
        for _ in range(_MAX_ROTATIONS):
            step = self._next_rotation(given)
            if step is None:
                break
            rotation, envelope = step
            self._policy = self._policy.rotated(self.rule.names, rotation.rotated)
            self.rotations.append((rotation, envelope))
            self._rules.append(self._policy.rule_for(self._name))
        if not self.rotations:
            return None
        return (
            f"{self._publisher} signs with other keys from epoch {self.rule.epoch} on: "
            f"{', '.join(key.name for key in self.rule.keys)}; the old keys have signed it"
        )

    def revocations(self) -> list[tuple[Revocation, bytes]]:
        """Give the lists of the publisher that its keys, old or new, have signed; the lowest number first."""
        found = [
            pair
            for pair in self._signed(oci.REVOCATION_SIGNATURE, Revocation)
            if pair[0].publisher == self._publisher
        ]
        return sorted(found, key=lambda pair: pair[0].number)

    def yanks(self) -> list[tuple[YankNotice, bytes]]:
        """Give the yanks of the name that its keys, old or new, have signed; the lowest generation first."""
        found = [pair for pair in self._signed(oci.YANK_SIGNATURE, YankNotice) if pair[0].name == self._name]
        return sorted(found, key=lambda pair: (pair[0].version, pair[0].generation))

    def aliases(self) -> tuple[list[tuple[AliasNotice, bytes]], list[str]]:
        """Give the moves of aliases by who may move them, and of the others why they are passed over."""
        held: list[tuple[AliasNotice, bytes]] = []
        refused: list[str] = []
        for notice, envelope in self._signed(oci.ALIAS_SIGNATURE, AliasNotice):
            try:
                self._check_mover(notice, envelope)
            except (SigningError, InvalidArtifactError) as exc:
                refused.append(str(exc))
            else:
                held.append((notice, envelope))
        return sorted(held, key=lambda pair: (pair[0].alias, pair[0].generation)), refused

    def count(self, kind: str) -> int:
        """Tell how many notices of a kind came."""
        return len(self._of_kind(kind))

    def read_alias(self, envelope: bytes) -> AliasNotice:
        """Give the alias statement that one envelope carries, when it was signed by who may move the alias.

        Raises
        ------
        VerificationError
            When it was not.
        InvalidArtifactError
            When it is malformed or about another name.
        """
        payload = self._verify_any(envelope, AliasNotice).payload
        notice = AliasNotice.from_payload(payload, limits=self._limits)
        self._check_mover(notice, envelope)
        return notice

    def _check_mover(self, notice: AliasNotice, envelope: bytes) -> None:
        if notice.name != self._name:
            raise InvalidArtifactError(f"the alias statement is about {notice.name}, not {self._name}")
        keys, threshold = self.rule.movers(notice.alias)
        try:
            verify_with(envelope, keys, threshold, self._limits)
        except VerificationError as exc:
            names = ", ".join(key.name for key in keys)
            raise VerificationError(
                f"the alias {notice.alias} may be moved by {threshold} of {names}, and was not: {exc}"
            ) from exc

    def _next_rotation(self, given: Iterable[Attestation]) -> tuple[Rotation, bytes] | None:
        for attestation in given:
            try:
                verified = verify_with(
                    attestation.envelope, self.rule.keys, self.rule.threshold, self._limits
                )
            except VerificationError:
                continue  # of an earlier epoch, or of nobody whom the policy knows
            rotation = Rotation.from_payload(verified.payload, limits=self._limits)
            if (rotation.publisher, rotation.epoch) == (self._publisher, self.rule.epoch + 1):
                verify_with(attestation.envelope, rotation.keys, rotation.threshold, self._limits)
                return rotation, attestation.envelope
        return None

    def _signed(self, kind: str, statement: type[S]) -> list[tuple[S, bytes]]:
        found: list[tuple[S, bytes]] = []
        for attestation in self._of_kind(kind):
            try:
                payload = self._verify_any(attestation.envelope, statement).payload
            except VerificationError:
                continue
            found.append((statement.from_payload(payload, limits=self._limits), attestation.envelope))
        return found

    def _verify_any(self, envelope: bytes, statement: type[S]) -> VerifiedPayload:
        """Verify with the keys of any epoch that was passed through, the latest first."""
        for rule in reversed(self._rules):
            # Whoever may move an alias is known only when it is read: until then one key has to do.
            threshold = 1 if statement is AliasNotice else rule.threshold
            try:
                return verify_with(envelope, rule.keys, threshold, self._limits)
            except VerificationError as exc:
                error = exc
        raise error

    def _of_kind(self, kind: str) -> list[Attestation]:
        return [notice for notice in self._notices if notice.kind == kind]


def public_keys(keys: Sequence[TrustedKey]) -> list[PublicKey]:
    """Give the keys themselves; `VerificationError` when one is not what its fingerprint says."""
    found = []
    for trusted in keys:
        key = PublicKey.from_pem(trusted.pem)
        if key.fingerprint != trusted.fingerprint:
            raise VerificationError(
                f"the policy's key {trusted.name!r} has the fingerprint {key.fingerprint}, and the policy "
                f"says {trusted.fingerprint}: the policy was damaged or altered"
            )
        found.append(key)
    return found


def verify_with(
    envelope: bytes, keys: Sequence[TrustedKey], threshold: int, limits: Limits
) -> VerifiedPayload:
    """Verify a DSSE envelope.

    Raises
    ------
    VerificationError
        When fewer than `threshold` of `keys` have signed it.
    InvalidArtifactError
        When it is no envelope.
    """
    return verify_envelope(
        Envelope.from_json(envelope, limits=limits), public_keys(keys), threshold=threshold
    )
