"""What a sender does with a store: publish, seal for others, sign notices, export, unpack."""

import contextlib

from setting import (
    NAME,
    NO_GRACE,
    NOW,
    PARTS,
    Scene,
    check_out,
    check_store,
    prepare,
    prepare_two,
    publish,
    store_of,
)

from maas_sdk.errors import AlreadyExistsError

# Publish.


def _prepare_publish(root, people):
    prepare(root, people)
    publish(root / "store", people, "0.1.0")


def _publish(root, people):
    # Not the identity: a publisher that was killed may have used up a number.
    release = publish(root / "store", people)
    return [release.version, release.previous, [part.digest for part in release.parts]]


def _check_publish(root, people):
    check_store(root, people, have=["0.1.0"], may=["1.0.0"])


def _done_publish(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    store = store_of(root)
    assert store.open(f"{NAME}@1.0.0").previous == store.open(f"{NAME}@0.1.0").identity


# Seal for others.


def _reseal(root, people):
    release = store_of(root).reseal(
        f"{NAME}@1.0.0",
        recipients=[people.acme, people.initech.public],
        identity=people.acme,
        signers=[people.acme.signer],
    )
    return [release.version, release.identity == store_of(root).open(f"{NAME}@1.0.0").identity]


def _check_reseal(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    for release in store_of(root).envelopes(f"{NAME}@1.0.0"):
        who = (
            people.globex
            if people.globex.public.recipient.fingerprint in release.recipients
            else people.initech
        )
        verdict = release.verify(people.policy(), recipient=who, now=NOW)
        assert verdict.passed, str(verdict)
        assert release.read_parts(identity=who) == PARTS["1.0.0"]


def _done_reseal(root, people):
    _check_reseal(root, people)
    assert len(store_of(root).envelopes(f"{NAME}@1.0.0")) == 2


# Aliases, yanks, notes.


def _notices(root, people):
    store, signers = store_of(root), [people.acme.signer]
    store.set_alias("stable", f"{NAME}@1.0.0", signers=signers)
    store.annotate(f"{NAME}@1.0.0", signers=signers, tags=["good"])
    if not store.search(NAME, yanked=True, tag="good"):
        return None
    if "0.1.0" in [each.version for each in store.search(NAME)]:
        store.yank(f"{NAME}@0.1.0", signers=signers, reason="old")
    return [each.version for each in store.search(NAME, yanked=True)]


def _check_notices(root, people):
    store = store_of(root)
    assert set(store.versions(NAME)) >= {"1.0.0"}
    for version in ("0.1.0", "1.0.0"):
        assert store.open(f"{NAME}@{version}").read_parts(identity=people.globex) == PARTS[version]
    assert {alias: notice.version for alias, notice in store.aliases(NAME).items()} in (
        {},
        {"stable": "1.0.0"},
    )
    assert store.audit.check().ok


def _done_notices(root, people):
    store = store_of(root)
    assert store.open(f"{NAME}@stable").version == "1.0.0"
    assert [each.version for each in store.search(NAME)] == ["1.0.0"]
    assert [each.version for each in store.search(NAME, tag="good")] == ["1.0.0"]
    assert [each.version for each in store.search(NAME, yanked=True)] == ["1.0.0", "0.1.0"]


def _clean_notices(root, people):
    store_of(root).gc(delete=True, grace=NO_GRACE)
    _check_notices(root, people)
    _done_notices(root, people)
    assert store_of(root).fsck().ok


# Export.


def _prepare_export(root, people):
    prepare_two(root, people)
    store_of(root).open(f"{NAME}@0.1.0").export(root / "out" / "digits.maas")


def _export(root, people):
    return store_of(root).open(f"{NAME}@1.0.0").export(root / "out" / "digits.maas").name


def _check_export(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert check_out(root, people) <= {("digits.maas", "0.1.0"), ("digits.maas", "1.0.0")}
    assert (root / "out" / "digits.maas").exists()


def _done_export(root, people):
    assert check_out(root, people) == {("digits.maas", "1.0.0")}


def _export_volumes(root, people):
    release = store_of(root).open(f"{NAME}@1.0.0")
    return [path.name for path in release.export_volumes(root / "out" / "new.maas", max_bytes=40_000)]


def _check_export_volumes(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert {version for name, version in check_out(root, people) if name != "digits.maas"} <= {"1.0.0"}


def _done_export_volumes(root, people):
    names = {name for name, version in check_out(root, people) if version == "1.0.0"}
    assert names == {f"new.{number}of{len(names)}.maas" for number in range(1, len(names) + 1)}
    assert len(names) > 2


# Unpack.


def _unpack(root, people):
    # Whoever was killed at the very end finds the folder there, whole.
    with contextlib.suppress(AlreadyExistsError):
        store_of(root).open(f"{NAME}@1.0.0").unpack(root / "out" / "model", identity=people.globex)
    return sorted(PARTS["1.0.0"])


def _check_unpack(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    folder = root / "out" / "model"
    if folder.exists():
        assert {path: (folder / path).read_bytes() for path in PARTS["1.0.0"]} == PARTS["1.0.0"]
        assert (folder / "card.md").stat().st_mode & 0o077 == 0


def _done_unpack(root, people):
    _check_unpack(root, people)
    assert (root / "out" / "model").exists()


SENDER = (
    Scene("publish", _prepare_publish, _publish, _check_publish, _done_publish),
    Scene("reseal", prepare_two, _reseal, _check_reseal, _done_reseal),
    Scene("notices", prepare_two, _notices, _check_notices, _done_notices, _clean_notices),
    Scene("export", _prepare_export, _export, _check_export, _done_export),
    Scene("export of volumes", _prepare_export, _export_volumes, _check_export_volumes, _done_export_volumes),
    Scene("unpack", prepare_two, _unpack, _check_unpack, _done_unpack),
)
