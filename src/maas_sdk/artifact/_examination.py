"""The checks of a verdict, one after the other; it reads no file and changes nothing.

Bytes are checked before they are parsed, and parsed before they are trusted: the payload of an envelope is
looked at only after its signature held. A check that rests on a failed one is skipped, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from attrs import frozen

from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.names import is_name, is_version
from maas_sdk.artifact._documents.parts import SELF_TEST_PART
from maas_sdk.artifact._documents.statements import Layer, ReleaseStatement, SealingStatement
from maas_sdk.artifact._notice_checks import Accepted, NoticeReader, verify_with
from maas_sdk.errors import (
    ArtifactError,
    InvalidArtifactError,
    PolicyError,
    SealingError,
    SigningError,
    VerificationError,
)
from maas_sdk.trust import (
    Check,
    CheckStatus,
    Verdict,
    check_dates,
    check_disclosure,
    check_list,
    check_revocation,
    check_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from maas_sdk.artifact._documents.papers import Papers
    from maas_sdk.limits import Limits
    from maas_sdk.signing import PublicKey
    from maas_sdk.trust import Policy, Ratchet, Rule, TrustedKey

__all__ = ["Examination", "Question"]

_RATCHET: Final = ("first use", "rollback", "fast-forward", "equivocation", "clock")
_DATES: Final = ("expires", "age")
_NOTICES: Final = ("alias", "yank")
_ORDER: Final = (
    "publisher", "rotation", "signature", "revocation", "sealing", "recipient", *_RATCHET, *_DATES, "size",
    "self-test", "disclosure", *_NOTICES, "version", "contents", "post-quantum",
)  # fmt: skip
# What bytes can be guilty of. Anything else (a medium that fails, a damaged trust state) is no verdict.
_GUILT: Final = (ArtifactError, SealingError, SigningError, PolicyError)
_POST_QUANTUM_STANZA: Final = "mlkem768x25519"
_AGE: Final = ".age"


class _Skipped(Exception):  # noqa: N818 - never leaves this module
    """Carries the reason why a check does not apply."""


@frozen(kw_only=True)
class Question:
    """What a caller wants to know of a release.

    Attributes
    ----------
    policy : Policy
        Whose releases are accepted.
    ratchet : Ratchet or None
        What was seen before; None when only a policy was given.
    first_use : collection of str
        Names whose first release is accepted.
    recipient : str or None
        The caller's own fingerprint.
    now : str
        The present time.
    limits : Limits
        Bounds on what is parsed.
    held : callable or None
        ``held(name, version)`` gives identity and manifest digest of the release that a store has under that
        version, None when it has none; the whole is None when no store is concerned.
    loading : bool
        Whether the release is used out of a store, and not brought into it.
    exact : bool
        When loading: whether version or identity were given, not a range.
    alias : bytes or None
        When loading: the DSSE envelope of the alias by which the release was asked for.
    """

    policy: Policy
    ratchet: Ratchet | None
    first_use: Collection[str]
    recipient: str | None
    now: str
    limits: Limits
    held: Callable[[str, str], tuple[str, str] | None] | None = None
    loading: bool = False
    exact: bool = True
    alias: bytes | None = None


class Examination:
    """Collects the checks on one release.

    Attributes
    ----------
    statement : ReleaseStatement or None
        What the release is, once its signature held.
    sealing : SealingStatement or None
        For whom it is sealed, once that signature held.
    rule : Rule or None
        What the policy says of the name, rotations of the publisher's keys followed.
    accepted : Accepted
        The notices that hold.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._checks: list[Check] = []
        self._held: tuple[str, str] | None = None
        self.statement: ReleaseStatement | None = None
        self.sealing: SealingStatement | None = None
        self.rule: Rule | None = None
        self._signed_by: list[PublicKey] = []
        self._threshold = 1
        self.accepted = Accepted()

    @property
    def refused(self) -> bool:
        """Whether a check has failed."""
        return any(check.status is CheckStatus.FAILED for check in self._checks)

    @property
    def equivocates(self) -> bool:
        """Whether the publisher gave the number of this release to another one, too."""
        return "equivocation" in {c.name for c in self._checks if c.status is CheckStatus.FAILED}

    def judge(self, name: str, check: Callable[[], str]) -> bool:
        """Run one check, which gives the reason why it passed or raises why not; tell whether it passed."""
        try:
            result = Check.of(name, True, check())
        except _Skipped as exc:
            result = Check.skipped(name, str(exc))
        except _GUILT as exc:
            result = Check.of(name, False, str(exc))
        self._checks.append(result)
        return result.status is CheckStatus.PASSED

    def skip_the_rest(self, reason: str, also: Sequence[str] = ()) -> None:
        """Skip every check that was not made."""
        made = {check.name for check in self._checks}
        for name in (*also, *_ORDER):
            if name not in made and (name != "version" or self._question.held):
                self._checks.append(Check.skipped(name, reason))

    def verdict(self, subject: str) -> Verdict:
        """Give the verdict on what was examined; `subject` names it as long as no signature does."""
        statement = self.statement
        if statement is None:
            return Verdict(subject, self._checks)
        return Verdict(statement.name, self._checks, identity=statement.identity, version=statement.version)

    def examine(
        self, papers: Papers, contents: Callable[[], str], open_layer: Callable[[str], BinaryIO | None]
    ) -> None:
        """Make all checks on a release whose documents could be read.

        Parameters
        ----------
        papers : Papers
            The documents.
        contents : callable
            Checks digest and size of every layer; called last, and only when nothing has failed.
        open_layer : callable
            Opens a layer that `contents` has checked; None where it is elsewhere.
        """
        question = self._question
        if not self.judge("publisher", lambda: _find_rule(papers, question.policy)):
            return self.skip_the_rest("the policy does not say whose signature counts")
        reader = NoticeReader(
            papers.notices, name=papers.name, policy=question.policy, limits=question.limits
        )
        self.judge("rotation", lambda: self._check_rotation(reader))
        rule = self.rule = reader.rule
        if self.refused:
            return self.skip_the_rest("the keys of the publisher are not known")
        if not self.judge("signature", lambda: self._check_signature(papers, rule)):
            return self.skip_the_rest("it rests on the signature, which does not hold")
        statement = self.statement
        assert statement is not None
        if question.held is not None:
            self._held = question.held(statement.name, statement.version)
        self.judge("revocation", lambda: self._check_revocation(reader, statement))
        self.judge("sealing", lambda: self._check_sealing(papers, rule, statement))
        self.judge("recipient", lambda: self._check_recipient(papers))
        self._check_ratchet(statement)
        self._checks += check_dates(rule, statement.created, statement.expires, question.now)
        self._checks.append(check_size(rule, sum(part.size for part in statement.parts)))
        self.judge("self-test", lambda: _check_self_test(statement, rule))
        self._checks.append(_check_disclosures(statement, rule))
        self._check_alias(reader, statement)
        self.judge("yank", lambda: _check_yanks(reader, statement))
        if question.held is not None and not question.loading:
            self.judge("version", lambda: self._check_version(papers, statement))
        if self.refused:
            return self.skip_the_rest("not read, because the release is refused anyway")
        if self.judge("contents", lambda: self._check_contents(papers, statement, contents)):
            self.judge("post-quantum", lambda: self._check_post_quantum(rule, open_layer))
        self.skip_the_rest("it rests on the contents")
        if not self.refused:
            self.accepted = Accepted(
                reader.rotations, reader.revocations(), reader.aliases()[0], reader.yanks()
            )
        return None

    def _check_rotation(self, reader: NoticeReader) -> str:
        reason = reader.follow_rotations()
        if reason is None:
            count = reader.count(oci.ROTATION_SIGNATURE)
            raise _Skipped(
                f"{count} came, and none that follows epoch {reader.rule.epoch}" if count else "none came"
            )
        return reason

    def _check_signature(self, papers: Papers, rule: Rule) -> str:
        """Verify with the keys of the present epoch, and out of a store with those of earlier ones, too."""
        question = self._question
        error: VerificationError | None = None
        for each in (rule, *(reversed(rule.retired) if question.loading else ())):
            try:
                verified = verify_with(papers.release.envelope, each.keys, each.threshold, question.limits)
                statement = ReleaseStatement.from_payload(verified.payload, limits=question.limits)
                _check_epoch(statement, each.epoch)
            except VerificationError as exc:
                error = error or exc
                continue
            return self._check_statement(papers, statement, verified.keys, each.keys, each.threshold)
        assert error is not None
        raise error

    def _check_statement(
        self,
        papers: Papers,
        statement: ReleaseStatement,
        signed: Sequence[PublicKey],
        trusted: Sequence[TrustedKey],
        threshold: int,
    ) -> str:
        if (statement.name, statement.version) != (papers.name, papers.version):
            raise InvalidArtifactError(
                f"it claims to be {papers.name}@{papers.version}, and {statement.subject} is what was signed"
            )
        named = [key for key in signed if key.fingerprint in statement.keys]
        if len(named) < threshold:
            raise VerificationError(
                f"{len(named)} of the keys that the statement names signed it; {threshold} needed"
            )
        self.statement, self._signed_by, self._threshold = statement, named, threshold
        return f"the release statement is signed by {_names(named, trusted)}"

    def _check_revocation(self, reader: NoticeReader, statement: ReleaseStatement) -> str:
        ratchet, publisher = self._question.ratchet, statement.name.partition("/")[0]
        revoked = None if ratchet is None else ratchet.revoked(publisher)
        for revocation, _ in reader.revocations():
            if revoked is None or revocation.number >= revoked.number:
                _expect(check_list(publisher, revoked, revocation.revoked))
                revoked = revocation.revoked.joined(revoked)
        fingerprints = [key.fingerprint for key in self._signed_by]
        return _expect(
            check_revocation(statement.name, fingerprints, self._threshold, statement.identity, revoked)
        )

    def _check_sealing(self, papers: Papers, rule: Rule, statement: ReleaseStatement) -> str:
        if papers.sealing is None:
            if rule.require_sealed:
                raise InvalidArtifactError(
                    f"it is not sealed, and the rule for {rule.names} requires it (require_sealed)"
                )
            return "it is not sealed, and the rule does not require it"
        keys = [*rule.keys, *self._retired(rule)]
        verified = verify_with(papers.sealing.envelope, keys, 1, self._question.limits)
        sealing = SealingStatement.from_payload(verified.payload, limits=self._question.limits)
        if sealing.manifest != papers.digest:
            raise InvalidArtifactError(
                f"what was signed is the envelope {sealing.manifest}, this is {papers.digest}"
            )
        if sealing.identity != statement.identity:
            raise InvalidArtifactError(
                f"the envelope was signed for the release {sealing.identity}, this is {statement.identity}"
            )
        if sorted(layer.part for layer in sealing.layers) != [part.path for part in statement.parts]:
            raise InvalidArtifactError("the sealed layers are not one for each part")
        _check_manifest(papers, statement, sealing.layers, sealing.suffix)
        self.sealing = sealing
        return (
            f"{len(sealing.layers)} layers sealed for {len(sealing.recipients)} recipients, "
            f"signed by {_names(verified.keys, keys)}"
        )

    def _retired(self, rule: Rule) -> list[TrustedKey]:
        """Give the keys of earlier epochs, which count for what is in the store already."""
        known = {key.fingerprint for key in rule.keys}
        earlier = {key.fingerprint: key for each in rule.retired for key in each.keys}
        return [key for mark, key in earlier.items() if self._question.loading and mark not in known]

    def _check_recipient(self, papers: Papers) -> str:
        mine = self._question.recipient
        if papers.sealing is None:
            raise _Skipped("it is not sealed")
        if mine is None:
            raise _Skipped("no recipient was given to look for")
        if self.sealing is None:
            raise _Skipped("it rests on the envelope statement, which does not hold")
        if mine not in self.sealing.recipients:
            raise VerificationError(
                f"it is sealed for {len(self.sealing.recipients)} others and not for {mine}: somebody may "
                "have passed on what was meant for them; ask the publisher to seal it for you"
            )
        return f"{mine} is among the recipients"

    def _check_ratchet(self, statement: ReleaseStatement) -> None:
        question = self._question
        if question.ratchet is None:
            reason = "a policy alone remembers nothing; give a Trust to have it checked"
            self._checks += [Check.skipped(name, reason) for name in _RATCHET]
            return
        identity = statement.identity
        checks = question.ratchet.check(
            statement.name,
            statement.sequence,
            identity,
            statement.created,
            epoch=statement.epoch,
            first_use=question.first_use,
            now=question.now,
        )
        held = self._held is not None and self._held[0] == identity
        self._checks += [self._excuse(check, held=held) for check in checks]

    def _excuse(self, check: Check, *, held: bool) -> Check:
        """Let pass what the ratchet refuses of a release that was accepted before."""
        if check.status is not CheckStatus.FAILED:
            return check
        if check.name == "first use" and self._question.loading:
            return Check.skipped(check.name, "it is in the store; the import decides on that")
        # A bundle that brings an old release again is a rollback, even where the store has it: whoever
        # imports goes on with what the import gives.
        if check.name == "rollback" and held and self._question.loading:
            if self._question.exact:
                reason = "an older release, and it is in the store and this very one was asked for"
                return Check.skipped(check.name, reason)
            return Check.of(check.name, False, f"{check.reason}; name its version to use it all the same")
        return check

    def _check_alias(self, reader: NoticeReader, statement: ReleaseStatement) -> None:
        question = self._question
        if question.alias is not None:
            self.judge("alias", lambda: self._check_asked_alias(reader, statement))
            return
        self.judge("alias", lambda: _check_aliases(reader))

    def _check_asked_alias(self, reader: NoticeReader, statement: ReleaseStatement) -> str:
        question = self._question
        assert question.alias is not None
        notice = reader.read_alias(question.alias)
        if notice.identity != statement.identity:
            raise InvalidArtifactError(
                f"the alias {notice.alias} means {notice.identity}, this is {statement.identity}"
            )
        if question.ratchet is not None:
            _expect(question.ratchet.check_alias(notice.name, notice.alias, notice.generation))
        return f"{notice.alias} means {notice.version}, as who may move it has signed"

    def _check_post_quantum(self, rule: Rule, open_layer: Callable[[str], BinaryIO | None]) -> str:
        if not rule.require_post_quantum:
            raise _Skipped(f"the rule for {rule.names} does not require it")
        classic = [key.fingerprint for key in self._signed_by if not key.post_quantum]
        if len(self._signed_by) - len(classic) < self._threshold:
            raise VerificationError(
                f"signed by {', '.join(classic)} without ML-DSA-65 beside it, and the rule for {rule.names} "
                "requires it (require_post_quantum)"
            )
        if self.sealing is None:
            return "the signature is post-quantum; it is not sealed"
        if self.sealing.suffix != _AGE:
            raise InvalidArtifactError(
                f"it is sealed as {self.sealing.suffix}, of which it is not known whether it is post-quantum"
            )
        from maas_sdk.sealing import stanza_types  # noqa: PLC0415 - most receivers need no cipher to verify

        for layer in self.sealing.layers:
            file = open_layer(layer.digest)
            if file is not None:
                with file:
                    kinds = stanza_types(file, limits=self._question.limits)
                if kinds != {_POST_QUANTUM_STANZA}:
                    raise InvalidArtifactError(
                        f"{layer.part} is sealed for recipients of the kind {', '.join(sorted(kinds))}; the "
                        f"rule for {rule.names} requires {_POST_QUANTUM_STANZA} alone"
                    )
        return "signature and sealing are post-quantum"

    def _check_version(self, papers: Papers, statement: ReleaseStatement) -> str:
        if self._held is None:
            return "the store has no such version yet"
        identity, manifest = self._held
        if identity != statement.identity:
            raise InvalidArtifactError(
                f"the store has another release as {statement.subject}: {identity}; a version never changes"
            )
        if manifest != papers.digest:
            raise InvalidArtifactError(
                "the store has this release in another envelope, sealed anew or not at all; "
                "import this one into another store"
            )
        return "the store has this very release"

    def _check_contents(
        self, papers: Papers, statement: ReleaseStatement, contents: Callable[[], str]
    ) -> str:
        if self.sealing is None:
            layers = [Layer(part.path, part.digest, part.size) for part in statement.parts]
            _check_manifest(papers, statement, layers, "")
        return contents()


