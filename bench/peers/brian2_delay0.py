"""Run networks without delay in Brian2 and store their spikes, which tests compare with.

    /path/to/brian2/bin/python bench/peers/brian2_delay0.py [NAMES]

Needs Brian2 alone.  What both run is in ``tests/network/delay0_problems.py``; the equations are
those of Brian2's examples CUBA, COBAHH, synapses/STDP and frompapers/Izhikevich_2003, and of
benchmark 1 of Brette et al. (2007) J Comput Neurosci 23:349 (coba).  Everything is float64.  Writes
``tests/network/data/brian2_delay0.npz``: of each network the steps in which neurons spiked, as
differences from one spike to the next, and the neurons.
"""

import sys
from pathlib import Path

import brian2 as b2
import numpy as np
from brian2 import Hz, amp, ms, mV, nS, pA, pF  # noqa: F401 - units of the equations

TESTS = Path(__file__).resolve().parents[2] / "tests" / "network"
sys.path.insert(0, str(TESTS))
import delay0_problems as problems  # noqa: E402


def couple(group, excitation, inhibition, seed):
    """Connect a group to itself; the first ``EXCITATORY`` neurons excite."""
    source, target = problems.recurrent(seed)
    made = []
    for code, chosen in (
        (excitation, source < problems.EXCITATORY), (inhibition, source >= problems.EXCITATORY),
    ):  # fmt: skip
        synapses = b2.Synapses(group, group, on_pre=code)
        synapses.connect(i=source[chosen], j=target[chosen])
        made.append(synapses)
    return made


def spikes(group, *others, dt, steps):
    """Run, and return the steps and neurons of the group's spikes."""
    b2.defaultclock.dt = dt * ms
    monitor = b2.SpikeMonitor(group)
    b2.Network(group, monitor, *others).run(steps * dt * ms)
    return np.rint(monitor.t / (dt * ms)).astype(np.int64), np.array(monitor.i)


def cuba():
    """Leaky neurons with synaptic currents."""
    group = b2.NeuronGroup(
        problems.CELLS,
        "dv/dt = (ge + gi - v - 49*mV) / (20*ms) : volt (unless refractory)\n"
        "dge/dt = -ge / (5*ms) : volt\ndgi/dt = -gi / (10*ms) : volt",
        threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact",
    )  # fmt: skip
    group.v = (-60.0 + 10.0 * problems.uniform(11, problems.CELLS)) * mV
    return spikes(
        group, *couple(group, "ge += 1.62*mV", "gi -= 9*mV", 1), dt=problems.DT,
        steps=problems.STEPS["cuba"],
    )  # fmt: skip


def coba():
    """Leaky neurons with synaptic conductances."""
    group = b2.NeuronGroup(
        problems.CELLS,
        "dv/dt = (10*nS*(-60*mV - v) - ge*v + gi*(-80*mV - v)) / (200*pF) : volt"
        " (unless refractory)\ndge/dt = -ge / (5*ms) : siemens\ndgi/dt = -gi / (10*ms) : siemens",
        threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exponential_euler",
    )  # fmt: skip
    n = problems.CELLS
    group.v = (-60.0 + 5.0 * (problems.normal(21, n) - 1.0)) * mV
    group.ge = (40.0 + 15.0 * problems.normal(22, n)) * nS
    group.gi = (200.0 + 120.0 * problems.normal(23, n)) * nS
    return spikes(
        group, *couple(group, "ge += 6*nS", "gi += 67*nS", 2), dt=problems.DT,
        steps=problems.STEPS["coba"],
    )  # fmt: skip


def cobahh():
    """Hodgkin-Huxley neurons with synaptic conductances."""
    group = b2.NeuronGroup(
        problems.CELLS,
        """dv/dt = (10*nS*(-60*mV - v) - ge*v + gi*(-80*mV - v) - 20*uS*m**3*h*(v - 50*mV)
                    - 6*uS*n**4*(v + 90*mV)) / (200*pF) : volt
           x = (v + 63*mV) / mV : 1
           dm/dt = (0.32*(13 - x)/(exp((13 - x)/4) - 1)*(1 - m)
                    - 0.28*(x - 40)/(exp((x - 40)/5) - 1)*m) / ms : 1
           dh/dt = (0.128*exp((17 - x)/18)*(1 - h) - 4/(1 + exp((40 - x)/5))*h) / ms : 1
           dn/dt = (0.032*(15 - x)/(exp((15 - x)/5) - 1)*(1 - n)
                    - 0.5*exp((10 - x)/40)*n) / ms : 1
           dge/dt = -ge / (5*ms) : siemens
           dgi/dt = -gi / (10*ms) : siemens""",
        threshold="v > -20*mV", refractory=3 * ms, method="exponential_euler",
    )  # fmt: skip
    n = problems.CELLS
    group.v = (-60.0 + 5.0 * (problems.normal(31, n) - 1.0)) * mV
    group.ge = (40.0 + 15.0 * problems.normal(32, n)) * nS
    group.gi = (200.0 + 120.0 * problems.normal(33, n)) * nS
    return spikes(
        group, *couple(group, "ge += 6*nS", "gi += 67*nS", 3), dt=problems.DT,
        steps=problems.STEPS["cobahh"],
    )  # fmt: skip


