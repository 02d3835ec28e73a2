"""``spikecuda kernels list``: every kernel with the resources it takes."""

import argparse
from typing import Any

from spikecuda.cli.kernelspec import LAUNCH_STEPS, compute_capability, make_spec, traffic
from spikecuda.errors import MissingPackageError

PRECISIONS = ("float16", "float32", "float64")


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the action to the parser."""
    from spikecuda.cli.kernelspec import add_structure

    parser = actions.add_parser(
        "list",
        parents=[common],
        help="list kernels with registers, spills and bytes per neuron and step",
        description="List models x schemes x precisions with the resources their CUDA kernels "
        "take. Compiles each kernel once, about a second each; no GPU is needed.",
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL",
        help="a model such as lif, or path.py:Class (default: all built-in models)",
    )  # fmt: skip
    add_structure(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Print the table."""
    from spikecuda.cli.models import find_model
    from spikecuda.cli.terminal import console, progress, table, to_json
    from spikecuda.models.registry import BUILT_IN, WRITTEN

    cc = compute_capability(args.arch)
    specs = [
        make_spec(model, precision, scheme, args.substeps, args.input)
        for model in map(find_model, args.models or (*BUILT_IN, *WRITTEN))
        for scheme in model.schemes
        for precision in PRECISIONS
    ]
    rows, missing = [], ""
    with progress(not args.json) as bar:
        task = bar.add_task("compiling", total=len(specs))
        for spec in specs:
            bar.update(task, description=spec.name)
            found: Any = None
            if not missing:
                try:
                    found = resources(spec, cc)
                except MissingPackageError as error:
                    missing = str(error)
            moved = traffic(spec)
            rows.append({
                "model": spec.model.name, "scheme": spec.scheme, "precision": spec.precision.name,
                "kernel": spec.name,
                "registers": found and found.registers,
                "spill_bytes": found and found.spill_stores + found.spill_loads,
                "state_bytes": spec.bytes_per_neuron(),
                "bytes_per_launch": moved.launch,
                "bytes_per_step": moved.step,
                "bytes_per_neuron_step": round(moved.per_step(LAUNCH_STEPS), 4),
            })  # fmt: skip
            bar.advance(task)
    if args.json:
        print(to_json({"arch": f"sm_{cc[0]}{cc[1]}", "input": args.input, "not_compiled": missing,
                       "steps_per_launch": LAUNCH_STEPS, "kernels": rows}))  # fmt: skip
        return 0
    columns = ("kernel", "scheme", "registers", "spills, B", "state, B/neuron", "moved, B/launch",
               f"moved, B/step (K = {LAUNCH_STEPS})")  # fmt: skip
    cells = [
        (r["kernel"], r["scheme"], _or_dash(r["registers"]), _or_dash(r["spill_bytes"]),
         r["state_bytes"], f"{r['bytes_per_launch']:g}", f"{r['bytes_per_neuron_step']:.3g}")
        for r in rows
    ]  # fmt: skip
    screen = console()
    screen.print(table(f"CUDA kernels for sm_{cc[0]}{cc[1]}, input {args.input}", columns, cells))
    screen.print(
        "Moved bytes are per neuron: state and per-neuron input once a launch of K steps; input "
        "of every step and one spike bit each step.", style="dim",
    )  # fmt: skip
    if missing:
        screen.print(f"Registers and spills are unknown: {missing}", style="yellow")
    return 0


def resources(spec: Any, cc: tuple[int, int]) -> Any:
    """Return what a kernel takes; raise MissingPackageError without the cuda extra."""
    from spikecuda.kernels.compile.cuda import build

    return build(spec, cc).resources


def _or_dash(value: object) -> object:
    return "-" if value is None else value
