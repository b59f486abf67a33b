"""Parts out of a release: into memory, out of maps, into a folder; nothing before it was checked."""

import errno
import io
import os

import pytest

from maas_sdk._internal.files import storage_errors
from maas_sdk.artifact import Store
from maas_sdk.artifact._contents import unpack as _unpack
from maas_sdk.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidArtifactError,
    InvalidOptionError,
    NoMatchError,
    RefusedError,
    SealingError,
    StorageError,
)
from maas_sdk.sealing import AgeSealer
from maas_sdk.storage import LocalBackend

LARGE = 5 << 20
WEIGHTS = "tensors/000.safetensors"


@pytest.fixture
def local(sender, tmp_path):
    """A sender whose store is a folder."""
    sender.store = Store(LocalBackend(tmp_path / "store"))
    return sender


def parts():
    return {"card.md": b"# digits\n", "empty.txt": b"", WEIGHTS: bytes(range(256)) * (LARGE // 256 + 1)}


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def layer_file(release, tmp_path, path=WEIGHTS):
    descriptor = next(x for x in release._papers.layers if x.file_path.removesuffix(".age") == path)
    return tmp_path / "store/blobs/sha256" / descriptor.digest.removeprefix("sha256:")


def damage(path, place=1000):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def left(tmp_path):
    """Give what is beside the store and the trust."""
    return sorted(path.name for path in tmp_path.iterdir() if path.name not in ("store", "trust"))


@pytest.mark.parametrize("sealed", [True, False])
def test_a_release_is_unpacked_into_a_new_folder(sender, organisations, tmp_path, sealed):
    release = sender.publish(parts=parts(), **({} if sealed else {"recipients": []}))
    told = []
    folder = release.unpack(
        tmp_path / "out", identity=organisations.globex, progress=lambda *step: told.append(step)
    )
    assert folder == tmp_path / "out"
    assert content(folder) == parts()
    total = sum(map(len, parts().values()))
    assert told[-1] == ("unpack", total, total)
    assert len(told) > len(parts())
    modes = {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]}
    assert (modes == {0}) == sealed
    assert left(tmp_path) == ["out"]


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_there_is_not_replaced(sender, organisations, tmp_path, there):
    target = tmp_path / "out"
    if there == "file":
        target.write_bytes(b"mine")
    elif there == "folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(AlreadyExistsError):
        sender.publish().unpack(target, identity=organisations.acme)
    assert left(tmp_path) == ["out"]
    assert target.is_symlink() == (there == "link")


def test_a_folder_that_somebody_makes_meanwhile_is_not_replaced(sender, organisations, tmp_path):
    def make(_stage, _done, _total):
        (tmp_path / "out").mkdir(exist_ok=True)

    with pytest.raises(AlreadyExistsError, match="meanwhile"):
        sender.publish().unpack(tmp_path / "out", identity=organisations.acme, progress=make)
    assert content(tmp_path / "out") == {}
    assert left(tmp_path) == ["out"]


def test_an_interruption_leaves_nothing(sender, organisations, tmp_path):
    def interrupt(_stage, done, _total):
        if done > LARGE // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sender.publish(parts=parts()).unpack(
            tmp_path / "out", identity=organisations.acme, progress=interrupt
        )
    assert left(tmp_path) == []


def test_a_full_medium_is_a_storage_error_and_leaves_nothing(sender, organisations, tmp_path, monkeypatch):
    release = sender.publish(parts=parts())

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_unpack._Whole, "write", full)
    with pytest.raises(StorageError, match="No space left"):
        release.unpack(tmp_path / "out", identity=organisations.acme)
    assert left(tmp_path) == []
    with pytest.raises(StorageError):
        release.unpack(tmp_path / "missing" / "out", identity=organisations.acme)


def test_a_file_that_takes_a_little_at_a_time_is_written_whole():
    class Slow:
        def __init__(self):
            self.taken = b""

        def write(self, data):
            self.taken += data[:3]
            return min(3, len(data))

    slow = Slow()
    assert _unpack._Whole(slow).write(memoryview(b"0123456789")) == 10
    assert slow.taken == b"0123456789"


