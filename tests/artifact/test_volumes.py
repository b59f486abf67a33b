"""Volumes: a release in files of a bounded size, each verified and imported alone, in any order."""

import contextlib
import errno
import io
import json
import random
from itertools import permutations
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import sha256
from maas_sdk.artifact import Store, verify
from maas_sdk.artifact._bundles import volumes as _volumes
from maas_sdk.artifact._bundles.bundle import write_archive
from maas_sdk.artifact._bundles.pieces import MAX_VOLUMES, Piece, Shipment, VolumePlan, whole
from maas_sdk.artifact._bundles.volumes import sibling_name, volume_name, write_volumes
from maas_sdk.artifact._documents.oci import OciDescriptor
from maas_sdk.artifact._documents.progress import no_progress
from maas_sdk.errors import (
    BundleError,
    DigestMismatchError,
    IncompleteError,
    InvalidOptionError,
    RefusedError,
    StorageFullError,
)
from maas_sdk.identity import Identity
from maas_sdk.storage import LocalBackend, MemoryBackend
from maas_sdk.trust import Policy, Trust, TrustedKey

NAME = "acme/digits"
SIZE = 46_000
NOISE = random.Random(5).randbytes(100_000)
PARTS = {
    "card.md": b"# digits\n",
    "model.json": b'{"nodes":[]}',
    "tensors/000.safetensors": NOISE,
    "tensors/001.safetensors": NOISE[:9_000][::-1],
}


@pytest.fixture
def lax(tmp_path, organisations):
    return Trust.create(tmp_path / "lax", policy=organisations.policy(require_sealed=False))


@pytest.fixture
def release(sender):
    return sender.publish(parts=PARTS, recipients=[])


def split(release, path, size=SIZE, **options):
    return write_volumes(
        path, release._papers, release._source, max_bytes=size, progress=no_progress, **options
    )


@pytest.fixture
def volumes(release, tmp_path):
    return split(release, tmp_path / "digits.maas")


def plan_of(items):
    return json.loads(json.loads(items[1][1])["annotations"]["vnd.maas-sdk.volume"])


def take(store, path, trust, **options):
    """Import, and give the release or the error that says what is missing."""
    try:
        return store.import_bundle(path, trust=trust, first_use=[NAME], **options)
    except IncompleteError as exc:
        return exc


def test_every_volume_is_a_bundle_of_its_own_and_no_larger_than_asked(volumes, lax, tar):
    assert [path.name for path in volumes] == [f"digits.{n}of{len(volumes)}.maas" for n in (1, 2, 3, 4)]
    documents = [tar.entries(path)[2:9] for path in volumes]
    assert all(each[0] == documents[0][0] for each in documents)
    for number, path in enumerate(volumes, 1):
        assert path.stat().st_size <= SIZE
        verdict = verify(path, trust=lax, first_use=[NAME])
        assert verdict.passed
        reason = {check.name: check.reason for check in verdict.checks}["contents"]
        assert f"this is volume {number} of 4" in reason
        plan = plan_of(tar.entries(path))
        assert plan["number"] == number
        here = [piece["digest"] for piece in plan["volumes"][number - 1]]
        assert ["sha256:" + name[-64:] for name, _ in tar.entries(path)[-len(here) :]] == here


def test_the_same_release_gives_the_same_volumes(release, volumes, tmp_path):
    folder = tmp_path / "again"
    folder.mkdir()
    again = split(release, folder / "digits.maas")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in volumes]
    assert sorted(folder.iterdir()) == sorted(again)


def test_volumes_come_in_any_order_and_the_last_one_completes(volumes, lax, release, tmp_path):
    for order in list(permutations(range(4)))[::5]:
        store = Store(MemoryBackend())
        missing = {n + 1 for n in order}
        for place in order[:-1]:
            error = take(store, volumes[place], lax)
            missing.discard(place + 1)
            assert isinstance(error, IncompleteError)
            assert error.volumes == tuple(volumes[n - 1].name for n in sorted(missing))
            assert store.names() == []
            assert all(name in str(error) for name in error.volumes)
        done = take(store, volumes[order[-1]], lax)
        assert done.read_parts() == PARTS
        layers = {layer.digest for layer in release._papers.layers}
        kept = {"sha256:" + key[-64:] for key in store._backend.list("blobs/")}
        assert kept == layers | {sha256(document) for document in release._papers.documents()}


