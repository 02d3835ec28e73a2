"""The kernels of a network on CUDA beside its updates: spikes are listed, then delivered.

A window of a network's steps is, on the device: the updates; ``collect``, which lists the spikes
and moves the clock on; and a ``deliver`` for each sheet of rows.  Counts stay on the device:
kernels are launched with as many threads as the device can hold, and find out there what there is
to do.

A spike is an int64, ``step << 32 | number``, with the neuron's number in the whole network.
"""

from dataclasses import dataclass
from typing import Any

from spikecuda.kernels.spec import Argument, KernelSpec

# How the weights of a sheet are stored.
CONSTANT, NARROW, WIDE = "constant", "int16", "int32"
# How a row that is not stored is walked: a range of targets, draws that are one target each, gaps
# between targets, draws without repetition,
# or the neurons near the one that spiked.
RANGE, DEGREE, PROBABILITY, SUBSET, NEAR = WALKS = (
    "range", "degree", "probability", "subset", "near",
)  # fmt: skip
# Cells that a block sums in shared memory: 32 KB, which every architecture has.
TILE = 1 << 13
# Synapses that a lane asks for before it waits for the first of them.
UNROLL = 4


@dataclass(frozen=True)
class RoutineSpec:
    """One such kernel.

    Attributes:
        name: the kernel's name in PTX and profilers.
        template: file in ``kernels/templates``.
        options: what the template is rendered with; ``learn`` is a synapse rule's ``LearnSpec``.
        arguments: the kernel's, in order.
        double: whether it computes in float64, whatever the network's precision.
    """

    name: str
    template: str
    options: tuple[tuple[str, Any], ...]
    arguments: tuple[Argument, ...]
    double: bool = False


# What can be rendered and compiled: an update kernel, or another kernel of a network.
Spec = KernelSpec | RoutineSpec


def array(name: str, dtype: str) -> Argument:
    """Return an argument that is an array."""
    return Argument(name, dtype, True)


def scalars(*names: str) -> tuple[Argument, ...]:
    """Return arguments that are 64-bit integers."""
    return tuple(Argument(name, "int64", False) for name in names)


def collect() -> RoutineSpec:
    """Return the kernel that appends a window's spikes to the list: a thread for each word.

    Arguments: ``_bits``, the window's spike bits, ``_steps`` rows of ``_words``; ``_valid``, which
    bits of a word are neurons; ``_numbers``, number of each word's first neuron; ``_spikes``, the
    list; ``_mark``: step of the window, where its spikes begin and end in the list; ``_clock``,
    which moves on.
    """
    return RoutineSpec(
        "collect_spikes", "collect_cuda", (),
        (
            array("_bits", "uint32"), array("_valid", "uint32"), array("_numbers", "int32"),
            array("_spikes", "int64"), array("_mark", "int64"), array("_clock", "int64"),
            *scalars("_words", "_steps", "_first", "_last"),
        ),
    )  # fmt: skip


def _sheet(weights: str) -> tuple[Argument, ...]:
    """Return the arguments that describe a sheet of rows and where it is delivered.

    ``_rows``, first segment of each number's row; ``_starts``, first synapse of each segment;
    ``_info``, its bundle and delay (``bundle << 16 | delay``); ``_bases``, first cell of each
    bundle's targets; ``_values``, the bundles' weights, or ``_weights``, the synapses'.
    """
    own = array("_values", "int32") if weights == CONSTANT else array("_weights", weights)
    return (
        array("_rows", "uint32"), array("_starts", "uint32"), array("_info", "uint32"),
        array("_bases", "int32"), own, array("_targets", "uint16"), array("_cells", "int32"),
        *scalars("_ring", "_stride"),
    )  # fmt: skip


def listed(given: bool) -> tuple[Argument, ...]:
    """Return the arguments that say which spikes are delivered.

    ``_spikes``, the list; ``_bounds[w]`` to ``_bounds[w + 1]``, those to deliver: of given spikes
    those of window ``w = _clock[3]``; else ``w`` is 1, and ``_bounds`` a window's mark.
    """
    names = ("_spikes", "_bounds", "_clock") if given else ("_spikes", "_bounds")
    return tuple(array(name, "int64") for name in names)


