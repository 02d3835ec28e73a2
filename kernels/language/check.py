"""Find, at definition, what a model function may not do, and say so with the line."""

import ast
import functools
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from spikecuda.errors import ModelError, SpikecudaValueError, nearest
from spikecuda.kernels.language import ANGLES, DRAWS, FUNCTIONS
from spikecuda.kernels.language.parse import parse

REAL, BOOL = "number", "condition"
LOOP_LIMIT = 64
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
# What the rewritten source calls beside these, so that nothing else can have the name.
INNER = ("absolute", "both", "either", "maximum", "minimum", "negation")
MATH_LIBRARIES = ("math", "np", "numpy", "cmath", "scipy")


@dataclass(frozen=True)
class Source:
    """A function's parsed source with what is needed to point into it."""

    tree: ast.FunctionDef
    file: str
    line: int
    name: str

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the function's arguments."""
        return tuple(a.arg for a in self.tree.args.args)

    def reads(self, name: str) -> bool:
        """Tell whether its body uses an argument."""
        nodes = (node for line in self.tree.body for node in ast.walk(line))
        return any(isinstance(node, ast.Name) and node.id == name for node in nodes)

    @functools.cached_property
    def draws(self) -> tuple[str, ...]:
        """The kinds of random numbers that it calls for, ``normal`` or ``uniform``, in order."""
        calls = (n.func.id for n in _calls(self.tree) if isinstance(n.func, ast.Name))
        return tuple(name for name in calls if name in DRAWS)

    @functools.cached_property
    def largest(self) -> float:
        """The largest size of a literal in ``real(...)``; 0 without one."""
        found = (n.value for call in _calls(self.tree) for n in ast.walk(call)
                 if isinstance(n, ast.Constant))  # fmt: skip
        return max((abs(float(n)) for n in found if isinstance(n, int | float)), default=0.0)


