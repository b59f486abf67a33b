"""Fits every estimator of scikit-learn, in many ways, asks it all it can answer, and compares answers.

``natural(name)`` is the estimator as most people use it, ``variants()`` what exercises other state. Works
with scikit-learn 1.6 to 1.9.
"""

import contextlib
import copy
import functools
import importlib.util
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from scipy import sparse, stats
from sklearn import (
    calibration,
    cluster,
    compose,
    covariance,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_selection,
    frozen,
    gaussian_process,
    isotonic,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    manifold,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    semi_supervised,
    svm,
    tree,
)
from sklearn.base import is_classifier, is_regressor
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction import DictVectorizer, FeatureHasher, text
from sklearn.gaussian_process import kernels
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils import all_estimators, check_random_state
from threadpoolctl import ThreadpoolController

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    CLASSES: dict[str, type] = dict(all_estimators())
NAMES: list[str] = list(CLASSES)
THREADS = ThreadpoolController()

# ---------------------------------------------------------------------------------------------- the data

COUNT = 80
RNG = np.random.default_rng(0)
KIND = np.arange(COUNT) % 3
X = RNG.normal(size=(COUNT, 5)) + np.array([[0, 0, 0, 0, 0], [2, -1, 0, 1, 0], [-1, 2, 1, 0, 0]])[KIND]
LABELS = np.array(["cat", "dog", "owl"])[KIND]
BINARY = np.where(X[:, 0] + RNG.normal(size=COUNT) > 0.3, "yes", "no")
MULTILABEL = np.c_[KIND == 0, X[:, 1] > 0, X[:, 0] + X[:, 2] > 0.5].astype(np.int64)
TARGET = 2 * X[:, 0] - X[:, 1] + 0.5 * RNG.normal(size=COUNT)
TARGETS = np.c_[TARGET, X[:, 2] + 0.3 * X[:, 3] + 0.1 * RNG.normal(size=COUNT)]
POSITIVE = np.exp(TARGET / 4)
EVENTS = RNG.poisson(POSITIVE).astype(float)
COUNTS = RNG.poisson(2, size=(COUNT, 8)).astype(float) + np.eye(3, 8)[KIND] * 4
CODES = RNG.integers(0, 4, size=(COUNT, 3))
UNIT = RNG.uniform(size=(COUNT, 6))
HOLES = np.where(RNG.uniform(size=X.shape) < 0.1, np.nan, X)
HOLES[0] = np.nan, *X[0, 1:]
SPARSE = sparse.csr_matrix(np.where(np.abs(X) > 0.7, X, 0.0))
PARTLY = np.where(np.arange(COUNT) % 4 == 3, -1, KIND)
PLACES = np.radians(np.c_[RNG.uniform(-60, 60, COUNT), RNG.uniform(-180, 180, COUNT)])
IMAGES = RNG.uniform(size=(6, 8, 8))
KERNEL = rbf_kernel(X)
TAGS = [("red", "big"), ("blue",), ("red",), (), ("green", "small", "blue")] * 12
CITIES = np.array(["Oslo", "Bergen", "Tromsø", "Bodø"])
WORDS = np.empty((COUNT, 2), dtype=object)
WORDS[:, 0] = CITIES[RNG.integers(0, 4, COUNT)]
WORDS[:, 1] = np.array(["low", "mid", "high"])[RNG.integers(0, 3, COUNT)]
GAPPY = WORDS.copy()
GAPPY[::9, 0] = np.nan
GAPPY[4::11, 1] = np.nan
MIXED = GAPPY.copy()
MIXED[2::10, 0] = None
RARE = WORDS.copy()
RARE[:2, 0] = "Vardø", "Hamar"
UNSEEN = RARE.copy()
UNSEEN[3] = "Paris", "top"
SETTING = [
    "the",
    "a",
    "cat",
    "dog",
    "owl",
    "sat",
    "ran",
    "flew",
    "over",
    "under",
    "mat",
    "tree",
    "moon",
    "café",
    "and",
    "then",
    "slept",
    "42",
    "times",
]
DOCUMENTS = [" ".join(RNG.choice(SETTING, size=RNG.integers(4, 12))).capitalize() + "." for _ in range(COUNT)]
RECORDS = [{"city": str(city), "size": float(size)} for city, size in zip(WORDS[:, 0], X[:, 0], strict=True)]
FRAME = pd.DataFrame(
    {
        "age": HOLES[:, 0],
        "income": X[:, 1] * 10,
        "rooms": CODES[:, 0],
        "city": WORDS[:, 0],
        "grade": pd.Categorical(WORDS[:, 1], categories=["low", "mid", "high"]),
    }
)
HISTOGRAM_X = np.c_[HOLES[:, :3], np.where(np.arange(COUNT) % 13 == 5, np.nan, CODES[:, 1])]
WEIGHTS = RNG.uniform(0.5, 2, COUNT)


# --------------------------------------------------------------------------------------------- the cases


@dataclass(frozen=True)
class Case:
    """A fitted estimator, and rows to ask it about."""

    name: str
    estimator: Any
    rows: Any
    y: Any = None


@contextlib.contextmanager
def quietly():
    """Without warnings, and in one thread: for so little data, several are slow where others work, too."""
    with warnings.catch_warnings(), THREADS.limit(limits=1):
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Recipe:
    """How a case comes about: ``how`` fits, if ``fit`` is not enough.

    The case holds copies. For BLAS rounds otherwise for a slice of an array than for an array of its own,
    and otherwise for the product of an array with itself than with its copy: no loaded estimator could give
    the same bits.
    """

    estimator: Any
    X: Any
    y: Any = None
    rows: Any = None
    how: Callable | None = None
    weights: Any = None

    def cook(self, name) -> Case:
        estimator = self.estimator
        with quietly():
            if self.how is not None:
                self.how(estimator, self.X, self.y)
            else:
                arguments = () if self.y is None else (self.y,)
                options = {} if self.weights is None else {"sample_weight": self.weights}
                estimator.fit(self.X, *arguments, **options)
            everyone = check_random_state(None)  # what is without a seed shares this generator, copied or not
            estimator = copy.deepcopy(estimator, {id(everyone): everyone})
        return Case(name, estimator, copy.deepcopy(self.X if self.rows is None else self.rows), self.y)


def make(name, *arguments, **options):
    """Construct by name, with ``random_state=0`` where that is an option."""
    kind = CLASSES[name]
    if "random_state" in inspect.signature(kind).parameters:
        options.setdefault("random_state", 0)
    with quietly():
        return kind(*arguments, **options)


def logistic(**options):
    return linear_model.LogisticRegression(**{"max_iter": 200, **options})


def shallow(**options):
    return tree.DecisionTreeClassifier(**{"max_depth": 3, "random_state": 0, **options})


def three_classifiers():
    return [("logistic", logistic()), ("tree", shallow()), ("bayes", naive_bayes.GaussianNB())]


def three_regressors():
    return [
        ("ridge", linear_model.Ridge()),
        ("tree", tree.DecisionTreeRegressor(max_depth=3, random_state=0)),
        ("near", neighbors.KNeighborsRegressor(3)),
    ]


def columns(**options):
    """A transformer of FRAME as people write it."""
    numbers = pipeline.make_pipeline(SimpleImputer(strategy="median"), preprocessing.StandardScaler())
    words = preprocessing.OneHotEncoder(handle_unknown="ignore")
    return compose.ColumnTransformer(
        [("numbers", numbers, ["age", "income"]), ("words", words, ["city", "grade"])], **options
    )


SCORES = {"C": [0.1, 1.0, 10.0]}

# What is natural where it is not the default.
OPTIONS = {
    "AdaBoostClassifier": {"n_estimators": 4},
    "AdaBoostRegressor": {"n_estimators": 4},
    "BaggingClassifier": {"n_estimators": 4},
    "BaggingRegressor": {"n_estimators": 4},
    "BernoulliRBM": {"n_components": 4, "n_iter": 3},
    "BayesianGaussianMixture": {"n_components": 3},
    "BisectingKMeans": {"n_clusters": 3},
    "CCA": {"n_components": 2},
    "DBSCAN": {"eps": 1.5},
    "DictionaryLearning": {"n_components": 4, "max_iter": 5},
    "ElasticNet": {"alpha": 0.1},
    "ElasticNetCV": {"n_alphas": 10, "cv": 3} if VERSION < (1, 7) else {"alphas": 10, "cv": 3},
    "ExtraTreesClassifier": {"n_estimators": 4},
    "ExtraTreesRegressor": {"n_estimators": 4},
    "FactorAnalysis": {"n_components": 2},
    "FeatureHasher": {"n_features": 16},
    "GaussianMixture": {"n_components": 3},
    "GaussianRandomProjection": {"n_components": 3},
    "GenericUnivariateSelect": {"mode": "k_best", "param": 2},
    "GradientBoostingClassifier": {"n_estimators": 4},
    "GradientBoostingRegressor": {"n_estimators": 4},
    "GraphicalLassoCV": {"alphas": 3, "cv": 3},
    "HashingVectorizer": {"n_features": 32},
    "HistGradientBoostingClassifier": {"max_iter": 4, "categorical_features": [3]},
    "HistGradientBoostingRegressor": {"max_iter": 4, "categorical_features": [3]},
    "HDBSCAN": {"min_cluster_size": 5, "copy": True} if VERSION >= (1, 9) else {"min_cluster_size": 5},
    "IsolationForest": {"n_estimators": 4},
    "IterativeImputer": {"max_iter": 3},
    "KBinsDiscretizer": {"n_bins": 4},
    "KMeans": {"n_clusters": 3},
    "KernelPCA": {"n_components": 3, "kernel": "rbf"},
    "Lasso": {"alpha": 0.1},
    "LassoCV": {"n_alphas": 10, "cv": 3} if VERSION < (1, 7) else {"alphas": 10, "cv": 3},
    "LassoLars": {"alpha": 0.1},
    "LatentDirichletAllocation": {"n_components": 3, "max_iter": 3},
    "LogisticRegressionCV": {"Cs": 3, "cv": 3, "max_iter": 200},
    "MDS": {"n_init": 1, "max_iter": 30},
    "MLPClassifier": {"hidden_layer_sizes": (6,), "max_iter": 15},
    "MLPRegressor": {"hidden_layer_sizes": (6,), "max_iter": 15},
    "MiniBatchDictionaryLearning": {"n_components": 4, "max_iter": 5},
    "MiniBatchKMeans": {"n_clusters": 3},
    "MiniBatchNMF": {"n_components": 3, "max_iter": 5},
    "MiniBatchSparsePCA": {"n_components": 3, "max_iter": 5},
    "MultiTaskElasticNetCV": {"n_alphas": 10, "cv": 3} if VERSION < (1, 7) else {"alphas": 10, "cv": 3},
    "MultiTaskLassoCV": {"n_alphas": 10, "cv": 3} if VERSION < (1, 7) else {"alphas": 10, "cv": 3},
    "NMF": {"n_components": 3},
    "NeighborhoodComponentsAnalysis": {"n_components": 2, "max_iter": 10},
    "NuSVC": {"nu": 0.3},
    "Nystroem": {"n_components": 10},
    "OPTICS": {"min_samples": 4},
    "OneHotEncoder": {"handle_unknown": "ignore"},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "PCA": {"n_components": 3},
    "PassiveAggressiveClassifier": {"max_iter": 50},
    "PatchExtractor": {"patch_size": (3, 3), "max_patches": 4},
    "PolynomialCountSketch": {"n_components": 10},
    "QuantileRegressor": {"alpha": 0.1},
    "QuantileTransformer": {"n_quantiles": 20},
    "RBFSampler": {"n_components": 10},
    "RadiusNeighborsClassifier": {"radius": 3.0},
    "RadiusNeighborsRegressor": {"radius": 3.0},
    "RandomForestClassifier": {"n_estimators": 4},
    "RandomForestRegressor": {"n_estimators": 4},
    "RandomTreesEmbedding": {"n_estimators": 4, "max_depth": 3},
    "SelectKBest": {"k": 3},
    "SelectPercentile": {"percentile": 50},
    "SimpleImputer": {"strategy": "most_frequent"},
    "SkewedChi2Sampler": {"n_components": 10},
    "SparsePCA": {"n_components": 3, "max_iter": 10},
    "SparseRandomProjection": {"n_components": 3},
    "SpectralBiclustering": {"n_clusters": 2, "n_components": 3, "n_best": 2},
    "SpectralClustering": {"n_clusters": 3},
    "SpectralCoclustering": {"n_clusters": 3},
    "TSNE": {"perplexity": 10, "max_iter": 250},
    "TheilSenRegressor": {"max_subpopulation": 100},
    "TweedieRegressor": {"power": 1.5},
}

