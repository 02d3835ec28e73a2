"""What the design takes for granted about numba, numba-cuda and float16, shown by experiment.

If one of these fails after an upgrade, a decision in docs/decisions has lost its ground.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from llvmlite import ir
from numba import cuda, njit, types
from numba.core.errors import NumbaError
from numba.extending import intrinsic

from spikecuda.kernels.compile.cuda import assemble, disassemble
from spikecuda.kernels.compile.offline import library, without_device

FLOATS = types.Array(types.float32, 1, "C")


def ptx_of(function, arguments, cc=(9, 0)):
    code = library(function, arguments, cc)
    with without_device(cc):
        return str(code.get_lto_ptx(cc=cc)).rstrip("\0")


def sass_of(function, arguments, cc=(9, 0)):
    return disassemble(assemble(ptx_of(function, arguments, cc), cc)[0])


def instructions(listing):
    return [line for line in listing.splitlines() if "/*0" in line and ";" in line]


def test_two_optimisers_give_two_ptx():
    def saxpy(x, y, a):
        i = cuda.grid(1)
        if i < x.size:
            y[i] = a * x[i] + y[i]

    arguments = (FLOATS, FLOATS, types.float32)
    old, new = (ptx_of(saxpy, arguments, cc) for cc in ((9, 0), (10, 0)))
    strip = [line for line in old.splitlines() if not line.startswith(("//", "."))]
    other = [line for line in new.splitlines() if not line.startswith(("//", "."))]
    assert strip != other


def test_an_unsigned_index_is_shorter_than_one_that_may_wrap():
    def signed(x, y, offset):
        i = cuda.grid(1) + offset
        if i < x.size:
            y[i] = x[i]

    def unsigned(x, y, offset):
        i = np.uint32(cuda.grid(1)) + np.uint32(offset)
        if i < x.size:
            y[np.uint32(i)] = x[np.uint32(i)]

    arguments = (FLOATS, FLOATS, types.int64)
    assert len(instructions(sass_of(unsigned, arguments))) < len(
        instructions(sass_of(signed, arguments))
    )


def test_without_a_driver_importing_works_and_launching_says_why():
    if cuda.is_available():
        pytest.skip("this machine has a GPU")
    code = (
        "import numpy as np\nfrom numba import cuda\nprint(cuda.is_available())\n"
        "k = cuda.jit(lambda x: None)\n"
        "try: k[1, 1](np.zeros(1))\nexcept Exception as e: print(type(e).__name__)\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert run.stdout.split() == ["False", "CudaSupportError"]


def test_njit_cannot_use_float16_arrays():
    with pytest.raises((NumbaError, NotImplementedError)):
        njit(lambda a: a[0] + a[1])(np.ones(4, np.float16))


def simulate(store):
    """Return the spikes in 1 s of a LIF neuron driven 5 % above rheobase, dt 0.1 ms."""
    decay = np.exp(-0.1 / 20.0)
    v, spikes = store(-65.0), 0
    for _ in range(10_000):
        v = store(-65.0 + (float(v) + 65.0) * decay + 1.05 * 15.0 * (1.0 - decay))
        if v >= -50.0:
            v, spikes = store(-65.0), spikes + 1
    return spikes


def test_half_precision_millivolts_never_spike():
    exact = simulate(float)
    assert exact == 16
    assert simulate(np.float16) == 0
    # Stored relative to rest and threshold, the same 11 bits suffice here.
    assert abs(simulate(lambda v: float(np.float16((v + 65.0) / 15.0)) * 15.0 - 65.0) - exact) <= 1


@intrinsic
def load_four(typingctx, array, index):
    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        vector = ir.VectorType(ir.FloatType(), 4)
        pointer = builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer())
        value = builder.load(pointer, align=16)
        total = builder.extract_element(value, ir.IntType(32)(0))
        for lane in range(1, 4):
            total = builder.fadd(total, builder.extract_element(value, ir.IntType(32)(lane)))
        return total

    return types.float32(array, types.intp), generate


def test_wide_loads_need_an_intrinsic():
    def scalar(x, y):
        i = cuda.grid(1)
        if 4 * i + 3 < x.size:
            y[i] = x[4 * i] + x[4 * i + 1] + x[4 * i + 2] + x[4 * i + 3]

    def wide(x, y):
        i = cuda.grid(1)
        if 4 * i + 3 < x.size:
            y[i] = load_four(x, 4 * i)

    assert "LDG.E.128" not in sass_of(scalar, (FLOATS, FLOATS))
    assert "LDG.E.128" in sass_of(wide, (FLOATS, FLOATS))


@pytest.mark.parametrize("cc", [(7, 5), (9, 0), (10, 0), (12, 0)])
def test_plain_products_are_contracted_and_mul_is_not(cc):
    from spikecuda.kernels.numerics import mul

    def plain(x, y, z):
        i = cuda.grid(1)
        if i < x.size:
            z[i] = x[i] * y[i] + z[i]

    def kept(x, y, z):
        i = cuda.grid(1)
        if i < x.size:
            z[i] = mul(x[i], y[i]) + z[i]

    arguments = (FLOATS, FLOATS, FLOATS)
    assert "FFMA" in sass_of(plain, arguments, cc)
    listing = sass_of(kept, arguments, cc)
    assert "FFMA" not in listing and "FMUL" in listing and "FADD" in listing


def test_a_kernel_from_a_string_cannot_be_cached():
    space = {"njit": njit}
    with pytest.raises(RuntimeError, match="cannot cache function"):
        exec("@njit(cache=True)\ndef f(x):\n    return x + 1\n", space)


SIMULATED = """
import numpy as np
from spikecuda import GPUNeuronPool, Constant, Noise, Poisson, Uniform
CASES = (
    ("lif", None, 4000.0, ("float16", "float64")), ("adex", "heun", 4000.0, ("float32",)),
    ("izhikevich", None, 60.0, ("float16", "float32")),
)
for model, scheme, top, precisions in CASES:
    for precision in precisions:
        seen = []
        for device in ("cpu", "cuda-sim"):
            with GPUNeuronPool(37, model, precision=precision, scheme=scheme, device=device, seed=3,
                               initial={"v": Uniform(-66.0, -52.0)}) as pool:
                drive = [Constant(np.linspace(0.0, top, 37)), Noise(50.0), Poisson(1000.0, 2.0)]
                result = pool.run(steps=5, input=drive, record=("spikes", "v"))
                arrays = [result.spikes.step, result.spikes.neuron, result.traces["v"]]
                arrays += [pool.state[s] for s in pool.state]
                seen.append([a.tobytes() for a in arrays])
        print(model, precision, seen[0] == seen[1], len(seen[0][0]) > 0)
"""


@pytest.mark.slow
def test_the_cuda_simulator_gives_the_cpus_bits():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SIMULATED],
        capture_output=True, text=True, env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
    )  # fmt: skip
    lines = run.stdout.splitlines()
    assert len(lines) == 5, run.stderr
    assert all(line.split()[2] == "True" for line in lines), run.stdout
    assert sum(line.split()[3] == "True" for line in lines) >= 4


def test_the_simulator_needs_its_variable(monkeypatch):
    from spikecuda import GPUNeuronPool
    from spikecuda.errors import DeviceError

    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    with pytest.raises(DeviceError, match="needs the environment variable NUMBA_ENABLE_CUDASIM=1"):
        GPUNeuronPool(10, device="cuda-sim")
