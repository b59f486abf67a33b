"""The conformance kit: tells a vendor whether the components of a plugin keep the contracts of their kinds.

A vendor's whole test file::

    from maas_sdk.testing import parametrize_with_checks

    @parametrize_with_checks("acme")
    def test_acme(check):
        check()

Without pytest, ``print(run_checks("acme"))`` shows the results as a table.
"""

from maas_sdk.testing._check import Check
from maas_sdk.testing._kit import collect_checks, parametrize_with_checks, run_checks
from maas_sdk.testing._results import CheckResult, Outcome, Results

__all__ = [
    "Check",
    "CheckResult",
    "Outcome",
    "Results",
    "collect_checks",
    "parametrize_with_checks",
    "run_checks",
]
