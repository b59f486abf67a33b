"""The table's support vector machines of libsvm, which reads its arrays without looking at their sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Flag, Int, Number, Plain
from maas_sdk.serialization._kinds_arrays import Array, Indices, Labels, Objects, Sparse
from maas_sdk.serialization._kinds_compound import Either, ListOf, TupleOf
from maas_sdk.serialization._spec import Field, Spec, detail, optional, required
from maas_sdk.serialization._tables._kernels import KernelFunction, try_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Kind, Scope
    from maas_sdk.serialization._place import Place

__all__ = ["SVM"]

_TRAINING_ROWS = "_BaseLibSVM__Xfit"  # kept for a kernel that is a function
_COEF = ("n_rows", "n_support")
_N_ITER = Either(Int(), Array(("n_pairs",), dtypes="iu"))
_PARAMS: dict[str, Kind] = {
    "kernel": Either(Choice(("linear", "poly", "rbf", "sigmoid", "precomputed")), KernelFunction()),
    "degree": Int(),
}
_MACHINE: dict[str, Field] = {
    "shape_fit_": required(
        Either(TupleOf((Int(1, size="n_train"), Int())), TupleOf((Int(1, size="n_train"),)))
    ),
    "support_": required(Indices(("n_support",), below="n_train")),
    "support_vectors_": required(
        Either(Array(("n_vectors", "n_columns")), Sparse(("n_vectors", "n_columns")))
    ),
    "_sparse": required(Flag()),
    "_gamma": required(Number()),
    "_dual_coef_": required(Either(Array(_COEF), Sparse(_COEF))),
    "_intercept_": required(Array(("n_pairs",))),
    "_probA": required(Array(("n_probabilities",))),
    "_probB": required(Array(("n_probabilities",))),
    "fit_status_": detail(Int(0, 1)),
    "n_iter_": detail(_N_ITER),
    _TRAINING_ROWS: optional(
        Either(
            Array(("n_train", "n_row"), dtypes="biuf", finite=False),
            Sparse(("n_train", "n_row"), ("csr", "csc"), dtypes="biuf", finite=False),
            Objects("n_train"),
            ListOf(Plain(), "n_train"),
        )
    ),
}
_CLASSIFIER: dict[str, Field] = {
    "classes_": required(Labels(low=2)),
    **_MACHINE,
    "_n_support": required(Array(("n_classes",), dtypes="i")),
    "class_weight_": detail(Array(("n_classes",))),
}
# Of `dual_coef_` and `intercept_`, predictions use copies whose signs differ where there are two classes.
_LEFT_OUT = ("dual_coef_", "intercept_", "_num_iter", "_effective_probability")
_FLOATS = ("support_vectors_", "_dual_coef_", "_intercept_", "_probA", "_probB", "class_weight_")
_INTEGERS = ("support_", "_n_support")


def _check_machine(svm: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_buffers(attributes, place)
    sizes = scope.sizes
    n_classes = sizes.get("n_classes", 2)
    n_pairs = n_classes * (n_classes - 1) // 2
    for name, dimension, expected in (
        ("_dual_coef_", "n_rows", (n_classes - 1,)),
        ("_intercept_", "n_pairs", (n_pairs,)),
        ("_probA", "n_probabilities", (0, n_pairs) if "n_classes" in sizes else (0,)),
    ):
        if sizes[dimension] not in expected:
            raise place.attribute(name).refusal(f"not of the size that {n_classes} classes have")
    if "_n_support" in attributes:
        counts = attributes["_n_support"]
        if (counts < 0).any() or counts.sum() != sizes["n_support"]:
            raise place.attribute("_n_support").refusal("does not divide the support vectors into classes")
    if attributes["_sparse"]:
        _check_sparse(svm, attributes, sizes, place)
    _check_vectors(svm.kernel, attributes, sizes, place)


def _check_buffers(attributes: Mapping[str, Any], place: Place) -> None:
    """Check that compiled code can take the arrays as they are."""
    for names, dtype in ((_FLOATS, np.float64), (_INTEGERS, np.int32)):
        for name in names:
            array = attributes.get(name)
            if isinstance(array, np.ndarray) and (array.dtype != dtype or not array.flags.c_contiguous):
                raise place.attribute(name).refusal(f"expected {np.dtype(dtype)}, row by row")
    for name in ("support_vectors_", "_dual_coef_"):
        matrix = attributes[name]
        if isinstance(matrix, np.ndarray) == bool(attributes["_sparse"]):
            raise place.attribute(name).refusal("sparse although _sparse is not set, or the reverse")
        if attributes["_sparse"]:
            arrays = (matrix.data, matrix.indices, matrix.indptr)
            if matrix.dtype != np.float64 or not all(array.flags.c_contiguous for array in arrays):
                raise place.attribute(name).refusal("expected float64, one after the other")
    if attributes["_sparse"] and attributes["support_vectors_"].indices.dtype != np.int32:
        raise place.attribute("support_vectors_").refusal("expected indices of int32")


def _check_sparse(svm: Any, attributes: Mapping[str, Any], sizes: dict[str, int], place: Place) -> None:
    """Coefficients are read row after row as if there were no zeros, probabilities if a parameter says so."""
    coef, shape = attributes["_dual_coef_"], (sizes["n_rows"], sizes["n_support"])
    if coef.data.size != shape[0] * shape[1] or (coef.indices.reshape(shape) != np.arange(shape[1])).any():
        raise place.attribute("_dual_coef_").refusal("does not name every coefficient, in order")
    if getattr(svm, "probability", False) not in {False, "deprecated"} and not sizes["n_probabilities"]:
        raise place.attribute("_probA").refusal("missing, although probability is set")


def _check_vectors(kernel: Any, attributes: Mapping[str, Any], sizes: dict[str, int], place: Place) -> None:
    """Support vectors have the features; of a kernel that is given or computed, their numbers are enough."""
    here = place.attribute("support_vectors_")
    if (_TRAINING_ROWS in attributes) != callable(kernel):
        raise place.attribute(_TRAINING_ROWS).refusal("kept for a kernel that is a function, and only for it")
    if not isinstance(kernel, str) or kernel == "precomputed":
        if attributes["_sparse"] or attributes["support_vectors_"].size:
            raise here.refusal("expected none")
        if isinstance(kernel, str) and sizes.get("n_features") != sizes["n_train"]:
            raise place.attribute("shape_fit_").refusal("not as many rows as columns")
    elif (sizes["n_vectors"], sizes["n_columns"]) != (sizes["n_support"], sizes.get("n_features")):
        raise here.refusal("not one for each coefficient, with all features")


def _finish(svm: Any) -> None:
    if isinstance(svm._dual_coef_, np.ndarray):
        # Some predictions take these as if they were to write into them.
        for name in ("_dual_coef_", "_intercept_", "_probA", "_probB"):
            setattr(svm, name, getattr(svm, name).copy())
    two_classes = len(getattr(svm, "classes_", ())) == 2  # noqa: PLR2004 - two classes share an output
    svm.dual_coef_ = -svm._dual_coef_ if two_classes else svm._dual_coef_
    svm.intercept_ = -svm._intercept_ if two_classes else svm._intercept_.copy()
    svm._effective_probability = svm._probA.size > 0  # noqa: SLF001 - scikit-learn's own attribute
    if callable(svm.kernel):
        # Where a function gives fewer numbers than there were rows, compiled code would read on.
        rows, n_train = getattr(svm, _TRAINING_ROWS), svm.shape_fit_[0]
        for n_columns in {n_train, max(1, n_train - 1)}:
            try_kernel(svm.kernel, rows, n_columns=n_columns)


def _finish_without_classes(svm: Any) -> None:
    # What fit leaves here is twice the number of support vectors; of sparse ones, whatever the memory held.
    svm._n_support = np.repeat(svm.support_.size, 2).astype(np.int32)  # noqa: SLF001 - scikit-learn's own
    _finish(svm)


_CHECKED = (
    "sizes of support vectors, coefficients, intercepts and counts against each other and the classes; "
    "indices of precomputed kernels against the rows of the training; that a kernel function is one"
)


def _classifier(name: str) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.svm",
        _CLASSIFIER,
        params=_PARAMS,
        left_out=_LEFT_OUT,
        check=_check_machine,
        finish=_finish,
        checked=_CHECKED,
    )


def _other(name: str, **fields: Field) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.svm",
        {**_MACHINE, **fields},
        params=_PARAMS,
        left_out=(*_LEFT_OUT, "_n_support"),
        check=_check_machine,
        finish=_finish_without_classes,
        checked=_CHECKED,
    )


SVM: tuple[Spec, ...] = (
    *(_classifier(name) for name in ("SVC", "NuSVC")),
    *(_other(name) for name in ("SVR", "NuSVR")),
    _other("OneClassSVM", offset_=required(Array((1,)))),
)
