"""One world of two organisations and a third, and a way to run commands in it without a process each."""

import contextlib
import io
import os
import random
import subprocess
import sys
from unittest import mock

import pytest

import maas_sdk as maas
from maas_sdk.cli import main

PASSPHRASE = ["--passphrase-file", "passphrase"]


def run_maas(*arguments, cwd):
    """Run a command in this process; `test_cli.py` starts one of its own each time."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["maas", *map(str, arguments)]),
        mock.patch.dict(os.environ, {"COLUMNS": "120"}),
        pytest.raises(SystemExit) as exited,
    ):
        main()
    return subprocess.CompletedProcess(arguments, exited.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def maas_command():
    return run_maas


@pytest.fixture(scope="session")
def people():
    """Three identities, and one that acme changes to."""
    return {
        **{name: maas.Identity.generate(name) for name in ("acme", "globex", "initech")},
        "acme-2027": maas.Identity.generate("acme"),
    }


@pytest.fixture
def world(tmp_path, people):
    """Everybody's files, acme's store with two versions, and globex's trust folder that accepts acme."""
    for name, identity in people.items():
        identity.save(tmp_path / f"{name}.identity", passphrase="correct horse", work_factor=2)
        identity.public.save(tmp_path / f"{name}.contact.json")
    (tmp_path / "passphrase").write_text("correct horse\n")
    weights = random.Random(0).randbytes(300_000)
    store = maas.open_store(tmp_path / "models")
    for version, more in (
        ("1.0.0", {"metrics": {"accuracy": 0.93}, "created": "2026-10-01T12:00:00Z"}),
        (
            "1.1.0",
            {
                "metrics": {"accuracy": 0.97},
                "created": "2026-11-01T12:00:00Z",
                "parents": ["acme/digits@1.0.0"],
                "datasets": {"digits": "sha256:" + "0" * 64},
            },
        ),
    ):
        store.publish(
            {"model.json": version.encode(), "tensors/000.safetensors": weights},
            name="acme/digits",
            version=version,
            signers=[people["acme"].signer],
            recipients=[people["globex"].public, people["acme"].public],
            **more,
        )
    for arguments in (("init", "trust"), ("add", "trust", "acme.contact.json", "--names", "acme/*")):
        assert run_maas("trust", *arguments, cwd=tmp_path).returncode == 0
    return tmp_path


@pytest.fixture
def received(world):
    """The world after globex imported 1.0.0, with a receipt."""
    assert run_maas("export", "models", "acme/digits@1.0.0", "first.maas", cwd=world).returncode == 0
    done = run_maas(
        *("import", "first.maas", "--store", "received", "--trust", "trust", "--first-use", "acme/digits"),
        *("--contact", "globex.contact.json", "--receipt", "first.receipt.json"),
        *("--identity", "globex.identity", *PASSPHRASE),
        cwd=world,
    )
    assert done.returncode == 0, done.stderr
    return world
