"""Synapses with equations of their own: a population with a unit for each synapse.

Three published ones before plain loops: Brian2's NMDA synapses (nonlinear.py), calcium-based
plasticity (Graupner & Brunel 2012), and release that an astrocyte's transmitter changes (Stimberg
et al. 2019).  Differences come from rounding alone: float64 states after some 1,000 steps, 1e-9.
"""

import numpy as np

from spikecuda import Model, Network
from spikecuda.language import normal, real, select, sqrt
from spikecuda.models import Parameter, State
from spikecuda.network import Coupled, Delta, Pairs, SpikeTrain

DT, DELAY, STEPS = 0.1, 1.5, 1200
LATE = round(DELAY / DT)


class Bound(Model):
    """Receptors that bind transmitter x and saturate: g is the part that is open."""

    name = "_bound"
    spiking = False
    arrivals = {"syn": "x"}
    x = State("")
    g = State("")

    def step(x, g, dt):
        """Return the states after Euler's step."""
        return x - dt * x / real(10.0), g + dt * (x * (real(1.0) - g) - g) / real(10.0)


class Leaky(Model):
    """A membrane that follows its input."""

    name = "_leaky"
    spiking = False
    v = State("mV")

    def step(v, current, dt):
        """Return v after Euler's step."""
        return v + dt * (current - v) / real(10.0)


class Calcium(Model):
    """The efficacy rho of a synapse whose calcium c jumps at spikes of both neurons."""

    name = "_calcium"
    spiking = False
    arrivals = {"ca": "c"}
    rho = State("", initial=0.25)
    c = State("")
    sigma = Parameter(0.0)

    def derive(sigma, dt):
        """Return what is left of the calcium, and the size of the noise."""
        return {"keep": np.exp(-dt / 20.0), "size": sigma * np.sqrt(dt / 150e3)}

    def step(rho, c, dt, keep, size):
        """Return the states after a step of Euler and Maruyama."""
        up = select(c > real(1.3), real(1.0), real(0.0))
        down = select(c > real(1.0), real(1.0), real(0.0))
        slow = -rho * (real(1.0) - rho) * (real(0.5) - rho)
        drift = slow + real(321.808) * (real(1.0) - rho) * up - real(200.0) * rho * down
        return (
            rho + dt * drift / real(150e3) + size * sqrt(up + down) * normal(), c * keep,
        )  # fmt: skip


class Release(Model):
    """Release whose chance falls as transmitter of an astrocyte binds; a spike is an event."""

    name = "_release"
    arrivals = {"syn": "arrived"}
    inputs = ("i_glia",)
    u = State("")
    x = State("", initial=1.0)
    bound = State("")
    y = State("mM")
    arrived = State("")

    def step(u, x, bound, y, arrived, i_glia, dt):
        """Return the states between spikes."""
        return (
            u - dt * u * real(0.00333), x + dt * (real(1.0) - x) * real(0.002),
            bound + dt * (real(0.01) * i_glia * (real(1.0) - bound) - real(0.001) * bound),
            y - dt * y * real(0.04), arrived,
        )  # fmt: skip

    def threshold(arrived):
        """Tell whether a spike has arrived."""
        return arrived > real(0.5)

    def reset(u, x, bound, y):
        """Let the spike release."""
        more = u + real(0.6) * (real(1.0) - bound) * (real(1.0) - u)
        return more, x - more * x, bound, y + real(2.5) * more * x, real(0.0)


class Glia(Model):
    """Transmitter of an astrocyte, which is given here."""

    name = "_glia"
    spiking = False
    level = State("mM", initial=1.0)

    def step(level, dt):
        """Return the level."""
        return level - dt * level / real(50.0)


def trains(count, seed, rate=0.01):
    """Return steps and numbers of spikes."""
    return np.nonzero(np.random.default_rng(seed).random((STEPS, count)) < rate)


def arrivals(train, unit):
    """Return the steps in which spikes of a train are at the synapse."""
    steps, who = train
    return set((steps[who == unit] + LATE).tolist())


def built(train, model, size, receptor, weight, params=None, more=()):
    """Return a network with a unit for each of some synapses, from trains to neurons."""
    net = Network(dt=DT, seed=1, precision="float64", devices="cpu")
    ports = {receptor: Delta(), **{name: Coupled() for name in more}}
    net.population("syn", size, model, params, receptors=ports)
    steps, who = train
    net.source("in", who.max() + 1, SpikeTrain((steps + 1) * DT, who))
    net.connect("in", "syn", Pairs(np.arange(size), np.arange(size)), weight, DELAY, receptor)
    return net


