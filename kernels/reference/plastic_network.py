"""Oracle of networks with plastic synapses: ``network``'s neurons, ``plasticity``'s synapses.

Nothing is put off.  A spike of the source emitted in step t is at the synapse in step t + a, a
spike of the target emitted in s in step s + b, and what is sent arrives in step t + a + b, where a
and b are the axonal and the dendritic part of the delay.  Every synapse sees its spikes in the step
in which they are there, so what it has become may depend on all that has happened before, and on
nothing else.  With "nest" a spike of the target counts for what is sent in the same step; so b must
be at least a step.  With "brian" b may be 0: what is sent arrives before the target can spike.
What arrives between steps comes after the step in which it arrives: there b may always be 0.
"""

from dataclasses import dataclass, field

import numpy as np

from spikecuda.kernels.reference import network
from spikecuda.kernels.reference.arguments import counters
from spikecuda.kernels.reference.plasticity import Synapse, run_synapse


@dataclass
class Plastic:
    """The plastic synapses of a projection.

    Attributes:
        rule: a ``plasticity.Rule``.
        source, target, port, weight, delay: arrays (synapses,), as ``network.simulate`` takes them;
            weights have the sign of the rule's w_max.
        dendritic: array (synapses,), steps of the delay that lie behind the synapse; None: all.
        timing: "nest" or "brian".
        exponent: what is sent is rounded to a multiple of 2^-exponent; None: not at all.
        third: arrays (connections,): neurons or trains of the third factor and delays, steps.
        uniform: function of a synapse's index and a step of its source that returns a number in
            [0, 1), or None.
        between: whether spikes arrive between steps; their ports are such ones.
        sent: filled by ``simulate``: for each synapse the pairs (step of the source's spike,
            what was sent, not rounded).
    """

    rule: object
    source: object
    target: object
    port: object
    weight: object
    delay: object
    dendritic: object = None
    timing: str = "nest"
    exponent: int | None = None
    third: tuple = ((), ())
    uniform: object = None
    between: bool = False
    sent: list = field(default_factory=list)

    def __post_init__(self):
        for name in ("source", "target", "port", "delay"):
            setattr(self, name, np.asarray(getattr(self, name), np.int64))
        self.weight = np.asarray(self.weight, np.float64)
        self.third = tuple(np.asarray(a, np.int64) for a in self.third)
        behind = self.delay if self.dendritic is None else self.dendritic
        self.dendritic = np.broadcast_to(np.asarray(behind, np.int64), self.delay.shape)
        self.axonal = self.delay - self.dendritic
        least = 1 if self.timing == "nest" and not self.between else 0
        shortest = 0 if self.between else 1
        wrong = (self.axonal < 0).any() or (self.dendritic < least).any()
        if wrong or (self.delay < shortest).any():
            raise ValueError(
                f"dendritic must be from {least} to the delay, and that at least 1 (got "
                f"{self.dendritic.tolist()} of {self.delay.tolist()} steps)"
            )

    def random(self, s, later=0):
        """Return a synapse's random numbers as a function of a step that is ``later``, or None."""
        return None if self.uniform is None else lambda t: self.uniform(s, t - later)


class Spikes:
    """Who has spiked in which step, from -1 on: neurons and, after them, trains."""

    def __init__(self, steps, count, sent):
        self.happened = np.zeros((steps + 1, count), np.bool_)
        for step, train in zip(*sent, strict=True):
            if step < steps:
                self.happened[step + 1, train] = True

    def of(self, neurons, steps):
        """Return whether each neuron spiked in the step given for it."""
        row = np.asarray(steps) + 1
        known = (row >= 0) & (row < len(self.happened))
        return known & self.happened[np.where(known, row, 0), neurons]

    def steps(self, neuron):
        """Return the steps in which a neuron or train spiked."""
        return (np.flatnonzero(self.happened[:, neuron]) - 1).tolist()


