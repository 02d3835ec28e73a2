"""The project's tasks: ``nox -l`` lists them, ``nox -s quick`` runs one.

They run with the Python that nox is installed in, and make no environments of their own.
"""

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "test"]

# A little of everything; nothing that compiles for long or measures memory.
QUICK = """
tests/analysis
tests/cli
tests/models
tests/network/test_bad_drives.py
tests/network/test_bad_input.py
tests/network/test_edges.py
tests/network/test_result.py
tests/network/test_spike_train.py
tests/package
tests/pool/test_errors.py
tests/pool/test_pool.py
tests/system/test_split.py
tests/system/test_system.py
"""


# Modules are translated once, not in each of the hundreds of processes that tests start: a third of
# a second each.  Empty is as if it were not set.
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": ""}


def python(session: nox.Session, *arguments: str) -> None:
    """Run ``python -m`` with this Python."""
    session.run(sys.executable, "-m", *arguments, env=ENVIRONMENT)


@nox.session
def quick(session: nox.Session) -> None:
    """Run a part of the tests: under a minute once the kernels are compiled."""
    python(session, "pytest", "-q", "-n", "2", "-m", "not slow", *QUICK.split(), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff."""
    python(session, "ruff", "check", ".")
    python(session, "ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy."""
    root = Path.cwd()
    if (root / "spikecuda" / "kernels").is_dir():
        python(session, "mypy")
        return
    # mypy cannot follow spikecuda/kernels.py: without the symbolic link it reads a copy.
    copy = session.create_tmp()
    pip = ("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--upgrade")
    python(session, *pip, "--target", copy, ".")
    with session.chdir(copy):
        python(session, "mypy", "--config-file", str(root / "pyproject.toml"))


@nox.session
def test(session: nox.Session) -> None:
    """Run all tests on two cores: each file on one, so that few kernels are compiled twice."""
    # In the order that tests/conftest.py gives: the longest files first.
    files = ("--dist", "loadfile", "--no-loadscope-reorder")
    python(session, "pytest", "-q", "-n", "2", *files, "--file-times", "25", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Run every example of the documentation, and check its links and tables."""
    python(session, "pytest", "-q", "-k", "docs", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Make the documentation's site in build/site, its tutorial executed; without a network."""
    session.run(sys.executable, "docs/site/build.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Time pools and networks against the floor of this machine."""
    session.run(sys.executable, "bench/pools.py")
    session.run(sys.executable, "bench/networks.py")
