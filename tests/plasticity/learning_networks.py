"""Random small networks that learn, and what comes out of them, for the tests of devices."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from spikecuda import Network, Poisson, Uniform
from spikecuda.language import exp, real
from spikecuda.models.parameter import Parameter
from spikecuda.network import (
    AllToAll,
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    SpikeTrain,
)
from spikecuda.plasticity import (
    STDP,
    DiehlCookSTDP,
    GutigSTDP,
    NearestSTDP,
    PostTrace,
    PowerLawSTDP,
    PreTrace,
    QuantalRelease,
    SourceVariable,
    StochasticRelease,
    SynapseParameter,
    SynapseRule,
    TargetState,
    TripletSTDP,
    Tsodyks2000,
    TsodyksMarkram,
    Variable,
    VogelsSTDP,
)


class Everything(SynapseRule):
    """A rule with all that a rule can have."""

    tau = Parameter(15.0, "ms", "of all that decays", above=0.0)
    rate = Parameter(0.05, "", "of learning")
    recovery = Parameter(40.0, "ms", "of release", above=0.0)

    x = PreTrace("tau")
    near = PreTrace("tau", to_one=True)
    y = PostTrace("tau")
    z = PostTrace("tau", to_one=True)
    c = Variable(0.5, decay="tau")
    count = Variable(0.0)
    left = SourceVariable(1.0)

    def on_post(w, c, count, x, near, y, z, first, rate):
        return (
            w + rate * x * (real(1.0) + y) + real(0.1) * c - rate * z,
            c + near,
            count + (real(1.0) if first else real(0.25)),
        )

    def on_pre(w, c, count, y, z, x, near, paired, elapsed, rate, tau):
        changed = w - rate * y - (real(0.1) * z if paired else real(0.02)) * (x + near)
        return changed, c - real(0.3) * z, count + real(0.001) * min(elapsed, tau)

    def release(left, elapsed, fresh, recovery):
        full = real(1.0) if fresh else real(1.0) - (real(1.0) - left) * exp(-elapsed / recovery)
        return real(0.6) * full, real(0.4) * full


class Dice(SynapseRule):
    """A rule whose changes and sending are random."""

    tau = Parameter(10.0, "ms", "of the trace", above=0.0)
    p = SynapseParameter(0.4, at_least=0.0, at_most=1.0)
    x = PreTrace("tau")

    def on_post(w, x, uniform, p):
        return w + (real(2.0) * x if uniform < p else real(0.0))

    def on_pre(w, uniform):
        return w - uniform

    def transmit(uniform, p):
        return real(1.0) if uniform < p else real(0.0)


class OnlyPost(SynapseRule):
    """A rule that spikes of sources do not change, and without traces of targets."""

    tau = Parameter(10.0, "ms", "of the trace", above=0.0)
    x = PreTrace("tau")
    c = Variable(1.0, decay="tau")

    def on_post(w, x, c, elapsed, tau, w_max):
        return w + real(0.02) * (w_max - w) * x - real(0.1), c + min(elapsed / tau, real(1.0))


class OnlyPre(SynapseRule):
    """A rule that spikes of targets do not change at once, and without traces of sources."""

    tau = Parameter(10.0, "ms", "of the trace", above=0.0)
    y = PostTrace("tau")
    c = Variable(1.0, decay="tau")

    def on_pre(w, y, c, paired, elapsed, tau):
        changed = w + (real(0.5) * y if paired else -real(0.05))
        return changed, c + min(elapsed / tau, real(1.0))


class Watching(SynapseRule):
    """A rule that sees its target's membrane, now and a while ago, and makes events of it."""

    tau = Parameter(10.0, "ms", "of the trace", above=0.0)
    later = Parameter(1.3, "ms", "how much later it is seen", at_least=0.0)
    x = PreTrace("tau")
    v = TargetState("v")
    before = TargetState("v", later="later")

    def watch(v, before):
        return v - before - real(4.0)

    def on_post(w, x, watched, before):
        return w + real(0.3) * watched * x + real(0.01) * (before + real(60.0))

    def on_pre(w, v, before):
        return w + real(0.2) * (before - v)


