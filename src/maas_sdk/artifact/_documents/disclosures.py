"""What a publisher's disclosure scan found, as it is signed into a release; it scans nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal.severities import LEVELS, is_graver, is_level
from maas_sdk.artifact._documents.fields import check_text
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Disclosure", "Disclosures"]

_MAX_ACCEPTED: Final = 256
_MAX_NAME: Final = 400
_MAX_EVIDENCE: Final = 600


def _check_level(_instance: object, attribute: Any, value: Any) -> None:
    if not is_level(value):
        raise InvalidOptionError(f"{attribute.name} is {value!r}; it must be one of {', '.join(LEVELS)}")


def _by_name(accepted: Iterable[Disclosure]) -> tuple[Disclosure, ...]:
    return tuple(sorted(accepted, key=lambda each: each.name))


@frozen
class Disclosure:
    """A finding that the publisher has seen and lets go all the same.

    Attributes
    ----------
    name : str
        The name by which it was accepted, ``"verbatim-rows:model.support_vectors_"``.
    severity : str
        ``"low"``, ``"medium"`` or ``"high"``.
    evidence : str
        What was counted.
    """

    name: str = field(validator=check_text(_MAX_NAME))
    severity: str = field(validator=_check_level)
    evidence: str = field(validator=check_text(_MAX_EVIDENCE))


@frozen(kw_only=True)
class Disclosures:
    """What the publisher's scan of a release found.

    Attributes
    ----------
    highest : str
        The gravest severity of all findings: ``"none"``, ``"low"``, ``"medium"`` or ``"high"``.
    accepted : tuple of Disclosure
        The findings that were accepted by name, sorted by it. As all of the statement, they are readable by
        whoever has the bundle.
    """

    highest: str = field(validator=_check_level)
    accepted: tuple[Disclosure, ...] = field(default=(), converter=_by_name)

    @accepted.validator
    def _(self, _attribute: object, value: tuple[Disclosure, ...]) -> None:
        if len(value) > _MAX_ACCEPTED:
            raise InvalidOptionError(f"{len(value)} findings are accepted; {_MAX_ACCEPTED} are allowed")
        if len({each.name for each in value}) != len(value):
            raise InvalidOptionError("a finding is accepted twice")
        for each in value:
            if is_graver(each.severity, self.highest):
                raise InvalidOptionError(
                    f"{each.name} is accepted with the severity {each.severity}, and the highest found is "
                    f"{self.highest}"
                )
