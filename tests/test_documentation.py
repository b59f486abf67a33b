"""What README and documentation show, works as shown."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import maas_sdk as maas

ROOT = Path(__file__).parents[1]
PASSPHRASE = "correct horse battery staple"


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


def run_shell(block: str) -> None:
    """Run each ``maas`` line of a block; what asks for a passphrase is answered from a file."""
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        if words[:3] == ["maas", "keys", "new"]:
            words += ["--passphrase-file", "passphrase"]
        done = subprocess.run(
            [sys.executable, "-m", "maas_sdk", *words[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, line + done.stdout + done.stderr


def run_python(block: str, names: dict) -> None:
    exec(compile(block.replace("…", PASSPHRASE), "<documentation>", "exec"), names)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    return tmp_path


@pytest.mark.parametrize("document", ["README.md", "docs/tutorial.md"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_two_sides_work_as_the_document_shows_them(document, folder):
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    names = {
        "maas": maas,
        "X": X,
        "X_train": X_train, "y_train": y_train,
        "X_valid": X_test[:200], "y_valid": y_test[:200],
        "X_test": X_test[200:], "y_test": y_test[200:],
    }  # fmt: skip
    shell = [block for block in blocks(document, "sh") if block.startswith("maas ")]
    python = blocks(document, "python")
    # globex's identity comes first here: the sender's side reads its contact.
    keys, *rest = shell[0].splitlines(keepends=True)
    run_shell(keys)
    with contextlib.redirect_stdout(io.StringIO()):
        receiver = next(number for number, block in enumerate(python) if "Trust.open" in block)
        for block in python[:receiver]:
            run_python(block, names)
        for block in ["".join(rest), *shell[1:]]:
            run_shell(block)
        for block in python[receiver:]:
            run_python(block, names)
    assert names["pipeline"].selftest_.identical
    assert (folder / "received" / "oci-layout").exists()


class Tracer:
    """What the guide uses of an OpenTelemetry tracer."""

    def __init__(self):
        self.told, self.depth = [], 0

    @contextlib.contextmanager
    def start_as_current_span(self, name):
        self.depth += 1
        self.attributes = {}
        try:
            yield self
        except ValueError as error:
            self.told.append((self.depth, name, repr(error)))
            raise
        else:
            self.told.append((self.depth, name, None))
        finally:
            self.depth -= 1

    def set_attribute(self, name, value):
        self.attributes[name] = value


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_observers_of_the_guide_observe(folder, caplog):
    tracer = Tracer()
    names: dict = {"tracer": tracer}
    for block in blocks("docs/how-to/observe.md", "python"):
        run_python(block, names)
    pipeline, X, y = names["pipeline"], [[0.0], [1.0], [0.1], [0.9]], [0, 1, 0, 1]
    pipeline.set_params(model=("mlp_classifier", {"max_iter": 3, "tol": 0.0}))
    with caplog.at_level("INFO"):
        pipeline.fit(X, y)
    assert '"step": "epoch", "component": "mlp_classifier"' in caplog.text
    (bar,) = names["progress"].tasks
    assert (bar.description, bar.completed, bar.total) == ("mlp_classifier", 3, 3)
    assert tracer.told[-1][:2] == (1, "fit")
    assert tracer.attributes["maas.component"] == "mlp_classifier"
    caplog.clear()
    with pytest.raises(ValueError), names["registry"].step("fit"), names["registry"].step("preprocess"):  # noqa: PT011 - its own
        raise ValueError("bad")
    assert tracer.told[-2:] == [(2, "preprocess", "ValueError('bad')"), (1, "fit", "ValueError('bad')")]
    assert not [record for record in caplog.records if record.name == "maas_sdk.plugin"]


def test_the_test_command_is_where_continuous_integration_looks_for_it():
    script = (ROOT / ".ci/run").read_text()
    assert "<!-- test command -->" in script
    command = (ROOT / "README.md").read_text().split("<!-- test command -->")[1].split("```")[1]
    assert command.startswith("sh\npython3 -m venv")
    assert command.count("\n") == 2


def test_links_between_the_documents_lead_somewhere():
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_a_folder_is_signed_as_shown(folder, capsys):
    (folder / "digits").mkdir()
    (folder / "digits" / "model.json").write_text("{}")
    (block,) = blocks("docs/how-to/sign.md", "python")
    run_python(block, {})
    assert "model.json" in capsys.readouterr().out


def test_a_model_is_kept_as_shown(folder):
    names = {"__name__": "application"}
    for block in blocks("docs/how-to/keep.md", "python"):
        run_python(block, names)
    assert {path.name for path in folder.iterdir()} > {"forest", "small", "centred"}
