"""Names, versions and references."""

import pytest
import semantic_version
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.artifact import Reference
from maas_sdk.artifact._documents.names import (
    check_alias,
    check_name,
    check_version,
    is_alias,
    is_version,
    tag,
    version_order,
)
from maas_sdk.errors import InvalidReferenceError

IDENTITY = "sha256:" + "ab" * 32


@pytest.mark.parametrize("name", ["acme/digits", "a/b", "0.a-b_c/9", "a" * 64 + "/" + "b" * 64])
def test_a_name_is_publisher_and_model(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "acme", "acme/", "/digits", "Acme/digits", "acme/digits/x", "acme/.x", "-a/b", "a/b\n", "á/b",
     "a" * 65 + "/b", "../x", "acme/../x", None, 7],
)  # fmt: skip
def test_anything_else_is_not_a_name(name):
    with pytest.raises(InvalidReferenceError, match="publisher/model"):
        check_name(name)


@pytest.mark.parametrize("version", ["1.0.0", "0.0.0", "1.2.3-rc.1", "1.2.3-0.a-b+build.01"])
def test_a_version_is_semver_2(version):
    assert check_version(version) == version


@pytest.mark.parametrize(
    "version",
    ["1.0", "01.0.0", "1.0.0-01", "v1.0.0", "1.0.0\n", "1.0.0 ", "\uff11.0.0", "1.0.0-", "1.0.0+", "",
     "1.0.0-" + "a" * 128, None, 1.0, "latest"],
)  # fmt: skip
def test_anything_else_is_not_a_version(version):
    with pytest.raises(InvalidReferenceError, match=r"SemVer 2\.0"):
        check_version(version)


@pytest.mark.parametrize(
    "alias", ["stable", "latest", "a", "v", "x-large-2", "r.1_0-b", "version1", "a" * 64]
)
def test_an_alias_is_a_word(alias):
    assert check_alias(alias) == alias
    assert Reference.parse(f"acme/digits@{alias}") == Reference("acme/digits", alias=alias)


@pytest.mark.parametrize(
    "alias",
    ["", "x", "v1", "v1.2", "v1.x", "x.x", "v1.2.3-rc.1", "1.0.0", "1", "Stable", "stable\n",
     "v2-final", "-a", "a/b", "a b", "á", "a" * 65, "sha256:" + "ab" * 32, "^1", "*", None, 7],
)  # fmt: skip
def test_what_reads_like_a_version_or_a_range_is_no_alias(alias):
    with pytest.raises(InvalidReferenceError, match="not an alias"):
        check_alias(alias)


@settings(max_examples=300, deadline=None)
@given(
    st.from_regex(r"\A[vx0-9]{1,2}(\.[vx0-9]{1,2}){0,3}(-[a-z0-9.-]{0,4})?\Z")
    | st.text("vx019.-_a", max_size=8)
)
def test_no_alias_is_a_range(text):
    try:
        semantic_version.NpmSpec(text)
    except ValueError:
        return
    assert not is_alias(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme/digits", Reference("acme/digits", range="*")),
        ("acme/digits@1.0.0", Reference("acme/digits", version="1.0.0")),
        ("acme/digits@1.0.0+b", Reference("acme/digits", version="1.0.0+b")),
        ("acme/digits@^1.2", Reference("acme/digits", range="^1.2")),
        ("acme/digits@>=1 <3", Reference("acme/digits", range=">=1 <3")),
        ("acme/digits@1.x || 3", Reference("acme/digits", range="1.x || 3")),
        ("acme/digits@" + IDENTITY, Reference("acme/digits", identity=IDENTITY)),
    ],
)
def test_a_reference_means_a_version_a_range_or_an_identity(text, expected):
    assert Reference.parse(text) == expected
    assert Reference.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "selector",
    ["", "@1.0.0", "sha256:abc", "^1.2\n", "^²", "1.0.0-..", "~>1", "SHA256:" + "ab" * 32,
     "1 " * 200],
)  # fmt: skip
def test_an_alias_or_nonsense_is_refused_and_the_message_says_what_is_accepted(selector):
    with pytest.raises(InvalidReferenceError, match="accepted are") as caught:
        Reference.parse("acme/digits@" + selector)
    assert "sha256:" in str(caught.value)


@pytest.mark.parametrize(
    ("range_", "chosen"),
    [
        ("*", "2.0.0"),
        ("^1.2", "1.10.0"),
        ("~1.2", "1.2.10"),
        ("^1.2.0-rc.1", "1.10.0"),
        ("~1.3.0-rc.1", "1.3.0-rc.2"),
        ("^3", None),
        (">=2.0.0 <2.0.0", None),
    ],
)
def test_a_range_gives_the_highest_version_and_prereleases_only_when_asked(range_, chosen):
    versions = ["1.2.9", "1.2.10", "1.10.0", "2.0.0", "1.3.0-rc.2", "1.3.0-rc.1", "3.0.0-alpha"]
    assert Reference("acme/digits", range=range_).select(versions) == chosen


def test_versions_are_in_the_order_of_semver():
    ordered = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc.1", "1.0.0", "1.0.0+a", "1.0.0+b", "1.0.1", "1.10.0", "2.0.0",
    ]  # fmt: skip
    shuffled = [*ordered[1::2], *ordered[::2]]
    assert sorted(shuffled, key=version_order) == ordered


def test_an_oci_tag_has_no_plus():
    assert tag("1.0.0+build.7") == "1.0.0_build.7"


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=30) | st.from_regex(r"[\^~<>=]{0,2}[0-9x*]{1,2}(\.[0-9x*]{1,2}){0,2}[-+a-z.0 |]{0,5}")
)
def test_any_text_is_a_reference_or_refused(selector):
    try:
        reference = Reference.parse(f"a/b@{selector}")
    except InvalidReferenceError:
        return
    if reference.range is not None:
        assert reference.select(["1.0.0", "1.0.0-rc.1"]) in {None, "1.0.0", "1.0.0-rc.1"}


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"\A[0-9]{1,2}\.[0-9]\.[0-9](-[a-z0-9.-]{1,5})?(\+[a-z0-9.-]{1,5})?\Z"))
def test_a_version_is_what_semver_s_own_parser_reads_and_writes_back(text):
    expected = semantic_version.validate(text) and str(semantic_version.Version(text)) == text
    assert is_version(text) == expected
