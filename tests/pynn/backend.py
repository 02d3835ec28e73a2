"""What tests of the PyNN backend share: one kind of network, so that one kernel does for all."""

import numpy as np

import spikecuda.pynn as sim


def setup(**options):
    """Begin a simulation whose networks have the kernel of the comparison with NEST."""
    return sim.setup(timestep=0.1, precision="float64", threads=1, **options)


def driven(n=3, **parameters):
    """Return neurons with a steady and a changing current, and both sources."""
    cells = sim.Population(n, sim.IF_curr_exp(**parameters), label="cells")
    steady = sim.DCSource(amplitude=0.0, start=0.0, stop=1e9)
    changing = sim.StepCurrentSource(times=[1.0], amplitudes=[0.0])
    steady.inject_into(cells)
    changing.inject_into(cells)
    return cells, steady, changing


def values(population, name, segment=-1):
    """Return what was recorded of a variable, shape (samples, neurons)."""
    return population.get_data().segments[segment].filter(name=name)[0].magnitude


def trains(population, segment=-1):
    """Return the recorded spike trains, a list of arrays of times in ms."""
    return [np.array(t) for t in population.get_data().segments[segment].spiketrains]
