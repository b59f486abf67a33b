"""Options: declared by a signature or an attrs class, refused before anything is constructed."""

import numpy as np
import pytest

from maas_sdk.errors import InvalidOptionError, PluginLoadError
from maas_sdk.plugin import Option, PluginRegistry

PLUGIN = """
from maas_sdk.plugin import ComponentSpec, hookimpl

@hookimpl
def maas_sdk_compressors():
    yield ComponentSpec("part", "acme_part:Part")
"""

PART = """
from __future__ import annotations
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

if TYPE_CHECKING:
    from elsewhere import Unknown

class Base:
    needs_training_data = False
    def supports(self, chain): ...
    def compress(self, chain, X=None, y=None): ...

class Part(Base):
    '''Makes it small.

    Parameters
    ----------
    level : int, default=3
        Effort, 1 to 19. Higher is slower.
    window, unit : float, optional
        Milliseconds:

        not this.
    free : {'a', 'b'}

    Returns
    -------
    level : str
        Not this.
    '''
    def __init__(self, SIGNATURE):
        type(self).made = True
"""

ALL = (
    "level: int = 3, window: float = 0.5, flag: bool = False, mode: Literal['fast', 'small', 7] = 'fast', "
    "name: str | None = None, shape: tuple[int, ...] = (), pair: tuple[int, str] = (1, 'a'), free='x', "
    "later: Unknown = None, any_tuple: tuple = (), items: list[int] | None = None, "
    "table: dict[str, int] = {}, note: Annotated[int, 'ms'] = 1, "
    "call: Callable[[int, str], None] | None = None, "
    "many: int | Sequence[int] = 1, raw: bytes = b'', odd: {} = None, nothing: None = None"
)


@pytest.fixture
def options(install):
    """Give a registry whose component takes the options of `ALL`."""
    install(modules={"acme_plugin": PLUGIN, "acme_part": PART.replace("SIGNATURE", ALL)})
    return PluginRegistry()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", 7), ("level", np.int64(7)), ("window", 2), ("window", np.float32(0.5)), ("flag", True),
        ("flag", np.True_), ("mode", "small"), ("mode", 7), ("name", None), ("name", "x"), ("shape", ()),
        ("shape", (1, 2)), ("pair", (2, "b")), ("free", object()), ("later", object()),
        ("any_tuple", ("a", 1)), ("items", [1, 2]), ("items", None), ("table", {"a": 1}), ("note", 3),
        ("call", len), ("many", (1, 2)), ("raw", b"x"), ("odd", 7), ("nothing", None),
    ],
)  # fmt: skip
def test_a_value_of_the_annotated_type_is_taken(options, name, value):
    assert options.create("compressor", "acme.part", {name: value}).made


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("level", "7", r"'level' takes int, not '7' \(str\)"),
        ("level", True, r"takes int, not True \(bool\)"),
        ("level", 7.0, "takes int, not 7.0"),
        ("level", None, "takes int, not None"),
        ("window", "wide", "takes float, not 'wide'"),
        ("flag", 1, r"takes bool, not 1 \(int\)"),
        ("mode", "smal", r"takes 'fast' \| 'small' \| 7, not 'smal' \(str\) \(did you mean 'small'\?\)"),
        ("mode", 8, r"not 8 \(int\)$"),
        ("name", 7, r"takes str \| None, not 7"),
        ("shape", [1, 2], r"takes tuple\[int, ...\], not \[1, 2\] \(list\)"),
        ("shape", (1, "2"), "not .1, '2'. .tuple."),
        ("pair", (1,), r"takes tuple\[int, str\]"),
        ("pair", ("a", 1), r"takes tuple\[int, str\]"),
        ("any_tuple", 7, "takes tuple, not 7"),
        ("items", [1, "2"], r"takes list\[int\] \| None"),
        ("items", (1, 2), r"takes list\[int\] \| None"),
        ("table", [], r"takes dict\[str, int\]"),
        ("note", "1", "takes int, not '1'"),
        ("raw", "x" * 100, r"takes bytes, not 'x{59}… \(str\)"),
        ("nothing", 0, "takes None, not 0"),
    ],
)
def test_a_value_of_another_type_is_refused_before_anything_is_constructed(options, name, value, message):
    import sys

    with pytest.raises(InvalidOptionError, match=message) as caught:
        options.create("compressor", "acme.part", {name: value})
    assert str(caught.value).startswith("acme.part (maas-sdk-acme 1.2): the option")
    assert not hasattr(sys.modules["acme_part"].Part, "made")


