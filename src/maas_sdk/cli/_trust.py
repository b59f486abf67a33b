"""``maas trust``: a receiver's policy and memory, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maas_sdk._internal.units import format_bytes
from maas_sdk.cli._console import EXIT_REFUSED, AsJson, Listing, complain, say, show_json
from maas_sdk.cli._options import parse_duration, parse_size
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.trust import AliasRule, Policy, Rule, TrustedKey

__all__ = ["app"]

app = typer.Typer(help="Say whose models are accepted.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The trust folder.")]
Names = Annotated[str, typer.Option(help="Whose models: a name, or a pattern such as 'acme/*'.")]


def _condition(help_text: str, *flag: str) -> Any:
    return typer.Option(*flag, help=help_text, rich_help_panel="Conditions")


@app.command()
def init(folder: Folder) -> None:
    """Make a trust folder that accepts nobody yet."""
    from maas_sdk.trust import Policy, Trust

    Trust.create(folder, policy=Policy())
    say((str(folder), "bold"), f" accepts nobody yet: maas trust add {folder} CONTACT --names 'acme/*'")


@app.command()
def add(
    folder: Folder,
    contact: Annotated[Path, typer.Argument(help="The publisher's contact file.")],
    names: Names,
    *,
    threshold: Annotated[int | None, typer.Option(min=1, help="How many of its keys must sign.")] = None,
    epoch: Annotated[int | None, typer.Option(min=1, help="Which set of keys it is, from 1.")] = None,
    alias: Annotated[
        list[str] | None,
        typer.Option(help="An alias that this key may move: stable, '*', or stable=2 for two; repeatable."),
    ] = None,
    require_sealed: Annotated[
        bool, _condition("Accept only what is encrypted: the default.", "--require-sealed")
    ] = False,
    allow_unsealed: Annotated[
        bool, _condition("Accept what is not encrypted, too.", "--allow-unsealed")
    ] = False,
    require_selftest: Annotated[
        bool, _condition("Accept only what brings a self-test.", "--require-selftest")
    ] = False,
    allow_untested: Annotated[
        bool, _condition("Accept what brings none, too: the default.", "--allow-untested")
    ] = False,
    require_post_quantum: Annotated[
        bool, _condition("Accept only post-quantum keys.", "--require-post-quantum")
    ] = False,
    allow_classic: Annotated[
        bool, _condition("Accept classic keys, too: the default.", "--allow-classic")
    ] = False,
    max_age: Annotated[str | None, _condition("How old a release may be: 90d, 52w.")] = None,
    max_size: Annotated[str | None, _condition("How large its parts may be together: 4GB.")] = None,
    max_disclosure: Annotated[
        str | None,
        _condition("The gravest that may leave with it, as its publisher says: none, low, medium, high."),
    ] = None,
    component: Annotated[
        list[str] | None, _condition("What it may need: acme.zstd, 'acme.*'; repeatable.")
    ] = None,
    estimator: Annotated[list[str] | None, _condition("Of which classes: 'sklearn.*'; repeatable.")] = None,
) -> None:
    """Accept models of these names when this publisher signed them.

    When there is a rule for these names the key joins it, and the options given replace what it says.
    """
    from maas_sdk.identity import Contact
    from maas_sdk.trust import Trust, TrustedKey

    trust = Trust.open(folder)
    publisher = Contact.load(contact)
    key = TrustedKey(publisher.name, publisher.public_key.fingerprint, publisher.public_key.pem)
    policy = trust.policy.with_key(
        names,
        key,
        threshold=threshold,
        require_sealed=_either(require_sealed, allow_unsealed, "sealed and unsealed"),
        require_selftest=_either(require_selftest, allow_untested, "tested and untested"),
        max_age_days=_days(max_age),
        epoch=epoch,
        require_post_quantum=_either(require_post_quantum, allow_classic, "post-quantum and classic"),
        max_release_bytes=None if max_size is None else parse_size(max_size, "--max-size"),
        max_disclosure=max_disclosure,
        components=component or None,
        estimators=estimator or None,
        aliases=_movers(trust.policy, names, key, alias) if alias else None,
    )
    trust.save_policy(policy)
    say(names, " is accepted when signed by ", (publisher.name, "bold"), f", {key.fingerprint}")
    say(f"Compare by phone: {publisher.fingerprint_text}")


@app.command()
def remove(
    folder: Folder,
    key: Annotated[str, typer.Argument(help="A contact file, or the fingerprint of the key, sha256:….")],
) -> None:
    """Accept a key no longer, anywhere; a rule that has no other key goes with it."""
    from maas_sdk.identity import Contact
    from maas_sdk.trust import Trust

    trust = Trust.open(folder)
    fingerprint = key if key.startswith("sha256:") else Contact.load(key).public_key.fingerprint
    trust.save_policy(trust.policy.without_key(fingerprint))
    say((fingerprint, "bold"), f" is accepted no longer; {len(trust.policy.rules)} rules are left")


@app.command("list")
def list_rules(folder: Folder, as_json: AsJson = False) -> None:
    """Show the rules of the policy."""
    from maas_sdk.trust import Trust

    rules = Trust.open(folder).policy.rules
    if as_json:
        show_json({"rules": [_plain(rule) for rule in rules]})
        return
    columns = ("names", ">epoch", ">threshold", "signed by", "conditions")
    listing = Listing(f"Policy of {folder}", *columns, empty="accepts nobody yet")
    for rule in rules:
        keys = [f"{key.name} {key.fingerprint}" for key in rule.keys]
        listing.row(rule.names, str(rule.epoch), str(rule.threshold), keys, _conditions(rule))
    listing.show()


@app.command()
def rotate(
    folder: Folder,
    rotation: Annotated[Path, typer.Argument(help="The file that maas keys rotation wrote.")],
    names: Names,
) -> None:
    """Follow a publisher to new keys, when enough of the old and the new ones have signed it.

    A bundle brings the rotation with it; this is for a rotation that came alone.

    Exit status: 0 done, 1 refused, 2 it could not be done.
    """
    from maas_sdk._internal.key_files import read_key_file
    from maas_sdk.artifact import follow_rotation
    from maas_sdk.errors import InvalidArtifactError, VerificationError
    from maas_sdk.limits import DEFAULT_LIMITS
    from maas_sdk.trust import Trust

    trust = Trust.open(folder)
    envelope = read_key_file(rotation, limits=DEFAULT_LIMITS, secret=False)
    try:
        followed = follow_rotation(envelope, trust=trust, names=names)
    except (VerificationError, InvalidArtifactError) as exc:
        complain(exc)
        raise typer.Exit(EXIT_REFUSED) from exc
    shown = Listing(f"{names}: epoch {followed.epoch}", "", "")
    shown.row("threshold", str(followed.threshold))
    for key in followed.keys:
        shown.row("new key", f"{key.name} {key.fingerprint}")
    shown.show()


@app.command()
def revocations(
    folder: Folder,
    publisher: Annotated[
        list[str] | None, typer.Option(help="Whose; those of the policy by default. Repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which keys and releases their publishers have revoked, as far as it has arrived."""
    from maas_sdk.trust import Trust

    trust = Trust.open(folder)
    known = {rule.names.partition("/")[0] for rule in trust.policy.rules} - {"*"}
    found = {name: trust.ratchet.revoked(name) for name in sorted(publisher or known)}
    if as_json:
        show_json(
            {
                name: {"number": each.number, "keys": list(each.keys), "releases": list(each.releases)}
                for name, each in found.items()
                if each is not None
            }
        )
        return
    columns = ("publisher", ">list", "what", "digest")
    listing = Listing("Revoked", *columns, empty="nothing, as far as it has arrived here")
    for name, each in found.items():
        for what, digests in (("key", each.keys), ("release", each.releases)) if each else ():
            for digest in digests:
                listing.row(name, str(each.number if each else 0), what, digest)
    listing.show()


