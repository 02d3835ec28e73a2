"""What the njit code of the emulator needs from below: raw memory and calls by address."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..kernels.compile import numba_cache
from .store import cache_dir

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


_SOURCES = ("native.py", "warps.py", "scheduler.py", "checks.py", "translate/context.py")


@functools.cache
def _digest() -> str:
    """A hash of what the functions here are made from: they inline each other's constants."""
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    for name in _SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:16]


def _stem(function: Callable[..., Any]) -> Path:
    return cache_dir() / f"njit-{_digest()}" / function.__module__.rpartition(".")[2]


def compiled(*, entry: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit`` with the code kept on disk.

    Args:
        entry: whether Python calls the function; without that Numba has less to compile.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        return numba_cache.compiled(
            stem=_stem(function), error_model="numpy", no_cpython_wrapper=not entry,
            no_cfunc_wrapper=True,
        )(function)  # fmt: skip

    return decorate


def callback(signature: Any, function: Callable[..., Any]) -> Any:
    """``numba.cfunc`` with the code kept on disk."""
    return numba_cache.callback(signature, stem=_stem(function))(function)


@intrinsic
def peek(typing: Any, address: Any, index: Any) -> Any:
    """The 64-bit word number ``index`` at an address."""
    signature = types.int64(types.int64, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I64.as_pointer())
        return builder.load(builder.gep(pointer, [args[1]]))

    return signature, generate


@intrinsic
def poke(typing: Any, address: Any, index: Any, value: Any) -> Any:
    """Set a 64-bit word."""
    signature = types.void(types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I64.as_pointer())
        builder.store(args[2], builder.gep(pointer, [args[1]]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def peek8(typing: Any, address: Any) -> Any:
    """The byte at an address."""
    signature = types.int64(types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I8.as_pointer())
        return builder.zext(builder.load(pointer), _I64)

    return signature, generate


@intrinsic
def poke8(typing: Any, address: Any, value: Any) -> Any:
    """Set a byte."""
    signature = types.void(types.int64, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I8.as_pointer())
        builder.store(builder.trunc(args[1], _I8), pointer)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def peek32(typing: Any, address: Any, index: Any) -> Any:
    """The unsigned 32-bit word number ``index`` at an address."""
    signature = types.int64(types.int64, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I32.as_pointer())
        return builder.zext(builder.load(builder.gep(pointer, [args[1]])), _I64)

    return signature, generate


@intrinsic
def poke32(typing: Any, address: Any, index: Any, value: Any) -> Any:
    """Set a 32-bit word."""
    signature = types.void(types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I32.as_pointer())
        builder.store(builder.trunc(args[2], _I32), builder.gep(pointer, [args[1]]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def field(typing: Any, records: Any, slot: Any, word: Any) -> Any:
    """A word of a thread's record (eight words of 32 bits), unsigned."""
    signature = types.int64(types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I32.as_pointer())
        index = builder.add(builder.shl(args[1], _I64(3)), args[2])
        return builder.zext(builder.load(builder.gep(pointer, [index])), _I64)

    return signature, generate


@intrinsic
def set_field(typing: Any, records: Any, slot: Any, word: Any, value: Any) -> Any:
    """Set a word of a thread's record."""
    signature = types.void(types.int64, types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I32.as_pointer())
        index = builder.add(builder.shl(args[1], _I64(3)), args[2])
        builder.store(builder.trunc(args[3], _I32), builder.gep(pointer, [index]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def run_range(
    typing: Any,
    function: Any,
    params: Any,
    ctx: Any,
    x: Any,
    y: Any,
    z: Any,
    first: Any,
    last: Any,
    base: Any,
) -> Any:
    """Call a kernel's ``emu_range``: start the threads ``first`` to ``last`` of a block."""
    signature = types.void(*[types.int64] * 9)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _I8.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, pointer, *[_I32] * 6])
        target = builder.inttoptr(args[0], kind.as_pointer())
        pointers = [builder.inttoptr(a, pointer) for a in args[1:3]]
        numbers = [builder.trunc(a, _I32) for a in args[3:]]
        builder.call(target, [*pointers, *numbers])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def resume(typing: Any, handle: Any) -> Any:
    """Go on with a suspended thread: a coroutine's frame begins with the function to call."""
    signature = types.void(types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _I8.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer])
        frame = builder.inttoptr(args[0], kind.as_pointer().as_pointer())
        function = builder.load(frame)
        builder.call(function, [builder.inttoptr(args[0], pointer)], cconv="fastcc")
        return context.get_dummy_value()

    return signature, generate
