"""Model selection: candidates on the same folds, run anywhere, kept trial by trial, told with their doubt."""

from maas_sdk.learning._selection._candidates import Candidate, SearchSpace, expand_candidates
from maas_sdk.learning._selection._comparison import Comparison
from maas_sdk.learning._selection._halving import Halving
from maas_sdk.learning._selection._result import LeaderboardRow, NestedFold, NestedScore, Selection
from maas_sdk.learning._selection._runner import TrialReport
from maas_sdk.learning._selection._select import select

__all__ = [
    "Candidate",
    "Comparison",
    "Halving",
    "LeaderboardRow",
    "NestedFold",
    "NestedScore",
    "SearchSpace",
    "Selection",
    "TrialReport",
    "expand_candidates",
    "select",
]
