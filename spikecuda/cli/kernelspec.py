"""Kernel specs from what the command line says, and the bytes a kernel moves."""

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spikecuda.errors import SpikecudaValueError, nearest

if TYPE_CHECKING:
    from spikecuda.kernels.spec import InputSpec, KernelSpec

# The most steps that a pool takes in one launch.
LAUNCH_STEPS = 1024
INPUTS = ("none", "constant", "per-neuron", "wave", "drive", "noise", "poisson")


def make_spec(
    model: Any, precision: str, scheme: str | None, substeps: int, kinds: str
) -> "KernelSpec":
    """Return the spec of a model with its default parameters.

    Raises:
        SpikecudaValueError: an unknown precision, scheme or input.
    """
    import numpy as np

    from spikecuda.common.precision import as_precision
    from spikecuda.kernels.spec import KernelSpec

    scheme = model.check_scheme(scheme)
    if not 1 <= substeps <= 64:
        raise SpikecudaValueError(f"--substeps must be from 1 to 64 (got {substeps})")
    refractory = bool(model.refractory and np.any(model.resolve({}, 1)["t_ref"] > 0))
    return KernelSpec(
        model, as_precision(precision), scheme, substeps, refractory,
        inputs=input_spec(kinds),
    )  # fmt: skip


def input_spec(kinds: str) -> "InputSpec":
    """Return the structure for ``constant+noise``."""
    from spikecuda.kernels.spec import NEURON, SHARED, InputSpec

    listed = [kind.strip() for kind in kinds.split("+")]
    for kind in listed:
        if kind not in INPUTS:
            raise SpikecudaValueError(
                f"--input must be made of {', '.join(INPUTS)} (got {kind!r}){nearest(kind, INPUTS)}"
            )
    return InputSpec(
        bias=NEURON if "per-neuron" in listed else SHARED if "constant" in listed else "",
        wave="wave" in listed,
        drive="drive" in listed,
        noises=(SHARED,) * listed.count("noise"),
        pulses=((SHARED, SHARED),) * listed.count("poisson"),
    )


def compute_capability(text: str) -> tuple[int, int]:
    """Return (9, 0) for "9.0", "90" or "sm_90"."""
    match = re.fullmatch(r"(?:sm_)?(\d+)\.?(\d)", text)
    if match is None:
        raise SpikecudaValueError(f"--arch must be a compute capability such as 9.0 (got {text!r})")
    return int(match[1]), int(match[2])


@dataclass(frozen=True)
class Traffic:
    """Bytes that a kernel moves to and from memory, per neuron.

    Attributes:
        launch: state read and written and per-neuron input read, once a launch.
        step: input read and spike bits written, every step.
    """

    launch: float
    step: float

    def per_step(self, steps: int) -> float:
        """Return bytes per neuron and step for launches of ``steps`` steps."""
        return self.launch / steps + self.step


def traffic(spec: "KernelSpec") -> Traffic:
    """Return the bytes a kernel moves; numbers that all neurons share are not counted."""
    from spikecuda.kernels.spec import NEURON

    real = 8 if spec.precision.real == "float64" else 4
    i = spec.inputs
    launch = 2 * spec.bytes_per_neuron()
    launch += real * (len(spec.varying) + (i.bias == NEURON) + i.gains + i.noises.count(NEURON))
    return Traffic(float(launch), real * float(i.drive) + 1 / 8)


def add_structure(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a kernel's structure."""
    parser.add_argument(
        "--input", default="constant", metavar="KIND",
        help="none, constant (one current for all), per-neuron, wave, drive, noise, poisson; "
        "several joined with + (default: constant)",
    )  # fmt: skip
    parser.add_argument("--substeps", type=int, default=1, metavar="K", help="default 1")
    parser.add_argument(
        "--arch", default="9.0", metavar="X.Y", help="compute capability (default 9.0)"
    )
