"""Make the site: stage the pages as they lie in the repository, add the reference, call Sphinx.

``python docs/site/build.py [OUT]``; without a network.  ``--no-execute`` leaves out what the cells
of the tutorial print and draw.
"""

import argparse
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
# Pages outside docs/ that others link to.
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "bench/README.md", "bench/peers/README.md")
# What users import names from.
MODULES = (
    "spikecuda", "spikecuda.network", "spikecuda.plasticity", "spikecuda.models",
    "spikecuda.inputs", "spikecuda.space", "spikecuda.analysis", "spikecuda.plots",
    "spikecuda.formats", "spikecuda.events", "spikecuda.view", "spikecuda.pool", "spikecuda.sweeps",
    "spikecuda.plan", "spikecuda.language", "spikecuda.examples", "spikecuda.oracle",
    "spikecuda.emu", "spikecuda.inspection", "spikecuda.verify", "spikecuda.errors",
)  # fmt: skip


CELL = "```{code-cell} python\n"
PICTURE = re.compile(r"<!-- picture: (.+?) -->\n" + re.escape(CELL))


def public_names(module: ModuleType) -> list[str]:
    """Return what a module offers, in alphabetical order."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module.__name__
        ]
    return sorted((n for n in names if not n.startswith("_")), key=str.lower)


def page_of(module: str, name: str) -> str:
    """Return the text of a name's page."""
    value = getattr(importlib.import_module(module), name)
    full = f"{module}.{name}"
    if inspect.isclass(value):
        inherited = not issubclass(value, BaseException | tuple | dict)
        kind, options = "autoclass", ["members"] + ["inherited-members"] * inherited
    elif callable(value):
        kind, options = "autofunction", []
    elif isinstance(value, ModuleType):
        kind, options = "automodule", ["members"]
    else:
        kind, options = "autodata", []
    lines = [f".. {kind}:: {full}", *(f"   :{option}:" for option in options)]
    return f"# {name}\n\n```{{eval-rst}}\n" + "\n".join(lines) + "\n```\n"


def named(value: object) -> bool:
    """Tell whether a value is one thing wherever it is imported from: a class or a function."""
    return inspect.isclass(value) or inspect.isfunction(value) or isinstance(value, ModuleType)


def first_sentence(value: object) -> str:
    """Return the first line of what a name's documentation says."""
    text = (inspect.getdoc(value) or "").strip().split("\n\n")[0]
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def described(text: str) -> str:
    """Return a page whose cells say what their pictures show: the comment before them tells."""
    return PICTURE.sub(
        lambda found: f"{CELL}---\nmystnb:\n  image:\n    alt: {json.dumps(found[1])}\n---\n", text
    )


def pictures_without_words(folder: Path) -> list[str]:
    """Return which pages of a site have a picture without an alternative text."""
    found = []
    for page in sorted(folder.rglob("*.html")):
        for picture in re.findall(r"<img\b[^>]*>", page.read_text(encoding="utf-8")):
            words = re.search(r'\balt="([^"]*)"', picture)
            # Without a text, Sphinx takes the file's name.
            if words is None or not words[1].strip() or words[1].endswith((".png", ".svg")):
                found.append(f"{page.relative_to(folder)}: {picture[:120]}")
    return found


def write_reference(folder: Path) -> None:
    """Write a page for each public name, one for each module, and the page of all modules."""
    folder.mkdir(parents=True)
    index = [
        "# Reference", "",
        "Every public name, with shapes, units, errors and sources. A name that can be imported",
        "from several modules has its page with the first of them.", "",
        "```{toctree}", ":maxdepth: 1", "",
    ]  # fmt: skip
    homes: dict[int, str] = {}
    for path in MODULES:
        module = importlib.import_module(path)
        names = public_names(module)
        home = folder / path
        home.mkdir()
        about = (inspect.getdoc(module) or "").split("\n\n")[0]
        text = [
            f"# {path}",
            "",
            " ".join(about.split()).replace("``", "`"),
            "",
            "| | |",
            "|---|---|",
        ]
        own = []
        for name in names:
            value = getattr(module, name)
            place = (
                homes.setdefault(id(value), f"{path}/{name}") if named(value) else f"{path}/{name}"
            )
            if place == f"{path}/{name}":
                own.append(place)
                (home / f"{name}.md").write_text(page_of(path, name), encoding="utf-8")
            text.append(f"| [{name}]({place}.md) | {first_sentence(value)} |")
        text += ["", "```{toctree}", ":hidden:", "", *own, "```", ""]
        (folder / f"{path}.md").write_text("\n".join(text), encoding="utf-8")
        index.append(path)
    (folder / "index.md").write_text("\n".join([*index, "```", ""]), encoding="utf-8")


def stage(folder: Path) -> None:
    """Copy the pages to a folder, as they lie in the repository, and add the reference."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=ignored)
    for page in (folder / "docs" / "index.md", *(folder / "docs" / "tutorial").glob("*.md")):
        page.write_text(described(page.read_text(encoding="utf-8")), encoding="utf-8")
    for page in PAGES:
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, target)
        for picture in (ROOT / page).parent.glob("*.png"):
            shutil.copy(picture, target.parent)
    write_reference(folder / "docs" / "reference")


def main() -> int:
    """Make the site; return Sphinx's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", nargs="?", default=ROOT / "build" / "site", type=Path)
    parser.add_argument("--no-execute", action="store_true", help="do not run the cells of pages")
    parser.add_argument("--check", action="store_true", help="write no page: only find mistakes")
    args = parser.parse_args()
    env = {**os.environ, "SPIKECUDA_QUIET": "1"}
    env["SPIKECUDA_SITE_EXECUTION"] = "off" if args.no_execute else "force"
    with tempfile.TemporaryDirectory(prefix="spikecuda-site-") as temporary:
        source = Path(temporary, "source")
        stage(source)
        # Two processes take twice the time of one to find mistakes: what they read is handed over.
        builder, jobs = ("dummy", "1") if args.check else ("html", "auto")
        command = (
            sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", jobs, "-b", builder,
            "-c", source / "docs" / "site", "-d", Path(temporary, "doctrees"), source, args.out,
        )  # fmt: skip
        done = subprocess.run([str(part) for part in command], env=env)
    if done.returncode == 0 and not args.check:
        if silent := pictures_without_words(args.out):
            print(
                "pictures must have a text that says what they show (got none):", *silent, sep="\n"
            )
            return 1
        print(f"open {args.out.resolve() / 'index.html'}")
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
