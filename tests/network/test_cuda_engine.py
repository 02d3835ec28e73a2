"""Networks on devices as users meet them: names, launches, memory, failures."""

import numpy as np
import pytest
from cuda_networks import balanced, outcome

from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.errors import DeviceError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.network import Network
from spikecuda.network.run.exchange import LocalSpikeExchange
from spikecuda.network.run.partitions import MOST_STEPS
from spikecuda.network.synapses.blocks import Owner, split_shares


def test_a_window_is_captured_once_and_takes_few_launches():
    device = CudaEmuDevice()
    with Network(devices=[device]) as net:
        balanced(net)
        net.run(0.5)
        before = device.launches
        net.run(50.0)
        # Two populations in one update; a list of spikes; constant and individual weights.
        assert net.metrics()["window"] == 5
        assert device.launches - before == 100 * 4
    device.close()


def test_populations_with_other_kernels_take_a_launch_more():
    device = CudaEmuDevice()
    with Network(devices=[device]) as net:
        balanced(net)
        net.drive("I", 1.0)
        net.population("X", 40, "lif", {"tau_m": np.linspace(10, 20, 40)})
        net.run(0.5)
        before = device.launches
        net.run(5.0)
        assert device.launches - before == 10 * 5
    device.close()


def test_the_number_of_partitions_and_events_is_told():
    with Network(devices=["cuda-emu:0", "cpu:0", "cuda-emu:0"]) as net:
        balanced(net)
        spikes = net.run(10.0)
        metrics = net.metrics()
        sent = sum(np.bincount(p.connections()["source"], minlength=90)[neuron].sum()
                   for p in net.projections
                   for neuron in [spikes.spikes[p.source.population.name].neuron])  # fmt: skip
    assert metrics["partitions"] == 3
    assert metrics["events"] == sent
    assert any(name.endswith("on cuda-emu:0") for name in metrics.bytes)


def test_everything_is_given_back():
    device = CudaEmuDevice()
    for _ in range(2):
        with Network(devices=[device, device]) as net:
            balanced(net)
            net.run(2.0)
            assert device.held()
        assert device.held() == {}
    device.close()


def test_a_list_of_cpus_is_a_thread_and_a_partition_each():
    with Network(devices=["cpu:0", "cpu:1", "cpu:2"]) as net:
        balanced(net)
        net.run(1.0)
        assert net.metrics()["partitions"] == 3 and net.metrics()["threads"] == 3


@pytest.mark.parametrize(
    ("devices", "kind", "text"),
    [
        ([], SpikecudaTypeError, "devices must be"),
        (3, SpikecudaTypeError, "devices must be"),
        (["gpu:0"], SpikecudaValueError, "must be one of cpu, cuda"),
        (["cuda-emu:0", 3], SpikecudaTypeError, "must be names"),
        ("cuda-sim", SpikecudaValueError, "use 'cuda-emu'"),
    ],
)
def test_unknown_devices_are_refused_at_once(devices, kind, text):
    with pytest.raises(kind, match=text):
        Network(devices=devices)


def test_partitions_belong_to_the_cpu():
    net = Network(devices="cuda-emu", partitions=4)
    balanced(net)
    with pytest.raises(SpikecudaValueError, match="partitions is for networks on the CPU"):
        net.run(1.0)


def test_a_missing_gpu_is_named():
    from spikecuda.devices.open import gpu_status

    if gpu_status().usable:
        pytest.skip("this machine has a GPU")
    net = Network(devices="cuda:0")
    balanced(net)
    with pytest.raises(DeviceError, match="'cuda:0' cannot be used"):
        net.run(1.0)


def test_a_failing_device_is_named_with_its_step_and_reset_helps(monkeypatch):
    devices = [CudaEmuDevice(0), CudaEmuDevice(1)]
    with Network(0.1, 5, devices=devices) as net:
        balanced(net)
        wanted = outcome(net, 10.0)
        net.reset()
        net.run(4.0)
        download = devices[1].download
        monkeypatch.setattr(devices[1], "download", failing(download))
        with pytest.raises(DeviceError, match=r"cuda-emu:1 failed at step 40 \(.*out of bounds"):
            net.run(4.0)
        with pytest.raises(SpikecudaError, match=r"cannot go on: cuda-emu:1 failed .* reset\(\)"):
            net.run(4.0)
        monkeypatch.setattr(devices[1], "download", download)
        net.reset()
        assert outcome(net, 10.0) == wanted
    for device in devices:
        device.close()


def failing(download):
    def fail(staging, size):
        if staging.buffer.name == "mark":
            raise RuntimeError("out of bounds")
        return download(staging, size)

    return fail


def test_a_run_has_an_end():
    with Network(devices="cuda-emu") as net:
        balanced(net)
        net.build().clock = MOST_STEPS - 5
        with pytest.raises(SpikecudaError, match="at the latest"):
            net.run(1.0)


def test_accumulators_that_kernels_cannot_count_are_refused(monkeypatch):
    from spikecuda.network.cuda import resident

    monkeypatch.setattr(resident, "MOST_CELLS", 1000)
    with Network(devices="cuda-emu") as net:
        balanced(net)
        with pytest.raises(SpikecudaError, match=r"at most 1,000 cells .* use shorter delays"):
            net.run(1.0)


def test_split_over_owners_covers_every_neuron_once():
    sizes = [70_001, 33, 1, 40_000]
    owners = [Owner(3.0, 0), Owner(1.0, 2), Owner(2.0, 0)]
    blocks, shares = split_shares(sizes, owners)
    for g, size in enumerate(sizes):
        assert blocks.starts[g, 0] == 0 and blocks.starts[g, -1] == size
        assert (np.diff(blocks.starts[g]) >= 0).all()
        assert (blocks.starts[g, 1:-1] % 32 == 0)[blocks.starts[g, 1:-1] < size].all()
        assert [s.starts[g, 0] for s in shares[1:]] == [s.starts[g, 1] for s in shares[:-1]]
    assert blocks.count == sum(len(s.blocks) for s in shares)
    assert (blocks.sizes <= 65_536).all()
    counts = [int(share.counts.sum()) for share in shares]
    assert np.allclose(counts, np.array([3, 1, 2]) / 6 * sum(sizes), atol=64)
    for share, owner in zip(shares, owners, strict=True):
        if owner.threads:
            continue
        # A neuron's place on a device is its page's place and its number within the page.
        for page, b in enumerate(share.blocks):
            for g in range(len(sizes)):
                start, end = blocks.starts[g, b : b + 2]
                if end > start:
                    place = share.places[g] + start - share.starts[g, 0]
                    assert place == page * 65_536 + blocks.offsets[g, b]


def test_exchange_gives_each_the_others_spikes_sorted():
    lists = [np.array([1, 5, 9]), np.array([2, 3]), np.empty(0, np.int64)]
    found = LocalSpikeExchange().swap(lists)
    assert [f.tolist() for f in found] == [[2, 3], [1, 5, 9], [1, 2, 3, 5, 9]]


def test_a_device_may_stay_without_neurons():
    with Network(0.1, 5, devices="cpu") as net:
        balanced(net, sizes=(20, 5))
        wanted = outcome(net, 10.0)
    with Network(0.1, 5, devices=[f"cuda-emu:{i}" for i in range(5)]) as net:
        balanced(net, sizes=(20, 5))
        assert outcome(net, 5.0, 5.0) == wanted
