"""Resolve and construct: references, options, targets, contracts."""

import sys

import pytest

from maas_sdk.errors import (
    ComponentError,
    InvalidOptionError,
    InvalidPluginError,
    PluginLoadError,
    UnknownComponentError,
)
from maas_sdk.plugin import KINDS, ComponentInfo, ComponentSpec, PluginRegistry, Provider


def declaring(kind, target, name="part"):
    hook = f"maas_sdk_{kind}s"
    return {
        "acme_plugin": "from maas_sdk.plugin import ComponentSpec, hookimpl\n"
        f"@hookimpl\ndef {hook}():\n    yield ComponentSpec({name!r}, {target!r})\n"
    }


def test_create_constructs_with_the_options(install):
    install()
    registry = PluginRegistry()
    assert registry.create("compressor", "acme.zstd").level == 3
    assert registry.create("compressor", "acme.zstd", {"level": 19}).level == 19


def test_an_unknown_option_is_refused_before_anything_is_constructed_with_near_matches(install):
    source = "class Part:\n    def __init__(self, level=1):\n        raise SystemExit('constructed')\n"
    install(modules={**declaring("compressor", "acme_part:Part"), "acme_part": source})
    with pytest.raises(
        InvalidOptionError, match=r"no option 'levl' \(did you mean 'level'\?\); it takes level"
    ):
        PluginRegistry().create("compressor", "acme.part", {"levl": 3})


def test_a_missing_option_is_named(install):
    source = "class Part:\n    def __init__(self, level, /, size, *rest, mode, **more):\n        pass\n"
    install(modules={**declaring("compressor", "acme_part:Part"), "acme_part": source})
    with pytest.raises(
        InvalidOptionError, match=r"acme\.part \(maas-sdk-acme 1\.2\) needs the option 'mode'$"
    ):
        PluginRegistry().create("compressor", "acme.part", {"size": 3, "anything": 1})


def test_a_target_without_options_says_so(install):
    install(modules={**declaring("compressor", "acme_part:Part"), "acme_part": "class Part: pass"})
    with pytest.raises(InvalidOptionError, match="it takes none"):
        PluginRegistry().create("compressor", "acme.part", {"level": 3})


def test_a_target_without_a_signature_judges_its_options_itself(install):
    install(modules=declaring("compressor", "builtins:dict"))
    with pytest.raises(InvalidPluginError, match="lacks compress, needs_training_data, supports"):
        PluginRegistry().create("compressor", "acme.part", {"level": 3})


def test_what_lacks_a_method_of_its_kind_is_refused(install):
    install(modules=declaring("signer", "builtins:object"))
    with pytest.raises(
        InvalidPluginError, match=r"acme\.part .* declared as a signer but lacks close, public_key_pem, sign"
    ):
        PluginRegistry().create("signer", "acme.part")


@pytest.mark.parametrize(
    ("target", "source", "message"),
    [
        ("acme_gone:Part", "", "ModuleNotFoundError"),
        ("acme_part:Gone", "", "AttributeError"),
        ("acme_part:Part", "raise SystemExit(3)", "SystemExit: 3"),
        ("acme_part:Part", "Part = 7", "int, which nobody can call"),
    ],
)
def test_a_target_that_cannot_be_imported_is_a_load_error(install, target, source, message):
    install(modules={**declaring("compressor", target), "acme_part": source})
    registry = PluginRegistry()
    assert registry.resolve("compressor", "acme.part")
    with pytest.raises(PluginLoadError, match=message) as caught:
        registry.create("compressor", "acme.part")
    assert "acme.part (maas-sdk-acme 1.2)" in str(caught.value)


def test_a_constructor_that_raises_is_wrapped_once(install):
    source = "class Part:\n    def __init__(self):\n        raise OSError('no device')\n"
    install(modules={**declaring("compressor", "acme_part:Part"), "acme_part": source})
    with pytest.raises(
        ComponentError, match=r"^acme\.part \(maas-sdk-acme 1\.2\): OSError: no device$"
    ) as caught:
        PluginRegistry().create("compressor", "acme.part")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_target_may_be_a_class_method(install):
    source = (
        "class Zstd:\n    needs_training_data = False\n    level = 1\n"
        "    @classmethod\n    def best(cls, *, level=19):\n        made = cls()\n"
        "        made.level = level\n        return made\n"
        "    def supports(self, chain): ...\n    def compress(self, chain, X=None, y=None): ...\n"
    )
    install(modules={**declaring("compressor", "acme_part:Zstd.best"), "acme_part": source})
    assert PluginRegistry().create("compressor", "acme.part").level == 19


