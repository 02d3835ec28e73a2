"""``spikecuda bench``: a quick microbenchmark of chosen kernels; validates before it times."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spikecuda.cli import values
from spikecuda.errors import NumericalError, SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.report.results import SpeedPoint

CHECK_STEPS, CHECK_BATCH = 64, 4096


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "bench",
        parents=[common],
        help="time chosen kernels",
        description="Time update kernels. Each configuration first runs beside the same pool "
        "with one thread and small batches; their bits must be equal. 'bench tune' tries launch "
        "geometries and keeps the best of each kernel for later runs on this machine.",
    )
    parser.add_argument(
        "what", nargs="?", choices=["tune"], help="find and keep the best launch geometry"
    )
    parser.add_argument("--models", "-m", nargs="+", default=["lif", "adex", "izhikevich"])
    parser.add_argument("--precisions", "-p", nargs="+", default=["float32"])
    parser.add_argument(
        "--sizes", "-n", nargs="+", default=["10k", "1M"], metavar="N", help="such as 1000, 10k, 1M"
    )
    parser.add_argument(
        "--threads", nargs="+", metavar="N", help="CPU threads (default: all cores)"
    )
    parser.add_argument("--device", default=None, help="default: a GPU if there is one")
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="per configuration (default 1)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="least repeats (default 5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Validate, time and print each configuration."""
    from spikecuda.cli.terminal import console, human_rate, progress, table, to_json
    from spikecuda.common.precision import as_precision
    from spikecuda.devices.kinds import CPU, kind_of
    from spikecuda.devices.open import choose
    from spikecuda.report.machine import describe_machine, usable_cores
    from spikecuda.report.workloads import WORKLOADS

    for model in args.models:
        if model not in WORKLOADS:
            raise SpikecudaValueError(
                f"--models must be among {', '.join(WORKLOADS)} (got {model!r})"
            )
    if not 0 < args.seconds <= 3600 or args.repeats < 1:
        raise SpikecudaValueError(
            f"--seconds must be in (0, 3600] and --repeats >= 1 (got {args.seconds:g}, "
            f"{args.repeats})"
        )
    if args.what == "tune":
        from spikecuda.cli.benchtune import tune

        return tune(args)
    device = choose(None, args.device)
    sizes = [values.count(n, "--sizes") for n in args.sizes]
    given = [values.count(n, "--threads") for n in args.threads or []]
    threads = (given or [usable_cores()]) if kind_of(device) == CPU else [0]
    cases = [
        (model, as_precision(precision).name, n, t)
        for model in args.models for precision in args.precisions for n in sizes for t in threads
    ]  # fmt: skip
    points: list[SpeedPoint] = []
    with progress(not args.json) as bar:
        task = bar.add_task("", total=len(cases))
        for case in cases:
            bar.update(task, description=f"{case[0]} {case[1]} {case[2]:,}")
            points.append(_measure(*case, device, args))
            bar.advance(task)
    if args.json:
        print(to_json({"machine": asdict(describe_machine()), "validated": True,
                       "points": [asdict(p) for p in points]}))  # fmt: skip
        return 0
    columns = ("model", "precision", "neurons", "threads", "best", "median", "kernel", "ns/update",
               "spread", "same bits")  # fmt: skip
    rows = [
        (p.model, p.precision, f"{p.neurons:,}", p.threads or "-", human_rate(p.best_rate),
         human_rate(p.median_rate), human_rate(p.kernel_rate), f"{p.nanoseconds:.3g}",
         f"{p.best_rate / p.median_rate - 1:.0%}", "yes")
        for p in points
    ]  # fmt: skip
    console().print(table(f"neuron updates on {device}, steps of 0.1 ms", columns, rows))
    return 0


def _measure(
    model: str, precision: str, neurons: int, threads: int, device: str, args: argparse.Namespace
) -> "SpeedPoint":
    from spikecuda.report.measure import open_pool, speed_point, time_pool
    from spikecuda.report.workloads import WORKLOADS

    current = WORKLOADS[model].current(neurons, args.seed)
    options: dict[str, Any] = {"device": device, "threads": threads or None, "seed": args.seed}
    with open_pool(model, precision, neurons, **options) as pool:
        validate(pool, current)
        return speed_point(pool, time_pool(pool, current, args.seconds, args.repeats), threads)


def validate(pool: Any, current: Any) -> None:
    """Raise NumericalError unless a pool's bits equal those of one thread with small batches.

    The pool goes on after it.
    """
    import numpy as np

    from spikecuda.report.measure import open_pool

    result = pool.run(steps=CHECK_STEPS, input=current)
    n = pool.num_neurons
    options: dict[str, Any] = {"device": pool.device.name, "threads": 1, "seed": pool.seed}
    with open_pool(
        pool.model.name, pool.precision, n, batch_size=min(n, CHECK_BATCH), **options
    ) as other:
        expected = other.run(steps=CHECK_STEPS, input=current)
        same = {
            "spikes": np.array_equal(result.spikes.step, expected.spikes.step)
            and np.array_equal(result.spikes.neuron, expected.spikes.neuron),
            **{name: pool.state[name].tobytes() == other.state[name].tobytes()
               for name in pool.state},
        }  # fmt: skip
    wrong = [name for name, equal in same.items() if not equal]
    if wrong:
        raise NumericalError(
            f"{n:,} {pool.model.name} neurons in {pool.precision}: {', '.join(wrong)} differ from "
            "one thread with small batches after 64 steps; please report this"
        )
