"""Random small networks: described once, built with any options, and put before the oracle.

Hypothesis chooses what shapes the network (kinds, rules, sizes, delays); numbers come from a seed
that it chooses too.  All populations are of four structures, so that few kernels are compiled.
"""

import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest import mock

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from spikecuda.common.distributions import LogNormal, Normal, Uniform
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.stimulus import Poisson
from spikecuda.kernels.reference import network as oracle
from spikecuda.kernels.reference import noise
from spikecuda.network import (
    NMDA,
    AllToAll,
    AlphaConductance,
    AlphaCurrent,
    BetaConductance,
    BetaCurrent,
    Delta,
    DistanceInDegree,
    DistanceOutDegree,
    DistanceProbability,
    ExpConductance,
    ExpCurrent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    Network,
    OneToOne,
    Pairs,
    SpikeTrain,
)
from spikecuda.network.cpu import block_memory, parts
from spikecuda.network.run import window as per_step
from spikecuda.space import Disc, Gaussian, Scattered

# One neuron, around a word of 32, several words, around a chunk of 1024.
SIZES = (1, 2, 5, 31, 32, 33, 64, 70, 100)
LARGE = (1023, 1024, 1025)
# Kernel of each structure: model, receptors, parameters that differ from neuron to neuron.
STRUCTURES = {
    "currents": ("lif", ("exp_current", "alpha_current", "beta_current"), ()),
    "jumps": ("lif", ("delta", "exp_current"), ("tau_m", "v_th", "t_ref")),
    "explicit": ("lif", ("nmda", "exp_conductance", "delta", "alpha_conductance"), ()),
    "conductances": (
        "lif_cond",
        ("exp_conductance", "nmda", "beta_conductance", "alpha_current", "alpha_conductance"),
        ("v_th",),
    ),
}
NEST = tuple(STRUCTURES)
# The same, of which every receptor is reached between steps, too: few kernels again.
STRUCTURES |= {
    "between": (
        "lif", ("delta", "exp_current", "alpha_current", "beta_current"), ("tau_m", "t_ref"),
    ),
    "between_conductances": (
        "lif_cond", ("exp_conductance", "nmda", "beta_conductance", "alpha_conductance"), (),
    ),
}  # fmt: skip
BETWEEN = tuple(name for name in STRUCTURES if name not in NEST)
MADE = {
    "delta": Delta,
    "exp_current": ExpCurrent,
    "alpha_current": AlphaCurrent,
    "exp_conductance": ExpConductance,
    "alpha_conductance": AlphaConductance,
    "nmda": NMDA,
    "beta_current": BetaCurrent,
    "beta_conductance": BetaConductance,
}
# What a whole in-degree of synapses amounts to, about: mV, pA, nS.
STRENGTH = {
    "delta": 6.0, "exp_current": 600.0, "alpha_current": 300.0, "exp_conductance": 20.0,
    "alpha_conductance": 10.0, "nmda": 10.0, "beta_current": 300.0,
    "beta_conductance": 10.0,
}  # fmt: skip
RULES = (
    "all_to_all", "one_to_one", "probability", "in_degree", "out_degree", "total", "pairs",
    "near", "near_in", "near_out",
)  # fmt: skip
SHEET, NEAR = Scattered((1.0, 1.0), periodic=True), Gaussian(0.3)
WEIGHTS = ("fixed", "clipped", "redrawn", "lognormal", "uniform")
DELAYS = {"one": (1, 1), "few": (1, 3), "seven": (7, 7), "some": (5, 30), "long": (20, 300)}


@dataclass
class Part:
    """A population: its structure and what ``Network.population`` takes."""

    name: str
    structure: str
    count: int
    params: dict
    receptors: dict
    v: np.ndarray
    bias: np.ndarray
    rate: float
    weight: float

    @property
    def model(self):
        return STRUCTURES[self.structure][0]


@dataclass
class Link:
    """A projection: views as index arrays, and what ``Network.connect`` takes."""

    source: str
    target: str
    source_ids: np.ndarray
    target_ids: np.ndarray
    rule: object
    weight: object
    delay: object
    receptor: str
    options: dict