def test_what_an_artifact_asks_for_is_checked_alike(install):
    install(modules={"acme_plugin": PLUGIN, "acme_part": PART.replace("SIGNATURE", ALL)})
    with pytest.raises(InvalidOptionError, match="takes int"):
        PluginRegistry(allow={"acme"}).create_untrusted("compressor", "acme.part", {"level": "7"})


def test_options_are_told_with_type_default_and_first_sentence(options):
    told = {option.name: option for option in options.options("compressor", "acme.part")}
    assert list(told)[:4] == ["level", "window", "flag", "mode"]
    assert told["level"] == Option("level", "int", 3, required=False, summary="Effort, 1 to 19")
    assert told["window"].summary == "Milliseconds"
    assert told["free"] == Option("free", "{'a', 'b'}", "x", required=False, summary="")
    assert told["later"].type == "Unknown"
    assert told["many"].type == "int | Sequence[int]"
    assert told["call"].type == "Callable[[int, str], None] | None"
    assert told["shape"].tuples
    assert not told["items"].tuples
    import sys

    assert not hasattr(sys.modules["acme_part"].Part, "made")


def test_an_attrs_class_declares_its_options_with_factories_and_aliases(install):
    source = (
        "from attrs import define, field, Factory\n"
        "@define\nclass Part:\n"
        "    '''Small.\n\n    Attributes\n    ----------\n    level : int\n        From 1.\n    '''\n"
        "    level: int\n    _unit: str = 'ms'\n    many: list[int] = field(factory=list)\n"
        "    own: object = Factory(lambda self: self.level, takes_self=True)\n"
    )
    install(modules={"acme_plugin": PLUGIN, "acme_part": source})
    registry = PluginRegistry()
    assert registry.options("compressor", "acme.part") == (
        Option("level", "int", None, required=True, summary="From 1"),
        Option("unit", "str", "ms", required=False, summary=""),
        Option("many", "list[int]", [], required=False, summary=""),
        Option("own", "object", None, required=False, summary=""),
    )
    with pytest.raises(InvalidOptionError, match="takes str"):
        registry.create("compressor", "acme.part", {"level": 1, "unit": 7})


def test_catch_alls_and_missing_signatures_and_docstrings_tell_nothing(install):
    source = "class Any_:\n    def __init__(self, *a, level: int = 1, **more): ...\n"
    install(modules={"acme_plugin": PLUGIN, "acme_part": source + "Part = Any_"})
    (level,) = PluginRegistry().options("compressor", "acme.part")
    assert (level.name, level.type) == ("level", "int")
    install("globex", plugin="globex", entry="globex_plugin", modules={
        "globex_plugin": PLUGIN.replace("acme_part:Part", "builtins:dict")})  # fmt: skip
    assert PluginRegistry().options("compressor", "globex.part") == ()


def test_a_target_that_cannot_be_imported_tells_no_options(install):
    install(modules={"acme_plugin": PLUGIN})
    with pytest.raises(PluginLoadError, match="acme_part"):
        PluginRegistry().options("compressor", "acme.part")


@pytest.mark.parametrize("info", PluginRegistry().describe("maas_sdk"), ids=str)
def test_every_built_in_tells_its_options_with_type_and_meaning(info):
    for option in PluginRegistry().options(info.kind, info.reference):
        assert option.type
        assert option.summary


def test_scikit_learns_options_have_their_documented_types():
    told = {option.name: option for option in PluginRegistry().options("preprocessor", "sklearn.PCA")}
    assert told["n_components"].type == "int, float or 'mle'"
    assert told["iterated_power"].summary.startswith("Number of iterations")
