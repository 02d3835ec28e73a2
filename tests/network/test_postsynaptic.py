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
WEIGHT, SENT, DELAY, STEPS = 3.0, 1.0, 1.5, 600


def record(receptor, model="lif", params=LIF, weight=WEIGHT, delay=DELAY, v=REST, what=None):
    """Send one spike at ``SENT``; return the times after its arrival, and v and states from there.

    What is recorded before must be what it was at the start.
    """
    net = Network(DT, precision="float64", threads=1)
    net.population("n", 1, model, params, {"v": v}, receptors={"x": receptor})
    net.source("s", 1, SpikeTrain([SENT]))
    net.connect("s", "n", OneToOne(), weight, delay, weight_bits=32)
    names = ["v", *(what or [])]
    net.record("n", names)
    result = net.run(STEPS * DT)
    arrived = round((SENT + delay) / DT)
    traces = {name: result.traces["n"][name][:, 0] for name in names}
    start = {"v": v}
    for name, values in traces.items():
        # Sample k is at (k + 1) dt: the spike arrives at sample ``arrived`` - 1.
        assert values[: arrived - 1] == pytest.approx(start.get(name, 0.0), rel=1e-13)
        traces[name] = values[arrived - 1 :]
    times = result.trace_times["n"][arrived - 1 :] - (SENT + delay)
    assert times[0] == pytest.approx(0.0, abs=1e-9)
    return np.arange(times.size) * DT, traces


@pytest.mark.parametrize("delay", [DT, 0.7, 1.5, 25.0])
def test_delta(delay):
    t, got = record(Delta(), delay=delay)
    assert got["v"] - REST == pytest.approx(WEIGHT * np.exp(-t / TAU_M), rel=1e-11)


@pytest.mark.parametrize("tau", [0.5, 5.0, TAU_M, TAU_M * (1 + 1e-7), 21.0, 100.0])
def test_exponential_current(tau):
    """Rotter & Diesmann (1999): v = (w / c_m) (e^(-t/tau) - e^(-t/tau_m)) / (1/tau_m - 1/tau)."""
    t, got = record(ExpCurrent(tau), weight=100.0, what=["i_x"])
    assert got["i_x"] == pytest.approx(100.0 * np.exp(-t / tau), rel=1e-11)
    rate = 1 / TAU_M - 1 / tau
    # (1 - e^(-rate t)) / rate, without cancellation
    kernel = np.exp(-t / tau) * (t if rate == 0 else -np.expm1(-rate * t) / rate)
    assert got["v"] - REST == pytest.approx(100.0 / C_M * kernel, rel=1e-9, abs=1e-12)
    peak = t[got["v"].argmax()]
    best = tau if abs(rate) < 1e-6 else math.log(tau / TAU_M) / (1 / TAU_M - 1 / tau)
    assert peak == pytest.approx(best, abs=DT)


@pytest.mark.parametrize("tau", [0.5, 5.0, 21.0])
def test_alpha_current(tau):
    t, got = record(AlphaCurrent(tau), weight=100.0, what=["i_x", "di_x"])
    assert got["i_x"] == pytest.approx(100.0 * t / tau * np.exp(1 - t / tau), rel=1e-11, abs=1e-15)
    assert t[got["i_x"].argmax()] == pytest.approx(tau, abs=DT)
    a = 1 / tau - 1 / TAU_M
    kernel = np.exp(-t / TAU_M) * (-np.expm1(-a * t) - a * t * np.exp(-a * t)) / a**2
    expected = 100.0 * math.e / tau / C_M * kernel
    assert got["v"] - REST == pytest.approx(expected, rel=1e-9, abs=1e-12)


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
    (ExpConductance, {"tau": 5.0, "e_rev": 0.0}, ["g_x"]),
    (AlphaConductance, {"tau": 3.0, "e_rev": -85.0}, ["g_x", "dg_x"]),
    (NMDA, {"tau_rise": 2.0, "tau_decay": 60.0, "e_rev": 0.0, "mg": 1.0}, ["g_decay_x", "g_rise_x"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "states"), CONDUCTANCES)
