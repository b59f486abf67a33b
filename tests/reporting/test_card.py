"""The model card: complete, honest about gaps, escaped, the same each time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from maas_sdk.compression import Budget, Candidate, Float16Compressor, compress
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import evaluate
from maas_sdk.reporting import ModelCard, Step, bar_chart, describe_chain

RNG = np.random.default_rng(2)
X = RNG.normal(size=(90, 4))
Y = np.array(["<ham>", "spam", "eggs"])[RNG.integers(0, 3, 90)]
CHAIN = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=2.0))]).fit(X, Y)
BASE = {"name": "acme/mail", "version": "1.0.0", "publisher": "Acme", "created": "2026-11-23T22:00:00Z"}
CALIBRATION = {
    "mean_predicted": [0.5], "observed": [0.4], "expected_error": 0.1, "maximum_error": 0.1, "brier": 0.2,
}  # fmt: skip
EVIL = (
    "<script>alert(1)</script> & \"quoted\" 'x' [link](javascript:alert) | `code` *bold* ![i](http://x/y.png)"
)


def card(**options):
    return ModelCard(**{**BASE, "model": CHAIN, **options})


def full_card():
    report = compress(
        CHAIN,
        X,
        Y,
        budget=Budget(max_drop=0.1),
        candidates=[Candidate("float16", Float16Compressor())],
        measure_size=lambda chain: 1000 if chain is CHAIN else 500,
    )
    return card(
        intended_use="Sorting mail.\n\nNothing else.",
        limitations="English only.",
        training_shape=(90, 4),
        evaluation=evaluate(CHAIN, X, Y),
        compression=report,
        components={"maas-sdk": "0.1.0", "scikit-learn": "1.9.1"},
        privacy={
            "epsilon": 3.98765,
            "delta": 1e-5,
            "reasons": [],
            "public": ["classes"],
            "noise_multiplier": 1.1,
            "max_grad_norm": 1.0,
            "n_steps": 304,
            "sampling_rate": 0.15,
        },
        self_test={"rows": 8, "tolerance": 1e-6},
    )


class Page(HTMLParser):
    """Collects tags and attributes, and checks that what is opened is closed."""

    EMPTY = frozenset({"meta", "rect", "br"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_each_section_says_what_was_given_in_both_formats():
    for text in (full_card().to_markdown(), "".join(Page(full_card().to_html()).text)):
        for expected in (
            "acme/mail 1.0.0",
            "Published by Acme on 2026-11-23T22:00:00Z",
            "Nothing else.",
            "English only.",
            "sklearn.LogisticRegression",
            "C=2.0",
            "accuracy",
            "float16",
            "size 1.00 kB → 500 B (2.00 times smaller)",
            "3.988 at δ = 1e-05",
            "classes",
            "tolerance",
            "scikit-learn",
        ):
            assert expected in text
        assert "Not stated." not in text


def test_what_is_not_given_is_said_to_be_not_stated_in_each_section():
    assert card().to_markdown().count("Not stated.") == 8
    assert card().to_html().count("Not stated.") == 8


def test_the_page_loads_nothing_and_runs_nothing():
    page = Page(full_card().to_html())
    assert not {"script", "link", "img", "iframe", "object", "form", "a", "base"} & set(page.tags)
    assert not {"src", "href", "srcset", "onload", "onclick", "xlink:href"} & {n for n, _ in page.attributes}
    html = full_card().to_html()
    assert not re.search(r"url\(|@import|https?:", html)
    assert "default-src 'none'" in html


def test_text_of_others_stays_text_in_the_page():
    html = card(
        name=EVIL,
        publisher=EVIL,
        intended_use=EVIL,
        components={EVIL: EVIL},
        self_test={EVIL: EVIL},
        evaluation={
            "metrics": {EVIL: 0.5},
            "roc": {"x": [0, 1], "y": [0, 1], "area": 0.5, "x_label": EVIL, "y_label": EVIL},
            "residuals": {"quantiles": {"0.5": 1}, "bins": []},
            "labels": [EVIL, "b"],
            "confusion": [[1, 0], [0, 1]],
            "per_class": [{"label": EVIL, "precision": 1, "recall": 1, "f1": 1, "support": 1}],
        },
        compression={"chosen": EVIL, "gained": EVIL, "budget": {"metric": EVIL}, "results": []},
        model=(Step(EVIL, EVIL, {EVIL: EVIL}),),
    ).to_html()
    page = Page(html)
    assert not {"script", "img", "a"} & set(page.tags)
    assert html.count("&lt;script&gt;") >= 15


def test_text_of_others_stays_text_in_markdown():
    text = card(
        intended_use=f"{EVIL}\n# no heading\n- no item\n1. no number", publisher="a|b\nc"
    ).to_markdown()
    lines = text.splitlines()
    assert "<script" not in text.replace("\\<script", "")
    assert "\\[link\\]" in text
    assert "a\\|b c" in text
    for line in ("\\# no heading\\", "\\- no item\\", "1\\. no number"):
        assert line in lines
    assert sum(line.startswith("#") for line in lines) == 10  # the title and nine sections


SAME = """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from maas_sdk.reporting import ModelCard

