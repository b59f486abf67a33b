"""A model as parts: ``model.json`` with the graph and the versions that wrote it, and tensor files."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn

from maas_sdk._internal import strict_json
from maas_sdk.errors import (
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    UnsupportedModelError,
)
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.serialization._allowed import Allowed
from maas_sdk.serialization._files import TensorSink, TensorSource
from maas_sdk.serialization._graph import GraphReader, GraphWriter
from maas_sdk.serialization._place import Place
from maas_sdk.serialization._table import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maas_sdk.interfaces import EstimatorSerializer
    from maas_sdk.serialization._spec import Profile

__all__ = ["MODEL_FILE", "dump_parts", "dump_pieces", "load_parts"]

MODEL_FILE = "model.json"
_FORMAT = "maas-model/1"
_PROFILES = ("full", "inference")


def dump_parts(
    estimator: Any,
    *,
    profile: Profile = "full",
    training_state: bool = False,
    zstd: bool = False,
    serializers: Sequence[EstimatorSerializer] = (),
    allow: Sequence[Any] = (),
) -> dict[str, bytes]:
    """Serialize a fitted estimator; equal models give equal bytes.

    Everything that predictions use is kept, with its bits; so are parameters and, in the profile ``"full"``,
    the public results of the training such as `n_iter_` or `labels_`. Left out are, unless `training_state`
    asks for it, what the training has written down about itself: loss curves, cross-validation results and
    paths, out-of-bag predictions, the optimizer of scikit-learn's networks. Weights of samples are always
    left out. Parameters about the sender's machine come back as None: `Pipeline.memory`, the `callback` of
    the SDK's models, `n_jobs` where predictions would start processes; so does an `optimizer` that neither
    the table nor a serializer knows.

    Parameters
    ----------
    estimator : estimator
        Fitted, of a class in the table of this package, declared in `allow` or with a serializer.
    profile : {"full", "inference"}
        ``"inference"`` keeps what predictions use and no more; whatever else is asked of the loaded model
        raises `AttributeError` (of trees: `NotIncludedError`, which is one).
    training_state : bool
        Whether to keep what the training has written down about itself.
    zstd : bool
        Whether to compress each tensor file that becomes smaller with Zstandard; such a file cannot be
        memory-mapped.
    serializers : sequence of EstimatorSerializer
        For classes of third parties.
    allow : sequence of class or function
        Classes of third parties that follow scikit-learn's conventions, and functions that parameters name.

    Returns
    -------
    dict of str to bytes
        ``"model.json"`` and ``"tensors/000.safetensors"`` and so on, ``.zst`` added where compressed.

    Raises
    ------
    UnsupportedModelError
        If it, or something in it, has no safe serialization or is not fitted; with the path to it.
    InvalidOptionError
        If the profile is unknown, a serializer is not one, or a name is taken.
    """
    pieces = dump_pieces(
        estimator,
        profile=profile,
        training_state=training_state,
        zstd=zstd,
        serializers=serializers,
        allow=allow,
    )
    return {name: b"".join(part) for name, part in pieces}


def dump_pieces(
    estimator: Any,
    *,
    profile: Profile = "full",
    training_state: bool = False,
    zstd: bool = False,
    serializers: Sequence[EstimatorSerializer] = (),
    allow: Sequence[Any] = (),
) -> Iterator[tuple[str, Sequence[Any]]]:
    """Serialize a fitted estimator without copying its arrays; see `dump_parts` for everything else.

    Returns
    -------
    iterator of (str, sequence of bytes-like)
        Name and content, in pieces, of each part; the document comes last. The pieces of arrays are views of
        the estimator's own, which must not change until they were used.

    Raises
    ------
    UnsupportedModelError, InvalidOptionError
        As in `dump_parts`, and at once.
    """
    if profile not in _PROFILES:
        raise InvalidOptionError(f"profile must be one of {', '.join(_PROFILES)}, not {profile!r}")
    by_class = {serializer.target_type: serializer for serializer in _by_name(serializers).values()}
    tensors = TensorSink()
    try:
        writer = GraphWriter(
            tensors, by_class, Allowed(allow), profile=profile, training_state=training_state
        )
        root = writer.encode(estimator, Place(), fitted=True)
        versions = {"numpy": np.__version__, "scikit-learn": sklearn.__version__}
        document = strict_json.dumps(
            {"format": _FORMAT, "profile": profile, "versions": versions, "model": root}
        )
        strict_json.loads(document, what="the model", limits=DEFAULT_LIMITS)
    except InvalidArtifactError as exc:
        raise UnsupportedModelError(str(exc)) from exc
    return itertools.chain(tensors.parts(zstd=zstd), [(MODEL_FILE, [document])])


def load_parts(
    parts: Mapping[str, bytes | bytearray | memoryview],
    *,
    limits: Limits = DEFAULT_LIMITS,
    serializers: Sequence[EstimatorSerializer] = (),
    allow: Sequence[Any] = (),
    mapped: bool = False,
) -> Any:
    """Put an estimator together from untrusted parts, without running anything that they bring.

    Arrays that are stored in their own dtype are read-only views of the bytes given, which must not change
    afterwards; ``copy.deepcopy`` makes a model that can be trained further.

    Parameters
    ----------
    parts : mapping of str to bytes-like
        ``"model.json"`` and everything under ``"tensors/"`` is read; other parts of a release are not ours.
    limits : Limits
    serializers : sequence of EstimatorSerializer
        For classes of third parties.
    allow : sequence of class or function
        What the application allows beyond the table: the same objects as at `dump_parts`.
    mapped : bool
        Whether the bytes are those of files, which might be altered meanwhile: then integers, by which
        compiled code may index, are copied before they are checked.

    Returns
    -------
    estimator

    Raises
    ------
    InvalidArtifactError
        If anything is wrong, with the path; `LimitExceededError` if it is too much.
    InvalidOptionError
        If an argument is wrong.
    """
    by_name = _by_name(serializers)
    views = _check_parts(parts, limits)
    document = strict_json.loads(views.pop(MODEL_FILE), what=MODEL_FILE, limits=limits)
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise InvalidArtifactError(f"{MODEL_FILE} is not of the format {_FORMAT}")
    if (
        document.keys() != {"format", "profile", "versions", "model"}
        or document["profile"] not in _PROFILES
        or not _are_versions(document["versions"])
    ):
        raise InvalidArtifactError(
            f"{MODEL_FILE} must hold format, profile, versions and model, nothing else"
        )
    tensors = TensorSource(views, limits, mapped=mapped)
    try:
        reader = GraphReader(tensors, by_name, Allowed(allow), limits)
        estimator = reader.decode(document["model"], Place(), fitted=True)
    except LimitExceededError:
        raise
    except InvalidArtifactError as exc:
        exc.args = (f"{exc}{_versions_apart(document['versions'].get('scikit-learn'))}",)
        raise
    except RecursionError as exc:
        raise LimitExceededError("nested deeper than this interpreter allows; lower max_json_depth") from exc
    tensors.finish()
    return estimator


def _are_versions(versions: Any) -> bool:
    return isinstance(versions, dict) and all(isinstance(version, str) for version in versions.values())


def _versions_apart(made_with: str | None) -> str:
    """Say which versions of scikit-learn a model was made and refused with, where they differ."""
    if made_with is None or made_with.split(".")[:2] == sklearn.__version__.split(".")[:2]:
        return ""
    return f" (made with scikit-learn {ascii(made_with[:20])[1:-1]}; this is {sklearn.__version__})"


def _check_parts(
    parts: Mapping[str, bytes | bytearray | memoryview], limits: Limits
) -> dict[str, memoryview]:
    """Give read-only views of our parts, few and small enough."""
    views: dict[str, memoryview] = {}
    for name, data in parts.items():
        if name == MODEL_FILE or name.startswith("tensors/"):
            try:
                views[name] = memoryview(data).cast("B").toreadonly()
            except TypeError as exc:
                raise InvalidOptionError(f"part {name[:80]!r} must be contiguous bytes: {exc}") from exc
    if MODEL_FILE not in views:
        raise InvalidArtifactError(f"part {MODEL_FILE} is missing")
    if len(views) > limits.max_parts:
        raise LimitExceededError(f"{len(views)} parts; Limits.max_parts allows {limits.max_parts}")
    largest, total = max(map(len, views.values())), sum(map(len, views.values()))
    if largest > limits.max_part_bytes or total > limits.max_release_bytes:
        raise LimitExceededError(
            f"parts of {largest} and together {total} bytes; Limits.max_part_bytes allows "
            f"{limits.max_part_bytes}, max_release_bytes {limits.max_release_bytes}"
        )
    return views


def _by_name(serializers: Sequence[EstimatorSerializer]) -> dict[str, EstimatorSerializer]:
    by_name: dict[str, EstimatorSerializer] = {}
    for serializer in serializers:
        name = getattr(serializer, "type_name", None)
        if not isinstance(name, str) or not isinstance(getattr(serializer, "target_type", None), type):
            raise InvalidOptionError(
                f"{serializer!r} is not a serializer: it needs type_name and target_type"
            )
        if name in TABLE or name in by_name or name.partition(".")[0] in ("sklearn", "maas"):
            raise InvalidOptionError(f"the serializer's type_name {name!r} is taken")
        by_name[name] = serializer
    return by_name
