"""Other people's tools carry releases through a registry and back without changing a byte of them.

Each peer is skipped where it is not installed. On Debian ``apt-get install skopeo umoci docker-registry``
brings the tools; ``tox -e peers-oci`` brings the clients that are Python packages. At the end a table tells
what was tried.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest

from maas_sdk.artifact import Store, pack_layout, verify, write_index
from maas_sdk.artifact._bundles.bundle import write_bundle
from maas_sdk.artifact._documents import oci
from maas_sdk.storage import LocalBackend

HOW_TO = Path(__file__).parents[2] / "docs/how-to/registry.md"
PACKAGES = {"docker-registry": "docker-registry", "skopeo": "skopeo", "umoci": "umoci"}
PARTS = {
    "card.html": b"<p>digits</p>",
    "card.md": b"# digits\n",
    "empty.txt": b"",
    "environment.json": b'{"format":"maas-environment/1"}',
    "figures/roc.png": b"\x89PNG",
    "model.json": b'{"nodes":[]}',
    "model.sig": b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}',
    "schema.json": b'{"format":"maas-schema/1"}',
    "selftest.safetensors": b"not looked at here",
    "tensors/000.safetensors": bytes(range(256)) * 8192,
    "tensors/001.safetensors": b"\1" * 1000,
}
SEALED = {"sealed": None, "unsealed": []}


def needs(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"not installed: apt-get install {' '.join(PACKAGES[tool] for tool in missing)}"
    )


@pytest.fixture(scope="module")
def table(request):
    """Collect what held, and show it at the end."""
    held = {}
    yield held
    lines = ["", f"{'peer':<22}{'what':<62}" + "".join(f"{kind:<11}" for kind in SEALED)]
    for peer, what in dict.fromkeys((peer, what) for peer, what, _ in held):
        cells = "".join(f"{held.get((peer, what, kind), '-'):<11}" for kind in SEALED)
        lines.append(f"{peer:<22}{what:<62}{cells}")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        sys.stdout.write("\n".join(lines) + "\n")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(process, port):
    """Wait until the registry answers; False when it has died, as when its port was taken meanwhile."""
    for _ in range(200):
        if process.poll() is not None:
            return False
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5) as answer,
        ):
            return answer.status == 200
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def _serve(folder):
    """Run a registry that keeps what it is given below a folder."""
    for attempt in range(5):
        port = _free_port()
        configuration = folder / f"registry-{attempt}.yml"
        configuration.write_text(
            "version: 0.1\n"
            "log: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {json.dumps(str(folder / 'registry'))}}}}}\n"
            f'http: {{addr: "127.0.0.1:{port}"}}\n'
        )
        with subprocess.Popen(
            ["docker-registry", "serve", configuration],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                if _answers(process, port):
                    yield f"127.0.0.1:{port}"
                    return
            finally:
                process.kill()
    pytest.fail("docker-registry did not start")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with _serve(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def environment(tmp_path, registry):
    """Settings by which skopeo speaks to the registry without TLS, and leaves the user's own alone."""
    settings = tmp_path / ".config/containers"
    settings.mkdir(parents=True)
    (settings / "registries.conf").write_text(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
    (settings / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    home = str(tmp_path)
    return os.environ | {"HOME": home, "TMPDIR": home, "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": home}


def run(*command, **options):
    ran = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def skopeo(environment):
    return lambda *arguments: run("skopeo", *arguments, env=environment)


def blobs_of(path):
    """Give the blobs of a bundle or of a layout by digest."""
    if path.is_dir():
        return {file.name: file.read_bytes() for file in (path / "blobs/sha256").iterdir()}
    with tarfile.open(path) as tar:
        members = [member for member in tar if member.isreg() and member.name.startswith("blobs/sha256/")]
        return {member.name[-64:]: tar.extractfile(member).read() for member in members}


def index_of(path):
    with tarfile.open(path) as tar:
        return json.loads(tar.extractfile("index.json").read())


def tags_of(path):
    return [each["annotations"]["org.opencontainers.image.ref.name"] for each in index_of(path)["manifests"]]


@pytest.fixture(params=SEALED)
def kind(request):
    return request.param


@pytest.fixture
def bundle(sender, kind):
    return sender.bundle(parts=PARTS, recipients=SEALED[kind])


@pytest.fixture
def policy(organisations):
    return organisations.policy(require_sealed=False)


@needs("skopeo", "docker-registry")
def test_skopeo_takes_a_bundle_to_a_registry_and_back_and_changes_no_byte(
    bundle, kind, registry, skopeo, tmp_path, table
):
    layout = tmp_path / "layout"
    for number, tag in enumerate(tags_of(bundle)):
        skopeo("copy", f"oci-archive:{bundle}:{tag}", f"docker://{registry}/{kind}/{tag}")
        descriptor = index_of(bundle)["manifests"][number]
        raw = skopeo("inspect", "--raw", f"docker://{registry}/{kind}/{tag}").encode()
        assert raw == blobs_of(bundle)[descriptor["digest"][7:]]
        skopeo("copy", f"docker://{registry}/{kind}/{tag}", f"oci:{layout}:{tag}")
        archive = tmp_path / f"back-{number}.tar"
        skopeo("copy", f"docker://{registry}/{kind}/{tag}", f"oci-archive:{archive}:{tag}")
        manifest = json.loads(raw)
        wanted = {x["digest"][7:] for x in (descriptor, manifest["config"], *manifest["layers"])}
        assert blobs_of(archive) == {digest: blobs_of(bundle)[digest] for digest in wanted}
    assert blobs_of(layout) == blobs_of(bundle)
    table["skopeo", "oci-archive → registry → oci layout, oci-archive: same bytes", kind] = "same"


def _shell(block, environment, folder):
    run("bash", "-euo", "pipefail", "-c", block, env=environment, cwd=folder)


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)


@needs("skopeo", "docker-registry")
def test_the_guide_s_commands_bring_a_release_through_a_registry(
    sender, kind, registry, environment, tmp_path, receiver, organisations, policy, table, monkeypatch
):
    push, pull, unpack, _ = _blocks("sh")
    pack = _blocks("python")[0]
    there, here = tmp_path / "sender", tmp_path / "receiver"
    there.mkdir()
    here.mkdir()
    release = sender.publish(parts=PARTS, recipients=SEALED[kind])
    papers = release._papers.with_notices([(each, b'{"payload":""}') for each in oci.NOTICES])
    path = there / "digits-1.0.0.maas"
    write_bundle(path, papers, release._source, progress=lambda *_: None)
    # A pre-release and a later version are in the same repository.
    at = f"{registry}/{kind}-guide"
    for block, folder in ((push, there), (pull, here)):
        _shell(block.replace("registry.example.org", at), environment, folder)
        if folder is there:
            for version in ("1.0.0-rc.1", "1.0.10"):
                other = sender.export(sender.publish(version, recipients=SEALED[kind]))
                for tag in tags_of(other):
                    _shell(f"skopeo copy oci-archive:{other}:{tag} docker://{at}/{tag}", environment, there)
    monkeypatch.chdir(here)
    exec(compile(pack, "<docs/how-to/registry.md>", "exec"), {})
    again = here / "digits-1.0.0.maas"
    assert again.read_bytes() == path.read_bytes()
    table["skopeo, pack_layout", "bundle → registry → layout → bundle, notices too", kind] = "same file"
    _shell(unpack, environment, here)
    plain = release.export(here / "digits-1.0.0.maas")
    assert verify(plain, trust=policy, recipient=organisations.globex).passed


@needs("skopeo", "docker-registry")
def test_a_delta_can_be_pushed_where_the_version_before_it_is(
    sender, kind, registry, skopeo, tmp_path, table
):
    first = sender.publish(parts=PARTS, recipients=SEALED[kind])
    second = sender.publish("1.1.0", parts=PARTS | {"card.md": b"# others\n"}, recipients=SEALED[kind])
    delta = second.export(tmp_path / "delta.maas", have=[first.manifest_digest])
    whole = sender.export(second)
    assert delta.stat().st_size < whole.stat().st_size / 10
    layout = tmp_path / "layout"
    for path in (sender.export(first), delta):
        for tag in tags_of(path):
            skopeo("copy", f"oci-archive:{path}:{tag}", f"docker://{registry}/{kind}-delta/{tag}")
    for tag in tags_of(delta):
        skopeo("copy", f"docker://{registry}/{kind}-delta/{tag}", f"oci:{layout}:{tag}")
    assert pack_layout(layout, tmp_path / "again.maas").read_bytes() == whole.read_bytes()
    table["skopeo", "delta → registry with the version before → whole bundle", kind] = "same file"


@needs("skopeo")
def test_an_archive_that_skopeo_wrote_is_refused_and_says_why(bundle, tmp_path, policy, failures):
    other = tmp_path / "skopeo.tar"
    archives = [f"oci-archive:{path}:{tags_of(bundle)[0]}" for path in (bundle, other)]
    run("skopeo", "--insecure-policy", "--tmpdir", tmp_path, "copy", *archives)
    verdict = verify(other, trust=policy)
    assert failures(verdict) == ["bundle"]
    assert "a folder; a bundle holds regular files only" in verdict.failures[0].reason


def _files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".incoming" not in path.parts
    }


