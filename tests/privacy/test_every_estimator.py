"""Every estimator of scikit-learn is scanned; an independent detector finds nothing that the scan has missed.

``MAAS_WRITE_TABLES=1 pytest tests/privacy/test_every_estimator.py`` writes the table anew.
"""

import contextlib
import copy
import os
import re
from pathlib import Path

import estimators
import numpy as np
import pytest
from scipy import sparse

from maas_sdk import learning
from maas_sdk.privacy import desensitize, disclosure_scan
from maas_sdk.serialization import dump_parts
from maas_sdk.serialization._table import TABLE

TABLE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "disclosure.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
pytestmark = pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")

KEEP_ROWS = {
    "AffinityPropagation", "Birch", "DBSCAN", "GaussianProcessClassifier", "GaussianProcessRegressor",
    "HDBSCAN", "Isomap", "KNNImputer", "KNeighborsClassifier", "KNeighborsRegressor", "KNeighborsTransformer",
    "KernelDensity", "KernelPCA", "KernelRidge", "LabelPropagation", "LabelSpreading", "LocalOutlierFactor",
    "LocallyLinearEmbedding", "NearestNeighbors", "NuSVC", "NuSVR", "Nystroem", "OneClassSVM",
    "RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "RadiusNeighborsTransformer", "SVC", "SVR",
    # These two are composed of others in the cases, one of which is a model of neighbours.
    "StackingRegressor", "VotingRegressor",
}  # fmt: skip
NO_HIGH = re.compile(
    r"Linear(?!SVC)|LinearSVC|Ridge(?!CV)|Lasso|Lars|ElasticNet|SGD|Logistic|Perceptron|Huber|Theil|Bayesian|ARD|"
    r".*NB$|.*Scaler$|Poisson|Gamma|Tweedie|Orthogonal|Quantile|.*Discriminant|PCA|MLP|Normalizer|Binarizer"
)


def training(name):
    """Give what the natural case of an estimator was fitted on."""
    if name in estimators.COMPOSED:
        return estimators.COMPOSED[name]()[2]
    return estimators.DATA.get(name, (estimators.X,))[0]


def scans(name):
    case = estimators.natural(name)
    with estimators.quietly():
        return disclosure_scan(case.estimator), disclosure_scan(case.estimator, training(name))


# ------------------------------------------------------------------------------- an independent detector


def arrays_in(value, seen, depth=0):
    """Give every array of numbers that an object holds, however deep; it knows nothing of scikit-learn."""
    if id(value) in seen or depth > 12 or isinstance(value, (str, bytes, type)):
        return
    seen[id(value)] = value
    if sparse.issparse(value):
        yield value.toarray()
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield from (value[field] for field in value.dtype.names) if value.dtype.names else [value]
    elif isinstance(value, (float, np.floating)):
        yield np.array([value])
    else:
        for item in inside(value):
            yield from arrays_in(item, seen, depth + 1)


def inside(value):
    """Give what an object holds: items, attributes, or what compiled code shows."""
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple, set)):
        return list(value)
    if isinstance(value, np.ndarray):
        return value.ravel().tolist()
    if getattr(value, "__dict__", None):
        return list(vars(value).values())
    return list(shown(value)) if type(value).__module__.startswith("sklearn.") else []


def shown(value):
    for name in (name for name in dir(value) if not name.startswith("__")):
        with contextlib.suppress(Exception):
            found = getattr(value, name)
            if not callable(found) and np.ndim(found):
                yield np.asarray(found)


def continuous(name):
    """Give the training data as unique numbers, rows of several columns; None where it is something else."""
    X = training(name)
    try:
        X = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=float)
    except (TypeError, ValueError):
        return None
    if X.ndim != 2 or X.shape[1] < 3:
        return None
    told = np.isfinite(X) & (np.round(X) != X)
    return X if told.any(axis=1).all() else None


def detected(name):
    """Count rows and single values of the training data in the fitted object."""
    X = continuous(name)
    rows = {row.tobytes() for row in np.nan_to_num(X)}
    values = {value for value in X.ravel().tolist() if np.isfinite(value) and value != round(value)}
    n_rows = n_values = 0
    for array in arrays_in(estimators.natural(name).estimator, {}):
        if array.dtype.kind not in "fiu" or not array.size:
            continue
        numbers = np.nan_to_num(np.asarray(array, dtype=float))
        if numbers.ndim == 2 and numbers.shape[1] == X.shape[1]:
            n_rows += sum(np.ascontiguousarray(row).tobytes() in rows for row in numbers)
        elif numbers.ndim == 1 and numbers.shape[0] == X.shape[1]:
            n_rows += numbers.tobytes() in rows
        n_values += sum(value in values for value in numbers.ravel().tolist())
    return n_rows, n_values


NUMERIC = [name for name in estimators.NAMES if continuous(name) is not None]


def test_most_estimators_are_looked_at_with_numbers_of_which_none_is_there_twice():
    assert len(NUMERIC) > 160
    assert set(NUMERIC) >= KEEP_ROWS


