"""`Pipeline`: the estimator, and the verbs that lead out of it to the other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.pipeline import _config, _exchange, _fitting, _recipe
from maas_sdk.pipeline._chain_estimator import ChainEstimator
from maas_sdk.pipeline._components import make_compressors
from maas_sdk.plugin import PluginRegistry

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from maas_sdk.artifact import ComponentRecord, Release, Store
    from maas_sdk.compression import Budget, CompressionReport
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

    def evaluate(self, X: Any, y: Any) -> Evaluation:
        """Measure on held-out data: metrics, confusion, per class.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        from maas_sdk.learning import evaluate  # noqa: PLC0415 - a receiver needs no learning room

        check_is_fitted(self)
        with self._host().step("evaluate") as outcome:
            evaluation = evaluate(self, X, y)
            outcome.record(metrics=evaluation.metrics)
        return evaluation

    def cross_validate(self, X: Any, y: Any, **options: Any) -> CrossValidation:
        """Fit and measure clones on folds; this pipeline is not changed.

        Parameters
        ----------
        X, y : array-like
            Data as for `fit`.
        **options
            As of :func:`maas_sdk.learning.cross_validate`: `cv`, `metrics`, `random_state`.
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
        compressors: Sequence[Any] | None = None,
        X_train: Any = None,
        y_train: Any = None,
    ) -> CompressionReport:
        """Make the fitted chain smaller within a budget, and take the smallest that fits.

        Parameters
        ----------
        X_valid, y_valid : array-like
            Rows on which the loss of quality is measured; not the ones that it was trained on.
        budget : Budget, optional
            What may be lost, and what must be reached; by default nothing may be lost of accuracy (R² for a
            regressor).
        compressors : sequence, optional
            Candidates: each a compressor (by name, with options, or an object), or a list of compressors that
            are applied in order. The built-in ones and their combination by default.
        X_train, y_train : array-like, optional
            Training data, for compressors that refit; without it those are left out, and the report says so.

        Returns
        -------
        CompressionReport
            Every candidate with bytes, latency and metric; `chosen` is what the pipeline is now.

        Raises
        ------
        BudgetError
            When nothing fits; the pipeline is not changed, the nearest miss is named.
        """
        from maas_sdk import compression  # noqa: PLC0415 - a receiver needs no compression room

        check_is_fitted(self)
        host = self._host()
        specs = _fitting.DEFAULT_COMPRESSORS if compressors is None else compressors
        made = [make_compressors(spec, host) for spec in specs]
        candidates = [compression.Candidate(*each) for each in made]
        with host.step("compress") as outcome:
            report = compression.compress(
                self.chain_,
                X_valid,
                y_valid,
                budget=_fitting.default_budget(self) if budget is None else budget,
                candidates=candidates,
                X_train=X_train,
                y_train=y_train,
            )
            outcome.record(sizes={"before": report.original.size, "after": report.compressed.size})
        chosen = report.chosen.name if report.chosen is not None else None
        taken = [spec for spec, (name, _) in zip(specs, made, strict=True) if name == chosen]
        steps = [each for spec in taken[:1] for each in _recipe.compressed_with(spec, host)]
        self._made_of = (*self._recipe(), *steps)
        self.chain_ = report.chain
        self._compression = report
        return report

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
        progress: Any = None,
    ) -> Release:
        """Serialize, seal, sign and store as an immutable version.

        The model's arrays are sealed and stored from where they are, without a copy, and must not change
        meanwhile. When it fails or is interrupted, the store holds no half version.

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
        progress : callable, optional
            Called with stage, bytes done and bytes in all.

        Raises
        ------
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
