"""Every estimator of scikit-learn, and what is made of them, comes back the same; a table says so.

``MAAS_WRITE_TABLES=1 pytest tests/serialization/test_every_estimator.py`` writes the table anew.
"""

import copy
import dataclasses
import os
from collections import Counter
from pathlib import Path

import estimators
import numpy as np
import pytest

from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.serialization._table import TABLE

TABLE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "estimators.md"
NOT_KEPT: dict[str, str] = {}
"""Estimators without a serialization, each with its reason."""
VARIANTS = {name: make for name, make in estimators.variants().items() if name not in NOT_KEPT}
# PassiveAggressive* are deprecated, and are still read and written.
pytestmark = pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")


def each_case():
    for name in estimators.NAMES:
        if name not in NOT_KEPT:
            yield pytest.param(lambda name=name: estimators.natural(name), id=name)
    for name, make in VARIANTS.items():
        yield pytest.param(make, id=name)


CASES = list(each_case())


def fresh(make):
    """Give a case with an estimator that nobody has asked yet: predictions of some alter their parameters."""
    case = make()
    return dataclasses.replace(case, estimator=copy.deepcopy(case.estimator))


@pytest.mark.parametrize("make", CASES)
def test_it_says_the_same_after_a_round_trip(make):
    case = fresh(make)
    expected = estimators.answers(case.estimator, case.rows)
    assert expected
    parts = dump_parts(case.estimator)
    loaded = load_parts(parts)
    assert type(loaded) is type(case.estimator)
    assert dump_parts(loaded) == parts  # before it is asked
    assert estimators.same(expected, estimators.answers(loaded, case.rows)) == []
    given, kept = attributes(case.estimator), attributes(loaded)
    assert set(given) - set(kept) <= records_of(case.estimator)
    assert estimators.same({name: given[name] for name in kept if name in given}, kept) == []


def attributes(estimator):
    """Give the public fitted attributes, but for arrays of estimators, which are asked for their answers."""
    with estimators.quietly():
        return {
            name: value
            for name, value in estimators.attributes(estimator).items()
            if not any(hasattr(item, "get_params") for item in np.ravel(value)[:1])
        }


def records_of(estimator):
    """Give what training has written down about itself, which is kept when it is asked for."""
    spec = TABLE[f"sklearn.{type(estimator).__name__}"]
    return {name for name, entry in spec.fitted_fields().items() if entry.kept == "training"}


@pytest.mark.parametrize("make", CASES)
def test_an_inference_file_predicts_the_same_or_raises(make):
    case = fresh(make)
    parts = dump_parts(case.estimator, profile="inference", zstd=True)
    loaded = load_parts(parts)
    assert dump_parts(loaded, profile="inference", zstd=True) == parts
    again = load_parts(dump_parts(loaded))  # in the full profile, with what there is
    assert dump_parts(again, profile="inference", zstd=True) == parts
    assert len(parts["model.json"]) <= len(dump_parts(case.estimator)["model.json"]) + 20
    asked = [*estimators.QUESTIONS, "inverse_transform"]
    expected = estimators.answers(case.estimator, case.rows)
    given = estimators.answers(loaded, case.rows)
    for name in asked:
        if name in expected:
            assert estimators.same({name: expected[name]}, {name: given.get(name)}) == []


@pytest.mark.parametrize("make", CASES)
def test_what_training_wrote_down_is_kept_when_it_is_asked_for(make):
    case = fresh(make)
    parts = dump_parts(case.estimator, training_state=True)
    loaded = load_parts(parts)
    assert estimators.same(attributes(case.estimator), attributes(loaded)) == []
    assert dump_parts(loaded, training_state=True) == parts


def test_the_table_in_the_documentation_is_that_of_the_tests():
    text = table()
    if os.environ.get("MAAS_WRITE_TABLES"):
        TABLE_FILE.write_text(text, encoding="utf-8")
    assert TABLE_FILE.read_text(encoding="utf-8") == text


def table():
    """Give the page: each estimator, how many cases come back, what is checked of native state."""
    further = Counter(type(make().estimator).__name__ for make in VARIANTS.values())
    kept = [name for name in estimators.NAMES if name not in NOT_KEPT]
    lines = [
        "# Estimators",
        "",
        "Written by `tests/serialization/test_every_estimator.py`, which proves it: each estimator",
        "fitted with its natural options, and in further cases with others, answers bit for bit the same",
        "after a round trip, and is written to the same bytes again, in both profiles.",
        "",
        f"Of the {len(estimators.NAMES)} estimators of scikit-learn, {len(kept)} are kept"
        + ("." if not NOT_KEPT else ", all but those at the end."),
        "",
        "Everywhere, dtypes and shapes must fit each other and the parameters, numbers must be finite",
        "where they must, an attribute must be one that the class has, and parameters are checked by",
        "scikit-learn's own rules and bounded where predictions size memory or loops by them. *Checked",
        "besides* says what is proved of state that compiled code reads or that something is indexed by.",
        "",
        "| estimator | cases | checked besides |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{name}` | {1 + further[name]} | {TABLE[f'sklearn.{name}'].checked} |" for name in kept]
    lines += [f"| `{name}` | — | not kept: {reason} |" for name, reason in NOT_KEPT.items()]
    return "\n".join(lines) + "\n"
