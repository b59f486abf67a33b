"""Every error that a user of the SDK can meet; it raises none of them itself.

::

    MaasError
    ├── InvalidOptionError (ValueError)      an argument or option is wrong
    ├── PluginError                          about a plugin or a component
    │   ├── UnknownComponentError (LookupError)   no such component; close matches are named
    │   ├── PluginNotAllowedError                 it exists, but the application did not allow it
    │   ├── PluginLoadError                       the plugin failed to import
    │   ├── InvalidPluginError                    its declarations break the rules
    │   └── ComponentError                        a component raised while it worked
    ├── BudgetError                          nothing fits the budget; the nearest miss is named
    ├── CheckpointError                      a checkpoint is damaged, or belongs to other work
    ├── DisclosureError                      more would leave with a model than is allowed
    ├── UnsupportedModelError (TypeError)    a model that cannot be serialized safely
    ├── NotIncludedError (AttributeError)    asked of a model whose file left it out
    ├── ArtifactError                        about the content of a release
    │   ├── InvalidArtifactError (ValueError)     a file breaks its format
    │   │   ├── LimitExceededError                it is larger, deeper or more than `Limits` allows
    │   │   └── BundleError                       a bundle is truncated or not a bundle
    │   ├── DigestMismatchError                   bytes are not what their digest says
    │   ├── IncompleteError                       parts are still missing; what came is kept
    │   └── SelfTestError                         the loaded model predicts something else than the sender's
    ├── SealingError                         about encryption
    │   ├── InvalidKeyError (ValueError)          the text of a recipient or an identity is wrong
    │   ├── NoMatchError                          no identity at hand opens the file
    │   ├── HeaderError (ValueError)              the header breaks the format
    │   ├── HeaderMacError                        the header was altered
    │   ├── PayloadError                          the payload was altered or truncated
    │   └── ArmorError (ValueError)               the ASCII armor breaks its format
    ├── SigningError                         about keys and signatures
    │   ├── KeyFileError                          a key, identity or contact file cannot be used
    │   │   └── WrongPassphraseError              its passphrase is wrong
    │   └── VerificationError                     a signature does not hold
    ├── TrustError                           about what is trusted
    │   ├── PolicyError (ValueError)              a policy is malformed or has no rule for the name
    │   ├── TrustStateError                       the remembered state is damaged or was altered
    │   ├── AuditError                            the audit log is damaged or was altered
    │   └── RefusedError                          a verdict says no; it is in `verdict`
    └── StorageError                         about stores and files
        ├── NotFoundError (LookupError)           no such blob, release or file
        ├── AlreadyExistsError                    what must be created exists
        │   └── VersionExistsError                that version is another release already
        ├── StorageFullError                      no space is left
        ├── BusyError                             somebody else is at work in the store
        └── InvalidReferenceError (ValueError)    the name, version or reference is malformed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AlreadyExistsError",
    "ArmorError",
    "ArtifactError",
    "AuditError",
    "BudgetError",
    "BundleError",
    "BusyError",
    "CheckpointError",
    "ComponentError",
    "DigestMismatchError",
    "DisclosureError",
    "HeaderError",
    "HeaderMacError",
    "IncompleteError",
    "InvalidArtifactError",
    "InvalidKeyError",
    "InvalidOptionError",
    "InvalidPluginError",
    "InvalidReferenceError",
    "KeyFileError",
    "LimitExceededError",
    "MaasError",
    "NoMatchError",
    "NotFoundError",
    "NotIncludedError",
    "PayloadError",
    "PluginError",
    "PluginLoadError",
    "PluginNotAllowedError",
    "PolicyError",
    "RefusedError",
    "SealingError",
    "SelfTestError",
    "SigningError",
    "StorageError",
    "StorageFullError",
    "TrustError",
    "TrustStateError",
    "UnknownComponentError",
    "UnsupportedModelError",
    "VerificationError",
    "VersionExistsError",
    "WrongPassphraseError",
]


class MaasError(Exception):
    """Root of every error that the SDK raises on purpose."""


class InvalidOptionError(MaasError, ValueError):
    """An argument or an option is wrong; the message says which one and what is accepted."""


class PluginError(MaasError):
    """Something about a plugin or a component is wrong."""


class UnknownComponentError(PluginError, LookupError):
    """No component has that reference.

    Attributes
    ----------
    reference : str
        What was asked for.
    close_matches : tuple of str
        References that look like it.
    """

    def __init__(self, message: str, *, reference: str = "", close_matches: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reference = reference
        self.close_matches = tuple(close_matches)


class PluginNotAllowedError(PluginError):
    """The plugin exists, but the application did not allow it or has blocked it."""


class PluginLoadError(PluginError):
    """The plugin or one of its targets failed to import; the cause is chained."""


class InvalidPluginError(PluginError):
    """The declarations of a plugin break the rules, so that the whole plugin is refused."""


class ComponentError(PluginError):
    """A component raised while it worked; the message names it and its distribution, the cause is chained."""


class BudgetError(MaasError):
    """No candidate fits the budget.

    Attributes
    ----------
    report : object or None
        Everything that was tried, the nearest miss included.
    """

    def __init__(self, message: str, *, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class CheckpointError(MaasError):
    """A checkpoint is damaged, or belongs to other work than what is to go on: other data, other options."""


class DisclosureError(MaasError):
    """More of the training data would leave with a model than is allowed.

    Attributes
    ----------
    report : object or None
        The disclosure scan with every finding.
    """

    def __init__(self, message: str, *, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class UnsupportedModelError(MaasError, TypeError):
    """The model, or something inside it, has no safe serialization; the message gives the path to it."""


class NotIncludedError(MaasError, AttributeError):
    """Asked of a model that was loaded from a file in the inference profile, which left it out."""


class ArtifactError(MaasError):
    """The content of a release is wrong."""


class InvalidArtifactError(ArtifactError, ValueError):
    """A file breaks its format.

    Attributes
    ----------
    path : str
        Where in the file, as a path into the graph such as ``steps[1].coef_``; empty when unknown.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class LimitExceededError(InvalidArtifactError):
    """Something is larger, deeper or more than a field of `Limits` allows; the message names the field."""


