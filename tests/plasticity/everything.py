"""A synapse rule that uses all that a rule can use, so that tests meet every part of the engine."""

from spikecuda.language import real, select
from spikecuda.models import Parameter
from spikecuda.plasticity import PostTrace, PreTrace, SynapseRule, Variable


class Everything(SynapseRule):
    """Each trace, variable and condition changes the weight."""

    name = "_everything"

    tau_a = Parameter(20.0, "ms", above=0.0)
    tau_b = Parameter(7.0, "ms", above=0.0)
    tau_c = Parameter(50.0, "ms", above=0.0)
    size = Parameter(0.02)

    x = PreTrace("tau_a")
    near_x = PreTrace("tau_b", to_one=True)
    y = PostTrace("tau_b")
    near_y = PostTrace("tau_a", to_one=True)
    c = Variable(0.5, decay="tau_c")
    count = Variable(1.0)

    def on_post(w, c, count, x, near_x, y, near_y, elapsed, first, step):
        """Return w, c and count after a spike of the target."""
        gain = select(first, real(1.0), real(0.4))
        return (
            w + step * gain * (x + real(0.3) * c - real(0.2) * near_y),
            c + near_x * y,
            count + real(0.001) * elapsed,
        )

    def on_pre(w, c, count, x, near_x, y, near_y, elapsed, paired, step, w_max):
        """Return w, c and count after a spike of the source."""
        gain = select(paired, real(1.0), real(0.6))
        lost = gain * (y + real(0.1) * near_x + real(0.05) * x) * w / w_max
        return w - step * lost, real(0.9) * c - real(0.1) * near_y, count + real(1.0)

    def derive(size, w_max):
        """Return the step in the unit of the weights."""
        return {"step": size * w_max}