@needs("umoci")
def test_umoci_removes_nothing_that_a_store_needs(sender, organisations, tmp_path, table):
    folder = tmp_path / "store"
    sender.store = Store(LocalBackend(folder))
    # The last one has the tag that the signature of the one before it has too.
    for version in ("1.0.0", "2.0.0-rc.1+build.7", "2.0.0-rc.1", "2.0.0-rc.1.release"):
        sender.publish(version, parts=PARTS)
    sender.publish("3.0.0", parts=PARTS, recipients=[])
    acme, initech = organisations.acme, organisations.initech
    further = sender.store.reseal(
        "acme/digits@1.0.0", recipients=[acme, initech.public], identity=acme, signers=[acme.signer]
    )
    sender.store.set_alias("stable", "acme/digits@1.0.0", signers=[acme.signer])
    sender.store.yank("acme/digits@3.0.0", signers=[acme.signer], reason="a test")
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    write_index(copy)
    kept = _files(copy)
    orphan = copy / "blobs/sha256" / ("00" * 32)
    orphan.write_bytes(b"an orphan")
    run("umoci", "gc", "--layout", copy)
    assert not orphan.exists()  # it does remove what nothing needs
    assert _files(copy) == kept
    listed = run("umoci", "ls", "--layout", copy).split()
    assert "acme/digits:sealing-2.0.0-rc.1_build.7" in listed
    store = Store(LocalBackend(copy))
    releases = [store.open(f"acme/digits@{version}") for version in store.versions("acme/digits")]
    releases.append(store.open("acme/digits@stable", envelope=further.manifest_digest))
    assert len(releases) == 6
    for release in releases:
        assert release.read_parts(identity=organisations.acme) == PARTS
        for kind in SEALED:
            if release.sealed == (kind == "sealed"):
                table["umoci gc", "of a store with its index: removes orphans only", kind] = "kept"


