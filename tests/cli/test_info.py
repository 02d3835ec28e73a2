"""spikecuda info."""

import json

from spikecuda.devices.open import GpuStatus, gpu_status


def test_text(cli):
    code, out, err = cli("info")
    assert code == 0 and err == ""
    for word in ("processor", "numba", "Cache of compiled kernels", "folder"):
        assert word in out


def test_json(cli):
    code, out, _ = cli("info", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["usable_cores"] >= 1 and data["memory"] > 1e8
    assert data["versions"]["numba"] and data["cache"]["files"] >= 0
    # Either there are GPUs, or it says why not and what to do.
    assert bool(data["gpus"]) != bool(data["gpu_missing"])
    assert bool(data["gpu_missing"]) == bool(data["gpu_remedy"])


def test_says_what_is_missing(cli, monkeypatch):
    status = GpuStatus(False, "cuda-core is not installed", 'pip install "spikecuda[cuda]"')
    monkeypatch.setattr("spikecuda.devices.open.gpu_status", lambda: status)
    _, out, _ = cli("info")
    assert "cuda-core is not installed" in out and 'pip install "spikecuda[cuda]"' in out


def test_status_is_what_devices_say(cli):
    _, out, _ = cli("info", "--json")
    assert json.loads(out)["gpu_missing"] == gpu_status().reason
