"""Alters a model as someone would who wants a crash: the document, the arrays, the bytes of the files.

All is drawn from one ``random.Random``, so that a seed tells the mutant.
"""

import copy
import functools
import json
import warnings

import numpy as np
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sklearn.utils._param_validation import Interval, Options, make_constraint

from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.serialization import _names, _zstd
from maas_sdk.serialization._table import TABLE

EXTREMES = [
    *(0, 1, -1, 2, -2, 3, 7, 100, 255, 256, 1000, 10**5, 10**6, 2**31 - 1, 2**31, -(2**31), 2**40, 2**62),
    *(2**63 - 1, 2**63, 2**64, 10**30, -(10**30), 0.5, -0.5, 1.5, 1e-300, 1e-9, 1e9, 1e300, -1e300, 5e-324),
]
TAGGED = [
    *({"float": "nan"}, {"float": "inf"}, {"float": "-inf"}, {"tuple": []}, {"tuple": [1, 2]}),
    {"tuple": [None]},
    *({"dict": []}, {"dict": [["a", 1]]}, {"dict": [[0, 1.5], [1, 2.5]]}, {"set": [1, "a"]}),
    {"frozenset": []},
    *({"scalar": 3, "dtype": "int8"}, {"scalar": 3.0, "dtype": "float32"}, {"scalar": True, "dtype": "bool"}),
    *({"scalar": {"float": "nan"}, "dtype": "float64"}, {"slice": [None, None, -1]}),
    {"slice": [5, 10**9, 3]},
    *({"slice": ["a", "b", None]}, {"numpy_dtype": "float16"}, {"numpy_dtype": "object"}),
    *({"objects": [], "shape": [0]}, {"objects": [None, "x", 1], "shape": [3]}, {"name": "numpy.log"}),
    *({"objects": [{"float": "nan"}], "shape": [1, 1]}, {"name": "builtins.object"}, {"name": "os.system"}),
    *({"dict": [["p", 1.5]]}, {"dict": [["V", [1, 2]]]}, {"dict": [["w", [1, 2]]]}),
    {"dict": [["gamma", 1e300]]},
    *({"dict": [["axis", 0]]}, {"dict": [["dtype", "O"]]}, {"dict": [["degree", 10**9]]}),
    {"name": "numpy.mean"},
]
PATTERNS = [
    *(r"(a+)+$", r"(\w|\d)*!", r"((.*)*)*x", r"(?u)\b\w\w+\b" * 9, r"(x{1,9999}){1,9999}", r"(?=a)*"),
    *(r"\1", "("),
    *("{feature_name:>999999999}", "{transformer_name!r}", "{0}", "{feature_name.__class__}", "%s", "{"),
    "\\",
]
PLAIN = [
    *(None, True, False, "", "x", "auto", "precomputed", "passthrough", "drop", "deprecated", "os.system"),
    *("sklearn.Ridge", "a" * 5000, "é\u0000", [], {}, [1, 2], [[0]], [None], ["x"], [0] * 500, {"a": 1}),
]
SMALL_ESTIMATORS = [
    {"type": "sklearn.LabelEncoder", "params": {}, "state": None},
    {"type": "sklearn.StandardScaler", "params": {}, "state": None},
    {"type": "sklearn.Ridge", "params": {}, "state": None},
    {"type": "sklearn.KMeans", "params": {"n_clusters": 10**6}, "state": None},
]
NAMES = [
    *("predict", "transform", "fit", "__class__", "__dict__", "__setstate__", "__reduce__", "tree_", "coef_"),
    *("estimators_", "classes_", "n_features_in_", "feature_names_in_", "_sklearn_output_config"),
    "n_outputs_",
]
NUMBERS = [
    *(0, 1, -1, 2, -2, 3, 5, 100, 127, -128, 255, 65535, 2**31 - 1, -(2**31), 2**40, -(2**62), 2**63 - 1),
    *(0.5, -0.0, 1e-300, 5e-324, 1e300, -1e300, 3.5e38, float("nan"), float("inf"), float("-inf")),
]
DTYPES = ["i1", "i2", "i4", "i8", "u1", "u4", "u8", "f2", "f4", "f8", "?"]
INTEGERS = ["int8", "int32", "int64", "uint8", "uint32", "uint64"]
LOGICAL = ["bool", *INTEGERS, "float16", "float32", "float64", "object"]
MOST = 100_000  # bytes of an array above which it is not made larger


