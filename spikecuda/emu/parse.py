"""PTX text to a :class:`~spikecuda.emu.syntax.Module`: a tokenizer and recursive descent."""

from __future__ import annotations

from .errors import PTXSyntaxError, UnsupportedPTXError
from .scope import Scope
from .syntax import (
    Address,
    FloatBits,
    Function,
    Group,
    Instruction,
    Integer,
    Label,
    Module,
    Not,
    Operand,
    Pair,
    Register,
    Sink,
    Special,
    Symbol,
    Variable,
    Vector,
)
from .token_reader import TokenReader
from .tokens import Token, float_bits, float_literal, integer_literal
from .types import TYPES, Type

_SPACES = (".global", ".const", ".shared", ".local", ".param")
_LINKAGE = (".visible", ".extern", ".weak", ".common")
_LIMITS = (".maxntid", ".reqntid", ".minnctapersm", ".maxnreg", ".maxnctapersm")
_SPECIAL_VECTORS = ("%tid", "%ntid", "%ctaid", "%nctaid")


class _Parser(TokenReader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.module = Module(text)
        self.scopes = 0

    # -- module -------------------------------------------------------------------------------
    def parse(self) -> Module:
        while self.token.kind != "end":
            self.declaration()
        return self.module

    def declaration(self) -> None:
        token = self.next()
        extern = False
        while token.text in _LINKAGE:
            extern |= token.text == ".extern"
            token = self.next()
        if token.text == ".version":
            self.module.version = self.next().text
        elif token.text == ".target":
            self.module.target = self.word()
            while self.accept(","):
                self.word()
        elif token.text == ".address_size":
            if (size := self.integer()) != 64:
                raise UnsupportedPTXError(
                    token.line, f".address_size {size}", "compile for 64 bits"
                )
        elif token.text in (".entry", ".func"):
            self.function(token, token.text == ".entry")
        elif token.text in (".global", ".const", ".shared"):
            self.module.variables.extend(self.variables(token, extern))
        elif token.text == ".file":
            while self.token.line == token.line and self.token.kind != "end":
                self.next()
        elif token.text == ".section":
            while not self.accept("{"):
                self.next()
            while not self.accept("}"):
                self.next()
        elif token.text == ".pragma":
            self.pragma()
        else:
            raise UnsupportedPTXError(token.line, f"the directive {token.text}")

    def pragma(self) -> None:
        while not self.accept(";"):
            self.next()

    def variables(self, first: Token, extern: bool) -> list[Variable]:
        """Parse what follows ``.global`` (or another space), up to and with the semicolon."""
        found = []
        space, align = first.text[1:], 0
        kind: Type | None = None
        lanes = 1
        while self.token.kind == "dotted":
            token = self.next()
            if token.text == ".align":
                align = self.integer()
            elif token.text in (".v2", ".v4"):
                lanes = int(token.text[2:])
            elif token.text == ".attribute":
                raise UnsupportedPTXError(token.line, "the directive .attribute")
            elif token.text[1:] in TYPES:
                kind = TYPES[token.text[1:]]
            elif token.text == ".ptr":
                self.pointer()
                align = align or 0
            else:
                raise UnsupportedPTXError(token.line, f"the directive {token.text} on a variable")
        if kind is None:
            raise PTXSyntaxError(first.line, f"a {first.text} variable has no type")
        while True:
            name = self.word()
            if self.accept("<"):
                raise UnsupportedPTXError(
                    first.line, f"a numbered family of {first.text} variables"
                )
            count: int | None = None
            while self.accept("["):
                extent = 0 if self.token.text == "]" else self.integer()
                count = extent if count is None else count * extent
                self.expect("]")
            size = kind.bytes * lanes * (1 if count is None else count)
            data = self.initial(kind, size) if self.accept("=") else None
            scalar = kind if count is None and lanes == 1 else None
            natural = kind.bytes * lanes
            found.append(
                Variable(
                    name,
                    space,
                    align or natural,
                    size,
                    first.line,
                    data,
                    scalar,
                    extern or size == 0,
                )
            )
            if space == "param" or not self.accept(","):
                break
        if space != "param":
            self.expect(";")
        return found

    def pointer(self) -> None:
        """Skip the attributes that follow ``.ptr`` on a kernel parameter: they only promise."""
        while self.token.text in (".global", ".const", ".shared", ".local", ".align"):
            if self.next().text == ".align":
                self.integer()

    def initial(self, kind: Type, size: int) -> bytes:
        values: list[bytes] = []

        def one() -> None:
            if self.accept("{"):
                while not self.accept("}"):
                    one()
                    if self.token.text != "}":
                        self.expect(",")
                return
            token = self.token
            operand = self.operand(Scope(None, ""))
            if isinstance(operand, FloatBits):
                values.append(float_bits(operand, kind, token.line).to_bytes(kind.bytes, "little"))
            elif isinstance(operand, Integer) and not kind.is_float:
                mask = (1 << kind.width) - 1
                values.append((operand.value & mask).to_bytes(kind.bytes, "little"))
            else:
                raise UnsupportedPTXError(token.line, f"the initial value {token.text}")

        one()
        data = b"".join(values)
        if size and len(data) > size:
            raise PTXSyntaxError(self.token.line, f"{len(data)} bytes initialise {size}")
        return data.ljust(size, b"\0")

    # -- functions ----------------------------------------------------------------------------
    def function(self, first: Token, entry: bool) -> None:
        results: list[Variable] = []
        scope = Scope(None, "")
        if self.accept("("):
            results = self.parameters(scope)
        function = Function(self.word(), first.line, entry, results=results)
        if self.accept("("):
            function.parameters = self.parameters(scope)
        while self.token.kind == "dotted":
            token = self.next()
            if token.text in _LIMITS:
                values = [self.integer()]
                while self.accept(","):
                    values.append(self.integer())
                function.limits[token.text[1:]] = tuple(values)
            elif token.text == ".noreturn":
                function.limits["noreturn"] = ()
            elif token.text == ".pragma":
                self.pragma()
            else:
                raise UnsupportedPTXError(token.line, f"the directive {token.text} on a function")
        if self.accept("{"):
            function.defined = True
            self.body(function, scope)
            function.body = self.resolve_labels(function)
        else:
            self.expect(";")
        self.module.functions.setdefault(function.name, function)
        if function.defined:
            self.module.functions[function.name] = function

    def parameters(self, scope: Scope) -> list[Variable]:
        found: list[Variable] = []
        while not self.accept(")"):
            token = self.next()
            if token.text == ".param":
                found.extend(self.variables(token, False))
            else:
                raise UnsupportedPTXError(token.line, f"a {token.text} parameter")
            self.accept(",")
        return found

    def body(self, function: Function, scope: Scope) -> None:
        self._pending: list[tuple[int, Scope]] = []
        self.block(function, scope)

    def block(self, function: Function, scope: Scope) -> None:
        while not self.accept("}"):
            token = self.token
            if token.kind == "end":
                raise PTXSyntaxError(token.line, f"the body of {function.name} does not end")
            if self.accept("{"):
                self.scopes += 1
                self.block(function, Scope(scope, f"@{self.scopes}"))
            elif self.accept(";"):
                continue
            elif token.kind == "dotted":
                self.directive(function, scope)
            elif token.kind == "word" and self.tokens[self.at + 1].text == ":":
                self.at += 2
                scope.labels[token.text] = token.text + scope.suffix
                function.body.append(Label(token.text + scope.suffix, token.line))
            else:
                self._pending.append((len(function.body), scope))
                function.body.append(self.instruction(scope))

    def directive(self, function: Function, scope: Scope) -> None:
        token = self.next()
        if token.text == ".reg":
            kind = self.next()
            if kind.text in (".v2", ".v4") or kind.text[1:] not in TYPES:
                raise UnsupportedPTXError(kind.line, f"a register of type {kind.text}")
            while True:
                name = self.word()
                if self.accept("<"):
                    scope.families[name] = (self.integer(), TYPES[kind.text[1:]])
                    self.expect(">")
                else:
                    scope.registers[name] = Register(name + scope.suffix, TYPES[kind.text[1:]])
                if not self.accept(","):
                    break
            self.expect(";")
        elif token.text in _SPACES:
            for variable in self.variables(token, False):
                name = variable.name + scope.suffix
                scope.symbols[variable.name] = name
                function.variables.append(
                    Variable(
                        name,
                        variable.space,
                        variable.align,
                        variable.size,
                        variable.line,
                        variable.data,
                        variable.type,
                        variable.extern,
                    )
                )
            if token.text == ".param":
                self.expect(";")
        elif token.text == ".loc":
            while self.token.line == token.line and self.token.kind != "end":
                self.next()
        elif token.text == ".pragma":
            self.pragma()
        else:
            raise UnsupportedPTXError(token.line, f"the directive {token.text} in a function")

    def resolve_labels(self, function: Function) -> list[Label | Instruction]:
        """Replace the target of each branch by the label that its scope sees."""
        body = list(function.body)
        for index, scope in self._pending:
            item = body[index]
            if not isinstance(item, Instruction) or item.opcode != "bra":
                continue
            target = item.operands[0]
            name = scope.label(target.name) if isinstance(target, Symbol) else None
            if name is None:
                raise PTXSyntaxError(item.line, f"no label {target} for {item.text}")
            body[index] = Instruction(
                item.line, "bra", item.modifiers, (Symbol(name),), item.guard, item.negated
            )
        return body

    # -- instructions -------------------------------------------------------------------------
    def instruction(self, scope: Scope) -> Instruction:
        line = self.token.line
        guard: Register | None = None
        negated = False
        if self.accept("@"):
            negated = self.accept("!")
            name = self.word()
            guard = scope.register(name)
            if guard is None:
                raise PTXSyntaxError(line, f"the guard {name} is not a declared register")
        token = self.token
        opcode = self.word()
        modifiers: list[str] = []
        while self.token.kind == "dotted" and self.token.glued:
            modifiers.append(self.next().text[1:])
        operands: list[Operand] = []
        while not self.accept(";"):
            operands.append(self.operand(scope))
            if self.token.text != ";":
                self.expect(",")
        return Instruction(token.line, opcode, tuple(modifiers), tuple(operands), guard, negated)

    def operand(self, scope: Scope) -> Operand:
        first = self.single(scope)
        if self.accept("|"):
            return Pair(first, self.single(scope))
        return first

    def single(self, scope: Scope) -> Operand:
        token = self.token
        if self.accept("{"):
            return Vector(self.list_of(lambda: self.operand(scope), "}"))
        if self.accept("("):
            return Group(self.list_of(lambda: self.operand(scope), ")"))
        if self.accept("["):
            return self.address(scope)
        if self.accept("!"):
            inner = self.single(scope)
            if not isinstance(inner, Register):
                raise PTXSyntaxError(token.line, "'!' needs a predicate register")
            return Not(inner)
        if self.accept("-"):
            inner = self.single(scope)
            if isinstance(inner, Integer):
                return Integer(-inner.value)
            if isinstance(inner, FloatBits):
                return FloatBits(inner.bits ^ (1 << (inner.width - 1)), inner.width)
            raise UnsupportedPTXError(token.line, "a minus before anything but a number")
        if token.kind == "int":
            return Integer(integer_literal(self.next().text))
        if token.kind == "float":
            return float_literal(self.next().text)
        return self.named(scope)

    def named(self, scope: Scope) -> Operand:
        token = self.token
        name = self.word()
        if name == "_":
            return Sink()
        if register := scope.register(name):
            return register
        if name == "WARP_SZ":
            return Integer(32)
        if name.startswith("%"):
            if name in _SPECIAL_VECTORS:
                axis = self.next().text
                if axis not in (".x", ".y", ".z"):
                    raise PTXSyntaxError(token.line, f"{name} needs .x, .y or .z, found {axis!r}")
                return Special(name + axis)
            return Special(name)
        return Symbol(scope.symbol(name))

    def address(self, scope: Scope) -> Address:
        line = self.token.line
        base = self.single(scope)
        offset = 0
        if self.accept("+") or self.token.text == "-":
            offset = self.integer()
        self.expect("]")
        if not isinstance(base, Register | Symbol | Integer):
            raise PTXSyntaxError(line, f"{base} cannot be an address")
        return Address(base, offset)


def parse(text: str) -> Module:
    """Parse PTX text.

    Args:
        text: a PTX module (ISA 6.0 or later, 64-bit addresses).

    Returns:
        The module, with registers and labels resolved to unique names and lines kept.

    Raises:
        PTXSyntaxError: the text is not PTX.
        UnsupportedPTXError: a directive that the emulator does not know.
    """
    return _Parser(text).parse()
