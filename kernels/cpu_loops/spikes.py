"""Turn spike bits into sorted lists."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.numerics.words import population_count, trailing_zeros


@loop("int64(uint32[::1])")
def count_spikes(bits):
    """Return the number of set bits."""
    total = np.uint64(0)
    for start in range(0, bits.size, 4096):
        part = bits[start : start + 4096]
        # In 32 bits, and over a slice, LLVM makes a vector loop of it.
        some = np.uint32(0)
        for j in range(part.size):
            some += np.uint32(population_count(part[j]))
        total += np.uint64(some)
    return np.int64(total)


@loop("void(uint32[::1], int64, int64, int64, int64, int64, int32[::1], int64[::1], int32[::1])")
def list_spikes(bits, words, first, last, clock, neuron, busy, steps, neurons):
    """Write the (step, neuron) pairs of rows [first, last), sorted; a row has ``words`` words.

    ``clock`` is the number of row 0's step, ``neuron`` the number of bit 0's neuron; ``busy`` is
    scratch for a row's words.
    """
    at = 0
    for row in range(first, last):
        line = bits[row * words : (row + 1) * words]
        # Few words have spikes: finding them without a branch halves the time.
        count = np.int32(0)
        for j in range(words):
            busy[count] = j
            count += np.int32(line[j] != 0)
        for i in range(count):
            j = busy[i]
            word = line[j]
            while word != 0:
                steps[at] = clock + row
                neurons[at] = neuron + 32 * j + np.int64(trailing_zeros(np.uint32(word)))
                at += 1
                word = np.uint32(word & np.uint32(word - np.uint32(1)))


@loop("void(int64[::1], int32[::1], int64[::1], int32[::1], int64[::1], int32[::1])")
def merge_spikes(steps, neurons, later_steps, later_neurons, all_steps, all_neurons):
    """Merge two lists sorted by step; within a step the first list's neurons come first."""
    i = j = 0
    for at in range(all_steps.size):
        if j >= later_steps.size or (i < steps.size and steps[i] <= later_steps[j]):
            all_steps[at] = steps[i]
            all_neurons[at] = neurons[i]
            i += 1
        else:
            all_steps[at] = later_steps[j]
            all_neurons[at] = later_neurons[j]
            j += 1
