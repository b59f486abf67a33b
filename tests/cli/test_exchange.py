"""``maas export``, ``import``, ``receipt``, ``reseal``, ``unpack``: from a store into a store, over files."""

import json
import shutil

import pytest

import maas_sdk as maas

PASSPHRASE = ["--passphrase-file", "passphrase"]
IMPORT = ["--store", "received", "--trust", "trust", "--first-use", "acme/digits"]
OUTCOME = {"path", "status", "name", "version", "identity", "manifest", "missing", "volumes", "verdict"}


def test_a_release_travels_and_says_so_to_machines(world, maas_command):
    done = maas_command("export", "models", "acme/digits@1.0.0", "a.maas", "--json", cwd=world)
    exported = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(exported) == {"name", "version", "identity", "manifest", "files"}
    assert exported["files"] == [{"path": "a.maas", "size": (world / "a.maas").stat().st_size}]
    done = maas_command("import", "a.maas", *IMPORT, "--json", cwd=world)
    (outcome,) = json.loads(done.stdout)["bundles"]
    assert done.returncode == 0
    assert set(outcome) == OUTCOME
    assert (outcome["status"], outcome["name"], outcome["version"]) == ("imported", "acme/digits", "1.0.0")
    assert (outcome["identity"], outcome["manifest"]) == (exported["identity"], exported["manifest"])
    assert maas.open_store(world / "received").versions("acme/digits") == ["1.0.0"]


def test_a_refused_bundle_has_status_1_and_its_verdict_even_among_others(world, maas_command):
    maas_command("trust", "init", "nobody", cwd=world)
    maas_command("export", "models", "acme/digits@1.0.0", "a.maas", cwd=world)
    done = maas_command("import", "a.maas", "--store", "s", "--trust", "nobody", cwd=world)
    assert done.returncode == 1
    assert "acme/digits" in done.stdout
    assert "FAILED" in done.stdout
    (world / "b.maas").write_bytes(b"garbage")
    done = maas_command("import", "b.maas", "a.maas", *IMPORT, "--json", cwd=world)
    outcomes = json.loads(done.stdout)["bundles"]
    assert done.returncode == 1
    assert [outcome["status"] for outcome in outcomes] == ["refused", "imported"]
    assert outcomes[0]["verdict"]["passed"] is False
    assert outcomes[0]["identity"] is None


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one by one"])
def test_volumes_come_in_any_order_and_the_last_one_completes(world, maas_command, at_once):
    done = maas_command(
        "export", "models", "acme/digits@1.1.0", "v.maas", "--max-volume-size", "150kB", cwd=world
    )
    assert done.returncode == 0, done.stderr
    volumes = sorted((path.name for path in world.glob("v.*.maas")), reverse=True)
    assert volumes == ["v.3of3.maas", "v.2of3.maas", "v.1of3.maas"]
    assert all((world / name).stat().st_size <= 150_000 for name in volumes)
    if at_once:
        done = maas_command("import", *volumes, *IMPORT, "--json", cwd=world)
        assert done.returncode == 0, done.stdout
        statuses = [outcome["status"] for outcome in json.loads(done.stdout)["bundles"]]
        assert statuses == ["incomplete", "incomplete", "imported"]
    else:
        for name in volumes[:2]:
            done = maas_command("import", name, *IMPORT, cwd=world)
            assert done.returncode == 3, done.stderr
            assert volumes[2] in done.stderr
        done = maas_command("import", volumes[2], *IMPORT, cwd=world)
        assert done.returncode == 0, done.stderr
    assert maas.open_store(world / "received").versions("acme/digits") == ["1.1.0"]


