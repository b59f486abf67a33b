"""Collects the checks of a plugin's components and runs them, with pytest or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.errors import InvalidOptionError, InvalidPluginError
from maas_sdk.plugin import PluginRegistry
from maas_sdk.testing import (
    _compressors,
    _estimators,
    _optimizers,
    _schedules,
    _sealers,
    _serializers,
    _signers,
    _storage,
)
from maas_sdk.testing._check import Check
from maas_sdk.testing._results import CheckResult, Outcome, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pytest

    from maas_sdk.testing._check import Subject

    Options = Mapping[str, Mapping[str, Any] | Callable[[Path], Mapping[str, Any]]]
    Examples = Mapping[str, Callable[[], Any]]

__all__ = ["CHECKS_OF_KIND", "collect_checks", "parametrize_with_checks", "run_checks"]

CHECKS_OF_KIND: Mapping[str, tuple[Callable[[Subject], None], ...]] = {
    "preprocessor": _estimators.PREPROCESSOR_CHECKS,
    "model": _estimators.MODEL_CHECKS,
    "optimizer": _optimizers.CHECKS,
    "schedule": _schedules.CHECKS,
    "compressor": _compressors.CHECKS,
    "storage_backend": _storage.CHECKS,
    "serializer": _serializers.CHECKS,
    "sealer": _sealers.CHECKS,
    "signer": _signers.CHECKS,
}


def collect_checks(
    plugin: str,
    *,
    registry: PluginRegistry | None = None,
    options: Options | None = None,
    examples: Examples | None = None,
) -> list[Check]:
    """Give the checks of every component of a plugin, as callables without arguments.

    Parameters
    ----------
    plugin : str
        Its name; it is loaded. ``"maas_sdk"`` are the built-ins.
    registry : PluginRegistry, optional
        Where to look; a new one finds what is installed.
    options : Mapping, optional
        Options by component reference, for components that need some; or a function that is given an empty
        folder and returns them.
    examples : Mapping, optional
        Functions without arguments by component reference that return what the component works on, where the
        kit's own does not fit: ``(X, y)`` for a preprocessor or a model; ``(chain, X, y)`` for a compressor,
        the chain a `sklearn.pipeline.Pipeline` fitted on `X` and `y`; ``(estimator, X)`` for a serializer,
        the estimator fitted; and a new ``(recipient, identity)`` each time for a sealer.

    Returns
    -------
    list of Check

    Raises
    ------
    PluginError
        When the plugin cannot be loaded, or has no components: zero checks are a failure.
    InvalidOptionError
        When `options` or `examples` name a component that the plugin does not have.
    """
    registry = PluginRegistry() if registry is None else registry
    options, examples = options or {}, examples or {}
    components = registry.describe(plugin)
    if not components:
        raise InvalidPluginError(f"plugin {plugin!r} declares no components: there is nothing to check")
    known = {info.reference for info in components}
    _refuse_unknown("options or examples", {*options, *examples} - known, known)
    return [
        Check(
            name=function.__name__,
            info=info,
            function=function,
            registry=registry,
            options=options.get(info.reference, {}),
            example=examples.get(info.reference),
        )
        for info in components
        for function in CHECKS_OF_KIND[info.kind]
    ]


def run_checks(
    plugin: str,
    *,
    registry: PluginRegistry | None = None,
    options: Options | None = None,
    examples: Examples | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Results:
    """Run the checks of every component of a plugin.

    Parameters
    ----------
    plugin, registry, options, examples
        See :func:`collect_checks`.
    expected_failures : Mapping of str to str, optional
        Reasons by check: its name, or its id (``"acme.zstd-compressor-…"``) for one component. Strict: one
        that passes has failed.

    Returns
    -------
    Results
        Prints as a table.
    """
    checks = collect_checks(plugin, registry=registry, options=options, examples=examples)
    reasons = _expected(checks, expected_failures or {})
    return Results(plugin, [_run(check, reasons.get(check.id)) for check in checks])


def parametrize_with_checks(
    plugin: str,
    *,
    registry: PluginRegistry | None = None,
    options: Options | None = None,
    examples: Examples | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> pytest.MarkDecorator:
    """Make a pytest decorator that gives a test each check as its argument `check`.

    Parameters
    ----------
    plugin, registry, options, examples, expected_failures
        See :func:`run_checks`.

    Examples
    --------
    A vendor's whole test file::

        from maas_sdk.testing import parametrize_with_checks

        @parametrize_with_checks("acme")
        def test_acme(check):
            check()
    """
    import pytest  # noqa: PLC0415 - the kit runs without it, too

    checks = collect_checks(plugin, registry=registry, options=options, examples=examples)
    reasons = _expected(checks, expected_failures or {})
    params = []
    for check in checks:
        reason = reasons.get(check.id)
        marks = () if reason is None else (pytest.mark.xfail(reason=reason, strict=True),)
        params.append(pytest.param(check, id=check.id, marks=marks))
    return pytest.mark.parametrize("check", params)


def _run(check: Check, expected: str | None) -> CheckResult:
    def result(outcome: Outcome, reason: str = "") -> CheckResult:
        info = check.info
        return CheckResult(
            component=info.reference, kind=info.kind, check=check.name, outcome=outcome, reason=reason
        )

    try:
        check()
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - whatever a component raises is a result
        if expected is not None:
            return result(Outcome.EXPECTED_FAILURE, expected)
        prefix = "" if isinstance(exc, AssertionError) else f"{type(exc).__name__}: "
        return result(Outcome.FAILED, f"{prefix}{exc}")
    if expected is not None:
        return result(Outcome.FAILED, f"passed, but was expected to fail: {expected}")
    return result(Outcome.PASSED)


def _expected(checks: list[Check], expected: Mapping[str, str]) -> dict[str, str]:
    """Give the reasons by id."""
    known = {check.name for check in checks} | {check.id for check in checks}
    _refuse_unknown("expected_failures", set(expected) - known, known)
    for name, reason in expected.items():
        if not reason:
            raise InvalidOptionError(f"expected_failures: {name!r} needs a reason")
    by_name = {check.id: expected[check.name] for check in checks if check.name in expected}
    return by_name | {check.id: expected[check.id] for check in checks if check.id in expected}


def _refuse_unknown(option: str, unknown: set[str], known: Iterable[str]) -> None:
    if unknown:
        names = ", ".join(map(repr, sorted(unknown)))
        raise InvalidOptionError(f"{option}: there is no {names}; there are {', '.join(sorted(known))}")
