"""Join rows of synapses, so that a neuron's row is in one place, whatever bundle it is from."""

from spikecuda.kernels.compile.entry import loop


@loop("void(uint32[::1], uint32[::1], int64, int64, int64[::1], int64[::1])")
def count_segments(rows, starts, piece, first, segments, synapses):
    """Count what a bundle's rows add to each number's row.

    Args:
        rows, starts: of the bundle in a block, see ``network.wiring.Rows``.
        piece: the most synapses of a segment; longer ones are divided.
        first: number of the bundle's first source.
        segments, synapses: by number, added to.
    """
    for s in range(rows.size - 1):
        for i in range(rows[s], rows[s + 1]):
            length = starts[i + 1] - starts[i]
            segments[first + s] += (length + piece - 1) // piece
            synapses[first + s] += length


def _join_rows(
    rows, starts, delays, targets, weights, piece, first, bundle, segment, synapse, starts_out,
    info, targets_out, weights_out,
):  # fmt: skip
    """Append a bundle's rows to those of the numbers.

    Args:
        rows, starts, delays, targets, weights: of the bundle in a block; weights may be empty.
        piece, first: as for ``count_segments``.
        bundle: its number, put into ``info``.
        segment, synapse: by number: where the next ones go; advanced.
        starts_out, info, targets_out, weights_out: the joined rows.
    """
    individual = weights.size > 0
    for s in range(rows.size - 1):
        number = first + s
        for i in range(rows[s], rows[s + 1]):
            at, end = starts[i], starts[i + 1]
            while at < end:
                stop = min(at + piece, end)
                starts_out[segment[number]] = synapse[number]
                info[segment[number]] = (bundle << 16) | (delays[i] & 0x7FFF)
                segment[number] += 1
                place = synapse[number]
                for e in range(at, stop):
                    targets_out[place] = targets[e]
                    if individual:
                        weights_out[place] = weights[e]
                    place += 1
                synapse[number] = place
                at = stop


_JOIN = (
    "void(uint32[::1], uint32[::1], uint16[::1], uint16[::1], {w}[::1], int64, int64, int64,"
    " int64[::1], int64[::1], uint32[::1], uint32[::1], uint16[::1], {w}[::1])"
)
join_rows_int16 = loop(_JOIN.format(w="int16"))(_join_rows)
join_rows_int32 = loop(_JOIN.format(w="int32"))(_join_rows)


@loop("void(uint32[::1], uint32[::1], uint16[::1], int64, int64, int64, int64, int64[::1])")
def count_tiles(rows, starts, targets, first, base, tiles, bits, counts):
    """Count a bundle's synapses by number and tile of ``2**bits`` cells.

    Args:
        rows, starts, targets: of the bundle in a block.
        first: number of its first source; ``base``: cell of target 0.
        counts: (numbers x tiles), added to.
    """
    for s in range(rows.size - 1):
        row = (first + s) * tiles
        for e in range(starts[rows[s]], starts[rows[s + 1]]):
            counts[row + ((base + targets[e]) >> bits)] += 1


def _fill_tiles(
    rows, starts, targets, weights, first, base, tiles, bits, weight, begins, at, values,
    targets_out, weights_out,
):  # fmt: skip
    """Append a bundle's synapses to the rows of numbers and tiles.

    Args:
        as for ``count_tiles``, and
        weights: individual ones, or empty: then ``weight`` is that of all.
        begins, at: by number and tile: the row's first place, and the next free one; advanced.
        values: out: the weight of each row, where it is not individual.
        targets_out, weights_out: the joined rows.

    Returns:
        Whether each row has one weight; always true for individual ones.
    """
    individual = weights.size > 0
    mask = (1 << bits) - 1
    for s in range(rows.size - 1):
        row = (first + s) * tiles
        for e in range(starts[rows[s]], starts[rows[s + 1]]):
            cell = base + targets[e]
            tile = row + (cell >> bits)
            place = at[tile]
            targets_out[place] = cell & mask
            if individual:
                weights_out[place] = weights[e]
            elif place > begins[tile] and values[tile] != weight:
                return False
            else:
                values[tile] = weight
            at[tile] = place + 1
    return True


_FILL = (
    "boolean(uint32[::1], uint32[::1], uint16[::1], {w}[::1], int64, int64, int64, int64,"
    " int64, int64[::1], int64[::1], int32[::1], uint16[::1], {w}[::1])"
)
fill_tiles_int16 = loop(_FILL.format(w="int16"))(_fill_tiles)
fill_tiles_int32 = loop(_FILL.format(w="int32"))(_fill_tiles)