@dataclass
class Description:
    """A network and how long it runs."""

    dt: float
    seed: int
    steps: int
    parts: list
    links: list
    trains: dict = field(default_factory=dict)
    drives: list = field(default_factory=list)

    @property
    def between(self):
        """Whether spikes arrive between steps, too."""
        return self.parts[0].structure in BETWEEN

    def build(self, precision, **options):
        """Return the network, not yet built."""
        net = Network(self.dt, self.seed, precision, **options)
        for p in self.parts:
            net.population(
                p.name, p.count, p.model, p.params, {"v": p.v}, receptors=p.receptors,
                positions=SHEET,
            )  # fmt: skip
            net.drive(p.name, p.bias)
            net.drive(p.name, Poisson(p.rate, p.weight), next(iter(p.receptors)))
        for name, (count, train) in self.trains.items():
            net.source(name, count, train, positions=SHEET)
        for p in self.parts if self.between else ():
            for name in p.receptors:
                net.connect(p.name, p.name, Pairs([], []), 0.0, 0.0, name)
        for link in self.links:
            net.connect(
                net[link.source][link.source_ids], net[link.target][link.target_ids], link.rule,
                link.weight, link.delay, link.receptor, **link.options,
            )  # fmt: skip
        for name, ids, train, receptor in self.drives:
            net.drive(net[name][ids], train, receptor)
        return net


@dataclass
class Layout:
    """What must not change a bit: how a network is laid out on the machine, and its run split.

    Attributes:
        threads, partitions: of the network.
        window: the most steps between two exchanges of spikes.
        cache: bytes of accumulator that several steps at once may take; 0 makes it one step.
        buffer: spikes that are recorded before they are drained, where a window allows so few.
        cuts: where the run is split, as parts of its steps.
    """

    threads: int = 1
    partitions: int = 1
    window: int = per_step.MAX_WINDOW
    cache: int = block_memory.FUSED_BYTES
    buffer: int = parts.RECORD_SIZE
    cuts: tuple = ()

    @contextmanager
    def build(self, description, precision):
        """Give the network, built in this way."""
        with (
            mock.patch.object(per_step, "MAX_WINDOW", self.window),
            mock.patch.object(block_memory, "FUSED_BYTES", self.cache),
            mock.patch.object(parts, "RECORD_SIZE", self.buffer),
        ):
            options = {"threads": self.threads, "partitions": self.partitions, "devices": "cpu"}
            with description.build(precision, **options) as net:
                yield net

    def splits(self, steps):
        """Return the steps at which the run is split."""
        return sorted(int(cut * steps) for cut in self.cuts)


@st.composite
def layouts(draw):
    """A ``Layout``."""
    return Layout(
        draw(st.sampled_from((1, 2))), draw(st.integers(1, 5)),
        draw(st.sampled_from((1, 2, 5, 7, 64))), draw(st.sampled_from((0, 1000, 128 << 10))),
        draw(st.sampled_from((1, 100, 1 << 16))),
        tuple(draw(st.lists(st.floats(0, 1), max_size=3))),
    )  # fmt: skip


def built(net):
    """Build; weights too far apart for one scale are rightly refused, and not an example."""
    try:
        net.build()
    except SpikecudaValueError as error:
        if "is below the resolution" not in str(error):
            raise
        reject()


