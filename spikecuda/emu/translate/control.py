"""Branches, calls and what ends a thread."""

from __future__ import annotations

from ..syntax import Address, Group, Instruction, Label, Operand, Symbol
from . import context as c
from .emitter import Emitter, Inline, instruction
from .modifiers import Modifiers

MAX_DEPTH = 40


@instruction("bra")
def _bra(e: Emitter, m: Modifiers) -> None:
    m.flag("uni")
    (target,) = m.done(1)
    if not isinstance(target, Symbol):
        raise m.refuse()
    name = e.inline.prefix + target.name
    item = m.item
    if e.checked and goes_back(e, item, target.name):
        name = metered(e, name, item.line)
    if item.guard is None:
        e.goto(name)
        return
    condition = e.bits(item.guard, 1, m)
    after = e.fresh("after")
    first, second = (after, name) if item.negated else (name, after)
    e.do(f'br i1 {condition}, label %"{first}", label %"{second}"')
    e.block(after)


def goes_back(e: Emitter, item: Instruction, label: str) -> bool:
    """Whether a branch goes to a label at or before it."""
    return any(
        isinstance(other, Label) and other.name == label and other.line <= item.line
        for other in e.inline.function.body
    )


def metered(e: Emitter, name: str, line: int) -> str:
    """A block that spends fuel and then goes on to ``name``: it catches endless loops."""
    skip, spend = e.fresh("skip"), e.fresh("spend")
    e.goto(skip)
    # the dead block that goto opened is closed by the label below
    e.do("unreachable")
    e.block(spend)
    place = e.value(f"getelementptr i64, ptr %ctx, i64 {c.FUEL}")
    left = e.value(f"sub i64 {e.value(f'load i64, ptr {place}')}, 1")
    e.do(f"store i64 {left}, ptr {place}")
    e.fault(e.value(f"icmp slt i64 {left}, 0"), c.FAULT_FUEL, line)
    e.do(f'br label %"{name}"')
    e.block(skip)
    return spend


@instruction("ret", "exit")
def _ret(e: Emitter, m: Modifiers) -> None:
    m.flag("uni")
    m.done(0)
    e.goto("final" if m.item.opcode == "exit" else e.inline.leave)


@instruction("trap")
def _trap(e: Emitter, m: Modifiers) -> None:
    m.done(0)
    e.fault("true", c.FAULT_TRAP, m.item.line)


@instruction("nanosleep")
def _nanosleep(e: Emitter, m: Modifiers) -> None:
    """Sleeping changes nothing that a thread can see."""
    m.type("u", (32,))
    m.done(1)


@instruction("call")
def _call(e: Emitter, m: Modifiers) -> None:
    """Write the callee out in place; its parameters are the stack slots of the caller."""
    m.flag("uni")
    operands = m.done((1, 2, 3))
    results: tuple[Operand, ...] = ()
    if isinstance(operands[0], Group):
        results, operands = operands[0].items, operands[1:]
    target = operands[0] if operands else None
    if not isinstance(target, Symbol) or len(operands) > 2:
        raise m.refuse("an indirect call")
    arguments: tuple[Operand, ...] = ()
    if len(operands) == 2:
        if not isinstance(operands[1], Group):
            raise m.refuse()
        arguments = operands[1].items
    function = e.module.functions.get(target.name)
    if function is None or not function.defined:
        raise m.refuse(f"the function {target.name} has no body in this module")
    if any(frame.function is function for frame in e.stack) or len(e.stack) > MAX_DEPTH:
        raise m.refuse(f"the recursive call of {target.name}")
    prefix = e.fresh("call") + "."
    inline = Inline(function, prefix, prefix + "leave")
    for formal, actual in zip(
        (*function.results, *function.parameters), (*results, *arguments), strict=True
    ):
        if isinstance(actual, Address) or not isinstance(actual, Symbol):
            raise m.refuse(f"the argument {actual}")
        known = e.inline.symbols.get(actual.name)
        if known is None or known[0].space != "param" or known[0].size < formal.size:
            raise m.refuse(f"the argument {actual.name} for {formal.name}")
        inline.symbols[formal.name] = (formal, known[1])
    e.body(inline)
    e.block(inline.leave)