def read(data):
    """Give the arrays of a tensor file, without its padding."""
    return {name: array for name, array in read_tensors(data).items() if not name.startswith(".pad")}


def unpack(parts):
    """Give the document and, by file, the arrays."""
    files = {}
    for name, part in parts.items():
        if name.endswith(".zst"):
            data = _zstd.decompress(memoryview(part), what=name, limits=DEFAULT_LIMITS)
            files[name] = read(bytes(data))
        elif name != "model.json":
            files[name] = read(part)
    return json.loads(parts["model.json"]), files


def pack(document, files):
    """Undo `unpack`."""
    parts = {"model.json": json.dumps(document).encode()}
    for name, arrays in files.items():
        data = write_tensors({key: np.ascontiguousarray(value) for key, value in arrays.items()})
        frame = _zstd.compress([data]) if name.endswith(".zst") else None
        parts[name.removesuffix(".zst") if frame is None else name] = frame or data
    return parts


def mutant(parts, chance, donors=()):
    """Give altered parts, and what was altered; `donors` are parts of other models."""
    if chance.random() < 0.05:
        return mutate_bytes(dict(parts), chance)
    document, files = unpack(parts)
    if chance.random() < 0.7:
        unshare(document.get("model"), files)
    if donors and chance.random() < 0.06:
        what = [graft(document.get("model"), files, unpack(chance.choice(donors)), chance)]
        tidy(document.get("model"), files)
        return pack(document, files), what
    what = [mutate(document, files, chance) for _ in range(chance.choice([1, 1, 1, 1, 1, 1, 2, 2, 3]))]
    if chance.random() < 0.8:
        tidy(document.get("model"), files)
    altered = pack(document, files)
    if chance.random() < 0.02:
        altered, more = mutate_bytes(altered, chance)
        what.append(more)
    return altered, what


def references(root, files):
    """Give the references to tensors that there are, each with its file's arrays."""
    names = sorted(files)
    for node in dicts_with(root, "tensor"):
        file, name = node.get("file"), node["tensor"]
        if (
            type(file) is int
            and 0 <= file < len(names)
            and isinstance(name, str)
            and name in files[names[file]]
        ):
            yield node, files[names[file]]


def unshare(root, files):
    """Give each of the small arrays that share a tensor one of its own."""
    for number, (node, arrays) in enumerate(list(references(root, files))):
        if "at" in node:
            start, shape = node.pop("at"), node.pop("shape")
            piece = arrays[node["tensor"]][start : start + int(np.prod(shape))].reshape(shape)
            node["tensor"] = f"{number}"
            arrays[node["tensor"]] = piece
    tidy(root, files)


def tidy(root, files):
    """Give each reference a tensor of its own, and drop those that nothing refers to."""
    used = set()
    for number, (node, arrays) in enumerate(list(references(root, files))):
        name = node["tensor"]
        if (id(arrays), name) in used and "at" not in node:
            node["tensor"] = f"{name}.{number}"
            arrays[node["tensor"]] = arrays[name]
        used.add((id(arrays), node["tensor"]))
    for arrays in files.values():
        for name in set(arrays):
            if (id(arrays), name) not in used:
                del arrays[name]


def graft(root, files, donor, chance):
    """Put another model, whole and sound, where an estimator or any other value is."""
    document, more = donor
    model, count = document.get("model"), len(files)
    for node in dicts_with(model, "tensor"):
        node["file"] += count
    files.update(
        {f"tensors/{count + index:03}.safetensors": more[name] for index, name in enumerate(sorted(more))}
    )
    places = [path for path in spots(root) if isinstance(at(root, path), dict) and "type" in at(root, path)]
    path = chance.choice(places) if places and chance.random() < 0.8 else a_spot(root, chance)
    at(root, path[:-1])[path[-1]] = model
    return ("graft", path, model["type"])


def mutate(document, files, chance):
    """Alter the document, an array, or several that belong together; tell what."""
    arrays = [(file, name) for file in sorted(files) for name in sorted(files[file])]
    drawn = chance.random()
    if drawn < 0.08 and arrays:
        return resize(document, files, chance)
    if drawn < 0.5 or not arrays:
        return mutate_document(document, files, chance)
    file, name = chance.choice(arrays)
    array = _in_its_own_dtype(document.get("model"), files[file][name], name, chance)
    if drawn < 0.54:
        other = chance.choice(arrays)
        files[file][name], files[other[0]][other[1]] = files[other[0]][other[1]], array
        return ("swap", file, name, *other)
    files[file][name], action = mutate_array(array, chance)
    return ("array", file, name, action)


