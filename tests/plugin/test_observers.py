"""Observers: told before and after, in order, and unable to stop the work."""

import logging
import threading

import attrs
import pytest

from maas_sdk.errors import InvalidPluginError
from maas_sdk.plugin import PluginRegistry, StepEvent, hookimpl


class Recorder:
    def __init__(self):
        self.told = []

    @hookimpl
    def maas_sdk_before_step(self, event):
        self.told.append(("before", event))

    @hookimpl
    def maas_sdk_after_step(self, event):
        self.told.append(("after", event))


class Failing:
    @hookimpl
    def maas_sdk_before_step(self, event):
        raise RuntimeError("observer is broken")

    @hookimpl
    def maas_sdk_after_step(self, event):
        raise RuntimeError("observer is broken")


def test_an_observer_is_told_before_and_after_with_what_the_step_recorded():
    registry, recorder = PluginRegistry(), Recorder()
    registry.add_observer(recorder)
    with registry.step("compress", component="acme.zstd", index=0, total=2, sizes={"before": 9}) as step:
        step.record(metrics={"accuracy": 0.9})
        step.record(sizes={"after": 3})
    (_, before), (_, after) = recorder.told
    assert before == StepEvent("compress", component="acme.zstd", index=0, total=2, sizes={"before": 9})
    assert after.duration >= 0
    assert after.metrics == {"accuracy": 0.9}
    assert after.sizes == {"before": 9, "after": 3}
    assert after.error is None


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()])
def test_an_observer_is_told_of_the_error_which_passes(error):
    registry, recorder = PluginRegistry(), Recorder()
    registry.add_observer(recorder)
    with pytest.raises(type(error)), registry.step("fit"):
        raise error
    assert recorder.told[-1][1].error is error


def test_notify_tells_of_a_step_that_has_ended():
    registry, recorder = PluginRegistry(), Recorder()
    registry.notify(StepEvent("epoch"))
    registry.add_observer(recorder)
    event = StepEvent("epoch", index=3, metrics={"loss": 0.5})
    registry.notify(event)
    registry.notify(event)
    assert recorder.told == [("after", event), ("after", event)]


def test_an_observer_that_raises_is_logged_with_hook_and_plugin_and_work_goes_on(caplog):
    registry, recorder = PluginRegistry(), Recorder()
    registry.add_observer(Failing())
    registry.add_observer(recorder)
    with caplog.at_level(logging.ERROR, "maas_sdk.plugin"), registry.step("fit"):
        pass
    assert [when for when, _ in recorder.told] == ["before", "after"]
    assert {record.name for record in caplog.records} == {"maas_sdk.plugin"}
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "Failing" in messages[0]
    assert "maas_sdk_before_step raised on step 'fit'" in messages[0]
    assert "maas_sdk_after_step raised on step 'fit'" in messages[1]
    assert "observer is broken" in caplog.text


def test_an_observer_that_raises_does_not_hide_the_steps_own_error(caplog):
    registry = PluginRegistry()
    registry.add_observer(Failing())
    with pytest.raises(ValueError, match="the step's own"), registry.step("fit"):
        raise ValueError("the step's own")
    assert "observer is broken" in caplog.text


def test_an_interrupt_while_an_observer_runs_is_not_swallowed():
    class Interrupting:
        @hookimpl
        def maas_sdk_before_step(self, event):
            raise KeyboardInterrupt

    registry = PluginRegistry()
    registry.add_observer(Interrupting())
    with pytest.raises(KeyboardInterrupt), registry.step("fit"):
        pass


def test_observers_are_told_in_the_order_in_which_they_came():
    order, registry = [], PluginRegistry()

    class Named:
        def __init__(self, name):
            self.name = name

        @hookimpl
        def maas_sdk_before_step(self, event):
            order.append(self.name)

    for name in "abc":
        registry.add_observer(Named(name))
    with registry.step("fit"):
        pass
    assert order == ["a", "b", "c"]


