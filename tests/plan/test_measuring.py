"""What is measured for a plan is what happens: rows that are looked up and delivered."""

import numpy as np
import pytest

from spikecuda.kernels.network import layout as L
from spikecuda.plan.row_rig import CELLS, WINDOW, RowRig


@pytest.mark.parametrize("width", [0, 2, 4])
@pytest.mark.parametrize("pieces", [1, 5])
def test_the_rig_delivers_all_synapses_of_its_spikes(width, pieces):
    rig = RowRig(500, 7, width, 1, 20, pieces)
    rig.window(rig.fill(20))
    assert not rig.cells.any()  # delays are a window and more
    for _ in range(1 + pieces):
        rig.window()
    ids = rig.spikes(20)
    starts = rig.starts.astype(np.int64)
    synapses = sum(int(starts[(i + 1) * pieces] - starts[i * pieces]) for i in ids)
    assert ids.size == 20 * WINDOW
    assert rig.cells.sum() == 3 * synapses  # each has weight 3
    assert rig.state[L.CALENDAR_EVENTS] == synapses and rig.state[L.CALENDAR_ACTIVE] == 0
    assert rig.targets.max() < CELLS


def test_spikes_without_rows_find_none():
    rig = RowRig(6400, 3, 2, 64, 20)
    rig.window(rig.fill(20, found=False))
    rig.window()
    assert not rig.cells.any() and rig.state[L.CALENDAR_EVENTS] == 0
    look, row = rig.measure(20, 2, found=False)
    assert look >= 0 and row >= 0
