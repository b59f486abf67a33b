"""A release in a store: what it says of itself, its verdict, its parts, and its way into a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import frozen

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._bundles.bundle import write_bundle
from maas_sdk.artifact._bundles.delta import ExportPlan, plan_export
from maas_sdk.artifact._bundles.volumes import write_volumes
from maas_sdk.artifact._contents.keys import fingerprint_of
from maas_sdk.artifact._documents.papers import MAX_DOCUMENT
from maas_sdk.artifact._documents.parts import WEIGHTS
from maas_sdk.artifact._documents.progress import Progress, no_progress
from maas_sdk.artifact._documents.statements import ReleaseStatement, SealingStatement
from maas_sdk.artifact._examination import Examination
from maas_sdk.artifact._receipt import Receipt
from maas_sdk.artifact._verify import ask, check_blobs
from maas_sdk.errors import DigestMismatchError, InvalidArtifactError, NoMatchError
from maas_sdk.signing import Envelope
from maas_sdk.trust import audited

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from maas_sdk.artifact._contents.opening import PartReader
    from maas_sdk.artifact._documents.disclosures import Disclosures
    from maas_sdk.artifact._documents.names import Reference
    from maas_sdk.artifact._documents.papers import BlobSource, Papers
    from maas_sdk.artifact._documents.parts import PartInfo
    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.interfaces import Sealer
    from maas_sdk.limits import Limits
    from maas_sdk.trust import AuditLog, Policy, Trust, Verdict

__all__ = ["Release", "open_release"]

T = TypeVar("T")
if TYPE_CHECKING:
    Have: TypeAlias = Receipt | str | "Release" | Collection[str | "Release"]


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
    _notices: Callable[[], Iterable[tuple[str, bytes]]] = tuple
    _audit: AuditLog | None = None
    _alias: bytes | None = None

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
    def epoch(self) -> int:
        """Which of the publisher's key sets signed it."""
        return self._statement.epoch

    @property
    def parents(self) -> tuple[str, ...]:
        """Identities of the releases that it was made from."""
        return self._statement.parents

    @property
    def datasets(self) -> dict[str, str]:
        """Digests of what it was trained on, by name."""
        return {dataset.name: dataset.digest for dataset in self._statement.datasets}

    @property
    def metrics(self) -> dict[str, float]:
        """Figures that its publisher gave to search by."""
        return dict(self._statement.metrics)

    @property
    def disclosures(self) -> Disclosures | None:
        """What its publisher's disclosure scan found, and what of it was accepted; None: it does not say."""
        return self._statement.disclosures

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

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        have: Have | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write a bundle: one file for the other organisation.

        The same release gives the same bytes. An existing file is replaced; when the writing fails, nothing
        is left and an existing file stays.

        Parameters
        ----------
        path : path-like
            The file, ``digits-1.0.0.maas`` by custom; its folder must exist.
        have : Receipt, Release, manifest digest, or a collection of releases and digests, optional
            What the receiver has: layers of these are left out, and the bundle says what it presumes.
        progress : callable, optional
            Called with ``"export"``, bytes done and bytes in all.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InvalidOptionError
            When `have` is something else.
        NotFoundError
            When the store does not know a manifest that the receiver is said to have; what a receipt names
            beyond what is known here is passed over.
        DigestMismatchError
            When the store is damaged.
        StorageError
            When the file cannot be written.
        """
        target = Path(path)
        with audited(self._audit, "export", self._statement.subject) as deed:
            deed.identity = self.identity
            plan = self._plan(have)
            write_bundle(
                target,
                self._with_notices(),
                self._source,
                absent=plan.absent,
                presumes=plan.presumes,
                progress=progress or no_progress,
            )
            deed.reasons = [str(target), f"{len(plan.absent)} layers left out"]
        return target

    def export_volumes(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int,
        have: Have | None = None,
        progress: Progress | None = None,
    ) -> tuple[Path, ...]:
        """Write a bundle in several files of a size that the medium takes.

        Each of them can be imported alone, in any order; the last one completes the release.

        Parameters
        ----------
        path : path-like
            ``digits-1.0.0.maas`` gives ``digits-1.0.0.1of3.maas`` and so on.
        max_bytes : int
            Size of one file at most.
        have, progress
            As for `export`.

        Returns
        -------
        tuple of Path
            The files.

        Raises
        ------
        InvalidOptionError
            When `max_bytes` is too small, or `have` is wrong.
        NotFoundError, DigestMismatchError, StorageError
            As for `export`; none of the files is left.
        """
        with audited(self._audit, "export", self._statement.subject) as deed:
            deed.identity = self.identity
            plan = self._plan(have)
            volumes = write_volumes(
                Path(path),
                self._with_notices(),
                self._source,
                max_bytes=max_bytes,
                absent=plan.absent,
                presumes=plan.presumes,
                progress=progress or no_progress,
            )
            deed.reasons = [str(path), f"{len(volumes)} volumes, {len(plan.absent)} layers left out"]
        return volumes

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
        return self._examine(
            trust,
            lambda: check_blobs(self._source, self._papers, progress or no_progress),
            recipient=recipient,
            now=now,
        )

    def read_parts(
        self,
        *,
        identity: Any = None,
        sealer: Sealer | None = None,
        trust: Trust | Policy | None = None,
        mapped: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, bytes | memoryview]:
        """Read every part into memory, unsealed and checked.

        Of a sealed part layer and plaintext are checked, the one against its digest, the other against the
        publisher's statement. Whether the statement is to be believed, `verify` tells, or `trust` here: then
        the layers are read once for both.

        Parameters
        ----------
        identity : Identity, an identity of the sealer, or a sequence of them, optional
            What opens a sealed release.
        sealer : Sealer, optional
            What it was sealed with; age by default.
        trust : Trust or Policy, optional
            Whose releases are accepted: nothing is given out before every check has passed.
        mapped : bool
            Whether to map large parts of an unsealed release out of a store that is a folder, instead of
            reading them. The files must stay as they are while the parts are used: what is altered meanwhile
            is not noticed, and a medium that is pulled out ends the process.
        progress : callable, optional
            Called with ``"read"``, bytes done and bytes in all.

        Returns
        -------
        dict of str to bytes or memoryview
            By path. Weights are read-only views, everything else is bytes.

        Raises
        ------
        RefusedError
            When `trust` does not accept it; the verdict is in the error.
        NoMatchError
            When it is sealed, and not for this identity.
        DigestMismatchError
            When a layer or a part is not what was signed.
        SealingError
            When a layer cannot be decrypted.
        """
        from maas_sdk.artifact._contents.unpack import map_part, read_part  # noqa: PLC0415 - importing opens nothing

        tell = self._teller("read", progress)

        def read() -> dict[str, bytes | memoryview]:
            reader = self._reader(identity, sealer)
            parts: dict[str, bytes | memoryview] = {}
            for part in self.parts:
                view = None
                if part.media_type == WEIGHTS and mapped and self._sealing is None:
                    view = map_part(self._source, part)
                    tell(0 if view is None else part.size)
                if view is None:
                    view = read_part(reader, part, tell)
                parts[part.path] = view if part.media_type == WEIGHTS else bytes(view)
            return parts

        return self._judged(trust, identity, read)

    def unpack(
        self,
        folder: str | os.PathLike[str],
        *,
        identity: Any = None,
        sealer: Sealer | None = None,
        trust: Trust | Policy | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write every part into a new folder, unsealed and checked.

        The folder appears whole, or not at all. Of a sealed release it is readable by its owner alone.

        Parameters
        ----------
        folder : path-like
            Must not exist; its parent must.
        identity, sealer, trust
            As for `read_parts`.
        progress : callable, optional
            Called with ``"unpack"``, bytes done and bytes in all.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        AlreadyExistsError
            When there is something of that name.
        StorageError
            When it cannot be written.
        RefusedError, NoMatchError, DigestMismatchError, SealingError
            As for `read_parts`.
        """
        from maas_sdk.artifact._contents.unpack import new_folder, write_parts  # noqa: PLC0415 - as in `read_parts`

        target = Path(folder)
        private = self.sealed
        tell = self._teller("unpack", progress)
        with new_folder(target, private=private) as inside:

            def write() -> None:
                reader = self._reader(identity, sealer)
                write_parts(inside, reader, self.parts, private=private, tell=tell)

            self._judged(trust, identity, write)
        return target

    def _judged(self, trust: Trust | Policy | None, identity: Any, act: Callable[[], T]) -> T:
        """Do what reads the contents, as the last check of a verdict where there shall be one."""
        if trust is None:
            return act()
        given: list[T] = []
        no_match: list[NoMatchError] = []

        def contents() -> str:
            try:
                given.append(act())
            except NoMatchError as exc:
                no_match.append(exc)
                raise
            return f"{len(self.parts)} parts are what was signed"

        verdict = self._examine(trust, contents, recipient=self._own(identity))
        if no_match:  # the caller's identity is wrong, and not the release
            raise no_match[0]
        verdict.raise_if_refused()
        return given[0]

    def _own(self, identity: Any) -> Any:
        """Give the one of the caller's identities that the release should name."""
        if not self.sealed or not isinstance(identity, list | tuple):
            return identity if self.sealed else None
        first = identity[0] if identity else None
        return next((each for each in identity if fingerprint_of(each) in self.recipients), first)

    def _examine(
        self,
        trust: Trust | Policy,
        contents: Callable[[], str],
        *,
        recipient: Any = None,
        now: str | datetime | None = None,
    ) -> Verdict:
        held = (self.identity, self.manifest_digest)
        question = ask(
            trust,
            recipient=recipient,
            now=now,
            limits=self._limits,
            held=lambda _name, _version: held,
            loading=True,
            exact=self._exact,
            alias=self._alias,
        )
        examination = Examination(question)
        examination.judge("manifest", lambda: f"ModelPack manifest {self.manifest_digest}")
        examination.examine(self._papers, contents, self._source.open)
        return examination.verdict(self._statement.subject)

    def _reader(self, identity: Any, sealer: Sealer | None) -> PartReader:
        from maas_sdk.artifact._contents.opening import PartReader  # noqa: PLC0415 - as in `read_parts`

        return PartReader(
            self._source,
            self._statement,
            self._sealing,
            limits=self._limits,
            identity=identity,
            sealer=sealer,
        )

    def _teller(self, stage: str, progress: Progress | None) -> Callable[[int], None]:
        total = sum(part.size for part in self.parts)
        done = 0

        def tell(count: int) -> None:
            nonlocal done
            done += count
            (progress or no_progress)(stage, done, total)

        return tell

    def _with_notices(self) -> Papers:
        return self._papers.with_notices(self._notices())

    def _plan(self, have: Have | None) -> ExportPlan:
        if have is None:
            return ExportPlan()
        return plan_export(
            self._papers,
            _manifests(have),
            lambda digest: self._source.read(digest, max_bytes=MAX_DOCUMENT),
            limits=self._limits,
            strict=not isinstance(have, Receipt),
        )


