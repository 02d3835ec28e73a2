"""What couples neurons by their states, in each step: values are published, then summed.

Each neuron sums its own sources in one order, in float64, so that threads, blocks and devices
change no bit.
"""

import numpy as np

from spikecuda.kernels.compile.entry import pointer
from spikecuda.kernels.network import coupling as C
from spikecuda.kernels.network import layout as L
from spikecuda.kernels.network.machine import (
    barrier,
    call_kernel,
    call_transport,
    float32_at,
    float64_at,
    int32_at,
    int64_at,
    uint8_at,
    uint16_at,
    uint32_at,
)
from spikecuda.kernels.numerics.arithmetic import bits_float, fma, select
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.rows import decode_row


@inner
def _copy(at, to, size):
    """Copy bytes."""
    source, target = uint8_at(at, size), uint8_at(to, size)
    for i in range(size):
        target[i] = source[i]


@inner
def _mean(begin, end, out, bits, jumps, half):
    """Write the mean of the values at both ends of a step; where a spike is a jump those before."""
    for i in range(out.size):
        out[i] = half * (begin[i] + end[i])
    if jumps:
        for i in range(out.size):
            spiked = (bits[i >> 5] >> np.uint32(i & 31)) & np.uint32(1)
            out[i] = select(spiked != np.uint32(0), begin[i], out[i])


@inner
def _publish(at, count):
    """Work items out."""
    for n in range(count):
        item = int64_at(at + 8 * C.ITEM * n, C.ITEM)
        kind, size = item[C.ITEM_KIND], item[C.ITEM_COUNT]
        if kind == C.COPY:
            _copy(item[C.ITEM_FROM], item[C.ITEM_TO], size)
        elif kind == C.DECODE:
            decode_row(
                uint16_at(item[C.ITEM_FROM], size), np.float32(bits_float(item[C.ITEM_A])),
                np.float32(bits_float(item[C.ITEM_B])), float32_at(item[C.ITEM_TO], size),
            )  # fmt: skip
        elif kind == C.CALL:
            call_kernel(item[C.ITEM_TO], item[C.ITEM_FROM], size)
        elif kind == C.MEAN4:
            _mean(
                float32_at(item[C.ITEM_A], size), float32_at(item[C.ITEM_FROM], size),
                float32_at(item[C.ITEM_TO], size), uint32_at(item[C.ITEM_B], size),
                item[C.ITEM_B] != 0, np.float32(0.5),
            )  # fmt: skip
        else:
            _mean(
                float64_at(item[C.ITEM_A], size), float64_at(item[C.ITEM_FROM], size),
                float64_at(item[C.ITEM_TO], size), uint32_at(item[C.ITEM_B], size),
                item[C.ITEM_B] != 0, np.float64(0.5),
            )  # fmt: skip


@inner
def _sum(row, values, own, weights, out):
    """Sum what each neuron of a part receives of one coupling, source by source."""
    starts = int64_at(row[C.GATHER_STARTS], row[C.GATHER_COUNT] + 1)
    sources = int32_at(row[C.GATHER_SOURCES], 0)
    weight, each = bits_float(row[C.GATHER_WEIGHT]), row[C.GATHER_WEIGHTS] != 0
    strength = bits_float(row[C.GATHER_STRENGTH])
    less, add = row[C.GATHER_OWN] != 0, row[C.GATHER_ADD] != 0
    for i in range(row[C.GATHER_COUNT]):
        mine = np.float64(0.0)
        if less:
            mine = np.float64(own[i])
        total = np.float64(0.0)
        for e in range(starts[i], starts[i + 1]):
            if each:
                weight = np.float64(weights[e])
            total = fma(weight, np.float64(values[sources[e]]) - mine, total)
        found = out.dtype.type(strength * total)
        if add:
            found = out[i] + found
        out[i] = found


