"""scikit-learn's own checks, with a linear model and with a tree inside."""

import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

import maas_sdk as maas

EXPECTED_FAILURES: dict[str, str] = {}

ESTIMATORS = [
    maas.Pipeline(model=LinearRegression()),
    maas.Pipeline(model=LogisticRegression(), preprocessors=["standard_scaler"]),
    maas.Pipeline(model=DecisionTreeClassifier(random_state=0)),
    maas.Pipeline(model=DecisionTreeRegressor(random_state=0), preprocessors=["min_max_scaler"]),
]


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=lambda _estimator: EXPECTED_FAILURES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_a_pipeline_keeps_scikit_learns_conventions(estimator, check):
    check(estimator)
