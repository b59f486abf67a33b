"""Puts a small network or tree, which learns from the predictions of the model, in the model's place."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from maas_sdk.compression._chain import NO_CHAIN, features_of, free_name, model_of
from maas_sdk.compression._options import check_seed
from maas_sdk.compression._tuning import forget_training_
from maas_sdk.errors import ComponentError, InvalidOptionError, MaasError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

__all__ = ["DistillCompressor"]

_UNITS = (64, 64)
_LEAVES = 256
_ALPHA = 1e-5
_RATE = 0.01
_STEPS, _MOST_EPOCHS, _BATCH = 4000, 300, 200
_LEAST_SHARE = 0.01  # of a class, for a row to teach it


class DistillCompressor:
    """A small student in place of a model of any kind, which it learns from.

    The student sees the training rows as the model does, behind the same steps, and more rows without labels,
    if there are any; it learns what the model says of them. Of a regressor these are its values. Of a
    classifier they are its probabilities: each row comes once for each class that has at least a hundredth,
    weighted by the probability, so that a student that minimizes the log loss minimizes the cross-entropy of
    the model's probabilities and its own. If the model has no probabilities, or the student takes no
    `sample_weight`, it learns the labels that the model predicts.

    Parameters
    ----------
    student : {"network", "tree"} or estimator, default="network"
        ``"network"``, for dense features: :class:`maas_sdk.learning.MLPClassifier` or `MLPRegressor` with two
        layers of 64 units, trained by Adam with a rate that falls along a cosine in a few thousand steps,
        behind a `StandardScaler` if the chain has none. ``"tree"``: scikit-learn's decision tree with at most
        256 leaves. Any other scikit-learn estimator of the same kind as the model is cloned and fitted.
    X_unlabelled : array-like of shape (n_samples, n_features), optional
        More rows to learn from, as the chain takes them, of the same type as the training rows.
    random_state : int, default=0
        Seeds whatever of the student has no seed.

    Raises
    ------
    InvalidOptionError
        When an option is none of those.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531.
    C. Bucilă, R. Caruana, A. Niculescu-Mizil, "Model compression", KDD 2006, for rows without labels.
    """

    needs_training_data = True

    def __init__(
        self,
        student: Literal["network", "tree"] | Any = "network",
        *,
        X_unlabelled: Any = None,
        random_state: int = 0,
    ) -> None:
        known = student in ("network", "tree") if isinstance(student, str) else _is_estimator(student)
        if not known:
            raise InvalidOptionError(
                f"DistillCompressor(student={student!r}): expected 'network', 'tree' or an estimator, such "
                f"as LogisticRegression()."
            )
        if X_unlabelled is not None and not _are_rows(X_unlabelled):
            raise InvalidOptionError(
                f"DistillCompressor: X_unlabelled must be rows, as the chain takes them, not "
                f"{type(X_unlabelled).__name__}; or None."
            )
        check_seed(self, random_state)
        self.student = student
        self.X_unlabelled = X_unlabelled
        self.random_state = random_state

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model is a classifier or regressor that such a student can learn from."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        if not getattr(chain, "steps", None):
            return NO_CHAIN
        model = model_of(chain)
        name = type(model).__name__
        kind = _kind(model)
        if kind is None:
            return f"{name} is neither a classifier nor a regressor"
        if not _is_fitted(model):
            return f"{name} is not fitted"
        if kind == "classifier" and not _is_list_of_labels(getattr(model, "classes_", None)):
            return f"{name} predicts several labels at once"
        if not isinstance(self.student, str) and _kind(self.student) != kind:
            return f"the student {type(self.student).__name__} is no {kind}"
        return None

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a chain with the same steps before the model, and the student in its place.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X : array-like
            Training data, as the chain takes it.
        y : object
            Not used: the model tells.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported, or without training data.
        ComponentError
            When a step, the model or the student raises.
        """
        from sklearn.pipeline import Pipeline as SklearnPipeline  # noqa: PLC0415 - heavy

        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"distill does not fit this model: {reason}.")
        features = features_of(chain, X, what="distill")
        *before, (name, model) = chain.steps
        try:
            if self.X_unlabelled is not None:
                features = _stacked(features, features_of(chain, self.X_unlabelled, what="distill"))
            before = copy.deepcopy(before)
            steps = self._taught(model, features, before, name)
        except MaasError:
            raise
        except Exception as exc:
            raise ComponentError(f"distill of {type(model).__name__} failed: {exc}") from exc
        return SklearnPipeline([*before, *steps])

    def _taught(
        self, model: Any, features: Any, before: list[tuple[str, Any]], name: str
    ) -> list[tuple[str, Any]]:
        """Give the fitted steps that take the place of the model."""
        from sklearn.utils.validation import has_fit_parameter  # noqa: PLC0415 - heavy

        if isinstance(self.student, str) and self.student == "network":
            rows, targets, weights = _lesson(model, features, weighted=True)
            scaler = _scaler([*before, (name, model)], features)
            for _, step in scaler:
                features = step.fit_transform(features)
            network = _network(model, _rows_of(features, rows), targets, weights, seed=self.random_state)
            return [*scaler, (name, network)]
        student = _seeded(_tree(model) if isinstance(self.student, str) else self.student, self.random_state)
        weighted = has_fit_parameter(student, "sample_weight")
        rows, targets, weights = _lesson(model, features, weighted=weighted)
        with_weights = {} if weights is None else {"sample_weight": weights}
        return [(name, student.fit(_rows_of(features, rows), targets, **with_weights))]

    def __repr__(self) -> str:
        unlabelled = "" if self.X_unlabelled is None else ", X_unlabelled=…"
        return f"{type(self).__name__}({self.student!r}{unlabelled})"


