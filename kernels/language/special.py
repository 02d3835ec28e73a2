"""What becomes of NaN and infinity in a function: found in its text, on the safe side."""

import ast

from spikecuda.kernels.language.check import Source

# Calls whose result is NaN if an argument is, and those that make no infinity of finite numbers but
# by overflow.
PASSING = ("fma", "mul", "div", "sqrt")
SATURATING = ("real", "min", "max", "abs", "select", "fma", "mul", "both", "either")


def passes_nan(source: Source, name: str) -> bool:
    """Tell whether the first result is NaN whenever an argument is.

    Args:
        source: of a checked function.
        name: of the argument.
    """
    known = {name}
    for statement in source.tree.body:
        if isinstance(statement, ast.Return):
            assert statement.value is not None
            value = statement.value
            return _is_nan(value.elts[0] if isinstance(value, ast.Tuple) else value, known)
        known = _after(statement, known)
    return False


def makes_infinity(source: Source) -> bool:
    """Tell whether a function may make infinity of finite numbers other than by overflow.

    Sums and products that overflow are infinite with the sign of the exact result; a quotient may
    be infinite where it has no value.
    """
    return any(
        (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Pow)))
        or (isinstance(node, ast.Call) and getattr(node.func, "id", "") not in SATURATING)
        for node in ast.walk(source.tree)
    )


def _after(statement: ast.stmt, known: set[str]) -> set[str]:
    """Return the names that are NaN after a statement, of those before it."""
    if isinstance(statement, ast.Assign):
        (target,) = statement.targets
        assert isinstance(target, ast.Name)
        left = known - {target.id}
        return left | {target.id} if _is_nan(statement.value, known) else left
    if isinstance(statement, ast.AugAssign):
        return known  # NaN stays NaN
    if isinstance(statement, ast.If):
        both = []
        for body in (statement.body, statement.orelse):
            names = set(known)
            for inner in body:
                names = _after(inner, names)
            both.append(names)
        return both[0] & both[1]
    if isinstance(statement, ast.Expr):
        return known
    return set()


def _is_nan(node: ast.expr, known: set[str]) -> bool:
    """Tell whether an expression is NaN where some names are."""
    if isinstance(node, ast.Name):
        return node.id in known
    if isinstance(node, ast.UnaryOp):
        return _is_nan(node.operand, known)
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Pow):
        return _is_nan(node.left, known) or _is_nan(node.right, known)
    if isinstance(node, ast.IfExp):
        return _is_nan(node.body, known) and _is_nan(node.orelse, known)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "select":
            return all(_is_nan(value, known) for value in node.args[1:])
        return node.func.id in PASSING and any(_is_nan(value, known) for value in node.args)
    return False
