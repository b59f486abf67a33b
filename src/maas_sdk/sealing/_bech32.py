"""Bech32 as BIP 173 defines it, without a limit on the length: the text form of recipients and identities.

Source: https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki; age lifts the limit of 90 characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.errors import InvalidKeyError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["decode", "encode"]

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6  # characters
_SPARE_BITS = 4  # at most so many zero bits pad the last character


def encode(prefix: str, data: bytes) -> str:
    """Encode in lower case: `prefix`, the separator, the data and the checksum."""
    words = _regroup(data, 8, 5)
    state = _checksum([*_expand(prefix), *words, *[0] * _CHECKSUM]) ^ 1
    words += [(state >> 5 * (_CHECKSUM - 1 - place)) & 31 for place in range(_CHECKSUM)]
    return prefix + "1" + "".join(_ALPHABET[word] for word in words)


def decode(text: str) -> tuple[str, bytes]:
    """Decode to the prefix, in lower case, and the data.

    Raises
    ------
    InvalidKeyError
        When anything is wrong; the message never repeats the text, which may be a secret.
    """
    lower = text.lower()
    if not text.isascii() or text not in (lower, text.upper()):
        raise InvalidKeyError("a key is ASCII, all in upper case or all in lower case; copy it again")
    prefix, separator, rest = lower.rpartition("1")
    if not separator or not prefix or not all("!" <= char <= "~" for char in prefix):
        raise InvalidKeyError("a key starts with its kind, such as 'age1' or 'AGE-SECRET-KEY-1'")
    words = [_ALPHABET.find(char) for char in rest]
    if min(words, default=-1) < 0:
        raise InvalidKeyError("the key holds characters that no key has; copy it again, without spaces")
    if len(words) < _CHECKSUM or _checksum([*_expand(prefix), *words]) != 1:
        raise InvalidKeyError("the key's checksum does not hold: mistyped or cut off; copy it again")
    words = words[:-_CHECKSUM]
    spare = len(words) * 5 % 8
    if spare > _SPARE_BITS or (words and words[-1] & ((1 << spare) - 1)):
        raise InvalidKeyError("the key's last character carries bits that no key has")
    return prefix, bytes(_regroup(words, 5, 8)[: len(words) * 5 // 8])


def _expand(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _checksum(words: Iterable[int]) -> int:
    state = 1
    for word in words:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ word
        for place, factor in enumerate(_GENERATOR):
            if top >> place & 1:
                state ^= factor
    return state


def _regroup(values: Iterable[int], width: int, into: int) -> list[int]:
    """Regroup bits, the most significant first; the last group is filled up with zeros."""
    result = []
    pool = bits = 0
    for value in values:
        pool = (pool << width | value) & 0xFFFF
        bits += width
        while bits >= into:
            bits -= into
            result.append(pool >> bits & ((1 << into) - 1))
    if bits:
        result.append(pool << (into - bits) & ((1 << into) - 1))
    return result
