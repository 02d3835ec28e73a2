"""The partial derivative of a model function with respect to one argument, as source.

Forward differentiation (Wengert 1964 Commun ACM 7:463): beside each name that depends on the
argument goes its derivative, ``_t_`` and the name.  The result is in the model language, but for
names that begin with an underscore, which users cannot take.
"""

import ast
import copy

from spikecuda.kernels.language.check import Source

# The derivative of a function of one argument, of that argument's.
CHAIN = {
    "exp": "{d} * exp({a})",
    "expm1": "{d} * exp({a})",
    "log": "{d} / {a}",
    "sqrt": "{d} / (real(2.0) * sqrt({a}))",
    "abs": "-{d} if {a} < real(0.0) else {d}",
}
ONE = "real(1.0)"
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


def _parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _times(slope: ast.expr, factor: str) -> str:
    """Return the source of a product; a slope of one is left out."""
    return factor if ast.unparse(slope) == ONE else f"{_text(slope)} * {factor}"


class _Tangent:
    """Derivatives of expressions; None is one that is zero whatever the arguments are.

    Attributes:
        active: the names that depend on the argument.
        name: the argument.
        fixed: whether the function assigns nothing to the argument.
    """

    def __init__(self, name: str, active: set[str], fixed: bool) -> None:
        self.name, self.active, self.fixed = name, active, fixed

    def of(self, node: ast.expr) -> ast.expr | None:
        """Return the derivative of an expression."""
        if isinstance(node, ast.Name):
            if node.id not in self.active:
                return None
            return _parse(ONE if node.id == self.name and self.fixed else f"_t_{node.id}")
        if isinstance(node, ast.BinOp):
            return self.operator(type(node.op), node.left, node.right)
        if isinstance(node, ast.UnaryOp):
            inner = self.of(node.operand)
            return None if inner is None else _parse(f"-{_text(inner)}")
        if isinstance(node, ast.IfExp):
            return self.choice(node.test, node.body, node.orelse)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return self.call(node.func.id, node.args)
        return None  # conditions

    def operator(self, op: type, a: ast.expr, b: ast.expr) -> ast.expr | None:
        """Return the derivative of a sum, difference, product or quotient."""
        left, right = self.of(a), self.of(b)
        if left is None and right is None:
            return None
        if op in (ast.Add, ast.Sub):
            sign = "+" if op is ast.Add else "-"
            if right is None:
                return left
            if left is None:
                return right if op is ast.Add else _parse(f"-{_text(right)}")
            return _parse(f"{_text(left)} {sign} {_text(right)}")
        if op is ast.Mult:
            terms = []
            if left is not None:
                terms.append(_times(left, _text(b)))
            if right is not None:
                terms.append(_times(right, _text(a)))
            return _parse(" + ".join(terms))
        if right is None:
            assert left is not None
            return _parse(f"{_text(left)} / {_text(b)}")
        lost = f"{_text(a)} / {_text(b)} * {_text(right)}"
        top = f"-({lost})" if left is None else f"({_text(left)} - {lost})"
        return _parse(f"{top} / {_text(b)}")

    def choice(self, test: ast.expr, a: ast.expr, b: ast.expr) -> ast.expr | None:
        """Return the derivative of the chosen value."""
        left, right = self.of(a), self.of(b)
        if left is None and right is None:
            return None
        zero = _parse("real(0.0)")
        return ast.IfExp(test=test, body=left or zero, orelse=right or zero)

    def call(self, name: str, args: list[ast.expr]) -> ast.expr | None:
        """Return the derivative of a call of one of the language's functions."""
        if name == "real":
            return None
        if name == "select":
            return self.choice(*args)
        if name in ("mul", "div"):
            return self.operator(ast.Mult if name == "mul" else ast.Div, *args)
        if name == "fma":
            product = ast.BinOp(left=args[0], op=ast.Mult(), right=args[1])
            return self.operator(ast.Add, product, args[2])
        if name in ("min", "max"):
            first, second = (_text(a) for a in args)
            test = _parse(f"{first} {'<=' if name == 'min' else '>='} {second}")
            return self.choice(test, *args)
        if name == "pow":
            return self.power(*args)
        inner = self.of(args[0])
        if inner is None:
            return None
        return _parse(CHAIN[name].format(d=_text(inner), a=_text(args[0])))

    def power(self, a: ast.expr, b: ast.expr) -> ast.expr | None:
        """Return the derivative of a^b."""
        base, exponent, terms = self.of(a), self.of(b), []
        if base is not None:
            power = f"pow({_text(a)}, {_text(b)} - real(1.0))"
            terms.append(_times(base, f"({_text(b)} * {power})"))
        if exponent is not None:
            terms.append(_times(exponent, f"(log({_text(a)}) * pow({_text(a)}, {_text(b)}))"))
        return _parse(" + ".join(terms)) if terms else None


