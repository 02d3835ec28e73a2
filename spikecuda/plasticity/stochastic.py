"""Synapses that release at random."""

from spikecuda.kernels.plasticity import stochastic
from spikecuda.models.parameter import Parameter
from spikecuda.plasticity.base import SynapseRule


class StochasticRelease(SynapseRule):
    """A spike is sent with probability p, by each synapse for itself.

    Weights do not change, so there is no ``w_max``.  The choices are a pure function of the noise
    seed, the trial, the projection, source, target and step.

    Source: Katz (1969) The Release of Neural Transmitter Substances.
    """

    name = "stochastic_release"
    source = "Katz (1969) The Release of Neural Transmitter Substances"

    p = Parameter(0.5, "", "probability of release", at_least=0.0, at_most=1.0)

    transmit = stochastic.release
