"""Scikit-learn's experimental estimators, which must be switched on before they can be imported."""

from __future__ import annotations

from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401 - switches
from sklearn.impute import IterativeImputer
from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV

__all__ = ["HalvingGridSearchCV", "HalvingRandomSearchCV", "IterativeImputer"]
