"""The self-test of a release: a few inputs with the sender's predictions, rerun by the receiver.

A safetensors file with the tensors ``inputs``, ``predict`` and, for classifiers that have it,
``predict_proba``. Text, which the format lacks, is three tensors: ``<name>.utf8`` (uint8), ``<name>.ends``
(int64, where each item ends) and ``<name>.shape`` (int64).
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from maas_sdk.limits import Limits

    Predict = Callable[[Any], Any]

__all__ = ["SelfTest", "SelfTestReport"]

_WHAT: Final = "the self-test"
_INPUTS: Final = "inputs"
_PREDICT: Final = "predict"
_PROBABILITIES: Final = "predict_proba"
_UTF8: Final = ".utf8"
_ENDS: Final = ".ends"
_SHAPE: Final = ".shape"
_MAX_ROWS: Final = 100_000
_NUMBERS: Final = "biuf"
_TRAVEL: Final = "?bhilqBHILQefdU"  # numpy's characters: no long double


@frozen
class SelfTestReport:
    """How the receiver's predictions compare with the sender's.

    Attributes
    ----------
    n_rows : int
        Inputs that were predicted.
    n_different : int
        Rows where something differs, be it in the last bit.
    n_other_labels : int
        Rows where a label (text, an integer or a boolean) differs.
    max_abs_diff : float
        The largest difference between two numbers; infinite when one is NaN and the other is not.
    max_rel_diff : float
        The same, relative to the largest magnitude among the sender's numbers of that output.
    """

    n_rows: int
    n_different: int
    n_other_labels: int
    max_abs_diff: float
    max_rel_diff: float

    @property
    def identical(self) -> bool:
        """Whether every prediction is the sender's, bit for bit (two NaN are equal)."""
        return self.n_different == 0

    def within(self, tolerance: float) -> bool:
        """Whether every label is the sender's and no number is further off than `tolerance`, relatively."""
        return self.n_other_labels == 0 and self.max_rel_diff <= tolerance

    def __str__(self) -> str:
        if self.identical:
            return f"{self.n_rows} rows, identical"
        labels = f"{self.n_other_labels} other labels, " if self.n_other_labels else ""
        return (
            f"{self.n_rows} rows, {self.n_different} different: {labels}"
            f"numbers off by {self.max_abs_diff:.3g} ({self.max_rel_diff:.3g} of the largest)"
        )


