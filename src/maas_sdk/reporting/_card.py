"""The model card: what a receiver should know about a model, as data, as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from attrs import asdict, field, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.reporting._chain import Step, describe_chain
from maas_sdk.reporting._evaluation import check_evaluation
from maas_sdk.reporting._html import render_html
from maas_sdk.reporting._markdown import render_markdown
from maas_sdk.reporting._sections import sections_of

__all__ = ["ModelCard"]

_ROWS_AND_FEATURES = 2


def _text(_instance: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidOptionError(f"ModelCard({attribute.name}={value!r}): expected a text.")


def _optional_text(instance: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        _text(instance, attribute, value)


def _steps(value: Any) -> tuple[Step, ...]:
    return value if isinstance(value, tuple) else describe_chain(value)


def _plain(value: Any) -> Any:
    """Take a report of another room by its plain data."""
    return value.to_dict() if hasattr(value, "to_dict") else value


def _mapping(_instance: Any, attribute: Any, value: object) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidOptionError(
            f"ModelCard({attribute.name}=…): expected a report or a mapping, not {type(value).__name__}."
        )


def _shape(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is None:
        return
    counts = value if isinstance(value, tuple) else ()
    if len(counts) != _ROWS_AND_FEATURES or not all(isinstance(n, int) and n >= 0 for n in counts):
        raise InvalidOptionError(f"ModelCard(training_shape={value!r}): expected (rows, features).")


def _evaluation(instance: Any, attribute: Any, value: Any) -> None:
    _mapping(instance, attribute, value)
    if value is not None:
        check_evaluation(value)


@frozen(kw_only=True)
class ModelCard:
    """What a receiver should know about a model.

    What is not given is said to be not stated: a card never looks more complete than it is.

    Parameters
    ----------
    name, version, publisher : str
        As released.
    created : str
        RFC 3339, such as ``"2026-11-23T22:00:00Z"``; the card reads no clock.
    model : tuple of Step, or estimator
        The chain; an estimator is described by :func:`describe_chain`.
    intended_use, limitations : str or None
        In the publisher's words; empty lines separate paragraphs, markup is shown as text.
    training_shape : (int, int) or None
        Rows and features of the training data.
    evaluation : Evaluation, mapping or None
        What :func:`maas_sdk.learning.evaluate` gave, or its `to_dict`: `kind`, `n_samples`, `metrics`,
        `intervals`; for classes `labels`, `confusion`, `per_class`, `calibration`, `roc`,
        `precision_recall`; for values `residuals`. What it has is shown.
    compression : CompressionReport, mapping or None
        What :func:`maas_sdk.compression.compress` gave, or its `to_dict`.
    privacy : PrivacyRecord, mapping or None
        `privacy_` of a model that was trained privately, or its `to_dict`.
    components : mapping of str to str
        What made it: component or package to its version.
    self_test : mapping or None
        Facts about the predictions that travel along for the receiver to compare.

    Raises
    ------
    InvalidOptionError
        When a value is not of that kind.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> card = ModelCard(name="acme/price", version="1.0.0", publisher="acme",
    ...                  created="2026-11-23T22:00:00Z", model=Ridge())
    >>> print(card.to_markdown().splitlines()[0])
    # acme/price 1.0.0
    """

    name: str = field(validator=_text)
    version: str = field(validator=_text)
    publisher: str = field(validator=_text)
    created: str = field(validator=_text)
    model: tuple[Step, ...] = field(converter=_steps)
    intended_use: str | None = field(default=None, validator=_optional_text)
    limitations: str | None = field(default=None, validator=_optional_text)
    training_shape: tuple[int, int] | None = field(default=None, validator=_shape)
    evaluation: Mapping[str, Any] | None = field(default=None, converter=_plain, validator=_evaluation)
    compression: Mapping[str, Any] | None = field(default=None, converter=_plain, validator=_mapping)
    privacy: Mapping[str, Any] | None = field(default=None, converter=_plain, validator=_mapping)
    components: Mapping[str, str] = field(factory=dict, validator=_mapping)
    self_test: Mapping[str, Any] | None = field(default=None, converter=_plain, validator=_mapping)

    def to_markdown(self) -> str:
        """Give the card as Markdown (CommonMark with GitHub's tables); the same card gives the same text."""
        return render_markdown(self._title, self._subtitle, sections_of(self), footer=_FOOTER)

    def to_html(self) -> str:
        """Give the card as one HTML page that loads and runs nothing; the same card gives the same text."""
        return render_html(self._title, self._subtitle, sections_of(self), footer=_FOOTER)

    def to_dict(self) -> dict[str, Any]:
        """Give the card as plain data."""
        return asdict(self)

    @property
    def _title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def _subtitle(self) -> str:
        return f"Published by {self.publisher} on {self.created}"

    def _repr_html_(self) -> str:
        # In a frame of its own, so that the page's style does not leak into the notebook's.
        page = escape(self.to_html())
        return f'<iframe sandbox srcdoc="{page}" style="width:100%;height:40rem;border:0"></iframe>'


_FOOTER = "Model card written by maas-sdk from what the publisher gave; its figures are the publisher's."