# The data of those that do not learn X and labels, X and a target, or X alone.
DATA = {
    "AdditiveChi2Sampler": (COUNTS,),
    "BernoulliNB": (COUNTS > 2, LABELS),
    "BernoulliRBM": (UNIT,),
    "CCA": (X, TARGETS),
    "CategoricalNB": (CODES, LABELS),
    "ComplementNB": (COUNTS, LABELS),
    "CountVectorizer": (DOCUMENTS,),
    "DictVectorizer": (RECORDS,),
    "FeatureHasher": (RECORDS,),
    "GammaRegressor": (X, POSITIVE),
    "GenericUnivariateSelect": (X, LABELS),
    "HashingVectorizer": (DOCUMENTS,),
    "HistGradientBoostingClassifier": (HISTOGRAM_X, LABELS),
    "HistGradientBoostingRegressor": (HISTOGRAM_X, TARGET),
    "IsotonicRegression": (X[:, 0], TARGET),
    "IterativeImputer": (HOLES,),
    "KNNImputer": (HOLES,),
    "KernelCenterer": (KERNEL,),
    "LabelBinarizer": (LABELS,),
    "LabelEncoder": (LABELS,),
    "LabelPropagation": (X, PARTLY),
    "LabelSpreading": (X, PARTLY),
    "LatentDirichletAllocation": (COUNTS,),
    "LinearDiscriminantAnalysis": (X, LABELS),
    "MiniBatchNMF": (COUNTS,),
    "MissingIndicator": (HOLES,),
    "MultiLabelBinarizer": (TAGS,),
    "MultiTaskElasticNet": (X, TARGETS),
    "MultiTaskElasticNetCV": (X, TARGETS),
    "MultiTaskLasso": (X, TARGETS),
    "MultiTaskLassoCV": (X, TARGETS),
    "MultinomialNB": (COUNTS, LABELS),
    "NMF": (COUNTS,),
    "NeighborhoodComponentsAnalysis": (X, LABELS),
    "OneHotEncoder": (GAPPY,),
    "OrdinalEncoder": (GAPPY,),
    "PLSCanonical": (X, TARGETS),
    "PLSRegression": (X, TARGETS),
    "PLSSVD": (X, TARGETS),
    "PatchExtractor": (IMAGES,),
    "PoissonRegressor": (X, EVENTS),
    "SelectFdr": (X, LABELS),
    "SelectFpr": (X, LABELS),
    "SelectFwe": (X, LABELS),
    "SelectKBest": (X, LABELS),
    "SelectPercentile": (X, LABELS),
    "SimpleImputer": (GAPPY,),
    "SkewedChi2Sampler": (COUNTS,),
    "SpectralCoclustering": (COUNTS,),
    "TargetEncoder": (GAPPY, TARGET),
    "TfidfTransformer": (COUNTS,),
    "TfidfVectorizer": (DOCUMENTS,),
    "TweedieRegressor": (X, EVENTS),
}

# Those made of others: the arguments, then the data.
COMPOSED = {
    "CalibratedClassifierCV": lambda: ((svm.LinearSVC(random_state=0),), {"cv": 3}, X, LABELS),
    "ClassifierChain": lambda: ((logistic(),), {}, X, MULTILABEL),
    "ColumnTransformer": lambda: ((columns().transformers,), {}, FRAME, None),
    "FeatureUnion": lambda: (
        ([("pca", decomposition.PCA(2)), ("best", feature_selection.SelectKBest(k=2))],),
        {},
        X,
        LABELS,
    ),
    "FixedThresholdClassifier": lambda: ((logistic(),), {"threshold": 0.4, "pos_label": "yes"}, X, BINARY),
    "FrozenEstimator": lambda: ((logistic().fit(X, LABELS),), {}, X, LABELS),
    "FunctionTransformer": lambda: ((np.log1p,), {}, COUNTS, None),
    "GridSearchCV": lambda: ((logistic(), SCORES), {"cv": 3}, X, LABELS),
    "HalvingGridSearchCV": lambda: ((logistic(), SCORES), {"cv": 2, "factor": 2}, X, LABELS),
    "HalvingRandomSearchCV": lambda: (
        (logistic(), {"C": [0.1, 0.5, 1.0, 5.0]}),
        {"cv": 2, "factor": 2},
        X,
        LABELS,
    ),
    "MultiOutputClassifier": lambda: ((logistic(),), {}, X, np.c_[LABELS, BINARY]),
    "MultiOutputRegressor": lambda: ((linear_model.Ridge(),), {}, X, TARGETS),
    "OneVsOneClassifier": lambda: ((svm.LinearSVC(random_state=0),), {}, X, LABELS),
    "OneVsRestClassifier": lambda: ((logistic(),), {}, X, LABELS),
    "OutputCodeClassifier": lambda: ((logistic(),), {}, X, LABELS),
    "Pipeline": lambda: (
        ([("scale", preprocessing.StandardScaler()), ("logistic", logistic())],),
        {},
        X,
        LABELS,
    ),
    "RFE": lambda: ((logistic(),), {"n_features_to_select": 3}, X, LABELS),
    "RFECV": lambda: ((logistic(),), {"cv": 3}, X, LABELS),
    "RandomizedSearchCV": lambda: ((logistic(), SCORES), {"cv": 3, "n_iter": 2}, X, LABELS),
    "RegressorChain": lambda: ((linear_model.Ridge(),), {}, X, TARGETS),
    "SelectFromModel": lambda: ((logistic(),), {}, X, LABELS),
    "SelfTrainingClassifier": lambda: ((logistic(),), {}, X, PARTLY),
    "SequentialFeatureSelector": lambda: ((logistic(),), {"n_features_to_select": 2, "cv": 2}, X, LABELS),
    "SparseCoder": lambda: (
        (X[:6] / np.linalg.norm(X[:6], axis=1, keepdims=True),),
        {"transform_n_nonzero_coefs": 2},
        X,
        None,
    ),
    "StackingClassifier": lambda: ((three_classifiers(),), {"cv": 3}, X, LABELS),
    "StackingRegressor": lambda: ((three_regressors(),), {"cv": 3}, X, TARGET),
    "TransformedTargetRegressor": lambda: (
        (linear_model.LinearRegression(),),
        {"func": np.log1p, "inverse_func": np.expm1},
        X,
        EVENTS,
    ),
    "TunedThresholdClassifierCV": lambda: ((logistic(),), {"cv": 3}, X, BINARY),
    "VotingClassifier": lambda: ((three_classifiers(),), {}, X, LABELS),
    "VotingRegressor": lambda: ((three_regressors(),), {}, X, TARGET),
}


@functools.cache
def natural(name) -> Case:
    """Fit the estimator of this name as most people would."""
    if name in COMPOSED:
        with quietly():
            arguments, options, rows, y = COMPOSED[name]()
        return Recipe(make(name, *arguments, **options), rows, y).cook(name)
    estimator = make(name, **OPTIONS.get(name, {}))
    if name in DATA:
        return Recipe(estimator, *DATA[name]).cook(name)
    if is_classifier(estimator):
        return Recipe(estimator, X, LABELS).cook(name)
    return Recipe(estimator, X, TARGET if is_regressor(estimator) else None).cook(name)


# ------------------------------------------------------------------------------------------- the variants


def _support_vectors():
    linear, poly = {"kernel": "linear"}, {"kernel": "poly", "degree": 2, "coef0": 1.0}
    return {
        "SVC, linear kernel": Recipe(svm.SVC(**linear), X, LABELS),
        "SVC, polynomial kernel": Recipe(svm.SVC(**poly), X, LABELS),
        "SVC, rbf kernel of given gamma, class weights": Recipe(
            svm.SVC(gamma=0.2, class_weight={"cat": 2.0, "dog": 1.0}), X, LABELS
        ),
        "SVC, sigmoid kernel": Recipe(svm.SVC(kernel="sigmoid", gamma="auto"), X, LABELS),
        "SVC, precomputed kernel": Recipe(svm.SVC(kernel="precomputed"), KERNEL, LABELS),
        "SVC, sparse rows": Recipe(svm.SVC(), SPARSE, LABELS),
        "SVC, linear kernel, sparse rows": Recipe(svm.SVC(**linear), SPARSE, LABELS),
        "SVC, probability": Recipe(svm.SVC(probability=True, random_state=0), X, LABELS),
        "SVC, probability, two classes": Recipe(svm.SVC(probability=True, random_state=0), X, BINARY),
        "SVC, two classes": Recipe(svm.SVC(), X, BINARY),
        "SVC, one against one, breaking no ties": Recipe(svm.SVC(decision_function_shape="ovo"), X, LABELS),
        "SVC, breaking ties": Recipe(svm.SVC(break_ties=True, class_weight="balanced"), X, LABELS),
        "SVC, sample weights": Recipe(svm.SVC(), X, LABELS, weights=WEIGHTS),
        "SVC, float32 rows": Recipe(svm.SVC(), X.astype(np.float32), LABELS),
        "NuSVC, probability": Recipe(svm.NuSVC(nu=0.3, probability=True, random_state=0), X, LABELS),
        "NuSVC, polynomial kernel, two classes": Recipe(svm.NuSVC(nu=0.3, **poly), X, BINARY),
        "SVR, linear kernel": Recipe(svm.SVR(**linear), X, TARGET),
        "SVR, sparse rows": Recipe(svm.SVR(), SPARSE, TARGET),
        "NuSVR, polynomial kernel": Recipe(svm.NuSVR(nu=0.4, **poly), X, TARGET),
        "NuSVR, precomputed kernel": Recipe(svm.NuSVR(kernel="precomputed"), KERNEL, TARGET),
        "LinearSVC, two classes, primal": Recipe(svm.LinearSVC(dual=False), X, BINARY),
        "LinearSVC, L1": Recipe(svm.LinearSVC(penalty="l1", dual=False, random_state=0), X, LABELS),
        "LinearSVC, Crammer and Singer": Recipe(
            svm.LinearSVC(multi_class="crammer_singer", random_state=0), X, LABELS
        ),
        "LinearSVR, squared loss, no intercept": Recipe(
            svm.LinearSVR(loss="squared_epsilon_insensitive", fit_intercept=False, random_state=0), X, TARGET
        ),
        "OneClassSVM, linear kernel": Recipe(svm.OneClassSVM(nu=0.2, **linear), X),
        "OneClassSVM, sparse rows": Recipe(svm.OneClassSVM(nu=0.2), SPARSE),
        "SGDOneClassSVM, averaged": Recipe(
            linear_model.SGDOneClassSVM(average=True, random_state=0), X.astype(np.float32)
        ),
    }


