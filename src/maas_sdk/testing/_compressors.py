"""What is asked of compressors: a new chain for the same input, and the old one as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.testing._check import expect
from maas_sdk.testing._data import SEED, data_for
from maas_sdk.testing._fingerprints import fingerprint
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_THREADS = 4


@frozen
class _Work:
    """A compressor and a fitted chain that it supports, with the chain's training data."""

    compressor: Any
    chain: Any
    X: Any
    y: Any

    def compress(self) -> Any:
        return self.compressor.compress(self.chain, self.X, self.y)


def _own_chain(compressor: Any) -> tuple[Any, Any, Any]:
    """Give the first of the kit's chains that the compressor supports."""
    for model in (
        LogisticRegression(),
        LinearRegression(),
        MLPClassifier((6,), max_iter=500, random_state=SEED, solver="lbfgs"),
        DecisionTreeClassifier(random_state=SEED),
    ):
        X, y = data_for(model)
        chain = Pipeline([("scaler", StandardScaler()), ("model", model)]).fit(X, y)
        if compressor.supports(chain):
            return chain, X, y
    raise AssertionError("it supports none of the kit's chains; give one with examples={reference: function}")


def _prepare(subject: Subject) -> _Work:
    compressor = subject.make()
    chain, X, y = subject.example(lambda: _own_chain(compressor))
    expect(compressor.supports(chain), "it does not support the chain of its own example")
    return _Work(compressor, chain, X, y)


def leaves_the_given_chain_as_it_was(subject: Subject) -> None:
    """The uncompressed chain goes on to be used, as do the training data."""
    work = _prepare(subject)
    before, data = fingerprint(work.chain), fingerprint((work.X, work.y))
    work.compress()
    expect(fingerprint(work.chain) == before, "compress changed the chain that it was given")
    expect(fingerprint((work.X, work.y)) == data, "compress changed the training data")


def shares_nothing_with_the_given_chain(subject: Subject) -> None:
    """Fitting the new chain again leaves the old one as it was."""
    work = _prepare(subject)
    compressed = work.compress()
    before = fingerprint(work.chain)
    for _, step in compressed.steps:
        for value in vars(step).values():
            for array in value if isinstance(value, list) else [value]:
                if isinstance(array, np.ndarray) and array.flags.writeable and array.dtype.kind == "f":
                    array.fill(0.5)
    expect(fingerprint(work.chain) == before, "writing into the new chain changed the old one")


def gives_a_fitted_chain_for_the_same_input(subject: Subject) -> None:
    """A `sklearn.pipeline.Pipeline` that predicts as many rows, of the same shape."""
    work = _prepare(subject)
    compressed = work.compress()
    expect(isinstance(compressed, Pipeline), f"compress gave a {type(compressed).__name__}, not a Pipeline")
    old, new = (np.asarray(chain.predict(work.X)) for chain in (work.chain, compressed))
    expect(new.shape == old.shape, f"predictions of shape {new.shape} instead of {old.shape}")
    unknown = set(np.unique(new)) - set(np.unique(old)) if old.dtype.kind not in "fc" else ()
    expect(not unknown, f"it predicts labels that the old chain did not: {unknown}")


def same_chain_gives_the_same_result(subject: Subject) -> None:
    """So that a release can be made again."""
    work = _prepare(subject)
    first, second = (work.compress().predict(work.X) for _ in range(2))
    expect(np.array_equal(first, second), "two calls with the same chain differ")


def supports_never_raises(subject: Subject) -> None:
    """It answers True or False to whatever it is asked."""
    compressor = subject.make()
    work = _prepare(subject)
    unfitted = Pipeline([("model", LogisticRegression())])
    for chain in (work.chain, unfitted, Pipeline([("model", None)]), LogisticRegression(), "chain", None):
        try:
            answer = compressor.supports(chain)
        except Exception as exc:
            raise AssertionError(f"supports({chain!r}) raised {type(exc).__name__}: {exc}") from exc
        expect(isinstance(answer, bool), f"supports({chain!r}) gave {answer!r}, not True or False")


def says_whether_it_needs_training_data(subject: Subject) -> None:
    """`needs_training_data` is a boolean; when it is False, `compress` works without any."""
    work = _prepare(subject)
    needs = work.compressor.needs_training_data
    expect(isinstance(needs, bool), f"needs_training_data is {needs!r}, not True or False")
    if not needs:
        work.compressor.compress(work.chain)


def compresses_in_several_threads(subject: Subject) -> None:
    """One object, several candidates at once."""
    work = _prepare(subject)
    alone = work.compress().predict(work.X)
    for predicted in at_once(lambda _: work.compress().predict(work.X), _THREADS):
        expect(np.array_equal(alone, predicted), "another thread got another result")


CHECKS = (
    leaves_the_given_chain_as_it_was,
    shares_nothing_with_the_given_chain,
    gives_a_fitted_chain_for_the_same_input,
    same_chain_gives_the_same_result,
    supports_never_raises,
    says_whether_it_needs_training_data,
    compresses_in_several_threads,
)
