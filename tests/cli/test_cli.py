"""The command line, as a person at a terminal meets it."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_iris

import maas_sdk as maas

PREDICT = ["predict", "--store", "received", "--trust", "trust", "--output", "x.npy"]


def maas_command(*arguments, cwd, stdin=""):
    done = subprocess.run(
        [sys.executable, "-m", "maas_sdk", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def acme():
    return maas.Identity.generate("acme")


@pytest.fixture(scope="module")
def world(tmp_path_factory, acme):
    """globex's folder: its identity, a trust folder that accepts acme, and a bundle."""
    folder = tmp_path_factory.mktemp("globex")
    (folder / "passphrase").write_text("correct horse\n")
    assert (
        maas_command("keys", "new", "globex", "--passphrase-file", "passphrase", cwd=folder).returncode == 0
    )
    acme.public.save(folder / "acme.contact.json")
    assert maas_command("trust", "init", "trust", cwd=folder).returncode == 0
    X, y = load_iris(return_X_y=True, as_frame=True)
    pipeline = maas.Pipeline(("sklearn.DecisionTreeClassifier", {"random_state": 0})).fit(X, y)
    release = pipeline.publish(
        "acme/iris", version="1.0.0", store="memory:", signer=acme,
        recipients=[maas.Contact.load(folder / "globex.contact.json")],
    )  # fmt: skip
    release.export(folder / "iris.maas")
    X.to_csv(folder / "rows.csv", index=False)
    np.save(folder / "rows.npy", X.to_numpy())
    np.save(folder / "wanted.npy", pipeline.predict(X))
    return folder


