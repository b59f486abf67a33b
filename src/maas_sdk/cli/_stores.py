"""``maas list`` and ``maas show``: what a store holds, and what is said of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from attrs import asdict

import maas_sdk as maas
from maas_sdk._internal.units import format_bytes
from maas_sdk.cli._console import AsJson, Listing, show_json
from maas_sdk.cli._options import ReferenceArgument, StoreArgument  # noqa: TC001 - typer reads them
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from maas_sdk.artifact import Lineage, Release, Store
    from maas_sdk.artifact import Listing as Listed
    from maas_sdk.artifact._inventory.lineage import Relative

__all__ = ["list_releases", "show"]

_METRIC = re.compile(r"([^<>=]{1,200}?)\s*(>=|<=|==|=|>|<)\s*([-+0-9.eE]{1,40})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def list_releases(
    store: StoreArgument,
    *,
    name: Annotated[str | None, typer.Option(help="Only these: acme/digits, 'acme/*'.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Only of this publisher.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    metric: Annotated[str | None, typer.Option(help="Only with such a metric: 'accuracy>=0.9'.")] = None,
    since: Annotated[str | None, typer.Option(help="Only made on this day or later: 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Only made before this day.")] = None,
    parent: Annotated[str | None, typer.Option(help="Only made from this release: its identity.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only made with this data set: name or digest.")] = None,
    yanked: Annotated[bool, typer.Option("--yanked", help="Yanked ones too.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="No more than so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what a store holds, the newest first.

    All conditions that are given must hold. Yanked releases are left out unless asked for.
    """
    opened = maas.open_store(store, create=False)
    found = opened.search(
        name=name,
        publisher=publisher,
        tag=tag,
        metric=None if metric is None else _metric(metric),
        created_after=_moment(since, "--since"),
        created_before=_moment(until, "--until"),
        parent=parent,
        dataset=dataset,
        yanked=yanked,
        limit=limit,
    )
    if as_json:
        show_json({"releases": [_plain(each) for each in found]})
        return
    columns = ("name", "version", "=made on", "sealed", "aliases", "tags", "metrics")
    listing = Listing(f"Releases in {store}", *columns, empty="none that fits")
    for each in found:
        version = (f"{each.version} (yanked)", "dim") if each.yanked else each.version
        metrics = ", ".join(f"{metric} {value:.6g}" for metric, value in sorted(each.metrics.items()))
        sealed = "yes" if each.sealed else "no"
        aliases, tags = ", ".join(each.aliases), ", ".join(each.tags)
        listing.row(each.name, version, (each.created or "?")[:10], sealed, aliases, tags, metrics)
    listing.show()


def show(store: StoreArgument, reference: ReferenceArgument, *, as_json: AsJson = False) -> None:
    """Show what is known of a release.

    What its publisher signed, for whom it is sealed, and what was said of it since. Whether that is to be
    believed, maas verify tells of a bundle.
    """
    opened = maas.open_store(store, create=False)
    release = opened.open(reference)
    envelopes = opened.envelopes(f"{release.name}@{release.version}")
    listed = _listed(opened, release)
    data = _described(release, envelopes, listed, opened.lineage(release.identity))
    if as_json:
        show_json(data)
        return
    _show_release(data)
    parts = Listing("Parts", "path", ">size", "digest")
    for part in release.parts:
        parts.row(part.path, format_bytes(part.size), f"sha256:{part.sha256}")
    parts.show()


def _listed(store: Store, release: Release) -> Listed | None:
    """Find what was said of a release, among those of its name made in the same second."""
    from maas_sdk._internal.times import moment

    second = moment(release.created)
    found = store.search(
        name=release.name,
        created_after=second,
        created_before=second + timedelta(seconds=1),
        yanked=True,
    )
    return next((each for each in found if each.version == release.version), None)


