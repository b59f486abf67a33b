"""Projects the model's input on its principal components and refits the model there."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from maas_sdk.compression._chain import free_name, refit
from maas_sdk.compression._options import check_seed, is_share, is_whole
from maas_sdk.errors import ComponentError, InvalidOptionError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["PCACompressor"]

_MIN_ROWS = 2
"""A single row has no variance."""


class PCACompressor:
    """Principal components instead of features: fewer inputs, and a model that is fitted anew on them.

    The training data goes through the chain's preprocessing as it is, a PCA is fitted on the result, and a
    clone of the model on the projection. The new chain is preprocessing, PCA, refitted model. It pays for
    models whose size or time grows with the number of features, when features are correlated.

    Parameters
    ----------
    n_components : float or int, default=0.95
        As scikit-learn's: between 0 and 1 the share of variance to keep, a whole number the components.
    random_state : int, default=0
        Seeds the PCA's solver, and each `random_state` of the model that is `None`, during the refit only:
        the same data gives the same chain.

    Raises
    ------
    InvalidOptionError
        When `n_components` is neither a share nor a positive whole number.
    """

    needs_training_data = True

    def __init__(self, n_components: float = 0.95, *, random_state: int = 0) -> None:
        if not (is_whole(n_components, least=1) or is_share(n_components)):
            raise InvalidOptionError(
                f"PCACompressor(n_components={n_components!r}): expected a share of variance between 0 and 1 "
                f"or a positive whole number of components."
            )
        check_seed(self, random_state)
        self.n_components = n_components
        self.random_state = random_state

    def supports(self, chain: Any) -> bool:
        """Whether the chain ends in a model that can be fitted anew."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        steps = getattr(chain, "steps", None)
        if not steps:
            return "not a fitted pipeline"
        model = steps[-1][1]
        if all(callable(getattr(model, name, None)) for name in ("fit", "predict", "get_params")):
            return None
        return f"{type(model).__name__} cannot be fitted anew: it needs fit, predict and get_params"

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:
        """Give preprocessing, PCA and a refitted clone of the model.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X : array-like of shape (n_samples, n_features)
            Training data, as the chain takes it.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What the model learns.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted; takes the same input as `chain`.

        Raises
        ------
        InvalidOptionError
            Without training data, when the chain is not supported, or when there are fewer rows or features
            than components.
        ComponentError
            When preprocessing, PCA or the model raises.
        """
        from sklearn.pipeline import Pipeline as SklearnPipeline  # noqa: PLC0415 - heavy

        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"PCA does not fit this model: {reason}.")
        if X is None:
            raise InvalidOptionError("PCA needs the training data: pass X and y.")
        *preprocessing, (name, model) = chain.steps
        try:
            # Deep copies, so that fitting one chain again leaves the other as it is.
            preprocessing = copy.deepcopy(preprocessing)
            features = SklearnPipeline(preprocessing).transform(X) if preprocessing else X
            pca = self._fit_pca(features)
            refitted = refit(model, pca.transform(features), y, seed=self.random_state)
        except InvalidOptionError:
            raise
        except Exception as exc:
            raise ComponentError(f"PCA and refit of {type(model).__name__} failed: {exc}") from exc
        return SklearnPipeline([*preprocessing, (free_name(chain.steps, "pca"), pca), (name, refitted)])

    def _fit_pca(self, features: Any) -> Any:
        from sklearn.decomposition import PCA  # noqa: PLC0415 - heavy

        shape = getattr(features, "shape", None)
        if shape is not None and len(shape) == 2:  # noqa: PLR2004 - rows and columns
            rows, columns = (int(length) for length in shape)
            wanted = max(1, math.floor(self.n_components))
            if rows < max(_MIN_ROWS, wanted) or columns < wanted:
                raise InvalidOptionError(
                    f"PCA to {self.n_components!r} needs more than {rows} rows of {columns} features."
                )
        return PCA(n_components=self.n_components, random_state=self.random_state).fit(features)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_components={self.n_components!r})"
