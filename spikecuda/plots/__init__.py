"""Pictures of spikes, traces, weights and space: rasters, rates, trials, histograms, positions.

Populations are given by name, in the order they are drawn: the first at the top.  Neurons are
given as in ``spikecuda.analysis``.  Names that end in E or I (``"L4E"``, ``"L2/3 I"``, ``"e"``) or
hold "exc" or "inh" are drawn as excitatory or inhibitory.  All return matplotlib's figure:

- ``path``: written there (PNG, SVG, PDF by its ending);
- ``ax`` (of ``raster``, weights and space): drawn into axes of yours, without a style of its own;
- neither: a figure that pyplot knows, so that a notebook shows it.
"""

from spikecuda.plots.correlograms import correlograms
from spikecuda.plots.fields import receptive_fields
from spikecuda.plots.psth import psth
from spikecuda.plots.raster import raster
from spikecuda.plots.rates import rates
from spikecuda.plots.space import positions, targets
from spikecuda.plots.traces import traces
from spikecuda.plots.weights import weight_histogram, weight_matrix, weight_traces

__all__ = [
    "correlograms",
    "positions",
    "psth",
    "raster",
    "rates",
    "receptive_fields",
    "targets",
    "traces",
    "weight_histogram",
    "weight_matrix",
    "weight_traces",
]