def test_the_full_bundle_completes_what_volumes_began_and_is_not_read_for_it(volumes, lax, release, tmp_path):
    store = Store(LocalBackend(tmp_path / "store"))
    for path in volumes[2:]:
        take(store, path, lax)
    told = []
    path = release.export(tmp_path / "full.maas")
    store.import_bundle(path, trust=lax, first_use=[NAME], progress=lambda *step: told.append(step))
    assert store.open(NAME).read_parts() == PARTS
    assert told[-1] == ("import", told[-1][2], told[-1][2])


def test_a_volume_again_is_fine_and_the_last_one_twice_too(volumes, lax):
    store = Store(MemoryBackend())
    first = take(store, volumes[0], lax)
    assert take(store, volumes[0], lax).missing == first.missing
    for path in volumes[1:]:
        done = take(store, path, lax)
    before = list(store._backend.list("blobs/"))
    assert take(store, volumes[-1], lax).identity == done.identity
    assert take(store, volumes[0], lax).identity == done.identity
    assert list(store._backend.list("blobs/")) == before


def test_renamed_volumes_are_named_by_their_numbers(volumes, lax, tmp_path):
    path = volumes[0].rename(tmp_path / "first.maas")
    error = take(Store(MemoryBackend()), path, lax)
    assert error.volumes == ("volume 2 of 4", "volume 3 of 4", "volume 4 of 4")


@pytest.mark.parametrize(
    ("name", "number", "count", "expected"),
    [
        ("digits-1.0.0.1of3.maas", 2, 3, "digits-1.0.0.2of3.maas"),
        ("digits.1of3", 3, 3, "digits.3of3"),
        ("digits.1of4.maas", 2, 3, "volume 2 of 3"),
        ("digits.maas", 2, 3, "volume 2 of 3"),
        (".1of3.maas", 2, 3, "volume 2 of 3"),
    ],
)
def test_names_of_volumes(name, number, count, expected):
    assert sibling_name(name, number, count) == expected


def test_a_name_of_a_volume_keeps_what_is_no_suffix():
    assert volume_name("digits-1.0.0.maas", 1, 3) == "digits-1.0.0.1of3.maas"
    assert volume_name("digits-1.0.0", 1, 3) == "digits-1.0.0.1of3"


def test_what_fits_into_one_volume_is_an_ordinary_bundle(release, tmp_path):
    (path,) = split(release, tmp_path / "digits.maas", 10**6)
    assert path == tmp_path / "digits.maas"
    assert path.read_bytes() == release.export(tmp_path / "full.maas").read_bytes()


def test_a_volume_that_is_too_small_is_refused_with_the_smallest_that_is_not(release, tmp_path):
    with pytest.raises(InvalidOptionError, match="at least") as caught:
        split(release, tmp_path / "digits.maas", 1000)
    least = int(str(caught.value).partition("needs ")[2].split()[0])
    assert list(tmp_path.glob("digits*")) == []
    with pytest.raises(InvalidOptionError):
        split(release, tmp_path / "digits.maas", least - 1)
    paths = split(release, tmp_path / "digits.maas", least)
    assert max(path.stat().st_size for path in paths) <= least
    assert len(paths) <= MAX_VOLUMES


def test_a_size_that_is_no_number_of_bytes_is_refused(release, tmp_path):
    for size in ("4 MiB", 4.0, True, None):
        with pytest.raises(InvalidOptionError, match="number of bytes"):
            split(release, tmp_path / "digits.maas", size)


def test_a_layer_that_fits_into_a_volume_is_not_cut(sender, tmp_path, tar, lax):
    parts = {f"{n}.bin": bytes([n]) * 20_000 for n in range(5)}
    paths = split(sender.publish(parts=parts, recipients=[]), tmp_path / "d.maas")
    pieces = [piece for volume in plan_of(tar.entries(paths[0]))["volumes"] for piece in volume]
    assert all(verify(path, trust=lax, first_use=[NAME]).passed for path in paths)
    assert [piece["digest"] for piece in pieces] == [sha256(part) for part in parts.values()]


@pytest.mark.parametrize("size", [23_000, 25_000, 30_001, 48_000, 60_000])
def test_volumes_of_many_sizes(release, lax, tmp_path, size):
    paths = split(release, tmp_path / "d.maas", size)
    store = Store(MemoryBackend())
    results = [take(store, path, lax) for path in paths]
    assert results[-1].read_parts() == PARTS
    assert max(path.stat().st_size for path in paths) <= size


