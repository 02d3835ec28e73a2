"""Every built-in update kernel, on every architecture, breaks no rule and keeps its budget."""

import pytest
from thorough import in_turn

from spikecuda.inspection import budgets, check, inspected, profile
from spikecuda.inspection.store import contraction
from spikecuda.inspection.subject import title

COVERED = list(budgets.covered())
COMMITTED = budgets.load()


def name(item):
    variant, spec, cc = item
    parts = (spec.model.name, spec.scheme, spec.precision.suffix, variant, f"sm{cc[0]}{cc[1]}")
    return "-".join(parts).replace(" ", "_")


def main(item):
    """Whether a kernel is what is most used: its model's own scheme, float32, no other input."""
    variant, spec, _ = item
    default = spec.scheme == spec.model.default_scheme()
    return variant == "bias" and default and spec.precision.name == "float32"


def kernel(item):
    return item[:2]


# The main kernels on all architectures.  The others differ from them by the scheme, the precision
# or the input alone, and take the architectures in turn, the plain ones of each model two of them.
REST = [i for i in COVERED if not main(i)]
PLAIN = [i for i in REST if i[0] == "bias" and i[1].scheme == i[1].model.default_scheme()]
OTHER = [i for i in REST if i not in PLAIN]
CHOSEN = [
    *filter(main, COVERED),
    *in_turn(PLAIN, kernel, 2),
    *in_turn(OTHER, kernel),
]  # fmt: skip


# All in one test, since they share what takes longest: Numba's part, once for all architectures.
@pytest.mark.parametrize("item", CHOSEN, ids=map(name, CHOSEN))
def test_kernel_breaks_no_rule_keeps_its_budget_and_is_not_contracted(item):
    variant, spec, cc = item
    subject = inspected(spec, cc)
    assert [str(v) for v in check(subject)] == []
    assert budgets.exceeded(variant, subject, COMMITTED) == []
    assert contraction(spec, cc) == (True, "")
    if variant == "bias":
        check_that_state_moves_once_a_launch_and_a_bit_a_step(spec, subject)


def check_that_state_moves_once_a_launch_and_a_bit_a_step(spec, subject):
    found = profile(subject)
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


def test_what_is_chosen_has_every_kernel_and_every_architecture():
    assert set(map(kernel, CHOSEN)) == set(map(kernel, COVERED))

    def architectures(items):
        return {(cc, spec.precision.name == "float32") for _, spec, cc in items}

    assert architectures(CHOSEN) == architectures(COVERED)


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
