"""Writes `sealing/*.json`: age files, right and wrong, built from https://c2sp.org/age without the SDK.

Run it without arguments. It uses no randomness: every key, share and nonce comes from a label, so that the
files are the same each time. Where a chunk is long its ciphertext is all zeros (the plaintext is whatever
fits), which keeps the vectors small.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FOLDER = Path(__file__).parent / "sealing"
CHUNK = 65536
V1 = b"age-encryption.org/v1\n"
PASSPHRASE = "correct horse battery staple"
WORK = 2  # scrypt work factor; as low as it may be useful

# The secret is the SHA-256 of the name.
TEXTS = {
    "alice": "AGE-SECRET-KEY-190VQDJTLPCQ27XSLCVEGLFMR4YNFWG7GMW86CNUN4ACAKXRDD6GQKKKHS4",
    "bob": "AGE-SECRET-KEY-1SXMR0K8U6TRD5C6EU6TRZYAPZUX7090YKUJMSNG7PDX0M8K93N5SGCE5MM",
    "carol": "AGE-SECRET-KEY-PQ-1FSNDJP6VYLVFAHJEYUXQ4S2TW8S8RV2J89GE7A28FVHNHF35S86SHG0YSF",
    "dave": "AGE-SECRET-KEY-PQ-1V84QSQLCS56J8DMH6S22ECCNPN2D87FDUTXHL7RFTSEH67WZAMHQK4K4S6",
}


def secret(label: str, size: int = 32) -> bytes:
    """Bytes that depend on the label alone."""
    return (
        hashlib.sha256(label.encode()).digest()
        if size == 32
        else hashlib.shake_256(label.encode()).digest(size)
    )


FILE_KEY = secret("file key", 16)
NONCE = secret("payload nonce", 16)


def b64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def aead(key: bytes, text: bytes, nonce: bytes = bytes(12)) -> bytes:
    return ChaCha20Poly1305(key).encrypt(nonce, text, None)


# Stanzas


def stanza(arguments: bytes, body: bytes) -> bytes:
    text = b64(body)
    lines = [text[at : at + 64] for at in range(0, len(text) + 1, 64)]
    return b"-> " + arguments + b"\n" + b"\n".join(lines) + b"\n"


def x25519_body(name: str, ephemeral: X25519PrivateKey, file_key: bytes = FILE_KEY) -> bytes:
    public = X25519PrivateKey.from_private_bytes(secret(name)).public_key()
    shared = ephemeral.exchange(public)
    salt = ephemeral.public_key().public_bytes_raw() + public.public_bytes_raw()
    return aead(hkdf(shared, salt, b"age-encryption.org/v1/X25519"), file_key)


EPHEMERAL = X25519PrivateKey.from_private_bytes(secret("ephemeral"))
PUBLIC = X25519PrivateKey.from_private_bytes(secret("alice")).public_key().public_bytes_raw()
SHARE = EPHEMERAL.public_key().public_bytes_raw()


def x25519(
    name: str = "alice", *, share: bytes | None = None, body: bytes | None = None, kind: bytes = b"X25519"
) -> bytes:
    return stanza(
        kind + b" " + (b64(SHARE) if share is None else share),
        x25519_body(name, EPHEMERAL) if body is None else body,
    )


def labeled(suite: bytes, secret_: bytes, label: bytes, key: bytes) -> bytes:
    """RFC 9180, section 4: LabeledExtract."""
    return hmac.digest(secret_, b"HPKE-v1" + suite + label + key, "sha256")


def expand(key: bytes, suite: bytes, label: bytes, info: bytes, size: int) -> bytes:
    """RFC 9180, section 4: LabeledExpand (one block is enough here)."""
    data = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, data + b"\x01", "sha256")[:size]


def hybrid_parts(name: str, label: str = "hybrid") -> tuple[bytes, bytes]:
    """Give share and body of a hybrid stanza.

    Any 1088 bytes are an ML-KEM ciphertext to the decapsulation, which never fails: that makes the stanza
    reproducible. Then the combiner of https://filippo.io/hpke-pq and the key schedule of RFC 9180.
    """
    seeds = hashlib.shake_256(secret(name)).digest(96)
    x_private = X25519PrivateKey.from_private_bytes(seeds[64:])
    x_public = x_private.public_key()
    ephemeral = X25519PrivateKey.from_private_bytes(secret(label + " x25519"))
    x_share = ephemeral.public_key().public_bytes_raw()
    m_share = secret(label + " ml-kem", 1088)
    m_shared = MLKEM768PrivateKey.from_seed_bytes(seeds[:64]).decapsulate(m_share)
    shared = hashlib.sha3_256(
        m_shared + ephemeral.exchange(x_public) + x_share + x_public.public_bytes_raw() + b"\\.//^\\"
    ).digest()
    suite = b"HPKE" + bytes.fromhex("647a 0001 0003")
    context = (
        b"\x00"
        + labeled(suite, b"", b"psk_id_hash", b"")
        + labeled(suite, b"", b"info_hash", b"age-encryption.org/mlkem768x25519")
    )
    inner = labeled(suite, shared, b"secret", b"")
    key, nonce = expand(inner, suite, b"key", context, 32), expand(inner, suite, b"base_nonce", context, 12)
    return m_share + x_share, aead(key, FILE_KEY, nonce)


HYBRID_SHARE, HYBRID_BODY = hybrid_parts("carol")


def hybrid(
    *, share: bytes | None = None, body: bytes = HYBRID_BODY, kind: bytes = b"mlkem768x25519"
) -> bytes:
    return stanza(kind + b" " + (b64(HYBRID_SHARE) if share is None else share), body)


SALT = secret("salt", 16)


def scrypt(
    *,
    salt: bytes | None = None,
    work: bytes = b"%d" % WORK,
    factor: int = WORK,
    body: bytes | None = None,
    kind: bytes = b"scrypt",
) -> bytes:
    key = hashlib.scrypt(
        PASSPHRASE.encode(), salt=b"age-encryption.org/v1/scrypt" + SALT, n=1 << factor, r=8, p=1, dklen=32
    )
    arguments = b" ".join([kind, b64(SALT) if salt is None else salt, work])
    return stanza(arguments, aead(key, FILE_KEY) if body is None else body)


# Header and payload


def mac(text: bytes, file_key: bytes = FILE_KEY) -> bytes:
    return hmac.digest(hkdf(file_key, b"", b"header"), text, "sha256")


def header(*stanzas: bytes, version: bytes = V1) -> bytes:
    text = version + b"".join(stanzas) + b"---"
    return text + b" " + b64(mac(text)) + b"\n"


def chunk(index: int, size: int, *, last: bool) -> tuple[bytes, bytes]:
    """Give plaintext and sealed bytes; long chunks have zeros for ciphertext."""
    key = hkdf(FILE_KEY, NONCE, b"payload")
    nonce = index.to_bytes(11, "big") + bytes([last])
    text = aead(key, bytes(size), nonce)[:size] if size > 64 else secret(f"text {index}", size)
    return text, aead(key, text, nonce)


def chunks(*sizes: int, final: int | None = None, first: int = 0) -> tuple[bytes, list[bytes]]:
    """Give plaintext and sealed chunks; `final` is the position of the chunk that says it is the last."""
    final = len(sizes) - 1 if final is None else final
    made = [chunk(first + at, size, last=at == final) for at, size in enumerate(sizes)]
    return b"".join(text for text, _ in made), [sealed for _, sealed in made]


TEXT, SMALL = chunks(20)
BODY = NONCE + SMALL[0]
GOOD = header(x25519()) + BODY


def payload(*sizes: int, **options: int) -> tuple[bytes, bytes]:
    text, sealed = chunks(*sizes, **options)
    return text, header(x25519()) + NONCE + b"".join(sealed)


# Armor

BEGIN, END = b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----"


def armor(data: bytes, eol: bytes = b"\n") -> bytes:
    text = base64.b64encode(data)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return eol.join([BEGIN, *lines, END, b""])


def flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def spare_bit(text: bytes) -> bytes:
    """Change the bits of the last character that carry nothing."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1 :][:1]


