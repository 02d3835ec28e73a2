"""Random networks that learn, in float64, against the oracle: weights, variables, spikes."""

import numpy as np
import pytest
from engine import plain
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_networks import Everything

from spikecuda import Network
from spikecuda.kernels.reference.network import Population
from spikecuda.kernels.reference.plastic_network import Plastic, Spikes, replay, simulate
from spikecuda.network import Delta, ExpCurrent, Pairs, SpikeTrain
from spikecuda.plasticity import STDP, GutigSTDP

CELL = {"tau_m": 10.0, "c_m": 100.0, "v_rest": 0.0, "v_reset": 0.0, "v_th": 15.0}
RECEPTORS = {"jump": Delta(), "syn": ExpCurrent(tau=3.0)}
KINDS = [("delta", {}), ("exp_current", {"tau": 3.0})]
# mV, pA: what a synapse can be at most.
LARGEST = {"jump": 4.0, "syn": 300.0}
RULES = {
    STDP: {"lam": 0.1, "alpha": 1.1, "tau_plus": 12.0},
    GutigSTDP: {"lam": 0.3, "alpha": 0.8, "tau_minus": 33.0, "mu_plus": 0.4},
    Everything: {"tau": 7.0},
}
# Nearer to its threshold than that, mV, a neuron of the two may spike and the other not.
DOUBT = 1e-6


class Example:
    """A network of two populations and trains, drawn by hypothesis.

    ``between``: spikes arrive between steps, with delays from 0 on.
    """

    def __init__(self, draw, between=False):
        self.between = between
        self.order = {"order": "brian"} if between else {}
        self.rng = rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.dt, self.steps = draw(st.sampled_from([0.1, 0.5])), draw(st.sampled_from([130, 300]))
        self.sizes = draw(st.sampled_from([(1, 1), (3, 40), (33, 5)]))
        self.bias = [rng.uniform(0, 300, n) for n in self.sizes]
        self.v = [rng.uniform(0, 15, n) for n in self.sizes]
        self.trains = 4
        steps, neurons = np.nonzero(rng.random((self.steps, 4)) < [[0.3, 0.1, 0.02, 0.005]])
        self.train = steps + 1, neurons
        scale = draw(st.sampled_from([2, 10, 90]))
        self.links = [self._link(draw, scale) for _ in range(draw(st.integers(1, 3)))]
        self.static = self._wires(draw, scale)
        cuts = draw(st.lists(st.integers(1, self.steps - 1), max_size=3))
        self.clocks = [*sorted(set(cuts)), self.steps]
        self.options = {
            "threads": draw(st.sampled_from([1, 2])), "partitions": draw(st.integers(1, 3))
        }  # fmt: skip

    def _wires(self, draw, scale):
        """Return (source, target, receptor), pairs and delays of a projection."""
        source, target = draw(st.sampled_from(["a", "b", "train"])), draw(st.sampled_from("ab"))
        sizes = dict(zip("ab", self.sizes, strict=True)) | {"train": self.trains}
        size = draw(st.sampled_from([1, 7, 60]))
        ends = [self.rng.integers(0, sizes[name], size) for name in (source, target)]
        delay = self.rng.integers(1 - self.between, scale + 1, size)
        return (source, target, draw(st.sampled_from(list(RECEPTORS)))), Pairs(*ends), delay

    def _link(self, draw, scale):
        wires = self._wires(draw, scale)
        kind, timing = draw(st.sampled_from(list(RULES))), draw(st.sampled_from(["nest", "brian"]))
        w_max = LARGEST[wires[0][2]] * draw(st.sampled_from([1.0, -1.0]))
        rule = kind(w_max=w_max, w_min=0.1 * abs(w_max), timing=timing, **RULES[kind])
        weight = w_max * self.rng.uniform(0.1, 1.0, wires[2].size)
        least = 1 if timing == "nest" and not self.between else 0
        part = draw(st.none() | st.integers(least, int(wires[2].min())))
        return wires, rule, weight, part

    def build(self):
        """Return the network and its projections that learn."""
        net = Network(dt=self.dt, precision="float64", devices="cpu", **self.options)
        for name, n, v, bias in zip("ab", self.sizes, self.v, self.bias, strict=True):
            net.population(name, n, "lif", {**CELL, "t_ref": 1.0}, {"v": v}, receptors=RECEPTORS)
            net.drive(name, bias)
            net.record(name, "spikes")
        net.source("train", self.trains, SpikeTrain(self.train[0] * self.dt, self.train[1]))
        # One kernel for all examples.
        for name in "ab" if self.between else "":
            for receptor in RECEPTORS:
                net.connect(name, name, Pairs([], []), 0.0, 0.0, receptor, **self.order)
        ends, pairs, delay = self.static
        net.connect(
            net[ends[0]], net[ends[1]], pairs, 0.5 * LARGEST[ends[2]], delay * self.dt, ends[2],
            autapses=True, multapses=True, **self.order,
        )  # fmt: skip
        learned = [
            net.connect(
                net[ends[0]], net[ends[1]], pairs, weight, delay * self.dt, ends[2], autapses=True,
                multapses=True, plasticity=rule,
                dendritic=None if part is None else part * self.dt, **self.order,
            )
            for (ends, pairs, delay), rule, weight, part in self.links
        ]  # fmt: skip
        return net, learned

    def plastic(self, net, projection, part):
        """Return the oracle's view of a projection before it has learned."""
        got, ends = projection.connections(), self.ends(projection)
        delay = np.rint(got["delay"] / self.dt).astype(int)
        rule = projection.plasticity
        exponent = net.build().wiring.exponent[projection.target.population.number, projection.port]
        return Plastic(
            plain(rule, self.dt), got["source"] + ends[0], got["target"] + ends[1],
            np.full(delay.size, ends[2]), got["weight"], delay, part, rule.timing, int(exponent),
            between=self.between,
        )  # fmt: skip

    def ends(self, projection):
        """Return the numbers of the first source, of the first target, and of the port."""
        first = {"a": 0, "b": self.sizes[0], "train": sum(self.sizes)}
        port = list(RECEPTORS).index(projection.receptor) + len(RECEPTORS) * self.between
        names = projection.source.population.name, projection.target.population.name
        return first[names[0]], first[names[1]], port

    def oracle(self, static, plastic):
        """Run the oracle; return fired, tested and its spikes."""
        params = {**CELL, "t_ref": 1.0}
        populations = [
            Population("lif", n, params, KINDS, v, bias, (0, 1) if self.between else ())
            for n, v, bias in zip(self.sizes, self.v, self.bias, strict=True)
        ]
        got, ends = static.connections(), self.ends(static)
        delay = np.rint(got["delay"] / self.dt).astype(int)
        synapses = (
            got["source"] + ends[0], got["target"] + ends[1], np.full(delay.size, ends[2]),
            got["weight"], delay,
        )  # fmt: skip
        sent = self.train[0] - 1, self.train[1] + sum(self.sizes)
        fired, traces, _ = simulate(
            populations, synapses, sent, ([], [], [], []), self.steps, self.dt, plastic
        )
        return fired, traces["tested"]


