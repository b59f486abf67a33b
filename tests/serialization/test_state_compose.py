"""Columns, unions and targets: which columns a transformer has, whatever way they were chosen."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
FRAME = pd.DataFrame(
    {
        "age": np.where(np.arange(30) % 7 == 3, np.nan, X[:, 0]),
        "rooms": np.arange(30) % 4,
        "city": np.array(["Oslo", "Bodø", "Vardø"])[np.arange(30) % 3],
        "note": np.array(["a cat", "the dog"])[np.arange(30) % 2],
    }
)
NUMBERS = FRAME.select_dtypes("number").columns
MIXED = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), list(NUMBERS)),
        ("words", OneHotEncoder(), ["city"]),
        ("note", CountVectorizer(), "note"),
    ]
).fit(FRAME)
SLICED = ColumnTransformer([("first", StandardScaler(), slice(0, 2)), ("last", "drop", [-1])]).fit(X)
UNION = FeatureUnion(
    [("one", StandardScaler()), ("two", MinMaxScaler())], transformer_weights={"one": 2.0}
).fit(X)


def altered(estimator, document):
    """Dump, put values into the document by their paths, load."""
    parts = dump_parts(estimator)
    data = json.loads(parts["model.json"])
    for path, value in document.items():
        *way, last = path.split("/")
        holder = data["model"]
        for key in way:
            holder = holder[int(key) if isinstance(holder, list) else key]
        if value is ...:
            del holder[last]
        else:
            holder[int(last) if isinstance(holder, list) else last] = value
    return load_parts({**parts, "model.json": json.dumps(data).encode()})


def indices(**names):
    return {"dict": [[name, places] for name, places in names.items()]}


LONG_NAMES = {"objects": ["age" * 1000, "rooms", "city", "note"], "shape": [4]}
NO_NAMES = {"objects": ["age", 1, "city", "note"], "shape": [4]}
FORMAT = "params/verbose_feature_names_out"
INPUTS = "state/_transformer_to_input_indices"


@pytest.mark.parametrize(
    ("estimator", "document", "path"),
    [
        (SLICED, {"state/names/0": "other"}, "names"),
        (SLICED, {INPUTS: indices(first=[0, 1], last=[3], other=[2])}, "_transformer_to_input_indices"),
        (SLICED, {INPUTS: indices(first=[0, 1], last=[3], remainder=[])}, "_transformer_to_input_indices"),
        (SLICED, {INPUTS: indices(first=[0, 1], last=[3], remainder=[7])}, "_transformer_to_input_indices"),
        (SLICED, {INPUTS: indices(first=[1, 0], last=[3], remainder=[2])}, "columns[0]"),
        (SLICED, {"state/columns/0": [0, 10**6]}, "columns[0]"),
        (SLICED, {"state/columns/0": [True, False]}, "columns[0]"),
        (SLICED, {"state/columns/0": [True, True]}, "columns[0]"),
        (SLICED, {"state/columns/0": "age"}, "columns[0]"),
        (SLICED, {"state/columns/0": [0, "a"]}, "columns[0]"),
        (SLICED, {"state/columns/0": {"float": "nan"}}, "columns[0]"),
        (SLICED, {"state/n_features_in_": 2**31 - 1}, "_transformer_to_input_indices"),
        (SLICED, {"state/fitted/1": "passthrough"}, "fitted[1]"),
        (SLICED, {"state/sparse_output_": ...}, "sparse_output_"),
        (SLICED, {"state/output_indices_": ...}, "output_indices_"),
        (SLICED, {"params/transformers": [1]}, "transformers[0]"),
        (SLICED, {"params/transformers/0/tuple/0": 1}, "transformers[0]"),
        (SLICED, {"params/n_jobs": 10**6}, "n_jobs"),
        (SLICED, {"params/transformer_weights": {"dict": [["first", "x"]]}}, "transformer_weights[0]"),
        (SLICED, {FORMAT: "{feature_name:>1000000000}"}, "verbose_feature_names_out"),
        (SLICED, {FORMAT: "{feature_name!r}"}, "verbose_feature_names_out"),
        (SLICED, {FORMAT: "{feature_name.__class__}"}, "verbose_feature_names_out"),
        (SLICED, {FORMAT: "_" * 2000}, "verbose_feature_names_out"),
        (SLICED, {"params/transformers/0/tuple/0": "n" * 2000}, "transformers[0]"),
        (MIXED, {"state/feature_names_in_": LONG_NAMES}, "feature_names_in_"),
        (MIXED, {"state/feature_names_in_": NO_NAMES}, "feature_names_in_"),
        (SLICED, {FORMAT: "{"}, "verbose_feature_names_out"),
        (UNION, {"params/transformer_list": 3}, "transformer_list"),
        (UNION, {"params/transformer_list/0/tuple": ["one"]}, "transformer_list[0]"),
        (UNION, {"params/transformer_weights": {"dict": [["three", 1.0]]}}, "the model"),
        (UNION, {"params/n_jobs": -(10**6)}, "n_jobs"),
        (make_pipeline(StandardScaler()).fit(X), {"params/steps/0/tuple": ["a"]}, "steps[0]"),
    ],
)
def test_columns_that_do_not_exist_and_options_without_bounds_are_refused(estimator, document, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, document)
    assert caught.value.path == path


def test_a_transformer_of_another_number_of_columns_is_refused():
    wide = json.loads(dump_parts(StandardScaler(with_mean=False, with_std=False).fit(X))["model.json"])
    part = {**wide["model"], "state": {**wide["model"]["state"], "n_features_in_": 3}}
    for name in ("mean_", "scale_", "var_"):
        part["state"][name] = None
    part["state"]["n_samples_seen_"] = 30
    with pytest.raises(InvalidArtifactError) as caught:
        altered(SLICED, {"state/fitted/0": part})
    assert caught.value.path == "fitted[0]"


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (["age", "rooms"], FRAME),
        (("age", "rooms"), FRAME),
        (NUMBERS, FRAME),
        (np.array(["age", "rooms"]), FRAME),
        (np.array(["age", "rooms"], dtype=object), FRAME),
        (slice("age", "rooms"), FRAME),
        (slice(None, "rooms"), FRAME),
        (slice(0, 2), FRAME),
        ([True, True, False, False], FRAME),
        (np.array([True, True, False, False]), FRAME),
        (pd.Series([True, True, False, False]), FRAME),
        ([0, np.int64(1)], FRAME),
        (np.array([0, -3]), FRAME),
        (make_column_selector(dtype_include=np.number), FRAME),
        (make_column_selector("^(?:age|rooms)$"), FRAME),
        ([0, 1], X),
        (slice(-4, -2), X),
    ],
)
@pytest.mark.parametrize("remainder", ["drop", "passthrough"])
def test_columns_may_be_chosen_in_any_way(columns, rows, remainder):
    parts = make_pipeline(SimpleImputer(), StandardScaler())
    model = ColumnTransformer([("chosen", parts, columns)], remainder=remainder)
    try:
        model.fit(rows)
    except TypeError:
        pytest.skip("this scikit-learn does not know the names of this pandas")
    data = dump_parts(model)
    loaded = load_parts(data)
    np.testing.assert_array_equal(loaded.transform(rows), model.transform(rows))
    assert list(loaded.get_feature_names_out()) == list(model.get_feature_names_out())
    assert dump_parts(loaded) == data
    np.testing.assert_array_equal(loaded.fit_transform(rows), model.transform(rows))


def test_names_of_outputs_may_have_a_format():
    model = ColumnTransformer(
        [("all", StandardScaler(), ["age"])],
        verbose_feature_names_out="{feature_name} of {transformer_name}!",
    ).fit(FRAME)
    assert list(load_parts(dump_parts(model)).get_feature_names_out()) == ["age of all!"]


def test_a_choice_by_a_function_that_nobody_can_name_is_not_written():
    model = ColumnTransformer([("first", StandardScaler(), lambda frame: ["rooms"])]).fit(FRAME)
    with pytest.raises(UnsupportedModelError, match=r"transformers\[0\]"):
        dump_parts(model)


def test_the_columns_of_other_frames_are_found_by_name():
    loaded = load_parts(dump_parts(MIXED))
    other = FRAME[["note", "city", "rooms", "age"]].assign(more=1)
    np.testing.assert_array_equal(loaded.transform(other), MIXED.transform(FRAME))
    assert "numbers" in loaded._repr_html_()


def test_what_nothing_was_chosen_for_and_what_is_dropped_comes_back_unfitted():
    model = ColumnTransformer(
        [("none", StandardScaler(), []), ("no", "passthrough", []), ("out", "drop", [0])], remainder="drop"
    ).fit(X)
    loaded = load_parts(dump_parts(model))
    assert loaded.transform(X).shape == (30, 0)
    assert [type(part) for _, part, _ in loaded.transformers_] == [StandardScaler, str, str, str]


def test_a_remainder_that_is_a_transformer_comes_back():
    model = ColumnTransformer([("none", StandardScaler(), [])], remainder=MinMaxScaler()).fit(X)
    loaded = load_parts(dump_parts(model))
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    assert isinstance(loaded.named_transformers_["remainder"], MinMaxScaler)


def test_what_people_set_for_outputs_comes_back_also_on_what_is_not_fitted():
    selector = SelectFromModel(LinearRegression())
    model = ColumnTransformer([("all", StandardScaler(), ["age", "rooms"]), ("some", selector, ["rooms"])])
    model.set_output(transform="pandas").fit(FRAME, X[:, 0])
    parts = dump_parts(model)
    loaded = load_parts(parts)
    pd.testing.assert_frame_equal(loaded.transform(FRAME), model.transform(FRAME))
    pd.testing.assert_frame_equal(loaded.fit_transform(FRAME, X[:, 0]), model.transform(FRAME))
    assert dump_parts(load_parts(parts)) == parts


def test_what_is_not_fitted_stays_so_whatever_is_set_for_its_outputs():
    with pytest.raises(UnsupportedModelError, match="not fitted"):
        dump_parts(StandardScaler().set_output(transform="pandas"))
    with pytest.raises(InvalidArtifactError, match="not fitted"):
        altered(
            StandardScaler().fit(X),
            {"state": {"_sklearn_output_config": {"dict": [["transform", "pandas"]]}}},
        )


def unnamed(rows):
    return rows


def test_names_that_a_frame_gave_are_kept():
    shifted = FunctionTransformer(unnamed)
    pandas = {"transform": "pandas"}
    union = FeatureUnion([("one", shifted), ("two", StandardScaler())]).set_output(**pandas)
    columns = ColumnTransformer([("one", shifted, ["age"]), ("two", StandardScaler(), ["rooms"])])
    for model in (union, columns.set_output(**pandas)):
        rows = FRAME[["age", "rooms"]]
        model.fit_transform(rows)
        loaded = load_parts(dump_parts(model, allow=[unnamed]), allow=[unnamed])
        assert list(loaded.transform(rows).columns) == list(model.transform(rows).columns)


def test_a_target_comes_back_through_its_transformer():
    model = TransformedTargetRegressor(LinearRegression(), transformer=MinMaxScaler()).fit(X, X[:, 0])
    np.testing.assert_array_equal(load_parts(dump_parts(model)).predict(X), model.predict(X))
    with pytest.raises(InvalidArtifactError) as caught:
        altered(model, {"state/transformer_/state": None})
    assert caught.value.path == "transformer_"


def test_what_is_frozen_is_fitted():
    frozen = FrozenEstimator(StandardScaler().fit(X))
    model = Pipeline([("frozen", frozen), ("again", StandardScaler())]).fit(X)
    np.testing.assert_array_equal(load_parts(dump_parts(model)).transform(X), model.transform(X))
    with pytest.raises(InvalidArtifactError):
        altered(frozen, {"params/estimator/state": None})
