"""How addresses go from lane to lane: a dataflow on PTX registers over values affine in tid.x.

Every register is described by a ``Value``: its step from one thread to the next and the pointers
that went into it.  A warp's access is coalesced if neighbouring lanes are at most the access's
own width apart.  What is not provably affine is unknown, and reported as such.

Assumed, because the launch guarantees it: blocks are one-dimensional and a multiple of 32 threads,
and batches start at a multiple of 32 neurons, so that ``index >> 5`` is one number for a warp.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from spikecuda.inspection.ptx import Kernel, Statement

_ADDRESS = re.compile(r"\[\s*([%\w$]+)\s*(?:\+\s*(-?\w+))?\s*\]")
_NUMBER = re.compile(r"-?(?:0x[0-9a-fA-F]+|\d+)U?$")
WIDTHS = {"b8": 1, "u8": 1, "s8": 1, "b16": 2, "u16": 2, "s16": 2, "f16": 2, "b32": 4, "u32": 4,
          "s32": 4, "f32": 4, "b64": 8, "u64": 8, "s64": 8, "f64": 8}  # fmt: skip
LANES = 32
COPIES = ("mov", "cvta", "cvt")
UNIFORM_SOURCES = ("%ctaid", "%ntid", "%nctaid", "%gridid")


@dataclass(frozen=True)
class Value:
    """What is known of a register.

    Attributes:
        stride: step from one lane to the next; 0 is the same for all lanes, None is unknown.
        constant: the number itself where it is known.
        clamped: whether lanes past the end may hold one common value instead.
        pointers: numbers of the parameters that went into it by addition.
        bits: it is known to be below 2**bits.
    """

    stride: Fraction | None
    constant: int | None = None
    clamped: bool = False
    pointers: frozenset[int] = frozenset()
    bits: int = 64

    @property
    def uniform(self) -> bool:
        """Whether all lanes hold the same."""
        return self.stride == 0 and not self.clamped


UNKNOWN, UNIFORM = Value(None), Value(Fraction(0))


@dataclass(frozen=True)
class Access:
    """One PTX instruction that reads or writes global memory.

    Attributes:
        statement: the instruction.
        block: number of its basic block.
        kind: "load", "store" or "atomic".
        bytes: what one thread reads or writes.
        stride: bytes from lane to lane; None is unknown.
        pointers: numbers of the parameters in the address.
    """

    statement: Statement
    block: int
    kind: str
    bytes: int
    stride: Fraction | None
    pointers: frozenset[int]

    @property
    def coalesced(self) -> bool:
        """Whether neighbouring lanes touch the same or neighbouring elements."""
        return self.stride is not None and abs(self.stride) <= self.bytes


def accesses(kernel: Kernel) -> list[Access]:
    """Return every reachable access to global (or generic) memory."""
    values = _Values(kernel)
    found = []
    for block in sorted(kernel.graph.reachable):
        for s in kernel.block(block):
            if s.opcode in ("ld", "st", "atom", "red") and "param" not in s.modifiers:
                if {"shared", "local", "const"} & set(s.modifiers):
                    continue
                kind = {"ld": "load", "st": "store"}.get(s.opcode, "atomic")
                address = values.address(s)
                found.append(Access(s, block, kind, _bytes(s), address.stride, address.pointers))
    return found


def _bytes(s: Statement) -> int:
    vector = {"v2": 2, "v4": 4, "v8": 8}
    size = next((WIDTHS[m] for m in s.modifiers if m in WIDTHS), 0)
    return size * next((vector[m] for m in s.modifiers if m in vector), 1)


class _Values:
    """The values of all registers, by iteration from "not yet defined" to a fixpoint."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.known: dict[str, Value] = {}
        places: dict[str, set[int]] = {}
        for block in kernel.graph.order:
            for s in kernel.block(block):
                for register in _results(s):
                    places.setdefault(register, set()).add(s.line)
        self.merged = {r for r, lines in places.items() if len(lines) > 1}
        divergent: frozenset[int] = frozenset()
        while True:
            self.known = {}
            self._iterate(divergent)
            found = self._divergent()
            if found <= divergent:
                return
            divergent |= found

    def address(self, s: Statement) -> Value:
        """Return the value of the address of a memory access."""
        operand = next(o for o in s.operands if o.startswith("["))
        found = _ADDRESS.fullmatch(operand)
        return self._operand(found.group(1)) if found else UNKNOWN

    def _loaded(self, s: Statement) -> Value:
        """Return the value of a load: one number for all lanes that read one element."""
        address = self.address(s)
        if address.uniform:
            return UNIFORM
        if address.stride and 0 < address.stride * LANES <= _bytes(s):
            return Value(Fraction(0), clamped=address.clamped)
        return UNKNOWN

    def _divergent(self) -> frozenset[int]:
        """Return the blocks that only some lanes of a warp may execute."""
        graph, result = self.kernel.graph, set()
        for block in graph.order:
            end = self.kernel.block(block)[-1]
            guard = end.predicate if end.opcode in ("bra", "ret", "exit") else ""
            if guard and not self._operand(guard.lstrip("!")).uniform:
                result |= graph.between(block)
        return frozenset(result)

    def _iterate(self, divergent: frozenset[int]) -> None:
        changed = True
        while changed:
            changed = False
            for block in self.kernel.graph.order:
                for s in self.kernel.block(block):
                    results = _results(s)
                    if not results:
                        continue
                    value = self._value(s)
                    if value is None:
                        continue
                    guarded = (
                        bool(s.predicate) and not self._operand(s.predicate.lstrip("!")).uniform
                    )
                    for register in results:
                        # Lanes that part and meet again may bring different values.
                        lone = register in self.merged and (block in divergent or guarded)
                        merged = Value(None, pointers=value.pointers) if lone else value
                        new = _join(self.known.get(register), merged)
                        if new != self.known.get(register):
                            self.known[register] = new
                            changed = True

    def _operand(self, text: str) -> Value:
        if _NUMBER.match(text):
            return Value(Fraction(0), int(text.rstrip("U"), 0))
        if text == "%tid.x":
            return Value(Fraction(1))
        if text.startswith(UNIFORM_SOURCES):
            return UNIFORM
        if text.startswith(("%", "!%")):
            return self.known.get(text.lstrip("!"), UNKNOWN)
        # Literals of floating-point numbers.
        return UNIFORM

    def _value(self, s: Statement) -> Value | None:
        """Return the value that an instruction gives; None while its inputs are undefined."""
        name = s.opcode
        inputs = s.operands[1:]
        if any(o in self.merged and o not in self.known for o in inputs):
            # A loop's value on the first pass: only what comes from outside the loop counts.
            return None
        if name == "ld" and "param" in s.modifiers:
            found = _ADDRESS.fullmatch(inputs[0])
            number = self.kernel.parameters.get(found.group(1)) if found else None
            pointers = frozenset() if number is None else frozenset({number})
            return Value(Fraction(0), pointers=pointers)
        if name == "ld":
            return self._loaded(s)
        if name == "vote":
            return UNIFORM
        values = [self._operand(o) for o in inputs]
        if name in COPIES and len(values) == 1:
            return values[0]
        return _arithmetic(s, values)


