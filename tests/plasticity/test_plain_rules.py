"""A rule of the engine that the oracle calls as ordinary Python does what was published."""

import math

import pytest
from engine import ENGINE, engine_rule, groups, plain
from peer_records import DT, NEST, brian, nest

from spikecuda.kernels.language import exp, real
from spikecuda.kernels.reference.plasticity import run_synapse
from spikecuda.kernels.reference.plasticity_rules import make
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity import PostTrace, PreTrace, SourceVariable, SynapseRule, Variable


@pytest.mark.parametrize(
    "group",
    groups([r for m, (rule, _, _) in NEST.items() if rule in ENGINE for r in nest(m)] + brian()),
    ids=lambda g: g[0].name.split(" delay")[0],
)  # fmt: skip
def test_rules_of_the_engine(group):
    for record in group:
        pair = [
            run_synapse(
                rule, record.pre, record.post, record.weight, delay=record.delay,
                dendritic=record.dendritic, dt=DT, timing=record.timing,
            )
            for rule in (plain(engine_rule(record), DT), make(record.rule, **record.params))
        ]  # fmt: skip
        assert pair[0].sent == pytest.approx(pair[1].sent, rel=1e-12, abs=1e-14), record.name


class _OfMine(SynapseRule):
    """Everything that a rule can have."""

    tau = Parameter(20.0, "ms", above=0.0)
    u_0 = Parameter(0.5)
    x = PreTrace("tau")
    y = PostTrace("tau", to_one=True)
    u = SourceVariable("u_0")
    c = Variable(2.0, decay="tau")

    def derive(tau, dt):
        return {"part": dt / tau}

    def on_post(w, x, c, first, part):
        return w + part * (x if first else -x), c + x

    def on_pre(w, c, y, paired, elapsed, part):
        return w - part * y * (real(2) if paired else real(1)), c + elapsed

    def release(u, fresh, elapsed):
        new = u if fresh else real(0.25) + real(0.5) * u * exp(-elapsed)
        return new, u


def test_a_rule_of_ones_own():
    rule = plain(_OfMine(w_max=3.0, tau=10.0), 1.0)
    got = run_synapse(rule, [2, 7, 8], [0, 3, 4, 8], 1.0, delay=1, dt=1.0, start=-1)
    e = pytest.approx
    x = math.exp(-0.1)  # what a ms leaves
    # Arrivals at 1, 4, 5 and 9; c starts at 2 in step -1 and gains x, or the time since an event.
    w_2 = 1.0 - 0.2 * x
    w_7 = w_2 + 0.1 * x**2 - 0.1 * x**3 - 0.2 * x**2
    w_8 = w_7 - 0.1 * x**3
    # The first spike leaves u as it is, and each sends what the one before has left.
    assert got.sent == [e(0.5 * w_2), e(0.5 * w_7), e((0.25 + 0.25 * math.exp(-5)) * w_8)]
    x_9 = x**7 + x**2 + x
    assert got.weight == e(w_8 + 0.1 * x_9)
    c = 2 * x**10 + x**7 + (x**2 * x**5) + (x**3 * x**4)
    assert got.variables["c"] == e(c + 2 * x**2 + 1 * x + x_9)
