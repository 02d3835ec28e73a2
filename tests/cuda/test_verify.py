"""The GPU check, on the emulated device and on a fake GPU: everything but a GPU's own answers."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spikecuda
from spikecuda.cli import main
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.devices.open import GpuStatus, open_device
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.models.base import as_model
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.verify import sanitize, settings_for, small, verify
from spikecuda.verify.cases import MODELS, PRECISIONS, STRUCTURES, Case, all_cases
from spikecuda.verify.correctness import Comparer, Variation, variations
from spikecuda.verify.figures import Bounds, figures_of
from spikecuda.verify.page import _splits, headline, html, markdown
from spikecuda.verify.results import SCHEMA_VERSION, Skipped, validate
from spikecuda.verify.throughput import points

PLAIN = Case("adex", "euler", "float32", "bias")
WAY = Variation(129, (1, 19), batch=64, block=32, window=8)
TINY = replace(
    settings_for(quick=True, emulated=True), cases=(PLAIN,), varied=(), sanitise=False,
    speed_blocks=(), speed_steps=(),
)  # fmt: skip


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Run the command on the emulated device; return its exit code and its folder."""
    folder = tmp_path_factory.mktemp("verify") / "made"
    code = main(["verify", "--device", "cuda-emu", "--quick", "--out", str(folder), "--quiet"])
    return code, folder


def test_the_command_checks_the_emulated_device(quick):
    code, folder = quick
    data = json.loads((folder / "verify.json").read_text())
    validate(data)
    assert code == 0 and data["passed"] and data["emulated"] and data["level"] == "quick"
    assert {c["model"] for c in data["comparisons"]} == set(MODELS)
    assert {c["precision"] for c in data["comparisons"]} == set(PRECISIONS)
    assert all(c["equal"] and c["difference"] == "" for c in data["comparisons"])
    assert min(c["spikes"] for c in data["comparisons"] if c["neurons"] > 100) > 5
    assert [s["status"] for s in data["sanitised"]] == ["passed", "passed"]
    assert {t["sweep"] for t in data["throughput"]} == {"size", "block", "steps"}
    for t in data["throughput"]:
        assert t["best_rate"] >= t["median_rate"] > 0
        assert t["nanoseconds"] == pytest.approx(1e9 / t["best_rate"])
        assert t["bound_rate"] > 0 and t["fraction"] is None
    assert data["skipped"] == []


def test_the_pages_say_what_was_found(quick):
    _, folder = quick
    text, page = (folder / "verify.md").read_text(), (folder / "verify.html").read_text()
    for content in (text, page):
        assert "passed: " in content
        assert "emulated: says nothing of a GPU" in content
        assert "izhikevich half_steps" in content
        assert "emulator: races" in content
    assert "<link" not in page and "http" not in page and "<script" not in page


def test_the_schema_is_documented(quick):
    _, folder = quick
    data = json.loads((folder / "verify.json").read_text())
    text = (Path(spikecuda.__file__).parents[1] / "docs" / "verify.md").read_text()
    named = [*data, *data["comparisons"][0], *data["sanitised"][0], *data["throughput"][0],
             *data["figures"]]  # fmt: skip
    assert not [name for name in named if f"`{name}`" not in text]
    assert f"schema {SCHEMA_VERSION}" in text


def test_data_of_another_layout_is_refused(quick):
    data = json.loads((quick[1] / "verify.json").read_text())
    with pytest.raises(SpikecudaValueError, match="schema must be 1"):
        validate({**data, "schema": 99})
    with pytest.raises(SpikecudaValueError, match="spikes must be a whole number"):
        validate({**data, "comparisons": [{**data["comparisons"][0], "spikes": "many"}]})


def test_without_a_gpu_it_refuses_and_writes_nothing(monkeypatch, tmp_path, capsys):
    status = GpuStatus(False, "no CUDA driver", "install the NVIDIA driver of your GPU")
    monkeypatch.setattr("spikecuda.devices.open.gpu_status", lambda: status)
    folder = tmp_path / "made"
    assert main(["verify", "--gpu", "--out", str(folder)]) == 2
    told = capsys.readouterr().err
    assert "no CUDA driver; install the NVIDIA driver" in told and "cuda:0" in told
    assert not folder.exists()


