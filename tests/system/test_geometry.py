"""Launch geometry: covers, fits, and costs no more than any other block."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool
from spikecuda.devices import tuning_cache as tuning
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.devices.launch_geometry import BLOCKS, BUSY_WARPS, DEFAULT, WORTH, geometry
from spikecuda.devices.occupancy import LIMITS, occupancy
from spikecuda.errors import SpikecudaValueError
from spikecuda.inspection.gpus import GPUS

CAPABILITIES = st.sampled_from(sorted(LIMITS))
H100 = ((9, 0), 132)


def simulate(cc, multiprocessors, registers, neurons, block):
    """Return (waves, empty places of the last, cost), block by block."""
    held = occupancy(cc, registers, block)
    left, waves = -(-neurons // block), 0
    while left > 0:
        waves += 1
        left -= held.blocks * multiprocessors
    mine, cost = math.ceil(math.ceil(neurons / block) / multiprocessors), 0
    while mine > 0:
        taken = min(mine, held.blocks)
        cost += max(BUSY_WARPS, taken * block // 32)
        mine -= taken
    return waves, -left / (held.blocks * multiprocessors), cost


@given(
    CAPABILITIES, st.integers(1, 200), st.integers(16, 255), st.integers(1, 3_000_000),
    st.sampled_from(BLOCKS),
)  # fmt: skip
def test_a_given_block_is_cut_as_the_gpu_takes_it(cc, multiprocessors, registers, neurons, block):
    held = occupancy(cc, registers, block)
    if not held.blocks:
        with pytest.raises(SpikecudaValueError, match="block must fit in a multiprocessor"):
            geometry(cc, multiprocessors, registers, neurons, block=block)
        return
    found = geometry(cc, multiprocessors, registers, neurons, block=block)
    assert found.block == block and (found.blocks - 1) * block < neurons <= found.blocks * block
    waves, tail, cost = simulate(cc, multiprocessors, registers, neurons, block)
    assert (found.waves, found.cost) == (waves, cost)
    assert found.tail == pytest.approx(tail) and 0.0 <= found.tail < 1.0
    assert found.occupancy == held.fraction


@given(CAPABILITIES, st.integers(1, 200), st.integers(16, 255), st.integers(1, 3_000_000))
def test_the_chosen_block_is_no_dearer_than_any_other(cc, multiprocessors, registers, neurons):
    chosen = geometry(cc, multiprocessors, registers, neurons)
    for block in BLOCKS:
        if occupancy(cc, registers, block).blocks:
            other = geometry(cc, multiprocessors, registers, neurons, block=block)
            assert chosen.cost <= other.cost / WORTH
    if chosen.block != DEFAULT:
        usual = geometry(cc, multiprocessors, registers, neurons, block=DEFAULT)
        assert chosen.cost < WORTH * usual.cost


def test_the_usual_block_wherever_nothing_is_better():
    # A launch that leaves multiprocessors waiting for results takes as long with any block.
    assert geometry(*H100, 40, 1000).block == DEFAULT
    # Large ones: the tail is a small part of the time.
    for gpu in GPUS:
        assert geometry(gpu.cc, gpu.multiprocessors, 40, 10_000_000).block == DEFAULT


def test_a_long_tail_takes_smaller_blocks():
    # 547 blocks of 128 on 132 multiprocessors: five on some of them, 20 warps, where 17 would do.
    found = geometry(*H100, 40, 70_000)
    assert found.block == 32 and found.cost == 17
    assert geometry(*H100, 40, 70_000, block=128).cost == 20


def test_many_registers_take_smaller_blocks():
    with pytest.raises(SpikecudaValueError, match="block must fit"):
        geometry(*H100, 255, 10_000, block=1024)
    assert geometry(*H100, 255, 1_000_000).block <= 256


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((*H100, 40, 0), "neurons and multiprocessors must be >= 1"),
        (((9, 0), 0, 40, 10), "neurons and multiprocessors must be >= 1"),
        (((1, 0), 10, 40, 10), "cc must be one of"),
        ((*H100, 0, 10), "registers must be from 1"),
        ((*H100, 40, 10, 10**6), "shared must fit"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(SpikecudaValueError, match=words):
        geometry(*arguments)
    with pytest.raises(SpikecudaValueError, match="block must be a multiple of 32"):
        geometry(*H100, 40, 10, block=100)


def test_a_preferred_block_is_taken_if_it_fits():
    assert geometry(*H100, 40, 1_000_000, prefer=512).block == 512
    assert geometry(*H100, 255, 1_000_000, prefer=1024).block <= 256


def launched(monkeypatch, neurons, told=None, tuned=None):
    """Return the blocks that an emulated device launches update kernels with."""
    blocks = []
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "lookup", lambda device, spec, field: tuned)
        device = CudaEmuDevice(block=told)
        original = device._device.launch

        def launch(kernel, count, block, *rest, **options):
            blocks.append((count, block))
            return original(kernel, count, block, *rest, **options)

        patch.setattr(device._device, "launch", launch)
        with GPUNeuronPool(neurons, "lif", device=device) as pool:
            spikes = pool.run(steps=20, input=400.0).spikes
            blocks.remove((1, 32))  # the clock
            bits = spikes.neuron.tobytes() + pool.state["v"].tobytes()
        device.close()
    return blocks, bits


def test_launches_take_what_was_told_or_tuned_or_follows(monkeypatch):
    usual, bits = launched(monkeypatch, 1000)
    assert usual == [(8, 128)]
    assert launched(monkeypatch, 1000, tuned=256) == ([(4, 256)], bits)
    assert launched(monkeypatch, 1000, told=64, tuned=256) == ([(16, 64)], bits)
