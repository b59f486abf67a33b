"""Which attribute of which class keeps what of the training data: a table; it looks at no model.

Found by fitting every estimator of scikit-learn 1.9.1 and comparing what it keeps, private attributes
included, with the rows and the values that it was fitted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import frozen

if TYPE_CHECKING:
    from maas_sdk.privacy._report import Severity

__all__ = [
    "BARE",
    "INPUTS",
    "LABELS",
    "LEAVES",
    "MAILS",
    "NAMES",
    "OPAQUE",
    "PAIRS",
    "PATHS",
    "PROTOTYPES",
    "RULES",
    "UNLISTED",
    "USERS",
    "Rule",
]

Unit = Literal["rows", "values", "words", "labels", "names", "leaves", "entries", "strings", "items"]


@frozen
class Rule:
    """What an attribute keeps, how grave that is, and what helps.

    Attributes
    ----------
    kind : str
        The first half of a finding's name.
    severity : str
        Of rows: raised to high when some equal training rows.
    what : str
        What is kept.
    unit : str
        What is counted.
    remedy : str
        What to do about it.
    """

    kind: str
    severity: Severity
    what: str
    unit: Unit
    remedy: str


_NEIGHBOURS = Rule(
    "verbatim-rows",
    "high",
    "all training rows, verbatim",
    "rows",
    "a model without stored rows, or prototypes for the rows",
)
_SUPPORT_VECTORS = Rule(
    "verbatim-rows",
    "high",
    "training rows, verbatim: the support vectors",
    "rows",
    "a linear model or network; or a Nystroem map on synthetic rows",
)
_KERNEL = Rule(
    "verbatim-rows",
    "high",
    "training rows, verbatim: the kernel needs them",
    "rows",
    "a parametric model, or RBFSampler and a linear model",
)
_EXEMPLARS = Rule(
    "verbatim-rows",
    "high",
    "training rows, verbatim: examples of the clusters",
    "rows",
    "KMeans or a mixture with many rows a cluster",
)
_RAW = Rule(
    "verbatim-rows",
    "high",
    "all training rows, verbatim",
    "rows",
    "drop the attribute if only labels are needed",
)
_CENTRES = Rule(
    "centres",
    "medium",
    "means of groups of rows; the mean of a group of one is that row",
    "rows",
    "fewer clusters, so that each has many rows",
)
_CATEGORIES = Rule(
    "verbatim-values",
    "medium",
    "values of training columns, verbatim: categories",
    "values",
    "min_frequency, or broader categories",
)
_QUANTILES = Rule(
    "verbatim-values",
    "medium",
    "values of training columns, verbatim: quantiles",
    "values",
    "far fewer quantiles than rows",
)
_STEPS = Rule(
    "verbatim-values",
    "medium",
    "values it was fitted on, verbatim: the steps",
    "values",
    "a sigmoid in place of steps",
)
_EXTREMES = Rule(
    "extremes",
    "low",
    "smallest or largest value of columns, verbatim",
    "values",
    "StandardScaler, or clip outliers first",
)
_WORDS = Rule(
    "words", "medium", "words of the training texts", "words", "min_df, max_features, or HashingVectorizer"
)
_DROPPED_WORDS = Rule(
    "unused-words",
    "high",
    "words of the training texts that the model does not use, rare ones among them (CVE-2024-5206)",
    "words",
    "delete the attribute: no prediction uses it",
)
_ROW_LABELS = Rule(
    "row-labels",
    "low",
    "a cluster or label for each training row",
    "entries",
    "drop it: no prediction uses it",
)
_ROW_POSITIONS = Rule(
    "row-positions",
    "medium",
    "a position or distance for each training row",
    "entries",
    "drop it: no prediction uses it",
)

_ROW_TARGETS = Rule(
    "verbatim-targets",
    "medium",
    "a training target, verbatim, for each stored row",
    "entries",
    "as for the rows",
)
_SUMMARIES = Rule(
    "summaries",
    "low",
    "a mean, median or most frequent value of columns",
    "values",
    "none is needed, unless columns have very few rows",
)

PAIRS = Rule(
    "row-pairs",
    "medium",
    "distances or similarities of training rows",
    "entries",
    "fit on features, not on precomputed pairs",
)
LABELS = Rule("labels", "low", "class labels", "labels", "neutral labels, if their names tell something")
NAMES = Rule("feature-names", "low", "feature names", "names", "neutral names, if they tell something")
PROTOTYPES = Rule(
    "prototypes",
    "low",
    "prototypes, each the mean of several training rows",
    "rows",
    "more rows a prototype, if groups of so many are too small",
)
LEAVES = Rule(
    "small-leaves", "medium", "leaves over very few training rows", "leaves", "a larger min_samples_leaf"
)
UNLISTED = Rule(
    "verbatim-rows",
    "medium",
    "equals training rows",
    "rows",
    "find out why it keeps them; drop or replace them",
)
INPUTS = Rule(
    "sample-inputs",
    "medium",
    "sample inputs of the self-test, with their predictions",
    "rows",
    "synthetic inputs, or rows that may be seen",
)
PATHS = Rule("path", "low", "paths of files or folders", "strings", "relative paths, or none")
USERS = Rule(
    "user-name",
    "medium",
    "paths in somebody's home folder: they name a user",
    "strings",
    "relative paths, or none",
)
MAILS = Rule(
    "e-mail", "medium", "e-mail addresses", "strings", "leave them out, or use the address of a team"
)
OPAQUE = Rule(
    "not-examined",
    "high",
    "an object of a class that the scan has no table for",
    "items",
    "look at what it keeps, with X_train; accept it by name, or replace it",
)
BARE = Rule(
    "not-examined",
    "low",
    "an object of a class that the scan has no table for",
    "items",
    "none is needed: it keeps single values alone",
)

RULES: dict[str, dict[str, Rule]] = {
    # Whole rows: neighbours and what is built on them.
    "NeighborsBase": {"_fit_X": _NEIGHBOURS},
    "KNeighborsRegressor": {"_y": _ROW_TARGETS},
    "RadiusNeighborsRegressor": {"_y": _ROW_TARGETS},
    "KNNImputer": {"_fit_X": _NEIGHBOURS},
    "LocalOutlierFactor": {"negative_outlier_factor_": _ROW_POSITIONS, "_distances_fit_X_": _ROW_POSITIONS},
    "KernelDensity": {"tree_": _NEIGHBOURS},
    "LabelPropagation": {"X_": _NEIGHBOURS, "transduction_": _ROW_LABELS},
    "LabelSpreading": {"X_": _NEIGHBOURS, "transduction_": _ROW_LABELS},
    # Isomap and LocallyLinearEmbedding hold a NearestNeighbors, which the walk finds in `nbrs_`.
    "Isomap": {"embedding_": _ROW_POSITIONS, "dist_matrix_": _ROW_POSITIONS},
    "LocallyLinearEmbedding": {"embedding_": _ROW_POSITIONS},
    # Kernels. GaussianProcessClassifier holds an object of the private class for each pair of classes.
    "BaseLibSVM": {"support_vectors_": _SUPPORT_VECTORS},
    "GaussianProcessRegressor": {"X_train_": _KERNEL, "y_train_": _ROW_TARGETS},
    "_BinaryGaussianProcessClassifierLaplace": {"X_train_": _KERNEL},
    "KernelRidge": {"X_fit_": _KERNEL},
    "KernelPCA": {"X_fit_": _KERNEL},
    "Nystroem": {"components_": _KERNEL},
    # Clusters.
    "AffinityPropagation": {"cluster_centers_": _EXEMPLARS, "affinity_matrix_": _ROW_POSITIONS},
    "DBSCAN": {"components_": _EXEMPLARS},
    "OPTICS": {"reachability_": _ROW_POSITIONS, "core_distances_": _ROW_POSITIONS},
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
    "IsotonicRegression": {
        "X_thresholds_": _STEPS,
        "y_thresholds_": _STEPS,
        "X_min_": _EXTREMES,
        "X_max_": _EXTREMES,
    },
    "MinMaxScaler": {"data_min_": _EXTREMES, "data_max_": _EXTREMES},
    "MaxAbsScaler": {"max_abs_": _EXTREMES},
    "KBinsDiscretizer": {"bin_edges_": _EXTREMES},
    "SplineTransformer": {"bsplines_": _EXTREMES},
    "SimpleImputer": {"statistics_": _SUMMARIES},
    "RobustScaler": {"center_": _SUMMARIES},
    # Words.
    "CountVectorizer": {"vocabulary_": _WORDS, "stop_words_": _DROPPED_WORDS},
    "DictVectorizer": {"vocabulary_": _WORDS},
}
"""By the name of a class or of one of its bases: what its attributes keep."""
