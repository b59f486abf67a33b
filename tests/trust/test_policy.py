"""Policies: rules, their TOML, and how people change them."""

import contextlib
import re
from pathlib import Path

import pytest
from attrs import NOTHING, evolve, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import PolicyError
from maas_sdk.trust import MAX_EPOCH, AliasRule, Policy, RetiredKeys, Rule, TrustedKey

DIGEST = "sha256:" + "0" * 64
PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


def make_key(number):
    return TrustedKey("acme", f"sha256:{number:064x}", PEM.replace("AAAA", f"{number:04d}"))


KEY = TrustedKey("acme", DIGEST, PEM)
GOOD = f'''
[[rules]]
names = "acme/*"
threshold = 1

[[rules.keys]]
name = "acme"
fingerprint = "{DIGEST}"
pem = """
{PEM}"""
'''


def test_a_policy_is_read_from_toml():
    assert Policy.from_toml(GOOD) == Policy((Rule("acme/*", (KEY,)),))
    assert Policy.from_toml(GOOD.replace("\n", "\r\n")) == Policy.from_toml(GOOD)
    assert Policy.from_toml("") == Policy()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("threshold = 1", "threshold = 2", r"threshold .* is 2; it has 1 distinct.*rules\[0\]"),
        ("threshold = 1", "threshold = 0", "threshold"),
        ("threshold = 1", "threshold = true", r"expected int, not bool.*rules\[0\]\.threshold"),
        ("threshold = 1", 'threshold = "1"', r"expected int, not str.*rules\[0\]\.threshold"),
        ("threshold = 1", "threshold = 1.0", "expected int, not float"),
        ("threshold = 1", "treshold = 1", r"unknown key 'treshold'.*rules\[0\]"),
        ("threshold = 1", "require_sealed = 1", "expected bool, not int"),
        ("threshold = 1", "require_selftest = 'no'", "expected bool, not str"),
        ("threshold = 1", "max_age_days = 0", "max_age_days is 0"),
        ("threshold = 1", "max_age_days = 36526", "max_age_days is 36526"),
        ("threshold = 1", "max_age_days = -1", "max_age_days is -1"),
        ("threshold = 1", "max_age_days = 1.5", "max_age_days"),
        ("threshold = 1", "epoch = 0", "epoch is 0; it must be a whole number from 1 to 1000000"),
        ("threshold = 1", "epoch = true", r"expected int, not bool.*rules\[0\]\.epoch"),
        ("threshold = 1", "require_post_quantum = 1", "expected bool, not int"),
        ("threshold = 1", "max_release_bytes = 0", "max_release_bytes is 0"),
        ("threshold = 1", "max_release_bytes = 1e9", "max_release_bytes"),
        (
            "threshold = 1",
            'max_disclosure = "grave"',
            "max_disclosure is 'grave'; it must be one of none, low",
        ),
        ("threshold = 1", "max_disclosure = 1", "expected str|max_disclosure"),
        ("threshold = 1", 'components = "acme.zstd"', r"expected an array, not str.*components"),
        ("threshold = 1", "components = [1]", "expected str, not int"),
        ("threshold = 1", 'components = ["acme*"]', "after a dot"),
        ("threshold = 1", 'estimators = ["sklearn.*.Ridge"]', r"estimators has 'sklearn\.\*\.Ridge'"),
        ("threshold = 1", "aliases = 1", "expected an array"),
        ("threshold = 1", 'aliases = [{alias = "stable"}]', r"'keys' is missing.*aliases\[0\]"),
        (
            "threshold = 1",
            'aliases = [{alias = "stable", keys = []}]',
            r"keys of alias stable is empty.*aliases\[0\]",
        ),
        ("threshold = 1", f'aliases = [{{alias = "Stable", keys = ["{DIGEST}"]}}]', "alias is 'Stable'"),
        (
            "threshold = 1",
            f'aliases = [{{alias = "s", keys = ["{DIGEST}"], days = 1}}]',
            "unknown key 'days'",
        ),
        (
            "threshold = 1",
            'aliases = [{alias = "s", keys = ["acme"]}]',
            "the key 'acme' of the alias s is none",
        ),
        ('names = "acme/*"', "", r"required key 'names' is missing.*rules\[0\]"),
        ('names = "acme/*"', 'names = ["acme/*"]', "expected str, not list"),
        ('names = "acme/*"', 'names = "acme*"', "only at the end and after the slash"),
        ('fingerprint = "sha256:', 'fingerprint = "sha512:', r"malformed.*rules\[0\]\.keys\[0\]"),
        ('name = "acme"', 'name = ""', "visible characters"),
        ('name = "acme"', 'name = "a\\u001b[2J"', "visible characters"),
        ('name = "acme"', 'name = "acme"\nemail = "x"', r"unknown key 'email'.*keys\[0\]"),
        ("AAAA", "AA A", "not one public key"),
        ("PUBLIC KEY", "PRIVATE KEY", "not one public key"),
        ("[[rules]]", "[[rule]]", "unknown key 'rule'|twice|define"),
        ("[[rules]]", "[[rules]", "not TOML.*line 2"),
        ("[[rules]]", "version = 2\n[[rules]]", "unknown key 'version'"),
    ],
)
def test_a_fault_is_named_with_its_place(old, new, reason):
    assert old in GOOD
    with pytest.raises(PolicyError, match=reason):
        Policy.from_toml(GOOD.replace(old, new))


