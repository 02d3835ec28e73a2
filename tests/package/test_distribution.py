"""What is built, installed or copied has every kernel, with and without symbolic links."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("spikecuda", "kernels", "docs", "tests", "bench", ".ci")
NOT_OURS = ("bench/peers/envs", "bench/results")  # what the benchmarks leave behind
# What stands in the place of the link spikecuda/kernels -> ../kernels.
PLACES = ("a link", "nothing", "a text file", "a copy")


def left_out(folder: str, names: list[str]) -> list[str]:
    """Tell shutil.copytree what to leave out."""
    here = Path(folder).relative_to(ROOT)
    return [n for n in names if n == "__pycache__" or (here / n).as_posix() in NOT_OURS]


def copy_source(target: Path, place: str) -> Path:
    """Copy the source tree, with the link or with what other systems make of it."""
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, symlinks=True, ignore=left_out)
    kernels = target / "spikecuda" / "kernels"
    kernels.unlink(missing_ok=True)
    if place == "a link":
        kernels.symlink_to("../kernels", target_is_directory=True)
    elif place == "a text file":  # git with core.symlinks=false
        kernels.write_text("../kernels")
    elif place == "a copy":  # cp -rL
        shutil.copytree(target / "kernels", kernels)
    return target


def files(folder: Path) -> set[str]:
    return {
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }


def call(*command: object, cwd: Path, code: int = 0) -> str:
    """Run a program without the caller's PYTHONPATH; return what it says: on stderr if it fails."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True, text=True, cwd=cwd, env=inherited, timeout=500,
    )  # fmt: skip
    assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
    return done.stderr if code else done.stdout


def build(tree: Path, what: str, out: Path) -> Path:
    """Build an sdist or a wheel as ``python -m build --no-isolation`` does, by PEP 517."""
    code = f"import hatchling.build as b; print(b.build_{what}({str(out)!r}))"
    out.mkdir(exist_ok=True)
    return out / call(sys.executable, "-c", code, cwd=tree).split()[-1]


def unpack(sdist: Path, out: Path) -> Path:
    with tarfile.open(sdist) as archive:
        # Python before 3.11.4 has no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(out)
    (tree,) = out.iterdir()
    return tree


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {n for n in archive.namelist() if ".dist-info/" not in n}


@pytest.fixture(scope="module")
def expected() -> set[str]:
    """Every file of the package, data files too, by its place in a wheel."""
    own = {f"spikecuda/{n}" for n in files(ROOT / "spikecuda") if not n.startswith("kernels")}
    return own | {f"spikecuda/kernels/{n}" for n in files(ROOT / "kernels")}


@pytest.fixture(scope="module")
def unlinked(tmp_path_factory) -> Path:
    return copy_source(tmp_path_factory.mktemp("unlinked") / "tree", "nothing")


@pytest.mark.parametrize("place", PLACES)
def test_sdist_and_wheel_have_every_file(tmp_path, expected, place):
    tree = copy_source(tmp_path / "tree", place)
    assert names(build(tree, "wheel", tmp_path / "direct")) == expected
    unpacked = unpack(build(tree, "sdist", tmp_path / "sdist"), tmp_path / "unpacked")
    for name in FOLDERS:
        wanted = {n for n in files(tree / name) if not n.startswith("kernels/")}
        assert files(unpacked / name) == wanted - {"kernels"}
    assert names(build(unpacked, "wheel", tmp_path / "wheel")) == expected


def environment(folder: Path, without: tuple[str, ...] = ()) -> Path:
    """Return the Python of a fresh environment with links to this one's other packages.

    ``without`` names the beginnings of files and folders that are left out.
    """
    venv.create(folder, symlinks=os.name != "nt")
    site = Path(sysconfig.get_path("purelib", "venv", {"base": folder, "platbase": folder}))
    for outer in [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]:
        for entry in Path(outer).iterdir():
            link = site / entry.name
            ours = "spikecuda" in entry.name or entry.name.startswith(without)
            if not ours and not link.exists():
                link.symlink_to(entry, target_is_directory=entry.is_dir())
    return Path(sysconfig.get_path("scripts", "venv", {"base": folder})) / "python"


def install(python: Path, *what: object) -> None:
    options = ("-q", "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed",
               "--root-user-action=ignore")  # fmt: skip
    pip = (sys.executable, "-m", "pip", "--python", python, "install")
    call(*pip, *options, *what, cwd=python.parent)


