"""The detector of the example ``izhikevich2007``."""

from spikecuda.kernels.language import real, select
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

# Weights by which a detector tells the spike of the source from that of the target.
OF_SOURCE, OF_TARGET = 1.0, 2.0


class CoincidenceDetector(Model):
    """Neuron that spikes if its target spikes at most ``window`` after its source, at its turn.

    The states: what arrived in the last step, the time since the source's spike, and how many
    coincidences other detectors have before this one.
    """

    name = "coincidence_detector"
    source = "Izhikevich (2007) Cereb Cortex 17:2443, figure 1"

    x = State("", initial=0.0, span=1.0, doc="what arrived")
    since = State("ms", initial=1e6, span=10.0, doc="time since the source's spike")
    turn = State("", initial=0.0, span=1.0, doc="coincidences before it is this one's turn")
    window = Parameter(10.0, "ms", "longest time between the spikes", above=0.0)
    turns = Parameter(1.0, "", "detectors that take turns", at_least=1.0)

    def step(x, since, turn, window, turns, dt):
        """Note what arrived in the step before."""
        spiked = x >= real(1.5)
        first = select(spiked, x - real(2), x) >= real(0.5)
        pair = spiked and since <= window
        after = select(turn < real(0.5), turns - real(1), turn - real(1))
        return real(0), select(first, dt, since + dt), select(pair, after, turn)

    def threshold(x, since, turn, window):
        """Tell whether the target spikes soon enough, and it is this detector's turn."""
        return x >= real(1.5) and since <= window and turn < real(0.5)

    def reset(x, since, turn):
        """Change nothing."""
        return x, since, turn
