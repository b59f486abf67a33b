"""Verifies a bundle without any key to decrypt; it changes nothing but the receiver's audit log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from maas_sdk.artifact._bundles.bundle import open_bundle
from maas_sdk.artifact._bundles.checked import CheckedReader
from maas_sdk.artifact._bundles.pieces import whole
from maas_sdk.artifact._contents.keys import fingerprint_of
from maas_sdk.artifact._documents.papers import for_documents
from maas_sdk.artifact._documents.progress import Progress, no_progress
from maas_sdk.artifact._documents.times import as_timestamp
from maas_sdk.artifact._documents.times import now as present
from maas_sdk.artifact._examination import Examination, Question
from maas_sdk.errors import InvalidOptionError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.trust import Policy, Trust, audited

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from maas_sdk.artifact._bundles.bundle import Bundle
    from maas_sdk.artifact._bundles.pieces import Piece
    from maas_sdk.artifact._documents.papers import BlobSource, Papers
    from maas_sdk.limits import Limits
    from maas_sdk.trust import Verdict

__all__ = ["ask", "check_blobs", "examine_bundle", "verify"]


def verify(
    path: str | os.PathLike[str],
    *,
    trust: Trust | Policy,
    first_use: Collection[str] = (),
    recipient: Any = None,
    now: str | datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Verdict:
    """Check a bundle: its form, who published it, for whom it is sealed, its age, its contents.

    Parameters
    ----------
    path : path-like
        A ``.maas`` file.
    trust : Trust or Policy
        Whose releases are accepted; with a `Policy` alone the checks against rollback are skipped, and
        nothing is written into an audit log.
    first_use : collection of str
        Names of which nothing was seen before and which are accepted all the same.
    recipient : Contact, Identity, Recipient or str, optional
        The caller, or the fingerprint of their recipient: a sealed release must name it.
    now : datetime or str, optional
        The present time; the clock's by default.
    limits : Limits
        Bounds on what is read.
    progress : callable, optional
        Called with ``"verify"``, bytes done and bytes in all.

    Returns
    -------
    Verdict
        Each check with its reason, whatever the bytes are. The checks are "bundle", "manifest", "publisher",
        "rotation", "signature", "revocation", "sealing", "recipient", those of the ratchet, "expires", "age",
        "size", "self-test", "disclosure", "alias", "yank", then "contents", which reads the layers and is
        skipped when something has failed before, and "post-quantum". Of a thin bundle or a volume, what is
        there is checked, and the reason says what is left out.

    Raises
    ------
    NotFoundError
        When there is no such file.
    StorageError
        When it cannot be read.
    TrustStateError
        When what was remembered is damaged.
    """
    tell = progress or no_progress
    question = ask(trust, first_use=first_use, recipient=recipient, now=now, limits=limits)
    examination = Examination(question)
    log = trust.audit if isinstance(trust, Trust) else None
    with audited(log, "verify", Path(path).name) as deed, open_bundle(Path(path), limits=limits) as bundle:
        examine_bundle(examination, bundle, lambda: _check_contents(bundle, tell), _open_layer(bundle))
        verdict = examination.verdict(Path(path).name)
        deed.identity = verdict.identity
        if not verdict.passed:
            deed.outcome = "refused"
            deed.reasons = [f"{check.name}: {check.reason}" for check in verdict.failures]
    return verdict


def ask(
    trust: Trust | Policy,
    *,
    first_use: Collection[str] = (),
    recipient: Any = None,
    now: str | datetime | None = None,
    limits: Limits,
    **more: Any,
) -> Question:
    """Make a question out of what a caller gave."""
    if not isinstance(trust, Policy | Trust):
        raise InvalidOptionError(f"trust is {trust!r}; give a Trust or a Policy")
    return Question(
        policy=trust if isinstance(trust, Policy) else trust.policy,
        ratchet=None if isinstance(trust, Policy) else trust.ratchet,
        first_use=first_use,
        recipient=None if recipient is None else fingerprint_of(recipient),
        now=present() if now is None else as_timestamp(now, what="now"),
        limits=for_documents(limits),
        **more,
    )


def examine_bundle(
    examination: Examination,
    bundle: Bundle,
    contents: Callable[[], str],
    open_layer: Callable[[str], BinaryIO | None],
) -> None:
    """Make all checks on a bundle; see `Examination.examine`."""

    def well_formed() -> str:
        bundle.scan()
        return "a strict tar archive of an OCI layout"

    def documented() -> str:
        bundle.read_papers()
        papers = bundle.papers
        return f"ModelPack manifest {papers.digest} with {len(papers.layers)} layers, nothing beside it"

    if not examination.judge("bundle", well_formed):
        examination.skip_the_rest("the bundle cannot be read", ("manifest",))
    elif not examination.judge("manifest", documented):
        examination.skip_the_rest("the documents of the bundle are not in order")
    else:
        examination.examine(bundle.papers, contents, open_layer)


def check_blobs(source: BlobSource, papers: Papers, progress: Progress) -> str:
    """Hash every layer, and give the reason why the check passed.

    Raises
    ------
    DigestMismatchError
        When one is not what its digest says.
    NotFoundError
        When one is missing.
    """
    pieces = [whole(layer) for layer in papers.blobs()]
    reader = CheckedReader()
    tell = _teller(pieces, progress)
    for piece in pieces:
        for chunk in reader.piece(source, piece):
            tell(len(chunk))
    return _good(pieces)


def _check_contents(bundle: Bundle, progress: Progress) -> str:
    """Hash what a bundle has of the layers, and say which it leaves out."""
    reader = CheckedReader()
    tell = _teller(bundle.pieces, progress)
    for piece in bundle.pieces:
        for chunk in reader.entry(bundle, piece):
            tell(len(chunk))
    shipment, plan = bundle.shipment, bundle.shipment.plan
    here = [piece for piece in bundle.pieces if piece.whole]
    reasons = [_good(here)]
    if plan is not None:
        cut = len(bundle.pieces) - len(here)
        if cut:
            reasons.append(
                f"{cut} pieces of layers are what the plan says, and are judged when they are joined"
            )
        reasons.append(f"this is volume {plan.number} of {len(plan.volumes)}")
    if shipment.presumes:
        brought = bundle.pieces if plan is None else [piece for _, piece in plan]
        count = len({layer.digest for layer in bundle.papers.blobs()} - {piece.layer for piece in brought})
        reasons.append(
            f"{count} layers are left out, because the receiver is presumed to have "
            + ", ".join(shipment.presumes)
        )
    return "; ".join(reasons)


def _open_layer(bundle: Bundle) -> Callable[[str], BinaryIO | None]:
    """Give what opens the layers that are in a bundle."""

    def opened(digest: str) -> BinaryIO | None:
        here = any(piece.whole and piece.digest == digest for piece in bundle.pieces)
        return bundle.open(digest) if here else None

    return opened


def _teller(pieces: Sequence[Piece], progress: Progress) -> Callable[[int], None]:
    total = sum(piece.size for piece in pieces)
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        progress("verify", done, total)

    return tell


def _good(layers: Sequence[Piece]) -> str:
    return f"{len(layers)} layers of {sum(x.size for x in layers)} bytes are what the manifest says"
