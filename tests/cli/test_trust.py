"""``maas trust``, ``audit``, ``keys rotation`` and ``revoke``: whom to believe, and what was done."""

import json
import re

import pytest

import maas_sdk as maas
from maas_sdk.trust import AliasRule

PASSPHRASE = ["--passphrase-file", "passphrase"]
IMPORT = ["--store", "received", "--trust", "trust", "--first-use", "acme/digits"]
ROTATION = [
    *("keys", "rotation", "acme.rotation.json", "--store", "models", "--publisher", "acme"),
    *("--old", "acme.identity", "--new", "acme-2027.identity", *PASSPHRASE),
    *("--new-passphrase-file", "passphrase"),
]


def rule_of(world, names="acme/*"):
    (rule,) = [rule for rule in maas.Trust.open(world / "trust").policy.rules if rule.names == names]
    return rule


def test_every_condition_of_a_rule_can_be_set_and_is_shown(world, maas_command, people):
    done = maas_command(
        *("trust", "add", "trust", "globex.contact.json", "--names", "acme/*", "--threshold", "2"),
        *("--require-selftest", "--require-post-quantum", "--allow-unsealed", "--epoch", "3"),
        *("--max-age", "52w", "--max-size", "4GB", "--component", "acme.zstd", "--component", "acme.b"),
        *("--estimator", "sklearn.linear_model.*", "--alias", "stable", "--alias", "*"),
        *("--max-disclosure", "medium"),
        cwd=world,
    )
    assert done.returncode == 0, done.stderr
    rule = rule_of(world)
    acme, globex = (people[name].public.public_key.fingerprint for name in ("acme", "globex"))
    assert [key.fingerprint for key in rule.keys] == [acme, globex]
    assert (rule.threshold, rule.epoch, rule.max_age_days, rule.max_release_bytes) == (2, 3, 364, 4 * 10**9)
    assert (rule.require_sealed, rule.require_selftest, rule.require_post_quantum) == (False, True, True)
    assert rule.components == ("acme.zstd", "acme.b")
    assert rule.estimators == ("sklearn.linear_model.*",)
    assert rule.max_disclosure == "medium"
    assert set(rule.aliases) == {AliasRule("stable", (globex,), 1), AliasRule("*", (globex,), 1)}
    shown = maas_command("trust", "list", "trust", cwd=world).stdout
    for words in (
        *("sealed or not", "must have a self-test", "must be post-quantum", "364 days old", "4.00 GB"),
        "may disclose: medium at most",
        *("acme.zstd, acme.b", "sklearn.linear_model.*", "stable is moved by 1 of globex", acme, globex),
    ):
        assert words in shown
    # A second key joins an alias; what is not given stays, and what is allowed again is.
    done = maas_command(
        *("trust", "add", "trust", "acme.contact.json", "--names", "acme/*", "--alias", "stable=2"),
        *("--require-sealed", "--allow-untested", "--allow-classic"),
        cwd=world,
    )
    assert done.returncode == 0, done.stderr
    rule = rule_of(world)
    assert AliasRule("stable", (globex, acme), 2) in rule.aliases
    assert (rule.require_sealed, rule.require_selftest, rule.require_post_quantum) == (True, False, False)
    assert rule.max_age_days == 364
    (plain,) = json.loads(maas_command("trust", "list", "trust", "--json", cwd=world).stdout)["rules"]
    assert set(plain) == {
        *("names", "keys", "threshold", "epoch", "require_sealed", "require_selftest"),
        *("require_post_quantum", "max_age_days", "max_release_bytes", "components", "estimators", "aliases"),
        "max_disclosure",
    }


@pytest.mark.parametrize("by", ["contact", "fingerprint"])
def test_a_key_is_removed(world, maas_command, people, by):
    fingerprint = people["acme"].public.public_key.fingerprint
    key = "acme.contact.json" if by == "contact" else fingerprint
    done = maas_command("trust", "remove", "trust", key, cwd=world)
    assert done.returncode == 0, done.stderr
    assert maas.Trust.open(world / "trust").policy.rules == ()
    again = maas_command("trust", "remove", "trust", key, cwd=world)
    assert again.returncode == 2
    assert fingerprint in again.stderr
    shown = maas_command("trust", "list", "trust", cwd=world)
    assert shown.stdout == "Policy of trust: accepts nobody yet\n"


def test_a_receiver_follows_to_new_keys_by_a_file(world, maas_command, people):
    done = maas_command(*ROTATION, cwd=world)
    assert done.returncode == 0, done.stderr
    new = people["acme-2027"].public.public_key.fingerprint
    assert f"acme-2027 {new}" in done.stdout
    done = maas_command("trust", "rotate", "trust", "acme.rotation.json", "--names", "acme/*", cwd=world)
    assert done.returncode == 0, done.stderr
    rule = rule_of(world)
    assert (rule.epoch, [key.fingerprint for key in rule.keys]) == (2, [new])
    again = maas_command("trust", "rotate", "trust", "acme.rotation.json", "--names", "acme/*", cwd=world)
    assert again.returncode in {1, 2}
    assert rule_of(world) == rule


def test_a_rotation_that_the_old_keys_did_not_sign_is_refused(world, maas_command):
    stolen = [word.replace("acme.identity", "initech.identity") for word in ROTATION]
    assert maas_command(*stolen, cwd=world).returncode == 0  # a store of the thief's own would do it
    done = maas_command("trust", "rotate", "trust", "acme.rotation.json", "--names", "acme/*", cwd=world)
    assert done.returncode == 1
    assert "VerificationError" in done.stderr
    assert rule_of(world).epoch == 1
    done = maas_command("trust", "rotate", "trust", "passphrase", "--names", "acme/*", cwd=world)
    assert done.returncode == 1


