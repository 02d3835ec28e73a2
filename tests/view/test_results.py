"""Results in the page: served, in one file, as pictures; and the command line."""

import base64
import gc
import json
import re
import subprocess
import sys
import time

import matplotlib.image
import numpy as np
import pytest
from pages import Page, network, read_frame, same, sorted_spikes

from spikecuda.cli import main
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.pool.result import SystemResult
from spikecuda.runtime.result import RunResult
from spikecuda.runtime.spikes import Spikes
from spikecuda.view import recorded, show, write_frames, write_html
from spikecuda.view.results import _SHOWN


@pytest.fixture(scope="module")
def result():
    with network() as net:
        net.record("E", ["spikes", "v"], only=[3, 5])
        net.record("E")
        net.record("I")
        net.run(23.0)
        return net.run(100.0)


def data_of(path):
    """Return the texts and frames of a page in one file."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="recorded">(.*?)</script>', text)
    data = json.loads(found[1])
    return data["texts"], [read_frame(base64.b64decode(frame)) for frame in data["frames"]]


def test_one_file_has_everything_and_needs_nothing(result, tmp_path):
    path = write_html(result, tmp_path / "a.html")
    text = path.read_text(encoding="utf-8")
    assert "src=" not in text.replace("srcdoc", "") and '<link rel="stylesheet' not in text
    assert text.count("</script>") == text.count("<script")
    (hello, watched), frames = data_of(path)
    assert hello["live"] is False and [p["size"] for p in hello["populations"]] == [70, 20]
    step = np.concatenate([step.astype(int) + head["first"] for head, step, *_ in frames])
    neuron = np.concatenate([neuron for _, _, neuron, *_ in frames])
    order = np.lexsort((neuron, step))
    assert same((step[order], neuron[order]), sorted_spikes(result)) and frames[0][0]["lost"] == 0
    assert [(w["neuron"], w["unit"]) for w in watched["found"]] == [(3, "mV"), (5, "mV")]
    values = frames[0][4].reshape(2, -1)
    assert np.array_equal(values, result.traces["E"]["v"].T)
    assert frames[0][0]["samples"][0] == [0, 231, 1, 1000]
    # Rates count from the first bin that is whole.
    counts = np.concatenate([counts for *_, counts, _ in frames])
    assert frames[0][0]["bin"] == 5
    whole = sum(250 <= s < 1200 for s in result.spikes["I"].step)
    assert counts[:19, 1].sum() == whole


def test_what_is_too_much_for_a_page_is_thinned_and_said(result, tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "MOST_POINTS", 300)
    monkeypatch.setattr(recorded, "BLOCK_POINTS", 50)
    _, frames = data_of(write_html(result, tmp_path / "a.html"))
    sent = sum(head["points"] for head, *_ in frames)
    assert sent <= 330 and sent + frames[-1][0]["lost"] == result.num_spikes


def test_a_result_is_served_like_a_run(result):
    with result.view() as view:
        page = Page(view)
        page.until(lambda: page.received == result.num_spikes)
        assert same(page.spikes(), sorted_spikes(result)) and page.lost == 0
        page.say("stop")  # nothing runs, and nothing happens
        page.say("set", control="a", value=1.0)
        page.until(lambda: page.last("status"))
        assert page.last("status")["state"] == "recorded" and view.pages == 1
        page.close()
        assert "ResultView" in repr(view) and "iframe" in view._repr_html_()


def test_pages_that_somebody_looks_at_stay(result, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    for shown in (lambda: result.view(open=True), lambda: result.view()._repr_html_()):
        shown()
        gc.collect()
        page = _SHOWN[-1]
        time.sleep(0.3)
        assert not page.closed
        page.close()
        assert page not in _SHOWN and page.closed
    assert len(opened) == 1
    server = result.view()._server
    server._thread.join(5.0)  # nothing holds it
    assert not server._thread.is_alive()


def test_results_of_pools_and_systems(tmp_path):
    rng = np.random.default_rng(1)

    def part(step, count, traces=()):
        spikes = Spikes(step, rng.integers(0, count, step.size).astype(np.int32), 0.1)
        return RunResult(spikes, dict(traces), 500, 20, 0.1, step.size, count)

    step = np.sort(rng.integers(20, 520, 300))
    one = part(step, 70, {"v": rng.normal(size=(500, 70))})
    two = SystemResult({"lif": part(step, 45), "adex": part(step[:9], 45)}, {"lif": 0, "adex": 45})
    none = RunResult(None, {}, 500, 0, 0.1, 7, 70)
    for given, sizes in ((one, [70]), (two, [45, 45])):
        (hello, _), frames = data_of(write_html(given, tmp_path / "a.html"))
        assert [p["size"] for p in hello["populations"]] == sizes
        assert sum(head["points"] for head, *_ in frames) == given.num_spikes > 0
        with given.view(height=300) as view, show(given) as same_view:
            assert 'height="300"' in view._repr_html_() and type(view) is type(same_view)
    assert [n for *_, n in data_of(write_html(one, tmp_path / "b.html"))[1][0][0]["samples"]] == [
        500, 500, 500,
    ]  # fmt: skip
    with pytest.raises(SpikecudaValueError, match="not recorded"):
        write_html(none, tmp_path / "c.html")
    with pytest.raises(SpikecudaValueError, match="not recorded"):
        none.view()
    with pytest.raises(SpikecudaTypeError, match="result must be what run"):
        write_html([1], tmp_path / "c.html")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_frames_show_the_spikes(result, tmp_path, theme):
    seen = []
    paths = write_frames(
        result, tmp_path / "film", window=40.0, every=25.0, width=320, height=240, theme=theme,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert [p.name for p in paths] == [f"frame-{i:05}.png" for i in range(5)]
    assert seen == [(i, 5) for i in range(1, 6)]
    pictures = [matplotlib.image.imread(p) for p in paths]
    assert all(p.shape[:2] == (240, 320) for p in pictures)
    empty, *others = ((p[:160] != pictures[0][:160]).any(axis=2).sum() for p in pictures)
    assert empty == 0 and min(others) > 200  # the first frame is before the first spike
    with pytest.raises(SpikecudaValueError, match="folder must be new or empty"):
        write_frames(result, tmp_path / "film")


def test_frames_refuse_what_cannot_be_drawn(result, tmp_path):
    for wrong in (
        {"window": 0.0}, {"every": -1.0}, {"every": float("nan")}, {"start": 5.0}, {"stop": 1e9},
        {"start": 100.0, "stop": 50.0}, {"width": 10}, {"height": 10**6}, {"theme": "red"},
    ):  # fmt: skip
        with pytest.raises(SpikecudaValueError):
            write_frames(result, tmp_path / "b", **wrong)
    for wrong in ({"progress": 5}, {"theme": np.zeros(3)}, {"width": "x"}, {"every": None}):
        with pytest.raises((SpikecudaTypeError, SpikecudaValueError)):
            write_frames(result, tmp_path / "c", **wrong)
    with pytest.raises(SpikecudaTypeError):
        write_frames(result, 5)
    assert not (tmp_path / "b").exists()


def test_the_command_line_writes_pages_and_frames(result, tmp_path, capsys):
    result.save(tmp_path / "spikes.npz")
    argv = ["view", str(tmp_path / "spikes.npz"), "--html", str(tmp_path / "a.html")]
    assert main([*argv, "--frames", str(tmp_path / "film"), "--every", "50"]) == 0
    assert "3 frames" in capsys.readouterr().out and len(list((tmp_path / "film").iterdir())) == 3
    assert data_of(tmp_path / "a.html")[0][0]["populations"][0]["name"] == "E"
    pool = ["run", "-n", "20", "-m", "lif", "--device", "cpu", "--threads", "2", "--quiet"]
    out = ["--duration", "50", "-o", str(tmp_path / "pool.npz")]
    assert main([*pool, *out, "--record", "spikes,v"]) == 0
    assert main(["view", str(tmp_path / "pool.npz"), "--html", str(tmp_path / "b.html")]) == 0
    assert data_of(tmp_path / "b.html")[0][0]["populations"][0]["size"] == 20
    capsys.readouterr()
    (tmp_path / "junk.npz").write_bytes(b"junk")
    np.savez(tmp_path / "other.npz", a=1)
    for name in ("junk.npz", "other.npz", "absent.npz"):
        assert main(["view", str(tmp_path / name), "--html", "c.html"]) == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert main(["view", str(tmp_path / "spikes.npz"), "--every", "5"]) == 2
    assert "--frames FOLDER" in capsys.readouterr().err
    assert main([*argv, "--port", "9000"]) == 2
    assert "--port must be left out with --html" in capsys.readouterr().err


def test_runs_of_the_command_line_have_views(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    seen = []
    from spikecuda.view import view as module

    opened = module.Served.__init__

    def watched(self, *args):
        opened(self, *args)
        seen.append(Page(self))

    pool = ["run", "-n", "20", "-m", "lif", "--device", "cpu", "--threads", "2", "--quiet"]
    pool += ["--current", "400", "--duration", "50"]
    assert main([*pool, "-o", "plain.npz"]) == 0
    monkeypatch.setattr(module.Served, "__init__", watched)
    assert main([*pool, "-o", "viewed.npz", "--view"]) == 0
    plain, viewed = np.load("plain.npz"), np.load("viewed.npz")
    assert np.array_equal(plain["spike_step"], viewed["spike_step"])
    assert np.array_equal(plain["spike_neuron"], viewed["spike_neuron"])
    (page,) = seen
    page.until(lambda: page.ended is not None)
    assert page.received == plain["spike_step"].size > 0
    labels = {c["label"] for c in page.last("controls")["found"]}
    assert {"Constant value", "tau_m"} <= labels
    assert "view: http://127.0.0.1:" in capsys.readouterr().err
    for argv in (["run", "--view", "x"], ["run", "--view=70000"], ["run", "diehl2015", "--view"]):
        try:
            assert main([*argv, "--quiet"]) == 2
        except SystemExit as error:
            assert error.code == 2
    plain.close()
    viewed.close()


def test_a_served_result_ends_with_ctrl_c(result, tmp_path):
    result.save(tmp_path / "spikes.npz")
    process = subprocess.Popen(
        [sys.executable, "-m", "spikecuda", "view", str(tmp_path / "spikes.npz")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        assert line.startswith("view: http://127.0.0.1:")
        process.send_signal(2)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
