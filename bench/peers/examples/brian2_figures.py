"""Figures of Brian2's own examples, which docs/examples-of-others-brian2.md has beside those here.

Run with Brian2 2.11: ``python brian2_figures.py [names] > figures.txt``. Each function is one of
its examples, shortened to what is compared. Where an example draws starts or delays, these
are numbers that both simulators get.
"""

import json
import sys
from itertools import pairwise

import numpy as np
from brian2 import (
    Hz,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    ms,
    mV,
    network_operation,
    pA,
    prefs,
    run,
    second,
    seed,
    start_scope,
    stop,
)

prefs.codegen.target = "numpy"


def fresh(number=1, dt=0.1):
    start_scope()
    seed(number)
    np.random.seed(number)
    defaultclock.dt = dt * ms


def times(monitor):
    return [round(float(t), 4) for t in monitor.t / ms], [int(i) for i in monitor.i]


def network_operation_stop():
    fresh()
    eqs = "dv/dt = (1.5 - v)/(10*ms) : 1"
    G = NeuronGroup(10, eqs, threshold="v>1", reset="v=0", method="exact")
    G.v = "i/10.0"
    M = SpikeMonitor(G)

    @network_operation(dt=1 * ms)
    def check():
        if M.num_spikes >= 20:
            stop()

    run(100 * ms, namespace={})
    return times(M)


def gapjunctions():
    fresh()
    eqs = "dv/dt = (1.05 - v + Igap) / (10*ms) : 1\nIgap : 1"
    G = NeuronGroup(10, eqs, threshold="v > 1", reset="v = 0", method="exact")
    G.v = "i * 1.0 / 9"
    S = Synapses(G, G, "w : 1\nIgap_post = w * (v_pre - v_post) : 1 (summed)")
    S.connect()
    S.w = 0.02
    M = SpikeMonitor(G)
    run(500 * ms)
    t, i = times(M)
    last = [round(float(v), 12) for v in G.v[:]]
    return {"n": len(t), "per_neuron": np.bincount(i).tolist(), "v": last, "sum": sum(t)}


def phase_locking():
    fresh()
    eqs = "dv/dt = (-v + a * sin(2 * pi * 10*Hz * t) + 1.2) / (20*ms) : 1\na : 1"
    G = NeuronGroup(100, eqs, threshold="v > 1", reset="v = 0", method="euler")
    G.v = "i/100.0"
    G.a = "0.05 + 0.7*i/100"
    M = SpikeMonitor(G)
    run(1000 * ms)
    t, i = times(M)
    return {"n": len(t), "per_neuron": np.bincount(i).tolist(), "sum": round(sum(t), 1)}


def synapses():
    fresh()
    decay = ("dv/dt = -v / (10*ms) : 1", "exact")
    G1, G2 = (NeuronGroup(10, *decay, threshold="v > 1", reset="v = 0") for _ in range(2))
    G1.v = 1.2
    S = Synapses(G1, G2, "dw/dt = -w / (50*ms): 1 (event-driven)", on_pre="v += w")
    S.connect("i == j and i != 3 and i != 7")
    S.delay = "1*ms + i*ms + 0.2*ms * (i % 3 - 1)"
    S.w = 1
    run(20 * ms)
    return [round(float(v), 12) for v in G2.v[:]]


def spatial_connections():
    found = {"inside": 0, "drawn": []}
    for number in range(1, 11):
        fresh(number)
        G = NeuronGroup(400, "x : meter\ny : meter")
        G.x = "(i // 20) * 25*um - 20/2.0 * 25*um"
        G.y = "(i % 20) * 25*um - 20/2.0 * 25*um"
        S = Synapses(G, G)
        S.connect("sqrt((x_pre - x_post)**2 + (y_pre - y_post)**2) < 120*um")
        found["inside"] = len(S)
        D = Synapses(G, G)
        D.connect("i != j", p="1.5 * exp(-((x_pre-x_post)**2 + (y_pre-y_post)**2)/(2*(60*um)**2))")
        found["drawn"].append(len(D))
    return found