@pytest.mark.parametrize("path", ["../x", "a/../x", "/x", "a//x", "a/./x", "", "a\\x", "c:x"])
def test_no_path_leads_out_of_the_folder(path, tmp_path):
    with pytest.raises(InvalidArtifactError):
        _unpack._inside(tmp_path, path)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("place", [3, 1000, -1])
def test_damage_is_noticed_before_anything_is_given_out(local, organisations, tmp_path, sealed, place):
    release = local.publish(parts=parts(), **({} if sealed else {"recipients": []}))
    policy = organisations.policy(require_sealed=sealed)
    damage(layer_file(release, tmp_path), place)
    for options in ({}, {"mapped": True}):
        with pytest.raises(DigestMismatchError, match="damaged or altered"):
            release.read_parts(identity=organisations.globex, **options)
    with pytest.raises(DigestMismatchError, match="damaged or altered"):
        release.unpack(tmp_path / "out", identity=organisations.globex)
    with pytest.raises(RefusedError, match="contents") as caught:
        release.read_parts(identity=organisations.globex, trust=policy)
    assert [check.name for check in caught.value.verdict.failures] == ["contents"]
    layer_file(release, tmp_path).unlink()
    for options in ({}, {"mapped": True}):
        with pytest.raises(DigestMismatchError, match="missing"):
            release.read_parts(identity=organisations.globex, **options)
    with pytest.raises(RefusedError, match="contents"):
        release.unpack(tmp_path / "out", identity=organisations.globex, trust=policy)
    assert left(tmp_path) == []


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("change", ["longer", "shorter"])
def test_a_layer_of_another_size_is_refused(local, organisations, tmp_path, sealed, change):
    release = local.publish(parts=parts(), **({} if sealed else {"recipients": []}))
    path = layer_file(release, tmp_path)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"x" if change == "longer" else path.read_bytes()[:-1])
    for options in ({}, {"mapped": True}):
        with pytest.raises(DigestMismatchError):
            release.read_parts(identity=organisations.globex, **options)


class Wrapped(AgeSealer):
    """A sealer of somebody else's."""

    def __init__(self):
        super().__init__()
        self.opened = 0

    def decrypt(self, source, sink, identities):
        self.opened += 1
        super().decrypt(source, sink, identities)


def test_another_sealer_sees_only_layers_that_were_checked(local, organisations, tmp_path):
    release = local.publish(parts=parts())
    sealer = Wrapped()
    assert release.read_parts(identity=organisations.acme, sealer=sealer) == parts()
    assert sealer.opened == len(parts())
    damage(layer_file(release, tmp_path, "card.md"), -1)
    sealer = Wrapped()
    with pytest.raises(DigestMismatchError):
        release.read_parts(identity=organisations.acme, sealer=sealer)
    assert sealer.opened == 0


def test_what_another_sealer_raises_is_a_sealing_error(sender, organisations):
    class Raising(AgeSealer):
        def decrypt(self, source, sink, identities):
            raise ValueError("no")

    with pytest.raises(SealingError, match="Raising failed: ValueError: no"):
        sender.publish().read_parts(identity=organisations.acme, sealer=Raising())


def test_another_sealer_may_write_as_it_likes(sender, organisations):
    class Whole(AgeSealer):
        def decrypt(self, source, sink, identities):
            text = io.BytesIO()
            super().decrypt(source, text, identities)
            data = bytearray(text.getvalue())
            assert sink.write(data) == len(data)
            data[:] = bytes(len(data))

    release = sender.publish(parts=parts())
    assert release.read_parts(identity=organisations.acme, sealer=Whole()) == parts()


