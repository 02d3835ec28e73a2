"""The kernels of synapses that learn on CUDA devices: five for each rule, and a few more.

A window is: spikes are kept in the histories of their neurons, ``keep_spikes`` and
``keep_listed``; then each spike's row learns up to it and is sent, ``learn_rows``.  Where a
history is nearly full, ``sweep_rows`` lets what has arrived act on all weights, so that older
spikes are not needed any more.  ``settle_rows`` writes weights as of now into other arrays.

Histories are lines of entries, newest first, a line a neuron: ``_pre`` of sources, ``_post`` of
targets, ``_source_stride`` and ``_target_stride`` words a line, ``_source_depth`` and
``_target_depth`` entries.  Tables are those of ``kernels/network/learn_tables``.

Of rules with a modulator, its spikes are counted and its integral is brought to the end of the
window before rows learn: ``count_modulators``, ``fill_modulators``.  States of targets that a rule
sees are noted by the update kernels: ``_seen_STATE``, rings of ``_seen_ring + 1`` steps of
``_seen_stride`` places; ``_later``: how many steps later each is seen, a row a pair.
"""

import re

from spikecuda.kernels.learn_spec import LearnSpec
from spikecuda.kernels.routines import RoutineSpec, array, listed, scalars
from spikecuda.kernels.spec import Argument, seen_argument


def _routine(
    learn: LearnSpec, kind: str, template: str, arguments: tuple[Argument, ...], **options: bool
) -> RoutineSpec:
    """Return a kernel of a rule."""
    suffix = "f64" if learn.real == "float64" else "f32"
    rule = re.sub(r"\W", "_", learn.rule.name)
    name = f"{kind}_{rule}_{learn.timing}_{suffix}"
    chosen = (("learn", learn), *options.items())
    # A modulator's integral is float64 always.
    double = learn.real == "float64" or learn.rule.modulator is not None
    return RoutineSpec(name, template, chosen, arguments, double=double)


def _histories() -> tuple[Argument, ...]:
    return (array("_pre", "int32"), array("_post", "int32"))


def _modulated(learn: LearnSpec) -> tuple[Argument, ...]:
    """Return the arguments that say what a rule's modulators have done."""
    if learn.rule.modulator is None:
        return ()
    return array("_integral", "float64"), array("_modulators", "int32")


def _seen(learn: LearnSpec, wanted: bool) -> tuple[Argument, ...]:
    """Return the arguments that say what a rule sees of its targets, where that is wanted."""
    if not wanted:
        return ()
    states = dict.fromkeys(part.state for part in learn.rule.target_states.values())
    return (
        *(array(seen_argument(state), learn.real) for state in states), array("_later", "int32"),
        *scalars("_seen_ring", "_seen_stride"),
    )  # fmt: skip


def _rows(learn: LearnSpec) -> tuple[Argument, ...]:
    """Return the arguments that describe all rows: pairs, one after the other, as they are built.

    ``_ordinals``: of each synapse, its number among those of one source, target and delay.
    Weights that stay and of which sources release a part are integers in units of the receptor.
    ``_over``: bits of each pair, see ``learn_spec``: what could not be used.
    ``_rows``: first unit of each source's row, and the end, pair by pair; ``_starts``: first
    synapse of each unit, synapses of one row and one delay, and the end; ``_delays``: of each unit;
    ``_reals``: constants of each pair, and what turns its weights into what is sent.
    """
    return (
        array("_pairs", "int32"), array("_rows", "uint32"),
        array("_starts", "uint32"), array("_delays", "uint16"),
        array("_targets", "uint16"), array("_reals", learn.real),
        array("_weights", learn.real if learn.rule.learns else "int32"),
        *(array(f"_all_v_{name}", learn.real) for name in learn.rule.variables),
        *((array("_ordinals", "uint16"),) if learn.rule.random else ()),
        *_modulated(learn),
        *_histories(), array("_state", "int32"), array("_over", "int32"),
    )  # fmt: skip


def keep_spikes(learn: LearnSpec) -> RoutineSpec:
    """Return the kernel that keeps a window's own spikes: a warp takes 32 neurons of ``_kept``.

    ``_bits``, ``_valid``, ``_words``, ``_steps``, ``_mark``: as for ``collect``; a line of targets
    whose entry ``_watched`` has not arrived everywhere is nearly full.
    """
    return _routine(
        learn, "keep_spikes", "learn_keep_cuda",
        (
            array("_bits", "uint32"), array("_valid", "uint32"),
            array("_kept", "int32"), array("_reals", learn.real), *_histories(),
            array("_state", "int32"), array("_over", "int32"), array("_mark", "int64"),
            *_seen(learn, learn.rule.watches or bool(learn.states_kept)),
            *scalars(
                "_words", "_steps", "_source_stride", "_source_depth", "_target_stride",
                "_target_depth", "_watched", "_first", "_last",
            ),
        ),
        listed=False,
    )  # fmt: skip


