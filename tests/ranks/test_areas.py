"""Groups of populations that long delays set apart are placed on processes as a whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import Network
from spikecuda.network import ExpCurrent, FixedTotal
from spikecuda.network.ranks.areas import MOST_STEPS, UNEVEN, place
from spikecuda.network.ranks.share import split_ranks
from spikecuda.plasticity import STDP


def described(sizes, delays, within=0.1, plasticity=None):
    """Return the description of areas of two populations each.

    Args:
        sizes: neurons of each population.
        delays: steps of 0.1 ms from each area to the next; 0: no projection.
    """
    net = Network()
    for area, size in enumerate(sizes):
        for layer in "ab":
            net.population(f"{layer}{area}", size, "lif", receptors={"x": ExpCurrent(5.0)})
        for source, target in ("ab", "ba", "aa"):
            net.connect(
                f"{source}{area}", f"{target}{area}", FixedTotal(10), 1.0, within,
                plasticity=plasticity,
            )  # fmt: skip
    for area, steps in enumerate(delays):
        if steps:
            net.connect(f"a{area}", f"a{(area + 1) % len(sizes)}", FixedTotal(10), 1.0, 0.1 * steps)
    return net._describe()


def bounds_of(description, ranks):
    return split_ranks([p.size for p in description.populations], ranks)


def test_areas_are_whole_and_apart_by_the_shortest_delay_between_processes():
    bounds, apart = place(described([300, 300], [20, 30]), 2)
    assert apart == 20
    np.testing.assert_array_equal(bounds, [[0, 300, 300]] * 2 + [[0, 0, 300]] * 2)
    uneven = described([100, 300], [20, 30])
    np.testing.assert_array_equal(
        place(uneven, 2, [3.0, 1.0])[0], [[0, 0, 100]] * 2 + [[0, 300, 300]] * 2
    )
    assert place(described([300, 300], [0, 0]), 2)[1] == 1  # no delay says what is apart
    assert place(described([300, 300], [20, 3000]), 2)[1] == 20
    assert place(described([300, 300], [2000, 3000]), 2)[1] == MOST_STEPS


def test_populations_are_dealt_out_where_areas_do_not_help():
    cases = [
        (described([300, 300], [20, 30]), 1),
        (described([300, 300], [20, 30]), 3),  # two areas, three processes
        (described([300, 100], [20, 30]), 2),  # one would wait for the other
        (described([300, 300], [20, 1]), 2),  # as short between as within
        (described([300, 300], [20, 30], within=1.1), 2),  # not half as many exchanges
        (described([300, 300], [20, 30], plasticity=STDP(w_max=2.0)), 2),
    ]
    for description, ranks in cases:
        bounds, apart = place(description, ranks)
        np.testing.assert_array_equal(bounds, bounds_of(description, ranks))
        assert apart == 1


@given(
    st.lists(st.integers(40, 400), min_size=2, max_size=9),
    st.lists(st.integers(0, 40), min_size=9, max_size=9),
    st.integers(2, 4),
)
def test_no_spike_reaches_another_process_too_soon(sizes, delays, ranks):
    description = described(sizes, delays[: len(sizes)])
    bounds, apart = place(description, ranks)
    if apart == 1:
        np.testing.assert_array_equal(bounds, bounds_of(description, ranks))
        return
    assert (bounds[:, 0] == 0).all() and (np.diff(bounds, axis=1) >= 0).all()
    np.testing.assert_array_equal(bounds[:, -1], np.repeat(sizes, 2))
    owned = np.diff(bounds, axis=1)
    assert ((owned > 0).sum(axis=1) == 1).all()
    owner = owned.argmax(axis=1)
    for p in description.wired:
        if owner[p.source.population.number] != owner[p.target.population.number]:
            assert p.delay_steps()[0] >= apart >= 2
    load = owned.sum(axis=0)
    assert load.max() <= (1.0 + UNEVEN) * load.mean() + 1.0
