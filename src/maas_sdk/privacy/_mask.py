"""Names under a key: what a mask makes of column names, labels, values and words; it changes no model."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_sdk.privacy._keyed import KeyedPipeline

__all__ = ["MASKED_WORD", "Mask", "are_masked"]

_KEY_BYTES: Final = 32
_HEX: Final = 32  # digits: 128 bits, so that two names in one model collide with a chance below 2**-90
_MASKED: Final = re.compile(r"m_(?:[0-9a-f]{4,8}_)?[0-9a-f]{32}", re.ASCII)
MASKED_WORD: Final = rf"m_[0-9a-f]{{{_HEX}}}"
"""What a masked word looks like, as a pattern."""

Kind = Literal["column", "label", "value", "word"]


class Mask:
    """Makes names unreadable for whoever does not have the key: HMAC-SHA-256, 128 bits of it.

    The same name gives the same mask under the same key, so that the holder of the key can query a masked
    model. Without the key no guess of a name can be tested. What remains visible is how many names there are,
    and in which order they stand.

    Parameters
    ----------
    key : bytes
        32 bytes or more, secret and random: `generate_key` makes one. It is in no result; whoever loses it
        cannot query the model by the old names any more.

    Raises
    ------
    InvalidOptionError
        When the key is shorter, or is no bytes.

    Examples
    --------
    >>> mask = Mask(Mask.generate_key())
    >>> mask.columns(["age"]) == mask.columns(["age"]) != Mask(Mask.generate_key()).columns(["age"])
    True
    """

    def __init__(self, key: bytes) -> None:
        if type(key) is not bytes or len(key) < _KEY_BYTES:
            raise InvalidOptionError(
                f"the key of a Mask must be {_KEY_BYTES} random bytes or more; Mask.generate_key() makes one"
            )
        if len(set(key)) == 1:
            raise InvalidOptionError("the key of a Mask is one byte repeated; Mask.generate_key() makes one")
        self._key = key

    def __repr__(self) -> str:
        return "Mask(…)"

    def __reduce__(self) -> Any:
        raise InvalidOptionError(
            "a Mask is not pickled, so that its key is nowhere by accident; keep the key"
        )

    @staticmethod
    def generate_key() -> bytes:
        """Make a random key of 32 bytes; store it as any other secret."""
        return secrets.token_bytes(_KEY_BYTES)

    def columns(self, names: Iterable[str]) -> list[str]:
        """Mask column names: ``"m_"`` and 32 hexadecimal digits."""
        return [self._of("column", name) for name in names]

    def values(self, values: Iterable[str]) -> list[str]:
        """Mask values of categories."""
        return [self._of("value", value) for value in values]

    def words(self, words: Iterable[str]) -> list[str]:
        """Mask words of a vocabulary."""
        return [self._of("word", word) for word in words]

    def labels(self, labels: Iterable[str], *, classes: Iterable[str]) -> list[str]:
        """Mask class labels; their order is kept, because estimators rely on it.

        Parameters
        ----------
        labels : iterable of str
            Some of the classes.
        classes : iterable of str
            All text labels of the model.

        Raises
        ------
        InvalidOptionError
            When a label is none of the classes.
        """
        known = self._label_masks(classes)
        return [_look_up(known, label) for label in labels]

    def restore(self, labels: Any, *, classes: Iterable[str]) -> Any:
        """Give the labels that masked predictions stand for.

        Parameters
        ----------
        labels : array-like of str
            As a masked model predicts them.
        classes : iterable of str
            All text labels of the model; masks cannot be turned back without knowing what to look for.

        Returns
        -------
        ndarray
            Of the same shape.
        """
        known = {masked: label for label, masked in self._label_masks(classes).items()}
        given = np.asarray(labels)
        found = [_look_up(known, label) for label in given.ravel().tolist()]
        restored = np.asarray(found, dtype=object if given.dtype == object else None)
        return restored.reshape(given.shape)

    def pipeline(self, masked: Any, original: Any) -> KeyedPipeline:
        """Let a masked model be asked under the old names: what goes in is masked, what comes out restored.

        Parameters
        ----------
        masked : Pipeline or estimator
            What `desensitize` made, or what was loaded from its release.
        original : Pipeline or estimator
            The fitted model that it was made of: it tells labels, and how texts are cut into words.
        """
        from maas_sdk.privacy._keyed import KeyedPipeline  # noqa: PLC0415 - it needs this module

        return KeyedPipeline(self, masked, original)

    def _label_masks(self, classes: Iterable[str]) -> dict[str, str]:
        """Give the masks of labels: with their rank in front, so that they sort as the labels do."""
        ordered = sorted({str(label) for label in classes})
        width = max(4, len(f"{len(ordered):x}"))
        return {
            label: f"m_{rank:0{width}x}_{self._of('label', label)[2:]}" for rank, label in enumerate(ordered)
        }

    def _of(self, kind: Kind, text: str) -> str:
        message = f"maas-mask/1\0{kind}\0{text}".encode("utf-8", "surrogatepass")
        return f"m_{hmac.new(self._key, message, hashlib.sha256).hexdigest()[:_HEX]}"


def are_masked(texts: Sequence[object]) -> bool:
    """Whether all of some texts look like masks; of none they do not."""
    return bool(texts) and all(isinstance(text, str) and _MASKED.fullmatch(text) for text in texts)


def _look_up(known: dict[str, str], label: object) -> str:
    try:
        return known[str(label)]
    except KeyError as exc:
        raise InvalidOptionError(f"{label!r} is none of the {len(known)} classes that were given") from exc
