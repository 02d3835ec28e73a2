"""The whole report: its files, its JSON, its page."""

import base64
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from spikecuda.cli import main
from spikecuda.report.build import canonical
from spikecuda.report.headline import headlines, make_notes, other_load
from spikecuda.report.plots import plots
from spikecuda.report.settings import settings_for
from spikecuda.report.write import write_report

PLOTS = (
    "realtime", "gallery", "scaling", "precision", "threads", "memory", "systems", "utilisation",
)  # fmt: skip


def test_every_file_is_there(made):
    names = {path.name for path in made[2].iterdir()}
    assert names == {"report.json", "report.md", "report.html", *(f"{p}.png" for p in PLOTS)}


def test_figures_are_sound(made):
    report = made[0]
    assert {(p.model, p.precision, p.neurons) for p in report.scaling} == {
        (m, p, n) for m in ("lif", "adex", "izhikevich") for p in ("float16", "float32")
        for n in (1_000, 4_000)
    }  # fmt: skip
    for p in report.scaling + report.threads:
        assert p.best_rate >= p.median_rate > 1e5 and p.kernel_rate > 1e5
        assert p.nanoseconds == pytest.approx(1e9 / p.best_rate) and p.mean_rate > 0.0
        assert p.memory > 4 * p.neurons
    assert [p.threads for p in report.threads] == [1, 2] * 3
    for p in report.accuracy:
        assert p.oracle_spikes > 10 and p.matched > 10 and abs(p.rate_error) < 0.05
        assert 0.0 <= p.identical <= 1.0 and p.coincident > 0.8
        assert 0.0 <= p.time_error_median <= p.time_error_p99 <= p.time_error_max
    assert {p.drive for p in report.accuracy} == {"constant", "noise"}
    for p in report.memory:
        # v and a counter of refractory steps half as wide, or v and w.
        assert p.state == {"float16": 2, "float32": 4}[p.precision] * (
            1.5 if p.model == "lif" else 2
        )
        total = p.state + p.parameters + p.input + p.spike_bits + p.other
        assert total * p.neurons == pytest.approx(sum(p.buffers.values()))
    assert report.startup[0].cache == "warm"
    assert 0 < report.startup[0].import_package < report.startup[0].whole_process
    assert {p.input for p in report.compile} == {"", "constant", "noise", "trace"}
    assert all(p.mean_rate > 1.0 for p in report.gallery)


