"""spikecuda cache: what is there, and what goes."""

import json
import os
import time

import pytest

from spikecuda.kernels.compile import cache, usage


@pytest.fixture
def filled(tmp_path, monkeypatch):
    """A cache of two versions of Python with entries of known age, and files that are not its."""
    monkeypatch.setenv("SPIKECUDA_CACHE_DIR", str(tmp_path))
    cache.cache_dir.cache_clear()
    now = time.time()
    for version in (cache.VERSION, "py310"):
        for days in (0, 10, 40):
            path = tmp_path / version / "rendered" / f"{days}.nbc"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(b"x" * 1000)
            os.utime(path, (now - 60 - days * 86400,) * 2)
    (tmp_path / cache.VERSION / "emu" / "njit").mkdir(parents=True)
    (tmp_path / cache.VERSION / "emu" / "njit" / "a").write_bytes(b"y" * 10)
    (tmp_path / cache.VERSION / "tuning.json").write_text("{}")
    (tmp_path / "thesis.tex").write_text("mine")
    (tmp_path / "python" / "rendered").mkdir(parents=True)
    (tmp_path / "python" / "rendered" / "a.nbc").write_text("mine")
    yield tmp_path
    cache.cache_dir.cache_clear()


def left(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_it_shows_where_and_how_much(cli, filled):
    code, out, err = cli("cache")
    assert (code, err) == (0, "")
    for word in (str(filled), "rendered", "7 files", "py310", "6.01 KB"):
        assert word in " ".join(out.split()), out
    about = json.loads(cli("cache", "--json")[1])
    assert about["bytes"] == 6010 and about["files"] == 7
    assert about["kinds"]["emu"] == {"bytes": 10, "files": 1}
    assert len(left(filled)) == 10


def test_clear_removes_all_kernels_and_nothing_else(cli, filled):
    target = filled / "elsewhere"
    target.mkdir()
    (target / "mine").write_text("mine")
    (filled / cache.VERSION / "rendered" / "link").symlink_to(target)
    code, out, _ = cli("cache", "clear")
    assert code == 0 and "removed" in out
    assert left(filled) == [
        "elsewhere/mine", f"{cache.VERSION}/tuning.json", "python/rendered/a.nbc", "thesis.tex",
    ]  # fmt: skip
    assert json.loads(cli("cache", "--json")[1])["files"] == 0
    # What was cleared can be filled again by a process that is running.
    cache.save(cache.cache_dir() / "rendered" / "a", b"one")
    assert cache.load(cache.cache_dir() / "rendered" / "a") == b"one"


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ((), {"0", "10"}),
        (("--days", "5"), {"0"}),
        (("--days", "0"), set()),
        (("--days", "100"), {"0", "10", "40"}),
        (("--size", "3k"), {"0"}),
        (("--size", "1G"), {"0", "10", "40"}),
    ],
)
def test_prune_removes_what_was_not_used(cli, filled, options, kept):
    about = json.loads(cli("cache", "prune", *options, "--json")[1])
    names = {p.stem for p in filled.rglob("py*/rendered/*.nbc") if "python" not in p.parts}
    assert names == kept
    assert about["removed"]["files"] + about["files"] == 7
    assert (filled / cache.VERSION / "tuning.json").exists()


def test_what_killed_processes_left_goes_after_an_hour(filled):
    folder = filled / cache.VERSION / "rendered"
    old, new = folder / ".spikecuda-old.tmp", folder / ".spikecuda-new.tmp"
    for path, age in ((old, 7200), (new, 5)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    assert [e.path for e in usage.prune([filled / cache.VERSION])] == [old]
    assert new.exists()


def test_the_cache_bounds_itself(filled, monkeypatch):
    monkeypatch.setattr(cache, "LIMIT", 5000)
    cache._bound.cache_clear()
    cache.save(cache.cache_dir() / "rendered" / "fresh", b"one")
    size = sum(e.size for e in usage.entries(cache.version_folders()))
    assert size <= 0.75 * 5000 + 100
    assert cache.load(cache.cache_dir() / "rendered" / "fresh") == b"one"
    assert not (filled / "py310" / "rendered" / "40.nbc").exists()
    assert (filled / "py310" / "rendered" / "0.nbc").exists()


def test_what_is_used_is_marked_as_used(filled):
    path = cache.cache_dir() / "rendered" / "old"
    cache.save(path, b"one")
    os.utime(path, (1.0, 1.0))
    assert cache.load(path) == b"one"
    assert time.time() - path.stat().st_mtime < 100


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("clear", "--days", "3"), "--days is for prune"),
        (("--size", "3M"), "--size is for prune"),
        (("prune", "--days", "-1"), "--days must be from 0"),
        (("prune", "--days", "nan"), "--days must be from 0"),
        (("prune", "--size", "lots"), "--size must be a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused(cli, filled, argv, words):
    before = left(filled)
    code, _, err = cli("cache", *argv)
    assert code == 2 and words in err
    assert left(filled) == before


def test_a_cache_that_others_can_write_is_named(cli, filled):
    filled.chmod(0o777)
    cache.cache_dir.cache_clear()
    code, _, err = cli("cache", "clear")
    assert code == 2 and str(filled) in err and "chmod go-w" in err
    assert len(left(filled)) == 10
