"""What a training has cost in privacy, or why that cannot be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, frozen

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.learning._private._accountant import RenyiAccountant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_sdk.learning._private._options import PrivateSteps

__all__ = ["PrivacyRecord"]


@frozen(kw_only=True)
class PrivacyRecord:
    """How private a training was: `privacy_` of a fitted model or pipeline.

    It speaks of the fitted parameters, for neighbouring data sets of which one has one row more; the number
    of rows is taken as known. It does not speak of what is computed from the data elsewhere: evaluations, a
    search over options, rows that are published with the model.

    Attributes
    ----------
    epsilon : float or None
        None where something was read from the data without noise and not declared public; see `reasons`.
    delta : float
    reasons : tuple of str
        Why there is no ε; empty where there is one.
    public : tuple of str
        What was read from the data and declared public: ε does not cover it.
    declared : tuple of str
        All names that the optimizer's option `public` holds.
    noise_multiplier, max_grad_norm : float
    sampling_rate : float
        Probability with which each row took part in a step.
    n_steps : int
    order : float or None
        Of the Rényi divergence that proves ε.
    """

    epsilon: float | None
    delta: float
    reasons: tuple[str, ...]
    public: tuple[str, ...]
    declared: tuple[str, ...]
    noise_multiplier: float
    max_grad_norm: float
    sampling_rate: float
    n_steps: int
    order: float | None

    @classmethod
    def of(
        cls,
        options: PrivateSteps,
        *,
        sampling_rate: float,
        n_steps: int,
        read: Iterable[tuple[str, str]],
        reasons: Iterable[str] = (),
    ) -> PrivacyRecord:
        """Account for steps.

        Parameters
        ----------
        options : PrivateSteps
        sampling_rate : float
        n_steps : int
        read : iterable of (str, str)
            Names of what was read from the data without noise, each with what to say about it.
        reasons : iterable of str
            Why else there is no ε.
        """
        accountant = RenyiAccountant()
        accountant.add(noise_multiplier=options.noise_multiplier, sampling_rate=sampling_rate, steps=n_steps)
        epsilon, order = accountant.epsilon_and_order(options.delta)
        record = cls(
            epsilon=epsilon,
            order=order,
            delta=options.delta,
            reasons=(),
            public=(),
            declared=options.public,
            noise_multiplier=options.noise_multiplier,
            max_grad_norm=options.max_grad_norm,
            sampling_rate=sampling_rate,
            n_steps=n_steps,
        )
        if options.unsafe_seed is not None:
            reasons = (*reasons, "unsafe_seed makes the noise predictable")
        return record.also(read, reasons=reasons)

    def also(self, read: Iterable[tuple[str, str]], *, reasons: Iterable[str] = ()) -> PrivacyRecord:
        """Give the record of this training and of what was read from the data besides; as in `of`."""
        public, why = list(self.public), [*self.reasons, *reasons]
        for name, what in read:
            if name in self.declared:
                public.append(name)
            else:
                why.append(f"{what}, without noise; if that may be known, declare {name!r} public")
        silent: dict[str, Any] = {"epsilon": None, "order": None} if why else {}
        return evolve(self, public=tuple(public), reasons=tuple(why), **silent)

    def to_dict(self) -> dict[str, Any]:
        """Give the record as plain data."""
        return asdict(
            self, value_serializer=lambda _, __, value: list(value) if isinstance(value, tuple) else value
        )

    def __str__(self) -> str:
        return text_table(("privacy", ""), self._rows())

    def _repr_html_(self) -> str:
        return html_table(("privacy", ""), self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        cost = (
            [("no ε", reason) for reason in self.reasons]
            if self.epsilon is None
            else [
                ("ε", f"{self.epsilon:.3f}"),
                ("δ", f"{self.delta:g}"),
                ("proved at order", f"{self.order:g}"),
            ]
        )
        return [
            *cost,
            ("declared public", ", ".join(self.public) or "nothing"),
            ("noise multiplier", f"{self.noise_multiplier:g}"),
            ("gradient of a row at most", f"{self.max_grad_norm:g}"),
            ("steps", str(self.n_steps)),
            ("sampling rate", f"{self.sampling_rate:.6g}"),
        ]
