"""A rule that computes NaN or infinity: an error, and nothing that follows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.errors import NumericalError
from spikecuda.language import real, sqrt
from spikecuda.models import Parameter
from spikecuda.network import ExpCurrent, FixedInDegree, Network, SpikeTrain
from spikecuda.network.cpu import learning
from spikecuda.plasticity import PostTrace, PreTrace, SourceVariable, SynapseRule, Variable

DEVICES = ({"devices": "cpu", "partitions": 3}, {"devices": ["cpu:0", "cpu:1"]},
           {"devices": "cuda-emu"})  # fmt: skip
NONE, WEIGHT, GREAT, MARK, LEVEL, PART = range(6)


class Breaking(SynapseRule):
    """A rule of which one result is no number where the weight or the level is high."""

    tau = Parameter(10.0, "ms", above=0.0)
    what = Parameter(0.0, "", "which result")
    guarded = Parameter(0.0, "", "whether the rule itself leaves everything as it is then")
    x = PreTrace("tau")
    y = PostTrace("tau")
    c = Variable(0.5)
    level = SourceVariable(1.0)

    def on_post(w, c, x, what, guarded):
        bad = w > real(6.0) and what == real(2.0)
        great = w + (real(1e30) * (w * real(1e30)) if bad else x)
        still = bad and guarded > real(0.5)
        # What is no number must not be lost by what comes after it.
        kept = great if great < real(1e30) or great > real(1e30) else real(1.0)
        return (w if still else kept), (c if still else c + x)

    def on_pre(w, c, y, what, guarded):
        bad = w > real(6.0) and (what == real(1.0) or what == real(3.0))
        root = sqrt(real(-1.0) - w)
        weight = root if bad and what == real(1.0) else w - real(0.5) * y
        mark = root if bad and what == real(3.0) else c + real(1.0)
        still = bad and guarded > real(0.5)
        return (w if still else weight), (c if still else mark)

    def release(level, elapsed, fresh, what, guarded):
        new = real(1.0) if fresh else real(0.5) + real(0.3) * level
        bad = new < real(0.8) and what > real(3.5)
        part = real(1e30) * (new * real(1e30)) if bad and what == real(5.0) else new
        next = sqrt(real(-1.0) - new) if bad and what == real(4.0) else new
        still = bad and guarded > real(0.5)
        return (level if still else next), (real(0.0) if still else part)


def network(rule, options, seed=3):
    net = Network(0.1, seed, **options)
    net.population("E", 40, "lif", {"t_ref": 0.0}, receptors={"exc": ExpCurrent(2.0)})
    rng = np.random.default_rng(seed)
    times = np.sort(rng.choice(np.arange(1, 390), 300)) * 0.1
    net.source("S", 40, SpikeTrain(times, rng.integers(0, 40, 300)))
    net.drive("E", SpikeTrain(times[::2], rng.integers(0, 40, 150), weight=4000.0), "exc")
    behind = 1.0 if rule.learns else None
    p = net.connect("S", "E", FixedInDegree(9), 4.0, 1.5, plasticity=rule, dendritic=behind)
    return net, p


def state(net, p):
    spikes = net.result.spikes["E"]
    return [spikes.step, spikes.neuron, p.weights, p.values("c")]


@settings(max_examples=10, deadline=None, report_multiple_bugs=False)
@given(
    what=st.sampled_from([WEIGHT, GREAT, MARK, LEVEL, PART]), options=st.sampled_from(DEVICES),
    cut=st.sampled_from([0.1, 20.3]), sweeps=st.booleans(),
)  # fmt: skip
def test_such_events_change_nothing_and_the_run_raises(what, options, cut, sweeps):
    rng = np.random.default_rng(0)
    start = np.where(rng.random(360) < 0.1, 7.0, rng.uniform(0.0, 5.0, 360)).astype(np.float32)
    name = {MARK: "c", LEVEL: "level", PART: "the part that is sent"}.get(what, "the weight")
    net, p = network(Breaking(w_max=8.0, what=what), options)
    # A rule that leaves all as it is in such an event is the reference.
    other, q = network(Breaking(w_max=8.0, what=what, guarded=1.0), {"devices": "cpu"})
    with net, other, pytest.MonkeyPatch.context() as patch:
        if sweeps:
            patch.setattr(learning, "LEAST", 1)
            patch.setattr(learning, "LOG_BYTES", 1e-9)
        p.weights, q.weights = start, start
        found = []
        for ms in (cut, 39.0 - cut):
            other.run(ms)
            try:
                net.run(ms)
            except NumericalError as error:
                found.append(str(error))
                assert f"infinity as {name} of S -> E (exc))" in found[-1]
                assert "Breaking must return finite numbers" in found[-1]
            assert net.result.stop - net.result.start == pytest.approx(ms)
            try:  # spikes under way, which a GPU has looked at, and the CPU has not: once
                p.weights  # noqa: B018
            except NumericalError as error:
                found.append(str(error))
            for a, b in zip(state(net, p), state(other, q), strict=True):
                assert np.array_equal(a, b)
        assert found and np.isfinite(p.weights).all() and np.isfinite(p.values("c")).all()
        # It can go on without them.
        p.plastic = False
        if what not in (LEVEL, PART):
            net.run(20.0)


class Spilling(SynapseRule):
    """A rule that sends a part of the weight that is no number."""

    what = Parameter(0.0)

    def transmit(what):
        return sqrt(what)


@pytest.mark.parametrize("devices", ["cpu", ["cpu:0", "cpu:1"]])
def test_a_part_that_is_no_number_is_not_sent(devices):
    net, p = network(Spilling(what=-1.0), {"devices": devices})
    with net:
        with pytest.raises(NumericalError, match=r"infinity as the part that is sent of S -> E"):
            net.run(39.0)
        assert (p.weights == 4.0).all() and net.result.spikes["E"].step.size < 400
        with pytest.raises(NumericalError, match="Spilling must return finite numbers"):
            net.run(5.0)
        net.reset()


class Overflowing(SynapseRule):
    """A rule of sums and products only: what overflows is held to the bound, and can be NaN."""

    great = Parameter(1e30)

    def on_post(w, great):
        return w + great * w * great

    def on_pre(w, great):
        return w + (great * w * great - great * w * great)


def test_what_overflows_is_held_to_its_bound_and_nan_is_found():
    net, p = network(Overflowing(w_max=8.0), {"devices": "cpu"})
    with net:
        with pytest.raises(NumericalError, match="infinity as the weight of S -> E"):
            net.run(39.0)
        assert set(p.weights) == {4.0, 8.0}
