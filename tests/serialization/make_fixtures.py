"""Writes what this version of scikit-learn makes, for every other version to read; and reads it.

``fixtures/sklearn-<version>/<family>.tar.xz`` holds for each case the parts of the model, a few rows
(``cases.json``, with its arrays in ``arrays.safetensors``) and what the model answered where it was made.
``tox run -e sklearn16 -- make`` writes those of 1.6. What a release of the SDK has written stays as it is.
"""

import io
import json
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import estimators as e
import numpy as np
import pandas as pd
from safetensors.numpy import load, save
from scipy import sparse

from maas_sdk.serialization import dump_parts

FIXTURES = Path(__file__).parent / "fixtures"
N_ROWS = 6
NO_SEED = "without a seed"


class Made(NamedTuple):
    """A model that some version made."""

    name: str
    parts: dict[str, bytes]
    rows: Any
    answers: dict[str, Any]


# -------------------------------------------------------------------------------------- values ⇄ JSON


class Arrays:
    """Arrays of numbers by name, each once."""

    def __init__(self):
        self.by_name = {}
        self._names = {}

    def name(self, array):
        array = np.array(array, order="C")
        key = array.dtype.str, array.shape, array.tobytes()
        name = self._names.setdefault(key, str(len(self._names)))
        self.by_name[name] = array
        return name


def encode(value, arrays):
    """Give JSON for rows or answers: a plain value, or an object whose one key says the kind."""
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, np.generic):
        kind, content = "scalar", encode(np.asarray(value), arrays)
    elif isinstance(value, float):
        kind, content = "float", repr(value)
    elif isinstance(value, dict):
        kind, content = "dict", [[encode(key, arrays), encode(item, arrays)] for key, item in value.items()]
    elif isinstance(value, list | tuple | set):
        kind = type(value).__name__
        content = [encode(item, arrays) for item in (sorted(value) if kind == "set" else value)]
    elif isinstance(value, np.ma.MaskedArray):
        kind, content = "masked", [encode(value.filled(), arrays), encode(np.ma.getmaskarray(value), arrays)]
    elif isinstance(value, np.ndarray):
        kind, content = _encode_array(value, arrays)
    elif sparse.issparse(value):
        matrix = value.tocsr()
        parts = [encode(part, arrays) for part in (matrix.data, matrix.indices, matrix.indptr)]
        kind, content = "sparse", [value.format, list(value.shape), *parts]
    else:  # a frame
        kind, content = type(value).__module__.partition(".")[0], _columns(value, arrays)
    return {kind: content}


def _encode_array(array, arrays):
    if array.dtype.kind in "biuf":
        return "array", arrays.name(array)
    if array.dtype.kind == "U":
        return "text", [list(array.shape), array.ravel().tolist()]
    return "objects", [list(array.shape), [encode(item, arrays) for item in array.ravel().tolist()]]


def _columns(frame, arrays):
    dtypes = {name: getattr(frame[name], "dtype", None) for name in frame.columns}
    return [
        [
            encode(name, arrays),
            encode(frame[name].to_numpy(), arrays),
            dtype.categories.tolist() if isinstance(dtype, pd.CategoricalDtype) else None,
        ]
        for name, dtype in dtypes.items()
    ]


def decode(node, arrays):
    """Give the value again."""
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "array":
        return arrays[content].copy()
    if kind in ("text", "objects"):
        items = [decode(item, arrays) for item in content[1]]
        array = np.empty(len(items), dtype=object)
        array[:] = items
        return (array if kind == "objects" else array.astype(str)).reshape(content[0])
    if kind == "dict":
        return {decode(key, arrays): decode(item, arrays) for key, item in content}
    if kind in ("pandas", "polars"):
        return _frame(kind, content, arrays)
    given = [decode(part, arrays) for part in content] if isinstance(content, list) else content
    return _MAKE[kind](given if isinstance(content, list) else decode(given, arrays))


_MAKE = {
    "scalar": lambda array: array[()],
    "float": float,
    "list": list,
    "tuple": tuple,
    "set": set,
    "masked": lambda parts: np.ma.MaskedArray(*parts),
    "sparse": lambda parts: sparse.csr_matrix(tuple(parts[2:]), shape=parts[1]).asformat(parts[0]),
}


