"""Multi-layer perceptrons: what is theirs alone, and how well they learn compared to scikit-learn's."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as ScikitLearnsMLP
from sklearn.preprocessing import StandardScaler

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import Adam, HuberLoss, MLPClassifier, MLPRegressor

FAST = Adam(learning_rate=0.02)
unsettled = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_samples=60, n_features=4, *, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    return X, (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, stratify=y, random_state=0)


def test_an_mlp_reaches_95_percent_on_digits_in_float32():
    X_train, X_test, y_train, y_test = digits()
    with pytest.warns(ConvergenceWarning):
        model = MLPClassifier(max_iter=60, random_state=0).fit(X_train, y_train)
    assert model.score(X_test, y_test) >= 0.95
    assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype(np.float32)}
    assert model.predict_proba(X_test).dtype == np.float32


@unsettled
def test_the_score_on_digits_is_scikit_learns_within_a_seeds_deviation():
    X_train, X_test, y_train, y_test = digits()

    def scores(cls):
        return [
            cls((64,), max_iter=30, random_state=seed).fit(X_train, y_train).score(X_test, y_test)
            for seed in range(5)
        ]

    ours, theirs = scores(MLPClassifier), scores(ScikitLearnsMLP)
    assert abs(np.mean(ours) - np.mean(theirs)) < max(np.std(ours, ddof=1), np.std(theirs, ddof=1))


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@unsettled
def test_each_activation_learns_in_each_precision(activation, dtype):
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = MLPClassifier(
        (16,), activation=activation, dtype=dtype, optimizer=FAST, max_iter=60, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.95
    assert model.coefs_[0].dtype == model.predict_proba(X).dtype == dtype


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("weighted", [False, True])
def test_early_stopping_keeps_the_weights_of_the_best_epoch(cls, weighted):
    X, y = rows(300, seed=1)
    weight = np.random.default_rng(0).uniform(0.5, 2, 300) if weighted else None
    heard = []
    model = cls(
        (32,),
        optimizer=Adam(0.05),
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=5,
        random_state=3,
        callback=heard.append,
    ).fit(X, y, sample_weight=weight)
    assert model.n_iter_ < model.max_iter
    assert [h["validation_score"] for h in heard] == model.validation_scores_
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_
    until_best = clone(model).set_params(max_iter=best, tol=0, callback=None)
    with pytest.warns(ConvergenceWarning):
        until_best.fit(X, y, sample_weight=weight)
    assert all(np.array_equal(a, b) for a, b in zip(model.coefs_, until_best.coefs_, strict=True))


@unsettled
def test_the_validation_score_is_accuracy_and_nearly_r_squared():
    X, y = rows(2000)
    for cls, target in ((MLPClassifier, y), (MLPRegressor, X[:, 0] * 3 + 7)):
        model = cls((16,), optimizer=FAST, early_stopping=True, max_iter=30, random_state=0).fit(X, target)
        assert max(model.validation_scores_) == pytest.approx(model.score(X, target), abs=0.05)


@unsettled
def test_dropout_is_drawn_from_the_seed_and_predictions_are_made_without():
    X, y = rows(300)
    plain, one, same, other = (
        MLPClassifier((32,), optimizer=FAST, dropout=dropout, max_iter=5, random_state=seed).fit(X, y)
        for dropout, seed in ((0.0, 0), (0.4, 0), (0.4, 0), (0.4, 1))
    )
    assert np.array_equal(one.coefs_[0], same.coefs_[0])
    assert not np.array_equal(one.coefs_[0], other.coefs_[0])
    assert not np.array_equal(one.coefs_[0], plain.coefs_[0])
    assert np.array_equal(one.predict_proba(X), one.predict_proba(X))


@unsettled
def test_dropout_narrows_what_lies_between_training_and_test():
    X, y = rows(400, 20)
    gaps = []
    for dropout in (0.0, 0.5):
        model = MLPClassifier((64,), optimizer=FAST, dropout=dropout, max_iter=40, random_state=0, alpha=0.0)
        model.fit(X[:200], y[:200])
        gaps.append(model.score(X[:200], y[:200]) - model.score(X[200:], y[200:]))
    assert gaps[1] < gaps[0]


@unsettled
def test_robust_losses_take_less_notice_of_outliers():
    X, y = load_diabetes(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    spoilt = y.copy()
    spoilt[::20] += 50 * y.std()
    errors = {}
    for loss in ("squared", "absolute", "huber", HuberLoss(0.05)):
        model = MLPRegressor((16,), loss=loss, optimizer=FAST, max_iter=60, random_state=0).fit(X, spoilt)
        errors[str(loss)] = np.median(np.abs(y - model.predict(X)))
    assert errors["absolute"] < 0.7 * errors["squared"]
    assert errors["HuberLoss(delta=0.05)"] < 0.8 * errors["squared"]
    assert errors["huber"] < errors["squared"]


@unsettled
def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    X, y = rows()
    one, same, other = (
        MLPClassifier((8,), max_iter=5, random_state=seed).fit(X, y).coefs_[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@unsettled
def test_the_penalty_shrinks_weights():
    X, y = rows()
    loose, tight = (
        MLPClassifier((8,), optimizer=FAST, max_iter=50, alpha=alpha, random_state=0).fit(X, y)
        for alpha in (0.0, 0.1)
    )
    assert np.linalg.norm(tight.coefs_[0]) < np.linalg.norm(loose.coefs_[0])


@unsettled
def test_no_hidden_layer_an_integer_and_a_list_are_all_sizes():
    X, y = rows()
    for sizes, shapes in (((), [(4, 1)]), (5, [(4, 5), (5, 1)]), ([3, 2], [(4, 3), (3, 2), (2, 1)])):
        model = MLPClassifier(sizes, max_iter=2).fit(X, y)
        assert [coef.shape for coef in model.coefs_] == shapes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be an integer >= 1, not 0"),
        ({"hidden_layer_sizes": (8.0,)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": None}, "hidden_layer_sizes"),
        ({"activation": "sigmoid"}, "activation must be one of 'gelu', 'relu', 'tanh'"),
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'float64'"),
        ({"dropout": 1.0}, "dropout must be a finite number >= 0 and < 1"),
        ({"early_stopping": 1}, "early_stopping must be True or False"),
        ({"validation_fraction": 1.0}, "validation_fraction must be a finite number > 0 and < 1"),
    ],
    ids=str,
)
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_a_wrong_option_of_a_network_is_named_by_fit(cls, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        cls(**options).fit(*rows())


def test_a_wrong_loss_of_a_regressor_is_named_by_fit():
    with pytest.raises(InvalidOptionError, match="loss must be one of"):
        MLPRegressor(loss="log").fit(*rows())