def require_literals(sources: Iterable[Source], real: str, largest: float) -> None:
    """Raise SpikecudaValueError for a literal that a type of numbers cannot hold.

    Args:
        sources: functions that were checked.
        real: name of the type.
        largest: its largest number.
    """
    for source in sources:
        if source.largest > largest:
            raise SpikecudaValueError(
                f"{source.name}, line {source.line} of {source.file}: real() must be finite in "
                f"{real} (got {source.largest:g}); write a smaller number, or use precision="
                "'float64'"
            )


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls in a tree, in the order in which a transformer comes by."""
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)


def read(function: Callable[..., object], owner: str) -> Source:
    """Return the parsed source of a model function; ``owner`` names the model in errors."""
    name = f"{owner}.{getattr(function, '__name__', function)}"
    if getattr(function, "__name__", "") == "<lambda>":
        raise ModelError(f"{name} must be a plain 'def' function (got a lambda)")
    try:
        lines, first = inspect.getsourcelines(function)
        tree = parse(textwrap.dedent("".join(lines))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        raise ModelError(
            f"{name} needs readable source (got {error}); define the model in a file or a notebook "
            "cell, as a plain function"
        ) from None
    if not isinstance(tree, ast.FunctionDef):
        raise ModelError(f"{name} must be a plain 'def' function (got {type(tree).__name__})")
    return Source(tree, inspect.getsourcefile(function) or "<unknown>", first, name)


@dataclass
class Checker:
    """Walk one model function; ``check`` returns the kinds of the values it returns.

    Attributes:
        source: the function.
        conditions: names of arguments that are conditions, not numbers.
        draws: whether the function may call for random numbers.
        angles: whether it may call for sines and cosines.
        kinds: what is known of names so far.
    """

    source: Source
    conditions: tuple[str, ...] = ()
    draws: bool = False
    angles: bool = False
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def known(self) -> Mapping[str, int]:
        """The functions that it may call, with the number of arguments of each."""
        return FUNCTIONS | ANGLES if self.angles else FUNCTIONS

    def fail(self, node: ast.AST, problem: str, remedy: str) -> NoReturn:
        """Raise a ModelError that points at a line of the user's file."""
        line = self.source.line + getattr(node, "lineno", 1) - 1
        code = ast.unparse(node).split("\n")[0]
        raise ModelError(
            f"{self.source.name}, line {line} of {self.source.file}: {problem} "
            f"(got {code!r}); {remedy}"
        )

    def check(self) -> tuple[str, ...]:
        """Return the kinds of the returned values; raise ModelError at the first problem."""
        arguments = self.source.tree.args
        named = arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs
        if named or arguments.defaults:
            self.fail(
                self.source.tree,
                "a function takes plain positional arguments, without *, / and defaults",
                "name each state, parameter, derived constant or input it needs",
            )
        for argument in arguments.args:
            if argument.arg in (*self.known, *INNER):
                self.fail(argument, f"the name {argument.arg!r} is taken", "choose another name")
        self.kinds = {
            name: BOOL if name in self.conditions else REAL for name in self.source.arguments
        }
        body = list(self.source.tree.body)
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]
        if not body or not isinstance(body[-1], ast.Return) or body[-1].value is None:
            self.fail(self.source.tree, "a model function ends in one return", "return the result")
        for statement in body[:-1]:
            self.statement(statement)
        value = body[-1].value
        assert value is not None
        items = value.elts if isinstance(value, ast.Tuple) else [value]
        return tuple(self.expression(item) for item in items)

    def statement(self, node: ast.stmt) -> None:
        """Check one statement."""
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            self.assignment(node)
        elif isinstance(node, ast.If):
            if self.expression(node.test) != BOOL:
                self.fail(node.test, "an 'if' needs a condition", "write a comparison")
            before = dict(self.kinds)
            for inner in node.body:
                self.statement(inner)
            after_then = dict(self.kinds)
            self.kinds = dict(before)
            for inner in node.orelse:
                self.statement(inner)
            # A name that only one branch assigns is unknown afterwards.
            self.kinds = {k: v for k, v in self.kinds.items() if after_then.get(k) == v}
        elif isinstance(node, ast.For):
            self.loop(node)
        elif isinstance(node, ast.While):
            self.fail(node, "a loop without bound cannot run in a kernel", "use for _ in range(4)")
        elif isinstance(node, ast.Return):
            self.fail(node, "return must be the last statement", "use select() or an if expression")
        elif not isinstance(node, ast.Pass):
            self.fail(
                node,
                f"{type(node).__name__} is not part of the model language",
                "use assignments, if, for over a literal range, and one return",
            )

    def assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        """Check ``name = expression`` in its forms and record the name's kind."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if len(targets) != 1 or not isinstance(targets[0], ast.Name):
            self.fail(node, "an assignment has one name on its left", "assign one name a line")
        if node.value is None:
            self.fail(node, "a declaration without value", "assign a value")
        name = targets[0].id
        if name in (*FUNCTIONS, *INNER) or name.startswith("_"):
            self.fail(node, f"the name {name!r} is taken", "choose another name")
        if isinstance(node, ast.AugAssign):
            kind = self.arithmetic(
                node, node.op, self.name(targets[0]), self.expression(node.value)
            )
        else:
            kind = self.expression(node.value)
        if self.kinds.get(name, kind) != kind:
            self.fail(node, f"{name!r} changes from {self.kinds[name]} to {kind}", "use a new name")
        self.kinds[name] = kind

    def loop(self, node: ast.For) -> None:
        """Check ``for _ in range(literal)``."""
        call = node.iter
        literal = (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "range"
            and len(call.args) == 1
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, int)
            and 0 < call.args[0].value <= LOOP_LIMIT
        )
        if not literal or node.orelse:
            self.fail(
                node.iter,
                f"a loop needs a literal bound of 1 to {LOOP_LIMIT}",
                "write for _ in range(4)",
            )
        if not isinstance(node.target, ast.Name) or not node.target.id.startswith("_"):
            self.fail(node.target, "a loop's counter is not a value of the model", "call it _")
        for inner in node.body:
            for call in _calls(inner):
                if isinstance(call.func, ast.Name) and call.func.id in DRAWS:
                    self.fail(
                        call, "a random number is drawn once a step", "call it before the loop"
                    )
            self.statement(inner)

    def name(self, node: ast.Name) -> str:
        """Return the kind of a name."""
        if node.id in self.kinds:
            return self.kinds[node.id]
        if node.id in FUNCTIONS:
            self.fail(node, "a function is not a value", f"call it: {node.id}(...)")
        self.fail(
            node,
            f"unknown name {node.id!r}{nearest(node.id, list(self.kinds))}",
            "a model function sees its arguments and what it assigns; make a constant a Parameter "
            "or write real(...)",
        )

    def expression(self, node: ast.expr) -> str:
        """Return the kind of an expression."""
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool):
                return BOOL
            if not isinstance(node.value, int | float):
                self.fail(node, "a value is a number or a condition", "return or use a number")
            self.fail(
                node,
                f"the bare literal {node.value!r} would promote float32 arithmetic to float64",
                f"write real({node.value!r})",
            )
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Pow):
                self.fail(node, "powers call libm", "write v * v, or exp(y * log(x))")
            return self.arithmetic(
                node, node.op, self.expression(node.left), self.expression(node.right)
            )
        if isinstance(node, ast.UnaryOp):
            kind = self.expression(node.operand)
            if isinstance(node.op, ast.USub) and kind == REAL:
                return REAL
            if isinstance(node.op, ast.Not) and kind == BOOL:
                return BOOL
            self.fail(node, "this sign or 'not' does not fit its operand", "negate a number")
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                if self.expression(value) != BOOL:
                    self.fail(value, "'and' and 'or' join conditions", "write a comparison")
            return BOOL
        if isinstance(node, ast.IfExp):
            return self.choice(node, node.test, node.body, node.orelse)
        if isinstance(node, ast.Call):
            return self.call(node)
        self.fail(
            node, f"{type(node).__name__} is not part of the model language", "use plain arithmetic"
        )

    def arithmetic(self, node: ast.AST, op: ast.operator, left: str, right: str) -> str:
        """Check an operator and its operands."""
        if not isinstance(op, ARITHMETIC):
            self.fail(node, f"the operator {type(op).__name__} is for integers", "use + - * /")
        if left != REAL or right != REAL:
            self.fail(node, "arithmetic needs two numbers", "use select(condition, a, b)")
        return REAL

    def comparison(self, node: ast.Compare) -> str:
        """Check ``a < b``."""
        if len(node.ops) != 1 or not isinstance(
            node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq
        ):
            self.fail(node, "a comparison has two sides", "join comparisons with 'and'")
        if self.expression(node.left) != REAL or self.expression(node.comparators[0]) != REAL:
            self.fail(node, "a comparison needs two numbers", "compare numbers")
        return BOOL

    def choice(self, node: ast.AST, test: ast.expr, a: ast.expr, b: ast.expr) -> str:
        """Check a conditional expression or ``select``."""
        if self.expression(test) != BOOL:
            self.fail(test, "the choice needs a condition", "write a comparison")
        kind = self.expression(a)
        if self.expression(b) != kind:
            self.fail(node, "both values of a choice are of one kind", "choose between numbers")
        return kind

    def call(self, node: ast.Call) -> str:
        """Check a call of one of the language's functions."""
        function = node.func
        if isinstance(function, ast.Attribute):
            library = isinstance(function.value, ast.Name) and function.value.id in MATH_LIBRARIES
            remedy = (
                f"use {function.attr}() from spikecuda.language"
                if function.attr in self.known
                else f"the language has {', '.join(sorted(self.known))}"
            )
            problem = (
                "libm and NumPy give other bits on a GPU" if library else "methods have no kernel"
            )
            self.fail(node, problem, remedy)
        if (
            isinstance(function, ast.Name)
            and function.id in DRAWS
            and (self.draws and function.id not in self.kinds)
        ):
            if node.args or node.keywords:
                self.fail(node, f"{function.id} takes no arguments", "scale what it returns")
            return REAL
        if not isinstance(function, ast.Name) or function.id not in self.known:
            name = getattr(function, "id", "?")
            if name in DRAWS:
                self.fail(
                    node,
                    "a random number is for step, threshold and reset",
                    "draw it there, or keep it in a state",
                )
            if name in ANGLES:
                self.fail(
                    node,
                    f"{name} is for functions of the distance only",
                    "keep the angle's sine and cosine as two states, or use a polynomial",
                )
            self.fail(
                node,
                f"{name!r} cannot be called in a kernel{nearest(name, list(self.known))}",
                f"the language has {', '.join(sorted(self.known))}",
            )
        if node.keywords or len(node.args) != self.known[function.id]:
            self.fail(
                node, f"{function.id} takes {self.known[function.id]} arguments", "mend the call"
            )
        if function.id == "real":
            value = node.args[0]
            inner = value.operand if isinstance(value, ast.UnaryOp) else value
            number = isinstance(inner, ast.Constant) and type(inner.value) in (int, float)
            if not number or (
                isinstance(value, ast.UnaryOp) and not isinstance(value.op, ast.USub | ast.UAdd)
            ):
                self.fail(node, "real() takes a literal number", "drop real() around other values")
            assert isinstance(inner, ast.Constant)
            if not _is_finite(inner.value):
                self.fail(node, "real() takes a finite number", "write a smaller one")
            return REAL
        if function.id == "select":
            return self.choice(node, *node.args)
        for argument in node.args:
            if self.expression(argument) != REAL:
                self.fail(argument, f"{function.id} takes numbers", "use select(condition, a, b)")
        return REAL
