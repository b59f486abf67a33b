"""What leaves with a model: finds training data inside it; claims nothing that it did not look at."""

from maas_sdk.privacy._report import DisclosureReport, Finding
from maas_sdk.privacy._scan import disclosure_scan

__all__ = ["DisclosureReport", "Finding", "disclosure_scan"]
