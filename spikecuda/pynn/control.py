"""Set up, run, reset and end a simulation."""

import warnings
from typing import Any

from pyNN import common
from pyNN.common.control import DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP
from pyNN.recording import get_io

from spikecuda.common.arguments import as_positive
from spikecuda.errors import SpikecudaError, nearest
from spikecuda.network import Network
from spikecuda.pynn import simulator

OPTIONS = ("seed", "precision", "threads", "devices", "partitions")
# What scripts give to other backends.
OTHERS = (
    "allow_update_on_post", "debug", "default_maxstep", "filename", "grng_seed", "input_file",
    "loglevel", "native_units", "quit_on_end", "recording_precision", "rng_seed", "rng_seeds",
    "rng_seeds_seed", "rng_type", "simulator", "t_flush", "use_cvode", "verbosity",
)  # fmt: skip


def setup(
    timestep: float = DEFAULT_TIMESTEP, min_delay: Any = DEFAULT_MIN_DELAY, **extra: Any
) -> int:
    """Begin a simulation; what was there before is gone.

    Args:
        timestep: ms.
        min_delay: the shortest delay of synapses, ms, or "auto": that of the projections.
        extra: ``max_delay``; ``seed`` (or ``rng_seed``), ``precision``, ``threads``, ``devices``
            and ``partitions`` as for ``spikecuda.Network``; ``spike_precision``: with "off_grid",
            spikes of ``SpikeSourceArray`` are recorded at the times as given, which still act on
            the grid.  What other backends take is ignored, and other names with a warning.

    Returns:
        The rank of this process, 0.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: a value cannot be used.
    """
    common.setup(timestep, min_delay, **extra)
    known = [*OPTIONS, "max_delay", "spike_precision"]
    for name in extra:
        if name not in known and name not in OTHERS:
            warnings.warn(
                f"setup() ignores {name!r}{nearest(name, known)}; it has "
                f"{', '.join(['timestep', 'min_delay', *known])}",
                stacklevel=2,
            )
    state = simulator.state
    dt = as_positive("timestep", timestep, "ms")
    options = {name: extra[name] for name in OPTIONS if name in extra}
    if "rng_seed" in extra:
        options.setdefault("seed", extra["rng_seed"])
    Network(dt, **options).close()  # which checks them
    state.options = options
    state.start(dt, min_delay, extra.get("max_delay", "auto"))
    state.off_grid = extra.get("spike_precision") == "off_grid"
    if state.off_grid:
        warnings.warn(
            "spike_precision='off_grid': neurons spike on the grid here; only the recorded spikes "
            "of SpikeSourceArray are at the times as given",
            stacklevel=2,
        )
    return 0


def end(compatible_output: bool = True) -> None:
    """Write files that ``record`` named, and free the network; data can still be read."""
    state = simulator.state
    for population, variables, filename in state.write_on_end:
        population.write_data(get_io(filename), variables)
    state.write_on_end = []
    state.close()


def get_network() -> Network:
    """Return the network that runs, made now unless it is there: to look at, and to save.

    What is changed through it is not seen by PyNN's objects.

    Raises:
        SpikecudaError: there are no neurons, or something cannot be a network.
    """
    state = simulator.state
    if not any(not population.drawn for population in state.populations):
        raise SpikecudaError(
            "there is no network without neurons (got "
            f"{len(state.populations)} populations of spike sources); add a Population of cells"
        )
    return state.built().net


run, run_until = common.build_run(simulator)
run_for = run
reset = common.build_reset(simulator)
initialize = common.initialize
(
    get_current_time, get_time_step, get_min_delay, get_max_delay, num_processes, rank,
) = common.build_state_queries(simulator)  # fmt: skip