@pytest.mark.parametrize(
    "text",
    [
        "rules = ''",
        "rules = 1",
        "rules = [1]",
        "[rules]",
        "[[rules]]\nnames = '*'\nkeys = ''",
        "[[rules]]\nnames = '*'\nkeys = {}",
        "[[rules]]\nnames = '*'\nkeys = [[]]",
        "x = " + "[" * 5000 + "]" * 5000,
    ],
)
def test_what_has_another_shape_is_refused(text):
    with pytest.raises(PolicyError):
        Policy.from_toml(text)


@pytest.mark.parametrize("keys", ["keys = []", ""])
def test_a_rule_without_keys_is_refused(keys):
    with pytest.raises(PolicyError, match="keys"):
        Policy.from_toml(f"[[rules]]\nnames = '*'\n{keys}")


def test_two_rules_for_the_same_names_are_refused():
    with pytest.raises(PolicyError, match=r"two rules are for acme/\*"):
        Policy.from_toml(GOOD + GOOD)


def test_a_key_counts_once(key):
    with pytest.raises(PolicyError, match="appears twice"):
        Rule("*", (key(1), key(2), key(1, name="again")), threshold=3)
    with pytest.raises(PolicyError, match="appears twice"):
        Rule("*", (key(1), evolve(key(1), fingerprint=DIGEST)), threshold=2)
    assert Rule("*", [key(1), key(2)], threshold=2).threshold == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"keys": ()},
        {"keys": 3},
        {"keys": ("key",)},
        {"names": 5},
        {"names": ""},
        {"threshold": True},
        {"threshold": "1"},
        {"require_sealed": 0},
        {"require_selftest": None},
        {"max_age_days": True},
        {"epoch": 0},
        {"epoch": MAX_EPOCH + 1},
        {"epoch": None},
        {"require_post_quantum": None},
        {"max_release_bytes": 0},
        {"max_release_bytes": 2**53},
        {"max_release_bytes": 1.5},
        {"max_disclosure": "all"},
        {"max_disclosure": True},
        {"components": "acme.*"},
        {"components": 5},
        {"components": (None,)},
        {"estimators": "sklearn.*"},
        {"estimators": ("",)},
        {"aliases": 5},
        {"aliases": ("stable",)},
        {"aliases": (AliasRule("stable", (DIGEST,)), AliasRule("stable", (DIGEST,)))},
        {"aliases": (AliasRule("stable", (DIGEST[:-1] + "1",)),)},
        {"aliases": (AliasRule("stable", (5,)),)},
    ],
)
def test_a_rule_made_in_code_is_checked_likewise(arguments):
    with pytest.raises(PolicyError):
        Rule(**{"names": "*", "keys": (KEY,), **arguments})


@pytest.mark.parametrize(
    "arguments",
    [{"name": 5}, {"name": " "}, {"name": "x" * 201}, {"fingerprint": b"x"}, {"fingerprint": DIGEST.upper()}]
    + [{"pem": pem} for pem in (5, "", PEM * 3, PEM.replace("\n", ""), "x" + PEM)],
)
def test_a_key_made_in_code_is_checked_likewise(arguments):
    with pytest.raises(PolicyError):
        TrustedKey(**{"name": "acme", "fingerprint": DIGEST, "pem": PEM, **arguments})


def test_white_space_around_a_pem_makes_no_other_key():
    assert TrustedKey("acme", DIGEST, "\n" + PEM.strip()) == KEY
    assert "BEGIN" not in repr(KEY)


@pytest.mark.parametrize("rules", [3, ("rule",)])
def test_a_policy_made_in_code_is_checked_likewise(rules):
    with pytest.raises(PolicyError):
        Policy(rules)


