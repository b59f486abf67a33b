"""What encoders, transformers of columns and imputers refuse to be, and what is built anew."""

import copy
import json
import sys

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    SplineTransformer,
    TargetEncoder,
)

from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CODES = RNG.integers(0, 4, size=(60, 2))
WORDS = np.array([["a", "x"], ["b", "y"], ["c", "y"], ["a", np.nan]] * 15, dtype=object)
HOLES = np.where(RNG.uniform(size=X.shape) < 0.1, np.nan, X)
LABELS = np.array(["cat", "dog", "owl"])[np.arange(60) % 3]
MULTICLASS = TargetEncoder(target_type="multiclass").fit(CODES, LABELS)
CONTINUOUS = TargetEncoder(target_type="continuous").fit(CODES, X[:, 0])
NUMBERS = OneHotEncoder(min_frequency=10).fit(CODES.astype(float))
SEEN = OneHotEncoder(drop="first", min_frequency=20).fit(WORDS)
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=20).fit(WORDS)
SPLINE = SplineTransformer(4).fit(X)
ITERATIVE = IterativeImputer(max_iter=2, tol=1e9, add_indicator=True, random_state=0).fit(HOLES)
NEAREST = IterativeImputer(max_iter=1, tol=1e9, n_nearest_features=1, random_state=0).fit(HOLES)
NAN = {"float": "nan"}


def altered(estimator, *, document=(), arrays=()):
    """Dump; put values into the document by their paths, change arrays by their names; load."""
    parts = dict(dump_parts(estimator))
    data = json.loads(parts["model.json"])
    for path, value in dict(document).items():
        *way, last = path.split("/")
        holder = data["model"]
        for key in way:
            holder = holder[int(key) if isinstance(holder, list) else key]
        if value is ...:
            del holder[last]
        else:
            holder[int(last) if isinstance(holder, list) else last] = value
    for name, change in dict(arrays).items():
        file = next(
            file for file in parts if file.startswith("tensors/") and name in read_tensors(parts[file])
        )
        tensors = read_tensors(parts[file])
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
        parts[file] = write_tensors(tensors)
    return load_parts({**parts, "model.json": json.dumps(data).encode()})


