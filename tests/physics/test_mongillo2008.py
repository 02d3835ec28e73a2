"""Working memory by facilitation: the rule by its equations, and what the network remembers."""

import math

import numpy as np
import pytest

from spikecuda import Network
from spikecuda.errors import SpikecudaValueError
from spikecuda.examples import mongillo2008
from spikecuda.network import Delta, Pairs, SpikeTrain

U, TAU_REC, TAU_FAC = 0.2, 200.0, 1500.0


def solved(times):
    """Return what each spike sends: the paper's equations, by Euler steps of 1 microsecond."""
    u, x, sent, dt = U, 1.0, [], 1e-3
    clock = times[0]
    for time in times:
        for _ in range(round((time - clock) / dt)):
            u += dt * (U - u) / TAU_FAC
            x += dt * (1.0 - x) / TAU_REC
        clock = time
        u += U * (1.0 - u)
        sent.append(u * x)
        x -= u * x
    return np.array(sent)


def test_a_spike_sends_what_the_papers_equations_say():
    times = [5.0, 10.0, 30.0, 31.0, 90.0, 250.0]
    net = Network(0.1, precision="float64")
    neuron = {"tau_m": 1e9, "v_rest": 0.0, "v_th": 1e9, "v_reset": 0.0}
    net.population("source", 1, "parrot", receptors={"in": Delta()})
    net.population("n", 1, "lif", neuron, receptors={"jump": Delta()})
    net.drive("source", SpikeTrain(times, weight=1.0))
    rule = mongillo2008.Facilitation(U=U, tau_rec=TAU_REC, tau_fac=TAU_FAC)
    net.connect("source", "n", Pairs([0], [0]), 1.0, 0.1, plasticity=rule)
    net.record("n", "v")
    v = net.run(260.0).traces["n"]["v"][:, 0]
    jumps = np.diff(v)
    sent = jumps[jumps > 1e-3]
    # Euler is off by dt / tau of what changes, 1e-3 / 200; weights are sent in 2^-25 or finer.
    np.testing.assert_allclose(sent, solved(times), atol=1e-5)
    assert math.isclose(sent[0], U + U * (1.0 - U), abs_tol=1e-6)


@pytest.mark.parametrize("variant", ["silent", "reactivated"])
def test_the_item_that_was_cued_is_remembered_and_no_other(variant):
    with mongillo2008.network(variant, seed=1, threads=1) as net:
        result = net.run(2600.0)
    for expected in mongillo2008.expected(variant):
        assert expected.measure(result, 500.0) == expected.low, expected.what


def test_without_a_cue_nothing_is_read_and_without_facilitation_nothing_remembered():
    for changed in ({"cue": 0.0}, {"tau_fac": 100.0}):
        with mongillo2008.network(seed=1, threads=1, **changed) as net:
            result = net.run(2600.0)
        readout = [e for e in mongillo2008.expected() if "readout" in e.what]
        assert [e.measure(result, 500.0) for e in readout] == ["silent", "silent"], changed


def test_groups_that_do_not_fit_are_refused():
    for changed in ({"groups": 11}, {"part": 0.3}, {"n_e": 4, "groups": 1}):
        with pytest.raises(SpikecudaValueError, match="part must give each group from 1 to"):
            mongillo2008.network(**changed)
    with mongillo2008.network(seed=1, threads=1) as net:
        result = net.run(100.0)
    assert [e.measure(result, 50.0) for e in mongillo2008.expected()] == ["not reached"] * 4
