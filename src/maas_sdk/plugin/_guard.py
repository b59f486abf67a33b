"""What a component raises while it works, wrapped once and with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maas_sdk.errors import ComponentError, MaasError

if TYPE_CHECKING:
    from types import TracebackType

    from maas_sdk.plugin._component import ComponentInfo

__all__ = ["component_errors"]

_ESTIMATORS: Final = frozenset({"model", "preprocessor"})
# NotFittedError is both a ValueError and an AttributeError.
_CONVENTIONAL: Final = (ValueError, TypeError, AttributeError)


class component_errors:  # noqa: N801 - used like a function, as contextlib.suppress is
    """Wrap what a component raises in the block as `ComponentError`, with the component named.

    Passed on unchanged: every `MaasError` (so nothing is wrapped twice), what is no `Exception`
    (`KeyboardInterrupt`, `SystemExit`), warnings that the application turned into errors, and, from models
    and preprocessors, `ValueError`, `TypeError` and `AttributeError` with their subclasses (`NotFittedError`
    too): scikit-learn's conventions prescribe these for wrong data and wrong order of calls, and its tools
    depend on them.

    Parameters
    ----------
    info : ComponentInfo or None
        The component at work; None, for an object that came from no registry, wraps nothing.

    Raises
    ------
    ComponentError
        ``"acme.zstd (maas-sdk-acme 1.2): OSError: …"``, from what was raised.
    """

    __slots__ = ("_info",)

    def __init__(self, info: ComponentInfo | None) -> None:
        self._info = info

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wrap `error` unless it passes."""
        info = self._info
        if info is None or not isinstance(error, Exception) or isinstance(error, MaasError | Warning):
            return
        if info.kind in _ESTIMATORS and isinstance(error, _CONVENTIONAL):
            return
        raise ComponentError(f"{info}: {type(error).__name__}: {error}") from error