def test_pieces_that_are_equal_travel_once_in_a_volume(sender, lax, tmp_path, tar):
    parts = {"a.bin": bytes(60_000), "b.bin": bytes(60_000 + 512), "c.bin": b"", "d.md": b"{}"}
    paths = split(sender.publish(parts=parts, recipients=[]), tmp_path / "d.maas")
    store = Store(MemoryBackend())
    results = [take(store, path, lax) for path in reversed(paths)]
    assert results[-1].read_parts() == parts
    assert all(len({n for n, _ in tar.entries(p)}) == len(tar.entries(p)) for p in paths)


def test_volumes_of_a_delta(sender, lax, tmp_path):
    one = sender.publish("1.0.0", parts=PARTS, recipients=[])
    more = PARTS | {"tensors/002.safetensors": NOISE[::-1]}
    two = sender.publish("1.1.0", parts=more, recipients=[])
    absent = frozenset(layer.digest for layer in one._papers.layers)
    paths = split(two, tmp_path / "d.maas", absent=absent, presumes=[one.manifest_digest])
    store = Store(MemoryBackend())
    error = [take(store, path, lax) for path in paths][-1]
    assert set(error.missing) == absent
    assert error.volumes == ()
    assert "presumes" in str(error)
    store = Store(MemoryBackend())
    take(store, sender.export(one), lax)
    error = take(store, paths[0], lax)
    assert error.volumes == tuple(path.name for path in paths[1:])
    assert [take(store, path, lax) for path in paths[1:]][-1].read_parts() == more
    reason = {c.name: c.reason for c in verify(paths[0], trust=lax).checks}["contents"]
    assert "4 layers are left out" in reason


def test_sealed_volumes(sender, trust, tmp_path, organisations):
    paths = split(sender.publish(parts=PARTS), tmp_path / "d.maas")
    store = Store(LocalBackend(tmp_path / "store"))
    results = [take(store, path, trust) for path in paths[::-1]]
    assert results[-1].read_parts(identity=organisations.globex) == PARTS


def test_volumes_of_a_post_quantum_release_are_judged_layer_by_layer(sender, tmp_path):
    mine = Identity.generate("acme", post_quantum=True)
    public = mine.public.public_key
    key = TrustedKey("acme", public.fingerprint, public.pem)
    policy = Policy().with_key("acme/*", key, require_post_quantum=True)
    trust = Trust.create(tmp_path / "strict", policy=policy)
    release = sender.publish(parts=PARTS, signers=[mine.signer], recipients=[mine])
    paths = split(release, tmp_path / "d.maas", 60_000)
    assert all(verify(path, trust=trust, first_use=[NAME]).passed for path in paths)
    store = Store(MemoryBackend())
    assert [take(store, path, trust) for path in paths][-1].read_parts(identity=mine) == PARTS


def test_progress_of_volumes(release, tmp_path):
    told = []
    write_volumes(
        tmp_path / "d.maas",
        release._papers,
        release._source,
        max_bytes=SIZE,
        progress=lambda *step: told.append(step),
    )
    assert told[-1][0] == "export"
    assert told[-1][1] == told[-1][2]


def test_a_full_medium_leaves_no_volume(release, tmp_path, monkeypatch):
    folder = tmp_path / "stick"
    folder.mkdir()

    def full(file, *_):
        file.write(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_volumes, "write_archive", full)
    with pytest.raises(StorageFullError):
        split(release, folder / "d.maas")
    assert list(folder.iterdir()) == []


def test_an_interruption_while_volumes_take_their_names_leaves_none(release, tmp_path, monkeypatch):
    folder = tmp_path / "stick"
    folder.mkdir()
    replace = Path.replace

    def interrupted(self, target):
        if ".3of" in target.name:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        split(release, folder / "d.maas")
    assert list(folder.iterdir()) == []


def test_a_damaged_store_is_noticed_when_a_layer_is_cut(release, tmp_path):
    key = "blobs/" + sha256(NOISE).replace(":", "/")
    release._source._backend.delete(key)
    with pytest.raises(DigestMismatchError, match="missing"):
        split(release, tmp_path / "d.maas")
    with release._source._backend.create(key) as file:
        file.write(NOISE[::-1])
    with pytest.raises(DigestMismatchError, match="damaged or altered"):
        split(release, tmp_path / "d.maas")
    assert list(tmp_path.glob("d*")) == []


