"""The frame of the command line: help, errors, exit codes, speed of --help."""

import subprocess
import sys

import pytest

from spikecuda import __version__
from spikecuda.cli import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, info, main

PYTHON = [sys.executable, "-m", "spikecuda"]


def test_help_names_every_command(cli):
    code, out, _ = cli("--help")
    assert code == 0
    for command in ("info", "run", "sweep", "report", "bench", "kernels"):
        assert command in out


@pytest.mark.parametrize("command", ["info", "run", "sweep", "report", "bench"])
def test_each_command_has_help(cli, command):
    code, out, _ = cli(command, "--help")
    assert code == 0 and "--debug" in out


def test_version(cli):
    assert cli("--version")[1].strip() == f"spikecuda {__version__}"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from spikecuda.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('numpy', 'numba', 'rich', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_module_runs_as_a_program():
    done = subprocess.run([*PYTHON, "run", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown example 'nothing'")
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1


def test_debug_shows_the_traceback():
    done = subprocess.run([*PYTHON, "run", "nothing", "--debug"], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" in done.stderr


def test_unknown_command(cli):
    code, _, err = cli("rnu")
    assert code == 2 and "rnu" in err


def test_interrupt_is_quiet(cli, monkeypatch):
    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "execute", stop)
    code, _, err = cli("info")
    assert code == EXIT_INTERRUPTED == 130
    assert err == "interrupted\n"


def test_closed_pipe_is_quiet():
    show = f"{sys.executable} -m spikecuda kernels show lif --target cpu"
    line = f"{show} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert int(done.stdout) in (0, EXIT_BROKEN_PIPE)
    assert "Traceback" not in done.stderr


def test_os_errors_are_one_line(cli, monkeypatch):
    def fail(args):
        raise PermissionError(13, "Permission denied", "/there")

    monkeypatch.setattr(info, "execute", fail)
    code, _, err = cli("info")
    assert code == 2 and err == "error: [Errno 13] Permission denied: '/there'\n"


def test_main_takes_the_arguments_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["spikecuda", "info", "--json"])
    assert main() == 0
    assert '"cpu"' in capsys.readouterr().out
