"""Any sequence of runs, changes, resets, trials and saves: the bits of the same without saving."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steered import bits, equal
from test_steering_sequences import OPERATIONS, Steered

from spikecuda import Uniform
from spikecuda.network import FixedProbability, Network
from spikecuda.plasticity import STDP

PLACES = [
    {"devices": "cpu", "threads": 1}, {"devices": "cpu", "threads": 2, "partitions": 3},
    {"devices": ["cpu", "cpu"]}, {"devices": "cuda-emu"}, {"devices": ["cuda-emu", "cpu"]},
]  # fmt: skip


class Saved(Steered):
    """A network that learns, and that is saved and loaded elsewhere.

    Args:
        folder: for files; None: it is not saved.
        options: of the network.
    """

    def __init__(self, folder=None, **options):
        super().__init__(**options)
        self.folder = folder
        self.net.connect(
            "E", "E", FixedProbability(0.2), 40.0, Uniform(0.5, 2.0), "exc",
            plasticity=STDP(w_max=80.0),
        )  # fmt: skip

    def save(self, place):
        """Save the network, and go on with the one that is loaded."""
        if self.folder is None:
            return
        path = self.net.save(self.folder / "net.spk", rows=bool(len(self.found) % 2))
        self.net.close()
        self.net = net = Network.load(path, **PLACES[place])
        self.drives, self.trains = list(net.drives[2:4]), list(net.drives[4:])

    def learned(self):
        """Note the weights that were learned."""
        self.found.append(self.net.projections[-1].weights)

    def freeze(self, seed):
        """Let weights stay, or learn again."""
        self.net.projections[-1].plastic = bool(seed % 2)


SAVES = st.tuples(st.just("save"), st.integers(0, len(PLACES) - 1))
MORE = st.one_of(OPERATIONS, st.tuples(st.just("freeze"), st.integers(0, 1)))


def done(operations, **options):
    """Return the bits of all runs, and of the weights at the end."""
    saved = Saved(**options)
    for name, *arguments in [("run", 20, 20), *operations, ("run", 40, 7), ("learned",)]:
        getattr(saved, name)(*arguments)
    saved.net.close()
    return saved.found


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(MORE, SAVES), min_size=2, max_size=8), SAVES,
    st.sampled_from(["float16", "float32"]),
)  # fmt: skip
def test_saves_change_no_bit(operations, last, precision):
    operations = [*operations, last]
    with tempfile.TemporaryDirectory() as folder:
        saved = done(operations, folder=Path(folder), precision=precision)
    assert equal(saved, done(operations, precision=precision))


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_what_is_saved_goes_on_as_if_it_was_not(tmp_path, place):
    saved, other = (Saved(**PLACES[i]) for i in (place, 0))
    saved.run(25, 25)
    saved.net.save(tmp_path / "net.spk")
    saved.run(30, 30)
    for steps in (25, 30):
        other.run(steps, steps)
    assert equal(saved.found, other.found)
    w = other.net.projections[-1].weights
    assert np.array_equal(saved.net.projections[-1].weights, w)
    with Network.load(tmp_path / "net.spk", **PLACES[0]) as loaded:
        found = bits(loaded.run(3.0))
        assert equal(found, other.found[5:])
        assert np.array_equal(loaded.projections[-1].weights, w)
        assert loaded.metrics().spikes == other.net.metrics().spikes
        assert loaded.metrics().events == other.net.metrics().events
        assert equal(bits(loaded.result), found)
