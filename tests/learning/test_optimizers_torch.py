"""Each optimizer under each schedule and clip follows torch.optim; as a script, it prints the docs' table."""

import re
from pathlib import Path

import numpy as np
import pytest

from maas_sdk import learning
from maas_sdk.learning import chain

torch = pytest.importorskip("torch")

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "optimizers.md"
STEPS, EPOCH, RATE = 200, 8, 0.05


def adam_of(name, **fixed):
    def make(params, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **options):
        options = {"weight_decay": 0.0, **fixed, **options}
        return getattr(torch.optim, name)(params, lr=lr, betas=(beta_1, beta_2), eps=epsilon, **options)

    return make


def with_eps(make):
    return lambda params, lr, epsilon, **options: make(params, lr=lr, eps=epsilon, **options)


ADAM = [{}, {"beta_1": 0.0}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}, {"weight_decay": 0.1}]
OPTIMIZERS = {
    "GradientDescent": (torch.optim.SGD, [{}]),
    "SGD": (
        torch.optim.SGD,
        [
            {},
            {"momentum": 0.9},
            {"momentum": 0.9, "dampening": 0.5},
            {"momentum": 0.9, "nesterov": True},
            {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01},
            {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
        ],
    ),
    "Adam": (adam_of("Adam"), ADAM),
    "AdamW": (adam_of("AdamW"), [*({"weight_decay": 0.01, **options} for options in ADAM)]),
    "AMSGrad": (adam_of("Adam", amsgrad=True), ADAM),
    "AdaGrad": (
        with_eps(torch.optim.Adagrad),
        [
            {"epsilon": 1e-10},
            {"epsilon": 1e-3, "lr_decay": 0.01},
            {"epsilon": 1e-10, "initial_accumulator_value": 0.1, "weight_decay": 0.01},
        ],
    ),
    "RMSprop": (
        with_eps(torch.optim.RMSprop),
        [
            {"epsilon": 1e-8},
            {"epsilon": 1e-8, "momentum": 0.9},
            {"epsilon": 1e-8, "centered": True},
            {"epsilon": 1e-4, "alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.01},
        ],
    ),
}
VARIANTS = [(name, options) for name, (_, variants) in OPTIMIZERS.items() for options in variants]
HAS_NO_MOMENTUM = {"GradientDescent", "AdaGrad"}

lr_scheduler = torch.optim.lr_scheduler


def one_cycle(**options):
    renamed = {"n_steps": "total_steps"}

    def peer(optimizer, *, cycles):
        given = {renamed.get(key, key): value for key, value in options.items()}
        return lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, cycle_momentum=cycles, **given)

    return lambda cycles: learning.OneCycleSchedule(RATE, cycle_momentum=cycles, **options), peer


def warm_up(after, peer_after):
    def peer(optimizer, *, cycles):
        first = lr_scheduler.LinearLR(optimizer, start_factor=0.2, total_iters=30)
        return lr_scheduler.SequentialLR(optimizer, [first, peer_after(optimizer)], milestones=[30])

    return lambda cycles: learning.LinearWarmupSchedule(after, n_steps=30, start_factor=0.2), peer


def plateau(**options):
    renamed = {"min_learning_rate": "min_lr", "epsilon": "eps"}

    def peer(optimizer, *, cycles):
        given = {renamed.get(key, key): value for key, value in options.items()}
        return lr_scheduler.ReduceLROnPlateau(optimizer, **given)

    return lambda cycles: learning.ReduceOnPlateauSchedule(RATE, **options), peer


def plain(make, peer):
    return lambda cycles: make, lambda optimizer, cycles: peer(optimizer)


SCHEDULES = {
    "number": plain(RATE, lambda optimizer: None),
    "constant": plain(learning.ConstantSchedule(RATE), lambda optimizer: None),
    "step": plain(
        learning.StepSchedule(RATE, n_steps=30, factor=0.5),
        lambda optimizer: lr_scheduler.StepLR(optimizer, 30, gamma=0.5),
    ),
    "exponential": plain(
        learning.ExponentialSchedule(RATE, factor=0.99),
        lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma=0.99),
    ),
    "cosine": plain(
        learning.CosineSchedule(RATE, n_steps=220, min_learning_rate=0.001),
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 220, eta_min=0.001),
    ),
    "warm-up": warm_up(RATE, lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1.0)),
    "warm-up, cosine": warm_up(
        learning.CosineSchedule(RATE, n_steps=180),
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 180),
    ),
    "one cycle": one_cycle(n_steps=STEPS + 1),
    "one cycle, linear": one_cycle(
        n_steps=STEPS + 1, anneal_strategy="linear", pct_start=0.1, div_factor=10.0, final_div_factor=3.0
    ),
    "one cycle, three phases": one_cycle(
        n_steps=STEPS + 5, three_phase=True, base_momentum=0.5, max_momentum=0.9
    ),
    "plateau": plateau(factor=0.5, patience=1),
    "plateau, absolute": plateau(
        factor=0.3, patience=0, threshold=0.01, threshold_mode="abs", cooldown=2, min_learning_rate=0.002
    ),
}
CLIPS = {
    "none": ((), lambda parameter: None),
    "by norm": (
        (learning.ClipByNorm(1.5),),
        lambda parameter: torch.nn.utils.clip_grad_norm_([parameter], 1.5),
    ),
    "by value": (
        (learning.ClipByValue(0.3),),
        lambda parameter: torch.nn.utils.clip_grad_value_([parameter], 0.3),
    ),
}