# --- What is asked of models


def _is_estimator(value: Any) -> bool:
    return not isinstance(value, type) and _kind(value) is not None


def _are_rows(value: Any) -> bool:
    shape = getattr(value, "shape", ())
    return bool(shape and shape[0]) or (isinstance(value, list | tuple) and bool(value))


def _kind(model: Any) -> str | None:
    from sklearn.base import is_classifier, is_regressor  # noqa: PLC0415 - heavy

    if isinstance(model, type) or not all(hasattr(model, name) for name in ("fit", "predict", "get_params")):
        return None
    return "classifier" if is_classifier(model) else "regressor" if is_regressor(model) else None


def _is_fitted(model: Any) -> bool:
    from sklearn.exceptions import NotFittedError  # noqa: PLC0415 - heavy
    from sklearn.utils.validation import check_is_fitted  # noqa: PLC0415 - heavy

    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    return True


def _is_list_of_labels(classes: Any) -> bool:
    return isinstance(classes, np.ndarray) and classes.ndim == 1 and classes.size > 1


# --- What the student learns


def _lesson(
    model: Any, features: Any, *, weighted: bool
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.float64] | None]:
    """Give which rows to learn, what the model says of them and, if that may be, with which weights."""
    if weighted and hasattr(model, "classes_") and hasattr(model, "predict_proba"):
        return _shares(model.classes_, np.asarray(model.predict_proba(features), np.float64))
    targets = np.asarray(model.predict(features))
    if targets.ndim == 2 and targets.shape[1] == 1:  # noqa: PLR2004 - rows and columns
        raise InvalidOptionError(
            "distill does not fit this model: it predicts a column, which students do not: "
            "fit it on y.ravel()."
        )
    return np.arange(len(targets)), targets, None


def _shares(
    classes: NDArray[Any], shares: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.float64]]:
    taught = shares >= _LEAST_SHARE
    # A class that no row has enough of is taught by the row that has most of it.
    rare = np.flatnonzero(~taught.any(axis=0))
    most = shares[:, rare].argmax(axis=0)
    taught[most, rare] = True
    rows, codes = np.nonzero(taught)
    weights = np.maximum(shares[rows, codes], _LEAST_SHARE * _LEAST_SHARE)
    return rows, classes[codes], weights


def _rows_of(features: Any, rows: NDArray[np.int64]) -> Any:
    from sklearn.utils import _safe_indexing  # noqa: PLC0415 - heavy

    return _safe_indexing(features, rows)


def _stacked(features: Any, more: Any) -> Any:
    """Give the rows of both: arrays, sparse matrices or frames."""
    if hasattr(features, "toarray"):
        from scipy.sparse import vstack  # noqa: PLC0415 - heavy

        return vstack([features, more], format="csr")
    if hasattr(features, "columns"):
        return type(features)(
            {name: np.concatenate([features[name], more[name]]) for name in features.columns}
        )
    return np.concatenate([np.asarray(features), np.asarray(more)])


# --- The student


def _scaler(steps: list[tuple[str, Any]], features: Any) -> list[tuple[str, Any]]:
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - heavy

    if any(isinstance(step, StandardScaler) for _name, step in steps):
        return []
    return [(free_name(steps, "scaler"), StandardScaler(with_mean=not hasattr(features, "toarray")))]


def _network(model: Any, X: Any, targets: NDArray[Any], weights: NDArray[Any] | None, *, seed: int) -> Any:
    """Train the default network for a fixed number of steps, so that no luck of convergence decides."""
    from maas_sdk.learning import Adam, CosineSchedule, MLPClassifier, MLPRegressor  # noqa: PLC0415 - heavy

    batches = math.ceil(len(targets) / _BATCH)
    epochs = min(_MOST_EPOCHS, math.ceil(_STEPS / batches))
    schedule = CosineSchedule(learning_rate=_RATE, n_steps=epochs * batches)
    cls = MLPClassifier if hasattr(model, "classes_") else MLPRegressor
    network = cls(_UNITS, optimizer=Adam(schedule), alpha=_ALPHA, max_iter=epochs, random_state=seed)
    known = {"classes": model.classes_} if hasattr(model, "classes_") else {}
    for _ in range(epochs):
        network.partial_fit(X, targets, sample_weight=weights, **known)
    forget_training_(network)
    return network


def _tree(model: Any) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # noqa: PLC0415 - heavy

    cls = DecisionTreeClassifier if hasattr(model, "classes_") else DecisionTreeRegressor
    return cls(max_leaf_nodes=_LEAVES)


def _seeded(student: Any, seed: int) -> Any:
    """Give a clone in which each `random_state` that was None is the seed."""
    from sklearn.base import clone  # noqa: PLC0415 - heavy

    seeded = clone(student)
    unseeded = [
        name
        for name, value in seeded.get_params(deep=True).items()
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    ]
    return seeded.set_params(**dict.fromkeys(unseeded, seed))
