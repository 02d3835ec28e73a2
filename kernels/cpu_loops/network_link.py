"""Exchange the spikes of a window with other processes: MPI's functions, called by their addresses.

A process' message is int32 words: how many follow the first two, whether the run is to stop, and
groups of spikes: step since the last message, population, how many, their neurons.  All messages
travel in one Iallgather of blocks of the same size, which follows the traffic.  If one does not
fit, an Allgatherv brings all in full.  Where delays between processes allow, a message has the
spikes of several windows.  What a process knows of the next steps it delivers between ``begin``
and ``end``.
"""

import numpy as np

from spikecuda.kernels.compile.entry import pointer
from spikecuda.kernels.cpu_loops.network_run import file_rows
from spikecuda.kernels.network import layout as L
from spikecuda.kernels.network.ask import MANY_SPIKES, ask_rows
from spikecuda.kernels.network.link import fit_block, received_from
from spikecuda.kernels.network.machine import (
    call_seconds,
    call_transport,
    int32_at,
    int64_at,
    prefetch,
    read_int32,
)
from spikecuda.kernels.numerics.inner import inner


@inner
def _write(link, parts_at, count, parity, steps):
    """Write the spikes of a window into the message; return the words after the first two."""
    send = int32_at(link[L.LINK_SEND], 0)
    at = np.int64(L.LINK_HEAD) + link[L.LINK_HELD_WORDS]
    held = link[L.LINK_HELD]
    for p in range(count):
        part = int64_at(parts_at + 8 * L.PART * p, L.PART)
        ids = int32_at(part[L.PART_IDS] + 4 * parity * part[L.PART_CAPACITY], 0)
        upto = int64_at(
            part[L.PART_UPTO] + 8 * parity * (part[L.PART_CAPACITY] // part[L.PART_COUNT] + 1), 0
        )
        for k in range(steps):
            first, last = upto[k], upto[k + 1]
            if last > first:
                send[at] = held + k
                send[at + 1] = part[L.PART_POPULATION]
                send[at + 2] = last - first
                at += 3
                for i in range(first, last):
                    send[at] = ids[i]
                    at += 1
    return at - L.LINK_HEAD


@pointer("int64(int64, int64, int64, int64, int64, int64)")
def begin(link_at, parts_at, count, parity, steps, stop):
    """Begin to send this process' spikes to all others and to receive theirs, or keep them.

    They are kept while none could arrive elsewhere before those of another window, too, are sent.
    Until ``end`` nobody writes to this process' message or reads the others'.

    Args:
        link_at: address of the table, see ``layout``.
        parts_at, count: address of the table of parts, and its rows.
        parity: which half of the parts' lists the window is in.
        steps: of the window.
        stop: whether a buffer of this process wants attention.

    Returns:
        Whether a message is under way.
    """
    link = int64_at(link_at, L.LINK)
    send = int32_at(link[L.LINK_SEND], L.LINK_HEAD)
    words = _write(link, parts_at, count, parity, steps)
    link[L.LINK_BACK] = link[L.LINK_HELD]
    link[L.LINK_LEFT] -= steps
    link[L.LINK_WANTED] |= stop
    link[L.LINK_LONG] = 0
    link[L.LINK_STOP] = 0
    if link[L.LINK_LEFT] > 0 and link[L.LINK_HELD] + steps <= link[L.LINK_ROOM]:
        link[L.LINK_HELD] += steps
        link[L.LINK_HELD_WORDS] = words
        counts = int32_at(link[L.LINK_COUNTS], link[L.LINK_RANKS])
        for r in range(link[L.LINK_RANKS]):
            counts[r] = 0
        return np.int64(0)
    send[0] = words
    send[1] = link[L.LINK_WANTED]
    link[L.LINK_HELD] = 0
    link[L.LINK_HELD_WORDS] = 0
    link[L.LINK_WANTED] = 0
    link[L.LINK_BLOCK] = link[L.LINK_NEXT]
    before = call_seconds(link[L.LINK_WTIME])
    call_transport(
        link[L.LINK_ALLGATHER], link[L.LINK_SEND], link[L.LINK_BLOCK], link[L.LINK_TYPE],
        link[L.LINK_BLOCKS], link[L.LINK_BLOCK], link[L.LINK_TYPE], link[L.LINK_COMMUNICATOR],
        link_at + 8 * L.LINK_REQUEST,
    )  # fmt: skip
    link[L.LINK_UNDER_WAY] = L.SENT
    link[L.LINK_NANOSECONDS] += np.int64(1e9 * (call_seconds(link[L.LINK_WTIME]) - before))
    return np.int64(1)


@pointer("int64(int64)")
def test(link_at):
    """See to what is under way: MPI passes messages on only while it is called.

    Args:
        link_at: as for ``begin``.

    Returns:
        Whether it is still under way.
    """
    link = int64_at(link_at, L.LINK)
    if link[L.LINK_UNDER_WAY] != L.SENT:
        return np.int64(0)
    call_transport(
        link[L.LINK_TESTS], link_at + 8 * L.LINK_REQUEST, link_at + 8 * L.LINK_DONE,
        link[L.LINK_STATUS], 0, 0, 0, 0, 0,
    )  # fmt: skip
    if read_int32(link_at + 8 * L.LINK_DONE):
        link[L.LINK_UNDER_WAY] = L.ARRIVED
        return np.int64(0)
    return np.int64(1)


@pointer("int64(int64)")
def end(link_at):
    """Wait until the spikes of all others are there, if any were to be sent.

    Args:
        link_at: as for ``begin``.

    Returns:
        Whether a buffer of any process wants attention; 0 while spikes are kept.
    """
    link = int64_at(link_at, L.LINK)
    if link[L.LINK_UNDER_WAY] == L.NOTHING:
        return np.int64(0)
    before = call_seconds(link[L.LINK_WTIME])
    if link[L.LINK_UNDER_WAY] == L.SENT:
        call_transport(
            link[L.LINK_WAITS], link_at + 8 * L.LINK_REQUEST, link[L.LINK_STATUS],
            0, 0, 0, 0, 0, 0,
        )  # fmt: skip
    link[L.LINK_UNDER_WAY] = L.NOTHING
    block, ranks = link[L.LINK_BLOCK], link[L.LINK_RANKS]
    counts, places = int32_at(link[L.LINK_COUNTS], ranks), int32_at(link[L.LINK_PLACES], ranks)
    blocks = int32_at(link[L.LINK_BLOCKS], ranks * block)
    stopped = np.int64(0)
    longest = np.int64(0)
    total = np.int64(0)
    for r in range(ranks):
        mine = np.int64(blocks[r * block])
        stopped |= np.int64(blocks[r * block + 1])
        counts[r] = mine
        places[r] = total
        total += mine
        longest = max(longest, mine)
    if longest > block - L.LINK_HEAD:
        call_transport(
            link[L.LINK_ALLGATHERV], link[L.LINK_SEND] + 4 * L.LINK_HEAD,
            np.int64(counts[link[L.LINK_RANK]]), link[L.LINK_TYPE], link[L.LINK_LISTS],
            link[L.LINK_COUNTS], link[L.LINK_PLACES], link[L.LINK_TYPE], link[L.LINK_COMMUNICATOR],
        )  # fmt: skip
        link[L.LINK_LONG] = 1
        link[L.LINK_OVERFLOWS] += 1
    fit_block(link, longest)
    link[L.LINK_WINDOWS] += 1
    link[L.LINK_WORDS] += total
    link[L.LINK_NANOSECONDS] += np.int64(1e9 * (call_seconds(link[L.LINK_WTIME]) - before))
    link[L.LINK_STOP] = stopped
    return stopped


@inner
def _ask_received(link, block):
    """Prefetch the rows of the spikes that other processes sent, where they are many."""
    total = np.int64(0)
    for r in range(link[L.LINK_RANKS]):
        if r != link[L.LINK_RANK]:
            at, last = received_from(link, r)
            prefetch(at)
            total += last - at
    for turn in range(2 if total >= 4 * MANY_SPIKES else 0):
        for r in range(link[L.LINK_RANKS]):
            if r == link[L.LINK_RANK]:
                continue
            at, last = received_from(link, r)
            while at < last:
                population, ids = read_int32(at + 4), at + 12
                at = ids + 4 * read_int32(at + 8)
                ask_rows(block, population, ids, at, turn)


@pointer("int64(int64, int64, int64)")
def file_received(link_at, block_at, now):
    """Put the rows of the other processes' spikes into a block's calendar.

    Args:
        link_at: as for ``begin``.
        block_at: address of the block's row of its table.
        now: first step of the window.

    Returns:
        How many spikes.
    """
    link, block = int64_at(link_at, L.LINK), int64_at(block_at, L.BLOCK)
    _ask_received(link, block)
    first = now - link[L.LINK_BACK]
    found = np.int64(0)
    for r in range(link[L.LINK_RANKS]):
        if r == link[L.LINK_RANK]:
            continue
        at, last = received_from(link, r)
        while at < last:
            head = int32_at(at, 3)
            size = np.int64(head[2])
            file_rows(block, np.int64(head[1]), at + 12, size, first + head[0])
            found += size
            at += 12 + 4 * size
    return found
