"""What drives neurons: currents, protocols, noise and pulses, and how a runtime resolves them."""

from spikecuda.inputs.poisson import Poisson
from spikecuda.inputs.stimulus import Constant, Input, Noise, PerStep, Ramp, Step
from spikecuda.inputs.waveform import Sine, Waveform

__all__ = ["Constant", "Input", "Noise", "PerStep", "Poisson", "Ramp", "Sine", "Step", "Waveform"]
