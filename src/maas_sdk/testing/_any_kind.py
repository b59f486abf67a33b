"""What is asked of a component of any kind."""

from __future__ import annotations

import inspect
import pkgutil
from typing import TYPE_CHECKING

from maas_sdk.errors import InvalidOptionError, MaasError
from maas_sdk.testing._check import expect

if TYPE_CHECKING:
    from maas_sdk.testing._check import Subject

__all__ = ["ANY_KIND", "CHECKS", "options_of"]


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


def refuses_useless_values(subject: Subject) -> None:
    """No option takes whatever it is given; who constructs learns of the mistake, not who works with it."""
    for name in options_of(subject):
        try:
            subject.make(**{name: object()})
        except MaasError:
            continue
        raise AssertionError(
            f"option {name!r} takes anything: raise InvalidOptionError for what makes no sense"
        )


def options_of(subject: Subject) -> list[str]:
    """Give the names of the options that the target's signature shows."""
    target = pkgutil.resolve_name(subject.info.spec.target)
    parameters = inspect.signature(target).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind not in _NOT_OPTIONS]


_NOT_OPTIONS = {
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
}
ANY_KIND = (constructs_with_its_options, is_a_new_object_each_time, refuses_unknown_options)
CHECKS = (*ANY_KIND, refuses_useless_values)