def test_a_registered_plugin_observes(module):
    registry = PluginRegistry()
    plugin = module("told = []\n@hookimpl\ndef maas_sdk_after_step(event):\n    told.append(event.step)")
    with registry.step("fit"):
        pass
    registry.register(plugin, "ours")
    with registry.step("predict"):
        pass
    assert plugin.told == ["predict"]


TRACER = (
    "from maas_sdk.plugin import ComponentSpec, hookimpl\ntold = []\n"
    "@hookimpl\ndef maas_sdk_after_step(event):\n    told.append(event.step)\n"
    "@hookimpl\ndef maas_sdk_compressors():\n    yield ComponentSpec('zstd', 'acme_zstd:Zstd')\n"
)


def test_an_allowed_plugin_observes_from_the_first_step(install):
    import sys

    install(modules={"acme_plugin": TRACER})
    with PluginRegistry(allow={"acme"}).step("fit"):
        pass
    assert sys.modules["acme_plugin"].told == ["fit"]


def test_a_plugin_that_is_only_installed_does_not_observe_until_it_is_referenced(install):
    import sys

    install(modules={"acme_plugin": TRACER})
    registry = PluginRegistry()
    with registry.step("fit"):
        pass
    assert "acme_plugin" not in sys.modules
    registry.resolve("compressor", "acme.zstd")
    with registry.step("predict"):
        pass
    assert sys.modules["acme_plugin"].told == ["predict"]


def test_one_registrys_observers_are_not_anothers():
    recorder = Recorder()
    PluginRegistry().add_observer(recorder)
    with PluginRegistry().step("fit") as step:
        step.record(metrics={"loss": 1.0}, sizes={"model": 3})
    assert recorder.told == []


def test_without_observers_a_step_is_one_shared_object_that_lets_errors_pass():
    registry = PluginRegistry()
    assert registry.step("fit", component="adam") is registry.step("predict")
    with pytest.raises(ValueError, match="own"), registry.step("fit"):
        raise ValueError("own")


def test_what_observes_nothing_is_refused(module):
    registry = PluginRegistry()
    with pytest.raises(InvalidPluginError, match="implements no hook"):
        registry.add_observer(object())
    with pytest.raises(InvalidPluginError, match=r"use register\(\)"):
        registry.add_observer(module("@hookimpl\ndef maas_sdk_models():\n    return []"))


def test_an_observer_may_not_wrap_or_jump_the_queue():
    class Pushing:
        @hookimpl(tryfirst=True)
        def maas_sdk_before_step(self, event):
            """Do nothing."""

    with pytest.raises(InvalidPluginError, match="tryfirst"):
        PluginRegistry().add_observer(Pushing())


def test_events_are_frozen_with_all_they_hold():
    metrics = {"loss": 1.0}
    event = StepEvent("fit", metrics=metrics)
    metrics["loss"] = 2.0
    assert event.metrics == {"loss": 1.0}
    with pytest.raises(TypeError):
        event.metrics["loss"] = 3.0
    with pytest.raises(AttributeError):
        event.step = "other"


def test_steps_in_many_threads_are_all_told():
    registry, recorder = PluginRegistry(), Recorder()
    registry.add_observer(recorder)

    def work():
        for _ in range(50):
            with registry.step("predict"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorder.told) == 8 * 50 * 2


def test_every_field_that_a_step_was_given_is_told_when_it_ends():
    registry, recorder = PluginRegistry(), Recorder()
    registry.add_observer(recorder)
    given = {"component": "c", "index": 1, "total": 2, "metrics": {"m": 1.0}, "sizes": {"s": 1}}
    assert set(given) == {field.name for field in attrs.fields(StepEvent)} - {
        "step",
        "duration",
        "error",
        "remaining",
    }
    with registry.step("fit", **given):
        pass
    after = recorder.told[-1][1]
    assert {name: getattr(after, name) for name in given} == given


def test_an_observer_may_leave_out_the_event_and_need_not_have_both_hooks():
    class Counter:
        count = 0

        @hookimpl
        def maas_sdk_after_step(self):
            self.count += 1

    registry, counter = PluginRegistry(), Counter()
    registry.add_observer(counter)
    with registry.step("fit"):
        pass
    assert counter.count == 1
