"""The table's feature extraction: texts, dictionaries, hashes, images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import MAX_NAME, Choice, Flag, Function, Int, Kind, Nothing, Text
from maas_sdk.serialization._kinds_arrays import Array, Dtype, Objects
from maas_sdk.serialization._kinds_compound import Either, Estimator, ListOf, TupleOf
from maas_sdk.serialization._kinds_text import Encoding, Pattern, Terms
from maas_sdk.serialization._spec import Field, Spec, optional, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["TEXT"]

_MODULE = "sklearn.feature_extraction"
_HASHED = Int(1, 2**24)  # columns, which somebody may make dense
_LENGTH = Int(1, 64)  # of what is read in sequence: a text has that many for each of its words
_FUNCTION = Either(Nothing(), Function())
_PARAMS: dict[str, Kind] = {
    "input": Choice(("content",)),  # a document is no name of a file to open
    "encoding": Encoding(),
    "strip_accents": Either(Nothing(), Choice(("ascii", "unicode")), Function()),
    "preprocessor": _FUNCTION,
    "tokenizer": _FUNCTION,
    "analyzer": Either(Choice(("word", "char", "char_wb")), Function()),
    "stop_words": Either(Nothing(), Choice(("english",)), ListOf(Text())),
    "token_pattern": Either(Nothing(), Pattern()),
    "ngram_range": TupleOf((_LENGTH, _LENGTH)),
    "dtype": Dtype(sparse=True),
}
_VOCABULARY: dict[str, Field] = {
    "terms": required(Terms("n_terms")),
    "fixed_vocabulary_": required(Flag()),
}
_LEFT_OUT = ("_stop_words_id",)
_PATTERN = (
    "the pattern of tokens is one whose choices the next character decides, and so takes no text for ever; "
    "documents are no names of files"
)
_TERMS = "each term stands once, and columns are counted anew"


def _check_hashing(hasher: Any, _: Mapping[str, Any], __: Scope, place: Place) -> None:
    if getattr(hasher, "alternate_sign", False) and np.dtype(hasher.dtype).kind == "u":
        raise place.attribute("dtype").refusal("no dtype with signs")


def _check_reading(vectorizer: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_hashing(vectorizer, attributes, scope, place)
    low, high = vectorizer.ngram_range
    if low > high:
        raise place.attribute("ngram_range").refusal("expected the lesser one first")
    if vectorizer.analyzer == "word" and vectorizer.tokenizer is None and vectorizer.token_pattern is None:
        raise place.attribute("token_pattern").refusal("missing")


def _finish_reading(vectorizer: Any) -> None:
    # So that the stop words, which were looked at when fitting, are not looked at again.
    vectorizer._stop_words_id = id(vectorizer.stop_words)  # noqa: SLF001 - scikit-learn's own attribute


def _check_names(vectorizer: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    names = attributes["names"]
    if len(set(names)) != names.size:
        raise place.attribute("names").refusal("a name appears twice")
    if not isinstance(vectorizer.dtype, type):
        raise place.attribute("dtype").refusal("expected a class")


def _vectorizer(name: str, fields: dict[str, Field], checked: str, **params: Kind) -> Spec:
    return Spec(
        f"sklearn.{name}",
        f"{_MODULE}.text",
        fields,
        params={**_PARAMS, **params},
        left_out=_LEFT_OUT,
        native="vocabulary" if "terms" in fields else "",
        check=_check_reading,
        finish=_finish_reading,
        checked=checked,
    )


TEXT: tuple[Spec, ...] = (
    _vectorizer("CountVectorizer", _VOCABULARY, f"{_TERMS}; {_PATTERN}"),
    _vectorizer(
        "TfidfVectorizer",
        {
            **_VOCABULARY,
            "_tfidf": required(
                Estimator(("transform",), classes=(("sklearn", "TfidfTransformer"),), features="n_terms")
            ),
        },
        f"{_TERMS}; {_PATTERN}",
    ),
    _vectorizer("HashingVectorizer", {}, f"at most {_HASHED.high} columns; {_PATTERN}", n_features=_HASHED),
    Spec(
        "sklearn.TfidfTransformer",
        f"{_MODULE}.text",
        {
            "n_features_in_": required(Int(1, _HASHED.high, size="n_features")),
            "idf_": optional(Array(("n_features",))),
        },
    ),
    Spec(
        "sklearn.DictVectorizer",
        _MODULE,
        {"names": required(Objects())},
        params={"dtype": Dtype(sparse=True), "separator": Text(MAX_NAME)},
        native="dictionary",
        check=_check_names,
        checked="the columns are counted anew, and no name appears twice",
    ),
    Spec(
        "sklearn.FeatureHasher",
        _MODULE,
        params={"n_features": _HASHED, "dtype": Dtype(sparse=True)},
        check=_check_hashing,
        checked=f"at most {_HASHED.high} columns",
    ),
    Spec(
        "sklearn.PatchExtractor",
        f"{_MODULE}.image",
        params={"patch_size": Either(Nothing(), TupleOf((Int(1, 2**16), Int(1, 2**16))))},
    ),
)
