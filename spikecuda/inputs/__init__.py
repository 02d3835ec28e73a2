"""What drives neurons: currents, protocols, noise and pulses, and how a runtime resolves them."""

from spikecuda.inputs.drive import Drive
from spikecuda.inputs.filters import biphasic, difference_of_gaussians, space_time_rates
from spikecuda.inputs.ornstein_uhlenbeck import OrnsteinUhlenbeck
from spikecuda.inputs.poisson import Poisson
from spikecuda.inputs.stimulus import Constant, Input, Noise, PerStep, Ramp, Step
from spikecuda.inputs.trains import CorrelatedPoisson, Renewal
from spikecuda.inputs.waveform import Sine, Waveform

__all__ = [
    "Constant",
    "CorrelatedPoisson",
    "Drive",
    "Input",
    "Noise",
    "OrnsteinUhlenbeck",
    "PerStep",
    "Poisson",
    "Ramp",
    "Renewal",
    "Sine",
    "Step",
    "Waveform",
    "biphasic",
    "difference_of_gaussians",
    "space_time_rates",
]
