"""A store of releases: publish, open, import; everything is delegated to the modules that do it."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from maas_sdk.artifact import _acts
from maas_sdk.artifact._contents.keys import fingerprint_of
from maas_sdk.artifact._documents.names import Reference, check_name
from maas_sdk.artifact._documents.progress import Progress, no_progress
from maas_sdk.artifact._import import import_bundle
from maas_sdk.artifact._inventory.catalog import Catalog
from maas_sdk.artifact._release import open_release
from maas_sdk.artifact._verify import ask
from maas_sdk.errors import InvalidOptionError, NotFoundError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import AuditLog, Trust, audited

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from maas_sdk.artifact._documents.disclosures import Disclosures
    from maas_sdk.artifact._documents.notices import AliasNotice, Note, Revocation, Rotation, YankNotice
    from maas_sdk.artifact._inventory.lineage import Lineage
    from maas_sdk.artifact._inventory.search import Listing
    from maas_sdk.artifact._release import Release
    from maas_sdk.artifact._unsealing import Unsealing
    from maas_sdk.artifact._upkeep.fsck import FsckReport
    from maas_sdk.artifact._upkeep.maintenance import GcReport
    from maas_sdk.interfaces import Sealer, Signer, StorageBackend
    from maas_sdk.limits import Limits

__all__ = ["Store"]

_AUDIT: Final = "audit.jsonl"


class Store:
    """Releases over a storage backend, in the form of an OCI image layout.

    It may be used from several threads and processes at a time.

    Parameters
    ----------
    backend : StorageBackend
        Where the bytes are; see :func:`maas_sdk.open_store`.
    limits : Limits
        Bounds on what is read.
    audit : AuditLog, optional
        Where it is written down what was published, exported, sealed anew, yanked, moved, rotated, revoked
        and collected, and what failed. By default ``audit.jsonl`` in a store that is a folder, nowhere in
        others.
    """

    def __init__(
        self, backend: StorageBackend, *, limits: Limits = DEFAULT_LIMITS, audit: AuditLog | None = None
    ) -> None:
        self._backend = backend
        self._catalog = Catalog(backend, limits)
        if audit is None and isinstance(backend, LocalBackend):
            audit = AuditLog(backend.folder / _AUDIT)
        self._audit = audit

    def __repr__(self) -> str:
        return f"Store({self._backend!r})"

    @property
    def audit(self) -> AuditLog | None:
        """Where it is written down what is done with this store."""
        return self._audit

    def names(self) -> list[str]:
        """Give the names of which there are releases, sorted."""
        return self._catalog.names()

    def versions(self, name: str) -> list[str]:
        """Give the versions of a name, the lowest first; none when the name is unknown.

        Raises
        ------
        InvalidReferenceError
            When the name is malformed.
        """
        return self._catalog.versions(check_name(name))

    def open(self, reference: str, *, envelope: str | None = None, recipient: Any = None) -> Release:
        """Give the release that a reference means.

        Its documents are read and checked against their digests. Whom they are from, `Release.verify` tells.

        Parameters
        ----------
        reference : str
            ``"name@1.0.0"``, ``"name@^1.2"`` (or another range of npm's notation: the highest version in it,
            pre-releases only where the range names one), ``"name@stable"`` (an alias), ``"name@sha256:…"``
            (the identity), or ``"name"`` (the highest version). Ranges and bare names pass over what is
            yanked.
        envelope : str, optional
            The manifest digest of one of the envelopes of a release that was sealed several times.
        recipient : Contact, Identity, Recipient or str, optional
            Whoever it shall be sealed for, instead of `envelope`.

        Raises
        ------
        InvalidReferenceError
            When the reference is malformed.
        NotFoundError
            When there is no such release or envelope; the message says what there is.
        ArtifactError
            When the store is damaged.
        """
        parsed = Reference.parse(reference)
        if parsed.alias is not None:
            notice, record = _acts.read_alias(self._catalog, parsed)
            exact = Reference(parsed.name, version=notice.version)
            release = self.open(str(exact), envelope=envelope, recipient=recipient)
            return evolve(release, alias=record)
        if recipient is None:
            return self._ready(open_release(self._catalog, parsed, manifest=envelope))
        if envelope is not None:
            raise InvalidOptionError("envelope and recipient exclude each other; give one of them")
        wanted = fingerprint_of(recipient)
        found = self._envelopes(open_release(self._catalog, parsed))
        for release in found:
            if wanted in release.recipients:
                return release
        raise NotFoundError(
            f"{reference} is not sealed for {wanted} in this store; seal it for them with reseal, on the "
            "command line with maas reseal"
        )

    def envelopes(self, reference: str) -> list[Release]:
        """Give the envelopes of a release: itself, and the same sealed for others.

        Raises
        ------
        InvalidReferenceError, NotFoundError, ArtifactError
            As in `open`.
        """
        return self._envelopes(open_release(self._catalog, Reference.parse(reference)))

    def _envelopes(self, first: Release) -> list[Release]:
        exact = Reference(first.name, version=first.version)
        more = [each.manifest.digest for each in self._catalog.envelopes(first.name, first.version)]
        others = (open_release(self._catalog, exact, manifest=digest) for digest in more)
        return [self._ready(release) for release in (first, *others)]

    def _ready(self, release: Release) -> Release:
        """Tell a release what travels with it, and where its deeds are written down."""
        notices = partial(_acts.notices_for, self._catalog, release.name, release.version)
        return evolve(release, notices=notices, audit=self._audit)

    def publish(
        self,
        parts: Mapping[str, Any],
        *,
        name: str,
        version: str,
        signers: Sequence[Signer],
        recipients: Sequence[Any] = (),
        created: str | datetime | None = None,
        expires: str | datetime | None = None,
        sealer: Sealer | None = None,
        parents: Sequence[str] = (),
        datasets: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        disclosures: Disclosures | None = None,
        progress: Progress | None = None,
    ) -> Release:
        """Make an immutable version of some files.

        When it fails or is interrupted, the store holds no half version; publishing again is safe.

        Parameters
        ----------
        parts : mapping of str to bytes-like, sequence of bytes-like, or path
            Contents by relative path: bytes, pieces of bytes that are joined, or a file that is read as a
            stream.
        name : str
            ``publisher/model``.
        version : str
            SemVer 2.0.
        signers : sequence of Signer
            Who signs; one at least.
        recipients : sequence of Contact, Identity or Recipient
            For whom it is sealed, and nobody else: whoever publishes names themselves too, to be able to open
            it. None: it is not sealed.
        created : datetime or str, optional
            When it was made, ``"2026-11-23T22:00:00Z"``; now by default.
        expires : datetime or str, optional
            From when on it must not be used any more.
        sealer : Sealer, optional
            What seals; age by default.
        parents : sequence of str, optional
            The releases that it was made from: identities, or references to releases in this store.
        datasets : mapping of str to str, optional
            What it was trained on: digests, ``sha256:…``, under names for people.
        metrics : mapping of str to float, optional
            Figures to search by.
        disclosures : Disclosures, optional
            What a disclosure scan of the parts found. Parents, data sets, metrics and this are signed and not
            encrypted: whoever has the bundle can read them.
        progress : callable, optional
            Called with ``"seal"`` or ``"store"``, bytes done and bytes in all.

        Returns
        -------
        Release
            The version; the one that is there when the very same release was published before.

        Raises
        ------
        VersionExistsError
            When the version is another release already, or the same for other recipients.
        InvalidReferenceError
            When name or version is malformed.
        InvalidOptionError
            When another argument is wrong.
        LimitExceededError
            When there are too many parts, or they are too large.
        SigningError
            When a signer fails.
        StorageError
            When the store cannot be written.
        """
        from maas_sdk.artifact._draft import make_draft  # noqa: PLC0415 - a receiver's import publishes nothing
        from maas_sdk.artifact._publish import publish  # noqa: PLC0415 - likewise

        with audited(self._audit, "publish", f"{name}@{version}") as deed:
            draft = make_draft(
                parts,
                name=name,
                version=version,
                signers=signers,
                recipients=recipients,
                created=created,
                expires=expires,
                sealer=sealer,
                parents=parents,
                datasets=datasets or {},
                metrics=metrics or {},
                disclosures=disclosures,
                progress=progress or no_progress,
            )
            release = self._ready(publish(self._catalog, draft))
            deed.identity = release.identity
        return release

    def import_bundle(
        self,
        path: str | os.PathLike[str],
        *,
        trust: Trust,
        first_use: Collection[str] = (),
        recipient: Any = None,
        now: str | datetime | None = None,
        progress: Progress | None = None,
        receipt: str | os.PathLike[str] | None = None,
        signer: Signer | None = None,
        unpack: str | os.PathLike[str] | None = None,
        identity: Any = None,
        sealer: Sealer | None = None,
    ) -> Release:
        """Verify a bundle while it is copied, and keep its release when every check has passed.

        Importing the latest release again is fine; an older one is a rollback, even where the store has it.
        Of a refused bundle nothing is kept; after an interruption only verified blobs without a reference,
        and the next run goes on there. What the store has already is not read from the bundle. Volumes can
        come in any order; the last one makes the release exist.

        Parameters
        ----------
        path : path-like
            A ``.maas`` file.
        trust : Trust
            Whose releases are accepted, and what was seen before; a policy alone does not do.
        first_use : collection of str
            Names of which nothing was seen before and which are accepted all the same.
        recipient : Contact, Identity, Recipient or str, optional
            The caller, or the fingerprint of their recipient: a sealed release must name it.
        now : datetime or str, optional
            The present time; the clock's by default.
        progress : callable, optional
            Called with ``"import"``, bytes done and bytes in all; with ``"join"`` while pieces are joined.
        receipt : path-like, optional
            Where to write, as the last step, a signed receipt for the sender.
        signer : Signer, optional
            Who signs the receipt.
        unpack : path-like, optional
            A new folder to write the parts to, as `Release.unpack` does; here they are unsealed in the same
            reading where that can be done. It is readable by its owner alone.
        identity : Identity, an identity of the sealer, or a sequence of them, optional
            What opens a sealed release for `unpack`; it is the `recipient`, too, where none is given.
        sealer : Sealer, optional
            What it was sealed with; age by default.

        Raises
        ------
        RefusedError
            When a check fails; the verdict is in the error.
        IncompleteError
            When the bundle passed and parts of the release are still missing: it names them, and the volumes
            that have them.
        InvalidOptionError
            When `trust` is not a `Trust`, or a receipt is wanted without a signer.
        SigningError
            When the signer fails; the release is in the store by then.
        NoMatchError, SealingError
            When the release cannot be unpacked; it is in the store by then.
        AlreadyExistsError
            When there is something where it shall be unpacked.
        NotFoundError
            When there is no such file.
        StorageError
            When the file cannot be read or the store cannot be written.
        TrustStateError
            When what was remembered is damaged.
        """
        if not isinstance(trust, Trust):
            raise InvalidOptionError(
                f"trust is {trust!r}; importing needs a Trust: a policy alone remembers nothing, so that an "
                "older release could be replayed"
            )
        if receipt is not None and signer is None:
            raise InvalidOptionError("a receipt is signed; give the signer, such as identity.signer")
        question = ask(
            trust,
            first_use=first_use,
            recipient=identity if recipient is None else recipient,
            now=now,
            limits=self._catalog.limits,
            held=self._catalog.held,
        )
        with (
            audited(trust.audit, "import", Path(path).name) as deed,
            self._unpacking(unpack, identity, sealer) as unsealing,
        ):
            imported = import_bundle(
                self._catalog,
                Path(path),
                question=question,
                trust=trust,
                progress=progress or no_progress,
                unsealing=unsealing,
            )
            release = self._ready(imported.release)
            deed.subject, deed.identity = f"{release.name}@{release.version}", release.identity
            if unsealing is not None:
                unsealing.finish(release)
        if receipt is not None and signer is not None:
            from maas_sdk.artifact._receipt import Receipt  # noqa: PLC0415 - most imports sign nothing

            made = Receipt.make(
                self._catalog,
                release,
                imported.verdict,
                received=question.now,
                signer=signer,
                audit=trust.audit,
            )
            made.save(receipt)
        return release

    def _unpacking(
        self, folder: str | os.PathLike[str] | None, identity: Any, sealer: Sealer | None
    ) -> AbstractContextManager[Unsealing | None]:
        if folder is None:
            return nullcontext()
        from maas_sdk.artifact._unsealing import unsealing_into  # noqa: PLC0415 - most imports open nothing

        return unsealing_into(Path(folder), identity=identity, sealer=sealer, limits=self._catalog.limits)

    def set_alias(self, alias: str, reference: str, *, signers: Sequence[Signer]) -> AliasNotice:
        """Let an alias such as ``stable`` mean a release from now on.

        The move is signed, numbered and kept; it travels with that release. Whose move a receiver takes over,
        their policy says.

        Parameters
        ----------
        alias : str
            A word: ``[a-z][a-z0-9._-]*``, and nothing that reads like a version or a range.
        reference : str
            As in `open`.
        signers : sequence of Signer
            Who moves it.

        Raises
        ------
        InvalidReferenceError
            When alias or reference is malformed.
        NotFoundError
            When there is no such release.
        SigningError
            When a signer fails.
        StorageError
            When the store cannot be written.
        """
        with audited(self._audit, "alias", reference) as deed:
            notice = _acts.set_alias(self._catalog, alias, Reference.parse(reference), signers=signers)
            deed.subject, deed.identity = f"{notice.name}@{notice.version}", notice.identity
            deed.reasons = [f"{alias}, generation {notice.generation}"]
        return notice

    def aliases(self, name: str) -> dict[str, AliasNotice]:
        """Give the aliases of a name: what each means now.

        Raises
        ------
        InvalidReferenceError
            When the name is malformed.
        """
        return _acts.aliases(self._catalog, check_name(name))

    def yank(
        self, reference: str, *, signers: Sequence[Signer], reason: str, undo: bool = False
    ) -> YankNotice:
        """Say that a release should not be used any more: ranges and bare names pass it over.

        It stays, and whoever names its version gets it; its number is never used again. The statement is
        signed and travels with the releases of the name.

        Parameters
        ----------
        reference : str
            As in `open`.
        signers : sequence of Signer
            Who says so.
        reason : str
            For people.
        undo : bool
            Whether it may be used again.

        Raises
        ------
        InvalidReferenceError
            When the reference is malformed.
        NotFoundError
            When there is no such release.
        InvalidOptionError
            When the reason is empty, or there is nothing to undo.
        SigningError
            When a signer fails.
        """
        with audited(self._audit, "yank", reference) as deed:
            notice = _acts.yank(
                self._catalog, Reference.parse(reference), signers=signers, reason=reason, undo=undo
            )
            deed.subject, deed.identity = f"{notice.name}@{notice.version}", notice.identity
            deed.reasons = [f"{'not yanked any more' if undo else 'yanked'}: {reason}"]
        return notice

    def annotate(
        self,
        reference: str,
        *,
        signers: Sequence[Signer],
        note: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Note:
        """Write a note to a release, or tags to search by; they replace the ones before and do not travel.

        Parameters
        ----------
        reference : str
            As in `open`.
        signers : sequence of Signer
            Who says so.
        note : str, optional
            One line of text; None leaves the note as it is.
        tags : sequence of str, optional
            None leaves the tags as they are.

        Raises
        ------
        InvalidReferenceError
            When the reference is malformed.
        NotFoundError
            When there is no such release.
        InvalidOptionError
            When text or tags are malformed.
        SigningError
            When a signer fails.
        """
        return _acts.annotate(
            self._catalog, Reference.parse(reference), signers=signers, note=note, tags=tags
        )

    def rotate(
        self,
        publisher: str,
        *,
        signers: Sequence[Signer],
        keys: Mapping[str, Signer],
        threshold: int = 1,
    ) -> tuple[Rotation, bytes]:
        """Begin a new epoch of a publisher's keys: from now on these sign the releases.

        The rotation travels with every release that is exported, and receivers follow it when the old keys
        have signed it, as many as their policy asks, and the new keys, as many as `threshold` says. What was
        numbered too high by a stolen key is forgotten with the epoch.

        Parameters
        ----------
        publisher : str
            What stands before the slash of the names.
        signers : sequence of Signer
            The old keys.
        keys : mapping of str to Signer
            The new keys, under names for people.
        threshold : int
            How many of them must sign a release.

        Returns
        -------
        Rotation, bytes
            What was signed, and its DSSE envelope in JSON: a file for ``maas trust rotate``.

        Raises
        ------
        InvalidOptionError
            When an argument is wrong, or too few of the present keys sign.
        AlreadyExistsError
            When somebody else began this epoch meanwhile.
        SigningError
            When a signer fails.
        """
        with audited(self._audit, "rotate", publisher) as deed:
            rotation, envelope = _acts.rotate(
                self._catalog, publisher, signers=signers, keys=keys, threshold=threshold
            )
            deed.reasons = [f"epoch {rotation.epoch}: {', '.join(key.fingerprint for key in rotation.keys)}"]
        return rotation, envelope

    def revoke(
        self,
        publisher: str,
        *,
        signers: Sequence[Signer],
        keys: Mapping[str, str] | None = None,
        releases: Mapping[str, str] | None = None,
    ) -> Revocation:
        """Revoke keys and releases for good; the list travels with every release that is exported.

        Parameters
        ----------
        publisher : str
            What stands before the slash of the names.
        signers : sequence of Signer
            As many of the publisher's keys as receivers' policies ask.
        keys : mapping of str to str, optional
            Fingerprints, each with a reason for people.
        releases : mapping of str to str, optional
            Identities of releases, each with a reason.

        Raises
        ------
        InvalidOptionError
            When there is nothing to revoke, or an argument is malformed.
        SigningError
            When a signer fails.
        """
        with audited(self._audit, "revoke", publisher) as deed:
            revocation = _acts.revoke(
                self._catalog, publisher, signers=signers, keys=keys or {}, releases=releases or {}
            )
            deed.reasons = [f"list {revocation.number}", *(keys or {}), *(releases or {})]
        return revocation

    def reseal(
        self,
        reference: str,
        *,
        recipients: Sequence[Any],
        identity: Any = None,
        signers: Sequence[Signer],
        sealer: Sealer | None = None,
        progress: Progress | None = None,
    ) -> Release:
        """Seal a release for other recipients: another envelope of the same release, with the same identity.

        It needs the right to read it, and a signer whom its receivers trust. Parts that were sealed for the
        same recipients before are not sealed anew.

        Parameters
        ----------
        reference : str
            As in `open`.
        recipients : sequence of Contact, Identity or Recipient
            For whom it is sealed, and nobody else.
        identity : Identity, an identity of the sealer, or a sequence of them, optional
            What opens it, if it is sealed.
        signers : sequence of Signer
            Who signs the envelope; one at least whose key signed the release.
        sealer : Sealer, optional
            What seals; age by default.
        progress : callable, optional
            Called with ``"reseal"``, bytes done and bytes in all.

        Returns
        -------
        Release
            The release in that envelope; the one that is there when it was sealed for them before.

        Raises
        ------
        InvalidReferenceError, NotFoundError
            As in `open`.
        InvalidOptionError
            When recipients or signers are wrong.
        NoMatchError
            When it is sealed, and not for this identity.
        DigestMismatchError, SealingError
            When a layer is damaged or cannot be opened.
        SigningError
            When a signer fails.
        StorageError
            When the store cannot be written.
        """
        from maas_sdk.artifact._reseal import reseal  # noqa: PLC0415 - a receiver's import seals nothing

        with audited(self._audit, "reseal", reference) as deed:
            release = self.open(reference)
            deed.subject, deed.identity = f"{release.name}@{release.version}", release.identity
            resealed = reseal(
                self._catalog,
                release,
                recipients=recipients,
                identity=identity,
                signers=signers,
                sealer=sealer,
                progress=progress or no_progress,
            )
            deed.reasons = [f"for {', '.join(resealed.recipients)}"]
        return self._ready(resealed)

    def search(
        self,
        name: str | None = None,
        *,
        publisher: str | None = None,
        tag: str | None = None,
        metric: tuple[str, str, float] | None = None,
        created_after: str | datetime | None = None,
        created_before: str | datetime | None = None,
        parent: str | None = None,
        dataset: str | None = None,
        yanked: bool = False,
        limit: int | None = None,
    ) -> list[Listing]:
        """Find releases; all that is given must hold. The newest come first.

        Parameters
        ----------
        name : str, optional
            ``publisher/model``, with ``*`` for any characters and ``?`` for one.
        publisher : str, optional
            What stands before the slash.
        tag : str, optional
            One of its tags; see `annotate`.
        metric : (str, str, float), optional
            A metric of its statement, a comparison, and a number: ``("accuracy", ">=", 0.9)``.
        created_after, created_before : datetime or str, optional
            Made then or later, and made before then.
        parent : str, optional
            What it was made from: a reference, or the identity of a release that the store need not have.
        dataset : str, optional
            Name or digest of a data set that it was made with.
        yanked : bool
            Whether yanked releases are wanted, too.
        limit : int, optional
            How many at most.

        Raises
        ------
        InvalidOptionError
            When an argument is malformed.
        StorageError
            When the store cannot be read.
        """
        return self._catalog.search(
            name=name,
            publisher=publisher,
            tag=tag,
            metric=metric,
            created_after=created_after,
            created_before=created_before,
            parent=parent,
            dataset=dataset,
            yanked=yanked,
            limit=limit,
        )

    def lineage(self, reference: str, *, limit: int = 1000) -> Lineage:
        """Tell what a release was made from and what was made from it, as far as this store knows.

        Parameters
        ----------
        reference : str
            As in `open`; or the identity of a release that the store need not have.
        limit : int
            How many ancestors, and how many descendants, at most.

        Raises
        ------
        InvalidReferenceError, NotFoundError
            As in `open`.
        """
        return self._catalog.lineage(reference, limit=limit)

    def gc(self, *, delete: bool = False, grace: timedelta = timedelta(days=1)) -> GcReport:
        """Find what no version needs: blobs of work that was interrupted or refused, and temporary files.

        Parameters
        ----------
        delete : bool
            Whether to remove it; otherwise nothing is changed.
        grace : timedelta
            What was written or used within this time stays.

        Raises
        ------
        BusyError
            When somebody publishes or imports meanwhile; nothing is removed beside them.
        InvalidOptionError
            When `grace` is negative, or is not zero where the storage tells no ages.
        StorageError
            When the store is damaged, so that it cannot be told what is needed: see `fsck`.
        """
        from maas_sdk.artifact._upkeep.maintenance import gc  # noqa: PLC0415 - a receiver's import collects nothing

        if not delete:
            return gc(self._catalog, delete=False, grace=grace)
        with audited(self._audit, "gc", "store") as deed:
            report = gc(self._catalog, delete=True, grace=grace)
            deed.reasons = [f"{len(report.removed)} removed, {report.removed_bytes} bytes"]
        return report

    def fsck(
        self,
        *,
        repair_from: Sequence[str | os.PathLike[str]] = (),
        progress: Progress | None = None,
    ) -> FsckReport:
        """Hash everything in the store, and name what is damaged or missing, and whom that concerns.

        Parameters
        ----------
        repair_from : sequence of path-like
            Bundles whose blobs take the place of damaged ones, each checked before anything is replaced.
        progress : callable, optional
            Called with ``"check"``, bytes done and bytes in all.

        Raises
        ------
        BusyError
            When something is to be repaired while somebody has the store alone.
        InvalidArtifactError
            When a file to repair from is no bundle.
        StorageError
            When the store, or a bundle, cannot be read, or the store cannot be written.
        """
        from maas_sdk.artifact._upkeep.fsck import fsck  # noqa: PLC0415 - a receiver's import checks what it brings

        return fsck(self._catalog, repair_from=repair_from, progress=progress)
