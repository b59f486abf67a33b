"""Masked names: the holder of the key asks as before, nobody else reads or guesses a name."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import (
    calibration,
    compose,
    dummy,
    ensemble,
    impute,
    linear_model,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.feature_extraction import DictVectorizer, text

import maas_sdk as maas
from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy import Mask, desensitize, disclosure_scan
from maas_sdk.serialization import dump_parts

MASK = Mask(bytes(range(32)))
RNG = np.random.default_rng(1)
FRAME = pd.DataFrame(
    {
        "patient_age": RNG.normal(40, 9, 120),
        "income": RNG.normal(5, 2, 120),
        "hometown": RNG.choice(["Oslo", "Bergen", "Tromsø"], 120),
        "grade": RNG.choice(["low", "mid", "high"], 120),
    }
)
NUMBERS = FRAME[["patient_age", "income"]]
LABELS = np.where(FRAME["patient_age"] > 45, "diabetes", np.where(FRAME["income"] > 5, "asthma", "healthy"))
TEXTS = [" ".join(RNG.choice(["salary", "alice", "bob", "The", "dog", "ran"], 5)) + "." for _ in range(60)]
SECRETS = [
    "patient_age",
    "income",
    "hometown",
    "grade",
    "Oslo",
    "Bergen",
    "diabetes",
    "asthma",
    "healthy",
    "alice",
]


def holds_no_secret(model):
    """Whether none of the names is anywhere in what is serialized of a model."""
    parts = dump_parts(model)
    whole = b"".join(parts.values())
    return not any(name.encode() in whole for name in SECRETS)


def test_the_same_name_has_the_same_mask_under_one_key_and_another_one_under_another():
    other = Mask(bytes(range(1, 33)))
    assert MASK.columns(["patient_age", "patient_age"]) == ["m_" + MASK.columns(["patient_age"])[0][2:]] * 2
    assert MASK.columns(["patient_age"]) != other.columns(["patient_age"])
    assert len({*MASK.columns(["x"]), *MASK.values(["x"]), *MASK.words(["x"])}) == 3, "kinds are apart"
    assert len(MASK.columns(["x"])[0]) == 34


def test_the_masks_are_hmac_sha_256_of_a_text_that_says_what_it_is():
    import hashlib
    import hmac

    expected = hmac.new(bytes(range(32)), b"maas-mask/1\0column\0patient_age", hashlib.sha256).hexdigest()[
        :32
    ]
    assert MASK.columns(["patient_age"]) == [f"m_{expected}"]


@given(st.sets(st.text(max_size=8), min_size=1, max_size=40))
def test_labels_sort_as_before_and_come_back(labels):
    ordered = sorted(labels)
    masked = MASK.labels(ordered, classes=labels)
    assert masked == sorted(masked)
    assert MASK.restore(np.array(masked, dtype=object), classes=labels).tolist() == ordered


@pytest.mark.parametrize("key", [b"short", bytes(31), bytes(32), "x" * 32, bytearray(40), None])
def test_a_weak_key_is_refused(key):
    with pytest.raises(InvalidOptionError, match="Mask"):
        Mask(key)


def test_a_made_key_is_random_and_the_mask_shows_it_nowhere():
    keys = {Mask.generate_key() for _ in range(3)}
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 3
    assert repr(MASK) == "Mask(…)"
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(InvalidOptionError, match="not pickled"):
            way(MASK)


def test_the_key_is_not_in_the_result():
    made = desensitize(svm.LinearSVC().fit(NUMBERS, LABELS), X_train=NUMBERS, mask=MASK)
    key = bytes(range(32))
    assert key not in b"".join(dump_parts(made.pipeline).values())
    assert repr(key) not in repr(made)
    assert "_key" not in repr(vars(made.pipeline))


CLASSIFIERS = [
    linear_model.LogisticRegression(class_weight={"diabetes": 1.0, "asthma": 2.0, "healthy": 1.0}),
    linear_model.SGDClassifier(random_state=0),
    linear_model.RidgeClassifier(),
    naive_bayes.GaussianNB(),
    neighbors.NearestCentroid(),
    neural_network.MLPClassifier((5,), max_iter=5, random_state=0),
    tree.DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
    ensemble.RandomForestClassifier(4, min_samples_leaf=5, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=3, min_samples_leaf=5, random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=3),
    ensemble.AdaBoostClassifier(n_estimators=3, random_state=0),
    ensemble.BaggingClassifier(linear_model.LogisticRegression(), n_estimators=3, random_state=0),
    ensemble.VotingClassifier(
        [("line", linear_model.LogisticRegression()), ("bayes", naive_bayes.GaussianNB())], voting="soft"
    ),
    ensemble.StackingClassifier([("line", linear_model.LogisticRegression())], cv=3),
    multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
    multiclass.OneVsOneClassifier(linear_model.LogisticRegression()),
    multiclass.OutputCodeClassifier(linear_model.LogisticRegression(), random_state=0),
    calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=3),
    dummy.DummyClassifier(strategy="constant", constant="asthma"),
]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: type(model).__name__)
def test_names_and_labels_of_every_kind_of_classifier_are_masked_and_the_key_holder_sees_no_difference(model):
    model.fit(NUMBERS, LABELS)
    made = desensitize(model, X_train=NUMBERS, mask=MASK, max_disclosure="low")
    assert holds_no_secret(made.pipeline)
    asked = MASK.pipeline(made.pipeline, model)
    np.testing.assert_array_equal(asked.predict(NUMBERS), model.predict(NUMBERS))
    if hasattr(model, "predict_proba"):
        assert asked.predict_proba(NUMBERS).tobytes() == model.predict_proba(NUMBERS).tobytes()
    for question in ("predict_proba", "decision_function", "transform"):
        assert hasattr(asked, question) == hasattr(model, question)
    assert (
        list(model.feature_names_in_) == ["patient_age", "income"]
        if hasattr(model, "feature_names_in_")
        else True
    )
    assert all(
        finding.what.startswith("masked") for finding in made.scan.findings if "masked" in finding.what
    )


def test_several_outputs_keep_their_labels_apart():
    target = np.c_[LABELS, np.where(FRAME["income"] > 4, "rich", "healthy")]
    model = multioutput.MultiOutputClassifier(linear_model.LogisticRegression()).fit(NUMBERS, target)
    made = desensitize(model, X_train=NUMBERS, mask=MASK, max_disclosure="low")
    np.testing.assert_array_equal(
        MASK.pipeline(made.pipeline, model).predict(NUMBERS), model.predict(NUMBERS)
    )
    assert holds_no_secret(made.pipeline)


def test_labels_that_are_numbers_stay():
    model = linear_model.LogisticRegression().fit(NUMBERS, LABELS == "healthy")
    made = desensitize(model, X_train=NUMBERS, mask=MASK)
    assert made.pipeline.classes_.tolist() == [False, True]


def columns(**options):
    return compose.ColumnTransformer(
        [
            ("patient_age", preprocessing.StandardScaler(), ["patient_age"]),
            (
                "words",
                preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                ["hometown"],
            ),
            (
                "orders",
                pipeline.make_pipeline(
                    impute.SimpleImputer(strategy="most_frequent"),
                    preprocessing.OrdinalEncoder(categories=[["low", "mid", "high"]]),
                ),
                ["grade"],
            ),
        ],
        **options,
    )


@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("remainder", ["drop", "passthrough"])
def test_columns_and_categories_are_masked_through_a_whole_preprocessing(output, remainder):
    model = pipeline.make_pipeline(
        columns(remainder=remainder), preprocessing.MinMaxScaler(), linear_model.LogisticRegression()
    )
    model.set_output(transform=output).fit(FRAME, LABELS)
    made = desensitize(model, X_train=FRAME, mask=MASK, max_disclosure="low")
    assert holds_no_secret(made.pipeline)
    asked = MASK.pipeline(made.pipeline, model)
    np.testing.assert_array_equal(asked.predict(FRAME), model.predict(FRAME))
    strange = FRAME.assign(hometown="Paris")
    np.testing.assert_array_equal(asked.predict(strange), model.predict(strange))
    hidden = asked.masked_input(FRAME)
    assert set(hidden.columns).isdisjoint(FRAME.columns)
    assert set(hidden.iloc[:, 2]).isdisjoint(FRAME["hometown"])
    assert list(FRAME.columns) == ["patient_age", "income", "hometown", "grade"]


def test_categories_of_a_frame_and_of_polars_are_masked_too():
    frame = FRAME.astype({"hometown": "category", "grade": "category"})
    model = ensemble.HistGradientBoostingClassifier(max_iter=3).fit(frame, LABELS)
    made = desensitize(model, X_train=frame, mask=MASK, max_disclosure="low")
    asked = MASK.pipeline(made.pipeline, model)
    np.testing.assert_array_equal(asked.predict_proba(frame), model.predict_proba(frame))

    table = pl.DataFrame({str(name): FRAME[name].tolist() for name in FRAME.columns})
    encoder = pipeline.make_pipeline(columns(), linear_model.LogisticRegression()).fit(table, LABELS)
    made = desensitize(encoder, X_train=table, mask=MASK, max_disclosure="low")
    np.testing.assert_array_equal(
        MASK.pipeline(made.pipeline, encoder).predict(table), encoder.predict(table)
    )


def test_cells_of_an_array_are_masked():
    rows = FRAME[["hometown", "grade"]].to_numpy()
    model = pipeline.make_pipeline(preprocessing.OneHotEncoder(), linear_model.LogisticRegression())
    model.fit(rows, LABELS)
    made = desensitize(model, X_train=rows, mask=MASK, max_disclosure="low")
    asked = MASK.pipeline(made.pipeline, model)
    np.testing.assert_array_equal(asked.predict(rows), model.predict(rows))
    np.testing.assert_array_equal(asked.predict(rows.tolist()), model.predict(rows.tolist()))


@pytest.mark.parametrize(
    "vectorizer",
    [
        text.CountVectorizer(),
        text.CountVectorizer(vocabulary=["alice", "bob", "dog"], binary=True),
        text.TfidfVectorizer(ngram_range=(1, 2), stop_words=["the"], sublinear_tf=True),
        text.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), lowercase=False),
    ],
    ids=["words", "given words", "pairs of words", "characters"],
)
def test_words_are_masked_and_the_key_holder_cuts_texts_as_before(vectorizer):
    model = pipeline.make_pipeline(vectorizer, linear_model.LogisticRegression()).fit(TEXTS, LABELS[:60])
    made = desensitize(model, X_train=TEXTS, mask=MASK, max_disclosure="low")
    assert holds_no_secret(made.pipeline)
    asked = MASK.pipeline(made.pipeline, model)
    news = [*TEXTS, "Alice saw an unknown word", ""]
    assert asked.predict_proba(news).tobytes() == model.predict_proba(news).tobytes()
    assert not any("alice" in hidden.lower() for hidden in asked.masked_input(TEXTS))


def test_words_may_be_those_that_steps_and_settings_are_called_by():
    texts = ["model transform default", "model pandas word", "default content transform"] * 5
    model = pipeline.Pipeline(
        [("word", text.TfidfVectorizer()), ("model", linear_model.LogisticRegression())]
    ).fit(texts, ["a", "b", "c"] * 5)
    made = desensitize(model, X_train=texts, mask=MASK, max_disclosure="low")
    np.testing.assert_array_equal(MASK.pipeline(made.pipeline, model).predict(texts), model.predict(texts))


def test_keys_and_values_of_records_are_masked():
    records = [
        {"hometown": city, "patient_age": age, "tags": ["a", "b"]}
        for city, age in zip(FRAME["hometown"], FRAME["patient_age"], strict=True)
    ]
    model = pipeline.make_pipeline(DictVectorizer(), linear_model.LogisticRegression(max_iter=1000)).fit(
        records, LABELS
    )
    made = desensitize(model, X_train=records, mask=MASK, max_disclosure="low")
    assert holds_no_secret(made.pipeline)
    asked = MASK.pipeline(made.pipeline, model)
    np.testing.assert_array_equal(asked.predict(records), model.predict(records))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (
            pipeline.make_pipeline(
                compose.ColumnTransformer([("words", text.CountVectorizer(), "hometown")]),
                linear_model.LogisticRegression(),
            ),
            "only where it is the first step",
        ),
        (
            pipeline.Pipeline([("hometown", columns()), ("model", linear_model.LogisticRegression())]),
            "the step 'hometown' is called like what is masked",
        ),
        (
            pipeline.make_pipeline(
                columns(), ensemble.VotingClassifier([("asthma", linear_model.LogisticRegression())])
            ),
            r"'asthma' is left in votingclassifier\.estimators",
        ),
    ],
    ids=["a vectorizer inside", "a step's name", "a member's name"],
)
def test_what_cannot_be_masked_is_refused_with_the_place(model, reason):
    with pytest.raises(InvalidOptionError, match=reason):
        desensitize(model.fit(FRAME, LABELS), X_train=FRAME, mask=MASK)


def test_an_analyzer_that_is_a_function_is_refused():
    model = text.CountVectorizer(analyzer=str.split).fit(TEXTS)
    with pytest.raises(InvalidOptionError, match="an analyzer that is a function"):
        desensitize(model, X_train=TEXTS, mask=MASK, drop_state=False)


def test_a_label_that_is_not_known_cannot_be_restored():
    with pytest.raises(InvalidOptionError, match="none of the 2 classes"):
        MASK.restore(["m_0000_" + "0" * 32], classes=["a", "b"])


def test_masks_are_low_findings_and_names_beside_them_are_not_taken_for_masks():
    model = linear_model.LogisticRegression().fit(NUMBERS, LABELS)
    made = desensitize(model, X_train=NUMBERS, mask=MASK).pipeline
    assert {finding.what for finding in disclosure_scan(made).findings} == {
        "masked: class labels",
        "masked: feature names",
    }
    made.classes_[0] = "healthy"
    assert "class labels" in {finding.what for finding in disclosure_scan(made).findings}


def test_a_masked_pipeline_is_published_without_its_names_and_asked_by_the_key_holder():
    acme = maas.Identity.generate("acme")
    before = maas.Pipeline(linear_model.LogisticRegression(), [columns()]).fit(FRAME, LABELS)
    made = desensitize(before, X_train=FRAME, mask=MASK, max_disclosure="low").pipeline
    asked = MASK.pipeline(made, before)
    hidden = asked.masked_input(FRAME)
    store = maas.open_store("memory:")
    release = made.publish(
        "acme/risk",
        version="1.0.0",
        store=store,
        signer=acme,
        evaluation=made.evaluate(hidden, made.predict(hidden)),
    )
    parts = release.read_parts()
    whole = b"".join(bytes(data) for data in parts.values())
    assert [name for name in SECRETS if name.encode() in whole] == []
    assert set(json.loads(parts["schema.json"])["feature_names"]) == set(MASK.columns(FRAME.columns))
    np.testing.assert_array_equal(asked.predict(FRAME), before.predict(FRAME))
    assert list(before.feature_names_in_) == list(FRAME.columns)


def test_unions_given_categories_dropped_ones_and_filled_in_values_are_masked():
    union = pipeline.make_union(
        compose.ColumnTransformer([("numbers", preprocessing.StandardScaler(), ["patient_age", "income"])]),
        compose.ColumnTransformer(
            [
                (
                    "words",
                    pipeline.make_pipeline(
                        impute.SimpleImputer(strategy="constant", fill_value="Bergen"),
                        preprocessing.OneHotEncoder(drop=["Oslo"]),
                    ),
                    ["hometown"],
                ),
                (
                    "ranks",
                    preprocessing.OneHotEncoder(categories=[["low", "mid", "high"]], drop="first"),
                    slice("grade", "grade"),
                ),
            ]
        ),
    )
    frame = FRAME.copy()
    frame.loc[::7, "hometown"] = np.nan
    model = pipeline.make_pipeline(union, linear_model.LogisticRegression()).fit(frame, LABELS)
    made = desensitize(model, X_train=frame, mask=MASK, max_disclosure="low")
    assert holds_no_secret(made.pipeline)
    asked = MASK.pipeline(made.pipeline, model)
    np.testing.assert_array_equal(asked.predict(frame), model.predict(frame))
    assert "KeyedPipeline(Pipeline(" in repr(asked)


def test_numbers_among_categories_stay():
    rows = np.c_[RNG.integers(0, 3, 120), RNG.integers(0, 2, 120)].astype(float)
    model = pipeline.make_pipeline(preprocessing.OneHotEncoder(), linear_model.LogisticRegression())
    made = desensitize(model.fit(rows, LABELS), X_train=rows, mask=MASK)
    np.testing.assert_array_equal(made.pipeline[0].categories_[0], [0, 1, 2])


def test_densities_and_transformers_are_asked_too():
    density = neighbors.KernelDensity().fit(NUMBERS)
    asked = MASK.pipeline(
        desensitize(density, X_train=NUMBERS, mask=MASK, max_disclosure="high").pipeline, density
    )
    np.testing.assert_array_equal(asked.score_samples(NUMBERS), density.score_samples(NUMBERS))
    scaler = preprocessing.StandardScaler().fit(NUMBERS)
    asked = MASK.pipeline(desensitize(scaler, X_train=NUMBERS, mask=MASK).pipeline, scaler)
    np.testing.assert_array_equal(asked.transform(NUMBERS), scaler.transform(NUMBERS))
    machine = svm.LinearSVC().fit(NUMBERS, LABELS)
    asked = MASK.pipeline(desensitize(machine, X_train=NUMBERS, mask=MASK).pipeline, machine)
    np.testing.assert_array_equal(asked.decision_function(NUMBERS), machine.decision_function(NUMBERS))
