"""Oracle of networks of leaky integrate-and-fire neurons: dense, naive, one step at a time.

Step k (from 0) goes from ``k dt`` to ``(k + 1) dt``; a neuron that reaches threshold in it spikes
at its end.  Through a synapse with a delay of d steps that spike arrives at the end of step k + d,
d dt after it was sent.  In a step, for each neuron:

1. The membrane is integrated with the receptors' states of the step's start.  "lif": exactly, for
   the decaying currents (Rotter & Diesmann 1999, Biol Cybern 81:381, section 3) and with the
   current of conductances, ``g (e_rev - v)``, held at the mean of g over the step and v at its
   start.  "lif_cond": exactly for conductances held at their means over the step, and
   for currents held at what has the same effect on a membrane without conductances.
2. While refractory, v is v_reset instead, and jumps that arrive are lost; else they are added, and
   at v >= v_th the neuron spikes: v = v_reset for the next t_ref.
3. The receptors' states decay, exactly, and what arrives is added.

Spikes can arrive between steps instead, as in Brian2 2.11: after 3 and before the next 1.  Their
delay may be 0.  Jumps are then lost if the neuron was refractory in the step or spiked in it.

At the start of every 64th step what has all but vanished is nothing: see ``vanishing``.

Receptors (Roth & van Rossum 2009, in Computational Modeling Methods for Neuroscientists, ch. 6),
after a spike of weight w at time 0: "delta", a jump of w mV; "exp_current" (pA) and
"exp_conductance" (nS), ``w e^(-t / tau)``; "alpha_current" and "alpha_conductance",
``w (t / tau) e^(1 - t / tau)``; "beta_current" (pA), "beta_conductance" and "nmda" (nS),
``w n (e^(-t / tau_decay) - e^(-t / tau_rise))`` with n for a peak of w; "nmda" times
``1 / (1 + mg / 3.57 e^(-0.062 v))`` at the v of the step's start (Jahr & Stevens 1990, J Neurosci
10:3178, equation 4).
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from spikecuda.kernels.reference.arguments import columns, counters, refractory_steps
from spikecuda.kernels.reference.vanishing import remaining

KINDS = (
    "delta", "exp_current", "alpha_current", "beta_current", "exp_conductance",
    "alpha_conductance", "nmda", "beta_conductance",
)  # fmt: skip
DELTA, EXP_CURRENT, ALPHA_CURRENT, BETA_CURRENT = range(4)
EXP_CONDUCTANCE, ALPHA_CONDUCTANCE, NMDA, BETA_CONDUCTANCE = range(4, 8)
LEAK = {
    "lif": ("tau_m", "c_m", "v_rest", "v_reset", "v_th"),
    "lif_cond": ("c_m", "g_l", "e_l", "v_reset", "v_th"),
}
SLOTS = 8


@dataclass
class Population:
    """Neurons of one kind.

    Attributes:
        model: "lif" or "lif_cond".
        count: how many.
        params: of the model, each scalar or (count,); ms, mV, pF, nS.
        receptors: pairs (kind, parameters): tau, or tau_rise and tau_decay (ms); e_rev (mV); mg
            (mM).
        v: membrane potentials at the start, mV, scalar or (count,).
        current: pA, scalar, (count,) or (steps, count).
        between: numbers of receptors that spikes reach between steps, too, through a port of its
            own for each; these ports come after the receptors.
    """

    model: str
    count: int
    params: dict
    receptors: list = field(default_factory=list)
    v: object = 0.0
    current: object = 0.0
    between: tuple = ()


def simulate(populations, synapses, sent, arrivals, steps, dt):
    """Simulate.  Neurons are numbered through the populations, and trains after them.

    Args:
        populations: list of ``Population``.
        synapses: arrays (synapses,): source, target, port, weight, delay (steps; 0 only to a
            port between steps).
        sent: arrays (spikes,): step at whose end (from -1) a train spikes, and its number.
        arrivals: arrays (events,): step at whose end it arrives, target, port, weight.
        steps: how many.
        dt: ms.

    Returns:
        fired: bool (steps, n).
        traces: ``v`` (steps + 1, n) and ``x`` (steps + 1, n, ports, 2), receptors' states, from the
            start on; ``tested`` (steps, n), what the threshold was compared with, NaN while
            refractory; ``from_v`` and ``from_x``, likewise, what each step started from.
    """
    neurons, v, x = prepare(populations, steps, dt)
    n = v.shape[1]
    arriving = scheduled(synapses, sent, arrivals, neurons)
    source, target, port, weight, delay = synapses
    fired, tested = np.zeros((steps, n), np.bool_), np.full((steps, n), np.nan)
    wires = tuple(np.asarray(a, np.int64) for a in (source, target, port, delay))
    _run(
        neurons, arriving, v, x, counters({}, n), fired, tested, *wires,
        np.asarray(weight, np.float64),
    )  # fmt: skip
    return fired, {"v": v, "x": x, "tested": tested, "from_v": neurons[-2], "from_x": neurons[-1]}


def prepare(populations, steps, dt):
    """Return what ``step`` needs of the neurons, and v and x with the start in their first row."""
    n = sum(p.count for p in populations)
    ports = max(1, *(len(p.receptors) + len(p.between) for p in populations))
    conductance, refractory = np.zeros(n, np.bool_), np.zeros(n, np.int64)
    kind, owner = np.full((n, ports), -1, np.int64), np.full((n, ports), -1, np.int64)
    leak, slots = np.zeros((5, n)), np.zeros((n, ports, SLOTS))
    current, v = np.zeros((steps, n)), np.zeros((steps + 1, n))
    first = last = 0
    for p in populations:
        first, last = last, last + p.count
        part = slice(first, last)
        conductance[part] = p.model == "lif_cond"
        leak[:, part] = columns(p.params, LEAK[p.model], p.count)
        refractory[part] = refractory_steps(p.params, dt, p.count)
        v[0, part], current[:, part] = p.v, p.current
        for port, (name, values) in enumerate(p.receptors):
            kind[part, port] = KINDS.index(name)
            for j in range(p.count):
                tau_m, c_m = leak[:2, first + j]
                if p.model == "lif_cond":
                    # Divided by what a constant current does, it is a constant current.
                    tau_m = leak[0, first + j] / leak[1, first + j]
                    c_m = -tau_m * math.expm1(-dt / tau_m)
                made = constants(name, values, tau_m, c_m, dt)
                slots[first + j, port, : len(made)] = made
        for i, port in enumerate(p.between):
            owner[part, len(p.receptors) + i] = port
    x = np.zeros((steps + 1, n, ports, 2))
    begun = np.zeros((steps, n)), np.zeros((steps, n, ports, 2))
    neurons = conductance, leak, refractory, kind, slots, current, float(dt), owner, *begun
    return neurons, v, x


def scheduled(synapses, sent, arrivals, neurons):
    """Return what trains and other events bring: an array (steps, n, ports) of sums of weights."""
    arriving = np.zeros(neurons[-1].shape[:3])
    steps = len(arriving)
    for at, target, port, weight in zip(*arrivals, strict=True):
        if at < steps:
            arriving[at, target, port] += weight
    source, target, port, weight, delay = (np.asarray(a) for a in synapses)
    for at, train in zip(*sent, strict=True):
        for s in np.flatnonzero(source == train):
            send(at + delay[s], arriving, neurons, target[s], port[s], weight[s])
    return arriving


def constants(kind, values, tau_m, c_m, dt):
    """Return a receptor's constants of a step, worked out in 100 digits, as floats."""
    import mpmath

    with mpmath.workdps(100):
        h, exp = mpmath.mpf(dt), mpmath.exp
        if kind == "delta":
            return []
        if kind in ("nmda", "beta_conductance", "beta_current"):
            rise, decay = mpmath.mpf(values["tau_rise"]), mpmath.mpf(values["tau_decay"])
            peak_at = rise * decay / (decay - rise) * mpmath.log(decay / rise)
            peak = 1 / (exp(-peak_at / decay) - exp(-peak_at / rise))
            result = [exp(-h / decay), exp(-h / rise)]
            if kind == "beta_current":
                result += [_effect(mpmath, tau, tau_m, c_m, h)[0] for tau in (decay, rise)]
                return [float(r) for r in (*result, peak)]
            result += [tau / h * (1 - exp(-h / tau)) for tau in (decay, rise)]
            magnesium = values.get("mg", 0.0) / mpmath.mpf("3.57")
            result += [peak, values["e_rev"], magnesium]
            return [float(r) for r in result]
        tau = mpmath.mpf(values["tau"])
        if kind.endswith("conductance"):
            # 1/h int_0^h (g + dg s) e^(-s / tau) ds
            of_g = tau / h * (1 - exp(-h / tau))
            of_dg = tau * (tau / h * (1 - exp(-h / tau)) - exp(-h / tau))
            result = [exp(-h / tau), of_g, mpmath.e / tau, values["e_rev"], of_dg]
            return [float(r) for r in result]
        of_i, of_di = _effect(mpmath, tau, tau_m, c_m, h)
        return [float(r) for r in (exp(-h / tau), of_i, mpmath.e / tau, of_di)]