def _of(replicas: bool) -> tuple[tuple[Argument, ...], str]:
    """Return what kernels take that deliver the rows of one network to its replicas.

    ``_numbers_each``, numbers of neurons and sources from one replica to the next;
    ``_places_each``, cells of a port.  And what the kernels' names end in.
    """
    return (scalars("_numbers_each", "_places_each"), "_replicas") if replicas else ((), "")


def deliver_rows(weights: str, given: bool = False, replicas: bool = False) -> RoutineSpec:
    """Return the kernel that delivers rows by warps.

    ``_pieces`` warps share a row, each taking ``_group`` segments at a time (a power of two, up to
    32): one piece is a warp walking its whole row (pre-span), many are warps across the row for
    every spike (post-span).  ``replicas``: of an ensemble whose networks share the rows.
    """
    more, end = _of(replicas)
    return RoutineSpec(
        f"deliver_{'given_' if given else ''}rows_{_suffix(weights)}{end}", "deliver_rows_cuda",
        (("weights", weights), ("given", given), ("unroll", UNROLL), ("replicas", replicas)),
        (
            *_sheet(weights), *listed(given), *more,
            *scalars("_pieces", "_group", "_first", "_last"),
        ),
    )  # fmt: skip


def deliver_short(weights: str, given: bool = False, replicas: bool = False) -> RoutineSpec:
    """Return the kernel that delivers short rows: a thread for each."""
    more, end = _of(replicas)
    return RoutineSpec(
        f"deliver_{'given_' if given else ''}short_{_suffix(weights)}{end}", "deliver_short_cuda",
        (("weights", weights), ("given", given), ("replicas", replicas)),
        (*_sheet(weights), *listed(given), *more, *scalars("_first", "_last")),
    )  # fmt: skip


def deliver_tiles(weights: str) -> RoutineSpec:
    """Return the kernel that sums dense rows of one delay in shared memory.

    A block takes a tile of ``TILE`` cells, a step of the window, and one of ``_parts`` parts of the
    step's spikes.  ``_rows[number * tiles + tile]``: first synapse; ``_values``: likewise, the
    weight; ``_targets``: cells within the tile; ``_mark``: as for ``collect``.
    """
    own = array("_values", "int32") if weights == CONSTANT else array("_weights", weights)
    return RoutineSpec(
        f"deliver_tiles_{_suffix(weights)}", "deliver_tiles_cuda",
        (("weights", weights), ("tile", TILE)),
        (
            array("_rows", "uint32"), own, array("_targets", "uint16"), array("_cells", "int32"),
            *scalars("_ring", "_stride", "_delay", "_tiles", "_steps", "_parts"),
            array("_spikes", "int64"), array("_mark", "int64"), *scalars("_first", "_last"),
        ),
    )  # fmt: skip


# What calls a user's function of the distance: its kernel source, and what it is called with.
Functions = tuple[tuple[str, tuple[str, ...]], ...]
NO_FUNCTIONS: Functions = (("", ()),) * 3


