"""``spikecuda info``: this machine, the versions, what is missing and how to get it."""

import argparse
from dataclasses import asdict
from typing import Any


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "info",
        parents=[common],
        help="show this machine, versions, GPUs and what is missing",
        description="Show this machine, versions, CUDA GPUs, and what is missing for a GPU.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Print the facts."""
    from spikecuda.kernels.compile import cache, usage
    from spikecuda.report.machine import describe_machine

    machine = describe_machine()
    folder = cache.cache_dir()
    entries = list(usage.entries(cache.version_folders()))
    size, files = sum(entry.size for entry in entries), len(entries)
    if args.json:
        from spikecuda.cli.terminal import to_json

        about = {"folder": str(folder), "bytes": size, "files": files}
        print(to_json({**asdict(machine), "cache": about}))
        return 0
    _print(machine, str(folder), size, files)
    return 0


def _print(machine: Any, folder: str, size: int, files: int) -> None:
    from spikecuda.cli.terminal import console, facts, human_bytes

    screen = console()
    cores = f"{machine.usable_cores} usable of {machine.logical_cores}"
    if machine.physical_cores is not None:
        cores += f" ({machine.physical_cores} physical)"
    screen.print(facts("Machine", [
        ("processor", machine.cpu),
        ("cores", cores),
        ("vector units", ", ".join(machine.vector_flags) or "unknown"),
        ("memory", f"{human_bytes(machine.memory)}, "
                   f"{human_bytes(machine.available_memory)} available"),
        ("system", machine.system),
        ("python", machine.python),
    ]))  # fmt: skip
    screen.print(facts("\nVersions", [
        (name, version or "not installed") for name, version in machine.versions.items()
    ]))  # fmt: skip
    rows: list[tuple[str, object]] = [
        (f"cuda:{gpu.index}", f"{gpu.name}, {human_bytes(gpu.memory)}, compute capability "
                              f"{gpu.compute_capability}")
        for gpu in machine.gpus
    ]  # fmt: skip
    if machine.cuda_driver:
        rows.append(("driver", f"CUDA {machine.cuda_driver}"))
    if machine.gpu_missing:
        rows.append(("usable", f"no: {machine.gpu_missing}"))
        rows.append(("remedy", machine.gpu_remedy))
        rows.append(("until then", "pools run on the CPU and give the same spikes"))
    screen.print(facts("\nCUDA", rows))
    screen.print(facts("\nCache of compiled kernels", [
        ("folder", folder),
        ("size", f"{human_bytes(size)} in {files:,} files; spikecuda cache clears it"),
    ]))  # fmt: skip
