"""Parrot: the user's view."""

from spikecuda.kernels.models import parrot
from spikecuda.models.base import Model
from spikecuda.models.parameter import State


class Parrot(Model):
    """Neuron that repeats the spikes that arrive, in the step in which they arrive.

    A spike when arrivals of a step, at a ``Delta`` receptor or of a ``Poisson`` drive, add up to
    0.5 or more (weight 1 repeats everything); one spike however many arrive.  With a Poisson drive
    it is a Poisson source that can be connected like any population: of n arrivals in a step one is
    kept, so that its rate is (1 - exp(-rate dt)) / dt.

    Source: NEST's ``parrot_neuron``.
    """

    name = "parrot"
    source = "NEST's parrot_neuron"

    x = State("", initial=0.0, span=1.0, doc="what arrived in the step")

    step = parrot.step
    threshold = parrot.threshold
    reset = parrot.reset