@pytest.mark.parametrize("names", ["*", "acme/*", "acme/dig*", "acme/digits", "a-1.b_c/x", "a/a.*"])
def test_a_good_pattern(names):
    assert Rule(names, (KEY,)).names == names


@pytest.mark.parametrize(
    "names",
    [
        "**",
        "acme",
        "acme*",
        "*/digits",
        "acme/*/x",
        "acme/**",
        "/*",
        "acme/",
        "Acme/*",
        "a/b/c",
        "a/*\n",
        "a/.*",
        "[a]/x",
    ],
)
def test_a_bad_pattern(names):
    with pytest.raises(PolicyError, match="names is"):
        Rule(names, (KEY,))


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("acme/digits", "acme/digits"),
        ("acme/digits-2", "acme/digits*"),
        ("acme/digit", "acme/dig*"),
        ("acme/faces", "acme/*"),
        ("acme-evil/digits", "*"),
        ("globex/x", "*"),
    ],
)
def test_the_most_specific_rule_holds(name, names):
    patterns = ["*", "acme/dig*", "acme/digits", "acme/*", "acme/digits*"]
    for order in (patterns, patterns[::-1]):
        assert Policy([Rule(pattern, (KEY,)) for pattern in order]).rule_for(name).names == names


def test_an_exact_name_is_more_specific_than_a_longer_pattern():
    policy = Policy((Rule("a/b", (KEY,)), Rule("a/b*", (KEY,))))
    assert policy.rule_for("a/b").names == "a/b"


def test_without_a_rule_nobody_is_trusted():
    with pytest.raises(PolicyError, match="maas trust add"):
        Policy().rule_for("acme/digits")
    with pytest.raises(PolicyError, match="no rule"):
        Policy((Rule("acme/*", (KEY,)),)).rule_for("acmeevil/digits")


NAME = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,5}", fullmatch=True)
PATTERN = st.one_of(
    st.just("*"), st.builds("{}/{}".format, NAME, st.one_of(st.just("*"), NAME, NAME.map("{}*".format)))
)
LABEL = st.text(
    st.sampled_from(" \"'\\") | st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20
).filter(str.strip)


REFERENCE = st.sampled_from(["*", "acme.zstd", "acme.*", "sklearn.linear_model.Log*", "_x.Y_1"])


@st.composite
def alias_rules(draw, fingerprints):
    rules = []
    for alias in draw(st.lists(st.just("*") | NAME, unique=True, max_size=3)):
        keys = draw(st.lists(st.sampled_from(fingerprints), min_size=1, unique=True))
        rules.append(AliasRule(alias, tuple(keys), draw(st.integers(1, len(keys)))))
    return tuple(rules)


@st.composite
def policies(draw):
    rules = []
    for names in draw(st.lists(PATTERN, unique=True, max_size=4)):
        numbers = draw(st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True))
        keys = [evolve(make_key(number), name=draw(LABEL)) for number in numbers]
        retired = [
            RetiredKeys(epoch, 1, tuple(keys)) for epoch in draw(st.lists(st.integers(1, 3), unique=True))
        ]
        rules.append(
            Rule(
                names,
                tuple(keys),
                threshold=draw(st.integers(1, len(keys))),
                require_sealed=draw(st.booleans()),
                require_selftest=draw(st.booleans()),
                max_age_days=draw(st.none() | st.integers(1, 36_525)),
                epoch=draw(st.integers(4, MAX_EPOCH)),
                retired=retired,
                require_post_quantum=draw(st.booleans()),
                max_release_bytes=draw(st.none() | st.integers(1, 2**53 - 1)),
                max_disclosure=draw(st.sampled_from([None, "none", "low", "medium", "high"])),
                components=draw(st.none() | st.lists(REFERENCE, max_size=3)),
                estimators=draw(st.none() | st.lists(REFERENCE, max_size=3)),
                aliases=draw(alias_rules([key.fingerprint for key in keys])),
            )
        )
    return Policy(tuple(rules))


@given(policies())
@settings(deadline=None, max_examples=30)
def test_a_policy_survives_toml(policy):
    text = policy.to_toml()
    assert Policy.from_toml(text) == policy
    assert Policy.from_toml(text).to_toml() == text


@given(policies(), NAME, NAME)
@settings(deadline=None, max_examples=30)
def test_no_rule_that_covers_the_name_is_more_specific_than_the_one_that_holds(policy, publisher, model):
    name = f"{publisher}/{model}"
    covering = [rule for rule in policy.rules if rule.covers(name)]
    if covering:
        assert policy.rule_for(name) in covering
        exact = [rule for rule in covering if rule.names == name]
        longest = max(covering, key=lambda rule: len(rule.names))
        assert policy.rule_for(name) == (exact[0] if exact else longest)


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=30)
def test_any_text_is_a_policy_or_a_policy_error(text):
    with contextlib.suppress(PolicyError):
        assert Policy.from_toml(text) == Policy()


