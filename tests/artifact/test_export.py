"""Exports of a release: whole, without what the receiver has, and in volumes."""

import pytest

from maas_sdk.artifact import Receipt
from maas_sdk.errors import IncompleteError, InvalidOptionError, NotFoundError

BIG = "tensors/000.safetensors"


def parts(version):
    return {"model.json": version.encode(), BIG: bytes(range(256)) * 400}


@pytest.fixture
def two(sender):
    return [sender.publish(version, parts=parts(version)) for version in ("1.0.0", "1.1.0")]


def names(tar, path):
    return {name for name, _ in tar.entries(path)}


def test_what_the_receiver_has_is_left_out(two, tar, tmp_path):
    first, second = two
    layer = "blobs/sha256/" + second._papers.layers[1].digest.removeprefix("sha256:")
    assert layer in names(tar, second.export(tmp_path / "whole.maas"))
    given = [first, first.manifest_digest, [first], {first.manifest_digest}, (first.manifest_digest, first)]
    bundles = [second.export(tmp_path / f"{at}.maas", have=have) for at, have in enumerate(given)]
    assert len({path.read_bytes() for path in bundles}) == 1
    assert layer not in names(tar, bundles[0])
    assert bundles[0].stat().st_size < (tmp_path / "whole.maas").stat().st_size / 4


def test_a_receipt_says_what_the_receiver_has(two, organisations, receiver, trust, tar, tmp_path):
    first, second = two
    globex = organisations.globex
    receiver.import_bundle(
        first.export(tmp_path / "1.maas"), trust=trust, first_use=["acme/digits"], recipient=globex,
        receipt=tmp_path / "1.receipt.json", signer=globex.signer,
    )  # fmt: skip
    receipt = Receipt.load(tmp_path / "1.receipt.json")
    delta = second.export(tmp_path / "2.maas", have=receipt)
    assert delta.stat().st_size < 40_000
    got = receiver.import_bundle(delta, trust=trust, recipient=globex)
    assert got.read_parts(identity=globex) == parts("1.1.0")


def test_what_is_no_manifest_or_unknown_is_an_error(two, tmp_path):
    _, second = two
    with pytest.raises(InvalidOptionError, match="manifest"):
        second.export(tmp_path / "x.maas", have="latest")
    with pytest.raises(NotFoundError, match="does not know"):
        second.export(tmp_path / "x.maas", have="sha256:" + "00" * 32)
    assert list(tmp_path.glob("*.maas")) == []


def test_volumes_are_imported_one_by_one(two, receiver, trust, organisations, tmp_path):
    first, second = two
    told = []
    volumes = second.export_volumes(
        tmp_path / "digits.maas", max_bytes=60_000, progress=lambda *step: told.append(step)
    )
    assert len(volumes) > 1
    assert all(path.stat().st_size <= 60_000 for path in volumes)
    assert told[-1][0] == "export"
    one = second.export_volumes(tmp_path / "thin.maas", max_bytes=60_000, have=first)
    assert len(one) < len(volumes)
    options = {"trust": trust, "first_use": ["acme/digits"], "recipient": organisations.globex}
    *others, last = reversed(volumes)
    for path in others:
        with pytest.raises(IncompleteError, match=r"1of"):
            receiver.import_bundle(path, **options)
    got = receiver.import_bundle(last, **options)
    assert got.read_parts(identity=organisations.globex) == parts("1.1.0")
