"""Parse Python source."""

import ast
import threading

_parsing = threading.Lock()


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a module's source, one thread at a time.

    CPython 3.11 counts the depth of the tree for all threads together: two that parse at once fail
    with "AST constructor recursion depth mismatch".
    """
    with _parsing:
        return ast.parse(source)
