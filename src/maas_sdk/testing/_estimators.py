"""What is asked of preprocessors and models: scikit-learn's conventions, and use from several threads."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from maas_sdk.errors import MaasError
from maas_sdk.testing._any_kind import ANY_KIND, options_of
from maas_sdk.testing._check import expect
from maas_sdk.testing._data import data_for, seeded
from maas_sdk.testing._fingerprints import fingerprint
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.testing._check import Subject

__all__ = ["MODEL_CHECKS", "PREPROCESSOR_CHECKS"]

_THREADS = 8
# NotFittedError is a ValueError and an AttributeError.
_REFUSALS = (ValueError, TypeError, AttributeError, MaasError)


def _prepare(subject: Subject) -> tuple[Any, Any, Any]:
    estimator = seeded(subject.make())
    X, y = subject.example(lambda: data_for(estimator))
    return estimator, X, y


def _fitted(subject: Subject) -> tuple[Any, Any, Callable[[Any], Any]]:
    """Give a fitted estimator, its data, and the method that is checked."""
    estimator, X, y = _prepare(subject)
    estimator.fit(X, y)
    return estimator, X, _method(subject, estimator)


def _method(subject: Subject, estimator: Any) -> Callable[[Any], Any]:
    method = estimator.transform if subject.info.kind == "preprocessor" else estimator.predict
    return lambda X: _dense(method(X))


def _dense(result: Any) -> Any:
    return np.asarray(result.toarray() if hasattr(result, "toarray") else result)


def _same(left: Any, right: Any) -> bool:
    if left.shape != right.shape:
        return False
    if left.dtype.kind in "fc":
        return bool(np.allclose(left, right, rtol=1e-6, atol=1e-9, equal_nan=True))
    return bool((left == right).all())


def _refused(function: Callable[[], Any], what: str) -> None:
    try:
        function()
    except _REFUSALS:
        return
    raise AssertionError(f"{what} was accepted")


def clones(subject: Subject) -> None:
    """The constructor only stores its arguments, so that `sklearn.base.clone` works."""
    estimator = subject.make()
    copy = clone(estimator)
    expect(type(copy) is type(estimator), f"clone gave a {type(copy).__name__}")
    names = set(estimator.get_params(deep=False))
    expect(set(copy.get_params(deep=False)) == names, "a clone has other parameters")


def sets_and_gets_parameters(subject: Subject) -> None:
    """`set_params` sets what `get_params` gives, on this object alone, and refuses unknown names."""
    estimator = subject.make()
    other = clone(estimator)
    before = fingerprint(estimator.get_params(deep=False))
    for name in other.get_params(deep=False):
        mark = object()
        expect(other.set_params(**{name: mark}) is other, "set_params does not return the object itself")
        expect(other.get_params(deep=False)[name] is mark, f"set_params does not set {name!r}")
    expect(
        fingerprint(estimator.get_params(deep=False)) == before, "set_params on a clone changed the original"
    )
    _refused(lambda: other.set_params(no_such_parameter_=1), "a parameter that does not exist")


def refuses_useless_values_in_fit(subject: Subject) -> None:
    """The constructor only stores its arguments; fit refuses those that make no sense."""
    for name in options_of(subject):
        _, X, y = _prepare(subject)
        _refused(functools.partial(_fit_with, subject, name, X, y), f"an object() as {name!r}")


def _fit_with(subject: Subject, name: str, X: Any, y: Any) -> None:
    subject.make(**{name: object()}).fit(X, y)


def fit_gives_the_object_itself(subject: Subject) -> None:
    """So that calls chain."""
    estimator, X, y = _prepare(subject)
    expect(estimator.fit(X, y) is estimator, "fit does not return the object itself")


def fit_leaves_data_and_parameters_alone(subject: Subject) -> None:
    """The data and the options are the caller's."""
    estimator, X, y = _prepare(subject)
    before = fingerprint((X, y))
    parameters = fingerprint(estimator.get_params(deep=False))
    estimator.fit(X, y)
    expect(fingerprint((X, y)) == before, "fit changed X or y")
    expect(fingerprint(estimator.get_params(deep=False)) == parameters, "fit changed a parameter")


