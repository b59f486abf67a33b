"""Linear models: how near they come to exact solutions, and what is theirs alone."""

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_regression,
)
from sklearn.linear_model import (
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    QuantileRegressor,
    Ridge,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import (
    AbsoluteLoss,
    AdaGrad,
    HuberLoss,
    LinearRegressor,
    LinearSVMClassifier,
    LogisticClassifier,
    RidgeRegressor,
    SquaredLoss,
)


def standardized(X):
    return StandardScaler().fit_transform(X)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_linear_regressor_comes_to_the_exact_solution_on_data_in_any_units(alpha):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X = X * np.geomspace(1e-6, 1e6, X.shape[1]) + np.geomspace(1, 1e6, X.shape[1])
    model = LinearRegressor(alpha=alpha, tol=1e-9).fit(X, y)
    scaled = standardized(X)
    exact = (Ridge(alpha * len(X)) if alpha else LinearRegression()).fit(scaled, y)
    np.testing.assert_allclose(model.predict(X), exact.predict(scaled), atol=2e-3 * y.std())


@pytest.mark.parametrize("alpha", [0.0, 0.01, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("units", [1.0, np.geomspace(1e-3, 1e3, 10)], ids=["as they come", "stretched"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_ridge_regressor_means_by_alpha_what_scikit_learn_means(alpha, units, weighted):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X = X * units
    weight = np.random.default_rng(0).uniform(0.2, 3, len(X)) if weighted else None
    exact = Ridge(alpha).fit(X, y, sample_weight=weight).predict(X)
    model = RidgeRegressor(alpha).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.predict(X), exact, atol=1e-3 * y.std())
    closer = RidgeRegressor(alpha, tol=1e-15, n_iter_no_change=100).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(closer.predict(X), exact, atol=2e-6 * y.std())


def test_a_ridge_regressor_shrinks_several_outputs_as_each_alone():
    X, Y = make_regression(80, 5, n_targets=3, noise=10, random_state=0)
    model = RidgeRegressor(7.0).fit(X, Y)
    assert model.coef_.shape == (3, 5)
    np.testing.assert_allclose(model.coef_, Ridge(7.0).fit(X, Y).coef_, rtol=1e-5, atol=1e-4)


def test_the_absolute_loss_comes_to_the_regression_of_the_median():
    X, y = load_diabetes(return_X_y=True)
    model = LinearRegressor(loss="absolute").fit(X, y)
    exact = QuantileRegressor(alpha=0).fit(X, y)
    least = np.abs(y - exact.predict(X)).mean()
    assert np.abs(y - model.predict(X)).mean() < 1.002 * least
    assert model.loss_ == pytest.approx(least / y.std(), rel=0.002)


def test_robust_losses_take_no_notice_of_how_far_off_an_outlier_is():
    X, y = make_regression(200, 3, noise=1, random_state=0)
    y = (y - y.mean()) / y.std()
    spoilt = y.copy()
    spoilt[:10] += 1e3
    exact = LinearRegressor().fit(X, y).coef_
    off = {
        name: np.linalg.norm(LinearRegressor(loss=loss).fit(X, spoilt).coef_ - exact)
        for name, loss in (("squared", "squared"), ("absolute", "absolute"), ("huber", HuberLoss(1e-3)))
    }
    assert off["absolute"] < 0.2
    assert off["huber"] < 0.2
    assert off["squared"] > 1


def test_hubers_loss_has_the_least_value_of_its_own_objective():
    X, y = load_diabetes(return_X_y=True)
    z = (y - y.mean()) / y.std()
    model = LinearRegressor(loss="huber", tol=1e-10).fit(X, z)

    def objective(prediction):
        error = np.abs(z - prediction)
        return np.where(error <= 1, error**2 / 2, error - 0.5).mean()

    assert objective(model.predict(X)) == pytest.approx(model.loss_, rel=1e-4)
    others = [LinearRegression(), HuberRegressor(epsilon=1.0 + 1e-9, alpha=0.0, max_iter=1000)]
    assert all(objective(model.predict(X)) <= objective(other.fit(X, z).predict(X)) for other in others)


@pytest.mark.parametrize(
    ("name", "loss"), [("squared", SquaredLoss()), ("absolute", AbsoluteLoss()), ("huber", HuberLoss())]
)
def test_a_loss_may_be_given_by_name_or_as_an_object(name, loss):
    X, y = load_diabetes(return_X_y=True)
    one, other = (LinearRegressor(loss=given).fit(X, y) for given in (name, loss))
    assert np.array_equal(one.coef_, other.coef_)


class Pinball:
    """A vendor's loss, with a kink."""

    curvature = None

    def value_and_gradient(self, raw, target, *, out, sample_weight=None):
        weight = 1 / len(raw) if sample_weight is None else (sample_weight / len(raw))[:, None]
        out[:] = np.where(raw > target, 0.1, -0.9) * weight
        return float(np.sum(out * (raw - target)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_foreign_loss_with_a_kink_needs_an_optimizer_and_is_learned_with_one():
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(InvalidOptionError, match=r"has no curvature.*give an optimizer"):
        LinearRegressor(loss=Pinball()).fit(X, y)
    model = LinearRegressor(loss=Pinball(), optimizer=AdaGrad(0.3), max_iter=300, random_state=0).fit(X, y)
    assert np.mean(y <= model.predict(X)) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("loss", ["square", None, 3, SquaredLoss, np.zeros(3)], ids=repr)
def test_a_loss_that_is_none_is_refused(loss):
    with pytest.raises(InvalidOptionError, match="loss must be one of 'absolute', 'huber', 'squared' or"):
        LinearRegressor(loss=loss).fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_a_logistic_classifier_comes_to_scikit_learns_solution(load):
    X, y = load(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.2, 3, len(X))
    weight *= len(X) / weight.sum()
    scaled = standardized(X)
    for given in (None, weight):
        model = LogisticClassifier(alpha=0.01, tol=1e-12, max_iter=3000)
        model.fit(scaled, y, sample_weight=given)
        # Weights change what a feature's unit deviation is: nearly, for such many rows.
        exact = LogisticRegression(C=1 / (0.01 * len(X)), tol=1e-8, max_iter=5000)
        expected = exact.fit(scaled, y, sample_weight=given).predict_proba(scaled)
        tolerance = 2e-3 if given is None else 5e-2
        np.testing.assert_allclose(model.predict_proba(scaled), expected, atol=tolerance)


def hinge_objective(model, X, y, alpha, power):
    """Give the objective that `LinearSVMClassifier` minimizes, of any fitted linear classifier."""
    classes = np.unique(y)
    signs = np.where(y[:, None] == (classes if len(classes) > 2 else classes[1:]), 1, -1)
    margins = signs * (X @ model.coef_.T + model.intercept_)
    return (np.maximum(0, 1 - margins) ** power).sum(axis=1).mean() + alpha / 2 * np.sum(model.coef_**2)


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris, load_wine, load_digits])
@pytest.mark.parametrize(("loss", "power"), [("hinge", 1), ("squared_hinge", 2)])
@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")  # quite, but near enough
def test_a_linear_svm_comes_within_a_percent_of_liblinears_objective(load, loss, power):
    X, y = load(return_X_y=True)
    X = standardized(X)
    for alpha in (0.1, 0.01):
        model = LinearSVMClassifier(loss=loss, alpha=alpha).fit(X, y)
        exact = LinearSVC(loss=loss, C=1 / (alpha * len(X)), intercept_scaling=30, max_iter=20000, tol=1e-4)
        least = hinge_objective(exact.fit(X, y), X, y, alpha, power)
        assert hinge_objective(model, X, y, alpha, power) < 1.01 * least
        assert model.loss_ == pytest.approx(hinge_objective(model, X, y, alpha, power), rel=0.01)


def test_a_feature_that_is_constant_up_to_rounding_has_no_part():
    X, y = load_diabetes(return_X_y=True)
    X[:, 3], X[:, 5] = 0.1, 1e9 + 1e-7 * (np.arange(len(X)) % 2)
    for data in ((X, y), ([(X[i : i + 100], y[i : i + 100]) for i in range(0, 442, 100)],)):
        model = LinearRegressor().fit(*data)
        assert model.coef_[3] == 0
        assert abs(model.coef_[5]) < 1e-3
        assert model.score(X, y) > 0.4


def test_more_features_than_are_kept_products_of_are_trained_the_same(monkeypatch):
    X, y = make_regression(60, 20, noise=5, random_state=0)
    weight = np.random.default_rng(0).uniform(0.2, 3, 60)
    models = RidgeRegressor(), LinearRegressor(loss="huber")
    expected = [model.fit(X, y, sample_weight=weight).predict(X) for model in models]
    monkeypatch.setattr("maas_sdk.learning._models._linear._MOST_PRODUCTS", 5)
    for model, before in zip(models, expected, strict=True):
        again = model.fit(X, y, sample_weight=weight).predict(X)
        np.testing.assert_allclose(again, before, atol=1e-3 * y.std())


def test_a_wrong_option_of_one_model_is_named_by_fit():
    with pytest.raises(InvalidOptionError, match="loss must be one of 'hinge', 'squared_hinge'"):
        LinearSVMClassifier(loss="log").fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(InvalidOptionError, match="alpha must be a finite number >= 0"):
        RidgeRegressor(-1.0).fit([[0.0], [1.0]], [0.0, 1.0])
