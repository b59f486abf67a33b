"""Policy, verdict and the memory against rollback; it verifies no signature itself."""

from maas_sdk.trust._checks import CLOCK_TOLERANCE, MAX_SEQUENCE, MAX_SEQUENCE_JUMP, check_dates
from maas_sdk.trust._policy import Policy
from maas_sdk.trust._ratchet import Ratchet
from maas_sdk.trust._rules import Rule, TrustedKey
from maas_sdk.trust._state import Equivocation, Seen
from maas_sdk.trust._trust import Trust
from maas_sdk.trust._verdict import Check, CheckStatus, Verdict

__all__ = [
    "CLOCK_TOLERANCE",
    "MAX_SEQUENCE",
    "MAX_SEQUENCE_JUMP",
    "Check",
    "CheckStatus",
    "Equivocation",
    "Policy",
    "Ratchet",
    "Rule",
    "Seen",
    "Trust",
    "TrustedKey",
    "Verdict",
    "check_dates",
]