def test_systems_are_measured_beside_pools(made):
    report = made[0]
    *types, total = report.mixed
    assert [p.model for p in types] == ["lif", "adex", "izhikevich"] and total.model == "total"
    assert [p.neurons for p in types] == [2000] * 3 and total.neurons == 6000
    # The types' shares of the time are within the whole's, whatever else the machine did meanwhile.
    together = sum(p.neurons / p.rate for p in types)
    alone = sum(p.neurons / p.single_rate for p in types)
    assert total.ratio > 0.2 and all(p.ratio is None for p in types)
    assert 0.0 < together < 1.8 * 6000 / total.rate
    assert 6000 / total.single_rate == pytest.approx(alone, rel=0.8)
    for p in report.mixed:
        assert p.mean_rate > 0.0
        # 8 bytes of state and 4 of input, and the bits of a launch's steps: one a step.
        words = -(-p.neurons // 32) if p.model != "total" else 3 * -(-2000 // 32)
        assert 12.0 < p.memory <= 12.0 + 4 * words * 1024 / p.neurons + 0.05
    assert total.memory == pytest.approx(sum(p.memory * p.neurons for p in types) / 6000)
    assert [(p.devices, p.neurons) for p in report.partitions] == [(1, 6000), (2, 6000)]
    assert all(p.best_rate >= p.median_rate > 1e5 for p in report.partitions)


def test_phases_are_reported_and_marked(made):
    report, _, _, phases = made
    names = list(dict.fromkeys(phase for phase, _ in phases))
    assert names == [
        "compile", "networks", "gallery", "accuracy", "scaling", "threads", "systems", "start-up",
    ]  # fmt: skip
    assert [mark["name"] for mark in report.utilisation["marks"]] == names
    lengths = {len(values) for values in report.utilisation["samples"].values()}
    assert len(lengths) == 1 and lengths.pop() > 5
    *_, built = (what for phase, what in phases if phase == "compile")
    number, _, of = built.split()[:3]
    assert number == of


def test_what_is_left_out_is_said(made):
    report = made[0]
    assert any("empty cache" in item.what for item in report.skipped)
    text = (made[2] / "report.md").read_text() + (made[2] / "report.html").read_text()
    for item in report.skipped:
        assert text.count(item.what) >= 2


def test_page_is_self_contained(made):
    page = (made[2] / "report.html").read_text()
    assert not re.search(r"""(src|href|srcset)\s*=\s*["'](?!data:)""", page)
    assert "http://" not in page and "https://" not in page and "url(" not in page
    assert "<script" not in page
    images = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert len(images) == 2 * len(PLOTS)
    assert all(base64.b64decode(image).startswith(b"\x89PNG") for image in images)
    assert "prefers-color-scheme: dark" in page
    for word in ("neuron updates per second", "RTX 3060", "Izhikevich"):
        assert word in page


def test_markdown_names_its_plots(made):
    text = (made[2] / "report.md").read_text()
    for name in PLOTS:
        assert f"]({name}.png)" in text
    # Every table row has as many cells as its head.
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_plots_show_something(made):
    from matplotlib.image import imread

    for name in PLOTS:
        image = imread(made[2] / f"{name}.png")
        assert image.shape[1] >= 1200 and image.shape[0] >= 250
        assert np.std(image[..., :3]) > 0.02


def test_empty_report_has_no_plots(made):
    from dataclasses import replace

    from spikecuda.plots.style import LIGHT

    report = replace(
        made[0],
        scaling=[],
        accuracy=[],
        threads=[],
        memory=[],
        mixed=[],
        utilisation={},
        realtime=[],
    )
    assert [plot.draw(report, [], LIGHT) for plot in plots()] == [None] * len(PLOTS)


@pytest.fixture
def few_plots(monkeypatch):
    """Draw only two plots, for speed."""
    few = [plot for plot in plots() if plot.name in ("threads", "memory")]
    monkeypatch.setattr("spikecuda.report.write.plots", lambda: few)


def test_a_report_without_extras_is_written(made, tmp_path, few_plots):
    from dataclasses import replace

    report = replace(made[0], accuracy=[], threads=[], startup=[], compile=[], notes=[], skipped=[])
    written = write_report(report, made[1], tmp_path / "deep" / "folder")
    names = {path.name for path in written}
    assert "memory.png" in names and "threads.png" not in names


def test_headlines_and_notes(made):
    report = made[0]
    lines = headlines(report)
    assert [line.model for line in lines] == ["lif", "adex", "izhikevich"]
    for line in lines:
        assert line.real_time == pytest.approx(line.best.median_rate / 1e4, rel=1e-2)
    samples = {
        "time": [0.0, 1.0, 2.0, 3.0, 4.0],
        "cpu_percent": [100.0] * 5,
        "process_percent": [100.0] * 5,
    }
    from dataclasses import replace

    machine = replace(report.machine, logical_cores=2)
    busy = replace(
        report,
        machine=machine,
        utilisation={"samples": samples, "marks": [{"time": 0.0, "name": "scaling"}]},
    )
    assert other_load(busy) == pytest.approx(1.0)
    assert any("1.0 of 2 cores" in note for note in make_notes(busy))
    assert other_load(replace(report, utilisation={})) is None


def test_the_page_begins_with_what_runs_in_real_time(made):
    page = (made[2] / "report.html").read_text()
    first = page.index("neurons in real time")
    assert (
        page.index('id="networks"') < first < page.index('id="realtime"') < page.index('id="pools"')
    )
    text = (made[2] / "report.md").read_text()
    assert text.index("| Balanced network | **spikecuda, cpu** |") < text.index("| **LIF** |")


def test_device_names():
    assert [canonical(n) for n in ("cpu", "cpu:1", "cuda", "cuda-emu:2", "cuda-sim")] == [
        "cpu", "cpu", "cuda:0", "cuda-emu:2", "cuda-sim",
    ]  # fmt: skip


def test_levels():
    assert settings_for("full").sizes[-1] == 10_000_000
    assert settings_for("default").sizes[-1] == 1_000_000
    assert settings_for("quick").drives == ("constant",)
    assert settings_for("quick", thread_counts=(4, 1)).threads == (1, 4)


def test_too_large_sizes_are_skipped_and_said(monkeypatch):
    from spikecuda.report import scaling

    monkeypatch.setattr(scaling, "available_memory", lambda: 10_000)
    settings = settings_for("quick", sizes=(1_000,), models=("lif",), precisions=("float32",))
    speed, memory, skipped = scaling.measure_scaling(settings, "cpu", lambda what: None)
    assert not speed and not memory
    assert "1,000 lif neurons, float32" in skipped[0].what and "GB" in skipped[0].reason


def test_command(made, tmp_path, monkeypatch, capsys, few_plots):
    report, gallery, *_ = made
    asked = {}

    def fake(settings, progress):
        asked["settings"] = settings
        progress("compile", "")
        progress("scaling", "a point")
        return report, gallery

    monkeypatch.setattr("spikecuda.report.build.measure", fake)
    out = tmp_path / "new" / "folder"
    argv = ["report", "--quick", "--out", str(out), "--threads", "2", "1", "--devices", "cpu",
            "--peers", f"nest={sys.executable}"]  # fmt: skip
    assert main(argv) == 0
    text = capsys.readouterr().out
    assert str(out / "report.html") in text and "RTX 3060" in text and "Izhikevich" in text
    assert asked["settings"].peer_pythons == (("nest", sys.executable),)
    assert "Balanced network" in text.split("Izhikevich")[0]
    assert asked["settings"].level == "quick" and asked["settings"].threads == (1, 2)
    assert json.loads((out / "report.json").read_text())["schema"] == 3
    monkeypatch.setattr("spikecuda.report.write.write_report", lambda *args: [])
    assert main([*argv, "--quiet"]) == 0 and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--threads", "0"], "--threads must be a whole number"),
        (["--devices", "tpu"], "device must be one of"),
        (["--quick", "--full"], "not allowed with"),
        (["--peers", "nset=/bin/sh"], "--peers must be NAME=PYTHON with NAME one of nest, brian2"),
        (["--peers", "nest=/no/such"], "no such file"),
    ],
)
def test_command_refuses(capsys, argv, message):
    try:
        code = main(["report", *argv])
    except SystemExit as exit:
        code = exit.code
    assert code == 2 and message in capsys.readouterr().err


def test_command_refuses_a_file(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert main(["report", "--out", str(file)]) == 2
    assert "--out must be a folder" in capsys.readouterr().err
    assert Path(file).read_text() == ""
    assert main(["report", "--out", str(file / "below")]) == 2
    assert "--out must be a folder that can be made" in capsys.readouterr().err
