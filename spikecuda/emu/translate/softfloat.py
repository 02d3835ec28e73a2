"""LLVM functions for what LLVM has no instruction for: directed rounding, half fma, conversions.

Each function returns the helper's name and its definition.  Directed rounding compares the nearest
value with the exact one and steps; where the exact one is out of reach (doubles, quotients, roots)
it switches the CPU's rounding mode around the one instruction.
"""

from __future__ import annotations

_ROUNDING = {"rz": 0, "rn": 1, "rp": 2, "rm": 3}  # LLVM's numbers


def directed(
    operation: str, llvm: str, intrinsic: str, arity: int, rounding: str
) -> tuple[str, str]:
    """``add``, ``mul``, ``fma``, ``div`` or ``sqrt`` of one float type with rz, rm or rp."""
    name = f"emu.{operation}.{rounding}.{intrinsic}"
    base = {"fma": "fma", "sqrt": "sqrt"}.get(operation, "f" + operation)
    inner = f"llvm.experimental.constrained.{base}.{intrinsic}"
    letters = "abc"[:arity]
    parameters = ", ".join(f"{llvm} %{x}" for x in letters)
    types = ", ".join([llvm] * arity)
    return (
        name,
        f"""
declare {llvm} @{inner}({types}, metadata, metadata)
declare void @llvm.set.rounding(i32)
define internal {llvm} @"{name}"({parameters}) noinline strictfp {{
  call void @llvm.set.rounding(i32 {_ROUNDING[rounding]}) strictfp
  %r = call {llvm} @{inner}({parameters}, metadata !"round.dynamic",
    metadata !"fpexcept.strict") strictfp
  call void @llvm.set.rounding(i32 1) strictfp
  ret {llvm} %r
}}
""",
    )


def narrow(source: str, target: str, rounding: str) -> tuple[str, str]:
    """double to float, float to half or double to half, with any rounding.

    The nearest value comes first.  From double to half it goes through float rounded to odd, which
    has more than two bits beyond a half and so can't be rounded wrongly twice.  A directed result
    is one step from the nearest one: its bits plus or minus 1, as bits grow with the magnitude.
    """
    name = f"emu.narrow.{source}.{target}.{rounding}"
    bits = {"float": "i32", "half": "i16"}[target]
    lines = []
    if (source, target) == ("double", "half"):
        lines += [
            "%f = fptrunc double %x to float",
            "%fb = fpext float %f to double",
            "%fi = bitcast float %f to i32",
            "%inexact = fcmp one double %fb, %x",
            "%odd = trunc i32 %fi to i1",
            "%even = xor i1 %odd, true",
            "%fix = and i1 %inexact, %even",
            "%fm = call double @llvm.fabs.f64(double %fb)",
            "%xm = call double @llvm.fabs.f64(double %x)",
            "%over = fcmp ogt double %fm, %xm",
            "%d = select i1 %over, i32 -1, i32 1",
            "%fi1 = add i32 %fi, %d",
            "%fi2 = select i1 %fix, i32 %fi1, i32 %fi",
            "%fo = bitcast i32 %fi2 to float",
            "%r = fptrunc float %fo to half",
        ]
    else:
        lines.append(f"%r = fptrunc {source} %x to {target}")
    if rounding == "rn":
        lines.append(f"ret {target} %r")
    else:
        lines += [
            f"%back = fpext {target} %r to {source}",
            f"%high = fcmp ogt {source} %back, %x",
            f"%low = fcmp olt {source} %back, %x",
            f"%rb = bitcast {target} %r to {bits}",
            f"%neg = icmp slt {bits} %rb, 0",
            "%pos = xor i1 %neg, true",
        ]
        step = {
            # step is +1 away from zero, -1 towards it
            "rz": ["%a = and i1 %high, %pos", "%b = and i1 %low, %neg", "%in = or i1 %a, %b"],
            "rm": ["%in = and i1 %high, %pos", "%out = and i1 %high, %neg"],
            "rp": ["%in = and i1 %low, %neg", "%out = and i1 %low, %pos"],
        }[rounding]
        lines += step
        lines.append(f"%s0 = select i1 %in, {bits} -1, {bits} 0")
        if rounding == "rz":
            lines.append(f"%s = add {bits} %s0, 0")
        else:
            lines.append(f"%s = select i1 %out, {bits} 1, {bits} %s0")
        lines += [
            f"%rs = add {bits} %rb, %s",
            f"%q = bitcast {bits} %rs to {target}",
            f"ret {target} %q",
        ]
    body = "\n  ".join(lines)
    return (
        name,
        f"""
declare double @llvm.fabs.f64(double)
define internal {target} @"{name}"({source} %x) alwaysinline {{
  {body}
}}
""",
    )


def half_fma() -> tuple[str, str]:
    """a * b + c of halves, rounded once.

    The product (22 bits) is exact in double.  So is the sum wherever its last bits matter: it spans
    at most 46 bits unless the product is below 2**-24 of c, and then the result is c.
    """
    name = "emu.fma.half"
    inner, text = narrow("double", "half", "rn")
    return (
        name,
        text
        + f"""
define internal half @"{name}"(half %a, half %b, half %c) alwaysinline {{
  %x = fpext half %a to double
  %y = fpext half %b to double
  %z = fpext half %c to double
  %p = fmul double %x, %y
  %s = fadd double %p, %z
  %r = call half @"{inner}"(double %s)
  ret half %r
}}
""",
    )


