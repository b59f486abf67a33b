"""What was measured before, kept in a store under the digest of all that it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sklearn
from attrs import frozen

from maas_sdk._internal.fingerprint import fingerprint
from maas_sdk._internal.version import __version__
from maas_sdk.compression._measurement import StoredForm
from maas_sdk.compression._trial import Trial
from maas_sdk.errors import CheckpointError

if TYPE_CHECKING:
    from maas_sdk.compression._candidate import Candidate
    from maas_sdk.compression._trial import Bench
    from maas_sdk.interfaces import CheckpointStore

__all__ = ["Kept"]


@frozen
class Kept:
    """Trials that were measured; without a store it keeps none.

    Attributes
    ----------
    store : CheckpointStore or None
    common : str
        Digest of what all trials depend on.
    """

    store: CheckpointStore | None
    common: str

    @classmethod
    def of(cls, store: CheckpointStore | None, bench: Bench) -> Kept:
        """Digest what the trials of a search share.

        Raises
        ------
        InvalidOptionError
            When data, or how sizes are measured, cannot be told from others.
        UnsupportedModelError
            When the original cannot be serialized.
        """
        if store is None:
            return cls(None, "")
        form = bench.measure_size
        digest = form.digest if isinstance(form, StoredForm) else StoredForm().digest
        common = fingerprint(
            maas_sdk=__version__,
            scikit_learn=sklearn.__version__,
            numpy=np.__version__,
            original=digest(bench.original),
            X_search=bench.search.X,
            y_search=bench.search.y,
            X_judge=bench.judge.X,
            y_judge=bench.judge.y,
            X_train=bench.X_train,
            y_train=bench.y_train,
            metric=bench.metric,
            confidence=bench.confidence,
            seed=bench.seed,
            measure_size=bench.measure_size,
        )
        return cls(store, common)

    def load(self, candidate: Candidate) -> Trial | None:
        """Give what is known of a candidate; a damaged checkpoint knows nothing, it can be measured again."""
        if self.store is None:
            return None
        try:
            state = self.store.at(self._key(candidate)).load()
        except CheckpointError:
            return None
        return None if state is None else Trial.from_state(state)

    def save(self, candidate: Candidate, trial: Trial) -> None:
        """Keep what was measured; what was not, is tried again."""
        if self.store is not None and trial.failure is None:
            self.store.at(self._key(candidate)).save(trial.to_state())

    def _key(self, candidate: Candidate) -> str:
        return "compress-" + fingerprint(common=self.common, compressors=candidate.compressors)
