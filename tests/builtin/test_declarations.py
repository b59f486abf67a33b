"""What the built-ins declare, against what there is."""

import importlib
import inspect
import subprocess
import sys

import pytest
from sklearn.utils import all_estimators

from maas_sdk.errors import InvalidOptionError
from maas_sdk.plugin import PluginRegistry

BARE = {
    "preprocessor": {"standard_scaler", "min_max_scaler", "pca"},
    "model": {
        "linear_regressor",
        "linear_svm_classifier",
        "logistic_classifier",
        "mlp_classifier",
        "mlp_regressor",
        "ridge_regressor",
    },
    "optimizer": {
        *("gd", "sgd", "adam", "adamw", "amsgrad", "adagrad", "rmsprop", "lion"),
        *("dp_adam", "dp_sgd", "clip_by_norm", "clip_by_value", "chain"),
    },
    "schedule": {
        *("constant", "step", "exponential", "cosine", "linear_warmup", "one_cycle", "reduce_on_plateau"),
    },
    "compressor": {
        *(
            "baseline",
            "pca",
            "feature_selection",
            "float16",
            "bfloat16",
            "int8",
            "int4",
            "drop_training_state",
        ),
        *("forest_compact", "forest_trim", "forest_quantize", "knn_condense"),
        *("low_rank", "prune", "distill"),
    },
    "storage_backend": {"local", "memory"},
    "sealer": {"age"},
    "signer": {"pem", "ephemeral"},
}
NEEDS = {
    "local": "folder",
    "pem": "path",
    "chain": "steps",
    **dict.fromkeys(("step", "cosine", "linear_warmup", "one_cycle"), "n_steps"),
}
EXPERIMENTAL = {"HalvingGridSearchCV", "HalvingRandomSearchCV", "IterativeImputer"}


def references(kind):
    return {info.spec.name for info in PluginRegistry().describe("sklearn") if info.kind == kind}


def estimators_with(method):
    # Whether the experimental ones are there depends on what else this process has imported.
    return {
        name
        for name, cls in all_estimators()
        if inspect.getattr_static(cls, method, None) is not None and name not in EXPERIMENTAL
    }


def test_the_bare_names_are_these():
    declared = {}
    for info in PluginRegistry().describe("maas_sdk"):
        declared.setdefault(info.kind, set()).add(info.reference)
        assert info.spec.summary
    assert declared == BARE


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in BARE.items() for name in sorted(names)]
)
def test_every_built_in_constructs_with_its_defaults_or_says_what_it_needs(kind, name):
    registry = PluginRegistry()
    if name in NEEDS:
        with pytest.raises(InvalidOptionError, match=f"needs the option '{NEEDS[name]}'"):
            registry.create(kind, name)
    else:
        registry.create(kind, name)


@pytest.mark.parametrize(("kind", "method"), [("preprocessor", "transform"), ("model", "predict")])
def test_the_table_is_scikit_learns_list_of_estimators(kind, method):
    assert references(kind) == estimators_with(method)


def test_every_name_in_the_table_is_a_public_class_of_scikit_learn():
    estimators = dict(all_estimators())
    for info in PluginRegistry().describe("sklearn"):
        module, _, name = info.spec.target.partition(":")
        assert not any(part.startswith("_") for part in module.split(".")), info.spec.target
        assert getattr(importlib.import_module(module), name) is estimators[info.spec.name]


def test_scikit_learns_estimators_construct_with_options():
    made = PluginRegistry().create("model", "sklearn.RandomForestClassifier", {"n_estimators": 3})
    assert made.n_estimators == 3
    with pytest.raises(InvalidOptionError, match="did you mean 'n_estimators'"):
        PluginRegistry().create("model", "sklearn.RandomForestClassifier", {"n_estimator": 3})


def test_conditional_methods_do_not_hinder_construction():
    # Its `predict` exists for novelty detection only.
    assert PluginRegistry().create("model", "sklearn.LocalOutlierFactor")


def test_declaring_imports_no_target():
    program = (
        "import sys, maas_sdk.builtin, maas_sdk.builtin.sklearn as s\n"
        "assert list(s.maas_sdk_models())\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    targets = {info.spec.target.partition(":")[0] for info in PluginRegistry().describe("maas_sdk")}
    assert {*targets, "sklearn", "numpy"}.isdisjoint(done.stdout.split())
