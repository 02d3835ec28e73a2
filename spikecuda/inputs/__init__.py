"""What drives neurons: currents, protocols, noise and pulses, and how a runtime resolves them."""

from spikecuda.inputs.stimulus import Constant, Input, Noise, PerStep, Poisson, Ramp, Step

__all__ = ["Constant", "Input", "Noise", "PerStep", "Poisson", "Ramp", "Step"]