def _neighbours():
    near, reach = neighbors.KNeighborsClassifier, neighbors.RadiusNeighborsClassifier
    recipes = {
        f"KNeighborsClassifier, {algorithm}, {metric}": Recipe(
            near(3, algorithm=algorithm, metric=metric, **options), rows, LABELS
        )
        for algorithm, metric, options, rows in [
            ("brute", "euclidean", {}, X),
            ("brute", "cosine", {}, X),
            ("brute", "haversine", {}, PLACES),
            ("brute", "hamming", {}, CODES),
            ("kd_tree", "euclidean", {"leaf_size": 5}, X),
            ("kd_tree", "manhattan", {}, X),
            ("kd_tree", "minkowski", {"p": 3}, X),
            ("kd_tree", "chebyshev", {}, X),
            ("ball_tree", "euclidean", {"leaf_size": 5}, X),
            ("ball_tree", "haversine", {}, PLACES),
            ("ball_tree", "hamming", {}, CODES),
            ("ball_tree", "minkowski", {"p": 1.5}, X),
            ("ball_tree", "seuclidean", {"metric_params": {"V": X.var(axis=0)}}, X),
            ("ball_tree", "mahalanobis", {"metric_params": {"VI": np.linalg.inv(np.cov(X.T))}}, X),
            ("auto", "minkowski", {"p": 2, "metric_params": {"w": np.arange(1.0, 6)}}, X),
            ("auto", "manhattan", {}, SPARSE),
        ]
    }
    return recipes | {
        "KNeighborsClassifier, weighted by distance": Recipe(near(weights="distance"), X, LABELS),
        "KNeighborsClassifier, sparse rows": Recipe(near(), SPARSE, LABELS),
        "KNeighborsClassifier, several outputs": Recipe(near(), X, np.c_[LABELS, BINARY]),
        "KNeighborsClassifier, multilabel": Recipe(near(), X, MULTILABEL),
        "KNeighborsClassifier, float32 rows": Recipe(near(algorithm="kd_tree"), X.astype(np.float32), LABELS),
        "KNeighborsClassifier, precomputed": Recipe(near(metric="precomputed"), 1 - KERNEL, LABELS),
        "KNeighborsClassifier, a frame": Recipe(near(), FRAME[["income", "rooms"]], LABELS),
        "KNeighborsRegressor, two targets by distance": Recipe(
            neighbors.KNeighborsRegressor(weights="distance", algorithm="ball_tree"), X, TARGETS
        ),
        "KNeighborsRegressor, sparse rows": Recipe(neighbors.KNeighborsRegressor(), SPARSE, TARGET),
        "RadiusNeighborsClassifier, outliers": Recipe(
            reach(0.9, outlier_label="owl", algorithm="kd_tree"), X, LABELS, rows=X + 0.3
        ),
        "RadiusNeighborsClassifier, outliers most frequent, by distance": Recipe(
            reach(0.9, outlier_label="most_frequent", weights="distance"), X, LABELS, rows=X + 0.3
        ),
        "RadiusNeighborsClassifier, without an answer": Recipe(reach(0.1), X, LABELS, rows=X + 9),
        "RadiusNeighborsRegressor, brute": Recipe(
            neighbors.RadiusNeighborsRegressor(2.0, algorithm="brute", metric="cosine"), X, TARGETS
        ),
        "NearestNeighbors, ball tree": Recipe(
            neighbors.NearestNeighbors(algorithm="ball_tree", metric="canberra"), X
        ),
        "KNeighborsTransformer, connectivity": Recipe(
            neighbors.KNeighborsTransformer(mode="connectivity"), X
        ),
        "NearestCentroid, manhattan": Recipe(neighbors.NearestCentroid(metric="manhattan"), X, LABELS),
        "NearestCentroid, shrunk": Recipe(neighbors.NearestCentroid(shrink_threshold=0.3), X, LABELS),
        "NearestCentroid, sparse rows": Recipe(neighbors.NearestCentroid(), SPARSE, LABELS),
        "LocalOutlierFactor, novelty": Recipe(
            neighbors.LocalOutlierFactor(10, novelty=True), X, rows=X * 1.5
        ),
        "LocalOutlierFactor, novelty, contamination, brute": Recipe(
            neighbors.LocalOutlierFactor(10, novelty=True, contamination=0.1, algorithm="brute"), X
        ),
        "NeighborhoodComponentsAnalysis, lda": Recipe(
            neighbors.NeighborhoodComponentsAnalysis(2, init="lda", max_iter=5, random_state=0), X, LABELS
        ),
        "KernelDensity, tophat on a k-d tree": Recipe(
            neighbors.KernelDensity(bandwidth=2.0, kernel="tophat", algorithm="kd_tree", leaf_size=10), X
        ),
        "KernelDensity, sample weights": Recipe(
            neighbors.KernelDensity(bandwidth="scott"), X, weights=WEIGHTS
        ),
        "KernelDensity, exponential on a ball tree, haversine": Recipe(
            neighbors.KernelDensity(
                bandwidth=0.5, kernel="exponential", algorithm="ball_tree", metric="haversine"
            ),
            PLACES,
        ),
        "KernelDensity, Silverman": Recipe(neighbors.KernelDensity(bandwidth="silverman", rtol=1e-4), X),
    }


def _trees():
    classify, regress = tree.DecisionTreeClassifier, tree.DecisionTreeRegressor
    return {
        "DecisionTreeClassifier, best first": Recipe(classify(max_leaf_nodes=7, random_state=0), X, LABELS),
        "DecisionTreeClassifier, missing values": Recipe(
            classify(max_depth=5, random_state=0), HOLES, LABELS
        ),
        "DecisionTreeClassifier, several outputs": Recipe(
            classify(max_depth=4, random_state=0), X, np.c_[LABELS, BINARY]
        ),
        "DecisionTreeClassifier, multilabel": Recipe(classify(max_depth=4, random_state=0), X, MULTILABEL),
        "DecisionTreeClassifier, monotonic": Recipe(
            classify(monotonic_cst=[1, 0, -1, 0, 0], max_depth=4, random_state=0), X, BINARY
        ),
        "DecisionTreeClassifier, entropy": Recipe(
            classify(criterion="entropy", random_state=0, class_weight="balanced"), X, LABELS
        ),
        "DecisionTreeClassifier, log loss, pruned": Recipe(
            classify(criterion="log_loss", ccp_alpha=0.02, random_state=0), X, LABELS
        ),
        "DecisionTreeClassifier, a stump": Recipe(classify(max_depth=1, random_state=0), X, LABELS),
        "DecisionTreeClassifier, a single leaf": Recipe(classify(min_samples_leaf=60), X, LABELS),
        "DecisionTreeClassifier, one class": Recipe(classify(), X, np.full(COUNT, "cat")),
        "DecisionTreeClassifier, sparse rows": Recipe(classify(random_state=0), SPARSE, LABELS),
        "DecisionTreeClassifier, sample weights": Recipe(
            classify(random_state=0, max_features=2), X, LABELS, weights=WEIGHTS
        ),
        "DecisionTreeClassifier, a generator": Recipe(
            classify(max_features=2, random_state=np.random.RandomState(3)),
            X,
            LABELS,
        ),
        "DecisionTreeRegressor, absolute error": Recipe(
            regress(criterion="absolute_error", max_depth=3, random_state=0), X, TARGET
        ),
        "DecisionTreeRegressor, Poisson": Recipe(
            regress(criterion="poisson", max_depth=3, random_state=0), X, EVENTS
        ),
        "DecisionTreeRegressor, Friedman": Recipe(
            regress(criterion="friedman_mse", max_depth=3, random_state=0), X, TARGET
        ),
        "DecisionTreeRegressor, random splits, several outputs": Recipe(
            regress(splitter="random", max_depth=5, random_state=0), X, TARGETS
        ),
        "DecisionTreeRegressor, a frame": Recipe(
            regress(max_depth=4, random_state=0), FRAME[["age", "income", "rooms"]], TARGET
        ),
        "ExtraTreeClassifier, best first": Recipe(
            tree.ExtraTreeClassifier(max_leaf_nodes=6, random_state=0), X, LABELS
        ),
    }


def _grow(estimator, rows, y):
    estimator.fit(rows, y)
    estimator.set_params(**{_size(estimator): 7}).fit(rows, y)


def _size(estimator):
    return "n_estimators" if hasattr(estimator, "n_estimators") else "max_iter"


def _forests():
    few = {"n_estimators": 4, "random_state": 0}
    classify, regress = ensemble.RandomForestClassifier, ensemble.RandomForestRegressor
    return {
        "RandomForestClassifier, sparse rows": Recipe(classify(**few), SPARSE, LABELS),
        "RandomForestClassifier, no bootstrap": Recipe(classify(bootstrap=False, **few), X, LABELS),
        "RandomForestClassifier, out of bag": Recipe(classify(20, oob_score=True, random_state=0), X, LABELS),
        "RandomForestClassifier, grown": Recipe(classify(warm_start=True, **few), X, LABELS, how=_grow),
        "RandomForestClassifier, several outputs": Recipe(classify(**few), X, np.c_[LABELS, BINARY]),
        "RandomForestClassifier, multilabel": Recipe(classify(**few), X, MULTILABEL),
        "RandomForestClassifier, class weights": Recipe(
            classify(class_weight={"cat": 3, "dog": 1, "owl": 1}, max_samples=0.8, **few), X, LABELS
        ),
        "RandomForestClassifier, balanced subsamples": Recipe(
            classify(class_weight="balanced_subsample", max_leaf_nodes=6, **few), X, BINARY
        ),
        "RandomForestClassifier, missing values": Recipe(classify(**few), HOLES, LABELS),
        "RandomForestClassifier, without a seed": Recipe(classify(3), X, LABELS),
        "RandomForestClassifier, integer labels": Recipe(classify(**few), X, KIND * 10 - 5),
        "RandomForestClassifier, float32 rows, a frame": Recipe(
            classify(**few), FRAME[["age", "income"]].astype(np.float32), LABELS
        ),
        "RandomForestRegressor, two targets": Recipe(regress(max_depth=4, **few), X, TARGETS),
        "RandomForestRegressor, monotonic": Recipe(
            regress(monotonic_cst=[1, -1, 0, 0, 0], max_depth=4, **few), X, TARGET
        ),
        "RandomForestRegressor, Poisson, out of bag": Recipe(
            regress(15, criterion="poisson", oob_score=True, random_state=0), X, EVENTS
        ),
        "ExtraTreesClassifier, bootstrap": Recipe(
            ensemble.ExtraTreesClassifier(bootstrap=True, criterion="entropy", **few), X, LABELS
        ),
        "ExtraTreesRegressor, missing values": Recipe(ensemble.ExtraTreesRegressor(**few), HOLES, TARGET),
        "RandomTreesEmbedding, dense": Recipe(
            ensemble.RandomTreesEmbedding(sparse_output=False, max_depth=2, **few), X
        ),
        "IsolationForest, contamination": Recipe(
            ensemble.IsolationForest(contamination=0.1, max_samples=30, **few), X
        ),
        "IsolationForest, some features, bootstrap": Recipe(
            ensemble.IsolationForest(max_features=2, bootstrap=True, **few), X
        ),
        "IsolationForest, sparse rows": Recipe(ensemble.IsolationForest(**few), SPARSE),
        "IsolationForest, grown": Recipe(ensemble.IsolationForest(warm_start=True, **few), X, how=_grow),
    }


def _boosting():
    few = {"n_estimators": 4, "random_state": 0}
    classify, regress = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
    recipes = {
        "GradientBoostingClassifier, two classes": Recipe(classify(**few), X, BINARY),
        "GradientBoostingClassifier, exponential": Recipe(classify(loss="exponential", **few), X, BINARY),
        "GradientBoostingClassifier, begun by an estimator": Recipe(
            classify(init=shallow(max_depth=1), **few), X, LABELS
        ),
        "GradientBoostingClassifier, begun at zero, subsamples": Recipe(
            classify(init="zero", subsample=0.7, **few), X, LABELS
        ),
        "GradientBoostingClassifier, early stopping": Recipe(
            classify(n_estimators=20, n_iter_no_change=2, random_state=0, tol=0.01), X, LABELS
        ),
        "GradientBoostingClassifier, grown": Recipe(classify(warm_start=True, **few), X, BINARY, how=_grow),
        "GradientBoostingClassifier, sparse rows": Recipe(classify(**few), SPARSE, LABELS),
        "GradientBoostingRegressor, begun by an estimator": Recipe(
            regress(init=linear_model.LinearRegression(), max_leaf_nodes=5, **few), X, TARGET
        ),
        "AdaBoostClassifier, over logistic regression": Recipe(
            ensemble.AdaBoostClassifier(logistic(), n_estimators=3, random_state=0), X, LABELS
        ),
        "AdaBoostClassifier, two classes": Recipe(ensemble.AdaBoostClassifier(**few), X, BINARY),
        "AdaBoostRegressor, exponential": Recipe(
            ensemble.AdaBoostRegressor(tree.DecisionTreeRegressor(max_depth=2), loss="exponential", **few),
            X,
            TARGET,
        ),
    }
    for loss in ("huber", "quantile", "absolute_error"):
        recipes[f"GradientBoostingRegressor, {loss}"] = Recipe(
            regress(loss=loss, alpha=0.8, **few), X, TARGET
        )
    return recipes | _histograms()


def _histograms():
    few = {"max_iter": 4, "min_samples_leaf": 5, "random_state": 0}
    classify = ensemble.HistGradientBoostingClassifier
    regress = ensemble.HistGradientBoostingRegressor
    frame = FRAME[["age", "income", "grade"]]
    regressors = {
        "Poisson": ({"loss": "poisson"}, X, EVENTS),
        "quantile": ({"loss": "quantile", "quantile": 0.8}, X, TARGET),
        "gamma": ({"loss": "gamma"}, X, POSITIVE),
        "absolute error": ({"loss": "absolute_error", "max_depth": 3}, X, TARGET),
        "monotonic": ({"monotonic_cst": [1, -1, 0, 0, 0]}, X, TARGET),
        "monotonic by name": ({"monotonic_cst": {"income": 1}}, FRAME[["age", "income"]], TARGET),
        "interactions": ({"interaction_cst": [{0, 1}, {2, 3, 4}]}, X, TARGET),
        "pairwise interactions": ({"interaction_cst": "pairwise"}, X, TARGET),
        "few bins": ({"max_bins": 8, "l2_regularization": 1.0}, X, TARGET),
        "categories of a frame": ({"categorical_features": "from_dtype"}, frame, TARGET),
        "categories by name": ({"categorical_features": ["rooms"]}, FRAME[["rooms", "income"]], TARGET),
        "categories by mask": (
            {"categorical_features": np.array([False, False, False, True])},
            HISTOGRAM_X,
            TARGET,
        ),
        "no categories": ({"categorical_features": None}, HOLES, TARGET),
    }
    return {
        f"HistGradientBoostingRegressor, {name}": Recipe(regress(**few, **options), rows, y)
        for name, (options, rows, y) in regressors.items()
    } | {
        "HistGradientBoostingClassifier, two classes": Recipe(classify(**few), X, BINARY),
        "HistGradientBoostingClassifier, more than two classes": Recipe(classify(**few), X, LABELS),
        "HistGradientBoostingClassifier, categories of a frame": Recipe(classify(**few), frame, LABELS),
        "HistGradientBoostingClassifier, early stopping": Recipe(
            classify(**few | {"max_iter": 20}, early_stopping=True, n_iter_no_change=2, scoring="loss"),
            X,
            LABELS,
        ),
        "HistGradientBoostingClassifier, early stopping by score": Recipe(
            classify(
                **few | {"max_iter": 10}, early_stopping=True, validation_fraction=0.2, scoring="accuracy"
            ),
            X,
            BINARY,
        ),
        "HistGradientBoostingClassifier, grown": Recipe(
            classify(**few, warm_start=True), X, LABELS, how=_grow
        ),
        "HistGradientBoostingClassifier, balanced": Recipe(
            classify(**few, class_weight="balanced", max_features=0.5), X, KIND
        ),
    }