# What an attacker makes of the plan, which nobody signed.


def replan(items, change):
    """Change the plan in a volume, and nothing else."""
    index = json.loads(items[1][1])
    plan = json.loads(index["annotations"]["vnd.maas-sdk.volume"])
    change(plan)
    index["annotations"]["vnd.maas-sdk.volume"] = strict_json.dumps(plan).decode()
    return [items[0], ("index.json", strict_json.dumps(index)), *items[2:]]


def _set(place, **values):
    def change(plan):
        volume, piece = place
        plan["volumes"][volume][piece].update(values)

    return change


def _with(change):
    return lambda plan: change(plan["volumes"])


LIES = {
    "number 0": (lambda plan: plan.update(number=0), "number 0 of 4"),
    "number 5 of 4": (lambda plan: plan.update(number=5), "number 5 of 4"),
    "another number": (lambda plan: plan.update(number=2), "should have"),
    "one volume": (_with(lambda v: v.__delitem__(slice(1, None))), "1 volumes"),
    "no volume": (_with(lambda v: v.clear()), "0 volumes"),
    "too many": (_with(lambda v: v.extend([v[0]] * MAX_VOLUMES)), "a set has 2 to 999"),
    "an empty volume": (_with(lambda v: v.append([])), "without any piece"),
    "a gap": (_set((2, 0), offset=99_000), "comes next"),
    "an overlap": (_set((2, 0), offset=1), "comes next"),
    "larger than the layer": (_set((3, 0), size=10**6), "comes next"),
    "negative": (_set((3, 0), size=-1), "size is -1"),
    "an end too soon": (_with(lambda v: v[3].pop(0)), "leaves the layer"),
    "an end too soon, at the end": (_with(lambda v: v.pop()), "at byte 94720 of 100000"),
    "a piece of another layer": (_set((2, 0), layer=sha256(b"other")), "no layer of this release"),
    "a piece of a neighbour": (_set((2, 0), layer=sha256(PARTS["card.md"])), "leaves the layer"),
    "a piece for the whole": (_set((2, 0), digest=sha256(NOISE)), "for the whole of it"),
    "a layer twice": (_with(lambda v: v[3].append(dict(v[0][0]))), "twice, or too late"),
    "no layer": (_set((2, 0), layer="sha256:x"), "not sha256"),
    "layers in another order": (_with(lambda v: v[0].reverse()), ""),
    "a layer in no volume": (_with(lambda v: v[3].pop()), "in none of the volumes"),
    "another digest for a piece here": (_set((0, -1), digest="sha256:" + "0" * 64), "no entry"),
    "two sizes": (
        _with(lambda v: v[0][-1].update(digest=v[0][0]["digest"])), "two sizes",
    ),
    "two pieces of one layer in one volume": (
        _with(lambda v: (v[1].extend(v[2]), v.__delitem__(2))), "leaves the layer",
    ),
    "a field too many": (_set((0, 0), more="words"), "unknown key"),
    "a number as text": (lambda plan: plan.update(number="1"), "expected int"),
}  # fmt: skip


@pytest.mark.parametrize("what", LIES)
def test_a_plan_that_lies_is_refused(volumes, lax, tar, tmp_path, failures, what):
    change, reason = LIES[what]
    path = tar.pack(tmp_path / "forged.maas", replan(tar.entries(volumes[0]), change))
    verdict = verify(path, trust=lax, first_use=[NAME])
    assert failures(verdict) == ["manifest"], verdict
    assert reason in verdict.failures[0].reason
    store = Store(MemoryBackend())
    assert isinstance(_refusal(store, path, lax), RefusedError)
    assert list(store._backend.list("")) == []


def _refusal(store, path, trust):
    with pytest.raises(RefusedError) as caught:
        store.import_bundle(path, trust=trust, first_use=[NAME])
    return caught.value


def _forge_pieces(release, tmp_path, data):
    """Make volumes whose pieces are in order by themselves, and not those of the layer that was signed."""

    class Forged:
        def open(self, digest):
            return io.BytesIO(data) if digest == sha256(NOISE) else release._source.open(digest)

    def forged(layout, layers, source):
        volumes = [list(volume) for volume in layout]
        for volume in volumes:
            for place, piece in enumerate(volume):
                if not piece.whole:
                    part = data[piece.offset : piece.offset + piece.size]
                    volume[place] = evolve(piece, digest=sha256(part))
        return tuple(map(tuple, volumes))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_volumes, "_with_digests", forged)
        return write_volumes(
            tmp_path / "forged.maas", release._papers, Forged(), max_bytes=SIZE, progress=no_progress
        )


