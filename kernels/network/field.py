"""The table that tells loops where neurons are, and the kinds of masks and profiles; no Numba.

``spikecuda.network.synapses.field`` writes it; the loops only read it, but for ``G_WRONG``.
"""

AXES = 3

# Integers of a field: who looks (a row's neuron), and who is looked at (the choices).
FIELD = 24
(
    S_NUMBERS,  # address: float64, see G_* below
    S_ROWS,  # address: float64 (rows, AXES)
    S_CHOICES,  # address: float64 (choices, AXES)
    S_SORTED,  # address: float64 (AXES, choices), the choices in the order of their cells
    S_ORDER,  # address: int32, the number of each of these
    S_FIRST,  # address: int32, the first of each cell, and the end; cells of the first axis adjoin
    S_COUNT,  # choices
    S_CELLS,  # cells along each axis
    S_CELLS_1,
    S_CELLS_2,
    S_WRAP,  # bits: which axes are periodic
    S_MASK,  # kind of the mask
    S_P,  # kinds of the profiles of probability, weight and delay
    S_WEIGHT,
    S_DELAY,
    S_P_CALL,  # addresses of functions of the user's own
    S_WEIGHT_CALL,
    S_DELAY_CALL,
    S_LONGEST,  # places of each array of scratch
) = range(19)

# Floats of a field.
FLOATS = 48
(
    G_SIGN,  # 1 if rows are sources, -1 if they are targets
    G_ORIGIN,  # of the cells, for each axis
    G_PER,  # cells of a unit of length
    G_PERIOD,
    G_LOW,  # bounds of the displacement from a row's neuron to a choice
    G_HIGH,
    G_OFFSET,  # the middle of the mask, seen from the source; on periodic axes within half a period
    G_MASK,  # six numbers of the mask
    G_P,  # five numbers of each profile
    G_WEIGHT,
    G_DELAY,
    G_WRONG,  # set to 1 where a function of the user's own has returned NaN
    G_AROUND,  # periods of the axes along which the mask goes over an edge, 0 of others
) = 0, 1, 4, 7, 10, 13, 16, 19, 25, 30, 35, 40, 41

# Masks, seen from their middle: up to a distance and beyond another one (their squares); a box
# (lower and upper corners); an ellipse (cosine and sine of its angle, inverses of the half axes,
# and the bound of the sum).
RING, BLOCK, OVAL = range(3)
# Profiles of a distance, with numbers (a, b, c, low, high) and bounded by the last two: a;
# a exp(b (distance - c)^2); a exp(b distance); a + b distance; a function of the user's own.
CONSTANT, GAUSSIAN, EXPONENTIAL, LINEAR, OWN = range(5)
