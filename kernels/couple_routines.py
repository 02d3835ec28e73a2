"""The kernels of continuous coupling: values of sources, and sums of them.

On CUDA a coupled network takes one step in a window.  Before the update come ``value``, which
writes what others read of a population, and ``gather``, which sums it; where the step is iterated,
``keep`` and the update come first, and then both again with the mean of both ends of the step.
"""

from spikecuda.kernels.routines import RoutineSpec, array, scalars
from spikecuda.kernels.spec import Argument

# How a function takes an argument: a state as it is, one stored as float16, a parameter.
STATE, HALF, PARAMETER = "state", "half", "parameter"


def value_loop(function: str, takes: tuple[str, ...], real: str) -> RoutineSpec:
    """Return the loop that works a user's function out on the CPU.

    Args:
        function: its kernel source, called ``_value``.
        takes: its arguments.
        real: the type it computes in.
    """
    return RoutineSpec(
        "coupled_value", "couple_value_cpu",
        (("function", function), ("takes", takes), ("real", real)), (),
        double=real == "float64",
    )  # fmt: skip


def pairs_loop(function: str, sides: tuple[str, ...], real: str) -> RoutineSpec:
    """Return the loop that sums a user's function of both neurons of pairs on the CPU.

    Args:
        function: its kernel source, called ``_value``.
        sides: "pre" or "post" for each of its arguments.
        real: the type it computes in.
    """
    return RoutineSpec(
        "coupled_pairs", "couple_pairs_cpu",
        (("function", function), ("sides", sides), ("real", real)), (),
        double=real == "float64",
    )  # fmt: skip


def pairs(function: str, sides: tuple[str, ...], real: str) -> RoutineSpec:
    """Return the kernel that sums a function of both neurons of pairs, in float64.

    Arguments: as of ``gather``, with ``_a0``, ... by number in the place of ``_values``.

    Args:
        function, sides, real: see ``pairs_loop``.
    """
    return RoutineSpec(
        f"couple_pairs_{real}", "couple_pairs_cuda",
        (("function", function), ("sides", sides), ("real", real)),
        (
            array("_starts", "int64"), array("_sources", "int32"), array("_weights", real),
            Argument("_weight", "float64", False), Argument("_strength", "float64", False),
            *(array(f"_a{n}", real) for n in range(len(sides))), array("_out", real),
            *scalars("_add", "_offset", "_first", "_last"),
        ),
        double=True,
    )  # fmt: skip


def value(function: str, takes: tuple[str, ...], real: str) -> RoutineSpec:
    """Return the kernel that writes what others read of a population's neurons.

    Arguments: ``_a0``, ... what it takes, states by place from ``_offset`` on, of float16 with
    ``_origin0`` and ``_unit0``; ``_out``, by number.

    Args:
        function: kernel source, called ``_value``; "": the one state itself.
        takes: ``STATE``, ``HALF`` or ``PARAMETER`` for each argument.
        real: the type it computes in.
    """
    given: list[Argument] = []
    for n, kind in enumerate(takes):
        given.append(array(f"_a{n}", "uint16" if kind == HALF else real))
        if kind == HALF:
            given += [Argument(f"_{part}{n}", real, False) for part in ("origin", "unit")]
    return RoutineSpec(
        f"couple_value_{real}", "couple_value_cuda",
        (("function", function), ("takes", takes), ("real", real)),
        (*given, array("_out", real), *scalars("_offset", "_first", "_last")),
        double=real == "float64",
    )  # fmt: skip


def mean(real: str) -> RoutineSpec:
    """Return the kernel that writes the mean of values at both ends of a step, by number.

    Arguments: ``_begin``, ``_end``, ``_out``; ``_bits``, spikes of the step by place from
    ``_offset`` on; ``_jumps``, 1 where neurons that spike have the value at the start.
    """
    return RoutineSpec(
        f"couple_mean_{real}", "couple_mean_cuda", (("real", real),),
        (
            array("_begin", real), array("_end", real), array("_out", real),
            array("_bits", "uint32"), *scalars("_jumps", "_offset", "_first", "_last"),
        ),
        double=real == "float64",
    )  # fmt: skip


def gather(real: str) -> RoutineSpec:
    """Return the kernel that sums what the neurons of a population receive, in float64.

    Arguments: ``_starts``, first synapse of each neuron, and the end; ``_sources``, their numbers;
    ``_weights``, or without elements ``_weight`` of all; ``_values`` by number; with ``_less``
    ``_own``, which is taken off each; ``_strength``, a factor of sums; ``_out`` by place from
    ``_offset``, with ``_add`` added to.

    Args:
        real: type of values and sums.
    """
    return RoutineSpec(
        f"couple_gather_{real}", "couple_gather_cuda", (("real", real),),
        (
            array("_starts", "int64"), array("_sources", "int32"), array("_weights", real),
            Argument("_weight", "float64", False), Argument("_strength", "float64", False),
            array("_values", real), array("_own", real), array("_out", real),
            *scalars("_less", "_add", "_offset", "_first", "_last"),
        ),
        double=True,
    )  # fmt: skip


def keep(dtype: str) -> RoutineSpec:
    """Return the kernel that keeps what an iterated step begins with, or brings it back."""
    return RoutineSpec(
        f"couple_keep_{dtype}", "couple_keep_cuda", (),
        (
            array("_from", dtype), array("_kept", dtype), array("_clock", "int64"),
            *scalars("_ring", "_slot", "_back", "_first", "_last"),
        ),
        double=dtype == "float64",
    )  # fmt: skip
