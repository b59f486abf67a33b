"""From a vendor's source tree to a component at work: built, installed and used as strangers would."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import venv
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"

VENDOR = {
    "pyproject.toml": """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"

        [project]
        name = "maas-sdk-acme"
        version = "1.2"
        dependencies = ["maas-sdk"]

        [project.entry-points."maas_sdk.v1"]
        acme = "maas_sdk_acme.plugin"
        """,
    "src/maas_sdk_acme/__init__.py": "",
    "src/maas_sdk_acme/plugin.py": """
        from maas_sdk.plugin import ComponentSpec, hookimpl

        @hookimpl
        def maas_sdk_compressors():
            yield ComponentSpec("eighths", "maas_sdk_acme.eighths:Eighths", summary="Multiples of 1/8")
        """,
    "src/maas_sdk_acme/eighths.py": """
        import copy

        class Eighths:
            needs_training_data = False

            def __init__(self, steps=8):
                self.steps = steps

            def supports(self, chain):
                return hasattr(getattr(chain, "steps", [[None]])[-1][-1], "coef_")

            def compress(self, chain, X=None, y=None):
                made = copy.deepcopy(chain)
                model = made.steps[-1][1]
                model.coef_ = (model.coef_ * self.steps).round() / self.steps
                return made
        """,
}

REGISTRY_PROGRAM = """
    import json, sys
    from maas_sdk.plugin import PluginRegistry

    registry = PluginRegistry()
    registry.describe()
    before = "maas_sdk_acme" in sys.modules
    info = registry.resolve("compressor", "acme.eighths")
    declared_only = "maas_sdk_acme.eighths" not in sys.modules
    component = registry.create("compressor", "acme.eighths", {"steps": 4})
    print(json.dumps({
        "before": before, "declared_only": declared_only, "info": str(info), "steps": component.steps,
        "where": sys.modules["maas_sdk_acme"].__file__,
    }))
    """

PIPELINE_PROGRAM = """
    import json
    import numpy as np
    from sklearn.datasets import load_digits
    import maas_sdk as maas

    X, y = load_digits(return_X_y=True)
    pipeline = maas.Pipeline(model="sklearn.LogisticRegression", preprocessors=["standard_scaler"])
    pipeline.fit(X[:300], y[:300])
    report = pipeline.compress(
        X[300:500],
        y[300:500],
        budget=maas.Budget(metric="accuracy", max_drop=0.1),
        compressors=["acme.eighths"],
    )
    weights = report.chain.steps[-1][1].coef_
    print(json.dumps({
        "chosen": report.chosen.name,
        "eighths": bool(np.array_equal(weights * 8, (weights * 8).round())),
        "smaller": report.chosen.size < report.original.size,
        "same": bool(np.array_equal(pipeline.predict(X), report.chain.predict(X))),
    }))
    """


def run(*command, cwd=None):
    # Neither this repository's source nor the runner's settings shall help.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "COV_"))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_environment(folder):
    """Make a virtual environment that sees the packages of this one, and give its interpreter."""
    venv.EnvBuilder(with_pip=False).create(folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    paths = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    # addsitedir, so that what is installed editable here is found, too.
    lines = (f"import site; site.addsitedir({path!r})\n" for path in paths)
    (own / "packages_of_the_tests.pth").write_text("".join(lines))
    return python


def install(python, source, work):
    """Build a wheel of a source tree, offline, and install it."""
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        work / "dist",
        source,
        cwd=work,
    )
    (wheel,) = (work / "dist").glob("*.whl")
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", *offline, wheel, cwd=work)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    """An interpreter whose environment has the vendor's wheel."""
    work = tmp_path_factory.mktemp("vendor")
    for name, content in VENDOR.items():
        path = work / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content).lstrip())
    python = make_environment(work / "environment")
    install(python, work / "source", work)
    shutil.rmtree(work / "source")
    return python


def program_output(python, program, cwd):
    (cwd / "program.py").write_text(textwrap.dedent(program))
    return json.loads(run(python, "-W", "error", cwd / "program.py", cwd=cwd))


def test_a_vendors_wheel_adds_a_component_which_is_imported_when_it_is_used(vendor, tmp_path):
    told = program_output(vendor, REGISTRY_PROGRAM, tmp_path)
    assert not told["before"]
    assert told["declared_only"]
    assert told["info"] == "acme.eighths (maas-sdk-acme 1.2)"
    assert told["steps"] == 4
    assert Path(told["where"]).is_relative_to(vendor.parents[1])


def test_a_pipeline_compresses_with_a_vendors_compressor_by_its_name(vendor, tmp_path):
    told = program_output(vendor, PIPELINE_PROGRAM, tmp_path)
    assert "acme.eighths" in told["chosen"]
    assert told["eighths"]
    assert told["smaller"]
    assert told["same"]


def test_the_example_distribution_passes_its_own_tests_from_a_wheel(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(PLUGINS / "maas-sdk-example", source)
    python = make_environment(tmp_path / "environment")
    install(python, source, tmp_path)
    shutil.rmtree(source / "src")
    told = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", source, cwd=source)
    assert "passed" in told
    assert "failed" not in told
