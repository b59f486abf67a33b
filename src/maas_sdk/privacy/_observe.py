"""What one object of a model keeps, by the table and by comparison; it makes no report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from hashlib import sha256
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import evolve, frozen

from maas_sdk.privacy._mask import are_masked
from maas_sdk.privacy._rules import (
    BARE,
    LABELS,
    LEAVES,
    NAMES,
    OPAQUE,
    PAIRS,
    PROTOTYPES,
    RULES,
    UNLISTED,
    Rule,
)
from maas_sdk.privacy._strings import strings_in, told_by
from maas_sdk.privacy._walk import attributes_of

if TYPE_CHECKING:
    from maas_sdk.privacy._rows import TrainingRows
    from maas_sdk.privacy._walk import Node

__all__ = ["Observed", "Prototypes", "digest_of", "is_unknown", "observe"]

_OURS: Final = ("sklearn.", "maas_sdk.")
_LIBRARIES: Final = ("numpy", "scipy", "joblib")
_BUILTIN: Final = "builtins"
_MAX_DEPTH: Final = 4


@frozen
class Prototypes:
    """Rows that a desensitization has put in the place of training rows.

    Attributes
    ----------
    digest : str
        Of the array, so that rows which are put there later are not taken for them.
    min_rows : int
        Of how many training rows each is the mean at least.
    """

    digest: str
    min_rows: int


@frozen(kw_only=True)
class Observed:
    """One rule at one place: how many, of how many, how many of them equal training rows.

    Attributes
    ----------
    where, estimator : str
        The attribute, and the class.
    rule : Rule
        What it falls under.
    count, total, equal : int or None
        What was counted; None where it is not known.
    content : tuple or None
        What is told once only, however often it is there.
    """

    where: str
    estimator: str
    rule: Rule
    count: int
    total: int | None = None
    equal: int | None = None
    content: tuple[Any, ...] | None = None


def observe(
    node: Node, min_leaf_samples: int, prototypes: Mapping[str, Prototypes], *, unknown: bool
) -> Iterator[Observed]:
    """Look at the attributes of one object; `unknown` says that the table cannot speak of it."""
    state = attributes_of(node.value)
    rules = _rules_for(node.value)
    kind = type(node.value).__name__
    if unknown:
        yield _judge_unknown(node, state, kind)
    for name, value in state.items():
        where = f"{node.path}.{name}" if node.path else name
        rule = rules.get(name)
        known = prototypes.get(where)
        if value is None:
            continue
        if rule is not None and known is not None and known.digest == digest_of(value):
            told = evolve(PROTOTYPES, what=f"prototypes, each the mean of {known.min_rows} rows or more")
            yield Observed(where=where, estimator=kind, rule=told, count=_count(value, told))
        elif rule is not None:
            yield from _by_rule(rule, value, where, kind, node.rows)
        elif name in ("classes_", "feature_names_in_"):
            content = (name, *_flat(value))
            chosen = _if_masked(LABELS if name == "classes_" else NAMES, content[1:])
            yield Observed(where=where, estimator=kind, rule=chosen, count=len(content) - 1, content=content)
        elif _is_tree(value):
            yield from _small_leaves(value, where, kind, min_leaf_samples)
        else:
            yield from _strings(value, where, kind)
            yield from _unlisted(value, where, kind, node.rows)


def is_unknown(value: Any) -> bool:
    """Whether the table cannot speak of an object: its class is neither scikit-learn's nor the SDK's.

    One that is derived from such a class may keep more than it does.
    """
    module = type(value).__module__
    return not (module.startswith(_OURS) or module.partition(".")[0] in (*_LIBRARIES, _BUILTIN))


def digest_of(value: Any) -> str:
    """Give a digest of an array, dense or sparse, or of a tree of neighbours over one."""
    array = _stored(value)
    if hasattr(array, "toarray"):
        array = array.toarray()
    array = np.ascontiguousarray(array)
    return sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()


def _rules_for(value: Any) -> dict[str, Rule]:
    merged: dict[str, Rule] = {}
    for cls in reversed(type(value).__mro__):
        merged |= RULES.get(cls.__name__, {})
    options = [attributes_of(value).get(name) for name in ("kernel", "metric")]
    if any(isinstance(option, str) and option == "precomputed" for option in options):
        # What was given in place of rows were their distances or similarities.
        merged = {name: PAIRS if rule.unit == "rows" else rule for name, rule in merged.items()}
    return merged


def _judge_unknown(node: Node, state: Mapping[str, Any], kind: str) -> Observed:
    """Fail closed: what may hold data is grave, less so when its arrays were compared with the rows."""
    weighty = [name for name, value in state.items() if not _is_single(name, value)]
    rule = OPAQUE if weighty or not state else BARE
    if weighty and node.rows.comparable:
        rule = evolve(OPAQUE, severity="medium")
    return Observed(where=node.path, estimator=kind, rule=rule, count=len(weighty), total=len(state))


def _is_single(name: str, value: Any) -> bool:
    """Whether an attribute holds one value, or what is reported in another way."""
    if name in ("classes_", "feature_names_in_") or value is None:
        return True
    if isinstance(value, (bool, int, float, str, np.number, np.bool_, np.ufunc, FunctionType, type)):
        return True  # functions and classes travel as names, if at all
    return isinstance(value, np.ndarray) and value.size == 1 and value.dtype != object


def _by_rule(rule: Rule, value: Any, where: str, kind: str, rows: TrainingRows) -> Iterator[Observed]:
    array = _stored(value)
    equal = None
    if rule.unit == "rows":
        equal = rows.equal_rows(array)
    elif rule.kind == "verbatim-values":
        equal = rows.equal_values(array)
    count = _count(array, rule)
    if rule.unit in ("values", "words"):
        rule = _if_masked(rule, _texts(array))
    if count:
        yield Observed(where=where, estimator=kind, rule=rule, count=count, equal=equal)


def _if_masked(rule: Rule, texts: Sequence[Any]) -> Rule:
    """Give a lesser rule for texts that are masks: without the key they tell nothing but their number."""
    if not are_masked(texts):
        return rule
    return evolve(rule, severity="low", what=f"masked: {rule.what}", remedy="none is needed; keep the key")


def _texts(value: Any) -> list[Any]:
    """Give the texts among words or values; of numbers none."""
    if isinstance(value, (Mapping, set, frozenset)):
        return list(value)
    if isinstance(value, np.ndarray) and value.dtype.kind not in "OU":
        return []
    return _flat(value)


def _stored(value: Any) -> Any:
    # KD and ball trees hold their rows in `data`; sparse matrices have a `data` too, of another kind.
    return np.asarray(value.data) if type(value).__name__.startswith(("KDTree", "BallTree")) else value


def _count(value: Any, rule: Rule) -> int:
    if rule.unit in ("values", "words"):
        return len(value) if isinstance(value, (Mapping, set, frozenset)) else _size(value)
    shape = getattr(value, "shape", None)
    if shape:
        return int(shape[0])
    return len(value) if isinstance(value, Sized) and shape is None else 1


def _size(value: Any) -> int:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return int(value.size)
    if isinstance(value, (list, tuple, np.ndarray)):
        return sum(_size(part) for part in value)
    return 1


def _flat(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return list(value.ravel().tolist())
    if isinstance(value, (list, tuple, np.ndarray)):
        return [item for part in value for item in _flat(part)]
    return [value]


def _is_tree(value: Any) -> bool:
    fields = getattr(getattr(value, "dtype", None), "names", None) or ()
    return {"is_leaf", "count"} <= set(fields) or (
        hasattr(value, "children_left") and hasattr(value, "max_depth") and hasattr(value, "node_count")
    )


def _small_leaves(value: Any, where: str, kind: str, min_leaf_samples: int) -> Iterator[Observed]:
    samples, leaves = _leaf_samples(value)
    if samples is None:
        # A file in the inference profile has left the counts out; few rows may be what a leaf stands for.
        yield Observed(where=where, estimator=kind, rule=LEAVES, count=leaves)
    elif small := int(np.count_nonzero(samples < min_leaf_samples)):
        yield Observed(where=where, estimator=kind, rule=LEAVES, count=small, total=leaves)


def _leaf_samples(value: Any) -> tuple[Any, int]:
    """Give how many training rows each leaf of a tree holds (None: not told), and the number of leaves."""
    if hasattr(value, "children_left"):
        leaves = value.children_left == -1
        counts = getattr(value, "n_node_samples", None)
    else:
        leaves = value["is_leaf"].astype(bool)
        counts = value["count"] if value["count"].any() else None
    return None if counts is None else counts[leaves], int(leaves.sum())


def _strings(value: Any, where: str, kind: str) -> Iterator[Observed]:
    for text in strings_in(value):
        for rule in told_by(text):
            yield Observed(where=where, estimator=kind, rule=rule, count=1)


def _unlisted(value: Any, where: str, kind: str, rows: TrainingRows, depth: int = 0) -> Iterator[Observed]:
    """Compare what no rule speaks of: arrays, and rows in lists, sets and mappings."""
    if not rows.known:
        return
    if isinstance(value, (list, tuple, set, frozenset, Mapping)):
        table = _table_of(value)
        if table is not None:
            yield from _unlisted(table, where, kind, rows)
        elif depth < _MAX_DEPTH:
            for place, item in enumerate(value.values() if isinstance(value, Mapping) else value):
                yield from _unlisted(item, f"{where}[{place}]", kind, rows, depth + 1)
        return
    if not hasattr(value, "ndim") or not hasattr(value, "dtype"):
        return
    count, equal = 0, None
    if value.ndim == 2:  # noqa: PLR2004 - rows and columns
        count, equal = int(value.shape[0]), rows.equal_rows(value, telling=True)
    if not equal and isinstance(value, np.ndarray):
        count, equal = rows.hidden_rows(value)
    if equal:
        yield Observed(where=where, estimator=kind, rule=UNLISTED, count=count, equal=equal)


def _table_of(value: Any) -> Any:
    """Make an array of rows that are kept one by one, as lists or arrays; `None` of other things."""
    items: list[Any] = list(value.values()) if isinstance(value, Mapping) else list(value)
    first: Any = items[0] if items else None
    is_row = isinstance(first, (list, tuple)) or (isinstance(first, np.ndarray) and first.ndim == 1)
    if not is_row or not len(first):
        return None
    try:
        table = np.asarray(items, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return table if table.ndim == 2 else None  # noqa: PLR2004 - as above
