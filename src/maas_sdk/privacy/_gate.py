"""Whether a model may leave: its findings against what is allowed and what is accepted by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from maas_sdk._internal.severities import LEVELS, is_level
from maas_sdk.artifact import Disclosure, Disclosures
from maas_sdk.errors import DisclosureError, InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maas_sdk.privacy._report import DisclosureReport, Finding

__all__ = ["check_disclosures", "check_level", "refusal_of"]

_SHOWN: Final = 12


def check_disclosures(
    report: DisclosureReport, *, max_disclosure: str = "medium", accept: Collection[str] = ()
) -> Disclosures:
    """Refuse what is graver than allowed and not accepted by name; give what is signed into the release.

    Parameters
    ----------
    report : DisclosureReport
        Of `disclosure_scan`.
    max_disclosure : {"none", "low", "medium", "high"}
        Findings of this severity and below need no acceptance.
    accept : collection of str
        Names of findings that may leave all the same, each in full.

    Returns
    -------
    Disclosures
        The highest severity found and what was accepted, for `Store.publish`.

    Raises
    ------
    DisclosureError
        When a finding is graver than allowed and not accepted; its names, remedies and the way to accept are
        in the message, the report is in the error.
    InvalidOptionError
        When `max_disclosure` is none of these words, or `accept` names what was not found.
    """
    check_level(max_disclosure)
    if isinstance(accept, str):
        raise InvalidOptionError(f'accept is a text; pass a list: ["{accept}"]')
    found = {finding.name: finding for finding in report.findings}
    for name in accept:
        if name not in found:
            close = get_close_matches(str(name), found, n=3)
            hint = f"did you mean {', '.join(close)}?" if close else f"found: {', '.join(found) or 'nothing'}"
            raise InvalidOptionError(f"accept has {name!r}, which the disclosure scan did not find; {hint}")
    refused = [finding for finding in report.above(max_disclosure) if finding.name not in accept]
    if refused:
        names = ", ".join(repr(finding.name) for finding in refused[:_SHOWN])
        hint = f"take it out, for example with maas_sdk.desensitize; or accept it by name: accept=[{names}]"
        what = "would leave with the model"
        raise DisclosureError(f"{refusal_of(refused, max_disclosure, what)}\n{hint}", report=report)
    return Disclosures(
        highest=report.highest or "none",
        accepted=[Disclosure(name, found[name].severity, found[name].evidence) for name in set(accept)],
    )


def check_level(value: object, what: str = "max_disclosure") -> None:
    """Refuse what is no severity."""
    if not is_level(value):
        raise InvalidOptionError(f"{what} is {value!r}; it must be one of {', '.join(LEVELS)}")


def refusal_of(refused: Sequence[Finding], max_disclosure: str, what: str) -> str:
    """Say in words what is graver than allowed, with its remedies."""
    lines = [
        f"  {finding.name} ({finding.severity}): {finding.what}; {finding.evidence}. Remedy: {finding.remedy}"
        for finding in refused[:_SHOWN]
    ]
    if len(refused) > _SHOWN:
        lines.append(f"  … and {len(refused) - _SHOWN} more, in the report of the error")
    return "\n".join((f"more of the training data {what} than is allowed ({max_disclosure}):", *lines))
