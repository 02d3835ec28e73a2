"""Views of runs that go on, seen by a page in Python: the same bits, all spikes, changes."""

import gc
import json
import os
import signal
import sys
import threading
import weakref

import numpy as np
import pytest
from pages import DEVICES, Page, network, same, sorted_spikes

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, SpikecudaError, Uniform
from spikecuda.errors import (
    ClosedError,
    MissingPackageError,
    SpikecudaTypeError,
    SpikecudaValueError,
)
from spikecuda.network import Ensemble


@pytest.mark.parametrize(("devices", "options"), DEVICES)
def test_a_view_changes_no_bit_and_shows_every_spike(devices, options):
    found, pages = [], []
    for looked_at in (False, True):
        with network(devices=devices, **{"threads": None, **options}) as net:
            net.record("E", ["spikes", "v"], every=0.5)
            if not looked_at:
                found.append(net.run(60.0))
                continue
            with net.view() as view, Page(view) as page:
                page.say("watch", population="E", neuron=7, variable="v")
                page.say("watch", population="I", neuron=3, variable="g_exc")
                page.until(lambda: len(page.last("watched")["found"]) == 2)
                found.append(net.run(60.0))
                page.until(lambda: page.heads and page.heads[-1]["stop"] == 600)
                pages.append(page)
    plain, viewed = found
    for name in plain.spikes:
        assert np.array_equal(plain.spikes[name].step, viewed.spikes[name].step)
        assert np.array_equal(plain.spikes[name].neuron, viewed.spikes[name].neuron)
    assert list(plain.spikes) == ["E"]  # and the page saw the others, too
    assert np.array_equal(plain.traces["E"]["v"], viewed.traces["E"]["v"])
    page = pages[0]
    step, neuron = page.spikes()
    assert page.lost == 0 and page.heads[-1]["total"] == page.received == step.size
    mine = neuron < 70
    assert same((step[mine], neuron[mine]), (viewed.spikes["E"].step, viewed.spikes["E"].neuron))
    assert (~mine).sum() > 20
    # Bins of 5 ms count the same.
    bins = np.bincount(step[mine] // 50, minlength=12)
    assert [page.counts[b][0] for b in range(12)] == list(bins)
    # A traced variable is that of every step; the recorded one of every fifth.
    trace = np.concatenate([values for _, _, values in page.traces[1]])
    assert page.traces[1][0][:2] == (1, 1) and trace.size == 600
    assert np.array_equal(trace[4::5], viewed.traces["E"]["v"][:, 7].astype(np.float32))
    assert sum(values.size for _, _, values in page.traces[2]) == 600


def pool_and_system():
    start = {"v": Uniform(-65.0, -55.0)}
    yield lambda: GPUNeuronPool(70, "lif", device="cpu", threads=2, seed=5, initial=start)
    yield lambda: MultiGPUNeuronSystem(
        90, neuron_types=["lif", "adex"], devices=["cpu:0", "cpu:1"], seed=5, initial={"lif": start}
    )


def all_spikes(result):
    spikes = result.spikes
    return [spikes.step, spikes.neuron, getattr(result, "traces", {}).get("v", spikes.step)]


@pytest.mark.parametrize("make", list(pool_and_system()), ids=["pool", "system"])
def test_pools_and_systems_have_views(make):
    found = []
    for looked_at in (False, True):
        with make() as what:
            if isinstance(what, GPUNeuronPool):
                drive = what.drive(400.0)
            else:
                drive, _ = what.drive("lif", 400.0), what.drive("adex", 900.0)
            if not looked_at:
                found.append(what.run(50.0, record=["spikes", "v"]))
                found.append(what.run(20.0, record=None))
                continue
            with what.view() as view, Page(view) as page:
                page.say("watch", population="lif", neuron=3, variable="v")
                page.until(lambda: len(page.last("watched")["found"]) == 1)
                result = what.run(50.0, record=["spikes", "v"])
                assert len(page.last("controls")["found"]) >= 7 and drive.value == 400.0
                page.until(lambda: page.heads and page.heads[-1]["stop"] == 500)
                spikes = result.spikes
                assert page.lost == 0
                assert same(page.spikes(), (spikes.step, spikes.neuron))
                trace = np.concatenate([values for _, _, values in page.traces[1]])
                part = getattr(result, "parts", {"lif": result})["lif"]
                assert np.array_equal(trace, part.traces["v"][:, 3])
                nothing = what.run(20.0, record=None)
                page.until(lambda: page.heads[-1]["stop"] == 700)
                found += [result, nothing]
    plain, unseen, viewed, also = found
    assert same(all_spikes(plain), all_spikes(viewed))
    assert unseen.num_spikes == also.num_spikes > 0
    with pytest.raises(SpikecudaValueError, match="not recorded"):
        _ = also.spikes


def test_a_page_changes_what_runs():
    with network() as net, net.view() as view, Page(view) as page:
        rate = page.control("E", "Poisson rate")
        assert (rate["value"], rate["unit"], rate["low"]) == (8000.0, "Hz", 0.0)
        assert page.control("E", "tau_exc")["value"] == 5.0
        assert page.control("I", "v_t")["unit"] == "mV"
        assert not any(c["label"] == "tau_w" for c in page.last("controls")["found"])  # one each
        before = net.run(100.0).rates()["E"]
        page.say("set", control=rate["name"], value=0.0)
        page.until(lambda: any("next one" in words for words in page.notes()))
        after = net.run(100.0).rates(150.0, 200.0)["E"]
        page.until(lambda: page.control("E", "Poisson rate")["value"] == 0.0)
        assert after < 0.2 * before and net.drives[0].rate == 0.0
        assert view.changes == ((100.0, "E Poisson rate", 0.0),)
        # What cannot be is refused, said, and changes nothing.
        page.say("set", control=page.control("E", "tau_m")["name"], value=-1.0)
        page.say("set", control="nothing", value=1.0)
        page.until(lambda: any("'nothing'" in words for words in page.notes()))
        net.run(1.0)
        page.until(lambda: any("tau_m = -1: tau_m must be" in words for words in page.notes()))
        assert net["E"].params["tau_m"] == 20.0 and len(view.changes) == 1


def test_changes_and_stops_act_within_a_run():
    with network() as net, net.view() as view, Page(view) as page:
        rate = page.control("E", "Poisson rate")["name"]
        seen = []

        def call(net, piece):
            seen.append(piece.duration)
            if len(seen) == 2:
                page.say("set", control=rate, value=0.0)
                page.until(lambda: view._feed._asked)
            if len(seen) == 5:
                page.say("stop")
                page.until(lambda: view._feed._stop)

        result = net.run(1000.0, every=20.0, call=call)
        # The change is made after a part of the third piece, the stop after one of the sixth.
        assert seen[:5] == [20.0] * 5 and len(seen) == 6 and 0 < seen[5] <= 20.0
        assert 100.0 < result.duration <= 120.0 and net.time == pytest.approx(result.stop)
        assert result.rates(75.0, 100.0)["E"] < 0.2 * result.rates(0.0, 40.0)["E"]
        ((when, what, value),) = view.changes
        assert 40.0 <= when <= 60.0 and (what, value) == ("E Poisson rate", 0.0)
        page.until(lambda: page.last("status") and page.last("status")["ended"] == "stopped")
        page.say("stop")
        page.until(lambda: any("no run goes on" in words for words in page.notes()))
        assert net.run(5.0).duration == 5.0


def test_a_second_page_and_a_reload_get_what_was_before():
    with network() as net, net.view() as view:
        with Page(view):
            first = net.run(50.0)
        second = first + net.run(50.0)  # nobody looks on
        with Page(view) as page, Page(view) as other:
            assert view.pages == 2
            page.until(lambda: page.received and page.received == other.received)
            assert same(page.spikes(), sorted_spikes(second))
            net.reset(trial=1)
            third = net.run(30.0)
            page.until(lambda: page.heads[-1]["trial"] == 2 and page.heads[-1]["stop"] == 300)
            assert page.heads[-1]["total"] == third.num_spikes


def test_a_page_that_does_not_draw_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("spikecuda.view.blocks.KEPT", 2000)
    with network() as net, net.view() as view, Page(view, draws=False) as slow, Page(view) as page:
        result = 0
        for _ in range(8):
            result += net.run(250.0)
            page.until(lambda: page.heads and page.heads[-1]["stop"] == round(10 * net.time))
        assert page.received + page.lost == result.num_spikes
        assert len(slow.heads) == 2 and slow.received < 0.5 * result.num_spikes
        # Once it draws, it is told how many it has missed.
        slow.draws = True
        for _ in range(2):
            slow.say("ack", seconds=5.0)
        slow.until(lambda: slow.heads[-1]["stop"] == 20_000)
        assert slow.received + slow.lost == result.num_spikes and slow.lost > 0


def test_what_breaks_off_is_told_and_kept():
    def call(net, piece):
        if piece.stop > 30.0:
            raise ValueError("so be it")

    with network() as net, net.view() as view, Page(view) as page:
        with pytest.raises(ValueError, match="so be it"):
            net.run(100.0, every=10.0, call=call)
        assert net.result.stop == 40.0
        page.until(lambda: page.last("status") and page.last("status")["ended"] == "so be it")
        threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            net.run(1e6)
        page.until(lambda: page.last("status")["ended"] == "interrupted")
        assert net.result.start == 40.0 and net.result.stop == pytest.approx(net.time)
        assert same(sorted_spikes(net.result), [
            part[page.spikes()[0] >= 400] for part in page.spikes()
        ])  # fmt: skip


def test_closing_within_a_run_and_with_the_network():
    with network() as net:
        view = net.view()
        assert net.view() is view
        with pytest.raises(SpikecudaValueError, match="port must be that of the view"):
            net.view(port=view.port % 65535 + 1)
        with Page(view) as page:
            closer = threading.Timer(0.2, view.close)
            closer.start()
            result = net.run(1000.0)
            closer.join()
            assert result.duration == 1000.0 and view.closed
            page.until(lambda: page.ended is not None)
            assert page.last("status")["state"] == "closed"
        assert net.view() is not view
        view = net.view()
    assert view.closed and "closed" in repr(view) and "iframe" not in view._repr_html_()
    view.close()
    with pytest.raises(ClosedError):
        net.view()


class NoExchange:
    def swap(self, *args):
        """Exchange nothing."""


def test_arguments_and_what_has_no_view(monkeypatch):
    with network() as net:
        with net.view() as view:
            assert f'<iframe src="{view.url}"' in view._repr_html_()
            assert view.url in repr(view) and view.wait(0.0) is False
            with network() as other, pytest.raises(SpikecudaError, match="port must be one that"):
                other.view(port=view.port)
            with pytest.raises(SpikecudaValueError, match="seconds"):
                view.wait(-1.0)
        for wrong in ({"port": 70_000}, {"port": "x"}, {"open": "no"}, {"height": 5}):
            with pytest.raises((SpikecudaValueError, SpikecudaTypeError)):
                net.view(**wrong)
        with pytest.raises(SpikecudaError, match="replicas of an ensemble have no view"):
            Ensemble(net, 2)[1].view()
        with pytest.raises(SpikecudaError, match="with an exchange has no view"):
            network(exchange=NoExchange()).view()
        monkeypatch.setitem(sys.modules, "websockets", None)
        with pytest.raises(MissingPackageError, match=r"spikecuda\[view\]"):
            net.view()


def test_a_run_without_steps_and_runs_that_save_themselves(tmp_path):
    with network() as net, net.view() as view, Page(view) as page:
        assert net.run(0.0).duration == 0.0
        result = net.run(40.0, save_every=10.0, save_to=tmp_path / "a.spk")
        page.until(lambda: page.heads and page.heads[-1]["stop"] == 400)
        assert page.received == result.num_spikes
    with network() as net, type(net).load(tmp_path / "a.spk") as again:
        assert same(sorted_spikes(again.result), sorted_spikes(result))


def test_the_status_has_speed_devices_and_memory():
    with network() as net, net.view() as view, Page(view) as page:
        threading.Timer(1.6, page.say, ("stop",)).start()
        net.run(1e6)
        page.until(lambda: page.last("status")["state"] == "idle")
        running = [t for t in page.texts if t["kind"] == "status" and t["state"] == "running"]
        told = running[-1]
        assert told["factor"] > 0 and 0 < told["done"] < told["total"]
        assert [p["name"] for p in told["populations"]] == ["E", "I"]
        assert told["devices"][0]["neurons"] == 90 and told["devices"][0]["held"] > 0
        assert json.dumps(told, allow_nan=False)
        page.until(lambda: page.last("status")["machine"].get("ram"))


def test_what_is_forgotten_takes_its_page_with_it():
    for make in (network, lambda: GPUNeuronPool(9, device="cpu")):
        made = make()
        view = made.view()
        gone = weakref.ref(made)
        with Page(view) as page:
            made.run(1.0)
            del made
            gc.collect()
            page.until(lambda gone=gone, view=view: gone() is None and view.closed)


def test_no_error_of_a_page_reaches_a_run(monkeypatch):
    with network() as net:
        plain = net.run(50.0)
        net.reset()
        with net.view() as view, Page(view) as page:
            page.say("weights", shown=True)
            page.until(lambda: view._feed.weights_wanted)
            for name in ("weights", "controls"):
                monkeypatch.setattr(view._feed.subject, name, lambda: 1 / 0)
            monkeypatch.setattr(view._feed._rates, "add", lambda *args: 1 / 0)
            assert same(sorted_spikes(net.run(50.0)), sorted_spikes(plain))
            page.until(lambda: any("ZeroDivisionError" in words for words in page.notes()))
            page.until(lambda: page.last("status")["state"] == "idle")
