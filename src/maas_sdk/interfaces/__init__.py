"""The contract of each kind of component; a class that has the methods fulfils it, no base class is needed.

========================  ===========================================================
kind                      contract
========================  ===========================================================
``preprocessor``          :class:`Preprocessor`, scikit-learn's transformer
``model``                 :class:`Model`, scikit-learn's classifier or regressor
``optimizer``             :class:`Optimizer`
``schedule``              :class:`Schedule`
``compressor``            :class:`Compressor`
``storage_backend``       :class:`StorageBackend`
``serializer``            :class:`EstimatorSerializer`
``sealer``                :class:`Sealer`
``signer``                :class:`Signer`
========================  ===========================================================

Beside the kinds there are the contracts of what the SDK is given otherwise: :class:`Checkpoint` and
:class:`CheckpointStore`.
"""

from maas_sdk.interfaces._checkpoint import Checkpoint, CheckpointStore
from maas_sdk.interfaces._compressor import Compressor
from maas_sdk.interfaces._model import Model
from maas_sdk.interfaces._optimizer import Optimizer, moves_params
from maas_sdk.interfaces._preprocessor import Preprocessor
from maas_sdk.interfaces._schedule import Schedule
from maas_sdk.interfaces._sealer import Sealer
from maas_sdk.interfaces._serializer import EstimatorSerializer
from maas_sdk.interfaces._signer import Signer
from maas_sdk.interfaces._storage import StorageBackend

__all__ = [
    "Checkpoint",
    "CheckpointStore",
    "Compressor",
    "EstimatorSerializer",
    "Model",
    "Optimizer",
    "Preprocessor",
    "Schedule",
    "Sealer",
    "Signer",
    "StorageBackend",
    "moves_params",
]