def test_what_is_still_missing_is_named_and_has_status_3(world, maas_command):
    maas_command("export", "models", "acme/digits@1.1.0", "v.maas", "--max-volume-size", "150kB", cwd=world)
    done = maas_command("import", "v.1of3.maas", "v.3of3.maas", *IMPORT, "--json", cwd=world)
    assert done.returncode == 3
    outcome = json.loads(done.stdout)["bundles"][-1]
    assert outcome["status"] == "incomplete"
    assert outcome["volumes"] == ["v.2of3.maas"]
    assert outcome["missing"]
    assert outcome["verdict"]["passed"] is True
    shown = maas_command("import", "v.2of3.maas", "v.1of3.maas", *IMPORT, cwd=world)
    assert shown.returncode == 0
    assert "imported acme/digits@1.1.0" in shown.stdout


def test_the_parts_of_a_whole_are_named_when_they_come_together(world, maas_command):
    maas_command("export", "models", "acme/digits@1.1.0", "v.maas", "--max-volume-size", "200kB", cwd=world)
    done = maas_command("import", "v.1of2.maas", "v.2of2.maas", *IMPORT, cwd=world)
    assert (done.returncode, done.stderr) == (0, "")
    part, whole = done.stdout.splitlines()
    assert part == "v.1of2.maas  verified, a part of acme/digits@1.1.0"
    assert whole.startswith("imported acme/digits@1.1.0, sha256:")


def test_a_receipt_makes_the_next_bundle_small(received, maas_command):
    release = maas.open_store(received / "models").open("acme/digits@1.0.0")
    shown = maas_command("receipt", "first.receipt.json", "--contact", "globex.contact.json", cwd=received)
    assert shown.returncode == 0, shown.stderr
    assert "acme/digits@1.0.0" in shown.stdout
    assert release.manifest_digest in shown.stdout
    done = maas_command(
        "receipt", "first.receipt.json", "--contact", "globex.contact.json", "--json", cwd=received
    )
    said = json.loads(done.stdout)
    assert said["has"] == [release.manifest_digest]
    assert set(said) == {
        *("receiver", "name", "version", "identity", "manifest", "sequence", "received", "has", "checks"),
        "audit",
    }
    maas_command("export", "models", "acme/digits@1.1.0", "full.maas", cwd=received)
    for have in ("first.receipt.json", release.manifest_digest, "acme/digits@1.0.0"):
        done = maas_command(
            "export", "models", "acme/digits@1.1.0", "delta.maas", "--have", have, cwd=received
        )
        assert done.returncode == 0, done.stderr
        full, delta = ((received / name).stat().st_size for name in ("full.maas", "delta.maas"))
        assert delta < full / 5
    done = maas_command("import", "delta.maas", *IMPORT, cwd=received)
    assert done.returncode == 0, done.stderr
    elsewhere = maas_command(
        *("import", "delta.maas", "--store", "empty", "--trust", "trust", "--first-use", "acme/digits"),
        cwd=received,
    )
    assert elsewhere.returncode == 3
    assert "presumes" in elsewhere.stderr


@pytest.mark.parametrize(
    ("contact", "file", "status", "words"),
    [
        ("acme.contact.json", "first.receipt.json", 1, "VerificationError"),
        ("globex.contact.json", "passphrase", 1, "InvalidArtifactError"),
        ("globex.contact.json", "missing", 2, "missing"),
        ("missing", "first.receipt.json", 2, "missing"),
    ],
)
def test_a_receipt_of_somebody_else_is_refused(received, maas_command, contact, file, status, words):
    done = maas_command("receipt", file, "--contact", contact, cwd=received)
    assert done.returncode == status
    assert words in done.stderr


