"""How rows are delivered on devices: every kernel, every way to share the work, the same sums."""

import functools

import numpy as np
import pytest
from cuda_networks import balanced, dense, every_receptor, outcome, wide

from spikecuda import Normal
from spikecuda.devices.emulated.device import CudaEmuDevice
from spikecuda.kernels import routines
from spikecuda.network import Network
from spikecuda.network.cuda import delivery
from spikecuda.network.cuda import row_tables as row_tables
from spikecuda.network.cuda.delivery import choose
from spikecuda.network.cuda.row_tables import RowTable
from spikecuda.network.synapses import blocks

STYLES = {
    "threads": (delivery, {"SHORT_ROW": 10**9}),
    "warps": (delivery, {"SHORT_ROW": 0}),
    "tiles": (row_tables, {"DENSE": 0.0, "TILE_ROW": 0}),
}


@pytest.fixture
def force(monkeypatch):
    def by_style(style):
        module, values = STYLES[style]
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)

    return by_style


def run(structure, devices, *parts):
    with Network(0.1, 11, devices=devices) as net:
        structure(net)
        return outcome(net, *parts)


@pytest.fixture(scope="module")
def expected():
    """The processor's results, each made once."""

    @functools.cache
    def of(structure, *parts):
        return run(structure, "cpu", *parts)

    return of


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("structure", [balanced, dense, every_receptor])
def test_every_style_gives_the_same_sums(force, expected, structure, style):
    force(style)
    for resident in (64, 8192):
        devices = [CudaEmuDevice(0, block=64), CudaEmuDevice(1, block=32)]
        for device in devices:
            device.resident_threads = resident
        assert run(structure, devices[:1], 12.0) == expected(structure, 12.0)
        assert run(structure, devices, 5.0, 7.0) == expected(structure, 12.0)
        for device in devices:
            device.close()


@pytest.mark.parametrize("mode", ["check", "race"])
def test_tiles_have_no_stray_access_and_no_race(force, expected, mode):
    force("tiles")
    device = CudaEmuDevice(mode=mode, block=64)
    assert run(dense, [device], 6.0) == expected(dense, 6.0)
    device.close()


@pytest.mark.parametrize("weight", [20.0, Normal(20.0, 2.0)], ids=["constant", "individual"])
def test_rows_over_several_tiles_and_pages(force, expected, monkeypatch, weight):
    structure = functools.partial(wide, weight=weight)
    wanted = run(structure, "cpu", 4.0)
    assert run(structure, "cuda-emu", 4.0) == wanted
    # Pages of 2,048 neurons instead of 65,536, and tiles although activity is low.
    force("tiles")
    monkeypatch.setattr(blocks, "MAX_BLOCK", 2048)
    monkeypatch.setattr(row_tables, "MAX_BLOCK", 2048)
    with Network(0.1, 11, devices="cuda-emu") as net:
        structure(net)
        assert outcome(net, 4.0) == wanted
        (partition,) = net.build().partitions
        assert len(partition.share.blocks) == 3
        assert sorted(row_table.tiles for row_table, _ in partition.resident.row_tables) == [0, 2]


def row_table(rows, synapses, segments, **options):
    """A sheet of equal rows."""
    lengths = np.full(rows, synapses, np.int64)
    return RowTable(routines.NARROW, {}, lengths, rows * segments, segments, **options)


def test_short_rows_are_delivered_by_threads():
    choice = choose(row_table(1000, 5, 2), 1, 10, 1000, 1 << 15, 128)
    assert choice.routine == routines.deliver_short(routines.NARROW)
    assert choice.blocks == 8  # a thread for every spike that there can be


def test_many_spikes_give_each_warp_a_row():
    choice = choose(row_table(10_000, 1000, 40), 1, 5000, 10_000, 1 << 15, 128)
    assert choice.routine == routines.deliver_rows(routines.NARROW)
    assert choice.options == {"pieces": 1, "group": 32}
    assert choice.blocks == (1 << 15) // 128


def test_few_spikes_let_warps_share_rows():
    choice = choose(row_table(77_000, 3900, 90), 1, 25, 77_000, 132 * 1024, 128)
    pieces, population = choice.options["pieces"], choice.options["group"]
    # Enough warps to be busy, each with at least PIECE_SYNAPSES to do, and together the whole row.
    assert pieces * population >= 90
    assert population * 3900 / 90 >= delivery.PIECE_SYNAPSES
    assert 25 * pieces >= 500


def test_a_long_row_without_segments_to_share_stays_whole():
    choice = choose(row_table(100, 200, 1), 1, 1, 100, 1 << 15, 128)
    assert choice.options["pieces"] == 1


def test_tiles_have_a_block_for_each_step_and_tile():
    tiled = row_table(12_500, 1250, 2, tiles=2, delay=15)
    choice = choose(tiled, 15, 750, 187_500, 132 * 1024, 256)
    assert choice.routine == routines.deliver_tiles(routines.NARROW)
    assert choice.options == {"delay": 15, "tiles": 2, "steps": 15, "parts": 2}
    assert choice.blocks == 2 * 15 * 2


def test_dense_rows_of_one_delay_are_tiled_and_others_not():
    with Network(0.1, 3, devices="cuda-emu") as net:
        dense(net, sizes=(2400, 800))
        (partition,) = net.build().partitions
        kinds = [(s.tiles, s.delay, s.synapses) for s, _ in partition.resident.row_tables]
    # At 10 Hz 8,000 events a step for 6,400 cells; the rows of the other delay are too few.
    assert kinds[0][:2] == (1, 15) and kinds[0][2] > 8e6
    assert kinds[1][0] == 0