def test_a_key_is_added_with_a_rule_of_its_own_or_to_the_rule_of_these_names(key):
    policy = Policy().with_key("acme/*", key(1), require_sealed=False, max_age_days=9)
    assert policy.rules == (Rule("acme/*", (key(1),), require_sealed=False, max_age_days=9),)
    policy = policy.with_key("acme/*", key(2), threshold=2)
    assert policy.rules == (Rule("acme/*", (key(1), key(2)), 2, require_sealed=False, max_age_days=9),)
    policy = policy.with_key("globex/x", key(3))
    assert [rule.names for rule in policy.rules] == ["acme/*", "globex/x"]
    with pytest.raises(PolicyError, match="threshold"):
        policy.with_key("new/*", key(1), threshold=2)


def test_the_same_key_added_again_is_renamed_and_not_doubled(key):
    policy = Policy().with_key("acme/*", key(1)).with_key("acme/*", key(1, name="new name"))
    assert [one.name for one in policy.rules[0].keys] == ["new name"]


def test_a_key_is_removed_everywhere_and_a_rule_without_keys_goes_with_it(key):
    policy = Policy((Rule("acme/*", (key(1), key(2))), Rule("globex/*", (key(1),))))
    assert policy.without_key(key(1).fingerprint).rules == (Rule("acme/*", (key(2),)),)
    with pytest.raises(PolicyError, match="no rule of the policy has the key"):
        policy.without_key(key(9).fingerprint)


def test_removing_a_key_breaks_no_threshold(key):
    policy = Policy((Rule("acme/*", (key(1), key(2)), threshold=2),))
    with pytest.raises(PolicyError, match="threshold"):
        policy.without_key(key(1).fingerprint)


def test_removing_a_key_never_lets_another_publisher_in(key):
    policy = Policy((Rule("acme/*", (key(1),)), Rule("*", (key(2),)), Rule("acme/digits", (key(3),))))
    with pytest.raises(PolicyError, match=r"the rule for acme/\* would go and the rule for \*"):
        policy.without_key(key(1).fingerprint)
    assert len(policy.without_key(key(2).fingerprint).rules) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"alias": 5},
        {"alias": ""},
        {"alias": "stable*"},
        {"alias": "a" * 65},
        {"alias": "a\n"},
        {"keys": ()},
        {"keys": DIGEST},
        {"keys": 5},
        {"keys": (DIGEST, DIGEST)},
        {"threshold": 0},
        {"threshold": 2},
        {"threshold": True},
    ],
)
def test_an_alias_rule_made_in_code_is_checked_likewise(arguments):
    with pytest.raises(PolicyError):
        AliasRule(**{"alias": "stable", "keys": (DIGEST,), **arguments})


def test_an_alias_is_moved_by_its_own_rule_else_by_the_one_for_all_else_by_all_keys(key):
    keys = (key(1), key(2), key(3))
    prints = [one.fingerprint for one in keys]
    rule = Rule("acme/*", keys, 2)
    assert rule.movers("stable") == (keys, 2)
    rule = evolve(rule, aliases=(AliasRule("stable", (prints[2], prints[0]), 2),))
    assert rule.movers("stable") == ((key(1), key(3)), 2)
    assert rule.movers("canary") == (keys, 2)
    rule = evolve(rule, aliases=(AliasRule("*", (prints[1],)), *rule.aliases))
    assert rule.movers("stable") == ((key(1), key(3)), 2)
    assert rule.movers("canary") == ((key(2),), 1)


@pytest.mark.parametrize(
    ("pattern", "allowed", "refused"),
    [
        ("acme.zstd", ["acme.zstd"], ["acme.zstd2", "acme.zst", "acme", "acme.zstd.x", "Acme.zstd"]),
        ("acme.*", ["acme.zstd", "acme.x.y"], ["acme", "acme_evil.zstd", "globex.zstd"]),
        (
            "sklearn.linear_model.Log*",
            ["sklearn.linear_model.LogisticRegression"],
            ["sklearn.linear_model.Ridge", "evil.sklearn.linear_model.LogisticRegression"],
        ),
        ("*", ["acme.zstd", "x"], []),
    ],
)
def test_what_is_allowed_is_named_whole_or_by_its_beginning(pattern, allowed, refused):
    rule = Rule("*", (KEY,), components=["other.x", pattern], estimators=["other.X", pattern])
    assert all(rule.allows_component(name) and rule.allows_estimator(name) for name in allowed)
    assert not any(rule.allows_component(name) or rule.allows_estimator(name) for name in refused)