def _frame(kind, columns, arrays):
    data = {decode(name, arrays): decode(column, arrays) for name, column, _ in columns}
    if kind == "polars":
        import polars as pl

        return pl.DataFrame({name: column.tolist() for name, column in data.items()})
    for name, _, categories in columns:
        if categories is not None:
            data[decode(name, arrays)] = pd.Categorical(data[decode(name, arrays)], categories=categories)
    return pd.DataFrame(data)


# ---------------------------------------------------------------------------------------- the cases


def cases():
    """Give every case of this version; those without a seed are another model each time."""
    made = [e.natural(name) for name in e.NAMES]
    made += [cook() for name, cook in e.variants().items() if not name.endswith(NO_SEED)]
    return made + [recipe.cook(name) for name, recipe in spelled_otherwise().items()]


def spelled_otherwise():
    """Give recipes with parameters that not every version has, or that mean something else in another."""
    with e.quietly():
        recipes = _before_1_8() if e.VERSION < (1, 8) else _since_1_8()
        return recipes | _of_some_versions()


def _before_1_8():
    logistic = e.linear_model.LogisticRegression
    lasso = logistic(penalty="l1", solver="liblinear", C=0.05, random_state=0)
    net = logistic(penalty="elasticnet", l1_ratio=0.4, solver="saga", random_state=0)
    boost = e.ensemble.AdaBoostClassifier(algorithm="SAMME", n_estimators=2, random_state=0)
    trained = e.semi_supervised.SelfTrainingClassifier(base_estimator=logistic())
    of_several = {
        "one against the rest": logistic(multi_class="ovr"),
        "one against the rest by liblinear": logistic(solver="liblinear"),
        "multinomial": logistic(multi_class="multinomial"),
        "elastic net": net,
        "no penalty": logistic(penalty=None),
    }
    of_two = {
        "one against the other": logistic(multi_class="ovr"),
        "multinomial of two": logistic(multi_class="multinomial"),
    }
    return {
        **{
            f"LogisticRegression, {name}": e.Recipe(model, e.X, e.LABELS)
            for name, model in of_several.items()
        },
        **{f"LogisticRegression, {name}": e.Recipe(model, e.X, e.BINARY) for name, model in of_two.items()},
        "SelectFromModel, by L1": e.Recipe(e.feature_selection.SelectFromModel(lasso), e.X, e.BINARY),
        "AdaBoostClassifier, SAMME": e.Recipe(boost, e.X, e.LABELS),
        "SelfTrainingClassifier, base_estimator": e.Recipe(trained, e.X, e.PARTLY),
        "Birch, in place": e.Recipe(e.cluster.Birch(copy=False), e.X.copy(), rows=e.X),
    }


def _since_1_8():
    logistic = e.linear_model.LogisticRegression
    lasso = logistic(l1_ratio=1.0, solver="liblinear", C=0.05, random_state=0)
    net = logistic(l1_ratio=0.4, solver="saga", random_state=0)
    folds = e.linear_model.LogisticRegressionCV(
        Cs=2, cv=2, l1_ratios=(0,), use_legacy_attributes=False, scoring="accuracy"
    )
    eigen = e.discriminant_analysis.QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1)
    scaling = e.manifold.MDS(metric="manhattan", init="random", n_init=1, max_iter=20, random_state=0)
    splines = e.preprocessing.SplineTransformer(3, handle_missing="zeros")
    constant = e.SimpleImputer(strategy="constant", fill_value=-1.0)
    return {
        "LogisticRegression, elastic net": e.Recipe(net, e.X, e.LABELS),
        "LogisticRegression, no penalty": e.Recipe(logistic(C=np.inf), e.X, e.LABELS),
        "LogisticRegressionCV, attributes to come": e.Recipe(folds, e.X, e.LABELS),
        "SelectFromModel, by L1": e.Recipe(e.feature_selection.SelectFromModel(lasso), e.X, e.BINARY),
        "MaxAbsScaler, clipped": e.Recipe(e.preprocessing.MaxAbsScaler(clip=True), e.X, rows=2 * e.X),
        "SplineTransformer, missing values": e.Recipe(splines, e.HOLES),
        "QuadraticDiscriminantAnalysis, eigen": e.Recipe(eigen, e.X, e.LABELS),
        "MDS, manhattan": e.Recipe(scaling, e.X),
        "SimpleImputer, a constant, an empty column dropped": e.Recipe(
            constant, np.c_[np.full(e.COUNT, np.nan), e.HOLES]
        ),
    }


