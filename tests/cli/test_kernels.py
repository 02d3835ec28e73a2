"""spikecuda kernels list and show."""

import importlib.util
import json

import pytest

from spikecuda.cli import kernellist, kernelspec
from spikecuda.errors import MissingPackageError
from spikecuda.models import find

has_cuda = importlib.util.find_spec("numba_cuda") is not None
needs_cuda = pytest.mark.skipif(not has_cuda, reason="the cuda extra is not installed")


@pytest.fixture
def no_cuda(monkeypatch):
    """Take the cuda extra away."""

    def missing(*args):
        raise MissingPackageError('CUDA needs numba_cuda; pip install "spikecuda[cuda]"')

    monkeypatch.setattr("spikecuda.kernels.compile.cuda.build", missing)


@needs_cuda
def test_list_a_model(cli):
    code, out, err = cli("kernels", "list", "lif", "--json")
    assert code == 0, err
    data = json.loads(out)
    assert data["arch"] == "sm_90" and len(data["kernels"]) == 3
    for row in data["kernels"]:
        assert 8 <= row["registers"] <= 128 and row["spill_bytes"] == 0
    assert [r["state_bytes"] for r in data["kernels"]] == [3, 6, 10]


def test_rules(cli):
    """Rules of synapses are listed, all or some, as text or JSON."""
    code, out, _ = cli("kernels", "rules")
    assert code == 0
    assert "STDP(w_max, tau_plus=20" in out and "TsodyksMarkram(U=0.5" in out
    code, out, _ = cli("kernels", "rules", "dopamine_stdp", "--json")
    [rule] = json.loads(out)["rules"]
    assert (rule["class"], rule["variables"], rule["bytes"]) == ("DopamineSTDP", ["c"], 8)
    code, _, err = cli("kernels", "rules", "stdpp")
    assert code == 2 and "did you mean 'stdp'" in err


def test_list_without_the_cuda_extra(cli, no_cuda):
    code, out, _ = cli("kernels", "list")
    assert code == 0
    for words in ("adex_update_f16", "heun", "half_steps", "Registers and spills are unknown",
                  'pip install "spikecuda[cuda]"'):  # fmt: skip
        assert words in out


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_show_source(cli, target, no_cuda):
    code, out, _ = cli("kernels", "show", "adex", "-p", "float16", "--target", target,
                       "--scheme", "heun", "--input", "per-neuron+noise")  # fmt: skip
    assert code == 0
    assert out.startswith("# adex_update_f16: adex, scheme heun, float16")
    assert "bytes per neuron and step" in out and "def adex_update_f16(" in out
    compile(out, "shown", "exec")


@needs_cuda
def test_show_ptx(cli):
    code, out, _ = cli("kernels", "show", "lif", "--ptx", "--arch", "8.6")
    assert code == 0 and "registers: " in out and ".target sm_86" in out and "lif_update_f32" in out


@needs_cuda
def test_show_sass(cli):
    code, out, _ = cli("kernels", "show", "lif", "--sass")
    assert code == 0 and "spills: 0 bytes" in out and "EXIT" in out


def test_show_assembly(cli):
    code, out, _ = cli("kernels", "show", "lif", "--asm")
    assert code == 0 and "lines with vector registers" in out and "lif_update_f32" in out


def test_show_users_model(cli, model_file):
    code, out, err = cli("kernels", "show", f"{model_file}:MyQIF", "--target", "cpu")
    assert code == 0, err
    assert "def myqif_update_f32(" in out


def test_without_the_cuda_extra_says_so(cli, no_cuda):
    code, _, err = cli("kernels", "show", "lif", "--ptx")
    assert code == 2 and 'pip install "spikecuda[cuda]"' in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--ptx", "--target", "cpu"), "--ptx belongs to --target cuda"),
        (("--asm", "--target", "cuda"), "--asm belongs to --target cpu"),
        (("--scheme", "rk4"), "has the schemes exact"),
        (("--input", "sinus"), "--input must be made of"),
        (("--arch", "hopper"), "--arch must be a compute capability"),
        (("--substeps", "0"), "--substeps must be from 1 to 64"),
        (("--precision", "int8"), "precision must be"),
    ],
)
def test_refusals(cli, argv, message):
    code, _, err = cli("kernels", "show", "lif", *argv)
    assert code == 2 and message in err


def test_unknown_model(cli):
    code, _, err = cli("kernels", "list", "lfi")
    assert code == 2 and "did you mean 'lif'" in err


def test_traffic():
    lif = kernelspec.make_spec(find("lif"), "float32", None, 1, "constant")
    moved = kernelspec.traffic(lif)
    # v and refrac, read and written; one spike bit.
    assert (moved.launch, moved.step) == (12.0, 0.125)
    assert moved.per_step(16) == 0.875
    drive = kernelspec.make_spec(find("adex"), "float64", None, 1, "per-neuron+drive")
    assert kernelspec.traffic(drive).launch == 2 * 16 + 8
    assert kernelspec.traffic(drive).step == 8.125


@pytest.mark.parametrize("text", ["9.0", "90", "sm_90"])
def test_compute_capability(text):
    assert kernelspec.compute_capability(text) == (9, 0)


def test_resources_come_from_the_compiler(monkeypatch):
    class Built:
        resources = "found"

    monkeypatch.setattr("spikecuda.kernels.compile.cuda.build", lambda spec, cc: Built())
    assert kernellist.resources(None, (9, 0)) == "found"