def _expect(check: Check) -> str:
    """Give the reason of a check that trust has made, or raise it."""
    if check.status is CheckStatus.SKIPPED:
        raise _Skipped(check.reason)
    if check.status is CheckStatus.FAILED:
        raise VerificationError(check.reason)
    return check.reason


def _check_aliases(reader: NoticeReader) -> str:
    held, refused = reader.aliases()
    if refused:
        raise _Skipped(f"not taken over: {'; '.join(refused)}")
    if not held:
        raise _Skipped("no alias is concerned")
    return ", ".join(f"{notice.alias} means {notice.version} now" for notice, _ in held)


def _check_yanks(reader: NoticeReader, statement: ReleaseStatement) -> str:
    yanks = {notice.version: notice for notice, _ in reader.yanks()}
    mine = yanks.get(statement.version)
    if mine is not None and mine.yanked:
        raise _Skipped(f"its publisher has yanked it: {mine.reason}; ranges and bare names pass it over")
    others = ", ".join(version for version, notice in yanks.items() if notice.yanked)
    if not others:
        raise _Skipped("nothing is yanked")
    return f"not this one: its publisher has yanked {others}"


def _find_rule(papers: Papers, policy: Policy) -> str:
    if not is_name(papers.name) or not is_version(papers.version):
        raise InvalidArtifactError(f"it claims to be {papers.name!r}@{papers.version!r}, which is malformed")
    rule = policy.rule_for(papers.name)
    return f"the rule for {rule.names} trusts {', '.join(key.name for key in rule.keys)}"


