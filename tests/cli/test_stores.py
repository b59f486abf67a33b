"""``maas list``, ``show``, ``alias``, ``yank``, ``note``, ``gc``, ``fsck``: a store, and its marks."""

import json

import pytest

import maas_sdk as maas

PASSPHRASE = ["--passphrase-file", "passphrase"]
SIGN = ["--identity", "acme.identity", *PASSPHRASE]


def listed(world, maas_command, *arguments):
    done = maas_command("list", "models", *arguments, "--json", cwd=world)
    assert done.returncode == 0, done.stderr
    return [each["version"] for each in json.loads(done.stdout)["releases"]]


def blobs(folder):
    return sorted(path for path in (folder / "blobs" / "sha256").iterdir() if path.is_file())


def test_releases_are_found_by_what_is_said_of_them(world, maas_command):
    maas_command("note", "models", "acme/digits@1.1.0", "--tag", "blessed", *SIGN, cwd=world)
    first = maas.open_store(world / "models").open("acme/digits@1.0.0").identity
    for arguments, versions in (
        ([], ["1.1.0", "1.0.0"]),
        (["--name", "acme/*"], ["1.1.0", "1.0.0"]),
        (["--name", "globex/*"], []),
        (["--publisher", "acme"], ["1.1.0", "1.0.0"]),
        (["--tag", "blessed"], ["1.1.0"]),
        (["--metric", "accuracy>=0.95"], ["1.1.0"]),
        (["--metric", "accuracy < 0.95"], ["1.0.0"]),
        (["--since", "2026-10-15"], ["1.1.0"]),
        (["--until", "2026-10-15"], ["1.0.0"]),
        (["--since", "2026-10-01T12:00:00Z", "--until", "2026-11-01"], ["1.0.0"]),
        (["--parent", first], ["1.1.0"]),
        (["--dataset", "digits"], ["1.1.0"]),
        (["--limit", "1"], ["1.1.0"]),
    ):
        assert listed(world, maas_command, *arguments) == versions, arguments
    shown = maas_command("list", "models", cwd=world).stdout.splitlines()
    assert shown[0] == "Releases in models"
    assert shown[3].split() == [
        *("acme/digits", "1.1.0", "2026-11-01", "yes", "blessed", "accuracy", "0.97"),
    ]
    nothing = maas_command("list", "models", "--tag", "nix", cwd=world)
    assert (nothing.returncode, nothing.stdout) == (0, "Releases in models: none that fits\n")


def test_the_form_for_machines_is_stable(world, maas_command):
    done = maas_command("list", "models", "--limit", "1", "--json", cwd=world)
    (release,) = json.loads(done.stdout)["releases"]
    assert set(release) == {
        *("name", "version", "identity", "manifest", "sequence", "created", "expires", "publisher"),
        *("sealed", "yanked", "aliases", "tags", "note", "metrics", "parents", "datasets"),
    }
    done = maas_command("show", "models", "acme/digits@1.1.0", "--json", cwd=world)
    shown = json.loads(done.stdout)
    assert set(shown) == {
        *("name", "version", "identity", "previous", "sequence", "epoch", "created", "expires", "keys"),
        *("envelopes", "ancestors", "descendants", "datasets", "metrics", "yanked", "aliases", "tags"),
        *("note", "parts", "disclosures"),
    }
    assert shown["ancestors"][0]["version"] == "1.0.0"
    assert [part["path"] for part in shown["parts"]] == ["model.json", "tensors/000.safetensors"]


def test_a_release_is_shown_with_all_that_is_known_of_it(world, maas_command):
    for command in (
        ["alias", "models", "acme/digits@1.0.0", "stable", *SIGN],
        ["note", "models", "acme/digits@1.0.0", "--text", "for the [red]north[/] plant", *SIGN],
        ["note", "models", "acme/digits@1.0.0", "--tag", "north", *SIGN],
        ["yank", "models", "acme/digits@1.0.0", "--reason", "wrong labels", *SIGN],
    ):  # fmt: skip
        done = maas_command(*command, cwd=world)
        assert done.returncode == 0, done.stderr
    done = maas_command("show", "models", "acme/digits@stable", cwd=world)
    assert done.returncode == 0, done.stderr
    for words in (
        *("acme/digits@1.0.0", "sequence  ", "key epoch 1", "never", "stable", "north", "model.json"),
        *("for the [red]north[/] plant", "yes: ranges and bare names pass it over", "made into", "0.93"),
        "acme/digits@1.1.0",
    ):
        assert words in done.stdout


def test_an_alias_moves_and_is_resolved(world, maas_command):
    for version, generation in (("1.0.0", 1), ("1.1.0", 2), ("1.1.0", 2)):
        done = maas_command("alias", "models", f"acme/digits@{version}", "stable", *SIGN, cwd=world)
        assert f"is acme/digits@{version} now, generation {generation}" in done.stdout
    assert maas.open_store(world / "models").open("acme/digits@stable").version == "1.1.0"


