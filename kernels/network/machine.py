"""What Numba does not offer: raw addresses, prefetch, atomics and calls through a pointer."""

import sys

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from spikecuda.kernels.numerics.inner import inner

INT32, INT64 = ir.IntType(32), ir.IntType(64)


def _pointer_to(kind):
    """Return an intrinsic that turns an address (int64) into a pointer to a Numba type."""

    @intrinsic
    def convert(typingctx, address):
        result = types.CPointer(kind)

        def generate(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(result))

        return result(types.int64), generate

    return convert


_as_int8 = _pointer_to(types.int8)
_as_uint8 = _pointer_to(types.uint8)
_as_int16 = _pointer_to(types.int16)
_as_uint16 = _pointer_to(types.uint16)
_as_int32 = _pointer_to(types.int32)
_as_uint32 = _pointer_to(types.uint32)
_as_int64 = _pointer_to(types.int64)
_as_float32 = _pointer_to(types.float32)
_as_float64 = _pointer_to(types.float64)


@inner
def int8_at(address, size):
    """Return the int8 array of ``size`` elements at an address."""
    return carray(_as_int8(np.int64(address)), size)


@inner
def uint8_at(address, size):
    """Return the uint8 array of ``size`` elements at an address."""
    return carray(_as_uint8(np.int64(address)), size)


@inner
def int16_at(address, size):
    """Return the int16 array of ``size`` elements at an address."""
    return carray(_as_int16(np.int64(address)), size)


@inner
def uint16_at(address, size):
    """Return the uint16 array of ``size`` elements at an address."""
    return carray(_as_uint16(np.int64(address)), size)


@inner
def int32_at(address, size):
    """Return the int32 array of ``size`` elements at an address."""
    return carray(_as_int32(np.int64(address)), size)


@inner
def uint32_at(address, size):
    """Return the uint32 array of ``size`` elements at an address."""
    return carray(_as_uint32(np.int64(address)), size)


@inner
def int64_at(address, size):
    """Return the int64 array of ``size`` elements at an address."""
    return carray(_as_int64(np.int64(address)), size)


@inner
def float32_at(address, size):
    """Return the float32 array of ``size`` elements at an address."""
    return carray(_as_float32(np.int64(address)), size)


@inner
def float64_at(address, size):
    """Return the float64 array of ``size`` elements at an address."""
    return carray(_as_float64(np.int64(address)), size)


@intrinsic
def prefetch(typingctx, address):
    """Ask for the cache line at an address; touches nothing, whatever the address."""

    def generate(context, builder, signature, args):
        pointer = ir.IntType(8).as_pointer()
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", (pointer,), ir.FunctionType(ir.VoidType(), [pointer] + [INT32] * 3)
        )
        where = builder.inttoptr(args[0], pointer)
        # read, keep in all caches, data
        builder.call(function, [where, INT32(0), INT32(3), INT32(1)])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def atomic_add(typingctx, address, value):
    """Add to the int64 at an address, sequentially consistent; return what it was."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], INT64.as_pointer())
        return builder.atomic_rmw("add", pointer, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def atomic_load(typingctx, address):
    """Return the int64 at an address, as other threads wrote it."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], INT64.as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), generate


@intrinsic
def give_way(typingctx):
    """Let another thread have the processor."""

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(INT32, [])
        name = "SwitchToThread" if sys.platform == "win32" else "sched_yield"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def call_kernel(typingctx, function, table, steps):
    """Call the kernel entry at an address: ``void entry(int64 table, int64 steps)``."""

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(ir.VoidType(), [INT64, INT64])
        pointer = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(pointer, [args[1], args[2]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


SPINS = 4000


@inner
def barrier(address, threads):
    """Wait until ``threads`` threads are here; ``address`` is a counter that starts at 0.

    Spins, because a window may last two microseconds; gives way when it takes long.
    """
    mine = atomic_add(address, np.int64(1))
    goal = (mine // threads + 1) * threads
    spins = 0
    while atomic_load(address) < goal:
        spins += 1
        if spins > SPINS:
            give_way()
