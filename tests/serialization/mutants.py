"""Run by test_hostile in a process of its own: alters the parts of a model, loads each mutant, predicts.

``python mutants.py COUNT SEED MODEL…`` prints a JSON object for each model: how many mutants were refused,
how many predicted, and what else happened. A crash or a hang shows in the exit status.
"""

import copy
import json
import random
import resource
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeClassifier, TweedieRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk import learning
from maas_sdk.errors import InvalidArtifactError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.array(["a", "b", "c"])[RNG.integers(0, 3, 60)]
POSITIVE = np.exp(X[:, 0])
MODELS = {
    "tree": lambda: DecisionTreeClassifier(max_depth=4).fit(X, Y),
    "forest": lambda: RandomForestClassifier(3, max_depth=3).fit(X, np.c_[Y, Y]),
    "forest regressor": lambda: RandomForestRegressor(3, max_depth=3).fit(X, X[:, :2]),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=2).fit(X, Y),
    "histogram": lambda: HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5).fit(X, Y),
    "linear": lambda: make_pipeline(
        StandardScaler(), MinMaxScaler(clip=True), RobustScaler(), Normalizer(), PCA(3), LogisticRegression()
    ).fit(X, Y),
    "ridge": lambda: RidgeClassifier().fit(X, Y),
    "tweedie": lambda: TweedieRegressor(power=1.5).fit(X, POSITIVE),
    "dummy": lambda: DummyClassifier(strategy="stratified").fit(X, np.c_[Y, Y]),
    "network": lambda: MLPClassifier((5, 3), max_iter=3).fit(X, Y),
    "own network": lambda: learning.MLPClassifier((5, 3), max_iter=3, optimizer=learning.Adam()).fit(X, Y),
    "own linear": lambda: learning.LogisticClassifier(max_iter=3).fit(X, Y == "a"),
}
REPLACEMENTS = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        7,
        2**31,
        2**63,
        10**30,
        1.5,
        -0.5,
        1e300,
        "",
        "x",
        "auto",
        "sklearn.Ridge",
    ),
    *([], {}, [1, 2], {"a": 1}, {"tuple": []}, {"tuple": [1, 2]}, {"float": "nan"}, {"float": "-inf"}),
    *({"dict": [["a", 1]]}, {"scalar": 3, "dtype": "int8"}, {"scalar": 3.0, "dtype": "float32"}),
    {"type": "sklearn.LabelEncoder", "params": {}, "state": None},
]
NUMBERS = [0, 1, -1, 2, -2, 3, 5, 100, 127, -128, 2**31 - 1, 2**40, -(2**62), 0.5, 1e300]


def spots(node, path=()):
    """Give every place of a JSON document but its root."""
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*path, key)
        yield from spots(node[key], (*path, key))


def mutate_document(document, random):
    path = random.choice(list(spots(document["model"])))
    holder = document["model"]
    for key in path[:-1]:
        holder = holder[key]
    action = random.randrange(6)
    if action == 0:
        del holder[path[-1]]
    elif action == 1 and isinstance(holder, dict):
        holder[random.choice(["predict", "__class__", "__dict__", "tree_", "coef_", "estimators_"])] = (
            holder.pop(path[-1])
        )
    elif action == 2:
        other = document["model"]
        for key in random.choice(list(spots(other))):
            other = other[key]
        holder[path[-1]] = copy.deepcopy(other)
    else:
        holder[path[-1]] = copy.deepcopy(random.choice(REPLACEMENTS))
    return ("json", path, action)


def mutate_array(array, random):
    """Give another array, at times of another shape or dtype."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        action = random.randrange(10)
        flat = array.copy().reshape(-1)
        if action <= 4 and flat.size:
            special = [np.nan, np.inf, -np.inf] if flat.dtype.kind == "f" else []
            value = np.array(random.choice([*NUMBERS, flat.size, flat.size - 1, *special]))
            if flat.dtype != bool and (value != 0) and abs(value) > 1e9 and flat.dtype.kind in "iu":
                flat = flat.astype("i8")
            flat[random.randrange(flat.size)] = value.astype(flat.dtype)
            return flat.reshape(array.shape), action
        if action == 5:
            random.shuffle(flat)
            return flat.reshape(array.shape), action
        if action == 6:
            return array[:-1] if array.ndim else flat, action
        if action == 7:
            return np.concatenate([array, array[-1:]]) if array.ndim else flat, action
        if action == 8:
            return flat.reshape(random.choice([(-1,), (1, -1), (-1, 1), (1, 1, -1)])), action
        return array.astype(random.choice(["i1", "i8", "u8", "f2", "f4", "f8", "?"])), action


def mutate(document, files, random):
    if random.random() < 0.45:
        return mutate_document(document, random)
    file = random.choice(sorted(files))
    name = random.choice(sorted(files[file]))
    files[file][name], action = mutate_array(files[file][name], random)
    return (file, name, action)


def pack(document, files):
    return {
        "model.json": json.dumps(document).encode(),
        **{
            name: write_tensors({key: np.ascontiguousarray(value) for key, value in arrays.items()})
            for name, arrays in files.items()
        },
    }


def answer(parts):
    """Load and predict; a number of features that was altered is taken at its word."""
    model = load_parts(parts)
    rows = X
    if getattr(model, "n_features_in_", 4) != 4:
        rows = np.zeros((3, min(model.n_features_in_, 1000)))
        if rows.shape[1] != model.n_features_in_:
            return
    for method in ("predict", "predict_proba", "decision_function", "apply", "decision_path"):
        if hasattr(model, method):
            getattr(model, method)(rows)


def try_mutants(name, count, seed):
    parts = dump_parts(MODELS[name]())
    answer(parts)
    chance = random.Random(seed)
    counts = {"model": name, "refused": 0, "predicted": 0, "else": []}
    original = {key: value for key, value in parts.items() if key != "model.json"}
    for _ in range(count):
        document = json.loads(parts["model.json"])
        files = {key: read(value) for key, value in original.items()}
        what = [mutate(document, files, chance) for _ in range(chance.choice([1, 1, 1, 2]))]
        mutant = pack(document, files)
        signal.setitimer(signal.ITIMER_REAL, 5)  # nobody handles it: a hang ends the process
        try:
            answer(mutant)
            counts["predicted"] += 1
        except InvalidArtifactError:
            counts["refused"] += 1
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is reported
            if str(exc).startswith("Input X contains"):
                counts["predicted"] += 1  # one step refuses the numbers of another: an answer
            else:
                counts["else"].append(f"{what}: {type(exc).__name__}: {exc}"[:300])
        signal.setitimer(signal.ITIMER_REAL, 0)
    return counts


def read(data):
    return {name: array for name, array in read_tensors(data).items() if not name.startswith(".pad")}


def main(count, seed, *names):
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20, resource.RLIM_INFINITY))
    for name in names:
        sys.stdout.write(json.dumps(try_mutants(name, int(count), int(seed))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
