"""Sealing parts into a store: one layer for each, and a layer that is known is not made anew.

What is sealed streams through; the digest of the plaintext is asked for when all of it has been read, and
nothing appears in the store before that.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from maas_sdk.artifact._documents.statements import Layer, SealingStatement
from maas_sdk.errors import InvalidOptionError, LimitExceededError, MaasError, SealingError
from maas_sdk.sealing import AgeSealer, encrypt_pieces
from maas_sdk.signing import sign_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from maas_sdk.artifact._documents.statements import ReleaseStatement
    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.interfaces import Sealer, Signer
    from maas_sdk.signing import PublicKey
    from maas_sdk.storage import BlobWriter

__all__ = ["LayerSealer", "is_built_in", "sealer_errors", "sign_sealing"]


class LayerSealer:
    """Seals the parts of one release for the same recipients.

    Parameters
    ----------
    catalog : Catalog
        Where the layers are kept and looked for.
    sealer : Sealer
        What seals.
    recipients : mapping of str to object
        The sealer's recipients by fingerprint, sorted.
    keys : sequence of PublicKey
        The caller's: a layer that is there is taken for what one of these has signed it to be, and for
        nothing else.

    Attributes
    ----------
    made : set of str
        Digests of the layers that were written; a failure may remove them again.
    """

    def __init__(
        self, catalog: Catalog, sealer: Sealer, recipients: Mapping[str, Any], *, keys: Sequence[PublicKey]
    ) -> None:
        self._catalog = catalog
        self._sealer = sealer
        self._fingerprints = tuple(recipients)
        self._recipients = list(recipients.values())
        self._keys = keys
        self._used: set[str] = set()
        self.made: set[str] = set()

    def check(self) -> None:
        """Refuse recipients that are too many or cannot be mixed, before anything is written.

        Raises
        ------
        LimitExceededError
            When there are more than `Limits.max_recipients`.
        InvalidOptionError
            When there is none, or the sealer does not take them together.
        """
        allowed = self._catalog.limits.max_recipients
        if not self._recipients:
            raise InvalidOptionError("recipients is empty: nobody could open the release")
        if len(self._recipients) > allowed:
            raise LimitExceededError(
                f"{len(self._recipients)} recipients; Limits.max_recipients allows {allowed}"
            )
        with sealer_errors(self._sealer):
            self._sealer.encrypt(io.BytesIO(b""), io.BytesIO(), self._recipients)

    def known(self, path: str, digest: str) -> Layer | None:
        """Give a layer of the store that seals this content for these recipients, each for one part only."""
        found = self._catalog.sealed_layer(
            digest, self._fingerprints, self._sealer.suffix, keys=self._keys, besides=self._used
        )
        if found is None:
            return None
        self._used.add(found[0])
        return Layer(path, *found)

    @property
    def takes_pieces(self) -> bool:
        """Whether `seal_pieces` may be called."""
        return is_built_in(self._sealer)

    def seal(self, path: str, source: BinaryIO, digest: Callable[[], str]) -> Layer:
        """Seal a content, unless it turns out that the store has it.

        Parameters
        ----------
        path : str
            Of the part.
        source : BinaryIO
            The plaintext.
        digest : callable
            Gives the plaintext's digest when all of it has been read, or raises why it must not be used.

        Raises
        ------
        SealingError
            When the sealer fails.
        StorageError
            When the store cannot be written.
        """

        def encrypt(sink: BlobWriter) -> None:
            with sealer_errors(self._sealer):
                target = _Ahead(sink) if is_built_in(self._sealer) else sink
                self._sealer.encrypt(source, cast("BinaryIO", target), self._recipients)

        return self._keep(path, encrypt, digest)

    def seal_pieces(self, path: str, pieces: Iterator[memoryview], digest: Callable[[], str]) -> Layer:
        """Seal a large content that is in memory from where it is; see `seal`."""

        def encrypt(sink: BlobWriter) -> None:
            encrypt_pieces(pieces, cast("BinaryIO", _Ahead(sink)), self._recipients)

        return self._keep(path, encrypt, digest)

    def _keep(self, path: str, encrypt: Callable[[BlobWriter], None], digest: Callable[[], str]) -> Layer:
        try:
            with self._catalog.blobs.writer(max_bytes=self._catalog.limits.max_part_bytes) as sink:
                encrypt(sink)
                self._end_if_known(path, digest())
        except _Known as found:
            return found.layer
        self._used.add(sink.digest)
        self.made.add(sink.digest)
        return Layer(path, sink.digest, sink.size)

    def _end_if_known(self, path: str, digest: str) -> None:
        known = self.known(path, digest)
        if known is not None:
            raise _Known(known)


class _Known(Exception):  # noqa: N818 - never leaves this module
    """Ends the writing of a blob that is not needed."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer


class _Ahead:
    """A file that is hashed while the sealer goes on: ours leaves alone what it has just written."""

    def __init__(self, sink: BlobWriter) -> None:
        self.write = sink.write_ahead


def is_built_in(sealer: Sealer) -> bool:
    """Whether it is the SDK's own, of which is known what it does with buffers and with altered bytes."""
    return type(sealer) is AgeSealer


@contextlib.contextmanager
def sealer_errors(sealer: Sealer) -> Iterator[None]:
    """Turn what a sealer raises that is no error of ours, nor of the medium, into `SealingError`."""
    try:
        yield
    except (MaasError, OSError):
        raise
    except Exception as exc:
        raise SealingError(f"{type(sealer).__name__} failed: {type(exc).__name__}: {exc}") from exc


def sign_sealing(
    statement: ReleaseStatement,
    manifest: str,
    layers: Sequence[Layer],
    *,
    recipients: Sequence[str],
    suffix: str,
    signers: Sequence[Signer],
) -> bytes:
    """Sign for whom the layers are sealed; the DSSE envelope as JSON."""
    sealing = SealingStatement(
        manifest=manifest,
        identity=statement.identity,
        recipients=tuple(recipients),
        suffix=suffix,
        layers=tuple(layers),
    )
    return sign_envelope(sealing.to_payload(), signers).to_json()
