"""A membrane that is given, and a network whose synapses see it: for voltage-based rules."""

import numpy as np
from hypothesis import strategies as st

from spikecuda import Model, Network, Waveform
from spikecuda.models import Parameter, State
from spikecuda.network import Delta, ExpCurrent, SpikeTrain
from spikecuda.plasticity import ClopathSTDP

DT, SMALL = 0.1, 1e-9


class Followed(Model):
    """v is the current; u_plus and u_minus follow it."""

    name = "followed"
    v = State("mV", initial=-70.6)
    u_plus = State("mV", initial=-70.6)
    u_minus = State("mV", initial=-70.6)
    tau_plus = Parameter(7.0, "ms", above=0.0)
    tau_minus = Parameter(10.0, "ms", above=0.0)

    def step(v, u_plus, u_minus, current, k_plus, k_minus):
        """Return the three states."""
        return (
            current, u_plus + k_plus * (current - u_plus), u_minus + k_minus * (current - u_minus)
        )  # fmt: skip

    def threshold(v):
        """Never spike."""
        return v > v

    def reset(v, u_plus, u_minus):
        """Return the states."""
        return v, u_plus, u_minus

    def derive(tau_plus, tau_minus, dt):
        """Return how far the low passes go in a step."""
        return {"k_plus": dt / tau_plus, "k_minus": dt / tau_minus}


def signals(v, later):
    """Return what the rule sees of the membrane: lists from step 0 on."""
    plus = minus = -70.6
    seen = {"u": [], "u_plus": [], "u_minus": []}
    for value in v:
        plus += DT / 7.0 * (value - plus)
        minus += DT / 10.0 * (value - minus)
        seen["u"].append(value)
        seen["u_plus"].append(plus)
        seen["u_minus"].append(minus)
    for name in ("u_plus", "u_minus"):
        seen[name] = [-70.6] * later + seen[name][: len(v) - later]
    return seen


@st.composite
def cases(draw):
    """Return a membrane, spikes, delays and how the run is cut."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    steps = draw(st.integers(60, 400))
    v = np.full(steps, -70.6) + rng.uniform(0, 12, steps)
    for at in rng.integers(0, steps, draw(st.integers(0, 8))):
        v[at : at + int(rng.integers(1, 25))] = rng.uniform(-44, 20)
    delay = draw(st.just(0) | st.integers(1, 30))
    # The oracle knows nothing of the membrane before the first step.
    pre = np.unique(rng.integers(delay, steps, draw(st.integers(1, 12))))
    return {
        "v": v, "pre": pre, "delay": delay, "later": draw(st.integers(0, 60)),
        "pieces": draw(st.lists(st.integers(1, 100), max_size=4)), "sweep": draw(st.booleans()),
    }  # fmt: skip


def learn(case, precision="float64", pieces=(), sweep=False, **options):
    """Return the weights at the end of a network with one source and 40 targets."""
    steps = case["v"].size
    with Network(dt=DT, precision=precision, seed=1, **options) as net:
        # A membrane that is given forgets what has arrived before the step, which is refused.
        receptor = Delta() if case["delay"] else ExpCurrent(1.0)
        net.population("post", 40, Followed, receptors={"in": receptor})
        net.drive("post", Waveform(case["v"], DT, interpolation="hold"))
        net.source("pre", 1, SpikeTrain((case["pre"] + 1) * DT))
        # Weights so small that what they send does not move the membrane that is given.
        rule = ClopathSTDP(
            w_max=SMALL, a_ltp=8e-5 * SMALL, a_ltd=14e-5 * SMALL, delay_u=case["later"] * DT
        )
        p = net.connect(
            "pre", "post", "all_to_all", 0.5 * SMALL, case["delay"] * DT, plasticity=rule
        )
        for k in [*pieces, steps]:
            k = min(k, steps - round(net.time / DT))
            if k:
                net.run(k * DT)
            if sweep:
                engine = net.build()
                for b, table in enumerate(engine._rows.bundles):
                    engine._learning.sweep(b, table, engine.clock)
        return p.weights