def origin(python: Path, cwd: Path) -> Path:
    code = "import spikecuda.kernels.spec as found; print(found.__file__)"
    return Path(call(python, "-c", code, cwd=cwd).strip()).resolve()


@pytest.fixture(scope="module")
def wheel(unlinked, tmp_path_factory) -> Path:
    """The wheel that was built from the sdist."""
    place = tmp_path_factory.mktemp("built")
    tree = unpack(build(unlinked, "sdist", place / "sdist"), place / "unpacked")
    result = build(tree, "wheel", place / "wheel")
    shutil.rmtree(tree)
    return result


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The Python of an environment with the wheel."""
    python = environment(tmp_path_factory.mktemp("installed") / "env")
    install(python, wheel)
    return python


@pytest.mark.slow
def test_the_wheel_of_the_sdist_works_elsewhere(installed, tmp_path):
    assert origin(installed, tmp_path).is_relative_to(installed.parents[1].resolve())
    program = installed.with_name("spikecuda")
    call(program, "run", "cuba", "--quiet", cwd=tmp_path)
    call(program, "verify", "--device", "cuda-emu", "--quick", "--quiet", cwd=tmp_path)
    quick = ("--quick", "--quiet", "--devices", "cpu", "--threads", "1", "--open", "no")
    call(program, "report", *quick, cwd=tmp_path)
    assert (tmp_path / "report" / "report.html").stat().st_size > 100_000
    assert {"cuba", "verify", "report"} == {p.name for p in tmp_path.iterdir()}


@pytest.mark.slow
def test_without_the_cuda_extra_the_rest_works_and_cuda_says_what_is_missing(wheel, tmp_path):
    python = environment(tmp_path / "env", without=("cuda", "numba_cuda", "nvidia", "_numba_cuda"))
    install(python, wheel)
    call(python, "-m", "spikecuda", "run", "-n", "10", "--steps", "10", "--quiet", cwd=tmp_path)
    for command in (("verify", "--quick"), ("run", "-n", "10", "--steps", "10")):
        program = (python, "-m", "spikecuda", *command, "--device", "cuda-emu")
        told = call(*program, cwd=tmp_path, code=2)
        assert 'cuda-python is not installed; pip install "spikecuda[cuda]"' in told


@pytest.fixture(scope="module")
def edited(tmp_path_factory) -> Path:
    return environment(tmp_path_factory.mktemp("edited") / "env")


@pytest.mark.slow
@pytest.mark.parametrize("place", ["nothing", "a text file"])
def test_trees_without_links_work_without_and_with_an_editable_install(edited, tmp_path, place):
    tree = copy_source(tmp_path / "tree", place)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = ("-m", "spikecuda", "run", "-n", "10", "--steps", "10", "--quiet")
    for folder in (tree, elsewhere):
        if folder == elsewhere:
            install(edited, "-e", tree)
        assert origin(edited, folder) == (tree / "kernels" / "spec.py").resolve()
        call(edited, *run, cwd=folder)


USER = """
import spikecuda
from spikecuda import GPUNeuronPool, Model, Parameter, State
from spikecuda.language import real
from spikecuda.network import AllToAll, ExpCurrent
a: int = GPUNeuronPool(10, "lif")
b: int = spikecuda.Network(dt=0.1).run(1.0)
GPUNeuronPool(10, "lif").absent()
spikecuda.absent
spikecuda.network.absent
"""
TOLD = [
    'user.py:6: error: Incompatible types in assignment (expression has type "GPUNeuronPool", '
    'variable has type "int")  [assignment]',
    'user.py:7: error: Incompatible types in assignment (expression has type "NetworkResult", '
    'variable has type "int")  [assignment]',
    'user.py:8: error: "GPUNeuronPool" has no attribute "absent"  [attr-defined]',
    'user.py:9: error: Module has no attribute "absent"  [attr-defined]',
    'user.py:10: error: Module has no attribute "absent"  [attr-defined]',
]


@pytest.mark.slow
def test_a_users_mypy_sees_types(installed, tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER)
    code = (
        "import mypy.api as m; told, wrong, _ = m.run(['--strict', '--follow-imports=silent', "
        "'--no-error-summary', 'user.py']); print(told + wrong, end='')"
    )
    assert call(installed, "-c", code, cwd=tmp_path).splitlines() == TOLD
