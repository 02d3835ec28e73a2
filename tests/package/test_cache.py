"""Rendered modules and compiled kernels: found again, never stale, whoever else writes."""

import os
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from spikecuda.kernels.compile import cache

ROOT = Path(__file__).resolve().parents[2]
# Prints the spikes, where the cache is, and how many functions numba has compiled.
CODE = """
from numba.core import event
compiled = []
class Compilation(event.Listener):
    def on_start(self, e):
        compiled.append(e)
    def on_end(self, e):
        pass
event.register("numba:compile", Compilation())
import spikecuda
p = spikecuda.GPUNeuronPool(100, 'lif', device='cpu', seed=5, threads=1)
r = p.run(steps=400, input=500.0)
from spikecuda.kernels.compile import cache
print(len(r.spikes), int(r.spikes.step.sum()), cache.cache_dir(), len(compiled))
"""


def start(code=CODE, before=None, **env):
    full = {k: v for k, v in os.environ.items() if not k.startswith(("XDG", "SPIKECUDA"))}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
        env={**full, "PYTHONPATH": str(ROOT), **env},
    )


def finish(process):
    """Return what a process printed, and the notes on the cache that it left on stderr."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    notes = [line for line in err.splitlines() if "spikecuda: compiling kernels" not in line]
    return out.split(), notes


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache of this process."""
    monkeypatch.setenv("SPIKECUDA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_notes", set())
    cache.cache_dir.cache_clear()
    yield cache.cache_dir()
    cache.cache_dir.cache_clear()


def test_an_entry_is_kept_for_this_user_alone_and_found_again(folder):
    previous = os.umask(0)
    try:
        cache.save(folder / "rendered" / "a.nbc", b"one")
    finally:
        os.umask(previous)
    assert cache.load(folder / "rendered" / "a.nbc") == b"one"
    assert cache.load(folder / "rendered" / "b.nbc") is None
    assert [p.name for p in (folder / "rendered").iterdir()] == ["a.nbc"]
    for path in (folder.parent, folder, folder / "rendered"):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (folder / "rendered" / "a.nbc").stat().st_mode & 0o777 == 0o600


def test_a_text_is_written_once(folder):
    path = folder / "rendered" / "a.py"
    cache.write_once(path, b"one")
    stamp = path.stat().st_mtime_ns
    cache.write_once(path, b"one")
    assert path.stat().st_mtime_ns == stamp
    cache.write_once(path, b"two")
    assert path.read_bytes() == b"two"


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(256)) * 3])
def test_no_damaged_entry_is_taken(folder, payload):
    path = folder / "rendered" / "a.nbc"
    cache.save(path, payload)
    good = path.read_bytes()
    draw = random.Random(1)
    damaged = [good[:cut] for cut in range(len(good))] + [good + b"\0", good[1:], payload]
    for _ in range(200):
        at, bit = draw.randrange(len(good)), draw.randrange(8)
        damaged.append(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
    for data in damaged:
        path.write_bytes(data)
        assert cache.load(path) is None
    # Under another's name a sound entry is as wrong.
    path.write_bytes(good)
    path.rename(path.with_name("b.nbc"))
    assert cache.load(path.with_name("b.nbc")) is None


@pytest.mark.slow
def test_concurrent_processes_with_a_cold_cache_agree(tmp_path):
    runs = [start(SPIKECUDA_CACHE_DIR=str(tmp_path)) for _ in range(4)]
    results = [finish(r) for r in runs]
    assert results[0][0][0] != "0"
    assert all(r[0][:2] == results[0][0][:2] and not r[1] for r in results)
    rendered = list(tmp_path.rglob("lif_update_f32_cpu_*.py"))
    assert len(rendered) == 1
    assert {p.suffix for p in tmp_path.rglob("*")} == {"", ".py", ".code", ".nbc"}


@pytest.mark.slow
def test_whatever_is_damaged_is_made_anew_at_once(tmp_path):
    first, _ = finish(start(SPIKECUDA_CACHE_DIR=str(tmp_path)))
    good = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert sum(p.suffix == ".nbc" for p in good) >= 3 and int(first[3]) >= 3
    draw = random.Random(2)
    damages = [
        lambda data: b"",
        lambda data: data[: draw.randrange(len(data))],
        lambda data: draw.randbytes(len(data)),
    ]
    for damage in damages:
        for path, data in good.items():
            path.write_bytes(damage(data))
        again, notes = finish(start(SPIKECUDA_CACHE_DIR=str(tmp_path)))
        assert again == first and not notes
        warm, notes = finish(start(SPIKECUDA_CACHE_DIR=str(tmp_path)))
        assert warm[:3] == first[:3] and warm[3] == "0" and not notes


def nothing_can_be_written():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.slow
def test_a_full_disk_costs_time_only(tmp_path):
    cold, notes = finish(start(before=nothing_can_be_written, SPIKECUDA_CACHE_DIR=str(tmp_path)))
    assert cold[0] != "0" and len(notes) == 1
    assert "cannot be kept" in notes[0] and str(tmp_path) in notes[0]
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.parametrize("failing", ["mkdir", "open"])
def test_a_disk_without_inodes_costs_time_only(folder, monkeypatch, caplog, failing):
    def full(*args, **options):
        raise OSError(28, "No space left on device", str(args[0]))

    monkeypatch.setattr(cache.trust.Path if failing == "mkdir" else cache.files.os, failing, full)
    for name in ("a", "b"):
        cache.save(folder / "rendered" / name, b"one")
    monkeypatch.undo()
    assert [r.message.count("No space left on device") for r in caplog.records] == [1]


def test_without_any_folder_nothing_is_kept(monkeypatch, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for name in ("SPIKECUDA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(blocked))

    def nowhere(**options):
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(cache.tempfile, "mkdtemp", nowhere)
    cache.cache_dir.cache_clear()
    try:
        folder = cache.cache_dir()
        cache.save(folder / "rendered" / "a", b"one")
        assert cache.load(folder / "rendered" / "a") is None
        assert cache.version_folders() == [folder]
    finally:
        cache.cache_dir.cache_clear()
    assert str(blocked) in caplog.records[0].message


@pytest.mark.slow
def test_an_unwritable_home_does_not_matter(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    if os.geteuid() == 0:
        # Root can write anywhere: make the home a file instead.
        home.rmdir()
        home.write_text("not a folder")
    result, notes = finish(start(HOME=str(home), TMPDIR=str(tmp_path)))
    assert result[0] != "0"
    assert Path(result[2]).parent == tmp_path
    assert not Path(result[2]).exists()  # the private folder goes with the process
    assert len(notes) == 1 and str(home) in notes[0] and "SPIKECUDA_CACHE_DIR" in notes[0]


def test_a_changed_template_gives_another_file():
    from spikecuda.kernels.spec import digest

    assert digest("a", "b") != digest("ab", "")
    assert digest("a") == digest("a")
    assert len(digest("a")) == 16
