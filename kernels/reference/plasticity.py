"""Oracle of a plastic synapse: its events one after the other, in float64, nothing put off.

Time is a step number, in the time of the source: a spike of the source emitted in step t is an
event of step t, and a spike of the target emitted in step s is one of step s + b - a.  Here a and b
are the axonal and the dendritic part of the delay d = a + b, so at the synapse itself everything is
a steps later, and what is sent arrives at t + d.

In a step with timing "nest" (Morrison, Diesmann & Gerstner 2008, Biol Cybern 98:459; NEST 3.10):

1. A third factor jumps.
2. ``on_step`` sees what the target's membrane was; then, if a spike of the target arrives,
   ``on_post`` sees the source's spikes of earlier steps.
3. If the source spikes, ``on_pre`` sees the target's spikes of earlier steps, and the weight that
   it leaves is sent.
4. The traces jump.

With timing "brian" (the example of Song, Miller & Abbott in Brian2 2.9, ``pre`` ordered before
``post``) the source's spike comes first.  The weight from before it is sent, ``on_pre`` sees the
target's spikes of earlier steps, and ``on_post`` sees the source's spike of this step, too.

A weight is a magnitude with the sign of w_max, and within its bounds after every event.
"""

import functools
import inspect
import math
from dataclasses import dataclass, field

TIMINGS = ("nest", "brian")
LONG_AGO = -(2**62)


@dataclass(frozen=True)
class Trace:
    """What a neuron's spikes leave behind: it decays with ``tau`` (ms).

    A spike adds ``jump``; with ``to_one`` it sets the trace to ``jump`` instead.
    """

    tau: float
    to_one: bool = False
    jump: float = 1.0


@dataclass(frozen=True)
class Variable:
    """A number of the synapse, which decays with ``tau`` (ms) from ``initial`` on, if given."""

    initial: float = 0.0
    tau: float | None = None


@dataclass
class Rule:
    """How a synapse learns: plain functions, whose arguments' names say what they get.

    Arguments can be ``w``, variables, traces, what is in ``values``, ``w_max`` and ``w_min`` (as
    magnitudes), ``dt``, ``elapsed`` (ms since the last event), ``uniform``, ``n`` (third factor),
    signals of the target, ``first`` and ``paired``, and in ``release`` source variables and
    ``fresh``.

    Attributes:
        on_pre, on_post: return w and then every variable; None changes nothing.
        on_step: likewise, called in each step for which the target's signals are known.
        flow: returns w after ``steps`` steps without a change of the third factor.
        release: returns every source variable and then the part of w that is sent.
        transmit: returns the part of w that is sent by this synapse, as ``release`` does for all.
        values: parameters and constants by name.
        pre, post: traces by name.
        third: the third factor's trace.
        variables: of the synapse, by name.
        source_variables: their first values by name.
        w_max, w_min: bounds; w_min is a magnitude, and the sign of w_max is that of the weights.
    """

    on_pre: object = None
    on_post: object = None
    on_step: object = None
    flow: object = None
    release: object = None
    transmit: object = None
    values: dict = field(default_factory=dict)
    pre: dict = field(default_factory=dict)
    post: dict = field(default_factory=dict)
    third: Trace | None = None
    variables: dict = field(default_factory=dict)
    source_variables: dict = field(default_factory=dict)
    w_max: float = math.inf
    w_min: float = 0.0

    def asks(self, name):
        """Return whether one of the functions has an argument of this name."""
        functions = self.on_pre, self.on_post, self.on_step, self.flow, self.release, self.transmit
        return any(f is not None and name in _arguments(f) for f in functions)


@dataclass
class Outcome:
    """What a synapse did.

    Attributes:
        sent: what was sent at each spike of the source, with its sign.
        weight: at the end, with its sign.
        variables: of the synapse at the end, by name.
        third: the third factor at the end.
        history: pairs (step, weight with its sign), one for each step with an event, after it.
    """

    sent: list
    weight: float
    variables: dict
    third: float
    history: list