def armored_size(remainder: int) -> bytes:
    """Give a good file whose length is `remainder` modulo 48."""
    head = header(x25519()) + NONCE
    size = (remainder - len(head) - 16) % 48 or 48
    return head + chunk(0, size, last=True)[1]


# The vectors: name, file, what it tells the reader of this table; options of `write`

OK, HEADER, MAC, NO_MATCH, PAYLOAD, ARMOR = (
    "success",
    "HeaderError",
    "HeaderMacError",
    "NoMatchError",
    "PayloadError",
    "ArmorError",
)


def write(
    name: str,
    expect: str,
    data: bytes,
    text: bytes = b"",
    *,
    keys: tuple[str, ...] = ("alice",),
    passphrase: str | None = None,
    limits: dict[str, int] | None = None,
) -> None:
    """Write one vector; `text` is what a streaming reader gives out, before the error if there is one."""
    record = {
        "expect": expect,
        "identities": [TEXTS[key] for key in keys],
        "passphrase": passphrase,
        "limits": limits or {},
        "size": len(text),
        "sha256": hashlib.sha256(text).hexdigest(),
        "file": [piece for match in PIECES.finditer(data) for piece in encode(match)],
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="ascii")


# Runs of one byte; runs of one line; lines of text; all else, up to the next of these.
PIECES = re.compile(
    rb"(?s:(?P<byte>.)(?P=byte){99,})|(?P<line>[ -~]+\n)(?P=line){9,}|[ -~]{0,199}\n|[ -~]{20,199}|"
    rb"(?s:.)(?:(?!(?s:(?P<next>.)(?P=next){99,})|[ -~]{20})(?s:.)){0,99}"
)


