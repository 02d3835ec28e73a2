"""The cache of machine code: used again, checked, shared by processes, harmless when unwritable."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from spikecuda import emu
from spikecuda.emu import jit, store
from spikecuda.kernels.compile import cache

from .ptxlib import module

BODY = """
  .reg .b64 %d<2>; .reg .b32 %r<2>;
  ld.param.u64 %d0, [out];
  mov.u32 %r0, {};
  st.global.u32 [%d0], %r0;
  ret;
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    cache.cache_dir.cache_clear()
    monkeypatch.setenv("SPIKECUDA_CACHE_DIR", str(tmp_path))
    yield tmp_path
    cache.cache_dir.cache_clear()


def run(number, **options):
    out = np.zeros(1, np.uint32)
    kernel = emu.PTXKernel(module(BODY.format(number), ".param .u64 out"), **options)
    kernel[1, 1](out.ctypes.data)
    assert out[0] == number
    return kernel.program(kernel.device.checked)


def test_code_is_used_again(folder):
    assert not run(1).cached
    assert run(1).cached
    assert not run(2).cached
    assert len(list(emu.cache_dir().iterdir())) == 2
    assert str(emu.cache_dir()).startswith(str(folder))


def test_modes_and_versions_do_not_mix(folder, monkeypatch):
    text = module(BODY.format(3), ".param .u64 out")
    assert not jit.compile_program(text, None, False).cached
    assert not jit.compile_program(text, None, True).cached
    assert jit.compile_program(text, None, True).cached
    monkeypatch.setattr(jit, "_fingerprint", lambda: "another LLVM")
    assert not jit.compile_program(text, None, True).cached


@pytest.mark.parametrize(
    "damage",
    [lambda d: d[:-1], lambda d: d + b"x", lambda d: b"", lambda d: d[:50] + b"!" + d[51:]],
)
def test_damaged_files_are_made_anew(folder, damage):
    run(4)
    (path,) = emu.cache_dir().iterdir()
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert not run(4).cached
    assert path.read_bytes() == good
    assert run(4).cached


def test_an_unwritable_folder_costs_time_only(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for name in ("SPIKECUDA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(blocked))
    cache.cache_dir.cache_clear()
    try:
        run(5)
        assert str(blocked) not in str(emu.cache_dir())
        monkeypatch.setattr(store, "cache_dir", lambda: blocked / "deeper")
        assert not run(6).cached
        assert not run(6).cached
    finally:
        cache.cache_dir.cache_clear()


def test_processes_share_it_safely(folder):
    script = """
import numpy as np, sys
from spikecuda import emu
from tests.emu.ptxlib import module
from tests.emu.test_cache import run
for number in range(10, 16):
    run(number)
"""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = {**os.environ, "PYTHONPATH": root}
    workers = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, cwd=root)
        for _ in range(2)
    ]
    assert [w.wait(timeout=100) for w in workers] == [0, 0]
    # beside the folder where Numba keeps the scheduler
    assert sum(path.is_file() for path in emu.cache_dir().iterdir()) == 6
    for number in range(10, 16):
        assert run(number).cached
