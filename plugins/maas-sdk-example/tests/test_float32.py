"""What the kit cannot know: what this compressor is for."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from maas_sdk.errors import InvalidOptionError
from maas_sdk.plugin import PluginRegistry

Fitted = tuple[Pipeline, NDArray[np.float64]]


def wine(model: Any) -> Fitted:
    X, y = load_wine(return_X_y=True)
    return make_pipeline(StandardScaler(), model).fit(X, y), X


@pytest.fixture(scope="module")
def fitted_wine() -> Fitted:
    return wine(LogisticRegression(max_iter=300))


def compressor(**options: Any) -> Any:
    return PluginRegistry().create("compressor", "example.float32", options)


def test_weights_fit_into_single_precision_and_keep_their_dtype(fitted_wine: Fitted) -> None:
    model = compressor().compress(fitted_wine[0]).steps[-1][1]
    for array in (model.coef_, model.intercept_):
        assert array.dtype == np.float64
        assert np.array_equal(array, array.astype(np.float32))


def test_predictions_hardly_change(fitted_wine: Fitted) -> None:
    chain, X = fitted_wine
    made = compressor().compress(chain)
    assert np.allclose(made.predict_proba(X), chain.predict_proba(X), atol=1e-5)


def test_intercepts_can_be_left_alone(fitted_wine: Fitted) -> None:
    chain, _ = fitted_wine
    made = compressor(intercepts=False).compress(chain)
    assert np.array_equal(made.steps[-1][1].intercept_, chain.steps[-1][1].intercept_)


def test_a_tree_has_no_weights_to_round() -> None:
    chain, _ = wine(DecisionTreeClassifier())
    assert not compressor().supports(chain)
    with pytest.raises(InvalidOptionError, match="float64"):
        compressor().compress(chain)


def test_a_wrong_option_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="intercepts"):
        compressor(intercepts="no")
