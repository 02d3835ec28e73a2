"""Every built-in update kernel, on every architecture, breaks no rule and keeps its budget."""

import pytest

from spikecuda.inspection import budgets, check, inspected, profile
from spikecuda.inspection.store import contraction
from spikecuda.inspection.subject import title

COVERED = list(budgets.covered())
COMMITTED = budgets.load()


def name(item):
    variant, spec, cc = item
    parts = (spec.model.name, spec.scheme, spec.precision.suffix, variant, f"sm{cc[0]}{cc[1]}")
    return "-".join(parts).replace(" ", "_")


def quick(item):
    """Whether an item belongs to the quick tests: what is most used, on all architectures.

    The other schemes and inputs take minutes when nothing is cached: on one architecture of each
    optimiser they are quick, on the rest slow.
    """
    variant, spec, cc = item
    if variant == "bias" and spec.scheme == spec.model.default_scheme():
        return True
    return cc in ((8, 6), (10, 0)) and (variant == "bias" or spec.precision.name == "float32")


def params(items, quick=quick):
    return [pytest.param(i, id=name(i), marks=() if quick(i) else pytest.mark.slow) for i in items]


PLAIN = [i for i in COVERED if i[0] == "bias"]


def default_scheme(item):
    return item[0] == "bias" and item[1].scheme == item[1].model.default_scheme()


# One architecture of each optimiser; the other schemes and inputs on one of the two in turn.
OPTIMISERS = [
    item for i, item in enumerate(i for i in COVERED if i[2] in ((8, 6), (10, 0)))
    if default_scheme(item) or (i // 2 + i) % 2
]  # fmt: skip
# What is not quick takes one of the architectures in turn: its code differs from that of the quick
# ones by the scheme or the input alone.
TURNS = [item for i, item in enumerate(COVERED) if quick(item) or i % 3 == 0]


# Both in one test, since they share what takes longest: Numba's part, once for all architectures.
@pytest.mark.parametrize("item", params([i for i in COVERED if i in TURNS or i in OPTIMISERS]))
def test_kernel_breaks_no_rule_keeps_its_budget_and_is_not_contracted(item):
    variant, spec, cc = item
    if item in TURNS:
        subject = inspected(spec, cc)
        assert [str(v) for v in check(subject)] == []
        assert budgets.exceeded(variant, subject, COMMITTED) == []
    if item in OPTIMISERS:
        assert contraction(spec, cc) == (True, "")


@pytest.mark.parametrize("item", params(PLAIN))
def test_state_is_moved_once_a_launch_and_a_bit_a_step(item):
    _, spec, cc = item
    found = profile(inspected(spec, cc))
    bias = {"float16": 4, "float32": 4, "float64": 8}[spec.precision.name]
    assert found.launch_bytes == {
        "load": spec.bytes_per_neuron() + bias, "store": spec.bytes_per_neuron()
    }  # fmt: skip
    assert found.step_bytes == {"load": 0.0, "store": 1 / 8}
    # Nothing in these kernels' loops depends on a spike or on luck, but for divisions of numbers
    # near the ends of the float range.
    branches = found.main.weights.branches
    assert all(kind == "slow path" and share == 0 for _, kind, share in branches)
    divides = spec.model.name in ("qif", "hh_traub") or spec.scheme == "upstroke"
    assert bool(branches) == divides


def test_budgets_cover_exactly_the_kernels_there_are():
    wanted = {
        (f"{title(spec)}, {variant}", f"{cc[0]}.{cc[1]}")
        for variant, spec, cc in budgets.everything()
    }
    assert wanted == {(kernel, cc) for kernel, by_cc in COMMITTED.items() for cc in by_cc}


def test_a_kernel_over_its_budget_is_reported():
    subject = inspected(COVERED[0][1], (9, 0))
    now = budgets.figures(subject)
    tight = {budgets.key("bias", subject): {"9.0": dict(now)}}
    assert budgets.exceeded("bias", subject, tight) == []
    budget = tight[budgets.key("bias", subject)]["9.0"]
    budget["instructions"] = now["instructions"] / 1.06
    assert "instructions per step" in budgets.exceeded("bias", subject, tight)[0]
    budget.update(instructions=now["instructions"], registers=now["registers"] - 8)
    assert "registers" in budgets.exceeded("bias", subject, tight)[0]
    assert "has no budget" in budgets.exceeded("bias", subject, {})[0]


@pytest.mark.parametrize("cc", [(8, 6), (10, 0)], ids=["sm86", "sm100"])
def test_noise_is_drawn_in_a_quarter_of_the_steps(cc):
    spec = next(s for v, s, c in COVERED if v == "noise" and s.precision.name == "float32")
    main = profile(inspected(spec, cc)).main
    kinds = {kind: share for _, kind, share in main.weights.branches}
    assert kinds == {"refill": 1 / 4, "slow path": 0.0}
    # The generator makes four words, the rest of the loop is what a step takes by itself.
    assert sum(main.per_step.values()) < main.static / 2


@pytest.mark.parametrize("cc", [(8, 6), (10, 0)], ids=["sm86", "sm100"])
def test_poisson_takes_time_in_proportion_to_its_levels(cc):
    spec = next(s for v, s, c in COVERED if v == "poisson" and s.precision.name == "float32")
    subject = inspected(spec, cc)
    few, more, most = (profile(subject, poisson_levels=n).instructions for n in (8, 16, 24))
    assert more - few == pytest.approx(most - more, rel=1e-9)
    assert more > few