def _encoders():
    one_hot, ordinal = preprocessing.OneHotEncoder, preprocessing.OrdinalEncoder
    rare = {"handle_unknown": "infrequent_if_exist", "min_frequency": 3}
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": np.nan}
    return {
        "OneHotEncoder, drop first": Recipe(one_hot(drop="first"), WORDS),
        "OneHotEncoder, drop if binary": Recipe(one_hot(drop="if_binary"), np.c_[BINARY, LABELS]),
        "OneHotEncoder, drop these": Recipe(one_hot(drop=["Oslo", "low"]), WORDS),
        "OneHotEncoder, infrequent": Recipe(one_hot(**rare), RARE, rows=UNSEEN),
        "OneHotEncoder, infrequent, drop first": Recipe(one_hot(drop="first", max_categories=3), RARE),
        "OneHotEncoder, strings, None and nan, dense": Recipe(one_hot(sparse_output=False), MIXED),
        "OneHotEncoder, numbers": Recipe(
            one_hot(handle_unknown="ignore", dtype=np.float32), CODES, rows=CODES + 1
        ),
        "OneHotEncoder, numbers with nan": Recipe(one_hot(), np.where(CODES == 1, np.nan, CODES)),
        "OneHotEncoder, given categories": Recipe(
            one_hot(categories=[list(CITIES[::-1]), ["low", "mid", "high"]]), WORDS
        ),
        "OneHotEncoder, unknown refused": Recipe(one_hot(), RARE, rows=UNSEEN),
        "OneHotEncoder, a frame": Recipe(one_hot(), FRAME[["city", "grade"]]),
        "OneHotEncoder, booleans": Recipe(one_hot(), CODES > 1),
        "OrdinalEncoder, unknown": Recipe(ordinal(**unknown), RARE, rows=UNSEEN),
        "OrdinalEncoder, missing encoded": Recipe(ordinal(encoded_missing_value=-2), GAPPY),
        "OrdinalEncoder, None and nan": Recipe(ordinal(), MIXED),
        "OrdinalEncoder, infrequent": Recipe(ordinal(min_frequency=3, **unknown), RARE, rows=UNSEEN),
        "OrdinalEncoder, integers to int16": Recipe(ordinal(dtype=np.int16), CODES),
        "TargetEncoder, two classes": Recipe(preprocessing.TargetEncoder(random_state=0), GAPPY, BINARY),
        "TargetEncoder, more classes": Recipe(preprocessing.TargetEncoder(random_state=0), GAPPY, LABELS),
        "TargetEncoder, smoothed": Recipe(
            preprocessing.TargetEncoder(smooth=3.0, target_type="continuous"), CODES, TARGET
        ),
        "LabelEncoder, integers": Recipe(preprocessing.LabelEncoder(), KIND * 3),
        "LabelEncoder, objects": Recipe(preprocessing.LabelEncoder(), LABELS.astype(object)),
        "LabelBinarizer, two classes": Recipe(preprocessing.LabelBinarizer(neg_label=-1), BINARY),
        "LabelBinarizer, sparse": Recipe(preprocessing.LabelBinarizer(sparse_output=True), KIND),
        "MultiLabelBinarizer, given classes": Recipe(
            preprocessing.MultiLabelBinarizer(classes=["small", "red", "green", "blue", "big"]), TAGS
        ),
        "MultiLabelBinarizer, integers, sparse": Recipe(
            preprocessing.MultiLabelBinarizer(sparse_output=True), [{1, 2}, {2}, {7, 1}, set()]
        ),
    }


def _scalers():
    bins, spline = preprocessing.KBinsDiscretizer, preprocessing.SplineTransformer
    wider = X * 1.5
    recipes = {
        f"KBinsDiscretizer, {strategy}, {encode}": Recipe(
            bins(3, encode=encode, strategy=strategy, random_state=0), X, rows=wider
        )
        for strategy, encode in [
            ("uniform", "onehot"),
            ("quantile", "onehot-dense"),
            ("kmeans", "ordinal"),
        ]
    }
    for extrapolation in ("error", "constant", "linear", "continue", "periodic"):
        recipes[f"SplineTransformer, {extrapolation}"] = Recipe(
            spline(4, extrapolation=extrapolation), X, rows=wider
        )
    for distribution in ("uniform", "normal"):
        recipes[f"QuantileTransformer, {distribution}"] = Recipe(
            preprocessing.QuantileTransformer(
                n_quantiles=10, output_distribution=distribution, subsample=50, random_state=0
            ),
            HOLES,
        )
    power, polynomial = preprocessing.PowerTransformer, preprocessing.PolynomialFeatures
    return recipes | {
        "SplineTransformer, sparse": Recipe(spline(4, degree=2, sparse_output=True), X),
        "SplineTransformer, given knots": Recipe(
            spline(knots=np.linspace(-5, 5, 6)[:, None].repeat(5, axis=1), include_bias=False), X
        ),
        "SplineTransformer, quantile knots": Recipe(spline(4, knots="quantile"), X),
        "PolynomialFeatures, interactions": Recipe(polynomial(3, interaction_only=True), X),
        "PolynomialFeatures, sparse rows": Recipe(polynomial((2, 3), include_bias=False), SPARSE),
        "QuantileTransformer, sparse rows": Recipe(
            preprocessing.QuantileTransformer(n_quantiles=10, ignore_implicit_zeros=True),
            abs(SPARSE).tocsc(),
        ),
        "PowerTransformer, Box-Cox": Recipe(power(method="box-cox"), np.exp(X)),
        "PowerTransformer, Yeo-Johnson, missing values": Recipe(power(standardize=False), HOLES),
        "StandardScaler, sparse rows": Recipe(preprocessing.StandardScaler(with_mean=False), SPARSE),
        "StandardScaler, missing values": Recipe(preprocessing.StandardScaler(), HOLES),
        "StandardScaler, without a scale": Recipe(preprocessing.StandardScaler(with_std=False), X),
        "StandardScaler, float32 rows": Recipe(preprocessing.StandardScaler(), X.astype(np.float32)),
        "StandardScaler, in parts": Recipe(preprocessing.StandardScaler(), X, how=_in_parts),
        "StandardScaler, a frame": Recipe(preprocessing.StandardScaler(), FRAME[["age", "income"]]),
        "StandardScaler, to pandas": Recipe(
            preprocessing.StandardScaler().set_output(transform="pandas"), FRAME[["age", "income"]]
        ),
        "MinMaxScaler, clipped": Recipe(preprocessing.MinMaxScaler((-1, 1), clip=True), X, rows=wider),
        "MaxAbsScaler, sparse rows": Recipe(preprocessing.MaxAbsScaler(), SPARSE),
        "RobustScaler, unit variance": Recipe(
            preprocessing.RobustScaler(unit_variance=True, quantile_range=(10, 90), with_centering=False), X
        ),
        "Normalizer, largest": Recipe(preprocessing.Normalizer("max"), X),
        "Binarizer, threshold": Recipe(preprocessing.Binarizer(threshold=0.5), X),
        "FunctionTransformer, with an inverse": Recipe(
            preprocessing.FunctionTransformer(
                np.log1p, np.expm1, validate=True, feature_names_out="one-to-one", check_inverse=True
            ),
            COUNTS,
        ),
        "FunctionTransformer, identity": Recipe(preprocessing.FunctionTransformer(), X),
        "FunctionTransformer, with options": Recipe(
            preprocessing.FunctionTransformer(np.clip, kw_args={"a_min": -1, "a_max": 1}), X
        ),
    }


def _in_parts(estimator, rows, y):
    for part in np.array_split(np.arange(COUNT), 3):
        options = {"classes": np.unique(y)} if is_classifier(estimator) else {}
        estimator.partial_fit(rows[part], *(() if y is None else (y[part],)), **options)


def _imputers():
    simple = SimpleImputer
    integers = np.where(CODES == 2, -1, CODES)
    recipes = {
        f"SimpleImputer, {strategy}": Recipe(simple(strategy=strategy), HOLES)
        for strategy in ("mean", "median", "most_frequent")
    }
    for estimator in (
        tree.DecisionTreeRegressor(max_depth=3, random_state=0),
        neighbors.KNeighborsRegressor(3),
        linear_model.LinearRegression(),
    ):
        recipes[f"IterativeImputer, {type(estimator).__name__}"] = Recipe(
            IterativeImputer(estimator, max_iter=2, random_state=0), HOLES
        )
    return recipes | {
        "SimpleImputer, a constant": Recipe(simple(strategy="constant", fill_value=-1.0), HOLES),
        "SimpleImputer, a constant word": Recipe(simple(strategy="constant", fill_value="none"), GAPPY),
        "SimpleImputer, words with an indicator": Recipe(
            simple(strategy="most_frequent", add_indicator=True), GAPPY
        ),
        "SimpleImputer, with an indicator": Recipe(simple(add_indicator=True), HOLES),
        "SimpleImputer, integers": Recipe(simple(missing_values=-1, strategy="most_frequent"), integers),
        "SimpleImputer, None": Recipe(
            simple(missing_values=None, strategy="constant", fill_value="?"),
            np.where(CODES[:, :2] == 0, None, WORDS),
        ),
        "SimpleImputer, an empty column": Recipe(
            simple(keep_empty_features=True), np.c_[np.full(COUNT, np.nan), HOLES]
        ),
        "SimpleImputer, an empty column dropped": Recipe(simple(), np.c_[np.full(COUNT, np.nan), HOLES]),
        "SimpleImputer, a frame": Recipe(simple(strategy="median"), FRAME[["age", "income"]]),
        "SimpleImputer, float32 rows": Recipe(simple(), HOLES.astype(np.float32)),
        "KNNImputer, by distance with an indicator": Recipe(
            KNNImputer(n_neighbors=3, weights="distance", add_indicator=True), HOLES
        ),
        "IterativeImputer, without a seed": Recipe(IterativeImputer(max_iter=2), HOLES),
        "IterativeImputer, bounded, two nearest": Recipe(
            IterativeImputer(
                max_iter=2,
                min_value=-2,
                max_value=2,
                n_nearest_features=2,
                random_state=0,
                add_indicator=True,
            ),
            HOLES,
        ),
        "IterativeImputer, median first, descending": Recipe(
            IterativeImputer(
                max_iter=2, initial_strategy="median", imputation_order="descending", random_state=0
            ),
            HOLES,
        ),
        "MissingIndicator, all features, sparse": Recipe(
            MissingIndicator(features="all", sparse=True), HOLES
        ),
    }