@pytest.mark.parametrize("argv, told", [
    ([], "use --gpu"),
    (["--device", "cpu"], "must be a GPU"),
    (["--gpu", "--device", "cuda-emu"], "must be a GPU"),
    (["--device", "gpu"], "must be one of"),
])  # fmt: skip
def test_wrong_devices_are_refused(argv, told, tmp_path, capsys):
    assert main(["verify", *argv, "--out", str(tmp_path / "made")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, capsys):
    (tmp_path / "made").write_text("mine")
    argv = ["verify", "--device", "cuda-emu", "--out", str(tmp_path / "made")]
    assert main(argv) == 2
    assert "must be a folder" in capsys.readouterr().err


class FlippedDevice(CudaEmuDevice):
    """A device that gets one bit of one buffer wrong."""

    def __init__(self, name):
        super().__init__()
        self._wrong = name

    def read(self, buffer, size=None):
        values = super().read(buffer, size)
        if buffer.name == self._wrong and values.size:
            values.view(np.uint8)[0] ^= 1
        return values

    def stage(self, buffer):
        staging = super().stage(buffer)
        if buffer.name == self._wrong:
            view = staging.view

            def wrong(size):
                values = view(size).copy()
                values.view(np.uint8)[0] ^= 1
                return values

            staging.view = wrong
        return staging


@pytest.mark.parametrize("name, told", [
    ("w", "different: w"), ("spike bits", "different: spikes"), ("", ""),
])  # fmt: skip
def test_one_wrong_bit_is_found(name, told):
    comparer = Comparer(FlippedDevice(name))
    try:
        found = comparer.compare(PLAIN, WAY)
    finally:
        comparer.close()
        comparer.device.close()
    assert found.difference == told and found.equal == (not told)
    assert found.spikes > 5


def test_what_differs_fails_the_check_and_is_named():
    device = FlippedDevice("v")
    try:
        found = verify(device, TINY)
    finally:
        device.close()
    assert not found.passed
    assert headline(found).startswith("failed: 1 of 1 runs on cuda-emu:0 differ")
    for page in (markdown(found), html(found, "")):
        assert "different: v" in page and "adex euler float32, bias" in page


def test_a_failed_search_fails_the_check(monkeypatch):
    broken = sanitize.Sanitised("memcheck", "failed", "ERROR SUMMARY: 1 error", 1.0)
    monkeypatch.setattr("spikecuda.verify.run.sanitise", lambda *args: [broken])
    device = CudaEmuDevice()
    settings = replace(TINY, sanitise=True, speed_models=())
    try:
        found = verify(device, settings)
    finally:
        device.close()
    assert not found.passed and "1 of 1 searches" in headline(found)


def test_errors_of_the_device_are_differences():
    device = CudaEmuDevice()
    comparer = Comparer(device)
    found = comparer.compare(PLAIN, replace(WAY, block=33))
    comparer.close()
    device.close()
    assert not found.equal and "block must be a multiple of 32" in found.difference


def test_what_there_is_no_time_for_is_listed():
    device = CudaEmuDevice()
    try:
        found = verify(device, replace(TINY, budget=-1.0, limit=-1.0))
    finally:
        device.close()
    assert not found.passed and headline(found) == "failed: nothing was compared"
    assert [s.reason for s in found.skipped] == ["no time left in the budget"] * 2
    assert "Not done" in markdown(found)


def test_a_fake_gpu_is_checked(fake_gpu, monkeypatch, tmp_path, capsys):
    fake = fake_gpu()
    monkeypatch.setattr(sanitize, "find_sanitizer", lambda: None)
    monkeypatch.setattr("spikecuda.verify.settings_for", lambda quick, emulated: TINY)
    monkeypatch.setattr("spikecuda.report.machine._driver_version", lambda: "13.0")
    monkeypatch.setattr("spikecuda.report.machine._gpus", lambda count: [])
    assert main(["verify", "--gpu", "--out", str(tmp_path / "made")]) == 0
    told = capsys.readouterr().out
    assert "passed: 1 runs on cuda:0" in told and "emulated" not in told
    data = json.loads((tmp_path / "made" / "verify.json").read_text())
    (speed,) = data["throughput"]
    assert not data["emulated"] and speed["fraction"] > 0 and speed["limit"]
    assert data["figures"]["source"] == "the driver"
    assert data["figures"]["clock"] == 1980.0
    assert fake.allocated == 0
    assert not main(["verify", "--device", "cuda:0", "--quiet", "--out", str(tmp_path / "b")])


def test_a_gpu_that_fails_is_reported_and_written(fake_gpu, monkeypatch, tmp_path, capsys):
    """From the first copy on every call fails, as after a kernel's fault; closing fails too."""
    fake = fake_gpu()
    monkeypatch.setattr(sanitize, "find_sanitizer", lambda: None)
    monkeypatch.setattr("spikecuda.verify.settings_for", lambda quick, emulated: TINY)
    monkeypatch.setattr("spikecuda.report.machine._driver_version", lambda: "13.0")
    monkeypatch.setattr("spikecuda.report.machine._gpus", lambda count: [])
    fake.failures["Stream.sync"] = "CUDA_ERROR_ILLEGAL_ADDRESS"
    assert main(["verify", "--gpu", "--out", str(tmp_path / "made")]) == 1
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in capsys.readouterr().out
    data = json.loads((tmp_path / "made" / "verify.json").read_text())
    assert not data["passed"] and data["throughput"] == []
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in data["comparisons"][0]["difference"]
    assert data["skipped"][0]["reason"].startswith(
        "failed: cuda:0 failed at step 0 (the CUDA driver reports"
    )
    assert fake.allocated == 0


SCRIPT = """#!{python}
import sys
assert sys.argv[1:3] == ["--tool", "memcheck"], sys.argv
assert sys.argv[-3:] == ["-m", "spikecuda.verify.small", "cuda:0"], sys.argv
{body}
"""
FOUND = """
print("========= COMPUTE-SANITIZER")
print("========= Invalid __global__ read of size 4 bytes")
print("========= ERROR SUMMARY: 3 errors")
sys.exit(86)
"""


@pytest.mark.parametrize("body, status, told", [
    ('print("========= ERROR SUMMARY: 0 errors")', "passed", "ERROR SUMMARY: 0 errors"),
    ('print("========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)")', "passed",
     "0 hazards"),
    (FOUND, "failed", "ERROR SUMMARY: 3 errors; Invalid __global__ read of size 4 bytes"),
    ('sys.exit("no such option")', "failed", "exit code 1: no such option"),
    ("import time; time.sleep(60)", "absent", "not done after"),
])  # fmt: skip
def test_compute_sanitizer_is_understood(tmp_path, monkeypatch, body, status, told):
    program = tmp_path / "bin" / "compute-sanitizer"
    program.parent.mkdir()
    program.write_text(SCRIPT.format(python=sys.executable, body=body))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    monkeypatch.setattr(sanitize, "TOOLS", ("memcheck",))
    monkeypatch.setattr(sanitize, "TIMEOUT", 1.0 if status == "absent" else 30.0)
    (found,) = sanitize.sanitise("cuda:0", False, lambda what: None)
    assert found.status == status and told in found.detail


def test_an_absent_sanitizer_is_absent_not_passed(monkeypatch, tmp_path):
    for name in ("CUDA_HOME", "CUDA_PATH", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(sanitize, "FOLDERS", ())
    found = sanitize.sanitise("cuda:0", False, lambda what: None)
    assert [f.tool for f in found] == ["memcheck", "racecheck", "initcheck"]
    assert {f.status for f in found} == {"absent"} and "CUDA toolkit" in found[0].detail


def test_what_the_sanitizer_watches_runs_by_itself(monkeypatch, capsys):
    monkeypatch.setattr(small, "CASES", (PLAIN,))
    small.main("cuda-emu")
    assert "adex euler float32, bias: 129 neurons, 20 steps" in capsys.readouterr().out


def test_everything_built_in_is_a_case():
    cases = all_cases()
    assert len(set(cases)) == len(cases)
    for model in MODELS:
        for scheme in as_model(model).schemes:
            for precision in PRECISIONS:
                kernel = (model, scheme, precision)
                made = {c.structure for c in cases if (c.model, c.scheme, c.precision) == kernel}
                assert made | {"no refractory period"} == set(STRUCTURES)
    for quick in (True, False):
        settings = settings_for(quick, emulated=False)
        assert {c.precision for c in settings.varied} == set(PRECISIONS)
        ways = list(variations(settings))
        assert {w.neurons for w in ways} >= {1, 31, 32, 33, 127, 128, 129, 1023, 1024, 1025}
        assert {w.block for w in ways} == {32, 64, 128, 256, 512, 1024}
        assert any(w.window and w.splits[0] >= 2 * w.window for w in ways)  # replays a graph
        assert len({sum(w.splits) for w in ways}) == 2
    assert settings_for(False, False).cases == cases
    assert max(p.neurons for p in points(settings_for(False, False))) == 10_000_000


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_case_s_kernel_is_the_one_that_runs(structure):
    case = Case("lif", "exact", "float32", structure)
    with GPUNeuronPool(40, device="cpu", **case.options(40)) as pool:
        drive = ResolvedInput(
            case.input(40, 9, 3, 5), 40, pool.dt, 2, pool.neuron_spec.precision.real
        )
        assert pool.neuron_spec.spec(drive.spec, case.traces) == case.spec()


def test_figures_come_from_the_driver_or_are_published_or_missing():
    class Told:
        description, cc = "NVIDIA H100 80GB HBM3, compute capability 9.0", (9, 0)

        def __init__(self, bandwidth):
            self.bandwidth = bandwidth

        def figures(self):
            return {"multiprocessors": 114.0, "clock": 1755.0, "bandwidth": self.bandwidth,
                    "l2": 50.0}  # fmt: skip

    assert figures_of(Told(2039.0))[0].multiprocessors == 114
    assert figures_of(Told(0.0))[0].name == "H100"
    Told.description = "NVIDIA X1"
    figures, missing = figures_of(Told(0.0))
    assert figures is None and "does not tell bandwidth" in missing
    bounds = Bounds(figures, (9, 0), missing)
    assert bounds.rate(PLAIN.spec(), 1000, 16, 10.0) == (None, "")
    assert bounds.skipped == [Skipped("bounds of throughput", missing)]


def test_runs_are_named_shortly():
    assert _splits([1, 1, 1, 5]) == "3 x 1, 5"
    assert _splits([64]) == "64"


def test_a_pool_s_device_must_run_kernels():
    device = open_device("cpu")
    with pytest.raises(SpikecudaValueError, match="must be a GPU"):
        verify(device, TINY)
    device.close()


@pytest.mark.slow
def test_kernels_are_compiled_side_by_side(tmp_path, monkeypatch):
    """In processes of their own, into the disk cache."""
    code = (
        "from spikecuda.verify import warm, cases\n"
        "warm.usable_cores = lambda: 3\n"
        "if __name__ == '__main__':\n"
        "    made = [c for c in cases.all_cases() if c.model == 'lif'][:3]\n"
        "    warm.warm(made, (9, 0), print)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    root = str(Path(spikecuda.__file__).parents[1])
    env = {**os.environ, "SPIKECUDA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": root}
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, env=env
    )
    assert run.stdout.split("\n")[:3] == ["1 of 3", "2 of 3", "3 of 3"]
    assert len(list((tmp_path / "cache").rglob("*.kernel"))) == 3
