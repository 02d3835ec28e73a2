"""``spikecuda plan``: what a network would take on more ranks and other machines."""

import argparse
import inspect
from typing import TYPE_CHECKING, Any

from spikecuda.cli import values
from spikecuda.errors import SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.network.network import Network
    from spikecuda.plan import Load, Machine, Prediction

# ms of a short run that rates are taken from, without its first half.
RUN = 200.0
NEURONS, SYNAPSES, RATE, DELAY, DELAYS = "100k", "10k", 5.0, 0.1, 16
LAYOUTS = ("dense", "short")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "plan",
        parents=[common],
        help="predict memory and time of a network over many ranks and machines",
        description="Predict what a network takes over the ranks of a machine: memory of a rank, "
        "time of a window by part, real-time factor, and the wall that it meets first. Times are "
        "those of processors; none is a GPU's.",
        epilog="examples: spikecuda plan --measure here.toml microcircuit; spikecuda plan "
        "microcircuit --machine cluster.toml --ranks 1,2,4,8 --rate 3.5; spikecuda plan --weak "
        "--machine cluster.toml --ranks 1,16,256,4096",
    )
    parser.add_argument(
        "network", nargs="?", metavar="NETWORK",
        help="a published network as for 'spikecuda run', or FILE.py[:FUNCTION] that returns a "
        "Network",
    )  # fmt: skip
    parser.add_argument("--scale", type=float, metavar="S", help="of a published network")
    parser.add_argument("--variant", help="of a published network")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=NUMBER",
        help="another number than the published one, or an argument of FUNCTION; repeatable",
    )  # fmt: skip
    parser.add_argument("--machine", metavar="FILE.toml", help="the machine; see docs/plan.md")
    parser.add_argument(
        "--measure", metavar="FILE.toml",
        help="measure this machine and the neurons of NETWORK, in about 20 s; write the file, or "
        "add what NETWORK's neurons take to it",
    )  # fmt: skip
    parser.add_argument(
        "--ranks", default="1", metavar="N,N,...", help="processes; several print a table"
    )
    parser.add_argument("--threads", metavar="N", help="of a process (default: a node's cores)")
    parser.add_argument("--per-node", metavar="N", help="processes of a node (default: 1)")
    parser.add_argument(
        "--rate", metavar="HZ", help="mean rate of all neurons, or NAME=HZ,... of each population"
    )
    parser.add_argument(
        "--run", type=float, metavar="MS",
        help=f"take rates from the second half of a run here, of {RUN:g} ms without --rate",
    )  # fmt: skip
    parser.add_argument(
        "--weak", action="store_true",
        help="each rank has the load of the whole NETWORK; without one: of --neurons",
    )  # fmt: skip
    parser.add_argument("--neurons", metavar="N", help=f"of a rank, for --weak (default {NEURONS})")
    parser.add_argument("--synapses", metavar="N", help=f"of a neuron (default {SYNAPSES})")
    parser.add_argument("--delay", type=float, metavar="MS", help=f"shortest (default {DELAY:g})")
    parser.add_argument(
        "--layout", choices=("auto", *LAYOUTS, "both"), default="auto",
        help="a table of sources for each block (dense), one row a source and rank (short), both; "
        "by default those that a build takes",
    )  # fmt: skip
    parser.add_argument("--record", action="store_true", help="all spikes are recorded")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Measure, or predict and print."""
    if args.measure is not None:
        return _measure(args)
    from spikecuda.plan import Machine, predict

    if args.machine is None:
        raise SpikecudaValueError(
            "plan needs a machine (got none); 'spikecuda plan --measure here.toml' measures this "
            "one, and --machine here.toml takes it"
        )
    counts = [values.count(n, "--ranks") for n in values.names(args.ranks)]
    if not counts:
        raise SpikecudaValueError(f"--ranks must be numbers such as 1,2,4 (got {args.ranks!r})")
    if len(set(counts)) < len(counts):
        raise SpikecudaValueError(
            f"--ranks must name each number of processes once (got {args.ranks!r}); leave out what "
            "is there twice"
        )
    machine = Machine.load(args.machine)
    load = _load(args, machine)
    options = {
        name: values.count(given, f"--{name.replace('_', '-')}")
        for name in ("threads", "per_node")
        if (given := getattr(args, name)) is not None
    }
    layouts = LAYOUTS if args.layout == "both" else (args.layout,)
    plans = [
        predict(
            load.grown(ranks) if args.weak else load, machine, ranks, layout=layout,
            record=args.record, **options,
        )
        for ranks in counts
        for layout in layouts
    ]  # fmt: skip
    if args.json:
        from spikecuda.cli.terminal import to_json

        print(to_json([plan.as_dict() for plan in plans]))
    elif len(plans) == 1:
        _print_one(plans[0])
    else:
        _print_table(plans)
    return 0


def _measure(args: argparse.Namespace) -> int:
    """Measure this machine, or only what is not in the file yet."""
    from pathlib import Path

    from spikecuda.cli.terminal import console, progress
    from spikecuda.common.files import require_writable
    from spikecuda.plan import Machine, measure, measure_updates

    path = Path(args.measure)
    if args.machine is not None:
        raise SpikecudaValueError(
            f"--machine is for a prediction (got it with --measure {path}); measure first"
        )
    require_writable(path, "--measure")
    networks = [] if args.network is None else [_network(args)]
    known = Machine.load(path) if path.exists() else None
    if known is not None and not networks:
        raise SpikecudaValueError(
            f"{path} exists; name a NETWORK whose neurons are to be measured and added to it, or "
            "remove the file to measure all anew"
        )
    with progress(not args.quiet) as bar:
        task = bar.add_task("measuring", total=None)

        def report(what: str) -> None:
            bar.update(task, description=f"measuring: {what}")

        if known is None:
            machine = measure(networks, report=report)
        else:
            machine = measure_updates(known, networks[0], report=report)
    machine.save(path)
    if not args.quiet:
        console().print(f"{machine.name}: {path}")
    return 0


def _network(args: argparse.Namespace) -> "Network":
    """Return the network that was named."""
    from spikecuda.examples import NAMES, find
    from spikecuda.network.network import Network

    given = {}
    for name, text in values.pairs(args.set, "--set").items():
        given[name] = values.number(text, f"--set {name}")
    path, colon, function = args.network.rpartition(":")
    if not colon:
        path, function = args.network, ""
    if not path.endswith(".py"):
        if args.network.endswith(".toml") or args.network == "sonata":
            raise SpikecudaValueError(
                f"a plan is for networks of synapses (got {args.network}); write a function that "
                "returns the Network, and name it as FILE.py:FUNCTION"
            )
        if args.network not in NAMES and args.network.endswith(".json"):
            raise SpikecudaValueError(f"NETWORK must be a name or FILE.py (got {args.network!r})")
        example = find(args.network)
        options = example.options(args.variant, args.scale)
        return example.network(**options, **example.changed(given))
    for name in ("scale", "variant"):
        if getattr(args, name) is not None:
            raise SpikecudaValueError(
                f"--{name} is for published networks (got it for {args.network}); use --set"
            )
    from spikecuda.sweeps.sent_function import function_of_file

    make = function_of_file(path, function)
    try:
        inspect.signature(make).bind(**given)
    except TypeError as error:
        raise SpikecudaValueError(
            f"--set must name the arguments of the function of {args.network} ({error})"
        ) from None
    network = make(**given)
    if not isinstance(network, Network):
        raise SpikecudaValueError(
            f"the function of {args.network} must return a Network (got {type(network).__name__})"
        )
    return network


def _load(args: argparse.Namespace, machine: "Machine") -> "Load":
    """Return the load of what was named, or the fixed one of a rank."""
    from spikecuda.plan import fixed_load, load_of
    from spikecuda.plan.measure import STANDARD

    own = [name for name in ("neurons", "synapses", "delay") if getattr(args, name) is not None]
    if args.network is not None:
        if own:
            raise SpikecudaValueError(
                f"--{own[0]} is for --weak without a NETWORK (got it with {args.network})"
            )
        network = _network(args)
        rates = _rates(args, network)
        return load_of(network, rates, args.network)
    if not args.weak:
        raise SpikecudaValueError(
            "plan needs a NETWORK, or --weak for a fixed load of each rank (got neither)"
        )
    for name in ("scale", "variant", "set", "run"):
        if getattr(args, name) not in (None, []):
            raise SpikecudaValueError(
                f"--{name} is for a NETWORK (got it with --weak alone); name one, or drop it"
            )
    rate = RATE if args.rate is None else values.number(args.rate, "--rate")
    return fixed_load(
        values.count(args.neurons or NEURONS, "--neurons"),
        values.count(args.synapses or SYNAPSES, "--synapses"),
        rate, DELAY if args.delay is None else args.delay, kernel=STANDARD,
        delays=[1.0] * DELAYS,
    )  # fmt: skip


def _rates(args: argparse.Namespace, network: "Network") -> Any:
    """Return the rates that were given, or those of a short run."""
    if args.rate is not None:
        if args.run is not None:
            raise SpikecudaValueError("--run is to find rates (got it with --rate); drop one")
        if "=" not in args.rate:
            return values.number(args.rate, "--rate")
        pairs = values.pairs(values.names(args.rate), "--rate")
        return {name: values.number(text, f"--rate {name}") for name, text in pairs.items()}
    from spikecuda.cli.terminal import progress
    from spikecuda.plan.describe import measured_rates

    with progress(not args.quiet) as bar:
        task = bar.add_task("a short run for rates", total=None)
        return measured_rates(
            network, RUN if args.run is None else args.run,
            lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip


def _print_one(plan: "Prediction") -> None:
    """Print one prediction by its parts."""
    from spikecuda.cli.terminal import console, facts, human_bytes, human_seconds, table

    load, screen = plan.load, console()
    screen.print(facts(load.name, [
        ("network", f"{load.neurons:,.0f} neurons, {load.synapses:,.0f} synapses, mean rate "
                    f"{load.mean_rate:.3g} Hz, a window of {load.window} x {load.dt:g} ms"),
        ("where", f"{plan.ranks:,} ranks of {plan.threads} threads, {plan.per_node} a node, on "
                  f"{plan.machine.name}"),
        ("memory", f"{human_bytes(plan.memory_bytes)} a rank"),
        ("real-time factor", f"{plan.realtime_factor:.3g}"),
        ("wall", plan.wall),
    ]))  # fmt: skip
    window = plan.window_seconds
    screen.print(table("a window", ("part", "time", "share"), [
        (name, human_seconds(seconds), f"{seconds / window:.1%}")
        for name, seconds in plan.seconds.items()
    ]))  # fmt: skip
    screen.print(table("memory of a rank", ("part", "bytes"), [
        (name, human_bytes(held)) for name, held in plan.memory.items() if held
    ]))  # fmt: skip
    screen.print("reckoned from measured times of a core; none is a GPU's", style="dim")


def _print_table(plans: "list[Prediction]") -> None:
    """Print predictions, a row each."""
    from spikecuda.cli.terminal import console, human_bytes, table

    parts = list(plans[0].seconds)
    several = len({plan.layout for plan in plans}) > 1
    memory, times = [], []
    for plan in plans:
        which = (f"{plan.ranks:,}", *([plan.layout] if several else []))
        each = plan.row_bytes / (plan.load.synapses / plan.ranks) if plan.load.synapses else 0.0
        memory.append((
            *which, f"{plan.load.neurons:,.0f}", human_bytes(plan.memory_bytes), f"{each:.3g}",
            plan.wall,
        ))  # fmt: skip
        times.append((
            *which, *(f"{1e6 * plan.seconds[name]:.3g}" for name in parts),
            f"{plan.realtime_factor:.3g}",
        ))  # fmt: skip
    first, screen = plans[0], console()
    head = ("ranks", *(["rows"] if several else []))
    screen.print(f"{first.load.name}, on {first.machine.name}", soft_wrap=True)
    columns = (*head, "neurons", "a rank", "B/synapse", "wall")
    screen.print(table("memory, and what binds", columns, memory))
    title = f"µs of a window of {first.load.window} x {first.load.dt:g} ms, and real-time factor"
    screen.print(table(title, (*head, *parts, "factor"), times))
    screen.print("reckoned from measured times of a core; none is a GPU's", style="dim")
