"""The audited table, by families: data about classes, which imports none of them."""

from maas_sdk.serialization._tables.cluster import CLUSTER
from maas_sdk.serialization._tables.compose import COMPOSE
from maas_sdk.serialization._tables.decomposition import DECOMPOSITION
from maas_sdk.serialization._tables.encoding import ENCODING
from maas_sdk.serialization._tables.gaussian import GAUSSIAN
from maas_sdk.serialization._tables.histogram import HISTOGRAMS
from maas_sdk.serialization._tables.linear import LINEAR
from maas_sdk.serialization._tables.meta import META
from maas_sdk.serialization._tables.neighbors import NEIGHBORS
from maas_sdk.serialization._tables.network import NETWORKS
from maas_sdk.serialization._tables.preparation import PREPARATION
from maas_sdk.serialization._tables.selection import SELECTION
from maas_sdk.serialization._tables.statistics import STATISTICS
from maas_sdk.serialization._tables.svm import SVM
from maas_sdk.serialization._tables.text import TEXT
from maas_sdk.serialization._tables.trees import TREES

__all__ = ["FAMILIES"]

FAMILIES = (
    CLUSTER,
    COMPOSE,
    DECOMPOSITION,
    ENCODING,
    GAUSSIAN,
    HISTOGRAMS,
    LINEAR,
    META,
    NEIGHBORS,
    NETWORKS,
    PREPARATION,
    SELECTION,
    STATISTICS,
    SVM,
    TEXT,
    TREES,
)
"""The families of the table."""
