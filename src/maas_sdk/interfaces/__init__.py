"""The contract of each kind of component; a class that has the methods fulfils it, no base class is needed.

========================  ===========================================================
kind                      contract
========================  ===========================================================
``preprocessor``          :class:`Preprocessor`, scikit-learn's transformer
``model``                 :class:`Model`, scikit-learn's classifier or regressor
``optimizer``             :class:`Optimizer`
``compressor``            :class:`Compressor`
``storage_backend``       :class:`StorageBackend`
``serializer``            :class:`EstimatorSerializer`
``sealer``                :class:`Sealer`
``signer``                :class:`Signer`
========================  ===========================================================
"""

from maas_sdk.interfaces._compressor import Compressor
from maas_sdk.interfaces._model import Model
from maas_sdk.interfaces._optimizer import Optimizer
from maas_sdk.interfaces._preprocessor import Preprocessor
from maas_sdk.interfaces._sealer import Sealer
from maas_sdk.interfaces._serializer import EstimatorSerializer
from maas_sdk.interfaces._signer import Signer
from maas_sdk.interfaces._storage import StorageBackend

__all__ = [
    "Compressor",
    "EstimatorSerializer",
    "Model",
    "Optimizer",
    "Preprocessor",
    "Sealer",
    "Signer",
    "StorageBackend",
]
