"""A cache that somebody else can write to is not run."""

import os

import pytest

from spikecuda.errors import SpikecudaError
from spikecuda.kernels.compile import cache, trust

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
OTHER = 65533


@pytest.fixture
def chosen(tmp_path, monkeypatch):
    """SPIKECUDA_CACHE_DIR, made and empty."""
    folder = tmp_path / "above" / "cache"
    folder.mkdir(parents=True)
    monkeypatch.setenv("SPIKECUDA_CACHE_DIR", str(folder))
    monkeypatch.setattr(cache, "_notes", set())
    cache.cache_dir.cache_clear()
    yield folder
    cache.cache_dir.cache_clear()


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o722, 0o702])
@pytest.mark.parametrize("which", ["above", "cache", "version"])
def test_a_folder_that_others_can_write_is_refused(chosen, which, mode):
    folder = {"above": chosen.parent, "cache": chosen, "version": chosen / cache.VERSION}[which]
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    with pytest.raises(SpikecudaError) as caught:
        cache.cache_dir()
    for word in ("SPIKECUDA_CACHE_DIR", str(folder), f"{mode:04o}", "chmod go-w"):
        assert word in str(caught.value)
    folder.chmod(0o755)
    assert cache.cache_dir() == chosen / cache.VERSION


def test_nothing_is_made_in_a_folder_that_is_refused(chosen):
    chosen.chmod(0o777)
    with pytest.raises(SpikecudaError):
        cache.cache_dir()
    assert list(chosen.iterdir()) == []


@root_only
@pytest.mark.parametrize("which", ["above", "cache", "version"])
def test_a_folder_of_another_user_is_refused(chosen, which):
    folder = {"above": chosen.parent, "cache": chosen, "version": chosen / cache.VERSION}[which]
    folder.mkdir(exist_ok=True)
    os.chown(folder, OTHER, OTHER)
    with pytest.raises(SpikecudaError, match=f"{folder}.* belongs to user {OTHER}"):
        cache.cache_dir()


def test_a_sticky_folder_above_protects_what_is_in_it(chosen):
    chosen.chmod(0o1777)
    assert cache.cache_dir() == chosen / cache.VERSION
    cache.cache_dir.cache_clear()
    (chosen / cache.VERSION).chmod(0o1777)
    with pytest.raises(SpikecudaError, match="1777"):
        cache.cache_dir()


def test_the_folder_that_a_link_leads_to_counts(chosen, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (chosen / cache.VERSION).symlink_to(target)
    assert cache.cache_dir() == chosen / cache.VERSION
    cache.cache_dir.cache_clear()
    target.chmod(0o777)
    with pytest.raises(SpikecudaError, match=str(target)):
        cache.cache_dir()


def test_the_default_folder_is_passed_over_with_a_note(chosen, tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("SPIKECUDA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    assert cache.cache_dir() == tmp_path / "home" / ".cache" / "spikecuda" / cache.VERSION
    (note,) = caplog.records
    for word in (
        str(tmp_path / "shared"),
        "everybody",
        "0777",
        "chmod go-w",
        str(tmp_path / "home"),
    ):
        assert word in note.getMessage()


def test_a_folder_within_the_cache_is_looked_at_too(chosen, caplog):
    path = cache.cache_dir() / "rendered" / "a.nbc"
    path.parent.mkdir()
    path.parent.chmod(0o777)
    for _ in range(2):
        cache.save(path, b"one")
        assert cache.load(path) is None
    assert not path.exists()
    (note,) = caplog.records
    assert str(path.parent) in note.getMessage() and "chmod go-w" in note.getMessage()


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_an_entry_that_others_can_write_is_made_anew(chosen, mode):
    path = cache.cache_dir() / "rendered" / "a.nbc"
    cache.save(path, b"one")
    path.chmod(mode)
    assert cache.load(path) is None
    cache.save(path, b"one")
    assert cache.load(path) == b"one" and path.stat().st_mode & 0o777 == 0o600


@root_only
def test_an_entry_of_another_user_is_not_read(chosen):
    path = cache.cache_dir() / "rendered" / "a.nbc"
    cache.save(path, b"one")
    os.chown(path, OTHER, OTHER)
    assert cache.load(path) is None


def test_an_entry_that_is_a_link_is_not_followed(chosen, tmp_path):
    path = cache.cache_dir() / "rendered" / "a.nbc"
    cache.save(path, b"one")
    path.rename(tmp_path / "a.nbc")
    path.symlink_to(tmp_path / "a.nbc")
    assert cache.load(path) is None
    cache.save(path, b"two")
    assert not path.is_symlink() and cache.load(path) == b"two"


def test_planted_bytecode_is_not_run(chosen, tmp_path):
    """Python would take the ``.pyc`` without a look at the source."""
    import importlib.util
    import marshal

    from spikecuda.kernels.compile.modules import import_source

    path = cache.cache_dir() / "rendered" / "planted_module_for_a_test.py"
    pyc = (
        path.parent
        / "__pycache__"
        / f"{path.stem}.{__import__('sys').implementation.cache_tag}.pyc"
    )
    pyc.parent.mkdir(parents=True)
    evil = marshal.dumps(compile("value = 'planted'", str(path), "exec"))
    # Unchecked hash-based: valid for any source.
    pyc.write_bytes(importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + bytes(8) + evil)
    assert import_source(path, "value = 'mine'\n").value == "mine"


def test_folders_are_made_for_this_user_alone(tmp_path):
    previous = os.umask(0)
    try:
        trust.make_private(tmp_path / "a" / "b")
    finally:
        os.umask(previous)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_tilde_that_no_shell_has_seen_is_the_home_folder(chosen, monkeypatch):
    monkeypatch.setenv("HOME", str(chosen.parent))
    monkeypatch.setenv("SPIKECUDA_CACHE_DIR", f"~/{chosen.name}")
    assert cache.cache_dir() == chosen / cache.VERSION
