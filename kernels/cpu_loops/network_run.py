"""Advance the blocks of one thread, window by window, without the host."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.network import layout as L
from spikecuda.kernels.network.ask import ask_spikes
from spikecuda.kernels.network.calendar import push
from spikecuda.kernels.network.coupling import BLOCK_COUPLED
from spikecuda.kernels.network.deliver import deliver
from spikecuda.kernels.network.machine import (
    address_of,
    arrive,
    atomic_load,
    barrier,
    call_file,
    call_finish,
    call_kernel,
    call_link,
    call_push,
    call_send,
    call_spread,
    float32_at,
    float64_at,
    int32_at,
    int64_at,
    read_int32,
    read_int64,
    read_uint32,
    smaller,
    uint16_at,
    uint32_at,
    wait,
)
from spikecuda.kernels.network.short import SHORT, SHORT_GATHER, SHORT_OUTSIDE, SHORT_SPREAD
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.words import trailing_zeros

# Chunks of a calendar that are delivered at once, and between two looks at a message.
ALL, SOME = np.int64(1) << 60, np.int64(8)


@inner
def _compact(block, part, parity, steps, clock):
    """List a part's spikes of a window, and copy them to its record; return how many."""
    count = part[L.PART_COUNT]
    words = (count + 31) >> 5
    bits = uint32_at(part[L.PART_BITS], steps * words)
    ids = int32_at(part[L.PART_IDS] + 4 * parity * part[L.PART_CAPACITY], part[L.PART_CAPACITY])
    upto = int64_at(part[L.PART_UPTO], 0)
    row = parity * (part[L.PART_CAPACITY] // count + 1)
    busy = int32_at(part[L.PART_BUSY], words + 1)
    at = np.int64(0)
    upto[row] = 0
    for k in range(steps):
        # Words with spikes first, without a branch: one of thirty has any.
        found = 0
        for j in range(words):
            busy[found] = j
            found += bits[k * words + j] != 0
        for i in range(found):
            j = np.int64(busy[i])
            word = bits[k * words + j]
            while word != 0:
                ids[at] = np.int32(
                    part[L.PART_FIRST] + 32 * j + np.int64(trailing_zeros(np.uint32(word)))
                )
                at += 1
                word = np.uint32(word & np.uint32(word - np.uint32(1)))
        upto[row + k + 1] = at
    state = int64_at(part[L.PART_STATE], 2)
    state[1] += at
    starts = int32_at(block[L.BLOCK_TARGET_HISTORIES_OF] + 4 * part[L.PART_POPULATION], 2)
    for h in range(starts[0], starts[1]):
        history = block[L.BLOCK_TARGET_HISTORIES] + 8 * L.HISTORY * h
        row_of = int64_at(history, L.HISTORY)
        if not row_of[L.HISTORY_PUSH]:
            continue
        for k in range(steps):
            for i in range(upto[row + k], upto[row + k + 1]):
                neuron = np.int64(ids[i]) - row_of[L.HISTORY_NEURON]
                call_push(row_of[L.HISTORY_PUSH], history, neuron, clock + k)
    if part[L.PART_RECORD_STEPS]:
        size = state[0]
        record_steps = int64_at(part[L.PART_RECORD_STEPS], part[L.PART_RECORD_SIZE])
        record_ids = int32_at(part[L.PART_RECORD_IDS], part[L.PART_RECORD_SIZE])
        for k in range(steps):
            for i in range(upto[row + k], upto[row + k + 1]):
                record_steps[size] = clock + k
                record_ids[size] = ids[i]
                size += 1
        state[0] = size
    return at


@inner
def file_rows(block, population, neurons, count, step):
    """Put the rows of neurons that spiked at the end of ``step`` into a block's calendar.

    ``neurons`` is the address of their numbers, int32.
    """
    starts = block[L.BLOCK_BUNDLES_OF] + 4 * population
    mask = block[L.BLOCK_SLOT_MASK]
    learned = int32_at(block[L.BLOCK_SOURCE_HISTORIES_OF] + 4 * population, 2)
    for h in range(learned[0], learned[1]):
        history = block[L.BLOCK_SOURCE_HISTORIES] + 8 * L.HISTORY * h
        push_at = int64_at(history, L.HISTORY)[L.HISTORY_PUSH]
        for i in range(count):
            call_push(push_at, history, read_int32(neurons + 4 * i), step)
    for b in range(read_int32(starts), read_int32(starts + 4)):
        bundle = block[L.BLOCK_BUNDLES] + 8 * L.BUNDLE * b
        kind = read_int64(bundle + 8 * L.BUNDLE_KIND)
        if kind == L.SHORT:
            continue
        if kind == L.PROCEDURAL:
            send = read_int64(bundle + 8 * L.BUNDLE_SEND)
            for i in range(count):
                call_send(send, address_of(block), bundle, read_int32(neurons + 4 * i), step)
            continue
        rows = read_int64(bundle + 8 * L.BUNDLE_ROWS)
        segments = read_int64(bundle + 8 * L.BUNDLE_HEADS)
        for i in range(count):
            row = rows + 4 * read_int32(neurons + 4 * i)
            first = read_uint32(row)
            if first < read_uint32(row + 4):
                delay = read_uint32(segments + 8 * first + 4) & L.DELAY
                cursor = (np.int64(b) << L.SEGMENT_BITS) | first
                push(block, (step + delay) & mask, cursor)


@inner
def _watch(block, population, step):
    """Let rules see the states of a population's neurons at the end of a step."""
    starts = int32_at(block[L.BLOCK_TARGET_HISTORIES_OF] + 4 * population, 2)
    for h in range(starts[0], starts[1]):
        history = block[L.BLOCK_TARGET_HISTORIES] + 8 * L.HISTORY * h
        watch = int64_at(history, L.HISTORY)[L.HISTORY_WATCH]
        if watch:
            call_finish(watch, history, step)


@inner
def _trace(trace, row):
    """Copy a variable of the chosen neurons into a row of its output."""
    index = int32_at(trace[L.TRACE_INDEX], trace[L.TRACE_COUNT])
    width = trace[L.TRACE_WIDTH]
    out = trace[L.TRACE_OUT] + width * trace[L.TRACE_ROW] * row
    if width == 8:
        to8, from8 = float64_at(out, trace[L.TRACE_COUNT]), float64_at(trace[L.TRACE_SOURCE], 0)
        for i in range(trace[L.TRACE_COUNT]):
            to8[i] = from8[index[i]]
    elif width == 4:
        to4, from4 = float32_at(out, trace[L.TRACE_COUNT]), float32_at(trace[L.TRACE_SOURCE], 0)
        for i in range(trace[L.TRACE_COUNT]):
            to4[i] = from4[index[i]]
    else:
        to2, from2 = uint16_at(out, trace[L.TRACE_COUNT]), uint16_at(trace[L.TRACE_SOURCE], 0)
        for i in range(trace[L.TRACE_COUNT]):
            to2[i] = from2[index[i]]


@inner
def _room(block, parts, need, windows):
    """Tell whether a block can take more windows: space for records, spikes, histories."""
    state = int64_at(block[L.BLOCK_STATE], 8)
    if state[L.CALENDAR_SPARE] < need:
        return False
    for h in range(block[L.BLOCK_HISTORY_COUNT]):
        history = int64_at(block[L.BLOCK_SOURCE_HISTORIES] + 8 * L.HISTORY * h, L.HISTORY)
        used = int64_at(history[L.HISTORY_STATE], 2)
        if used[0] + history[L.HISTORY_NEED] > used[1]:
            return False
    for p in range(block[L.BLOCK_FIRST_PART], block[L.BLOCK_LAST_PART]):
        part = parts[p]
        if part[L.PART_RECORD_STEPS]:
            used = int64_at(part[L.PART_STATE], 2)[0]
            if used + windows * part[L.PART_CAPACITY] > part[L.PART_RECORD_SIZE]:
                return False
    return True


@inner
def _gather(short, blocks, mine, threads, turn):
    """Add what all threads sent to the blocks of this one."""
    for m in range(mine.size):
        call_spread(
            int64_at(short, SHORT)[SHORT_GATHER], short, address_of(blocks), mine[m], threads, turn,
            0, 0, 0, 0, 0,
        )  # fmt: skip


@inner
def _send_outside(short, blocks, mine, external, first, last, address, threads):
    """Send short rows of spikes from outside; see ``network_short``."""
    if threads > 1:
        barrier(address, threads)  # none is still adding what was sent before
    call_spread(
        int64_at(short, SHORT)[SHORT_OUTSIDE], short, address_of(blocks), address_of(external),
        first, last, mine[0], threads, 0, 0, 0,
    )  # fmt: skip
    if threads > 1:
        barrier(address, threads)
    _gather(short, blocks, mine, threads, 1)


@inner
def _send_window(short, blocks, mine, parts, link, address, threads, parity, steps, now):
    """Send short rows of a window's spikes; see ``network_short``."""
    call_spread(
        int64_at(short, SHORT)[SHORT_SPREAD], short, address_of(blocks), link, address_of(parts),
        parts.shape[0], mine[0], threads, parity, steps, now,
    )  # fmt: skip
    if threads > 1:
        barrier(address, threads)
    _gather(short, blocks, mine, threads, 0)


@inner
def _file_window(blocks, mine, parts, parity, steps, now):
    """File the spikes of this process in a window, in the calendars of this thread's blocks."""
    for m in range(mine.size):
        for p in range(parts.shape[0]):
            part = parts[p]
            ids = part[L.PART_IDS] + 4 * parity * part[L.PART_CAPACITY]
            base = parity * (part[L.PART_CAPACITY] // part[L.PART_COUNT] + 1)
            upto = part[L.PART_UPTO] + 8 * base
            for i in range(steps):
                first = read_int64(upto + 8 * i)
                count = read_int64(upto + 8 * (i + 1)) - first
                if count:
                    file_rows(
                        blocks[mine[m]], part[L.PART_POPULATION], ids + 4 * first, count, now + i
                    )  # fmt: skip


@inner
def _deliver_ahead(blocks, mine, step, steps, link):
    """Deliver what is known of the next steps.

    Args:
        link: address of the table by which spikes are exchanged: MPI is called now and then, since
            it passes messages on only then; 0: there is nothing to see to.
    """
    most = SOME if link else ALL
    for m in range(mine.size):
        block = blocks[mine[m]]
        for i in range(steps):
            head = block[L.BLOCK_HEADS] + 4 * ((step + i) & block[L.BLOCK_SLOT_MASK])
            while read_int32(head) >= 0:
                deliver(block, step + i, most)
                if link:
                    call_link(read_int64(link + 8 * L.LINK_TEST), link, 0, 0, 0, 0, 0)


@inner
def _file_external(block, external, e):
    # The lower half of a number below 2^31, as the same type as a window's spikes.
    neuron = address_of(external) + 8 * (L.EXTERNAL * e + 2)
    file_rows(block, external[e, 1], neuron, np.int64(1), external[e, 0])


@loop("void(int64[:,::1], int64[:,::1])")
def file_spikes(blocks, external):
    """Put the rows of spikes from outside into the calendars of all blocks: nothing else moves.

    Args:
        blocks, external: as for ``run_blocks``.
    """
    for b in range(blocks.shape[0]):
        for e in range(external.shape[0]):
            _file_external(blocks[b], external, e)


@loop(
    "int64(int64[:,::1], int64[::1], int64[:,::1], int64[:,::1], int64[:,::1], int64[::1],"
    " int64, int64, int64, int64, int64, int64, int64, int64)"
)
def run_blocks(
    blocks, mine, parts, traces, external, shared, threads, clock, row, steps, window, fused,
    align, need,
):  # fmt: skip
    """Advance by up to ``steps`` steps; every thread of a run calls this with its own blocks.

    Args:
        blocks, parts, traces: tables, see ``layout``.
        mine: numbers of this thread's blocks.
        external: spikes from outside, sorted by step: (step, population, neuron).
        shared: what the threads share; ``shared[L.THREADS_STOP]`` stops all at the same window.
            Other processes are reached through ``shared[L.THREADS_LINK]``, if there are any.
        threads: how many call this.
        clock: number of the first step.
        row: its row in per-step inputs.
        steps: how many.
        window: steps between two exchanges of spikes: at most the shortest delay.
        fused: steps of one call of a kernel.
        align: a window ends wherever the step is a multiple of this (0: nowhere).
        need: spare chunks of a calendar that two windows may take.

    Returns:
        Steps done: all of them, or fewer when a buffer wants attention.
    """
    done = np.int64(0)
    parity = np.int64(0)
    at_external = np.int64(0)
    address = address_of(shared)
    short = shared[L.THREADS_SHORT]
    # Synapses that learn must know all spikes up to the one that is delivered.
    ahead_of_others = blocks[mine[0], BLOCK_COUPLED] == 0
    for m in range(mine.size):
        ahead_of_others &= blocks[mine[m], L.BLOCK_HISTORY_COUNT] == 0
    while done < steps:
        now = clock + done
        k = smaller(window, steps - done)
        if align:
            k = smaller(k, align - now % align)
        ahead = at_external
        while ahead < external.shape[0] and external[ahead, 0] < now + k:
            ahead += 1
        # Neurons that are coupled take one step at a time: all that arrives is delivered, and then
        # they receive what they are coupled to.
        coupled = blocks[mine[0], BLOCK_COUPLED]
        if short and ahead > at_external:
            _send_outside(short, blocks, mine, external, at_external, ahead, address, threads)
        for turn in range(2 if coupled else 1):
            if turn == 1:
                call_kernel(int64_at(coupled, 1)[0], coupled + 8, now)
            for m in range(mine.size):
                block = blocks[mine[m]]
                for e in range(at_external, ahead):
                    _file_external(block, external, e)
                own_clock = int64_at(block[L.BLOCK_CLOCK], 3)
                part_steps = np.int64(0)
                while part_steps < k:
                    some = smaller(fused, k - part_steps)
                    for i in range(some):
                        deliver(block, now + part_steps + i, ALL)
                    own_clock[0] = now + part_steps
                    own_clock[1] = row + done + part_steps
                    if coupled and turn == 0:
                        own_clock[2] = 0
                        break
                    for p in range(block[L.BLOCK_FIRST_PART], block[L.BLOCK_LAST_PART]):
                        if parts[p, L.PART_ENTRY]:
                            words = (parts[p, L.PART_COUNT] + 31) >> 5
                            own_clock[2] = part_steps * words
                            call_kernel(parts[p, L.PART_ENTRY], parts[p, L.PART_TABLE], some)
                    if block[L.BLOCK_HISTORY_COUNT]:
                        for p in range(block[L.BLOCK_FIRST_PART], block[L.BLOCK_LAST_PART]):
                            _watch(block, parts[p, L.PART_POPULATION], now + part_steps)
                    part_steps += some
                if coupled and turn == 0:
                    continue
                for p in range(block[L.BLOCK_FIRST_PART], block[L.BLOCK_LAST_PART]):
                    _compact(block, parts[p], parity, k, now)
                if not _room(block, parts, need, 2 + shared[L.THREADS_LATE]):
                    shared[L.THREADS_STOP + parity] = 1
            at_external = ahead
        for t in range(traces.shape[0]):
            if (now + k) % traces[t, L.TRACE_EVERY] == 0:
                for m in range(mine.size):
                    if mine[m] == traces[t, L.TRACE_BLOCK]:
                        _trace(traces[t], (now + k) // traces[t, L.TRACE_EVERY] - 1)
        # What is known of the next steps fills the time until others are here.
        early = np.int64(0)
        if ahead_of_others:
            early = smaller(fused, smaller(window, steps - done - k))
        link = shared[L.THREADS_LINK]
        leads = link != 0 and mine[0] == 0
        if threads > 1:
            goal = arrive(address, threads)
            if not leads:
                _deliver_ahead(blocks, mine, now + k, early, np.int64(0))
            wait(address, goal)
        # One flag for even and one for odd windows: a thread that is ahead must not be heard yet.
        stop = atomic_load(address + 8 * (L.THREADS_STOP + parity))
        ask_spikes(blocks, mine, parts, parity, k)
        if leads:
            call_link(
                read_int64(link + 8 * L.LINK_BEGIN), link, address_of(parts), parts.shape[0],
                parity, k, stop,
            )  # fmt: skip
        _file_window(blocks, mine, parts, parity, k, now)
        if link:
            _deliver_ahead(blocks, mine, now + k, early, link if leads else np.int64(0))
            if leads:
                call_link(read_int64(link + 8 * L.LINK_END), link, 0, 0, 0, 0, 0)
            if threads > 1:
                barrier(address, threads)
            stop = read_int64(link + 8 * L.LINK_STOP)
        if short:
            _send_window(short, blocks, mine, parts, link, address, threads, parity, k, now)
        if link:
            for m in range(mine.size):
                file = read_int64(link + 8 * L.LINK_FILE)
                call_file(file, link, address_of(blocks[mine[m]]), now)
        done += k
        parity = 1 - parity
        if stop:
            break
    return done
