"""What a chain has cost in privacy: that of its model, and what its other steps have read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.utils import get_tags

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline as Chain

    from maas_sdk.learning import PrivacyRecord

__all__ = ["chain_record"]


def chain_record(chain: Chain, *, changed: bool) -> PrivacyRecord:
    """Give the record of a fitted chain.

    Parameters
    ----------
    chain : sklearn.pipeline.Pipeline
    changed : bool
        Whether it was compressed after it was fitted.

    Raises
    ------
    AttributeError
        If its model was not trained privately.
    """
    record: PrivacyRecord = chain.steps[-1][1].privacy_
    read = [
        (name, f"preprocessor {name!r} was fitted to the data")
        for name, step in chain.steps[:-1]
        if not hasattr(step, "__sklearn_tags__") or get_tags(step).requires_fit
    ]
    reasons = ["it was compressed, which was decided on data without noise"] if changed else []
    return record.also(read, reasons=reasons)
