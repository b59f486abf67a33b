"""What is asked of a component of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.errors import InvalidOptionError
from maas_sdk.testing._check import expect

if TYPE_CHECKING:
    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]


def constructs_with_its_options(subject: Subject) -> None:
    """The target imports, constructs and has the methods of its kind."""
    subject.make()


def is_a_new_object_each_time(subject: Subject) -> None:
    """No state is shared by way of one instance."""
    expect(subject.make() is not subject.make(), "two calls of the constructor gave the same object")


def refuses_unknown_options(subject: Subject) -> None:
    """A misspelt option is an error, not ignored."""
    try:
        subject.make(no_such_option_=None)
    except InvalidOptionError:
        return
    raise AssertionError("an option that does not exist was accepted; name options instead of **kwargs")


CHECKS = (constructs_with_its_options, is_a_new_object_each_time, refuses_unknown_options)