def test_a_release_is_sealed_for_somebody_else_and_they_open_it(world, maas_command):
    before = maas_command(
        "export", "models", "acme/digits@1.0.0", "i.maas", "--for", "initech.contact.json", cwd=world
    )
    assert before.returncode == 2
    assert "maas reseal" in before.stderr
    done = maas_command(
        *("reseal", "models", "acme/digits@1.0.0", "--for", "initech.contact.json"),
        *("--identity", "acme.identity", *PASSPHRASE, "--json"),
        cwd=world,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"name", "version", "identity", "manifest", "recipients"}
    again = maas_command(
        *("reseal", "models", "acme/digits@1.0.0", "--for", "initech.contact.json"),
        *("--identity", "acme.identity", *PASSPHRASE),
        cwd=world,
    )
    assert f"sealed for initech, manifest {json.loads(done.stdout)['manifest']}" in again.stdout
    assert "maas export models acme/digits@1.0.0 OUT --for initech.contact.json" in again.stdout
    for command in (
        ["export", "models", "acme/digits@1.0.0", "i.maas", "--for", "initech.contact.json"],
        ["import", "i.maas", *IMPORT, "--contact", "initech.contact.json"],
        ["unpack", "received", "acme/digits", "out", "--identity", "initech.identity", *PASSPHRASE],
    ):
        done = maas_command(*command, cwd=world)
        assert done.returncode == 0, done.stderr
    assert (world / "out" / "model.json").read_bytes() == b"1.0.0"
    # Of several envelopes in one store each opens their own.
    done = maas_command(
        "unpack", "models", "acme/digits@1.0.0", "mine", "--identity", "initech.identity", *PASSPHRASE,
        cwd=world,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (world / "mine" / "model.json").read_bytes() == b"1.0.0"


def test_unpacking_verifies_when_asked_to_and_leaves_nothing_of_a_refused_release(received, maas_command):
    unpack = ["unpack", "received", "acme/digits", "--identity", "globex.identity", *PASSPHRASE, "--trust"]
    done = maas_command(*unpack, "trust", "out", cwd=received)
    assert done.returncode == 0, done.stderr
    assert "2 files of acme/digits@1.0.0" in done.stdout
    maas_command("trust", "init", "nobody", cwd=received)
    done = maas_command(*unpack, "nobody", "other", cwd=received)
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert not (received / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "models", "acme/digits@9.9.9", "x.maas"], "9.9.9"),
        (["export", "nowhere", "acme/digits", "x.maas"], "nowhere"),
        (["export", "models", "acme/digits", "no/x.maas"], "no/x.maas"),
        (["export", "models", "acme/digits", "x.maas", "--have", "sha256:" + "0" * 64], "does not know"),
        (["export", "models", "acme/digits", "x.maas", "--have", "missing"], "missing"),
        (["export", "models", "acme/digits", "x.maas", "--have", "a", "--have", "acme/digits"], "alone"),
        (["export", "models", "acme/digits", "x.maas", "--max-volume-size", "lots"], "4GB"),
        (["export", "models", "acme/digits", "x.maas", "--max-volume-size", "0"], "4GB"),
        (["export", "models", "acme/digits", "x.maas", "--max-volume-size", "1kB"], "max_bytes"),
        (["import", "missing.maas", *IMPORT], "missing.maas"),
        (["import", "missing.maas", *IMPORT, "--receipt", "r.json"], "--identity"),
        (["import", "missing.maas", *IMPORT, "--identity", "globex.identity"], "--receipt"),
        (["unpack", "models", "acme/digits", "models"], "models exists"),
        (["unpack", "models", "acme/digits", "out"], "NoMatchError"),
        (["reseal", "models", "acme/digits", "--for", "missing", "--identity", "acme.identity"], "missing"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_2(world, maas_command, arguments, words):
    before = sorted(world.iterdir())
    done = maas_command(*arguments, cwd=world)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert set(world.iterdir()) - set(before) <= {world / "received"}


def test_the_receiver_needs_no_store_of_the_sender(world, maas_command):
    maas_command("export", "models", "acme/digits", "a.maas", cwd=world)
    shutil.rmtree(world / "models")
    done = maas_command("verify", "a.maas", "--trust", "trust", "--first-use", "acme/digits", cwd=world)
    assert done.returncode == 0, done.stdout
    assert "acme/digits@1.1.0: passed" in done.stdout
