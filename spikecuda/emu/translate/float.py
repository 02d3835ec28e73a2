"""Floating-point instructions."""

from __future__ import annotations

from ..syntax import Operand
from ..types import F16, F32, F64, TYPES, Type
from . import integer
from .emitter import Emitter, instruction
from .modifiers import Modifiers
from .softfloat import directed, directed_single, half_fma, narrow

ROUNDINGS = ("rn", "rz", "rm", "rp")
_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}


def is_float(m: Modifiers) -> bool:
    """Whether the last modifier is a floating type."""
    return bool(m.left) and (kind := TYPES.get(m.left[-1])) is not None and kind.is_float


def flushes(m: Modifiers, kind: Type) -> bool:
    """Consume ``.ftz``; on halves it is refused, as the emulator has no case to test it with."""
    if not m.flag("ftz"):
        return False
    if kind is not F32:
        raise m.refuse("the modifier .ftz on this type")
    return True


def operate(e: Emitter, m: Modifiers, name: str, kind: Type, rounding: str, *values: str) -> str:
    """One correctly rounded operation."""
    if rounding != "rn":
        if kind not in (F32, F64):
            raise m.refuse(f".{rounding} on this type")
        if kind is F32 and name == "sub":
            name, values = "add", (values[0], e.value(f"fneg float {values[1]}"))
        if kind is F32 and name in ("add", "mul", "fma"):
            helper, text = directed_single(name, rounding)
        else:
            helper, text = directed(name, kind.llvm, kind.intrinsic, len(values), rounding)
        return e.helper(helper, text, kind.llvm, *(f"{kind.llvm} {v}" for v in values))
    if name in _ARITHMETIC:
        return e.value(f"{_ARITHMETIC[name]} {kind.llvm} {values[0]}, {values[1]}")
    if name == "fma" and kind.width // kind.lanes == 16:
        return half_pairs(e, kind, *values)
    arguments = [f"{kind.llvm} {v}" for v in values]
    return e.call(kind.llvm, f"llvm.{name}.{kind.intrinsic}", *arguments)


def half_pairs(e: Emitter, kind: Type, *values: str) -> str:
    """The fused product and sum of halves, single or packed."""
    name, text = half_fma()
    if kind.lanes == 1:
        return e.helper(name, text, "half", *(f"half {v}" for v in values))
    result = "poison"
    for lane in (0, 1):
        parts = [e.value(f"extractelement <2 x half> {v}, i32 {lane}") for v in values]
        one = e.helper(name, text, "half", *(f"half {v}" for v in parts))
        result = e.value(f"insertelement <2 x half> {result}, half {one}, i32 {lane}")
    return result


def saturate(e: Emitter, kind: Type, value: str) -> str:
    """Clamp to [0, 1]; NaN becomes +0."""
    zero, one = ("0.0", "1.0")
    if kind.lanes == 2:
        zero, one = "<half 0.0, half 0.0>", "<half 1.0, half 1.0>"
    boolean = "<2 x i1>" if kind.lanes == 2 else "i1"
    above = e.value(f"fcmp ogt {kind.llvm} {value}, {zero}")
    value = e.value(f"select {boolean} {above}, {kind.llvm} {value}, {kind.llvm} {zero}")
    below = e.value(f"fcmp olt {kind.llvm} {value}, {one}")
    return e.value(f"select {boolean} {below}, {kind.llvm} {value}, {kind.llvm} {one}")


def relu(e: Emitter, kind: Type, value: str) -> str:
    """Clamp negative values to +0; NaN stays (and becomes canonical when it is written)."""
    zero = "<half 0.0, half 0.0>" if kind.lanes == 2 else "0.0"
    boolean = "<2 x i1>" if kind.lanes == 2 else "i1"
    keep = e.value(f"fcmp ugt {kind.llvm} {value}, {zero}")
    return e.value(f"select {boolean} {keep}, {kind.llvm} {value}, {kind.llvm} {zero}")