def _texts():
    count, tfidf = text.CountVectorizer, text.TfidfVectorizer
    vectorizers = {
        "CountVectorizer, characters": count(analyzer="char", ngram_range=(1, 3), max_features=50),
        "CountVectorizer, characters within words": count(analyzer="char_wb", ngram_range=(2, 2)),
        "CountVectorizer, English stop words": count(stop_words="english"),
        "CountVectorizer, given stop words": count(stop_words=["the", "and"], ngram_range=(1, 2)),
        "CountVectorizer, given vocabulary": count(vocabulary=["cat", "dog", "owl", "fish"]),
        "CountVectorizer, given vocabulary with places": count(vocabulary={"cat": 1, "dog": 0}),
        "CountVectorizer, binary": count(binary=True, dtype=np.float32),
        "CountVectorizer, frequent and rare": count(max_df=0.6, min_df=3),
        "CountVectorizer, own tokens": count(token_pattern=r"(?u)\b[a-z]+\b", lowercase=False),
        "CountVectorizer, without accents": count(strip_accents="unicode"),
        "TfidfVectorizer, pairs": tfidf(ngram_range=(1, 2), max_features=40, norm="l1"),
        "TfidfVectorizer, sublinear": tfidf(sublinear_tf=True, smooth_idf=False, norm=None),
        "TfidfVectorizer, without idf": tfidf(use_idf=False, stop_words="english", dtype=np.float32),
        "TfidfVectorizer, given vocabulary": tfidf(vocabulary=["cat", "dog", "owl"]),
        "HashingVectorizer, without signs": text.HashingVectorizer(
            n_features=16, alternate_sign=False, norm=None, ngram_range=(1, 2)
        ),
    }
    recipes = {name: Recipe(vectorizer, DOCUMENTS) for name, vectorizer in vectorizers.items()}
    pairs = [
        [("city " + str(city), 1), ("size", size)] for city, size in zip(WORDS[:, 0], X[:, 0], strict=True)
    ]
    return recipes | {
        "TfidfTransformer, sparse rows": Recipe(
            text.TfidfTransformer(sublinear_tf=True), sparse.csr_matrix(COUNTS)
        ),
        "DictVectorizer, dense": Recipe(DictVectorizer(sparse=False, sort=False, dtype=np.float32), RECORDS),
        "DictVectorizer, several values": Recipe(
            DictVectorizer(separator=":"), [{"tag": list(t)} for t in TAGS]
        ),
        "FeatureHasher, pairs": Recipe(FeatureHasher(8, input_type="pair"), pairs),
        "FeatureHasher, strings": Recipe(FeatureHasher(8, input_type="string", alternate_sign=False), TAGS),
        "Pipeline, words to classes": Recipe(
            pipeline.make_pipeline(tfidf(), naive_bayes.MultinomialNB()), DOCUMENTS, LABELS
        ),
    }


def _columns():
    make_columns, scale = compose.ColumnTransformer, preprocessing.StandardScaler
    encode = preprocessing.OneHotEncoder(handle_unknown="ignore")
    chosen = compose.make_column_selector
    numbers = FRAME[["income", "age", "rooms"]]
    deep = pipeline.make_pipeline(
        columns(),
        pipeline.make_union(
            decomposition.TruncatedSVD(2, random_state=0), pipeline.make_pipeline(scale(with_mean=False))
        ),
        ensemble.VotingClassifier([("logistic", logistic()), ("tree", shallow())], voting="soft"),
    )
    recipes = {
        "ColumnTransformer, the rest passes": Recipe(
            make_columns([("words", encode, ["city"])], remainder="passthrough"), FRAME.drop(columns="grade")
        ),
        "ColumnTransformer, the rest is scaled": Recipe(
            make_columns([("words", encode, ["city", "grade"])], remainder=scale()), FRAME
        ),
        "ColumnTransformer, slices": Recipe(
            make_columns([("first", scale(), slice(0, 2)), ("last", "passthrough", slice(-1, None))]), X
        ),
        "ColumnTransformer, slice of names": Recipe(
            make_columns([("first", scale(), slice("age", "rooms"))]), FRAME
        ),
        "ColumnTransformer, lists of numbers": Recipe(
            make_columns(
                [("first", scale(), [0, 2]), ("dropped", "drop", [1]), ("last", "passthrough", [-1])]
            ),
            X,
        ),
        "ColumnTransformer, masks": Recipe(
            make_columns([("some", scale(), np.array([True, False, True, False, True]))]), X
        ),
        "ColumnTransformer, a list of booleans": Recipe(
            make_columns([("some", scale(), [True, False, True, False, False])], remainder="passthrough"), X
        ),
        "ColumnTransformer, selectors": Recipe(
            make_columns(
                [
                    ("numbers", scale(), chosen(dtype_include=np.number)),
                    ("words", encode, chosen(dtype_exclude=np.number)),
                ]
            ),
            FRAME,
        ),
        "ColumnTransformer, a selector by pattern": Recipe(
            make_columns([("numbers", scale(), chosen("^in"))], remainder="drop"), FRAME
        ),
        "ColumnTransformer, sparse": Recipe(columns(sparse_threshold=1.0), FRAME),
        "ColumnTransformer, names as they are": Recipe(
            columns(verbose_feature_names_out=False, transformer_weights={"numbers": 2.0}), FRAME
        ),
        "ColumnTransformer, a column of text": Recipe(
            make_columns([("text", text.CountVectorizer(), "text"), ("number", scale(), ["number"])]),
            pd.DataFrame({"text": DOCUMENTS, "number": X[:, 0]}),
        ),
        "ColumnTransformer, an empty choice": Recipe(
            make_columns([("none", scale(), []), ("some", scale(), [1])]), X
        ),
        "ColumnTransformer, to pandas": Recipe(
            make_columns([("numbers", scale(), ["age", "income"])], remainder="passthrough").set_output(
                transform="pandas"
            ),
            FRAME,
        ),
        "ColumnTransformer, columns in another order": Recipe(
            make_columns([("numbers", scale(), ["age", "income"])], remainder="passthrough"),
            numbers,
            rows=numbers[["rooms", "age", "income"]],
        ),
        "FeatureUnion, passing and dropping": Recipe(
            pipeline.FeatureUnion([("all", "passthrough"), ("none", "drop"), ("pca", decomposition.PCA(2))]),
            X,
        ),
        "FeatureUnion, weights": Recipe(
            pipeline.FeatureUnion(
                [("scale", scale()), ("pca", decomposition.PCA(2))], transformer_weights={"pca": 3.0}
            ),
            X,
        ),
        "Pipeline, to pandas": Recipe(
            pipeline.make_pipeline(scale(), decomposition.PCA(2)).set_output(transform="pandas"),
            FRAME[["income", "rooms"]],
        ),
        "Pipeline, passing through": Recipe(
            pipeline.Pipeline([("none", "passthrough"), ("pca", None), ("logistic", logistic())]), X, LABELS
        ),
        "Pipeline, of a frame": Recipe(pipeline.make_pipeline(columns(), shallow()), FRAME, LABELS),
        "Pipeline, four deep": Recipe(deep, FRAME, LABELS),
        "Pipeline, ends in a clustering": Recipe(
            pipeline.make_pipeline(scale(), cluster.KMeans(3, random_state=0)), X
        ),
        "Pipeline, ends in an outlier detector": Recipe(
            pipeline.make_pipeline(scale(), ensemble.IsolationForest(n_estimators=4, random_state=0)), X
        ),
        "Pipeline, ends in selection": Recipe(
            pipeline.make_pipeline(
                scale(), feature_selection.SelectFromModel(shallow()), feature_selection.RFE(logistic())
            ),
            X,
            LABELS,
        ),
    }
    return recipes | (_of_polars() if importlib.util.find_spec("polars") else {})


def _of_polars():
    import polars as pl

    frame = pl.DataFrame({"age": X[:, 0], "income": X[:, 1], "city": list(WORDS[:, 0])})
    encode = preprocessing.OneHotEncoder(sparse_output=False)
    mixed = compose.ColumnTransformer(
        [("numbers", preprocessing.StandardScaler(), ["age", "income"]), ("words", encode, ["city"])]
    )
    numbers = pipeline.make_pipeline(preprocessing.StandardScaler(), preprocessing.PolynomialFeatures())
    recipes = {
        "Pipeline, to Polars": Recipe(numbers.set_output(transform="polars"), frame[["age", "income"]]),
        "StandardScaler, a Polars frame": Recipe(preprocessing.StandardScaler(), frame[["age", "income"]]),
    }
    if VERSION >= (1, 9) or hasattr(
        frame, "__dataframe__"
    ):  # how earlier ones find columns, and Polars 1 has
        to_polars = sklearn.clone(mixed).set_output(transform="polars")
        recipes["ColumnTransformer, a Polars frame"] = Recipe(mixed, frame)
        recipes["ColumnTransformer, to Polars"] = Recipe(to_polars, frame)
    return recipes


def _composed():
    voters, two = three_classifiers(), three_classifiers()[:2]
    frozen_tree = shallow().fit(X[:40], LABELS[:40])
    several = {"accuracy": "accuracy", "loss": "neg_log_loss"}
    scaled = pipeline.Pipeline([("scale", preprocessing.StandardScaler()), ("logistic", logistic())])
    calibrate, stack = calibration.CalibratedClassifierCV, ensemble.StackingClassifier
    search = model_selection.GridSearchCV
    recipes = {
        "VotingClassifier, soft": Recipe(
            ensemble.VotingClassifier(voters, voting="soft", weights=[1, 2, 1]), X, LABELS
        ),
        "VotingClassifier, one dropped": Recipe(
            ensemble.VotingClassifier([*two, ("none", "drop")], flatten_transform=False, voting="soft"),
            X,
            LABELS,
        ),
        "VotingRegressor, one dropped": Recipe(
            ensemble.VotingRegressor([*three_regressors(), ("none", "drop")], weights=[1, 2, 1, 1]), X, TARGET
        ),
        "StackingClassifier, passing through": Recipe(
            stack([*two, ("none", "drop")], shallow(), cv=3, passthrough=True), X, LABELS
        ),
        "StackingClassifier, two classes by decision": Recipe(
            stack([("svc", svm.LinearSVC(random_state=0)), *two], cv=3), X, BINARY
        ),
        "StackingClassifier, fitted before": Recipe(
            stack([("tree", frozen_tree)], logistic(), cv="prefit"), X, LABELS
        ),
        "StackingClassifier, multilabel": Recipe(
            stack(
                [
                    ("near", neighbors.KNeighborsClassifier()),
                    ("forest", ensemble.RandomForestClassifier(3, random_state=0)),
                ],
                neighbors.KNeighborsClassifier(),
                cv=3,
            ),
            X,
            MULTILABEL,
        ),
        "StackingRegressor, passing through": Recipe(
            ensemble.StackingRegressor(three_regressors(), linear_model.Ridge(), cv=3, passthrough=True),
            X,
            TARGET,
        ),
        "CalibratedClassifierCV, isotonic": Recipe(
            calibrate(naive_bayes.GaussianNB(), method="isotonic", cv=3), X, LABELS
        ),
        "CalibratedClassifierCV, sigmoid, one model": Recipe(
            calibrate(svm.SVC(), ensemble=False, cv=3), X, BINARY
        ),
        "CalibratedClassifierCV, of a frozen one": Recipe(
            calibrate(frozen.FrozenEstimator(frozen_tree)), X[40:], LABELS[40:]
        ),
        "GridSearchCV, over a pipeline by several scores": Recipe(
            search(scaled, {"logistic__C": [0.1, 1.0]}, scoring=several, refit="loss", cv=2), X, LABELS
        ),
        "GridSearchCV, over estimators": Recipe(
            search(
                scaled,
                [{"logistic": [shallow(), naive_bayes.GaussianNB()]}, {"scale": ["passthrough"]}],
                cv=model_selection.StratifiedKFold(2),
                return_train_score=True,
            ),
            X,
            LABELS,
        ),
        "GridSearchCV, not refitted": Recipe(search(logistic(), SCORES, cv=2, refit=False), X, LABELS),
        "GridSearchCV, of a clustering": Recipe(
            search(cluster.KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}, cv=2), X
        ),
        "RandomizedSearchCV, of a distribution": Recipe(
            model_selection.RandomizedSearchCV(
                linear_model.Ridge(), {"alpha": stats.loguniform(0.01, 10)}, n_iter=3, cv=2, random_state=0
            ),
            X,
            TARGET,
        ),
        "HalvingGridSearchCV, by trees": Recipe(
            model_selection.HalvingGridSearchCV(
                ensemble.RandomForestClassifier(random_state=0),
                {"max_depth": [2, 3, None]},
                resource="n_estimators",
                max_resources=6,
                min_resources=1,
                cv=2,
                random_state=0,
            ),
            X,
            LABELS,
        ),
        "TunedThresholdClassifierCV, kept": Recipe(
            model_selection.TunedThresholdClassifierCV(
                frozen.FrozenEstimator(logistic().fit(X, BINARY)),
                cv="prefit",
                refit=False,
                scoring="f1_macro",
                thresholds=10,
                store_cv_results=True,
            ),
            X,
            BINARY,
        ),
        "FixedThresholdClassifier, of a decision": Recipe(
            model_selection.FixedThresholdClassifier(
                svm.SVC(), threshold=-0.2, response_method="decision_function"
            ),
            X,
            np.arange(COUNT) % 2,
        ),
        "BaggingClassifier, some features": Recipe(
            ensemble.BaggingClassifier(
                logistic(), n_estimators=4, max_features=0.6, bootstrap_features=True, random_state=0
            ),
            X,
            LABELS,
        ),
        "BaggingClassifier, out of bag": Recipe(
            ensemble.BaggingClassifier(shallow(), 15, oob_score=True, random_state=0), X, LABELS
        ),
        "BaggingRegressor, of neighbours": Recipe(
            ensemble.BaggingRegressor(
                neighbors.KNeighborsRegressor(3), 3, bootstrap=False, max_samples=0.7, random_state=0
            ),
            X,
            TARGET,
        ),
        "OneVsRestClassifier, multilabel": Recipe(multiclass.OneVsRestClassifier(logistic()), X, MULTILABEL),
        "OneVsRestClassifier, two classes": Recipe(multiclass.OneVsRestClassifier(svm.SVC()), X, BINARY),
        "OneVsRestClassifier, a label of none": Recipe(
            multiclass.OneVsRestClassifier(logistic()), X, np.c_[MULTILABEL, np.zeros(COUNT, dtype=int)]
        ),
        "OneVsOneClassifier, of trees": Recipe(multiclass.OneVsOneClassifier(shallow()), X, LABELS),
        "OutputCodeClassifier, of trees": Recipe(
            multiclass.OutputCodeClassifier(shallow(), code_size=3, random_state=0), X, LABELS
        ),
        "ClassifierChain, random order": Recipe(
            multioutput.ClassifierChain(logistic(), order="random", random_state=0), X, MULTILABEL
        ),
        "ClassifierChain, crossed": Recipe(
            multioutput.ClassifierChain(logistic(), order=[2, 0, 1], cv=2, random_state=0), X, MULTILABEL
        ),
        "RegressorChain, given order": Recipe(
            multioutput.RegressorChain(linear_model.Ridge(), order=[1, 0], cv=2), X, TARGETS
        ),
        "MultiOutputRegressor, of boosting": Recipe(
            multioutput.MultiOutputRegressor(
                ensemble.GradientBoostingRegressor(n_estimators=2, random_state=0)
            ),
            X,
            TARGETS,
        ),
        "SelfTrainingClassifier, the best": Recipe(
            semi_supervised.SelfTrainingClassifier(shallow(), criterion="k_best", k_best=3, max_iter=3),
            X,
            PARTLY,
        ),
        "TransformedTargetRegressor, of a transformer": Recipe(
            compose.TransformedTargetRegressor(
                linear_model.Ridge(), transformer=preprocessing.QuantileTransformer(n_quantiles=10)
            ),
            X,
            TARGET,
        ),
        "TransformedTargetRegressor, identity, two targets": Recipe(
            compose.TransformedTargetRegressor(check_inverse=False), X, TARGETS
        ),
        "FrozenEstimator, of a pipeline": Recipe(
            frozen.FrozenEstimator(sklearn.clone(scaled).fit(X, BINARY)), X, BINARY
        ),
        "RFE, of a forest by fractions": Recipe(
            feature_selection.RFE(
                ensemble.RandomForestClassifier(3, random_state=0), n_features_to_select=0.4, step=0.3
            ),
            X,
            LABELS,
        ),
        "RFECV, of regression": Recipe(feature_selection.RFECV(linear_model.Lasso(0.1), cv=2), X, TARGET),
        "SelectFromModel, the largest": Recipe(
            feature_selection.SelectFromModel(linear_model.Lasso(0.1), max_features=2, threshold="1.2*mean"),
            X,
            TARGET,
        ),
        "SelectFromModel, fitted before": Recipe(
            feature_selection.SelectFromModel(shallow().fit(X, LABELS), prefit=True, threshold=0.1), X, LABELS
        ),
        "SequentialFeatureSelector, backward": Recipe(
            feature_selection.SequentialFeatureSelector(
                linear_model.Ridge(), direction="backward", cv=2, scoring="neg_mean_absolute_error"
            ),
            FRAME[["income", "rooms"]],
            TARGET,
        ),
    }
    if VERSION >= (1, 8):
        for rows in ("LABELS", "BINARY"):
            recipes[f"CalibratedClassifierCV, temperature, {rows.lower()}"] = Recipe(
                calibrate(logistic(), method="temperature", cv=3), X, globals()[rows]
            )
    return recipes