def test_what_is_revoked_arrives_with_the_next_release(received, maas_command, people):
    first = maas.open_store(received / "models").open("acme/digits@1.0.0").identity
    key = people["initech"].public.public_key.fingerprint
    done = maas_command(
        *("revoke", "models", "--publisher", "acme", "--identity", "acme.identity", *PASSPHRASE),
        *("--release", "acme/digits@1.0.0", "--key", "initech.contact.json", "--reason", "leaked"),
        cwd=received,
    )
    assert done.returncode == 0, done.stderr
    assert "leaked" in done.stdout
    assert maas_command("trust", "revocations", "trust", cwd=received).stdout.startswith("Revoked: nothing")
    for command in (["export", "models", "acme/digits@1.1.0", "b.maas"], ["import", "b.maas", *IMPORT]):
        done = maas_command(*command, cwd=received)
        assert done.returncode == 0, done.stdout + done.stderr
    shown = maas_command("trust", "revocations", "trust", cwd=received).stdout
    assert first in shown
    assert key in shown
    plain = json.loads(maas_command("trust", "revocations", "trust", "--json", cwd=received).stdout)
    assert plain == {"acme": {"number": 1, "keys": [key], "releases": [first]}}
    done = maas_command("unpack", "received", "acme/digits@1.0.0", "out", "--trust", "trust", cwd=received)
    assert done.returncode == 1
    assert re.search(r"FAILED +revocation", done.stdout), done.stdout


def test_what_was_done_is_shown_and_checked(received, maas_command):
    maas_command("import", "passphrase", *IMPORT, cwd=received)
    shown = maas_command("audit", "show", "trust", cwd=received)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[3].split()[2:] == ["import", "done", "acme/digits@1.0.0"]
    assert "refused" in shown.stdout
    entries = json.loads(
        maas_command("audit", "show", "trust", "--outcome", "refused", "--json", cwd=received).stdout
    )
    assert [entry["outcome"] for entry in entries] == ["refused"]
    assert set(entries[0]) == {
        *("number", "time", "event", "outcome", "subject", "identity", "reasons", "previous"),
    }
    last = json.loads(maas_command("audit", "show", "trust", "--last", "1", "--json", cwd=received).stdout)
    assert last == entries
    assert "publish" in maas_command("audit", "show", "models", "--event", "publish", cwd=received).stdout
    done = maas_command("audit", "check", "trust", "--json", cwd=received)
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(report) == {"ok", "count", "head", "line", "fault", "torn", "contains"}
    assert "whole" in maas_command("audit", "check", "trust/audit.jsonl", cwd=received).stdout
    noted = maas_command("audit", "check", "trust", "--head", report["head"], cwd=received)
    assert noted.returncode == 0
    assert "in the log" in noted.stdout


def test_a_log_that_was_cut_or_altered_has_status_1(received, maas_command):
    maas_command("import", "first.maas", *IMPORT, cwd=received)
    log = received / "trust" / "audit.jsonl"
    head = json.loads(maas_command("audit", "check", "trust", "--json", cwd=received).stdout)["head"]
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))
    assert maas_command("audit", "check", "trust", cwd=received).returncode == 0
    done = maas_command("audit", "check", "trust", "--head", head, cwd=received)
    assert done.returncode == 1
    assert "cut off" in done.stdout
    log.write_bytes(b"".join(lines).replace(b'"done"', b'"fine"', 1))
    done = maas_command("audit", "check", "trust", cwd=received)
    assert done.returncode == 1
    assert "line 2" in done.stdout
    log.write_bytes(b"".join(lines) + b'{"half')
    assert "cut off by a crash" in maas_command("audit", "check", "trust", cwd=received).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trust", "add", "trust", "acme.contact.json", "--names", "a*"], "a*"),
        (["trust", "add", "trust", "acme.contact.json", "--names", "a/*", "--max-age", "1h"], "90d"),
        (["trust", "add", "trust", "acme.contact.json", "--names", "a/*", "--max-age", "old"], "30d"),
        (["trust", "add", "trust", "acme.contact.json", "--names", "a/*", "--max-size", "big"], "4GB"),
        (["trust", "add", "trust", "acme.contact.json", "--names", "a/*", "--alias", "a=b"], "THRESHOLD"),
        (["trust", "add", "trust", "acme.contact.json", "--names", "a/*", "--alias", "a=2"], "threshold"),
        (
            ["trust", "add", "trust", "acme.contact.json", "--names", "a/*", "--require-sealed",
             "--allow-unsealed"],
            "not both",
        ),
        (["trust", "rotate", "trust", "acme.contact.json", "--names", "a/*"], "exactly a/*"),
        (["trust", "rotate", "trust", "missing", "--names", "acme/*"], "missing"),
        ([*ROTATION, "--new", "other/acme-2027.identity"], "same name"),
        ([word.replace("acme.rotation.json", "passphrase") for word in ROTATION], "passphrase exists"),
        (["revoke", "models", "--publisher", "acme", "--identity", "acme.identity", *PASSPHRASE, "--reason",
          "x"], "nothing to revoke"),
        (["audit", "show", "nowhere"], "nowhere"),
        (["audit", "check", "."], "neither a trust folder, a store, nor a log"),
        (["audit", "check", "trust", "--head", "short"], "short"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_with_status_2(world, maas_command, arguments, words):
    policy = (world / "trust" / "policy.toml").read_bytes()
    done = maas_command(*arguments, cwd=world)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (world / "trust" / "policy.toml").read_bytes() == policy