def _show_release(data: dict[str, Any]) -> None:
    shown = Listing(f"{data['name']}@{data['version']}", "", "")
    shown.row("identity", data["identity"])
    shown.row("sequence", f"{data['sequence']}, key epoch {data['epoch']}")
    shown.row("created", data["created"])
    shown.row("expires", data["expires"] or "never")
    shown.row("signed by", data["keys"])
    for envelope in data["envelopes"]:
        shown.row("manifest", envelope["manifest"])
        shown.row("  sealed for", envelope["recipients"] or "nobody: it is not encrypted")
    if data["yanked"]:
        shown.row("yanked", ("yes: ranges and bare names pass it over", "bold red"))
    for label in ("aliases", "tags"):
        if data[label]:
            shown.row(label, ", ".join(data[label]))
    if data["note"]:
        shown.row("note", data["note"])
    for metric, value in sorted(data["metrics"].items()):
        shown.row(f"metric {metric}", f"{value:.6g}")
    for label, relatives in (("made from", data["ancestors"]), ("made into", data["descendants"])):
        if relatives:
            shown.row(label, [_named(each) for each in relatives])
    for dataset, digest in sorted(data["datasets"].items()):
        shown.row("data set", f"{dataset} {digest}")
    _show_disclosures(shown, data["disclosures"])
    shown.show()


def _show_disclosures(shown: Listing, disclosed: dict[str, Any] | None) -> None:
    if disclosed is not None:
        shown.row("disclosure", f"{disclosed['highest']}, the gravest that its publisher's scan found")
        for each in disclosed["accepted"]:
            shown.row("  accepted", f"{each['name']} ({each['severity']}: {each['evidence']})")


def _described(
    release: Release, envelopes: list[Release], listed: Listed | None, lineage: Lineage
) -> dict[str, Any]:
    return {
        "name": release.name,
        "version": release.version,
        "identity": release.identity,
        "previous": release.previous,
        "sequence": release.sequence,
        "epoch": release.epoch,
        "created": release.created,
        "expires": release.expires,
        "keys": list(release.keys),
        "envelopes": [
            {"manifest": each.manifest_digest, "recipients": list(each.recipients)} for each in envelopes
        ],
        "ancestors": [_relative(each) for each in lineage.ancestors],
        "descendants": [_relative(each) for each in lineage.descendants],
        "datasets": dict(release.datasets),
        "metrics": dict(release.metrics),
        "disclosures": None if release.disclosures is None else asdict(release.disclosures),
        "yanked": listed is not None and listed.yanked,
        "aliases": [] if listed is None else list(listed.aliases),
        "tags": [] if listed is None else list(listed.tags),
        "note": "" if listed is None else listed.note,
        "parts": [{"path": part.path, "size": part.size, "sha256": part.sha256} for part in release.parts],
    }


def _relative(each: Relative) -> dict[str, Any]:
    return {
        "identity": each.identity,
        "distance": each.distance,
        "name": each.name,
        "version": each.version,
    }


def _named(relative: dict[str, Any]) -> str:
    """Say who a relative is, indented by how far it is."""
    indent = "  " * (relative["distance"] - 1)
    if relative["name"] is None:
        return f"{indent}{relative['identity']} (not in this store)"
    return f"{indent}{relative['name']}@{relative['version']}"


def _plain(each: Listed) -> dict[str, object]:
    return {
        "name": each.name,
        "version": each.version,
        "identity": each.identity,
        "manifest": each.manifest,
        "sequence": each.sequence,
        "created": each.created,
        "expires": each.expires,
        "publisher": each.publisher,
        "sealed": each.sealed,
        "yanked": each.yanked,
        "aliases": list(each.aliases),
        "tags": list(each.tags),
        "note": each.note,
        "metrics": dict(each.metrics),
        "parents": list(each.parents),
        "datasets": dict(each.datasets),
    }


def _metric(text: str) -> tuple[str, str, float]:
    found = _METRIC.fullmatch(text.strip())
    try:
        if found:
            return found[1], found[2], float(found[3])
    except ValueError:
        pass
    raise InvalidOptionError(f"--metric {text!r} does not read NAME>=NUMBER, such as 'accuracy>=0.9'")


def _moment(text: str | None, option: str) -> str | None:
    from maas_sdk._internal.times import is_timestamp

    if text is None:
        return None
    moment = f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text
    if not is_timestamp(moment):
        raise InvalidOptionError(f"{option} {text!r} is no day; write 2026-11-01, or 2026-11-01T12:00:00Z")
    return moment
