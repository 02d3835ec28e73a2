"""One spike, one synapse: amplitude and time of what follows, against the closed form."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikecuda import Model, Parameter, State
from spikecuda.network import (
    NMDA,
    AlphaConductance,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
    Network,
    OneToOne,
    SpikeTrain,
)

DT, TAU_M, C_M, REST = 0.1, 20.0, 200.0, -70.0
LIF = {"tau_m": TAU_M, "c_m": C_M, "v_rest": REST, "v_reset": REST, "v_th": 0.0, "t_ref": 2.0}
WEIGHT, SENT, DELAY, DURATION = 3.0, 1.0, 1.5, 60.0

# All kinds at once, so that one kernel serves all tests of a model.
RECEPTORS = {
    "delta": Delta(), "exp_current": ExpCurrent(5.0), "alpha_current": AlphaCurrent(5.0),
    "exp_conductance": ExpConductance(5.0, 0.0), "alpha_conductance": AlphaConductance(5.0, 0.0),
    "nmda": NMDA(),
}  # fmt: skip


def record(receptor, model="lif", params=LIF, weight=WEIGHT, delay=DELAY, what=(), dt=DT):
    """Send one spike at ``SENT``; return the times after its arrival, and v and states from there.

    What is recorded before must be what it was at the start.
    """
    net = Network(dt, precision="float64", threads=1)
    receptors = {**RECEPTORS, receptor.kind: receptor}
    net.population("n", 1, model, params, {"v": REST}, receptors=receptors)
    net.source("s", 1, SpikeTrain([SENT]))
    net.connect("s", "n", OneToOne(), weight, delay, receptor.kind, weight_bits=32)
    net.record("n", ["v", *(f"{state}_{receptor.kind}" for state in what)])
    result = net.run(DURATION)
    arrived = round((SENT + delay) / dt)
    traces = {name: values[:, 0] for name, values in result.traces["n"].items()}
    result_names = zip(["v", *what], list(traces), strict=True)
    traces = {name: traces[recorded] for name, recorded in result_names}
    for name, values in traces.items():
        # Sample k is at (k + 1) dt: the spike arrives at sample ``arrived`` - 1.
        start = REST if name == "v" else 0.0
        assert values[: arrived - 1] == pytest.approx(start, rel=1e-13)
        traces[name] = values[arrived - 1 :]
    times = result.trace_times["n"][arrived - 1 :] - (SENT + delay)
    assert times[0] == pytest.approx(0.0, abs=1e-9)
    return np.arange(times.size) * dt, traces


def from_exponential(t, tau):
    """v after a current e^(-t/tau) pA; Rotter & Diesmann (1999): the difference of two decays."""
    rate = 1 / TAU_M - 1 / tau
    return np.exp(-t / tau) * (t if rate == 0 else -np.expm1(-rate * t) / rate) / C_M


def from_alpha(t, tau):
    """v after a current (t/tau) e^(1 - t/tau) pA, likewise."""
    a = 1 / tau - 1 / TAU_M
    shape = (-np.expm1(-a * t) - a * t * np.exp(-a * t)) / a**2
    return math.e / tau * np.exp(-t / TAU_M) * shape / C_M


@pytest.mark.parametrize("delay", [DT, 0.7, 1.5, 25.0])
def test_delta(delay):
    t, got = record(Delta(), delay=delay)
    assert got["v"] - REST == pytest.approx(WEIGHT * np.exp(-t / TAU_M), rel=1e-11)


@pytest.mark.parametrize("tau", [0.5, 5.0, TAU_M, TAU_M * (1 + 1e-7), 21.0, 100.0])
def test_exponential_current(tau):
    t, got = record(ExpCurrent(tau), weight=100.0, what=("i",))
    assert got["i"] == pytest.approx(100.0 * np.exp(-t / tau), rel=1e-11)
    assert got["v"] - REST == pytest.approx(100.0 * from_exponential(t, tau), rel=1e-9, abs=1e-12)
    peak = t[got["v"].argmax()]
    rate = 1 / TAU_M - 1 / tau
    best = tau if abs(rate) < 1e-6 else math.log(tau / TAU_M) / (1 / TAU_M - 1 / tau)
    assert peak == pytest.approx(best, abs=DT)


@pytest.mark.parametrize("tau", [0.5, 5.0, 21.0])
def test_alpha_current(tau):
    t, got = record(AlphaCurrent(tau), weight=100.0, what=("i", "di"))
    assert got["i"] == pytest.approx(100.0 * t / tau * np.exp(1 - t / tau), rel=1e-11, abs=1e-15)
    assert t[got["i"].argmax()] == pytest.approx(tau, abs=DT)
    assert got["v"] - REST == pytest.approx(100.0 * from_alpha(t, tau), rel=1e-9, abs=1e-12)


COND = {"c_m": C_M, "g_l": 10.0, "e_l": REST, "v_reset": REST, "v_th": 100.0, "t_ref": 2.0}


def conductance(kind, values, t):
    if kind is ExpConductance:
        return np.exp(-t / values["tau"])
    if kind is AlphaConductance:
        return t / values["tau"] * np.exp(1 - t / values["tau"])
    rise, decay = values["tau_rise"], values["tau_decay"]
    at = rise * decay / (decay - rise) * math.log(decay / rise)
    peak = math.exp(-at / decay) - math.exp(-at / rise)
    return (np.exp(-t / decay) - np.exp(-t / rise)) / peak


CONDUCTANCES = [
    (ExpConductance, {"tau": 5.0, "e_rev": 0.0}, ["g"]),
    (AlphaConductance, {"tau": 3.0, "e_rev": -85.0}, ["g", "dg"]),
    (
        NMDA, {"tau_rise": 2.0, "tau_decay": 60.0, "e_rev": 0.0, "mg": 1.0},
        ["g_decay", "g_rise"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "states"), CONDUCTANCES)
@pytest.mark.parametrize("model", ["lif_cond", "lif"])
def test_conductances(kind, values, states, model):
    """The conductance against its closed form; v against an ODE solver, by its order in dt.

    lif_cond takes the mean of g over the step, of order 2; lif holds the current over a step, and
    the block of NMDA is that of the step's start: order 1.  The leading term of the error then
    falls by 2^order when dt is halved; the next one is dt / tau times as large, 1/20 here at most.
    """
    weight, order = 8.0, 2 if model == "lif_cond" and kind is not NMDA else 1
    params = COND if model == "lif_cond" else LIF
    leak = COND["g_l"] if model == "lif_cond" else C_M / TAU_M

    def slope(at, v):
        block = 1 / (1 + values.get("mg", 0.0) / 3.57 * np.exp(-0.062 * v))
        pull = weight * conductance(kind, values, at) * block * (values["e_rev"] - v)
        return (leak * (REST - v) + pull) / C_M

    errors = []
    for dt in (DT, DT / 2):
        t, got = record(kind(**values), model, params, weight, what=states, dt=dt)
        g = got[states[0]] - (got[states[1]] if kind is NMDA else 0.0)
        expected = weight * conductance(kind, values, t)
        assert g == pytest.approx(expected, rel=1e-11, abs=1e-13)
        v = solve_ivp(slope, (0, t[-1]), [REST], t_eval=t, rtol=1e-12, atol=1e-12).y[0]
        assert np.abs(v - REST).max() > 0.3
        errors.append(np.abs(got["v"] - v).max())
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.05)


def test_a_decaying_current_acts_on_any_model_as_its_integral():
    """A perfect integrator, v' = i: v ends at w tau (exponential), w e tau (alpha)."""

    class Integrator(Model):
        """v' = i."""

        v = State("mV", initial=0.0)
        k = Parameter(1.0, "")

        def step(v, k, current, dt):
            return v + k * dt * current

        def threshold(v):
            return v >= v + v + v

        def reset(v):
            return v

    net = Network(1.0, precision="float64", threads=1)
    receptors = {"e": ExpCurrent(1.5), "a": AlphaCurrent(2.5)}
    net.population("n", 2, Integrator, initial={"v": -1e6}, receptors=receptors)
    net.drive(net["n"][:1], SpikeTrain([3.0], weight=2.0), "e")
    net.drive(net["n"][1:], SpikeTrain([3.0], weight=2.0), "a")
    net.run(200.0)
    expected = np.array([2.0 * 1.5, 2.0 * math.e * 2.5]) - 1e6
    # 200 sums near 10^6, each rounded.
    np.testing.assert_allclose(net["n"].state["v"], expected, atol=200 * 1e6 * 2.0**-53)


