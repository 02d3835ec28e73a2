"""The basic operations, each rounded once to nearest even, on both targets.

The functions without an underscore are plain njit functions, so that they can also be called
from Python and from kernels in the CUDA simulator.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

REALS = (types.float32, types.float64)


def is_cuda(context) -> bool:
    """Tell whether code is being generated for the CUDA target."""
    return type(context).__name__.startswith("CUDA")


def nvvm(builder, name, args):
    """Call the NVVM intrinsic ``llvm.nvvm.<name>.f`` or ``.d``, which nothing may contract."""
    kind = args[0].type
    suffix = "f" if isinstance(kind, ir.FloatType) else "d"
    function = builder.module.declare_intrinsic(
        f"llvm.nvvm.{name}.{suffix}", (), ir.FunctionType(kind, [kind] * len(args))
    )
    return builder.call(function, args)


@intrinsic
def _fma(typingctx, a, b, c):
    if a not in REALS or b != a or c != a:
        return None
    return a(a, a, a), lambda context, builder, signature, args: builder.fma(*args)


@intrinsic
def _mul(typingctx, a, b):
    if a not in REALS or b != a:
        return None

    def generate(context, builder, signature, args):
        return nvvm(builder, "mul.rn", args) if is_cuda(context) else builder.fmul(*args)

    return a(a, a), generate


@intrinsic
def _div(typingctx, a, b):
    if a not in REALS or b != a:
        return None

    def generate(context, builder, signature, args):
        return nvvm(builder, "div.rn", args) if is_cuda(context) else builder.fdiv(*args)

    return a(a, a), generate


@intrinsic
def _sqrt(typingctx, a):
    if a not in REALS:
        return None

    def generate(context, builder, signature, args):
        if is_cuda(context):
            return nvvm(builder, "sqrt.rn", args)
        kind = args[0].type
        function = builder.module.declare_intrinsic("llvm.sqrt", (kind,))
        return builder.call(function, args)

    return a(a), generate


@intrinsic
def _select(typingctx, condition, a, b):
    if not isinstance(condition, types.Boolean) or b != a:
        return None
    return a(condition, a, a), lambda context, builder, signature, args: builder.select(*args)


@intrinsic
def _both(typingctx, a, b):
    if a != types.boolean or b != types.boolean:
        return None
    return a(a, b), lambda context, builder, signature, args: builder.and_(*args)


@intrinsic
def _either(typingctx, a, b):
    if a != types.boolean or b != types.boolean:
        return None
    return a(a, b), lambda context, builder, signature, args: builder.or_(*args)


@intrinsic
def _negation(typingctx, a):
    if a != types.boolean:
        return None
    return a(a), lambda context, builder, signature, args: builder.not_(args[0])


@intrinsic
def _count_down(typingctx, count, positive):
    if not isinstance(count, types.Integer) or positive != types.boolean:
        return None

    def generate(context, builder, signature, args):
        zero, one = ir.Constant(args[0].type, 0), ir.Constant(args[0].type, 1)
        less = builder.sub(args[0], one)
        if is_cuda(context):
            return builder.select(args[1], less, args[0])
        return builder.select(builder.icmp_signed(">", less, zero), less, zero)

    return count(count, positive), generate


@intrinsic
def float_bits(typingctx, a):
    """Reinterpret a float32 as int32, or a float64 as int64."""
    result = {types.float32: types.int32, types.float64: types.int64}.get(a)
    if result is None:
        return None

    def generate(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return result(a), generate


@intrinsic
def bits_float(typingctx, a):
    """Reinterpret an int32 as float32, or an int64 as float64."""
    result = {types.int32: types.float32, types.int64: types.float64}.get(a)
    if result is None:
        return None

    def generate(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return result(a), generate


@intrinsic
def nearest_int(typingctx, a):
    """Return the nearest int32 of a real, of two the even one."""
    if a not in REALS:
        return None

    def generate(context, builder, signature, args):
        kind, result = args[0].type, ir.IntType(32)
        if is_cuda(context):
            name = "f2i.rn" if isinstance(kind, ir.FloatType) else "d2i.rn"
            function = builder.module.declare_intrinsic(
                f"llvm.nvvm.{name}", (), ir.FunctionType(result, [kind])
            )
            return builder.call(function, args)
        rint = builder.module.declare_intrinsic("llvm.rint", (kind,))
        return builder.fptosi(builder.call(rint, args), result)

    return types.int32(a), generate


@njit(error_model="numpy")
def fma(a, b, c):
    """Return ``a * b + c`` rounded once."""
    return _fma(a, b, c)


@njit(error_model="numpy")
def mul(a, b):
    """Return ``a * b``, never contracted with a later sum."""
    return _mul(a, b)


@njit(error_model="numpy")
def div(a, b):
    """Return ``a / b``, correctly rounded (IEEE 754), on both targets."""
    return _div(a, b)


@njit(error_model="numpy")
def sqrt(a):
    """Return the correctly rounded square root."""
    return _sqrt(a)


@njit(error_model="numpy")
def select(condition, a, b):
    """Return ``a`` where ``condition`` holds, else ``b``; both are evaluated."""
    return _select(condition, a, b)


@njit(error_model="numpy")
def both(a, b):
    """Return ``a and b`` for two booleans, evaluating both."""
    return _both(a, b)


@njit(error_model="numpy")
def either(a, b):
    """Return ``a or b`` for two booleans, evaluating both."""
    return _either(a, b)


@njit(error_model="numpy")
def negation(a):
    """Return ``not a``."""
    return _negation(a)


@njit(error_model="numpy")
def count_down(count, positive):
    """Return ``count - 1``, but never below 0; ``positive`` is ``count > 0``, ``count`` >= 0.

    A predicated subtraction on a GPU, and a maximum on the CPU, which needs no mask.
    """
    return _count_down(count, positive)


@njit(error_model="numpy")
def minimum(a, b):
    """Return the smaller argument; ``b`` when either is NaN."""
    return _select(a < b, a, b)


@njit(error_model="numpy")
def maximum(a, b):
    """Return the larger argument; ``b`` when either is NaN."""
    return _select(a > b, a, b)


@njit(error_model="numpy")
def absolute(a):
    """Return ``|a|`` (clears nothing but the sign of a negative number; NaN stays NaN)."""
    return _select(a < a - a, -a, a)
