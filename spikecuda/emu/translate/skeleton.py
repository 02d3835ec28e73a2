"""The LLVM functions around a kernel's body: one thread, and the loop that starts threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..syntax import Variable
from . import context as c
from .emitter import Emitter

if TYPE_CHECKING:
    from .module import Translation


def _global(variable: Variable, out: Translation) -> str:
    if variable.extern:
        return ""
    out.globals.append((variable.name, variable.size, variable.space == "const"))
    data = variable.data or b""
    text = "zeroinitializer"
    if any(data):
        text = 'c"' + "".join(f"\\{byte:02X}" for byte in data) + '"'
    align = max(variable.align, 16)
    return f'@"G{variable.name}" = global [{variable.size} x i8] {text}, align {align}\n'


_SPECIAL = ("tid.x", "tid.y", "tid.z", "ctaid.x", "ctaid.y", "ctaid.z")


def assemble(e: Emitter, out: Translation) -> str:
    """The whole LLVM module of a kernel whose body has been written."""
    variables = "".join(_global(v, out) for v in e.module.variables if v.space != "shared")
    special = ", ".join(f"i32 %{name}" for name in _SPECIAL)
    prologue = "\n".join(f"  {line}" for line in [*_prologue(e, out), *e.allocas])
    body = "\n".join(e.lines)
    thread = (_COROUTINE if e.coroutine else _PLAIN).format(
        special=special,
        prologue=prologue,
        body=body,
        EXITED=c.EXITED,
        FRAME_BYTES=c.FRAME_BYTES,
        bound=out.frame_bound,
    )
    if e.coroutine:
        step = _SPAWN_ONE.format(
            special=special, HANDLES=c.HANDLES, RECORDS=c.RECORDS, ARENA=c.ARENA
        )
    else:
        step = _CALL_ONE.format(special=special)
    if e.checked:
        step += _STOP.format(FAULT=c.FAULT)
    else:
        step += "  br label %next\n"
    loop = _LOOP.format(NTID=c.NTID, NTID1=c.NTID + 1, step=step)
    declarations = [*e.declarations.values(), *(_COROUTINE_DECLARATIONS if e.coroutine else ())]
    return _merge([*declarations, variables, thread, loop, *e.helpers.values()])


def _merge(texts: list[str]) -> str:
    """Join pieces of LLVM text, each declaration and each helper once."""
    declared: dict[str, str] = {}
    defined: set[str] = set()
    lines: list[str] = []
    skipping = False
    for line in "\n".join(texts).splitlines():
        if line.startswith("declare"):
            declared.setdefault(line.split("@", 1)[1].split("(")[0].strip('"'), line)
            continue
        if line.startswith("define"):
            name = line.split("@", 1)[1].split("(")[0]
            skipping = name in defined
            defined.add(name)
        if not skipping:
            lines.append(line)
        elif line == "}":
            skipping = False
    return "\n".join([*declared.values(), *lines]) + "\n!0 = !{}\n"


def _prologue(e: Emitter, out: Translation) -> list[str]:
    """What each thread computes first: its numbers and where its local memory is."""
    lines = ["%lin64 = zext i32 %lin to i64"]
    for axis, word in (("x", c.NCTAID), ("y", c.NCTAID + 1)):
        lines.append(f"%nc.{axis}.p = getelementptr i64, ptr %ctx, i64 {word}")
        lines.append(f"%nc.{axis} = load i64, ptr %nc.{axis}.p, !invariant.load !0")
    lines += [f"%c.{axis} = zext i32 %ctaid.{axis} to i64" for axis in "xyz"]
    lines += [
        "%c.zy = mul i64 %c.z, %nc.y",
        "%c.zy2 = add i64 %c.zy, %c.y",
        "%c.zyx = mul i64 %c.zy2, %nc.x",
        "%cta = add i64 %c.zyx, %c.x",
        f"%local_bytes = add i64 {out.local_bytes}, 0",
    ]
    if not out.local_bytes:
        lines.append("%local = add i64 0, 0")
    elif not e.checked:
        lines.append(f"%localmem = alloca [{out.local_bytes} x i8], align 16")
        lines.append("%local = ptrtoint ptr %localmem to i64")
    else:
        for name, word in (("local", c.LOCAL), ("written", c.LOCAL_WRITTEN)):
            lines += [
                f"%{name}.p = getelementptr i64, ptr %ctx, i64 {word}",
                f"%{name}.b = load i64, ptr %{name}.p",
                f"%{name}.o = mul i64 %lin64, {out.local_bytes}",
                f"%{name} = add i64 %{name}.b, %{name}.o",
            ]
        lines.append("%written.ptr = inttoptr i64 %written to ptr")
        lines.append(
            "call void @llvm.memset.p0.i64(ptr %written.ptr, i8 0,"
            f" i64 {out.local_bytes}, i1 false)"
        )
        e.declarations["llvm.memset.p0.i64"] = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"
    return lines


_PLAIN = """
define internal void @thread(ptr noalias %params, ptr %ctx, {special}, i32 %lin) alwaysinline {{
entry:
{prologue}
{body}
"final":
  ret void
}}
"""

_COROUTINE_DECLARATIONS = (
    "declare token @llvm.coro.id(i32, ptr, ptr, ptr)",
    "declare i64 @llvm.coro.size.i64()",
    "declare ptr @llvm.coro.begin(token, ptr)",
    "declare i8 @llvm.coro.suspend(token, i1)",
    "declare void @llvm.coro.end(ptr, i1, token)",
)

_COROUTINE = """
define internal ptr @thread(ptr noalias %params, ptr %ctx, {special}, i32 %lin, ptr %record,
    i64 %slot, i64 %arena) presplitcoroutine {{
entry:
  %id = call token @llvm.coro.id(i32 16, ptr null, ptr null, ptr null)
  %size = call i64 @llvm.coro.size.i64()
  %size.up = add i64 %size, 15
  %size.al = and i64 %size.up, -16
  %size.p = getelementptr i64, ptr %ctx, i64 {FRAME_BYTES}
  store i64 %size.al, ptr %size.p
  %frame.o = mul i64 %slot, %size.al
  %frame.a = add i64 %arena, %frame.o
  %frame.p = inttoptr i64 %frame.a to ptr
  %frame.fits = icmp ule i64 %size.al, {bound}
  %frame = select i1 %frame.fits, ptr %frame.p, ptr null
  %hdl = call noalias ptr @llvm.coro.begin(token %id, ptr %frame)
{prologue}
{body}
"final":
  store i32 {EXITED}, ptr %record
  %end = call i8 @llvm.coro.suspend(token none, i1 true)
  switch i8 %end, label %suspended [i8 0, label %never i8 1, label %cleanup]
never:
  unreachable
cleanup:
  br label %suspended
suspended:
  call void @llvm.coro.end(ptr %hdl, i1 false, token none)
  ret ptr %hdl
}}
"""

# Threads lin0 to lin1 of one block, row by row, so that the inner loop runs over tid.x alone.
_LOOP = """
define void @emu_range(ptr noalias %params, ptr %ctx, i32 %ctaid.x, i32 %ctaid.y, i32 %ctaid.z,
    i32 %lin0, i32 %lin1, i32 %base) {{
entry:
  %nx.p = getelementptr i64, ptr %ctx, i64 {NTID}
  %nx64 = load i64, ptr %nx.p, !invariant.load !0
  %nx = trunc i64 %nx64 to i32
  %ny.p = getelementptr i64, ptr %ctx, i64 {NTID1}
  %ny64 = load i64, ptr %ny.p, !invariant.load !0
  %ny = trunc i64 %ny64 to i32
  %some = icmp slt i32 %lin0, %lin1
  br i1 %some, label %row, label %done
row:
  %start = phi i32 [%lin0, %entry], [%after, %rowend]
  %rowno = udiv i32 %start, %nx
  %x0 = urem i32 %start, %nx
  %tid.y = urem i32 %rowno, %ny
  %tid.z = udiv i32 %rowno, %ny
  %left = sub i32 %lin1, %start
  %x1a = add i32 %x0, %left
  %whole = icmp ugt i32 %x1a, %nx
  %x1 = select i1 %whole, i32 %nx, i32 %x1a
  %shift = sub i32 %start, %x0
  br label %loop
loop:
  %tid.x = phi i32 [%x0, %row], [%x2, %next]
  %lin = add i32 %shift, %tid.x
{step}next:
  %x2 = add nuw i32 %tid.x, 1
  %more = icmp ult i32 %x2, %x1
  br i1 %more, label %loop, label %rowend
rowend:
  %after = add i32 %shift, %x1
  %rows = icmp ult i32 %after, %lin1
  br i1 %rows, label %row, label %done
done:
  ret void
}}
"""

_CALL_ONE = """  call void @thread(ptr %params, ptr %ctx, {special}, i32 %lin)
"""

_SPAWN_ONE = """  %slot = sub i32 %lin, %base
  %slot64 = zext i32 %slot to i64
  %rec.p = getelementptr i64, ptr %ctx, i64 {RECORDS}
  %rec.b = load i64, ptr %rec.p
  %rec.o = shl i64 %slot64, 5
  %rec.a = add i64 %rec.b, %rec.o
  %rec = inttoptr i64 %rec.a to ptr
  %arena.p = getelementptr i64, ptr %ctx, i64 {ARENA}
  %arena = load i64, ptr %arena.p
  %h = call ptr @thread(ptr %params, ptr %ctx, {special}, i32 %lin, ptr %rec, i64 %slot64,
    i64 %arena)
  %hd.p = getelementptr i64, ptr %ctx, i64 {HANDLES}
  %hd.b = load i64, ptr %hd.p
  %hd.o = shl i64 %slot64, 3
  %hd.a = add i64 %hd.b, %hd.o
  %hd = inttoptr i64 %hd.a to ptr
  store ptr %h, ptr %hd
"""

_STOP = """  %fault.p = getelementptr i64, ptr %ctx, i64 {FAULT}
  %fault = load i64, ptr %fault.p
  %bad = icmp ne i64 %fault, 0
  br i1 %bad, label %done, label %next
"""
