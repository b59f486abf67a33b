"""Data that are read batch by batch: every row once, in an order that the seed decides, in whatever form."""

import collections

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import Batches
from maas_sdk.learning._sources import open_source

N, FEATURES = 1003, 5
SMALL = 8 << 10  # a window of some 200 rows


def rows(n=N, *, dtype="f4"):
    X = np.random.default_rng(0).normal(size=(n, FEATURES)).astype(dtype)
    return X, np.arange(n)


def mapped(folder, X, name="X"):
    np.save(folder / f"{name}.npy", X)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


def frame():
    X, y = rows()
    return pd.DataFrame(X, columns=list("abcde")).assign(y=y, w=np.where(y % 3, 1.0 + y % 5, 0.0))


def cuts(size=77):
    return range(0, N, size)


def as_tuples(size=77):
    X, y = rows()
    return [(X[at : at + size], y[at : at + size]) for at in cuts(size)]


def make(kind, folder):
    """Give the same rows in one of the things that they can be in."""
    X, y = rows()
    table = frame().drop(columns="w")

    def polars():
        whole = pytest.importorskip("polars").from_pandas(table)
        return [whole[at : at + 40] for at in cuts(40)], "y"

    arguments = {
        "memmap": lambda: (mapped(folder, X), y),
        "mapped twice": lambda: (mapped(folder, X), mapped(folder, y, "y")),
        "list": lambda: (as_tuples(),),
        "function": lambda: (lambda: iter(as_tuples(13)),),
        "one large batch": lambda: ([(X, y)],),
        "frames": lambda: ([table[at : at + 40] for at in cuts(40)], "y"),
        "polars": polars,
    }.get(kind, lambda: (arrow(kind, folder), "y"))()
    return Batches.of(*arguments, window_bytes=SMALL)


def arrow(kind, folder, *, weighted=False):
    pa = pytest.importorskip("pyarrow")
    parquet, dataset = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow.dataset")
    table = pa.Table.from_pandas(frame() if weighted else frame().drop(columns="w"))
    parquet.write_table(table, folder / "t.parquet", row_group_size=100)
    return {
        "table": lambda: table,
        "parquet": lambda: parquet.ParquetFile(folder / "t.parquet"),
        "dataset": lambda: dataset.dataset(folder / "t.parquet"),
        "reader": lambda: pa.RecordBatchReader.from_batches(table.schema, iter(table.to_batches(90))),
    }[kind]()


KINDS = [
    "memmap", "mapped twice", "list", "function", "one large batch", "frames", "polars", "table", "parquet",
    "dataset",
]  # fmt: skip