def _either(required: bool, allowed: bool, what: str) -> bool | None:
    if required and allowed:
        raise InvalidOptionError(f"{what} exclude each other: give --require-… or --allow-…, not both")
    return True if required else False if allowed else None


def _days(text: str | None) -> int | None:
    if text is None:
        return None
    age = parse_duration(text, "--max-age")
    if not age.days or age.seconds:
        raise InvalidOptionError(f"--max-age {text!r} is not whole days; write 90d or 52w")
    return age.days


def _movers(policy: Policy, names: str, key: TrustedKey, aliases: Sequence[str]) -> list[AliasRule]:
    """Give the rule's alias rules, with the key in those that are named."""
    from maas_sdk.trust import AliasRule

    old = next((rule for rule in policy.rules if rule.names == names), None)
    found = {each.alias: each for each in old.aliases} if old else {}
    for text in aliases:
        alias, equals, number = text.partition("=")
        if equals and not number.isdecimal():
            raise InvalidOptionError(f"--alias {text!r} does not read ALIAS or ALIAS=THRESHOLD")
        before = found.get(alias)
        keys = dict.fromkeys((*(before.keys if before else ()), key.fingerprint))
        threshold = int(number) if equals else before.threshold if before else 1
        found[alias] = AliasRule(alias, tuple(keys), threshold)
    return list(found.values())


def _conditions(rule: Rule) -> list[str]:
    """Say in words what a rule asks for besides signatures."""
    told = ["must be sealed" if rule.require_sealed else "sealed or not"]
    if rule.require_selftest:
        told.append("must have a self-test")
    if rule.require_post_quantum:
        told.append("must be post-quantum")
    if rule.max_age_days is not None:
        told.append(f"{rule.max_age_days} days old at most")
    if rule.max_release_bytes is not None:
        told.append(f"{format_bytes(rule.max_release_bytes)} at most")
    if rule.max_disclosure is not None:
        told.append(f"may disclose: {rule.max_disclosure} at most")
    if rule.components is not None:
        told.append(f"components: {', '.join(rule.components) or 'none'}")
    if rule.estimators is not None:
        told.append(f"classes: {', '.join(rule.estimators) or 'none'}")
    names = {key.fingerprint: key.name for key in rule.keys}
    for each in rule.aliases:
        who = ", ".join(names[fingerprint] for fingerprint in each.keys)
        told.append(f"{each.alias} is moved by {each.threshold} of {who}")
    return told


def _plain(rule: Rule) -> dict[str, object]:
    return {
        "names": rule.names,
        "keys": [{"name": key.name, "fingerprint": key.fingerprint} for key in rule.keys],
        "threshold": rule.threshold,
        "epoch": rule.epoch,
        "require_sealed": rule.require_sealed,
        "require_selftest": rule.require_selftest,
        "require_post_quantum": rule.require_post_quantum,
        "max_age_days": rule.max_age_days,
        "max_release_bytes": rule.max_release_bytes,
        "max_disclosure": rule.max_disclosure,
        "components": None if rule.components is None else list(rule.components),
        "estimators": None if rule.estimators is None else list(rule.estimators),
        "aliases": [
            {"alias": each.alias, "keys": list(each.keys), "threshold": each.threshold}
            for each in rule.aliases
        ],
    }
