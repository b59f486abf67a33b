"""Models on data that are read batch by batch: the same as on arrays, and in bounded memory."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import (
    SGD,
    Adam,
    Batches,
    LinearRegressor,
    LinearSVMClassifier,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
    RidgeRegressor,
)

FAST = Adam(learning_rate=0.02)
MODELS = [
    LinearRegressor(max_iter=30),
    LinearRegressor(loss="absolute", optimizer=FAST, max_iter=4),
    RidgeRegressor(max_iter=30),
    LogisticClassifier(max_iter=30),
    LinearSVMClassifier(max_iter=30),
    MLPClassifier((8,), max_iter=4),
    MLPClassifier((8,), max_iter=4, dropout=0.2, early_stopping=True),
    MLPRegressor((8,), max_iter=4, early_stopping=True),
]
IDS = [repr(model) for model in MODELS]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_samples=2000, *, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, 5)) * [1, 2, 0.5, 1, 1] + [0, 3, 0, -2, 0]
    return X, np.digitize(X[:, 0] + X[:, 4], [-0.5, 0.5])


def weights(n_samples=2000):
    return np.random.default_rng(5).integers(0, 4, n_samples).astype(float)


def parts(X, y, weight=None, size=300):
    """Give a list of batches."""
    columns = (X, y) if weight is None else (X, y, weight)
    return [tuple(column[i : i + size] for column in columns) for i in range(0, len(X), size)]


def mapped(path, values):
    file = np.memmap(path, values.dtype, "w+", shape=values.shape)
    file[:] = values
    file.flush()
    return np.memmap(path, values.dtype, "r", shape=values.shape)


def parameters(model):
    return (
        [*model.coefs_, *model.intercepts_] if hasattr(model, "coefs_") else [model.coef_, model.intercept_]
    )


def same(one, other, **tolerance):
    pairs = zip(parameters(one), parameters(other), strict=True)
    return all(np.allclose(a, b, **tolerance) if tolerance else np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_mapped_file_that_fits_a_window_trains_to_the_bits_of_the_array(model, weighted, tmp_path):
    X, y = rows()
    weight = weights() if weighted else None
    model = clone(model).set_params(random_state=0)
    expected = clone(model).fit(X, y, sample_weight=weight)
    file = mapped(tmp_path / "X", X)
    for data in (file, Batches.of(file, y, weight)):
        again = clone(model)
        if isinstance(data, Batches):
            again.fit(data)
        else:
            again.fit(data, y, sample_weight=weight)
        assert same(again, expected)
        assert again.loss_curve_ == expected.loss_curve_
    assert np.array_equal(expected.predict(Batches.of(file)), expected.predict(X))


@pytest.mark.parametrize(
    "model", [m for m in MODELS if m.optimizer is None and hasattr(m, "coef_") is False], ids=repr
)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_way_to_give_batches_leads_to_the_same_model(model, weighted):
    X, y = rows()
    weight = weights() if weighted else None
    model = clone(model).set_params(random_state=0)
    batches = parts(X, y, weight)
    ways = [batches, lambda: iter(batches), Batches.of(batches), parts(X, y, weight, size=77)]
    first, *others = (clone(model).fit(way) for way in ways)
    for other in others[:-1]:
        assert same(other, first)
    # Where batches are cut is lost in rounding.
    assert same(others[-1], first, rtol=1e-3, atol=1e-3)
    assert first.n_features_in_ == 5


@pytest.mark.parametrize(
    "model",
    [LinearRegressor(), RidgeRegressor(), LogisticClassifier(), LinearSVMClassifier(alpha=0.1)],
    ids=repr,
)
def test_a_linear_model_of_batches_is_that_of_the_array(model):
    X, y = rows()
    X = X + 1e4  # what a mean that is taken in one pass must stand
    weight = weights()
    whole = clone(model).fit(X, y, sample_weight=weight)
    of_batches = clone(model).fit(parts(X, y, weight))
    if is_classifier(model):
        np.testing.assert_allclose(of_batches.decision_function(X), whole.decision_function(X), atol=1e-2)
    else:
        np.testing.assert_allclose(of_batches.predict(X), whole.predict(X), atol=1e-4)


def test_the_penalty_of_ridge_counts_the_weights_in_batches():
    X, y = rows(300)
    weight = weights(300) * 10
    exact = Ridge(500.0).fit(X, y, sample_weight=weight)
    model = RidgeRegressor(500.0).fit(parts(X, y, weight, size=70))
    np.testing.assert_allclose(model.coef_, exact.coef_, rtol=1e-5)


def test_classes_of_batches_are_found_or_named():
    X, y = rows()
    names = np.array(["a", "bb", "ccc"])[y]
    order = np.argsort(y, kind="stable")
    model = LogisticClassifier().fit(parts(X[order], names[order]))
    assert model.classes_.tolist() == ["a", "bb", "ccc"]
    assert model.score(X, names) > 0.9
    named = MLPClassifier(max_iter=2, random_state=0).fit(parts(X, y), classes=[0, 1, 2, 3])
    assert named.predict_proba(X[:3]).shape == (3, 4)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        LogisticClassifier().fit(parts(X, X[:, 0]))


def test_targets_of_the_wrong_kind_are_named():
    X, _ = rows(10)
    for model in (LinearRegressor(), MLPRegressor((4,))):
        with pytest.raises(InvalidOptionError, match="y must hold numbers"):
            model.fit(parts(X, np.array(["low", "high"] * 5)))
    mixed = np.array(["low", 3, None, "high", 2] * 2, dtype=object)
    with pytest.raises(InvalidOptionError, match="labels of one kind"):
        LogisticClassifier().fit(parts(X, mixed))


def test_names_of_columns_are_those_of_the_first_batch():
    X, y = rows(400)
    frame = pd.DataFrame(X, columns=list("abcde"))
    batches = [(frame.iloc[:200], y[:200]), (frame.iloc[200:], y[200:])]
    model = LogisticClassifier().fit(batches)
    assert model.feature_names_in_.tolist() == list("abcde")
    assert np.array_equal(model.predict([(frame, y)]), model.predict(frame))
    with pytest.raises(InvalidOptionError, match="named"):
        model.predict([(frame[list("edcba")], y)])
    with pytest.raises(InvalidOptionError, match="named"):
        model.partial_fit([(frame[list("edcba")], y)])
    with pytest.raises(InvalidOptionError, match="X has 3 features, but LogisticClassifier is expecting 5"):
        model.partial_fit([(X[:, :3], y)])


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_an_iterator_that_serves_one_pass_is_refused_by_fit_with_what_to_give_instead(model):
    X, y = rows()
    model = clone(model)
    with pytest.raises(InvalidOptionError, match="list of batches"):
        model.fit(iter(parts(X, y)))
    with pytest.raises(InvalidOptionError, match="list of batches"):
        model.fit(iter(parts(X, y)), **({"classes": [0, 1, 2]} if is_classifier(model) else {}))
    assert set(vars(model)) == set(model.get_params())


@pytest.mark.parametrize("model", [m for m in MODELS if not getattr(m, "early_stopping", False)], ids=repr)
def test_an_iterator_serves_partial_fit_once_the_scale_is_known(model):
    X, y = rows()
    scaled = StandardScaler().fit_transform(X)
    model = clone(model).set_params(random_state=0, optimizer=FAST)
    if isinstance(model, MLPClassifier):
        model.partial_fit(iter(parts(scaled, y)), classes=[0, 1, 2])
    else:
        with pytest.raises(InvalidOptionError, match="must be read once before training"):
            clone(model).partial_fit(iter(parts(scaled, y)))
        model.partial_fit(scaled[:500], y[:500])
    for _ in range(20):
        model.partial_fit(iter(parts(scaled, y)))
    assert model.n_iter_ == 21
    assert model.score(scaled, y) > 0.7


def test_one_epoch_over_an_iterator_needs_no_more_where_the_classes_are_named():
    X, y = rows()
    X = StandardScaler().fit_transform(X)
    model = MLPClassifier(optimizer=FAST, max_iter=1, random_state=0).fit(
        iter(parts(X, y)), classes=[0, 1, 2]
    )
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize(
    "model",
    [LinearRegressor(max_iter=2), LogisticClassifier(max_iter=2), MLPRegressor((8,), max_iter=2)],
    ids=repr,
)
def test_memory_stays_bounded_while_a_model_is_fitted_and_predicts(model):
    def batches():
        for seed in range(60):
            X = np.random.default_rng(seed).standard_normal((5000, 20))
            yield X, (X[:, 0] > 0).astype(np.int64)

    data = Batches.of(batches, window_bytes=1 << 20)
    whole = 60 * 5000 * 20 * 8
    tracemalloc.start()
    try:
        fitted = model.fit(data)
        trained = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        predictions = fitted.predict(data)
        predicted = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert trained < whole / 6
    assert predicted < whole / 4
    assert len(predictions) == 300_000


def test_arrow_tables_are_learned_from_by_the_names_of_their_columns():
    pa = pytest.importorskip("pyarrow")
    X, y = rows()
    table = pa.table({**{name: X[:, i] for i, name in enumerate("abcde")}, "kind": y, "heavy": weights()})
    model = LogisticClassifier().fit(table, "kind", sample_weight="heavy")
    assert model.feature_names_in_.tolist() == list("abcde")
    assert np.array_equal(
        model.predict(table.select(list("abcde"))), model.predict(pd.DataFrame(X, columns=list("abcde")))
    )
    ridge = RidgeRegressor().fit(table.drop_columns(["heavy"]), ["a", "kind"])
    assert ridge.coef_.shape == (2, 4)


# -- batches larger than the window --------------------------------------------------------------------------


def _large_batches(kind, X, y, weight):
    make = {
        "array": np.asarray,
        "pandas": pd.DataFrame,
        "polars": lambda part: pl.DataFrame(part, ["a", "b", "c"], orient="row"),
    }[kind]
    frames = [make(part) for part in (X[:50], X[50:])]
    return list(zip(frames, (y[:50], y[50:]), (weight[:50], weight[50:]), strict=True))


@pytest.mark.parametrize("kind", ["array", "pandas", "polars"])
def test_a_batch_is_trained_on_in_parts_as_if_it_had_come_so(kind):
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(90, 3)), rng.uniform(0.5, 2, 90)
    y = (X[:, 0] > 0).astype(int)

    def fitted(batches):
        model = LogisticClassifier(optimizer=SGD(0.1), batch_size=16, max_iter=3, random_state=0)
        return model.fit(Batches.of(batches, window_bytes=1)).coef_

    rows = [(X[at : at + 1], y[at : at + 1], weight[at : at + 1]) for at in range(90)]
    assert np.array_equal(fitted(_large_batches(kind, X, y, weight)), fitted(rows))


def test_an_error_names_the_row_of_the_batch_and_not_of_its_part():
    X, y = np.zeros((90, 3)), np.arange(90) % 2
    X[77, 1] = np.nan
    model = LogisticClassifier(optimizer=SGD(0.1), batch_size=16, max_iter=3, random_state=0)
    with pytest.raises(InvalidOptionError, match="in batch 2, row 27 there"):
        model.fit(Batches.of(_large_batches("array", X, y, np.ones(90)), window_bytes=1))
