"""Input that differs between steps, and other parts of a run that all engines need."""

import math
from collections.abc import Sequence

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.errors import SpikecudaError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import DITHER, STREAM_DITHER_STEP, Argument, KernelSpec, Role
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.synapses.store import Wiring
from spikecuda.runtime.neuron_spec import NeuronSpec

# Steps whose input is held at a time, and the bytes that it may take.
CHUNK_STEPS, CHUNK_BYTES = 4096, 64 << 20
MAX_WINDOW = 64
# Histories count steps in 32 bits, from long before the first one on.
MOST_LEARNING_STEPS = (1 << 30) - (1 << 17)

# The input of a population, and the receptor that each of its Poisson inputs arrives at.
ResolvedInputs = Sequence[tuple[ResolvedInput, tuple[str, ...]]]


def step_input(
    drive: ResolvedInput,
    spec: KernelSpec,
    neuron_spec: NeuronSpec,
    clock: int,
    offset: int,
    steps: int,
) -> dict[str, np.ndarray]:
    """Return a kernel's per-step input that neurons share, for some steps, by argument name.

    Args:
        drive: the population's input.
        spec: its kernel.
        neuron_spec: its neurons.
        clock: number of the first step; ``offset``: the same, counted from the start of the run.
        steps: how many.
    """
    values = drive.window(clock, offset, steps)
    if spec.dither_words:
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        values[DITHER] = words = np.empty(steps * spec.dither_words, np.uint32)
        load_cpu_loop("draw").step_words(
            np.int64(clock), steps, spec.dither_words, np.uint32(STREAM_DITHER_STEP),
            *keys(neuron_spec.noise_seed), words,
        )  # fmt: skip
    return values


def row_arguments(spec: KernelSpec) -> list[Argument]:
    """Return a kernel's arguments with an element for each step and neuron."""
    return [argument for argument in spec.arguments if argument.role is Role.STEP_CURRENT]


def chunk_steps(drives: ResolvedInputs, window: int) -> int:
    """Return for how many steps per-step input is held: at least a window."""
    size = sum(drive.bytes_per_step() for drive, _ in drives)
    return max(window, min(CHUNK_STEPS, CHUNK_BYTES // max(size, 1)))


def window_steps(wiring: Wiring) -> int:
    """Return the steps between two exchanges of spikes: at most the shortest delay."""
    # What neurons receive of others' states is of the end of the step before.
    window = 1 if wiring.coupled else window_of(wiring.shortest)
    return min(window, wiring.horizon) if wiring.horizon else window


def require_learning_steps(wiring: Wiring, end: int) -> None:
    """Raise SpikecudaError if a network that learns would run for too long.

    Args:
        wiring: its synapses.
        end: steps at the end of the run.
    """
    if end > MOST_LEARNING_STEPS and any(bundle.ruled for bundle in wiring.bundles):
        raise SpikecudaError(
            f"a network that learns runs for up to {MOST_LEARNING_STEPS:,} steps (got {end:,}); "
            "reset(), which keeps its weights"
        )


def window_on_devices(wiring: Wiring) -> int:
    """Return the same where a device sends weights when sources spike.

    There, synapses that learn from given spikes must not have to send before the window is over.
    """
    given = [
        bundle.least
        for bundle in wiring.bundles
        if bundle.least and bundle.projections[0].source.population.neuron_spec is None
    ]
    return min([window_steps(wiring), *given])


def window_of(shortest: int) -> int:
    """Return the steps of a window for the shortest delay, in steps; 0: there is none."""
    return max(1, min(shortest or MAX_WINDOW, MAX_WINDOW))


def ring_steps(longest: int, window: int) -> int:
    """Return the steps of a ring that what is sent in a window finds its slot in: a power of two.

    Args:
        longest: delay in steps.
        window: steps that are sent together.
    """
    return 1 << math.ceil(math.log2(longest + window + 1))


def most_spikes(neurons: Neurons, window: int) -> int:
    """Return how often a neuron can spike in a window."""
    rest = int(np.min(neurons.constants["n_ref"])) if "n_ref" in neurons.constants else 0
    return 1 + (window - 1) // (1 + rest)
