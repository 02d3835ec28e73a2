"""Turn a checked model function into straight-line kernel source.

Products become ``mul`` (which no compiler contracts), quotients ``div``, choices ``select``; an
``if`` becomes selects of what it assigns, so that a loop over neurons vectorises.
"""

import ast
import copy

from spikecuda.kernels.language import DRAWS
from spikecuda.kernels.language.check import Source

RENAMED = {"min": "minimum", "max": "maximum", "abs": "absolute"}


def _call(name: str, *args: ast.expr) -> ast.expr:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=list(args), keywords=[])


class _Expressions(ast.NodeTransformer):
    """Rewrite operators inside one expression."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Mult):
            return _call("mul", left, right)
        if isinstance(node.op, ast.Div):
            return _call("div", left, right)
        return ast.BinOp(left=left, op=node.op, right=right)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return _call(
            "select", self.visit(node.test), self.visit(node.body), self.visit(node.orelse)
        )

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        name = "both" if isinstance(node.op, ast.And) else "either"
        result = self.visit(node.values[0])
        for value in node.values[1:]:
            result = _call(name, result, self.visit(value))
        return result

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return _call("negation", operand)
        return ast.UnaryOp(op=node.op, operand=operand)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        if node.func.id == "real":
            return node
        return _call(
            RENAMED.get(node.func.id, node.func.id),
            *[self.visit(argument) for argument in node.args],
        )


class _Draws(ast.NodeTransformer):
    """Replace calls for random numbers by arguments, in the order of ``Source.draws``."""

    def __init__(self) -> None:
        self.count = 0

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id in DRAWS:
            self.count += 1
            return ast.Name(id=f"_draw{self.count - 1}", ctx=ast.Load())
        self.generic_visit(node)
        return node


class _Statements:
    """Rewrite statements, folding ``if`` into selects."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self.known = set(known)
        self.conditions = 0

    def block(self, body: list[ast.stmt], condition: str | None) -> list[ast.stmt]:
        """Return the block's statements under a condition variable, or under none."""
        result: list[ast.stmt] = []
        for node in body:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                result.append(self.assign(node, condition))
            elif isinstance(node, ast.If):
                result.extend(self.branch(node, condition))
            elif isinstance(node, ast.For):
                loop = copy.copy(node)
                loop.body = self.block(node.body, condition)
                result.append(loop)
            elif isinstance(node, ast.Return):
                assert node.value is not None
                result.append(ast.Return(value=_Expressions().visit(node.value)))
        return result

    def assign(
        self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, condition: str | None
    ) -> ast.stmt:
        """Return ``name = value`` or ``name = select(condition, value, name)``."""
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        assert isinstance(target, ast.Name) and node.value is not None
        value: ast.expr = node.value
        if isinstance(node, ast.AugAssign):
            value = ast.BinOp(left=ast.Name(id=target.id, ctx=ast.Load()), op=node.op, right=value)
        value = _Expressions().visit(value)
        if condition and target.id in self.known:
            value = _call("select", self._load(condition), value, self._load(target.id))
        self.known.add(target.id)
        return self._store(target.id, value)

    def branch(self, node: ast.If, condition: str | None) -> list[ast.stmt]:
        """Return an ``if`` as a condition variable and conditional assignments."""
        self.conditions += 1
        then, other = f"_if{self.conditions}", f"_else{self.conditions}"
        test = _Expressions().visit(node.test)
        negated = _call("negation", self._load(then))
        if condition:
            outer = self._load(condition)
            statements = [
                self._store(then, test),
                self._store(other, _call("both", outer, negated)),
                self._store(then, _call("both", outer, self._load(then))),
            ]
        else:
            statements = [self._store(then, test), self._store(other, negated)]
        statements += self.block(node.body, then)
        return statements + self.block(node.orelse, other)

    @staticmethod
    def _load(name: str) -> ast.Name:
        return ast.Name(id=name, ctx=ast.Load())

    @staticmethod
    def _store(name: str, value: ast.expr) -> ast.stmt:
        return ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)


def rewrite(source: Source, name: str) -> str:
    """Return the kernel source of a checked model function under a new name.

    Random numbers that it calls for are arguments after its own, ``_draw0`` and so on.
    """
    tree = copy.deepcopy(source.tree)
    draws = [f"_draw{i}" for i in range(len(source.draws))]
    if draws:
        tree = _Draws().visit(tree)
    body = [n for n in tree.body if not isinstance(n, ast.Expr | ast.Pass)]
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(arg=a) for a in (*source.arguments, *draws)],
        kwonlyargs=[],
        kw_defaults=[], defaults=[],
    )  # fmt: skip
    function = ast.FunctionDef(
        name=name,
        args=arguments,
        body=_Statements(source.arguments).block(copy.deepcopy(body), None),
        decorator_list=[],
    )
    return ast.unparse(ast.fix_missing_locations(function))
