"""How a store is kept: garbage is collected, damage repaired."""

from setting import NAME, NO_GRACE, PARTS, Scene, check_store, prepare_two, store_of

# Collect garbage, and repair.


def _prepare_gc(root, people):
    prepare_two(root, people)
    blobs = store_of(root)._catalog.blobs
    for number in range(6):
        blobs.put(b"orphan %d" % number)
    for number in range(2):
        (root / "store" / ".incoming" / f"{number:032x}").write_bytes(b"left behind")


def _gc(root, people):
    store_of(root).gc(delete=True, grace=NO_GRACE)
    return len(list((root / "store" / "blobs" / "sha256").iterdir()))


def _check_gc(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])


def _done_gc(root, people):
    report = store_of(root).gc(grace=NO_GRACE)
    assert (report.orphans, report.young) == ((), ())


def _prepare_repair(root, people):
    prepare_two(root, people)
    release = store_of(root).open(f"{NAME}@1.0.0")
    release.export(root / "in" / "good.maas")
    for number, path in enumerate(sorted(_only_of(root, release, people))):
        data = path.read_bytes()
        if number % 2:
            path.unlink()
        else:
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def _only_of(root, release, people):
    """Give the layers that no other version shares."""
    other = {layer.digest for layer in store_of(root).open(f"{NAME}@0.1.0")._papers.layers}
    for layer in release._papers.layers:
        if layer.digest not in other:
            yield root / "store" / "blobs" / layer.digest.replace(":", "/")


def _repair(root, people):
    return store_of(root).fsck(repair_from=[root / "in" / "good.maas"]).ok


def _check_repair(root, people):
    """What was whole stays whole; what is damaged is not made worse."""
    store = store_of(root)
    assert store.versions(NAME) == ["0.1.0", "1.0.0"]
    assert store.open(f"{NAME}@0.1.0").read_parts(identity=people.globex) == PARTS["0.1.0"]


def _done_repair(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert store_of(root).fsck().ok


UPKEEP = (
    Scene("gc", _prepare_gc, _gc, _check_gc, _done_gc, kept=_check_gc),
    Scene("repair", _prepare_repair, _repair, _check_repair, _done_repair),
)