@inner
def _gather(at, count):
    """Sum what the neurons of a thread receive."""
    for n in range(count):
        row = int64_at(at + 8 * C.GATHER * n, C.GATHER)
        size = row[C.GATHER_COUNT]
        if row[C.GATHER_WIDTH] == 0:
            call_kernel(row[C.GATHER_FUNCTION], at + 8 * C.GATHER * n, size)
        elif row[C.GATHER_WIDTH] == 4:
            _sum(
                row, float32_at(row[C.GATHER_VALUES], 0), float32_at(row[C.GATHER_OWN], size),
                float32_at(row[C.GATHER_WEIGHTS], 0), float32_at(row[C.GATHER_TO], size),
            )  # fmt: skip
        else:
            _sum(
                row, float64_at(row[C.GATHER_VALUES], 0), float64_at(row[C.GATHER_OWN], size),
                float64_at(row[C.GATHER_WEIGHTS], 0), float64_at(row[C.GATHER_TO], size),
            )  # fmt: skip


@inner
def _keep(table, step, back):
    """Keep what a step begins with, or bring it back."""
    for n in range(table[C.COUPLED_KEEPS]):
        row = int64_at(table[C.COUPLED_KEEP] + 8 * C.KEEP * n, C.KEEP)
        at = row[C.KEEP_FROM] + (step & row[C.KEEP_MASK]) * row[C.KEEP_SLOT]
        if back:
            _copy(row[C.KEEP_AT], at, row[C.KEEP_BYTES])
        else:
            _copy(at, row[C.KEEP_AT], row[C.KEEP_BYTES])


@inner
def _exchange(at, count):
    """Send values of this process' neurons to all others, and receive theirs."""
    for n in range(count):
        row = int64_at(at + 8 * C.SEND * n, C.SEND)
        _copy(row[C.SEND_FROM], row[C.SEND_STAGE], row[C.SEND_BYTES])
        call_transport(
            row[C.SEND_FUNCTION], row[C.SEND_STAGE], row[C.SEND_WORDS], row[C.SEND_TYPE],
            row[C.SEND_TO], row[C.SEND_COUNTS], row[C.SEND_PLACES], row[C.SEND_TYPE],
            row[C.SEND_COMMUNICATOR],
        )  # fmt: skip


@inner
def _meet(table, first, count):
    """Wait for all threads to have published, of all processes."""
    shared, threads = table[C.COUPLED_SHARED], table[C.COUPLED_THREADS]
    if threads > 1:
        barrier(shared, threads)
    if table[C.COUPLED_RANKS] > 1:
        _exchange(table[C.COUPLED_SENDS] + 8 * C.SEND * first, count)
        if threads > 1:
            barrier(shared, threads)


@pointer("void(int64, int64)")
def couple(table_at, step):
    """Let the neurons of a thread receive what they are coupled to, before a step.

    Args:
        table_at: address of the thread's table, see ``kernels/network/coupling``.
        step: its number; what arrives in it has been delivered.
    """
    table = int64_at(table_at, C.COUPLED)
    _publish(table[C.COUPLED_BEGIN], table[C.COUPLED_BEGINS])
    _meet(table, np.int64(0), table[C.COUPLED_SENT])
    _gather(table[C.COUPLED_GATHER], table[C.COUPLED_GATHERS])
    if not table[C.COUPLED_TWICE]:
        return
    _keep(table, step, False)
    mine = int64_at(table[C.COUPLED_MINE], table[C.COUPLED_COUNT])
    for m in range(mine.size):
        part = int64_at(table[C.COUPLED_PARTS] + 8 * L.PART * mine[m], L.PART)
        call_kernel(part[L.PART_ENTRY], part[L.PART_TABLE], 1)
    _publish(table[C.COUPLED_END], table[C.COUPLED_ENDS])
    _keep(table, step, True)
    _meet(table, table[C.COUPLED_SENT], table[C.COUPLED_SENT_AGAIN])
    _gather(table[C.COUPLED_AGAIN], table[C.COUPLED_AGAINS])