def use_changes_nothing(subject: Subject) -> None:
    """Neither the data nor the fitted object."""
    estimator, X, use = _fitted(subject)
    data, state = fingerprint(X), fingerprint(estimator)
    use(X)
    expect(fingerprint(X) == data, "X was changed")
    expect(fingerprint(estimator) == state, "the fitted object was changed")


def gives_one_row_for_each_row(subject: Subject) -> None:
    """For many rows and for a single one."""
    _, X, use = _fitted(subject)
    for rows in (len(X), 1):
        given = len(use(X[:rows]))
        expect(given == rows, f"{rows} rows in, {given} out")


def works_row_by_row(subject: Subject) -> None:
    """What becomes of a row does not depend on its neighbours."""
    _, X, use = _fitted(subject)
    half = len(X) // 2
    apart = np.concatenate([use(X[:half]), use(X[half:])])
    expect(_same(use(X), apart), "a row's result depends on the rows around it")


def same_data_gives_the_same_result(subject: Subject) -> None:
    """With `random_state` set, where there is one."""
    _, X, use = _fitted(subject)
    _, _, again = _fitted(subject)
    expect(np.array_equal(use(X), again(X)), "two fits on the same data differ")


def a_second_fit_forgets_the_first(subject: Subject) -> None:
    """Unless `warm_start` says otherwise."""
    estimator, X, y = _prepare(subject)
    fresh = clone(estimator)
    fresh.fit(X, y)
    estimator.fit(-X[::-1], None if y is None else y[::-1])
    estimator.fit(X, y)
    results = (_method(subject, estimator)(X), _method(subject, fresh)(X))
    expect(np.array_equal(*results), "a second fit depends on the first")


def serves_several_threads(subject: Subject) -> None:
    """A fitted object is used by many threads at once."""
    _, X, use = _fitted(subject)
    alone = use(X)
    for result in at_once(lambda _: use(X), _THREADS):
        expect(np.array_equal(alone, result), "another thread got another result")


def refuses_use_before_fit(subject: Subject) -> None:
    """With scikit-learn's `NotFittedError` or the like, unless it is declared stateless."""
    estimator, X, _ = _prepare(subject)
    tags = getattr(estimator, "__sklearn_tags__", None)
    if tags is None or tags().requires_fit:
        _refused(lambda: _method(subject, estimator)(X), "use before fit")


def refuses_another_number_of_features(subject: Subject) -> None:
    """Data of another shape is a mistake."""
    estimator, X, use = _fitted(subject)
    tags = getattr(estimator, "__sklearn_tags__", None)
    if tags is None or tags().requires_fit:
        _refused(lambda: use(X[:, :-1]), "X with a feature less than in fit")


def refuses_labels_that_do_not_match(subject: Subject) -> None:
    """As many labels as rows."""
    estimator, X, y = _prepare(subject)
    if y is not None:
        _refused(lambda: estimator.fit(X, y[:-1]), "a y with a row less than X")


PREPROCESSOR_CHECKS = (
    *ANY_KIND,
    clones,
    sets_and_gets_parameters,
    refuses_useless_values_in_fit,
    fit_gives_the_object_itself,
    fit_leaves_data_and_parameters_alone,
    use_changes_nothing,
    gives_one_row_for_each_row,
    works_row_by_row,
    same_data_gives_the_same_result,
    a_second_fit_forgets_the_first,
    serves_several_threads,
    refuses_use_before_fit,
    refuses_another_number_of_features,
)
MODEL_CHECKS = (*PREPROCESSOR_CHECKS, refuses_labels_that_do_not_match)
