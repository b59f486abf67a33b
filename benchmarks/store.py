"""Finding releases among 100 000, and publishing one more, against a store of 100 and against no index.

Run: ``python benchmarks/store.py [--versions 100000] [--rounds 300] [--folder /dev/shm]``; ten minutes and
6 GB there. Two shapes are measured: all versions of one name, and 1000 names with as many each. The stores
are written through the catalog; their documents are real but for the signatures, which neither catalog nor
index looks at. Publishing is measured with `Store.publish`, signatures and all, in turns with a store of 100
versions, so that a busy machine slows both. "Listing" is what finding costs without an index: read the names
of all versions and pick.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_sdk.artifact import Store
from maas_sdk.artifact._documents.names import Reference
from maas_sdk.artifact._documents.notices import AliasNotice, Note
from maas_sdk.artifact._documents.oci import build_config, build_manifest
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._documents.parts import PartInfo
from maas_sdk.artifact._documents.statements import Dataset, Layer, ReleaseStatement
from maas_sdk.artifact._inventory.catalog import Catalog, VersionRecord
from maas_sdk.identity import Identity
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing import IN_TOTO_PAYLOAD_TYPE, Envelope, Signature
from maas_sdk.storage import LocalBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PART = b'{"nodes":[]}'
KEY = "sha256:" + "0" * 64
SMALL = 100
PROCESSES = 2
TARGET_MS = 5.0
PUBLISH_ROUNDS = 60


def version_of(number: int) -> str:
    return f"{1 + number // 10_000}.{number // 100 % 100}.{number % 100}"


def created_of(number: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_700_000_000 + 60 * number))


def envelope(payload: bytes) -> bytes:
    return Envelope(payload, IN_TOTO_PAYLOAD_TYPE, [Signature("", bytes(64))]).to_json()


class Shape:
    """How many names there are, and which version is of which."""

    def __init__(self, folder: Path, versions: int, names: int) -> None:
        self.folder, self.versions, self.names = folder, versions, names

    def __str__(self) -> str:
        return f"{self.versions} versions of {self.names} name{'s' * (self.names > 1)}"

    def name(self, number: int) -> str:
        """Give the name that a version is of."""
        return f"publisher{number % self.names % 10}/model{number % self.names}"

    def each(self) -> int:
        """Give the number of versions of each name."""
        return self.versions // self.names


def write_share(shape: Shape, share: int, shares: int) -> None:
    """Write every so manieth name; of a single name every so manieth version."""
    catalog = Catalog(LocalBackend(shape.folder), DEFAULT_LIMITS)
    part = catalog.blobs.put(PART)
    layer = Layer("model.json", part.digest, part.size)
    info = PartInfo(
        "model.json",
        "application/vnd.cncf.model.weight.config.v1.raw",
        part.size,
        part.digest.removeprefix("sha256:"),
    )
    for number in range(shape.versions):
        own = number % shape.names if shape.names > 1 else number
        if own % shares == share:
            write_version(catalog, shape, number, layer, info)


def write_version(catalog: Catalog, shape: Shape, number: int, layer: Layer, info: PartInfo) -> None:
    rank = number // shape.names
    name, version, sequence = shape.name(number), version_of(rank), rank + 1
    chance = random.Random(number)
    statement = ReleaseStatement(
        name=name,
        version=version,
        sequence=sequence,
        created=created_of(number),
        keys=(KEY,),
        parts=(info,),
        datasets=(Dataset(f"data-{number % 50}", "sha256:" + f"{number % 50:064x}"),),
        metrics={"accuracy": chance.random(), "loss": chance.random()},
    )
    config = build_config(statement, [layer])
    papers = make_papers(
        statement,
        config=config,
        manifest=build_manifest(statement, [layer], config=config, suffix=""),
        release=envelope(statement.to_payload()),
        sealing=None,
        limits=DEFAULT_LIMITS,
    )
    catalog.reserve(name, sequence, version=version, identity=statement.identity)
    catalog.add_documents(papers)
    catalog.add_version(name, version, VersionRecord.of(statement.identity, sequence, papers))
    about: dict[str, Any] = {
        "name": name,
        "version": version,
        "identity": statement.identity,
        "created": statement.created,
    }
    if number % 100 == 0:
        note = Note(generation=1, text="", tags=("checked", f"week-{number // 1000}"), **about)
        catalog.append(f"{name}/notes/{version}", 1, envelope(note.to_payload()))
    if rank == shape.each() - 1 or rank % 50 == 0:
        for generation, alias in ((rank + 1, "latest"), (1, f"r{rank}")):
            notice = AliasNotice(alias=alias, generation=generation, **about)
            catalog.append(f"{name}/aliases/{alias}", generation, envelope(notice.to_payload()))


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def quantiles(times: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]


def questions(catalog: Catalog, shape: Shape) -> dict[str, Callable[[], object]]:
    chance = random.Random(1)

    def name() -> str:
        return shape.name(chance.randrange(shape.versions))

    def resolve(selector: str) -> object:
        return catalog.resolve(Reference.parse(f"{name()}@{selector}"))

    def metric(quantile: float) -> tuple[str, str, float]:
        return ("accuracy", ">=", quantile)

    return {
        "name@alias": lambda: resolve("latest"),
        "name@^1.2": lambda: resolve("^1.0" if shape.each() < 200 else "^1.2"),
        "name": lambda: catalog.resolve(Reference.parse(name())),
        "list: newest of a publisher": lambda: catalog.search(
            name=f"publisher{chance.randrange(min(10, shape.names))}/*", limit=50
        ),
        "list: of a name, by date": lambda: catalog.search(
            name=name(), created_before=created_of(chance.randrange(shape.versions)), limit=50
        ),
        "list: by tag": lambda: catalog.search(
            tag=f"week-{chance.randrange(shape.versions // 1000)}", limit=50
        ),
        "list: a common metric": lambda: catalog.search(metric=metric(0.9), limit=50),
        "list: a rare metric": lambda: catalog.search(metric=metric(0.999), limit=50),
        "list: data set, metric, date": lambda: catalog.search(
            dataset=f"data-{chance.randrange(50)}",
            metric=metric(0.5),
            created_after=created_of(chance.randrange(shape.versions // 2)),
            limit=50,
        ),
    }


def listing(catalog: Catalog, name: str) -> str | None:
    keys = catalog._references.list(f"{name}/versions/")  # noqa: SLF001 - what would be without an index
    return Reference.parse(f"{name}@^1.2").select(key.rpartition("/")[2] for key in keys)


def publish_ratio(large: Store, shape: Shape, small: Store, signer: Any) -> tuple[float, float, float]:
    """Publish in turns; give the medians and the ratio."""
    times: dict[str, list[float]] = {"small": [], "large": []}
    for round_ in range(PUBLISH_ROUNDS):
        for which, store in (("small", small), ("large", large)):
            publish = store.publish
            times[which].append(
                timed(
                    lambda publish=publish, round_=round_: publish(  # type: ignore[misc]
                        {"model.json": PART}, name=shape.name(0), version=f"99.0.{round_}", signers=[signer]
                    )
                )
            )
    small_ms, large_ms = statistics.median(times["small"]), statistics.median(times["large"])
    return small_ms, large_ms, large_ms / small_ms


def build(shape: Shape) -> None:
    LocalBackend(shape.folder)
    shares = [(shape, share, PROCESSES) for share in range(PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        pool.starmap(write_share, shares)


def measure(folder: Path, versions: int, names: int, rounds: int) -> bool:
    shape, few = Shape(folder / "large", versions, names), Shape(folder / "small", SMALL, 1)
    write_share(few, 0, 1)
    print(f"\n{shape}: written in {timed(lambda: build(shape)) / 1000:.0f} s", end="")
    store, small = Store(LocalBackend(shape.folder)), Store(LocalBackend(few.folder))
    print(f", index made in {timed(store.names) / 1000:.0f} s", end="")
    again = Store(LocalBackend(shape.folder))
    print(f", opened again in {timed(lambda: again.open(f'{shape.name(0)}@latest')):.1f} ms")
    catalog = again._catalog  # noqa: SLF001 - asked without reading the release
    peer = statistics.median(timed(lambda: listing(catalog, shape.name(0))) for _ in range(3))
    print(f"{'':32}   median      95 %   listing / median")
    good = True
    for label, ask in questions(catalog, shape).items():
        ask()
        median, late = quantiles([timed(ask) for _ in range(rounds)])
        good = good and late < TARGET_MS
        ratio = f"{peer / median:8.0f}" if label == "name@^1.2" else ""
        print(f"{label:32} {median:6.2f} ms {late:6.2f} ms {ratio}")
    few_ms, many_ms, ratio_ = publish_ratio(store, shape, small, Identity.generate("publisher0").signer)
    print(f"publish one more: {many_ms:.1f} ms, beside {few_ms:.1f} ms at {SMALL} versions: {ratio_:.2f}")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--versions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))  # noqa: S108 - memory
    options = parser.parse_args()
    good = True
    for names in (1, 1000):
        folder = Path(tempfile.mkdtemp(prefix="maas-store-", dir=options.folder))
        try:
            good = measure(folder, options.versions, min(names, options.versions), options.rounds) and good
        finally:
            shutil.rmtree(folder)
    print(f"\nall questions under {TARGET_MS:.0f} ms at the 95th percentile: {'yes' if good else 'no'}")


if __name__ == "__main__":
    main()