def double(X):
    return 2 * X

last = LogisticRegression(class_weight={0: 2})
chain = Pipeline([("f", FunctionTransformer(double)), ("m", last)])
card = ModelCard(name="a/b", version="1", publisher="a", created="now", model=chain)
text = card.to_html() + card.to_markdown()
"""


def test_the_same_card_gives_the_same_bytes_in_another_process():
    here = {}
    exec(SAME, here)
    program = f"{SAME}\nimport sys\nsys.stdout.buffer.write(text.encode())"
    there = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    assert there == here["text"].encode()
    assert b"func=double" in there
    assert b" at 0x" not in there


def test_every_table_of_a_full_card_is_there():
    assert full_card().to_html().count("<table") == 5


def test_a_confusion_matrix_becomes_a_heat_table_and_scores_become_bars():
    html = full_card().to_html()
    assert "&lt;ham&gt;" in html
    assert html.count('class="bar"') == 3
    cells = re.findall(r"--share:([\d.]+)", html)
    assert cells
    assert all(0 < float(share) <= 1 for share in cells)


def test_many_classes_become_their_worst_and_most_frequent_mistakes():
    labels = list(range(50))
    confusion = np.eye(50, dtype=int) * 5
    confusion[7, 8] = 4
    rows = [
        {"label": n, "precision": 1.0, "recall": 1.0, "f1": 0.1 if n == 49 else 0.9, "support": 5}
        for n in labels
    ]
    evaluation = {
        "n_samples": 254,
        "metrics": {},
        "labels": labels,
        "confusion": confusion.tolist(),
        "per_class": rows,
    }
    text = card(evaluation=evaluation).to_markdown()
    assert "most frequent mistakes of 50 classes" in text
    assert "| 7 | 8 | 4 |" in text
    assert "| 49 | 1.0000 | 1.0000 | 0.1000 | 5 |" in text
    assert 'class="heat"' not in card(evaluation=evaluation).to_html()


def test_a_regressor_has_metrics_residuals_and_no_classes():
    chain = Pipeline([("model", Ridge())]).fit(X, X[:, 0])
    whole = card(model=chain, evaluation=evaluate(chain, X, X[:, 0]))
    text = whole.to_markdown()
    assert "| r2 |" in text
    assert "| quantile of true - predicted |" in text
    assert "Confusion" not in text
    html = whole.to_html()
    Page(html)
    assert "Mean residual by prediction" in html
    few = card(model=chain, evaluation=evaluate(chain, X[:12], X[:12, 0])).to_html()
    assert "quantile of true - predicted" in few
    assert "Mean residual" not in few


def test_intervals_calibration_and_curves_are_shown_where_there_are_any():
    two = Pipeline([("model", LogisticRegression())]).fit(X, X[:, 0] > 0)
    evaluation = evaluate(two, X, X[:, 0] > 0.3, confidence=0.9, n_resamples=50, random_state=0)
    whole = card(model=two, evaluation=evaluation)
    html, interval = whole.to_html(), evaluation.intervals["brier"]
    page = Page(html)
    for text in (whole.to_markdown(), "".join(page.text)):
        assert "90 % interval" in text
        assert f"{interval.low:.4f} to {interval.high:.4f}" in text
        assert "expected calibration error" in text
    titles = [value for name, value in page.attributes if name == "aria-label"]
    assert [title.split(":")[0] for title in titles] == [
        "F1 by class", "Calibration", "ROC curve", "Precision and recall",
    ]  # fmt: skip
    assert f"area {evaluation.roc.area:.4f}" in titles[2]
    assert not re.search(r"url\(|https?:", html)
    assert "interval" not in card(model=two, evaluation=evaluate(two, X, X[:, 0] > 0.3)).to_markdown()
    json.dumps(whole.to_dict(), allow_nan=False)


def test_an_interval_that_is_missing_is_a_dash():
    evaluation = {
        "metrics": {"mae": 1.0, "max_error": 2.0},
        "intervals": {"mae": {"low": 0.5, "high": 1.5, "level": 0.95}},
    }
    assert "| max_error | 2.0000 | - |" in card(evaluation=evaluation).to_markdown()


def test_weights_and_several_labels_have_their_own_tables():
    weighted = evaluate(CHAIN, X, Y, sample_weight=np.full(90, 1.5))
    text = card(evaluation=weighted).to_markdown()
    assert f"{weighted.per_class[0].support:,}" in text
    assert f"| {weighted.confusion[0, 0]:.4g} |" in text.replace(".0 |", " |")
    labels = np.c_[X[:, 0] > 0, X[:, 1] > 0].astype(int)
    several = KNeighborsClassifier().fit(X, labels)
    text = card(model=several, evaluation=evaluate(several, X, labels)).to_markdown()
    assert "| label | precision |" in text
    assert "| hamming_loss |" in text
    assert "Confusion" not in text


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": ""}, "name"),
        ({"version": None}, "version"),
        ({"intended_use": " "}, "intended_use"),
        ({"training_shape": (1, 2, 3)}, "training_shape"),
        ({"training_shape": (-1, 2)}, "training_shape"),
        ({"training_shape": 5}, "training_shape"),
        ({"evaluation": 0.9}, "evaluation"),
        ({"evaluation": {"accuracy": 0.9}}, "metrics"),
        ({"evaluation": {"metrics": {"accuracy": "high"}}}, "metrics"),
        ({"evaluation": {"metrics": {}, "labels": ["a"], "confusion": [[1, 2]]}}, "confusion"),
        ({"evaluation": {"metrics": {}, "per_class": [{"label": "a"}]}}, "per_class"),
        ({"evaluation": {"metrics": {}, "intervals": {"a": {"low": 0.0}}}}, "intervals"),
        ({"evaluation": {"metrics": {}, "intervals": {"a": [0, 1]}}}, "intervals"),
        ({"evaluation": {"metrics": {}, "intervals": [0, 1]}}, "intervals"),
        ({"evaluation": {"metrics": {}, "calibration": {**CALIBRATION, "brier": "low"}}}, "calibration"),
        ({"evaluation": {"metrics": {}, "calibration": {**CALIBRATION, "observed": [1, 2]}}}, "calibration"),
        ({"evaluation": {"metrics": {}, "calibration": [1]}}, "calibration"),
        ({"evaluation": {"metrics": {}, "roc": {"x": [0], "y": [1], "area": 1}}}, "roc"),
        ({"evaluation": {"metrics": {}, "precision_recall": {"x": 0}}}, "precision_recall"),
        ({"evaluation": {"metrics": {}, "residuals": {}}}, "residuals"),
        ({"evaluation": {"metrics": {}, "residuals": {"quantiles": {"half": 1.0}}}}, "residuals"),
        ({"evaluation": {"metrics": {}, "residuals": {"quantiles": {}, "bins": [[1, 2]]}}}, "residuals"),
        ({"compression": "yes"}, "compression"),
        ({"components": ["numpy"]}, "components"),
    ],
)
def test_a_wrong_field_is_refused_by_name(options, named):
    with pytest.raises(InvalidOptionError, match=named):
        card(**options)


def test_a_card_is_plain_data_and_shows_in_a_frame_of_its_own():
    data = json.loads(json.dumps(full_card().to_dict()))
    assert data["model"][1]["options"] == {"C": "2.0"}
    assert data["compression"]["chosen"] == "float16"
    assert full_card()._repr_html_().startswith("<iframe sandbox srcdoc=")


def test_a_chain_is_described_by_what_differs_from_the_defaults():
    chain = Pipeline(
        [
            ("f", FunctionTransformer(np.log1p)),
            ("skip", "passthrough"),
            ("m", LogisticRegression(C=np.float64(3.0), class_weight={"a": 1}, solver="saga")),
            ("vote", VotingClassifier([("line", Ridge())], weights=np.ones(1))),
        ]
    )
    assert [(step.estimator, step.options) for step in describe_chain(chain)] == [
        ("sklearn.FunctionTransformer", {"func": "log1p"}),
        ("passthrough", {}),
        ("sklearn.LogisticRegression", {"C": "3.0", "class_weight": "{'a': 1}", "solver": "'saga'"}),
        ("sklearn.VotingClassifier", {"estimators": "(('line', Ridge),)", "weights": "array of shape (1,)"}),
    ]
    [alone] = describe_chain(object())
    assert (alone.name, alone.estimator, alone.options) == ("model", "builtins.object", {})


def test_long_options_are_cut_and_sequences_are_told_alike():
    long = Pipeline([("m", LogisticRegression(class_weight=dict.fromkeys(range(100), 1)))])
    [step] = describe_chain(long)
    assert len(step.options["class_weight"]) == 60
    assert step.options["class_weight"].endswith("…")


def test_bars_stay_on_their_scale():
    svg = bar_chart("<t>", [("over", 1.5), ("under", -1.0), ("nothing", float("nan")), ("long" * 20, 0.5)])
    widths = [float(width) for width in re.findall(r'class="bar"[^>]* width="([\d.]+)"', svg)]
    assert widths[0] == max(widths) == 2 * widths[3]
    assert widths[1] == widths[2] == 0
    assert "&lt;t&gt;" in svg
    assert bar_chart("empty", []).endswith("</svg>")