def keep_listed(learn: LearnSpec) -> RoutineSpec:
    """Return the kernel that keeps spikes of sources that come in a list.

    ``_sorted``: ``number << 32 | step``, ascending in each window; which of them: as for
    ``learn_rows``; ``_listed_of``: by 32 numbers, the first history of ``_listed`` and how many.
    """
    return _routine(
        learn, "keep_listed", "learn_keep_cuda",
        (
            array("_sorted", "int64"), array("_bounds", "int64"),
            array("_clock", "int64"),
            array("_listed_of", "int32"), array("_listed", "int32"),
            array("_reals", learn.real), array("_pre", "int32"), array("_over", "int32"),
            *scalars("_given", "_source_stride", "_source_depth", "_first", "_last"),
        ),
        listed=True,
    )  # fmt: skip


def learn_rows(learn: LearnSpec) -> RoutineSpec:
    """Return the kernel that lets rows learn up to a spike, and sends them.

    ``2 ** _group`` lanes take a unit at a time, and every ``_pieces``-th unit of a row.
    ``_pairs_of``: by 32 numbers, the first pair of their population, and how many, ``_most`` at
    most.  ``_spikes``, the list; ``_bounds[w]`` to ``_bounds[w + 1]``, those to deliver: where
    ``_given`` is set those of window ``w = _clock[3] - 1``; else ``w`` is 1, and ``_bounds`` a
    window's mark; ``_mark``: as for ``collect``.
    """
    return _routine(
        learn, "learn_rows", "learn_rows_cuda",
        (
            *_rows(learn), array("_pairs_of", "int32"), *listed(True),
            array("_mark", "int64"), array("_cells", "int32"),
            *_seen(learn, bool({*learn.rule.target_states} & {*_on_pre(learn)})),
            *scalars(
                "_ring", "_stride", "_source_stride", "_target_stride", "_pieces", "_most",
                "_group", "_given", "_first", "_last",
            ),
        ),
    )  # fmt: skip


def sweep_rows(learn: LearnSpec) -> RoutineSpec:
    """Return the kernel that lets all that has arrived act on all weights, if a line is full."""
    return _routine(
        learn, "sweep_rows", "learn_sweep_cuda",
        (
            *_rows(learn), array("_clock", "int64"),
            *scalars(
                "_count", "_source_stride", "_target_stride", "_group", "_first", "_last"
            ),
        ),
        settle=False,
    )  # fmt: skip


def settle_rows(learn: LearnSpec) -> RoutineSpec:
    """Return the kernel that writes weights and variables after step ``_now`` into other arrays.

    It takes rows ``_row0`` to ``_row1`` of pair ``_only``, whose first synapse is ``_offset``.
    ``_raw``: 1: variables are as their last event left them; else 0: as of now.
    """
    return _routine(
        learn, "settle_rows", "learn_sweep_cuda",
        (
            *_rows(learn), array("_out_w", learn.real),
            *(array(f"_out_v_{name}", learn.real) for name in learn.rule.variables),
            *scalars(
                "_now", "_only", "_row0", "_row1", "_offset", "_raw", "_source_stride",
                "_target_stride", "_group", "_first", "_last",
            ),
        ),
        settle=True,
    )  # fmt: skip


def _on_pre(learn: LearnSpec) -> tuple[str, ...]:
    """Return the arguments of a rule's function at a spike of the source."""
    function = learn.rule.functions.get("on_pre")
    return () if function is None else tuple(function.arguments)


def end_sweep(modulated: bool = False) -> RoutineSpec:
    """Return the kernel that notes that a sweep is done; ``modulated``: for ``_modulated`` too."""
    more = (array("_modulators", "int32"), *scalars("_modulated")) if modulated else ()
    return RoutineSpec(
        "end_modulated_sweep" if modulated else "end_sweep", "end_sweep_cuda",
        (("modulated", modulated),),
        (
            array("_state", "int32"), array("_clock", "int64"), *more,
            *scalars("_first", "_last"),
        ),
    )  # fmt: skip


def count_modulators() -> RoutineSpec:
    """Return the kernel that counts the spikes of ``_modulated`` modulators in a list.

    Which spikes: as for ``learn_rows``; ``_chosen``: a bit for each neuron of each modulator's
    population; ``_counts``: by the step of their effect, a ring for each modulator.
    """
    return RoutineSpec(
        "count_modulators", "count_modulators_cuda", (),
        (
            *listed(True), array("_modulators", "int32"), array("_chosen", "uint32"),
            array("_counts", "int32"), *scalars("_modulated", "_given", "_first", "_last"),
        ),
    )  # fmt: skip


def fill_modulators() -> RoutineSpec:
    """Return the kernel that brings modulators to the end of a window: a thread for each."""
    return RoutineSpec(
        "fill_modulators", "fill_modulators_cuda", (),
        (
            array("_modulators", "int32"), array("_levels", "float64"),
            array("_counts", "int32"), array("_integral", "float64"), array("_state", "int32"),
            array("_clock", "int64"), *scalars("_modulated", "_first", "_last"),
        ),
        double=True,
    )  # fmt: skip


def put_values(real: str) -> RoutineSpec:
    """Return the kernel that copies reals into a part of an array, from ``_offset`` on."""
    return RoutineSpec(
        f"put_{real}", "put_values_cuda", (),
        (
            array("_to", real), array("_from", real),
            *scalars("_offset", "_first", "_last"),
        ),
        double=real == "float64",
    )  # fmt: skip
