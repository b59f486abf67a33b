"""What a file may not do, whoever made it: each alteration is refused, or the model still answers."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import BayesianRidge, LogisticRegression, Ridge, RidgeClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.random_projection import SparseRandomProjection

from maas_sdk import learning
from maas_sdk.errors import InvalidArtifactError, LimitExceededError, UnsupportedModelError
from maas_sdk.limits import Limits
from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.serialization._spec import Spec
from maas_sdk.serialization._table import TABLE

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = RNG.integers(0, 3, 60)
FILE = "tensors/000.safetensors"
MUTANT_RUNS = Path(__file__).with_name("mutant_runs.py")


def run_mutants(script, *arguments):
    run = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=600, check=False
    )
    assert run.stdout.startswith("{"), run.stderr
    return json.loads(run.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("shard", ["0/2", "1/2"])
def test_mutants_of_every_estimator_are_refused_or_answer_and_do_nothing_else(shard):
    found = run_mutants(MUTANT_RUNS, "--count", "4000", "--seed", "4", "--shard", shard)
    assert found["violations"] == []
    assert found["broken"] == {}
    counts = found["counts"]
    assert min(counts["refused"], counts["answered"]) > 1000
    assert counts.get("raised", 0) < 100


MISDEEDS = """
import ctypes, os, socket, subprocess, sys
sys.path[:0] = [{folder!r}, {here!r}]
import mutant_runs
import numpy as np
if "--case" not in sys.argv:
    mutant_runs.MUTANTS = __file__
    sys.argv += ["--count", "14", "--case", "Ridge"]
    sys.exit(mutant_runs.main())
import mutants

def hang():
    while True:
        pass

def deeper():
    deeper()

def import_what_is_not_allowed():
    import unheard_of

deeds = [
    hang, deeper, import_what_is_not_allowed,
    lambda: ctypes.string_at(0),
    lambda: np.ones(30_000_000),
    lambda: open({here!r} + "/secret"),
    lambda: os.mkdir({here!r} + "/new"),
    lambda: socket.socket(),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: eval("1 + 1"),
    lambda: os._exit(3),
    lambda: 1 / 0,
    lambda: None,
]
deeds = deeds[int(sys.argv[sys.argv.index("--start") + 1]):]

class Model:
    def predict(self, rows):
        deeds.pop(0)()

load_parts, calls = mutants.load_parts, []

def load(parts):
    calls.append(parts)
    return load_parts(parts) if len(calls) <= len(mutants.FORMS) else Model()

mutants.load_parts = load
mutants.main()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, memory is not watched")
def test_whatever_no_mutant_may_do_is_noticed(tmp_path):
    script = tmp_path / "misdeeds.py"
    script.write_text(MISDEEDS.format(folder=str(MUTANT_RUNS.parent), here=str(tmp_path)))
    (tmp_path / "secret").touch()
    (tmp_path / "unheard_of.py").touch()
    found = run_mutants(script)
    assert found["counts"] == {"violation": 12, "raised": 1, "answered": 1}
    assert [
        re.split(r"[ :]", violation["why"][0].removeprefix("predict: "))[0]
        for violation in found["violations"]
    ] == [
        *("hang", "RecursionError", "import", "SIGSEGV", "MemoryError", "open", "os.mkdir", "socket.__new__"),
        *("subprocess.Popen", "os.system", "compile", "exit"),
    ]


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


FOREST = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, Y)


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


def test_a_network_turns_outputs_into_its_own_labels():
    with pytest.raises(InvalidArtifactError, match="other labels"):
        altered(NETWORK, arrays={"_label_binarizer.classes_": lambda labels: labels + 1})


def test_values_that_are_of_another_kind_than_their_attribute_are_refused():
    topics = LatentDirichletAllocation(2, random_state=0).fit(np.abs(X))
    sparse_rows = NearestNeighbors().fit(sparse.csr_matrix(X))
    binned = KBinsDiscretizer(3, encode="ordinal", strategy="uniform").fit(X)
    thin = SparseRandomProjection(2, density=0.5, random_state=0).fit(X)
    columns = make_column_transformer((StandardScaler(), [0, 1])).fit(X)
    begun = GradientBoostingRegressor(n_estimators=2, init=Ridge()).fit(X, Y)
    scaler = {"type": "sklearn.Normalizer", "params": {}, "state": {"n_features_in_": 4}}

    def count(model):
        model["state"]["components_"]["data"]["dtype"] = "int64"

    for estimator, arrays, edit, message in (
        (thin, {"components_.data": lambda data: data.astype(np.int64)}, count, "components_"),
        (columns, {}, lambda model: model["state"].update(output_indices_=5), "expected a mapping"),
        (begun, {}, lambda model: model["state"].update(init_=scaler), "has no predict"),
        (topics, {}, lambda model: model["state"].update(random_state_=5), "expected a random state"),
        (sparse_rows, {}, lambda model: model["state"].update(_fit_X=5), "_fit_X"),
        (sparse_rows, {"_fit_X.data": put(0, np.nan)}, None, "finite"),
        (sparse_rows, {}, lambda model: model["state"]["_fit_X"]["data"].update(dtype="float16"), "_fit_X"),
        (binned, {}, lambda model: model["state"].update(bin_edges_=[1]), "bin_edges_"),
    ):
        with pytest.raises(InvalidArtifactError, match=message):
            altered(estimator, arrays=arrays, document=edit)


