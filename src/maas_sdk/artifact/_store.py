"""A store of releases: publish, open, import; everything is delegated to the modules that do it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_sdk.artifact._catalog import Catalog
from maas_sdk.artifact._import import import_bundle
from maas_sdk.artifact._keys import sealing_recipients
from maas_sdk.artifact._names import Reference, check_name
from maas_sdk.artifact._progress import Progress, no_progress
from maas_sdk.artifact._publish import Draft, draft_statement, publish
from maas_sdk.artifact._verify import ask
from maas_sdk.errors import InvalidOptionError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing import AgeSealer
from maas_sdk.trust import Trust

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from maas_sdk.artifact._release import Release
    from maas_sdk.interfaces import Sealer, Signer, StorageBackend
    from maas_sdk.limits import Limits

__all__ = ["Store"]


class Store:
    """Releases over a storage backend, in the form of an OCI image layout.

    It may be used from several threads and processes at a time.

    Parameters
    ----------
    backend : StorageBackend
        Where the bytes are; see :func:`maas_sdk.open_store`.
    limits : Limits
        Bounds on what is read.
    """

    def __init__(self, backend: StorageBackend, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._backend = backend
        self._catalog = Catalog(backend, limits)

    def __repr__(self) -> str:
        return f"Store({self._backend!r})"

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

    def open(self, reference: str) -> Release:
        """Give the release that a reference means.

        Its documents are read and checked against their digests. Whom they are from, `Release.verify` tells.

        Parameters
        ----------
        reference : str
            ``"name@1.0.0"``, ``"name@^1.2"`` (or another range of npm's notation: the highest version in it,
            pre-releases only where the range names one), ``"name@sha256:…"`` (the identity), or ``"name"``
            (the highest version).

        Raises
        ------
        InvalidReferenceError
            When the reference is malformed.
        NotFoundError
            When there is no such release; the message says what there is.
        ArtifactError
            When the store is damaged.
        """
        return self._catalog.open(Reference.parse(reference))

    def publish(
        self,
        parts: Mapping[str, bytes],
        *,
        name: str,
        version: str,
        signers: Sequence[Signer],
        recipients: Sequence[Any] = (),
        created: str | datetime | None = None,
        expires: str | datetime | None = None,
        sealer: Sealer | None = None,
        progress: Progress | None = None,
    ) -> Release:
        """Make an immutable version of some files.

        When it fails or is interrupted, the store holds no half version; publishing again is safe.

        Parameters
        ----------
        parts : mapping of str to bytes
            Contents by relative path.
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
        statement = draft_statement(
            parts, name=name, version=version, signers=signers, created=created, expires=expires
        )
        draft = Draft(
            parts=parts,
            statement=statement,
            signers=signers,
            recipients=sealing_recipients(recipients),
            sealer=sealer or AgeSealer(),
            progress=progress or no_progress,
        )
        return publish(self._catalog, draft)

    def import_bundle(
        self,
        path: str | os.PathLike[str],
        *,
        trust: Trust,
        first_use: Collection[str] = (),
        recipient: Any = None,
        now: str | datetime | None = None,
        progress: Progress | None = None,
    ) -> Release:
        """Verify a bundle while it is copied, and keep its release when every check has passed.

        Importing the latest release again is fine; an older one is a rollback, even where the store has it.
        Of a refused bundle nothing is kept; after an interruption only verified blobs without a reference.

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
            Called with ``"import"``, bytes done and bytes in all.

        Raises
        ------
        RefusedError
            When a check fails; the verdict is in the error.
        InvalidOptionError
            When `trust` is not a `Trust`.
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
        question = ask(
            trust,
            first_use=first_use,
            recipient=recipient,
            now=now,
            limits=self._catalog.limits,
            held=self._catalog.held,
        )
        return import_bundle(
            self._catalog,
            Path(path),
            question=question,
            ratchet=trust.ratchet,
            progress=progress or no_progress,
        )