def deliver_drawn(
    walk: str,
    replicas: bool = False,
    functions: Functions = NO_FUNCTIONS,
    around: bool = False,
) -> RoutineSpec:
    """Return the kernel that draws the rows of a procedural projection again, by warps.

    It takes the numbers that ``kernels/network/draw`` takes, and finds the same synapses.  Arrays
    by neuron of the source population, whose first number is ``_origin``: ``_index``, number within
    the source view, or -1; ``_twin``, number within the target view, or -1.  ``_degrees`` by number
    within the source view; ``_own`` and ``_each`` are 0 where one element serves all.  Targets from
    ``_from`` to ``_until`` of the view's ``_size`` are on the device; their places are number +
    ``_shift``, or where ``_listed`` is set in ``_places``.  ``_base``: first cell of the port;
    ``_pieces`` warps share a row; ``_given``: which of the lists that ``listed`` describes;
    ``_events`` counts synapses.  ``SUBSET`` has bits of its own for each warp: ``_seen``.

    Distances between the targets of a ``PROBABILITY`` row come from logarithms in float64; so do
    those in space of a ``NEAR`` row.  That has the arrays and numbers of ``kernels/network/field``,
    where ``functions`` are the user's own for probability, weight and delay: ``_profile0``,
    ``_profile1``, ``_profile2``; ``around``: its mask goes over the edge of a periodic axis.

    Raises:
        ValueError: there is no such walk.
    """
    if walk not in WALKS:
        raise ValueError(f"walk must be one of {', '.join(WALKS)} (got {walk!r})")
    more, end = _of(replicas)
    return RoutineSpec(
        f"deliver_drawn_{walk}{end}", "deliver_drawn_cuda",
        (
            ("walk", walk), ("replicas", replicas),
            *((("functions", functions), ("around", around)) if walk == NEAR else ()),
        ),
        (
            array("_index", "int32"), array("_twin", "int32"),
            *(NEAR_ARRAYS if walk == NEAR else ()),
            *((array("_degrees", "int32"),) if walk in (DEGREE, SUBSET) else ()),
            array("_places", "int32"), array("_cells", "int32"), *listed(True),
            array("_events", "int64"), *((array("_seen", "uint32"),) if walk == SUBSET else ()),
            *scalars("_ring", "_stride", "_base", "_origin", "_count", "_own"),
            *(scalars("_each") if walk in (DEGREE, SUBSET) else ()),
            *(scalars("_single") if walk == RANGE else ()),
            *(scalars("_size") if walk not in (RANGE, NEAR) else ()),
            *(NEAR_SCALARS if walk == NEAR else ()),
            *scalars(
                "_from", "_until", "_listed", "_shift", "_number", "_pieces", "_given",
                "_weight_kind", "_delay_kind", "_weight", "_delay", "_largest", "_longest",
            ),
            Argument("_key0", "uint32", False), Argument("_key1", "uint32", False),
            *((Argument("_inverse_log", "float64", False),) if walk == PROBABILITY else ()),
            *(Argument(name, "float32", False) for name in DISTRIBUTED),
            *more, *scalars("_first", "_last"),
        ),
        double=walk in (PROBABILITY, NEAR),
    )  # fmt: skip


# What says where neurons are; see ``kernels/network/field``.
NEAR_ARRAYS = (
    array("_field", "float64"), array("_rows", "float64"), array("_sorted", "float64"),
    array("_order", "int32"), array("_starts", "int32"),
)  # fmt: skip
NEAR_SCALARS = scalars(
    "_choices",
    "_cells_x",
    "_cells_y",
    "_cells_z",
    "_wrap",
    "_mask",
    "_p_profile",
    "_w_profile",
    "_d_profile",
)
# The numbers of the distributions of weights and delays, in the order of ``draw.Q_W_A`` and on.
DISTRIBUTED = (
    "_w_a", "_w_b", "_w_low", "_w_high", "_scale", "_d_a", "_d_b", "_d_low", "_d_high", "_per_ms",
)  # fmt: skip


def profile(function: str, takes: tuple[str, ...]) -> RoutineSpec:
    """Return the loop that calls a user's function of the distance, on the CPU.

    Args:
        function: its kernel source, called ``_profile``.
        takes: what it is called with: ``distance``, ``dx``, ``dy``, ``dz``, or numbers.
    """
    return RoutineSpec(
        "profile_of_distance", "profile_cpu", (("function", function), ("takes", takes)), (),
        double=True,
    )  # fmt: skip


def sample(dtype: str) -> RoutineSpec:
    """Return the kernel that copies a variable of chosen neurons at the end of some windows.

    Arguments: ``_source``, the variable; ``_index``, which neurons; ``_out``, rows of samples, the
    first of which is number ``_row0[0]``; ``_every``, steps between samples.
    """
    return RoutineSpec(
        f"sample_{dtype}", "sample_cuda", (),
        (
            array("_source", dtype), array("_index", "int32"), array("_out", dtype),
            array("_row0", "int64"), array("_clock", "int64"),
            *scalars("_every", "_first", "_last"),
        ),
    )  # fmt: skip


def _suffix(weights: str) -> str:
    return {CONSTANT: "c", NARROW: "i16", WIDE: "i32"}[weights]