@pytest.fixture(scope="module")
def imported(world):
    added = maas_command("trust", "add", "trust", "acme.contact.json", "--names", "acme/*", cwd=world)
    assert "Compare by phone" in added.stdout
    done = maas_command(
        "import", "iris.maas", "--store", "received", "--trust", "trust",
        "--first-use", "acme/iris", "--contact", "globex.contact.json", cwd=world,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "acme/iris@1.0.0" in done.stdout
    return world


def test_without_a_command_the_help_is_shown(tmp_path):
    shown = maas_command("--help", cwd=tmp_path).stdout
    for command in ("demo", "keys", "trust", "verify", "import", "list", "predict", "plugins"):
        assert command in shown
    assert maas_command("--version", cwd=tmp_path).stdout == f"maas-sdk {maas.__version__}\n"


def test_an_identity_is_made_shown_and_never_overwritten(world):
    shown = maas_command("keys", "show", "globex.contact.json", cwd=world).stdout
    contact = maas.Contact.load(world / "globex.contact.json")
    assert contact.fingerprint_text[:19] in shown
    assert (world / "globex.identity").stat().st_mode & 0o077 == 0
    again = maas_command("keys", "new", "globex", "--passphrase-file", "passphrase", cwd=world)
    assert again.returncode == 2
    assert "globex.identity" in again.stderr
    assert maas.Contact.load(world / "globex.contact.json") == contact


def test_a_bundle_of_a_publisher_whom_no_rule_knows_is_refused_with_status_1(world):
    maas_command("trust", "init", "nobody", cwd=world)
    done = maas_command("verify", "iris.maas", "--trust", "nobody", cwd=world)
    assert done.returncode == 1
    assert "refused" in done.stdout
    assert "publisher" in done.stdout


def test_the_verdict_is_there_for_machines_too(imported):
    done = maas_command("verify", "iris.maas", "--trust", "trust", "--json", cwd=imported)
    verdict = json.loads(done.stdout)
    assert done.returncode == 0
    assert verdict["passed"] is True
    assert {check["status"] for check in verdict["checks"]} == {"passed", "skipped"}


def test_the_first_release_of_a_name_must_be_accepted_by_name(world, acme, tmp_path):
    maas_command("trust", "init", tmp_path / "fresh", cwd=world)
    maas_command("trust", "add", tmp_path / "fresh", "acme.contact.json", "--names", "acme/iris", cwd=world)
    done = maas_command(
        "import", "iris.maas", "--store", tmp_path / "s", "--trust", tmp_path / "fresh", cwd=world
    )
    assert done.returncode == 1
    assert "--first-use acme/iris" in done.stdout
    listed = maas_command("list", tmp_path / "s", cwd=world)
    assert "acme/iris" not in listed.stdout


def test_policies_and_stores_are_listed(imported):
    rules = maas_command("trust", "list", "trust", cwd=imported).stdout
    assert "acme/*" in rules
    assert "must be sealed" in rules
    listed = maas_command("list", "received", cwd=imported).stdout
    assert "acme/iris" in listed
    assert "1.0.0" in listed


@pytest.mark.parametrize(
    ("rows", "output"), [("rows.csv", "out.csv"), ("rows.npy", "out.npy"), ("rows.csv", "out.parquet")]
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_predictions_are_those_of_the_sender_whatever_the_format(imported, rows, output):
    done = maas_command(
        "predict", "acme/iris", "--store", "received", "--trust", "trust", "--identity", "globex.identity",
        "--passphrase-file", "passphrase", "--input", rows, "--output", output, cwd=imported,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the release carries none" in done.stdout
    wanted = np.load(imported / "wanted.npy")
    readers = {"csv": pl.read_csv, "parquet": pl.read_parquet, "npy": np.load}
    found = readers[output.partition(".")[2]](imported / output)
    values = found["prediction"].to_numpy() if isinstance(found, pl.DataFrame) else found
    np.testing.assert_array_equal(values, wanted)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "missing.maas", "--trust", "trust"], "missing.maas"),
        (["verify", "iris.maas", "--trust", "nowhere"], "nowhere"),
        (["list", "nowhere"], "nowhere"),
        (["keys", "show", "rows.csv"], "rows.csv"),
        (["keys", "new", "ACME!", "--passphrase-file", "passphrase"], "ACME!"),
        (["keys", "new", "other", "--passphrase-file", "missing"], "missing"),
        (["keys", "new", "other", "--passphrase-file", "empty"], "empty"),
        (["trust", "add", "trust", "acme.contact.json", "--names", "acme*"], "acme"),
        ([*PREDICT, "acme/iris@9.9.9", "--input", "rows.npy"], "9.9.9"),
        ([*PREDICT, "acme/iris", "--input", "rows.txt"], "rows.txt"),
        ([*PREDICT, "acme/iris", "--input", "iris.npy"], "iris.npy"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_one_line_with_status_2(imported, arguments, words):
    (imported / "empty").write_text("")
    (imported / "iris.npy").write_bytes(b"\x93NUMPY garbage")
    done = maas_command(*arguments, cwd=imported)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (imported / "x.npy").exists()


def test_a_wrong_passphrase_is_said_to_be_wrong(imported):
    (imported / "wrong").write_text("battery staple\n")
    done = maas_command(
        "predict", "acme/iris", "--store", "received", "--trust", "trust", "--identity", "globex.identity",
        "--passphrase-file", "wrong", "--input", "rows.npy", "--output", "y.npy", cwd=imported,
    )  # fmt: skip
    assert done.returncode == 2
    assert "WrongPassphraseError" in done.stderr


def test_components_are_listed_without_importing_them(tmp_path):
    listed = maas_command("plugins", "list", "--kind", "optimizer", cwd=tmp_path).stdout
    assert {"adam", "gd", "sgd"} <= set(listed.split())
    assert "mlp_classifier" not in listed
    everything = maas_command("plugins", "list", "--all", cwd=tmp_path).stdout
    assert "sklearn.RandomForestClassifier" in everything


def test_a_component_is_shown_with_its_options_types_and_defaults(tmp_path):
    shown = maas_command("plugins", "show", "mlp_classifier", cwd=tmp_path).stdout
    assert "model mlp_classifier (maas-sdk" in shown
    assert ["batch_size", "int", "|", "None", "None"] in [line.split()[:5] for line in shown.splitlines()]
    both = maas_command("plugins", "show", "pca", cwd=tmp_path).stdout
    assert "preprocessor pca" in both
    assert "compressor pca" in both
    only = maas_command("plugins", "show", "pca", "--kind", "compressor", cwd=tmp_path).stdout
    assert "preprocessor pca" not in only
    wrong = maas_command("plugins", "show", "mlp_clasifier", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean 'mlp_classifier'" in wrong.stderr


def test_ctrl_c_is_said_in_one_line_with_status_130(tmp_path):
    command = [sys.executable, "-m", "maas_sdk", "demo"]
    # Unbuffered, so that the first step can be waited for.
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as running:  # fmt: skip
        for line in running.stdout:
            if "acme trains" in line:
                break
        running.send_signal(signal.SIGINT)
        _, problems = running.communicate(timeout=60)
    assert running.returncode == 130
    assert problems == "maas: interrupted; nothing was half-written\n"