def arithmetic(e: Emitter, m: Modifiers) -> None:
    """``add``, ``sub``, ``mul``, ``fma`` and ``mad`` on floats."""
    kind = m.type("f")
    opcode = m.item.opcode
    name = "fma" if opcode == "mad" else opcode
    mixed = kind is F16 and m.flag("f32")
    rounding = m.choose(*ROUNDINGS, default="" if name == "fma" else "rn")
    sat = m.flag("sat")
    rectify = name == "fma" and kind.width // kind.lanes == 16 and m.flag("relu")
    ftz = flushes(m, F32 if mixed else kind)
    if not rounding or (opcode == "mad" and kind.width == 16) or (sat and kind is F64):
        raise m.refuse()
    operands = m.done(4 if name == "fma" else 3)
    if mixed:
        mixed_precision(e, m, name, rounding, sat, ftz, operands)
        return
    values = [e.get(operand, kind, m) for operand in operands[1:]]
    if ftz:
        values = [e.flush(value, kind) for value in values]
    result = operate(e, m, name, kind, rounding, *values)
    finish(e, m, operands[0], result, kind, ftz, sat, rectify)


def mixed_precision(
    e: Emitter,
    m: Modifiers,
    name: str,
    rounding: str,
    sat: bool,
    ftz: bool,
    operands: tuple[Operand, ...],
) -> None:
    """``add/sub/fma.f32.f16``: the first operands are halves, the last and the result singles."""
    if name == "mul":
        raise m.refuse()
    values = [e.value(f"fpext half {e.get(o, F16, m)} to float") for o in operands[1:-1]]
    values.append(e.get(operands[-1], F32, m))
    if ftz:
        values = [e.flush(value, F32) for value in values]
    result = operate(e, m, name, F32, rounding, *values)
    finish(e, m, operands[0], result, F32, ftz, sat)


def finish(
    e: Emitter,
    m: Modifiers,
    target: Operand,
    result: str,
    kind: Type,
    ftz: bool = False,
    sat: bool = False,
    rectify: bool = False,
) -> None:
    """Flush, clamp and write a result, as the modifiers say."""
    if ftz:
        result = e.flush(result, kind)
    if sat:
        result = saturate(e, kind, result)
    if rectify:
        result = relu(e, kind, result)
    e.put(target, result, kind, m)


@instruction("add", "sub")
def _add(e: Emitter, m: Modifiers) -> None:
    if is_float(m):
        arithmetic(e, m)
    else:
        integer.add_sub(e, m, m.item.opcode)


@instruction("mul", "mad")
def _mul(e: Emitter, m: Modifiers) -> None:
    if is_float(m):
        arithmetic(e, m)
    else:
        integer.multiply(e, m)


@instruction("fma")
def _fma(e: Emitter, m: Modifiers) -> None:
    arithmetic(e, m)


@instruction("div")
def _div(e: Emitter, m: Modifiers) -> None:
    if not is_float(m):
        integer.divide(e, m)
        return
    kind = m.type("f", (32, 64))
    rounding = m.choose(*ROUNDINGS, "approx", "full")
    ftz = flushes(m, kind)
    d, a, b = m.done(3)
    x, y = e.get(a, kind, m), e.get(b, kind, m)
    if ftz:
        x, y = e.flush(x, kind), e.flush(y, kind)
    approximate = rounding == "approx"
    if rounding in ("approx", "full"):
        if kind is not F32:
            raise m.refuse()
        rounding = "rn"
    result = operate(e, m, "div", kind, rounding, x, y)
    if approximate:  # documented: divisors beyond 2**126 give x * 0
        size = e.call("float", "llvm.fabs.f32", f"float {y}")
        huge = e.value(f"fcmp ogt float {size}, 0x47D0000000000000")
        finite = e.value(f"fcmp olt float {size}, 0x7FF0000000000000")
        zero = e.call("float", "llvm.copysign.f32", "float 0.0", f"float {y}")
        product = e.value(f"fmul float {x}, {zero}")
        beyond = e.value(f"and i1 {huge}, {finite}")
        result = e.value(f"select i1 {beyond}, float {product}, float {result}")
    finish(e, m, d, result, kind, ftz)


