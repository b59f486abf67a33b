"""A release in a store: what it says of itself, its verdict, its parts, and its way into a bundle."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._bundle import write_bundle
from maas_sdk.artifact._examination import Examination
from maas_sdk.artifact._keys import fingerprint_of, sealing_identities
from maas_sdk.artifact._progress import Progress, no_progress
from maas_sdk.artifact._statements import ReleaseStatement, SealingStatement
from maas_sdk.artifact._verify import ask, check_blobs
from maas_sdk.errors import DigestMismatchError, InvalidArtifactError, InvalidOptionError, NoMatchError
from maas_sdk.sealing import AgeSealer
from maas_sdk.signing import Envelope

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import datetime

    from maas_sdk.artifact._papers import BlobSource, Papers
    from maas_sdk.artifact._parts import PartInfo
    from maas_sdk.artifact._statements import Layer
    from maas_sdk.interfaces import Sealer
    from maas_sdk.limits import Limits
    from maas_sdk.trust import Policy, Trust, Verdict

__all__ = ["Release", "make_release"]


@frozen(eq=False, repr=False)
class Release:
    """An immutable version of a model in a store; `Store` gives it.

    What it says of itself is what the store holds. Whether that is to be believed, `verify` tells.
    """

    _statement: ReleaseStatement
    _sealing: SealingStatement | None
    _papers: Papers
    _source: BlobSource
    _limits: Limits
    _exact: bool

    def __repr__(self) -> str:
        return f"<Release {self._statement.subject} {self.identity}>"

    @property
    def name(self) -> str:
        """``publisher/model``."""
        return self._statement.name

    @property
    def version(self) -> str:
        """SemVer 2.0."""
        return self._statement.version

    @property
    def identity(self) -> str:
        """``sha256:…`` of the release statement; the same for whomever it is sealed."""
        return self._statement.identity

    @property
    def manifest_digest(self) -> str:
        """``sha256:…`` of the OCI manifest; another for each time it is sealed."""
        return self._papers.digest

    @property
    def sequence(self) -> int:
        """Its number; grows with each release of the name, and may leave gaps."""
        return self._statement.sequence

    @property
    def previous(self) -> str | None:
        """Identity of the release before it; None for the first."""
        return self._statement.previous

    @property
    def created(self) -> str:
        """When it was made, as its publisher says: ``"2026-11-23T22:00:00Z"``."""
        return self._statement.created

    @property
    def expires(self) -> str | None:
        """From when on it must not be used any more."""
        return self._statement.expires

    @property
    def keys(self) -> tuple[str, ...]:
        """Fingerprints of the keys that signed it."""
        return self._statement.keys

    @property
    def parts(self) -> tuple[PartInfo, ...]:
        """Its files, sorted by path; sizes and digests are those of the plaintext."""
        return self._statement.parts

    @property
    def sealed(self) -> bool:
        """Whether its parts are encrypted."""
        return self._sealing is not None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Fingerprints of those for whom it is sealed; empty when it is not."""
        return () if self._sealing is None else self._sealing.recipients

    def export(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> Path:
        """Write a bundle: one file for the other organisation.

        The same release gives the same bytes. An existing file is replaced; when the writing fails, nothing
        is left and an existing file stays.

        Parameters
        ----------
        path : path-like
            The file, ``digits-1.0.0.maas`` by custom; its folder must exist.
        progress : callable, optional
            Called with ``"export"``, bytes done and bytes in all.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        DigestMismatchError
            When the store is damaged.
        StorageError
            When the file cannot be written.
        """
        target = Path(path)
        write_bundle(target, self._papers, self._source, progress=progress or no_progress)
        return target

    def verify(
        self,
        trust: Trust | Policy,
        *,
        recipient: Any = None,
        now: str | datetime | None = None,
        progress: Progress | None = None,
    ) -> Verdict:
        """Check the release before it is used: who published it, for whom it is sealed, age and contents.

        Rollback does not count against a release that was asked for by its version or identity; equivocation
        does. First use was decided when it was imported.

        Parameters
        ----------
        trust : Trust or Policy
            Whose releases are accepted.
        recipient : Contact, Identity, Recipient or str, optional
            The caller: a sealed release must name it.
        now : datetime or str, optional
            The present time; the clock's by default.
        progress : callable, optional
            Called with ``"verify"``, bytes done and bytes in all.

        Raises
        ------
        StorageError
            When the store cannot be read.
        TrustStateError
            When what was remembered is damaged.
        """
        held = (self.identity, self.manifest_digest)
        question = ask(
            trust,
            recipient=recipient,
            now=now,
            limits=self._limits,
            held=lambda _name, _version: held,
            loading=True,
            exact=self._exact,
        )
        examination = Examination(question)
        examination.judge("manifest", lambda: f"ModelPack manifest {self.manifest_digest}")
        examination.examine(
            self._papers, lambda: check_blobs(self._source, self._papers, progress or no_progress)
        )
        return examination.verdict(self._statement.subject)

    def read_parts(
        self, *, identity: Any = None, sealer: Sealer | None = None, progress: Progress | None = None
    ) -> dict[str, bytes]:
        """Read every part into memory, unsealed and checked.

        A sealed layer is checked against its digest before it is decrypted, and the plaintext against the
        publisher's statement after it. Whether the statement is to be believed, `verify` tells.

        Parameters
        ----------
        identity : Identity, an identity of the sealer, or a sequence of them, optional
            What opens a sealed release.
        sealer : Sealer, optional
            What it was sealed with; age by default.
        progress : callable, optional
            Called with ``"read"``, bytes done and bytes in all.

        Returns
        -------
        dict of str to bytes
            By path.

        Raises
        ------
        NoMatchError
            When it is sealed, and not for this identity.
        DigestMismatchError
            When a layer or a part is not what was signed.
        SealingError
            When a layer cannot be decrypted.
        """
        tell = progress or no_progress
        total = sum(part.size for part in self.parts)
        done = 0
        parts = {}
        read = self._plain if self._sealing is None else self._opener(self._sealing, identity, sealer)
        for part in self.parts:
            data = read(part)
            if len(data) != part.size or sha256(data) != part.digest:
                raise DigestMismatchError(f"{part.path} in {self!r} is not what its publisher signed")
            parts[part.path] = data
            done += part.size
            tell("read", done, total)
        return parts

    def _plain(self, part: PartInfo) -> bytes:
        return self._source.read(part.digest, max_bytes=part.size)

    def _opener(
        self, sealing: SealingStatement, identity: Any, sealer: Sealer | None
    ) -> Callable[[PartInfo], bytes]:
        """Give what reads one sealed part, once it is clear that it can."""
        used = sealer or AgeSealer(limits=self._limits)
        if used.suffix != sealing.suffix:
            raise InvalidOptionError(
                f"{self!r} is sealed as {sealing.suffix}, and {type(used).__name__} opens {used.suffix}"
            )
        identities = [] if identity is None else sealing_identities(identity)
        mine = {fingerprint_of(each) for each in identities if hasattr(each, "recipient")}
        if not identities or (mine and mine.isdisjoint(sealing.recipients)):
            raise self._no_match(sealing, mine)
        layers = {layer.part: layer for layer in sealing.layers}

        def read(part: PartInfo) -> bytes:
            try:
                return self._open(layers[part.path], part, used, identities)
            except NoMatchError as exc:
                raise self._no_match(sealing, mine) from exc

        return read

    def _open(self, layer: Layer, part: PartInfo, sealer: Sealer, identities: list[Any]) -> bytes:
        sealed = self._source.read(layer.digest, max_bytes=layer.size)
        sink = _Bounded(part.size)
        sealer.decrypt(io.BytesIO(sealed), sink, identities)
        return sink.getvalue()

    def _no_match(self, sealing: SealingStatement, mine: set[str]) -> NoMatchError:
        given = f"the identity given is {', '.join(sorted(mine))}" if mine else "no identity given opens it"
        return NoMatchError(
            f"{self._statement.subject} is sealed for {', '.join(sealing.recipients)}; {given}"
        )


class _Bounded(io.BytesIO):
    """Takes as many bytes as a part may have."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def write(self, data: Any, /) -> int:
        with memoryview(data) as view:
            self._left -= view.nbytes
        if self._left < 0:
            raise DigestMismatchError("a sealed part is larger than its publisher signed")
        return super().write(data)


def make_release(
    papers: Papers, source: BlobSource, *, identity: str, subject: str, limits: Limits, exact: bool
) -> Release:
    """Make a release out of its documents, which must be of the release that was asked for.

    Raises
    ------
    DigestMismatchError
        When the statement is not the one that the store's reference names.
    InvalidArtifactError
        When a statement breaks its form, or is about another release.
    """
    payload = Envelope.from_json(papers.release.envelope, limits=limits).payload
    if sha256(payload) != identity:
        raise DigestMismatchError(f"the store has the release {sha256(payload)} as {identity}")
    statement = ReleaseStatement.from_payload(payload, limits=limits)
    if statement.subject != subject:
        raise InvalidArtifactError(f"the store has {statement.subject} as {subject}")
    sealing = None
    if papers.sealing is not None:
        envelope = Envelope.from_json(papers.sealing.envelope, limits=limits)
        sealing = SealingStatement.from_payload(envelope.payload, limits=limits)
        if sorted(layer.part for layer in sealing.layers) != [part.path for part in statement.parts]:
            raise InvalidArtifactError(f"the sealed layers of {subject} are not one for each part")
    return Release(statement, sealing, papers, source, limits, exact)
