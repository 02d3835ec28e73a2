"""``spikecuda verify``: check a GPU, bits against the CPU first, then memory and speed."""

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecuda.errors import DeviceError, SpikecudaError, SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.verify.results import Verification

# Rough shares of the whole, so that the bar moves evenly; in seconds.
SHARES = {"compile": 60, "compare": 60, "sanitise": 30, "time": 60}
NAMES = {
    "compile": "compiling", "compare": "comparing", "sanitise": "memory accesses", "time": "timing",
}  # fmt: skip
EXIT_FAILED = 1


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "verify",
        parents=[common],
        help="check a GPU: bits, memory accesses, throughput; under five minutes",
        description="Check that every kernel has the CPU's bits on a GPU, search for faulty memory "
        "accesses, and time kernels beside their bounds; write verify.json, verify.md and "
        "verify.html. Exit code 1: something differs or is faulty.",
    )
    parser.add_argument("--gpu", action="store_true", help="check the first GPU, cuda:0")
    parser.add_argument(
        "--device", metavar="NAME",
        help="check this one: cuda:1, or cuda-emu, which tries the check itself without a GPU",
    )  # fmt: skip
    parser.add_argument(
        "--out", "-o", default="verify", metavar="DIR", help="folder to write (default: verify)"
    )
    parser.add_argument("--quick", action="store_true", help="fewer kernels and points")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress, no summary")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Check, write, and say what was found; nothing is written where there is no such device."""
    from spikecuda.devices.kinds import kind_of
    from spikecuda.devices.open import choose, open_device

    if not args.gpu and args.device is None:
        raise SpikecudaValueError(
            'verify needs a device (got none); use --gpu, or --device such as "cuda:1"'
        )
    name = choose(None, args.device or "cuda:0")
    kind = kind_of(name)
    if kind not in ("cuda", "cuda-emu") or (args.gpu and kind != "cuda"):
        raise SpikecudaValueError(
            f'--device must be a GPU such as "cuda:0"{"" if args.gpu else ", or cuda-emu"} '
            f"(got {name!r})"
        )
    folder = Path(args.out).expanduser()
    if folder.exists() and not folder.is_dir():
        raise SpikecudaError(f"--out must be a folder (got the file {folder})")
    from spikecuda.verify.write import write

    found = None
    device = open_device(name)
    try:
        found = _check(device, kind, args)
        files = write(found, folder)
    finally:
        # What a fault has left behind is in the results already.
        with contextlib.suppress(*([DeviceError] if found and not found.passed else [])):
            device.close()
    if not args.quiet:
        _summary(found, files)
    return 0 if found.passed else EXIT_FAILED


def _check(device: Any, kind: str, args: argparse.Namespace) -> "Verification":
    from spikecuda.cli.terminal import progress
    from spikecuda.verify import settings_for, verify

    settings = settings_for(args.quick, kind == "cuda-emu")
    with progress(not args.quiet) as bar:
        task = bar.add_task("starting", total=sum(SHARES.values()))
        seen = {name: 0 for name in SHARES}

        def tick(phase: str, what: str) -> None:
            seen[phase] += 1
            names = list(SHARES)
            before = sum(SHARES[name] for name in names[: names.index(phase)])
            # How many ticks a phase has differs; within it the bar nears the phase's end.
            part = 1.0 - 0.5 ** (seen[phase] / 16)
            bar.update(
                task, completed=before + part * SHARES[phase],
                description=f"{NAMES[phase]}: {what}",
            )  # fmt: skip

        return verify(device, settings, tick)


def _summary(found: "Verification", files: list[Path]) -> None:
    from spikecuda.cli.terminal import console, table
    from spikecuda.verify.page import EMULATED, headline

    screen = console()
    screen.print(f"{found.device} ({found.description})", style="bold")
    screen.print(headline(found), style="green" if found.passed else "red")
    for c in [c for c in found.comparisons if not c.equal][:10]:
        screen.print(f"  {c.model} {c.scheme} {c.precision}, {c.structure}, {c.neurons:,} neurons, "
                     f"block {c.block}: {c.difference}")  # fmt: skip
    for s in found.sanitised:
        screen.print(f"  {s.tool}: {s.status}, {s.detail}")
    rows = [
        (t.model, t.precision, f"{t.neurons:,}", t.steps, f"{t.best_rate / 1e9:.4g}",
         f"{t.fraction:.0%}" if t.fraction is not None else "-", t.limit or "-")
        for t in found.throughput if t.sweep == "size"
    ]  # fmt: skip
    if rows:
        title = "G neuron updates per second" + (f" ({EMULATED})" if found.emulated else "")
        columns = ("model", "precision", "neurons", "K", "best", "of the bound", "limited by")
        screen.print(table(title, columns, rows))
    for item in found.skipped:
        screen.print(f"not done: {item.what}: {item.reason}", style="dim")
    for path in files:
        screen.print(str(path), style="dim", soft_wrap=True)