@instruction("sqrt")
def _sqrt(e: Emitter, m: Modifiers) -> None:
    kind = m.type("f", (32, 64))
    rounding = m.choose(*ROUNDINGS, "approx")
    ftz = flushes(m, kind)
    d, a = m.done(2)
    x = e.get(a, kind, m)
    if ftz:
        x = e.flush(x, kind)
    if rounding == "approx":
        if kind is not F32:
            raise m.refuse()
        rounding = "rn"
    finish(e, m, d, operate(e, m, "sqrt", kind, rounding, x), kind, ftz)


@instruction("rcp", "rsqrt")
def _reciprocal(e: Emitter, m: Modifiers) -> None:
    kind = m.type("f", (32, 64))
    root = m.item.opcode == "rsqrt"
    rounding = m.choose("approx", *(() if root else ROUNDINGS))
    if kind is F64 and rounding == "approx" and (m.flag("ftz") or not root):
        upper_half(e, m, root)
        return
    ftz = flushes(m, kind)
    d, a = m.done(2)
    x = e.get(a, kind, m)
    if ftz:
        x = e.flush(x, kind)
    if rounding == "approx":
        rounding = "rn"
        if kind is F32:  # in double, so that the square root is not rounded on its own
            wide = e.value(f"fpext float {x} to double")
            if root:
                wide = e.call("double", "llvm.sqrt.f64", f"double {wide}")
            wide = e.value(f"fdiv double 1.0, {wide}")
            finish(e, m, d, e.value(f"fptrunc double {wide} to float"), kind, ftz)
            return
        x = e.call("double", "llvm.sqrt.f64", f"double {x}")
    finish(e, m, d, operate(e, m, "div", kind, rounding, "1.0", x), kind, ftz)


def upper_half(e: Emitter, m: Modifiers, root: bool) -> None:
    """``rcp``/``rsqrt.approx.ftz.f64``: the upper 32 bits of x give the upper 32 of the result."""
    if "approx" in m.left or ("ftz" not in m.item.modifiers):
        raise m.refuse()
    d, a = m.done(2)
    bits = e.value(f"and i64 {e.bits(a, 64, m)}, -4294967296")
    bits = flush_double(e, bits)
    x = e.cast(bits, "i64", "double")
    nan = e.value(f"fcmp uno double {x}, {x}")
    if root:
        x = e.call("double", "llvm.sqrt.f64", f"double {x}")
    result = e.value(f"fdiv double 1.0, {x}")
    bits = e.value(f"and i64 {e.cast(result, 'double', 'i64')}, -4294967296")
    bits = flush_double(e, bits)
    invalid = e.value(f"fcmp uno double {result}, {result}")
    nan = e.value(f"or i1 {nan}, {invalid}")
    bits = e.value(f"select i1 {nan}, i64 {0x7FFFFFFF00000000}, i64 {bits}")
    e.put_bits(d, bits, 64, m)


def flush_double(e: Emitter, bits: str) -> str:
    """Replace a subnormal double's bits by those of a zero of its sign."""
    exponent = e.value(f"and i64 {bits}, {0x7FF0000000000000}")
    zero = e.value(f"icmp eq i64 {exponent}, 0")
    sign = e.value(f"and i64 {bits}, {-(1 << 63)}")
    return e.value(f"select i1 {zero}, i64 {sign}, i64 {bits}")


_FUNCTIONS = {"ex2": "exp2", "lg2": "log2", "sin": "sin", "cos": "cos", "tanh": "tanh"}


def in_double(e: Emitter, opcode: str, value: str) -> str:
    """The function on a double: the platform's libm, through LLVM's intrinsic."""
    return e.call("double", f"llvm.{_FUNCTIONS[opcode]}.f64", f"double {value}")


