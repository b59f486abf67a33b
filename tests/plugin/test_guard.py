"""What a component raises while it works."""

import pytest
from sklearn.exceptions import NotFittedError

from maas_sdk.errors import BudgetError, ComponentError
from maas_sdk.plugin import ComponentInfo, ComponentSpec, Provider, component_errors


def info(kind):
    return ComponentInfo(
        kind=kind, spec=ComponentSpec("zstd", "m:C"), provider=Provider("acme", "maas-sdk-acme", "1.2")
    )


def test_what_a_component_raises_is_wrapped_with_its_name_and_distribution():
    with (
        pytest.raises(ComponentError, match=r"^acme\.zstd \(maas-sdk-acme 1\.2\): KeyError: 'x'$") as caught,
        component_errors(info("compressor")),
    ):
        {}["x"]
    assert isinstance(caught.value.__cause__, KeyError)


def test_it_is_wrapped_once():
    with pytest.raises(ComponentError) as caught, component_errors(info("model")):  # noqa: SIM117 - nested on purpose
        with component_errors(info("compressor")):
            raise OSError("disk")
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("error", [BudgetError("no"), KeyboardInterrupt(), SystemExit(), UserWarning()])
@pytest.mark.parametrize("kind", ["compressor", "model"])
def test_the_sdks_own_errors_interrupts_and_warnings_made_errors_pass(kind, error):
    with pytest.raises(type(error)) as caught, component_errors(info(kind)):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("kind", ["model", "preprocessor"])
@pytest.mark.parametrize("error", [ValueError(), TypeError(), AttributeError(), NotFittedError()])
def test_estimators_raise_what_scikit_learns_conventions_say(kind, error):
    with pytest.raises(type(error)) as caught, component_errors(info(kind)):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("kind", ["compressor", "optimizer", "storage_backend", "sealer"])
def test_other_kinds_have_no_such_conventions(kind):
    with pytest.raises(ComponentError), component_errors(info(kind)):
        raise ValueError


def test_nothing_raised_is_nothing_wrapped_and_no_component_guards_nothing():
    with component_errors(info("model")):
        pass
    with pytest.raises(KeyError), component_errors(None):
        raise KeyError