@pytest.mark.parametrize("name", NUMERIC)
def test_the_scan_misses_no_rows_and_no_values(name):
    n_rows, n_values = detected(name)
    blind, told = scans(name)
    assert (n_rows > 0) == (name in KEEP_ROWS)
    assert (told.highest == "high") == (n_rows > 0), str(told)
    if n_rows:
        assert any(each.name.startswith(("verbatim-rows:", "centres:")) for each in blind.findings)
        assert blind.highest == ("medium" if name == "Birch" else "high")  # its rows may be means
    elif n_values:
        kinds = {each.name.partition(":")[0] for each in blind.findings}
        assert kinds & {"verbatim-values", "extremes", "summaries", "centres", "small-leaves"}, str(blind)


@pytest.mark.parametrize("name", [name for name in estimators.NAMES if NO_HIGH.fullmatch(name)])
def test_there_is_no_false_alarm_on_what_keeps_no_rows(name):
    for report in scans(name):
        assert report.above("low") == (), str(report)


@pytest.mark.parametrize("name", estimators.NAMES)
def test_no_class_of_scikit_learn_is_unknown_to_it_and_names_are_told_apart(name):
    for report in scans(name):
        assert report.unknown == ()
        names = [each.name for each in report.findings]
        assert len(set(names)) == len(names)
    blind, told = ({each.name for each in report.findings} for report in scans(name))
    assert blind <= told


@pytest.mark.parametrize("name", estimators.NAMES)
def test_what_no_prediction_uses_is_dropped_and_predictions_stay(name):
    case = estimators.natural(name)
    with estimators.quietly():
        before = estimators.answers(copy.deepcopy(case.estimator), case.rows)
        made = desensitize(case.estimator, X_train=case.rows, max_disclosure="high")
        after = estimators.answers(made.pipeline, case.rows)
    assert all(change.identical for change in made.changes)
    asked = [question for question in ("predict", "predict_proba", "transform") if question in before]
    assert estimators.same({key: before[key] for key in asked}, {key: after[key] for key in asked}) == []
    kinds = {each.name.partition(":")[0] for each in made.scan.findings}
    assert kinds.isdisjoint({"unused-words"})
    dump_parts(made.pipeline)  # it can be published as a whole


OWN = {
    "maas.LinearRegressor": learning.LinearRegressor,
    "maas.RidgeRegressor": learning.RidgeRegressor,
    "maas.LogisticClassifier": learning.LogisticClassifier,
    "maas.LinearSVMClassifier": learning.LinearSVMClassifier,
    "maas.MLPClassifier": lambda: learning.MLPClassifier((4,), max_iter=3, random_state=0),
    "maas.MLPRegressor": lambda: learning.MLPRegressor((4,), max_iter=3, random_state=0),
}


def test_every_model_of_the_sdk_is_looked_at_below():
    ours = {name for name in TABLE if name.startswith("maas.")}
    models = {name for name in ours if hasattr(getattr(learning, name.removeprefix("maas.")), "fit")}
    assert models == set(OWN)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_sdk_s_own_models_keep_no_rows(name):
    model = OWN[name]()
    model.fit(
        estimators.X,
        estimators.LABELS if hasattr(model, "predict_proba") or "SVM" in name else estimators.TARGET,
    )
    values = set(estimators.X.ravel().tolist()) | set(estimators.X.astype(np.float32).ravel().tolist())
    for array in arrays_in(model, {}):
        if array.dtype.kind == "f":
            assert not values & set(np.ravel(array).tolist())
    report = disclosure_scan(model, estimators.X)
    assert report.above("low") == (), str(report)
    assert report.unknown == ()


# ------------------------------------------------------------------------------------------- the table


def test_the_table_in_the_documentation_is_that_of_the_tests():
    before, rest = TABLE_FILE.read_text(encoding="utf-8").split(BEGIN)
    found, after = rest.split(END)
    text = table()
    if os.environ.get("MAAS_WRITE_TABLES"):
        TABLE_FILE.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")
        found = text
    assert found == text


def table():
    lines = ["| estimator | what it keeps | severity | found with `X_train` |", "| --- | --- | --- | --- |"]
    nothing = []
    for name in estimators.NAMES:
        blind, told = scans(name)
        if not told.findings:
            nothing.append(name)
            continue
        kept = ", ".join(f"{each.what} (`{each.where}`)" for each in blind.findings)
        severity = (
            blind.highest if blind.highest == told.highest else f"{blind.highest}, {told.highest} with rows"
        )
        lines.append(f"| `{name}` | {kept} | {severity} | {'; '.join(matches(told)) or '—'} |")
    lines += [
        "",
        f"Nothing is found in the other {len(nothing)}: {', '.join(f'`{name}`' for name in nothing)}.",
    ]
    return "\n".join(lines) + "\n"


def matches(report):
    """Say what equals the training data, without the counts, which differ from computer to computer."""
    for finding in report.findings:
        counted = re.match(r"([\d,]+) (rows|values), ([\d,]+) of them", finding.evidence)
        if counted:
            total, unit, equal = counted[1].replace(",", ""), counted[2], counted[3].replace(",", "")
            share = "all" if equal == total else "no" if equal == "0" else "some"
            yield f"{share} {unit}"