@instruction(*_FUNCTIONS)
def _function(e: Emitter, m: Modifiers) -> None:
    opcode = m.item.opcode
    kind = m.type("f", (16, 32) if opcode in ("ex2", "tanh") else (32,))
    m.choose("approx")
    ftz = flushes(m, kind)
    d, a = m.done(2)
    x = e.get(a, kind, m)
    if kind is F32:
        x = e.flush(x, kind) if ftz else x
        wide = in_double(e, opcode, e.value(f"fpext float {x} to double"))
        finish(e, m, d, e.value(f"fptrunc double {wide} to float"), kind, ftz)
        return
    name, text = narrow("double", "half", "rn")
    result = "poison"
    for lane in range(kind.lanes):
        part = e.value(f"extractelement <2 x half> {x}, i32 {lane}") if kind.lanes == 2 else x
        wide = in_double(e, opcode, e.value(f"fpext half {part} to double"))
        one = e.helper(name, text, "half", f"double {wide}")
        if kind.lanes == 1:
            result = one
        else:
            result = e.value(f"insertelement <2 x half> {result}, half {one}, i32 {lane}")
    e.put(d, result, kind, m)


@instruction("neg", "abs")
def _sign(e: Emitter, m: Modifiers) -> None:
    if not is_float(m):
        integer.neg_abs(e, m)
        return
    kind = m.type("f")
    ftz = flushes(m, kind)
    d, a = m.done(2)
    x = e.get(a, kind, m)
    if ftz:
        x = e.flush(x, kind)
    if m.item.opcode == "neg":
        result = e.value(f"fneg {kind.llvm} {x}")
    else:
        result = e.call(kind.llvm, f"llvm.fabs.{kind.intrinsic}", f"{kind.llvm} {x}")
    e.put(d, result, kind, m, exact=True)


@instruction("copysign")
def _copysign(e: Emitter, m: Modifiers) -> None:
    kind = m.type("f", (32, 64))
    d, a, b = m.done(3)
    sign, size = e.get(a, kind, m), e.get(b, kind, m)
    name = f"llvm.copysign.{kind.intrinsic}"
    result = e.call(kind.llvm, name, f"{kind.llvm} {size}", f"{kind.llvm} {sign}")
    e.put(d, result, kind, m, exact=True)


@instruction("min", "max")
def _extreme(e: Emitter, m: Modifiers) -> None:
    if not is_float(m):
        integer.extreme(e, m)
        return
    kind = m.type("f")
    propagate = m.flag("NaN")
    ftz = flushes(m, kind)
    if propagate and kind is F64:
        raise m.refuse()
    operands = m.done((3, 4) if kind is F32 else 3)
    values = [e.get(operand, kind, m) for operand in operands[1:]]
    if ftz:
        values = [e.flush(value, kind) for value in values]
    # -0 < +0; a NaN loses against a number, or wins with .NaN
    name = f"llvm.{m.item.opcode}imum{'' if propagate else 'num'}.{kind.intrinsic}"
    result = values[0]
    for value in values[1:]:
        result = e.call(kind.llvm, name, f"{kind.llvm} {result}", f"{kind.llvm} {value}")
    e.put(operands[0], result, kind, m)


@instruction("testp")
def _testp(e: Emitter, m: Modifiers) -> None:
    kind = m.type("f", (32, 64))
    what = m.choose("finite", "infinite", "number", "notanumber", "normal", "subnormal")
    d, a = m.done(2)
    mask = {
        "finite": 0x1F8,
        "infinite": 0x204,
        "number": 0x3FC,
        "notanumber": 0x003,
        "normal": 0x108,
        "subnormal": 0x090,
    }[what]
    name = f"llvm.is.fpclass.{kind.intrinsic}"
    result = e.call("i1", name, f"{kind.llvm} {e.get(a, kind, m)}", f"i32 {mask}")
    e.put_bits(d, result, 1, m)