class BundleError(InvalidArtifactError):
    """A bundle is truncated, is not a bundle, or holds an entry that a bundle must not hold."""


class DigestMismatchError(ArtifactError):
    """Bytes are not the ones that their digest names."""


class IncompleteError(ArtifactError):
    """A bundle was verified and what it brought was kept, but parts of its release are still missing.

    Attributes
    ----------
    missing : tuple of str
        Digests of the layers that neither the bundle nor the store has.
    volumes : tuple of str
        The volumes that have them, as far as the bundle says.
    verdict : object
        The verdict with each check and its reason.
    """

    def __init__(
        self, message: str, *, missing: Sequence[str] = (), volumes: Sequence[str] = (), verdict: Any = None
    ) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.volumes = tuple(volumes)
        self.verdict = verdict


class SelfTestError(ArtifactError):
    """The loaded model does not predict what the sender's predicted.

    Attributes
    ----------
    report : object or None
        How many rows differ and by how much.
    """

    def __init__(self, message: str, *, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class SealingError(MaasError):
    """Encryption or decryption failed."""


class InvalidKeyError(SealingError, ValueError):
    """The text of a recipient or an identity is malformed."""


class NoMatchError(SealingError):
    """None of the identities at hand (or not this passphrase) opens the file."""


class HeaderError(SealingError, ValueError):
    """The header of a sealed file breaks the format."""


class HeaderMacError(SealingError):
    """The header of a sealed file was altered: its MAC does not hold."""


class PayloadError(SealingError):
    """The payload of a sealed file was altered, reordered or truncated."""


class ArmorError(SealingError, ValueError):
    """The ASCII armor around a sealed file breaks its format."""


class SigningError(MaasError):
    """A key cannot be used or a signature does not hold."""


class KeyFileError(SigningError):
    """A key, identity or contact file is missing, malformed or readable by others."""


class WrongPassphraseError(KeyFileError):
    """The passphrase does not open the file."""


class VerificationError(SigningError):
    """A signature does not hold, or too few distinct trusted keys signed."""


class TrustError(MaasError):
    """What is trusted cannot be established."""


class PolicyError(TrustError, ValueError):
    """A policy is malformed, or has no rule for the name."""


class TrustStateError(TrustError):
    """The remembered trust state is damaged, was altered, or is missing where it must not be."""


class AuditError(TrustError):
    """The audit log is damaged or was altered."""


class RefusedError(TrustError):
    """A release was refused.

    Attributes
    ----------
    verdict : object
        The verdict with each check and its reason.
    """

    def __init__(self, message: str, *, verdict: Any = None) -> None:
        super().__init__(message)
        self.verdict = verdict


class StorageError(MaasError):
    """A store or a file cannot be read or written."""


class NotFoundError(StorageError, LookupError):
    """No blob, release or file has that name."""


class AlreadyExistsError(StorageError):
    """What must be created exists already."""


class VersionExistsError(AlreadyExistsError):
    """That version was published already as another release; a published version never changes."""


class StorageFullError(StorageError):
    """The medium has no space left; only a file that the caller opened can hold a part of what was meant."""


class BusyError(StorageError):
    """Somebody else is at work in the store, and this work cannot go on beside theirs; try again later."""


class InvalidReferenceError(StorageError, ValueError):
    """A name, version or reference is malformed."""
