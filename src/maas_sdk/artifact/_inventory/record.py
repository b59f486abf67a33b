"""The reference of a version: which documents it is; it reads none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.digests import is_digest
from maas_sdk.artifact._documents.oci import OciDescriptor, describe
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from maas_sdk.artifact._documents.papers import Papers
    from maas_sdk.limits import Limits

__all__ = ["Reservation", "VersionRecord"]


def _check_identity(_instance: object, _attribute: object, value: str) -> None:
    if not is_digest(value):
        raise InvalidOptionError(f"identity is {value!r}, not sha256: and 64 hexadecimal digits")


@frozen(kw_only=True)
class VersionRecord:
    """Which documents a version is.

    Attributes
    ----------
    identity : str
        The release's identity.
    sequence : int
        Its number.
    manifest : OciDescriptor
        The model's manifest.
    referrers : tuple of OciDescriptor
        The manifests of its signatures.
    """

    identity: str = field(validator=_check_identity)
    sequence: int
    manifest: OciDescriptor
    referrers: tuple[OciDescriptor, ...]

    @classmethod
    def of(cls, identity: str, sequence: int, papers: Papers) -> VersionRecord:
        """Make the record of a release; notices that came with it are no part of it."""
        return cls(
            identity=identity,
            sequence=sequence,
            manifest=describe(papers.manifest),
            referrers=tuple(describe(each.referrer) for each in evolve(papers, notices=()).attestations),
        )

    @classmethod
    def from_json(cls, data: bytes, *, what: str, limits: Limits) -> VersionRecord:
        """Read it; `InvalidArtifactError` when it is malformed."""
        return records.structure(strict_json.loads(data, what=what, limits=limits), cls, what=what)

    def to_json(self) -> bytes:
        """Write it: equal records give equal bytes."""
        return strict_json.dumps(
            {
                "identity": self.identity,
                "sequence": self.sequence,
                "manifest": records.unstructure(self.manifest),
                "referrers": [records.unstructure(each) for each in self.referrers],
            }
        )


@frozen
class Reservation:
    """For which release a number is.

    Attributes
    ----------
    version : str
        Its version.
    identity : str
        Its identity.
    """

    version: str
    identity: str = field(validator=_check_identity)
