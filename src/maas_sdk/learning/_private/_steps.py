"""The gradient of a private step: a Poisson sample, clipped row by row, summed up, and noise on the sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._private._randomness import Randomness
from maas_sdk.learning._private._record import PrivacyRecord
from maas_sdk.learning._private._workspace import ClippingWorkspace
from maas_sdk.learning._sources import ArraySource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_sdk.learning._nets._network import Workspace
    from maas_sdk.learning._private._options import PrivateSteps
    from maas_sdk.learning._sources import Source

__all__ = ["NoisySteps"]


class NoisySteps:
    """Gives gradients that are private, one after the other.

    M. Abadi et al., "Deep Learning with Differential Privacy", CCS 2016, arXiv:1607.00133.

    Parameters
    ----------
    workspace : ClippingWorkspace
    source : ArraySource
        Its rows of a batch are those that a sample has on the average.
    options : PrivateSteps

    Attributes
    ----------
    sampling_rate : float
        Probability with which each row takes part in a step.
    n_steps : int
        Steps so far.

    Raises
    ------
    InvalidOptionError
        If δ is so large that a whole row could be told.
    """

    def __init__(self, workspace: Workspace, source: Source, options: PrivateSteps) -> None:
        assert isinstance(workspace, ClippingWorkspace)
        assert isinstance(source, ArraySource)  # check_private sees to it
        if options.delta * source.n_samples >= 1:
            raise InvalidOptionError(
                f"delta={options.delta:g} must be below 1/{source.n_samples}, one over the number of rows: "
                "as it is, telling one row whole would count as private"
            )
        self._workspace, self._source, self._options = workspace, source, options
        self._expected = source.max_rows
        self.sampling_rate = source.max_rows / source.n_samples
        self.n_steps = 0
        self._randomness = Randomness(options.unsafe_seed)
        self._sum = np.zeros(workspace.params.size)

    def gradient(self) -> tuple[float, int]:
        """Write a private gradient into the workspace's `grads`.

        The sum is divided by the rows that a sample has on the average: how many it had is not told. The
        penalty depends on no data, and is added behind.

        Returns
        -------
        loss : float
            Sum of the losses of the sample: not private.
        n_rows : int
            Rows of it: not private either.
        """
        workspace, options = self._workspace, self._options
        rows = self._randomness.sample(self._source.n_samples, self.sampling_rate)
        loss = 0.0
        self._sum[:] = 0
        for start in range(0, len(rows), workspace.max_rows):
            X, target = self._source.rows(rows[start : start + workspace.max_rows])
            loss += workspace.clipped_gradient(X, target, options.max_grad_norm)
            self._sum += workspace.grads
        self._randomness.add_noise_(self._sum, options.noise_multiplier * options.max_grad_norm)
        np.divide(self._sum, self._expected, out=workspace.grads, casting="same_kind")
        workspace.add_penalty_()
        self.n_steps += 1
        return loss, len(rows)

    def record(self, *, read: Iterable[tuple[str, str]], reasons: Iterable[str]) -> PrivacyRecord:
        """Account for the steps so far; see `PrivacyRecord.of`."""
        return PrivacyRecord.of(
            self._options,
            sampling_rate=self.sampling_rate,
            n_steps=self.n_steps,
            read=read,
            reasons=reasons,
        )