def read(source, seed=None, **options):
    """Give `X`, target and weights of a whole pass, and the sizes of the batches."""
    rng = None if seed is None else np.random.RandomState(seed)
    batches = [
        tuple(None if c is None else c.copy() for c in batch) for batch in source.epoch(rng, **options)
    ]
    sizes = [len(batch[0]) for batch in batches]
    columns = [None if c[0] is None else np.concatenate(c) for c in zip(*batches, strict=True)]
    return *columns, sizes


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_comes_once_an_epoch_in_batches_of_the_size_asked_for(kind, tmp_path):
    X, y = rows()
    source = open_source(make(kind, tmp_path), dtype="f8", batch_rows=64)
    ordered, labels, weight, sizes = read(source)
    assert np.array_equal(ordered, X.astype("f8"))
    assert np.array_equal(labels, y)
    assert weight is None
    assert sizes == [64] * (N // 64) + [N % 64]
    shuffled, labels, _, sizes = read(source, 1)
    assert sorted(labels) == list(y)
    assert not np.array_equal(labels, y)
    assert np.array_equal(shuffled, X[labels].astype("f8"))
    assert sizes == [64] * (N // 64) + [N % 64]
    assert (source.n_samples, source.n_batches, source.n_features) == (N, len(sizes), FEATURES)
    assert not np.array_equal(read(source, 2)[1], labels)
    assert np.array_equal(read(source, 1)[1], labels)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pass_that_goes_on_in_the_middle_gives_what_was_left(kind, tmp_path):
    source = open_source(make(kind, tmp_path), dtype="f4", batch_rows=60)
    for part in (source, *source.split(0.3, np.random.RandomState(5))):
        for seed in (None, 4):
            whole = read(part, seed)
            for skip in {1, 4, len(whole[3]) - 1}:
                rest = read(part, seed, skip=skip)
                assert np.array_equal(rest[0], whole[0][60 * skip :])
                assert np.array_equal(rest[1], whole[1][60 * skip :])
            assert list(part.epoch(None if seed is None else np.random.RandomState(seed), skip=999)) == []


@pytest.mark.parametrize("kind", [*KINDS, "array"])
def test_what_is_held_out_is_about_the_fraction_and_the_same_in_each_pass(kind, tmp_path):
    data = rows() if kind == "array" else (make(kind, tmp_path), None)
    source = open_source(*data, dtype="f4", batch_rows=60)
    train, held_out = source.split(0.2, np.random.RandomState(5))
    first, second = read(train, 1)[1], read(held_out)[1]
    assert sorted([*first, *second]) == list(range(N))
    assert 0.14 < len(second) / N < 0.26
    assert np.array_equal(read(held_out)[1], second)
    assert (train.n_samples, held_out.n_samples) == (len(first), len(second))
    again = [read(part)[1] for part in train.split(0.5, np.random.RandomState(7))]
    assert sorted(np.concatenate(again)) == sorted(first)
    other = source.split(0.2, np.random.RandomState(6))[1]
    assert set(read(other)[1]) != set(second)


@pytest.mark.parametrize("n_rows", [1, 59, 60, 61, N])
def test_a_mapped_file_that_fits_into_a_window_is_shuffled_as_an_array_is(tmp_path, n_rows):
    X, y = rows(n_rows)
    weight = 1.0 + np.arange(n_rows) % 7
    for weights in (None, weight):
        array = open_source(X, y, weights, dtype="f4", batch_rows=60)
        file = open_source(Batches.of(mapped(tmp_path, X), y, weights), dtype="f4", batch_rows=60)
        for seed in (None, 3):
            for one, other in zip(read(array, seed), read(file, seed), strict=True):
                assert np.array_equal(one, other) if one is not None else other is None


@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    batch_rows=st.integers(1, 70),
    window=st.integers(1, 4000),
    weighted=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_no_row_is_lost_however_batches_are_cut(sizes, batch_rows, window, weighted):
    n = sum(sizes)
    X = np.arange(3.0 * n).reshape(n, 3)
    weight = 1.0 + np.arange(n) % 3 if weighted else None
    ends = np.cumsum(sizes)
    batches = [
        (X[end - size : end], X[end - size : end, 0], *([weight[end - size : end]] if weighted else []))
        for size, end in zip(sizes, ends, strict=True)
    ]
    data = Batches.of(batches, window_bytes=window)
    if n == 0:
        with pytest.raises(InvalidOptionError, match=r"no rows|all 0|0 for every row"):
            read(open_source(data, dtype="f8", batch_rows=batch_rows))
        return
    source = open_source(data, dtype="f8", batch_rows=batch_rows)
    got, labels, weights, cut = read(source, 7)
    assert np.array_equal(np.sort(got, axis=0), X)
    assert np.array_equal(labels, got[:, 0])
    assert cut == [batch_rows] * (n // batch_rows) + [n % batch_rows] * (n % batch_rows > 0)
    if n > 20:
        parts = [read(part)[1] for part in source.split(0.5, np.random.RandomState(1))]
        assert sorted(np.concatenate(parts)) == sorted(labels)
    if weights is not None:
        assert weights.mean() == pytest.approx(1)
        assert np.allclose(weights, (weight / weight.mean())[(got[:, 0] / 3).astype(int)])


@pytest.mark.parametrize("kind", ["array", "memmap", "list", "table", "parquet"])
def test_weights_have_the_mean_1_and_rows_of_weight_0_are_left_out(kind, tmp_path):
    X, y = rows()
    weight = frame()["w"].to_numpy()
    if kind == "array":
        source = open_source(X, y, weight, dtype="f8", batch_rows=64)
    elif kind == "memmap":
        data = Batches.of(mapped(tmp_path, X), y, weight, window_bytes=SMALL)
        source = open_source(data, dtype="f8", batch_rows=64)
    elif kind == "list":
        batches = [(X[at : at + 77], y[at : at + 77], weight[at : at + 77]) for at in cuts()]
        source = open_source(Batches.of(batches, window_bytes=SMALL), dtype="f8", batch_rows=64)
    else:
        data = Batches.of(arrow(kind, tmp_path, weighted=True), "y", "w", window_bytes=SMALL)
        source = open_source(data, dtype="f8", batch_rows=64)
    for seed in (None, 1):
        got, labels, weights, _ = read(source, seed)
        assert sorted(labels) == [label for label in y if label % 3]
        assert weights.mean() == pytest.approx(1)
        assert np.allclose(weights / weights[0], weight[labels] / weight[labels[0]])
        assert np.array_equal(got, X[labels].astype("f8"))
    parts = [set(read(part)[1]) for part in source.split(0.5, np.random.RandomState(0))]
    assert parts[0] | parts[1] == {label for label in y if label % 3}


def test_equal_weights_are_none():
    X, y = rows()
    for weight in (np.full(N, 0.3), np.full(N, 7)):
        assert read(open_source(X, y, weight, dtype="f4", batch_rows=64))[2] is None
        batches = [(X[at : at + 77], y[at : at + 77], weight[at : at + 77]) for at in cuts()]
        assert read(open_source(Batches.of(batches), dtype="f4", batch_rows=64))[2] is None


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (np.full(N, -1.0), r">= 0, but row 0 has -1"),
        (np.where(np.arange(N) == 100, np.nan, 1), "row (100|23) has nan"),
        (np.zeros(N), "0 for every row"),
        (np.full(N, "heavy"), "must hold numbers"),
    ],
    ids=["negative", "nan", "zero", "text"],
)
@pytest.mark.parametrize("kind", ["array", "memmap", "list"])
def test_wrong_weights_are_refused(kind, weight, words, tmp_path):
    X, y = rows()
    batches = [(X[at : at + 77], y[at : at + 77], weight[at : at + 77]) for at in cuts()]
    data = {
        "array": lambda: (X, y, weight),
        "memmap": lambda: (Batches.of(mapped(tmp_path, X), y, weight, window_bytes=SMALL),),
        "list": lambda: (Batches.of(batches),),
    }[kind]()
    with pytest.raises(InvalidOptionError, match=words):
        read(open_source(*data, dtype="f4", batch_rows=64))


def test_weights_of_another_length_are_refused(tmp_path):
    X, y = rows()
    for act in (
        lambda: open_source(X, y, np.ones(7), dtype="f4", batch_rows=64),
        lambda: Batches.of(mapped(tmp_path, X), y, np.ones(7)),
        lambda: open_source(Batches.of([(X, y, np.ones(7))]), dtype="f4", batch_rows=64),
    ):
        with pytest.raises(InvalidOptionError, match="one weight for each of 1003 rows"):
            act()


def spoiled(change):
    """Give batches, the second of which is changed."""
    batches = as_tuples()
    batches[1] = change(*batches[1])
    return batches


def with_value(X, value):
    X = X.copy()
    X[3, 1] = value
    return X


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        (spoiled(lambda X, y: (with_value(X, np.nan), y)), r"NaN or too large for float32 in batch 2, row 3"),
        (spoiled(lambda X, y: (with_value(X.astype("f8"), 1e300), y)), r"float32 in batch 2, row 3"),
        (spoiled(lambda X, y: (X, np.where(y == y[3], np.inf, y))), r"y is not finite in batch 2, row 3"),
        (spoiled(lambda X, y: (X[:, :4], y)), r"X has 4 features in batch 2, but 5 in the first"),
        (spoiled(lambda X, y: (X, y[:-1])), r"X has 77 rows in batch 2, but y has 76"),
        (spoiled(lambda X, y: (X[0], y)), r"X has 5 rows in batch 2, but y has 77"),
        (spoiled(lambda X, y: (X[..., None], y)), r"two dimensions.*\(77, 5, 1\)"),
        (spoiled(lambda X, y: (X.astype(str), y)), r"X in batch 2 must hold real numbers, but its dtype is"),
        (spoiled(lambda X, y: (X.astype(complex), y)), r"must hold real numbers"),
        (spoiled(lambda X, y: (np.full(X.shape, "x", object), y)), r"must hold numbers only"),
        (spoiled(lambda X, y: (X, y + 0.5)), r"dtype float64 in one batch and int64 in those before"),
        (spoiled(lambda X, y: (X, np.stack([y, y], 1))), r"rows of shape \(2,\)"),
        (spoiled(lambda X, y: (X, None)), r"batch 2 differs: either all batches have targets"),
        (spoiled(lambda X, y: (X, y, np.ones(77))), r"batch 2 differs: either all batches have weights"),
        (spoiled(lambda X, y: X), r"must be \(X, y\) or .*, but in batch 2 there is a ndarray"),
        (spoiled(lambda X, y: (X,)), r"must be \(X, y\)"),
        ([(np.empty((3, 0)), np.ones(3))], r"no features"),
        ([(rows()[0], None)], r"no target: batches are \(X, y\)"),
        (lambda: iter([]), r"no rows"),
        (lambda: 3, r"must give an iterator"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_wrong_batch_is_named(batches, words):
    with pytest.raises(InvalidOptionError, match=words):
        read(open_source(Batches.of(batches), dtype="f4", batch_rows=64))


def test_a_sparse_batch_is_refused_with_what_to_do():
    sparse = pytest.importorskip("scipy.sparse")
    X, y = rows()
    data = Batches.of(lambda: iter([(sparse.csr_array(X), y)]))
    with pytest.raises(InvalidOptionError, match=r"sparse.*toarray"):
        open_source(data, dtype="f4", batch_rows=64)


def test_a_wrong_row_of_a_mapped_file_is_found(tmp_path):
    X, y = rows()
    X[900, 2] = np.inf
    source = open_source(Batches.of(mapped(tmp_path, X), y, window_bytes=SMALL), dtype="f4", batch_rows=64)
    with pytest.raises(InvalidOptionError, match=r"in the rows from \d+ on, row \d+ there") as caught:
        read(source)
    start, row = (int(word) for word in str(caught.value).replace(",", "").split() if word.isdigit())
    assert start + row == 900


def test_columns_must_keep_their_names_and_order():
    first, second = frame()[:40], frame()[40:80]
    good = open_source(Batches.of([first, second], ["y"], "w"), dtype="f4", batch_rows=64)
    assert list(good.feature_names) == list("abcde")
    assert read(good)[1].shape == (53, 1)
    data = Batches.of([first, second[["b", "a", "c", "d", "e", "y", "w"]]], "y", "w")
    with pytest.raises(InvalidOptionError, match=r"columns in batch 2 are b, a, c.*same order"):
        read(open_source(data, dtype="f4", batch_rows=64))
    with pytest.raises(InvalidOptionError, match=r"y names columns, but there are none in batch 1"):
        open_source(Batches.of(iter([rows()]), "y"), dtype="f4", batch_rows=64)
    with pytest.raises(InvalidOptionError, match=r"no column 'z' in batch 1: the columns are 'a'"):
        open_source(Batches.of([first], "z"), dtype="f4", batch_rows=64)


def test_an_iterator_serves_one_pass_and_says_what_to_give_instead():
    source = open_source(Batches.of(iter(as_tuples())), dtype="f4", batch_rows=64)
    assert not source.repeatable
    assert len(read(source, 1)[0]) == N
    with pytest.raises(InvalidOptionError, match="iterator, which was read already: give a function"):
        read(source)
    with pytest.raises(InvalidOptionError, match="cannot be held out of an iterator"):
        open_source(Batches.of(iter(as_tuples())), dtype="f4", batch_rows=64).split(
            0.1, np.random.RandomState(0)
        )
    with pytest.raises(InvalidOptionError, match="weights of an iterator"):
        weighted = ((X, y, np.arange(len(X))) for X, y in as_tuples())
        open_source(Batches.of(weighted), dtype="f4", batch_rows=64)


def test_a_record_batch_reader_serves_one_pass(tmp_path):
    source = open_source(Batches.of(arrow("reader", tmp_path), "y"), dtype="f4", batch_rows=64)
    assert np.array_equal(read(source)[1], np.arange(N))
    with pytest.raises(InvalidOptionError, match="read already"):
        read(source)


def test_a_function_that_gives_an_iterator_twice_is_found_out():
    iterator = iter(as_tuples())
    source = open_source(Batches.of(lambda: iterator), dtype="f4", batch_rows=64)
    read(source)
    with pytest.raises(InvalidOptionError, match="must make a new one each time"):
        read(source)
    sizes = iter([N, N - 1])
    source = open_source(Batches.of(lambda: iter([rows(next(sizes))])), dtype="f4", batch_rows=64)
    read(source)
    with pytest.raises(InvalidOptionError, match="a pass gave 1002 rows, another 1003"):
        read(source)


def test_looking_at_the_first_batch_costs_no_pass_of_its_own():
    begun = []

    def batches():
        begun.append(1)
        yield from as_tuples()

    source = open_source(Batches.of(batches), dtype="f4", batch_rows=64)
    source.digest()
    read(source, 1)
    assert len(begun) == 1


def test_texts_and_missing_values_of_tables(tmp_path):
    X, y = rows()
    words = np.array(["no", "longer word"])[(y > N // 2).astype(int)]
    source = open_source(
        Batches.of([(X[at : at + 77], words[at : at + 77]) for at in cuts()]), dtype="f4", batch_rows=64
    )
    assert np.array_equal(read(source)[1], words)
    table = frame().assign(y=words)
    table["a"] = table["a"].astype("Float64")
    assert np.array_equal(read(open_source(Batches.of([table], "y", "w"), dtype="f4", batch_rows=9))[1],
                          words[table["w"] > 0])  # fmt: skip
    table.loc[5, "a"] = pd.NA
    with pytest.raises(InvalidOptionError, match="NaN"):
        read(open_source(Batches.of([table], "y", "w"), dtype="f4", batch_rows=9))
    pa = pytest.importorskip("pyarrow")
    arrow_table = pa.table({"x": pa.array([1, None, 3]), "y": pa.array(["a", "b", "a"]).dictionary_encode()})
    with pytest.raises(InvalidOptionError, match="batch 1, row 1"):
        read(open_source(Batches.of(arrow_table, "y"), dtype="f4", batch_rows=9))
    good = pa.table({"x": pa.array([1, 2, 3]), "y": pa.array(["a", "b", "a"]).dictionary_encode()})
    assert list(read(open_source(Batches.of(good, "y"), dtype="f4", batch_rows=9))[1]) == ["a", "b", "a"]
    with pytest.raises(InvalidOptionError, match="column 'y'"):
        read(open_source(Batches.of(good, "x"), dtype="f4", batch_rows=9))


@pytest.mark.parametrize("kind", [*KINDS, "reader"])
def test_the_first_rows_can_be_seen_before_and_after_a_pass(kind, tmp_path):
    X, y = rows()
    data = make(kind, tmp_path)
    for _ in range(2):
        first, labels, weight = data.map(lambda X: np.asarray(X) + 1 if hasattr(X, "shape") else X).first()
        assert np.allclose(np.asarray(first), X[: len(labels)] + 1)
        assert np.array_equal(labels, y[: len(labels)])
        assert weight is None
        if data.n_samples is None or kind != "reader":
            assert sum(len(labels) for _, labels, _ in data) == N
        assert data.n_samples == N
        assert repr(data) == f"Batches({N} rows)"


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_sees_each_batch_and_gives_its_features(kind, tmp_path):
    X, y = rows()
    data = make(kind, tmp_path).map(lambda X: np.asarray(X, "f8")[:, :2] * 2).map(lambda X: X + 1)
    got = list(data)
    assert np.allclose(np.concatenate([X for X, _, _ in got]), X[:, :2].astype("f8") * 2 + 1)
    assert np.array_equal(np.concatenate([y for _, y, _ in got]), y)
    source = open_source(data, dtype="f4", batch_rows=64)
    assert source.n_features == 2
    shuffled, labels, _, _ = read(source, 1)
    assert np.allclose(shuffled, X[labels, :2] * 2 + 1)
    with pytest.raises(InvalidOptionError, match="must keep the rows"):
        list(make(kind, tmp_path).map(lambda X: np.asarray(X)[1:]))


@pytest.mark.parametrize("kind", ["array", "memmap", "list"])
def test_targets_are_encoded_and_features_changed_on_the_way(kind, tmp_path):
    X, y = rows()
    data = (X, y) if kind == "array" else (make(kind, tmp_path), None)
    source = open_source(*data, dtype="f4", batch_rows=64)
    changed = source.encoded(lambda y: (y % 2)[:, None].astype("f4")).mapped(
        lambda X: np.multiply(X, 2, out=X)
    )
    got, target, _, _ = read(changed, 1)
    plain, labels, _, _ = read(source, 1)
    assert np.array_equal(got, plain * 2)
    assert np.array_equal(target, (labels % 2)[:, None])
    assert np.array_equal(X, rows()[0])
    assert changed.digest() != source.digest() == open_source(*data, dtype="f4", batch_rows=64).digest()


def test_stratified_parts_of_arrays_have_the_proportions_of_the_whole():
    X, _ = rows(100)
    source = open_source(X, np.repeat([0, 1], [90, 10]), dtype="f4", batch_rows=64)
    _, held_out = source.split(0.2, np.random.RandomState(0), stratify=True)
    assert collections.Counter(read(held_out)[1].tolist()) == {0: 18, 1: 2}


def test_what_is_taken_as_batches_and_what_as_rows_in_memory(tmp_path):
    X, y = rows()

    class Again:
        def __iter__(self):
            return iter(as_tuples())

    for batches in (
        as_tuples(), tuple(as_tuples()), [(as_tuples()[0][0], y)], Again(), iter(as_tuples()),
        lambda: iter(as_tuples()), make("memmap", tmp_path), [frame()], zip([X], [y], strict=True),
        [[X, y]],
    ):  # fmt: skip
        assert Batches.takes(batches), batches
    for rows_ in (
        X, X.tolist(), frame(), [1, 2], [], "text", {"a": 1}, {1, 2}, None, 3, mapped(tmp_path, X), X[0],
        [[[1.0, 2.0], [3.0, 4.0]]], Again, [X[0], X[1]],
    ):  # fmt: skip
        assert not Batches.takes(rows_), rows_
    polars = pytest.importorskip("polars")
    assert not Batches.takes(polars.from_pandas(frame()))
    for kind in ("table", "parquet", "dataset", "reader"):
        assert Batches.takes(arrow(kind, tmp_path))


def test_a_mapped_file_is_taken_as_batches_from_a_window_on(tmp_path):
    with (tmp_path / "zeros").open("wb") as file:
        file.truncate((64 << 20) + 4)
    whole = np.memmap(tmp_path / "zeros", "f4", "r")
    assert Batches.takes(whole[:, None])
    assert Batches.takes(np.asarray(whole[:, None]))
    assert not Batches.takes(whole[:-1, None])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((rows()[0], rows()[1]), "no batches can be read from an object of type ndarray"),
        ((frame(), "y"), "no batches can be read from an object of type DataFrame"),
        (({},), "type dict"),
        ((as_tuples(), rows()[1]), "names of columns"),
        ((as_tuples(), None, np.ones(N)), "names of columns"),
        ((Batches.of(as_tuples()), "y"), "has its own y"),
    ],
    ids=["array", "frame", "dict", "targets", "weights", "batches"],
)
def test_what_cannot_be_batches_is_refused(arguments, words):
    with pytest.raises(InvalidOptionError, match=words):
        Batches.of(*arguments)
    with pytest.raises(InvalidOptionError, match="window_bytes"):
        Batches.of(as_tuples(), window_bytes=0)


def test_a_mapped_file_has_its_targets_in_an_array(tmp_path):
    X, y = rows()
    with pytest.raises(InvalidOptionError, match="names columns, but X is an array"):
        Batches.of(mapped(tmp_path, X), "y")
    with pytest.raises(InvalidOptionError, match="X has 1003 rows, but y has 3"):
        Batches.of(mapped(tmp_path, X), y[:3])


def test_changes_that_live_in_memory_alone_survive_reading(tmp_path):
    X, y = rows()
    np.save(tmp_path / "X.npy", X)
    private = np.load(tmp_path / "X.npy", mmap_mode="c")
    private[500] = 7
    source = open_source(Batches.of(private, y, window_bytes=SMALL), dtype="f4", batch_rows=64)
    for _ in range(2):
        assert (read(source)[0][500] == 7).all()
    assert (private[500] == 7).all()


def test_the_window_of_a_mapped_file_mixes_rows_from_all_over_it(tmp_path):
    X, y = rows()
    source = open_source(Batches.of(mapped(tmp_path, X), y, window_bytes=SMALL), dtype="f4", batch_rows=200)
    first = next(iter(source.epoch(np.random.RandomState(0))))[1]
    assert first.max() - first.min() > N // 2
    assert len(np.unique(first // 25)) >= 8


def test_rows_without_a_target_can_be_read_where_none_is_needed(tmp_path):
    X, _ = rows()
    data = Batches.of(mapped(tmp_path, X), window_bytes=SMALL)
    with pytest.raises(InvalidOptionError, match="no target"):
        open_source(data, dtype="f4", batch_rows=64)
    got, target, _, _ = read(open_source(data, dtype="f4", batch_rows=64, target=False))
    assert np.array_equal(got, X)
    assert target.shape == (N, 0)
