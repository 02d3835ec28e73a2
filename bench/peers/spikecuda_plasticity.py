"""The plastic network of ``plastic_problem.py`` in spikecuda; see ``turns.py``."""

import sys
from pathlib import Path

import numpy as np
import plastic_problem as problem
from turns import serve

import spikecuda

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from plasticity import network, plastic, song


class Built:
    """A network, built."""

    version = spikecuda.__version__

    def __init__(self, rule: str, threads: int, seed: int) -> None:
        self.rule = rule
        if rule == problem.SONG:
            self.net = song(seed=seed, threads=threads)
        else:
            self.net = network(rule, seed=seed, threads=threads)
        self.net.build()
        self.total = (0, 0)

    def run(self, duration: float) -> float | None:
        """Run for so many ms."""
        spikes = self.net.run(duration).spikes
        if self.rule == problem.SONG:
            new = (problem.song_inputs(duration), spikes["cell"].step.size)
        else:
            new = (spikes["E"].step.size, spikes["I"].step.size)
        self.total = (self.total[0] + new[0], self.total[1] + new[1])

    def spikes(self) -> tuple[int, int]:
        """The spikes of each population so far."""
        return self.total

    def weights(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the plastic weights."""
        projection = plastic(self.net)
        if projection is None:
            return None
        values = np.asarray(projection.weights, dtype=np.float64)
        return float(values.mean()), float(values.std())


serve(Built)
