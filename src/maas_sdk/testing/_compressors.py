"""What is asked of compressors: a new chain for the same input, and the old one as it was."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.errors import MaasError
from maas_sdk.testing._any_kind import CHECKS as ANY_KIND_CHECKS
from maas_sdk.testing._check import expect
from maas_sdk.testing._data import SEED, data_for
from maas_sdk.testing._fingerprints import array_bytes, fingerprint
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_THREADS = 4
_GROWTH = 2
_SLACK = 2**20  # bytes


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
        RandomForestClassifier(4, random_state=SEED),
        KNeighborsClassifier(3),
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


def refuses_what_it_does_not_support(subject: Subject) -> None:
    """With a `MaasError` (`UnsupportedModelError` or `InvalidOptionError`), not with a chain of some sort."""
    work = _prepare(subject)
    for chain in (Pipeline([("model", LogisticRegression())]), Pipeline([("model", None)]), None):
        if _is_unsupported(work.compressor, chain):
            try:
                work.compressor.compress(chain, work.X, work.y)
            except MaasError:
                continue
            except Exception as exc:
                message = f"compress({chain!r}) raised {type(exc).__name__}, which is no MaasError: {exc}"
                raise AssertionError(message) from exc
            raise AssertionError(f"supports({chain!r}) is False, and yet compress gave something")


def is_lossless_if_it_says_so(subject: Subject) -> None:
    """Where it claims `lossless = True`, each method gives the same bits; of arrays, on new rows, too."""
    work = _prepare(subject)
    claim = getattr(work.compressor, "lossless", False)
    expect(isinstance(claim, bool), f"lossless is {claim!r}, not True or False")
    if not claim:
        return
    compressed = work.compress()
    tables = [work.X]
    if isinstance(work.X, np.ndarray):
        tables.append(np.random.default_rng(SEED).permuted(work.X, axis=0))  # rows that are new
    for method in ("predict", "predict_proba", "decision_function"):
        if not hasattr(work.chain, method):
            continue
        expect(hasattr(compressed, method), f"it claims to be lossless, but {method} is gone")
        for X in tables:
            before, after = (fingerprint(getattr(chain, method)(X)) for chain in (work.chain, compressed))
            expect(before == after, f"it claims to be lossless, but {method} gives something else")


def _is_unsupported(compressor: Any, chain: Any) -> bool:
    try:
        return not compressor.supports(chain)
    except Exception:  # noqa: BLE001 - another check's matter
        return False


def survives_a_truncated_chain(subject: Subject) -> None:
    """A chain that lost a row of a fitted array is refused with a `MaasError`, or made into a chain."""
    work = _prepare(subject)
    for name, chain in _truncated(work.chain):
        try:
            if work.compressor.supports(chain):
                work.compressor.compress(chain, work.X, work.y)
        except MaasError:
            continue
        except Exception as exc:
            message = f"{name} cut short: raised {type(exc).__name__}, which is no MaasError: {exc}"
            raise AssertionError(message) from exc


def _truncated(chain: Any) -> Iterator[tuple[str, Any]]:
    """Give copies of a chain in each of which one array of the model lacks its last entries or all."""
    for name, value in vars(chain.steps[-1][1]).items():
        whole = isinstance(value, np.ndarray) and value.ndim > 0
        if whole or (isinstance(value, list) and value):
            for short in (value[:-1], value[:0]):
                made = copy.deepcopy(chain)
                setattr(made.steps[-1][1], name, copy.deepcopy(short))
                yield name, made


def gives_no_bomb(subject: Subject) -> None:
    """The arrays of the new chain are at most twice those of the old one, and a MiB."""
    work = _prepare(subject)
    before, after = array_bytes(work.chain), array_bytes(work.compress())
    expect(after <= _GROWTH * before + _SLACK, f"{before} bytes of arrays became {after}")


CHECKS = (
    *ANY_KIND_CHECKS,
    leaves_the_given_chain_as_it_was,
    shares_nothing_with_the_given_chain,
    gives_a_fitted_chain_for_the_same_input,
    same_chain_gives_the_same_result,
    supports_never_raises,
    says_whether_it_needs_training_data,
    compresses_in_several_threads,
    refuses_what_it_does_not_support,
    is_lossless_if_it_says_so,
    survives_a_truncated_chain,
    gives_no_bomb,
)