class Evaluation:
    """The synapses of a ``Plastic`` at work, in the time of the synapses."""

    def __init__(self, plastic, spikes, dt):
        self.plastic, self.spikes = plastic, spikes
        self.synapses = [
            Synapse(plastic.rule, w, dt, plastic.timing, plastic.random(s, a), -1)
            for s, (w, a) in enumerate(zip(plastic.weight, plastic.axonal.tolist(), strict=True))
        ]
        plastic.sent = [[] for _ in self.synapses]

    def third(self, k):
        """Let the third factor's spikes arrive that are due in step k."""
        neurons, delays = self.plastic.third
        count = int(self.spikes.of(neurons, k - delays).sum()) if neurons.size else 0
        for synapse in self.synapses if count else ():
            synapse.third_arrives(k, count)

    def post(self, k):
        """Let the targets' spikes arrive that are due in step k."""
        p = self.plastic
        for s in np.flatnonzero(self.spikes.of(p.target, k - p.dendritic)):
            self.synapses[s].post_arrives(k)

    def pre(self, k, arriving, neurons, at_once):
        """Let the sources' spikes arrive that are due in step k, and send what follows.

        at_once: through the synapses without, else through those with a dendritic delay, or
            between steps.
        """
        p = self.plastic
        due = self.spikes.of(p.source, k - p.axonal)
        before = (p.dendritic == 0) & (not p.between)
        for s in np.flatnonzero(due & (before == at_once) if due.any() else due):
            sent = self.synapses[s].pre_arrives(k)
            p.sent[s].append((int(k - p.axonal[s]), sent))
            weight = rounded(sent, p.exponent)
            network.send(k + p.dendritic[s], arriving, neurons, p.target[s], p.port[s], weight)

    def signals(self, k, v):
        """Show what the targets' membranes were; v (steps + 1, n) is known up to step k."""
        p = self.plastic
        for s, synapse in enumerate(self.synapses if p.rule.asks("v") else ()):
            if (at := k - p.dendritic[s]) >= 0:
                synapse.step(k, {"v": v[at + 1, p.target[s]]})


def rounded(weight, exponent):
    """Return a weight as a fixed-point number with ``exponent`` bits behind the point."""
    return weight if exponent is None else np.rint(weight * 2.0**exponent) / 2.0**exponent


def simulate(populations, synapses, sent, arrivals, steps, dt, plastic):
    """Simulate as ``network.simulate``, with plastic synapses beside the static ones.

    Args:
        populations, synapses, sent, arrivals, steps, dt: as ``network.simulate``.
        plastic: list of ``Plastic``.

    Returns:
        fired and traces, as ``network.simulate``, and the ``Spikes``, for ``read``.
    """
    neurons, v, x = network.prepare(populations, steps, dt)
    n = v.shape[1]
    arriving = network.scheduled(synapses, sent, arrivals, neurons)
    *wires, weight, delay = synapses
    source, target, port, delay = (np.asarray(a, np.int64) for a in (*wires, delay))
    trains = [*np.ravel(sent[1]), *source, *(i for p in plastic for i in p.source)]
    trains += [i for p in plastic for i in p.third[0]]
    spikes = Spikes(steps, int(max([n - 1, *trains])) + 1, sent)
    fired, tested = np.zeros((steps, n), np.bool_), np.full((steps, n), np.nan)
    held = counters({}, n)
    learning = [Evaluation(p, spikes, dt) for p in plastic]
    for k in range(-1, steps):
        for e in learning:
            e.third(k)
            e.pre(k, arriving, neurons, at_once=True)
        if k >= 0:
            network.step(k, neurons, arriving, v, x, held, fired, tested)
            spikes.happened[k + 1, :n] |= fired[k]
        for s in np.flatnonzero((source < n) & spikes.of(source, k)):
            network.send(k + delay[s], arriving, neurons, target[s], port[s], weight[s])
        for e in learning:
            if e.plastic.timing == "brian":
                e.pre(k, arriving, neurons, at_once=False)
            e.signals(k, v)
            e.post(k)
            if e.plastic.timing == "nest":
                e.pre(k, arriving, neurons, at_once=False)
    begun = {"from_v": neurons[-2], "from_x": neurons[-1]}
    return fired, {"v": v, "x": x, "tested": tested, **begun}, spikes


def read(plastic, spikes, traces, clock, dt):
    """Return weights and variables as of a time: ``clock`` steps have been taken.

    All spikes of the sources up to step clock - 1 have had their effect, and the spikes of the
    targets that came to the synapse before or with such a spike.

    Args:
        plastic: a ``Plastic``.
        spikes, traces: from ``simulate``.
        clock: steps.
        dt: ms.

    Returns:
        Weights (synapses,) with their signs, and a dict of variables (synapses,).
    """
    outcomes = [replay(plastic, spikes, traces, s, clock, dt) for s in range(plastic.source.size)]
    variables = {
        name: np.array([o.variables[name] for o in outcomes]) for name in plastic.rule.variables
    }
    return np.array([o.weight for o in outcomes]), variables


def replay(plastic, spikes, traces, s, clock, dt):
    """Return the ``Outcome`` of synapse s, alone, from the spikes that ``simulate`` found."""
    p, a = plastic, int(plastic.axonal[s])
    third = [
        step + delay - a
        for neuron, delay in zip(*p.third, strict=True)
        for step in spikes.steps(neuron)
    ]
    return run_synapse(
        p.rule, spikes.steps(p.source[s]), spikes.steps(p.target[s]), p.weight[s],
        delay=int(p.delay[s]), dendritic=int(p.dendritic[s]), dt=dt, timing=p.timing,
        as_of=clock - 1, third=third, start=-1 - a,
        signals={"v": traces["v"][1:, p.target[s]].tolist()},
        uniform=p.random(s),
    )  # fmt: skip