def _results(s: Statement) -> list[str]:
    if s.opcode in ("st", "red", "bra", "ret", "exit", "bar", "trap", "membar", "fence"):
        return []
    if not s.operands:
        return []
    return re.findall(r"%\w+", s.operands[0])


def _join(a: Value | None, b: Value) -> Value:
    """Return what holds for either value."""
    if a is None or a == b:
        return b
    stride = a.stride if a.stride == b.stride else None
    bits = max(a.bits, b.bits)
    return Value(stride, None, a.clamped or b.clamped, a.pointers | b.pointers, bits)


def _arithmetic(s: Statement, values: list[Value]) -> Value:
    """Return the value of an instruction whose result depends on its inputs only."""
    pointers: frozenset[int] = frozenset().union(*(v.pointers for v in values))
    clamped = any(v.clamped for v in values)
    name = s.opcode
    floating = any(m.startswith("f") and m[1:].isdigit() for m in s.modifiers)
    if name == "selp":
        return _selected(*values)
    if not floating and None not in [v.stride for v in values]:
        if name in ("add", "sub"):
            a, b = values
            stride = _plus(a.stride, b.stride, -1 if name == "sub" else 1)
            return Value(stride, _constant(name, a, b), clamped, pointers)
        if name == "mul" and len(values) == 2:
            return _product(values[0], values[1], pointers)
        if name == "mad":
            product = _product(values[0], values[1], pointers)
            stride = _plus(product.stride, values[2].stride, 1)
            return Value(stride, None, clamped, pointers)
        if name in ("shl", "shr") and values[1].constant is not None:
            by = values[1].constant if name == "shl" else -values[1].constant
            bits = 32 + by if by < 0 and "u32" in s.modifiers else 64
            stride = (values[0].stride or Fraction(0)) * Fraction(2) ** by
            return Value(stride, None, clamped, pointers, bits)
        if name == "and" and _rounds_down(values[0], values[1].constant):
            return Value(values[0].stride, None, clamped, pointers, values[0].bits)
    if all(v.uniform for v in values):
        return Value(Fraction(0), pointers=pointers)
    return Value(None, pointers=pointers)


def _rounds_down(value: Value, mask: int | None) -> bool:
    """Tell whether a mask clears nothing but low bits of an affine value."""
    if mask is None or mask <= 0 or not value.stride:
        return False
    ones = mask >> ((mask & -mask).bit_length() - 1)
    return ones & (ones + 1) == 0 and mask.bit_length() >= value.bits


def _selected(a: Value, b: Value, condition: Value) -> Value:
    """Return the value of a selection: a stride holds on if the rest take one common value."""
    pointers = a.pointers | b.pointers
    if condition.uniform and a.stride == b.stride:
        return Value(a.stride, None, a.clamped or b.clamped, pointers)
    if a.stride == b.stride == 0 and a.constant is not None and a.constant == b.constant:
        return a
    if b.uniform and a.stride:
        return Value(a.stride, None, True, pointers)
    if a.uniform and b.stride:
        return Value(b.stride, None, True, pointers)
    return Value(None, pointers=pointers)


def _plus(a: Fraction | None, b: Fraction | None, sign: int) -> Fraction | None:
    return None if a is None or b is None else a + sign * b


def _product(a: Value, b: Value, pointers: frozenset[int]) -> Value:
    """Return the value of a product: affine times a known number is affine."""
    clamped = a.clamped or b.clamped
    if a.uniform and b.uniform:
        known = a.constant is not None and b.constant is not None
        return Value(Fraction(0), a.constant * b.constant if known else None, False, pointers)  # type: ignore[operator]
    if a.stride == b.stride == 0:
        return Value(Fraction(0), None, clamped, pointers)
    if b.constant is not None and a.stride is not None:
        return Value(a.stride * b.constant, None, clamped, pointers)
    if a.constant is not None and b.stride is not None:
        return Value(b.stride * a.constant, None, clamped, pointers)
    return Value(None, None, clamped, pointers)


def _constant(name: str, a: Value, b: Value) -> int | None:
    if a.constant is None or b.constant is None:
        return None
    return a.constant - b.constant if name == "sub" else a.constant + b.constant
