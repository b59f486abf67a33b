"""New keys in place of old ones."""

import pytest
from attrs import evolve

from maas_sdk.errors import PolicyError
from maas_sdk.trust import MAX_EPOCH, AliasRule, Policy, RetiredKeys, RotatedKeys, Rule


def prints(key, *numbers):
    return tuple(key(number).fingerprint for number in numbers)


@pytest.fixture
def rotated(key):
    return RotatedKeys("acme", 2, 2, (key(2), key(3), key(4)))


@pytest.fixture
def rule(key):
    return Rule(
        "acme/*",
        (key(1), key(2)),
        require_sealed=False,
        max_age_days=7,
        require_post_quantum=True,
        components=["acme.*"],
    )


def test_the_new_keys_take_the_place_of_the_old_ones_and_the_rest_stays(rule, rotated, key):
    other = Rule("acme/digits", (key(1),))
    policy = Policy((other, rule)).rotated("acme/*", rotated)
    first = RetiredKeys(1, 1, rule.keys)
    assert policy.rules == (other, evolve(rule, keys=rotated.keys, threshold=2, epoch=2, retired=(first,)))
    later = policy.rotated("acme/*", RotatedKeys("acme", 3, 2, (key(5), key(6))))
    assert (later.rules[1].epoch, later.rules[1].keys) == (3, (key(5), key(6)))
    assert later.rules[1].retired == (first, RetiredKeys(2, 2, rotated.keys))
    assert Policy.from_toml(later.to_toml()) == later


def test_the_rule_must_be_for_exactly_these_names(rule, rotated):
    for names in ("acme/digits", "*", ""):
        with pytest.raises(
            PolicyError, match=r"no rule of the policy is for exactly .*it has rules for acme/\*"
        ):
            Policy((rule,)).rotated(names, rotated)
    with pytest.raises(PolicyError, match="nobody"):
        Policy().rotated("acme/*", rotated)


@pytest.mark.parametrize("names", ["*", "acme-evil/*", "globex/*", "acm/x"])
def test_a_publisher_changes_no_keys_of_others(rule, rotated, names):
    with pytest.raises(PolicyError, match="speaks of others, too; give acme/\\* a rule of its own"):
        Policy((evolve(rule, names=names),)).rotated(names, rotated)


@pytest.mark.parametrize("epoch", [1, 3, 4])
def test_rotations_are_applied_once_and_in_their_order(rule, rotated, epoch):
    with pytest.raises(PolicyError, match=f"begins epoch {epoch}, and the rule for .* is in epoch 1"):
        Policy((rule,)).rotated("acme/*", evolve(rotated, epoch=epoch))
    with pytest.raises(PolicyError, match="in their order"):
        Policy((rule,)).rotated("acme/*", rotated).rotated("acme/*", rotated)


def test_a_rotation_never_lowers_the_threshold(rule, rotated):
    policy = Policy((evolve(rule, threshold=2),))
    with pytest.raises(PolicyError, match=r"asks for 1 signatures, .* for 2; .* edit the policy by hand"):
        policy.rotated("acme/*", evolve(rotated, threshold=1))
    assert policy.rotated("acme/*", rotated).rules[0].threshold == 2
    assert policy.rotated("acme/*", evolve(rotated, threshold=3)).rules[0].threshold == 3


def test_who_may_move_an_alias_stays_as_far_as_their_keys_go_on(rule, rotated, key):
    rule = evolve(rule, aliases=(AliasRule("stable", prints(key, 1, 2)), AliasRule("*", prints(key, 2))))
    (after,) = Policy((rule,)).rotated("acme/*", rotated).rules
    assert after.movers("stable") == ((key(2),), 1)
    assert after.movers("canary") == ((key(2),), 1)


def test_an_alias_that_would_have_too_few_keys_is_moved_by_all_together(rule, rotated, key):
    rule = evolve(
        rule,
        aliases=(
            AliasRule("*", prints(key, 2)),
            AliasRule("stable", prints(key, 1)),
            AliasRule("gold", prints(key, 1, 2), 2),
        ),
    )
    (after,) = Policy((rule,)).rotated("acme/*", rotated).rules
    assert after.movers("stable") == (rotated.keys, 2)
    assert after.movers("gold") == (rotated.keys, 2)
    assert after.movers("canary") == ((key(2),), 1)


def test_an_alias_asks_for_no_fewer_signatures_than_before_as_far_as_there_are_keys(rule, key):
    rule = evolve(rule, keys=(key(1), key(2), key(3)), aliases=(AliasRule("gold", prints(key, 1, 2, 3), 3),))
    policy = Policy((rule,))
    many = RotatedKeys("acme", 2, 1, tuple(key(number) for number in (4, 5, 6, 7)))
    assert policy.rotated("acme/*", many).rules[0].movers("gold") == (many.keys, 3)
    few = RotatedKeys("acme", 2, 1, (key(4), key(5)))
    assert policy.rotated("acme/*", few).rules[0].movers("gold") == (few.keys, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"publisher": 5},
        {"publisher": "Acme"},
        {"publisher": "acme/x"},
        {"publisher": ""},
        {"epoch": 0},
        {"epoch": True},
        {"epoch": MAX_EPOCH + 1},
        {"threshold": 0},
        {"threshold": 4},
        {"threshold": True},
        {"keys": ()},
        {"keys": ("key",)},
        {"keys": 5},
        {"keys": "key"},
    ],
)
def test_malformed_rotations_are_refused(rotated, change):
    with pytest.raises(PolicyError):
        evolve(rotated, **change)


def test_the_same_key_twice_is_refused(key):
    with pytest.raises(PolicyError, match="appears twice in the rotation of acme"):
        RotatedKeys("acme", 2, 1, (key(1), key(1)))


def test_a_key_that_is_removed_is_removed_from_retired_epochs_too(rule, rotated, key):
    policy = Policy((rule,)).rotated("acme/*", rotated)
    later = policy.rotated("acme/*", RotatedKeys("acme", 3, 2, (key(5), key(6))))
    (left,) = later.without_key(key(2).fingerprint).rules
    assert left.retired == (RetiredKeys(1, 1, (key(1),)), RetiredKeys(2, 2, (key(3), key(4))))
    (left,) = Policy((left,)).without_key(key(1).fingerprint).without_key(key(4).fingerprint).rules
    assert left.retired == ()
    assert left.keys == (key(5), key(6))


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 0},
        {"epoch": True},
        {"threshold": 0},
        {"threshold": 2},
        {"threshold": True},
        {"keys": ()},
        {"keys": 5},
        {"keys": ("key",)},
    ],
)
def test_malformed_retired_keys_are_refused(key, change):
    with pytest.raises(PolicyError):
        evolve(RetiredKeys(1, 1, (key(1),)), **change)


def test_retired_epochs_are_earlier_ones_and_each_appears_once(rule, key):
    one = RetiredKeys(1, 1, (key(1),))
    assert evolve(rule, epoch=3, retired=[one, evolve(one, epoch=2)]).retired == (one, evolve(one, epoch=2))
    for epoch, retired in [(1, [one]), (3, [one, one]), (2, [evolve(one, epoch=3)])]:
        with pytest.raises(PolicyError, match="appears twice or is not earlier"):
            evolve(rule, epoch=epoch, retired=retired)
    for retired in (5, "keys", [key(1)]):
        with pytest.raises(PolicyError, match="retired"):
            evolve(rule, epoch=2, retired=retired)
