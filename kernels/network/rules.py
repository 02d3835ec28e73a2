"""The numbers of the rules of connection, which the loops decide on; free of Numba.

A rule's row is drawn by two texts, because a warp's lanes walk it side by side: a loop of
``cpu_loops/network_draw`` and a walk of ``templates/deliver_drawn_cuda``.  A test compares them
for every rule.
"""

RULES = (
    ALL_TO_ALL, ONE_TO_ONE, PROBABILITY, OUT_DEGREE, IN_DEGREE, EXPLICIT, NEAR, NEAR_OUT, NEAR_IN,
) = range(9)  # fmt: skip

# How the loops that build synapses go through them: by source, by target, or as they are listed.
ORDERS = ROWS, COLUMNS, LISTED = "rows", "columns", "listed"

# The loops that draw the targets of a row, or with a fixed in-degree the sources of a column.
DRAWS = DRAW_RANGE, DRAW_SCATTERED, DRAW_CHOSEN, DRAW_NEAR, DRAW_CHOSEN_NEAR = (
    "draw_range", "draw_scattered", "draw_chosen", "draw_near", "draw_chosen_near",
)  # fmt: skip
# Those that go by distances, which are in ``cpu_loops/network_space``.
SPATIAL = DRAW_NEAR, DRAW_CHOSEN_NEAR
# The type of all these loops.
TARGETS = "int64(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)"
