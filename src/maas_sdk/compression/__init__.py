"""Makes a fitted model smaller or faster within a quality budget; it neither stores nor sends it.

>>> import numpy as np
>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.pipeline import Pipeline
>>> rng = np.random.default_rng(0)
>>> X = rng.normal(size=(200, 8))
>>> y = X[:, 0] > 0
>>> chain = Pipeline([("model", LogisticRegression())]).fit(X, y)
>>> report = compress(
...     chain, X, y, budget=Budget(max_drop=0.01),
...     candidates=[Candidate("float16", Float16Compressor())], measure_size=lambda chain: 100,
... )
>>> report.gained
'nothing: no candidate within the budget is smaller than the original'
"""

from maas_sdk.compression._baseline import BaselineCompressor
from maas_sdk.compression._budget import Budget
from maas_sdk.compression._candidate import Candidate
from maas_sdk.compression._compress import compress
from maas_sdk.compression._direct import DirectPredictor, Engine
from maas_sdk.compression._distill import DistillCompressor
from maas_sdk.compression._drop_training_state import DropTrainingStateCompressor
from maas_sdk.compression._evidence import Evidence
from maas_sdk.compression._feature_selection import FeatureSelectionCompressor
from maas_sdk.compression._forest_compact import ForestCompactCompressor
from maas_sdk.compression._forest_quantize import ForestQuantizeCompressor
from maas_sdk.compression._forest_trim import ForestTrimCompressor
from maas_sdk.compression._knn_condense import KNNCondenseCompressor
from maas_sdk.compression._low_rank import LowRankCompressor
from maas_sdk.compression._measurement import Measurement, StoredForm
from maas_sdk.compression._pca import PCACompressor
from maas_sdk.compression._prune import PruneCompressor
from maas_sdk.compression._quantization import Int4Compressor, Int8Compressor
from maas_sdk.compression._report import CompressionReport, Result
from maas_sdk.compression._rounding import BFloat16Compressor, Float16Compressor

__all__ = [
    "BFloat16Compressor",
    "BaselineCompressor",
    "Budget",
    "Candidate",
    "CompressionReport",
    "DirectPredictor",
    "DistillCompressor",
    "DropTrainingStateCompressor",
    "Engine",
    "Evidence",
    "FeatureSelectionCompressor",
    "Float16Compressor",
    "ForestCompactCompressor",
    "ForestQuantizeCompressor",
    "ForestTrimCompressor",
    "Int4Compressor",
    "Int8Compressor",
    "KNNCondenseCompressor",
    "LowRankCompressor",
    "Measurement",
    "PCACompressor",
    "PruneCompressor",
    "Result",
    "StoredForm",
    "compress",
]
