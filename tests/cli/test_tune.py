"""spikecuda bench tune: what is tried, kept and used afterwards."""

import json

import pytest

from spikecuda import GPUNeuronPool
from spikecuda.devices import tuning_cache as tuning
from spikecuda.devices.cpu.device import CpuDevice
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.devices.launch_geometry import BLOCKS
from spikecuda.errors import NumericalError, SpikecudaValueError
from spikecuda.models.registry import find
from spikecuda.verify import launch_tuner as tuner

QUICK = ("--seconds", "0.001", "--repeats", "1")


@pytest.fixture(autouse=True)
def own_file(monkeypatch, tmp_path):
    monkeypatch.setattr(tuning, "path", lambda: tmp_path / "tuning.json")
    monkeypatch.setattr(tuner, "STEPS", 8)
    yield
    tuning._read.cache_clear()


def kept(device, model, field):
    with GPUNeuronPool(10, model, device=device) as pool:
        return tuning.lookup(device.description, pool.neuron_spec.spec(), field)


def test_blocks_of_an_emulated_gpu(cli):
    code, out, err = cli("bench", "tune", "-m", "lif", "--device", "cuda-emu", "-n", "100", *QUICK)
    assert code == 0, err
    for block in BLOCKS:
        assert f" {block:,} " in out
    assert out.count("kept") == 2 and "tuning.json" in out
    device = CudaEmuDevice()
    best = kept(device, "lif", "block")
    assert best in BLOCKS and 1e-12 < kept(device, "lif", "seconds") < 1e-3
    device.close()


def test_the_fastest_is_kept(monkeypatch):
    device = CudaEmuDevice()
    monkeypatch.setattr(tuner, "replay", lambda d, graph, times: times * (0.1 + abs(d.block - 256)))
    rows = tuner.tune(device, "lif", "float32", 64, 1e-3, 1)
    assert [row.value for row in rows if row.best] == [256] == [kept(device, "lif", "block")]
    assert device.block == CudaEmuDevice().block
    device.close()


def test_threads_of_the_cpu(monkeypatch, cli):
    code, out, err = cli(
        "bench", "tune", "-m", "adex", "-p", "float32", "--device", "cpu", "--json", *QUICK
    )
    if CpuDevice().threads < 2:
        assert code == 2 and "threads must be >= 2" in err
        return
    tried = json.loads(out)["tried"]
    assert code == 0 and {row["neurons"] for row in tried} == set(tuner.SIZES)
    assert sum(row["best"] for row in tried) == 1
    device = CpuDevice()
    (best,) = (row for row in tried if row["best"])
    assert kept(device, "adex", "neurons_per_thread") == best["neurons"] // device.threads


def test_what_is_kept_is_used(monkeypatch):
    device = CpuDevice(2)
    spec = GPUNeuronPool(10, "lif", device=device).neuron_spec.spec()
    assert device.preferred_batch(8192, spec) == 4096
    # As if a thread were worth waking for 5000 neurons only.
    tuning.store(device.description, spec, neurons_per_thread=5000)
    assert device.preferred_batch(8192, spec) == 8192
    assert device.preferred_batch(20_480, spec) == 10_240
    other = GPUNeuronPool(10, "adex", device=device).neuron_spec.spec()
    assert device.preferred_batch(8192, other) == 4096
    device.close()


def test_the_size_from_which_threads_are_faster(monkeypatch):
    """One thread takes 1 a neuron; waking another takes as long as 6000 neurons."""
    device = CpuDevice(2)

    def run(pool, current, times):
        n, parts = pool.num_neurons, len(pool.population.partitions[0].batches)
        return times * (n / parts + (6000 if parts > 1 else 0))

    monkeypatch.setattr(tuner, "_run", run)
    rows = tuner.tune(device, "lif", "float32", 0, 1.0, 1)
    (best,) = (row for row in rows if row.best)
    # n >= 1.05 (n / 2 + 6000) from n = 13263 on, so 16384 is the first size.
    assert (best.neurons, best.threads) == (16384, 2)
    assert kept(device, "lif", "neurons_per_thread") == 8192
    device.close()


def test_a_geometry_that_changes_bits_is_refused(monkeypatch):
    device, bits = CudaEmuDevice(), iter(range(100))
    monkeypatch.setattr(tuner, "_bits", lambda pool, current: bytes([next(bits)]))
    with pytest.raises(NumericalError, match="lif in blocks of 32: bits differ"):
        tuner.tune(device, "lif", "float32", 64, 1e-3, 1)
    assert kept(device, "lif", "block") is None
    device.close()


def test_refusals(cli):
    with pytest.raises(SpikecudaValueError, match="threads must be >= 2"):
        tuner.tune(CpuDevice(1), "lif", "float32", 64, 1e-3, 1)
    code, _, err = cli("bench", "tune", "-m", "hh", "--device", "cpu")
    assert code == 2 and "--models must be among" in err
    code, _, err = cli("bench", "tuna")
    assert code == 2 and "invalid choice" in err
    assert find("lif") is not None
