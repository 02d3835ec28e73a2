"""``spikecuda kernels show``: a kernel's source, PTX, SASS or assembly."""

import argparse
import re
import sys
from typing import Any

from spikecuda.cli.kernelspec import LAUNCH_STEPS, compute_capability, make_spec, traffic
from spikecuda.errors import MissingPackageError, SpikecudaValueError

FORMS = {"source": None, "ptx": "cuda", "sass": "cuda", "asm": "cpu"}
LEXERS = {"source": "python", "ptx": "ptx", "sass": "text", "asm": "gas"}
COMMENTS = {"source": "#", "ptx": "//", "sass": "//", "asm": "#"}


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the action to the parser."""
    from spikecuda.cli.kernelspec import add_structure

    parser = actions.add_parser(
        "show",
        parents=[common],
        help="print a kernel's rendered source, PTX, SASS or CPU assembly",
        description="Print what a model becomes, with a header of the resources it takes.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model such as lif, or path.py:Class")
    parser.add_argument("--precision", "-p", default="float32", help="default float32")
    parser.add_argument("--scheme", help="integration scheme (default: the model's first)")
    form = parser.add_mutually_exclusive_group()
    for name, what in (
        ("source", "rendered Python (default)"), ("ptx", "PTX, needs the cuda extra"),
        ("sass", "GPU machine code, needs the cuda extra"), ("asm", "this processor's assembly"),
    ):  # fmt: skip
        form.add_argument(
            f"--{name}", dest="form", action="store_const", const=name, default="source", help=what
        )
    parser.add_argument("--target", choices=("cpu", "cuda"), help="of the source (default: cuda)")
    add_structure(parser)
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Print the text."""
    from spikecuda.cli.models import find_model

    needed = FORMS[args.form]
    if args.target is not None and needed not in (None, args.target):
        raise SpikecudaValueError(
            f"--{args.form} belongs to --target {needed} (got --target {args.target}); leave "
            "one out"
        )
    target = args.target or needed or "cuda"
    spec = make_spec(find_model(args.model), args.precision, args.scheme, args.substeps, args.input)
    cc = compute_capability(args.arch)
    text, facts = _text(spec, args.form, target, cc)
    mark = COMMENTS[args.form]
    header = "\n".join(f"{mark} {line}" for line in _header(spec, target, cc, facts))
    _show(f"{header}\n\n{text.rstrip()}\n", LEXERS[args.form])
    return 0


def _text(spec: Any, form: str, target: str, cc: tuple[int, int]) -> tuple[str, list[str]]:
    """Return the text and what is known about the compiled kernel, line by line."""
    if form == "asm":
        from spikecuda.kernels.compile.cpu import assembly

        text = assembly(spec)
        return text, [_vector_use(text)]
    if form == "source":
        from spikecuda.kernels.compile.render import render

        return render(spec, target), _known(spec, cc) if target == "cuda" else []
    from spikecuda.kernels.compile.cuda import build

    kernel = build(spec, cc)
    return (kernel.ptx if form == "ptx" else kernel.sass()), _resources(kernel.resources)


def _known(spec: Any, cc: tuple[int, int]) -> list[str]:
    """Return the resources of the CUDA kernel, or why they are not known."""
    from spikecuda.cli.kernellist import resources

    try:
        return _resources(resources(spec, cc))
    except MissingPackageError as error:
        return [f"registers and spills unknown: {error}"]


def _resources(found: Any) -> list[str]:
    spilled = found.spill_stores + found.spill_loads
    return [
        f"registers: {found.registers} a thread; spills: {spilled} bytes; "
        f"stack: {found.stack} bytes; shared memory: {found.shared} bytes a block"
    ]


def _vector_use(text: str) -> str:
    """Return which vector registers the assembly uses, and in how many lines."""
    counts = {name: len(re.findall(rf"^.*%{name}\d.*$", text, re.MULTILINE))
              for name in ("zmm", "ymm", "xmm")}  # fmt: skip
    shown = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    return f"lines with vector registers: {shown or 'none of x86'}"


def _header(spec: Any, target: str, cc: tuple[int, int], facts: list[str]) -> list[str]:
    from spikecuda.kernels.compile.render import describe

    moved = traffic(spec)
    where = f"sm_{cc[0]}{cc[1]}" if target == "cuda" else "this processor"
    return [
        f"{describe(spec)}; for {where}",
        *facts,
        f"state: {spec.bytes_per_neuron()} bytes a neuron; moved per neuron: {moved.launch:g} "
        f"bytes a launch and {moved.step:g} a step = {moved.per_step(LAUNCH_STEPS):.3g} bytes per "
        f"neuron and step in launches of {LAUNCH_STEPS} steps",
    ]


def _show(text: str, lexer: str) -> None:
    """Print, in colours on a terminal."""
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        return
    from rich.syntax import Syntax

    from spikecuda.cli.terminal import console

    console().print(Syntax(text, lexer, theme="ansi_dark", background_color="default"))
