"""Update kernels on one CPU core against the floor that the machine's arithmetic sets.

    python bench/pools.py [--neurons 100000] [--threads] [--sizes] [--json FILE]

The floor.  A chunk of 1024 to 2048 neurons stays in L1, so neither DRAM nor L2 binds a pool of any
size that is advanced many steps a launch.  What is left is arithmetic and L1 traffic, the sum over
the loops of a step (the model's, and in float16 the one that rounds) of

    floor = max(fma / rate_f, vector arithmetic / rate_a, loads / rate_l, stores / rate_s) / neurons

with the bytes of vectors that one iteration of the compiled loop (kernels/assembly) multiplies,
computes with, loads and stores, the neurons that it advances, and the rates in bytes/s measured in
the same run on arrays within L1: rate_f by sixteen fma a load, rate_a by sixteen integer additions
and exclusive ors a load (which every vector port can do), rate_l by a sum, rate_s by a fill.
Bytes, because a processor may execute a 512-bit instruction as two halves.  Comparisons, blends,
conversions and packing have fewer ports than rate_a assumes, and the latency of a long chain (the
exponential) is not counted: the fraction reached is a lower bound of how good the loop is.

Results are validated (same spikes with 1 thread and small batches) before anything is timed.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numba import njit

from spikecuda import Constant, GPUNeuronPool, Noise, Poisson
from spikecuda.common.host_memory import cpu_name
from spikecuda.kernels.compile.assembly import (
    fma_bytes,
    memory_bytes,
    rounding_loop,
    step_loop,
    vector_arithmetic,
)
from spikecuda.kernels.compile.assembly import neurons as loop_neurons
from spikecuda.kernels.compile.cpu import assembly
from spikecuda.kernels.numerics import fma

# (name, model, scheme, low and high current, extra inputs, target in G updates/s or None)
CASES = [
    ("lif", "lif", None, (100.0, 250.0), (), 3.0),
    ("izhikevich", "izhikevich", "half_steps", (0.0, 15.0), (), 2.0),
    ("izhikevich semi-implicit", "izhikevich", "semi_implicit_euler", (0.0, 15.0), (), None),
    ("adex", "adex", "euler", (500.0, 1000.0), (), 0.8),
    ("adex heun", "adex", "heun", (500.0, 1000.0), (), None),
    ("adex upstroke", "adex", "upstroke", (500.0, 1000.0), (), None),
    ("lif + noise", "lif", None, (100.0, 250.0), (Noise(100.0),), 0.3),
    ("lif + Poisson", "lif", None, (100.0, 250.0), (Poisson(2000.0, 0.1),), None),
]


@njit(error_model="numpy")
def _sixteen_fma(x, a, b, repeats):
    for _ in range(repeats):
        for i in range(x.size):
            y = x[i]
            for _ in range(16):
                y = fma(y, a, b)
            x[i] = y


@njit(error_model="numpy")
def _sixteen_integer(x, a, b, repeats):
    for _ in range(repeats):
        for i in range(x.size):
            y = x[i]
            for _ in range(8):
                y = np.int32(np.int32(y ^ a) + b)
            x[i] = y


@njit(error_model="numpy")
def _load(x, repeats):
    total = np.int32(0)
    for r in range(repeats):
        x[0] = r
        for i in range(x.size):
            total = np.int32(total + x[i])
    return total


@njit(error_model="numpy")
def _store(x, repeats):
    for r in range(repeats):
        for i in range(x.size):
            x[i] = np.int32(r)


def bytes_per_second(function, array, *constants, passes=1):
    """Return the best bytes/s of an array that stays in L1, each byte ``passes`` times."""
    repeats, times = 5_000, []
    function(array, *constants, 1)
    for _ in range(7):
        start = time.perf_counter()
        function(array, *constants, repeats)
        times.append(time.perf_counter() - start)
    return passes * repeats * array.nbytes / min(times)


def ceilings(real):
    """Return bytes of vectors per second: fma, any arithmetic, loads, stores, within L1."""
    kind = np.dtype(real).type
    numbers, words = np.ones(16384 // kind(0).nbytes, kind), np.arange(4096, dtype=np.int32)
    return (
        bytes_per_second(_sixteen_fma, numbers, kind(0.5), kind(0.25), passes=16),
        bytes_per_second(_sixteen_integer, words, np.int32(0x5A5A5A5A), np.int32(77), passes=16),
        bytes_per_second(_load, words),
        bytes_per_second(_store, words),
    )


def pool_of(case, precision, neurons, **options):
    """Return a pool and its input."""
    _, model, scheme, (low, high), extra, _ = case
    pool = GPUNeuronPool(
        neurons, model, use_gpu=False, precision=precision, scheme=scheme, seed=1, **options
    )
    current = Constant(np.random.default_rng(0).uniform(low, high, neurons))
    return pool, [current, *extra]


def validate(case, precision):
    """Raise unless one batch and many small ones give the same spikes and state."""
    seen = []
    for options in ({"threads": 1}, {"threads": 2, "batch_size": 96}):
        pool, drive = pool_of(case, precision, 5000, **options)
        with pool:
            result = pool.run(steps=300, input=drive)
            seen.append((result.spikes.neuron.tobytes(), pool.state["v"].tobytes()))
    if seen[0] != seen[1]:
        raise SystemExit(f"{case[0]} {precision}: batches change the result")


def rate(case, precision, neurons, threads=1, seconds=0.6):
    """Return the best neuron updates per second of the kernels."""
    pool, drive = pool_of(case, precision, neurons, threads=threads)
    with pool:
        steps = max(16, min(4096, int(2e7 / neurons)))
        pool.run(steps=steps, input=drive, record=None)
        found, spent = 0.0, 0.0
        while spent < seconds:
            before = pool.metrics().kernel_seconds
            pool.run(steps=steps, input=drive, record=None)
            taken = pool.metrics().kernel_seconds - before
            found, spent = max(found, neurons * steps / taken), spent + taken
        spec = next(iter(pool.device.kernels))
    return found, spec


def seconds_per_neuron(body, real, limits):
    """Return the least time that a loop can take for a neuron."""
    counts = (fma_bytes(body), vector_arithmetic(body), *memory_bytes(body))
    return max(c / r for c, r in zip(counts, limits, strict=True)) / loop_neurons(body, real)


def ratio(case, neurons, rounds=15):
    """Return float16's time by float32's, measured in turns: the least times, and the median."""
    pools = {p: pool_of(case, p, neurons, threads=1) for p in ("float32", "float16")}
    times = {precision: [] for precision in pools}
    for _ in range(rounds):
        for precision, (pool, drive) in pools.items():
            before = pool.metrics().kernel_seconds
            pool.run(steps=200, input=drive, record=None)
            times[precision].append(pool.metrics().kernel_seconds - before)
    for pool, _ in pools.values():
        pool.close()
    short, full = times["float16"], times["float32"]
    each = sorted(h / f for h, f in zip(short, full, strict=True))
    return min(short) / min(full), each[len(each) // 2]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=100_000)
    parser.add_argument("--precisions", nargs="+", default=["float32", "float16", "float64"])
    parser.add_argument("--threads", action="store_true", help="also two threads against one")
    parser.add_argument("--sizes", action="store_true", help="also 10k to 10M neurons")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    limits = {real: ceilings(real) for real in ("float32", "float64")}
    print(f"{cpu_name()}; ceilings, GB/s of vectors on one core:")
    for real, rates in limits.items():
        names = ("fma", "any arithmetic", "L1 loads", "L1 stores")
        shown = ", ".join(f"{n} {r / 1e9:.0f}" for n, r in zip(names, rates, strict=True))
        print(f"  {real}: {shown}")
    print(
        f"{'kernel':18} {'precision':8} {'G/s':>6} {'floor G/s':>9} {'fraction':>8} {'target':>7}"
    )
    for precision in options.precisions:
        for case in CASES:
            validate(case, precision)
            found, spec = rate(case, precision, options.neurons)
            real = spec.precision.real
            text = assembly(spec)
            bodies = [step_loop(text, real)]
            if spec.precision.half:
                bodies.append(rounding_loop(text))
            floor = 1 / sum(seconds_per_neuron(body, real, limits[real]) for body in bodies)
            plain = not case[4]
            target = case[5] if precision == "float32" else None
            rows.append(
                {
                    "kernel": case[0], "precision": precision, "updates_per_second": found,
                    "floor": floor if plain else None,
                    "fraction": found / floor if plain else None, "target": target,
                }
            )  # fmt: skip
            print(
                f"{case[0]:18} {precision:8} {found / 1e9:6.3f} "
                + (f"{floor / 1e9:9.2f} {found / floor:8.0%}" if plain else f"{'-':>9} {'-':>8}")
                + (f" {target:7.1f}" if target else "")
            )
    if {"float16", "float32"} <= set(options.precisions):
        print("float16's time by float32's, in turns: least times, median; target 2")
        for case in CASES:
            least, median = ratio(case, options.neurons)
            rows.append({"kernel": case[0], "float16_by_float32": [least, median]})
            print(f"{case[0]:18} {least:5.2f} {median:5.2f}")
    if options.threads:
        for case in CASES[:4]:
            one, _ = rate(case, "float32", 1_000_000, 1)
            two, _ = rate(case, "float32", 1_000_000, 2)
            print(f"{case[0]:18} two threads: {two / one:.2f} x one")
            rows.append({"kernel": case[0], "two_threads": two / one})
    if options.sizes:
        for case in CASES[:4]:
            found = [rate(case, "float32", n)[0] for n in (10_000, 100_000, 1_000_000, 10_000_000)]
            shown = ", ".join(f"{1e9 / r:.3f}" for r in found)
            print(f"{case[0]:18} ns an update at 10k, 100k, 1M, 10M: {shown}")
            rows.append({"kernel": case[0], "ns": [1e9 / r for r in found]})
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"cpu": cpu_name(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