@pytest.mark.parametrize("model", ["lif_cond", "lif"])
def test_conductances(kind, values, states, model):
    """The conductance exactly; v against an ODE solver, within the scheme's error.

    With g, its slope g' and the membrane's rate all in nS and ms, the error of a step is third
    order for lif_cond (exponential midpoint; the block of NMDA, taken at the step's start, second
    order in its change) and second order for lif, whose current is held over the step.
    """
    weight = 8.0
    t, got = record(
        kind(**values), model, COND if model == "lif_cond" else LIF, weight, what=states
    )
    g = got[states[0]] - (got[states[1]] if kind is NMDA else 0.0)
    expected = weight * conductance(kind, values, t)
    assert g == pytest.approx(expected, rel=1e-11, abs=1e-13)
    leak = COND["g_l"] if model == "lif_cond" else C_M / TAU_M

    def slope(at, v):
        block = 1 / (1 + values.get("mg", 0.0) / 3.57 * np.exp(-0.062 * v))
        pull = weight * conductance(kind, values, at) * block * (values["e_rev"] - v)
        return (leak * (REST - v) + pull) / C_M

    solved = solve_ivp(slope, (0, t[-1]), [REST], t_eval=t, rtol=1e-11, atol=1e-12)
    off = np.abs(got["v"] - solved.y[0]).max()
    size = np.abs(solved.y[0] - REST).max()
    assert size > 0.3
    # lif_cond: h^2 / 24 of the fastest rate squared (1/tau or g/c_m), times e - v and g h / c_m.
    fastest = 1 / min(v for k, v in values.items() if k.startswith("tau"))
    order = 1 if model == "lif" or kind is NMDA else 2
    assert off < size * (fastest * DT) ** order


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
    np.testing.assert_allclose(net["n"].state["v"], expected, rtol=1e-15 * 1e3)


def test_several_receptors_and_spikes_add_up():
    net = Network(DT, precision="float64", threads=1)
    receptors = {"a": ExpCurrent(5.0), "b": ExpCurrent(5.0), "d": Delta()}
    net.population("n", 1, "lif", LIF, receptors=receptors)
    for name, weight in (("a", 30.0), ("b", -10.0), ("d", 0.5)):
        net.drive("n", SpikeTrain([1.0, 1.0, 2.0], weight=weight), name)
    net.record("n", ["v", "i_a", "i_b"])
    traces = net.run(10.0).traces["n"]
    t = (np.arange(100) + 1) * DT
    since = [(np.maximum(t - s, 0), t > s - 1e-9, n) for s, n in ((1.0, 2), (2.0, 1))]
    shape = sum(n * on * np.exp(-u / 5.0) for u, on, n in since)
    assert traces["i_a"][:, 0] == pytest.approx(30.0 * shape, rel=1e-11)
    assert traces["i_b"][:, 0] == pytest.approx(-10.0 * shape, rel=1e-11)
    rate = 1 / TAU_M - 1 / 5.0
    v = sum(
        n * on * (20.0 / C_M * np.exp(-u / 5.0) * -np.expm1(-rate * u) / rate
                  + 0.5 * np.exp(-u / TAU_M))
        for u, on, n in since
    )  # fmt: skip
    assert traces["v"][:, 0] + 65.0 - 65.0 - REST == pytest.approx(v, rel=1e-9, abs=1e-11)


def test_a_jump_is_lost_while_refractory_but_a_current_is_not():
    """v_th at the first jump: a second one within t_ref leaves no trace, after it it does."""
    net = Network(DT, precision="float64", threads=1)
    params = {**LIF, "v_th": REST + 1.0}
    net.population(
        "n", 1, "lif", params, {"v": REST}, receptors={"d": Delta(), "i": ExpCurrent(1.0)}
    )
    net.drive("n", SpikeTrain([1.0], weight=1.0), "d")
    # The spike is at 1.0; v is held for steps 10 to 29, until 3.0.
    net.drive("n", SpikeTrain([1.1, 2.9, 3.0], weight=0.5), "d")
    net.drive("n", SpikeTrain([2.0], weight=10.0), "i")
    net.record("n", ["spikes", "v", "i_i"])
    result = net.run(4.0)
    assert result.spikes["n"].time.tolist() == [1.0]
    v = result.traces["n"]["v"][:, 0]
    assert (v[9:30] == REST).all()
    assert result.traces["n"]["i_i"][30, 0] == pytest.approx(10.0 * math.exp(-1.1), rel=1e-12)
    assert v[30] > REST and v[30] < REST + 0.01
    net.reset()
    net.drive("n", 0.0)
    net["n"].state["refrac"] = 0
    net2 = Network(DT, precision="float64", threads=1)
    net2.population("n", 1, "lif", params, {"v": REST}, receptors={"d": Delta()})
    net2.drive("n", SpikeTrain([1.0], weight=1.0), "d")
    net2.drive("n", SpikeTrain([3.1], weight=0.5), "d")
    net2.record("n", "v")
    assert net2.run(4.0).traces["n"]["v"][30, 0] == pytest.approx(REST + 0.5, rel=1e-13)


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