def encode(piece: re.Match[bytes]) -> list[object]:
    """Text as text, runs as [text or byte, number], all else in hexadecimal."""
    data = piece[0]
    if piece["byte"]:
        return [[data[0], len(data)]]
    if piece["line"]:
        return [[piece["line"].decode(), len(data) // len(piece["line"])]]
    return [data.decode()] if re.fullmatch(rb"[\n -~]+", data) else [{"hex": data.hex()}]


def write_recipients() -> None:
    grease = stanza(b"example.com/grease one two", b"") + stanza(b"x", bytes(48)) + stanza(b"y", bytes(100))
    write("x25519", OK, GOOD, TEXT)
    write("x25519-second-identity", OK, GOOD, TEXT, keys=("bob", "carol", "alice"))
    write("x25519-second-stanza", OK, header(x25519("bob"), x25519()) + BODY, TEXT)
    write("x25519-among-unknown", OK, header(grease, x25519(), grease) + BODY, TEXT)
    arguments = bytes(range(0x21, 0x7F))
    write("stanza-all-characters", OK, header(stanza(arguments, b""), x25519()) + BODY, TEXT)
    write("x25519-other-identity", NO_MATCH, GOOD, keys=("bob",))
    write("x25519-with-passphrase", NO_MATCH, GOOD, keys=(), passphrase=PASSPHRASE)
    write("x25519-lower-case", NO_MATCH, header(x25519(kind=b"x25519")) + BODY)
    body = x25519_body("alice", EPHEMERAL)
    write("x25519-bad-tag", NO_MATCH, header(x25519(body=flip(body, 31))) + BODY)
    write("x25519-short-body", HEADER, header(x25519(body=body[:31])) + BODY)
    write("x25519-long-body", HEADER, header(x25519(body=body + b"\0")) + BODY)
    write("x25519-empty-body", HEADER, header(x25519(body=b"")) + BODY)
    write(
        "x25519-long-file-key", HEADER, header(x25519(body=x25519_body("alice", EPHEMERAL, bytes(24)))) + BODY
    )
    write("x25519-no-share", HEADER, header(stanza(b"X25519", body)) + BODY)
    write("x25519-extra-argument", HEADER, header(x25519(share=b64(SHARE) + b" 1")) + BODY)
    write("x25519-short-share", HEADER, header(x25519(share=b64(SHARE[:31]))) + BODY)
    write("x25519-long-share", HEADER, header(x25519(share=b64(SHARE + b"\0"))) + BODY)
    write("x25519-share-spare-bits", HEADER, header(x25519(share=spare_bit(b64(SHARE)))) + BODY)
    write("x25519-share-padded", HEADER, header(x25519(share=b64(SHARE) + b"=")) + BODY)
    write("x25519-share-url-alphabet", HEADER, header(x25519(share=b"_" + b64(SHARE)[1:])) + BODY)
    write("x25519-malformed-after-match", HEADER, header(x25519(), x25519(share=b"AAAA")) + BODY)
    # Points of low order on Curve25519 (RFC 7748, section 6.1): the shared secret is all zero.
    for order, share in (
        ("zero", bytes(32)),
        ("one", b"\x01" + bytes(31)),
        ("eight", bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
        ("minus-one", b"\xec" + b"\xff" * 30 + b"\x7f"),
    ):
        wrapped = aead(hkdf(bytes(32), share + PUBLIC, b"age-encryption.org/v1/X25519"), FILE_KEY)
        write(f"x25519-low-order-{order}", HEADER, header(x25519(share=b64(share), body=wrapped)) + BODY)


def write_hybrid() -> None:
    carol = {"keys": ("carol",)}
    good = header(hybrid()) + BODY
    write("hybrid", OK, good, TEXT, **carol)
    write("hybrid-beside-x25519", OK, header(hybrid(), x25519()) + BODY, TEXT, **carol)
    share, body = hybrid_parts("dave", "another")
    write(
        "hybrid-second-stanza",
        OK,
        header(hybrid(share=b64(share), body=body), hybrid()) + BODY,
        TEXT,
        **carol,
    )
    write("hybrid-other-identity", NO_MATCH, good, keys=("dave", "alice"))
    write("hybrid-upper-case", NO_MATCH, header(hybrid(kind=b"MLKEM768X25519")) + BODY, **carol)
    write("hybrid-bad-tag", NO_MATCH, header(hybrid(body=flip(HYBRID_BODY, 31))) + BODY, **carol)
    for part, at in (("ml-kem", 5), ("x25519", 1090)):
        write(
            f"hybrid-other-{part}-share",
            NO_MATCH,
            header(hybrid(share=b64(flip(HYBRID_SHARE, at)))) + BODY,
            **carol,
        )
    write("hybrid-short-body", HEADER, header(hybrid(body=HYBRID_BODY[:31])) + BODY, **carol)
    write("hybrid-long-body", HEADER, header(hybrid(body=HYBRID_BODY + b"\0")) + BODY, **carol)
    write("hybrid-no-share", HEADER, header(stanza(b"mlkem768x25519", HYBRID_BODY)) + BODY, **carol)
    write("hybrid-extra-argument", HEADER, header(hybrid(share=b64(HYBRID_SHARE) + b" 1")) + BODY, **carol)
    write("hybrid-short-share", HEADER, header(hybrid(share=b64(HYBRID_SHARE[:-1]))) + BODY, **carol)
    write("hybrid-long-share", HEADER, header(hybrid(share=b64(HYBRID_SHARE + b"\0"))) + BODY, **carol)
    write(
        "hybrid-share-spare-bits", HEADER, header(hybrid(share=spare_bit(b64(HYBRID_SHARE)))) + BODY, **carol
    )
    low = HYBRID_SHARE[:-32] + bytes(32)
    write("hybrid-low-order", HEADER, header(hybrid(share=b64(low))) + BODY, **carol)


def write_scrypt() -> None:
    secret_ = {"keys": (), "passphrase": PASSPHRASE}
    write("scrypt", OK, header(scrypt()) + BODY, TEXT, **secret_)
    write("scrypt-two-digits", OK, header(scrypt(work=b"10", factor=10)) + BODY, TEXT, **secret_)
    write("scrypt-wrong-passphrase", NO_MATCH, header(scrypt()) + BODY, keys=(), passphrase="wrong")
    write("scrypt-with-identity", NO_MATCH, header(scrypt()) + BODY)
    write("scrypt-upper-case", NO_MATCH, header(scrypt(kind=b"Scrypt")) + BODY, **secret_)
    write("scrypt-bad-tag", NO_MATCH, header(scrypt(body=bytes(32))) + BODY, **secret_)
    write("scrypt-twice", HEADER, header(scrypt(), scrypt()) + BODY, **secret_)
    write("scrypt-beside-x25519", HEADER, header(scrypt(), x25519()) + BODY, **secret_)
    write("scrypt-beside-x25519-with-identity", HEADER, header(x25519(), scrypt()) + BODY)
    write("scrypt-beside-unknown", HEADER, header(stanza(b"other", b""), scrypt()) + BODY, **secret_)
    write(
        "scrypt-no-work-factor", HEADER, header(stanza(b"scrypt " + b64(SALT), bytes(32))) + BODY, **secret_
    )
    write("scrypt-extra-argument", HEADER, header(scrypt(work=b"2 1")) + BODY, **secret_)
    write("scrypt-short-body", HEADER, header(scrypt(body=bytes(31))) + BODY, **secret_)
    write("scrypt-long-body", HEADER, header(scrypt(body=bytes(33))) + BODY, **secret_)
    for name, salt in (
        ("short", b64(SALT[:15])),
        ("long", b64(SALT + b"\0")),
        ("spare-bits", spare_bit(b64(SALT))),
        ("padded", b64(SALT) + b"=="),
    ):
        write(f"scrypt-salt-{name}", HEADER, header(scrypt(salt=salt)) + BODY, **secret_)
    for name, work in (
        ("zero", b"0"),
        ("leading-zero", b"02"),
        ("plus", b"+2"),
        ("minus", b"-2"),
        ("hex", b"0x2"),
        ("fraction", b"2.0"),
        ("trailing", b"2x"),
        ("underscore", b"1_0"),
        ("over-limit", b"21"),
        ("huge", b"9" * 400),
    ):
        write(f"scrypt-work-{name}", HEADER, header(scrypt(work=work)) + BODY, **secret_)
    limits = {"max_scrypt_work_factor": 1}
    write("scrypt-work-over-own-limit", HEADER, header(scrypt()) + BODY, limits=limits, **secret_)


def write_headers() -> None:
    good = header(x25519())
    text, tag = good[:-44], good[-44:-1]
    for name, version in (
        ("v2", b"age-encryption.org/v2\n"),
        ("empty", b"age-encryption.org/\n"),
        ("longer", b"age-encryption.org/v1x\n"),
        ("cr", b"age-encryption.org/v1\r\n"),
        ("space", b"age-encryption.org/v1 \n"),
        ("upper-case", b"AGE-ENCRYPTION.ORG/V1\n"),
        ("leading-line", b"\n" + V1),
        ("leading-space", b" " + V1),
        ("missing", b""),
    ):
        write(f"version-{name}", HEADER, header(x25519(), version=version) + BODY)
    write("empty-file", HEADER, b"")
    write("version-cut-off", HEADER, V1[:-1])
    write("version-only", HEADER, V1)
    write("rubbish", HEADER, b"\x00" * 5000)
    write("no-stanza", HEADER, header() + BODY)
    for name, line in (
        ("none", b""),
        ("short", b"--- " + tag[:-1] + b"\n"),
        ("long", b"--- " + tag + b"A\n"),
        ("spare-bits", b"--- " + spare_bit(tag) + b"\n"),
        ("padded", b"--- " + tag + b"=\n"),
        ("no-space", b"---" + tag + b"\n"),
        ("two-spaces", b"---  " + tag + b"\n"),
        ("trailing-space", b"--- " + tag + b" \n"),
        ("cr", b"--- " + tag + b"\r\n"),
        ("cut-off", b"--- " + tag),
        ("four-dashes", b"---- " + tag + b"\n"),
        ("empty", b"---\n"),
        ("foreign-character", b"--- " + b"*" + tag[1:] + b"\n"),
    ):
        write(f"mac-{name}", HEADER, text[:-4] + line + (BODY if line.endswith(b"\n") else b""))
    write("mac-altered", MAC, text + b"B" + tag[1:] + b"\n" + BODY)
    other = stanza(b"other", b"")
    write("mac-stanza-added", MAC, good.replace(V1, V1 + other) + BODY)
    write("mac-stanza-removed", MAC, header(other, x25519()).replace(other, b"") + BODY)
    write(
        "mac-stanzas-swapped",
        MAC,
        header(other, x25519()).replace(other, b"").replace(b"---", other + b"---") + BODY,
    )
    write("mac-other-file-key", MAC, header(x25519(body=x25519_body("alice", EPHEMERAL, bytes(16)))) + BODY)
    write("nonce-missing", HEADER, good)
    write("nonce-cut-off", HEADER, good + NONCE[:15])


def write_stanzas() -> None:
    line = b64(bytes(48))
    for name, broken in (
        ("no-arguments", b"->\n\n"),
        ("empty-arguments", b"-> \n\n"),
        ("empty-argument", b"-> a  b\n\n"),
        ("leading-space", b"->  a\n\n"),
        ("trailing-space", b"-> a \n\n"),
        ("no-space", b"->a\n\n"),
        ("tab", b"-> a\tb\n\n"),
        ("control-character", b"-> a\x7f\n\n"),
        ("not-ascii", "-> é\n\n".encode()),
        ("cr", b"-> a\r\n\n"),
        ("wrong-mark", b"=> a\n\n"),
        ("long-mark", b"--> a\n\n"),
        ("blank-line", b"\n-> a\n\n"),
        ("body-cr", b"-> a\nAAAA\r\n"),
        ("body-padded", b"-> a\nAAA=\n"),
        ("body-padded-twice", b"-> a\nAA==\n"),
        ("body-spare-bits", b"-> a\nAB\n"),
        ("body-one-character", b"-> a\nAAAAA\n"),
        ("body-foreign-character", b"-> a\nAA*A\n"),
        ("body-url-alphabet", b"-> a\nAA-_\n"),
        ("body-space", b"-> a\n AAAA\n"),
        ("body-65-columns", b"-> a\n" + line + b"A\n"),
        ("body-long-line", b"-> a\n" + line + line + b"\n\n"),
        ("body-two-short-lines", b"-> a\nAAAA\nAAAA\n"),
        ("body-no-last-line", b"-> a\n" + line + b"\n"),
        ("body-missing", b"-> a\n"),
    ):
        write(f"stanza-{name}", HEADER, header(x25519(), broken) + BODY)
    write("stanza-cut-off", HEADER, V1 + b"-> X25519 AA")
    write("stanza-body-cut-off", HEADER, V1 + b"-> a\nAAAA")
    write("header-too-long", HEADER, V1 + b"-> " + b"a" * (1 << 20) + b"\n\n")
    write(
        "header-too-many-stanzas", HEADER, header(x25519(), x25519("bob")) + BODY, limits={"max_stanzas": 1}
    )
    write(
        "header-at-limit",
        OK,
        GOOD,
        TEXT,
        limits={"max_header_bytes": len(header(x25519())), "max_stanzas": 1},
    )
    limits = {"max_header_bytes": len(header(x25519())) - 1}
    write("header-over-limit", HEADER, GOOD, limits=limits)


def write_payloads() -> None:
    for name, sizes in (
        ("empty", (0,)),
        ("one-byte", (1,)),
        ("full", (CHUNK,)),
        ("two", (CHUNK, 1)),
        ("two-full", (CHUNK, CHUNK)),
        ("three", (CHUNK, CHUNK, 1000)),
        ("sixteen-full", (CHUNK,) * 16),
        ("seventeen", (*[CHUNK] * 16, 1)),
        ("thirty-three", (*[CHUNK] * 32, 77)),
    ):
        text, data = payload(*sizes)
        write(f"payload-{name}", OK, data, text)
    good = header(x25519()) + NONCE
    text, (first, second, third) = chunks(CHUNK, CHUNK, 50)
    one = text[:CHUNK]
    write("payload-none", PAYLOAD, good)
    write("payload-short-tag", PAYLOAD, good + SMALL[0][:15])
    write("payload-tag-altered", PAYLOAD, good + flip(SMALL[0], -1))
    write("payload-text-altered", PAYLOAD, good + flip(SMALL[0], 0))
    write("payload-nonce-altered", PAYLOAD, header(x25519()) + flip(NONCE, 0) + SMALL[0])
    write("payload-cut-off", PAYLOAD, good + SMALL[0][:-1])
    write("payload-byte-added", PAYLOAD, good + SMALL[0] + b"\0")
    write("payload-first-altered", PAYLOAD, good + flip(first, 9) + second + third)
    write("payload-second-altered", PAYLOAD, good + first + flip(second, 9) + third, one)
    write("payload-third-altered", PAYLOAD, good + first + second + flip(third, 9), text[: 2 * CHUNK])
    write("payload-swapped", PAYLOAD, good + second + first + third)
    write("payload-first-dropped", PAYLOAD, good + second + third)
    write("payload-second-dropped", PAYLOAD, good + first + third, one)
    write("payload-second-twice", PAYLOAD, good + first + second + second + third, text[: 2 * CHUNK])
    write("payload-no-last", PAYLOAD, good + first + second, one)
    write("payload-no-last-short", PAYLOAD, payload(20, final=9)[1])
    write("payload-no-last-full", PAYLOAD, payload(CHUNK, final=9)[1])
    write("payload-no-last-empty", PAYLOAD, payload(0, final=9)[1])
    write("payload-empty-last", PAYLOAD, payload(CHUNK, 0)[1], one)
    write("payload-short-middle", PAYLOAD, payload(1000, 50)[1])
    write("payload-short-second", PAYLOAD, payload(CHUNK, 1000, 50)[1], one)
    write("payload-last-first", PAYLOAD, payload(CHUNK, 50, final=0)[1])
    last = chunk(1, 50, last=True)[1]
    write("payload-two-last", PAYLOAD, good + chunk(0, CHUNK, last=True)[1] + last)
    write("payload-two-last-short", PAYLOAD, good + chunk(0, 50, last=True)[1] + last)
    write("payload-counter-from-one", PAYLOAD, payload(20, first=1)[1])
    write("payload-after-last", PAYLOAD, good + first + chunk(1, CHUNK, last=True)[1] + b"rubbish", one)
    write("payload-byte-after-full", PAYLOAD, good + chunk(0, CHUNK, last=True)[1] + b"\0")
    write("payload-second-file", PAYLOAD, GOOD + GOOD)
    text, data = payload(*[CHUNK] * 17)
    write("payload-seventeenth-altered", PAYLOAD, flip(data, -1), text[: 16 * CHUNK])


def write_armors() -> None:
    good = armor(GOOD)
    lines = good.split(b"\n")
    write("armor", OK, good, TEXT)
    write("armor-crlf", OK, armor(GOOD, b"\r\n"), TEXT)
    write("armor-no-line-end-at-end", OK, good[:-1], TEXT)
    write("armor-white-space-around", OK, b" \n\t\r\n" + good + b"\r\n \n\t", TEXT)
    write("armor-white-space-at-limit", OK, b"\n" * 1024 + good + b" " * 1023, TEXT)
    text, data = payload(CHUNK, CHUNK, 30)
    write("armor-three-chunks", OK, armor(data), text)
    write("armor-hybrid", OK, armor(header(hybrid()) + BODY), TEXT, keys=("carol",))
    for remainder in (0, 46, 47):
        data = armored_size(remainder)
        size = len(data) - len(header(x25519())) - 32
        write(f"armor-last-line-{remainder}", OK, armor(data), chunk(0, size, last=True)[0])
    write("armor-other-identity", NO_MATCH, good, keys=("bob",))
    altered = header(x25519()).replace(b"\n--- ", b"\n-> x\n\n--- ")
    write("armor-mac-altered", MAC, armor(altered + BODY))
    write("armor-payload-altered", PAYLOAD, armor(flip(GOOD, -1)))
    write("armor-payload-cut-off", PAYLOAD, armor(GOOD[:-1]))
    write("armor-header-crlf", HEADER, armor(GOOD.replace(b"\n", b"\r\n", 3)))
    write("armor-empty", HEADER, armor(b""))
    write("armor-twice", HEADER, armor(good))
    write("armor-white-space-before-over-limit", ARMOR, b"\n" * 1025 + good)
    write("armor-white-space-after-over-limit", ARMOR, good + b"\n" * 1024)
    for name, old, new in (
        ("lower-case-label", b"BEGIN AGE", b"BEGIN age"),
        ("other-label", b"BEGIN AGE ENCRYPTED FILE", b"BEGIN AGE ENCRYPTED MESSAGE"),
        ("spaced-begin", b"-----BEGIN", b"----- BEGIN"),
        ("space-after-begin", BEGIN, BEGIN + b" "),
        ("blank-line-first", BEGIN + b"\n", BEGIN + b"\n\n"),
        ("headers", BEGIN + b"\n", BEGIN + b"\nVersion: 1\n\n"),
        ("begin-cr", BEGIN + b"\n", BEGIN + b"\r"),
        ("begin-crlf-only", BEGIN + b"\n", BEGIN + b"\r\n"),
        ("end-cut-off", END + b"\n", END[:-1]),
        ("end-missing", END + b"\n", b""),
        ("end-other-label", b"END AGE ENCRYPTED", b"END AGE DECRYPTED"),
        ("blank-line-last", END, b"\n" + END),
        ("space-before-end", END, b" " + END),
        ("checksum", END, b"=abcd\n" + END),
        ("text-after-end", END, END + b"x"),
        ("line-after-end", END + b"\n", END + b"\nrubbish\n"),
        ("second-armor", END + b"\n", END + b"\n" + good),
        ("text-before", BEGIN, b"rubbish\n" + BEGIN),
        ("foreign-character", lines[2], lines[2][:-1] + b"*"),
        ("url-alphabet", lines[2], lines[2][:-1] + b"_"),
        ("space-in-line", lines[2], lines[2][:-1] + b" "),
        ("short-line", lines[2], lines[2][:-4]),
        ("long-line", lines[2], lines[2] + b"AAAA"),
        ("split-line", lines[2], lines[2][:32] + b"\n" + lines[2][32:]),
        ("space-at-line-end", lines[2], lines[2] + b" "),
        ("space-at-line-start", lines[2], b" " + lines[2]),
        ("crlf-once", lines[2] + b"\n", lines[2] + b"\r\n"),
        ("cr-once", lines[2] + b"\n", lines[2] + b"\r"),
        ("padding-in-middle", lines[2], lines[2][:-2] + b"=="),
        ("data-after-padding", END, lines[2] + b"\n" + END),
        ("not-ascii", lines[2], b"\xff" + lines[2][1:]),
    ):
        assert good.count(old) == 1, name
        write(f"armor-{name}", ARMOR, good.replace(old, new))
    data = armor(armored_size(46)).split(b"\n")
    last = data[-3]
    assert last.endswith(b"==")
    for name, line in (
        ("no-padding", last[:-2]),
        ("one-padding", last[:-1]),
        ("three-padding", last + b"="),
        ("padding-on-own-line", last[:-2] + b"\n=="),
        ("split-padding", last[:-1] + b"\n="),
        ("spare-bits", spare_bit(last[:-2]) + b"=="),
        ("last-line-space", last + b" "),
        ("last-line-too-long", last[:-2] + b"AAAAAA"),
    ):
        write(f"armor-{name}", ARMOR, b"\n".join([*data[:-3], line, *data[-2:]]))


def main() -> None:
    """Write all vectors."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    write_recipients()
    write_hybrid()
    write_scrypt()
    write_headers()
    write_stanzas()
    write_payloads()
    write_armors()


if __name__ == "__main__":
    main()
