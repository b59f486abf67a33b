"""The membership audit: that it finds what there is, claims no more, and is fair about chance."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC

import maas_sdk as maas
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import Adam, DPAdam, MLPClassifier
from maas_sdk.privacy._guessing import exact_interval, least_epsilon, p_value
from maas_sdk.privacy._membership import _best_guesses

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def canaries(n_rows=1000, n_features=20, seed=0):
    """Rows whose labels are noise, so that only who has seen one knows its label; half of them are in."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n_rows, n_features)), rng.integers(0, 2, n_rows)
    inside = rng.random(n_rows) < 0.5
    return (X[inside], y[inside]), (X[~inside], y[~inside])


def test_an_overfitted_network_gives_its_rows_away():
    members, others = canaries()
    network = MLPClassifier((100,), optimizer=Adam(5e-3), alpha=0, max_iter=100, random_state=0)
    audit = maas.membership_audit(network.fit(*members), *members, *others)
    assert audit.epsilon_lower > 2
    assert audit.auc > 0.7
    low, high = audit.accuracy_interval
    assert 0.9 < low < audit.accuracy <= high
    assert not audit.refutes  # it promised nothing
    assert audit.epsilon is None


@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_the_bound_does_not_exceed_what_private_training_promises(noise):
    members, others = canaries()
    optimizer = DPAdam(5e-3, noise_multiplier=noise, public="classes")
    network = MLPClassifier((100,), optimizer=optimizer, batch_size=100, alpha=0, max_iter=40, random_state=0)
    audit = maas.membership_audit(network.fit(*members), *members, *others)
    assert audit.epsilon == network.privacy_.epsilon
    assert audit.epsilon_lower <= audit.epsilon
    assert not audit.refutes


def test_a_promise_that_does_not_hold_is_refuted():
    class Boaster(KNeighborsClassifier):
        privacy_ = SimpleNamespace(epsilon=0.5, delta=1e-6)

    members, others = canaries()
    audit = maas.membership_audit(Boaster(1).fit(*members), *members, *others)
    assert audit.epsilon == 0.5
    assert audit.refutes
    assert "refuted" in str(audit)
    # For a smaller delta than that of the promise nothing was promised.
    assert maas.membership_audit(Boaster(1).fit(*members), *members, *others, delta=1e-9).epsilon is None


def test_an_attack_on_nothing_seldom_succeeds():
    proved = 0
    for seed in range(100):
        member = np.random.default_rng(seed).random(400) < 0.5
        proved += _best_guesses(member, 1e-5, 0.05)[-1] > 0
    assert proved <= 11  # 5 are allowed for; more than 11 of 100 would come once in 200 times then


def test_the_bound_holds_for_the_worst_mechanism_as_often_as_promised():
    """Randomized response with ε = 1: an answer for each row, right with probability e/(1 + e)."""
    wrong, bounds = 0, []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        right = int((rng.random(2000) < np.e / (1 + np.e)).sum())
        bound = least_epsilon(n_rows=2000, n_guesses=2000, n_right=right, delta=0.0, significance=0.05)
        wrong += bound > 1
        bounds.append(bound)
    assert wrong <= 20
    assert np.mean(bounds) > 0.85  # nor is it empty


def test_the_p_value_is_the_binomial_tail_and_delta_adds_to_it():
    options = {"n_rows": 100, "n_guesses": 50, "n_right": 40}
    plain = p_value(**options, epsilon=0.5, delta=0.0)
    assert plain == pytest.approx(binom.sf(39, 50, np.exp(0.5) / (1 + np.exp(0.5))))
    assert p_value(**options, epsilon=0.5, delta=1e-4) > plain
    assert p_value(**options, epsilon=0.5, delta=0.9) == 1.0
    assert p_value(**options, epsilon=1.0, delta=0.0) > plain
    assert p_value(n_rows=5, n_guesses=0, n_right=0, epsilon=0.0, delta=0.1) == 1.0


def test_the_interval_is_that_of_clopper_and_pearson():
    assert exact_interval(0, 10, 0.95) == (0.0, pytest.approx(0.30850, abs=1e-5))
    assert exact_interval(10, 10, 0.95) == (pytest.approx(0.69150, abs=1e-5), 1.0)
    assert exact_interval(81, 263, 0.95) == (pytest.approx(0.2527, abs=1e-4), pytest.approx(0.3676, abs=1e-4))


