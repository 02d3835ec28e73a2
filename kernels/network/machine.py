"""What Numba does not offer: raw addresses, prefetch, atomics and calls through a pointer."""

import sys

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from spikecuda.kernels.numerics.inner import inner

INT32, INT64 = ir.IntType(32), ir.IntType(64)


def _array_at(kind):
    """Return an intrinsic: the array of ``size`` elements of a Numba type at an address.

    Like ``numba.carray``, but without functions of its own to compile, a dozen for each type.
    """
    result = types.Array(kind, 1, "C")

    @intrinsic
    def array_at(typingctx, address, size):
        def generate(context, builder, signature, args):
            address, size = args
            width = INT64(context.get_abi_sizeof(context.get_data_type(kind)))
            array = make_array(result)(context, builder)
            data = builder.inttoptr(address, context.get_data_type(kind).as_pointer())
            populate_array(
                array, data=data, shape=(size,), strides=(width,), itemsize=width, meminfo=None
            )
            return array._getvalue()

        return result(types.int64, types.int64), generate

    return array_at


int8_at = _array_at(types.int8)
uint8_at = _array_at(types.uint8)
int16_at = _array_at(types.int16)
uint16_at = _array_at(types.uint16)
int32_at = _array_at(types.int32)
uint32_at = _array_at(types.uint32)
int64_at = _array_at(types.int64)
float32_at = _array_at(types.float32)
float64_at = _array_at(types.float64)


def _read(kind, result=types.int64):
    """Return an intrinsic: the value of a Numba type at an address, as an int64.

    Views of arrays as ``int64_at`` are counted when they are handed on: a dozen calls of Numba's
    for each, which is more than a spike's cursor takes.
    """

    @intrinsic
    def read(typingctx, address):
        def generate(context, builder, signature, args):
            pointer = builder.inttoptr(args[0], context.get_data_type(kind).as_pointer())
            return context.cast(builder, builder.load(pointer), kind, result)

        return result(types.int64), generate

    return read


def _write(kind):
    """Return an intrinsic: store an int64 at an address as a value of a Numba type."""

    @intrinsic
    def write(typingctx, address, value):
        def generate(context, builder, signature, args):
            pointer = builder.inttoptr(args[0], context.get_data_type(kind).as_pointer())
            builder.store(context.cast(builder, args[1], types.int64, kind), pointer)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    return write


read_int16, read_uint16 = _read(types.int16), _read(types.uint16)
read_int32, read_uint32, read_int64 = _read(types.int32), _read(types.uint32), _read(types.int64)
write_int32, write_int64 = _write(types.int32), _write(types.int64)


@intrinsic
def add_int32(typingctx, address, value):
    """Add to the int32 at an address."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], INT32.as_pointer())
        more = builder.trunc(args[1], INT32)
        builder.store(builder.add(builder.load(pointer), more), pointer)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


def _scope(module):
    """Return the metadata of what stores of ``put_...`` do not touch: what ``held_...`` reads."""
    domain = module.add_metadata(["spikecuda"])
    return module.add_metadata([module.add_metadata(["spikecuda held", domain])])


def _element(kind, mark):
    """Return an intrinsic: an element of an array, marked as apart from ``put`` or as ``put`` is.

    A loop with reads at random places and stores is vectorised only with the promise that they are
    apart: "alias.scope" for what no ``put`` of the loop changes, "noalias" for what one may.
    """

    @intrinsic
    def element(typingctx, address, index):
        def generate(context, builder, signature, args):
            base = builder.inttoptr(args[0], context.get_data_type(kind).as_pointer())
            value = builder.load(builder.gep(base, [args[1]]))
            value.set_metadata(mark, _scope(builder.module))
            return value

        return kind(types.int64, types.int64), generate

    return element


def _put(kind):
    """Return an intrinsic: store an element of an array; see ``_element``."""

    @intrinsic
    def put(typingctx, address, index, value):
        def generate(context, builder, signature, args):
            base = builder.inttoptr(args[0], context.get_data_type(kind).as_pointer())
            stored = builder.store(args[2], builder.gep(base, [args[1]]))
            stored.set_metadata("noalias", _scope(builder.module))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, kind), generate

    return put


HELD, TAKEN = "alias.scope", "noalias"
held_int32, held_uint16 = _element(types.int32, HELD), _element(types.uint16, HELD)
held_float32, held_float64 = _element(types.float32, HELD), _element(types.float64, HELD)
take_float32, take_float64 = _element(types.float32, TAKEN), _element(types.float64, TAKEN)
put_int32, put_float32, put_float64 = _put(types.int32), _put(types.float32), _put(types.float64)
put_uint8 = _put(types.uint8)


@intrinsic
def smaller(typingctx, a, b):
    """Return the smaller of two int64; ``min`` would be three functions to compile."""

    def generate(context, builder, signature, args):
        return builder.select(builder.icmp_signed("<", *args), *args)

    return types.int64(types.int64, types.int64), generate


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
def atomic_add32(typingctx, address, value):
    """Add to the int32 at an address, whatever other threads add to it."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], INT32.as_pointer())
        builder.atomic_rmw("add", pointer, args[1], "monotonic")
        return context.get_dummy_value()

    return types.void(types.int64, types.int32), generate


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