class AtSpikes(SynapseRule):
    """A rule that sees its target at the target's spikes, and a while before them."""

    tau = Parameter(10.0, "ms", "of the traces", above=0.0)
    later = Parameter(0.7, "ms", "how much later it is seen", at_least=0.0)
    x = PreTrace("tau")
    y = PostTrace("tau")
    before = TargetState("v", later="later")
    v = TargetState("v")

    def on_post(w, x, y, before, v):
        return w + real(0.2) * x * (before - v) - real(0.1) * y


RULES = {
    "at spikes": lambda w_max, timing: AtSpikes(w_max=w_max),
    "watching": lambda **k: Watching(**k),
    "power law": lambda **k: PowerLawSTDP(lam=0.005, **{**k, "w_max": 50.0 * k["w_max"]}),
    "triplet": lambda **k: TripletSTDP(**k),
    "vogels": lambda **k: VogelsSTDP(eta=0.5, **k),
    "nearest": lambda **k: NearestSTDP(lam=0.05, scheme="restricted", **k),
    "dice": lambda **k: Dice(**k),
    "quantal": lambda **k: QuantalRelease(sites=3, U=0.3, tau_rec=30.0, tau_fac=20.0, **k),
    "diehl and cook": lambda **k: DiehlCookSTDP(eta_pre=0.5, eta_post=1.0, **k),
    "stochastic": lambda w_max, timing: StochasticRelease(p=0.5),
    "short term": lambda w_max, timing: TsodyksMarkram(tau_fac=100.0, tau_rec=50.0),
    "three states": lambda w_max, timing: Tsodyks2000(tau_fac=100.0, tau_rec=50.0),
    "stdp": lambda **k: STDP(lam=0.05, **k),
    "slow": lambda **k: STDP(lam=0.02, alpha=0.7, tau_plus=35.0, **k),
    "gutig": lambda **k: GutigSTDP(lam=0.05, mu_plus=0.4, mu_minus=1.0, **k),
    "everything": lambda **k: Everything(**k),
    "only post": lambda **k: OnlyPost(**k),
    "only pre": lambda **k: OnlyPre(**k),
}