def _of_some_versions():
    recipes = {}
    if e.VERSION < (1, 7):
        ridge = e.linear_model.RidgeCV(store_cv_values=True)
        recipes["RidgeCV, store_cv_values"] = e.Recipe(ridge, e.X, e.TARGET)
        embedding = e.manifold.TSNE(perplexity=5, n_iter=250, random_state=0)
        recipes["TSNE, n_iter"] = e.Recipe(embedding, e.X[:30])
    else:
        net = e.neural_network.MLPRegressor("poisson", (4,), max_iter=5, random_state=0)
        recipes["MLPRegressor, Poisson"] = e.Recipe(net, e.X, e.EVENTS)
        bins = e.preprocessing.KBinsDiscretizer(3, quantile_method="hazen")
        recipes["KBinsDiscretizer, Hazen"] = e.Recipe(bins, e.X)
    if e.VERSION in ((1, 7), (1, 8)):
        chain = e.multioutput.RegressorChain(base_estimator=e.linear_model.Ridge())
        recipes["RegressorChain, base_estimator"] = e.Recipe(chain, e.X, e.TARGETS)
    if e.VERSION < (1, 9):
        some = [("some", e.preprocessing.StandardScaler(), [1, 3])]
        whole = e.compose.ColumnTransformer(some, remainder="passthrough", force_int_remainder_cols=True)
        recipes["ColumnTransformer, numbers of the rest"] = e.Recipe(whole, e.X)
        recipes["LassoCV, n_alphas"] = e.Recipe(e.linear_model.LassoCV(n_alphas=7, cv=3), e.X, e.TARGET)
    return recipes


# ------------------------------------------------------------------------------------ writing, reading


def write(folder, made):
    """Write cases into a folder, by family; equal ones give equal bytes where liblzma is the same."""
    folder.mkdir(parents=True, exist_ok=True)
    by_family = {}
    for case in made:
        by_family.setdefault(type(case.estimator).__module__.split(".")[1], []).append(case)
    for family, members in by_family.items():
        files = _files(members)
        with tarfile.open(folder / f"{family}.tar.xz", "w:xz", format=tarfile.USTAR_FORMAT, preset=9) as tar:
            # Like beside like, so that it becomes small.
            for name in sorted(files, key=lambda name: (name.rpartition("/")[2], name)):
                entry = tarfile.TarInfo(name)
                entry.size = len(files[name])
                tar.addfile(entry, io.BytesIO(files[name]))


def _files(members):
    files, arrays, documents = {}, Arrays(), []
    for case in members:
        rows = case.rows[:N_ROWS]
        answers = e.answers(case.estimator, rows)
        parts = dump_parts(case.estimator)
        files |= {f"{len(documents):03d}/{name}": data for name, data in parts.items()}
        documents.append(
            {
                "name": case.name,
                "parts": sorted(parts),
                "rows": encode(rows, arrays),
                "answers": encode(answers, arrays),
            }
        )
    text = json.dumps(documents, ensure_ascii=False, separators=(",", ":"))
    return files | {"cases.json": text.encode(), "arrays.safetensors": save(arrays.by_name)}


def read(path):
    """Give what was made, case by case."""
    with tarfile.open(path, "r:xz") as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    arrays = load(files["arrays.safetensors"])
    for index, case in enumerate(json.loads(files["cases.json"])):
        parts = {name: files[f"{index:03d}/{name}"] for name in case["parts"]}
        yield Made(case["name"], parts, decode(case["rows"], arrays), decode(case["answers"], arrays))


if __name__ == "__main__":
    write(FIXTURES / "sklearn-{}.{}".format(*e.VERSION), cases())
