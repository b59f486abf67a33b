"""What a command loads: the two that a receiver waits for load little, and help still knows all of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import maas_sdk as maas
from maas_sdk.cli import _app
from maas_sdk.cli._commands import COMMANDS
from maas_sdk.trust import TrustedKey

# What other commands need, and what only looks good on a terminal. Each is a twentieth of a second or more.
HEAVY = {"numpy", "sklearn", "scipy", "pandas", "polars", "safetensors", "pluggy", "pydantic", "rich"}
# Rooms and libraries that verifying without a recipient has no use for.
NEEDLESS = {
    "cryptography.x509",
    "importlib.metadata",
    "maas_sdk.artifact._publish",
    "maas_sdk.artifact._selftest",
    "maas_sdk.identity._identity",
    "maas_sdk.learning",
    "maas_sdk.pipeline",
    "maas_sdk.plugin",
    "maas_sdk.sealing._hybrid",
    "maas_sdk.serialization",
    "maas_sdk.signing._certificate",
    "maas_sdk.signing._private_key",
    "semantic_version",
    "sqlite3",
}
PROGRAM = """
import json, sys
from maas_sdk.cli import main
try:
    main()
except SystemExit as exc:
    print(json.dumps([exc.code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A bundle, and a trust folder that accepts it."""
    folder = tmp_path_factory.mktemp("world")
    acme, globex = maas.Identity.generate("acme"), maas.Identity.generate("globex")
    release = maas.open_store(folder / "models").publish(
        {"model.json": b"{}"},
        name="acme/digits",
        version="1.0.0",
        signers=[acme.signer],
        recipients=[globex.public],
    )
    release.export(folder / "digits.maas")
    key = acme.public.public_key
    policy = maas.Policy().with_key("acme/*", TrustedKey("acme", key.fingerprint, key.pem))
    maas.Trust.create(folder / "trust", policy=policy)
    return folder


def modules_after(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert not code, done.stdout + done.stderr
    return set(modules)


def test_maas_verify_loads_little(world):
    loaded = modules_after(
        "verify", "digits.maas", "--trust", "trust", "--first-use", "acme/digits", cwd=world
    )
    assert "maas_sdk.artifact._verify" in loaded
    assert loaded & HEAVY == set()
    assert loaded & NEEDLESS == set()
    assert len(loaded) < 420  # 370 on Python 3.11, of which bare Python has 55


def test_maas_import_loads_no_more_than_it_needs(world):
    loaded = modules_after(
        *("import", "digits.maas", "--trust", "trust", "--store", "received"),
        *("--first-use", "acme/digits"),
        cwd=world,
    )
    assert "maas_sdk.storage._local" in loaded
    assert loaded & HEAVY == set()
    assert loaded & NEEDLESS == set()
    assert len(loaded) < 480  # 400 on Python 3.11


def test_the_version_and_an_unknown_command_load_no_room(tmp_path):
    loaded = modules_after("--version", cwd=tmp_path)
    assert not {name for name in loaded if name.startswith("maas_sdk.") and name.count(".") > 1} & NEEDLESS
    assert "attrs" not in loaded


def test_help_lists_every_command_in_its_panel():
    shown = CliRunner().invoke(_app.app, ["--help"], env={"COLUMNS": "100"}).output
    for name, place in COMMANDS.items():
        assert f" {name} " in shown
        assert place.panel in shown


def test_every_module_and_function_of_the_table_exists():
    for name in COMMANDS:
        done = CliRunner().invoke(_app.app, [name, "--help"])
        assert done.exit_code == 0, (name, done.output, done.exception)
        assert f" {name} " in done.output


def test_a_typing_slip_is_answered_with_what_was_meant():
    done = CliRunner().invoke(_app.app, ["exprot"])
    assert done.exit_code == 2
    assert "export" in done.output


def test_completion_knows_every_command(tmp_path):
    environment = {"_MAAS_COMPLETE": "complete_bash", "COMP_WORDS": "maas ", "COMP_CWORD": "1"}
    script = Path(sys.executable).with_name("maas")
    done = subprocess.run(
        [script], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert set(COMMANDS) <= set(done.stdout.split())


@pytest.mark.parametrize("texts", [["a", "b"], []])
def test_texts_and_paths_are_taken_as_they_are_typed(texts, tmp_path):
    """Typer's own way and ours give commands the same values."""
    import typer

    from maas_sdk.cli._commands import _as_typed

    seen = []

    def command(
        path: Path, many: list[str] | None = None, one: Path | None = None, paths: list[Path] | None = None
    ):
        seen.append((path, many or None, one, paths or None))

    arguments = ["x", *(word for text in texts for word in ("--many", text, "--paths", text, "--one", text))]
    for change in (lambda parameters: parameters, _as_typed):
        app = typer.Typer(add_completion=False)
        app.command()(command)
        made = typer.main.get_command(app)
        change(made.params)
        made(arguments, standalone_mode=False)
    assert seen[0] == seen[1]
    assert seen[1][0] == Path("x")
