"""Parts out of layers: unsealed and checked, as streams, while the hashes are taken on other threads.

A layer is checked against its digest, and the plaintext against the publisher's statement; nothing that comes
out of here may be used before `PartReader.into` has returned. The SDK's own sealer reads a layer while it is
hashed: it expects altered bytes. Any other one gets a layer only after it was checked.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, cast

from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.artifact._bundles.checked import CheckedReader
from maas_sdk.artifact._bundles.pieces import Piece
from maas_sdk.artifact._contents.keys import fingerprint_of, sealing_identities
from maas_sdk.artifact._contents.sealing import is_built_in, sealer_errors
from maas_sdk.errors import DigestMismatchError, InvalidOptionError, NoMatchError, NotFoundError, SealingError
from maas_sdk.sealing import AgeSealer

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable  # type: ignore[attr-defined]

    from maas_sdk.artifact._documents.papers import BlobSource
    from maas_sdk.artifact._documents.parts import PartInfo
    from maas_sdk.artifact._documents.statements import Layer, ReleaseStatement, SealingStatement
    from maas_sdk.interfaces import Sealer
    from maas_sdk.limits import Limits

__all__ = ["FileTarget", "MemoryTarget", "PartReader", "Target"]

_PIECE: Final = 2 << 20  # bytes that are hashed and written at a time; what the built-in sealer opens at once


class Target(Protocol):
    """Where the plaintext of one part goes."""

    def take(self, piece: memoryview, *, stable: bool) -> memoryview:
        """Take a piece, and give the same bytes where they stay until the one after next was taken.

        `stable` says whether they do so where they are.
        """
        ...

    def flush(self) -> None:
        """Write what was taken last; it is hashed meanwhile."""
        ...


class MemoryTarget:
    """A buffer of the size of the part."""

    def __init__(self, buffer: memoryview) -> None:
        self._rest = buffer

    def take(self, piece: memoryview, *, stable: bool) -> memoryview:  # noqa: ARG002 - it is copied anyway
        """See `Target.take`."""
        kept = self._rest[: piece.nbytes]
        kept[:] = piece
        self._rest = self._rest[piece.nbytes :]
        return kept

    def flush(self) -> None:
        """Do nothing: it is there."""


class FileTarget:
    """A file that is being written, through two buffers in turn.

    Parameters
    ----------
    file : binary file
        A buffered one, or one that takes all it is given.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffers: list[memoryview] = []
        self._kept = memoryview(b"")

    def take(self, piece: memoryview, *, stable: bool) -> memoryview:
        """See `Target.take`."""
        if stable:
            self._kept = piece
            return piece
        if not self._buffers or self._buffers[0].nbytes < piece.nbytes:
            self._buffers = [memoryview(bytearray(piece.nbytes)) for _ in range(2)]
        self._kept = self._buffers[0][: piece.nbytes]
        self._kept[:] = piece
        self._buffers.reverse()
        return self._kept

    def flush(self) -> None:
        """Write it."""
        self._file.write(self._kept)


