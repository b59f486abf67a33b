"""`select`: model selection among components by name, pipelines and estimators, with stores by location."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve
from sklearn.base import clone

from maas_sdk.learning import expand_candidates
from maas_sdk.learning import select as select_estimator
from maas_sdk.pipeline._checkpoints import opened_checkpoints
from maas_sdk.pipeline._components import build_model, build_preprocessors, named
from maas_sdk.pipeline._pipeline import Pipeline
from maas_sdk.plugin import PluginRegistry

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from maas_sdk.interfaces import CheckpointStore
    from maas_sdk.learning import Halving, Selection, TrialReport

__all__ = ["select"]


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
    store: CheckpointStore | str | os.PathLike[str] | None = None,
    halving: Halving | None = None,
    nested: Any = None,
    random_state: int = 0,
    retries: int = 2,
    in_flight: int = 32,
    refit: bool = True,
    registry: PluginRegistry | None = None,
    callback: Callable[[TrialReport], object] | None = None,
) -> Selection:
    """Try candidates on the same folds, tell which is best and how sure that is, and fit it.

    A trial is one candidate on one fold. Its score is the same bits here, in a thread, in another process or
    on a cluster of like machines: each works with one thread of linear algebra, on a copy of its rows, and
    with seeds that do not depend on where and when it runs.

    Parameters
    ----------
    candidates : sequence, or mapping of names to candidates
        Each a component by name (``"mlp_classifier"``), ``(name, {options})``, a `Pipeline`, any
        scikit-learn estimator, or a :class:`SearchSpace` over one of these. A mapping gives them names; in a
        sequence they are named after what they are. A component by name becomes the model of a `Pipeline`:
        in a search space its option `alpha` is ``"model__alpha"``. A parameter `random_state` that is None
        gets a seed.
    X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        Rows that can be taken by number.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The truth.
    metric : str, default=None
        As for :func:`maas_sdk.learning.get_metric`; None is ``"accuracy"`` for classifiers, ``"r2"`` for
        others.
    cv : int, str, splitter or iterable of (train, test), default=5
        As for :func:`maas_sdk.learning.cross_validate`: an int makes folds in random order, stratified for
        classifiers; a name, such as ``"grouped"``, or a splitter of scikit-learn's makes others. A splitter
        without a seed gets one.
    groups : array-like of shape (n_samples,), default=None
        For splitters that keep groups together.
    sample_weight : array-like of shape (n_samples,), default=None
        For fitting; scores are not weighted.
    executor : Executor, callable that gives one, or None
        Where trials run: any :class:`concurrent.futures.Executor`, such as a process pool or a Dask
        client's ``client.get_executor(pure=False)``; None is here, one after the other. Instead of one, a
        function that makes one: then an executor that breaks is replaced by a new one, and closed at the end.
    store : str, path-like or CheckpointStore, default=None
        Where the score of each trial is kept as soon as it is known, under the digest of data, rows,
        configuration, metric and versions; a location as for :func:`maas_sdk.open_store`. A selection that
        was stopped, however, is called again in the same way and runs only what is missing. What failed is
        not kept.
    halving : Halving, default=None
        Eliminate candidates early; None tries each on everything.
    nested : as `cv`, default=None
        Outer folds: in each the whole selection is done again on its training rows, and the winner is
        measured on rows that no selection saw. It is the honest score of what `select` gives; the best of a
        leaderboard is flattered by having been chosen.
    random_state : int, default=0
        Of everything that is random.
    retries : int, default=2
        How often a trial is tried again when its worker dies; what an estimator raises is not retried.
    in_flight : int, default=32
        Most trials that are with the executor at a time; twice the number of workers keeps them busy.
    refit : bool, default=True
        Whether the best is fitted on all rows, here.
    registry : PluginRegistry, optional
        Where names are looked up, by default one of its own; its observers see the step ``select``.
    callback : callable, default=None
        Called with a :class:`~maas_sdk.learning.TrialReport` after each trial, in this thread.

    Returns
    -------
    Selection
        With `leaderboard`, `best`, `best_estimator`, `comparison`, `nested`.

    Raises
    ------
    InvalidOptionError
        When an option is wrong, or a configuration cannot be told from another and has no place in a store.
    PluginError
        When a component is unknown or cannot be used.
    ComponentError
        When every candidate failed, or the executor broke for good.

    Examples
    --------
    >>> import maas_sdk as maas
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> space = maas.SearchSpace("logistic_classifier", {"model__alpha": [1e-4, 1e-2, 10.0]})
    >>> selection = maas.select([space, "sklearn.GaussianNB"], X, y)
    >>> selection.best.params
    {'model__alpha': 0.0001}
    >>> selection.best_estimator.predict(X[:2])
    array([0, 0])
    """
    host = PluginRegistry() if registry is None else registry

    def build(spec: Any) -> tuple[str, Any]:
        pipeline = Pipeline(spec, registry=registry) if named(spec) is not None else spec
        return _title(pipeline), pipeline

    chosen = expand_candidates(candidates, random_state=random_state, build=build)
    pipelines = {each.name: each.estimator for each in chosen if isinstance(each.estimator, Pipeline)}
    with host.step("select") as outcome:
        selection = select_estimator(
            [evolve(each, estimator=_of_objects(each.estimator)) for each in chosen],
            X,
            y,
            metric=metric,
            cv=cv,
            groups=groups,
            sample_weight=sample_weight,
            executor=executor,
            store=opened_checkpoints(store, registry),
            halving=halving,
            nested=nested,
            random_state=random_state,
            retries=retries,
            in_flight=in_flight,
            refit=refit,
            callback=callback,
        )
        if selection.best.mean is not None:
            outcome.record(metrics={selection.metric: selection.best.mean})
    won = pipelines.get(selection.best.name)
    if won is not None and selection.best_estimator is not None:
        selection.best_estimator.set_params(registry=won.registry)
    return selection


def _of_objects(estimator: Any) -> Any:
    """Make a pipeline's components, so that workers need neither its registry nor its plugins' names."""
    if not isinstance(estimator, Pipeline):
        return estimator
    host = estimator.registry if estimator.registry is not None else PluginRegistry()
    preprocessors = [step.estimator for step in build_preprocessors(estimator.preprocessors, host)]
    model = build_model(estimator.model, estimator.optimizer, host).estimator
    return clone(estimator).set_params(
        model=model, preprocessors=preprocessors, optimizer=None, registry=None
    )


def _title(estimator: Any) -> str:
    """Name a candidate after what it is made of."""
    if not isinstance(estimator, Pipeline):
        return ""
    steps = [*estimator.preprocessors, estimator.model]
    by = "" if estimator.optimizer is None else f" by {_part(estimator.optimizer)}"
    return " + ".join(map(_part, steps)) + by


def _part(spec: Any) -> str:
    reference, options = named(spec) or (type(spec).__name__, {})
    given = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return f"{reference}({given})" if given else reference