def _manifests(have: Have) -> list[str]:
    """Give the digests of the manifests that a receiver has."""
    if isinstance(have, Receipt):
        return list(have.has)
    several = [have] if isinstance(have, str | Release) else list(have)
    return [each.manifest_digest if isinstance(each, Release) else each for each in several]


def open_release(catalog: Catalog, reference: Reference, *, manifest: str | None = None) -> Release:
    """Give the release that a reference means, in the envelope that has this manifest, or in its first one.

    Raises
    ------
    NotFoundError
        When there is no such release, or no such envelope of it.
    DigestMismatchError
        When the statement is not the one that the store's reference names.
    InvalidArtifactError
        When a document breaks its form, or is about another release.
    """
    found = catalog.find(reference, manifest=manifest)
    papers, limits = found.papers, catalog.limits
    payload = Envelope.from_json(papers.release.envelope, limits=limits).payload
    if sha256(payload) != found.record.identity:
        raise DigestMismatchError(f"the store has the release {sha256(payload)} as {found.record.identity}")
    statement = ReleaseStatement.from_payload(payload, limits=limits)
    if statement.subject != found.subject:
        raise InvalidArtifactError(f"the store has {statement.subject} as {found.subject}")
    sealing = None
    if papers.sealing is not None:
        envelope = Envelope.from_json(papers.sealing.envelope, limits=limits)
        sealing = SealingStatement.from_payload(envelope.payload, limits=limits)
        if sorted(layer.part for layer in sealing.layers) != [part.path for part in statement.parts]:
            raise InvalidArtifactError(f"the sealed layers of {found.subject} are not one for each part")
    return Release(statement, sealing, papers, catalog.blobs, limits, found.exact)