def test_a_layer_that_changes_while_it_is_read_is_refused(sender, organisations, monkeypatch):
    release = sender.publish()
    source, opened = sender.store._catalog.blobs, []
    other = sender.publish("1.0.1", recipients=[organisations.acme])._sealing.layers
    by_part = {layer.digest: other[at].digest for at, layer in enumerate(release._sealing.layers)}
    original = source.open

    def swapped(digest):
        # The same part for the same reader, and yet not what was signed; the right one at the second look.
        opened.append(digest)
        return original(by_part.get(digest, digest) if opened.count(digest) == 1 else digest)

    monkeypatch.setattr(source, "open", swapped)
    with pytest.raises(DigestMismatchError, match="while it was read"):
        release.read_parts(identity=organisations.acme)


def test_weights_are_read_only_views_and_the_rest_is_bytes(sender, organisations):
    got = sender.publish(parts=parts()).read_parts(identity=organisations.acme)
    assert got == parts()
    assert {path: type(data) for path, data in got.items()} == {
        "card.md": bytes, "empty.txt": bytes, WEIGHTS: memoryview
    }  # fmt: skip
    assert got[WEIGHTS].readonly


def test_weights_of_an_unsealed_release_can_be_mapped(local, tmp_path):
    release = local.publish(parts=parts() | {"tensors/001.safetensors": b"small"}, recipients=[])
    told = []
    got = release.read_parts(mapped=True, progress=lambda *step: told.append(step))
    assert got == parts() | {"tensors/001.safetensors": b"small"}
    total = sum(len(data) for data in got.values())
    assert told[-1] == ("read", total, total)
    path = layer_file(release, tmp_path)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"altered")
    assert bytes(got[WEIGHTS][:7]) == b"altered"  # it is the file itself, as documented


def test_without_a_file_or_sealed_weights_are_read_although_maps_were_asked_for(sender, organisations):
    assert sender.publish("1.0.0", parts=parts(), recipients=[]).read_parts(mapped=True) == parts()
    sealed = sender.publish("1.0.1", parts=parts())
    assert sealed.read_parts(mapped=True, identity=organisations.acme) == parts()


def test_verified_and_read_in_one_reading(sender, organisations, trust, monkeypatch):
    release = sender.publish(parts=parts())
    opened = []
    original = sender.store._catalog.blobs.open
    monkeypatch.setattr(
        sender.store._catalog.blobs, "open", lambda digest: (opened.append(digest), original(digest))[1]
    )
    both = [organisations.initech, organisations.globex]
    assert release.read_parts(identity=both, trust=trust) == parts()
    assert sorted(opened) == sorted(layer.digest for layer in release._papers.layers)


def test_nothing_is_read_of_what_is_refused(sender, organisations, tmp_path, monkeypatch):
    release = sender.publish(expires="2026-06-02T12:00:00Z")
    monkeypatch.setattr(sender.store._catalog.blobs, "open", None)
    with pytest.raises(RefusedError, match="expires"):
        release.read_parts(identity=organisations.globex, trust=organisations.policy())
    with pytest.raises(RefusedError, match="expires"):
        release.unpack(tmp_path / "out", identity=organisations.globex, trust=organisations.policy())
    assert left(tmp_path) == []


def test_who_is_no_recipient_gets_nothing(sender, organisations, tmp_path):
    release = sender.publish()
    with pytest.raises(NoMatchError):
        release.unpack(tmp_path / "out", identity=organisations.initech)
    with pytest.raises(RefusedError, match="recipient"):
        release.read_parts(identity=organisations.initech, trust=organisations.policy())
    for identity in (None, []):
        with pytest.raises(NoMatchError):
            release.read_parts(identity=identity, trust=organisations.policy())
    with pytest.raises(RefusedError, match="recipient"):
        release.read_parts(identity=[organisations.initech], trust=organisations.policy())
    with pytest.raises(InvalidOptionError, match="trust is"):
        release.read_parts(identity=organisations.acme, trust="acme")
    assert left(tmp_path) == []


def test_errors_of_the_medium_are_no_verdict(sender, organisations, trust, monkeypatch):
    release = sender.publish()

    def pulled_out(digest):
        with storage_errors("reading a blob"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(sender.store._catalog.blobs, "open", pulled_out)
    with pytest.raises(StorageError, match="reading a blob"):
        release.read_parts(identity=organisations.globex, trust=trust)
