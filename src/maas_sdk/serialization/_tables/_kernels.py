"""Kinds of kernels: functions that may be one, and the options that are passed to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from maas_sdk.serialization._kinds import Int, Nothing, Plain, describe
from maas_sdk.serialization._kinds_compound import Either
from maas_sdk.serialization._names import name_of

if TYPE_CHECKING:
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["PAIRWISE_KERNELS", "THREADS", "GaussianKernel", "KernelFunction", "KernelOptions", "try_kernel"]

PAIRWISE_KERNELS = (
    *("additive_chi2", "chi2", "cosine", "laplacian", "linear", "poly", "polynomial", "rbf", "sigmoid"),
)
"""What `sklearn.metrics.pairwise.pairwise_kernels` has names for."""

THREADS = Either(Nothing(), Int(-1024, -1), Int(1, 256))
"""How many threads a file may ask for."""

# Those of our names that give a number for each pair of rows.
_MATRICES = frozenset(
    f"sklearn.metrics.pairwise.{name}"
    for name in (
        *("additive_chi2_kernel", "chi2_kernel", "cosine_distances", "cosine_similarity"),
        *("euclidean_distances", "haversine_distances", "laplacian_kernel", "linear_kernel"),
        *("manhattan_distances", "nan_euclidean_distances", "polynomial_kernel", "rbf_kernel"),
        "sigmoid_kernel",
    )
)


@frozen
class GaussianKernel:
    """A kernel of `sklearn.gaussian_process.kernels`; a stack of several is none unless said otherwise."""

    compound: bool = field(default=False, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        from sklearn.gaussian_process import kernels  # noqa: PLC0415 - the table loads without estimators

        if not isinstance(value, kernels.Kernel) or (
            isinstance(value, kernels.CompoundKernel) and not self.compound
        ):
            raise place.refusal(f"expected a kernel, not {describe(value)}")


@frozen
class KernelFunction:
    """What gives a number for each pair of rows: a kernel, or a function that is one.

    Of the functions that have a name in our own table, these are few; for others the application vouches.
    """

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if hasattr(value, "get_params"):
            GaussianKernel().check(value, scope, place)
        elif not callable(value) or name_of(value) not in {None, *_MATRICES}:
            raise place.refusal(f"expected a kernel or a function that is one, not {describe(value)}")


@frozen
class KernelOptions:
    """Keyword arguments of a kernel, or None."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if value is None:
            return
        if type(value) is not dict or not all(type(key) is str for key in value):
            raise place.refusal(f"expected options by name, not {describe(value)}")
        for name, item in value.items():
            (THREADS if name == "n_jobs" else Plain()).check(item, scope, place.attribute(name))


def try_kernel(kernel: Any, rows: Any, *, n_columns: int) -> None:
    """Compare the first row with the first `n_columns`; raise whatever the kernel raises.

    Raises
    ------
    ValueError
        If the kernel does not give one finite number for each.
    """
    with np.errstate(all="ignore"):
        values = kernel(rows[:1], rows[:n_columns])
    values = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    if values.shape != (1, n_columns) or values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError(f"the kernel gives {describe(values)} that is not {(1, n_columns)} finite numbers")
