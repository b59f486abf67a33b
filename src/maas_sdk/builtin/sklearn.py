"""Declares scikit-learn's estimators by class name, from a table: scikit-learn itself is not imported.

What has `transform` is a preprocessor, what has `predict` a model, and some are both. What has neither
(`DBSCAN`, `TSNE`, `KernelDensity`, the covariances …) cannot work on rows that it has not seen, and is no
component; nor are its experimental estimators, which an application must switch on itself and pass as
objects. A test compares the tables with `sklearn.utils.all_estimators()`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from maas_sdk.plugin import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["maas_sdk_models", "maas_sdk_preprocessors"]

# Module to class names, of scikit-learn 1.9.
_PREPROCESSORS: Final = MappingProxyType(
    {
        "sklearn.cluster": "Birch BisectingKMeans FeatureAgglomeration KMeans MiniBatchKMeans",
        "sklearn.compose": "ColumnTransformer",
        "sklearn.cross_decomposition": "CCA PLSCanonical PLSRegression PLSSVD",
        "sklearn.decomposition": (
            "DictionaryLearning FactorAnalysis FastICA IncrementalPCA KernelPCA LatentDirichletAllocation "
            "MiniBatchDictionaryLearning MiniBatchNMF MiniBatchSparsePCA NMF PCA SparseCoder SparsePCA "
            "TruncatedSVD"
        ),
        "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis",
        "sklearn.ensemble": (
            "RandomTreesEmbedding StackingClassifier StackingRegressor VotingClassifier VotingRegressor"
        ),
        "sklearn.feature_extraction": "DictVectorizer FeatureHasher",
        "sklearn.feature_extraction.image": "PatchExtractor",
        "sklearn.feature_extraction.text": (
            "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer"
        ),
        "sklearn.feature_selection": (
            "GenericUnivariateSelect RFE RFECV SelectFdr SelectFpr SelectFromModel SelectFwe SelectKBest "
            "SelectPercentile SequentialFeatureSelector VarianceThreshold"
        ),
        "sklearn.impute": "KNNImputer MissingIndicator SimpleImputer",
        "sklearn.isotonic": "IsotonicRegression",
        "sklearn.kernel_approximation": (
            "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler"
        ),
        "sklearn.manifold": "Isomap LocallyLinearEmbedding",
        "sklearn.model_selection": "GridSearchCV RandomizedSearchCV",
        "sklearn.neighbors": (
            "KNeighborsTransformer NeighborhoodComponentsAnalysis RadiusNeighborsTransformer"
        ),
        "sklearn.neural_network": "BernoulliRBM",
        "sklearn.pipeline": "FeatureUnion Pipeline",
        "sklearn.preprocessing": (
            "Binarizer FunctionTransformer KBinsDiscretizer KernelCenterer LabelBinarizer LabelEncoder "
            "MaxAbsScaler MinMaxScaler MultiLabelBinarizer Normalizer OneHotEncoder OrdinalEncoder "
            "PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler SplineTransformer "
            "StandardScaler TargetEncoder"
        ),
        "sklearn.random_projection": "GaussianRandomProjection SparseRandomProjection",
    }
)

_MODELS: Final = MappingProxyType(
    {
        "sklearn.calibration": "CalibratedClassifierCV",
        "sklearn.cluster": "AffinityPropagation Birch BisectingKMeans KMeans MeanShift MiniBatchKMeans",
        "sklearn.compose": "TransformedTargetRegressor",
        "sklearn.covariance": "EllipticEnvelope",
        "sklearn.cross_decomposition": "CCA PLSCanonical PLSRegression",
        "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
        "sklearn.dummy": "DummyClassifier DummyRegressor",
        "sklearn.ensemble": (
            "AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor ExtraTreesClassifier "
            "ExtraTreesRegressor GradientBoostingClassifier GradientBoostingRegressor "
            "HistGradientBoostingClassifier HistGradientBoostingRegressor IsolationForest "
            "RandomForestClassifier RandomForestRegressor StackingClassifier StackingRegressor "
            "VotingClassifier VotingRegressor"
        ),
        "sklearn.feature_selection": "RFE RFECV",
        "sklearn.gaussian_process": "GaussianProcessClassifier GaussianProcessRegressor",
        "sklearn.isotonic": "IsotonicRegression",
        "sklearn.kernel_ridge": "KernelRidge",
        "sklearn.linear_model": (
            "ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor Lars LarsCV "
            "Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression LogisticRegression "
            "LogisticRegressionCV MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV "
            "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV PassiveAggressiveClassifier "
            "PassiveAggressiveRegressor Perceptron PoissonRegressor QuantileRegressor RANSACRegressor Ridge "
            "RidgeCV RidgeClassifier RidgeClassifierCV SGDClassifier SGDOneClassSVM SGDRegressor "
            "TheilSenRegressor TweedieRegressor"
        ),
        "sklearn.mixture": "BayesianGaussianMixture GaussianMixture",
        "sklearn.model_selection": (
            "FixedThresholdClassifier GridSearchCV RandomizedSearchCV TunedThresholdClassifierCV"
        ),
        "sklearn.multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier",
        "sklearn.multioutput": ("ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain"),
        "sklearn.naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
        "sklearn.neighbors": (
            "KNeighborsClassifier KNeighborsRegressor LocalOutlierFactor NearestCentroid "
            "RadiusNeighborsClassifier RadiusNeighborsRegressor"
        ),
        "sklearn.neural_network": "MLPClassifier MLPRegressor",
        "sklearn.pipeline": "Pipeline",
        "sklearn.semi_supervised": "LabelPropagation LabelSpreading SelfTrainingClassifier",
        "sklearn.svm": "LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR",
        "sklearn.tree": (
            "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor"
        ),
    }
)


@hookimpl
def maas_sdk_preprocessors() -> Iterator[ComponentSpec]:
    """Declare what has `transform`."""
    return _specs(_PREPROCESSORS)


@hookimpl
def maas_sdk_models() -> Iterator[ComponentSpec]:
    """Declare what has `predict`."""
    return _specs(_MODELS)


def _specs(table: Mapping[str, str]) -> Iterator[ComponentSpec]:
    for module, names in table.items():
        for name in names.split():
            yield ComponentSpec(name, f"{module}:{name}")
