"""Attacks on volumes, and on bundles that leave out what their receiver is presumed to have."""

import json
import shutil

import hostile
from setting import NAME
from watched import tree

from maas_sdk._internal import strict_json
from maas_sdk.artifact import Store, verify
from maas_sdk.errors import IncompleteError
from maas_sdk.storage import MemoryBackend

PLAN = "vnd.maas-sdk.volume"
PRESUMES = "vnd.maas-sdk.presumes"


def _volumes(world, version="1.0.0", *, store=None, **options):
    release = world.publish(version, store=store, **options)
    return release.export_volumes(world.folder / f"{version}.maas", max_bytes=45_000)


def _annotated(path, change):
    """Change the annotations of a bundle's index; the rest stays."""
    items = hostile.entries(path)
    index = json.loads(items[1][1])
    change(index.setdefault("annotations", {}))
    items[1] = ("index.json", strict_json.dumps(index))
    return hostile.pack(path, items)


def _planned(change):
    """Change the plan in the first volume."""

    def attack(world):
        path = _volumes(world)[0]

        def changed(annotations):
            plan = json.loads(annotations[PLAN])
            change(plan)
            annotations[PLAN] = strict_json.dumps(plan).decode()

        return world.refused(_annotated(path, changed))

    return attack


def _split(plan):
    """Give the pieces of the layer that is cut, as (volume, place, piece)."""
    return [
        (volume, place, piece)
        for volume, pieces in enumerate(plan["volumes"])
        for place, piece in enumerate(pieces)
        if piece["digest"] != piece["layer"]
    ]


def _overlap(plan):
    _split(plan)[1][2]["offset"] -= 512


def _gap(plan):
    _split(plan)[1][2]["offset"] += 512


def _out_of_order(plan):
    (one, first, piece), (two, second, other) = _split(plan)[1:3]
    plan["volumes"][one][first], plan["volumes"][two][second] = other, piece


def _foreign(plan):
    _split(plan)[1][2]["layer"] = "sha256:" + "0" * 64


def _too_long(plan):
    _split(plan)[-1][2]["size"] += 1


def _negative(plan):
    _split(plan)[1][2]["size"] = -1


def _endless(plan):
    piece = plan["volumes"][-1][-1]
    plan["volumes"] += [[piece]] * 1000


def _empty(plan):
    plan["volumes"].append([])


def _another_number(plan):
    plan["number"] = 2


def _no_such_number(plan):
    plan["number"] = 99


def _altered_piece(world):
    path = _volumes(world)[1]
    items = hostile.entries(path)
    name, data = items[-1]
    return world.refused(hostile.pack(path, [*items[:-1], (name, data[::-1])]))


def _named_after_its_bytes(world):
    """A piece is exchanged for another, and the plan goes along."""
    paths = _volumes(world)
    missing = 0
    for path in paths:
        items = hostile.entries(path)
        index = json.loads(items[1][1])
        plan = json.loads(index["annotations"][PLAN])
        volume, place, piece = _split(plan)[1]
        other = hostile.blob(bytes(piece["size"]))
        piece["digest"] = "sha256:" + other[0].removeprefix(hostile.BLOBS)
        index["annotations"][PLAN] = strict_json.dumps(plan).decode()
        items[1] = ("index.json", strict_json.dumps(index))
        if plan["number"] == volume + 1:
            items[-len(plan["volumes"][volume]) + place] = other
        hostile.pack(path, items)
    for path in paths[:-1]:
        try:
            world.receive(path)
        except IncompleteError:
            missing += 1
    assert missing == len(paths) - 1
    found = world.refused_by_import(paths[-1], may_go=True)
    assert world.store.versions(NAME) == []
    return found


def _of_another_release(world):
    """One volume of the set is of another release; it counts for that one alone, and completes nothing."""
    paths = _volumes(world)
    other = _volumes(world, "1.1.0", store=Store(MemoryBackend()))
    shutil.copyfile(other[1], paths[1])
    messages = []
    for path in paths:
        try:
            world.receive(path)
        except IncompleteError as exc:
            messages.append(str(exc))
    assert len(messages) == len(paths)
    assert world.store.versions(NAME) == []
    assert all("is not complete" in message for message in messages)
    return "IncompleteError", messages[-1].partition(":")[0]


def _thin(world, *, drop):
    old = world.publish("1.0.0")
    path = world.publish("1.1.0").export(world.folder / "thin.maas", have=[old.manifest_digest])
    if drop:
        items = hostile.entries(path)
        hostile.pack(path, items[:-1])
    return path


def _presumed_in_vain(world):
    """It passes as what it is, and makes nothing exist."""
    path = _thin(world, drop=False)
    assert verify(
        path, trust=world.trusting(), first_use=[NAME], recipient=world.people.globex, now=world.now
    ).passed
    name, message = world.told(lambda: world.receive(path))
    assert world.store.versions(NAME) == []
    assert not [where for where in tree(world.folder / "store") if where.startswith("refs/acme")]
    return name, message.partition(":")[0]


def _strip(world):
    """A layer is taken out, and the annotations say nothing of it."""
    path = world.bundle()
    items = hostile.entries(path)
    return world.refused(hostile.pack(path, items[:-1]))


def _presuming(value):
    def attack(world):
        path = _thin(world, drop=False)
        return world.refused(_annotated(path, lambda annotations: annotations.update({PRESUMES: value})))

    return attack


def _annotated_with(name):
    def attack(world):
        return world.refused(_annotated(world.bundle(), lambda annotations: annotations.update({name: "x"})))

    return attack


VOLUMES = {
    "a plan whose pieces overlap": _planned(_overlap),
    "a plan with a gap": _planned(_gap),
    "a plan with pieces out of order": _planned(_out_of_order),
    "a plan with a piece of what is no layer": _planned(_foreign),
    "a plan with a piece that is too long": _planned(_too_long),
    "a plan with a negative size": _planned(_negative),
    "a plan of more volumes than allowed": _planned(_endless),
    "a plan with an empty volume": _planned(_empty),
    "a volume that says that it is another": _planned(_another_number),
    "a volume with a number that is not in the set": _planned(_no_such_number),
    "a piece with other bytes": _altered_piece,
    "a piece exchanged in every plan": _named_after_its_bytes,
    "a volume of another release in the set": _of_another_release,
    "a layer taken out without a word": _strip,
    "presume what the receiver has not": _presumed_in_vain,
    "presume what is no digest": _presuming("everything"),
    "presume nothing": _presuming(""),
    "an annotation of one's own": _annotated_with("org.example.note"),
}
"""Attacks by title."""