def put(index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


def objects(*items):
    return {"objects": list(items), "shape": [len(items)]}


@pytest.mark.parametrize(
    ("estimator", "document", "path"),
    [
        (SEEN, {"state/categories_/0": objects()}, "categories_[0]"),
        (SEEN, {"state/categories_/0": objects({"tuple": []}, "a")}, "categories_[0]"),
        (SEEN, {"state/_infrequent_indices": ...}, "_infrequent_indices"),
        (SEEN, {"state/_drop_idx_after_grouping": objects(7, 0)}, "_drop_idx_after_grouping[0]"),
        (SEEN, {"state/_drop_idx_after_grouping": objects("a", 0)}, "_drop_idx_after_grouping[0]"),
        (SEEN, {"params/dtype": "S100"}, "dtype"),
        (SEEN, {"params/dtype": "nothing"}, "dtype"),
        (SEEN, {"params/dtype": {"numpy_dtype": "float16"}}, "dtype"),
        (SEEN, {"params/dtype": 3}, "dtype"),
        (ORDINAL, {"params/unknown_value": None}, "unknown_value"),
        (ORDINAL, {"params/dtype": "int8", "params/unknown_value": 300}, "unknown_value"),
        (ORDINAL, {"params/dtype": "int8"}, "encoded_missing_value"),
        (MULTICLASS, {"state/target_mean_": 0.5}, "target_mean_"),
        (CONTINUOUS, {"state/classes_": objects("a", "b")}, "classes_"),
        (MULTICLASS, {"state/encodings_": []}, "encodings_"),
        (MULTICLASS, {"state/classes_": objects("cat", "dog", "owl" * 400)}, "classes_"),
        (MultiLabelBinarizer().fit([["a"], ["b"]]), {"state/classes_": objects("a", "a")}, "classes_"),
    ],
)
def test_an_encoder_whose_categories_are_none_is_refused(estimator, document, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, document=document)
    assert caught.value.path.endswith(path)


@pytest.mark.parametrize(
    ("estimator", "array", "change", "path"),
    [
        (NUMBERS, "categories_[0]", lambda values: values[::-1], "categories_[0]"),
        (NUMBERS, "categories_[0]", lambda values: values * 0, "categories_[0]"),
        (NUMBERS, "categories_[0]", put(0, np.nan), "categories_[0]"),
        (SEEN, "_infrequent_indices[0]", put(0, -1), "_infrequent_indices[0]"),
        (SEEN, "_infrequent_indices[0]", put(-1, 3), "_infrequent_indices[0]"),
        (SEEN, "_infrequent_indices[0]", lambda values: values[::-1], "_infrequent_indices[0]"),
        (SEEN, "_infrequent_indices[0]", lambda values: values[:0], "_infrequent_indices[0]"),
        (ORDINAL, "_infrequent_indices[1]", put(0, 2), "_infrequent_indices[1]"),
        (MULTICLASS, "encodings_[0]", lambda values: values[1:], "encodings_"),
    ],
)
def test_categories_out_of_order_and_rare_ones_that_do_not_exist_are_refused(estimator, array, change, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, arrays={array: change})
    assert caught.value.path == path


def test_missing_numbers_may_be_a_category():
    rows = np.where(CODES == 1, np.nan, CODES)
    encoder = OneHotEncoder().fit(rows)
    loaded = load_parts(dump_parts(encoder))
    assert (loaded.transform(rows) != encoder.transform(rows)).nnz == 0


def test_an_encoder_fitted_again_without_rare_categories_keeps_the_old_ones_out():
    encoder = copy.deepcopy(SEEN).set_params(min_frequency=None, drop=None).fit(WORDS)
    loaded = load_parts(dump_parts(encoder))
    assert loaded.transform(WORDS).shape == encoder.transform(WORDS).shape == (60, 6)


POWER = PowerTransformer().fit(X)
BINS = KBinsDiscretizer(3).fit(X)
POLYNOMIAL = PolynomialFeatures(3).fit(X)
CLIPPED = FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1}).fit(X)


@pytest.mark.parametrize(
    ("estimator", "document", "path"),
    [
        (POWER, {"state/_scaler": ...}, "_scaler"),
        (POWER, {"state/_scaler": {"type": "sklearn.Normalizer", "params": {}, "state": {}}}, "_scaler"),
        (BINS, {"state/bin_edges_": objects(1.0, 2.0, 3.0)}, "bin_edges_[0]"),
        (POLYNOMIAL, {"state/n_output_features_": 7}, "n_output_features_"),
        (POLYNOMIAL, {"state/_n_out_full": 7}, "_n_out_full"),
        (POLYNOMIAL, {"state/_max_degree": 10**30}, "_max_degree"),
        (POLYNOMIAL, {"state/_min_degree": 4, "state/n_output_features_": 1}, "_max_degree"),
        (SPLINE, {"state/spline_degree": 5}, "knots_"),
        (SPLINE, {"params/degree": 2}, "spline_degree"),
        (SPLINE, {"params/extrapolation": "periodic"}, "spline_is_periodic"),
        (SPLINE, {"state/n_features_out_": 10**6}, "n_features_out_"),
        (CLIPPED, {"params/kw_args": {"dict": [["where", False]]}}, "kw_args[0]"),
        (CLIPPED, {"params/kw_args": {"dict": [["a_min", [1, 2]]]}}, "kw_args[0]"),
        (CLIPPED, {"params/func": None}, "kw_args"),
        (CLIPPED, {"params/func": {"name": "sklearn.metrics.pairwise.pairwise_distances"}}, "func"),
        (CLIPPED, {"params/feature_names_out": 3}, "the model"),
        (Binarizer().fit(X), {"state/n_features_in_": 2**31 - 1}, "n_features_in_"),
    ],
)
def test_a_transformer_whose_state_does_not_fit_is_refused(estimator, document, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, document=document)
    assert caught.value.path.endswith(path)


