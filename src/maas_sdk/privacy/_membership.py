"""The membership audit: how well an attacker tells rows that were trained on from rows that were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import asdict, frozen
from scipy.stats import rankdata
from sklearn.base import is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy._guessing import exact_interval, least_epsilon, right_guesses

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MembershipAudit", "membership_audit"]

_FEWEST: Final = 20  # rows of either kind: fewer prove nothing
_SHARES: Final = (1.0, 0.5, 0.2, 0.1, 0.05)  # of the rows, those that are guessed


@frozen(kw_only=True)
class MembershipAudit:
    """What an attack on membership came to.

    Attributes
    ----------
    epsilon_lower : float
        With probability `confidence` at least, training was not private with a smaller ε at `delta`. 0 says
        that this attack has shown nothing, not that there is nothing.
    confidence, delta : float
    n_rows : int
        Rows that took part, half of them members but for chance.
    n_guesses, n_right : int
        Of the guesses that prove most: how many, and how many were right.
    accuracy : float
        ``n_right / n_guesses``.
    accuracy_interval : tuple of float
        Of it, by Clopper and Pearson, at `confidence`.
    auc : float
        Probability that a member has the higher score than a row that is none: 0.5 for an attack that sees
        nothing.
    attack : {"loss", "likelihood ratio"}
    epsilon : float or None
        What the model's `privacy_` promises at the same δ, if it has one.
    """

    epsilon_lower: float
    confidence: float
    delta: float
    n_rows: int
    n_guesses: int
    n_right: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    auc: float
    attack: str
    epsilon: float | None

    @property
    def refutes(self) -> bool:
        """Whether it shows that training was less private than `epsilon` promises."""
        return self.epsilon is not None and self.epsilon_lower > self.epsilon

    def to_dict(self) -> dict[str, Any]:
        """Give the audit as plain data."""
        return {
            **asdict(self),
            "accuracy_interval": list(self.accuracy_interval),
            "refutes": self.refutes,
        }

    def __str__(self) -> str:
        return text_table(("membership audit", ""), self._rows())

    def _repr_html_(self) -> str:
        return html_table(("membership audit", ""), self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        low, high = self.accuracy_interval
        promised = "no promise" if self.epsilon is None else f"{self.epsilon:.3f}"
        verdict = [("verdict", "the promise is refuted")] if self.refutes else []
        return [
            ("ε at least", f"{self.epsilon_lower:.3f} ({self.confidence:.0%} confidence, δ {self.delta:g})"),
            ("ε promised", promised),
            *verdict,
            ("attack", self.attack),
            ("right guesses", f"{self.n_right} of {self.n_guesses} ({self.n_rows} rows)"),
            ("accuracy", f"{self.accuracy:.3f} [{low:.3f}, {high:.3f}]"),
            ("AUC", f"{self.auc:.3f}"),
        ]


def membership_audit(
    model: Any,
    X_members: Any,
    y_members: Any,
    X_nonmembers: Any,
    y_nonmembers: Any,
    *,
    delta: float = 1e-5,
    confidence: float = 0.95,
    reference: Any = None,
    random_state: int | np.random.RandomState | None = 0,
) -> MembershipAudit:
    """Attack a fitted model: guess from its loss on each row whether it was trained on that row.

    Rows of a small loss are guessed to be members, rows of a large one not to be, and what lies between is
    left open. How much is guessed is tried out, and paid for: each of the trials has its share of the error
    that `confidence` allows (Bonferroni).

    Parameters
    ----------
    model : fitted classifier or regressor
        Such as a :class:`maas_sdk.Pipeline` or an estimator of scikit-learn.
    X_members, y_members : array-like
        Rows that it was trained on.
    X_nonmembers, y_nonmembers : array-like
        Rows that it was not trained on. Which rows of a pool were trained on must have been decided by a coin
        for each, such as in a random split; if there are more of one kind, a coin thins them out. Otherwise
        the bound means nothing: members that are older, easier or cleaner are told apart by that.
    delta : float, default=1e-5
        The δ for which ε is bounded.
    confidence : float, default=0.95
        Probability with which the bound holds, in (0, 1).
    reference : fitted estimator, default=None
        One that was trained on other data for the same task: a row then counts by how much smaller its loss
        is than there, a likelihood ratio, which sees that some rows are easy for everybody.
    random_state : int, RandomState instance or None, default=0
        For the thinning, and the order of equal losses.

    Returns
    -------
    MembershipAudit

    Raises
    ------
    InvalidOptionError
        If an option is wrong, or there are fewer than 20 rows of a kind.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    References
    ----------
    S. Yeom et al., "Privacy Risk in Machine Learning", CSF 2018, arXiv:1709.01604; N. Carlini et al.,
    "Membership Inference Attacks From First Principles", 2022, arXiv:2112.03570; T. Steinke, M. Nasr,
    M. Jagielski, "Privacy Auditing with One (1) Training Run", NeurIPS 2023, arXiv:2305.08846.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((400, 2)), rng.integers(0, 2, 400)
    >>> member = rng.random(400) < 0.5
    >>> model = KNeighborsClassifier(1).fit(X[member], y[member])
    >>> audit = membership_audit(model, X[member], y[member], X[~member], y[~member])
    >>> audit.epsilon_lower > 1
    True
    """
    _check_unit("delta", delta, allow_zero=True)
    _check_unit("confidence", confidence, allow_zero=False)
    check_is_fitted(model)
    rng = check_random_state(random_state)
    inside = _scores(model, reference, X_members, y_members)
    outside = _scores(model, reference, X_nonmembers, y_nonmembers)
    if min(len(inside), len(outside)) < _FEWEST:
        raise InvalidOptionError(
            f"a membership audit needs at least {_FEWEST} members and {_FEWEST} others, not {len(inside)} "
            f"and {len(outside)}: fewer prove nothing"
        )
    auc = _auc(inside, outside)
    inside, outside = _thinned(inside, len(outside), rng), _thinned(outside, len(inside), rng)
    member = _sorted_membership(inside, outside, rng)
    n_in, n_out, right, bound = _best_guesses(member, float(delta), 1 - float(confidence))
    return MembershipAudit(
        epsilon_lower=bound,
        confidence=float(confidence),
        delta=float(delta),
        n_rows=len(member),
        n_guesses=n_in + n_out,
        n_right=right,
        accuracy=right / (n_in + n_out),
        accuracy_interval=exact_interval(right, n_in + n_out, float(confidence)),
        auc=auc,
        attack="loss" if reference is None else "likelihood ratio",
        epsilon=_promised(model, float(delta)),
    )


def _check_unit(name: str, value: Any, *, allow_zero: bool) -> None:
    fits = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not fits or not (0 < value < 1 or (allow_zero and value == 0)):
        raise InvalidOptionError(
            f"{name} must be a number in {'[' if allow_zero else '('}0, 1), not {value!r}"
        )


def _promised(model: Any, delta: float) -> float | None:
    """Give the ε of the model's own record, if it is for that δ or a smaller one."""
    record = getattr(model, "privacy_", None)
    if record is None or record.epsilon is None or record.delta > delta:
        return None
    return float(record.epsilon)


