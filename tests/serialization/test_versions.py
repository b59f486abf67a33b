"""What scikit-learn 1.6 to 1.9 have made, each of them reads: it answers the same, or the file is refused.

The files are those of ``fixtures``, which ``make_fixtures.py`` writes. ``tox run -e sklearn16`` and so on
read them by the other versions. A table says what was seen.
"""

import json
import math
import sys
import warnings
from typing import NamedTuple

import estimators
import numpy as np
import pytest
import sklearn
from make_fixtures import FIXTURES, read
from scipy import sparse
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor

from maas_sdk.errors import InvalidArtifactError
from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.serialization._place import Place
from maas_sdk.serialization._skew import adapted
from maas_sdk.serialization._table import TABLE

# What the file itself says is deprecated: it is still read and written.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The parameter 'algorithm' is deprecated:FutureWarning"),
]
VERSIONS = [(1, 6), (1, 7), (1, 8), (1, 9)]
FILES = [
    pytest.param(version, path, id=f"{version[0]}.{version[1]}-{path.name.partition('.')[0]}")
    for version in VERSIONS
    for path in sorted((FIXTURES / "sklearn-{}.{}".format(*version)).glob("*.tar.xz"))
]

ROUNDING = 1e-9
"""Of the largest number of an answer. Versions, and processors, add in another order and round otherwise."""
ROUNDING_OF_FLOAT32 = 1e-6
EXACT = ("predict", "predict_proba", "apply", "transform")
"""Comparisons, look-ups and sums in a fixed order: no version rounds them otherwise, of these families."""
EXACT_FAMILIES = ("tree", "dummy", "feature_extraction", "feature_selection")


class Otherwise(NamedTuple):
    """An answer that versions before one give otherwise than those since, from the same state."""

    since: tuple[int, int]
    questions: tuple[str, ...]
    cases: tuple[str, ...]
    reason: str


DIFFERENCES = [
    Otherwise(
        (1, 8),
        ("decision_path",),
        (
            "DecisionTreeClassifier, missing values",
            "DecisionTreeRegressor, a frame",
            "ExtraTreesRegressor, missing values",
            "RandomForestClassifier, float32 rows, a frame",
            "RandomForestClassifier, missing values",
        ),
        "the path of a row with a missing value was another than that to its leaf",
    ),
    Otherwise(
        (1, 8),
        ("decision_function", "predict_log_proba", "predict_proba", "staged_"),
        ("GradientBoostingClassifier, begun by an estimator",),
        "the first estimator's certainties were cut at the precision of float32, now at that of float64",
    ),
    Otherwise(
        (1, 9),
        ("predict with deviations",),
        ("ARDRegression", "BayesianRidge", "BayesianRidge, scored"),
        "deviations were computed of rows that are not centred",
    ),
    Otherwise(
        (1, 9),
        ("predict", "predict_proba"),
        ("KNeighborsClassifier, auto, manhattan", "KNeighborsClassifier, brute, haversine"),
        "labels that are text raised ValueError with these metrics",
    ),
    Otherwise(
        (1, 7),
        ("inverse_transform",),
        (
            "DictionaryLearning",
            "DictionaryLearning, lasso codes",
            "MiniBatchDictionaryLearning",
            "MiniBatchDictionaryLearning, in parts",
            "SparseCoder",
            "SparseCoder, thresholds",
        ),
        "there was no such method",
    ),
    Otherwise(
        (1, 9),
        ("transform",),
        ("ColumnTransformer, a Polars frame", "ColumnTransformer, to Polars"),
        "frames of Polars 2 are not understood",
    ),
]


class Refused(NamedTuple):
    """What one side of a version makes and the other side refuses to read."""

    between: tuple[int, int]
    is_newer: bool
    cases: tuple[str, ...]
    message: str


REFUSALS = [
    Refused(
        (1, 8),
        True,
        (
            "CalibratedClassifierCV, temperature, binary",
            "CalibratedClassifierCV, temperature, labels",
            "ClassicalMDS",
        ),
        "is unknown here",
    ),
    Refused(
        (1, 8), True, ("MaxAbsScaler, clipped", "SplineTransformer, missing values"), "not a parameter of"
    ),
    Refused(
        (1, 8), True, ("SimpleImputer, a constant, an empty column dropped",), "drops columns, which this"
    ),
    Refused((1, 7), True, ("MLPRegressor, Poisson",), "this version of scikit-learn has no 'exp'"),
    Refused(
        (1, 8),
        False,
        (
            "LogisticRegression, multinomial of two",
            "LogisticRegression, one against the rest",
            "LogisticRegression, one against the rest by liblinear",
        ),
        "makes probabilities in a way that this version does not",
    ),
]