def test_several_receptors_and_spikes_add_up():
    net = Network(DT, precision="float64", threads=1)
    net.population("n", 1, "lif", LIF, {"v": REST}, receptors=RECEPTORS)
    for name, weight in (("exp_current", 30.0), ("alpha_current", -10.0), ("delta", 0.5)):
        net.drive("n", SpikeTrain([1.0, 1.0, 2.0], weight=weight), name)
    net.record("n", ["v", "i_exp_current", "i_alpha_current"])
    traces = net.run(10.0).traces["n"]
    t = (np.arange(100) + 1) * DT
    since = [(np.maximum(t - s, 0), n * (t > s - 1e-9)) for s, n in ((1.0, 2), (2.0, 1))]
    decayed = sum(n * np.exp(-u / 5.0) for u, n in since)
    risen = sum(n * u / 5.0 * np.exp(1 - u / 5.0) for u, n in since)
    assert traces["i_exp_current"][:, 0] == pytest.approx(30.0 * decayed, rel=1e-11)
    assert traces["i_alpha_current"][:, 0] == pytest.approx(-10.0 * risen, rel=1e-11, abs=1e-14)
    v = sum(
        n * (30.0 * from_exponential(u, 5.0) - 10.0 * from_alpha(u, 5.0) + 0.5 * np.exp(-u / TAU_M))
        for u, n in since
    )
    assert traces["v"][:, 0] - REST == pytest.approx(v, rel=1e-9, abs=1e-11)


