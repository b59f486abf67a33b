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

from maas_sdk.compression._budget import Budget
from maas_sdk.compression._candidate import Candidate
from maas_sdk.compression._float16 import Float16Compressor
from maas_sdk.compression._measurement import Measurement
from maas_sdk.compression._pca import PCACompressor
from maas_sdk.compression._report import CompressionReport, Result
from maas_sdk.compression._search import compress

__all__ = [
    "Budget",
    "Candidate",
    "CompressionReport",
    "Float16Compressor",
    "Measurement",
    "PCACompressor",
    "Result",
    "compress",
]