@pytest.mark.parametrize(
    ("estimator", "array", "change", "path"),
    [
        (BINS, "bin_edges_[0]", lambda edges: edges[::-1], "bin_edges_[0]"),
        (BINS, "bin_edges_[0]", lambda edges: edges[1:], "bin_edges_[0]"),
        (BINS, "n_bins_", put(0, 100), "bin_edges_[0]"),
        (SPLINE, "knots_", lambda knots: knots[::-1], "knots_"),
        (SPLINE, "knots_", lambda knots: np.repeat(knots, 500, axis=0), "knots_"),
    ],
)
def test_edges_and_knots_out_of_order_or_number_are_refused(estimator, array, change, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, arrays={array: change})
    assert caught.value.path == path


def test_polynomials_with_too_many_outputs_are_refused_before_they_are_counted_out():
    with pytest.raises(UnsupportedModelError, match="too many"):
        dump_parts(PolynomialFeatures(4).fit(np.zeros((1, 60))))
    assert load_parts(dump_parts(PolynomialFeatures(2).fit(np.zeros((1, 600))))).n_output_features_ == 180901


def test_splines_that_are_no_basis_are_refused():
    for change in (lambda spline: spline.c.__setitem__((0, 0), 2.0), lambda spline: setattr(spline, "k", 2)):
        estimator = copy.deepcopy(SPLINE)
        change(estimator.bsplines_[1])
        with pytest.raises(UnsupportedModelError, match="basis"):
            dump_parts(estimator)
    estimator = copy.deepcopy(SPLINE)
    estimator.bsplines_ = []
    with pytest.raises(UnsupportedModelError, match="missing"):
        dump_parts(estimator)


def scaled(rows, factor=1):
    return rows * factor


def test_a_function_that_the_application_declares_may_be_told_anything_plain():
    transformer = FunctionTransformer(scaled, kw_args={"factor": [1.0, 2.0, 3.0]}).fit(X)
    loaded = load_parts(dump_parts(transformer, allow=[scaled]), allow=[scaled])
    np.testing.assert_array_equal(loaded.transform(X), X * [1, 2, 3])


@pytest.mark.parametrize("value", [3, np.int64(3), 2**63, 0.5])
def test_long_tables_of_options_come_back_as_they_were(value):
    options = {f"option {index}": value for index in range(70)}
    transformer = FunctionTransformer(scaled, kw_args=options)
    loaded = load_parts(dump_parts(transformer, allow=[scaled]), allow=[scaled])
    assert loaded.kw_args == options
    assert {type(option) for option in loaded.kw_args.values()} == {type(value)}


def test_the_missing_value_of_pandas_has_a_name_where_there_is_pandas(monkeypatch):
    pandas = pytest.importorskip("pandas")
    rows = pandas.DataFrame({"a": pandas.array([1, None, 3, 3] * 5, dtype="Int64")})
    imputer = SimpleImputer(missing_values=pandas.NA, strategy="most_frequent").fit(rows)
    parts = dump_parts(imputer)
    np.testing.assert_array_equal(load_parts(parts).transform(rows), imputer.transform(rows))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InvalidArtifactError, match=r"known by the name 'pandas\.NA'"):
        load_parts(parts)


SIMPLE = SimpleImputer(strategy="constant", fill_value=0, add_indicator=True).fit(HOLES)
KNN = KNNImputer().fit(HOLES)
MARKED = KNNImputer(missing_values=-1.0).fit(np.where(np.isnan(HOLES), -1.0, HOLES))


