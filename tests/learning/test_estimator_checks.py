"""Every model passes all of scikit-learn's checks, none is expected to fail; a table says how many they are.

``MAAS_WRITE_TABLES=1 pytest tests/learning/test_estimator_checks.py`` writes the table anew.
"""

import os
from collections import Counter
from pathlib import Path

import pytest
import sklearn
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from maas_sdk.learning import (
    SGD,
    Adam,
    GradientDescent,
    HuberLoss,
    LinearRegressor,
    LinearSVMClassifier,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
    RidgeRegressor,
)

TABLE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "estimator-checks.md"
FAST = Adam(learning_rate=0.02)
MODELS = [
    LinearRegressor(),
    LinearRegressor(loss="absolute", alpha=0.01),
    LinearRegressor(loss=HuberLoss(0.5)),
    LinearRegressor(optimizer=SGD(0.05, momentum=0.9), max_iter=100),
    RidgeRegressor(),
    RidgeRegressor(10.0, optimizer=FAST, max_iter=100),
    LogisticClassifier(),
    LogisticClassifier(optimizer=GradientDescent(0.5), max_iter=300),
    LinearSVMClassifier(),
    LinearSVMClassifier(loss="squared_hinge", max_iter=200),
    LinearSVMClassifier(optimizer=FAST, max_iter=100),
    MLPClassifier(),
    MLPClassifier((16,), activation="gelu", optimizer=FAST, max_iter=60),
    MLPClassifier((16,), activation="tanh", optimizer=GradientDescent(0.2), dtype="float64", max_iter=100),
    MLPRegressor(),
    MLPRegressor((16,), loss="absolute", activation="gelu", optimizer=FAST, max_iter=100),
    MLPRegressor((16,), loss="huber", activation="tanh", optimizer=FAST, dtype="float64", max_iter=100),
]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks(MODELS)
def test_scikit_learns_check_passes(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # or one of them would be skipped
    check(estimator)


def test_each_model_is_checked_as_it_comes():
    with_defaults = [type(model).__name__ for model in MODELS if repr(model) == f"{type(model).__name__}()"]
    assert sorted(with_defaults) == sorted({type(model).__name__ for model in MODELS})


def test_the_table_in_the_documentation_is_that_of_the_tests():
    text = table()
    if os.environ.get("MAAS_WRITE_TABLES"):
        TABLE_FILE.write_text(text, encoding="utf-8")
    assert TABLE_FILE.read_text(encoding="utf-8") == text


def table():
    """Give the page: each model with its options, and how many checks there are for it."""
    version = ".".join(sklearn.__version__.split(".")[:2])
    counts = [len(list(estimator_checks_generator(model))) for model in MODELS]
    classes = Counter(type(model).__name__ for model in MODELS)
    return "\n".join(
        [
            "# Estimator checks",
            "",
            "Written by `tests/learning/test_estimator_checks.py`, which runs them: all checks that",
            f"scikit-learn {version} has for an estimator of its kind, with no failure expected and none",
            "skipped. Among them: a weighted row is a row that is repeated, features and labels are checked,",
            "predictions do not depend on what else is asked for, an estimator can be cloned, pickled and",
            "fitted again.",
            "",
            f"{sum(counts)} checks of {len(classes)} models pass.",
            "",
            "| model | options | checks passed |",
            "| --- | --- | --- |",
            *(
                f"| `{type(model).__name__}` | {options(model)} | {count} |"
                for model, count in zip(MODELS, counts, strict=True)
            ),
            "",
        ]
    )


def options(model):
    """Give the options that are no defaults."""
    defaults = type(model)().get_params(deep=False)
    given = {name: value for name, value in model.get_params(deep=False).items() if value != defaults[name]}
    return ", ".join(f"`{name}={shortly(value)}`" for name, value in given.items()) or "defaults"


def shortly(value):
    """Give what an optimizer or a loss is called, and others as they are."""
    return repr(value) if isinstance(value, str | int | float | tuple) else type(value).__name__
