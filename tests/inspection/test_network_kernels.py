"""The kernels of networks break no rule, keep their budgets, and sum integers atomically."""

from dataclasses import replace
from itertools import product
from operator import itemgetter

import pytest
from thorough import extra, in_turn

from spikecuda.inspection import budgets, check, inspected, networks, profile
from spikecuda.inspection.mix import global_accesses
from spikecuda.inspection.store import contraction
from spikecuda.kernels import routines

# The microcircuit's update on all architectures, of the rest each on one of the two in turn.
COVERED = [
    *(i for i in networks.covered() if i[0] == "microcircuit"),
    *in_turn([i for i in networks.covered() if i[0] != "microcircuit"], lambda item: item[:2]),
]
COMMITTED = budgets.load()
first = itemgetter(0)
BOTH = pytest.mark.parametrize("cc", networks.BOTH, ids=["sm86", "sm100"])


def name(item):
    variant, spec, cc = item
    return f"{variant}-{spec.name}-sm{cc[0]}{cc[1]}".replace(" ", "_")


@pytest.mark.parametrize("item", COVERED, ids=map(name, COVERED))
def test_kernel_breaks_no_rule_and_keeps_its_budget(item):
    variant, spec, cc = item
    subject = inspected(spec, cc)
    assert [str(v) for v in check(subject)] == []
    assert budgets.exceeded(variant, subject, COMMITTED) == []
    # A multiprocessor's 65,536 registers hold at least 768 threads of any of them, and 512 of the
    # one that has code for every kind of receptor, and of float64 for distances.
    most = {"every receptor": 128}.get(variant, 96 if "near" in spec.name else 80)
    assert subject.facts.registers <= most


def test_kernels_of_ensembles_break_no_rule_and_need_few_registers_more():
    update = replace(networks.update("microcircuit"), replicas=True)
    plain = inspected(networks.update("microcircuit"), (10, 0)).facts.registers
    for spec, most in (
        (update, plain + 16),
        (routines.deliver_rows(routines.NARROW, replicas=True), 56),
    ):
        subject = inspected(spec, (10, 0))
        assert [str(v) for v in check(subject)] == []
        assert subject.facts.frame == 0 and subject.facts.registers <= min(most, 80)


@BOTH
@pytest.mark.parametrize("network", ["microcircuit", "coba"])
def test_update_does_not_depend_on_contraction(network, cc):
    assert contraction(networks.update(network), cc) == (True, "")


@pytest.mark.parametrize(
    "weights, cc", in_turn(product([routines.NARROW, routines.CONSTANT], networks.BOTH), first)
)
def test_rows_are_added_by_integer_reductions(weights, cc):
    subject = inspected(routines.deliver_rows(weights), cc)
    sums = [a for a in global_accesses(subject) if a.kind == "atomic"]
    assert sums and all(a.arrays == {"_cells"} for a in sums)
    # Nothing is returned: a reduction, which no warp waits for.
    assert {a.instruction.opcode for a in sums} <= {"RED", "REDG"}
    # 2 bytes for a target, 2 for a weight of its own.
    loads = {
        name: a.bytes for a in global_accesses(subject) if a.kind == "load" for name in a.arrays
    }  # fmt: skip
    assert loads["_targets"] == 2
    assert loads.get("_weights") == (2 if weights == routines.NARROW else None)


@pytest.mark.parametrize("walk, cc", in_turn(product(routines.WALKS, networks.BOTH), first))
def test_rows_that_are_drawn_again_load_no_synapse(walk, cc):
    subject = inspected(routines.deliver_drawn(walk), cc)
    wide = walk in (routines.PROBABILITY, routines.NEAR)
    assert subject.double == wide == (".f64" in subject.ptx)
    loads = {n for a in global_accesses(subject) if a.kind == "load" for n in a.arrays}
    row = {"_index", "_twin", "_places", "_spikes", "_bounds", "_clock"}
    row |= {"_degrees"} if walk in (routines.DEGREE, routines.SUBSET) else set()
    # Where neurons are, not who is connected.
    row |= {a.name for a in routines.NEAR_ARRAYS} if walk == routines.NEAR else set()
    assert loads == row | ({"_seen"} if walk == routines.SUBSET else set())
    sums = [a for a in global_accesses(subject) if a.kind == "atomic" and a.arrays == {"_cells"}]
    assert sums and {a.instruction.opcode for a in sums} <= {"RED", "REDG"}


@pytest.mark.parametrize("cc", [networks.BOTH[0], *extra(networks.BOTH[1])])
def test_tiles_are_summed_in_shared_memory(cc):
    subject = inspected(routines.deliver_tiles(routines.CONSTANT), cc)
    opcodes = [i.opcode for i in subject.code.instructions]
    assert "ATOMS" in opcodes
    # 48 KB of static shared memory is what every architecture has; some take 1 KB themselves.
    assert 4 * routines.TILE <= subject.facts.shared <= 48 << 10


@pytest.mark.parametrize("cc", [(8, 0), (10, 0)], ids=["sm80", "sm100"])
def test_the_microcircuits_update_moves_state_and_arrivals_once(cc):
    spec = networks.update("microcircuit")
    found = profile(inspected(spec, cc))
    # v, refrac and the current; what arrives is read and cleared, and a bit is written.
    assert found.launch_bytes["store"] == spec.bytes_per_neuron() == 10
    assert found.launch_bytes["load"] == pytest.approx(10, abs=0.1)
    assert found.step_bytes["store"] == 4 + 1 / 8
    assert found.main.steps == 1