def _effect(mpmath, tau, tau_m, c_m, h):
    """Return v(h) = 1/c_m int_0^h e^(-(h - s) / tau_m) (i + di s) e^(-s / tau) ds, of i and di."""
    exp = mpmath.exp
    fading = exp(-h / mpmath.mpf(tau_m)) / mpmath.mpf(c_m)
    a = 1 / tau - 1 / mpmath.mpf(tau_m)
    if a == 0:
        return fading * h, fading * h * h / 2
    return fading * (1 - exp(-a * h)) / a, fading * (1 - (1 + a * h) * exp(-a * h)) / a**2


@njit
def _run(neurons, arriving, v, x, held, fired, tested, source, target, port, delay, weight):
    steps, n = fired.shape
    for k in range(steps):
        step(k, neurons, arriving, v, x, held, fired, tested)
        for s in range(source.size):
            if source[s] < n and fired[k, source[s]]:
                send(k + delay[s], arriving, neurons, target[s], port[s], weight[s])


@njit
def send(k, arriving, neurons, target, port, weight):
    """Let a spike arrive at the end of step k; between steps, it is in the next one's input."""
    k += neurons[7][target, port] >= 0
    if k < arriving.shape[0]:
        arriving[k, target, port] += weight


@njit
def step(k, neurons, arriving, v, x, held, fired, tested):
    """Take step k of all neurons: write v, x, fired and tested; count what is ``held``."""
    conductance, leak, refractory, kind, slots, current, dt, owner, from_v, from_x = neurons
    for j in range(fired.shape[1]):
        v_now, x_now = remaining(v[k, j], k), x[k, j].copy()
        for p in range(kind.shape[1]):
            for i in range(2):
                x_now[p, i] = remaining(x_now[p, i], k)
        for p in range(kind.shape[1]):
            o = owner[j, p]
            if o >= 0 and kind[j, o] == DELTA:
                # NaN: it was refractory.
                if k == 0 or not (fired[k - 1, j] or math.isnan(tested[k - 1, j])):
                    v_now += arriving[k, j, p]
            elif o >= 0:
                _take(x_now[o], kind[j, o], slots[j, o], arriving[k, j, p])
        from_v[k, j] = v_now
        from_x[k, j] = x_now
        if conductance[j]:
            c_m, g_l, e_l, v_reset, v_th = leak[:, j]
            new = _conductances(v_now, x_now, kind[j], slots[j], current[k, j], c_m, g_l, e_l, dt)
        else:
            tau_m, c_m, v_rest, v_reset, v_th = leak[:, j]
            new = _currents(v_now, x_now, kind[j], slots[j], current[k, j], tau_m, c_m, v_rest, dt)
        if held[j] > 0:
            new = v_reset
            held[j] -= 1
        else:
            for p in range(kind.shape[1]):
                if kind[j, p] == DELTA:
                    new += arriving[k, j, p]
            tested[k, j] = new
            if new >= v_th:
                fired[k, j] = True
                new = v_reset
                held[j] = refractory[j]
        v[k + 1, j] = new
        for p in range(kind.shape[1]):
            _settle(x_now[p], kind[j, p], slots[j, p], arriving[k, j, p], dt, x[k + 1, j, p])


