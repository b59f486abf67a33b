"""The audited table, by families: data about classes, which imports none of them."""

from maas_sdk.serialization._tables.approximation import APPROXIMATION
from maas_sdk.serialization._tables.cluster import CLUSTER
from maas_sdk.serialization._tables.compose import COMPOSE
from maas_sdk.serialization._tables.decomposition import DECOMPOSITION
from maas_sdk.serialization._tables.encoding import ENCODING
from maas_sdk.serialization._tables.gaussian import GAUSSIAN
from maas_sdk.serialization._tables.histogram import HISTOGRAMS
from maas_sdk.serialization._tables.imputation import IMPUTATION
from maas_sdk.serialization._tables.linear import LINEAR
from maas_sdk.serialization._tables.manifold import MANIFOLD
from maas_sdk.serialization._tables.meta import META
from maas_sdk.serialization._tables.mixtures import MIXTURES
from maas_sdk.serialization._tables.multiclass import SEVERAL
from maas_sdk.serialization._tables.neighbors import NEIGHBORS
from maas_sdk.serialization._tables.network import NETWORKS
from maas_sdk.serialization._tables.optimizers import OPTIMIZERS
from maas_sdk.serialization._tables.preparation import PREPARATION
from maas_sdk.serialization._tables.searches import SEARCHES
from maas_sdk.serialization._tables.selection import SELECTION
from maas_sdk.serialization._tables.semi import SEMI_SUPERVISED
from maas_sdk.serialization._tables.splitters import SPLITTERS
from maas_sdk.serialization._tables.stacks import STACKS
from maas_sdk.serialization._tables.statistics import STATISTICS
from maas_sdk.serialization._tables.svm import SVM
from maas_sdk.serialization._tables.text import TEXT
from maas_sdk.serialization._tables.transformers import TRANSFORMERS
from maas_sdk.serialization._tables.trees import TREES

__all__ = ["FAMILIES"]

FAMILIES = (
    APPROXIMATION,
    CLUSTER,
    COMPOSE,
    DECOMPOSITION,
    ENCODING,
    GAUSSIAN,
    HISTOGRAMS,
    IMPUTATION,
    LINEAR,
    MANIFOLD,
    META,
    MIXTURES,
    NEIGHBORS,
    NETWORKS,
    OPTIMIZERS,
    PREPARATION,
    SEARCHES,
    SELECTION,
    SEMI_SUPERVISED,
    SEVERAL,
    SPLITTERS,
    STACKS,
    STATISTICS,
    SVM,
    TEXT,
    TRANSFORMERS,
    TREES,
)
"""The families of the table."""