def _selection():
    best = feature_selection.SelectKBest
    functions = {
        "f_classif": (feature_selection.f_classif, X, LABELS),
        "chi2": (feature_selection.chi2, COUNTS, LABELS),
        "mutual_info_classif": (feature_selection.mutual_info_classif, CODES, LABELS),
        "f_regression": (feature_selection.f_regression, X, TARGET),
        "r_regression": (feature_selection.r_regression, X, TARGET),
    }
    recipes = {
        f"SelectKBest, {name}": Recipe(best(function, k=2), rows, y)
        for name, (function, rows, y) in functions.items()
    }
    return recipes | {
        "SelectKBest, all": Recipe(best(k="all"), X, LABELS),
        "SelectKBest, sparse rows": Recipe(best(feature_selection.chi2, k=3), abs(SPARSE), LABELS),
        "SelectPercentile, f_regression": Recipe(
            feature_selection.SelectPercentile(feature_selection.f_regression, percentile=40), X, TARGET
        ),
        "SelectFpr, chi2, of a frame": Recipe(
            feature_selection.SelectFpr(feature_selection.chi2, alpha=0.2),
            pd.DataFrame(COUNTS).add_prefix("c"),
            LABELS,
        ),
        "GenericUnivariateSelect, fdr": Recipe(
            feature_selection.GenericUnivariateSelect(mode="fdr", param=0.1), X, LABELS
        ),
        "VarianceThreshold, sparse rows": Recipe(feature_selection.VarianceThreshold(0.6), SPARSE),
        "VarianceThreshold, missing values": Recipe(feature_selection.VarianceThreshold(0.5), HOLES),
    }


def _gaussian():
    regress, classify = gaussian_process.GaussianProcessRegressor, gaussian_process.GaussianProcessClassifier
    few = X[:40, :2]
    covariances = {
        "scaled RBF and noise": kernels.ConstantKernel(1.0) * kernels.RBF(1.0) + kernels.WhiteKernel(0.1),
        "anisotropic RBF": kernels.RBF([1.0, 2.0]) + kernels.WhiteKernel(0.1),
        "Matérn": kernels.Matern(1.0, nu=1.5) + kernels.WhiteKernel(0.1),
        "anisotropic Matérn": kernels.Matern([1.0, 1.0], nu=2.5) + kernels.WhiteKernel(0.1),
        "rational quadratic": kernels.RationalQuadratic() + kernels.WhiteKernel(0.1),
        "dot product": kernels.DotProduct(1.0) + kernels.WhiteKernel(0.1),
        "power of a dot product": kernels.DotProduct() ** 2 + kernels.WhiteKernel(0.1),
        "pairwise": kernels.PairwiseKernel(metric="laplacian") + kernels.WhiteKernel(0.1),
        "fixed bounds": kernels.RBF(0.7, length_scale_bounds="fixed")
        * kernels.ConstantKernel(2.0, (0.1, 10.0)),
    }
    recipes = {
        f"GaussianProcessRegressor, {name}": Recipe(
            regress(kernel, alpha=0.01, random_state=0), few, TARGET[:40]
        )
        for name, kernel in covariances.items()
    }
    return recipes | {
        "GaussianProcessRegressor, periodic": Recipe(
            regress(kernels.ExpSineSquared(1.0, 2.0) + kernels.WhiteKernel(0.1)), few[:, :1], TARGET[:40]
        ),
        "GaussianProcessRegressor, normalized": Recipe(
            regress(normalize_y=True, alpha=np.full(40, 0.1)), few, TARGET[:40]
        ),
        "GaussianProcessRegressor, two targets": Recipe(
            regress(normalize_y=True, alpha=0.1, optimizer=None), few, TARGETS[:40]
        ),
        "GaussianProcessRegressor, restarted": Recipe(
            regress(
                kernels.RBF() + kernels.WhiteKernel(),
                n_restarts_optimizer=1,
                random_state=0,
                copy_X_train=False,
            ),
            few,
            TARGET[:40],
        ),
        "GaussianProcessClassifier, two classes": Recipe(
            classify(1.0 * kernels.RBF(1.0), random_state=0), few, BINARY[:40]
        ),
        "GaussianProcessClassifier, one against one": Recipe(
            classify(multi_class="one_vs_one", random_state=0), few, LABELS[:40]
        ),
        "GaussianProcessClassifier, one against the rest": Recipe(
            classify(kernels.Matern(), random_state=0, optimizer=None), few, LABELS[:40]
        ),
    }


def _linear():
    descend, regress = linear_model.SGDClassifier, linear_model.SGDRegressor
    seed = {"random_state": 0, "max_iter": 50}
    recipes = {
        f"SGDClassifier, {loss}": Recipe(descend(loss=loss, **seed), X, y)
        for loss, y in [
            ("log_loss", LABELS),
            ("modified_huber", LABELS),
            ("squared_hinge", BINARY),
            ("huber", BINARY),
        ]
    }
    recipes |= {
        f"LogisticRegression, {solver}": Recipe(logistic(solver=solver, random_state=0), X, BINARY)
        for solver in ("liblinear", "newton-cg", "newton-cholesky", "sag", "saga")
    }
    recipes |= {
        f"Ridge, {solver}": Recipe(linear_model.Ridge(solver=solver, random_state=0), X, TARGETS)
        for solver in ("svd", "cholesky", "lsqr", "sparse_cg", "sag")
    }
    return recipes | {
        "SGDClassifier, averaged": Recipe(descend(average=True, **seed), X, LABELS),
        "SGDClassifier, elastic net, early stopping": Recipe(
            descend(penalty="elasticnet", early_stopping=True, learning_rate="adaptive", eta0=0.1, **seed),
            X,
            LABELS,
        ),
        "SGDClassifier, in parts": Recipe(descend(**seed), X, LABELS, how=_in_parts),
        "SGDClassifier, sparse coefficients": Recipe(
            descend(penalty="l1", **seed), X, LABELS, how=lambda e, rows, y: e.fit(rows, y).sparsify()
        ),
        "SGDRegressor, averaged, in parts": Recipe(regress(average=5, **seed), X, TARGET, how=_in_parts),
        "SGDRegressor, epsilon insensitive": Recipe(regress(loss="epsilon_insensitive", **seed), X, TARGET),
        "Perceptron, L2, in parts": Recipe(
            linear_model.Perceptron(penalty="l2", random_state=0), X, BINARY, how=_in_parts
        ),
        "LogisticRegression, sparse rows": Recipe(logistic(), SPARSE, LABELS),
        "LogisticRegression, without an intercept": Recipe(logistic(fit_intercept=False), X, LABELS),
        "LogisticRegression, float32 rows": Recipe(logistic(), X.astype(np.float32), LABELS),
        "LogisticRegression, integer labels": Recipe(logistic(), X, KIND),
        "LogisticRegression, float labels": Recipe(logistic(), X, KIND * 1.0),
        "LogisticRegression, boolean labels": Recipe(logistic(), X, BINARY == "yes"),
        "LogisticRegression, object labels": Recipe(logistic(), X, LABELS.astype(object)),
        "LogisticRegression, long labels": Recipe(logistic(), X, np.char.add(LABELS, ", a beast")),
        "LogisticRegression, small integer labels": Recipe(logistic(), X, KIND.astype(np.int8)),
        "LogisticRegression, balanced, a frame": Recipe(
            logistic(class_weight="balanced"), FRAME[["income", "rooms"]], LABELS
        ),
        "LogisticRegression, labels of a series": Recipe(logistic(), X, pd.Series(LABELS)),
        "LogisticRegressionCV, two classes": Recipe(
            linear_model.LogisticRegressionCV(Cs=[0.1, 1.0], cv=2, max_iter=100), X, BINARY
        ),
        "LogisticRegressionCV, not refitted": Recipe(
            linear_model.LogisticRegressionCV(Cs=2, cv=2, refit=False, scoring="accuracy"), X, LABELS
        ),
        "LinearRegression, two targets": Recipe(linear_model.LinearRegression(), X, TARGETS),
        "LinearRegression, positive": Recipe(linear_model.LinearRegression(positive=True), X, TARGET),
        "LinearRegression, sparse rows": Recipe(linear_model.LinearRegression(), SPARSE, TARGET),
        "LinearRegression, float32 rows": Recipe(
            linear_model.LinearRegression(fit_intercept=False),
            X.astype(np.float32),
            TARGET.astype(np.float32),
        ),
        "Ridge, penalties by target": Recipe(linear_model.Ridge(alpha=np.array([0.1, 10.0])), X, TARGETS),
        "RidgeCV, kept results": Recipe(linear_model.RidgeCV([0.1, 1.0], store_cv_results=True), X, TARGET),
        "RidgeCV, by target": Recipe(linear_model.RidgeCV([0.1, 1.0], alpha_per_target=True), X, TARGETS),
        "RidgeCV, by folds": Recipe(
            linear_model.RidgeCV([0.1, 1.0], cv=3, scoring="neg_mean_squared_error"), X, TARGET
        ),
        "RidgeClassifier, multilabel": Recipe(linear_model.RidgeClassifier(), X, MULTILABEL),
        "RidgeClassifier, two classes, sparse rows": Recipe(linear_model.RidgeClassifier(), SPARSE, BINARY),
        "RidgeClassifierCV, multilabel": Recipe(linear_model.RidgeClassifierCV(), X, MULTILABEL),
        "Lasso, two targets, sparse rows": Recipe(linear_model.Lasso(0.1), SPARSE, TARGETS),
        "ElasticNet, positive": Recipe(linear_model.ElasticNet(0.1, positive=True), X, TARGET),
        "ElasticNetCV, several ratios": Recipe(
            linear_model.ElasticNetCV(l1_ratio=[0.2, 0.8], alphas=[0.1, 1.0], cv=2), X, TARGET
        ),
        "Lars, two targets": Recipe(linear_model.Lars(n_nonzero_coefs=3), X, TARGETS),
        "Lars, without a path": Recipe(linear_model.Lars(fit_path=False), X, TARGET),
        "LassoLarsIC, BIC": Recipe(linear_model.LassoLarsIC("bic"), X, TARGET),
        "OrthogonalMatchingPursuit, two targets": Recipe(
            linear_model.OrthogonalMatchingPursuit(n_nonzero_coefs=2), X, TARGETS
        ),
        "BayesianRidge, scored": Recipe(linear_model.BayesianRidge(compute_score=True), X, TARGET),
        "ARDRegression, scored, no intercept": Recipe(
            linear_model.ARDRegression(compute_score=True, fit_intercept=False), X, TARGET
        ),
        "RANSACRegressor, of ridge": Recipe(
            linear_model.RANSACRegressor(
                linear_model.Ridge(), min_samples=20, loss="squared_error", random_state=0
            ),
            X,
            TARGETS,
        ),
        "HuberRegressor, sample weights": Recipe(linear_model.HuberRegressor(), X, TARGET, weights=WEIGHTS),
        "TweedieRegressor, normal": Recipe(linear_model.TweedieRegressor(power=0, link="log"), X, EVENTS),
        "PoissonRegressor, Newton": Recipe(
            linear_model.PoissonRegressor(solver="newton-cholesky"), X, EVENTS
        ),
        "QuantileRegressor, upper": Recipe(
            linear_model.QuantileRegressor(quantile=0.9, alpha=0.0, solver="highs"), X, TARGET
        ),
        "KernelRidge, polynomial, two targets": Recipe(
            kernel_ridge.KernelRidge(kernel="poly", degree=2), X, TARGETS
        ),
        "KernelRidge, precomputed": Recipe(kernel_ridge.KernelRidge(kernel="precomputed"), KERNEL, TARGET),
        "IsotonicRegression, falling, clipped": Recipe(
            isotonic.IsotonicRegression(increasing=False, out_of_bounds="clip", y_min=-1),
            X[:, 0],
            -TARGET,
            rows=X[:, 0] * 2,
        ),
        "IsotonicRegression, either way, out of bounds": Recipe(
            isotonic.IsotonicRegression(increasing="auto"), X[:, :1], TARGET, rows=X[:, :1] * 2
        ),
    }