def efficient_gaussian_connectivity():
    found = []
    for number in range(1, 11):
        fresh(number)
        G = NeuronGroup(1000, "v:1", threshold="v>1")
        S = Synapses(G, G, on_pre="v += 1")
        S.connect(p="exp(-0.1*(i-j)**2)")
        found.append(len(S))
    return found


def tsodyks_pawelzik_markram():
    found = {}
    for name, tau, R, inact, A, rec, U, facil, hz, end in (
        ("A", 40, 0.1, 3, 250, 800, 0.6, 0, 20, 1100),
        ("B", 60, 1.0, 1.5, 1540, 130, 0.03, 530, 20, 1100),
        ("C", 60, 1.0, 1.5, 1540, 130, 0.03, 530, 70, 375),
    ):
        fresh(dt=0.01)
        space = {"tau": tau * ms, "R": R * mV / pA}
        eqs = "dv/dt = -v/tau + (R*I)/tau : volt\nI : amp"
        G = NeuronGroup(1, eqs, method="exact", namespace=space)
        t = np.arange(100.0, end, 1e3 / hz)
        P = SpikeGeneratorGroup(1, [0] * len(t), t * ms)
        eqs = "dx/dt = z/rec : 1 (clock-driven)\ndy/dt = -y/inact : 1 (clock-driven)\n"
        eqs += "z = 1 - x - y : 1\nI_post = A*y : amp (summed)\n"
        on = "y += U*x\nx += -U*x"
        if facil:
            eqs += "du/dt = -u/facil : 1 (clock-driven)\n"
            on = "u += U*(1-u)\ny += u*x\nx += -u*x"
        own = {"rec": rec * ms, "inact": inact * ms, "A": A * pA, "U": U}
        own["facil"] = max(facil, 1) * ms
        S = Synapses(P, G, eqs, on_pre=on, method="exponential_euler", namespace=own)
        S.connect()
        S.x = 1
        M = StateMonitor(G, "v", record=True)
        run((end + 100) * ms)
        v = M.v[0] / mV
        edges = [round(100 * s) for s in t] + [100 * int(end + 100)]
        found[name] = [round(float(v[a:b].max()), 6) for a, b in pairwise(edges)]
    return found


def kuramoto():
    found = {}
    for K in (0.0, 1.0, 2.0, 4.0):
        fresh(1, 0.1)
        eqs = "dTheta/dt = omega + K/100*coupling : 1\nomega : Hz (constant)\ncoupling : 1"
        G = NeuronGroup(100, eqs, method="euler", namespace={"K": K / second})
        draw = np.random.default_rng(1)
        G.Theta = draw.uniform(0, 2 * np.pi, 100)
        G.omega = np.clip(0.5 + 0.5 * draw.standard_normal(100), 0, None) * Hz
        S = Synapses(G, G, "coupling_post = sin(Theta_pre - Theta_post) : 1 (summed)")
        S.connect()
        row = []
        for _ in range(2):
            run(1 * second)
            row.append(round(float(np.abs(np.exp(1j * np.array(G.Theta[:])).mean())), 6))
        found[str(K)] = row
    return found


