"""``spikecuda bench tune``: find the launch geometry that is fastest here, and keep it."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from spikecuda.cli import values

if TYPE_CHECKING:
    from spikecuda.verify.launch_tuner import Tried

# An emulated thread takes about 25 ns a step.
EMULATED_NEURONS = 2048


def tune(args: argparse.Namespace) -> int:
    """Try, keep and print the geometries of chosen kernels."""
    from spikecuda.cli.terminal import console, progress, table, to_json
    from spikecuda.common.precision import as_precision
    from spikecuda.devices import tuning_cache
    from spikecuda.devices.kinds import EMULATED, kind_of
    from spikecuda.devices.open import choose, open_device
    from spikecuda.verify import launch_tuner

    name = choose(None, args.device)
    cases = [(m, as_precision(p).name) for m in args.models for p in args.precisions]
    neurons = max(values.count(n, "--sizes") for n in args.sizes)
    if kind_of(name) == EMULATED:
        neurons = min(neurons, EMULATED_NEURONS)
    rows: list[Tried] = []
    device = open_device(name)
    try:
        with progress(not args.json) as bar:
            task = bar.add_task("", total=len(cases))
            for model, precision in cases:
                bar.update(task, description=f"{model} {precision}")
                rows += launch_tuner.tune(
                    device, model, precision, neurons, args.seconds, args.repeats
                )
                bar.advance(task)
    finally:
        device.close()
    if args.json:
        print(to_json({"file": str(tuning_cache.path()), "tried": [asdict(row) for row in rows]}))
        return 0
    shown = [
        (row.model, row.precision, f"{row.neurons:,}", row.threads or "-", row.field,
         f"{row.value:,}", f"{row.nanoseconds:.3g}", "kept" if row.best else "")
        for row in rows
    ]  # fmt: skip
    columns = ("model", "precision", "neurons", "threads", "what", "value", "ns/update", "")
    console().print(table(f"launch geometries on {name}", columns, shown))
    console().print(f"kept in {tuning_cache.path()}; delete the file to forget it", style="dim")
    return 0