def _bayes_and_nets():
    net, regress = neural_network.MLPClassifier, neural_network.MLPRegressor
    small = {"hidden_layer_sizes": (6, 4), "max_iter": 8, "random_state": 0}
    discriminant = discriminant_analysis
    linear = discriminant.LinearDiscriminantAnalysis
    return {
        "MLPClassifier, two classes, lbfgs": Recipe(net(solver="lbfgs", **small), X, BINARY),
        "MLPClassifier, multilabel": Recipe(net(activation="tanh", **small), X, MULTILABEL),
        "MLPClassifier, early stopping": Recipe(
            net(early_stopping=True, solver="sgd", momentum=0.8, **small), X, KIND
        ),
        "MLPClassifier, adaptive rate": Recipe(
            net(solver="sgd", learning_rate="adaptive", activation="logistic", **small), X, LABELS
        ),
        "MLPClassifier, in parts": Recipe(net(**small), X, LABELS, how=_in_parts),
        "MLPClassifier, grown": Recipe(net(warm_start=True, **small), X, LABELS, how=_grow),
        "MLPClassifier, float32 rows": Recipe(net(**small), X.astype(np.float32), LABELS),
        "MLPClassifier, sparse rows, one layer": Recipe(
            net(**small | {"hidden_layer_sizes": [5]}), SPARSE, LABELS
        ),
        "MLPClassifier, without a seed": Recipe(net(max_iter=3), X, LABELS),
        "MLPRegressor, two targets": Recipe(regress(activation="identity", **small), X, TARGETS),
        "GaussianNB, in parts": Recipe(naive_bayes.GaussianNB(), X, LABELS, how=_in_parts),
        "GaussianNB, given priors": Recipe(
            naive_bayes.GaussianNB(priors=[0.5, 0.3, 0.2]), X, LABELS, weights=WEIGHTS
        ),
        "MultinomialNB, sparse rows, no prior": Recipe(
            naive_bayes.MultinomialNB(alpha=0.5, fit_prior=False), sparse.csr_matrix(COUNTS), LABELS
        ),
        "MultinomialNB, smoothing by feature": Recipe(
            naive_bayes.MultinomialNB(alpha=np.linspace(0.1, 1, 8)), COUNTS, LABELS
        ),
        "ComplementNB, normed, two classes": Recipe(naive_bayes.ComplementNB(norm=True), COUNTS, BINARY),
        "BernoulliNB, threshold": Recipe(naive_bayes.BernoulliNB(binarize=0.3), X, LABELS, how=_in_parts),
        "CategoricalNB, given sizes": Recipe(
            naive_bayes.CategoricalNB(min_categories=[5, 6, 7], class_prior=[0.2, 0.5, 0.3]), CODES, LABELS
        ),
        "LinearDiscriminantAnalysis, two classes": Recipe(linear(), X, BINARY),
        "LinearDiscriminantAnalysis, shrunk eigen": Recipe(
            linear(solver="eigen", shrinkage="auto", n_components=1), X, LABELS
        ),
        "LinearDiscriminantAnalysis, least squares": Recipe(
            linear(solver="lsqr", shrinkage=0.3, priors=[0.2, 0.3, 0.5]), X, LABELS
        ),
        "LinearDiscriminantAnalysis, a covariance estimator": Recipe(
            linear(solver="lsqr", covariance_estimator=covariance.LedoitWolf()), X, LABELS
        ),
        "LinearDiscriminantAnalysis, kept covariance": Recipe(linear(store_covariance=True), X, LABELS),
        "QuadraticDiscriminantAnalysis, kept covariance": Recipe(
            discriminant.QuadraticDiscriminantAnalysis(store_covariance=True, reg_param=0.1), X, LABELS
        ),
        "QuadraticDiscriminantAnalysis, two classes": Recipe(
            discriminant.QuadraticDiscriminantAnalysis(), X, BINARY
        ),
        "LabelPropagation, neighbours": Recipe(
            semi_supervised.LabelPropagation("knn", n_neighbors=8), X, PARTLY
        ),
        "LabelSpreading, neighbours": Recipe(
            semi_supervised.LabelSpreading("knn", n_neighbors=8, alpha=0.3), X, PARTLY
        ),
        "LabelSpreading, narrow": Recipe(semi_supervised.LabelSpreading(gamma=2.0), X, PARTLY),
        "BernoulliRBM, sparse rows": Recipe(
            neural_network.BernoulliRBM(3, n_iter=2, random_state=0), sparse.csr_matrix(UNIT)
        ),
    } | _dummies()


def _dummies():
    classify, regress = dummy.DummyClassifier, dummy.DummyRegressor
    recipes = {
        f"DummyClassifier, {strategy}": Recipe(classify(strategy=strategy, random_state=0), X, LABELS)
        for strategy in ("most_frequent", "stratified", "uniform")
    }
    return recipes | {
        "DummyClassifier, a constant": Recipe(classify(strategy="constant", constant="dog"), X, LABELS),
        "DummyClassifier, several outputs": Recipe(
            classify(strategy="stratified", random_state=0), X, np.c_[LABELS, BINARY]
        ),
        "DummyClassifier, sparse labels": Recipe(
            classify(strategy="most_frequent"), X, sparse.csc_matrix(MULTILABEL)
        ),
        "DummyRegressor, median": Recipe(regress(strategy="median"), X, TARGETS),
        "DummyRegressor, quantile": Recipe(regress(strategy="quantile", quantile=0.9), X, TARGET),
        "DummyRegressor, a constant": Recipe(regress(strategy="constant", constant=[1, 2]), X, TARGETS),
    }


def _decompositions():
    pca, factor = decomposition.PCA, decomposition.NMF
    recipes = {
        f"KernelPCA, {kernel}": Recipe(
            decomposition.KernelPCA(3, kernel=kernel, fit_inverse_transform=True, alpha=0.1), X
        )
        for kernel in ("linear", "poly", "rbf", "sigmoid", "cosine")
    }
    for method in ("modified", "ltsa", "hessian"):
        recipes[f"LocallyLinearEmbedding, {method}"] = Recipe(
            manifold.LocallyLinearEmbedding(
                n_neighbors=12, method=method, eigen_solver="dense", random_state=0
            ),
            X,
        )
    for covariances in ("tied", "diag", "spherical"):
        recipes[f"GaussianMixture, {covariances}"] = Recipe(
            mixture.GaussianMixture(3, covariance_type=covariances, random_state=0), X
        )
        recipes[f"BayesianGaussianMixture, {covariances}"] = Recipe(
            mixture.BayesianGaussianMixture(n_components=2, covariance_type=covariances, random_state=0), X
        )
    for algorithm in ("deflation", "parallel"):
        recipes[f"FastICA, {algorithm}"] = Recipe(
            decomposition.FastICA(
                3, algorithm=algorithm, fun="cube", whiten="arbitrary-variance", random_state=0
            ),
            X,
        )
    return recipes | {
        "KernelPCA, precomputed": Recipe(decomposition.KernelPCA(2, kernel="precomputed"), KERNEL),
        "KernelPCA, gamma, randomized": Recipe(
            decomposition.KernelPCA(2, kernel="rbf", gamma=0.1, eigen_solver="randomized", random_state=0), X
        ),
        "Isomap, three dimensions": Recipe(manifold.Isomap(n_neighbors=8, n_components=3), X),
        "Isomap, within a radius": Recipe(
            manifold.Isomap(n_neighbors=None, radius=3.5, metric="manhattan"), X
        ),
        "SpectralEmbedding, rbf": Recipe(manifold.SpectralEmbedding(affinity="rbf", random_state=0), X),
        "TSNE, exact": Recipe(
            manifold.TSNE(perplexity=5, max_iter=250, method="exact", init="random", random_state=0), X[:30]
        ),
        "PCA, whitened": Recipe(pca(3, whiten=True), X),
        "PCA, share of variance": Recipe(pca(0.8), X),
        "PCA, by likelihood": Recipe(pca("mle"), X),
        "PCA, randomized": Recipe(pca(2, svd_solver="randomized", random_state=0), X),
        "PCA, float32 rows": Recipe(pca(2), X.astype(np.float32)),
        "PCA, sparse rows": Recipe(pca(2, svd_solver="arpack", random_state=0), SPARSE),
        "PCA, a frame": Recipe(pca(), FRAME[["income", "rooms"]]),
        "IncrementalPCA, in parts": Recipe(decomposition.IncrementalPCA(2), X, how=_in_parts),
        "IncrementalPCA, whitened": Recipe(decomposition.IncrementalPCA(2, whiten=True, batch_size=30), X),
        "TruncatedSVD, arpack, sparse rows": Recipe(
            decomposition.TruncatedSVD(2, algorithm="arpack", random_state=0), SPARSE
        ),
        "FactorAnalysis, rotated": Recipe(
            decomposition.FactorAnalysis(2, rotation="varimax", svd_method="lapack"), X
        ),
        "NMF, Kullback-Leibler": Recipe(
            factor(2, solver="mu", beta_loss="kullback-leibler", init="nndsvda", max_iter=30, random_state=0),
            COUNTS,
        ),
        "NMF, sparse rows, penalty": Recipe(
            factor(2, alpha_W=0.01, l1_ratio=0.5, init="random", random_state=0), sparse.csr_matrix(COUNTS)
        ),
        "MiniBatchNMF, in parts": Recipe(
            decomposition.MiniBatchNMF(2, max_iter=3, random_state=0), COUNTS, how=_in_parts
        ),
        "LatentDirichletAllocation, online": Recipe(
            decomposition.LatentDirichletAllocation(2, learning_method="online", max_iter=2, random_state=0),
            sparse.csr_matrix(COUNTS),
        ),
        "LatentDirichletAllocation, in parts": Recipe(
            decomposition.LatentDirichletAllocation(2, random_state=0), COUNTS, how=_in_parts
        ),
        "DictionaryLearning, lasso codes": Recipe(
            decomposition.DictionaryLearning(
                3,
                max_iter=4,
                fit_algorithm="cd",
                transform_algorithm="lasso_lars",
                split_sign=True,
                random_state=0,
            ),
            X,
        ),
        "MiniBatchDictionaryLearning, in parts": Recipe(
            decomposition.MiniBatchDictionaryLearning(3, transform_algorithm="threshold", random_state=0),
            X,
            how=_in_parts,
        ),
        "SparseCoder, thresholds": Recipe(
            decomposition.SparseCoder(X[:4], transform_algorithm="threshold", transform_alpha=0.2), X
        ),
        "PLSRegression, one target, unscaled": Recipe(
            cross_decomposition.PLSRegression(3, scale=False), X, TARGET
        ),
        "PLSCanonical, svd": Recipe(cross_decomposition.PLSCanonical(2, algorithm="svd"), X, TARGETS),
        "PLSSVD, unscaled": Recipe(cross_decomposition.PLSSVD(1, scale=False), X, TARGETS),
        "CCA, one component, a frame": Recipe(
            cross_decomposition.CCA(1), FRAME[["income", "rooms"]], TARGETS
        ),
        "GaussianMixture, grown": Recipe(
            mixture.GaussianMixture(2, warm_start=True, max_iter=3, random_state=0), X, how=_grow
        ),
        "BayesianGaussianMixture, Dirichlet distribution": Recipe(
            mixture.BayesianGaussianMixture(
                n_components=3, weight_concentration_prior_type="dirichlet_distribution", random_state=0
            ),
            X,
        ),
        "Nystroem, polynomial": Recipe(
            kernel_approximation.Nystroem("polynomial", degree=2, n_components=6, random_state=0), X
        ),
        "RBFSampler, scaled gamma": Recipe(
            kernel_approximation.RBFSampler(gamma="scale", n_components=6, random_state=0), X
        ),
        "PolynomialCountSketch, sparse rows": Recipe(
            kernel_approximation.PolynomialCountSketch(degree=3, coef0=1, n_components=6, random_state=0),
            SPARSE,
        ),
        "AdditiveChi2Sampler, three steps": Recipe(
            kernel_approximation.AdditiveChi2Sampler(sample_steps=3, sample_interval=0.4),
            sparse.csr_matrix(COUNTS),
        ),
        "GaussianRandomProjection, with an inverse": Recipe(
            random_projection.GaussianRandomProjection(3, compute_inverse_components=True, random_state=0), X
        ),
        "SparseRandomProjection, dense": Recipe(
            random_projection.SparseRandomProjection(3, density=0.5, dense_output=True, random_state=0),
            SPARSE,
        ),
    }