# ----------------------------------------------------------------------------------------- differences


def differences(left, right, where="answers"):
    """Tell where two answers differ, and by how much of the largest number there; infinite if altogether.

    Versions may word an error differently, and give a sparse matrix where another gives a sparse array.
    """
    if isinstance(left, str) and isinstance(right, str):
        if left.partition(":")[0] != right.partition(":")[0]:
            yield f"{where}: {left[:300]!r} became {right[:300]!r}", math.inf
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple) and len(left) == len(right):
        yield from differences(dict(enumerate(left)), dict(enumerate(right)), where)
    elif sparse.issparse(left) and sparse.issparse(right) and left.format == right.format:
        yield from differences(left.toarray(), right.toarray(), where)
    elif hasattr(left, "columns") and hasattr(right, "columns"):
        yield from differences(_columns(left), _columns(right), where)
    elif isinstance(left, np.ma.MaskedArray) and isinstance(right, np.ma.MaskedArray):
        yield from differences(np.ma.getmaskarray(left), np.ma.getmaskarray(right), f"{where}.mask")
        yield from differences(left.filled(0), right.filled(0), where)
    elif isinstance(left, dict) and isinstance(right, dict):
        yield from _differences_of_items(left, right, where)
    elif type(left) is type(right) or (isinstance(left, np.generic) and isinstance(right, np.generic)):
        yield from _differences_of_arrays(np.asarray(left), np.asarray(right), where)
    else:
        yield f"{where}: {type(left).__name__} became {type(right).__name__}", math.inf


def _columns(frame):
    return {name: frame[name].to_numpy() for name in frame.columns}


def _differences_of_items(left, right, where):
    for key in left:
        if key in right:
            yield from differences(left[key], right[key], f"{where}[{key!r}]")
        else:
            yield f"{where}[{key!r}]: gone", math.inf


def _differences_of_arrays(left, right, where):
    is_text = left.dtype.kind in "UO" and right.dtype.kind in "UO"
    if left.shape != right.shape or (left.dtype != right.dtype and not is_text):
        yield f"{where}: {left.dtype}{left.shape} became {right.dtype}{right.shape}", math.inf
    elif is_text:
        for item, other in zip(left.ravel().tolist(), right.ravel().tolist(), strict=True):
            if isinstance(item, str | None) and item != other:
                yield f"{where}: {item!r} became {other!r}", math.inf
            elif not isinstance(item, str | None):
                yield from differences(item, other, where)
    elif not np.array_equal(left, right, equal_nan=left.dtype.kind == "f"):
        finite = np.isfinite(left) & np.isfinite(right)
        if left.dtype.kind != "f" or not np.array_equal(left[~finite], right[~finite], equal_nan=True):
            yield f"{where}: {np.sum(left != right)} of {left.size} values differ", math.inf
        else:
            gap = np.abs(left[finite].astype(float) - right[finite]).max(initial=0)
            share = float(gap / (np.abs(left[finite]).max(initial=0) or 1))
            yield f"{where}: numbers off by {share:.2g} of the largest", share


# ------------------------------------------------------------------------------------------- the tests


@pytest.fixture(scope="module")
def table(request):
    """Count what was the same to the last bit, within rounding, otherwise for a reason, refused; show it."""
    counts = {}
    yield counts
    columns = ("same", "rounded", "otherwise", "refused")
    lines = ["", f"{'made by':<12}{'read by':<12}" + "".join(f"{column:>12}" for column in columns)]
    for version, seen in counts.items():
        cells = "".join(f"{seen.count(column):>12}" for column in columns)
        lines.append(f"{'{}.{}'.format(*version):<12}{sklearn.__version__:<12}{cells}")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        sys.stdout.write("\n".join(lines) + "\n")


@pytest.mark.parametrize(("version", "path"), FILES)
def test_it_is_read_and_answers_the_same_or_is_refused(version, path, table):
    wrong = []
    for made in read(path):
        refusal = _expected_refusal(version, made.name)
        if refusal is not None:
            with pytest.raises(InvalidArtifactError, match=refusal) as caught:
                load_parts(made.parts)
            assert f"(made with scikit-learn {version[0]}.{version[1]}." in str(caught.value)
            assert f"this is {sklearn.__version__})" in str(caught.value)
            table.setdefault(version, []).append("refused")
            continue
        loaded = load_parts(made.parts)  # and warns of nothing
        found = list(differences(made.answers, estimators.answers(loaded, made.rows)))
        table.setdefault(version, []).append(_how(share for _, share in found))
        wrong += [
            f"{made.name}: {text}"
            for text, share in found
            if not _is_explained(version, path, made.name, text, share)
        ]
    assert wrong == []