def directed_single(operation: str, rounding: str) -> tuple[str, str]:
    """``add``, ``mul`` or ``fma`` of singles with rz, rm or rp, without touching the CPU's mode.

    In double the product is exact, and the sum is an exact pair s + e (two-sum); the nearest single
    is compared with that pair and stepped.  A sum that is exactly zero is -0 with rm, unless both
    of its terms are +0.
    """
    name = f"emu.single.{operation}.{rounding}"
    letters = {"fma": "abc"}.get(operation, "ab")
    nearest = {
        "add": "%r = fadd float %a, %b",
        "mul": "%r = fmul float %a, %b",
        "fma": "%r = call float @llvm.fma.f32(float %a, float %b, float %c)",
    }[operation]
    # adding -0 changes nothing: it gives a value its second name
    product = "%p = fmul double %x, %y" if operation != "add" else "%p = fadd double %x, -0.0"
    term = {"add": "%z = fadd double %y, -0.0", "mul": "%z = fmul double 0.0, 0.0"}.get(
        operation, "%z = fpext float %c to double"
    )
    zero = ""
    result = "%stepped"
    if rounding == "rm" and operation != "mul":
        zero = """%pi = bitcast double %p to i64
  %zi = bitcast double %z to i64
  %signs = or i64 %pi, %zi
  %minus = icmp slt i64 %signs, 0
  %none = fcmp oeq double %s, 0.0
  %clear = and i1 %minus, %none
  %result = select i1 %clear, i32 -2147483648, i32 %stepped"""
        result = "%result"
    parameters = ", ".join(f"float %{x}" for x in letters)
    return (
        name,
        f"""
declare float @llvm.fma.f32(float, float, float)
define internal float @"{name}"({parameters}) alwaysinline {{
  {nearest}
  %x = fpext float %a to double
  %y = fpext float %b to double
  {product}
  {term}
  %s = fadd double %p, %z
  %pp = fsub double %s, %z
  %zz = fsub double %s, %pp
  %dp = fsub double %p, %pp
  %dz = fsub double %z, %zz
  %e = fadd double %dp, %dz
  %back = fpext float %r to double
  {_compare_pair("%back", "i32", "float", rounding)}
  {zero}
  %q = bitcast i32 {result} to float
  ret float %q
}}
""",
    )


def _compare_pair(back: str, bits: str, target: str, rounding: str) -> str:
    """LLVM text: step the bits of ``%r`` towards the exact value ``%s + %e`` as the mode asks."""
    inward = {
        "rz": "%a0 = and i1 %high, %pos\n  %b0 = and i1 %low, %neg\n  %in = or i1 %a0, %b0\n"
        "  %out = and i1 false, false",
        "rm": "%in = and i1 %high, %pos\n  %out = and i1 %high, %neg",
        "rp": "%in = and i1 %low, %neg\n  %out = and i1 %low, %pos",
    }[rounding]
    return f"""%gt = fcmp ogt double {back}, %s
  %lt = fcmp olt double {back}, %s
  %eq = fcmp oeq double {back}, %s
  %en = fcmp olt double %e, 0.0
  %ep = fcmp ogt double %e, 0.0
  %eqn = and i1 %eq, %en
  %eqp = and i1 %eq, %ep
  %high = or i1 %gt, %eqn
  %low = or i1 %lt, %eqp
  %rb = bitcast {target} %r to {bits}
  %neg = icmp slt {bits} %rb, 0
  %pos = xor i1 %neg, true
  {inward}
  %s0 = select i1 %in, {bits} -1, {bits} 0
  %st = select i1 %out, {bits} 1, {bits} %s0
  %stepped = add {bits} %rb, %st"""


def from_integer(width: int, signed: bool, target: str, rounding: str) -> tuple[str, str]:
    """An integer of 64 bits (narrower ones are extended first) to float or double, directed.

    The two 32-bit halves are exact doubles; their two-sum is the integer as a sum s + e, which the
    nearest result is compared with.
    """
    name = f"emu.from.{'s' if signed else 'u'}{width}.{target}.{rounding}"
    bits = {"float": "i32", "double": "i64"}[target]
    sign = "s" if signed else "u"
    back = "%r" if target == "double" else "%rd"
    extend = "" if target == "double" else "%rd = fpext float %r to double\n  "
    return (
        name,
        f"""
define internal {target} @"{name}"(i64 %x) alwaysinline {{
  %r = {sign}itofp i64 %x to {target}
  %hi = {"ashr" if signed else "lshr"} i64 %x, 32
  %lo = and i64 %x, 4294967295
  %hf = {sign}itofp i64 %hi to double
  %h = fmul double %hf, 4294967296.0
  %l = uitofp i64 %lo to double
  %s = fadd double %h, %l
  %hh = fsub double %s, %l
  %ll = fsub double %s, %hh
  %dh = fsub double %h, %hh
  %dl = fsub double %l, %ll
  %e = fadd double %dh, %dl
  {extend}{_compare_pair(back, bits, target, rounding)}
  %q = bitcast {bits} %stepped to {target}
  ret {target} %q
}}
""",
    )
