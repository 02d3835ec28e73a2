"""Numbers so small that they are nothing: what has decayed becomes 0, not subnormal for good.

A state that decays by a factor each step ends at the smallest subnormal number and stays there,
because rounding takes it no further; and a processor computes with subnormal numbers several times
more slowly.  So at the start of every step whose number is a multiple of 64 every
state with a magnitude below ``TINY`` becomes 0.  The rule knows only the number of the step and the
value: it is the same on every device and in every precision, however a run is split.  That it is
not applied in each step makes it free: LIF in float32 would take a fifth longer.

``TINY`` is far above the smallest normal float32, 2^-126, so that products with a state are normal
too, and far below anything measured: 2^-100 = 8e-31 in the unit of the state.
"""

from llvmlite import ir
from numba import njit
from numba.extending import intrinsic

from spikecuda.kernels.numerics.arithmetic import REALS, is_cuda, nvvm
from spikecuda.kernels.numerics.inner import inner

TINY = 2.0**-100


@intrinsic
def _flush(typingctx, a):
    if a not in REALS:
        return None

    def generate(context, builder, signature, args):
        kind = args[0].type
        if is_cuda(context):
            size = nvvm(builder, "fabs", args)
        else:
            size = builder.call(builder.module.declare_intrinsic("llvm.fabs", (kind,)), args)
        tiny = builder.fcmp_ordered("<", size, ir.Constant(kind, TINY))
        return builder.select(tiny, ir.Constant(kind, 0.0), args[0])

    return a(a), generate


@njit(error_model="numpy")
def flush_tiny(a):
    """Return 0 where ``|a| < TINY``, else ``a``; NaN stays NaN."""
    return _flush(a)


@inner
def flush_row(values):
    """Apply ``flush_tiny`` to each of an array, in place."""
    for j in range(values.size):
        values[j] = _flush(values[j])