def test_a_class_of_a_package_that_is_gone_is_unknown(monkeypatch):
    parts = dump_parts(LINEAR)
    monkeypatch.setitem(
        TABLE, "sklearn.LogisticRegression", Spec("sklearn.LogisticRegression", "sklearn.gone")
    )
    with pytest.raises(InvalidArtifactError, match="is unknown here"):
        load_parts(parts)


def test_a_chain_with_a_step_that_is_not_fitted_is_not_written():
    with pytest.raises(UnsupportedModelError, match="StandardScaler is not fitted"):
        dump_parts(Pipeline([("scale", StandardScaler()), ("model", LINEAR)]))


def test_layers_of_two_dtypes_are_refused():
    def narrow(model):
        model["state"]["coefs_"][1]["dtype"] = "float64"

    with pytest.raises(InvalidArtifactError, match="dtypes"):
        altered(OWN, document=narrow)


def test_a_first_guess_has_a_probability_for_each_label_and_the_strategy_of_its_parameters():
    one, two = DummyClassifier().fit(X, Y), DummyClassifier().fit(X, np.c_[Y, Y])
    constant = DummyClassifier(strategy="constant", constant=1).fit(X, Y)
    words = DummyClassifier().fit(X, np.array(["a", "b", "c"])[Y])
    assert altered(constant).predict(X).tolist() == [1] * 60
    prior = {"dtype": "float64", "file": 0, "tensor": "class_prior_"}
    for estimator, arrays, edit, path in (
        (one, {"class_prior_": lambda prior: prior * 2}, None, "class_prior_"),
        (one, {"class_prior_": lambda prior: prior - 1}, None, "class_prior_"),
        (one, {"class_prior_": lambda prior: prior[:2]}, None, ""),
        (two, {"class_prior_[0]": lambda prior: prior[:2]}, None, "class_prior_"),
        (one, {}, lambda model: model["state"].update(class_prior_=[prior]), "class_prior_"),
        (words, {}, lambda model: model["state"].update(sparse_output_=True), "sparse_output_"),
        (one, {}, lambda model: model["state"].update(_strategy="uniform"), "_strategy"),
        (one, {}, lambda model: model["state"].update(n_outputs_=2), "classes_"),
        (one, {}, lambda model: model["state"].update(n_classes_=2), "n_classes_"),
        (one, {}, lambda model: model["state"].update(n_classes_=2.0), "n_classes_"),
        (constant, {}, lambda model: model["params"].update(constant=[1, 1]), "_strategy"),
        (constant, {}, lambda model: model["params"].update(constant=7), "constant"),
    ):
        with pytest.raises(InvalidArtifactError) as caught:
            altered(estimator, arrays=arrays, document=edit)
        assert path in caught.value.path


def test_an_own_network_with_two_outputs_for_two_classes_is_refused():
    with pytest.raises(InvalidArtifactError, match="n_outputs_"):
        altered(OWN, arrays={"classes_": lambda labels: labels[:2]})


def test_a_network_of_many_labels_that_has_one_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network = MLPClassifier((2,), max_iter=2).fit(X, np.c_[Y == 0, Y == 1])
    first = {
        "coefs_[1]": lambda weights: weights[:, :1],
        **dict.fromkeys(
            ("intercepts_[1]", "classes_", "_label_binarizer.classes_"), lambda values: values[:1]
        ),
    }
    with pytest.raises(InvalidArtifactError, match="1 labels, multilabel-indicator"):
        altered(network, arrays=first, document=lambda model: model["state"].update(n_outputs_=1))


@pytest.mark.parametrize("estimator", [FOREST, HistGradientBoostingClassifier(max_iter=2).fit(X, Y)])
def test_features_by_the_million_are_refused_where_few_nodes_could_ask_for_them(estimator):
    def claim(model):
        model["state"].update(dict.fromkeys({"n_features_in_", "_n_features"} & model["state"].keys(), 10**7))

    with pytest.raises(InvalidArtifactError, match="10000000 features for"):
        altered(estimator, document=claim)


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
        lambda steps: steps[0]["tuple"].__setitem__(0, "a__b"),
        lambda steps: steps[0]["tuple"].__setitem__(0, "logisticregression"),
        lambda steps: steps[0]["tuple"].__setitem__(1, "unknown"),
        lambda steps: steps[0]["tuple"].append(1),
        lambda steps: steps[0]["tuple"][1].update(state=None),
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
            {
                "model.json": b'{"format":"maas-model/1","profile":"full","versions":{},"model":'
                + document
                + b"}"
            },
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
