"""For each check of preprocessors and models a component that only this check catches."""

import threading
import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from maas_sdk.testing import _any_kind, _estimators


class Scaler(TransformerMixin, BaseEstimator):
    def __init__(self, power=1.0):
        self.power = power

    def fit(self, X, y=None):
        X = validate_data(self, X)
        self.scale_ = np.abs(X).mean(axis=0) ** self.power
        return self

    def transform(self, X):
        check_is_fitted(self)
        return validate_data(self, X, reset=False) / self.scale_


class Ridge(RegressorMixin, BaseEstimator):
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        self.coef_ = np.linalg.solve(X.T @ X + self.alpha * np.eye(X.shape[1]), X.T @ y)
        return self

    def predict(self, X):
        check_is_fitted(self)
        return validate_data(self, X, reset=False) @ self.coef_


class Raising(Scaler):
    def __init__(self):
        raise OSError("no device")


class Singleton(Scaler):
    one = None

    def __new__(cls, *_args, **_options):
        cls.one = cls.one or super().__new__(cls)
        return cls.one


class Swallowing(Scaler):
    def __init__(self, power=1.0, **_ignored):
        self.power = power

    @classmethod
    def _get_param_names(cls):
        return ["power"]


class Validating(Scaler):
    def __init__(self, power=1.0):
        self.power = [power]


class DeafToParameters(Scaler):
    def set_params(self, **_params):
        return self


class LeaveNothing(Scaler):
    def fit(self, X, y=None):
        super().fit(X, y)
        return Scaler().fit(X, y)


class InPlaceFit(Scaler):
    def fit(self, X, y=None):
        super().fit(X, y)
        X *= 1.5
        return self


class ForgetfulOfOptions(Scaler):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.power = 1.5
        return self


class InPlaceUse(Scaler):
    def transform(self, X):
        result = super().transform(X)
        X += 1e-12
        return result


class Counting(Scaler):
    def transform(self, X):
        self.calls_ = getattr(self, "calls_", 0) + 1
        return super().transform(X)


class DroppingSingleRows(Scaler):
    def transform(self, X):
        result = super().transform(X)
        return result[:0] if len(result) == 1 else result


class Centring(Scaler):
    def transform(self, X):
        result = super().transform(X)
        return result - result.mean(axis=0)


class Noisy(Scaler):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.scale_ = self.scale_ + 1e-3 * np.random.default_rng().normal(size=self.scale_.shape)
        return self


class Accumulating(Scaler):
    def fit(self, X, y=None):
        before = getattr(self, "scale_", 0.0)
        super().fit(X, y)
        self.scale_ = self.scale_ + before
        return self


class UnsafeInThreads(Scaler):
    """Keeps what it works on where the next thread finds it; only its own thread is told apart."""

    busy = threading.Lock()

    def transform(self, X):
        alone = self.busy.acquire(blocking=False)
        try:
            time.sleep(0.02)
            return super().transform(X) + (0.0 if alone else 1.0)
        finally:
            if alone:
                self.busy.release()


class EagerToWork(Scaler):
    def transform(self, X):
        return super().transform(X) if hasattr(self, "scale_") else X


class Padding(Scaler):
    def transform(self, X):
        check_is_fitted(self)
        X = np.asarray(X)
        return X / self.scale_[: X.shape[1]]


class Trimming(Ridge):
    def fit(self, X, y):
        return super().fit(X[: len(y)], y)


CASES = [
    (_any_kind.constructs_with_its_options, Raising),
    (_any_kind.is_a_new_object_each_time, Singleton),
    (_any_kind.refuses_unknown_options, Swallowing),
    (_estimators.clones, Validating),
    (_estimators.sets_and_gets_parameters, DeafToParameters),
    (_estimators.fit_gives_the_object_itself, LeaveNothing),
    (_estimators.fit_leaves_data_and_parameters_alone, InPlaceFit),
    (_estimators.fit_leaves_data_and_parameters_alone, ForgetfulOfOptions),
    (_estimators.use_changes_nothing, InPlaceUse),
    (_estimators.use_changes_nothing, Counting),
    (_estimators.gives_one_row_for_each_row, DroppingSingleRows),
    (_estimators.works_row_by_row, Centring),
    (_estimators.same_data_gives_the_same_result, Noisy),
    (_estimators.a_second_fit_forgets_the_first, Accumulating),
    (_estimators.serves_several_threads, UnsafeInThreads),
    (_estimators.refuses_use_before_fit, EagerToWork),
    (_estimators.refuses_another_number_of_features, Padding),
    (_estimators.refuses_labels_that_do_not_match, Trimming),
]
# What cannot be constructed or cloned, writes into data or is random, fails other checks, too.
CONSPICUOUS = {
    Raising,
    Singleton,
    Validating,
    LeaveNothing,
    InPlaceFit,
    ForgetfulOfOptions,
    InPlaceUse,
    Noisy,
}


def test_each_check_has_its_case():
    checks = {*_any_kind.CHECKS, *_estimators.PREPROCESSOR_CHECKS, *_estimators.MODEL_CHECKS}
    assert {check for check, _ in CASES} == checks


def test_sound_components_pass(failures):
    assert failures("preprocessor", Scaler) == {}
    assert failures("model", Ridge) == {}


@pytest.mark.parametrize(("check", "broken"), CASES, ids=lambda item: item.__name__)
def test_a_broken_estimator_is_caught(failures, check, broken):
    kind = "model" if issubclass(broken, Ridge) else "preprocessor"
    found = failures(kind, broken)
    assert check.__name__ in found
    assert broken in CONSPICUOUS or set(found) == {check.__name__}, found
