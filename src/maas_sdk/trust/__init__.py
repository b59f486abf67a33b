"""Policy, verdict and the memory against rollback; it verifies no signature itself."""

from maas_sdk.trust._audit import AuditLog, AuditReport
from maas_sdk.trust._audit_entry import AUDIT_EVENTS, AUDIT_OUTCOMES, AuditEntry
from maas_sdk.trust._checks import (
    CLOCK_TOLERANCE,
    MAX_SEQUENCE_JUMP,
    check_dates,
    check_disclosure,
    check_list,
    check_revocation,
    check_size,
)
from maas_sdk.trust._deeds import Deed, audited
from maas_sdk.trust._keys import TrustedKey
from maas_sdk.trust._policy import Policy
from maas_sdk.trust._ratchet import Ratchet
from maas_sdk.trust._rotation import RotatedKeys
from maas_sdk.trust._rules import MAX_EPOCH, AliasRule, RetiredKeys, Rule
from maas_sdk.trust._state import MAX_SEQUENCE, Equivocation, Revoked, Seen
from maas_sdk.trust._trust import Trust
from maas_sdk.trust._verdict import Check, CheckStatus, Verdict

__all__ = [
    "AUDIT_EVENTS",
    "AUDIT_OUTCOMES",
    "CLOCK_TOLERANCE",
    "MAX_EPOCH",
    "MAX_SEQUENCE",
    "MAX_SEQUENCE_JUMP",
    "AliasRule",
    "AuditEntry",
    "AuditLog",
    "AuditReport",
    "Check",
    "CheckStatus",
    "Deed",
    "Equivocation",
    "Policy",
    "Ratchet",
    "RetiredKeys",
    "Revoked",
    "RotatedKeys",
    "Rule",
    "Seen",
    "Trust",
    "TrustedKey",
    "Verdict",
    "audited",
    "check_dates",
    "check_disclosure",
    "check_list",
    "check_revocation",
    "check_size",
]
