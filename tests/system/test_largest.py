"""The last neurons of the largest pool: numbers, random streams and addresses up to 2^31."""

from dataclasses import replace

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, Noise, Poisson, SpikecudaError
from spikecuda.common.arguments import as_count
from spikecuda.common.device_threads import DeviceThreads
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.runtime.neuron_spec import MAX_NEURONS, resolve_neurons
from spikecuda.runtime.population import Population
from spikecuda.runtime.run import Request, run

N, STEPS = 96, 120
DRIVE = [Noise(300.0, mean=600.0), Poisson(500.0, 100.0)]


def last_neurons(device, first, precision):
    """Return spikes and state of N neurons from ``first`` on, of a plan as large as there can be.

    Only they are allocated: the plan is that of all, the partition theirs.
    """
    whole = resolve_neurons(MAX_NEURONS, "lif", precision, 0.1, 7)
    drive = ResolvedInput(DRIVE, MAX_NEURONS, 0.1, STEPS, whole.precision.real)
    population = Population(whole, [(device, first, N)])
    (result,) = run(
        [Request(population, drive, True, ())], STEPS, DeviceThreads(1), lambda done: None
    )
    state = population.partitions[0].read("v")
    population.close()
    return result.spikes, state


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("first", [10**9, MAX_NEURONS - N])
def test_neurons_beyond_a_billion_have_numbers_and_randomness_of_their_own(first, precision):
    """The oracle: a plan of N neurons alone whose first neuron has that identity."""
    small = replace(
        resolve_neurons(N, "lif", precision, 0.1, 7), identity=first
    )  # fmt: skip
    for device in (CpuDevice(1), CudaEmuDevice()):
        spikes, state = last_neurons(device, first, precision)
        population = Population(small, [(device, 0, N)])
        drive = ResolvedInput(DRIVE, N, 0.1, STEPS, small.precision.real)
        (result,) = run(
            [Request(population, drive, True, ())], STEPS, DeviceThreads(1), lambda done: None
        )
        assert len(spikes) > 50 and spikes.neuron.dtype == np.int32
        np.testing.assert_array_equal(spikes.step, result.spikes.step)
        np.testing.assert_array_equal(spikes.neuron.astype(np.int64), result.spikes.neuron + first)
        assert state.tobytes() == population.partitions[0].read("v").tobytes()
        population.close()
        device.close()


def test_more_neurons_than_numbers_are_refused():
    words = r"must be <= 2147483616|must be from 1 to 2,?147,?483,?616"
    for make in (
        lambda: GPUNeuronPool(MAX_NEURONS + 1, device="cpu"),
        lambda: MultiGPUNeuronSystem(MAX_NEURONS + 1, devices="cpu"),
    ):
        with pytest.raises(SpikecudaError, match=words):
            make()
    assert as_count("num_neurons", MAX_NEURONS, 1, MAX_NEURONS) == 2**31 - 32