def _how(shares):
    largest = max(shares, default=0)
    return "same" if largest == 0 else "rounded" if largest <= ROUNDING_OF_FLOAT32 else "otherwise"


def _expected_refusal(version, name):
    for refused in REFUSALS:
        newer = version if refused.is_newer else estimators.VERSION
        older = estimators.VERSION if refused.is_newer else version
        if name in refused.cases and older < refused.between <= newer:
            return refused.message
    return None


def _is_explained(version, path, name, text, share):
    family, question = path.name.partition(".")[0], text.partition("'")[2].partition("'")[0]
    if not (family in EXACT_FAMILIES and question in EXACT):
        tolerance = ROUNDING_OF_FLOAT32 if "float32" in name else ROUNDING
        if share <= tolerance:
            return True
    return any(
        name in entry.cases
        and question.startswith(entry.questions)
        and min(version, estimators.VERSION) < entry.since <= max(version, estimators.VERSION)
        for entry in DIFFERENCES
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_there_are_fixtures_of_every_estimator_that_the_version_has(version):
    folder = FIXTURES / "sklearn-{}.{}".format(*version)
    names = {made.name for path in folder.glob("*.tar.xz") for made in read(path)}
    assert {name for name in estimators.NAMES if name not in names} <= {"ClassicalMDS"}
    assert len(names) > 700
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_700_000


def test_each_fixture_says_which_version_has_made_it():
    for version in VERSIONS:
        for path in (FIXTURES / "sklearn-{}.{}".format(*version)).glob("*.tar.xz"):
            made = next(read(path))
            versions = json.loads(made.parts["model.json"])["versions"]
            assert versions["scikit-learn"].startswith("{}.{}.".format(*version))


# ------------------------------------------------------------- what the fixtures cannot show by this version


def as_version(monkeypatch, version):
    monkeypatch.setattr(sklearn, "__version__", version)


def altered(parts, old, new):
    assert old in parts["model.json"]
    return {**parts, "model.json": parts["model.json"].replace(old, new)}


def fitted(estimator, rows=estimators.X, y=estimators.LABELS):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(rows, y)


def here(name, cls, **params):
    return adapted(TABLE[f"sklearn.{name}"], cls, params, {}, Place())


def test_a_file_does_not_repeat_how_a_version_spells_its_defaults():
    for name in ("GradientBoostingClassifier", "HDBSCAN", "LogisticRegressionCV", "SVC", "TargetEncoder"):
        params = json.loads(dump_parts(estimators.natural(name).estimator)["model.json"])["model"]["params"]
        spelled = {key for key, value in params.items() if value in ("deprecated", "warn")}
        assert spelled <= {"multi_class"}


def test_a_refusal_says_which_versions_there_are_where_they_differ():
    good, version = dump_parts(fitted(LogisticRegression())), sklearn.__version__.encode()
    parts = altered(good, b'"sklearn.LogisticRegression"', b'"sklearn.Oracle"')
    with pytest.raises(InvalidArtifactError) as caught:
        load_parts(parts)
    assert "made with" not in str(caught.value)
    with pytest.raises(InvalidArtifactError) as caught:
        load_parts(altered(parts, b'"scikit-learn":"' + version + b'"', b'"other":"1"'))
    assert "made with" not in str(caught.value)
    with pytest.raises(
        InvalidArtifactError, match=r"may know it \(made with scikit-learn 2\.1\.0; this is "
    ) as caught:
        load_parts(altered(parts, version, b"2.1.0"))
    assert caught.value.path == "the model"


def test_a_file_of_another_version_is_read_in_silence():
    model = fitted(LogisticRegression())
    parts = altered(dump_parts(model), sklearn.__version__.encode(), b"2.1.0")
    np.testing.assert_array_equal(load_parts(parts).predict(estimators.X), model.predict(estimators.X))


class OldScaler:
    def __init__(self, *, copy=True):
        """Stand for MaxAbsScaler before 1.8."""


def test_a_parameter_that_is_unknown_is_dropped_if_the_version_does_what_it_says():
    assert here("MaxAbsScaler", OldScaler, copy=False, clip=False) == {"copy": False}
    for value in (True, 0.0, "no", np.zeros(2)):
        with pytest.raises(InvalidArtifactError, match=r"clip: not a parameter of sklearn\.MaxAbsScaler"):
            here("MaxAbsScaler", OldScaler, copy=False, clip=value)


class OldChain:
    def __init__(self, base_estimator, *, order=None):
        """Stand for RegressorChain before 1.7."""


def test_a_parameter_that_has_another_name_is_found():
    assert here("RegressorChain", OldChain, estimator=1, order=None) == {"base_estimator": 1, "order": None}
    assert here("RegressorChain", OldChain, estimator=None, base_estimator=2) == {"base_estimator": 2}


class OldLogisticRegression:
    def __init__(self, penalty="l2", *, l1_ratio=None, multi_class="deprecated"):
        """Stand for LogisticRegression before 1.8."""


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"penalty": "l2"}),
        ({"l1_ratio": 0.0}, {"penalty": "l2"}),
        ({"l1_ratio": 1}, {"penalty": "l1"}),
        ({"l1_ratio": 0.3}, {"penalty": "elasticnet", "l1_ratio": 0.3}),
        ({"penalty": "l1", "l1_ratio": 0.0}, {"penalty": "l1", "l1_ratio": 0.0}),
        ({"multi_class": "ovr", "l1_ratio": 1}, {"multi_class": "ovr", "l1_ratio": 1}),
    ],
)
def test_how_logistic_regression_is_penalized_is_said_as_before(params, expected):
    assert here("LogisticRegression", OldLogisticRegression, **params) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"penalty": "l1", "l1_ratio": None}, {"l1_ratio": 1.0}),
        ({"penalty": "l2", "l1_ratio": None}, {"l1_ratio": 0.0}),
        ({"penalty": "elasticnet", "l1_ratio": 0.3}, {"l1_ratio": 0.3}),
        ({"penalty": None, "l1_ratio": None, "C": 2.0}, {"l1_ratio": 0.0, "C": math.inf}),
    ],
)
@pytest.mark.skipif(estimators.VERSION < (1, 8), reason="it was said otherwise before")
def test_how_logistic_regression_was_penalized_is_said_as_now(params, expected):
    assert here("LogisticRegression", LogisticRegression, multi_class="deprecated", **params) == expected


