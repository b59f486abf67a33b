"""A fitted chain's predictions, by the engine that is the fastest for so many rows."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils import _safe_indexing

from maas_sdk.compression._direct import _compile
from maas_sdk.compression._direct._crossover import CHAIN, DIRECT, agree, check_crossover, measure
from maas_sdk.compression._direct._engine import Engine
from maas_sdk.errors import ComponentError, InvalidOptionError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from maas_sdk.compression._direct._crossover import Call

__all__ = ["DirectPredictor"]

_METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
_ROWS_COMPARED = 64
_CLOSE_ENOUGH = 1e-5
"""Of the largest number, as float32 can do it; what the direct engine computes in float64 is far closer."""


class DirectPredictor:
    """Predicts what a fitted chain predicts, sooner.

    The chain is validated once and compiled to plain numpy on buffers of each thread: linear models,
    networks, trees, forests and boosting, with scaling, imputing, PCA and selection before them. Steps that
    are not known run as they are. How many rows there are decides which engine answers: the compiled chain,
    the chain itself, or one of the application's.

    Rows are checked, too: whatever scikit-learn would refuse, warn of or convert (other shapes or dtypes than
    float64, float32 and integers, infinities, unknown columns, lists, sparse matrices) is given to the chain,
    with the result, warning or error that it has for it.

    Make one by :meth:`of`. It may be used from several threads, and be copied and pickled by applications;
    the chain must not change while it lives.

    Parameters
    ----------
    chain : Pipeline or fitted estimator
        Fitted.
    crossover : mapping of int to str
        From how many rows on which engine answers: ``{1: "direct", 900: "chain"}``. Keys may be texts.
    engines : sequence of Engine, default=()
        Others that the crossover names.

    Attributes
    ----------
    chain : Pipeline or fitted estimator
    crossover : dict of int to str
        Plain data, to be kept and given to :meth:`of` again on the same kind of machine.
    refused : dict of str to str
        Engines that take no part, and why.
    predict, predict_proba, predict_log_proba, decision_function : callable
        Those that the chain has.

    Raises
    ------
    UnsupportedModelError
        When no engine but the chain itself could ever answer; `why_not` gives the reason.
    InvalidArtifactError
        When the structure of the model is broken: children that are no tree, features out of range, weights
        that do not fit together or are not finite.
    InvalidOptionError
        When the crossover or an engine is wrong.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> chain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> predictor = DirectPredictor.of(chain, X=X)
    >>> predictor.crossover[1]
    'direct'
    >>> predictor.predict(X[:2])
    array([0, 0])
    """

    predict: Callable[[Any], Any]
    predict_proba: Callable[[Any], Any]
    predict_log_proba: Callable[[Any], Any]
    decision_function: Callable[[Any], Any]

    def __init__(self, chain: Any, *, crossover: Mapping[Any, str], engines: Sequence[Engine] = ()) -> None:
        self.chain = chain
        self.refused: dict[str, str] = {}
        self._engines = _checked(engines)
        self._calls = self._compiled()
        self.crossover = check_crossover(crossover, [CHAIN, *self._calls])
        self._bind()

    @classmethod
    def of(
        cls,
        chain: Any,
        *,
        X: Any = None,
        engines: Sequence[Engine] = (),
        crossover: Mapping[Any, str] | None = None,
        seconds: float = 2.0,
    ) -> Self:
        """Compile a fitted chain, compare and measure all engines, and take the fastest for each size.

        Parameters
        ----------
        chain : Pipeline or fitted estimator
            Fitted.
        X : array-like of shape (n_samples, n_features), default=None
            Rows like those that it will be asked for. None draws normally distributed ones; a chain that was
            fitted on a table, or begins with steps that are not known, needs some.
        engines : sequence of Engine, default=()
            Others that may answer. One whose answers for these rows are not the chain's is left out.
        crossover : mapping of int to str, default=None
            As the predictor of the same model on the same kind of machine had it: nothing is measured.
        seconds : float, default=2.0
            How long measuring may take, about.

        Raises
        ------
        UnsupportedModelError, InvalidArtifactError, InvalidOptionError
            See the class.
        """
        if not seconds > 0:
            raise InvalidOptionError(f"seconds must be a positive number, not {seconds!r}")
        if crossover is not None:
            return cls(chain, crossover=crossover, engines=engines)
        predictor = cls(chain, crossover={1: CHAIN}, engines=engines)
        rows_of = predictor._rows_of(X)
        with np.errstate(all="ignore"):  # the logarithm of 0, for one
            predictor._compare(rows_of(_ROWS_COMPARED))
        calls = {CHAIN: chain.predict}
        calls |= {
            name: _first_of(given["predict"], chain.predict)
            for name, given in predictor._calls.items()
            if "predict" in given
        }
        predictor.crossover = measure(calls, rows_of, seconds=seconds)
        predictor._bind()
        return predictor

    @staticmethod
    def why_not(chain: Any) -> str | None:
        """Give the reason why the model of a chain cannot be compiled; None if it can."""
        return _compile.why_not(chain)

    def attempt(self, method: str, X: Any) -> Any:
        """Compute `method` for `X` if an engine other than the chain is to do it; None if the chain is."""
        call = self._attempts.get(method)
        return None if call is None else call(X)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.chain, self.crossover, self._engines)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_compile.steps_of(self.chain)[-1]!r}, crossover={self.crossover!r})"

    def _compiled(self) -> dict[str, dict[str, Call]]:
        """Give for each engine the methods that it has; each gives None for rows that are the chain's."""
        calls: dict[str, dict[str, Call]] = {}
        methods = [method for method in _METHODS if hasattr(self.chain, method)]
        reason = _compile.why_not(self.chain)
        if reason is None:
            compiled = _compile.compile_chain(self.chain)
            known = {method: compiled.compile(method) for method in methods}
            calls[DIRECT] = {method: call for method, call in known.items() if call is not None}
        else:
            self.refused[DIRECT] = reason
        gate = _compile.first_gate(self.chain)
        for engine in self._engines:
            try:
                made = {
                    method: _behind(gate, engine.name, engine.compile(self.chain, method))
                    for method in methods
                    if gate is not None and engine.supports(self.chain, method)
                }
            except Exception as exc:
                raise ComponentError(f"engine {engine.name!r} failed to compile: {exc}") from exc
            if made:
                calls[engine.name] = made
            else:
                self.refused[engine.name] = "it does not support this chain"
        if not calls:
            raise UnsupportedModelError(f"the chain cannot be accelerated: {reason}")
        return calls

    def _rows_of(self, X: Any) -> Callable[[int], Any]:
        """Give what makes batches of so many rows."""
        if X is not None:
            n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
            if not n_rows:
                raise InvalidOptionError("X has no rows to measure on")
            return lambda size: _safe_indexing(X, np.arange(size) % n_rows)
        first = _compile.steps_of(self.chain)[0]
        n_features = getattr(first, "n_features_in_", None)
        if n_features is None or hasattr(first, "feature_names_in_"):
            raise InvalidOptionError(
                f"rows for {type(first).__name__} cannot be made up: pass X, some rows of the kind that the "
                "chain was fitted on"
            )
        rng = np.random.default_rng(0)
        return lambda size: rng.standard_normal((size, n_features))

    def _compare(self, rows: Any) -> None:
        """Leave out engines whose answers are not the chain's."""
        for method in _METHODS:
            if not hasattr(self.chain, method):
                continue
            try:
                expected = getattr(self.chain, method)(rows)
            except Exception as exc:
                raise InvalidOptionError(
                    f"the chain cannot predict rows to measure on ({exc}): pass X, some rows of the kind "
                    "that it was fitted on"
                ) from exc
            for name in [name for name, calls in self._calls.items() if method in calls]:
                reason = _difference(self._calls[name][method], rows, expected)
                if reason is not None:
                    del self._calls[name]
                    self.refused[name] = f"its {method} {reason}"

    def _bind(self) -> None:
        """Make the methods that the chain has."""
        self._attempts: dict[str, Call] = {}
        for method in _METHODS:
            by_chain = getattr(self.chain, method, None)
            if by_chain is None:
                continue
            attempt = _by_size(
                list(self.crossover),
                [self._calls.get(name, {}).get(method) for name in self.crossover.values()],
            )
            if attempt is not None:
                self._attempts[method] = attempt
            setattr(self, method, by_chain if attempt is None else _first_of(attempt, by_chain))