@njit
def _mean(x, kind, c, v):
    """Return a conductance's mean over the step and its reversal potential."""
    if kind == EXP_CONDUCTANCE:
        return x[0] * c[1], c[3]
    if kind == ALPHA_CONDUCTANCE:
        return x[0] * c[1] + x[1] * c[4], c[3]
    block = 1.0 / (1.0 + c[6] * math.exp(-0.062 * v)) if kind == NMDA else 1.0
    return block * (x[0] * c[2] - x[1] * c[3]), c[5]


@njit
def _currents(v, x, kind, c, current, tau_m, c_m, v_rest, dt):
    decay = math.exp(-dt / tau_m)
    new = v_rest + (v - v_rest) * decay
    for p in range(kind.size):
        if kind[p] == EXP_CURRENT:
            new += c[p, 1] * x[p, 0]
        elif kind[p] == ALPHA_CURRENT:
            new += c[p, 1] * x[p, 0] + c[p, 3] * x[p, 1]
        elif kind[p] == BETA_CURRENT:
            new += c[p, 2] * x[p, 0] - c[p, 3] * x[p, 1]
        elif kind[p] >= EXP_CONDUCTANCE:
            g, e_rev = _mean(x[p], kind[p], c[p], v)
            current += g * (e_rev - v)
    return new - math.expm1(-dt / tau_m) * tau_m / c_m * current