class Past:
    """The values of a trace or a variable after each of its changes."""

    def __init__(self, tau, dt, start=LONG_AGO, value=0.0):
        self.tau, self.dt = tau, dt
        self.changes = [(start, value)]

    def before(self, t):
        """Return the value in step t without what happens in it."""
        return self._since(next(c for c in reversed(self.changes) if c[0] < t), t)

    def now(self, t):
        """Return the value in step t with what has happened in it so far."""
        return self._since(self.changes[-1], t)

    def set(self, t, value):
        """Note a change in step t."""
        self.changes.append((t, value))
        del self.changes[:-3]

    def _since(self, change, t):
        step, value = change
        return value if self.tau is None else value * math.exp(-(t - step) * self.dt / self.tau)


class Synapse:
    """A synapse at work.  Events come in the order of their steps.

    Args:
        rule: a ``Rule``.
        weight: at the start, with the sign of w_max.
        dt: ms.
        timing: "nest" or "brian".
        uniform: function of a step that returns a random number, or None.
        start: the step from which variables decay and the weight flows.
    """

    def __init__(self, rule, weight, dt, timing="nest", uniform=None, start=0):
        if timing not in TIMINGS:
            raise ValueError(f"timing must be one of {TIMINGS} (got {timing!r})")
        self.rule, self.dt, self.timing, self.uniform = rule, dt, timing, uniform
        self.sign = math.copysign(1.0, rule.w_max)
        self.w = self.sign * weight
        if not rule.w_min <= self.w <= abs(rule.w_max):
            raise ValueError(f"weight must be within the bounds (got {weight})")
        self.pre = {k: Past(t.tau, dt) for k, t in rule.pre.items()}
        self.post = {k: Past(t.tau, dt) for k, t in rule.post.items()}
        self.third = Past(rule.third.tau, dt) if rule.third else None
        self.variables = {k: Past(v.tau, dt, start, v.initial) for k, v in rule.variables.items()}
        self.source_variables = dict(rule.source_variables)
        self.at = self.last_event = start
        self.last_pre = self.last_post = None
        self.since_pre = 0  # spikes of the target since the last one of the source
        self.signals = {}

    @property
    def weight(self):
        """The weight with its sign."""
        return self.sign * self.w

    def advance(self, t):
        """Let the weight flow up to step t."""
        if self.rule.flow is not None and t > self.at:
            self.w = self._call(self.rule.flow, self.at, steps=t - self.at)[0]
        self.at = max(self.at, t)

    def third_arrives(self, t, count=1):
        """Let the third factor jump ``count`` times."""
        self.advance(t)
        self.third.set(t, self.third.now(t) + count * self.rule.third.jump)

    def step(self, t, signals):
        """Show the rule the target's signals, a dict."""
        self.advance(t)
        self.signals = signals
        if self.rule.on_step is not None:
            self._change(self.rule.on_step, t)

    def post_arrives(self, t):
        """A spike of the target arrives."""
        self.advance(t)
        self._clip()
        if self.rule.on_post is not None:
            self._change(self.rule.on_post, t, first=self.since_pre == 0)
            self.last_event = t
        self.since_pre += 1
        self._jump(self.post, self.rule.post, t)

    def pre_arrives(self, t):
        """A spike of the source arrives; return what is sent."""
        self.advance(t)
        self._clip()
        sent = self.w
        if self.rule.on_pre is not None:
            self._change(self.rule.on_pre, t, paired=self.since_pre > 0)
            self.last_event = t
        if self.timing == "nest":
            sent = self.w
        if self.rule.release is not None:
            fresh = self.last_pre is None
            elapsed = 0.0 if fresh else (t - self.last_pre) * self.dt
            *new, part = self._call(self.rule.release, t, fresh=fresh, elapsed=elapsed)
            self.source_variables = dict(zip(self.source_variables, new, strict=True))
            sent *= part
        if self.rule.transmit is not None:
            sent *= self._call(self.rule.transmit, t)[0]
        self.last_pre, self.since_pre = t, 0
        self._jump(self.pre, self.rule.pre, t)
        return self.sign * sent

    def _jump(self, pasts, traces, t):
        for name, trace in traces.items():
            old = 0.0 if trace.to_one else pasts[name].now(t)
            pasts[name].set(t, old + trace.jump)

    def _clip(self):
        self.w = min(max(self.w, self.rule.w_min), abs(self.rule.w_max))

    def _change(self, function, t, **more):
        w, *new = self._call(function, t, **more)
        if len(new) != len(self.variables):
            raise ValueError(f"{function} must return w and {len(self.variables)} variables")
        self.w = w
        for past, value in zip(self.variables.values(), new, strict=True):
            past.set(t, value)
        self._clip()

    def _call(self, function, t, **more):
        """Call a function with what its arguments' names ask for; return a tuple."""
        # A spike of the target sees what the source's spike of the same step left with "brian".
        seen = Past.now if self.timing == "brian" and "first" in more else Past.before
        given = []
        for name in _arguments(function):
            if name in more:
                given.append(more[name])
            elif name in self.variables:
                given.append(self.variables[name].now(t))
            elif name in self.pre:
                given.append(seen(self.pre[name], t))
            elif name in self.post:
                given.append(self.post[name].before(t))
            elif name in self.source_variables:
                given.append(self.source_variables[name])
            elif name in self.signals:
                given.append(self.signals[name])
            else:
                given.append(self._constant(name, t))
        result = function(*given)
        return result if isinstance(result, tuple) else (result,)

    def _constant(self, name, t):
        rule = self.rule
        if name in rule.values:
            return rule.values[name]
        if name == "elapsed":
            return max(0, t - self.last_event) * self.dt
        if name == "n" and self.third is not None:
            return self.third.now(t)
        if name == "uniform" and self.uniform is not None:
            return self.uniform(t)
        return {"w": self.w, "w_max": abs(rule.w_max), "w_min": rule.w_min, "dt": self.dt}[name]