class _Body:
    """The statements of the derivative."""

    def __init__(self, name: str, body: list[ast.stmt]) -> None:
        self.active = {name}
        targets = {assigned(n)[0] for s in body for n in ast.walk(s) if isinstance(n, ASSIGNMENTS)}
        self.fixed = name not in targets
        self.tangent = _Tangent(name, self.active, self.fixed)

    def spread(self, body: list[ast.stmt]) -> None:
        """Find the names that depend on the argument."""
        before = -1
        while before != len(self.active):
            before = len(self.active)
            for node in body:
                for inner in ast.walk(node):
                    if isinstance(inner, ASSIGNMENTS):
                        target, value = assigned(inner)
                        if self.tangent.of(value) is not None:
                            self.active.add(target)

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return statements that compute names and their derivatives."""
        result: list[ast.stmt] = []
        for node in body:
            if isinstance(node, ASSIGNMENTS):
                target, value = assigned(node)
                if target in self.active:
                    slope = self.tangent.of(value)
                    text = "real(0.0)" if slope is None else ast.unparse(slope)
                    # Of the old value, if the name is in its own assignment.
                    result += ast.parse(f"_n_{target} = {text}").body
                    result.append(node)
                    result += ast.parse(f"_t_{target} = _n_{target}").body
                else:
                    result.append(node)
            elif isinstance(node, ast.If):
                branch = ast.If(node.test, self.block(node.body), self.block(node.orelse))
                result.append(branch)
            elif isinstance(node, ast.For):
                loop = copy.copy(node)
                loop.body = self.block(node.body)
                result.append(loop)
        return result


def assigned(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> tuple[str, ast.expr]:
    """Return the name that an assignment is to, and its value."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    assert isinstance(target, ast.Name) and node.value is not None
    if isinstance(node, ast.AugAssign):
        old = ast.Name(id=target.id, ctx=ast.Load())
        return target.id, ast.BinOp(left=old, op=node.op, right=node.value)
    return target.id, node.value


def differentiate(source: Source, name: str, called: str) -> str | None:
    """Return the source of the partial derivative of a checked function of one result.

    Args:
        source: the function.
        name: the argument to differentiate by.
        called: the name of the new function; its arguments are the same.

    Returns:
        Source text; None where the derivative is zero whatever the arguments are.
    """
    if name not in source.arguments:
        return None
    body = [n for n in copy.deepcopy(source.tree.body) if not isinstance(n, ast.Expr | ast.Pass)]
    *statements, last = body
    assert isinstance(last, ast.Return) and last.value is not None
    made = _Body(name, statements)
    made.spread(statements)
    slope = made.tangent.of(last.value)
    if slope is None:
        return None
    names = sorted(made.active - ({name} if made.fixed else set()))
    start = [f"_t_{n} = real({1.0 if n == name else 0.0})" for n in names]
    lines = [*start, *(ast.unparse(ast.fix_missing_locations(n)) for n in made.block(statements))]
    lines.append(f"return {ast.unparse(slope)}")
    text = "\n".join(lines).replace("\n", "\n    ")
    return f"def {called}({', '.join(source.arguments)}):\n    {text}\n"
