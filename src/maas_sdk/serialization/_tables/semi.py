"""The table's semi-supervised classifiers: self-training, and labels that propagate to their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Choice, Int, Kind, Number
from maas_sdk.serialization._kinds_arrays import Array, Labels, Objects, Sparse
from maas_sdk.serialization._kinds_compound import Either, Estimator
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, required
from maas_sdk.serialization._tables._kernels import THREADS, KernelFunction, try_kernel
from maas_sdk.serialization._tables._members import labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["SEMI_SUPERVISED"]

_MODULE = "sklearn.semi_supervised"
_TRAINED_ITSELF: dict[str, Field] = {
    **FEATURES,
    "estimator_": required(Estimator(features="n_features")),
    "transduction_": detail(Objects("n_samples")),
    "labeled_iter_": detail(Objects("n_samples")),
    "n_iter_": detail(Int()),
    "termination_condition_": detail(Choice(("max_iter", "no_change", "all_labeled"))),
}


def _check_trained_itself(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    labels_of(attributes["estimator_"], place.attribute("estimator_"))


def _set_classes(estimator: Any) -> None:
    estimator.classes_ = estimator.estimator_.classes_


_ROWS = ("n_samples", "n_features")
_PROPAGATED: dict[str, Field] = {
    **FEATURES,
    "X_": required(Either(Array(_ROWS, dtypes="fiu"), Sparse(_ROWS, ("csr", "csc"), dtypes="fiu"))),
    "classes_": required(Labels()),
    "label_distributions_": required(Array(("n_samples", "n_classes"), finite=False)),
    "transduction_": detail(Objects("n_samples")),
    "n_iter_": detail(Int()),
}
_KERNEL: dict[str, Kind] = {
    "n_jobs": THREADS,
    "kernel": Either(Choice(("knn", "rbf")), KernelFunction()),
    "gamma": Number(),
}


def _check_propagated(model: Any, _: Mapping[str, Any], scope: Scope, place: Place) -> None:
    if scope.sizes["n_samples"] == 0:
        raise place.attribute("X_").refusal("no samples")
    if model.kernel == "knn" and model.n_neighbors > scope.sizes["n_samples"]:
        raise place.attribute("n_neighbors").refusal(f"more than {scope.sizes['n_samples']} samples")


def _find_neighbors(model: Any) -> None:
    """Rebuild ``nn_fit``, which holds the samples again; try a kernel of one's own."""
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - the table loads without estimators

    if model.kernel == "knn":
        model.nn_fit = NearestNeighbors(n_neighbors=model.n_neighbors, n_jobs=model.n_jobs).fit(model.X_)
    elif callable(model.kernel):
        try_kernel(model.kernel, model.X_, n_columns=min(2, model.X_.shape[0]))


SEMI_SUPERVISED: tuple[Spec, ...] = (
    Spec(
        "sklearn.SelfTrainingClassifier",
        _MODULE,
        _TRAINED_ITSELF,
        left_out=("classes_",),
        check=_check_trained_itself,
        finish=_set_classes,
    ),
    *(
        Spec(
            f"sklearn.{name}",
            _MODULE,
            _PROPAGATED,
            params=_KERNEL,
            left_out=("nn_fit",),
            check=_check_propagated,
            finish=_find_neighbors,
            checked="neighbours are searched anew among the samples, each of which has its labels",
        )
        for name in ("LabelPropagation", "LabelSpreading")
    ),
)