class SelfTest:
    """Inputs with the predictions that they had at the sender.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, n_features)
        Numbers, booleans or text.
    outputs : dict of str to ndarray
        ``"predict"``, and ``"predict_proba"`` where there are probabilities.
    """

    def __init__(self, inputs: NDArray[Any], outputs: Mapping[str, NDArray[Any]]) -> None:
        self.inputs = inputs
        self.outputs = dict(outputs)

    @classmethod
    def make(cls, X: Any, *, predict: Predict, predict_proba: Predict | None = None) -> bytes:
        """Predict, and give the bytes of ``selftest.safetensors``.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            A few inputs: numbers, booleans or text. They travel with the release.
        predict : callable
            Gives predictions of shape (n_rows,) or (n_rows, n_outputs) for an array like `X`.
        predict_proba : callable or None
            Gives probabilities of shape (n_rows, n_classes).

        Raises
        ------
        InvalidOptionError
            When `X` is empty, too long, or of a type that does not travel.
        """
        inputs = _plain(X, _INPUTS)
        if inputs.ndim == 0 or not 1 <= len(inputs) <= _MAX_ROWS:
            raise InvalidOptionError(f"X has the shape {inputs.shape}; give 1 to {_MAX_ROWS} rows")
        outputs = {_PREDICT: _plain(predict(inputs), _PREDICT)}
        if predict_proba is not None:
            outputs[_PROBABILITIES] = _plain(predict_proba(inputs), _PROBABILITIES)
        for name, array in outputs.items():
            if array.ndim == 0 or len(array) != len(inputs):
                raise InvalidOptionError(f"{name} gave the shape {array.shape} for {len(inputs)} rows")
        return cls(inputs, outputs).to_bytes()

    def to_bytes(self) -> bytes:
        """Encode; equal self-tests give equal bytes."""
        from safetensors.numpy import save  # noqa: PLC0415 - numpy is loaded only where it is needed

        tensors: dict[str, NDArray[Any]] = {}
        for name, array in {_INPUTS: self.inputs, **self.outputs}.items():
            tensors.update(_encoded(name, array) if array.dtype.kind == "U" else {name: array})
        return save(tensors)

    @classmethod
    def from_bytes(cls, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> SelfTest:
        """Decode ``selftest.safetensors``.

        Raises
        ------
        InvalidArtifactError
            When it is malformed; `LimitExceededError` when it is larger than `Limits.max_array_bytes`.
        """
        if len(data) > limits.max_array_bytes:
            raise LimitExceededError(
                f"{_WHAT} is {len(data)} bytes; Limits.max_array_bytes allows {limits.max_array_bytes}"
            )
        tensors = _tensors(data)
        arrays = {
            name: _take(name, tensors, limits)
            for name in (_INPUTS, _PREDICT, _PROBABILITIES)
            if _has(name, tensors)
        }
        if tensors:
            raise InvalidArtifactError(f"{_WHAT} holds the unknown tensor {min(tensors)!r}")
        if not {_INPUTS, _PREDICT} <= arrays.keys():
            raise InvalidArtifactError(f"{_WHAT} lacks {_INPUTS!r} or {_PREDICT!r}")
        rows = {array.shape[:1] for array in arrays.values()}
        if len(rows) != 1 or () in rows or not 1 <= len(arrays[_INPUTS]) <= _MAX_ROWS:
            raise InvalidArtifactError(
                f"{_WHAT} has inputs and outputs of different length, or no or too many rows"
            )
        return cls(arrays.pop(_INPUTS), arrays)

    @classmethod
    def run(
        cls,
        data: bytes,
        *,
        predict: Predict,
        predict_proba: Predict | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> SelfTestReport:
        """Predict again, and compare.

        Parameters
        ----------
        data : bytes
            The part ``selftest.safetensors``.
        predict, predict_proba : callable
            As for `make`; probabilities in the file need `predict_proba`.
        limits : Limits
            `max_array_bytes` holds.

        Raises
        ------
        InvalidArtifactError
            When `data` is malformed, or holds probabilities that cannot be rerun.
        """
        test = cls.from_bytes(data, limits=limits)
        if _PROBABILITIES in test.outputs and predict_proba is None:
            raise InvalidArtifactError(f"{_WHAT} holds probabilities, and the model gives none")
        again = {_PREDICT: predict, _PROBABILITIES: predict_proba}
        differences = [
            _compare(sent, _plain(function(test.inputs.copy()), name))
            for name, sent in test.outputs.items()
            if (function := again[name]) is not None
        ]
        return SelfTestReport(
            n_rows=len(test.inputs),
            n_different=_count(part.rows for part in differences),
            n_other_labels=_count(part.rows for part in differences if part.labels),
            max_abs_diff=max(part.absolute for part in differences),
            max_rel_diff=max(part.relative for part in differences),
        )


@frozen
class _Difference:
    rows: NDArray[np.bool_]
    labels: bool
    absolute: float
    relative: float


def _count(rows: Iterable[NDArray[np.bool_]]) -> int:
    """Count the rows that are set in any of the arrays."""
    columns = list(rows)
    return sum(map(any, zip(*(column.tolist() for column in columns), strict=True)))


def _compare(sent: NDArray[Any], found: NDArray[Any]) -> _Difference:
    import numpy as np  # noqa: PLC0415 - as above

    n_rows = len(sent)
    labels = sent.dtype.kind != "f"
    if found.shape != sent.shape or (found.dtype.kind == "U") != (sent.dtype.kind == "U"):
        # Nothing to compare: everything is another.
        return _Difference(np.ones(n_rows, dtype=bool), labels=True, absolute=math.inf, relative=math.inf)
    different = found != sent
    if labels:
        rows = different.reshape(n_rows, -1).any(axis=1)
        return _Difference(rows, labels=True, absolute=0.0, relative=0.0)
    sent, found = sent.astype(np.float64), found.astype(np.float64)
    different &= ~(np.isnan(sent) & np.isnan(found))
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.where(different, np.abs(found - sent), 0.0)
    gaps[np.isnan(gaps)] = math.inf
    absolute = float(gaps.max(initial=0.0))
    scale = float(np.abs(sent[np.isfinite(sent)]).max(initial=0.0))
    relative = absolute / scale if scale else (math.inf if absolute else 0.0)
    return _Difference(different.reshape(n_rows, -1).any(axis=1), False, absolute, relative)


def _plain(value: Any, name: str) -> NDArray[Any]:
    """Give an array of numbers, booleans or text, in native byte order and C order."""
    import numpy as np  # noqa: PLC0415 - as above

    array = np.asarray(value)
    if array.dtype.kind == "O" and all(isinstance(item, str) for item in array.ravel()):
        array = array.astype(str)
    if array.dtype.char not in _TRAVEL:
        raise InvalidOptionError(f"{name} holds {array.dtype}; numbers, booleans and text travel")
    if array.dtype.kind == "U":
        return array
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _encoded(name: str, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    import numpy as np  # noqa: PLC0415 - as above

    try:
        items = [text.encode("utf-8") for text in array.ravel().tolist()]
    except UnicodeEncodeError as exc:
        raise InvalidOptionError(f"{name} holds text that is not Unicode: {exc}") from exc
    return {
        name + _UTF8: np.frombuffer(b"".join(items), dtype=np.uint8),
        name + _ENDS: np.cumsum([len(item) for item in items], dtype=np.int64),
        name + _SHAPE: np.asarray(array.shape, dtype=np.int64),
    }


def _tensors(data: bytes) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError  # noqa: PLC0415 - as above
    from safetensors.numpy import load  # noqa: PLC0415 - as above

    try:
        return load(data)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InvalidArtifactError(f"{_WHAT} is not a safetensors file of numbers: {exc}") from exc


def _has(name: str, tensors: Mapping[str, object]) -> bool:
    return name in tensors or name + _UTF8 in tensors


def _take(name: str, tensors: dict[str, NDArray[Any]], limits: Limits) -> NDArray[Any]:
    """Take an array out of the tensors."""
    if name in tensors:
        array = tensors.pop(name)
        if array.dtype.kind not in _NUMBERS:
            raise InvalidArtifactError(f"{_WHAT}: {name} holds {array.dtype}")
        return array
    try:
        utf8, ends, shape = (tensors.pop(name + suffix) for suffix in (_UTF8, _ENDS, _SHAPE))
        items, lengths = _decoded(utf8, ends, shape)
    except (KeyError, ValueError, OverflowError) as exc:
        raise InvalidArtifactError(f"{_WHAT}: the text of {name} is malformed") from exc
    import numpy as np  # noqa: PLC0415 - as above

    # numpy gives every item the room of the longest, four bytes a character.
    room = 4 * len(items) * max(map(len, items), default=0)
    if room > limits.max_array_bytes:
        raise LimitExceededError(
            f"{_WHAT}: the text of {name} needs {room} bytes; "
            f"Limits.max_array_bytes allows {limits.max_array_bytes}"
        )
    return np.asarray(items, dtype=str).reshape(lengths)


def _decoded(
    utf8: NDArray[Any], ends: NDArray[Any], shape: NDArray[Any]
) -> tuple[list[str], tuple[int, ...]]:
    import numpy as np  # noqa: PLC0415 - as above

    if utf8.dtype != np.uint8 or ends.dtype != np.int64 or shape.dtype != np.int64:
        raise ValueError("types")
    if any(array.ndim != 1 for array in (utf8, ends, shape)):
        raise ValueError("dimensions")
    starts = [0, *ends.tolist()]
    lengths = tuple(shape.tolist())
    if any(a > b for a, b in itertools.pairwise(starts)) or starts[-1] != len(utf8):
        raise ValueError("ends")
    if any(length < 0 for length in lengths) or math.prod(lengths) != len(ends):
        raise ValueError("shape")
    blob = utf8.tobytes()
    return [str(blob[a:b], "utf-8") for a, b in itertools.pairwise(starts)], lengths
