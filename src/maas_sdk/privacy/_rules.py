"""Which attribute of which class keeps what of the training data: a table; it looks at no model.

Found by fitting every estimator of scikit-learn 1.9.1 and comparing what it keeps, private attributes
included, with the rows and the values that it was fitted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import frozen

if TYPE_CHECKING:
    from maas_sdk.privacy._report import Severity

__all__ = ["LABELS", "LEAVES", "NAMES", "PAIRS", "RULES", "UNLISTED", "Rule"]

Unit = Literal["rows", "values", "words", "labels", "names", "leaves", "entries"]


@frozen
class Rule:
    """What an attribute keeps, how grave that is, and what helps.

    Attributes
    ----------
    severity : str
        Of rows: raised to high when some equal training rows.
    what : str
        What is kept.
    unit : str
        What is counted.
    remedy : str
        What to do about it.
    """

    severity: Severity
    what: str
    unit: Unit
    remedy: str


_NEIGHBOURS = Rule(
    "high", "all training rows, verbatim", "rows", "a model without stored rows, or prototypes for the rows"
)
_SUPPORT_VECTORS = Rule(
    "high",
    "training rows, verbatim: the support vectors",
    "rows",
    "a linear model or network; or a Nystroem map on synthetic rows",
)
_KERNEL = Rule(
    "high",
    "training rows, verbatim: the kernel needs them",
    "rows",
    "a parametric model, or RBFSampler and a linear model",
)
_EXEMPLARS = Rule(
    "high",
    "training rows, verbatim: examples of the clusters",
    "rows",
    "KMeans or a mixture with many rows a cluster",
)
_RAW = Rule("high", "all training rows, verbatim", "rows", "drop the attribute if only labels are needed")
_CENTRES = Rule(
    "medium",
    "means of groups of rows; the mean of a group of one is that row",
    "rows",
    "fewer clusters, so that each has many rows",
)
_CATEGORIES = Rule(
    "medium",
    "values of training columns, verbatim: categories",
    "values",
    "min_frequency, or broader categories",
)
_QUANTILES = Rule(
    "medium", "values of training columns, verbatim: quantiles", "values", "far fewer quantiles than rows"
)
_STEPS = Rule(
    "medium", "values it was fitted on, verbatim: the steps", "values", "a sigmoid in place of steps"
)
_EXTREMES = Rule(
    "low",
    "smallest or largest value of columns, verbatim",
    "values",
    "StandardScaler, or clip outliers first",
)
_WORDS = Rule("medium", "words of the training texts", "words", "min_df, max_features, or HashingVectorizer")
_DROPPED_WORDS = Rule(
    "high",
    "words of the training texts that the model does not use, rare ones among them (CVE-2024-5206)",
    "words",
    "delete the attribute: no prediction uses it",
)
_ROW_LABELS = Rule(
    "low", "a cluster or label for each training row", "entries", "drop it: no prediction uses it"
)
_ROW_POSITIONS = Rule(
    "medium", "a position or distance for each training row", "entries", "drop it: no prediction uses it"
)

PAIRS = Rule(
    "medium",
    "distances or similarities of training rows",
    "entries",
    "fit on features, not on precomputed pairs",
)
LABELS = Rule("low", "class labels", "labels", "neutral labels, if their names tell something")
NAMES = Rule("low", "feature names", "names", "neutral names, if they tell something")
LEAVES = Rule("medium", "leaves over very few training rows", "leaves", "a larger min_samples_leaf")
UNLISTED = Rule("medium", "equals training rows", "rows", "find out why it keeps them; drop or replace them")

RULES: dict[str, dict[str, Rule]] = {
    # Whole rows: neighbours and what is built on them.
    "NeighborsBase": {"_fit_X": _NEIGHBOURS},
    "KNNImputer": {"_fit_X": _NEIGHBOURS},
    "KernelDensity": {"tree_": _NEIGHBOURS},
    "LabelPropagation": {"X_": _NEIGHBOURS, "transduction_": _ROW_LABELS},
    "LabelSpreading": {"X_": _NEIGHBOURS, "transduction_": _ROW_LABELS},
    # Isomap and LocallyLinearEmbedding hold a NearestNeighbors, which the walk finds in `nbrs_`.
    "Isomap": {"embedding_": _ROW_POSITIONS, "dist_matrix_": _ROW_POSITIONS},
    "LocallyLinearEmbedding": {"embedding_": _ROW_POSITIONS},
    # Kernels. GaussianProcessClassifier holds an object of the private class for each pair of classes.
    "BaseLibSVM": {"support_vectors_": _SUPPORT_VECTORS},
    "GaussianProcessRegressor": {"X_train_": _KERNEL},
    "_BinaryGaussianProcessClassifierLaplace": {"X_train_": _KERNEL},
    "KernelRidge": {"X_fit_": _KERNEL},
    "KernelPCA": {"X_fit_": _KERNEL},
    "Nystroem": {"components_": _KERNEL},
    # Clusters.
    "AffinityPropagation": {"cluster_centers_": _EXEMPLARS, "affinity_matrix_": _ROW_POSITIONS},
    "DBSCAN": {"components_": _EXEMPLARS},
    "HDBSCAN": {"_raw_data": _RAW, "medoids_": _EXEMPLARS},
    "Birch": {"subcluster_centers_": _CENTRES},
    "MeanShift": {"cluster_centers_": _CENTRES},
    "ClusterMixin": {"labels_": _ROW_LABELS},
    "SpectralClustering": {"affinity_matrix_": _ROW_POSITIONS},
    "SpectralEmbedding": {"affinity_matrix_": _ROW_POSITIONS, "embedding_": _ROW_POSITIONS},
    "TSNE": {"embedding_": _ROW_POSITIONS},
    "MDS": {"dissimilarity_matrix_": _ROW_POSITIONS, "embedding_": _ROW_POSITIONS},
    "ClassicalMDS": {"dissimilarity_matrix_": _ROW_POSITIONS, "embedding_": _ROW_POSITIONS},
    "_PLS": {"_x_scores": _ROW_POSITIONS, "_y_scores": _ROW_POSITIONS},
    "SelfTrainingClassifier": {"transduction_": _ROW_LABELS},
    # Single values.
    "QuantileTransformer": {"quantiles_": _QUANTILES},
    "OneHotEncoder": {"categories_": _CATEGORIES},
    "OrdinalEncoder": {"categories_": _CATEGORIES},
    "TargetEncoder": {"categories_": _CATEGORIES},
    "IsotonicRegression": {"X_thresholds_": _STEPS},
    "MinMaxScaler": {"data_min_": _EXTREMES, "data_max_": _EXTREMES},
    "MaxAbsScaler": {"max_abs_": _EXTREMES},
    "KBinsDiscretizer": {"bin_edges_": _EXTREMES},
    # Words.
    "CountVectorizer": {"vocabulary_": _WORDS, "stop_words_": _DROPPED_WORDS},
    "DictVectorizer": {"vocabulary_": _WORDS},
}
"""By the name of a class or of one of its bases: what its attributes keep."""