def brette_guigon():
    found = []
    for number in range(1, 4):
        fresh(number)
        eqs = """dv/dt = (v*I + 1)/(33*ms) + 0.02*(2/(33*ms))**.5*xi : 1
        I = 0.5 + 3*p*B(t) : 1
        p : 1"""
        draw = np.random.default_rng(5)
        x = np.zeros(10000)
        for k in range(1, 10000):
            x[k] = x[k - 1] * (1 - 0.1 / 20) + np.sqrt(2 * 0.1 / 20) * draw.standard_normal()
        B = TimedArray(2.0 / (1 + np.exp(-2 * x)) - 1, dt=0.1 * ms)
        G = NeuronGroup(500, eqs, threshold="v>1", reset="v=0", method="euler", namespace={"B": B})
        G.p, G.v = "1.0*i/500", "rand()"
        M = SpikeMonitor(G)
        run(1000 * ms)
        t, i = np.array(M.t / ms), np.array(M.i)
        row = []
        for low in (0, 250):
            k = (i >= low) & (i < low + 250) & (t > 200)
            bins = np.histogram(t[k], np.arange(200.0, 1000.1, 2.0))[0]
            row += [int(k.sum()), round(float(bins.std() / bins.mean()), 4)]
        found.append(row)
    return found


def diesmann():
    found = []
    for number in range(1, 6):
        fresh(number)
        eqs = """dV/dt = (-(V+70*mV)+x)*(1./(10*ms)) : volt
        dx/dt = (-x+y)*(1./(0.325*ms)) : volt
        dy/dt = -y*(1./(0.325*ms))+25.27*mV/ms+(39.24*mV/ms**0.5)*xi : volt"""
        own = {"threshold": "V>-55*mV", "reset": "V=-70*mV", "refractory": 1 * ms}
        P = NeuronGroup(1000, eqs, method="euler", **own)
        volley = SpikeGeneratorGroup(85, np.arange(85), np.random.randn(85) * ms + 50 * ms)
        S = Synapses(P, P, on_pre="y+=4.86*mV")
        S.connect(j="k for k in range((int(i/100)+1)*100, (int(i/100)+2)*100) if i<N_pre-100")
        T = Synapses(volley, P[:100], on_pre="y+=4.86*mV")
        T.connect()
        M = SpikeMonitor(P)
        P.V = "-70*mV + rand() * 15*mV"
        run(100 * ms)
        t, g = np.array(M.t / ms), np.array(M.i) // 100
        row = []
        for group in range(10):
            s = t[(g == group) & (t > 45)]
            peak = np.histogram(s, np.arange(45.0, 100.1, 1.0))[0].argmax() + 45.5
            near = s[np.abs(s - peak) < 3.0]
            row.append([len(near), round(float(near.mean()), 2), round(float(near.std()), 2)])
        found.append([row[0], row[4], row[9], int((t < 45).sum())])
    return found


def brunel_hakim():
    prefs.codegen.target = "cython"
    found = []
    for number in range(1, 6):
        fresh(number)
        eqs = "dV/dt = (-V + 25*mV + 1*mV*sqrt(20*ms)*xi)/(20*ms) : volt (unless refractory)"
        own = {"threshold": "V>20*mV", "reset": "V=10*mV", "refractory": 2 * ms}
        G = NeuronGroup(5000, eqs, method="euler", **own)
        G.V = 10 * mV
        S = Synapses(G, G, on_pre="V += -0.1*mV", delay=2 * ms)
        S.connect(p=0.2)
        M = SpikeMonitor(G)
        run(1200 * ms)
        t = np.array(M.t / ms)
        late = t[t >= 200]
        rate = np.histogram(late, np.arange(200, 1200.1, 0.5))[0].astype(float)
        power = np.abs(np.fft.rfft(rate - rate.mean())) ** 2
        peak = 50 + np.convolve(power, np.ones(11), "same")[50:400].argmax()
        found.append([late.size / 5000, int(peak)])
    return found


NAMES = (
    network_operation_stop,
    gapjunctions,
    phase_locking,
    synapses,
    spatial_connections,
    efficient_gaussian_connectivity,
    tsodyks_pawelzik_markram,
    kuramoto,
    brette_guigon,
    diesmann,
    brunel_hakim,
)

if __name__ == "__main__":
    chosen = [f for f in NAMES if f.__name__ in sys.argv[1:] or len(sys.argv) == 1]
    for function in chosen:
        print(f"{json.dumps(function.__name__)}: {json.dumps(function())}", flush=True)