def test_synapses_that_saturate_add_up_at_their_neurons():
    """Synapse 2 n and 2 n + 1 are those onto neuron n."""
    train, weights = trains(6, 1), np.array([1.0, 10.0, 1.0, 3.0, 2.0, 0.5])
    with built(train, Bound, 6, "syn", weights) as net:
        net.population("post", 3, Leaky, receptors={"in": Coupled()})
        net.couple("syn", "post", Pairs(np.arange(6), np.arange(6) // 2), 1.0, value="g")
        net.run(STEPS * DT)
        x, g, v = net["syn"].state["x"], net["syn"].state["g"], net["post"].state["v"]
    here = [arrivals(train, i) for i in range(6)]
    xs, gs, vs = np.zeros(6), np.zeros(6), np.zeros(3)
    for step in range(STEPS):
        vs = vs + DT * (gs.reshape(3, 2).sum(1) - vs) / 10.0
        xs, gs = xs - DT * xs / 10.0, gs + DT * (xs * (1.0 - gs) - gs) / 10.0
        xs = xs + weights * [step in steps for steps in here]
    assert np.allclose(x, xs, rtol=1e-9) and np.allclose(g, gs, rtol=1e-9)
    assert np.allclose(v, vs, rtol=1e-9) and v.min() > 0.05


def test_calcium_of_both_neurons_moves_the_efficacy():
    pre, post = trains(20, 2, 0.02), trains(20, 3, 0.01)
    with built(pre, Calcium, 20, "ca", 1.0) as net:
        net.source("out", 20, SpikeTrain((post[0] + 1) * DT, post[1]))
        net.connect("out", "syn", Pairs(np.arange(20), np.arange(20)), 2.0, DT, "ca")
        net.run(STEPS * DT)
        rho, c = net["syn"].state["rho"], net["syn"].state["c"]
    for i in range(20):
        first = arrivals(pre, i)
        second = {s - LATE + 1 for s in arrivals(post, i)}
        r, ca = 0.25, 0.0
        for step in range(STEPS):
            drift = -r * (1 - r) * (0.5 - r) + 321.808 * (1 - r) * (ca > 1.3) - 200 * r * (ca > 1)
            r, ca = r + DT * drift / 150e3, ca * np.exp(-DT / 20.0)
            ca += 1.0 * (step in first) + 2.0 * (step in second)
        assert np.isclose(rho[i], r, rtol=1e-9) and np.isclose(c[i], ca, rtol=1e-9)
    assert np.ptp(rho) > 0.01


def test_the_noise_of_the_efficacy_is_that_of_its_calcium():
    size, sigma = 4000, 2.8284
    train = np.full(size, 20), np.arange(size)
    with built(train, Calcium, size, "ca", 2.0, params={"sigma": sigma}) as net:
        net.run(50.0)
        rho = net["syn"].state["rho"]
    # c is 2 at first, above 1.3 and above 1 for some steps each, of which only the noise differs.
    c = 2.0 * np.exp(-DT / 20.0 * np.arange(500))
    variance = sigma**2 * DT / 150e3 * ((c > 1.3).sum() + (c > 1.0).sum())
    # The drift pulls rho back by some percent; the variance of a variance of so many is 2 / n.
    assert abs(rho.var() / variance - 1.0) < 0.08 + 4 * np.sqrt(2.0 / size)


def test_events_of_a_synapse_and_what_an_astrocyte_does_to_it():
    train = trains(5, 4)
    with built(train, Release, 5, "syn", 1.0, more=("glia",)) as net:
        net.population("astro", 2, Glia)
        net.couple("astro", "syn", Pairs([0, 0, 1], [1, 2, 3]), 1.0, value="level")
        net.run(STEPS * DT)
        found = [net["syn"].state[name] for name in ("u", "x", "bound", "y")]
    for i in range(5):
        here, glia = arrivals(train, i), float(i in (1, 2, 3))
        u, x, bound, y, level = 0.0, 1.0, 0.0, 0.0, 1.0
        for step in range(STEPS):
            u, x, bound, y = (
                u - DT * u * 0.00333, x + DT * (1.0 - x) * 0.002,
                bound + DT * (0.01 * glia * level * (1.0 - bound) - 0.001 * bound),
                y - DT * y * 0.04,
            )  # fmt: skip
            level -= DT * level / 50.0
            if step in here:
                u += 0.6 * (1.0 - bound) * (1.0 - u)
                x, y = x - u * x, y + 2.5 * u * x
        assert np.allclose([found[k][i] for k in range(4)], [u, x, bound, y], rtol=1e-9)
    assert found[2][0] == 0.0 < found[2][1]
