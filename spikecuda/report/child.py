"""Measurements in fresh Python processes: compiling in parallel, and starting up."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from spikecuda.errors import SpikecudaError


def start(function: str, argument: object, cache: str | None = None) -> "subprocess.Popen[str]":
    """Start ``function(argument)`` of a module of this package in a fresh process.

    Args:
        function: such as "spikecuda.report.startup:first_run".
        argument: anything that json can write.
        cache: folder for compiled kernels; None takes the usual one.
    """
    module, _, name = function.partition(":")
    code = (
        f"import time; begin = time.perf_counter(); import json, sys; from {module} import {name}; "
        f"print(json.dumps({name}(json.loads(sys.argv[1]), begin)))"
    )
    # Found in a checkout too, whatever the current folder is.
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    if cache is not None:
        environment["SPIKECUDA_CACHE_DIR"] = cache
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(argument)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process: "subprocess.Popen[str]") -> Any:
    """Wait for a process of ``start`` and return what its function returned."""
    try:
        out, err = process.communicate()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode:
        last = err.strip().splitlines()[-1:] or ["no message"]
        raise SpikecudaError(f"a measuring process failed with {process.returncode}: {last[0]}")
    return json.loads(out.strip().splitlines()[-1])


def timed(function: str, argument: object, cache: str | None = None) -> tuple[Any, float]:
    """Return what the function returned in a fresh process, and the seconds the process took."""
    begin = time.perf_counter()
    result = finish(start(function, argument, cache))
    return result, time.perf_counter() - begin
