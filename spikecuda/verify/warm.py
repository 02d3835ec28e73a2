"""Compile the kernels of a check side by side, in processes, before they are needed.

Compiling takes most of a check's time and holds Python's lock.  The kernels come back through the
disk cache, so a process that fails costs time, not correctness: whoever needs the kernel compiles
it, and reports what is wrong.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from spikecuda.report.machine import usable_cores
from spikecuda.verify.cases import Case

MAX_PROCESSES = 16


def warm(cases: Sequence[Case], cc: tuple[int, int], tick: Callable[[str], None]) -> None:
    """Compile cases for the CPU and for a compute capability.

    Args:
        cases: what to compile; with few, or with two cores or fewer, nothing is done.
        cc: compute capability of the device.
        tick: is told how far it is.
    """
    processes = min(usable_cores(), MAX_PROCESSES, len(cases))
    if processes <= 2:
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        tasks = [pool.submit(compile_case, case, cc) for case in cases]
        for i, task in enumerate(as_completed(tasks)):
            if isinstance(task.exception(), BrokenProcessPool):
                return
            tick(f"{i + 1} of {len(tasks)}")


def compile_case(case: Case, cc: tuple[int, int]) -> int:
    """Compile one case into the disk cache; return the number of the process."""
    from spikecuda.kernels.compile import cpu as compile_cpu
    from spikecuda.kernels.compile import cuda as compile_cuda

    spec = case.spec()
    compile_cpu.build(spec)
    compile_cuda.build(spec, cc)
    return os.getpid()
