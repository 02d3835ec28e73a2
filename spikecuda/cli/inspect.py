"""``spikecuda kernels inspect``: what compiled kernels are made of, and the least time they take.

Needs no GPU.  Times are lower bounds predicted from published figures, never measurements.
"""

import argparse
from typing import Any


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the command, with the options that all commands have."""
    add_parser(actions, parents=[common])


def add_parser(
    subparsers: Any, parents: list[argparse.ArgumentParser] | None = None
) -> argparse.ArgumentParser:
    """Add the command to the subparsers of ``spikecuda kernels``; return its parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "inspect",
        parents=parents or [],
        help="instruction mix, registers, occupancy, bytes, predicted time; needs no GPU",
        description="Inspect compiled CUDA kernels and predict the least time that they can take "
        "on GPUs, from published figures.",
        epilog="--gate is what CI runs: exit code 1 if a rule is broken or a budget exceeded.",
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="models (default: all built-in ones)"
    )
    parser.add_argument(
        "--precision", action="append", metavar="P",
        help="float16, float32 or float64; may be repeated (default: all)",
    )  # fmt: skip
    parser.add_argument("--scheme", metavar="S", help="integration scheme (default: the model's)")
    parser.add_argument(
        "--variant", default="bias", metavar="V",
        help="input: bias, noise, 'noise for a time', poisson, 'poisson each', 'poisson over "
        "time', 'poisson each over time' or trains (default: bias)",
    )  # fmt: skip
    parser.add_argument(
        "--arch", action="append", metavar="X.Y",
        help="compute capability; may be repeated (default: those of the GPUs)",
    )  # fmt: skip
    parser.add_argument(
        "--gpu", action="append", metavar="GPU",
        help="RTX 3060, RTX 4090, A100, H100, H200 or B200; may be repeated (default: all)",
    )  # fmt: skip
    parser.add_argument("--neurons", default="1M", metavar="N", help="in a launch (default: 1M)")
    parser.add_argument(
        "--steps", default="256", metavar="K", help="time steps in a launch (default: 256)"
    )
    parser.add_argument("--rate", type=float, default=10.0, help="spikes, Hz (default: 10)")
    parser.add_argument("--dt", type=float, default=0.1, help="time step, ms (default: 0.1)")
    parser.add_argument("--gate", action="store_true", help="check rules and budgets instead")
    parser.set_defaults(execute=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the tables, or check the rules and budgets; return the exit code."""
    from spikecuda.cli import terminal, values
    from spikecuda.inspection import catalogue, gpus, inspected, profile, report
    from spikecuda.kernels.spec import PRECISIONS

    if args.gate:
        return _gate()
    specs = [
        catalogue.spec(model, precision, args.scheme, args.variant)
        for model in args.models or catalogue.MODELS
        for precision in args.precision or PRECISIONS
    ]
    chosen = [gpus.gpu(name) for name in args.gpu] if args.gpu else list(gpus.GPUS)
    architectures = (
        [_architecture(text) for text in args.arch]
        if args.arch
        else sorted({gpu.cc for gpu in chosen})
    )
    neurons, steps = values.count(args.neurons, "--neurons"), values.count(args.steps, "--steps")
    profiles = [
        profile(inspected(spec, cc), args.rate, args.dt) for spec in specs for cc in architectures
    ]
    out = terminal.console()
    title = f"Kernels with input {args.variant!r}, blocks of 128 threads; B: bytes per neuron"
    out.print(terminal.table(title, report.KERNEL_COLUMNS, map(report.kernel_row, profiles)))
    title = "Warp instructions per step by pipe"
    out.print(terminal.table(title, *report.mix_table(profiles)))
    title = "Accesses to global memory, instructions by width"
    out.print(terminal.table(title, report.ACCESS_COLUMNS, map(report.access_row, profiles)))
    title = f"PREDICTED lower bounds of time (not measured): {neurons:,} neurons, {args.rate:g} Hz"
    rows = report.predictions(specs, neurons, steps, chosen, args.rate, args.dt)
    out.print(terminal.table(title, report.PREDICTION_COLUMNS, rows))
    for gpu in chosen:
        out.print(
            f"{gpu.name}: {gpu.multiprocessors} multiprocessors, {gpu.clock:g} MHz, "
            f"{gpu.bandwidth:g} GB/s, {gpu.l2:g} MB L2. Source: {gpu.source}",
            style="dim",
        )
    return 0


def _gate() -> int:
    """Check every kernel that has a budget; return 1 if anything is wrong."""
    from spikecuda.inspection import budgets, check, inspected
    from spikecuda.inspection.store import contraction

    committed, wrong, kernels = budgets.load(), 0, 0
    for variant, spec, cc in budgets.everything():
        subject = inspected(spec, cc)
        lines = [str(v) for v in check(subject)] + budgets.exceeded(variant, subject, committed)
        if cc in ((8, 6), (10, 0)):  # one of each NVVM optimiser
            free, difference = contraction(spec, cc)
            if not free:
                lines.append(f"{subject.name} for {cc[0]}.{cc[1]}, contraction: {difference}")
        print("\n".join(lines), end="\n" * bool(lines))
        wrong += len(lines)
        kernels += 1
    print(f"{kernels} kernels inspected, {wrong} violations")
    return 1 if wrong else 0


def _architecture(text: str) -> tuple[int, int]:
    """Return a compute capability from "8.6"."""
    from spikecuda.errors import SpikecudaValueError
    from spikecuda.kernels.compile.offline import ARCHITECTURES

    known = {"{}.{}".format(*cc): cc for cc in ARCHITECTURES}
    if text not in known:
        raise SpikecudaValueError(f"--arch must be one of {', '.join(known)} (got {text!r})")
    return known[text]
