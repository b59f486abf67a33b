"""``maas plugins new`` and ``maas plugins check``: what is written works, and what fails is told."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maas_sdk.cli._app import app
from maas_sdk.cli._scaffold import COMPONENTS, distribution_files, write_distribution
from maas_sdk.errors import AlreadyExistsError, InvalidOptionError, UnknownComponentError
from maas_sdk.plugin import KINDS, PluginRegistry
from maas_sdk.testing import run_checks

GOLDEN = Path(__file__).parents[2] / "plugins" / "maas-sdk-example"
LEFT_BY_TOOLS = {"__pycache__", "dist", ".pytest_cache", ".ruff_cache", ".mypy_cache"}


def maas(*arguments):
    return CliRunner().invoke(app, ["plugins", *map(str, arguments)])


@pytest.fixture
def restored_modules(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("maas_sdk_"):
            del sys.modules[name]


def test_the_example_is_what_the_scaffold_writes():
    there = {
        path.relative_to(GOLDEN).as_posix(): path.read_text(encoding="utf-8")
        for path in GOLDEN.rglob("*")
        if path.is_file() and not LEFT_BY_TOOLS.intersection(path.parts)
    }
    assert there == distribution_files("example", KINDS)


def test_there_is_a_component_to_begin_with_for_each_kind():
    assert set(COMPONENTS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_distribution_of_one_kind_passes_its_kit(kind, tmp_path, restored_modules):
    name = f"only_{kind}"[:24].rstrip("_")
    done = maas("new", name, "--kind", kind, "--folder", tmp_path / "new")
    assert done.exit_code == 0, done.output
    sys.path.insert(0, str(tmp_path / "new" / "src"))
    registry = PluginRegistry()
    registry.register(importlib.import_module(f"maas_sdk_{name}.plugin"), name)
    component = COMPONENTS[kind]
    options = {
        f"{name}.{component.name}": lambda folder: (
            {component.option: folder / component.value} if component.option else {}
        )
    }
    results = run_checks(name, registry=registry, options=options)
    assert {result.kind for result in results} == {kind}
    assert results.passed, str(results)


@pytest.mark.skipif(
    shutil.which("ruff") is None, reason="ruff is not installed; tox -e lint checks the example"
)
@pytest.mark.parametrize("name", ["x", "a_name_of_24_characters1"])
def test_what_is_written_lints_whatever_the_name(name, tmp_path):
    for kinds in (*((kind,) for kind in KINDS), KINDS):
        write_distribution(tmp_path / "-".join(kinds), name, kinds)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            ["ruff", *command, "--no-cache", tmp_path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", ["", "Acme", "maas_sdk", "sklearn", "a-b", "a__b", "1a", "../a", 'a"', "a\n", "a" * 25]
)
def test_a_name_that_would_break_what_is_written_is_refused(name, tmp_path):
    with pytest.raises(InvalidOptionError, match="cannot name a new plugin"):
        write_distribution(tmp_path / "new", name, ["model"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kinds", [[], ["modle"]])
def test_a_kind_that_is_none_is_refused(kinds, tmp_path):
    with pytest.raises(InvalidOptionError, match="expected kinds"):
        write_distribution(tmp_path / "new", "acme", kinds)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AlreadyExistsError, match="nothing was written"):
        write_distribution(tmp_path, "acme", ["model"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_folder_is_named_after_the_distribution(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert maas("new", "acme_labs", "--kind", "all").exit_code == 0
    assert (tmp_path / "maas-sdk-acme-labs" / "src" / "maas_sdk_acme_labs" / "plugin.py").is_file()


def test_check_prints_a_table_and_fails_where_a_check_fails():
    lie = "adam-optimizer-is_deterministic=a lie"
    done = maas("check", "maas_sdk", "--option", "local.folder={folder}/store", "--expect", lie)
    assert done.exit_code == 1
    assert re.search(r"^ *local +storage_backend +\d+ +0 +0", done.output, re.MULTILINE)
    assert re.search(r"^ *pem +signer +\d+ +[1-9]\d* +0", done.output, re.MULTILINE)
    assert re.search(r"is_deterministic +failed", done.output)
    assert "expected to fail: a lie" in " ".join(done.output.split())
    assert not re.search(r"^ *adam +optimizer +decreases_a_quadratic", done.output, re.MULTILINE)  # passed


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nobody_has_this"], UnknownComponentError),
        (["maas_sdk", "--option", "local"], InvalidOptionError),
        (["maas_sdk", "--option", "local=3"], InvalidOptionError),
        (["maas_sdk", "--expect", "no_such_check=why"], InvalidOptionError),
        (["maas_sdk", "--expect", "is_deterministic="], InvalidOptionError),
    ],
)
def test_nothing_to_check_is_an_error(arguments, error):
    done = maas("check", *arguments)  # `run` makes exit status 2 of it
    assert isinstance(done.exception, error)