def stdp():
    """One neuron with 1,000 synapses that learn; returns their weights at the end, too."""
    steps, inputs = problems.poisson(41, problems.STEPS["stdp"])
    source = b2.SpikeGeneratorGroup(problems.INPUTS, inputs, steps * problems.DT * ms)
    neuron = b2.NeuronGroup(
        1, "dv/dt = (ge*60*mV - 74*mV - v) / (10*ms) : volt\ndge/dt = -ge / (5*ms) : 1",
        threshold="v > -54*mV", reset="v = -60*mV", method="exact",
    )  # fmt: skip
    neuron.v = -60 * mV
    synapses = b2.Synapses(
        source, neuron,
        """w : 1
           dpre/dt = -pre / (20*ms) : 1 (event-driven)
           dpost/dt = -post / (20*ms) : 1 (event-driven)""",
        on_pre="ge += w; pre += 1e-4; w = clip(w + post, 0, 0.01)",
        on_post="post -= 1.05e-4; w = clip(w + pre, 0, 0.01)",
    )  # fmt: skip
    synapses.connect()
    synapses.w = 0.01 * problems.uniform(42, problems.INPUTS)
    found = spikes(neuron, source, synapses, dt=problems.DT, steps=problems.STEPS["stdp"])
    return *found, np.array(synapses.w)


def izhikevich():
    """1,000 of Izhikevich's neurons, all to all; a spike is a current in the next step."""
    cells, noise, weights = problems.cortex(51)
    current = b2.TimedArray(noise, dt=1 * ms)
    group = b2.NeuronGroup(
        1000,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + I + current(t, i)) / ms : 1
           du/dt = a*(b*v - u) / ms : 1
           I : 1
           a : 1 (constant)
           b : 1 (constant)
           c : 1 (constant)
           d : 1 (constant)""",
        threshold="v >= 30", reset="v = c; u += d", method="euler", namespace={"current": current},
    )  # fmt: skip
    for name, values in cells.items():
        setattr(group, name, values)
    group.v = -65
    group.u = cells["b"] * -65.0
    synapses = b2.Synapses(
        group, group, "w : 1", on_pre={"up": "I += w", "down": "I -= w"},
        delay={"up": 0 * ms, "down": 1 * ms},
    )  # fmt: skip
    synapses.connect()
    synapses.w = weights.ravel()
    return spikes(group, synapses, dt=1.0, steps=problems.STEPS["izhikevich"])


def pulses():
    """Spikes that move the membrane, of neurons that are refractory, too; delays from 0 on."""
    group = b2.NeuronGroup(
        1000, "dv/dt = (24*mV - v) / (20*ms) : volt (unless refractory)",
        threshold="v > 20*mV", reset="v = 10*mV", refractory=2 * ms, method="exact",
    )  # fmt: skip
    group.v = 20 * problems.uniform(61, 1000) * mV
    source, target, weights, delays = problems.pulses(62)
    synapses = b2.Synapses(group, group, "w : volt", on_pre="v += w")
    synapses.connect(i=source, j=target)
    synapses.w = weights * mV
    synapses.delay = delays * problems.DT * ms
    return spikes(group, synapses, dt=problems.DT, steps=problems.STEPS["pulses"])


def main():
    """Run those that are named, or all, and write their spikes beside the others."""
    b2.prefs.codegen.target = "cython"
    path = TESTS / "data" / "brian2_delay0.npz"
    kept = dict(np.load(path)) if path.exists() else {}
    for name in sys.argv[1:] or [name for name in problems.STEPS if name != "genn"]:
        step, neuron, *weights = globals()[name]()
        order = np.lexsort((neuron, step))
        step, neuron = step[order], neuron[order]
        kept[f"{name}_wait"] = np.diff(step, prepend=0).astype(np.uint16)
        kept[f"{name}_neuron"] = neuron.astype(np.uint16)
        for values in weights:
            kept[f"{name}_weights"] = values
        print(f"{name}: {step.size:,} spikes")
    kept["version"] = np.array(b2.__version__)
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **kept)


if __name__ == "__main__":
    main()
