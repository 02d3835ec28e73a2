"""Terminals of any encoding, and closed ones: what is printed fits, and nothing is lost."""

import itertools
import os
import subprocess
import sys
from operator import itemgetter
from pathlib import Path

import pytest
from thorough import in_turn

from spikecuda.common.screen import PLAIN, Screen, plain

ROOT = Path(__file__).resolve().parents[2]
ENCODINGS = ["ascii", "latin-1", "cp437", "utf-8"]
PROGRAM = """
import sys
from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem
from spikecuda.network import ExpCurrent, FixedOutDegree, Network
pool = GPUNeuronPool(50, device="cpu")
net = Network(devices="cpu")
net.population("E", 40, receptors={"exc": ExpCurrent(5.0)})
net.connect("E", "E", FixedOutDegree(4), 30.0, 1.5)
net.drive("E", 500.0)
got = pool.run(steps=200, input=500.0, progress=True).num_spikes
got += pool.run(steps=200, input=500.0, progress="live").num_spikes
got += net.run(50.0, progress=True).num_spikes
"""


def run(code, encoding="utf-8", shell="", **options):
    """Run Python code, in a shell with redirections if there are any."""
    arguments = [sys.executable, "-c", code] if isinstance(code, str) else [sys.executable, *code]
    if shell:
        arguments = ["sh", "-c", f'"$@" {shell}', "sh", *arguments]
    return subprocess.run(
        arguments, capture_output=True, timeout=300, **options,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "COLUMNS": "60"},
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_progress_and_tables_in_any_encoding(encoding):
    done = run(
        PROGRAM + "print(net.summary()); net.run(20.).summary(); print('spikes', got)", encoding
    )
    assert done.returncode == 0, done.stderr
    out = done.stdout.decode(encoding)
    assert "memory:" in out and "synchrony" in out and "100 %" not in out
    assert "100 %" in done.stderr.decode(encoding)
    assert int(out.split()[-1]) > 0
    if encoding == "ascii":
        assert "\\u" not in out + done.stderr.decode()


COMMANDS = (
    ("info",), ("run", "-n", "100", "--steps", "50", "--device", "cpu"), ("--help",),
    ("run", "izhikevich2003", "--duration", "100"), ("cache",),
)  # fmt: skip


@pytest.mark.parametrize(
    "command, encoding", in_turn(itertools.product(COMMANDS, ["ascii", "latin-1"]), itemgetter(0)),
    ids=str,
)  # fmt: skip
def test_commands_in_any_encoding(command, encoding):
    done = run(["-m", "spikecuda", *command], encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("shell", [">&-", "2>&-", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_a_display_that_fails_loses_no_result(shell, tmp_path):
    file = tmp_path / "result"
    done = run(PROGRAM + f"open({str(file)!r}, 'w').write(str(got)); import os; os._exit(0)",
               shell=shell)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(file.read_text()) > 0


@pytest.mark.parametrize("shell", [">&-", ">&- 2>&-"])
@pytest.mark.parametrize("command", ["info", "cache", "--version"])
def test_commands_without_standard_output(command, shell):
    done = run(["-m", "spikecuda", command], shell=shell)
    assert done.returncode == 0 and b"Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough():
    done = run(["-m", "spikecuda", "info"], shell="| true")
    assert (
        done.returncode == 0
        and b"Traceback" not in done.stderr
        and b"BrokenPipe" not in (done.stderr)
    )


def test_every_character_has_a_plain_one():
    assert "".join(PLAIN.values()).isascii()
    assert plain("3 µs × 2 │ ─ …", "ascii") == "3 us x 2 | - ..."
    assert plain("3 µs × 2 │ \N{SNOWMAN}", "latin-1") == "3 µs × 2 | ?"
    assert plain("µ│\udcff", "utf-8") == "µ│?" and plain("µ", "no-such") == "u"


def test_a_closed_stream(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    screen = Screen()
    assert screen.write("text") == 4 and not screen.isatty() and screen.encoding == "utf-8"
    screen.flush()
    with pytest.raises(OSError, match="closed"):
        screen.fileno()