@functools.cache
def _arguments(function):
    return tuple(inspect.signature(function).parameters)


def run_synapse(
    rule, pre, post, weight, *, delay, dt, dendritic=None, timing="nest", as_of=None, third=(),
    signals=None, uniform=None, start=0,
):  # fmt: skip
    """Run a synapse between neurons whose spikes are known.

    Args:
        rule: a ``Rule``.
        pre: steps in which the source spikes, each once, rising.
        post: steps in which the target spikes, likewise.
        weight: at the start, with the sign of w_max.
        delay: whole delay d in steps.
        dt: ms.
        dendritic: how many steps of the delay lie behind the synapse; None: all.
        timing: "nest" or "brian".
        as_of: the last step whose events count; None: that of the last event.
        third: steps in which the third factor's spikes arrive, in any number.
        signals: dict of sequences: what the target's membrane was in step s, from step 0 on.  It
            arrives as a spike of that step would.
        uniform: function of a step that returns a random number in [0, 1).
        start: the step from which variables decay and the weight flows.

    Returns:
        An ``Outcome``.
    """
    dendritic = delay if dendritic is None else dendritic
    if not 0 <= dendritic <= delay:
        raise ValueError(f"dendritic must be from 0 to {delay} steps (got {dendritic})")
    later = 2 * dendritic - delay
    sources, targets = set(pre), {s + later for s in post}
    if len(sources) < len(pre) or len(targets) < len(post):
        raise ValueError("a neuron spikes at most once in a step")
    factors = {t: list(third).count(t) for t in third}
    steps = {*sources, *targets, *factors}
    length = 0
    if signals:
        length = min(len(s) for s in signals.values())
        if rule.on_step is not None:
            steps.update(range(later, length + later))
    as_of = max(steps, default=start) if as_of is None else as_of
    synapse = Synapse(rule, weight, dt, timing, uniform, start)
    sent, history = [], []
    for t in sorted(steps):
        if t > as_of:
            break
        if t in factors:
            synapse.third_arrives(t, factors[t])
        if timing == "brian" and t in sources:
            sent.append(synapse.pre_arrives(t))
        if 0 <= t - later < length:
            synapse.step(t, {name: signal[t - later] for name, signal in signals.items()})
        if t in targets:
            synapse.post_arrives(t)
        if timing == "nest" and t in sources:
            sent.append(synapse.pre_arrives(t))
        if t in sources or t in targets:
            history.append((t, synapse.weight))
    synapse.advance(as_of)
    synapse._clip()
    variables = {name: past.now(as_of) for name, past in synapse.variables.items()}
    third_now = synapse.third.now(as_of) if synapse.third else 0.0
    return Outcome(sent, synapse.weight, variables, third_now, history)
