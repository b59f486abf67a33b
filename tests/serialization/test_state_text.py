"""What the reading of texts refuses: vocabularies with holes, patterns that take for ever, names of files."""

import json
import re

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.image import PatchExtractor
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk.serialization import dump_parts, load_parts

DOCUMENTS = ["the cat sat", "the dog ran", "a café, an owl"]
WORDS = [f"word{number} {chr(228 + number)}mlaut{number}" for number in range(70)]
COUNTS = CountVectorizer().fit(DOCUMENTS)
MANY = CountVectorizer(token_pattern=r"\S+").fit(WORDS)
HASHES = HashingVectorizer(n_features=16)
PLACES = DictVectorizer().fit([{"city": "Oslo", "size": 1.0}, {"city": "Bodø"}])


def altered(estimator, document):
    """Dump, put values into the document by their paths, load."""
    parts = dump_parts(estimator)
    data = json.loads(parts["model.json"])
    for path, value in document.items():
        *way, last = path.split("/")
        holder = data["model"]
        for key in way:
            holder = holder[key]
        holder[last] = value
    return load_parts({**parts, "model.json": json.dumps(data).encode()})


@pytest.mark.parametrize(
    "terms",
    [
        {"objects": ["a", "b"], "shape": [2]},
        ["a", "b"],
        {"strings": 5, "offsets": 5, "shape": [2], "dtype": "list"},
        {"words": 5, "count": 2},
    ],
)
def test_terms_that_are_no_text_are_refused(terms):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(COUNTS, {"state/terms": terms})
    assert caught.value.path == "terms"


@pytest.mark.parametrize(
    ("estimator", "document", "path"),
    [
        (COUNTS, {"params/input": "filename"}, "input"),
        (COUNTS, {"params/encoding": "zlib"}, "encoding"),
        (COUNTS, {"params/encoding": "os.path"}, "encoding"),
        (COUNTS, {"params/ngram_range": {"tuple": [1, 10**9]}}, "ngram_range[1]"),
        (COUNTS, {"params/ngram_range": {"tuple": [2, 1]}}, "ngram_range"),
        (COUNTS, {"params/token_pattern": None}, "token_pattern"),
        (COUNTS, {"params/token_pattern": "(a+)+$"}, "token_pattern"),
        (COUNTS, {"params/stop_words": ["a", 1]}, "stop_words[1]"),
        (COUNTS, {"params/dtype": "float16"}, "dtype"),
        (HASHES, {"params/n_features": 2**30}, "n_features"),
        (HASHES, {"params/dtype": {"name": "numpy.uint8"}}, "dtype"),
        (HASHES, {"params/token_pattern": ".*.*x"}, "token_pattern"),
        (FeatureHasher(16), {"params/n_features": 2**30}, "n_features"),
        (FeatureHasher(16), {"params/dtype": "uint64"}, "dtype"),
        (PLACES, {"params/dtype": "float32"}, "dtype"),
        (PLACES, {"params/separator": "=" * 2000}, "separator"),
        (PLACES, {"state/names": {"objects": ["a", "a"], "shape": [2]}}, "names"),
        (PatchExtractor(patch_size=(3, 3)), {"params/patch_size": {"tuple": [3, 10**9]}}, "patch_size[1]"),
    ],
)
def test_reading_that_opens_files_or_takes_for_ever_is_refused(estimator, document, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, document)
    assert caught.value.path == path


def test_a_model_that_would_be_refused_is_not_written():
    with pytest.raises(UnsupportedModelError, match="token_pattern: a pattern that is not allowed"):
        dump_parts(CountVectorizer(token_pattern=r"(?:\w+\s?)+").fit(DOCUMENTS))
    renamed = DictVectorizer().fit([{"a": 1, "b": 2}])
    renamed.vocabulary_ = {"b": 0, "a": 1}
    with pytest.raises(UnsupportedModelError, match="not the places"):
        dump_parts(renamed)
    for vocabulary in ({"a": 0, "b": 2}, {"a": 0, "b": 0}, {"a": 0, "b": -1}, {}):
        holes = CountVectorizer().fit(DOCUMENTS)
        holes.vocabulary_ = vocabulary
        with pytest.raises(UnsupportedModelError):
            dump_parts(holes)


def test_a_hasher_may_count_in_unsigned_integers_where_it_gives_no_signs():
    hasher = FeatureHasher(8, dtype=np.uint16, alternate_sign=False)
    loaded = load_parts(dump_parts(hasher))
    assert (loaded.transform([{"a": 3}]) != hasher.transform([{"a": 3}])).nnz == 0