def test_without_a_list_all_is_allowed_and_with_an_empty_one_nothing():
    assert Rule("*", (KEY,)).allows_component("x")
    assert Rule("*", (KEY,)).allows_estimator("x")
    assert not Rule("*", (KEY,), components=()).allows_component("x")
    assert not Rule("*", (KEY,), estimators=()).allows_estimator("x")
    assert Rule("*", (KEY,), estimators=()).allows_component("x")


@pytest.mark.parametrize(
    "pattern",
    ["", "acme*", "**", "*.x", "a.*.b", "a..b", ".a", "a.", "1a", "a b", "a.b\n", "a.*\n", "é", "a.**"],
)
def test_a_bad_pattern_of_components(pattern):
    with pytest.raises(PolicyError, match="components has"):
        Rule("*", (KEY,), components=[pattern])


def test_a_policy_from_before_these_options_is_read_with_their_defaults():
    (rule,) = Policy.from_toml(GOOD).rules
    assert (rule.epoch, rule.require_post_quantum, rule.max_release_bytes) == (1, False, None)
    assert rule.max_disclosure is None
    assert (rule.components, rule.estimators, rule.aliases, rule.retired) == (None, None, (), ())


def test_every_option_is_set_with_a_key_and_stays_when_it_is_not_given(key):
    options = {
        "threshold": 1,
        "require_sealed": False,
        "require_selftest": True,
        "max_age_days": 9,
        "epoch": 3,
        "require_post_quantum": True,
        "max_release_bytes": 1000,
        "max_disclosure": "low",
        "components": ("acme.*",),
        "estimators": (),
        "aliases": (AliasRule("stable", (key(1).fingerprint,)),),
    }
    policy = Policy().with_key("acme/*", key(1), **options)
    assert policy.rules == (Rule("acme/*", (key(1),), **options),)
    assert policy.with_key("acme/*", key(2)).rules == (Rule("acme/*", (key(1), key(2)), **options),)
    assert policy.with_key("acme/*", key(2), estimators=["a.*"]).rules[0].estimators == ("a.*",)


def test_a_key_is_removed_from_the_aliases_too(key):
    prints = [key(number).fingerprint for number in (1, 2, 3)]
    rule = Rule(
        "acme/*",
        (key(1), key(2), key(3)),
        aliases=(AliasRule("stable", (prints[0], prints[1])), AliasRule("*", (prints[2],))),
    )
    (left,) = Policy((rule,)).without_key(prints[0]).rules
    assert left.aliases == (AliasRule("stable", (prints[1],)), AliasRule("*", (prints[2],)))
    with pytest.raises(PolicyError, match=r"the alias \* of the rule for acme/\* would have 0 keys"):
        Policy((rule,)).without_key(prints[2])
    strict = evolve(rule, aliases=(AliasRule("stable", (prints[0], prints[1]), 2),))
    with pytest.raises(
        PolicyError, match="its threshold is 2; give it another key or take that alias rule out"
    ):
        Policy((strict,)).without_key(prints[0])


def test_a_rule_whose_last_key_goes_takes_its_aliases_along(key):
    rule = Rule("acme/*", (key(1),), aliases=(AliasRule("stable", (key(1).fingerprint,)),))
    assert Policy((rule,)).without_key(key(1).fingerprint) == Policy()


def test_the_documentation_describes_every_key_and_its_example_is_a_policy():
    text = (Path(__file__).parents[2] / "docs/reference/policy.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    (rule,) = Policy.from_toml(example[1]).rules
    assert all(getattr(rule, field.name) not in (None, ()) for field in fields(Rule))
    sections = dict(re.findall(r"^## `\[\[([a-z.]+)\]\]`\n(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE))
    for section, cls in [
        ("rules", Rule),
        ("rules.keys", TrustedKey),
        ("rules.aliases", AliasRule),
        ("rules.retired", RetiredKeys),
    ]:
        described = re.findall(r"^\| `([a-z_]+)` \| (needed|.*?) \|", sections[section], re.MULTILINE)
        assert sorted(name for name, _ in described) == sorted(field.name for field in fields(cls))
        for name, default in described:
            declared = getattr(fields(cls), name).default
            assert (declared is NOTHING) == (default == "needed")
            if type(declared) in (int, bool):
                assert default == f"`{str(declared).lower()}`"