@pytest.mark.skipif(estimators.VERSION < (1, 8), reason="it was said otherwise before")
def test_shares_of_l1_of_several_models_are_a_list():
    name = "LogisticRegressionCV"
    given = here(name, estimators.CLASSES[name], multi_class="deprecated", penalty="l1", l1_ratios=None)
    assert given == {"l1_ratios": [1.0]}


def test_an_attribute_that_is_a_property_in_another_version_is_kept(monkeypatch):
    ridge = fitted(estimators.make("RidgeClassifier"))
    expected = ridge.predict(estimators.X)
    vars(ridge).pop("classes_", None)
    labels = property(lambda classifier: classifier._label_binarizer.classes_)
    monkeypatch.setattr(type(ridge), "classes_", labels, raising=False)
    parts = dump_parts(ridge)
    assert "classes_" in json.loads(parts["model.json"])["model"]["state"]
    loaded = load_parts(parts)
    np.testing.assert_array_equal(loaded.predict(estimators.X), expected)
    assert "classes_" not in vars(loaded)
    assert dump_parts(loaded) == parts


@pytest.mark.skipif(estimators.VERSION < (1, 8), reason="it cannot make the file")
def test_a_constant_is_of_the_type_of_the_data_before_1_8(monkeypatch):
    rows = np.c_[np.full(estimators.COUNT, np.nan), estimators.HOLES]
    kept = SimpleImputer(strategy="constant", fill_value=-1.0).fit(estimators.HOLES)
    dropping = SimpleImputer(strategy="constant", fill_value=-1.0).fit(rows)
    parts = [dump_parts(imputer) for imputer in (kept, dropping)]
    as_version(monkeypatch, "1.7.2")
    assert load_parts(parts[0]).statistics_.dtype == np.float64
    with pytest.raises(InvalidArtifactError, match="statistics_: drops columns, which this version does not"):
        load_parts(parts[1])


def test_the_exponential_function_is_no_activation_before_1_7(monkeypatch):
    net = fitted(MLPRegressor(hidden_layer_sizes=(4,), max_iter=2), y=estimators.TARGET)
    parts = altered(dump_parts(net), b'"out_activation_":"identity"', b'"out_activation_":"exp"')
    as_version(monkeypatch, "1.6.1")
    with pytest.raises(InvalidArtifactError, match="this version of scikit-learn has no 'exp'"):
        load_parts(parts)