@njit
def _conductances(v, x, kind, c, current, c_m, g_l, e_l, dt):
    total, pull = g_l, g_l * e_l + current
    for p in range(kind.size):
        if kind[p] == EXP_CURRENT:
            pull += c[p, 1] * x[p, 0]
        elif kind[p] == ALPHA_CURRENT:
            pull += c[p, 1] * x[p, 0] + c[p, 3] * x[p, 1]
        elif kind[p] == BETA_CURRENT:
            pull += c[p, 2] * x[p, 0] - c[p, 3] * x[p, 1]
        elif kind[p] >= EXP_CONDUCTANCE:
            g, e_rev = _mean(x[p], kind[p], c[p], v)
            total += g
            pull += g * e_rev
    goal = pull / total
    return goal + (v - goal) * math.exp(-dt * total / c_m)


@njit
def _take(x, kind, c, arrival):
    """Let what arrives between steps take effect on a receptor's states."""
    if kind in (EXP_CURRENT, EXP_CONDUCTANCE):
        x[0] += arrival
    elif kind in (ALPHA_CURRENT, ALPHA_CONDUCTANCE):
        x[1] += c[2] * arrival
    else:
        x[0] += c[4] * arrival
        x[1] += c[4] * arrival


@njit
def _settle(x, kind, c, arrival, dt, new):
    """Write a receptor's states at the end of the step."""
    if kind in (EXP_CURRENT, EXP_CONDUCTANCE):
        new[0] = x[0] * c[0] + arrival
    elif kind in (ALPHA_CURRENT, ALPHA_CONDUCTANCE):
        new[0] = (x[0] + dt * x[1]) * c[0]
        new[1] = x[1] * c[0] + c[2] * arrival
    elif kind in (NMDA, BETA_CONDUCTANCE, BETA_CURRENT):
        new[0] = x[0] * c[0] + c[4] * arrival
        new[1] = x[1] * c[1] + c[4] * arrival
