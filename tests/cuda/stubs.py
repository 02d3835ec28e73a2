"""cuda.core's own signatures, read from the stubs and sources of the installed wheel."""

import ast
import functools
import inspect
from pathlib import Path

import pytest

core = pytest.importorskip("cuda.core", reason='needs pip install "spikecuda[cuda]"')


@functools.cache
def folder() -> Path:
    """Return where the wheel keeps its stubs."""
    found = Path(core.__file__).parent  # the folder for CUDA 12 or for CUDA 13
    if tuple(int(part) for part in core.__version__.split(".")[:2]) < (1, 2):
        pytest.skip(f"cuda.core {core.__version__} has no stubs; install 1.2 or newer")
    assert (found / "_launcher.pyi").exists(), f"no stubs in {found}"
    return found


@functools.cache
def _index() -> tuple[dict[str, ast.ClassDef], dict[str, ast.FunctionDef]]:
    classes, functions = {}, {}
    for path in sorted(folder().rglob("*.pyi")) + sorted(folder().rglob("_legacy.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and "system" not in path.parts:
                classes.setdefault(node.name, node)
            elif isinstance(node, ast.FunctionDef):
                functions.setdefault(node.name, node)
    return classes, functions


def _member(name: str, member: str) -> ast.FunctionDef:
    classes, _ = _index()
    node = classes[name]
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == member:
            return item
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            return _member(base.id, member)
    raise AttributeError(f"cuda.core {core.__version__}: {name} has no {member}")


def is_property(name: str) -> bool:
    """Tell whether "Class.member" is a property."""
    node = _member(*name.split("."))
    return any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)


@functools.cache
def signature(name: str) -> inspect.Signature:
    """Return the signature of "function" or "Class.method", without self."""
    bound = 0
    if "." in name:
        node = _member(*name.split("."))
        static = any(getattr(d, "id", "") == "staticmethod" for d in node.decorator_list)
        bound = 0 if static else 1
    else:
        node = _index()[1][name]
    spec = node.args
    kinds = inspect.Parameter
    result = []
    plain = [(a, kinds.POSITIONAL_ONLY) for a in spec.posonlyargs]
    plain += [(a, kinds.POSITIONAL_OR_KEYWORD) for a in spec.args]
    missing = len(plain) - len(spec.defaults)
    for i, (argument, kind) in enumerate(plain):
        if i >= bound:
            default = kinds.empty if i < missing else None
            result.append(_parameter(argument, kind, default))
    if spec.vararg:
        result.append(_parameter(spec.vararg, kinds.VAR_POSITIONAL, kinds.empty))
    for argument, given in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        default = kinds.empty if given is None else None
        result.append(_parameter(argument, kinds.KEYWORD_ONLY, default))
    return inspect.Signature(result)


def _parameter(argument: ast.arg, kind: object, default: object) -> inspect.Parameter:
    text = ast.unparse(argument.annotation) if argument.annotation else inspect.Parameter.empty
    return inspect.Parameter(argument.arg, kind, default=default, annotation=text)


def checked(name: str, args: tuple, kwargs: dict, types: dict[str, type]) -> dict[str, object]:
    """Return the arguments of a call by name; raise TypeError where they break the signature.

    Args:
        name: "function" or "Class.method".
        args, kwargs: of the call.
        types: what the names in annotations stand for; one with a name that is not here is skipped.
    """
    spec = signature(name)
    try:
        bound = spec.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}{spec}: {error}") from None
    for argument, value in bound.arguments.items():
        annotation = spec.parameters[argument].annotation
        if isinstance(annotation, str):
            names = [part.strip() for part in annotation.split("|")]
            if all(n in types for n in names):
                allowed = tuple(types[n] for n in names)
                several = spec.parameters[argument].kind is inspect.Parameter.VAR_POSITIONAL
                if not all(isinstance(v, allowed) for v in (value if several else [value])):
                    raise TypeError(f"{name}: {argument} must be {annotation} (got {value!r})")
    return dict(bound.arguments)