# ------------------------------------------------------------------------------------------- the document


def spots(node, path=()):
    """Give every place of a JSON document but its root."""
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*path, key)
        yield from spots(node[key], (*path, key))


def at(node, path):
    for key in path:
        node = node[key]
    return node


def a_spot(root, chance):
    """Choose a place: any, or one on a walk, which finds what long lists would hide."""
    if chance.random() < 0.5:
        return chance.choice(list(spots(root)))
    path, node = (), root
    while isinstance(node, dict | list) and node and (not path or chance.random() < 0.8):
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        path, node = (*path, key), node[key]
    return path


def dicts_with(root, *keys):
    """Give the objects of a document that have all these keys."""
    found = [root] if isinstance(root, dict) and all(key in root for key in keys) else []
    for path in spots(root):
        node = at(root, path)
        if isinstance(node, dict) and all(key in node for key in keys):
            found.append(node)
    return found


def mutate_document(document, files, chance):
    root = document if chance.random() < 0.01 else document["model"]
    if not isinstance(document.get("model"), dict) or not document["model"]:  # a mutant already
        document["model"] = copy.deepcopy(chance.choice(SMALL_ESTIMATORS))
        return ("model",)
    action = chance.choice(ACTIONS)
    return (action.__name__, *action(root, files, chance))


def delete(root, files, chance):
    path = a_spot(root, chance)
    del at(root, path[:-1])[path[-1]]
    return (path,)


def rename(root, files, chance):
    path = a_spot(root, chance)
    holder = at(root, path[:-1])
    if not isinstance(holder, dict):
        return replace(root, files, chance)
    elsewhere = [key for node in dicts_with(root) for key in node]
    new = chance.choice(elsewhere if chance.random() < 0.5 else NAMES)
    holder[new] = holder.pop(path[-1])
    return path, new


def copy_over(root, files, chance):
    path, source = a_spot(root, chance), a_spot(root, chance)
    at(root, path[:-1])[path[-1]] = copy.deepcopy(at(root, source))
    return path, source


def swap(root, files, chance):
    path, other = a_spot(root, chance), a_spot(root, chance)
    if path[: len(other)] == other[: len(path)]:
        return replace(root, files, chance)  # one holds the other
    here, there = at(root, path), at(root, other)
    at(root, path[:-1])[path[-1]], at(root, other[:-1])[other[-1]] = there, here
    return path, other


def relist(root, files, chance):
    """Make a list longer, shorter, or of another order."""
    lists = [path for path in spots(root) if isinstance(at(root, path), list)]
    if not lists:
        return replace(root, files, chance)
    path = chance.choice(lists)
    items = at(root, path)
    action = chance.randrange(6)
    if action == 0 and items:
        items.append(copy.deepcopy(chance.choice(items)))
    elif action == 1 and items:
        del items[chance.randrange(len(items))]
    elif action == 2 and len(json.dumps(items)) < MOST:
        items.extend(copy.deepcopy(items) * chance.choice([1, 1, 9, 99]))
    elif action == 3:
        items.reverse()
    elif action == 4:
        chance.shuffle(items)
    else:
        items.insert(
            chance.randrange(len(items) + 1), copy.deepcopy(chance.choice([*PLAIN, *TAGGED, *EXTREMES]))
        )
    return path, action


def replace(root, files, chance):
    path = a_spot(root, chance)
    pool = chance.choice([EXTREMES, EXTREMES, PLAIN, TAGGED, SMALL_ESTIMATORS])
    value = copy.deepcopy(chance.choice(pool))
    at(root, path[:-1])[path[-1]] = value
    return path, str(value)[:60]


def retype(root, files, chance):
    """Say the same as another type."""
    path = a_spot(root, chance)
    value = at(root, path)
    others = [
        [value],
        {"tuple": [value]},
        {"dict": [["x", value]]},
        {"objects": [value], "shape": [1]},
        str(value)[:999],
    ]
    if isinstance(value, bool):
        others += [int(value), {"scalar": value, "dtype": "bool"}]
    elif isinstance(value, int):
        others += [float(value), bool(value), -value, {"scalar": value, "dtype": chance.choice(LOGICAL)}]
    elif isinstance(value, float):
        others += [int(value), {"scalar": value, "dtype": chance.choice(LOGICAL)}]
    elif isinstance(value, list):
        others += [{"tuple": value}, {"set": value}, {"objects": value, "shape": [len(value)]}]
    elif isinstance(value, dict) and isinstance(value.get("tuple"), list):
        others += [value["tuple"]] * 3
    new = chance.choice(others)
    at(root, path[:-1])[path[-1]] = new
    return path, str(new)[:60]