def test_a_jump_is_lost_while_refractory_but_a_current_is_not():
    net = Network(DT, precision="float64", threads=1)
    params = {**LIF, "v_th": REST + 1.0}
    net.population("n", 1, "lif", params, {"v": REST}, receptors=RECEPTORS)
    net.drive("n", SpikeTrain([1.0], weight=1.0), "delta")
    # The spike is at 1.0; v is held in the steps 10 to 29, until 3.0.
    net.drive("n", SpikeTrain([1.1, 2.9, 3.0, 3.1], weight=0.5), "delta")
    net.drive("n", SpikeTrain([2.0], weight=10.0), "exp_current")
    net.record("n", ["spikes", "v", "i_exp_current"])
    result = net.run(4.0)
    assert result.spikes["n"].time.tolist() == [1.0]
    v, i = result.traces["n"]["v"][:, 0], result.traces["n"]["i_exp_current"][:, 0]
    assert (v[9:30] == REST).all()
    assert i[30] == pytest.approx(10.0 * math.exp(-1.1 / 5.0), rel=1e-12)
    of_current = 10.0 * math.exp(-1.0 / 5.0) * from_exponential(DT, 5.0)
    assert v[30] == pytest.approx(REST + 0.5 + of_current, rel=1e-13)


def test_a_neuron_excites_itself_after_its_delay():
    """A chain: each spike comes back after d and fires the neuron again at once."""
    for steps in (1, 2, 31, 64, 65, 200):
        net = Network(DT, precision="float64", threads=1)
        params = {**LIF, "v_th": REST + 1.0, "t_ref": 0.0}
        net.population("n", 33, "lif", params, {"v": REST}, receptors={"d": Delta()})
        net.connect("n", "n", OneToOne(), 1.5, steps * DT)
        net.drive(net["n"][32:], SpikeTrain([0.7], weight=1.5))
        spikes = net.run(60.0).spikes["n"]
        assert (spikes.neuron == 32).all()
        assert spikes.step.tolist() == list(range(6, 600, steps))
