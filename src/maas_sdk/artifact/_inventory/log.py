"""The log of a store: which references were added, in one order; it holds no reference itself.

``refs/@log/<number>`` names the key of a reference, and is written before it: an intent. So whoever knows the
log up to a number learns of everything newer by looking for the numbers after it, and lists nothing. An entry
whose reference does not exist announces one that is still being written, or whose writer died. Each entry
holds a random mark too: two logs that have the same entry in one place are the same log up to there.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from attrs import field, frozen
from attrs.validators import instance_of

from maas_sdk._internal import records, strict_json
from maas_sdk.artifact._inventory.places import log_key
from maas_sdk.errors import AlreadyExistsError, InvalidArtifactError, NotFoundError

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.storage import References

__all__ = ["Entry", "Log"]


@frozen
class Entry:
    """One addition.

    Attributes
    ----------
    key : str
        Of the reference that was to be added.
    mark : str
        Random.
    """

    key: str = field(validator=instance_of(str))
    mark: str = field(validator=instance_of(str))


class Log:
    """The log of one store; entries are numbered from 1 without a gap.

    Parameters
    ----------
    references : References
        Of the store.
    limits : Limits
        Bounds on what is read.
    """

    def __init__(self, references: References, *, limits: Limits) -> None:
        self._references = references
        self._limits = limits
        self._end = 0  # as far as this object knows

    def append(self, key: str) -> None:
        """Announce a reference; it is written after this."""
        entry = strict_json.dumps({"key": key, "mark": secrets.token_hex(8)})
        number = self.end() + 1
        while True:
            try:
                self._references.put(log_key(number), entry)
            except AlreadyExistsError:
                number += 1  # another writer was faster
            else:
                self._end = max(self._end, number)
                return

    def read(self, number: int) -> Entry | None:
        """Read an entry; None when there is none yet.

        An entry that is damaged names no key.
        """
        try:
            data = self._references.get(log_key(number))
        except NotFoundError:
            return None
        self._end = max(self._end, number)
        what = f"the reference {log_key(number)}"
        try:
            return records.structure(
                strict_json.loads(data, what=what, limits=self._limits), Entry, what=what
            )
        except InvalidArtifactError:
            return Entry("", "")

    def end(self) -> int:
        """Give the highest number: a handful of looks, however many there are."""
        known, step = self._end, 1
        while self._has(known + step):
            known, step = known + step, step * 2
        while step > 1:
            step //= 2
            if self._has(known + step):
                known += step
        self._end = max(self._end, known)
        return known

    def _has(self, number: int) -> bool:
        return self._references.has(log_key(number))