def test_more_of_one_kind_is_thinned_out_and_proves_nothing_by_itself():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1500, 3)), rng.integers(0, 2, 1500)
    model = LogisticRegression().fit(*(part[:20] for part in canaries(n_features=3)[0]))
    audit = maas.membership_audit(model, X[:1300], y[:1300], X[1300:], y[1300:])
    assert audit.epsilon_lower == 0
    assert 300 < audit.n_rows < 500


def test_equal_losses_tell_nothing_whatever_the_order():
    class Indifferent(KNeighborsClassifier):
        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    members, others = canaries()
    audit = maas.membership_audit(Indifferent().fit(*members), *members, *others)
    assert audit.epsilon_lower == 0
    assert audit.auc == 0.5


def test_a_reference_model_sees_through_rows_that_are_easy_for_everybody():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 10))
    y = (X[:, 0] * 2 + rng.standard_normal(3000) > 0).astype(int)
    inside, outside, elsewhere = np.arange(0, 300), np.arange(300, 600), np.arange(600, 3000)
    options = {"optimizer": Adam(5e-3), "alpha": 0, "max_iter": 60, "random_state": 0, "tol": 0}
    model = MLPClassifier((50,), **options).fit(X[inside], y[inside])
    reference = MLPClassifier((50,), **options | {"max_iter": 5}).fit(X[elsewhere], y[elsewhere])
    audits = [
        maas.membership_audit(model, X[inside], y[inside], X[outside], y[outside], reference=other)
        for other in (None, reference)
    ]
    assert [audit.attack for audit in audits] == ["loss", "likelihood ratio"]
    assert audits[1].auc > audits[0].auc


@pytest.mark.parametrize("kind", ["decision", "labels", "regressor", "multiclass", "strings"])
def test_models_of_any_kind_are_audited(kind):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 10))
    y = rng.integers(0, 4 if kind == "multiclass" else 2, 600)
    inside = rng.random(600) < 0.5

    class OnlyLabels(KNeighborsClassifier):
        predict_proba = property(doc="hides the method")

    model = {
        "decision": LinearSVC(C=100),
        "multiclass": LinearSVC(C=100),
        "labels": OnlyLabels(1),
        "regressor": KNeighborsRegressor(1),
        "strings": KNeighborsClassifier(1),
    }[kind]
    if kind == "strings":
        y = np.array(["no", "yes"])[y]
    model.fit(X[inside], y[inside])
    audit = maas.membership_audit(model, X[inside], y[inside], X[~inside], y[~inside])
    assert audit.auc > (0.5 if kind in ("decision", "multiclass") else 0.7)
    if kind in ("labels", "regressor", "strings"):
        assert audit.epsilon_lower > 0.5


def test_an_audit_of_a_pipeline_shows_itself_as_text_html_and_data():
    members, others = canaries(400)
    pipeline = maas.Pipeline(KNeighborsClassifier(1), preprocessors=["standard_scaler"]).fit(*members)
    audit = maas.membership_audit(pipeline, *members, *others, confidence=0.9)
    plain = json.loads(json.dumps(audit.to_dict()))
    assert plain["confidence"] == 0.9
    assert plain["epsilon_lower"] == audit.epsilon_lower > 1
    assert plain["refutes"] is False
    for shown in (str(audit), audit._repr_html_()):
        assert f"{audit.epsilon_lower:.3f} (90% confidence" in shown
        assert "no promise" in shown
    again = maas.membership_audit(pipeline, *members, *others, confidence=0.9)
    assert again == audit


def test_what_cannot_be_audited_is_refused():
    members, others = canaries(200)
    model = KNeighborsClassifier(1).fit(*members)
    with pytest.raises(InvalidOptionError, match="at least 20 members"):
        maas.membership_audit(model, *members, others[0][:19], others[1][:19])
    for name, value in (("delta", -1), ("delta", 1), ("confidence", 0), ("confidence", 1), ("delta", "no")):
        with pytest.raises(InvalidOptionError, match=name):
            maas.membership_audit(model, *members, *others, **{name: value})
    with pytest.raises(NotFittedError):
        maas.membership_audit(KNeighborsClassifier(), *members, *others)
