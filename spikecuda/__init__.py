"""spikecuda: spiking neurons on GPUs and CPUs from plain Python, the same spikes bit for bit."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each public name lives; loaded at first use, so that importing spikecuda stays light.
_PUBLIC = {
    "Constant": "inputs",
    "GPUNeuronPool": "pool",
    "LogNormal": "distributions",
    "Model": "models",
    "MultiGPUNeuronSystem": "system",
    "Network": "network.network",
    "Noise": "inputs",
    "Normal": "distributions",
    "Parameter": "models",
    "PerStep": "inputs",
    "Poisson": "inputs",
    "Ramp": "inputs",
    "RunResult": "pool",
    "SpikecudaError": "errors",
    "Spikes": "spikes",
    "State": "models",
    "Step": "inputs",
    "SystemMonitor": "monitor",
    "Uniform": "distributions",
}

if TYPE_CHECKING:
    from spikecuda.distributions import LogNormal, Normal, Uniform
    from spikecuda.errors import SpikecudaError
    from spikecuda.inputs import Constant, Noise, PerStep, Poisson, Ramp, Step
    from spikecuda.models import Model, Parameter, State
    from spikecuda.monitor import SystemMonitor
    from spikecuda.network.network import Network
    from spikecuda.pool import GPUNeuronPool, RunResult
    from spikecuda.spikes import Spikes
    from spikecuda.system import MultiGPUNeuronSystem

__all__ = [
    "Constant",
    "GPUNeuronPool",
    "LogNormal",
    "Model",
    "MultiGPUNeuronSystem",
    "Network",
    "Noise",
    "Normal",
    "Parameter",
    "PerStep",
    "Poisson",
    "Ramp",
    "RunResult",
    "SpikecudaError",
    "Spikes",
    "State",
    "Step",
    "SystemMonitor",
    "Uniform",
    "__version__",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        if name in _PUBLIC:
            return getattr(importlib.import_module(f"spikecuda.{_PUBLIC[name]}"), name)
        raise AttributeError(f"module 'spikecuda' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
