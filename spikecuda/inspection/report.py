"""Tables for people: what a kernel is made of, and what GPUs could do with it at most."""

from collections.abc import Iterable, Sequence

from spikecuda.devices.occupancy import occupancy
from spikecuda.inspection.gpus import GPU, GPUS
from spikecuda.inspection.mix import Profile, profile
from spikecuda.inspection.pipes import PIPES
from spikecuda.inspection.predict import BLOCK, lower_bound
from spikecuda.inspection.subject import inspected
from spikecuda.kernels.spec import KernelSpec

Row = tuple[str, ...]

KERNEL_COLUMNS = (
    "kernel", "cc", "registers", "local B", "occupancy", "limit", "instr/step", "steps/pass",
    "B/launch", "B/step",
)  # fmt: skip
ACCESS_COLUMNS = ("kernel", "cc", "accesses in the step loop", "outside")
PREDICTION_COLUMNS = (
    "predicted, at most", "GPU", "K", "G updates/s", "bound by", "time", "K = 1: G updates/s",
    "bound by",
)  # fmt: skip


def kernel_row(p: Profile) -> Row:
    """Return a row of the table of kernels."""
    subject = p.subject
    held = occupancy(subject.cc, subject.facts.registers, BLOCK, subject.facts.shared)
    return (
        subject.name,
        "{}.{}".format(*subject.cc),
        str(subject.facts.registers),
        str(subject.facts.frame),
        f"{held.fraction:.0%}",
        held.limits[0],
        f"{p.instructions:.1f}",
        str(p.main.steps),
        f"{sum(p.launch_bytes.values()):g}",
        f"{sum(p.step_bytes.values()):g}",
    )


def mix_table(profiles: Sequence[Profile]) -> tuple[Row, list[Row]]:
    """Return columns and rows of the table of warp instructions per step by pipe."""
    used = [pipe for pipe in PIPES if any(p.main.per_step[pipe] for p in profiles)]
    rows = []
    for p in profiles:
        counts = [p.main.per_step[pipe] for pipe in used]
        cells = [f"{count:.1f}" if count else "" for count in counts]
        rows.append((p.subject.name, "{}.{}".format(*p.subject.cc), *cells))
    return ("kernel", "cc", *used), rows


def access_row(p: Profile) -> Row:
    """Return a row of the table of accesses to global memory."""

    def words(looping: bool) -> str:
        found = [
            f"{count} x {kind} {8 * size} bit"
            for (kind, size, where), count in sorted(p.widths.items())
            if where == looping
        ]
        return ", ".join(found) or "none"

    return p.subject.name, "{}.{}".format(*p.subject.cc), words(True), words(False)


def prediction_row(name: str, p: Profile, gpu: GPU, neurons: int, steps: int) -> Row:
    """Return a row of the table of predictions."""
    fused, plain = lower_bound(p, gpu, neurons, steps), lower_bound(p, gpu, neurons, 1)
    return (
        name,
        gpu.name,
        str(steps),
        f"{fused.updates / 1e9:.1f}",
        fused.binding,
        f"{fused.seconds * 1e6:.1f} µs",
        f"{plain.updates / 1e9:.1f}",
        plain.binding,
    )


def predictions(
    specs: Iterable[KernelSpec],
    neurons: int,
    steps: int,
    gpus: Iterable[GPU] = GPUS,
    rate: float = 10.0,
    dt: float = 0.1,
) -> list[Row]:
    """Return the rows of the table of predictions.

    Args:
        specs: the kernels.
        neurons: in a launch.
        steps: time steps in a launch, K.
        gpus: which GPUs.
        rate: spikes of a neuron, Hz.
        dt: length of a step, ms.
    """
    rows = []
    known = list(gpus)
    for spec in specs:
        for gpu in known:
            p = profile(inspected(spec, gpu.cc), rate=rate, dt=dt)
            rows.append(prediction_row(p.subject.name, p, gpu, neurons, steps))
    return rows
