"""``spikecuda run sonata CONFIG``: a SONATA simulation, and the files that it writes."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from spikecuda.cli.processes import take_part
from spikecuda.cli.runconfig import INPUT_KEYS, POOL_KEYS
from spikecuda.errors import SpikecudaError, SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.formats.sonata.simulation import SonataSimulation
    from spikecuda.network.results.result import NetworkResult

NAME, NOWHERE = "sonata", "none"
TAKEN = ("dt", "duration", "seed", "threads", "precision", "device", "out", "quiet", "view")
OTHERS = (
    *POOL_KEYS, *INPUT_KEYS, "param", "initial", "steps", "record", "live", "scale", "variant",
    "set", "plastic", "data", "images", "passes",
)  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Build and run the simulation; write and print what it did."""
    from spikecuda.cli.viewing import viewed
    from spikecuda.formats.sonata.simulation import from_sonata

    if args.file is None:
        raise SpikecudaValueError(
            "run sonata needs a configuration (got none); spikecuda run sonata config.json"
        )
    for name in OTHERS:
        value = getattr(args, name)
        if name not in TAKEN and value not in (None, [], False):
            option = "--" + name.replace("_", "-")
            raise SpikecudaValueError(
                f"{option} is not for SONATA simulations (got it for {args.file}); they take "
                f"--{', --'.join(TAKEN)}"
            )
    if not take_part(args):
        args.quiet, args.out = True, NOWHERE
    folder = _folder(args.out)
    given = {name: getattr(args, name) for name in ("dt", "duration", "seed", "threads")}
    given |= {"precision": args.precision, "devices": args.device}
    begin = time.perf_counter()
    simulation = from_sonata(args.file, **{k: v for k, v in given.items() if v is not None})
    if args.out != NOWHERE:
        simulation.require_writable(folder)
    with simulation.net, viewed(simulation.net, args.view):
        result = _simulate(simulation, args.quiet)
        written = [] if args.out == NOWHERE else simulation.write(result, folder)
        if not args.quiet:
            _print(simulation, result, written, time.perf_counter() - begin)
    return 0


def _folder(text: str | None) -> Path | None:
    """Return the folder to write to; None: the configuration's."""
    if text is None or text == NOWHERE:
        return None
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise SpikecudaValueError(f"out must be a folder for a simulation (got the file {path})")
    if not path.absolute().parent.is_dir():
        raise SpikecudaError(f"the folder {path.parent} does not exist; make it first")
    return path


def _simulate(simulation: "SonataSimulation", quiet: bool) -> "NetworkResult":
    """Build and run with a bar for each."""
    from spikecuda.cli.terminal import progress

    with progress(not quiet) as bar:
        building = bar.add_task("building", total=None)
        simulation.net.build(lambda done, of: bar.update(building, completed=done, total=of))
        running = bar.add_task("running", total=None)
        return simulation.run(lambda done, of: bar.update(running, completed=done, total=of))


def _print(
    simulation: "SonataSimulation", result: "NetworkResult", written: list[Path], wall: float
) -> None:
    """Print what the run did, and what of the files had no effect."""
    from spikecuda.cli.terminal import console, facts, human_seconds

    net, screen = simulation.net, console()
    screen.print(result.table())
    m = net.metrics()
    screen.print(facts("", [
        ("network", f"{m.num_neurons:,} neurons, {m.synapses:,} synapses; {net.precision}, dt "
                    f"{net.dt:g} ms"),
        ("real-time factor", f"{result.realtime_factor:.3g} ({human_seconds(result.seconds)} for "
                             f"{human_seconds(result.duration / 1e3)}; {', '.join(m.devices)})"),
        ("in all", human_seconds(wall)),
        ("ignored", "; ".join(simulation.ignored) or "nothing"),
        ("written", ", ".join(str(path) for path in written) or "nothing"),
    ]))  # fmt: skip
