"""``spikecuda view``: a recorded result in a browser, as one file, or as pictures."""

import argparse
import contextlib
import json
import sys
from typing import Any

from spikecuda.errors import SpikecudaValueError

# What ``spikecuda run`` writes of a pool.
POOL_FORMAT = "spikecuda run 1"
LARGEST_METADATA = 64 << 20


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "view",
        parents=[common],
        help="show a recorded result in a browser, or write it as a page or as pictures",
        description="Show what a run recorded: spikes.npz of 'spikecuda run NAME', the .npz file "
        "of a pool, or what NetworkResult.save wrote. The page is on this machine's loopback "
        "address until Ctrl-C.",
        epilog="examples: spikecuda view microcircuit/spikes.npz; spikecuda view spikes.npz --html "
        "spikes.html; spikecuda view spikes.npz --frames film --every 2",
    )
    parser.add_argument("file", metavar="FILE.npz")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="default: a free one")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument(
        "--html", metavar="FILE.html", help="write one file that needs nothing else, and end"
    )
    film = parser.add_argument_group("an animated raster")
    film.add_argument("--frames", metavar="FOLDER", help="write frame-00000.png and so on, and end")
    film.add_argument("--window", type=float, metavar="MS", help="that a frame shows (default 500)")
    film.add_argument("--every", type=float, metavar="MS", help="between frames (default 5)")
    film.add_argument("--start", type=float, metavar="MS", help="of the first frame")
    film.add_argument("--stop", type=float, metavar="MS", help="of the last frame")
    film.add_argument("--width", type=int, metavar="PIXELS", help="default 960")
    film.add_argument("--height", type=int, metavar="PIXELS", help="default 600")
    film.add_argument("--theme", choices=("light", "dark"), help="default light")
    parser.set_defaults(execute=execute)


FILM = ("window", "every", "start", "stop", "width", "height", "theme")


def execute(args: argparse.Namespace) -> int:
    """Show or write the result."""
    from spikecuda.cli.terminal import progress
    from spikecuda.view import show, write_frames, write_html

    film = {name: getattr(args, name) for name in FILM if getattr(args, name) is not None}
    if film and args.frames is None:
        raise SpikecudaValueError(
            f"--frames FOLDER must be given with --{next(iter(film))} (got none), where pictures go"
        )
    written = next((name for name in ("html", "frames") if getattr(args, name) is not None), None)
    if written is not None and (args.port or args.open):
        raise SpikecudaValueError(
            f"--{'port' if args.port else 'open'} must be left out with --{written}, which writes "
            "files and serves no page"
        )
    result = load(args.file)
    if args.html is not None:
        print(f"written: {write_html(result, args.html)}")
    if args.frames is not None:
        with progress() as bar:
            task = bar.add_task("frames", total=None)
            paths = write_frames(
                result, args.frames, **film,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )  # fmt: skip
        print(f"written: {len(paths):,} frames in {args.frames}/")
    if args.html is None and args.frames is None:
        from spikecuda.cli.viewing import stay

        viewed = show(result, port=args.port, open=args.open)
        # Ctrl-C may come as soon as the address is printed.
        with viewed as view, contextlib.suppress(KeyboardInterrupt):
            print(f"view: {view.url}", flush=True)
            stay("it is shown until Ctrl-C")
    return 0


def load(path: str) -> Any:
    """Return the result that a file has.

    Raises:
        SpikecudaValueError: the file is something else.
        OSError: it cannot be opened.
    """
    from spikecuda.common.npz import FormatError, reading_npz
    from spikecuda.network import NetworkResult

    what = "a result: spikes.npz, or a pool's .npz, of spikecuda run, or of NetworkResult.save"
    with reading_npz(path, what) as file:
        if "metadata" not in file or file.size("metadata") > LARGEST_METADATA:
            raise FormatError("it has no metadata of a result")
        about = json.loads(str(file.array("metadata", "U", 0)))
        if isinstance(about, dict) and about.get("format") == POOL_FORMAT:
            return _pool_result(file, about)
    return NetworkResult.load(path)


def _pool_result(file: Any, about: dict[str, Any]) -> Any:
    """Return the result of a pool's file, which is checked."""
    import numpy as np

    from spikecuda.common.npz import FormatError
    from spikecuda.pool.result import SystemResult
    from spikecuda.runtime.result import RunResult
    from spikecuda.runtime.spikes import Spikes

    steps, count, dt = int(about["steps"]), int(about["num_neurons"]), float(about["dt"])
    if not (0 <= steps < 2**53 and 0 < count < 2**31 and 0 < dt < sys.float_info.max):
        raise FormatError("steps, num_neurons or dt is out of range")
    if "spike_step" not in file:
        raise FormatError("it has no spikes, which were not recorded")
    step = file.array("spike_step", "i", 1).astype(np.int64)
    neuron = file.array("spike_neuron", "i", 1).astype(np.int32)
    ordered = step.size == neuron.size and bool(np.all(np.diff(step) >= 0))
    if not ordered or (
        step.size
        and not (step[0] >= 0 and step[-1] < steps and neuron.min() >= 0 and neuron.max() < count)
    ):
        raise FormatError("its spikes are not those of a run")
    traces = {}
    for name in file.names:
        if name.startswith("trace_"):
            trace = file.array(name, "f", 2)
            if trace.shape != (steps, count):
                raise FormatError(f"{name} has another shape than the run")
            traces[name.removeprefix("trace_")] = trace
    part = RunResult(Spikes(step, neuron, dt), traces, steps, 0, dt, step.size, count)
    return SystemResult({str(about["model"])[:80]: part}, {})
