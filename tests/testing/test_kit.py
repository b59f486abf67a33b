"""The kit itself: what it runs, what it refuses, what it reports."""

import subprocess
import sys
import types

import pytest

from maas_sdk.errors import InvalidOptionError, InvalidPluginError, PluginLoadError, UnknownComponentError
from maas_sdk.plugin import ComponentSpec, PluginRegistry, hookimpl
from maas_sdk.signing import PrivateKey
from maas_sdk.testing import Outcome, Results, collect_checks, parametrize_with_checks, run_checks


class Stuck:
    """An optimizer that never moves."""

    def init(self, params):
        return {}

    def update_(self, params, grads, state):
        """Do nothing."""


def registry_with(*specs):
    plugin = types.ModuleType("plugin")

    @hookimpl
    def maas_sdk_optimizers():
        return specs

    plugin.maas_sdk_optimizers = maas_sdk_optimizers
    registry = PluginRegistry()
    registry.register(plugin, "ours")
    return registry


@pytest.fixture
def registry(monkeypatch):
    module = types.ModuleType("stuck_module")
    module.Stuck = Stuck
    monkeypatch.setitem(sys.modules, "stuck_module", module)
    return registry_with(ComponentSpec("stuck", "stuck_module:Stuck"))


STUCK = {"updates_in_place": "never moves", "ours.stuck-optimizer-decreases_a_quadratic": "never moves"}


def test_results_are_a_structure_that_prints_as_a_table(registry):
    results = run_checks("ours", registry=registry)
    assert not results.passed
    assert {(r.component, r.kind, r.check) for r in results.failures} == {
        ("ours.stuck", "optimizer", "updates_in_place"),
        ("ours.stuck", "optimizer", "decreases_a_quadratic"),
    }
    assert len(results) == len(list(results)) == 13
    text = str(results)
    assert "update_ did not change the parameters" in text
    assert text.endswith("plugin 'ours': 13 checks, 2 failed")
    assert results.to_dict()["results"][0]["outcome"] == "passed"
    assert "<table>" in results._repr_html_()


def test_expected_failures_are_told_apart_with_their_reasons(registry):
    results = run_checks("ours", registry=registry, expected_failures=STUCK)
    assert results.passed
    expected = [result for result in results if result.outcome is Outcome.EXPECTED_FAILURE]
    assert [result.reason for result in expected] == ["never moves"] * 2


def test_an_expected_failure_that_passes_has_failed(registry):
    results = run_checks("ours", registry=registry, expected_failures={**STUCK, "is_deterministic": "chance"})
    (failure,) = results.failures
    assert failure.check == "is_deterministic"
    assert failure.reason == "passed, but was expected to fail: chance"


def test_the_reason_for_one_component_counts_before_that_for_all(registry):
    both = {**STUCK, "decreases_a_quadratic": "in general"}
    results = run_checks("ours", registry=registry, expected_failures=both)
    assert {r.reason for r in results if r.outcome is Outcome.EXPECTED_FAILURE} == {"never moves"}


@pytest.mark.parametrize(
    "options",
    [
        {"expected_failures": {"is_determinist": "typo"}},
        {"expected_failures": {"is_deterministic": ""}},
        {"options": {"ours.stick": {}}},
        {"examples": {"ours.stick": list}},
    ],
)
def test_what_names_nothing_or_gives_no_reason_is_refused(registry, options):
    with pytest.raises(InvalidOptionError):
        run_checks("ours", registry=registry, **options)


@pytest.mark.parametrize("door", [collect_checks, run_checks, parametrize_with_checks])
def test_zero_checks_are_a_failure(door):
    with pytest.raises(InvalidPluginError, match="nothing to check"):
        door("ours", registry=registry_with())
    assert not Results("ours", ()).passed
    assert str(Results("ours", ())) == "plugin 'ours': no checks were run, which is a failure"


def test_a_plugin_that_is_not_there_is_an_error():
    with pytest.raises(UnknownComponentError):
        parametrize_with_checks("acme")


def test_options_reach_the_component_and_may_need_a_folder(registry):
    seen = []

    def options(folder):
        seen.append(folder)
        assert folder.is_dir()
        assert not list(folder.iterdir())
        return {"level": 3}

    results = run_checks("ours", registry=registry, options={"ours.stuck": options})
    assert len(set(seen)) == 13
    assert not any(folder.exists() for folder in seen)
    assert "has no option 'level'" in results.failures[0].reason


def test_signers_are_closed_because_a_token_has_few_sessions(monkeypatch):
    held = []

    class Token:
        def __init__(self):
            self._key = PrivateKey.generate()
            held.append(self)

        def public_key_pem(self):
            return self._key.public_key_pem()

        def sign(self, message):
            return self._key.sign(message)

        def close(self):
            self._key.close()
            if self in held:
                held.remove(self)

    plugin = types.ModuleType("plugin")
    plugin.maas_sdk_signers = hookimpl(
        lambda: [ComponentSpec("token", "token_module:Token")], specname="maas_sdk_signers"
    )
    module = types.ModuleType("token_module")
    module.Token = Token
    monkeypatch.setitem(sys.modules, "token_module", module)
    registry = PluginRegistry()
    registry.register(plugin, "ours")
    results = run_checks("ours", registry=registry)
    assert results.passed, str(results)
    assert not held


def test_what_a_component_raises_is_a_result_even_if_it_exits(monkeypatch):
    module = types.ModuleType("exiting_module")
    module.Exiting = lambda: sys.exit(3)
    monkeypatch.setitem(sys.modules, "exiting_module", module)
    registry = registry_with(ComponentSpec("exiting", "exiting_module:Exiting"))
    results = run_checks("ours", registry=registry)
    assert "SystemExit: 3" in {result.reason for result in results.failures}


def test_a_target_that_does_not_import_fails_the_checks():
    registry = registry_with(ComponentSpec("gone", "module_that_is_gone:Gone"))
    (first, *_) = collect_checks("ours", registry=registry)
    with pytest.raises(PluginLoadError):
        first()


def test_checks_have_readable_ids(registry):
    checks = collect_checks("ours", registry=registry)
    assert str(checks[0]) == "ours.stuck-optimizer-constructs_with_its_options"
    assert len({check.id for check in checks}) == len(checks)


def test_a_vendors_test_file_runs_under_pytest(tmp_path):
    (tmp_path / "test_vendor.py").write_text(
        "from maas_sdk.testing import parametrize_with_checks\n"
        "@parametrize_with_checks('maas_sdk', expected_failures={\n"
        "    'adam-optimizer-is_deterministic': 'a lie',\n"
        "    'refuses_use_before_fit': 'a lie, too',\n"
        "    'local-storage_backend-deletes': 'needs a folder',\n"
        "})\n"
        "def test_built_ins(check):\n"
        "    check()\n"
    )
    only = "(adam-optimizer and not dp_adam) or storage_backend-deletes"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", only, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 13 passed" in done.stdout, done.stdout
    assert "1 xfailed" in done.stdout
    assert "[XPASS(strict)] a lie" in done.stdout


def test_the_kit_needs_no_pytest():
    program = (
        "import sys\n"
        "sys.modules['pytest'] = None\n"
        "from maas_sdk.testing import collect_checks\n"
        "collect_checks('maas_sdk')[0]()\n"
        "print('fine')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "fine\n"
