"""The table's decompositions: most learn a matrix of components, and how rows are centred and scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Int, Kind, Nothing, Number, RandomState
from maas_sdk.serialization._kinds_arrays import Array, Sparse
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance, ListOf
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, record, required
from maas_sdk.serialization._tables._finishing import writable
from maas_sdk.serialization._tables._kernels import PAIRWISE_KERNELS, THREADS, KernelFunction, KernelOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["DECOMPOSITION", "KERNEL_PARAMS", "SAMPLES"]

_MODULE = "sklearn.decomposition"
_COMPONENTS = {"components_": required(Array(("n_components", "n_features")))}
_COUNT = {"n_components_": required(Int(size="n_components"))}
_MEAN = required(Array(("n_features",)))
_PER_COMPONENT = detail(Array(("n_components",), finite=False))
_N_ITER = {"n_iter_": detail(Number())}
_ERRORS = record(ListOf(Number(finite=False)))
_GENERATOR = Either(Nothing(), RandomState())
# Up to so many, a transformation of some rows takes seconds, whatever the other numbers are.
_ITERATIONS = Int(1, 100_000)
_DOCUMENT_ITERATIONS = Int(0, 10_000)
_MAX_ATOM = 1e20  # most are of length 1; beyond, paths of coefficients end in errors of compiled code
# Transforming, they would start processes instead of threads: how many is the receiver's business.
_PROCESSES = ("n_jobs",)

KERNEL_PARAMS: dict[str, Kind] = {
    "kernel": Either(Choice((*PAIRWISE_KERNELS, "precomputed")), KernelFunction()),
    "kernel_params": KernelOptions(),
    "n_jobs": THREADS,
}
"""For the parameters of all that compare rows by a kernel."""

SAMPLES = Either(
    Array(("n_samples", "n_features"), dtypes="fiub"), Sparse(("n_samples", "n_features"), dtypes="fiub")
)
"""The rows that were learned from."""


def _check_some(_: Any, __: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """There is a component, and a feature, as scikit-learn asks of each array."""
    for name in ("n_components", "n_features"):
        if not scope.sizes[name]:
            raise place.refusal(f"{name} is 0")


def _check_ica(ica: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    if bool(ica.whiten) != ("mean_" in attributes):
        raise place.attribute("mean_").refusal("does not fit the option whiten")


def _check_factors(nmf: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """What scikit-learn compares before it transforms."""
    components, count = attributes["components_"], getattr(nmf, "n_components", "auto")
    if (components < 0).any() or not components.any():
        raise place.attribute("components_").refusal(
            "expected numbers of which none is below 0, and not all 0"
        )
    fitting = {None: scope.sizes["n_features"], "auto": scope.sizes["n_components"]}
    if fitting.get(count, count) != scope.sizes["n_components"]:
        raise place.attribute("n_components").refusal(f"not the {scope.sizes['n_components']} components")
    if getattr(nmf, "solver", "mu") != "mu" and nmf.beta_loss not in (2, "frobenius"):
        raise place.attribute("beta_loss").refusal(f"not with the solver {nmf.solver!r}")


def _check_topics(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    if attributes["exp_dirichlet_component_"].dtype != attributes["components_"].dtype:
        raise place.attribute("exp_dirichlet_component_").refusal("not of the precision of the components")


def _check_dictionary(coder: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    for name, size in zip(("n_components", "n_features"), coder.dictionary.shape, strict=True):
        scope.bind(name, size, place.attribute("dictionary"))
    _check_code(coder, attributes, scope, place)


def _finish_coder(coder: Any) -> None:
    """Set what `fit` sets, where the version of scikit-learn does not compute it."""
    for name, size in zip(("n_components_", "n_features_in_"), coder.dictionary.shape, strict=True):
        if not hasattr(type(coder), name):
            setattr(coder, name, size)


def _check_code(coder: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_some(coder, attributes, scope, place)
    method, count = coder.transform_algorithm, coder.transform_n_nonzero_coefs
    if coder.positive_code and method in ("omp", "lars"):
        raise place.attribute("positive_code").refusal(f"not with {method}")
    name = "components_" if "components_" in attributes else "dictionary"
    atoms = attributes.get(name, getattr(coder, name, None))
    if np.abs(atoms).max() > _MAX_ATOM:
        raise place.attribute(name).refusal(f"numbers beyond {_MAX_ATOM}")
    if method == "omp" and count is not None and count > scope.sizes["n_components"]:
        raise place.attribute("transform_n_nonzero_coefs").refusal("more than there are components")


def _check_kernel_pca(pca: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    sizes = scope.sizes
    Estimator(features="n_samples").check(attributes["_centerer"], scope, place.attribute("_centerer"))
    if (attributes["eigenvalues_"] < 0).any():
        raise place.attribute("eigenvalues_").refusal("one is below 0")
    if pca.kernel == "precomputed" and sizes["n_features"] != sizes["n_samples"]:
        raise place.attribute("X_fit_").refusal("a kernel that is not between all samples")
    if pca.fit_inverse_transform and not {"dual_coef_", "X_transformed_fit_"} <= attributes.keys():
        raise place.attribute("dual_coef_").refusal("missing, although fit_inverse_transform is set")


_FACTORS: dict[str, Field] = {
    **FEATURES,
    **_COMPONENTS,
    **_COUNT,
    **_N_ITER,
    "_n_components": optional(Int(1, size="n_components")),
    "reconstruction_err_": detail(Number(finite=False)),
}
_SPARSE_PCA: dict[str, Field] = {
    **FEATURES,
    **_COMPONENTS,
    **_COUNT,
    **_N_ITER,
    "mean_": _MEAN,
    "error_": _ERRORS,
}
_CODER: dict[str, Kind] = {"transform_max_iter": _DOCUMENT_ITERATIONS}


def _spec(name: str, fields: Mapping[str, Field], **options: Any) -> Spec:
    return Spec(f"sklearn.{name}", _MODULE, {**FEATURES, **fields}, **options)


DECOMPOSITION: tuple[Spec, ...] = (
    _spec(
        "IncrementalPCA",
        {
            **_COUNT,
            **_COMPONENTS,
            "mean_": _MEAN,
            "explained_variance_": required(Array(("n_components",), finite=False)),
            "noise_variance_": required(Number(finite=False)),
            # Without them, it would forget what it knows when it goes on learning.
            "n_samples_seen_": required(Number()),
            "batch_size_": optional(Int(1)),
            "var_": detail(Array(("n_features",))),
            "explained_variance_ratio_": _PER_COMPONENT,
            "singular_values_": _PER_COMPONENT,
        },
    ),
    _spec(
        "TruncatedSVD",
        {
            **_COMPONENTS,
            "explained_variance_": _PER_COMPONENT,
            "explained_variance_ratio_": _PER_COMPONENT,
            "singular_values_": _PER_COMPONENT,
        },
        check=_check_some,
    ),
    _spec(
        "FactorAnalysis",
        {**_COMPONENTS, **_N_ITER, "mean_": _MEAN, "noise_variance_": _MEAN, "loglike_": _ERRORS},
    ),
    _spec(
        "FastICA",
        {
            **_COMPONENTS,
            **_N_ITER,
            "mixing_": required(Array(("n_features", "n_components"))),
            "mean_": optional(Array(("n_features",))),
            "whitening_": detail(Array(("n_components", "n_features"))),
        },
        left_out=("_unmixing",),
        check=_check_ica,
    ),
    _spec("SparsePCA", _SPARSE_PCA),
    _spec("MiniBatchSparsePCA", _SPARSE_PCA),
    _spec(
        "NMF",
        _FACTORS,
        params={"max_iter": _ITERATIONS},
        left_out=("_beta_loss",),
        check=_check_factors,
    ),
    _spec(
        "MiniBatchNMF",
        {
            **_FACTORS,
            "n_steps_": detail(Int()),
            "_beta_loss": required(Number()),
            "_gamma": required(Number()),
            "_transform_max_iter": required(_ITERATIONS),
            "_rho": detail(Number()),
            "_components_numerator": detail(Array(("n_components", "n_features"))),
            "_components_denominator": detail(Array(("n_components", "n_features"))),
        },
        left_out=("_batch_size", "_ewa_cost", "_ewa_cost_min", "_no_improvement"),
        check=_check_factors,
        finish=writable(
            "components_", "_components_numerator", "_components_denominator", when="_components_numerator"
        ),
    ),
    _spec(
        "LatentDirichletAllocation",
        {
            **_COMPONENTS,
            **_N_ITER,
            "exp_dirichlet_component_": required(Array(("n_components", "n_features"))),
            "doc_topic_prior_": required(Number()),
            "topic_word_prior_": required(Number()),
            "bound_": detail(Number(finite=False)),
            "n_batch_iter_": detail(Int()),
            "random_state_": detail(_GENERATOR),
        },
        params={"max_doc_update_iter": _DOCUMENT_ITERATIONS},
        forgotten=_PROCESSES,
        native="generators",
        check=_check_topics,
        finish=writable("components_", when="n_batch_iter_"),
        checked="compiled code gets topics of one precision",
    ),
    _spec(
        "DictionaryLearning",
        {**_COMPONENTS, **_N_ITER, "error_": _ERRORS},
        params=_CODER,
        forgotten=_PROCESSES,
        check=_check_code,
    ),
    _spec(
        "MiniBatchDictionaryLearning",
        {
            **_COMPONENTS,
            **_N_ITER,
            "n_steps_": detail(Int()),
            "_fit_algorithm": detail(Choice(("lasso_lars", "lasso_cd"))),
            "_random_state": detail(_GENERATOR),
            "_A": detail(Array(("n_components", "n_components"))),
            "_B": detail(Array(("n_features", "n_components"))),
        },
        params=_CODER,
        forgotten=_PROCESSES,
        left_out=("_batch_size", "_n_components", "_ewa_cost", "_ewa_cost_min", "_no_improvement"),
        native="generators",
        check=_check_code,
        finish=writable("components_", "_A", "_B", when="_A"),
    ),
    _spec(
        "SparseCoder",
        {"n_features_in_": optional(Int(1, size="n_features"))},
        params={**_CODER, "dictionary": Array(("n_components", "n_features"), dtypes="fiu")},
        forgotten=_PROCESSES,
        left_out=("n_components_", "n_features_in_"),
        check=_check_dictionary,
        finish=_finish_coder,
    ),
    _spec(
        "KernelPCA",
        {
            "X_fit_": required(SAMPLES),
            "eigenvalues_": required(Array(("n_components",))),
            "eigenvectors_": required(Array(("n_samples", "n_components"))),
            "gamma_": required(Number()),
            "_centerer": required(Instance((("sklearn", "KernelCenterer"),))),
            "dual_coef_": optional(Array(("n_samples", "n_features"))),
            "X_transformed_fit_": optional(Array(("n_samples", "n_components"))),
        },
        params=KERNEL_PARAMS,
        check=_check_kernel_pca,
    ),
    Spec(
        "sklearn.KernelCenterer",
        "sklearn.preprocessing",
        {
            **FEATURES,
            "K_fit_rows_": required(Array(("n_features",))),
            "K_fit_all_": required(Number()),
        },
    ),
    Spec(
        "sklearn.BernoulliRBM",
        "sklearn.neural_network",
        {
            **FEATURES,
            **_COMPONENTS,
            "_n_features_out": required(Int(1, size="n_components")),
            "intercept_hidden_": required(Array(("n_components",))),
            "intercept_visible_": required(Array(("n_features",))),
            # Without them, it would begin its chains anew when it goes on learning.
            "h_samples_": required(Array(("n_chains", "n_components"))),
            "random_state_": optional(_GENERATOR),
        },
        native="generators",
        finish=writable("components_", "intercept_hidden_", "intercept_visible_", when="h_samples_"),
    ),
)