def test_a_yanked_release_is_passed_over_until_it_is_taken_back(world, maas_command):
    yank = ["yank", "models", "acme/digits@1.1.0", *SIGN, "--reason"]
    assert "is yanked: wrong" in maas_command(*yank, "wrong", cwd=world).stdout
    assert listed(world, maas_command) == ["1.0.0"]
    assert listed(world, maas_command, "--yanked") == ["1.1.0", "1.0.0"]
    assert "1.1.0 (yanked)" in maas_command("list", "models", "--yanked", cwd=world).stdout
    done = maas_command(*yank, "it was right", "--undo", cwd=world)
    assert "not yanked any more" in done.stdout
    assert listed(world, maas_command) == ["1.1.0", "1.0.0"]
    again = maas_command(*yank, "twice", "--undo", cwd=world)
    assert again.returncode == 2
    assert "nothing to undo" in again.stderr


def test_notes_and_tags_are_replaced_one_without_the_other(world, maas_command):
    note = ["note", "models", "acme/digits@1.1.0", *SIGN]
    assert (
        "tags: a, b  note: one"
        in maas_command(*note, "--tag", "b", "--tag", "a", "--text", "one", cwd=world).stdout
    )
    assert "tags: a, b  note: two" in maas_command(*note, "--text", "two", cwd=world).stdout
    assert "tags: c  note: two" in maas_command(*note, "--tag", "c", cwd=world).stdout
    assert "tags: none  note: two" in maas_command(*note, "--no-tags", cwd=world).stdout
    assert "tags: none  note: none" in maas_command(*note, "--text", "", cwd=world).stdout


def test_what_nothing_needs_is_shown_first_and_removed_when_asked(world, maas_command):
    store = maas.open_store(world / "models")
    orphan = store._catalog.blobs.put(b"left by an interrupted import").digest
    name = orphan.removeprefix("sha256:")
    done = maas_command("gc", "models", "--grace", "0s", cwd=world)
    assert done.returncode == 0, done.stderr
    assert orphan in done.stdout
    assert "maas gc models --delete" in done.stdout
    report = json.loads(maas_command("gc", "models", "--grace", "1d", "--json", cwd=world).stdout)
    assert (report["dry"], report["orphans"], len(report["young"])) == (True, [], 1)
    assert name in [path.name for path in blobs(world / "models")]
    done = maas_command("gc", "models", "--grace", "0s", "--delete", "--json", cwd=world)
    assert [each["name"] for each in json.loads(done.stdout)["removed"]] == [orphan]
    assert name not in [path.name for path in blobs(world / "models")]
    assert listed(world, maas_command) == ["1.1.0", "1.0.0"]


def test_a_damaged_store_is_named_and_repaired_from_a_bundle(world, maas_command):
    assert maas_command("fsck", "models", cwd=world).returncode == 0
    maas_command("export", "models", "acme/digits@1.1.0", "a.maas", cwd=world)
    largest = max(blobs(world / "models"), key=lambda path: path.stat().st_size)
    largest.chmod(0o600)
    largest.write_bytes(largest.read_bytes()[:-1] + b"?")
    done = maas_command("fsck", "models", cwd=world)
    assert done.returncode == 1
    assert f"sha256:{largest.name}" in done.stdout
    assert "acme/digits@1.1.0" in done.stdout
    report = json.loads(maas_command("fsck", "models", "--json", cwd=world).stdout)
    assert report["ok"] is False
    done = maas_command("fsck", "models", "--repair", "a.maas", cwd=world)
    assert done.returncode == 0, done.stdout
    assert maas_command("fsck", "models", cwd=world).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "models", "--since", "yesterday"], "2026-11-01"),
        (["list", "models", "--until", "2026-13-01"], "2026-11-01"),
        (["list", "models", "--metric", "accuracy"], "accuracy>=0.9"),
        (["list", "models", "--metric", "accuracy>=high"], "accuracy>=0.9"),
        (["list", "models", "--metric", "accuracy>=1e"], "accuracy>=0.9"),
        (["list", "models", "--name", "a/b/c"], "a/b/c"),
        (["show", "models", "acme/nothing"], "acme/nothing"),
        (["alias", "models", "acme/digits", "1.0", *SIGN], "1.0"),
        (["yank", "models", "acme/digits", "--reason", "", *SIGN], "reason"),
        (["note", "models", "acme/digits", *SIGN], "nothing to write"),
        (["note", "models", "acme/digits", "--tag", "a", "--no-tags", *SIGN], "not both"),
        (["note", "models", "acme/digits", "--tag", "A B", *SIGN], "A B"),
        (["note", "models", "acme/digits", "--tag", "a", "--identity", "missing"], "missing"),
        (["gc", "models", "--grace", "soon"], "30d"),
        (["gc", "nowhere"], "nowhere"),
        (["fsck", "models", "--repair", "passphrase"], "BundleError"),
        (["fsck", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_2(world, maas_command, arguments, words):
    done = maas_command(*arguments, cwd=world)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_number_is_the_command_lines_own_error(world, maas_command):
    done = maas_command("list", "models", "--limit", "0", cwd=world)
    assert done.returncode == 2
    assert "--limit" in done.stderr
