"""What a file may not do, whoever made it: each alteration is refused, or the model still answers."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import BayesianRidge, LogisticRegression, Ridge, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk import learning
from maas_sdk.errors import InvalidArtifactError, LimitExceededError, UnsupportedModelError
from maas_sdk.limits import Limits
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = RNG.integers(0, 3, 60)
FILE = "tensors/000.safetensors"
MUTANTS = Path(__file__).with_name("mutants.py")


@pytest.mark.parametrize(
    "models",
    [
        ["tree", "forest", "forest regressor", "boosting", "histogram"],
        ["linear", "ridge", "tweedie", "dummy", "network", "own network", "own linear"],
    ],
)
def test_mutants_are_refused_or_predict_and_never_end_the_process(models):
    run = subprocess.run(
        [sys.executable, str(MUTANTS), "150", "4", *models],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    results = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert [result["model"] for result in results] == models
    for result in results:
        assert result["else"] == []
        assert result["refused"] > 10
        assert result["predicted"] > 0


def altered(estimator, *, arrays=(), document=None):
    """Dump, replace arrays by name, let `document` change the JSON, load."""
    parts = dump_parts(estimator)
    tensors = {
        name: value for name, value in read_tensors(parts[FILE]).items() if not name.startswith(".pad")
    }
    for name, change in dict(arrays).items():
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
    data = json.loads(parts["model.json"])
    if document is not None:
        document(data["model"])
    return load_parts({**parts, "model.json": json.dumps(data).encode(), FILE: write_tensors(tensors)})


def put(index, value):
    def change(array):
        array = array.astype(np.int64) if array.dtype.kind == "i" else array.copy()
        array[index] = value
        return array

    return change


def chain(n_nodes):
    """Give a tree of the greatest depth: every left child is a leaf."""
    left = np.full(n_nodes, -1)
    right = left.copy()
    left[0 : n_nodes - 1 : 2] = np.arange(1, n_nodes, 2)
    right[0 : n_nodes - 1 : 2] = np.arange(2, n_nodes, 2)
    return left, right


TREE = DecisionTreeClassifier(max_depth=3).fit(X, Y)
FOREST = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, Y)
HISTOGRAM = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5).fit(X, Y)


@pytest.mark.parametrize(
    ("column", "change", "path"),
    [
        ("left_child", put(0, 0), "left_child"),
        ("left_child", put(0, 10**6), "left_child"),
        ("left_child", put(0, -3), "left_child"),
        ("right_child", put(0, 1), "left_child"),
        ("right_child", put(0, -1), "right_child"),
        ("feature", put(0, 4), "feature"),
        ("feature", put(0, -2), "feature"),
        ("feature", put(-1, 0), "feature"),
        ("threshold", put(0, np.nan), "threshold"),
        ("threshold", put(-1, 0.5), "threshold"),
        ("n_node_samples", put(1, 0), "n_node_samples"),
        ("missing_go_to_left", put(-1, True), "missing_go_to_left"),
        ("value", put((0, 0, 0), np.inf), "value"),
        ("value", lambda value: value[:, :, :-1], "n_classes_"),
        ("impurity", put(0, np.nan), "impurity"),
        ("impurity", lambda values: values[:-1], "impurity"),
        ("node_count", lambda counts: counts - 1, "node_count"),
        ("node_count", lambda counts: counts[:0], "trees"),
    ],
)
def test_a_tree_that_is_none_is_refused_with_its_column(column, change, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(TREE, arrays={f"trees.{column}": change})
    assert path in caught.value.path


@pytest.mark.parametrize("counts", [[1, 1, -1], [2**40, 1, 1], [5, 5], [0, 5, 5]])
def test_nodes_that_no_tree_or_two_trees_claim_are_refused(counts):
    with pytest.raises(InvalidArtifactError):
        altered(FOREST, arrays={"trees.node_count": lambda _: np.array(counts)})


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("left", put(0, 0)),
        ("left", lambda column: np.where(np.arange(column.size) == 1, 10**6, column)),
        ("feature_idx", put(0, 4)),
        ("feature_idx", put(0, -1)),
        ("num_threshold", put(0, np.nan)),
        ("missing_go_to_left", put(0, 2)),
        ("value", put(0, np.nan)),
        ("node_count", lambda counts: counts[:-1]),
    ],
)
def test_histogram_trees_that_are_none_are_refused(column, change):
    with pytest.raises(InvalidArtifactError):
        altered(HISTOGRAM, arrays={f"trees.{column}": change})


def test_categories_that_no_writer_of_ours_writes_are_refused():
    with pytest.raises(InvalidArtifactError, match="categorical"):
        altered(HISTOGRAM, arrays={"is_categorical": lambda flags: ~flags})


@pytest.mark.parametrize("estimator", [HISTOGRAM, GradientBoostingClassifier(n_estimators=2).fit(X, Y)])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_boosting_with_another_number_of_scores_is_refused(estimator, number):
    with pytest.raises(InvalidArtifactError):
        altered(
            estimator,
            arrays={"_baseline_prediction": lambda guess: guess[:, [0] * number]}
            if estimator is HISTOGRAM
            else {},
            document=lambda model: model["state"].update(n_trees_per_iteration_=number),
        )


@pytest.mark.parametrize("estimator", [HISTOGRAM, GradientBoostingClassifier(n_estimators=2).fit(X, Y)])
def test_boosting_with_an_incomplete_iteration_is_refused(estimator):
    def drop_last(column):
        return column[: -LAST[0]] if column.shape[0] != LAST[1] else column[:-1]

    counts = read_tensors(dump_parts(estimator)[FILE])["trees.node_count"]
    LAST = (int(counts[-1]), counts.size)
    names = [name for name in read_tensors(dump_parts(estimator)[FILE]) if name.startswith("trees.")]
    with pytest.raises(InvalidArtifactError, match="incomplete iteration"):
        altered(estimator, arrays=dict.fromkeys(names, drop_last))


def test_boosting_on_a_first_guess_of_other_classes_is_refused():
    def swap(model):
        model["state"]["init_"]["state"]["n_classes_"] = 2

    estimator = GradientBoostingClassifier(n_estimators=2).fit(X, Y)
    with pytest.raises(InvalidArtifactError, match="init_"):
        altered(estimator, document=swap)
    other = GradientBoostingRegressor(n_estimators=2).fit(X, Y)
    with pytest.raises(InvalidArtifactError, match="init_"):
        altered(
            other,
            arrays={"init_.constant_": lambda value: np.c_[value, value]},
            document=lambda model: model["state"]["init_"]["state"].update(n_outputs_=2),
        )


def test_a_chain_of_a_million_nodes_takes_no_time():
    n_nodes = 1_000_001
    left, right = chain(n_nodes)
    leaf = left == -1
    columns = {
        "node_count": np.array([n_nodes]),
        "left_child": left,
        "right_child": right,
        "feature": np.where(leaf, -2, 0),
        "threshold": np.where(leaf, -2.0, 0.0),
        "impurity": np.zeros(n_nodes),
        "n_node_samples": np.ones(n_nodes, np.int64),
        "weighted_n_node_samples": np.ones(n_nodes),
        "missing_go_to_left": np.zeros(n_nodes, np.bool_),
        "value": np.zeros((n_nodes, 1, 3)),
    }
    arrays = {f"trees.{name}": lambda _, column=column: column for name, column in columns.items()}
    assert altered(TREE, arrays=arrays).get_depth() == 500_000


LINEAR = LogisticRegression().fit(X, Y)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    NETWORK = MLPClassifier((5, 3), max_iter=3).fit(X, Y)
    OWN = learning.MLPClassifier((5, 3), max_iter=3).fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "edit", "path"),
    [
        (LINEAR, lambda model: model["state"].update(predict=1), "predict"),
        (LINEAR, lambda model: model["state"].update(__class__="x"), "__class__"),
        (LINEAR, lambda model: model["state"].pop("coef_"), "coef_"),
        (LINEAR, lambda model: model["params"].update(os="x"), "os"),
        (LINEAR, lambda model: model["params"].update(C="x"), "the model"),
        (LINEAR, lambda model: model["params"].update(C={"type": "sklearn.Ridge"}), "C"),
        (LINEAR, lambda model: model.update(type="os.system"), "the model"),
        (LINEAR, lambda model: model.update(type=["x"]), "the model"),
        (LINEAR, lambda model: model.update(extra=1), "the model"),
        (LINEAR, lambda model: model.update(state=None), "the model"),
        (LINEAR, lambda model: model["state"].update(n_features_in_=True), "n_features_in_"),
        (LINEAR, lambda model: model["state"].update(n_features_in_=0), "n_features_in_"),
        (LINEAR, lambda model: model["state"].update(n_features_in_=5), "coef_"),
        (LINEAR, lambda model: model["state"].update(_sklearn_output_config=5), "_sklearn_output_config"),
        (
            LINEAR,
            lambda model: model["state"].update(_sklearn_output_config={"dict": [["transform", "x"]]}),
            "_sklearn_output_config",
        ),
        (LINEAR, lambda model: model["state"]["coef_"].update(dtype="int64"), "coef_"),
        (LINEAR, lambda model: model["state"]["coef_"].update(dtype="float16"), "coef_"),
        (LINEAR, lambda model: model["state"]["coef_"].update(dtype="object"), "coef_"),
        (LINEAR, lambda model: model["state"]["coef_"].update(order="G"), "coef_"),
        (LINEAR, lambda model: model["state"]["coef_"].update(tensor="intercept_"), "intercept_"),
        (LINEAR, lambda model: model["state"]["coef_"].update(tensor=5), "coef_"),
        (LINEAR, lambda model: model["state"]["coef_"].update(file=1), "coef_"),
        (LINEAR, lambda model: model["state"]["coef_"].update(file="x"), "coef_"),
        (NETWORK, lambda model: model["state"].update(n_layers_=5), "n_layers_"),
        (NETWORK, lambda model: model["state"].update(out_activation_="x"), "out_activation_"),
        (NETWORK, lambda model: model["state"].update(coefs_=5), "coefs_"),
        (NETWORK, lambda model: model["state"].update(loss_={"float": "x"}), "loss_"),
        (NETWORK, lambda model: model["state"].update(loss_="x"), "loss_"),
        (LINEAR, lambda model: model["state"].update(intercept_=None), "intercept_"),
        (Ridge().fit(X, Y), lambda model: model["state"].update(intercept_=None), "intercept_"),
        (BayesianRidge().fit(X, Y), lambda model: model["state"].update(alpha_={"float": "inf"}), "alpha_"),
        (BayesianRidge().fit(X, Y), lambda model: model["state"].update(alpha_="x"), "alpha_"),
        (LINEAR, lambda model: model["state"].update(classes_=None), "classes_"),
        (LINEAR, lambda model: model["state"].update(coef_=None), "coef_"),
        (NETWORK, lambda model: model["state"].update(n_outputs_=2), "coefs_"),
        (NETWORK, lambda model: model["state"].update(_label_binarizer=1), "_label_binarizer"),
        (
            NETWORK,
            lambda model: model["state"]["_label_binarizer"]["state"].update(y_type_="binary"),
            "_label_binarizer",
        ),
        (
            NETWORK,
            lambda model: model["state"]["_label_binarizer"]["state"].update(sparse_input_=True),
            "_label_binarizer.sparse_input_",
        ),
        (
            NETWORK,
            lambda model: model["state"]["_label_binarizer"]["state"].update(sparse_input_=1),
            "_label_binarizer.sparse_input_",
        ),
        (OWN, lambda model: model["params"].update(activation="os.system"), "activation"),
        (OWN, lambda model: model["params"].update(optimizer=5), ""),
        (FOREST, lambda model: model["params"].update(n_jobs=10**6), "n_jobs"),
        (FOREST, lambda model: model["params"].update(n_jobs=0), "n_jobs"),
        (FOREST, lambda model: model["params"].update(n_estimators=0), ""),
        (FOREST, lambda model: model["state"].update(trees=1), "trees"),
        (FOREST, lambda model: model["state"].update(trees_random_state=[1, 2, -3]), "trees_random_state[2]"),
        (FOREST, lambda model: model["state"].update(trees_random_state=[1]), "trees_random_state"),
        (FOREST, lambda model: model["state"].update(n_outputs_=2), ""),
    ],
)
def test_a_document_that_says_what_cannot_be_is_refused_with_its_path(estimator, edit, path):
    if path == "" and estimator is OWN:
        assert altered(estimator, document=edit).optimizer == 5  # no prediction asks for it
        return
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, document=edit)
    assert path in caught.value.path or path in str(caught.value)


@pytest.mark.parametrize(
    ("estimator", "arrays", "path"),
    [
        (LINEAR, {"coef_": put((0, 0), np.nan)}, "coef_"),
        (LINEAR, {"coef_": lambda coef: coef[0]}, "coef_"),
        (LINEAR, {"intercept_": lambda values: values[:2]}, "intercept_"),
        (LINEAR, {"classes_": lambda values: values[:1]}, "classes_"),
        (OWN, {"coefs_[1]": lambda coef: coef.T}, "coefs_[1]"),
        (OWN, {"coefs_[1]": lambda coef: coef.astype(np.float16)}, ""),
        (OWN, {"intercepts_[0]": lambda values: values[:-1]}, "coefs_[0]"),
        (Ridge().fit(X, np.c_[Y, Y]), {"intercept_": lambda values: values[:1]}, "intercept_"),
        (RidgeClassifier().fit(X, Y), {"coef_": lambda coef: coef[:2]}, "coef_"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused_with_their_path(estimator, arrays, path):
    if not path:
        assert altered(estimator, arrays=arrays).coefs_[1].dtype == np.float32
        return
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, arrays=arrays)
    assert path in caught.value.path


def test_layers_of_two_dtypes_are_refused():
    def narrow(model):
        model["state"]["coefs_"][1]["dtype"] = "float64"

    with pytest.raises(InvalidArtifactError, match="dtypes"):
        altered(OWN, document=narrow)


def test_a_first_guess_has_a_probability_for_each_label_and_the_strategy_of_its_parameters():
    one, two = DummyClassifier().fit(X, Y), DummyClassifier().fit(X, np.c_[Y, Y])
    constant = DummyClassifier(strategy="constant", constant=1).fit(X, Y)
    assert altered(constant).predict(X).tolist() == [1] * 60
    prior = {"dtype": "float64", "file": 0, "tensor": "class_prior_"}
    for estimator, arrays, edit, path in (
        (one, {"class_prior_": lambda prior: prior * 2}, None, "class_prior_"),
        (one, {"class_prior_": lambda prior: prior - 1}, None, "class_prior_"),
        (one, {"class_prior_": lambda prior: prior[:2]}, None, ""),
        (two, {"class_prior_[0]": lambda prior: prior[:2]}, None, "class_prior_"),
        (one, {}, lambda model: model["state"].update(class_prior_=[prior]), "class_prior_"),
        (one, {}, lambda model: model["state"].update(sparse_output_=True), "sparse_output_"),
        (one, {}, lambda model: model["state"].update(_strategy="uniform"), "_strategy"),
        (one, {}, lambda model: model["state"].update(n_outputs_=2), "classes_"),
        (one, {}, lambda model: model["state"].update(n_classes_=2), "n_classes_"),
        (one, {}, lambda model: model["state"].update(n_classes_=2.0), "n_classes_"),
        (constant, {}, lambda model: model["params"].update(constant=[1, 1]), "_strategy"),
    ):
        with pytest.raises(InvalidArtifactError) as caught:
            altered(estimator, arrays=arrays, document=edit)
        assert path in caught.value.path


def test_an_own_network_with_two_outputs_for_two_classes_is_refused():
    with pytest.raises(InvalidArtifactError, match="n_outputs_"):
        altered(OWN, arrays={"classes_": lambda labels: labels[:2]})


def test_an_array_that_grows_beyond_the_limit_is_refused():
    parts = dump_parts(StandardScaler().fit(np.zeros((3, 1000))))
    with pytest.raises(LimitExceededError, match="8000 bytes"):
        load_parts(parts, limits=Limits(max_array_bytes=4000))


def test_scalers_have_what_their_parameters_promise():
    with pytest.raises(InvalidArtifactError, match=r"mean_.*with_mean"):
        altered(
            StandardScaler(with_mean=False).fit(X),
            document=lambda model: (
                model["params"].update(with_mean=True),
                model["state"].update(mean_=None),
            ),
        )
    with pytest.raises(InvalidArtifactError, match="feature_range"):
        altered(
            MinMaxScaler().fit(X),
            document=lambda model: model["params"].update(feature_range={"tuple": [0, 1, 2]}),
        )


def test_a_pipeline_that_cannot_run_is_refused():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    parts = dump_parts(pipeline)
    for edit in (
        lambda steps: steps.clear(),
        lambda steps: steps.reverse(),
        lambda steps: steps[0].__setitem__(0, "a__b"),
        lambda steps: steps[0].__setitem__(0, "logisticregression"),
        lambda steps: steps[0].__setitem__(1, "unknown"),
        lambda steps: steps[0].append(1),
        lambda steps: steps[0][1].update(state=None),
    ):
        data = json.loads(parts["model.json"])
        edit(data["model"]["params"]["steps"])
        with pytest.raises(InvalidArtifactError):
            load_parts({**parts, "model.json": json.dumps(data).encode()})
    data["model"]["params"]["steps"] = "x"
    with pytest.raises(InvalidArtifactError):
        load_parts({**parts, "model.json": json.dumps(data).encode()})


def test_a_class_that_this_scikit_learn_lacks_is_named(monkeypatch):
    import sklearn.linear_model

    parts = dump_parts(LINEAR)
    monkeypatch.delattr(sklearn.linear_model, "LogisticRegression")
    with pytest.raises(InvalidArtifactError, match=r"sklearn\.LogisticRegression"):
        load_parts(parts)


def test_sizes_are_bounded_by_the_limits():
    parts = dump_parts(make_pipeline(StandardScaler(), FOREST).fit(X, Y))
    for limits, name in (
        (Limits(max_model_nodes=2), "max_model_nodes"),
        (Limits(max_model_depth=1), "max_model_depth"),
        (Limits(max_tree_nodes=3), "max_tree_nodes"),
        (Limits(max_array_bytes=16), "max_array_bytes"),
        (Limits(max_json_bytes=100), "max_json_bytes"),
        (Limits(max_json_depth=3), "max_json_depth"),
        (Limits(max_parts=2), "max_parts"),
        (Limits(max_part_bytes=100), "max_part_bytes"),
        (Limits(max_release_bytes=100), "max_release_bytes"),
    ):
        with pytest.raises(LimitExceededError, match=name):
            load_parts(parts, limits=limits)
    with pytest.raises(LimitExceededError, match="trees"):
        load_parts(dump_parts(FOREST), limits=Limits(max_model_nodes=2))


def test_nesting_that_python_cannot_follow_is_refused_when_the_limit_allows_it():
    deep = b"[" * 600 + b"]" * 600
    document = b'{"type":"sklearn.Ridge","params":{},"state":{"coef_":' + deep + b"}}"
    with pytest.raises(LimitExceededError, match="deeper"):
        load_parts(
            {"model.json": b'{"format":"maas-model/1","versions":{},"model":' + document + b"}"},
            limits=Limits(max_json_depth=100_000),
        )


def test_a_small_file_cannot_ask_for_much_memory():
    wide = np.array(["x" * 6000, *map(str, range(5999))])
    model = LogisticRegression().fit(X, Y)
    model.classes_, model.coef_, model.intercept_ = wide, np.zeros((6000, 4)), np.zeros(6000)
    with pytest.raises(UnsupportedModelError, match="differ so much in length"):
        dump_parts(model)
    model.classes_ = wide.astype(object)
    parts = dump_parts(model)
    assert load_parts(parts).classes_.tolist() == wide.tolist()
    with pytest.raises(LimitExceededError, match="16 times"):
        load_parts(
            {**parts, "model.json": parts["model.json"].replace(b'"dtype":"object"', b'"dtype":"str"')}
        )
