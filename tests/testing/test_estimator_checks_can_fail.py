"""For each check of preprocessors and models a component that only this check catches."""

import copy
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
        if not isinstance(self.power, int | float):
            raise TypeError("power must be a number")
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
    """Cannot be constructed the first time, as what must warm up."""

    warm = False

    def __init__(self, power=1.0):
        self.power = power
        if not Raising.warm:
            Raising.warm = True
            raise OSError("no device")


_UNUSED = []


def same_until_it_is_fitted(power=1.0):
    """Hand out one object as long as nobody has used it."""
    if not _UNUSED or hasattr(_UNUSED[0], "scale_") or _UNUSED[0].power != power:
        _UNUSED[:] = [Scaler(power)]
    return _UNUSED[0]


class Swallowing(Scaler):
    def __init__(self, power=1.0, **_ignored):
        self.power = power

    @classmethod
    def _get_param_names(cls):
        return ["power"]


class Validating(Scaler):
    def __init__(self, power=1.0):
        self.power = [power]

    def fit(self, X, y=None):
        return Scaler(self.power[0]).fit(X, y)


class CloningIntoAnother(Scaler):
    def __sklearn_clone__(self):
        return type("Other", (Scaler,), {})(self.power)


class Credulous(Scaler):
    def fit(self, X, y=None):
        power, self.power = self.power, self.power if isinstance(self.power, float) else 1.0
        super().fit(X, y)
        self.power = power
        return self


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


class Rewriting(Scaler):
    """Writes an equal option of another type."""

    def fit(self, X, y=None):
        super().fit(X, y)
        self.power = int(self.power)
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


class NoisyByBirth(Scaler):
    """Draws its noise when it is made; a clone has the same."""

    def __init__(self, power=1.0):
        self.power = power
        self._noise = 1e-3 * np.random.default_rng().normal()

    def __sklearn_clone__(self):
        return copy.deepcopy(self)

    def fit(self, X, y=None):
        super().fit(X, y)
        self.scale_ = self.scale_ + self._noise
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
    (_any_kind.is_a_new_object_each_time, same_until_it_is_fitted),
    (_any_kind.refuses_unknown_options, Swallowing),
    (_estimators.clones, Validating),
    (_estimators.clones, CloningIntoAnother),
    (_estimators.refuses_useless_values_in_fit, Credulous),
    (_estimators.sets_and_gets_parameters, DeafToParameters),
    (_estimators.fit_gives_the_object_itself, LeaveNothing),
    (_estimators.fit_leaves_data_and_parameters_alone, InPlaceFit),
    (_estimators.fit_leaves_data_and_parameters_alone, ForgetfulOfOptions),
    (_estimators.fit_leaves_data_and_parameters_alone, Rewriting),
    (_estimators.use_changes_nothing, InPlaceUse),
    (_estimators.use_changes_nothing, Counting),
    (_estimators.gives_one_row_for_each_row, DroppingSingleRows),
    (_estimators.works_row_by_row, Centring),
    (_estimators.same_data_gives_the_same_result, Noisy),
    (_estimators.same_data_gives_the_same_result, NoisyByBirth),
    (_estimators.a_second_fit_forgets_the_first, Accumulating),
    (_estimators.serves_several_threads, UnsafeInThreads),
    (_estimators.refuses_use_before_fit, EagerToWork),
    (_estimators.refuses_another_number_of_features, Padding),
    (_estimators.refuses_labels_that_do_not_match, Trimming),
]
# What cannot be cloned, writes into data or is random, fails other checks, too; each has a subtler sibling.
CONSPICUOUS = {Validating, InPlaceFit, ForgetfulOfOptions, InPlaceUse, Noisy}


def test_sound_components_pass(failures):
    assert failures("preprocessor", Scaler) == {}
    assert failures("model", Ridge) == {}


@pytest.mark.parametrize(("check", "broken"), CASES, ids=lambda item: item.__name__)
def test_a_broken_estimator_is_caught(failures, check, broken):
    kind = "model" if broken is Trimming else "preprocessor"
    found = failures(kind, broken)
    assert check.__name__ in found
    assert broken in CONSPICUOUS or set(found) == {check.__name__}, found
