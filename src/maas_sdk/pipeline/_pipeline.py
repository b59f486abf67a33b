"""`Pipeline`: the estimator, and the verbs that lead out of it to the other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.pipeline import _config, _exchange, _fitting, _recipe
from maas_sdk.pipeline._chain_estimator import ChainEstimator
from maas_sdk.plugin import PluginRegistry

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import datetime

    from maas_sdk.artifact import ComponentRecord, Release, Store
    from maas_sdk.compression import Budget, CompressionReport, Engine
    from maas_sdk.interfaces import CheckpointStore
    from maas_sdk.learning import CrossValidation, Evaluation
    from maas_sdk.trust import Policy, Trust

__all__ = ["Pipeline"]


class Pipeline(ChainEstimator):
    """Preprocess, fit, evaluate, compress, publish; and, as the receiver, load and predict.

    A scikit-learn estimator: it works in :func:`~sklearn.model_selection.cross_validate`,
    :class:`~sklearn.model_selection.GridSearchCV` and friends. After `fit` or `load` it may be used from
    several threads.

    Parameters
    ----------
    model : str, (str, dict) or estimator, default="logistic_classifier"
        A model component by name (``"mlp_classifier"``, ``"sklearn.RandomForestClassifier"``,
        ``"acme.model"``), with options, or any scikit-learn estimator, which is cloned.
    preprocessors : sequence, default=()
        Transformers, applied in order; each given in the same three ways.
    optimizer : str, (str, dict) or Optimizer, optional
        What trains the model, for models that have an option `optimizer`.
    registry : PluginRegistry, optional
        Where names are looked up; a registry of its own, with the built-in components, by default.

    Attributes
    ----------
    chain_ : sklearn.pipeline.Pipeline
        The fitted preprocessors and, last, the fitted model.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features,), dtype object
        Their names, when the data had any.
    selftest_ : SelfTestReport
        After `load` of a release that carries a self-test: how its predictions were reproduced.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import maas_sdk as maas
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = maas.Pipeline(model="logistic_classifier", preprocessors=["standard_scaler"])
    >>> pipeline.fit(X, y).predict(X[:2])
    array([0, 0])
    """

    def evaluate(self, X: Any, y: Any, **options: Any) -> Evaluation:
        """Measure on held-out data: metrics, confusion, per class, calibration.

        Parameters
        ----------
        X, y : array-like
            Rows that it was not trained on, and the truth.
        **options
            As of :func:`maas_sdk.learning.evaluate`: `metrics`, `sample_weight`, `confidence`, …

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        from maas_sdk.learning import evaluate  # noqa: PLC0415 - a receiver needs no learning room

        check_is_fitted(self)
        with self._host().step("evaluate") as outcome:
            evaluation = evaluate(self, X, y, **options)
            outcome.record(metrics=evaluation.metrics)
        return evaluation

    def cross_validate(self, X: Any, y: Any, **options: Any) -> CrossValidation:
        """Fit and measure clones on folds; this pipeline is not changed.

        Parameters
        ----------
        X, y : array-like
            Data as for `fit`.
        **options
            As of :func:`maas_sdk.learning.cross_validate`: `cv`, `metrics`, `groups`, `sample_weight`,
            `executor`, `return_predictions`, `random_state`.
        """
        from maas_sdk.learning import cross_validate  # noqa: PLC0415 - as above

        with self._host().step("cross_validate"):
            return cross_validate(self, X, y, **options)

    def compress(
        self,
        X_valid: Any,
        y_valid: Any,
        *,
        budget: Budget | None = None,
        compressors: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
        X_train: Any = None,
        y_train: Any = None,
        profile: Literal["full", "inference"] = "full",
        zstd: bool = False,
        allow: Sequence[Any] = (),
        executor: Executor | Callable[[], Executor] | None = None,
        store: CheckpointStore | str | os.PathLike[str] | None = None,
        random_state: int = 0,
        confidence: float = 0.95,
        progress: Callable[[str, int, int], object] | None = None,
    ) -> CompressionReport:
        """Make the fitted chain smaller within a budget, and take the smallest that fits.

        Half of the validation rows, drawn at random, order the candidates. What a candidate loses is judged
        on the other half, by an upper bound (paired bootstrap). The result depends on the data and
        `random_state` alone, except where the budget's `max_latency` or `time` give the clock a say.

        Parameters
        ----------
        X_valid, y_valid : array-like
            Rows on which the loss of quality is measured; not the ones that it was trained on. The more there
            are, the smaller a loss can be told from none.
        budget : Budget, optional
            What may be lost, what must be reached, and how long may be searched; by default nothing may be
            lost of accuracy (R² for a regressor).
        compressors : sequence, or mapping of stages to sequences, optional
            A compressor is a name, ``(name, {options})`` or an object. A sequence has candidates, each a
            compressor or a list of compressors that are applied in order, and these are tried as they are. A
            mapping has stages, and its candidates are combined, too: the best with one of each stage, in the
            order of the stages. The built-in ones, in stages, by default.
        X_train, y_train : array-like, optional
            Training data, for compressors that refit; without it those are left out, and the report says so.
            With it, two baselines are candidates, too: a linear model, and a smaller one of the same class.
        profile, zstd, allow
            As for `publish`: sizes are those of the files that it would store so.
        executor : Executor, callable that gives one, or None
            Where candidates are tried: any :class:`concurrent.futures.Executor`; None is here, one after the
            other. What is tried at the same time is slower: where latency matters, give none.
        store : str, path-like or CheckpointStore, optional
            Where what was measured of each candidate is kept, as in :func:`maas_sdk.select`: the same call
            then tries only what is missing.
        random_state : int, default=0
            Of the split, and of the bootstrap.
        confidence : float, default=0.95
            That what was chosen loses no more than `budget.max_drop`, on rows such as these.
        progress : callable, optional
            Called with a candidate's name, the number of candidates that are done and of those known so far.

        Returns
        -------
        CompressionReport
            Every candidate with bytes, latency and metric; `chosen` is what the pipeline is now.

        Raises
        ------
        BudgetError
            When nothing fits; the pipeline is not changed, the nearest miss is named.
        InvalidOptionError
            When an argument is wrong, or the metric has no value on half of the validation rows.
        UnsupportedModelError
            When something in the chain has no safe serialization.
        """
        from maas_sdk.pipeline import _compression  # noqa: PLC0415 - a receiver needs no compression room

        check_is_fitted(self)
        host = self._host()
        with host.step("compress") as outcome:
            report, taken = _compression.compress(
                self,
                X_valid,
                y_valid,
                budget=budget,
                compressors=compressors,
                form={"profile": profile, "zstd": zstd, "allow": allow},
                store=store,
                registry=host,
                X_train=X_train,
                y_train=y_train,
                executor=executor,
                random_state=random_state,
                confidence=confidence,
                progress=progress,
            )
            outcome.record(sizes={"before": report.original.size, "after": report.compressed.size})
        self._made_of = (*self._recipe(), *taken)
        self.chain_ = report.chain
        self._compression = report
        return report

    def accelerate(
        self, X: Any = None, *, engines: Sequence[Engine] = (), crossover: Mapping[Any, str] | None = None
    ) -> Self:
        """Answer sooner from now on: by the chain compiled to plain numpy, where that is the faster way.

        What is predicted stays the same, and so does what is published. `fit` and `compress` end it, and a
        pipeline that is loaded begins without.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Rows like those that it will be asked for, to measure on; see
            :meth:`maas_sdk.compression.DirectPredictor.of`.
        engines : sequence of Engine, default=()
            Other engines that may answer.
        crossover : mapping of int to str, default=None
            What `accelerated_` was before: nothing is measured.

        Returns
        -------
        Pipeline
            This one; its `accelerated_` tells which engine answers from how many rows on.

        Raises
        ------
        UnsupportedModelError
            When neither the SDK nor an engine that was given can compile the model.
        InvalidArtifactError
            When the structure of the model is broken.
        InvalidOptionError
            When rows are needed to measure on, or an option is wrong.
        """
        from maas_sdk.compression import DirectPredictor  # noqa: PLC0415 - a receiver needs no compression room

        check_is_fitted(self)
        with self._host().step("accelerate"):
            self._predictor = DirectPredictor.of(self.chain_, X=X, engines=engines, crossover=crossover)
        return self

    @property
    def accelerated_(self) -> dict[int, str]:
        """From how many rows on which engine answers, after `accelerate`."""
        predictor = self.__dict__.get("_predictor")
        if predictor is None or predictor.chain is not self.__dict__.get("chain_"):
            raise AttributeError("the pipeline is not accelerated: call accelerate")
        return dict(predictor.crossover)

    def publish(
        self,
        name: str,
        *,
        version: str,
        store: Store | str | os.PathLike[str],
        signer: Any,
        recipients: Sequence[Any] = (),
        include_publisher: bool = True,
        selftest: Any = None,
        evaluation: Evaluation | None = None,
        card: Mapping[str, str] | None = None,
        created: datetime | str | None = None,
        expires: datetime | str | None = None,
        parents: Sequence[str] = (),
        datasets: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        sealer: Any = "age",
        profile: Literal["full", "inference"] = "full",
        zstd: bool = False,
        allow: Sequence[Any] = (),
        max_disclosure: Literal["none", "low", "medium", "high"] = "medium",
        accept: Collection[str] = (),
        X_train: Any = None,
        progress: Any = None,
    ) -> Release:
        """Serialize, seal, sign and store as an immutable version.

        The model's arrays are sealed and stored from where they are, without a copy, and must not change
        meanwhile. When it fails or is interrupted, the store holds no half version.

        Before, it is scanned for what of the training data would leave with it
        (:func:`maas_sdk.disclosure_scan`): rows that the model keeps refuse the publication, unless they are
        accepted by name. The highest severity and what was accepted are signed into the release, readable by
        whoever has the bundle.

        Parameters
        ----------
        name : str
            ``"publisher/model"``.
        version : str
            SemVer 2.0; a version that was published never changes.
        store : Store, str or path-like
            Where to; a path or URL as for :func:`maas_sdk.open_store`.
        signer : Identity, Signer or a sequence of them
            Who signs; several where the receiver's policy asks for a threshold.
        recipients : sequence of Contact, Recipient or str
            For whom it is sealed; nobody: it is not sealed.
        include_publisher : bool
            Whether a signer who is an `Identity` can open the sealed release, too.
        selftest : array-like of shape (n_samples, n_features), optional
            A few inputs; they travel, sealed as the rest, with this pipeline's predictions, and the receiver
            reruns them.
        evaluation : Evaluation, optional
            Figures for the model card.
        card : mapping, optional
            Texts for the model card: ``"intended_use"``, ``"limitations"``, ….
        created, expires : datetime or str, optional
            Times in UTC; now, and never.
        parents : sequence of str
            References or identities of the releases that it was made from, in the same store.
        datasets : mapping of str to str, optional
            What it was trained on: names, and digests ``"sha256:…"`` of the bytes.
        metrics : mapping of str to float, optional
            Figures to search by. They are not sealed: whoever carries the bundle can read them, as well as
            parents and data sets.
        sealer : str, (str, dict) or Sealer
            What seals.
        profile : {"full", "inference"}
            Whether all that is public of the model works at the receiver's, or its predictions alone, from
            smaller files.
        zstd : bool
            Whether to compress tensors with Zstandard, without loss.
        allow : sequence of class or function
            Classes of third parties in the model, and functions among its parameters, that the SDK does not
            know; the receiver allows the same.
        max_disclosure : {"none", "low", "medium", "high"}
            How grave a finding of the scan may be without being accepted; by default whole training rows
            are refused, and what could not be examined.
        accept : collection of str
            Names of graver findings that may leave all the same: ``["verbatim-rows:model._fit_X"]``.
        X_train : array-like of shape (n_samples, n_features), optional
            What it was fitted on: what leaves is compared with it. It does not travel.
        progress : callable, optional
            Called with stage, bytes done and bytes in all.

        Raises
        ------
        DisclosureError
            When more would leave than is allowed; the message names it, and what to do.
        InvalidOptionError
            When `accept` names what was not found, or another argument is wrong.
        VersionExistsError
            When that version is there already with other content.
        UnsupportedModelError
            When something in the chain has no safe serialization.
        InvalidReferenceError
            When name or version is malformed.
        StorageError
            When the store cannot be written.
        """
        check_is_fitted(self)
        host = self._host()
        with host.step("publish") as outcome:
            publication = _exchange.Publication(
                name=name,
                version=version,
                signer=signer,
                recipients=recipients,
                include_publisher=include_publisher,
                selftest=selftest,
                evaluation=evaluation,
                compression=self.__dict__.get("_compression"),
                card=card or {},
                created=created,
                expires=expires,
                parents=parents,
                datasets=datasets or {},
                metrics=metrics or {},
                sealer=sealer,
                profile=profile,
                zstd=zstd,
                allow=allow,
                max_disclosure=max_disclosure,
                accept=accept,
                X_train=X_train,
            )
            release = _exchange.publish(self, publication, store=store, registry=host, progress=progress)
            outcome.record(sizes={part.path: part.size for part in release.parts})
        return release

    @classmethod
    def load(
        cls,
        reference: str,
        *,
        store: Store | str | os.PathLike[str],
        trust: Trust | Policy,
        identity: Any = None,
        selftest_tolerance: float = 1e-6,
        limits: Limits = DEFAULT_LIMITS,
        registry: PluginRegistry | None = None,
        allow: Sequence[Any] = (),
        mmap_mode: Literal["r"] | None = None,
    ) -> Self:
        """Verify a release, open it, rebuild the model without running code from it, and rerun its self-test.

        Parameters
        ----------
        reference : str
            ``"name@1.0.0"``, ``"name@^1.2"`` or ``"name@sha256:…"``.
        store : Store, str or path-like
            Where from.
        trust : Trust or Policy
            Whose releases are accepted.
        identity : Identity or age identity, optional
            What opens it, when it is sealed.
        selftest_tolerance : float
            How far a predicted number may differ from the sender's, relative to the largest; labels must be
            equal.
        limits : Limits
            Bounds on what is read; a `Store` that is given has its own for documents and parts.
        registry : PluginRegistry, optional
            For serializers of plugins that the application allows.
        allow : sequence of class or function
            Classes of third parties that a model may hold, and functions that its parameters may be, beyond
            those that the SDK knows: trusted code, given as objects, never imported by a name from a file.
        mmap_mode : {None, "r"}
            With ``"r"``, large arrays of an unsealed release stay in the files of a store that is a folder,
            and the system reads them when they are used. Nobody else may write to the store then, and its
            medium must stay plugged in while the model lives: what is altered after the check is not
            noticed, and a file that is gone ends the process. None reads everything.

        Raises
        ------
        RefusedError
            When a check fails; the verdict is in the error.
        NoMatchError
            When it is not sealed for this identity.
        InvalidArtifactError
            When what the release holds breaks its format.
        SelfTestError
            When the model does not predict what the sender's did.
        """
        host = registry if registry is not None else PluginRegistry()
        with host.step("load"):
            loaded = _exchange.load(
                reference,
                store=store,
                trust=trust,
                identity=identity,
                limits=limits,
                registry=host,
                allow=allow,
                mmap_mode=mmap_mode,
            )
            _exchange.check_selftest(loaded, reference, selftest_tolerance)
        *preprocessors, model = [clone(step) for _, step in loaded.chain.steps]
        pipeline = cls(model=model, preprocessors=preprocessors, registry=registry)
        pipeline._adopt(loaded)
        return pipeline

    def to_config(self) -> dict[str, Any]:
        """Write down how this pipeline is made, as plain data that TOML and JSON can hold.

        Components are named by reference. An object is named by the component that constructs its class,
        such as ``"sklearn.RandomForestClassifier"``, with those options that are not their defaults, and so
        are objects within options. What was learnt is not part of it, nor is the registry.

        Returns
        -------
        dict
            With ``"format"``, ``"model"``, ``"preprocessors"`` and, where there is one, ``"optimizer"``.

        Raises
        ------
        InvalidOptionError
            For what cannot be written down, such as a function or an object of an unknown class; its place is
            named.
        UnknownComponentError
            For a name that no component has.

        Examples
        --------
        >>> import maas_sdk as maas
        >>> maas.Pipeline(model=("sklearn.Ridge", {"alpha": 0.5})).to_config()["model"]
        {'component': 'sklearn.Ridge', 'options': {'alpha': 0.5}}
        """
        return _config.dump_config(self, self._host())

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, registry: PluginRegistry | None = None) -> Self:
        """Make a pipeline, not fitted, from what `to_config` wrote.

        References count as the application's own call: they load installed plugins. Do not give it what
        others wrote.

        Parameters
        ----------
        config : dict
            As from :mod:`tomllib` or :mod:`json`.
        registry : PluginRegistry, optional
            As for the constructor.

        Raises
        ------
        InvalidOptionError
            When the configuration is malformed, or an option's name or type is wrong.
        PluginError
            When a component is unknown or cannot be used.
        """
        host = registry if registry is not None else PluginRegistry()
        pipeline = cls(**_config.load_config(config, host), registry=registry)
        pipeline._unfitted()  # so that a wrong option is told here and not when fitting
        return pipeline

    def _predict_with(self, method: str, X: Any) -> Any:
        predictor = self.__dict__.get("_predictor")
        if predictor is None:
            return super()._predict_with(method, X)
        if predictor.chain is not self.chain_:
            self.__dict__.pop("_predictor", None)  # the pipeline was fitted anew, or compressed
            return super()._predict_with(method, X)
        self._check_input(X)
        with self._host().step(method):
            result = predictor.attempt(method, X)
            if result is None:
                result = _fitting.run(self.chain_, method, X, self.__dict__.get("_components", {}))
        return result

    def _adopt(self, loaded: _exchange.Loaded) -> None:
        """Become what was loaded."""
        self.chain_ = loaded.chain
        self.n_features_in_ = loaded.schema.n_features
        if loaded.schema.feature_names is not None:
            self.feature_names_in_ = np.asarray(loaded.schema.feature_names, dtype=object)
        self._facts = {"dtype": loaded.schema.dtype, "n_outputs": loaded.schema.n_outputs}
        if loaded.selftest is not None:
            self.selftest_ = loaded.selftest
        if loaded.recipe.components:
            self._made_of = loaded.recipe.components

    def _made_by(self) -> dict[str, str]:
        """Give the distribution and version of each component that came from a registry."""
        infos = [info for info in self.__dict__.get("_components", {}).values() if info is not None]
        return {info.reference: info.provider.origin for info in infos}

    def _recipe(self) -> tuple[ComponentRecord, ...]:
        """Record what made it, or give the record that came with it or was made before it was compressed."""
        known: tuple[ComponentRecord, ...] | None = self.__dict__.get("_made_of")
        if known is not None:
            return known
        return _recipe.made_of(self.chain_.steps, self.__dict__.get("_components", {}), self._host())
