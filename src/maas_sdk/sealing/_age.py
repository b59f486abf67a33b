"""Encrypting and decrypting whole files: joins header, payload, armor, recipients and identities.

Source: https://c2sp.org/age
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from maas_sdk.errors import HeaderError, InvalidOptionError, NoMatchError
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.sealing._armor import ArmorReader, ArmorWriter, is_armored
from maas_sdk.sealing._hashing import hash_read, hash_written
from maas_sdk.sealing._header import read_header, write_header
from maas_sdk.sealing._keys import Identity, Recipient
from maas_sdk.sealing._passphrase import SCRYPT, Passphrase
from maas_sdk.sealing._payload import ChunkCipher, open_payload, read_nonce, seal_payload, seal_pieces
from maas_sdk.sealing._streams import SourceReader, open_sink, open_source
from maas_sdk.sealing._wrap import FILE_KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk._internal.hashing_thread import Hash
    from maas_sdk.sealing._header import Header
    from maas_sdk.sealing._streams import BytesLike, Sink, Source

__all__ = ["AgeSealer", "decrypt", "encrypt", "open_header", "stanza_types"]

_SEALED_MODE = 0o644
_PLAIN_MODE = 0o600  # what was secret stays with its owner


def encrypt(
    source: Source,
    sink: Sink,
    recipients: Sequence[Recipient | Passphrase],
    *,
    armor: bool = False,
    ciphertext_hash: Hash | None = None,
) -> None:
    """Encrypt a file for one or more recipients, under a fresh key each time.

    Parameters
    ----------
    source : binary file, path or bytes-like
        What to encrypt; a file is read from where it stands to its end.
    sink : binary file or path
        Where to; a path appears whole or not at all.
    recipients : sequence of Recipient, or of one Passphrase
        Who can open it. Post-quantum recipients and classic ones do not mix: the file would be no safer than
        its weakest recipient.
    armor : bool
        Whether to write ASCII text.
    ciphertext_hash : object with an ``update`` method, or None
        ``hashlib.sha256()``, say: takes every byte that goes to the sink, on a second thread meanwhile.

    Raises
    ------
    InvalidOptionError
        For no recipients, a mixture that must not be, or so many that readers would refuse the header.
    StorageError
        When reading or writing fails.
    """
    file_key = secrets.token_bytes(FILE_KEY_BYTES)
    header = _wrap_for(recipients, file_key)
    with (
        open_source(source) as read_into,
        open_sink(sink, mode=_SEALED_MODE) as write_out,
        hash_written(write_out, ciphertext_hash) as write,
    ):
        reader = SourceReader(read_into)
        if armor:
            armored = ArmorWriter(write)
            armored.write(header)
            seal_payload(reader, armored.write, file_key)
            armored.finish()
        else:
            write(header)
            seal_payload(reader, write, file_key)


def encrypt_pieces(
    pieces: Iterable[BytesLike], sink: Sink, recipients: Sequence[Recipient | Passphrase]
) -> None:
    """Encrypt what is in memory, one piece after the other, from where it is; see `encrypt`.

    For what is large: buffers are made for many chunks at once.

    Parameters
    ----------
    pieces : iterable of bytes-like
        Each stays as it is until the one after next was asked for.
    sink : binary file or path
        Where to; what a file is given stays as it is until its next ``write`` has returned.
    recipients : sequence of Recipient, or of one Passphrase
        Who can open it.

    Raises
    ------
    InvalidOptionError, StorageError
        As `encrypt` does.
    """
    file_key = secrets.token_bytes(FILE_KEY_BYTES)
    header = _wrap_for(recipients, file_key)
    with open_sink(sink, mode=_SEALED_MODE) as write:
        write(header)
        seal_pieces(pieces, write, file_key)


def decrypt(
    source: Source,
    sink: Sink,
    identities: Sequence[Identity | Passphrase],
    *,
    limits: Limits = DEFAULT_LIMITS,
    ciphertext_hash: Hash | None = None,
) -> None:
    """Decrypt a file, armored or not, with whichever identity fits.

    Parameters
    ----------
    source : binary file, path or bytes-like
        What to decrypt; a file is read from where it stands to its end.
    sink : binary file or path
        Where to. A path appears whole or not at all, readable by its owner only. A file is written chunk by
        chunk, each once it is authenticated: what was written before an error is true, but not all.
    identities : sequence of Identity or Passphrase
        Tried in their order.
    limits : Limits
        Bounds on the header and on the work for a passphrase.
    ciphertext_hash : object with an ``update`` method, or None
        ``hashlib.sha256()``, say: takes every byte of the source, on a second thread meanwhile. After an
        error it is worth nothing.

    Raises
    ------
    NoMatchError
        When no identity fits, or the passphrase is wrong.
    HeaderError, HeaderMacError, PayloadError, ArmorError
        When the file was altered or is no age file.
    StorageError
        When reading or writing fails.
    """
    with open_source(source) as read_in, hash_read(read_in, ciphertext_hash) as read_into:
        reader = SourceReader(read_into)
        if is_armored(reader):
            reader = SourceReader(ArmorReader(reader).read_into)
        cipher = open_header(reader, identities, limits=limits)
        with open_sink(sink, mode=_PLAIN_MODE) as write:
            open_payload(reader, write, cipher)


def stanza_types(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> frozenset[str]:
    """Tell for which kinds of recipients a file is sealed; no identity is needed, nothing is authenticated.

    Parameters
    ----------
    source : binary file, path or bytes-like
        A sealed file, armored or not; a file is read from where it stands, and a little past its header.
    limits : Limits
        Bounds on the header.

    Returns
    -------
    frozenset of str
        ``{"X25519"}``, ``{"mlkem768x25519"}``, ``{"scrypt"}``, or what else the file says.

    Raises
    ------
    HeaderError, ArmorError
        When it is no age file.
    StorageError
        When it cannot be read.
    """
    with open_source(source) as read_into:
        reader = SourceReader(read_into)
        if is_armored(reader):
            reader = SourceReader(ArmorReader(reader).read_into)
        return frozenset(stanza.type for stanza in read_header(reader, limits=limits).stanzas)


def open_header(
    reader: SourceReader, identities: Sequence[Identity | Passphrase], *, limits: Limits
) -> ChunkCipher:
    """Take header and nonce from `reader`, check them, and give the cipher of the chunks that follow."""
    header = read_header(reader, limits=limits)
    file_key = _unwrap(header, identities, limits)
    header.check_mac(file_key)
    return ChunkCipher(file_key, read_nonce(reader))


class AgeSealer:
    """The built-in sealer: age v1.

    Parameters
    ----------
    limits : Limits
        Bounds on the headers of files that are decrypted.
    """

    suffix: str = ".age"

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS) -> None:
        if not isinstance(limits, Limits):
            raise InvalidOptionError(f"limits must be Limits, not {limits!r}")
        self._limits = limits

    def encrypt(self, source: BinaryIO, sink: BinaryIO, recipients: Sequence[Recipient | Passphrase]) -> None:
        """Encrypt all of `source` into `sink`; see :func:`encrypt`."""
        encrypt(source, sink, recipients)

    def decrypt(
        self,
        source: BinaryIO,
        sink: BinaryIO,
        identities: Sequence[Identity | Passphrase],
        *,
        ciphertext_hash: Hash | None = None,
    ) -> None:
        """Decrypt all of `source` into `sink`; see :func:`decrypt`."""
        decrypt(source, sink, identities, limits=self._limits, ciphertext_hash=ciphertext_hash)


def _wrap_for(recipients: Sequence[Recipient | Passphrase], file_key: bytes) -> bytes:
    """Check the recipients together and give the header for them."""
    everyone = _all_of(recipients, Recipient, "recipients")
    if not everyone:
        raise InvalidOptionError("no recipients: nobody could open the file")
    if len(everyone) > 1 and any(isinstance(one, Passphrase) for one in everyone):
        raise InvalidOptionError("a passphrase stands alone: no other recipient may stand beside it")
    if len({one.post_quantum for one in everyone if isinstance(one, Recipient)}) > 1:
        raise InvalidOptionError(
            "post-quantum recipients and classic ones do not mix: the file would be no safer than the "
            "classic ones; seal it once for each kind"
        )
    header = write_header([one.wrap(file_key) for one in everyone], file_key)
    if len(everyone) > DEFAULT_LIMITS.max_stanzas or len(header) > DEFAULT_LIMITS.max_header_bytes:
        raise InvalidOptionError(
            f"{len(everyone)} recipients make a header of {len(header)} bytes, more than readers accept; "
            "seal the file once for each group of recipients"
        )
    return header


def _unwrap(header: Header, identities: Sequence[Identity | Passphrase], limits: Limits) -> bytes:
    everyone = _all_of(identities, Identity, "identities")
    kinds = sorted({stanza.type for stanza in header.stanzas})
    if SCRYPT in kinds and len(header.stanzas) > 1:
        raise HeaderError("a scrypt stanza stands beside others, which no writer of the format makes")
    for identity in everyone:
        file_key: bytes | None = identity.unwrap(header.stanzas, limits=limits)
        if file_key is not None:
            return file_key
    if SCRYPT not in kinds:
        reason = f"it is sealed for {len(header.stanzas)} recipient(s) of type {', '.join(kinds)}"
    elif any(isinstance(identity, Passphrase) for identity in everyone):
        reason = "the passphrase is wrong"
    else:
        reason = "it is sealed with a passphrase"
    raise NoMatchError(f"none of {len(everyone)} identities opens the file: {reason}")


def _all_of(keys: Sequence[Any], kind: type[Any], what: str) -> list[Any]:
    if not isinstance(keys, Iterable):
        raise InvalidOptionError(f"{what} must be a sequence, even of one")
    everyone = list(keys)
    for one in everyone:
        if not isinstance(one, (kind, Passphrase)):
            raise InvalidOptionError(
                f"{what} must hold sealing.{kind.__name__} or sealing.Passphrase, not {type(one).__name__}"
            )
    return everyone
