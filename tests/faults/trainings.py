"""Trainings on data that are read batch by batch, each in a few seconds, for children that are killed."""

import hashlib
import warnings
from pathlib import Path

import numpy as np

from maas_sdk.checkpoints import open_checkpoints
from maas_sdk.learning import (
    SGD,
    Adam,
    Batches,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
    OneCycleSchedule,
)
from maas_sdk.learning._loop import _training_options

N, FEATURES = 3000, 20
WINDOW = 32 << 10  # an eighth of the data


def write_rows(folder):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, FEATURES)).astype("f4")
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", (X[:, 0] + X[:, 1] ** 2 > 0.5).astype("i8"))


def mapped(folder):
    X, y = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "Xy")
    return Batches.of(X, y, window_bytes=WINDOW)


def function(folder):
    X, y = (np.load(folder / f"{name}.npy") for name in "Xy")

    def batches():
        return ((X[at : at + 400], y[at : at + 400]) for at in range(0, N, 400))

    return Batches.of(batches, window_bytes=WINDOW)


def parquet(folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "rows.parquet"
    if not path.exists():
        X, y = (np.load(folder / f"{name}.npy") for name in "Xy")
        columns = {f"x{number}": X[:, number] for number in range(FEATURES)}
        pq.write_table(pa.table({**columns, "y": y}), folder / "new.parquet", row_group_size=500)
        (folder / "new.parquet").rename(path)
    return Batches.of(pq.ParquetFile(path), "y", window_bytes=WINDOW)


def network():
    return MLPClassifier(
        (32,), optimizer=Adam(0.002), dropout=0.2, early_stopping=True, max_iter=4, tol=0, random_state=0
    )


TRAININGS = {
    "network, mapped file": (network, mapped),
    "network, function": (network, function),
    "network, Parquet": (network, parquet),
    "network, one-cycle": (
        lambda: MLPRegressor(
            (16,), optimizer=SGD(OneCycleSchedule(0.02, n_steps=60)), max_iter=4, random_state=1
        ),
        mapped,
    ),
    "linear, mapped file": (lambda: LogisticClassifier(max_iter=20, tol=0), mapped),
    "linear, batches": (
        lambda: LogisticClassifier(optimizer=SGD(0.05, momentum=0.9), max_iter=4, tol=0, random_state=0),
        function,
    ),
}


def train(name, folder, place, started, result):
    """Train, with a checkpoint in the folder `place` after each batch; write a digest of what was learned."""
    warnings.simplefilter("ignore")
    _training_options._CHECKPOINT_SECONDS = 0.0
    make, data = TRAININGS[name]
    checkpoint = None if place is None else open_checkpoints(place).at(name)
    rows = data(folder)
    started.set()
    model = make().fit(rows, checkpoint=checkpoint)
    arrays = [*getattr(model, "coefs_", []), *getattr(model, "intercepts_", []), getattr(model, "coef_", [])]
    told = b"".join(np.asarray(array).tobytes() for array in arrays)
    curves = repr([model.loss_curve_, getattr(model, "validation_scores_", None)])
    Path(result).write_text(hashlib.sha256(told + curves.encode()).hexdigest())