@pytest.mark.parametrize("options", [{}, {"max_features": 100}])
def test_many_words_come_back_as_they_were(options):
    vectorizer = TfidfVectorizer(**options).fit(WORDS)
    parts = dump_parts(vectorizer)
    loaded = load_parts(parts)
    assert loaded.vocabulary_ == vectorizer.vocabulary_
    assert list(loaded.get_feature_names_out()) == list(vectorizer.get_feature_names_out())
    assert dump_parts(loaded) == parts


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("terms.utf8", lambda text: np.delete(text, np.flatnonzero(text > 127)[0])),
        ("terms.utf8", lambda text: text[: np.flatnonzero(text == 0)[-1]]),
        ("terms.utf8", lambda text: text.astype(np.int8)),
        ("terms.utf8", lambda text: np.where(text == ord("0"), ord("1"), text).astype(np.uint8)),
    ],
)
def test_words_that_are_cut_or_repeated_or_too_many_are_refused(name, change):
    parts = dump_parts(MANY)
    (file,) = (file for file in parts if file.startswith("tensors/"))
    tensors = read_tensors(parts[file])
    tensors[name] = np.ascontiguousarray(change(tensors[name]))
    with pytest.raises(InvalidArtifactError):
        load_parts({**parts, file: write_tensors(tensors)})


def test_stop_words_are_not_looked_at_again():
    vectorizer = CountVectorizer(stop_words=["isn't"])
    with pytest.warns(UserWarning, match="inconsistent"):
        vectorizer.fit(DOCUMENTS)
    load_parts(dump_parts(vectorizer)).transform(DOCUMENTS)  # a warning would be an error


def test_functions_of_strings_and_an_applications_own_may_read():
    vectorizer = CountVectorizer(tokenizer=str.split, preprocessor=str.lower, token_pattern=None)
    loaded = load_parts(dump_parts(vectorizer.fit(DOCUMENTS)))
    assert loaded.tokenizer is str.split
    assert list(loaded.get_feature_names_out()) == list(vectorizer.get_feature_names_out())


ALLOWED = [
    *(r"(?u)\b\w\w+\b", r"\b[a-z]+\b", r"\w{2,}", r"[^,]+", r"\S+", r".+", "", "a|b|ab", r"[\u4e00-\u9fff]+"),
    *(r"\w+(?:['-]\w+)*", r"(?u)\b\w*[a-zA-Z]\w*\b", r"(?ui)\b\w*[a-z]+\w*\b", r"\w+|[^\w\s]+", r"(?>a+)b"),
    *(r"\w+|\$[\d\.]+|\S+", r"(?u)(?<![@\w])@\w+|\w+", r"\b(?!\d+\b)\w+\b", r"(?:[A-Z]\.)+", r"(?i:a)b+"),
    *(r"\$?\d+(?:\.\d+)?%?", r"(?x) \b \w+ \b", r"([a-z]+)", r"(?:ab){3}", r"(?i)[a-y]+(?-i:Z)", r"\w\w+?"),
]
FORBIDDEN = [
    *(
        r"(a+)+$",
        r"(?:\w|\d)*x",
        r"(a|aa)+$",
        r"(?:a*)*",
        r"(?:a?){30}a{30}",
        "a?a?a?aaa",
        r".*.*x",
        r"[\s\S]*x",
    ),
    *(r"(\w)\1", r"(?:\w+\s?)*$", r"\s+$", r"(?=(?:\w+)+x)\w", r"(x)?(?(1)a|b)", r"\w+\w+!", r"(?:\w+)+!"),
    *(
        r"(?:(?=\w+x)\w)+",
        r"(?:\b){99}",
        r"\b\w*\w*\w!",
        "((",
        "a{99999999999}",
        "x" * 501,
        "(a)(b)",
        r"(?a)\w",
    ),
    *(r"(?:\w\d|a\w)" * 5, r"\b(?:ab)*abc", r"\b[a-z.]*[a-z]", r"[^a]*a", "(" * 200),
    *(r"(?i)(?:s|\u017ft)*sx", r"(?a:\w)", r"(?i:ab|AC)*b"),
]


@pytest.mark.parametrize("pattern", ALLOWED)
def test_patterns_whose_choices_are_decided_are_allowed(pattern):
    assert load_parts(dump_parts(HashingVectorizer(token_pattern=pattern))).token_pattern == pattern


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_patterns_that_some_text_could_make_take_for_ever_are_not(pattern):
    with pytest.raises(UnsupportedModelError, match="token_pattern"):
        dump_parts(HashingVectorizer(token_pattern=pattern))


def test_what_is_allowed_answers_texts_made_to_be_hard():
    texts = ["a" * 300 + "!", "a1" * 150 + " ", "1" * 300 + "-", "a-" * 150, " " * 300 + "x", "é" * 300]
    for pattern in ALLOWED:
        for text in texts:
            re.compile(pattern).findall(text)


def test_terms_with_zeros_in_them_come_back_too():
    vectorizer = CountVectorizer(analyzer="char", ngram_range=(1, 3)).fit(["a\0b", "ä\0\0c"])
    parts = dump_parts(vectorizer)
    loaded = load_parts(parts)
    assert loaded.vocabulary_ == vectorizer.vocabulary_
    assert dump_parts(loaded) == parts
