"""Replaces what keeps training rows by a student: a parametric model that learnt the model's answers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from maas_sdk.privacy._steps import Steps

__all__ = ["replace_by_student"]

_FEW_ROWS: Final = 5000


def replace_by_student(steps: Steps, place: int, X_train: Any, student: Any, seed: int) -> Steps:
    """Put a student in the place of a step and of all after it.

    Parameters
    ----------
    steps : list of (str, estimator)
        Fitted; they stay as they are.
    place : int
        The first step that keeps rows.
    X_train : array-like
        What the chain was fitted on; asked for its answers.
    student : estimator or None
        Not fitted; by default a network with one hidden layer behind a scaler.
    seed : int
        For the default one.

    Raises
    ------
    InvalidOptionError
        When the chain predicts nothing, or the student cannot be fitted.
    """
    from sklearn.base import clone  # noqa: PLC0415 - heavy
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - likewise

    teacher = Pipeline(steps)
    if not hasattr(teacher, "predict"):
        raise InvalidOptionError(
            "a student learns what a model predicts, and this one transforms; take it out"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that the teacher has; of a student that could learn longer
        answers = np.asarray(teacher.predict(X_train))
        seen = Pipeline(steps[:place]).transform(X_train) if place else X_train
        made = _default_student(seen, answers, seed) if student is None else clone(student)
        try:
            made.fit(seen, answers)
        except (ValueError, TypeError) as exc:
            raise InvalidOptionError(f"the student cannot be fitted on the model's answers: {exc}") from exc
    inner = [(f"student_{name}", step) for name, step in made.steps] if hasattr(made, "steps") else None
    return [*steps[:place], *(inner or [("student", made)])]


def _default_student(X: Any, answers: Any, seed: int) -> Any:
    from sklearn.impute import SimpleImputer  # noqa: PLC0415 - heavy
    from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: PLC0415 - likewise
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - likewise
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - likewise

    sparse = hasattr(X, "tocsr")
    solver = "lbfgs" if X.shape[0] <= _FEW_ROWS else "adam"  # the one is exact, the other scales
    network = MLPRegressor if answers.dtype.kind == "f" else MLPClassifier
    steps = [
        StandardScaler(with_mean=not sparse),
        network(hidden_layer_sizes=(64,), solver=solver, alpha=1e-2, max_iter=300, random_state=seed),
    ]
    if not sparse and np.isnan(np.asarray(X, dtype=np.float64)).any():
        steps.insert(0, SimpleImputer(strategy="mean"))
    return make_pipeline(*steps)
