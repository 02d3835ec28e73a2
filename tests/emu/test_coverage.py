"""Nothing is supported without a test, and the stated throughput is reached."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
from numba import cuda, float32

from spikecuda import emu
from spikecuda.emu.translate.approx import ACCURACY
from spikecuda.emu.translate.emitter import HANDLERS

# Written by the harness of the conformance tests into each kernel it runs.
IN_EVERY_TEST = {"ret"}


def test_each_instruction_has_a_conformance_test():
    text = "".join(
        path.read_text()
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
    )
    missing = [
        opcode
        for opcode in sorted(set(HANDLERS) - IN_EVERY_TEST)
        if not re.search(rf"\b{opcode}(\.|;| |\{{|\")", text)
    ]
    assert missing == []


def test_each_approximate_function_states_its_accuracy():
    opcodes = {name.split(".")[0] for name in ACCURACY}
    assert opcodes == {"ex2", "lg2", "rcp", "rsqrt", "sqrt", "sin", "cos", "tanh", "div"}


def integrate(v, current, spikes, decay):
    i = cuda.grid(1)
    if i < v.size:
        x = v[i] * decay + current[i]
        spikes[i] = x >= float32(1)
        v[i] = float32(0) if x >= float32(1) else x


def exchange(v, current, spikes, decay):
    tile = cuda.shared.array(128, float32)
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    tile[t] = v[i]
    cuda.syncthreads()
    v[i] = tile[127 - t]
    cuda.syncthreads()
    current[i] = tile[t]


def seconds(function, n):
    """The fastest of several launches of n threads: others' work on this machine only adds."""
    kernel = emu.compile(function, "void(f4[::1], f4[::1], u1[::1], f4)", (9, 0))
    arrays = [np.ones(n, np.float32), np.ones(n, np.float32), np.zeros(n, np.uint8)]
    times = []
    for _ in range(8):
        start = time.perf_counter()
        kernel[n // 128, 128](*arrays, 0.9)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def test_a_step_of_a_million_neurons_takes_less_than_100_ms():
    assert seconds(integrate, 1 << 20) < 0.1


def test_a_thread_with_barriers_takes_less_than_2_us():
    assert seconds(exchange, 1 << 17) / (1 << 17) < 2e-6
