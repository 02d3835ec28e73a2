"""``spikecuda run``: simulate an example, or a pool described by options or a TOML file."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikecuda.cli import values
from spikecuda.cli.processes import require_alone
from spikecuda.cli.runconfig import RunConfig, configure
from spikecuda.cli.viewing import as_port
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.examples import NAMES

if TYPE_CHECKING:
    from spikecuda.cli.runinputs import Inputs
    from spikecuda.pool.pool import GPUNeuronPool, RunResult

NUM_NEURONS, DURATION = 1000, 1000.0
POOL_OPTIONS = ("precision", "scheme", "device")
POOL_NUMBERS = {"dt": float, "seed": int, "substeps": int, "threads": int}


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "run",
        parents=[common],
        help="simulate a published network, or a pool of neurons from options or a TOML file",
        description="Simulate a published network by name, or a pool of neurons. Units: ms, mV, "
        "pA, nS, pF, Hz. A VALUE is a number, normal(mean,std), uniform(low,high) or "
        "lognormal(mean,std).",
        epilog="examples: spikecuda run microcircuit --scale 0.1 --threads 2; spikecuda run "
        "--neuron-type adex --num-neurons 10k --current 'uniform(500,1000)' --noise 200 --record "
        "spikes,v --out adex.npz",
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME",
        help=f"a published network ({', '.join(NAMES)}), a .toml file of a pool, or sonata",
    )  # fmt: skip
    parser.add_argument("file", nargs="?", metavar="FILE", help="configuration of sonata (JSON)")
    network = parser.add_argument_group("a published network")
    network.add_argument(
        "--scale",
        type=float,
        metavar="S",
        help="of neurons and synapses (some examples)",
    )
    network.add_argument(
        "--set", action="append", default=[], metavar="NAME=NUMBER",
        help="another number than the published one, such as g=4 of brunel; repeatable",
    )  # fmt: skip
    network.add_argument("--plastic", action="store_true", help="let synapses learn (microcircuit)")
    network.add_argument("--data", metavar="FOLDER", help="files of others (diehl2015, multi_area)")
    network.add_argument(
        "--images", metavar="N", help="the first of each file, such as 10k (diehl2015; default all)"
    )
    network.add_argument(
        "--passes", type=int, metavar="N", help="over the images (diehl2015; default 1)"
    )
    network.add_argument("--variant", help="one of its versions or regimes, such as SR of brunel")
    network.add_argument(
        "--save", metavar="FILE", help="save the network while it runs, to go on from there"
    )
    network.add_argument(
        "--save-every", type=float, metavar="MS", help="model time between two saves to --save"
    )
    network.add_argument(
        "--parts", action="store_true",
        help="over processes of MPI, each writes what its own neurons did, to FOLDER/"
        "spikes.RANK.npz; spikecuda join makes one file of them",
    )  # fmt: skip
    network.add_argument(
        "--resume", metavar="FILE", help="go on from a file of --save, with the same other options"
    )
    pool = parser.add_argument_group("the pool")
    pool.add_argument(
        "--neuron-type", "-m", metavar="MODEL",
        help="a model such as lif (default), adex or hh_traub, or path/to/file.py:ClassName",
    )  # fmt: skip
    pool.add_argument(
        "--num-neurons", "-n", metavar="N", help=f"such as 500, 10k, 1M (default {NUM_NEURONS})"
    )
    pool.add_argument("--precision", "-p", help="float16, float32 (default) or float64")
    pool.add_argument("--dt", type=float, metavar="MS", help="length of a step (default 0.1)")
    pool.add_argument("--seed", type=int, help="seed of all randomness (default 0)")
    pool.add_argument("--scheme", help="integration scheme (default: the model's first)")
    pool.add_argument("--substeps", type=int, metavar="K", help="integrations a step (default 1)")
    pool.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="repeatable"
    )
    pool.add_argument(
        "--initial", action="append", default=[], metavar="NAME=VALUE",
        help="start value of a state; repeatable",
    )  # fmt: skip
    where = parser.add_argument_group("where it runs")
    where.add_argument(
        "--device", help="cpu, cuda:0, cuda-emu or cuda-sim; networks: several, such as mpi,cuda:0"
    )
    where.add_argument(
        "--gpu", action=argparse.BooleanOptionalAction,
        help="insist on a GPU, or on none (default: a GPU if there is one)",
    )  # fmt: skip
    where.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all cores)")
    where.add_argument("--batch-size", metavar="N", help="neurons a launch")
    drive = parser.add_argument_group(
        "input (repeatable, all are added; without any, a built-in model gets an example drive)"
    )
    for option, metavar, what in (
        ("--current", "VALUE", "constant current"),
        ("--noise", "SIGMA", "Gaussian white noise, pA sqrt(ms)"),
        ("--poisson", "RATE,WEIGHT", "Poisson spikes: Hz and the jump of v in mV"),
        ("--ramp", "FIRST,LAST,START,STOP", "current from FIRST at START to LAST at STOP"),
        ("--step-current", "AMPLITUDE,START[,STOP]", "current from START to STOP"),
    ):
        drive.add_argument(option, action="append", default=[], metavar=metavar, help=what)
    run = parser.add_argument_group("the run")
    length = run.add_mutually_exclusive_group()
    length.add_argument("--duration", "-t", type=float, metavar="MS", help="default 1000 ms")
    length.add_argument("--steps", type=int, metavar="N", help="instead of the duration")
    run.add_argument(
        "--record", metavar="NAMES", help="states to record beside the spikes, or none"
    )
    run.add_argument(
        "--out", "-o", metavar="FILE.npz",
        help="write what was recorded; for an example: a folder (default: its name)",
    )  # fmt: skip
    run.add_argument(
        "--view", nargs="?", type=as_port, const=0, metavar="PORT",
        help="serve a page that shows and steers the run, on the loopback address (default: a "
        "free port); with a terminal, until Ctrl-C",
    )  # fmt: skip
    shown = run.add_mutually_exclusive_group()
    shown.add_argument(
        "--live", action="store_true",
        help="show speed, rates, memory and devices while it runs, not only a bar",
    )  # fmt: skip
    shown.add_argument("--quiet", "-q", action="store_true", help="no progress, no summary")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Run the pool or the example, write and print what it did."""
    pools = args.name is None or args.name.endswith(".toml") or args.name == "sonata"
    for option in ("save", "save_every", "resume", "parts") if pools else ():
        if getattr(args, option) not in (None, False):
            raise SpikecudaValueError(
                f"--{option.replace('_', '-')} is for examples (got it for "
                f"{args.name or 'a pool'}); use save() and load() from Python"
            )
    if args.name == "sonata":
        from spikecuda.cli.runsonata import execute as execute_sonata

        return execute_sonata(args)
    if args.file is not None:
        raise SpikecudaValueError(
            f"a second name is the file of sonata (got {args.file!r:.80} for {args.name}); leave "
            "it out"
        )
    if args.name is not None and not args.name.endswith(".toml"):
        from spikecuda.cli.runexample import execute as execute_example

        return execute_example(args)
    require_alone("a pool", "start it without mpiexec")
    config = configure(args)
    out = _out_path(config.run.get("out"))
    record: list[str] | None = values.names(config.run.get("record", "spikes"))
    if record == ["none"]:
        record = None
    from spikecuda.cli.runinputs import Inputs
    from spikecuda.cli.viewing import viewed

    with build_pool(config) as pool, viewed(pool, args.view):
        inputs = Inputs(config.inputs, pool.model, pool.num_neurons, pool.seed)
        begin = time.perf_counter()
        result = _simulate(pool, config, inputs, record, args)
        wall = time.perf_counter() - begin
        from spikecuda.cli.runoutput import summary, write

        written = write(out, pool, result, inputs.words, config) if out is not None else None
        if not args.quiet:
            why = device_reason(config.pool.get("gpu"), config.pool.get("device"))
            summary(pool, result, inputs.words, wall, why, written)
    return 0


