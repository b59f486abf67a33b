"""The search: what is chosen, what is recorded, and what the report says."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from maas_sdk.compression import Budget, Candidate, Float16Compressor, PCACompressor, compress
from maas_sdk.errors import BudgetError, InvalidOptionError, UnsupportedModelError

RNG = np.random.default_rng(11)
X = RNG.normal(size=(100, 4))
Y = (X[:, 0] > 0).astype(int)


class Fixed(ClassifierMixin, BaseEstimator):
    """A model whose accuracy on labels that are all one, and whose size, are what the test says."""

    def __init__(self, accuracy, size):
        self.accuracy, self.size = accuracy, size
        self.classes_ = np.array([0, 1])

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        labels = np.ones(len(X), dtype=int)
        labels[round(self.accuracy * len(X)) :] = 0
        return labels


class To:
    """Compresses to a `Fixed` model, or raises what it is told."""

    needs_training_data = False

    def __init__(self, accuracy=1.0, size=1, error=None):
        self.accuracy, self.size, self.error = accuracy, size, error

    def supports(self, chain):
        return True

    def compress(self, chain, X=None, y=None):
        if self.error is not None:
            raise self.error
        return fixed(self.accuracy, self.size)


class Never(To):
    def supports(self, chain):
        return False


def fixed(accuracy, size):
    return Pipeline([("model", Fixed(accuracy, size))])


def size_of(chain):
    return chain.steps[-1][1].size


def search(candidates, *, original=(0.9, 100), rows=1000, **bounds):
    return compress(
        fixed(*original),
        np.zeros((rows, 2)),
        np.ones(rows, dtype=int),
        budget=Budget(**bounds),
        candidates=[Candidate(name, compressor) for name, compressor in candidates.items()],
        measure_size=size_of,
    )


def statuses(report):
    return {result.name: result.status for result in report.results}


def test_the_smallest_within_the_drop_is_chosen():
    report = search({"small": To(0.89, 50), "smaller": To(0.88, 20), "too bad": To(0.5, 1)}, max_drop=0.035)
    assert report.chosen.name == "smaller"
    assert size_of(report.chain) == 20
    assert statuses(report) == {
        "original": "within budget",
        "small": "within budget",
        "smaller": "chosen",
        "too bad": "over budget",
    }
    assert report.results[3].reason == "accuracy gets worse by 0.4, allowed 0.035"


def test_of_equal_sizes_the_better_metric_wins_then_the_earlier():
    candidates = {"worse": To(0.89, 20), "better": To(0.9, 20), "later": To(0.9, 20)}
    assert search(candidates, max_drop=0.02).chosen.name == "better"


class Constant(RegressorMixin, BaseEstimator):
    def __init__(self, value):
        self.value = value

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return np.full(len(X), self.value)


def test_a_drop_that_is_exactly_allowed_is_within_the_budget():
    class ToConstant(To):
        def compress(self, chain, X=None, y=None):
            return Pipeline([("model", Constant(0.97))])

    report = compress(
        Pipeline([("model", Constant(0.965))]),
        np.zeros((10, 1)),
        np.zeros(10),
        budget=Budget(metric="mae", max_drop=0.005),
        candidates=[Candidate("edge", ToConstant())],
        measure_size=lambda chain: 2 - (chain[-1].value > 0.966),
    )
    assert 0.97 - 0.965 > 0.005  # as floats go
    assert report.chosen.name == "edge"


def test_the_original_is_chosen_when_nothing_smaller_fits_and_that_is_said():
    report = search({"larger": To(1.0, 200), "same size": To(0.9, 100)})
    assert report.chosen.name == "original"
    assert size_of(report.chain) == 100
    assert report.gained == "nothing: no candidate within the budget is smaller than the original"


def test_a_size_bound_can_exclude_the_original():
    report = search({"small": To(0.9, 50)}, max_size=60)
    assert statuses(report) == {"original": "over budget", "small": "chosen"}
    assert report.results[0].reason == "100 B, allowed 60 B"


def test_when_nothing_fits_the_nearest_miss_is_named_and_the_report_is_in_the_error():
    with pytest.raises(BudgetError, match="nearest miss is 'near': 66 B, allowed 60 B") as caught:
        search({"near": To(0.9, 66), "bad": To(0.1, 10), "broken": To(error=ValueError("x"))}, max_size=60)
    report = caught.value.report
    assert report.chosen is None
    assert report.chain is None
    assert report.gained == "nothing fits the budget"
    assert [result.name for result in report.results] == ["original", "near", "bad", "broken"]


def test_a_latency_bound_that_nothing_meets_is_a_budget_error():
    with pytest.raises(BudgetError, match="for one row") as caught:
        search({"small": To(0.9, 50)}, max_latency=1e-12)
    assert "at most 0.00 µs for one row" in str(caught.value.report)


def test_a_candidate_that_raises_is_recorded_and_the_others_go_on():
    report = search({"broken": To(error=RuntimeError("no luck")), "small": To(0.9, 50)})
    assert report.results[1].status == "failed"
    assert report.results[1].reason == "RuntimeError: no luck"
    assert report.results[1].size is report.results[1].latency is report.results[1].metric is None
    assert report.chosen.name == "small"


def test_a_compressor_that_gives_no_chain_is_recorded_as_failed():
    class Forgetful(To):
        def compress(self, chain, X=None, y=None):
            return None

    report = search({"forgetful": Forgetful()})
    assert report.results[1].status == "failed"
    assert "NoneType" in report.results[1].reason


def test_an_interrupt_passes():
    with pytest.raises(KeyboardInterrupt):
        search({"slow": To(error=KeyboardInterrupt())})


def test_a_compressor_without_a_reason_of_its_own_is_named():
    report = search({"never": Never(), "pca": PCACompressor()})
    assert [(result.status, result.reason) for result in report.results[1:]] == [
        ("not supported", "Never does not take this model"),
        ("not supported", "PCACompressor needs training data"),
    ]


def test_compressors_of_a_candidate_work_one_after_the_other_and_the_first_refusal_ends_it():
    report = search({"both": (To(0.9, 40), To(0.9, 30)), "stops": (To(0.9, 5), Never())})
    assert report.results[1].size == 30
    assert report.results[2].status == "not supported"


def test_names_must_differ_and_candidates_must_be_candidates():
    twice = [Candidate("a", To()), Candidate("a", To())]
    arguments = (fixed(0.9, 1), np.zeros((5, 2)), np.ones(5))
    with pytest.raises(InvalidOptionError, match="more than once: a"):
        compress(*arguments, budget=Budget(), candidates=twice, measure_size=size_of)
    with pytest.raises(InvalidOptionError, match="float16"):
        compress(*arguments, budget=Budget(), candidates=["float16"], measure_size=size_of)


def logistic():
    return Pipeline([("model", LogisticRegression())]).fit(X, Y)


@pytest.mark.parametrize(
    ("X_valid", "y_valid", "metric"),
    [
        (X[:, :2], Y, "accuracy"),
        (X, Y[:5], "accuracy"),
        (X, Y, "acuracy"),
        (X, Y, "max_error"),
        (X[:0], Y[:0], "accuracy"),
        (X[:3], Y[:3], "accuracy"),
        (iter(X), Y, "accuracy"),
    ],
    ids=["features", "lengths", "metric", "not of labels", "no rows", "three rows", "no rows by number"],
)
def test_validation_data_that_cannot_score_the_original_is_an_error_of_ours(X_valid, y_valid, metric):
    with pytest.raises(InvalidOptionError):
        compress(
            logistic(),
            X_valid,
            y_valid,
            budget=Budget(metric=metric),
            candidates=[],
            measure_size=lambda _: 1,
        )


@pytest.mark.filterwarnings("ignore:Only one class")
def test_a_metric_that_is_no_number_here_is_an_error_of_ours():
    one_class = np.flatnonzero(Y)
    arguments = (logistic(), X[one_class], Y[one_class])
    with pytest.raises(InvalidOptionError, match=r"'roc_auc_ovr' on the validation rows: .* has no value"):
        compress(*arguments, budget=Budget(metric="roc_auc_ovr"), candidates=[], measure_size=lambda _: 1)


def test_an_original_that_cannot_be_serialized_says_so_itself():
    def refuse(_chain):
        raise UnsupportedModelError("steps[0]: no safe serialization")

    with pytest.raises(UnsupportedModelError, match=r"steps\[0\]"):
        compress(logistic(), X, Y, budget=Budget(), candidates=[], measure_size=refuse)


def test_frames_lists_and_regressors_are_measured():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    chain = Pipeline([("model", Ridge())]).fit(frame, X[:, 1])
    report = compress(
        chain,
        frame,
        X[:, 1],
        budget=Budget(metric="r2", max_drop=0.001),
        candidates=[Candidate("float16", Float16Compressor())],
        measure_size=lambda _: 10,
    )
    assert report.original.batch_rows == 100
    assert report.original.latency > 0
    listed = compress(
        logistic(), X.tolist(), Y.tolist(), budget=Budget(), candidates=[], measure_size=lambda _: 10
    )
    assert listed.chosen.name == "original"


def test_of_a_loss_less_is_better():
    chain = Pipeline([("model", Ridge())]).fit(X, X[:, 1] * 100)
    chain[-1].coef_ += 0.001
    arguments = (chain, X, X[:, 1] * 100)
    sizes = iter([100, 50] * 2)
    strict = Budget(metric="rmse", max_drop=0.0)
    loose = Budget(metric="rmse", max_drop=10.0)
    candidates = [Candidate("constant", Shrunk())]
    options = {"candidates": candidates, "measure_size": lambda _: next(sizes)}
    assert compress(*arguments, budget=strict, **options).chosen.name == "original"
    report = compress(*arguments, budget=loose, **options)
    assert report.chosen.name == "constant"
    assert report.chosen.metric > report.original.metric > 0


class Shrunk(To):
    def compress(self, chain, X=None, y=None):
        shrunk = copy.deepcopy(chain)
        shrunk[-1].coef_ *= 0.95
        return shrunk


def test_the_report_is_a_table_plain_data_and_escaped_html():
    report = search(
        {"<b>small</b>": To(0.89, 50), "broken": To(error=ValueError("a\nb"))}, max_drop=0.02, max_size=90
    )
    lines = str(report).splitlines()
    assert lines[0] == (
        "Compression: accuracy may get worse by 0.02, at most 90 B; 500 rows choose, 500 others judge; "
        "sizes as the caller measures them"
    )
    assert len({line.index("accuracy") + len("accuracy") for line in lines[1:2]}) == 1
    assert len(lines) == 7  # title, header, rule, three candidates, gained: no cell breaks a line
    assert lines[-1].startswith("gained: size 100 B → 50 B (2.00 times smaller), latency ")
    assert lines[-1].endswith("accuracy 0.9000 → 0.8900 on 500 rows that the search did not use")
    data = json.loads(json.dumps(report.to_dict()))
    assert data["chosen"] == "<b>small</b>"
    assert data["results"][2] == {
        "name": "broken",
        "status": "failed",
        "size": None,
        "latency": None,
        "metric": None,
        "batch_latency": None,
        "batch_rows": None,
        "judged": None,
        "lossless": False,
        "reason": "ValueError: a\nb",
    }
    assert data["results"][1]["judged"] == pytest.approx(
        {"before": 0.9, "after": 0.89, "drop": 0.01, "bound": 0.018}, abs=1e-3
    )
    assert data["front"] == ["<b>small</b>", "original"]
    html = report._repr_html_()
    assert "&lt;b&gt;small&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "<svg" in html
    assert report.chart().startswith("<svg")