def compare_learning(p, projection, spikes, clock, dt, got):
    """Compare weights and variables at a clock with each synapse alone, given all spikes."""
    # Where the axonal part is the longer one, what there is at the synapse is not yet known.
    for s in np.flatnonzero(p.dendritic >= p.axonal):
        v = np.zeros((1, spikes.happened.shape[1]))
        outcome = replay(p, spikes, {"v": v}, s, clock, dt)
        where = f"synapse {s} of {projection.plasticity} after {clock} steps"
        values = {"weight": outcome.weight, **outcome.variables}
        for name, value in values.items():
            unit = max(abs(value), 1e-3 * abs(projection.plasticity.w_max))
            off = abs(got[name][s] - value)
            assert off <= 1e-9 * unit, f"{name} of {where}: {got[name][s]} is not {value}"


@pytest.mark.parametrize("between, examples", [(False, 40), (True, 10)])
def test_networks_that_learn(between, examples):
    judged, changed = [], []

    @settings(max_examples=examples)
    @given(st.data())
    def check(data):
        example = Example(data.draw, between)
        net, learned = example.build()
        with net:
            static = net.projections[-1 - len(learned)]
            plastic = [
                example.plastic(net, p, link[3])
                for p, link in zip(learned, example.links, strict=True)
            ]
            fired = np.zeros((example.steps, sum(example.sizes)), np.bool_)
            clock, seen = 0, []
            for end in example.clocks:
                result = net.run((end - clock) * example.dt)
                for name, first in (("a", 0), ("b", example.sizes[0])):
                    fired[result.spikes[name].step, result.spikes[name].neuron + first] = True
                clock = end
                seen.append([
                    {k: p.values(k) for k in ("weight", *p.plasticity.variables)} for p in learned
                ])  # fmt: skip
            sent = example.train[0] - 1, example.train[1] + sum(example.sizes)
            spikes = Spikes(example.steps, sum(example.sizes) + example.trains, sent)
            spikes.happened[1:, : fired.shape[1]] |= fired
            for end, values in zip(example.clocks, seen, strict=True):
                for p, projection, got in zip(plastic, learned, values, strict=True):
                    compare_learning(p, projection, spikes, end, example.dt, got)
            for p, got in zip(plastic, seen[-1], strict=True):
                changed.append(float(np.mean(got["weight"] != p.weight)))
            expected, tested = example.oracle(static, plastic)
        doubtful = np.abs(tested - CELL["v_th"]) < DOUBT
        steps = int(np.argmax(doubtful.any(axis=1))) if doubtful.any() else example.steps
        np.testing.assert_array_equal(fired[:steps], expected[:steps])
        judged.append(steps / example.steps)

    check()
    assert np.mean(judged) > 0.95
    # Part of the weights that are not as they were, over projections, some of them without spikes.
    assert np.mean(changed) > 0.3