@needs("skopeo", "docker-registry")
def test_skopeo_reads_a_store_with_its_index(sender, kind, registry, skopeo, tmp_path, bundle, table):
    folder = tmp_path / "store"
    sender.store = Store(LocalBackend(folder))
    sender.publish(parts=PARTS, recipients=[])
    version = sender.publish("1.1.0", parts=PARTS, recipients=SEALED[kind])
    write_index(folder)
    layout = tmp_path / "layout"
    path = sender.export(version)
    for tag in tags_of(path):
        skopeo("copy", f"oci:{folder}:{tag}", f"docker://{registry}/{kind}-store/{tag}")
        skopeo("copy", f"docker://{registry}/{kind}-store/{tag}", f"oci:{layout}:{tag}")
    assert blobs_of(layout) == blobs_of(path)
    assert pack_layout(layout, tmp_path / "again.maas").read_bytes() == path.read_bytes()
    table["skopeo", "store with its index → registry → bundle", kind] = "same file"


@pytest.fixture
def pushed(bundle, kind, registry, skopeo):
    """A release in the registry, and the files that its manifest names."""
    repository = f"{registry}/{kind}-python/acme/digits"
    for tag in tags_of(bundle):
        skopeo("copy", f"oci-archive:{bundle}:{tag}", f"docker://{repository}:{tag.partition(':')[2]}")
    blobs = blobs_of(bundle)
    manifest = json.loads(blobs[index_of(bundle)["manifests"][0]["digest"][7:]])
    return f"{repository}:1.0.0", {
        layer["annotations"]["org.opencontainers.image.title"]: blobs[layer["digest"][7:]]
        for layer in manifest["layers"]
    }


def _found(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs("skopeo", "docker-registry")
def test_oras_pulls_the_files_of_a_release(pushed, kind, tmp_path, table):
    client = pytest.importorskip("oras.client", reason="not installed: pip install oras")
    address, files = pushed
    out = tmp_path / "oras"
    client.OrasClient(insecure=True).pull(target=address, outdir=str(out))
    assert _found(out) == files
    if kind == "unsealed":
        assert files == PARTS
    table["oras", "pull: each file under its title", kind] = "same"


@needs("skopeo", "docker-registry")
def test_a_client_of_modelpack_accepts_configuration_and_layers(pushed, kind, tmp_path, table):
    client = pytest.importorskip("modelpack_client", reason="not installed: pip install modelpack-client")
    address, files = pushed
    # It checks the configuration against model-spec's schema, and each layer against its digest and DiffID.
    pulled = client.ModelPackClient(insecure=True).pull(address, tmp_path / "modelpack")
    assert _found(tmp_path / "modelpack") == files
    assert pulled.config["descriptor"]["version"] == "1.0.0"
    table["modelpack-client", "pull: schema, digests, DiffIDs, file paths", kind] = "same"
