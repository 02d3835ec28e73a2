"""What has decayed becomes 0 and does not stay subnormal: receptors, on every device."""

import itertools

import numpy as np
import pytest
from thorough import extra

from spikecuda import Network, Poisson
from spikecuda.network import (
    NMDA,
    AlphaConductance,
    AlphaCurrent,
    ExpConductance,
    ExpCurrent,
    SpikeTrain,
)
from spikecuda.network.run.neurons import Neurons

RECEPTORS = {
    "exp_i": ExpCurrent(0.5), "alpha_i": AlphaCurrent(0.5), "exp_g": ExpConductance(0.5, 0.0),
    "alpha_g": AlphaConductance(0.5, -80.0), "nmda": NMDA(0.25, 1.0),
}  # fmt: skip
STATES = ["i_exp_i", "i_alpha_i", "di_alpha_i", "g_exp_g", "g_alpha_g", "dg_alpha_g",
          "g_decay_nmda", "g_rise_nmda"]  # fmt: skip
STEPS = 1100


def decayed(model, precision, pieces, poisson=False, **options):
    """Return the samples of all receptor states after one spike to each, and the spikes."""
    with Network(seed=1, precision=precision, **options) as net:
        net.population("n", 40, model, receptors=RECEPTORS)
        for name in RECEPTORS:
            net.drive("n", SpikeTrain([0.1], weight=3.0), name)
        if poisson:
            net.drive("n", Poisson(0.5, 1.0), "exp_g")
        net.record("n", ["spikes", *STATES])
        results = [net.run(n * 0.1) for n in pieces]
        traces = {s: np.concatenate([r.traces["n"][s] for r in results]) for s in STATES}
        spikes = np.concatenate([r.spikes["n"].step for r in results])
        return traces, spikes.tolist()


PRECISIONS = ["float16", "float32", "float64"]


@pytest.mark.parametrize(
    "model, precision",
    [*itertools.product(["lif_cond"], PRECISIONS), ("adex", "float32"),
     *extra(("adex", "float16"), ("adex", "float64"))],
)  # fmt: skip
def test_receptors_end_at_0(model, precision):
    traces, _ = decayed(model, precision, (STEPS,))
    for name, trace in traces.items():
        assert trace.max() > 0.0 and (trace[-1] == 0.0).all(), name
        # Not subnormal for more than the steps between two flushes.
        subnormal = (trace != 0.0) & (np.abs(trace) < np.finfo(np.float32).tiny)
        assert subnormal.sum(axis=0).max() < 64, name


@pytest.mark.parametrize(
    "poisson, precision",
    [*itertools.product([False], PRECISIONS), (True, "float16"),
     *extra((True, "float32"), (True, "float64"))],
)  # fmt: skip
def test_pieces_and_devices_change_no_bit(precision, poisson):
    # With Poisson input the kernel is asked for each step, else it has a loop.
    expected = decayed("lif_cond", precision, (STEPS,), poisson)
    for pieces, options in (
        ((1, 63, 64, 400, STEPS - 528), {"partitions": 2}),
        ((700, 37, STEPS - 737), {"devices": ["cpu:0", "cuda-emu:0"]}),
    ):
        traces, spikes = decayed("lif_cond", precision, pieces, poisson, **options)
        assert spikes == expected[1]
        for name, trace in traces.items():
            assert trace.tobytes() == expected[0][name].tobytes(), (name, options)


def test_a_factor_that_would_be_subnormal_is_0():
    net = Network(dt=1.0)
    group = net.population("n", 2, "lif", receptors={"x": ExpCurrent(0.01)})
    assert Neurons(group).constants["_x_x_keep"] == 0.0
