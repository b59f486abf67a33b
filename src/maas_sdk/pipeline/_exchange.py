"""From a fitted pipeline to the parts of a release, and from a verified release back to a fitted chain."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from maas_sdk.artifact import DerivedPart, Environment, ModelSchema, Recipe, SelfTest, Store
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, SelfTestError
from maas_sdk.identity import Identity
from maas_sdk.interfaces import Signer
from maas_sdk.pipeline import _recipe
from maas_sdk.pipeline._admission import check_admission
from maas_sdk.pipeline._components import make_sealer
from maas_sdk.sealing import parse_recipient
from maas_sdk.serialization import dump_pieces, load_parts
from maas_sdk.signing import MODEL_SIGNING_KEY_TYPES, PublicKey, sign_files
from maas_sdk.stores import open_store
from maas_sdk.trust import Trust, audited

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sklearn.pipeline import Pipeline as Chain

    from maas_sdk.artifact import Disclosures, Release, SelfTestReport
    from maas_sdk.learning import Evaluation
    from maas_sdk.limits import Limits
    from maas_sdk.plugin import ComponentInfo, PluginRegistry
    from maas_sdk.trust import Policy

__all__ = ["Loaded", "Publication", "known_serializers", "load", "publish"]

_ENVIRONMENT = "environment.json"
_SELF_TEST = "selftest.safetensors"
_MODEL = "model.json"
_RECIPE = "pipeline.json"
_SCHEMA = "schema.json"
_MODEL_SIGNATURE = "model.sig"


@frozen(kw_only=True)
class Publication:
    """What is published besides the model, and how.

    Attributes
    ----------
    name, version : str
        As in a reference.
    signer : Identity, Signer or sequence of them
        Who signs.
    recipients : sequence
        For whom it is sealed.
    include_publisher : bool
        Whether signing identities are recipients, too.
    selftest : array-like or None
        Inputs that travel with their predictions.
    evaluation : Evaluation or None
        Figures for the card.
    compression : CompressionReport or None
        What was gained, for the card.
    card : mapping
        Texts for the card.
    created, expires : datetime, str or None
        Times in UTC.
    parents : sequence of str
        Of what it was made.
    datasets : mapping of str to str
        What it was trained on.
    metrics : mapping of str to float
        Figures to search by.
    sealer : str, (str, dict) or Sealer
        What seals.
    profile : {"full", "inference"}
        What of the model is kept.
    zstd : bool
        Whether tensors are compressed.
    allow : sequence of class or function
        What the application allows beyond what the SDK knows.
    max_disclosure : {"none", "low", "medium", "high"}
        How grave what leaves with the model may be.
    accept : collection of str
        Names of findings that may leave all the same.
    X_train : array-like or None
        What it was fitted on, to compare with what leaves.
    """

    name: str
    version: str
    signer: Any
    recipients: Sequence[Any]
    include_publisher: bool
    selftest: Any
    evaluation: Evaluation | None
    compression: Any
    card: Mapping[str, str]
    created: datetime | str | None
    expires: datetime | str | None
    parents: Sequence[str]
    datasets: Mapping[str, str]
    metrics: Mapping[str, float]
    sealer: Any
    profile: Literal["full", "inference"]
    zstd: bool
    allow: Sequence[Any]
    max_disclosure: str
    accept: Collection[str]
    X_train: Any


@frozen
class Loaded:
    """A verified release, opened.

    Attributes
    ----------
    chain : sklearn.pipeline.Pipeline
        Fitted.
    schema : ModelSchema
        What it takes and gives.
    selftest : SelfTestReport or None
        How the sender's predictions were reproduced.
    recipe : Recipe
        What made it; empty where the release does not tell.
    made_with : Environment or None
        The versions at the sender, where the release tells.
    """

    chain: Chain
    schema: ModelSchema
    selftest: SelfTestReport | None
    recipe: Recipe
    made_with: Environment | None


def publish(
    pipeline: Any,
    publication: Publication,
    *,
    store: Store | str | os.PathLike[str],
    registry: PluginRegistry,
    progress: Callable[[str, int, int | None], None] | None,
) -> Release:
    """Make the parts and publish them; errors as documented at `Pipeline.publish`."""
    given = publication.signer
    people = list(given) if isinstance(given, list | tuple) else [given]
    signers = [_signer(person) for person in people]
    recipients = [_recipient(each) for each in publication.recipients]
    if recipients and publication.include_publisher:
        recipients += [person.public.recipient for person in people if isinstance(person, Identity)]
    created = publication.created if publication.created is not None else datetime.now(UTC)
    serializers = known_serializers(registry)
    # Pieces are views of the model's arrays: what is sealed and stored was never copied.
    model = dict(
        dump_pieces(
            pipeline.chain_,
            profile=publication.profile,
            zstd=publication.zstd,
            serializers=list(serializers.values()),
            allow=publication.allow,
        )
    )
    recipe = Recipe(
        components=pipeline._recipe(),  # noqa: SLF001 - Pipeline's other half
        serializers=_recipe.needed_serializers(b"".join(model[_MODEL]), serializers),
    )
    parts: dict[str, Any] = {**model, **_documents(pipeline, publication, created), _RECIPE: recipe.to_json()}
    if publication.selftest is not None:
        parts[_SELF_TEST] = SelfTest.make(publication.selftest, **_predictors(pipeline))
    disclosures = _let_go(pipeline, publication, parts)
    parts.update(_model_signature(signers, publication.name))
    opened = store if isinstance(store, Store) else open_store(store, registry=registry)
    return opened.publish(
        parts,
        name=publication.name,
        version=publication.version,
        signers=signers,
        recipients=recipients,
        created=created,
        expires=publication.expires,
        parents=publication.parents,
        datasets=publication.datasets,
        metrics=publication.metrics,
        disclosures=disclosures,
        sealer=make_sealer(publication.sealer, registry),
        progress=progress,
    )


def load(
    reference: str,
    *,
    store: Store | str | os.PathLike[str],
    trust: Trust | Policy,
    identity: Any,
    limits: Limits,
    registry: PluginRegistry,
    allow: Sequence[Any],
    mmap_mode: Literal["r"] | None,
) -> Loaded:
    """Verify, unseal, rebuild; errors as documented at `Pipeline.load`."""
    if mmap_mode not in ("r", None):
        raise InvalidOptionError(f"mmap_mode must be 'r' or None, not {mmap_mode!r}")
    opened = (
        store
        if isinstance(store, Store)
        else open_store(store, create=False, registry=registry, limits=limits)
    )
    with audited(trust.audit if isinstance(trust, Trust) else None, "load", reference) as deed:
        release = opened.open(reference)
        deed.subject, deed.identity = f"{release.name}@{release.version}", release.identity
        mapped = mmap_mode is not None and not release.sealed
        parts = release.read_parts(identity=identity, trust=trust, mapped=mapped)
        recipe = Recipe.from_json(bytes(parts[_RECIPE]), limits=limits) if _RECIPE in parts else Recipe()
        check_admission(release, trust, recipe, bytes(parts.get(_MODEL, b"{}")), limits=limits)
        return _build(parts, recipe, reference, registry, limits=limits, allow=allow, mapped=mapped)


def _build(
    parts: Mapping[str, Any],
    recipe: Recipe,
    reference: str,
    registry: PluginRegistry,
    *,
    limits: Limits,
    allow: Sequence[Any],
    mapped: bool,
) -> Loaded:
    """Rebuild a model out of parts that were verified and let in."""
    if _SCHEMA not in parts:
        raise InvalidArtifactError(f"{reference} has no part {_SCHEMA}")
    model = {path: data for path, data in parts.items() if path.startswith((_MODEL, "tensors/"))}
    serializers = _recipe.usable_serializers(recipe, reference, registry)
    chain = load_parts(model, limits=limits, serializers=serializers, allow=allow, mapped=mapped)
    schema = ModelSchema.from_json(bytes(parts[_SCHEMA]), limits=limits)
    report = made_with = None
    if _SELF_TEST in parts:
        report = SelfTest.run(bytes(parts[_SELF_TEST]), **_predictors(chain), limits=limits)
    if _ENVIRONMENT in parts:
        made_with = Environment.from_json(bytes(parts[_ENVIRONMENT]), limits=limits)
    return Loaded(chain, schema, report, recipe, made_with)


def check_selftest(loaded: Loaded, reference: str, tolerance: float) -> None:
    """Refuse a model that does not predict what the sender's did.

    Raises
    ------
    SelfTestError
        With the report.
    """
    report = loaded.selftest
    if report is not None and not report.within(tolerance):
        versions = "unknown versions"
        if loaded.made_with is not None:
            versions = loaded.made_with.apart_from(Environment.current()) or "the versions that are here"
        raise SelfTestError(
            f"{reference} does not predict here what it predicted at its publisher: {report}; "
            f"it was made with {versions}; selftest_tolerance allows {tolerance:g}",
            report=report,
        )


def _signer(person: Any) -> Signer:
    if isinstance(person, Identity):
        return person.signer
    if isinstance(person, Signer):
        return person
    raise InvalidOptionError(f"signer must be an Identity or a Signer, not {person!r}")


def _recipient(value: Any) -> Any:
    return parse_recipient(value) if isinstance(value, str) else value


def known_serializers(registry: PluginRegistry) -> dict[ComponentInfo, Any]:
    """Make those serializers whose plugins the application has loaded or allowed."""
    known = [info for info in registry.describe() if info.kind == "serializer"]
    return {info: registry.create("serializer", info.reference) for info in known}


def _predictors(estimator: Any) -> dict[str, Any]:
    return {"predict": estimator.predict, "predict_proba": getattr(estimator, "predict_proba", None)}


def _documents(pipeline: Any, publication: Publication, created: datetime | str) -> dict[str, bytes]:
    from maas_sdk.reporting import ModelCard  # noqa: PLC0415 - a receiver needs no reporting room

    unknown = set(publication.card) - {"intended_use", "limitations"}
    if unknown:
        raise InvalidOptionError(
            f"card takes 'intended_use' and 'limitations', not {', '.join(map(repr, sorted(unknown)))}"
        )
    facts, made_by = pipeline._facts, pipeline._made_by()  # noqa: SLF001 - Pipeline's other half
    rows = facts.get("n_samples")
    selftest = publication.selftest
    card = ModelCard(
        name=publication.name,
        version=publication.version,
        publisher=publication.name.partition("/")[0],
        created=created
        if isinstance(created, str)
        else created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        model=pipeline.chain_,
        training_shape=None if rows is None else (rows, pipeline.n_features_in_),
        evaluation=publication.evaluation,
        compression=publication.compression,
        privacy=getattr(pipeline, "privacy_", None),
        components=made_by,
        self_test=None if selftest is None else {"rows": len(selftest)},
        **publication.card,
    )
    names = getattr(pipeline, "feature_names_in_", None)
    schema = ModelSchema(
        n_features=pipeline.n_features_in_,
        dtype=facts["dtype"],
        feature_names=None if names is None else names.tolist(),
        n_outputs=facts["n_outputs"],
        classes=_classes(pipeline),
    )
    return {
        "card.md": card.to_markdown().encode(),
        "card.html": card.to_html().encode(),
        _ENVIRONMENT: Environment.current(components=sorted(made_by)).to_json(),
        _SCHEMA: schema.to_json(),
    }


def _let_go(pipeline: Any, publication: Publication, parts: Mapping[str, Any]) -> Disclosures:
    """Scan what would leave, and give what is signed of that (`DisclosureError` where it is too much)."""
    from maas_sdk.privacy import check_disclosures, scan_publication  # noqa: PLC0415 - a receiver scans nothing

    beside = {path: data for path, data in parts.items() if not path.startswith((_MODEL, "tensors/"))}
    report = scan_publication(pipeline, beside, datasets=publication.datasets, X_train=publication.X_train)
    return check_disclosures(report, max_disclosure=publication.max_disclosure, accept=publication.accept)


def _classes(pipeline: Any) -> list[Any] | None:
    labels = getattr(pipeline, "classes_", None) if hasattr(pipeline.chain_, "classes_") else None
    return None if labels is None or isinstance(labels, list) else list(labels.tolist())


def _model_signature(signers: Iterable[Signer], name: str) -> dict[str, DerivedPart]:
    """Have the parts' folder signed as OpenSSF Model Signing has it, by the first key that can (ECDSA)."""
    for signer in signers:
        if PublicKey.from_pem(signer.public_key_pem()).key_type in MODEL_SIGNING_KEY_TYPES:
            part = DerivedPart(partial(sign_files, signer=signer, name=name, ignore_paths=[_MODEL_SIGNATURE]))
            return {_MODEL_SIGNATURE: part}
    return {}
