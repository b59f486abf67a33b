"""What was done, refused or failed goes into an audit log; it decides nothing."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Final

from attrs import define

from maas_sdk.errors import IncompleteError, MaasError, RefusedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_sdk.trust._audit import AuditLog

__all__ = ["Deed", "audited"]

_READING: Final = "export"
_PROTECTED: Final = {errno.EROFS, errno.EACCES, errno.EPERM}


@define
class Deed:
    """What is being done; whoever does it fills in what is known only later.

    Attributes
    ----------
    subject : str
        A release, or a file.
    identity : str or None
        Of the release.
    reasons : collection of str
        Why, or with what result.
    outcome : str
        How it ended when no exception says otherwise.
    """

    subject: str
    identity: str | None = None
    reasons: Sequence[str] = ()
    outcome: str = "done"


@contextlib.contextmanager
def audited(log: AuditLog | None, event: str, subject: str) -> Iterator[Deed]:
    """Write down how the block ends; without a log, nothing.

    Of a block that failed, the error of the block is what the caller sees, even if the log cannot be written
    either. A block that ended well counts as failed when that cannot be written down; but who may not write
    to a store can export from it, and is not in its log.

    Raises
    ------
    StorageError
        When the log cannot be written.
    AuditError
        When the log is damaged.
    """
    deed = Deed(subject)
    try:
        yield deed
    except BaseException as exc:
        if log is not None:
            with contextlib.suppress(MaasError):
                log.append(
                    event,
                    outcome=_outcome(exc),
                    subject=deed.subject,
                    identity=deed.identity,
                    reasons=_reasons(exc),
                )
        raise
    if log is not None:
        try:
            log.append(
                event,
                outcome=deed.outcome,
                subject=deed.subject,
                identity=deed.identity,
                reasons=deed.reasons,
            )
        except StorageError as exc:
            if event != _READING or not _is_write_protected(exc):
                raise


def _is_write_protected(exc: StorageError) -> bool:
    return isinstance(exc.__cause__, OSError) and exc.__cause__.errno in _PROTECTED


def _outcome(exc: BaseException) -> str:
    if isinstance(exc, RefusedError):
        return "refused"
    return "incomplete" if isinstance(exc, IncompleteError) else "failed"


def _reasons(exc: BaseException) -> list[str]:
    if isinstance(exc, RefusedError) and exc.verdict is not None:
        return [f"{check.name}: {check.reason}" for check in exc.verdict.failures]
    return [f"{type(exc).__name__}: {exc}"]