def nudge(root, files, chance):
    """Alter a number a little, or a lot."""
    numbers = [path for path in spots(root) if type(at(root, path)) in (int, float)]
    if not numbers:
        return replace(root, files, chance)
    path = chance.choice(numbers)
    value = at(root, path)
    new = chance.choice([value + 1, value - 1, value * 2, -value, value * 1000, value // 2, *EXTREMES])
    at(root, path[:-1])[path[-1]] = new
    return path, new


@functools.cache
def classes():
    """The classes of the table, by their names in files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: spec.resolve() for name, spec in sorted(TABLE.items())}
    return {name: cls for name, cls in found.items() if cls is not None}


@functools.cache
def choices(name, parameter):
    """What a parameter may be by its class's own rules, at their edges."""
    rules = getattr(classes().get(name), "_parameter_constraints", {}).get(parameter, ())
    found = []
    for rule in rules if isinstance(rules, list) else ():
        if rule == "boolean":
            found += [True, False]
        elif rule is None:
            found.append(None)
        elif isinstance(rule, Options):
            found += sorted((option for option in rule.options if isinstance(option, str | int)), key=str)
        elif isinstance(rule, Interval):
            found += [number for number in EXTREMES if make_constraint(rule).is_satisfied_by(number)]
    return found


@functools.cache
def all_options():
    """Every string that some parameter of some class may be."""
    found = {
        option
        for name, cls in classes().items()
        for parameter in getattr(cls, "_parameter_constraints", {})
        for option in choices(name, parameter)
        if isinstance(option, str)
    }
    return sorted(found)


def parameter(root, files, chance):
    """Give a parameter a value that its class allows, or that it might not expect."""
    nodes = [node for node in dicts_with(root, "type", "params") if isinstance(node["params"], dict)]
    node = chance.choice(nodes) if nodes else None
    if node is None or not node["params"]:
        return replace(root, files, chance)
    name = chance.choice(sorted(node["params"]))
    allowed = choices(node["type"], name) if isinstance(node["type"], str) else []
    others = chance.choice([EXTREMES, TAGGED, PLAIN, PATTERNS, all_options()])
    pool = allowed if allowed and chance.random() < 0.8 else others
    node["params"][name] = copy.deepcopy(chance.choice(pool))
    return str(node["type"])[:60], name, str(node["params"][name])[:60]


def option(root, files, chance):
    """Replace a string by one that means something elsewhere."""
    texts = [path for path in spots(root) if isinstance(at(root, path), str)]
    if not texts:
        return replace(root, files, chance)
    path = chance.choice(texts)
    new = chance.choice(all_options())
    at(root, path[:-1])[path[-1]] = new
    return path, new


def another_class(root, files, chance):
    nodes = dicts_with(root, "type")
    if not nodes:
        return replace(root, files, chance)
    node = chance.choice(nodes)
    old, node["type"] = node["type"], chance.choice(sorted(classes()))
    if isinstance(node.get("params"), dict) and chance.random() < 0.7:  # as far as it has them
        known = TABLE[node["type"]].parameter_names(classes()[node["type"]])
        node["params"] = {name: value for name, value in node["params"].items() if name in known}
    return str(old)[:60], node["type"]


def another_function(root, files, chance):
    nodes = dicts_with(root, "name")
    if not nodes:
        return another_class(root, files, chance)
    node = chance.choice(nodes)
    old, node["name"] = node["name"], chance.choice(sorted(_names._TABLE))
    return str(old)[:60], node["name"]


def another_attribute(root, files, chance):
    """Give an attribute that the class may have, or take away what it has."""
    nodes = [node for node in dicts_with(root, "type", "state") if isinstance(node["state"], dict)]
    if not nodes:
        return replace(root, files, chance)
    node = chance.choice(nodes)
    spec = TABLE.get(node["type"]) if isinstance(node["type"], str) else None
    known = sorted(spec.fitted_fields()) if spec is not None else NAMES
    name = chance.choice(known)
    if chance.random() < 0.3:
        node["state"].pop(name, None)
        return str(node["type"])[:60], name
    pool = [*EXTREMES, *PLAIN, *TAGGED, *SMALL_ESTIMATORS]
    value = at(root, a_spot(root, chance)) if chance.random() < 0.4 else chance.choice(pool)
    node["state"][name] = copy.deepcopy(value)
    return str(node["type"])[:60], name, str(value)[:60]


def reference(root, files, chance):
    """Say that an array is another one, or that it is another array."""
    nodes = dicts_with(root, "tensor")
    if not nodes:
        return replace(root, files, chance)
    node = chance.choice(nodes)
    action = chance.randrange(7)
    if action == 0:
        other = chance.choice(nodes)
        node["tensor"], other["tensor"] = other["tensor"], node["tensor"]
    elif action == 1:
        node["tensor"] = copy.deepcopy(chance.choice(nodes)["tensor"])
    elif action == 2:
        node["file"] = chance.choice([0, 1, 2, -1, 10**9, True, None, "0"])
    elif action == 3:
        node["dtype"] = chance.choice(LOGICAL)
    elif action == 4:
        node["order"] = "F"
    elif action == 5:
        node["flip"] = chance.choice([[0], [1], [0, 1], [], [-1], [0, 0], "x"])
    else:
        node["shape"] = chance.choice([[0], [1], [2, 2], [-1], [2**40, 0], [2**62, 4], [], [1] * 40, "x"])
        node["at"] = chance.choice([0, 1, -1, 3, 2**40, None])
    return str(node)[:120], action


def shape(root, files, chance):
    """Alter a shape that is told in the document."""
    nodes = dicts_with(root, "shape")
    if not nodes:
        return reference(root, files, chance)
    node = chance.choice(nodes)
    sizes = node["shape"] if isinstance(node["shape"], list) else []
    numbers = [size for size in sizes if type(size) is int]
    total = int(np.prod(numbers, dtype=object)) if numbers else 0
    node["shape"] = chance.choice(
        [
            *(
                sizes[::-1],
                [*sizes, 1],
                [1, *sizes],
                [total],
                [0, *sizes],
                [-1],
                [size + 1 for size in numbers],
            ),
            *(
                [size * 1000 for size in numbers],
                [max(size - 1, 0) for size in numbers],
                [2**40, 2**40],
                [2**63, 0],
            ),
        ]
    )
    return str(node)[:120], str(node["shape"])[:60]


ACTIONS = [
    *(delete, rename, copy_over, swap, relist, relist, replace, replace, retype, nudge, nudge),
    *(parameter, parameter, parameter, option, another_class, another_function, another_attribute),
    *(reference, shape),
]


def resize(document, files, chance):
    """Make every dimension of one size, and every number that tells it, another size."""
    sizes = sorted({size for arrays in files.values() for array in arrays.values() for size in array.shape})
    if not sizes:
        return mutate_document(document, files, chance)
    old = chance.choice(sizes)
    new = chance.choice([0, 1, 2, old + 1, max(old - 1, 0), old * 2, old + 7])
    for arrays in files.values():
        for name in arrays:
            for axis, size in enumerate(arrays[name].shape):
                if size == old and (new <= old or arrays[name].nbytes < MOST):
                    arrays[name] = _resized(arrays[name], new, axis)
    if chance.random() < 0.8 and isinstance(document.get("model"), dict):
        for path in list(spots(document["model"])):
            if type(at(document["model"], path)) is int and at(document["model"], path) == old:
                at(document["model"], path[:-1])[path[-1]] = new
    return ("resize", old, new)


def _resized(array, size, axis):
    if not array.size:
        return np.zeros(
            [size if index == axis else length for index, length in enumerate(array.shape)], array.dtype
        )
    return np.take(array, np.arange(size), axis=axis, mode="wrap")


# -------------------------------------------------------------------------------------------- the arrays


def _in_its_own_dtype(root, array, name, chance):
    """Give an array as wide as the document says that it is, which more values fit."""
    nodes = [node for node in dicts_with(root, "tensor") if node["tensor"] == name]
    dtypes = {node["dtype"] for node in nodes if isinstance(node.get("dtype"), str)}
    if len(nodes) == len(dtypes) == 1 and dtypes < set(LOGICAL) - {"object"} and chance.random() < 0.8:
        return array.astype(dtypes.pop())
    return array.copy()


def mutate_array(array, chance):
    """Give another array, at times of another shape or dtype."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        action = chance.choice(ARRAY_ACTIONS)
        return (array, "none") if not array.size else (action(array, chance), action.__name__)


def flip_bits(array, chance):
    raw = np.frombuffer(bytearray(array.tobytes()), np.uint8)
    for _ in range(chance.choice([1, 1, 1, 2, 8])):
        raw[chance.randrange(raw.size)] ^= 1 << chance.randrange(8)
    if array.dtype == bool:
        raw &= 1
    return raw.view(array.dtype).reshape(array.shape)


def put_one(array, chance):
    flat = array.copy().reshape(-1)
    flat[chance.randrange(flat.size)] = _number(flat, chance)
    return flat.reshape(array.shape)


def put_some(array, chance):
    flat = array.copy().reshape(-1)
    places = [chance.randrange(flat.size) for _ in range(chance.choice([2, flat.size // 3 + 1]))]
    flat[places] = _number(flat, chance)
    return flat.reshape(array.shape)


def fill(array, chance):
    return np.full_like(array, _number(array.reshape(-1), chance))


def _number(flat, chance):
    """Give a number that is special for these, in their dtype."""
    one = flat[chance.randrange(flat.size)].item()
    near = [one + 1, one - 1, -one, flat.max().item() + 1, flat.min().item() - 1]
    value = chance.choice([*NUMBERS, flat.size, flat.size - 1, *near])
    if flat.dtype.kind in "iu" and isinstance(value, int):
        width = flat.dtype.itemsize
        return np.array(value % 2 ** (8 * width), f"u{width}").view(flat.dtype)
    return np.array(value, dtype=float).astype(flat.dtype)


def shuffle(array, chance):
    flat = array.copy().reshape(-1)
    chance.shuffle(flat)
    return flat.reshape(array.shape)


def other_size(array, chance):
    if not array.ndim:
        return array.reshape(1)
    axis = chance.randrange(array.ndim)
    size = array.shape[axis]
    return _resized(array, chance.choice([0, 1, max(size - 1, 0), size + 1, size * 2]), axis)


def reshape(array, chance):
    target = chance.choice([(-1,), (1, -1), (-1, 1), (1, 1, -1), array.shape[::-1], (*array.shape, 1), ()])
    return array.reshape(-1)[0].reshape(()) if target == () else array.reshape(target)


def other_dtype(array, chance):
    return array.astype(chance.choice(DTYPES))


def reorder(array, chance):
    action = chance.randrange(4)
    if action == 0 and array.ndim > 1:
        return array.swapaxes(0, 1)
    flat = np.sort(array, axis=None) if action < 3 else array.reshape(-1)
    return (flat if action == 1 else flat[::-1]).reshape(array.shape)


def scale(array, chance):
    factor = chance.choice([-1, 0, 2, 1000, 1e-9, 1e9, 1e-300, 1e150, 1e300])
    return (array.astype(float) * factor).astype(array.dtype)


def repeat(array, chance):
    if not array.ndim or array.nbytes > MOST:
        return array.reshape(-1)
    return np.concatenate([array] * chance.choice([2, 10, 200]), axis=chance.randrange(array.ndim))


ARRAY_ACTIONS = [
    *(flip_bits, flip_bits, flip_bits, put_one, put_one, put_one, put_one, put_some, put_some, fill, shuffle),
    *(other_size, other_size, reshape, other_dtype, reorder, scale, repeat),
]

# --------------------------------------------------------------------------------------------- the bytes


def mutate_bytes(parts, chance):
    """Alter files as they are, whatever they mean."""
    name = chance.choice(sorted(parts))
    data = bytearray(parts[name])
    action = chance.randrange(8)
    if action <= 3:
        for _ in range(chance.choice([1, 1, 2, 20])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif action == 4:
        del data[chance.randrange(len(data)) :]
    elif action == 5:
        data += bytes(chance.choice([1, 8, 64]))
    elif action == 6:
        start = chance.randrange(len(data))
        data[start:start] = data[start : start + chance.choice([1, 8, 64])]
    else:
        other = chance.choice(sorted(parts))
        parts[other], data = parts[name], parts[other]
    parts[name] = bytes(data)
    return parts, [("bytes", name, action)]