def _clusters():
    single = X.astype(np.float32)
    return {
        "KMeans, float32 rows": Recipe(cluster.KMeans(3, n_init=1, random_state=0), single),
        "KMeans, Elkan": Recipe(cluster.KMeans(3, algorithm="elkan", n_init=1, random_state=0), X),
        "KMeans, sparse rows, sample weights": Recipe(
            cluster.KMeans(3, n_init=1, random_state=0), SPARSE, weights=WEIGHTS
        ),
        "KMeans, given centres": Recipe(cluster.KMeans(3, init=X[:3], n_init=1), X),
        "KMeans, a frame": Recipe(cluster.KMeans(2, random_state=0), FRAME[["income", "rooms"]]),
        "MiniBatchKMeans, float32 rows": Recipe(
            cluster.MiniBatchKMeans(3, batch_size=30, random_state=0), single
        ),
        "MiniBatchKMeans, in parts": Recipe(cluster.MiniBatchKMeans(3, random_state=0), X, how=_in_parts),
        "BisectingKMeans, largest": Recipe(
            cluster.BisectingKMeans(4, bisecting_strategy="largest_cluster", random_state=0), X
        ),
        "BisectingKMeans, float32, sparse rows": Recipe(
            cluster.BisectingKMeans(3, random_state=0), SPARSE.astype(np.float32)
        ),
        "Birch, no clusters": Recipe(cluster.Birch(threshold=0.8, n_clusters=None), X),
        "Birch, many nodes": Recipe(cluster.Birch(threshold=0.3, branching_factor=5), X),
        "Birch, of another clustering, in parts": Recipe(
            cluster.Birch(threshold=0.8, n_clusters=cluster.KMeans(2, random_state=0)), X, how=_in_parts
        ),
        "MeanShift, binned": Recipe(cluster.MeanShift(bandwidth=2.0, bin_seeding=True, cluster_all=False), X),
        "AffinityPropagation, precomputed": Recipe(
            cluster.AffinityPropagation(affinity="precomputed", random_state=0), KERNEL
        ),
        "AffinityPropagation, preference": Recipe(
            cluster.AffinityPropagation(preference=-30, random_state=0), X
        ),
        "AgglomerativeClustering, threshold": Recipe(
            cluster.AgglomerativeClustering(n_clusters=None, distance_threshold=4.0), X
        ),
        "AgglomerativeClustering, average cosine": Recipe(
            cluster.AgglomerativeClustering(3, linkage="average", metric="cosine", compute_distances=True), X
        ),
        "FeatureAgglomeration, median": Recipe(cluster.FeatureAgglomeration(2, pooling_func=np.median), X),
        "DBSCAN, manhattan": Recipe(cluster.DBSCAN(2.5, metric="manhattan", algorithm="ball_tree"), X),
        "DBSCAN, sparse rows": Recipe(cluster.DBSCAN(1.0), SPARSE),
        "HDBSCAN, centres": Recipe(
            cluster.HDBSCAN(min_cluster_size=5, store_centers="both", allow_single_cluster=True), X
        ),
        "OPTICS, by eps": Recipe(cluster.OPTICS(cluster_method="dbscan", eps=1.5), X),
        "SpectralClustering, neighbours": Recipe(
            cluster.SpectralClustering(
                3, affinity="nearest_neighbors", assign_labels="discretize", random_state=0
            ),
            X,
        ),
        "SpectralBiclustering, log": Recipe(
            cluster.SpectralBiclustering((2, 2), method="log", n_components=3, n_best=2, random_state=0),
            COUNTS + 1,
        ),
        "EllipticEnvelope, no noise": Recipe(
            covariance.EllipticEnvelope(contamination=0.05, support_fraction=0.8, random_state=0), X
        ),
        "EmpiricalCovariance, centred": Recipe(covariance.EmpiricalCovariance(assume_centered=True), X),
        "MinCovDet, without precision": Recipe(
            covariance.MinCovDet(store_precision=False, random_state=0), X
        ),
        "GraphicalLasso, precomputed": Recipe(
            covariance.GraphicalLasso(0.1, covariance="precomputed"), np.cov(X.T), rows=X
        ),
    }


GROUPS = (
    _support_vectors,
    _neighbours,
    _trees,
    _forests,
    _boosting,
    _encoders,
    _scalers,
    _imputers,
    _texts,
    _columns,
    _composed,
    _selection,
    _gaussian,
    _linear,
    _bayes_and_nets,
    _decompositions,
    _clusters,
)


@functools.cache
def variants() -> dict[str, Callable[[], Case]]:
    """More cases, by what is special about each; each is fitted when called, and then kept."""
    with quietly():
        groups = [group() for group in GROUPS]
    recipes = [pair for group in groups for pair in group.items()]
    cases = {name: functools.cache(functools.partial(recipe.cook, name)) for name, recipe in recipes}
    assert len(cases) == len(recipes), "two variants have one name"
    return cases


# -------------------------------------------------------------------------------------------- the answers

QUESTIONS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "predict_joint_log_proba",
    "decision_function",
    "score_samples",
    "transform",
    "apply",
    "decision_path",
    "kneighbors",
    "mahalanobis",
    "staged_predict",
    "staged_predict_proba",
    "staged_decision_function",
)
SIMPLE_QUESTIONS = ("get_feature_names_out", "get_precision", "get_covariance", "get_support")


def answers(estimator, rows) -> dict[str, object]:
    """All the fitted estimator says about these rows: the result of a method, or how it refused."""
    with quietly():
        found = {name: _ask(estimator, name, rows) for name in QUESTIONS if hasattr(estimator, name)}
        if hasattr(estimator, "inverse_transform") and not isinstance(found.get("transform", ""), str):
            found["inverse_transform"] = _ask(estimator, "inverse_transform", found["transform"])
        if "predict" in found and "return_std" in inspect.signature(estimator.predict).parameters:
            found["predict with deviations"] = _ask(estimator, "predict", rows, return_std=True)
        found |= {name: _ask(estimator, name) for name in SIMPLE_QUESTIONS if hasattr(estimator, name)}
        if "predict" not in found and "transform" not in found:
            found |= attributes(estimator)
    return found


def attributes(estimator) -> dict[str, object]:
    """The public fitted attributes that are arrays or numbers, properties included."""
    names = set(vars(estimator)) | {
        name for name in dir(type(estimator)) if isinstance(getattr(type(estimator), name), property)
    }
    found = {}
    for name in sorted(name for name in names if name.endswith("_") and not name.startswith("_")):
        value = getattr(estimator, name, None)
        if sparse.issparse(value) or isinstance(value, np.ndarray | np.generic | bool | int | float):
            found[name] = value
    return found


def _ask(estimator, name, *arguments, **options):
    try:
        answer = getattr(estimator, name)(*arguments, **options)
        return list(answer) if inspect.isgenerator(answer) else answer
    except Exception as error:  # noqa: BLE001  (what it refuses is an answer, too)
        return f"{type(error).__name__}: {error}"


def same(left, right) -> list[str]:
    """Tell the differences between two sets of answers, to the last bit; none if they are the same."""
    return list(_differences(left, right, "answers"))


def _differences(left, right, where):
    if type(left) is not type(right):
        yield f"{where}: {type(left).__name__} became {type(right).__name__}"
    elif isinstance(left, dict):
        yield from _item_differences(left, right, where)
    elif isinstance(left, list | tuple):
        yield from _item_differences(dict(enumerate(left)), dict(enumerate(right)), where)
    elif hasattr(left, "columns") and hasattr(left, "to_numpy"):
        yield from _frame_differences(left, right, where)
    elif isinstance(left, np.ndarray | np.generic | float) or sparse.issparse(left):
        yield from _array_differences(left, right, where)
    elif left != right:
        yield f"{where}: {left!r} became {right!r}"


def _item_differences(left, right, where):
    if list(left) != list(right):
        yield f"{where}: {list(left)} became {list(right)}"
    for key in (key for key in left if key in right):
        yield from _differences(left[key], right[key], f"{where}[{key!r}]")


def _array_differences(left, right, where):
    if sparse.issparse(left):
        if left.format != right.format:
            yield f"{where}: {left.format} became {right.format}"
        left, right = left.toarray(), right.toarray()
    elif isinstance(left, np.ma.MaskedArray):
        yield from _array_differences(np.ma.getmaskarray(left), np.ma.getmaskarray(right), f"{where}.mask")
        left, right = left.filled(), right.filled()
    yield from _value_differences(np.asarray(left), np.asarray(right), where)


def _value_differences(left, right, where):
    if left.dtype != right.dtype or left.shape != right.shape:
        yield f"{where}: {left.dtype}{left.shape} became {right.dtype}{right.shape}"
    elif left.dtype.hasobject:
        yield from _differences(left.ravel().tolist(), right.ravel().tolist(), where)
    elif left.dtype.kind in "fc":
        missing = np.isnan(left)
        if not np.array_equal(missing, np.isnan(right)):
            yield f"{where}: nan at other places"
        elif np.where(missing, 0, left).tobytes() != np.where(missing, 0, right).tobytes():
            yield f"{where}: {np.sum(left != right)} of {left.size} numbers differ"
    elif left.tobytes() != right.tobytes():
        yield f"{where}: {np.sum(left != right)} of {left.size} values differ"


def _frame_differences(left, right, where):
    kinds = [dict(zip(frame.columns, map(str, frame.dtypes), strict=True)) for frame in (left, right)]
    if kinds[0] != kinds[1] or list(left.columns) != list(right.columns):
        yield f"{where}: {kinds[0]} became {kinds[1]}"
    elif left.shape != right.shape or (hasattr(left, "index") and not left.index.equals(right.index)):
        yield f"{where}: other rows"
    else:
        for name in left.columns:
            yield from _differences(left[name].to_numpy(), right[name].to_numpy(), f"{where}[{name!r}]")
