"""`select`: candidates against each other on the same folds, and what came of it as a `Selection`."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from attrs import evolve
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.utils import indexable
from sklearn.utils.multiclass import type_of_target

from maas_sdk._internal.fingerprint import fingerprint
from maas_sdk._internal.version import __version__
from maas_sdk._internal.workers import Workers, checked_executor
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.learning._metrics import get_metric
from maas_sdk.learning._options import check_boolean, check_integer
from maas_sdk.learning._selection._candidates import Candidate, expand_candidates, seeded
from maas_sdk.learning._selection._halving import Halving
from maas_sdk.learning._selection._result import Selection
from maas_sdk.learning._selection._runner import Runner
from maas_sdk.learning._selection._search import Search, nested_fold, run_together
from maas_sdk.learning._selection._splits import folds_of
from maas_sdk.learning._selection._summary import comparison_of, leaderboard_of, nested_score
from maas_sdk.learning._selection._trial import Data, fit, weights_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from maas_sdk.interfaces import CheckpointStore
    from maas_sdk.learning._metrics import Metric
    from maas_sdk.learning._selection._runner import TrialReport
    from maas_sdk.learning._selection._splits import Fold

__all__ = ["select"]

_ADVICE = {
    True: "the trials that have ended are in the store: select again with a new executor, and only the "
    "missing ones run",
    False: "give a store, so that the trials that have ended are kept",
}
"""When an executor broke, with a store and without one."""


def select(
    candidates: Sequence[Any] | Mapping[str, Any],
    X: Any,
    y: Any,
    *,
    metric: str | None = None,
    cv: Any = 5,
    groups: Any = None,
    sample_weight: Any = None,
    executor: Executor | Callable[[], Executor] | None = None,
    store: CheckpointStore | None = None,
    halving: Halving | None = None,
    nested: Any = None,
    random_state: int = 0,
    retries: int = 2,
    in_flight: int = 32,
    refit: bool = True,
    callback: Callable[[TrialReport], object] | None = None,
) -> Selection:
    """Select among estimators; :func:`maas_sdk.select` does it among components by name, too.

    Parameters
    ----------
    candidates : sequence of estimator, SearchSpace or Candidate; or mapping of names to them
        All classifiers or all regressors. A parameter `random_state` that is None, however deep, gets a seed.
    X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        Rows that can be taken by number.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    metric : str, default=None
        As for :func:`get_metric`; None is ``"accuracy"`` for classifiers, ``"r2"`` for others.
    cv : int, str, splitter or iterable of (train, test), default=5
        As for :func:`cross_validate`.
    groups : array-like of shape (n_samples,), default=None
        For splitters that keep groups together.
    sample_weight : array-like of shape (n_samples,), default=None
        For fitting; scores are not weighted.
    executor : Executor, callable that gives one, or None
        None runs in this thread. See :func:`maas_sdk.select`.
    store : CheckpointStore, default=None
        Where the score of each trial is kept.
    halving : Halving, default=None
        Eliminate candidates early; None tries each on everything.
    nested : as `cv`, default=None
        Outer folds, in each of which the whole selection is done again, to measure it on rows that it never
        saw.
    random_state : int, default=0
        Of everything that is random.
    retries : int, default=2
        How often a trial whose worker died is tried again.
    in_flight : int, default=32
        Most trials that are with the executor at a time.
    refit : bool, default=True
        Whether the best is fitted on all rows, here.
    callback : callable, default=None
        Called with a :class:`TrialReport` after each trial.

    Raises
    ------
    InvalidOptionError
        When an option is wrong, or something cannot be kept in the store.
    ComponentError
        When every candidate failed, or the executor broke.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from maas_sdk.learning import LogisticClassifier, SearchSpace
    >>> X, y = load_iris(return_X_y=True)
    >>> selection = select([SearchSpace(LogisticClassifier(), {"alpha": [1e-4, 10.0]})], X, y)
    >>> selection.best.params
    {'alpha': 0.0001}
    """
    seed = check_integer("random_state", random_state, minimum=0)
    check_boolean("refit", refit)
    if halving is not None and not isinstance(halving, Halving):
        raise InvalidOptionError(f"halving must be a Halving or None, not {halving!r}")
    data, groups = _checked_data(X, y, sample_weight, groups)
    chosen = _candidates(candidates, seed, data)
    classify = all(is_classifier(each.estimator) for each in chosen)
    found = get_metric(metric if metric is not None else "accuracy" if classify else "r2")
    runner = Runner(
        data=data,
        metric=found.name,
        workers=Workers(
            executor=checked_executor(executor),
            retries=check_integer("retries", retries, minimum=0),
            in_flight=check_integer("in_flight", in_flight, minimum=1),
            what="a trial",
            advice=_ADVICE[store is not None],
        ),
        store=store,
        callback=callback,
    )
    stratify = classify and type_of_target(data.y) in ("binary", "multiclass")
    split = functools.partial(
        folds_of, data=data, groups=groups, estimator=chosen[0].estimator, random_state=seed
    )
    folds = split(cv)
    outer = [] if nested is None else split(nested, option="nested")
    search = Search(
        candidates=chosen,
        metric=found,
        y=data.y,
        stratify=stratify,
        halving=halving,
        random_state=seed,
        key=_no_key if store is None else _Keys(data, found),
    )
    inner = [nested_fold(search, fold, split(cv, rows=fold.train), n) for n, fold in enumerate(outer)]
    with contextlib.closing(runner.workers):
        standings, *results = run_together([search.over(folds), *inner], runner.run)
    best = standings[0]
    if best.error is not None:
        raise ComponentError(f"every candidate failed; {best.candidate.name} in {best.error}")
    return Selection(
        metric=found.name,
        greater_is_better=found.greater_is_better,
        leaderboard=leaderboard_of(standings, halved=halving is not None),
        comparison=comparison_of(standings, found),
        nested=None if nested is None else nested_score(results, outer),
        n_trials=runner.done,
        resumed=runner.resumed,
        retried=runner.workers.retried,
        best_estimator=fit(best.estimator, data) if refit else None,
    )


def _checked_data(X: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Data, Any]:
    if not hasattr(X, "__getitem__") and not hasattr(X, "__array__") and not sparse.issparse(X):
        raise InvalidOptionError(f"X must have rows that can be taken by number: {type(X).__name__} has not")
    if y is None:
        raise InvalidOptionError("y is None: without a truth there is nothing to select by")
    y, sample_weight = (
        each if each is None or hasattr(each, "shape") else np.asarray(each) for each in (y, sample_weight)
    )
    X, y, sample_weight, groups = indexable(X, y, sample_weight, groups)
    return Data(X, y, sample_weight), groups


def _candidates(candidates: Any, seed: int, data: Data) -> list[Candidate]:
    """Give the candidates with their seeds, checked."""
    chosen = expand_candidates(candidates, random_state=seed)
    kinds = {is_classifier(each.estimator): each.name for each in chosen}
    if len(kinds) > 1:
        raise InvalidOptionError(
            f"{kinds[True]} is a classifier and {kinds[False]} is none: they cannot be compared"
        )
    if data.sample_weight is not None:
        for each in chosen:
            weights_option(each.estimator)
    return [evolve(each, estimator=seeded(clone(each.estimator), seed)) for each in chosen]


def _no_key(_estimator: Any, _fold: Fold) -> None:
    """Without a store nothing is filed, and nothing has to be told apart."""


class _Keys:
    """Names trials by all that their scores depend on."""

    def __init__(self, data: Data, metric: Metric) -> None:
        self._common = fingerprint(
            maas_sdk=__version__,
            scikit_learn=sklearn.__version__,
            numpy=np.__version__,
            X=data.X,
            y=data.y,
            sample_weight=data.sample_weight,
            metric=metric.name,
        )
        self._known: dict[int, tuple[Any, str]] = {}

    def __call__(self, estimator: Any, fold: Fold) -> str:
        return "trial-" + fingerprint(
            common=self._common,
            estimator=self._once("estimator", estimator),
            fold=self._once("fold", fold),
        )

    def _once(self, name: str, value: Any) -> str:
        known = self._known.get(id(value))
        if known is None:
            # The value is kept, too, so that no other can come to have its id.
            known = self._known[id(value)] = value, fingerprint(**{name: value})
        return known[1]
