"""What a vendor's whole test file can be."""

from maas_sdk.testing import Check, parametrize_with_checks


@parametrize_with_checks("example")
def test_example(check: Check) -> None:
    check()