@dataclass
class Case:
    """A network to build, again and again."""

    sizes: tuple[int, int] = (70, 33)
    t_ref: tuple[float, float] = (2.0, 0.0)
    rates: tuple[float, float] = (9000.0, 7000.0)
    links: list[dict] = field(default_factory=list)
    train: tuple[int, int] | None = None
    precision: str = "float32"
    seed: int = 3

    def build(self, devices, **options):
        """Return the network, and its projections that learn."""
        net = Network(dt=0.1, seed=self.seed, precision=self.precision, devices=devices, **options)
        receptors = {"exc": ExpCurrent(tau=2.0), "inh": ExpCurrent(tau=5.0)}
        for name, size, t_ref, rate in zip("AB", self.sizes, self.t_ref, self.rates, strict=True):
            net.population(name, size, "lif", {"t_ref": t_ref}, receptors=receptors)
            net.drive(name, Poisson(rate=rate, weight=60.0), "exc")
        if self.train is not None:
            size, seed = self.train
            net.source("S", size, train(size, seed))
        learning = []
        for link in self.links:
            kind, timing, low, spread = (link[k] for k in ("rule", "timing", "low", "spread"))
            delay = Uniform(0.1 * low, 0.1 * (low + spread)) if spread else 0.1 * low
            sign = -1.0 if link["receptor"] == "inh" else 1.0
            where = net[link["source"]], net[link["target"]], self._how(link)
            weight = Uniform(5.0, 40.0) if sign > 0 else Uniform(-40.0, -5.0)
            weight = weight if link.get("drawn", True) else 30.0 * sign
            if kind == "static":
                net.connect(*where, weight, delay, link["receptor"])
                continue
            rule = RULES[kind](w_max=60.0 * sign, timing=timing)
            behind = link["behind"] if rule.learns else None
            if behind is not None:
                longest = low + spread
                behind = 0.1 * min(low, max(-(-longest // 2), round(behind * low)))
            learning.append(net.connect(
                *where, weight, delay, link["receptor"], plasticity=rule, dendritic=behind
            ))  # fmt: skip
        return net, learning

    def _how(self, link):
        return {
            "in": FixedInDegree(7), "out": FixedOutDegree(5), "some": FixedProbability(0.2),
            "all": AllToAll(),
        }[link["how"]]  # fmt: skip


def train(size, seed, steps=400):
    """Return spikes of trains: silences, and bursts of neighbouring steps from the start on."""
    rng = np.random.default_rng(seed)
    rate = rng.choice([0.0, 0.02, 0.7], size) * (np.arange(steps)[:, None] % 150 < 60)
    fired = rng.random((steps, size)) < rate
    fired[0, 0] = True
    when, who = np.nonzero(fired)
    return SpikeTrain((when + 1) * 0.1, who)


# Each two of rule, timing and type of numbers meet; all three of them would be more kernels.
TIMINGS = {
    ("stdp", False): ["nest", "brian"], ("stdp", True): ["nest"],
    ("dice", False): ["nest"], ("dice", True): ["brian"],
}  # fmt: skip


@st.composite
def links(draw, sources, wide):
    """Return a projection that learns, or does not; ``wide``: in float64."""
    kind = draw(st.sampled_from(["stdp", "slow", "stdp", "dice", "static"]))
    low = draw(st.integers(1, 25))
    spread = draw(st.sampled_from([0, 0, 3, 12]))
    behind = None
    if spread <= low:
        behind = draw(st.sampled_from([None, None, 0.5, 0.8, 1.0]))
    return {
        "rule": kind,
        "timing": draw(st.sampled_from(TIMINGS["dice" if kind == "dice" else "stdp", wide])),
        "source": draw(st.sampled_from(sources)),
        "target": draw(st.sampled_from("AB")),
        "receptor": draw(st.sampled_from(["exc", "exc", "inh"])),
        "drawn": draw(st.booleans()), "how": draw(st.sampled_from(["in", "out", "some", "all"])),
        "low": low, "spread": spread, "behind": behind,
    }  # fmt: skip


@st.composite
def cases(draw, precisions=("float32", "float64", "float16")):
    """Return a random case: bursts (no refractory period), silences, trains, any delays."""
    precision = draw(st.sampled_from(precisions))
    train = None
    if draw(st.booleans()):
        train = draw(st.integers(1, 40)), draw(st.integers(0, 99))
    sources = ["A", "B"] + ["S", "S"] * (train is not None)
    return Case(
        sizes=(draw(st.integers(7, 90)), draw(st.integers(7, 50))),
        t_ref=draw(st.sampled_from([(2.0, 0.0), (0.3, 5.0), (0.0, 0.0)])),
        rates=draw(st.sampled_from([(9000.0, 7000.0), (20000.0, 0.0), (0.0, 8500.0)])),
        links=draw(st.lists(links(sources, precision == "float64"), min_size=1, max_size=4)),
        train=train,
        precision=precision,
        seed=draw(st.integers(0, 5)),
    )


def outcome(net, learning, pieces, read=False):
    """Return spikes, weights and variables as bytes, after runs of some steps."""
    found = {name: [[], []] for name in "AB"}
    for steps in pieces:
        got = net.run(0.1 * steps)
        for name, (when, who) in found.items():
            when += got.spikes[name].step.tolist()
            who += got.spikes[name].neuron.tolist()
        if read:
            state_of(learning)
    return [*found["A"], *found["B"], *state_of(learning)]


def state_of(learning):
    """Return weights and variables as bytes."""
    return [
        p.values(name).tobytes()
        for p in learning
        for name in (("weight", *p.plasticity.variables) if p.learns else ())
    ]
