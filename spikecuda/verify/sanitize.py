"""Look for faulty memory accesses: compute-sanitizer on a GPU, else the emulator's checks."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from spikecuda.errors import SpikecudaError
from spikecuda.verify.cases import Case
from spikecuda.verify.results import Sanitised
from spikecuda.verify.small import small_run

TOOLS = ("memcheck", "racecheck", "initcheck")
FOLDERS = ("/usr/local/cuda",)
# The exit code of compute-sanitizer where a tool finds something.
FOUND = 86
PLAIN = Case("adex", "euler", "float32", "bias")  # compiled anyway where a device is emulated
TIMEOUT = 38.0  # seconds for each tool


def sanitise(device: str, emulated: bool, tick: Callable[[str], None]) -> list[Sanitised]:
    """Run a small simulation under every tool.

    Args:
        device: its name.
        emulated: takes the emulator's own checks.
        tick: is told what comes next.
    """
    if emulated:
        return [_emulated(mode, tick) for mode in ("check", "race")]
    program = find_sanitizer()
    if program is None:
        reason = "compute-sanitizer is not installed; it comes with the CUDA toolkit"
        return [Sanitised(tool, "absent", reason, 0.0) for tool in TOOLS]
    return [_run(program, tool, device, tick) for tool in TOOLS]


def find_sanitizer() -> str | None:
    """Return the path of compute-sanitizer: from PATH, else from the CUDA toolkit's folder."""
    folders = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")] + [*FOLDERS]
    for path in [None, *(Path(f) / "bin" for f in folders if f)]:
        found = shutil.which("compute-sanitizer", path=None if path is None else str(path))
        if found:
            return found
    return None


def _run(program: str, tool: str, device: str, tick: Callable[[str], None]) -> Sanitised:
    tick(tool)
    command = [
        program, "--tool", tool, "--error-exitcode", str(FOUND), "--launch-timeout", "60",
        sys.executable, "-m", "spikecuda.verify.small", device,
    ]  # fmt: skip
    begin = time.perf_counter()
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return Sanitised(tool, "absent", f"not done after {TIMEOUT:.0f} s", TIMEOUT)
    except OSError as error:
        return Sanitised(tool, "absent", f"{program} cannot be run: {error}", 0.0)
    seconds = time.perf_counter() - begin
    text = run.stdout + run.stderr
    summaries = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: .*", text)
    detail = summaries[-1] if summaries else text.strip()[-300:]
    if run.returncode == 0 and summaries:
        return Sanitised(tool, "passed", detail, seconds)
    if run.returncode == FOUND or summaries:
        first = re.search(r"=+ ((?!COMPUTE-SANITIZER|ERROR SUMMARY).*\S.*)", text)
        return Sanitised(tool, "failed", f"{detail}; {first[1] if first else ''}", seconds)
    return Sanitised(tool, "failed", f"exit code {run.returncode}: {detail}", seconds)


def _emulated(mode: str, tick: Callable[[str], None]) -> Sanitised:
    from spikecuda.devices.emulated.device import CudaEmuDevice

    names = {"check": "emulator: accesses", "race": "emulator: races"}
    tick(names[mode])
    begin = time.perf_counter()
    device = CudaEmuDevice(mode=mode)
    try:
        detail, status = small_run(device, [PLAIN]), "passed"
    except SpikecudaError as error:
        detail, status = f"{type(error).__name__}: {error}", "failed"
    finally:
        device.close()
    return Sanitised(names[mode], status, detail, time.perf_counter() - begin)
