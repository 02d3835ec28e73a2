"""The site: every page is reached and parsed without a warning, and every public name has one."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import spikecuda

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "docs" / "site" / "build.py"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_site", BUILD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_has_a_page(build, tmp_path):
    build.write_reference(tmp_path / "reference")
    for path in build.MODULES:
        module = importlib.import_module(path)
        table = (tmp_path / "reference" / f"{path}.md").read_text()
        names = build.public_names(module)
        assert names
        for name in names:
            row = next(line for line in table.splitlines() if line.startswith(f"| [{name}]("))
            page = tmp_path / "reference" / row.split("(")[1].split(")")[0]
            text = page.read_text()
            assert f":: {page.parent.name}.{page.stem}" in text
            assert inspect.getdoc(getattr(module, name)), f"{path}.{name} says nothing"


def test_every_room_with_public_names_is_in_the_reference(build):
    rooms = [m.name for m in pkgutil.iter_modules(spikecuda.__path__) if m.ispkg]
    rooms = [f"spikecuda.{name}" for name in rooms if name not in ("kernels", "pynn", "cli")]
    public = [room for room in rooms if getattr(importlib.import_module(room), "__all__", None)]
    assert set(public) <= set(build.MODULES)


def test_the_site_is_made_without_a_warning(tmp_path):
    pytest.importorskip("myst_nb", reason="the extra site is not installed")
    command = [sys.executable, str(BUILD), str(tmp_path), "--no-execute", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages_take_nothing_from_elsewhere():
    config = (BUILD.parent / "conf.py").read_text()
    assert "nb_ipywidgets_js" in config and "http:" not in config and "https:" not in config
    for page in (ROOT / "docs").rglob("*.css"):
        assert "http" not in page.read_text() and "@import" not in page.read_text()


def test_pictures_of_cells_say_what_they_show(build, tmp_path):
    drawn = 0
    for page in (ROOT / "docs" / "index.md", *(ROOT / "docs" / "tutorial").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for cell in text.split(build.CELL)[1:]:
            drawn += any(word in cell.split("```")[0] for word in ("plt.subplots(", ".raster("))
        assert build.described(text).count("    alt: ") == len(build.PICTURE.findall(text))
        drawn -= len(build.PICTURE.findall(text))
    assert drawn == 0
    (tmp_path / "a.html").write_text(
        '<img alt="Spikes"><img alt="../a.png" src="a.png"><img src="b">'
    )
    assert len(build.pictures_without_words(tmp_path)) == 2