def _scores(model: Any, reference: Any, X: Any, y: Any) -> NDArray[np.float64]:
    """Give what is larger for rows that a model knows well."""
    own = -_losses(model, X, y)
    return own if reference is None else own + _losses(reference, X, y)


def _losses(model: Any, X: Any, y: Any) -> NDArray[np.float64]:
    truth = np.asarray(y)
    if not is_classifier(model):
        error = np.asarray(model.predict(X), np.float64).reshape(len(truth), -1)
        error -= truth.astype(np.float64).reshape(len(truth), -1)
        summed: NDArray[np.float64] = (error**2).sum(axis=1)
        return summed
    if hasattr(model, "predict_proba"):
        return _log_losses(np.asarray(model.predict_proba(X), np.float64), truth, model.classes_)
    if hasattr(model, "decision_function"):
        return _margins(np.asarray(model.decision_function(X), np.float64), truth, model.classes_)
    wrong: NDArray[np.float64] = (np.asarray(model.predict(X)) != truth).astype(np.float64)
    return wrong


def _log_losses(
    shares: NDArray[np.float64], truth: NDArray[Any], classes: NDArray[Any]
) -> NDArray[np.float64]:
    """Give log((1 - p) / p) of the true class: it orders rows as -log p does, and certain ones better."""
    true = truth[:, None] == classes
    own = (shares * true).sum(axis=1)
    others = (shares * ~true).sum(axis=1)
    tiny = np.finfo(np.float64).tiny
    odds: NDArray[np.float64] = np.log(np.maximum(others, tiny)) - np.log(np.maximum(own, tiny))
    return odds


def _margins(values: NDArray[np.float64], truth: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Give by how much the true class is behind the best other."""
    if values.ndim == 1:
        return np.where(truth == classes[1], -values, values)
    true = truth[:, None] == classes
    behind: NDArray[np.float64] = np.where(true, -np.inf, values).max(axis=1)
    behind -= np.where(true, values, -np.inf).max(axis=1)
    return behind


def _auc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    ranks = rankdata(np.concatenate([inside, outside]))
    n_in = len(inside)
    return float((ranks[:n_in].sum() - n_in * (n_in + 1) / 2) / (n_in * len(outside)))


def _thinned(scores: NDArray[np.float64], n_others: int, rng: np.random.RandomState) -> NDArray[np.float64]:
    """Keep each with the probability that makes both kinds equally frequent."""
    if len(scores) <= n_others:
        return scores
    return scores[rng.random_sample(len(scores)) < n_others / len(scores)]


def _sorted_membership(
    inside: NDArray[np.float64], outside: NDArray[np.float64], rng: np.random.RandomState
) -> NDArray[np.bool_]:
    """Tell who was a member, the highest score last, equal ones in a random order."""
    scores = np.concatenate([inside, outside])
    member = np.arange(len(scores)) < len(inside)
    order = rng.permutation(len(scores))
    found: NDArray[np.bool_] = member[order][np.argsort(scores[order], kind="stable")]
    return found


def _best_guesses(member: NDArray[np.bool_], delta: float, error: float) -> tuple[int, int, int, float]:
    """Try how much to guess; give how many in and out, how many were right, and the ε that this proves."""
    n_rows = len(member)
    sizes = sorted({max(1, round(share * n_rows / 2)) for share in _SHARES}, reverse=True)
    trials = [guesses for size in sizes for guesses in ((size, size), (size, 0), (0, size))]
    found = []
    for n_in, n_out in trials:
        right = right_guesses(member, n_in=n_in, n_out=n_out)
        bound = least_epsilon(
            n_rows=n_rows,
            n_guesses=n_in + n_out,
            n_right=right,
            delta=delta,
            significance=error / len(trials),
        )
        found.append((n_in, n_out, right, bound))
    return max(found, key=lambda trial: trial[-1])  # the most guesses, if none proves anything