def _check_epoch(statement: ReleaseStatement, epoch: int) -> None:
    if statement.epoch != epoch:
        hint = ""
        if statement.epoch > epoch:
            hint = (
                "; apply the rotation (maas trust rotate), or set the rule's epoch if its keys are those of "
                f"epoch {statement.epoch}"
            )
        raise VerificationError(
            f"it was signed in epoch {statement.epoch} of its publisher's keys, and the policy knows those "
            f"of epoch {epoch}{hint}"
        )


def _names(keys: Sequence[PublicKey], trusted: Sequence[TrustedKey]) -> str:
    names = {each.fingerprint: each.name for each in trusted}
    return ", ".join(f"{names[key.fingerprint]} ({key.fingerprint})" for key in keys)


def _check_manifest(
    papers: Papers, statement: ReleaseStatement, layers: Sequence[Layer], suffix: str
) -> None:
    """Check that manifest and configuration are, byte by byte, what the signed statements make of them."""
    for layer, described in zip(layers, papers.layers, strict=False):
        if (layer.part + suffix, layer.digest) != (described.file_path, described.digest):
            raise InvalidArtifactError(
                f"the manifest has the layer {described.digest} as {described.file_path!r} where "
                f"{layer.digest} as {layer.part + suffix!r} was signed"
            )
    config = oci.build_config(statement, layers)
    manifest = oci.build_manifest(statement, layers, config=config, suffix=suffix)
    if (manifest, config) != (papers.manifest, papers.config):
        raise InvalidArtifactError("manifest and configuration do not say what was signed")


def _check_self_test(statement: ReleaseStatement, rule: Rule) -> str:
    if any(part.path == SELF_TEST_PART for part in statement.parts):
        return "the release carries one"
    if rule.require_selftest:
        raise InvalidArtifactError(
            f"the release carries none, and the rule for {rule.names} requires one (require_selftest)"
        )
    raise _Skipped("the release carries none, and the rule does not require one")


def _check_disclosures(statement: ReleaseStatement, rule: Rule) -> Check:
    said = statement.disclosures
    if said is None:
        return check_disclosure(rule, None, ())
    return check_disclosure(
        rule, said.highest, [f"{each.name} ({each.severity}: {each.evidence})" for each in said.accepted]
    )
