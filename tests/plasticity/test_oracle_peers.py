"""The oracle of plastic synapses beside NEST and Brian2: every record, to within 1e-9."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from peer_records import DT, NEST, brian, clopath, contents, currents, nest

from spikecuda.kernels.reference.plasticity import run_synapse
from spikecuda.kernels.reference.plasticity_rules import make

TOLERANCE = 1e-9
MODELS = [model for model in NEST if model != "clopath_synapse"]
SETS = {"stdp_synapse": 3, "stdp_triplet_synapse": 2, "vogels_sprekeler_synapse": 2,
        "tsodyks_synapse": 2, "tsodyks2_synapse": 2, "stdp_dopamine_synapse": 6}  # fmt: skip


def run(record, **more):
    """Return what the oracle makes of a record."""
    as_of = record.final["step"] if record.final else None
    signals = record.signals and {
        name: [values.get(t, -math.inf) for t in range(record.pre[-1] + 1)]
        for name, values in record.signals.items()
    }
    return run_synapse(
        make(record.rule, **record.params, **more), record.pre, record.post, record.weight,
        delay=record.delay, dendritic=record.dendritic, dt=DT, timing=record.timing, as_of=as_of,
        third=record.third, signals=signals,
    )  # fmt: skip


def difference(record, outcome):
    """Return the largest difference in units of the start weight, or of the value itself."""
    assert len(outcome.sent) == len(record.weights), record.name
    pairs = [(g, e, record.weight) for g, e in zip(outcome.sent, record.weights, strict=True)]
    if record.final:
        got = {"weight": outcome.weight, "c": outcome.variables["c"], "n": outcome.third}
        pairs += [(got[k], record.final[k], max(1e-3, abs(record.final[k]))) for k in got]
    if record.after:
        axonal = record.delay - record.dendritic
        assert [t + axonal for t, _ in outcome.history] == [t for t, _ in record.after]
        pairs += [
            (g, e, record.weight)
            for (_, g), (_, e) in zip(outcome.history, record.after, strict=True)
        ]
    return max(abs(g - e) / abs(unit) for g, e, unit in pairs)


@pytest.mark.parametrize("model", MODELS)
def test_nest(model):
    records = nest(model)
    assert len(records) == 60 * SETS.get(model, 1)
    # Each delay with each pair of trains and each set of parameters.
    assert set(Counter(r.delay for r in records).values()) == {len(records) // 6}
    more = {"clip": "steps"} if model == "stdp_dopamine_synapse" else {}
    for record in records:
        assert difference(record, run(record, **more)) < TOLERANCE, record.name


def test_dopamine_within_bounds_at_spikes_only():
    # As in the engine: NEST looks at the bounds in each step, which shows in 45 of 360 records.
    other = 0
    for record in nest("stdp_dopamine_synapse"):
        far = difference(record, run(record)) >= TOLERANCE
        assert far == record.clipped_between, record.name
        other += far
    assert other == 45


@pytest.mark.parametrize("model", ["stdp_nn_symm_synapse", "stdp_nn_restr_synapse"])
def test_nearest_neighbours_without_a_spike_at_0(model):
    # Right is: no partner, no change.  NEST differs where the target's spike arrives first.
    left_out = 0
    for record in nest(model):
        assert record.phantom
        assert record.pre[0] == 0
        right = replace(record, pre=record.pre[1:], weights=record.weights[1:], phantom=False)
        if min(record.post) + record.delay <= right.pre[0]:
            left_out += 1
        else:
            assert difference(right, run(right)) < TOLERANCE, record.name
    assert left_out == 42


def test_tsodyks_amplitudes():
    records = currents()
    assert len(records) == 24
    for record, _ in records:
        assert difference(record, run(record)) < TOLERANCE, record.name


def test_clopath():
    records = clopath()
    assert len(records) == 26
    for record in records:
        assert difference(record, run(record)) < TOLERANCE, record.name
    # NEST's delay line is not yet filled for the first spike of three trains.
    assert sum(0.0 in r.signals["u_minus"].values() for r in records) == 4


def test_brian2():
    records = brian()
    parts = Counter((r.delay - r.dendritic, r.dendritic) for r in records)
    assert parts == {(0, 0): 4, (15, 0): 4, (37, 10): 4, (0, 20): 4}
    for record in records:
        assert difference(record, run(record)) < TOLERANCE, record.name


def test_later_changes_nothing():
    for record in [*nest("stdp_dopamine_synapse")[::41], *brian()]:
        early, late = (run(r, **({"clip": "steps"} if r.third else {}))
                       for r in (record, record.later(7)))  # fmt: skip
        assert early.sent == pytest.approx(late.sent, rel=1e-12)


def test_the_timings_differ():
    # At coincidences the two conventions are not the same, so the records tell them apart.
    for record in brian():
        other = replace(record, timing="nest", after=None)
        assert difference(other, run(other)) > 1e-3, record.name
    for record in nest("stdp_synapse"):
        if "arrive_together" in record.name:
            other = replace(record, timing="brian")
            assert difference(other, run(other)) > 1e-6, record.name


def test_all_records_are_used():
    everything = contents()
    assert set(everything) == {
        "dt_ms", "trains", "weights", "nest", "currents", "clopath", "brian2",
    }  # fmt: skip
    assert set(everything["nest"]) == set(MODELS)
    assert everything["dt_ms"] == DT
