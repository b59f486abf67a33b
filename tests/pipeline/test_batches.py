"""`Pipeline.fit` on data that are read batch by batch, and what observers hear of a long training."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

import maas_sdk as maas
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import Adam, MLPClassifier
from maas_sdk.pipeline import Pipeline
from maas_sdk.plugin import PluginRegistry, hookimpl

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_rows=600, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(50, 9, (n_rows, 5))
    return X, np.where(X[:, 0] > X[:, 1], "left", "right")


def chunks(X, y, size=128):
    return lambda: ((X[i : i + size], y[i : i + size]) for i in range(0, len(X), size))


def make(**options):
    model = MLPClassifier((8,), optimizer=Adam(0.02), max_iter=15, random_state=0, dtype="float64")
    return Pipeline(model=model, preprocessors=["standard_scaler"], **options)


def test_a_pipeline_learns_from_batches_what_it_learns_from_the_array():
    X, y = rows()
    streamed, whole = make().fit(chunks(X, y)), make().fit(X, y)
    assert streamed.score(X, y) > 0.95
    np.testing.assert_allclose(
        streamed.chain_.steps[0][1].mean_, whole.chain_.steps[0][1].mean_, rtol=1e-12, atol=0
    )
    assert streamed.n_features_in_ == 5
    assert streamed.classes_.tolist() == ["left", "right"]


def test_a_pipeline_fitted_on_a_parquet_file_can_be_published_and_knows_its_features(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    X, y = rows()
    columns = {f"f{i}": X[:, i] for i in range(5)}
    parquet.write_table(pa.table({**columns, "label": y}), tmp_path / "rows.parquet")
    pipeline = make().fit(parquet.ParquetFile(tmp_path / "rows.parquet"), "label")
    assert pipeline.predict(X[:20]).shape == (20,)
    release = pipeline.publish(
        "acme/sides",
        version="1.0.0",
        store=tmp_path / "models",
        signer=maas.Identity.generate("acme"),
        selftest=X[:4],
    )
    assert release.version == "1.0.0"


def test_a_preprocessor_that_needs_all_rows_at_once_is_refused_by_name():
    X, y = rows()
    pipeline = make().set_params(preprocessors=[PCA(2)])
    with pytest.raises(InvalidOptionError, match="'PCA' has no partial_fit"):
        pipeline.fit(chunks(X, y))
    assert not hasattr(pipeline, "chain_")


def test_a_preprocessor_that_learns_nothing_goes_along():
    X, y = rows()
    pipeline = make().set_params(preprocessors=[FunctionTransformer(np.log), "standard_scaler"])
    assert pipeline.fit(chunks(X, y)).score(X, y) > 0.9


def test_a_model_that_reads_no_batches_is_refused_by_name():
    X, y = rows()
    with pytest.raises(InvalidOptionError, match=r"'LogisticRegression' reads no batches.*takes_batches"):
        Pipeline(model=LogisticRegression()).fit(chunks(X, y))


def test_an_iterator_that_serves_one_pass_is_refused_where_more_are_needed():
    X, y = rows()
    with pytest.raises(InvalidOptionError, match="function that makes a new iterator"):
        make().fit(chunks(X, y)())


def test_a_checkpoint_reaches_the_model_and_a_model_without_is_refused():
    X, y = rows()
    kept = maas.open_checkpoints("memory:").at("sides")
    seen = []

    def stop(progress):
        seen.append(progress["epoch"])
        if progress["epoch"] == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make().set_params(model__callback=stop).fit(X, y, checkpoint=kept)
    seen.clear()
    resumed = make().set_params(model__callback=lambda p: seen.append(p["epoch"])).fit(X, y, checkpoint=kept)
    straight = make().fit(X, y)
    assert seen[0] > 1
    assert seen[-1] == 15
    for one, other in zip(resumed.chain_[-1].coefs_, straight.chain_[-1].coefs_, strict=True):
        assert np.array_equal(one, other)
    with pytest.raises(InvalidOptionError, match="takes no checkpoint"):
        Pipeline(model=LogisticRegression()).fit(X, y, checkpoint=kept)


def test_observers_hear_of_epochs_and_of_what_is_left():
    X, y = rows()
    events = []

    class Log:
        @hookimpl
        def maas_sdk_after_step(self, event):
            events.append(event)

    registry = PluginRegistry()
    registry.add_observer(Log())
    make(registry=registry).fit(X, y)
    epochs = [event for event in events if event.step == "epoch"]
    assert [event.index for event in epochs] == list(range(15))
    assert {event.total for event in epochs} == {15}
    assert epochs[-1].remaining == 0
    assert epochs[3].remaining > 0
    assert set(epochs[0].metrics) == {"loss"}


def test_observers_hear_of_batches_within_a_long_epoch():
    X, y = rows()
    events = []

    class Log:
        @hookimpl
        def maas_sdk_after_step(self, event):
            events.append(event)

    class Reporting(MLPClassifier):
        def fit(self, X, y):
            self.callback(
                {
                    "epoch": 1,
                    "n_epochs": 2,
                    "loss": 0.5,
                    "batch": 3,
                    "n_batches": None,
                    "seconds": 1.5,
                    "seconds_left": None,
                }
            )
            return super().fit(X, y)

    registry = PluginRegistry()
    registry.add_observer(Log())
    Pipeline(model=Reporting(max_iter=2), registry=registry).fit(X, y)
    batch = next(event for event in events if event.step == "batch")
    assert (batch.index, batch.total, batch.remaining) == (2, None, None)
    assert dict(batch.metrics) == {"epoch": 1.0, "loss": 0.5}