@pytest.mark.parametrize(
    ("estimator", "document", "path"),
    [
        (SIMPLE, {"state/indicator_": None}, "indicator_"),
        (SIMPLE, {"state/indicator_/state/_precomputed": False}, "indicator_"),
        (SIMPLE, {"state/statistics_": objects("a", 0, 0)}, "statistics_[0]"),
        (SIMPLE, {"state/_fit_dtype": "float64"}, "_fit_dtype"),
        (SIMPLE, {"state/_fit_dtype": {"numpy_dtype": "bool"}}, "_fit_dtype"),
        (ITERATIVE, {"state/initial_imputer_/params/strategy": "nothing"}, "initial_imputer_"),
        (ITERATIVE, {"state/_min_value": ...}, "_min_value"),
        (ITERATIVE, {"state/n_iter_": 0}, "n_iter_"),
        (ITERATIVE, {"state/n_iter_": 7}, "n_iter_"),
        (ITERATIVE, {"params/keep_empty_features": 3}, "the model"),
    ],
)
def test_an_imputer_whose_state_does_not_fit_is_refused(estimator, document, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, document=document)
    assert caught.value.path.endswith(path)


@pytest.mark.parametrize(
    ("estimator", "array", "change", "path"),
    [
        (MissingIndicator().fit(HOLES), "features_", lambda columns: columns[::-1], "features_"),
        (MissingIndicator().fit(HOLES), "features_", put(0, 3), "features_"),
        (KNN, "_fit_X", put((0, 0), np.inf), "_fit_X"),
        (KNN, "_fit_X", lambda rows: rows[:0], "_fit_X"),
        (MARKED, "_fit_X", put((0, 0), np.nan), "_fit_X"),
        (ITERATIVE, "initial_imputer_.statistics_", put(0, np.nan), "initial_imputer_"),
        (ITERATIVE, "_is_empty_feature", put(0, True), "initial_imputer_"),
        (ITERATIVE, "step_columns", put(0, 3), "step_columns"),
        (ITERATIVE, "step_columns", put(0, -1), "step_columns"),
        (ITERATIVE, "step_columns", lambda columns: columns[1:], "step_estimators"),
        (NEAREST, "step_others", put((0, 0), 3), "step_columns"),
        (NEAREST, "step_others", lambda others: np.repeat(others, 2, axis=1), "step_estimators"),
    ],
)
def test_columns_and_rows_that_do_not_exist_are_refused(estimator, array, change, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, arrays={array: change})
    assert path in caught.value.path


def test_an_imputer_that_chose_nearest_columns_keeps_them():
    loaded = load_parts(dump_parts(NEAREST))
    for one, other in zip(NEAREST.imputation_sequence_, loaded.imputation_sequence_, strict=True):
        assert one.feat_idx == other.feat_idx
        np.testing.assert_array_equal(one.neighbor_feat_idx, other.neighbor_feat_idx)


def test_the_state_of_chance_is_kept_where_predictions_or_people_use_it():
    drawing = IterativeImputer(max_iter=1, tol=1e9, sample_posterior=True, random_state=0).fit(HOLES)
    for estimator, profile, kept in ((NEAREST, "full", True), (NEAREST, "inference", False)):
        assert hasattr(load_parts(dump_parts(estimator, profile=profile)), "random_state_") == kept
    assert hasattr(load_parts(dump_parts(drawing, profile="inference")), "random_state_")


@pytest.mark.filterwarnings("ignore:Skipping features")
def test_imputers_drop_and_keep_empty_columns_as_before():
    rows = np.c_[np.full(60, np.nan), HOLES]
    for options in ({}, {"keep_empty_features": True}, {"initial_strategy": "constant", "fill_value": 0.0}):
        imputer = IterativeImputer(max_iter=1, tol=1e9, random_state=0, **options).fit(rows)
        loaded = load_parts(dump_parts(imputer))
        np.testing.assert_array_equal(loaded.transform(rows), imputer.transform(rows))


@pytest.mark.parametrize("options", [{"max_iter": 0}, {"skip_complete": True}])
def test_an_imputer_without_steps_guesses_once(options):
    imputer = IterativeImputer(tol=1e9, random_state=0, **options).fit(X)
    loaded = load_parts(dump_parts(imputer))
    np.testing.assert_array_equal(loaded.transform(HOLES), imputer.transform(HOLES))
