"""`compress`: the smallest chain within a budget, and all that was tried on the way."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maas_sdk._internal.workers import Workers, checked_executor
from maas_sdk.compression._baseline import BaselineCompressor
from maas_sdk.compression._candidate import Candidate, check_candidates, check_stages
from maas_sdk.compression._kept import Kept
from maas_sdk.compression._measurement import BATCH_ROWS, StoredForm, first_rows
from maas_sdk.compression._options import is_share, is_whole
from maas_sdk.compression._rows import split_rows
from maas_sdk.compression._search import Search
from maas_sdk.compression._space import Space
from maas_sdk.compression._trial import Bench
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor

    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._budget import Budget
    from maas_sdk.compression._measurement import MeasureSize
    from maas_sdk.compression._report import CompressionReport
    from maas_sdk.interfaces import CheckpointStore

__all__ = ["compress"]

_RETRIES = 2
_IN_FLIGHT = 32


def compress(
    chain: Pipeline,
    X_valid: Any,
    y_valid: Any,
    *,
    budget: Budget,
    candidates: Iterable[Candidate] | Mapping[str, Iterable[Candidate]],
    X_train: Any = None,
    y_train: Any = None,
    measure_size: MeasureSize | None = None,
    executor: Executor | Callable[[], Executor] | None = None,
    store: CheckpointStore | None = None,
    random_state: int = 0,
    confidence: float = 0.95,
    progress: Callable[[str, int, int], object] | None = None,
) -> CompressionReport:
    """Try candidates, measure them, and choose the smallest within the budget.

    Half of the validation rows, drawn at random and for a classifier from each class, order the candidates;
    what the chosen one loses is judged on the other half, by an upper bound of the paired bootstrap. The
    original is always among the candidates, and with training data so are two baselines: a linear model, and
    a smaller one of the same class. A candidate that raises is recorded as failed with the reason, and the
    others go on. Of equal sizes the better metric wins, then the earlier candidate.

    The result depends on data, candidates and `random_state` alone, except where `budget.max_latency` or
    `budget.time` give the clock a say.

    Parameters
    ----------
    chain : sklearn.pipeline.Pipeline
        Fitted; its last step is the model. It is not changed.
    X_valid : array-like of shape (n_samples, n_features)
        Validation rows; best ones that the model was not fitted on.
    y_valid : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their labels or values.
    budget : Budget
        What the result may lose, weigh and take, and how long may be searched.
    candidates : iterable of Candidate, or mapping of stages to them
        What to try, each name once. An iterable is tried as it is. Of a mapping, each candidate is tried on
        its own, and then those that are within the drop are added to the best (at most four of the Pareto
        front of size and risk) again and again: at most one of each stage, in the order of the stages.
    X_train, y_train : array-like or None
        Training data, for compressors that refit; without it these are recorded as not supported.
    measure_size : callable or None
        Gives the bytes of a chain as it will be stored; by default all parts that
        :func:`maas_sdk.serialization.dump_parts` writes in the profile ``"full"``.
    executor : Executor, callable that gives one, or None
        Where candidates are tried: any :class:`concurrent.futures.Executor`, or a function that makes one;
        None is here, one after the other. What is tried at the same time is slower: where latency matters,
        give none.
    store : CheckpointStore or None
        Where what was measured of each candidate is kept, under the digest of all that it depends on. The
        same call then tries only what is missing. What failed is not kept.
    random_state : int, default=0
        Of the split and of the bootstrap.
    confidence : float, default=0.95
        Of the upper bound of the drop.
    progress : callable or None
        Called with a candidate's name, the number of candidates that are done and of those known so far.

    Returns
    -------
    CompressionReport
        With the chosen chain, which is the original itself when nothing smaller fits.

    Raises
    ------
    InvalidOptionError
        When an argument is not as described, the original cannot be measured on each half of the validation
        rows, or something has no place in a store.
    UnsupportedModelError
        When the original cannot be serialized.
    BudgetError
        When not even the original fits; it names the nearest miss and carries the report.
    ComponentError
        When the executor broke for good.

    Notes
    -----
    Candidates are judged in an order that the judging rows have no part in: the most faithful first, by the
    upper bound of the drop on the rows that choose. The first that fails ends it. So the chance that the
    chosen one loses more than `budget.max_drop` is that of one test, however many candidates there were
    (fixed sequence testing).

    References
    ----------
    Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test: Calibrating Predictive Algorithms to
    Achieve Risk Control", arXiv:2110.01052, 2021.
    """
    start = time.monotonic()
    if not is_whole(random_state, least=0):
        raise InvalidOptionError(f"random_state={random_state!r}: expected a whole number, 0 or more.")
    if not is_share(confidence):
        raise InvalidOptionError(f"confidence={confidence!r}: expected a number between 0 and 1.")
    baselines = () if X_train is None else _baselines()
    if isinstance(candidates, Mapping):
        space = Space([baselines, *check_stages(candidates).values()], combined=True)
    else:
        space = Space([baselines, check_candidates(candidates)], combined=False)
    form = StoredForm() if measure_size is None else measure_size
    search_rows, judge_rows = split_rows(chain, X_valid, y_valid, seed=int(random_state))
    bench = Bench(
        original=chain,
        search=search_rows,
        judge=judge_rows,
        X_train=X_train,
        y_train=y_train,
        metric=budget.metric,
        confidence=float(confidence),
        seed=int(random_state),
        measure_size=form,
        timed=first_rows(X_valid, BATCH_ROWS),
    )
    search = Search(
        bench=bench,
        budget=budget,
        space=space,
        workers=Workers(
            executor=checked_executor(executor),
            retries=_RETRIES,
            in_flight=_IN_FLIGHT,
            what="a candidate",
            advice="give a store, and what has ended is kept for the next call",
        ),
        kept=Kept.of(store, bench),
        deadline=None if budget.time is None else start + budget.time,
        progress=progress,
    )
    with contextlib.closing(search.workers):
        return search.run()


def _baselines() -> tuple[Candidate, ...]:
    return (
        Candidate("baseline(linear)", BaselineCompressor("linear")),
        Candidate("baseline(smaller)", BaselineCompressor("smaller")),
    )
