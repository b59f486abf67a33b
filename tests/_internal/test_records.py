"""Plain data to frozen classes, strictly."""

import pytest
from attrs import field, frozen, validators

from maas_sdk._internal.records import structure, unstructure
from maas_sdk.errors import InvalidArtifactError, PolicyError


@frozen
class Inner:
    size: int = field(validator=validators.ge(0))


@frozen
class Outer:
    name: str
    inner: Inner
    many: tuple[Inner, ...] = ()
    note: str | None = None


GOOD = {"name": "x", "inner": {"size": 1}, "many": [{"size": 2}], "note": None}


def test_plain_data_becomes_the_record_and_goes_back_without_what_is_unset():
    record = structure(GOOD, Outer, what="it")
    assert record == Outer("x", Inner(1), (Inner(2),))
    assert unstructure(record) == {"name": "x", "inner": {"size": 1}, "many": [{"size": 2}]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"extra": 1}, "unknown key 'extra'"),
        ({"name": 5}, "expected str, not int"),
        ({"inner": {"size": True}}, "expected int, not bool"),
        ({"inner": {"size": 1.0}}, "expected int, not float"),
        ({"inner": {"size": -1}}, "size"),
        ({"inner": {}}, "'size' is missing"),
        ({"inner": None}, "expected an object, not NoneType"),
        ({"many": ""}, "expected an array, not str"),
        ({"many": {}}, "expected an array, not dict"),
        ({"many": ["x"]}, "expected an object, not str"),
        ({"many": [{"size": 1}, {"size": "2"}]}, r"many\[1\]"),
        ({"note": 3}, "note"),
    ],
)
def test_a_fault_is_named_with_its_place(change, reason):
    with pytest.raises(InvalidArtifactError, match=reason):
        structure({**GOOD, **change}, Outer, what="it")


def test_something_that_is_no_object_is_refused_with_the_class_that_the_caller_chose():
    with pytest.raises(PolicyError, match="expected an object, not list"):
        structure([], Outer, what="it", error=PolicyError)
