"""Files are read and written as UTF-8, whatever the system's own encoding is."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_layout import FILES, ROOT, module_name

# Python with ASCII as the encoding of the locale, as Windows has cp1252.
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def without_encoding(text: str) -> list[int]:
    """Return the lines that open a text file and leave the encoding to the system."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or any(k.arg == "encoding" for k in node.keywords):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        modes = [m for m in texts if isinstance(m, str) and set(m) <= set("rwabx+t")]
        text_mode = not any("b" in mode for mode in modes)
        method = isinstance(node.func, ast.Attribute) and len(node.args) < 2
        written = method and name in ("read_text", "write_text")
        opened = name == "fdopen" or (name == "open" and (isinstance(node.func, ast.Name) or modes))
        if written or (opened and text_mode):
            found.append(node.lineno)
    return found


def test_text_files_name_their_encoding():
    lines = {p: without_encoding(p.read_text(encoding="utf-8")) for p in FILES}
    assert not {module_name(path): found for path, found in lines.items() if found}


def test_files_without_an_encoding_are_found():
    assert without_encoding("p.read_text()\nopen(p)\nopen(p, 'w')\nos.fdopen(h, 'w')\np.open('r')")
    allowed = "open(p, 'rb')\nos.fdopen(h, 'wb')\np.read_text(encoding='utf-8')\ndevice.open()"
    assert not without_encoding(allowed)


def test_a_configuration_is_utf8_under_any_locale(tmp_path: Path):
    (tmp_path / "a.toml").write_text(
        '# Überschwellig, µ = 20\n[pool]\nneuron_type = "lif"\nnum_neurons = 10\n', "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "spikecuda", "run", "a.toml", "--steps", "10", "--quiet"],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, **ASCII, "PYTHONPATH": str(ROOT.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# What Windows lacks; other packages are imported before it goes.
WITHOUT_UNIX = """
import os, sys
import jinja2, numba.core.caching, numpy, psutil, rich.console
for name in (
    "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown fchmod fchown fork getegid geteuid getgid "
    "getloadavg getpgid getuid killpg mkfifo pread pwrite register_at_fork sched_getaffinity "
    "setsid"
).split():
    delattr(os, name)
sys.modules.update(dict.fromkeys(["fcntl", "grp", "pwd", "resource", "termios"]))

import importlib, pkgutil, spikecuda
for module in pkgutil.walk_packages(spikecuda.__path__, "spikecuda."):
    if not module.name.endswith("__main__") and ".cuda" not in module.name:
        importlib.import_module(module.name)
with spikecuda.GPUNeuronPool(10, "lif", device="cpu", threads=1) as pool:
    print(pool.run(steps=100, input=500.0).num_spikes > 0)
with spikecuda.Network(threads=1) as net:
    net.population("a", 5, "lif")
    print(net.run(1.0).duration)
raise SystemExit(spikecuda.cli.main(["info", "--json"]))
"""


@pytest.mark.slow
def test_what_only_unix_has_is_not_needed(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_UNIX], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True\n1.0\n")
