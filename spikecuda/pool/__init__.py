"""Pools of one model and systems of several, for users."""

from spikecuda.pool.pool import GPUNeuronPool, RunResult
from spikecuda.pool.system import MultiGPUNeuronSystem, SystemResult

__all__ = ["GPUNeuronPool", "MultiGPUNeuronSystem", "RunResult", "SystemResult"]
