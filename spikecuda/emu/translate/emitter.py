"""Writes the LLVM IR of one thread: registers, operands, labels and the calls to helpers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import UnsupportedPTXError
from ..syntax import (
    Address,
    FloatBits,
    Function,
    Instruction,
    Integer,
    Label,
    Module,
    Not,
    Operand,
    Register,
    Sink,
    Special,
    Symbol,
    Variable,
)
from ..tokens import float_bits
from ..types import B64, F32, TYPES, Type
from . import context as c
from .modifiers import Modifiers
from .writer import Writer

Handler = Callable[["Emitter", "Modifiers"], None]
HANDLERS: dict[str, Handler] = {}

CANONICAL_NAN = {16: 0x7FFF, 32: 0x7FFFFFFF}  # what NVIDIA's half and single operations return


def instruction(*opcodes: str) -> Callable[[Handler], Handler]:
    """Register the function that translates some opcodes."""

    def register(handler: Handler) -> Handler:
        for opcode in opcodes:
            HANDLERS[opcode] = handler
        return handler

    return register


@dataclass
class Inline:
    """One function being written out: the kernel, or a callee at one of its call sites."""

    function: Function
    prefix: str
    leave: str
    symbols: dict[str, tuple[Variable, str]] = field(default_factory=dict)
    registers: dict[str, str] = field(default_factory=dict)


class Emitter(Writer):
    """State of the translation of one kernel.

    Args:
        module: the parsed PTX.
        kernel: the entry to translate.
        checked: whether each memory access calls the checks.
        offsets: address in its space of each shared variable.
        coroutine: whether a thread can be suspended.
    """

    def __init__(
        self,
        module: Module,
        kernel: Function,
        checked: bool,
        offsets: dict[str, int],
        coroutine: bool,
    ) -> None:
        super().__init__()
        self.module, self.kernel, self.checked = module, kernel, checked
        self.offsets, self.coroutine = offsets, coroutine
        self.allocas: list[str] = []
        self.local_offsets: dict[str, int] = {}
        self.local_bytes = 0
        self.stack: list[Inline] = []
        self.suspends = 0
        self.carry = ""
        self.globals = {v.name: v for v in module.variables}
        self.parameter_offsets: dict[str, tuple[int, Variable]] = {}

    # -- registers and operands ---------------------------------------------------------------
    @property
    def inline(self) -> Inline:
        """The function that is being written out."""
        return self.stack[-1]

    def slot(self, register: Register) -> str:
        """The stack slot that holds a register; LLVM turns the slots into values."""
        known = self.inline.registers
        if register.name not in known:
            name = f'%"R{self.inline.prefix}{register.name}"'
            known[register.name] = name
            bits = register.type.bits
            self.allocas.append(f"{name} = alloca {bits}")
            self.allocas.append(f"store {bits} 0, ptr {name}")
        return known[register.name]

    def bits(self, operand: Operand, width: int, mods: Modifiers, wide: bool = False) -> str:
        """An operand as an integer of ``width`` bits; ``wide`` allows a wider register."""
        if isinstance(operand, Register):
            have = operand.type.width
            if have != width and not (wide and have > width):
                raise mods.refuse(f"{operand.name} has {have} bits, not {width}")
            value = self.value(f"load i{have}, ptr {self.slot(operand)}")
            return self.resize(value, have, width)
        if isinstance(operand, Not) and width == 1:
            return self.value(f"xor i1 {self.bits(operand.operand, 1, mods)}, true")
        if isinstance(operand, Integer):
            if width == 1:
                return "true" if operand.value else "false"
            return str(operand.value & ((1 << width) - 1))
        if isinstance(operand, FloatBits):
            kind = TYPES[f"f{width}"] if width in (32, 64) else None
            if kind is None:
                raise mods.refuse("a float literal of this width")
            return str(float_bits(operand, kind, mods.item.line))
        if isinstance(operand, Special):
            have, value = self.special(operand, mods)
            if have != width and not (have == 32 and width == 64):
                raise mods.refuse(f"{operand.name} read as {width} bits")
            return self.resize(value, have, width)
        if isinstance(operand, Symbol):
            return self.resize(self.symbol(operand.name, mods), 64, width)
        raise mods.refuse(f"the operand {operand}")

    def get(self, operand: Operand, kind: Type, mods: Modifiers, wide: bool = False) -> str:
        """An operand as an LLVM value of a PTX type."""
        self.check_literal(operand, kind, mods)
        bits = self.bits(operand, kind.width, mods, wide)
        return self.cast(bits, kind.bits, kind.llvm) if kind.is_float else bits

    def check_literal(self, operand: Operand, kind: Type, mods: Modifiers) -> None:
        """Refuse an integer where a float is meant, and a float where an integer is."""
        if isinstance(operand, Integer) and kind.is_float:
            raise mods.refuse(f"the integer {operand.value} as .{kind.name}")
        if isinstance(operand, FloatBits) and kind.kind in "us":
            raise mods.refuse(f"a float literal as .{kind.name}")

    def put(
        self, operand: Operand, value: str, kind: Type, mods: Modifiers, *, exact: bool = False
    ) -> None:
        """Write a result; floats become canonical NaN unless ``exact`` keeps their bits."""
        if kind.is_float:
            value = self.cast(value, kind.llvm, kind.bits)
            if not exact:
                value = self.canonical(value, kind)
        self.put_bits(operand, value, kind.width, mods)

    def put_bits(
        self,
        operand: Operand,
        value: str,
        width: int,
        mods: Modifiers,
        *,
        extend: str | None = None,
    ) -> None:
        """Write ``width`` bits; ``extend`` (``zero`` or ``sign``) allows a wider register."""
        if isinstance(operand, Sink):
            return
        if not isinstance(operand, Register):
            raise mods.refuse(f"the destination {operand}")
        have = operand.type.width
        if have != width:
            if extend is None or have < width:
                raise mods.refuse(f"{operand.name} has {have} bits, not {width}")
            value = self.resize(value, width, have, extend == "sign")
        self.do(f"store i{have} {value}, ptr {self.slot(operand)}")

    def canonical(self, bits: str, kind: Type) -> str:
        """Replace a NaN's bits by the one that NVIDIA's hardware returns (doubles keep theirs)."""
        width = kind.width // kind.lanes
        if width == 64:
            return bits
        value = self.cast(bits, kind.bits, kind.llvm)
        nan = CANONICAL_NAN[width]
        if kind.lanes == 2:
            ordered = self.value(f"fcmp ord {kind.llvm} {value}, {value}")
            pair = self.cast(bits, kind.bits, "<2 x i16>")
            pair = self.value(
                f"select <2 x i1> {ordered}, <2 x i16> {pair}, <2 x i16> <i16 {nan}, i16 {nan}>"
            )
            return self.cast(pair, "<2 x i16>", kind.bits)
        ordered = self.value(f"fcmp ord {kind.llvm} {value}, {value}")
        return self.value(f"select i1 {ordered}, {kind.bits} {bits}, {kind.bits} {nan}")

    def flush(self, value: str, kind: Type) -> str:
        """Replace a subnormal by a zero of its sign (``.ftz``)."""
        if kind.width // kind.lanes == 16:
            return value  # .ftz on halves is handled by its caller; see float.py
        assert kind is F32
        bits = self.cast(value, "float", "i32")
        exponent = self.value(f"and i32 {bits}, 2139095040")
        zero = self.value(f"icmp eq i32 {exponent}, 0")
        sign = self.value(f"and i32 {bits}, -2147483648")
        bits = self.value(f"select i1 {zero}, i32 {sign}, i32 {bits}")
        return self.cast(bits, "i32", "float")

    def special(self, operand: Special, mods: Modifiers) -> tuple[int, str]:
        """Width and value of a special register."""
        name = operand.name[1:]
        axis = {"x": 0, "y": 1, "z": 2}
        base, _, letter = name.partition(".")
        if base in ("tid", "ctaid"):
            return 32, f"%{base}.{letter}"
        if base in ("ntid", "nctaid"):
            word = (c.NTID if base == "ntid" else c.NCTAID) + axis[letter]
            return 32, self.resize(self.context(word, invariant=True), 64, 32)
        if name == "laneid":
            return 32, self.value("and i32 %lin, 31")
        if name == "warpid":
            return 32, self.value("lshr i32 %lin, 5")
        if name == "nwarpid":
            threads = self.resize(self.context(c.THREADS, invariant=True), 64, 32)
            return 32, self.value(f"lshr i32 {self.value(f'add i32 {threads}, 31')}, 5")
        if name.startswith("lanemask_"):
            lane = self.value("and i32 %lin, 31")
            equal = self.value(f"shl i32 1, {lane}")
            below = self.value(f"sub i32 {equal}, 1")
            masks = {
                "eq": lambda: equal,
                "lt": lambda: below,
                "le": lambda: self.value(f"or i32 {below}, {equal}"),
                "ge": lambda: self.value(f"xor i32 {below}, -1"),
                "gt": lambda: self.value(f"xor i32 {self.value(f'or i32 {below}, {equal}')}, -1"),
            }
            if (which := name.removeprefix("lanemask_")) in masks:
                return 32, masks[which]()
        if name == "dynamic_smem_size":
            return 32, self.resize(self.context(c.DYNAMIC_BYTES, invariant=True), 64, 32)
        if name == "total_smem_size":
            return 32, self.resize(self.context(c.SHARED_BYTES, invariant=True), 64, 32)
        raise UnsupportedPTXError(mods.item.line, f"the special register {operand.name}")

    def symbol(self, name: str, mods: Modifiers) -> str:
        """The address of a variable in its own state space, as 64 bits."""
        known = self.inline.symbols.get(name)
        variable = known[0] if known else self.globals.get(name)
        if variable is None:
            raise UnsupportedPTXError(mods.item.line, f"the symbol {name} as a value")
        if variable.space == "shared":
            return str(self.offsets[known[1] if known else name])
        if variable.space == "local":
            return str(self.local_offsets[known[1] if known else name])
        if variable.space in ("global", "const"):
            if variable.extern:
                raise UnsupportedPTXError(mods.item.line, f"the external variable {name}")
            return self.value(f'ptrtoint ptr @"G{name}" to i64')
        raise UnsupportedPTXError(mods.item.line, f"the address of the parameter {name}")

    def address(self, operand: Operand, mods: Modifiers) -> str:
        """An address operand as 64 bits, in the state space of its instruction."""
        if not isinstance(operand, Address):
            raise mods.refuse(f"the address {operand}")
        base = operand.base
        if isinstance(base, Register) and base.type.width == 32:
            value = self.resize(self.bits(base, 32, mods), 32, 64)
        else:
            value = self.get(base, B64, mods)
        if operand.offset:
            value = self.value(f"add i64 {value}, {operand.offset}")
        return value

    # -- threads ------------------------------------------------------------------------------
    def stop_if(self, condition: str) -> None:
        """End the thread where ``condition`` holds (a fault was noted in the context)."""
        carry_on = self.fresh("go")
        self.do(f'br i1 {condition}, label %"final", label %"{carry_on}"')
        self.block(carry_on)

    def fault(self, condition: str, code: int, line: int) -> None:
        """Note a fault and end the thread where ``condition`` holds."""
        bad, good = self.fresh("bad"), self.fresh("good")
        self.do(f'br i1 {condition}, label %"{bad}", label %"{good}"')
        self.block(bad)
        for word, value in (
            (c.FAULT, str(code)),
            (c.FAULT_LINE, str(line)),
            (c.FAULT_BLOCK, "%cta"),
            (c.FAULT_THREAD, "%lin64"),
        ):
            pointer = self.value(f"getelementptr i64, ptr %ctx, i64 {word}")
            self.do(f"store i64 {value}, ptr {pointer}")
        self.do('br label %"final"')
        self.block(good)

    def suspend(self, kind: int, mods: Modifiers, **words: str) -> str:
        """Hand over to the scheduler; returns the pointer to this thread's record."""
        numbers = {"mask": c.MASK, "mode": c.MODE, "value": c.VALUE, "high": c.VALUE_HIGH}
        numbers |= {"b": c.ARG_B, "c": c.ARG_C}
        stores = {c.KIND: str(kind), c.LINE: str(mods.item.line)}
        stores |= {numbers[name]: value for name, value in words.items()}
        for word, value in stores.items():
            pointer = self.value(f"getelementptr i32, ptr %record, i64 {word}")
            self.do(f"store i32 {value}, ptr {pointer}")
        number = self.suspends
        self.suspends += 1
        state = self.value("call i8 @llvm.coro.suspend(token none, i1 false)")
        self.do(
            f"switch i8 {state}, label %suspended [i8 0, label %resumed{number}"
            f" i8 1, label %cleanup]"
        )
        self.block(f"resumed{number}")
        return "%record"

    def result(self, word: int) -> str:
        """Load a word of this thread's record, which the scheduler filled in."""
        pointer = self.value(f"getelementptr i32, ptr %record, i64 {word}")
        return self.value(f"load i32, ptr {pointer}")

    # -- bodies -------------------------------------------------------------------------------
    def body(self, inline: Inline) -> None:
        """Write out a function: its variables, then each of its instructions."""
        self.stack.append(inline)
        for variable in inline.function.variables:
            key = inline.prefix + variable.name
            if variable.space == "shared":
                key = f"{inline.function.name}/{variable.name}"
                inline.symbols[variable.name] = (variable, key)
            elif variable.space == "local":
                start = -(-self.local_bytes // variable.align) * variable.align
                self.local_offsets[key] = start
                self.local_bytes = start + variable.size
                inline.symbols[variable.name] = (variable, key)
            elif variable.space == "param":
                name = f'%"P{key}"'
                self.allocas.append(f"{name} = alloca [{variable.size} x i8], align 16")
                inline.symbols[variable.name] = (variable, name)
            else:
                raise UnsupportedPTXError(variable.line, f"a .{variable.space} variable in a body")
        for item in inline.function.body:
            if isinstance(item, Label):
                self.label(inline.prefix + item.name)
            else:
                self.statement(item)
        self.do(f'br label %"{inline.leave}"')
        self.stack.pop()

    def statement(self, item: Instruction) -> None:
        """Translate one instruction, under its guard."""
        mods = Modifiers(item)
        handler = HANDLERS.get(item.opcode)
        if handler is None:
            raise mods.refuse()
        if item.guard is None or item.opcode == "bra":
            handler(self, mods)
            return
        condition = self.bits(item.guard, 1, mods)
        then, after = self.fresh("then"), self.fresh("after")
        first, second = (after, then) if item.negated else (then, after)
        self.do(f'br i1 {condition}, label %"{first}", label %"{second}"')
        self.block(then)
        handler(self, mods)
        self.label(after)
