"""A run that is killed goes on from its file; ``bench/kill_and_resume.py`` does it 50 times."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "kill_and_resume.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed_runs_go_on():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--kills", "3", "--seed", "5"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "3 of 3 runs have the bits" in done.stdout, done.stderr
    assert done.returncode == 0