def _rebuilt(cls: Any, chain: Any, crossover: dict[int, str], engines: tuple[Engine, ...]) -> Any:
    return cls(chain, crossover=crossover, engines=engines)


def _by_size(starts: list[int], calls: list[Call | None]) -> Call | None:
    """Make what takes the engine for the number of rows; None where it is always the chain."""
    first = calls[0]
    if not any(calls):
        return None
    if len(calls) == 1:
        return first
    second = starts[1]

    def attempt(X: Any) -> Any:
        try:
            n_rows = X.shape[0]
        except (AttributeError, IndexError):
            return None
        call = first if n_rows < second else calls[bisect_right(starts, n_rows) - 1]
        return None if call is None else call(X)

    return attempt


def _first_of(attempt: Call, by_chain: Call) -> Call:
    def predict(X: Any) -> Any:
        result = attempt(X)
        return by_chain(X) if result is None else result

    return predict


def _difference(call: Call, rows: Any, expected: Any) -> str | None:
    """Say how an engine's answers are not the chain's; None if they are."""
    given = call(rows)
    if given is None:  # some rows are the chain's, such as those with missing values
        single = [call(_safe_indexing(rows, [index])) for index in range(len(expected))]
        mine = [index for index, answer in enumerate(single) if answer is not None]
        if not mine:
            return "takes none of the rows that were given"
        given, expected = np.concatenate([single[index] for index in mine]), expected[mine]
    return None if agree(expected, given, rtol=_CLOSE_ENOUGH) else "does not give what the chain's does"


def _checked(engines: Sequence[Engine]) -> tuple[Engine, ...]:
    names = {CHAIN, DIRECT}
    for engine in engines:
        if not isinstance(engine, Engine):
            raise InvalidOptionError(f"an engine must have name, supports and compile, not {engine!r}")
        if not str(engine.name).isidentifier() or engine.name in names:
            raise InvalidOptionError(f"{engine.name!r} names no engine, or names one that is there already")
        names.add(engine.name)
    return tuple(engines)


def _behind(gate: Any, name: str, compute: Call) -> Call:
    """Let plain rows alone come to an engine, and name it where it raises."""

    def call(X: Any) -> Any:
        rows = gate(X)
        if rows is None:
            return None
        try:
            return compute(np.ascontiguousarray(rows))
        except Exception as exc:
            raise ComponentError(f"engine {name!r} failed: {exc}") from exc

    return call
