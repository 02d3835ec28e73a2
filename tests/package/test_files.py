"""Files are written whole or not at all, wherever spikecuda writes one."""

import ast
import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest

import spikecuda
from spikecuda.common import files
from spikecuda.errors import SpikecudaValueError

ROOT = Path(spikecuda.__file__).resolve().parent
SOURCES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "common" / "files.py")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_new_content_takes_the_name(tmp_path):
    path = tmp_path / "a.txt"
    assert files.write_text(path, "grüße") == path
    assert path.read_bytes() == "grüße".encode()
    files.write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_follows_the_umask(tmp_path, umask):
    previous = os.umask(umask)
    try:
        files.write_bytes(tmp_path / "new", b"")
        files.write_bytes(tmp_path / "own", b"", private=True)
    finally:
        os.umask(previous)
    assert mode_of(tmp_path / "new") == 0o666 & ~umask
    assert mode_of(tmp_path / "own") == 0o600


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(mode)
    files.write_text(path, "new")
    assert mode_of(path) == mode and path.read_text() == "new"


@pytest.mark.parametrize("failure", [ValueError("half"), KeyboardInterrupt(), OSError(28, "full")])
def test_an_error_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(type(failure)), files.replacing(path) as file:
        file.write(b"half of it")
        raise failure
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_an_error_of_the_disk_names_the_file(tmp_path, monkeypatch, call):
    path = tmp_path / "a"
    path.write_text("old")

    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, call, full)
    with pytest.raises(OSError, match=str(path)):
        files.write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_the_temporary_name_cannot_be_guessed_and_follows_no_link(tmp_path, monkeypatch):
    names = set()
    opened = os.open

    def watched(path, flags, *rest, **options):
        if flags & os.O_CREAT:
            names.add(Path(path).name)
            assert flags & os.O_EXCL
        return opened(path, flags, *rest, **options)

    monkeypatch.setattr(files.os, "open", watched)
    for _ in range(20):
        files.write_text(tmp_path / "a", "new")
    assert len(names) == 20
    assert all(files.is_left_over(name) and len(name) > 24 for name in names)
    # Even if it is guessed: what is planted there is not touched.
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: "known")
    (tmp_path / f"{files.PREFIX}known{files.SUFFIX}").symlink_to(victim)
    with pytest.raises(FileExistsError):
        files.write_text(tmp_path / "a", "newer")
    assert victim.read_text() == "precious" and (tmp_path / "a").read_text() == "new"


def test_a_link_of_that_name_is_replaced_and_its_target_is_not_touched(tmp_path):
    victim, link, dangling = tmp_path / "victim", tmp_path / "link", tmp_path / "dangling"
    victim.write_text("precious")
    link.symlink_to(victim)
    dangling.symlink_to(tmp_path / "nothing")
    for path in (link, dangling):
        files.write_text(path, "new")
        assert not path.is_symlink() and path.read_text() == "new"
    assert victim.read_text() == "precious" and not (tmp_path / "nothing").exists()


def test_links_among_the_folders_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "folder").symlink_to(tmp_path / "real")
    files.write_text(tmp_path / "folder" / "a", "new")
    assert (tmp_path / "real" / "a").read_text() == "new"


def test_what_is_no_file_is_not_replaced(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path, kind in (
        (tmp_path, "folder"), (pipe, "device or pipe"), (link, "device or pipe"),
        (Path("/dev/null"), "device or pipe"),
    ):  # fmt: skip
        with pytest.raises(SpikecudaValueError, match=f"path must be a file .got the {kind}"):
            files.write_text(path, "new")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and link.is_symlink()
    with pytest.raises(SpikecudaValueError, match="NUL"):
        files.write_text("a\0b", "new")


def test_a_file_that_may_not_be_written_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)  # root may write anything
    with pytest.raises(PermissionError, match=str(path)):
        files.write_text(path, "new")
    assert path.read_text() == "old"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_all_files_are_written_in_one_place(path):
    """Nothing else opens a file to write it: what is not in this list of ways would be added."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        where = f"{path}:{node.lineno} calls {name}; use common.files"
        assert name not in ("write_text", "write_bytes") or isinstance(function, ast.Name) or (
            getattr(function.value, "id", "") == "files"
        ), where  # fmt: skip
        assert name not in ("tofile", "savetxt", "memmap", "savez_compressed", "to_csv"), where
        if name in ("open", "fdopen"):
            mode = [a for a in (*node.args, *(k.value for k in node.keywords if k.arg == "mode"))]
            texts = [a.value for a in mode[1:] if isinstance(a, ast.Constant)]
            if mode and ast.unparse(mode[0]) == "os.devnull":
                continue
            assert not any(isinstance(t, str) and set(t) & set("wax+") for t in texts), where
        library = isinstance(function, ast.Attribute) and ast.unparse(function.value) == "np"
        if name in ("savez", "savefig") or (name == "save" and library):
            assert ast.unparse(node.args[0]) in ("file", "buffer", "picture"), where


def picture(path):
    from spikecuda.plots import raster
    from spikecuda.runtime.spikes import Spikes

    spikes = {"E": Spikes(np.arange(5, dtype=np.int64), np.zeros(5, np.int32), 0.1)}
    raster(spikes, {"E": 1}, 0.0, 1.0, path=path)


def result(path):
    from spikecuda.network.results.result import NetworkResult

    NetworkResult({}, {}, {}, {}, {}, 0.0, 1.0, 0.1, 0.0).save(path)


@pytest.mark.parametrize(
    ("write", "ending"),
    [(picture, "png"), (picture, "pdf"), (picture, "svg"), (result, "npz")],
)
def test_what_users_write_is_whole_or_not_there(tmp_path, monkeypatch, write, ending):
    path, victim = tmp_path / f"a.{ending}", tmp_path / "victim"
    victim.write_text("precious")
    path.symlink_to(victim)
    write(path)
    good = path.read_bytes()
    assert not path.is_symlink() and len(good) > 100 and victim.read_text() == "precious"

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path)
    assert path.read_bytes() == good
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, "victim"])