def test_pieces_that_do_not_make_up_the_layer_are_refused_when_they_are_joined(
    release, volumes, lax, tmp_path, failures
):
    forged = _forge_pieces(release, tmp_path, NOISE[::-1])
    store = Store(MemoryBackend())
    for path in forged[:-1]:
        assert isinstance(take(store, path, lax), IncompleteError)
    before = list(store._backend.list(""))
    error = _refusal(store, forged[-1], lax)
    assert failures(error.verdict) == ["contents"]
    assert "do not make it up" in str(error)
    assert list(store._backend.list("")) == before
    assert lax.ratchet.remembered(NAME) is None
    # Whatever was smuggled in is in nobody's way.
    assert [take(store, path, lax) for path in volumes][-1].read_parts() == PARTS


def test_a_piece_that_was_altered_is_refused_and_removed(volumes, lax, tar, tmp_path, failures):
    items = tar.entries(volumes[1])
    items[-1] = (items[-1][0], items[-1][1][::-1])
    path = tar.pack(tmp_path / "forged.maas", items)
    assert failures(verify(path, trust=lax, first_use=[NAME])) == ["contents"]
    store = Store(MemoryBackend())
    take(store, volumes[0], lax)
    before = list(store._backend.list(""))
    assert failures(_refusal(store, path, lax).verdict) == ["contents"]
    assert list(store._backend.list("")) == before


def test_a_piece_that_was_damaged_in_the_store_is_asked_for_again(volumes, lax, tar):
    store = Store(MemoryBackend())
    for path in volumes[:3]:
        take(store, path, lax)
    name, data = tar.entries(volumes[1])[-1]
    store._backend.delete(name)
    with store._backend.create(name) as file:
        file.write(data[::-1])
    error = take(store, volumes[3], lax)
    assert error.volumes == (volumes[1].name,)
    assert take(store, volumes[1], lax).read_parts() == PARTS


def test_pieces_that_another_import_joined_and_removed_meanwhile_are_not_missed(volumes, lax, release):
    store = Store(MemoryBackend())
    for path in volumes[:3]:
        take(store, path, lax)

    def meanwhile(stage, done, _total):
        if stage == "join" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(store, volumes[3], lax, progress=meanwhile)
    blobs = store._catalog.blobs
    opened = blobs.open

    def removed(digest):
        if digest == plan.volumes[1][0].digest:
            blobs.open = opened
            blobs.put(NOISE)
            blobs.remove(digest)
        return opened(digest)

    plan = _plan(release)
    blobs.open = removed
    assert take(store, volumes[3], lax).read_parts() == PARTS


def _plan(release):
    layers = [whole(layer) for layer in release._papers.blobs()]
    layout = _volumes._lay_out(release._papers, Shipment(), layers, SIZE)
    return VolumePlan(1, _volumes._with_digests(layout, layers, release._source))


def test_volumes_of_two_releases_do_not_mix(sender, lax, tmp_path):
    one = sender.publish("1.0.0", parts=PARTS, recipients=[])
    two = sender.publish("1.1.0", parts=PARTS | {"tensors/000.safetensors": NOISE[::-1]}, recipients=[])
    old, new = (split(release, tmp_path / f"{release.version}.maas") for release in (one, two))
    store = Store(MemoryBackend())
    for path in [old[0], old[1], new[2], new[3]]:
        assert isinstance(take(store, path, lax), IncompleteError)
    assert store.names() == []
    assert take(store, new[0], lax).volumes == (new[1].name,)
    assert take(store, new[1], lax).version == "1.1.0"
    # The other one's volumes are an older release now.
    with pytest.raises(RefusedError, match="rollback"):
        store.import_bundle(old[2], trust=lax)
    assert store.versions(NAME) == ["1.1.0"]