def build_pool(config: RunConfig) -> "GPUNeuronPool":
    """Return the pool of a configuration."""
    from spikecuda.cli.models import find_model
    from spikecuda.pool.pool import GPUNeuronPool

    given = config.pool
    options: dict[str, Any] = {k: given[k] for k in POOL_OPTIONS if k in given}
    options.update({k: _typed(k, given[k], t) for k, t in POOL_NUMBERS.items() if k in given})
    if "batch_size" in given:
        options["batch_size"] = values.count(given["batch_size"], "batch_size")
    return GPUNeuronPool(
        values.count(given.get("num_neurons", NUM_NEURONS), "num_neurons"),
        find_model(str(given.get("neuron_type", "lif"))),
        given.get("gpu"),
        params=values.values(config.params, "parameter"),
        initial=values.values(config.initial, "initial"),
        **options,
    )


def device_reason(gpu: bool | None, device: str | None) -> str:
    """Return why a pool runs where it does, in a few words."""
    from spikecuda.devices.open import gpu_status

    if device is not None:
        return "asked for by device"
    if gpu is not None:
        return "asked for by --gpu" if gpu else "asked for by --no-gpu"
    status = gpu_status()
    return "a usable GPU was found" if status.usable else f"no GPU: {status.reason}"


def _typed(name: str, value: Any, kind: type) -> Any:
    """Return a number of the file as the pool wants it; the pool says what else is wrong."""
    from spikecuda.common.arguments import as_real

    return as_real(name, value) if kind is float and isinstance(value, int) else value


def _simulate(
    pool: "GPUNeuronPool",
    config: RunConfig,
    inputs: "Inputs",
    record: list[str] | None,
    args: argparse.Namespace,
) -> "RunResult":
    from spikecuda.cli.terminal import progress

    length: dict[str, Any] = {k: config.run[k] for k in ("steps", "duration") if k in config.run}
    if not length:
        length = {"duration": DURATION}
    given: Any = inputs.terms or None
    if args.view is not None:  # pages can change drives
        for term in inputs.terms:
            pool.drive(term)
        given = None
    if args.live:
        return pool.run(input=given, record=record, progress="live", **length)
    with progress(not args.quiet) as bar:
        task = bar.add_task(f"{pool.num_neurons:,} {pool.model.name} neurons", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return pool.run(input=given, record=record, progress=report, **length)


def _out_path(text: Any) -> Path | None:
    """Return where to write; raise before the run if that cannot work."""
    if text is None:
        return None
    if "\0" in str(text):
        raise SpikecudaValueError(f"out must hold no NUL byte (got {text!r:.80})")
    path = Path(str(text)).expanduser()
    if path.suffix != ".npz":
        raise SpikecudaValueError(f"out must end in .npz (got {str(text)!r}); use {path}.npz")
    if path.is_dir():
        raise SpikecudaValueError(f"out must be a file (got the folder {path})")
    if not path.parent.is_dir():
        raise SpikecudaError(f"the folder {path.parent} does not exist; make it first")
    return path
