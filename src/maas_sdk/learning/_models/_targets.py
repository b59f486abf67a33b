"""What a model learns, seen from its loss: values in their own scale, or classes as codes or signs.

Both kinds look at targets batch by batch (`see`), unless what they need is known from the start, and turn
batches of `y` into what a loss takes (`encode`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._models._labels import ClassesSeen, check_classes, codes_of, indicators
from maas_sdk.learning._models._moments import Moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Labels", "Targets", "Values"]


class Values:
    """Values of one or several outputs, standardized while a model trains.

    Parameters
    ----------
    dtype : numpy dtype
        Of the targets that a loss gets.
    center, scale : ndarray of shape (n_outputs,), optional
        Where they are fixed already.

    Attributes
    ----------
    read : (str, str)
        What is read from the targets unless it is `known`: a name, and what to say about it.
    """

    read: ClassVar[tuple[str, str]] = ("target_scale", "mean and deviation of the targets were measured")

    def __init__(
        self, dtype: Any, center: NDArray[np.float64] | None = None, scale: NDArray[np.float64] | None = None
    ) -> None:
        self._dtype = dtype
        self._moments = Moments()
        self.is_flat = False
        self._center, self._scale = center, scale

    @property
    def known(self) -> bool:
        """Whether targets can be encoded without having seen any."""
        return self._center is not None

    def see(self, y: NDArray[Any], weight: NDArray[np.floating] | None) -> None:
        """Take the values of a batch into account."""
        self.is_flat = y.ndim == 1
        self._moments.add(_columns(y), weight)

    @property
    def center(self) -> NDArray[np.float64]:
        """What is subtracted from each output: its mean."""
        if self._center is None:
            self._center = self._moments.mean
        return self._center

    @property
    def scale(self) -> NDArray[np.float64]:
        """What each output is divided by: its deviation."""
        if self._scale is None:
            self._scale = self._moments.deviation
        return self._scale

    @property
    def n_outputs(self) -> int:
        """Columns of the targets."""
        return len(self.center)

    def encode(self, y: NDArray[Any]) -> NDArray[np.floating]:
        """Give standardized values (n_rows, n_outputs)."""
        values = _columns(y).copy()
        if values.shape[1] != self.n_outputs:
            raise InvalidOptionError(
                f"y has {values.shape[1]} outputs, but the model has {self.n_outputs}: fit it anew for "
                "another number"
            )
        values -= self.center
        values /= self.scale
        return values.astype(self._dtype, copy=False)


def _columns(y: NDArray[Any]) -> NDArray[np.float64]:
    """Give values as float64 of shape (n_rows, n_outputs)."""
    try:
        values: NDArray[np.float64] = y.astype(np.float64, copy=False)
    except (TypeError, ValueError) as exc:
        raise InvalidOptionError(f"y must hold numbers for a regressor: {exc}") from exc
    return values.reshape(len(y), -1)


class Labels:
    """Classes, as a loss takes them.

    Parameters
    ----------
    dtype : numpy dtype
        Of signs and probabilities.
    classes : sequence of labels, optional
        Where they are known already.
    before : ndarray of shape (n_classes,), optional
        Those of a model whose training goes on.
    signs : bool, default=False
        Whether targets are -1 and 1, one column a class, as a hinge loss takes them. Otherwise they are the
        probability of the second of two classes, or codes of more than two.

    Attributes
    ----------
    read : (str, str)
        As of `Values`.
    """

    read: ClassVar[tuple[str, str]] = ("classes", "the classes were read from the targets")

    def __init__(
        self,
        dtype: Any,
        classes: Any = None,
        *,
        before: NDArray[Any] | None = None,
        signs: bool = False,
    ) -> None:
        self._dtype, self._signs, self._before = dtype, signs, before
        self._seen = ClassesSeen()
        self._classes = None if classes is None else check_classes(classes)

    @property
    def known(self) -> bool:
        """Whether targets can be encoded without having seen any."""
        return self._classes is not None

    def see(self, y: NDArray[Any], weight: NDArray[np.floating] | None) -> None:  # noqa: ARG002 - as Values
        """Take the labels of a batch into account."""
        if not self.known:
            self._seen.add(y)

    @property
    def classes(self) -> NDArray[Any]:
        """The sorted classes."""
        if self._classes is None:
            self._classes = self._seen.classes
        if self._before is not None and not np.array_equal(self._classes, self._before):
            raise InvalidOptionError(
                f"training cannot go on: the classes are {self._classes.tolist()}, but the model knows "
                f"{self._before.tolist()}. Set warm_start=False and call fit to begin anew"
            )
        return self._classes

    @property
    def n_outputs(self) -> int:
        """Raw outputs: one for two classes, else one for each."""
        n_classes = len(self.classes)
        return 1 if n_classes == 2 else n_classes  # noqa: PLR2004 - one output decides between two

    @property
    def center(self) -> NDArray[np.float64]:
        """Nothing is subtracted."""
        return np.zeros(self.n_outputs)

    @property
    def scale(self) -> NDArray[np.float64]:
        """Nothing is divided."""
        return np.ones(self.n_outputs)

    def encode(self, y: NDArray[Any]) -> NDArray[Any]:
        """Give signs or probabilities (n_rows, n_outputs), or codes (n_rows,)."""
        codes = codes_of(y, self.classes)
        if self._signs or self.n_outputs == 1:
            return indicators(codes, len(self.classes), self._dtype, low=-1 if self._signs else 0)
        return codes


Targets = Values | Labels