@st.composite
def descriptions(draw, structures=NEST, large=False):
    """A ``Description``."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dt = draw(st.sampled_from((0.1, 0.25, 1.0)))
    kinds = draw(st.lists(st.sampled_from(structures), min_size=1, max_size=3))
    parts = []
    for i, structure in enumerate(kinds):
        count = draw(st.sampled_from(LARGE if large and i == 0 else SIZES))
        parts.append(_part(f"p{i}", structure, count, rng, dt))
    scale = draw(st.sampled_from(sorted(DELAYS)))
    links = [
        _link(draw, rng, dt, scale, parts, parts[draw(st.integers(0, len(parts) - 1))])
        for _ in range(draw(st.integers(1, 5)))
    ]
    steps = 400 if scale == "long" else draw(st.sampled_from((65, 130, 200)))
    description = Description(dt, draw(st.integers(0, 2**64 - 1)), steps, parts, links)
    if draw(st.booleans()):
        description.trains["train"] = (3, _train(rng, dt, steps, 3))
        for _ in range(2):
            target = parts[draw(st.integers(0, len(parts) - 1))]
            links.append(_link(draw, rng, dt, scale, [3], target))
    if draw(st.booleans()):
        target = parts[0]
        receptor = next(iter(target.receptors))
        strength = float(0.5 * STRENGTH[receptor] * rng.uniform(0.2, 1.0))
        ids = _some(rng, target.count)
        for size, several in ((None, False), (ids.size, True)):
            train = _train(rng, dt, steps, size or 1)
            train = SpikeTrain(train.times, train.neurons if several else None, strength)
            description.drives.append((target.name, ids, train, receptor))
    return description


def _part(name, structure, count, rng, dt):
    model, receptors, varying = STRUCTURES[structure]
    size = {name: count if name in varying else None for name in ("tau_m", "v_th", "t_ref")}
    rest = rng.uniform(-75, -60)
    params = {
        "c_m": rng.uniform(100, 300), "v_reset": rest + rng.uniform(-8, 3),
        "v_th": rest + rng.uniform(8, 20, size["v_th"]),
    }  # fmt: skip
    if model == "lif":
        params["v_rest"], params["tau_m"] = rest, rng.uniform(5, 30, size["tau_m"])
        rheobase = params["c_m"] / np.mean(params["tau_m"])
        # The structure "currents" has no refractory period: neurons may spike in every step.
        params["t_ref"] = rng.uniform(1, 5, size["t_ref"]) if structure != "currents" else 0.0
    else:
        params["e_l"], params["g_l"] = rest, rng.uniform(5, 15)
        rheobase, params["t_ref"] = params["g_l"], rng.uniform(1, 5)
    above = np.max(params["v_th"]) - rest
    made = {kind: _receptor(kind, rng, rest) for kind in receptors}
    first = receptors[0]
    return Part(
        name, structure, count, params, made,
        v=rest + rng.uniform(-0.5, 1.2, count) * above,
        bias=rng.uniform(0, 2, count) * rheobase * above,
        rate=float(rng.uniform(0, 0.3) / dt * 1e3), weight=STRENGTH[first] * rng.uniform(0.1, 0.5),
    )  # fmt: skip


def _receptor(kind, rng, rest):
    e_rev = float(rng.choice([0.0, rest - 10.0]))
    if kind == "nmda":
        return NMDA(rng.uniform(1, 5), rng.uniform(20, 100), 0.0, rng.uniform(0, 2))
    if kind == "delta":
        return Delta()
    tau = float(rng.uniform(0.5, 10))
    if kind.startswith("beta"):
        times = tau, tau + float(rng.uniform(1, 20))
        return MADE[kind](*times) if kind.endswith("current") else MADE[kind](*times, e_rev)
    return MADE[kind](tau) if kind.endswith("current") else MADE[kind](tau, e_rev)


def _some(rng, count):
    """Return the ids of a view: all, a range, or some."""
    how = rng.integers(3)
    if how == 0 or count == 1:
        return np.arange(count)
    if how == 1:
        a, z = np.sort(rng.choice(count + 1, 2, replace=False))
        return np.arange(a, z)
    return np.flatnonzero(rng.random(count) < 0.5) if count > 20 else np.arange(0, count, 2)


def _link(draw, rng, dt, scale, sources, target):
    """Return a projection; ``sources`` are populations, or the size of the trains."""
    own = sources[0] if isinstance(sources[0], Part) else None
    if own is not None:
        own = sources[draw(st.integers(0, len(sources) - 1))]
    source, size = ("train", sources[0]) if own is None else (own.name, own.count)
    source_ids, target_ids = _some(rng, size), _some(rng, target.count)
    receptor = draw(st.sampled_from(list(target.receptors)))
    rule, mean = _rule(draw, rng, source_ids.size, target_ids.size)
    options = {"autapses": draw(st.booleans()), "multapses": draw(st.booleans())}
    options["weight_bits"] = draw(st.sampled_from((16, 32)))
    if isinstance(rule, FixedTotal):
        options["multapses"] = True
    chosen = isinstance(rule, DistanceInDegree | DistanceOutDegree)
    small = min(source_ids.size, target_ids.size) == 1 or (
        getattr(rule, "degree", 0) >= min(source_ids.size, target_ids.size)
    )
    if small and not isinstance(rule, Pairs):
        options.update(autapses=True, multapses=True)
    if isinstance(rule, Pairs):
        pairs = rule.sources * target_ids.size + rule.targets
        options["multapses"] |= np.unique(pairs).size < pairs.size
    if chosen:
        options["autapses"] = True
    if rule.procedural:
        options["procedural"] = draw(st.booleans())
    strength = STRENGTH[receptor] / max(mean, 1.0) * rng.uniform(0.3, 1.5)
    weight = _weight(draw(st.sampled_from(WEIGHTS)), strength, receptor, rng)
    low, high = DELAYS[scale]
    if target.structure in BETWEEN and draw(st.booleans()):
        options["order"], low = "brian", low - 1
    delay = _delay(rng, low * dt, high * dt, dt, options.get("order"))
    if isinstance(rule, Pairs) and draw(st.booleans()):
        n = rule.sources.size
        weight = rng.uniform(0.1, 1.0, n) * strength
        delay = rng.integers(low, high + 1, n) * dt
    return Link(source, target.name, source_ids, target_ids, rule, weight, delay, receptor, options)


def _rule(draw, rng, sources, targets):
    """Return a rule and its mean in-degree."""
    name = draw(st.sampled_from(RULES))
    if name == "one_to_one" and sources != targets:
        name = "all_to_all"
    degree = int(rng.integers(1, 12))
    total = int(rng.integers(0, 3 * targets + 2))
    if name == "pairs":
        ends = rng.integers(0, sources, total), rng.integers(0, targets, total)
        return Pairs(*ends), total / targets
    return {
        "all_to_all": (AllToAll(), sources),
        "one_to_one": (OneToOne(), 1),
        "probability": (FixedProbability(p := rng.choice([0.0, 0.03, 0.4, 1.0])), sources * p),
        "in_degree": (FixedInDegree(degree), degree),
        "out_degree": (FixedOutDegree(degree), degree * sources / targets),
        "total": (FixedTotal(total), total / targets),
        "near": (DistanceProbability(NEAR, Disc(0.4)), 0.2 * sources),
        "near_in": (DistanceInDegree(min(degree, sources), NEAR), degree),
        "near_out": (DistanceOutDegree(min(degree, targets), NEAR), degree * sources / targets),
    }[name]


def _weight(kind, strength, receptor, rng):
    positive = receptor.endswith("conductance") or receptor == "nmda"
    if not positive and rng.random() < 0.3:
        strength = -strength
    low = 0.0 if positive else -np.inf
    spread = 0.3 * abs(strength)
    return {
        "fixed": strength,
        "clipped": Normal(strength, spread, low=low),
        "redrawn": Normal(strength, spread, low=low, redraw=True),
        "lognormal": LogNormal(abs(strength), spread),
        "uniform": Uniform(min(0.0, strength), max(0.0, strength)),
    }[kind]


def _delay(rng, low, high, dt, order=None):
    middle, spread = 0.5 * (low + high), 0.3 * (high - low)
    choices = [
        low, high, Uniform(low, high), Normal(middle, spread, low=low, high=high),
        Normal(middle, spread, low=0.0 if order else 0.5 * dt, high=high, redraw=True),
        LogNormal(middle, spread),
    ]  # fmt: skip
    if order:
        choices.pop()
    return choices[rng.integers(len(choices))]


def _train(rng, dt, steps, count):
    """Return spikes off the grid, a tenth of them beyond the run, and some of them together."""
    n = int(rng.integers(0, 12))
    points = rng.integers(1, int(1.1 * steps), n) + rng.uniform(-0.4, 0.4, n)
    points = np.append(np.concatenate([points, points[: n // 3]]), 1.0)
    return SpikeTrain(points * dt, rng.integers(0, count, points.size))


# The oracle's view.


def run_oracle(description, net):
    """Return what the oracle makes of the network's synapses: populations, fired, traces."""
    d, dt = description, description.dt
    populations, arrivals, identity = [], [[], [], [], []], 0
    first = dict(zip([p.name for p in d.parts], _offsets(d), strict=False))
    first["train"] = _offsets(d)[-1]
    for p in d.parts:
        receptors = [
            (kind, {k: getattr(r, k) for k in r.__dataclass_fields__})
            for kind, r in p.receptors.items()
        ]
        late = tuple(range(len(receptors))) if d.between else ()
        populations.append(
            oracle.Population(p.model, p.count, p.params, receptors, p.v, p.bias, late)
        )
        counts = _events(d, p, identity)
        step, neuron = np.nonzero(counts)
        _append(arrivals, step, neuron + first[p.name], 0, counts[step, neuron] * p.weight)
        identity += -(-p.count // 32) * 32
    synapses = [[], [], [], [], []]
    links = net.projections[sum(len(p.receptors) for p in d.parts) * d.between :]
    for link, projection in zip(d.links, links, strict=True):
        got = projection.connections()
        port = list(net[link.target].receptors).index(link.receptor)
        port += projection.late * len(net[link.target].receptors)
        _append(
            synapses, got["source"] + first[link.source], got["target"] + first[link.target], port,
            got["weight"], np.rint(got["delay"] / dt).astype(int),
        )  # fmt: skip
    sent = [[], []]
    for count, train in d.trains.values():
        assert train.neurons.max() < count
        _append(sent, np.rint(train.times / dt).astype(int) - 1, train.neurons + first["train"])
    for name, ids, train, receptor in d.drives:
        port = list(net[name].receptors).index(receptor)
        step = np.rint(train.times / dt).astype(int) - 1
        for s, neurons in zip(
            step, itertools.repeat(ids) if train.neurons is None else ids[train.neurons, None],
            strict=train.neurons is not None,
        ):  # fmt: skip
            weight = _rounded(train.weight, net, name, receptor)
            _append(arrivals, np.full(len(neurons), s), neurons + first[name], port, weight)
    fired, traces = oracle.simulate(
        populations, *([_joined(a) for a in lists] for lists in (synapses, sent, arrivals)),
        d.steps, dt,
    )  # fmt: skip
    return populations, fired, traces


def _rounded(weight, net, name, receptor):
    """Return a drive's weight as the receptor's fixed-point scale holds it."""
    population = net[name]
    scale = (
        2.0
        ** net.build().wiring.exponent[
            population.number, list(population.receptors).index(receptor)
        ]
    )
    return np.rint(weight * scale) / scale


def _offsets(description):
    return np.cumsum([0, *(p.count for p in description.parts)]).tolist()


def _events(d, p, identity):
    """Return the Poisson counts (steps, n), with the roundings to float32 that are documented.

    tests/network/test_drives.py compares such counts with exact ones.
    """
    neurons = identity + np.arange(p.count)
    words, lane = noise.lane_words(d.seed, noise.STREAM_POISSON, 0, d.steps, neurons)
    word = np.take_along_axis(words, lane[None, :, None], axis=2)[..., 0]
    halved = (word >> np.uint64(1)).astype(np.int32).astype(np.float32).astype(np.float64)
    uniform = (halved * 2.0**-31 + 2.0**-32).astype(np.float32)
    mean = p.rate * d.dt * 1e-3
    survival, mass = np.float32(-np.expm1(-mean)), np.float32(np.exp(-mean))
    counts = np.zeros(uniform.shape, np.int64)
    for k in range(1, 30):
        counts += uniform <= survival
        mass = mass * np.float32(mean) * np.float32(1.0 / k)
        survival = survival - mass
    return counts


def _append(lists, *arrays):
    size = np.size(arrays[0])
    for values, array in zip(lists, arrays, strict=True):
        values.append(np.broadcast_to(array, size))


def _joined(arrays):
    return np.concatenate(arrays) if arrays else np.empty(0, np.int64)
