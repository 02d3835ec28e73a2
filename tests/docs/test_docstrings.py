"""Docstrings name the arguments that are there."""

import ast
import re
from pathlib import Path

import pytest

import spikecuda

PACKAGE = Path(spikecuda.__file__).resolve().parent
FILES = sorted([*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "kernels").rglob("*.py")])


def described(docstring: str) -> list[str]:
    """Return the names under "Args:" of a docstring."""
    section = re.search(r"^Args:\n((?: {4}.*\n|\n)+)", docstring + "\n", re.M)
    heads = re.findall(r"^ {4}(\w+(?:, \w+)*):", section[1], re.M) if section else []
    return [name for head in heads for name in head.split(", ")]


def accepted(node: ast.ClassDef | ast.FunctionDef) -> set[str]:
    """Return the arguments of a function, or those that make an object of a class."""
    if isinstance(node, ast.FunctionDef):
        a = node.args
        listed = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
        return {arg.arg for arg in listed if arg is not None}
    made = [n for n in node.body if isinstance(n, ast.FunctionDef)]
    made = [n for n in made if n.name in ("__init__", "__new__")]
    if made:
        return accepted(made[0])
    fields = [n.target for n in node.body if isinstance(n, ast.AnnAssign)]
    return {field.id for field in fields if isinstance(field, ast.Name)}


def stale(source: str) -> list[str]:
    """Return what docstrings of a module describe and nothing accepts."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and accepted(node):
            names = set(described(ast.get_docstring(node) or "")) - accepted(node)
            found += [f"{node.name}: {name}" for name in sorted(names)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE.parent)))
def test_described_arguments_are_accepted(path):
    assert not stale(path.read_text(encoding="utf-8"))


def test_the_check_finds_what_it_is_for():
    text = 'def f(a, b):\n    """Do.\n\n    Args:\n        a, c: two.\n            d: x.\n    """'
    assert stale(text) == ["f: c"]
