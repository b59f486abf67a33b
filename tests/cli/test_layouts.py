"""``maas pack`` and ``index``: from a store to a layout of other tools, and back to a bundle."""

import subprocess
import sys

import maas_sdk as maas


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "maas_sdk", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_store_becomes_a_layout_and_a_layout_a_bundle(tmp_path):
    acme = maas.Identity.generate("acme")
    store = maas.open_store(tmp_path / "models")
    for version in ("1.0.0", "1.1.0"):
        store.publish({"model.json": version.encode()}, name="acme/m", version=version, signers=[acme.signer])
    exported = store.open("acme/m@1.0.0").export(tmp_path / "sent.maas")

    indexed = run("index", tmp_path / "models")
    assert (indexed.returncode, indexed.stderr) == (0, "")
    assert (tmp_path / "models" / "index.json").exists()

    out = tmp_path / "packed.maas"
    several = run("pack", tmp_path / "models", out)
    assert several.returncode == 2
    assert "say which" in several.stderr
    assert not out.exists()

    packed = run("pack", tmp_path / "models", out, "--reference", "acme/m@1.0.0")
    assert (packed.returncode, packed.stderr) == (0, "")
    assert "maas verify" in packed.stdout
    assert out.read_bytes() == exported.read_bytes()


def test_a_folder_that_is_no_layout_is_refused(tmp_path):
    for command in (("pack", tmp_path, tmp_path / "out.maas"), ("index", tmp_path)):
        result = run(*command)
        assert result.returncode == 2
        assert result.stderr.strip()
        assert "Traceback" not in result.stderr