def test_close_matches_come_from_what_is_loaded():
    with pytest.raises(UnknownComponentError, match="did you mean 'adam'") as caught:
        PluginRegistry().resolve("optimizer", "adm")
    assert caught.value.reference == "adm"
    assert caught.value.close_matches == ("adam", "adamw", "dp_adam")


def test_close_matches_ignore_case_and_kinds():
    with pytest.raises(UnknownComponentError, match=r"'sklearn\.RandomForestClassifier'") as caught:
        PluginRegistry().resolve("model", "sklearn.randomforestclassifier")
    assert "sklearn.StandardScaler" not in caught.value.close_matches


def test_close_matches_ignore_the_case_of_names_that_are_short(module):
    registry = PluginRegistry()
    registry.register(
        module("@hookimpl\ndef maas_sdk_models():\n    return [ComponentSpec('SVM', 'm:C')]"), "o"
    )
    with pytest.raises(UnknownComponentError) as caught:
        registry.resolve("model", "o.svm")
    assert caught.value.close_matches[0] == "o.SVM"


def test_aliases_are_suggested(install):
    install()
    with pytest.raises(UnknownComponentError, match="'zstd_fast'"):
        PluginRegistry(aliases={"zstd_fast": "acme.zstd"}).resolve("compressor", "zstd_fst")


def test_a_component_of_another_kind_is_said_to_be_one():
    with pytest.raises(UnknownComponentError, match="'adam' is of kind optimizer, not model"):
        PluginRegistry().resolve("model", "adam")


def test_nothing_close_gives_no_hint():
    with pytest.raises(UnknownComponentError, match=r"there is no model 'qqqq'$"):
        PluginRegistry().resolve("model", "qqqq")


def test_an_unknown_kind_is_refused_with_a_near_match():
    registry = PluginRegistry()
    for look in (registry.resolve, registry.create, registry.resolve_untrusted):
        with pytest.raises(InvalidOptionError, match="did you mean 'compressor'"):
            look("compresor", "pca")


@pytest.mark.parametrize(
    "reference", ["", ".", "a.", ".b", "a.b.c", "a b", "Acme.zstd", "ä", "acme:zstd", 7, None]
)
def test_a_malformed_reference_is_refused(reference):
    with pytest.raises(InvalidOptionError, match="not a component reference"):
        PluginRegistry().resolve("model", reference)


def test_describe_names_components_without_importing_targets(install):
    install()
    registry = PluginRegistry(allow={"acme"})
    described = registry.describe()
    assert [info.plugin for info in described if info.plugin != "sklearn"][-1] == "acme"
    assert "acme_zstd" not in sys.modules
    (info,) = registry.describe("acme")
    assert info.spec.summary == "Small"


def test_describe_of_a_named_plugin_loads_it_and_raises_for_an_unknown_one(install):
    install()
    registry = PluginRegistry()
    assert [info.reference for info in registry.describe("acme")] == ["acme.zstd"]
    assert "acme.zstd" in {info.reference for info in registry.describe()}
    with pytest.raises(UnknownComponentError):
        registry.describe("globex")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_hook_of_its_plural(install, kind):
    install(modules=declaring(kind, "acme_part:Part"))
    assert PluginRegistry().resolve(kind, "acme.part").kind == kind


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("", "m:C"), {}),
        (("9z", "m:C"), {}),
        (("a.b", "m:C"), {}),
        ((7, "m:C"), {}),
        (("z" * 65, "m:C"), {}),
        (("z", "m"), {}),
        (("z", "m:"), {}),
        (("z", "m:C()"), {}),
        (("z", "m.:C"), {}),
        (("z", 7), {}),
        (("z", "m:C"), {"summary": "two\nlines"}),
        (("z", "m:C"), {"summary": None}),
    ],
)
def test_a_malformed_spec_cannot_exist(arguments, options):
    with pytest.raises(InvalidPluginError):
        ComponentSpec(*arguments, **options)


def test_specs_and_infos_are_values():
    spec = ComponentSpec("z", "m:C")
    with pytest.raises(AttributeError):
        spec.name = "other"
    info = ComponentInfo(kind="model", spec=spec, provider=Provider("acme", "acme-dist", "1"))
    assert info == ComponentInfo(
        kind="model", spec=ComponentSpec("z", "m:C"), provider=Provider("acme", "acme-dist", "1")
    )
    assert len({info, info}) == 1