# As of batches: without noise, rules with a short memory divide zero by zero near the minimum, and chaos
# tells of the last bits more than of the rules.
NOISE = 0.3 * np.random.default_rng(5).standard_normal((STEPS, 50))


def gradient(params, target, step):
    """Of ½ Σ log(1 + d²) + d²/20, d the distance from the target: differently curved, never steep."""
    d = params - target
    return d / (1 + d * d) + d / 10 + NOISE[step]


def observation(params, target):
    """Rounded, so that a difference in the last bit cannot decide what is an improvement."""
    return round(float(np.abs(params - target).sum()), 6)


def start():
    rng = np.random.default_rng(3)
    return rng.standard_normal(50), rng.standard_normal(50)


def ours(optimizer):
    params, target = start()
    state = optimizer.init(params)
    for step in range(STEPS):
        optimizer.update_(params, gradient(params, target, step), state)
        if (step + 1) % EPOCH == 0:
            optimizer.observe_(observation(params, target), state)
    return params


def theirs(name, options, peer_schedule, clip):
    params, target = start()
    parameter = torch.tensor(params, requires_grad=True)
    optimizer = OPTIMIZERS[name][0]([parameter], lr=RATE, **options)
    schedule = peer_schedule(optimizer, cycles=name not in HAS_NO_MOMENTUM)
    listens = isinstance(schedule, lr_scheduler.ReduceLROnPlateau)
    for step in range(STEPS):
        parameter.grad = torch.tensor(gradient(parameter.detach().numpy(), target, step))
        clip(parameter)
        optimizer.step()
        if listens and (step + 1) % EPOCH == 0:
            schedule.step(observation(parameter.detach().numpy(), target))
        elif schedule is not None and not listens:
            schedule.step()
    return parameter.detach().numpy()


def difference(name, options, schedule_name, clip_name):
    schedule, peer_schedule = SCHEDULES[schedule_name]
    steps, clip = CLIPS[clip_name]
    optimizer = getattr(learning, name)(schedule(name not in HAS_NO_MOMENTUM), **options)
    expected = theirs(name, options, peer_schedule, clip)
    params = ours(chain(*steps, optimizer))
    return np.linalg.norm(params - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_two_hundred_steps_follow_torch(name, options, schedule, clip):
    assert difference(name, options, schedule, clip) < 1e-14


def call(name, options):
    return f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})"


def test_the_docs_show_each_variant_with_a_bound_that_holds():
    shown = dict(re.findall(r"^\| `(.+?)` \| < (\S+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert list(shown) == [call(*variant) for variant in VARIANTS]
    for variant in VARIANTS:
        assert difference(*variant, "warm-up, cosine", "by norm") < float(shown[call(*variant)]) <= 1e-14


def main():
    print("| optimizer | largest normwise difference after 200 steps |\n| --- | --- |")  # noqa: T201
    for variant in VARIANTS:
        worst = max(difference(*variant, schedule, clip) for schedule in SCHEDULES for clip in CLIPS)
        print(f"| `{call(*variant)}` | < 1e{int(np.ceil(np.log10(worst)))} |")  # noqa: T201


if __name__ == "__main__":
    main()
