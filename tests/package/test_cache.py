"""Rendered modules and compiled kernels: found again, never stale, whoever else writes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikecuda.kernels import cache

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import spikecuda, numpy as np
p = spikecuda.GPUNeuronPool(100, 'lif', device='cpu', seed=5)
r = p.run(steps=400, input=spikecuda.Noise(300.0, mean=200.0))
from spikecuda.kernels.cache import cache_dir
print(len(r.spikes), int(r.spikes.step.sum()), cache_dir())
"""


def start(code=CODE, prefix=(), **env):
    full = {k: v for k, v in os.environ.items() if not k.startswith(("XDG", "SPIKECUDA"))}
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**full, "PYTHONPATH": str(ROOT), **env},
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.split()


def test_write_once_is_atomic_and_keeps_the_first(tmp_path):
    path = tmp_path / "a" / "b.txt"
    cache.write_once(path, b"one")
    stamp = path.stat().st_mtime_ns
    cache.write_once(path, b"one")
    assert path.stat().st_mtime_ns == stamp
    cache.write_once(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_concurrent_processes_with_a_cold_cache_agree(tmp_path):
    runs = [start(SPIKECUDA_CACHE_DIR=str(tmp_path)) for _ in range(4)]
    results = [finish(r)[:2] for r in runs]
    assert results[0][0] != "0"
    assert all(r == results[0] for r in results)
    rendered = list(tmp_path.rglob("lif_update_f32_cpu_*.py"))
    assert len(rendered) == 1
    assert not [p for p in tmp_path.rglob("*") if p.suffix not in (".py", ".nbi", ".nbc", "")]


@pytest.mark.slow
def test_an_unwritable_home_does_not_matter(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    as_user = ()
    if os.geteuid() == 0:
        # Root can write anywhere: make the home a file instead.
        home.rmdir()
        home.write_text("not a folder")
    result = finish(start(prefix=as_user, HOME=str(home), TMPDIR=str(tmp_path)))
    assert result[0] != "0"
    assert Path(result[2]).parent == tmp_path
    assert not Path(result[2]).exists()  # the private folder goes with the process


def test_a_changed_template_gives_another_file():
    from spikecuda.kernels.render import digest

    assert digest("a", "b") != digest("ab", "")
    assert digest("a") == digest("a")
    assert len(digest("a")) == 16
