"""What a model answers, and how two models' answers differ: bit for bit, or by how much."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["answers_of", "compare", "probes_for"]

_QUESTIONS: Final = (
    "predict",
    "predict_proba",
    "decision_function",
    "transform",
    "score_samples",
)
_PROBES: Final = 512
_MOST_ROWS: Final = 4096


def probes_for(steps: list[tuple[str, Any]], X_train: Any, seed: int) -> Any:
    """Give rows to ask about: some of the training data, or random numbers on several scales.

    Raises
    ------
    InvalidOptionError
        When there is no training data and the model takes no plain numbers.
    """
    if X_train is not None:
        from sklearn.utils import _safe_indexing  # noqa: PLC0415 - heavy

        count = X_train.shape[0] if hasattr(X_train, "shape") else len(X_train)
        return X_train if count <= _MOST_ROWS else _safe_indexing(X_train, np.arange(_MOST_ROWS))
    first = steps[0][1]
    width = getattr(first, "n_features_in_", None)
    rng = np.random.default_rng(seed)
    if width is not None:
        scales = np.array([0.1, 1.0, 10.0, 100.0])[np.arange(_PROBES) % 4]
        probes = rng.standard_normal((_PROBES, int(width))) * scales[:, None]
        try:
            _ask_all(steps, probes)
        except Exception:  # noqa: BLE001 - whatever it does not take: other data is needed
            width = None
    if width is None:
        raise InvalidOptionError(
            "desensitize: the model cannot be asked about random numbers, so that nothing could be proved; "
            "pass X_train"
        )
    return probes


def answers_of(model: Any, X: Any) -> dict[str, Any]:
    """Ask a fitted model, or a list of steps, all that it predicts or transforms."""
    return _ask_all(model.steps if hasattr(model, "steps") else model, X)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[bool, str]:
    """Tell whether all answers are the same bits, and in words by how much they are not."""
    told = []
    same = set(before) == set(after)
    if not same:
        told.append(f"{', '.join(sorted(set(before) ^ set(after)))} of one of them only")
    for name in before.keys() & after.keys():
        one, other = np.asarray(before[name]), np.asarray(after[name])
        if one.shape != other.shape:
            same = False
            told.append(f"{name}: other shapes")
        elif not _identical(one, other):
            same = False
            told.append(f"{name}: {_gap(one, other)}")
    rows = max((len(np.asarray(answer)) for answer in before.values()), default=0)
    return same, f"{rows:,} rows, " + ("identical" if same else "; ".join(sorted(told)))


def _ask_all(steps: Any, X: Any) -> dict[str, Any]:
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - heavy

    chain = steps if not isinstance(steps, list) else Pipeline(steps)
    found: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of, it warns of before and after
        for name in _QUESTIONS:
            if hasattr(chain, name):
                answer = getattr(chain, name)(X)
                if isinstance(answer, list):  # of several outputs, each its own
                    found |= {f"{name}[{index}]": item for index, item in enumerate(answer)}
                else:
                    found[name] = answer.toarray() if hasattr(answer, "toarray") else answer
    return found


def _identical(one: Any, other: Any) -> bool:
    if one.dtype.kind == "f" and one.dtype == other.dtype:
        missing = np.isnan(one)
        return bool(
            np.array_equal(missing, np.isnan(other))
            and np.where(missing, 0, one).tobytes() == np.where(missing, 0, other).tobytes()
        )
    return bool(np.array_equal(one, other))


def _gap(one: Any, other: Any) -> str:
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
        return f"off by {np.nanmean(apart):.3g} on average, {np.nanmax(apart, initial=0.0):.3g} at most"
    alike = np.mean((one == other).reshape(len(one), -1).all(axis=1))
    return f"{alike:.2%} of the rows alike"
