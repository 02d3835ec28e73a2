"""spikecuda: spiking neurons on GPUs and CPUs from plain Python, the same spikes bit for bit."""

from typing import TYPE_CHECKING

from spikecuda.common.first_use import at_first_use

__version__ = "0.1.0"

# Where each public name lives; loaded at first use, so that importing spikecuda stays light.
_PUBLIC = {
    "Constant": "inputs.stimulus",
    "CorrelatedPoisson": "inputs.trains",
    "Ensemble": "network.ensemble.ensemble",
    "GPUNeuronPool": "pool.pool",
    "LogNormal": "common.distributions",
    "Model": "models",
    "MultiGPUNeuronSystem": "pool.system",
    "Network": "network.network",
    "Noise": "inputs.stimulus",
    "Normal": "common.distributions",
    "OrnsteinUhlenbeck": "inputs.ornstein_uhlenbeck",
    "Parameter": "models",
    "PerStep": "inputs.stimulus",
    "Poisson": "inputs.poisson",
    "Ramp": "inputs.stimulus",
    "Renewal": "inputs.trains",
    "RunResult": "pool.pool",
    "SpikecudaError": "errors",
    "Sine": "inputs.waveform",
    "Spikes": "runtime.spikes",
    "State": "models",
    "Step": "inputs.stimulus",
    "SweepTable": "sweeps.table",
    "SystemMonitor": "observe.monitor",
    "Uniform": "common.distributions",
    "Waveform": "inputs.waveform",
    "sweep": "sweeps.run_sweep",
}

if TYPE_CHECKING:
    from spikecuda.common.distributions import LogNormal, Normal, Uniform
    from spikecuda.errors import SpikecudaError
    from spikecuda.inputs.ornstein_uhlenbeck import OrnsteinUhlenbeck
    from spikecuda.inputs.poisson import Poisson
    from spikecuda.inputs.stimulus import Constant, Noise, PerStep, Ramp, Step
    from spikecuda.inputs.trains import CorrelatedPoisson, Renewal
    from spikecuda.inputs.waveform import Sine, Waveform
    from spikecuda.models import Model, Parameter, State
    from spikecuda.network.ensemble.ensemble import Ensemble
    from spikecuda.network.network import Network
    from spikecuda.observe.monitor import SystemMonitor
    from spikecuda.pool.pool import GPUNeuronPool, RunResult
    from spikecuda.pool.system import MultiGPUNeuronSystem
    from spikecuda.runtime.spikes import Spikes
    from spikecuda.sweeps import SweepTable, sweep

__all__ = [
    "Constant",
    "CorrelatedPoisson",
    "Ensemble",
    "GPUNeuronPool",
    "LogNormal",
    "Model",
    "MultiGPUNeuronSystem",
    "Network",
    "Noise",
    "Normal",
    "OrnsteinUhlenbeck",
    "Parameter",
    "PerStep",
    "Poisson",
    "Ramp",
    "Renewal",
    "RunResult",
    "Sine",
    "SpikecudaError",
    "Spikes",
    "State",
    "Step",
    "SweepTable",
    "SystemMonitor",
    "Uniform",
    "Waveform",
    "__version__",
    "sweep",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = at_first_use(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