def test_a_volume_of_another_export_is_of_no_harm(release, volumes, lax, tmp_path):
    other = split(release, tmp_path / "other.maas", SIZE + 7000)
    store = Store(MemoryBackend())
    for path in [volumes[0], other[1], volumes[2]]:
        assert isinstance(take(store, path, lax), IncompleteError)
    error = take(store, volumes[3], lax)
    assert error.volumes == (volumes[1].name,)
    assert take(store, volumes[1], lax).read_parts() == PARTS


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(0, 30_000), min_size=1, max_size=12),
    capacity=st.integers(1024, 20_000),
    data=st.data(),
)
def test_every_layout_is_a_plan_that_passes_and_a_changed_one_does_not(sizes, capacity, data):
    layers = [OciDescriptor("x", f"sha256:{n:064x}", size) for n, size in enumerate(sizes, 1)]
    layout = _volumes._fill([whole(layer) for layer in layers], capacity)
    assert layout is not None
    for volume in layout:
        assert sum(512 + p.size + -p.size % 512 for p in volume) <= capacity or len(volume) == 0
    if len(layout) < 2 or not all(layout):
        return
    plan = VolumePlan(1, tuple(map(tuple, layout)))
    plan.check(layers)
    number = data.draw(st.integers(0, len(layout) - 1))
    place = data.draw(st.integers(0, len(layout[number]) - 1))
    piece = layout[number][place]
    change = data.draw(st.sampled_from(["offset", "size"]))
    layout[number][place] = evolve(piece, **{change: getattr(piece, change) + 1})
    with pytest.raises(BundleError):
        VolumePlan(1, tuple(map(tuple, layout))).check(layers)


def test_a_layer_that_ends_nowhere_is_no_plan():
    layer = OciDescriptor("x", "sha256:" + "a" * 64, 10)
    first = Piece("sha256:" + "b" * 64, 5, layer.digest)
    second = Piece("sha256:" + "c" * 64, 4, layer.digest, 5)
    with pytest.raises(BundleError, match="at byte 9 of 10"):
        VolumePlan(1, ((first,), (second,))).check([layer])


def test_a_piece_that_is_a_layer_too_travels_once(sender, lax, tmp_path, tar):
    same, more = NOISE[:1000], NOISE[1000:3000]
    parts = {"a.bin": same, "b.bin": same + more}
    release = sender.publish(parts=parts, recipients=[])
    one, two = map(whole, release._papers.blobs())
    pieces = [Piece(sha256(same), 1000, two.digest), Piece(sha256(more), 2000, two.digest, 1000)]
    store = Store(MemoryBackend())
    for number in (1, 2):
        plan = VolumePlan(number, ((one, pieces[0]), (pieces[1],)))
        path = tmp_path / f"{number}.maas"
        told = []
        with path.open("wb") as file:
            shipment = Shipment(plan=plan)
            write_archive(file, release._papers, shipment, plan.pieces, release._source, told.append)
        assert [data for _, data in tar.entries(path)].count(same) == 2 - number
        assert sum(told) == 2000
        assert verify(path, trust=lax, first_use=[NAME]).passed
        result = take(store, path, lax)
    assert result.read_parts() == parts
    assert sha256(same) in set(store._catalog.blobs.digests())
    assert pieces[1].digest not in set(store._catalog.blobs.digests())


@pytest.fixture(scope="module")
def honest(tmp_path_factory, organisations):
    """A set of volumes, and a policy that they pass."""
    parts = {"a.bin": NOISE[:40_000], "card.md": b"x"}
    release = Store(MemoryBackend()).publish(
        parts, name=NAME, version="1.0.0", signers=[organisations.acme.signer],
        created="2026-06-01T12:00:00Z",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("honest")
    return (
        folder,
        parts,
        split(release, folder / "d.maas", 28_000),
        organisations.policy(require_sealed=False),
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_in_a_volume_never_gets_anything_else_in(honest, data, tmp_path_factory):
    folder, parts, paths, policy = honest
    whole_volume = paths[data.draw(st.integers(0, len(paths) - 1))].read_bytes()
    forged = bytearray(whole_volume)
    # The index, which holds the plan, is what nobody signed: half of the flips go there.
    end = data.draw(st.sampled_from([4096, len(forged)]))
    forged[data.draw(st.integers(0, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = folder / "flipped.maas"
    path.write_bytes(forged)
    trust = Trust.create(tmp_path_factory.mktemp("trust") / "t", policy=policy)
    store = Store(MemoryBackend())
    with contextlib.suppress(RefusedError, IncompleteError):
        store.import_bundle(path, trust=trust, first_use=[NAME])
    assert store.names() == []
    assert [take(store, each, trust) for each in paths][-1].read_parts() == parts
