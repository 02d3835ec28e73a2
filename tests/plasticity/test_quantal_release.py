"""Release of single vesicles, before an oracle that draws with exact binomials."""

import math

import numpy as np
import pytest
from test_random_synapses import expected as number

from spikecuda import Network
from spikecuda.errors import SpikecudaValueError
from spikecuda.network import ExpCurrent, SpikeTrain
from spikecuda.plasticity import QuantalRelease

SEED, DELAY, WEIGHT = 11, 10, 8.0
# Each later than the one before has arrived.
TIMES = np.array([10.0, 20.0, 24.3, 40.0, 41.5, 120.0, 121.5])


def drawn(count, chance, left):
    """Return a binomial number, and what is left of the random number that it is drawn with."""
    below = 0.0
    # From the likelier end, as the rule does: the same numbers come out.
    often = chance > 0.5
    p = 1.0 - chance if often else chance
    for k in range(count + 1):
        mass = math.comb(count, k) * p**k * (1.0 - p) ** (count - k)
        if left < below + mass or k == count:
            rest = min(max((left - below) / mass, 0.0), 0.99999994) if mass else 0.0
            return (count - k if often else k), rest
        below += mass
    raise AssertionError


def released(sites, U, tau_rec, tau_fac, uniforms):
    """Return how many sites release at each spike, and how many are empty at the end."""
    u, empty, last, found = 0.0, 0, None, []
    for time, uniform in zip(TIMES, uniforms, strict=True):
        x = 0.0 if last is None else math.exp(-(time - last) / tau_rec)
        if last is not None:
            u *= math.exp(-(time - last) / tau_fac) if tau_fac else 0.0
        u = U + u * (1.0 - U)
        filled, rest = drawn(empty, 1.0 - x, uniform)
        k, _ = drawn(sites - empty + filled, u, rest)
        empty, last = empty - filled + k, time
        found.append(k)
    return found, empty


def run(rule, size, pieces=None):
    """Return what synapses of one source released, their empty sites, and the targets' currents."""
    found = []
    with Network(dt=0.1, noise_seed=SEED, devices="cpu") as net:
        net.population("E", size, "lif", {"v_th": 1e6}, receptors={"in": ExpCurrent(tau=2.0)})
        net.source("S", 1, SpikeTrain(TIMES))
        p = net.connect(
            "S", "E", "all_to_all", WEIGHT, 0.1 * DELAY, "in", plasticity=rule
        )  # fmt: skip
        for time in TIMES:
            # Up to the step in which it arrives: the current jumps at its end.
            before = net["E"].state["i_in"]
            net.run(time + 0.1 * DELAY - net.time)
            jump = net["E"].state["i_in"] - before * math.exp(-(net.time - last_of(found)) / 2.0)
            found.append((net.time, p.values("released"), jump))
        return p.number, [f[1] for f in found], [f[2] for f in found], p.values("empty")


def last_of(found):
    return found[-1][0] if found else 0.0


@pytest.mark.parametrize(
    ("sites", "U", "tau_rec", "tau_fac"),
    [(1, 0.4, 30.0, 0.0), (5, 0.8, 100.0, 0.0), (16, 0.04, 50.0, 200.0), (10, 1.0, 20.0, 5.0)],
)
def test_each_synapse_is_the_oracle_s(sites, U, tau_rec, tau_fac):
    rule = QuantalRelease(w_max=10.0, sites=sites, U=U, tau_rec=tau_rec, tau_fac=tau_fac)
    number_of, got, jumps, empty = run(rule, 60)
    steps = np.rint(TIMES / 0.1).astype(int) - 1
    for target in range(60):
        uniforms = [number(SEED, number_of, 0, target, int(step), DELAY, 0, 0, "float32")
                    for step in steps]  # fmt: skip
        want, left = released(sites, U, tau_rec, tau_fac, uniforms)
        assert [int(k[target]) for k in got] == want and empty[target] == left
    sent = WEIGHT * np.array(got) / sites
    assert np.allclose(jumps, sent, atol=1e-5 * WEIGHT)


def test_the_mean_is_that_of_resources():
    U, tau_rec, tau_fac = 0.2, 50.0, 200.0
    rule = QuantalRelease(w_max=10.0, sites=4, U=U, tau_rec=tau_rec, tau_fac=tau_fac)
    _, got, _, _ = run(rule, 4000)
    u, full, last = 0.0, 1.0, None
    for time, part in zip(TIMES, np.array(got) / 4, strict=True):
        if last is not None:
            full = 1.0 - (1.0 - full) * math.exp(-(time - last) / tau_rec)
            u *= math.exp(-(time - last) / tau_fac)
        u = U + u * (1.0 - U)
        assert abs(part.mean() - u * full) < 5 * part.std() / math.sqrt(part.size)
        full, last = full - u * full, time


def test_sites_are_whole():
    with pytest.raises(SpikecudaValueError, match=r"sites must be a whole number .got 2.5.; use 2"):
        QuantalRelease(w_max=1.0, sites=2.5)
    with pytest.raises(SpikecudaValueError, match="sites must be <= 16"):
        QuantalRelease(w_max=1.0, sites=17)