def _call(function, args, builder, result):
    kind = ir.FunctionType(result, [INT64] * len(args))
    return builder.call(builder.inttoptr(function, kind.as_pointer()), args)


@intrinsic
def call_kernel(typingctx, function, table, steps):
    """Call the kernel entry at an address: ``void entry(int64 table, int64 steps)``."""

    def generate(context, builder, signature, args):
        _call(args[0], args[1:], builder, ir.VoidType())
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def call_draw(typingctx, function, a, b, c, d, e, f, g, h, i, j, k):
    """Call one of ``cpu_loops/network_draw`` at an address; return its int64."""

    def generate(context, builder, signature, args):
        return _call(args[0], args[1:], builder, INT64)

    return types.int64(*[types.int64] * 12), generate


@intrinsic
def call_profile(typingctx, function, distance, dx, dy, dz):
    """Call a function of a displacement at an address; return its float64."""

    def generate(context, builder, signature, args):
        real = ir.DoubleType()
        kind = ir.FunctionType(real, [real] * 4)
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])

    return types.float64(types.int64, *[types.float64] * 4), generate


@intrinsic
def call_learn(typingctx, function, bundle, segment, first, count, step, cells):
    """Call a rule's ``learn`` at an address."""

    def generate(context, builder, signature, args):
        _call(args[0], args[1:], builder, INT64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), generate


@intrinsic
def call_finish(typingctx, function, bundle, cells):
    """Call a rule's ``finish`` at an address."""

    def generate(context, builder, signature, args):
        _call(args[0], args[1:], builder, INT64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def call_push(typingctx, function, history, neuron, step):
    """Call a rule's ``push_source`` or ``push_target`` at an address."""

    def generate(context, builder, signature, args):
        _call(args[0], args[1:], builder, INT64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


@intrinsic
def call_send(typingctx, function, block, bundle, neuron, step):
    """Call ``cpu_loops/network_procedural.send_row`` at an address."""

    def generate(context, builder, signature, args):
        return _call(args[0], args[1:], builder, INT64)

    return types.int64(*[types.int64] * 5), generate


@intrinsic
def call_link(typingctx, function, link, parts, count, parity, steps, stop):
    """Call ``begin``, ``test`` or ``end`` of ``cpu_loops/network_link`` at an address.

    The last two do not look at more than ``link``.
    """

    def generate(context, builder, signature, args):
        return _call(args[0], args[1:], builder, INT64)

    return types.int64(*[types.int64] * 7), generate


@intrinsic
def call_file(typingctx, function, link, block, now):
    """Call ``cpu_loops/network_link.file_received`` at an address."""

    def generate(context, builder, signature, args):
        return _call(args[0], args[1:], builder, INT64)

    return types.int64(*[types.int64] * 4), generate


@intrinsic
def call_spread(typingctx, function, a, b, c, d, e, f, g, h, i, j):
    """Call a function of ``cpu_loops/network_short`` at an address, which does not look at more
    arguments than it has."""

    def generate(context, builder, signature, args):
        _call(args[0], args[1:], builder, INT64)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 11), generate


@intrinsic
def call_transport(typingctx, function, a, b, c, d, e, f, g, h):
    """Call a function of MPI at an address; C takes as much of each argument as it is wide.

    A function of seven arguments does not look at the eighth.
    """

    def generate(context, builder, signature, args):
        _call(args[0], args[1:], builder, INT32)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 9), generate


@intrinsic
def call_seconds(typingctx, function):
    """Call a clock at an address, which returns seconds as float64."""

    def generate(context, builder, signature, args):
        return _call(args[0], args[1:], builder, ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def address_of(typingctx, array):
    """Return the address of an array's first element."""
    if not isinstance(array, types.Array):
        return None

    def generate(context, builder, signature, args):
        data = make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, INT64)

    return types.int64(array), generate


SPINS = 4000


@inner
def arrive(address, threads):
    """Tell the others that this thread is here; return what ``wait`` takes.

    ``address`` is that of a counter that starts at 0.
    """
    return (atomic_add(address, np.int64(1)) // threads + 1) * threads


@inner
def wait(address, goal):
    """Wait until all threads are here.

    Spins, because a window may last two microseconds; gives way when it takes long.
    """
    spins = 0
    while atomic_load(address) < goal:
        spins += 1
        if spins > SPINS:
            give_way()


@inner
def barrier(address, threads):
    """Wait until ``threads`` threads are here."""
    wait(address, arrive(address, threads))
