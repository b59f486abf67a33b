"""What leaves with a model: finds training data, takes it out, counts and audits; claims what was shown."""

from maas_sdk.learning._private import RenyiAccountant, noise_for
from maas_sdk.privacy._desensitize import Change, Desensitized, desensitize
from maas_sdk.privacy._gate import check_disclosures, check_level
from maas_sdk.privacy._keyed import KeyedPipeline
from maas_sdk.privacy._mask import Mask
from maas_sdk.privacy._membership import MembershipAudit, membership_audit
from maas_sdk.privacy._report import DisclosureReport, Finding
from maas_sdk.privacy._scan import disclosure_scan, scan_publication

__all__ = [
    "Change",
    "Desensitized",
    "DisclosureReport",
    "Finding",
    "KeyedPipeline",
    "Mask",
    "MembershipAudit",
    "RenyiAccountant",
    "check_disclosures",
    "check_level",
    "desensitize",
    "disclosure_scan",
    "membership_audit",
    "noise_for",
    "scan_publication",
]
