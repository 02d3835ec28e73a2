"""Run the scenarios that PyNN's developers test backends with.

    python bench/peers/pynn_scenarios.py                          # spikecuda.pynn
    python bench/peers/pynn_scenarios.py pyNN.nest                # needs NEST 3.10

They are in PyNN's source distribution, which pip fetches, and not in what it installs.  PyNN has
another licence than spikecuda (CeCILL 2.1), so they are not copied here.  Their one fixture, which
imports a module within pyNN, is replaced by one that imports any backend and runs every scenario
with it.  Needs pytest, SciPy and PyNN 0.13.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "0.13.0"
FIXTURE = """
import importlib
import os

import pytest


def run_with_simulators(*names):
    name = os.environ["PYNN_BACKEND"]
    return pytest.mark.parametrize("sim", [importlib.import_module(name)], ids=[name])
"""


def fetch(folder: Path) -> Path:
    """Return the folder of the scenarios, fetched and with the other fixture."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "-d", str(folder), f"PyNN=={VERSION}"], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    scenarios = next(folder.glob("*/test/system/scenarios"))
    (scenarios / "fixtures.py").write_text(FIXTURE, encoding="utf-8")
    return scenarios


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend", nargs="?", default="spikecuda.pynn")
    parser.add_argument("pytest", nargs="*", help="further arguments of pytest")
    given = parser.parse_args()
    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as name:
        scenarios = fetch(Path(name))
        paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYNN_BACKEND": given.backend, "PYTHONPATH": paths}
        run = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rs",
            "-W",
            "ignore",
            "-p",
            "no:cacheprovider",
        ]
        return subprocess.run(
            [*run, scenarios.name, *given.pytest], cwd=scenarios.parent, env=environment
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
