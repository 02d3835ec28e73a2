"""A rule of one's own that has everything that a rule can have."""

from spikecuda.kernels.language import exp, real
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity import PostTrace, PreTrace, SourceVariable, SynapseRule, Variable


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