class PartReader:
    """Reads the parts of one release.

    Parameters
    ----------
    source : BlobSource
        Where the layers are.
    statement : ReleaseStatement
        What the parts are.
    sealing : SealingStatement or None
        How they are sealed.
    limits : Limits
        For the built-in sealer.
    identity : object
        What opens them, in any form that a caller may give; None for an unsealed release.
    sealer : Sealer or None
        What they were sealed with; age by default.
    checked : bool
        Whether somebody else checks the layers against their digests, before anything is used.

    Raises
    ------
    InvalidOptionError
        When they were sealed with another sealer.
    NoMatchError
        When they are not sealed for this identity, as far as that can be told now.
    """

    def __init__(
        self,
        source: BlobSource,
        statement: ReleaseStatement,
        sealing: SealingStatement | None,
        *,
        limits: Limits,
        identity: Any,
        sealer: Sealer | None,
        checked: bool = False,
    ) -> None:
        self._elsewhere = checked
        self._source = source
        self._subject = statement.subject
        self._sealing = sealing
        self._checked = CheckedReader()
        if sealing is None:
            return
        self._sealer = sealer or AgeSealer(limits=limits)
        if self._sealer.suffix != sealing.suffix:
            raise InvalidOptionError(
                f"{self._subject} is sealed as {sealing.suffix}, and {type(self._sealer).__name__} opens "
                f"{self._sealer.suffix}"
            )
        self._identities = [] if identity is None else sealing_identities(identity)
        self._mine = {fingerprint_of(each) for each in self._identities if hasattr(each, "recipient")}
        self._layers = {layer.part: layer for layer in sealing.layers}
        if not self._identities or (self._mine and self._mine.isdisjoint(sealing.recipients)):
            raise self._no_match(sealing)

    @property
    def at_once(self) -> bool:
        """Whether a layer is read once, from its first byte to its last."""
        return self._sealing is None or is_built_in(self._sealer)

    def into(self, part: PartInfo, target: Target, tell: Callable[[int], None]) -> None:
        """Read one part; `tell` gets the number of bytes of each piece.

        Raises
        ------
        DigestMismatchError
            When layer or part are not what was signed.
        NoMatchError
            When it is sealed, and not for this identity.
        SealingError
            When it cannot be decrypted.
        """
        if self._sealing is None:
            for piece in self._checked.piece(self._source, Piece(part.digest, part.size, part.digest)):
                target.take(piece, stable=False)
                target.flush()
                tell(piece.nbytes)
            return
        hash_ = hashlib.sha256()
        with HashingThread(hash_) as hashing:
            # What ours hands over stays until it hands over the next.
            sink = _Sink(part, target, hashing, tell, stable=is_built_in(self._sealer))
            self._open(self._layers[part.path], sink, self._sealing)
        if sink.left or hash_.hexdigest() != part.sha256:
            raise DigestMismatchError(f"{part.path} in {self._subject} is not what its publisher signed")

    def _open(self, layer: Layer, sink: _Sink, sealing: SealingStatement) -> None:
        try:
            if is_built_in(self._sealer):
                self._open_at_once(layer, sink, cast("AgeSealer", self._sealer))
            else:
                self._check(layer)
                with self._source.open(layer.digest) as blob, sealer_errors(self._sealer):
                    self._sealer.decrypt(blob, cast("BinaryIO", sink), self._identities)
        except NoMatchError as exc:
            raise self._no_match(sealing) from exc

    def _open_at_once(self, layer: Layer, sink: _Sink, sealer: AgeSealer) -> None:
        hash_ = None if self._elsewhere else hashlib.sha256()
        try:
            with self._source.open(layer.digest) as blob:
                sealer.decrypt(blob, cast("BinaryIO", sink), self._identities, ciphertext_hash=hash_)
        except NotFoundError as exc:
            raise DigestMismatchError(f"the layer {layer.digest} is missing") from exc
        except (SealingError, DigestMismatchError):
            if not self._elsewhere:
                self._check(layer)  # altered bytes are the better reason
            raise
        if hash_ is not None and f"sha256:{hash_.hexdigest()}" != layer.digest:
            self._check(layer)
            raise DigestMismatchError(f"the layer {layer.digest} was altered while it was read")

    def _check(self, layer: Layer) -> None:
        for _ in self._checked.piece(self._source, Piece(layer.digest, layer.size, layer.digest)):
            pass

    def _no_match(self, sealing: SealingStatement) -> NoMatchError:
        mine = ", ".join(sorted(self._mine))
        given = f"the identity given is {mine}" if mine else "no identity given opens it"
        return NoMatchError(f"{self._subject} is sealed for {', '.join(sealing.recipients)}; {given}")


class _Sink:
    """A file for a sealer to write to: takes as many bytes as the part has, and has them hashed."""

    def __init__(
        self,
        part: PartInfo,
        target: Target,
        hashing: HashingThread,
        tell: Callable[[int], None],
        *,
        stable: bool,
    ) -> None:
        self._part = part
        self._target = target
        self._hashing = hashing
        self._tell = tell
        self._stable = stable
        self.left = part.size

    def write(self, data: Buffer, /) -> int:
        with memoryview(data) as given, given.cast("B") as view:
            if view.nbytes > self.left:
                raise DigestMismatchError(f"{self._part.path} is larger than its publisher signed")
            for start in range(0, view.nbytes, _PIECE):
                piece = view[start : start + _PIECE]
                self._hashing.update(self._target.take(piece, stable=self._stable))
                self._target.flush()
                self.left -= piece.nbytes
                self._tell(piece.nbytes)
            return view.nbytes
