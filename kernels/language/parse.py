"""Parse Python source."""

import ast
import os
import threading

_parsing = threading.Lock()


def _renew_lock() -> None:
    """In a forked child, take the lock back from a thread that it does not have."""
    global _parsing
    _parsing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a module's source, one thread at a time.

    CPython 3.11 counts the depth of the tree for all threads together: two that parse at once fail
    with "AST constructor recursion depth mismatch".
    """
    with _parsing:
        return ast.parse(source)
