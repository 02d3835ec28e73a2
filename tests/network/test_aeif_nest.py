"""AdEx with synapses beside NEST's ``aeif_psc_exp`` and ``aeif_cond_exp``: spikes, step by step.

Reference: NEST 3.10.0 (PyPI), dt 0.1 ms, gsl_error_tol 1e-9, our default parameters of ``adex``,
from V_m = E_L and w = 0, a constant I_e, two ``spike_generator`` with the times of ``trains``
through delays of 1 ms; 300 ms.
"""

import numpy as np
import pytest
from thorough import extra

from spikecuda import Network
from spikecuda.network import Delta, ExpConductance, ExpCurrent, FixedProbability, SpikeTrain

DT = 0.1
# Receptors and weights (exciting, inhibiting), pA, t_ref, the steps at whose end NEST spiked.
CASES = {
    "aeif_psc_exp": (
        (ExpCurrent(2.0), ExpCurrent(5.0)), (600.0, -150.0), 500.0, 0.0,
        [69, 135, 188, 239, 326, 383, 490, 601, 726, 790, 944, 1164, 1265, 1353, 1455, 1571, 1657,
         1747, 1852, 2100, 2205, 2294, 2472, 2649, 2761, 2862, 2916, 2974],
    ),
    "aeif_cond_exp": (
        (ExpConductance(3.0, 0.0), ExpConductance(8.0, -80.0)), (8.0, 10.0), 300.0, 0.0,
        [87, 172, 233, 382, 1274, 1364, 1580, 1684, 2214, 2862, 2915, 2956],
    ),
    "aeif_cond_exp, t_ref": (
        (ExpConductance(3.0, 0.0), ExpConductance(8.0, -80.0)), (8.0, 10.0), 300.0, 2.0,
        [87, 188, 374, 1272, 1367, 1579, 1715, 2211, 2862, 2923],
    ),
}  # fmt: skip


def trains():
    """Return the times of the exciting and of the inhibiting spikes, some of them twice, ms."""
    rng = np.random.default_rng(7)
    return [np.sort(rng.choice(np.arange(10, 2990), count)) * DT for count in (400, 150)]


def steps_of(case, scheme, precision, device="cpu"):
    """Return the steps at whose end the neuron spikes."""
    receptors, weights, current, t_ref, _ = CASES[case]
    with Network(dt=DT, precision=precision, devices=[device]) as net:
        net.population(
            "n", 1, "adex", {"t_ref": t_ref}, receptors=dict(zip("ei", receptors, strict=True)),
            scheme=scheme,
        )  # fmt: skip
        net.drive("n", current)
        for name, times, weight in zip("ei", trains(), weights, strict=True):
            net.source(f"from_{name}", 1, SpikeTrain(times))
            net.connect(f"from_{name}", "n", "one_to_one", weight, 1.0, name)
        net.record("n")
        return (net.run(300.0).spikes["n"].step + 1).tolist()


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_spikes_are_nests_to_the_step(case, precision):
    assert steps_of(case, "upstroke", precision) == CASES[case][-1]


def test_an_emulated_device_has_the_same_spikes():
    case = "aeif_cond_exp, t_ref"
    assert steps_of(case, "upstroke", "float32", "cuda-emu") == CASES[case][-1]


def test_the_other_schemes_are_off_by_steps():
    """The case tells schemes apart: Heun's spikes are up to 18 steps off, Euler's more."""
    expected = CASES["aeif_psc_exp"][-1]
    for scheme, least in (("heun", 10), ("euler", 100)):
        found = steps_of("aeif_psc_exp", scheme, "float64")
        assert max(abs(a - b) for a, b in zip(found, expected, strict=False)) > least


def network_spikes(devices, precision):
    """Return the spikes of three populations that find theirs within the step."""
    with Network(dt=DT, precision=precision, devices=devices, seed=3) as net:
        net.population(
            "a", 150, "adex", receptors={"e": ExpConductance(3.0, 0.0), "d": Delta()},
            scheme="upstroke",
        )  # fmt: skip
        net.population(
            "b", 100, "adex", {"t_ref": 2.0, "b": 40.0}, receptors={"e": ExpCurrent(3.0)},
            scheme="upstroke",
        )  # fmt: skip
        net.population("c", 50, "eif", receptors={"e": ExpCurrent(3.0)}, scheme="upstroke")
        net.drive("a", np.linspace(500.0, 1500.0, 150))
        net.drive("b", np.linspace(500.0, 3000.0, 100))
        net.drive("c", 400.0)
        rule = FixedProbability(0.1)
        net.connect("a", "b", rule, 30.0, 1.0, "e")
        net.connect("b", "a", rule, 2.0, 1.0, "e")
        net.connect("c", "a", rule, 8.0, 1.5, "d")
        net.connect("a", "c", rule, 20.0, 0.5, "e")
        for name in "abc":
            net.record(name)
        result = net.run(60.0)
        return {
            n: (result.spikes[n].step.tolist(), result.spikes[n].neuron.tolist()) for n in "abc"
        }


@pytest.mark.parametrize("precision", ["float16", "float32", *extra("float64")])
def test_networks_have_the_same_spikes_on_all_devices(precision):
    """Currents, conductances and jumps, on one device and on two of two kinds."""
    expected = network_spikes(["cpu"], precision)
    assert all(len(steps) > 300 for steps, _ in expected.values())
    assert network_spikes(["cpu", "cuda-emu"], precision) == expected
