"""Copies between two GPUs, against the recorded fake of the driver."""

import sys
from pathlib import Path

import pytest

from spikecuda.errors import DeviceError
from spikecuda.network import Network

sys.path.append(str(Path(__file__).parents[1] / "network"))
from cuda_networks import balanced, outcome

TWO = ((9, 0), (9, 0))
DEVICES = ["cuda:0", "cuda:1"]


@pytest.fixture(scope="module")
def expected():
    with Network(0.1, 5, devices="cpu") as net:
        balanced(net)
        return outcome(net, 4.0)


def simulate(devices=DEVICES, **options):
    with Network(0.1, 5, devices=devices, **options) as net:
        balanced(net)
        return outcome(net, 4.0), net.metrics().exchange, str(net.summary())


def pairs(fake):
    """Return who was asked to access whose memory, and who was let."""
    asked = [(c.arguments["dev"], c.arguments["peerDev"])
             for c in fake.named("cuDeviceCanAccessPeer")]  # fmt: skip
    let = [(c.arguments["map"][0].location.id, c.arguments["pool"].gpu.number)
           for c in fake.named("cuMemPoolSetAccess")]  # fmt: skip
    return asked, let


@pytest.mark.parametrize("mode, seed", [("fast", None), ("race", 3)])
def test_spikes_go_from_gpu_to_gpu(fake_gpu, expected, mode, seed):
    fake = fake_gpu(capabilities=TWO, mode=mode, seed=seed)
    found, way, words = simulate()
    assert found == expected and way == "peers" and "without the host" in words
    asked, let = pairs(fake)
    assert asked == let == [(0, 1), (1, 0)]  # once for each pair
    copies = fake.named("cuMemcpyPeerAsync")
    assert len(copies) == 2 * 8  # windows of 0.5 ms
    assert fake.allocated == fake.pinned == 0


def test_each_copy_waits_for_the_bits_and_is_waited_for(fake_gpu):
    """The order of calls, stream by stream, from the first window to the last."""
    fake = fake_gpu(capabilities=TWO)
    simulate()
    order = []
    for call in fake.calls:
        name, given = call.name, call.arguments
        if name == "Stream.record" and given.get("event_or_options", given.get("event")):
            order.append(("record", call.on, given["event"]))
        elif name == "Stream.wait":
            order.append(("wait", call.on, given["event_or_stream"]))
        elif name == "Graph.launch":
            order.append(("launch", given["stream"], None))
        elif name == "cuMemcpyPeerAsync":
            order.append(("copy", given["hStream"], given["srcContext"]))
    copies = [i for i, (what, *_) in enumerate(order) if what == "copy"]
    owner = {gpu.context: gpu for gpu in fake.gpus}
    for i in copies:
        _, stream, context = order[i]
        assert stream.gpu is not owner[context]  # the one that receives
        # Just before, it waits for the owner's event, recorded after the owner's last launch.
        what, waiting, event = order[i - 1]
        assert (what, waiting) == ("wait", stream) and event.gpu is owner[context]
        recorded = max(j for j, o in enumerate(order[:i]) if o[0] == "record" and o[2] is event)
        assert order[recorded][1].gpu is owner[context]
        # Just after, it notes that it has them; the owner waits for that before its next window.
        what, noting, done = order[i + 1]
        assert (what, noting) == ("record", stream)
        later = order[i + 2 :]
        waits = [j for j, o in enumerate(later) if o[0] == "wait" and o[2] is done]
        launches = [j for j, o in enumerate(later)
                    if o[0] == "launch" and o[1] is order[recorded][1]]  # fmt: skip
        # The next launch of the owner delivers; the one after it is the next window.
        assert i == copies[-1] or i == copies[-2] or waits[0] < launches[1]
    # Nothing but input goes up, and nothing that is read comes down, between the copies.
    first, last = (next(i for i, c in enumerate(calls) if c.name == "cuMemcpyPeerAsync")
                   for calls in (fake.calls, fake.calls[::-1]))  # fmt: skip
    between = {c.name for c in fake.calls[first : len(fake.calls) - last]}
    assert not between & {"cuMemcpyHtoDAsync", "Stream.sync", "Event.sync"}


def test_open_gpus_are_asked_once(fake_gpu, expected):
    fake = fake_gpu(capabilities=TWO)
    from spikecuda.devices.open import open_device

    devices = [open_device(name) for name in DEVICES]
    for _ in range(2):
        assert simulate(devices)[0] == expected
    assert pairs(fake)[1] == [(0, 1), (1, 0)]
    for device in devices:
        device.close()


@pytest.mark.parametrize("error", [
    "PEER_ACCESS_UNSUPPORTED", "TOO_MANY_PEERS", "NOT_SUPPORTED", "INVALID_DEVICE",
])  # fmt: skip
def test_gpus_that_cannot_be_peers_exchange_through_the_host(fake_gpu, expected, error):
    fake = fake_gpu(capabilities=TWO)
    fake.failures["cuMemPoolSetAccess"] = f"CUDA_ERROR_{error}"
    found, way, words = simulate()
    assert found == expected and way == "host"
    assert f"does not let cuda:0 access the memory of cuda:1 (CUDA_ERROR_{error})" in (
        " ".join(words.split())
    )
    assert not fake.named("cuMemcpyPeerAsync")
    with pytest.raises(Exception, match="leave exchange out, and spikes pass through the host"):
        simulate(exchange="peers")


def test_access_that_is_there_already_is_access(fake_gpu, expected, monkeypatch):
    fake = fake_gpu(capabilities=TWO)
    given = fake.driver.cuMemPoolSetAccess

    def again(*args):
        given(*args)
        return (fake.real.CUresult.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED,)

    fake.driver.cuMemPoolSetAccess = again
    assert simulate()[:2] == (expected, "peers")


def test_one_way_is_not_enough(fake_gpu, expected):
    fake = fake_gpu(capabilities=TWO, apart=((1, 0),))
    found, way, words = simulate()
    assert found == expected and way == "host"
    assert "says that cuda:1 cannot access the memory of cuda:0" in " ".join(words.split())
    assert pairs(fake)[1] == [(0, 1)]


@pytest.mark.parametrize("call", ["cuDeviceCanAccessPeer", "cuMemPoolSetAccess"])
def test_a_gpu_that_is_broken_is_not_taken_for_one_without_peers(fake_gpu, call):
    fake = fake_gpu(capabilities=TWO)
    fake.failures[call] = "CUDA_ERROR_ILLEGAL_ADDRESS"
    with pytest.raises(DeviceError, match="CUDA_ERROR_ILLEGAL_ADDRESS"):
        simulate()
    assert fake.allocated == 0


def test_a_copy_that_fails_names_the_gpu(fake_gpu):
    fake = fake_gpu(capabilities=TWO)
    fake.failures["cuMemcpyPeerAsync"] = "CUDA_ERROR_LAUNCH_FAILED"
    with pytest.raises(DeviceError, match=r"cuda:0 failed at step 0 .*LAUNCH_FAILED.*reset\(\)"):
        simulate()
    assert fake.allocated == fake.pinned == 0


def test_asked_for_the_host_no_gpu_is_asked_for_access(fake_gpu, expected):
    fake = fake_gpu(capabilities=TWO)
    found, way, _ = simulate(exchange="host")
    assert found == expected and way == "host" and pairs(fake) == ([], [])
