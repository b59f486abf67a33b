"""Which metadata an estimator asks for, as ``set_fit_request`` leaves it ⇄ ``{method: {name: alias}}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sklearn

from maas_sdk.serialization._spec import ROUTING

if TYPE_CHECKING:
    from maas_sdk.serialization._place import Place

__all__ = ["ask", "requests_of"]


def requests_of(estimator: Any) -> dict[str, dict[str, bool | str | None]]:
    """Give the requests that somebody has set on an estimator, none if nobody has."""
    requests = getattr(estimator, "__dict__", {}).get(ROUTING)
    by_method = {} if requests is None else requests._serialize()  # noqa: SLF001 - says what is not the default
    return {method: dict(sorted(by_method[method].items())) for method in sorted(by_method)}


def ask(estimator: Any, requests: Any, place: Place) -> None:
    """Set requests from an untrusted document.

    Raises
    ------
    InvalidArtifactError
        If they are no requests of such an estimator.
    """
    if not isinstance(requests, dict):
        raise place.refusal("expected requests by method")
    with sklearn.config_context(enable_metadata_routing=True):
        for method, names in requests.items():
            setter = getattr(estimator, f"set_{method}_request", None)
            if setter is None or not isinstance(names, dict):
                raise place.refusal(f"takes no requests for {method[:80]!r}")
            try:
                setter(**names)
            except (TypeError, ValueError) as exc:
                raise place.refusal(f"requests for {method[:80]!r}: {str(exc)[:200]}") from exc
